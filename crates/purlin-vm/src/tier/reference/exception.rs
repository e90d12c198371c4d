//! Raising, catching, and the end of a process by an uncaught exception.
//!
//! A handler finds x0 = no value, x1 = class, x2 = reason, x3 = trace, as the compiler expects.

use super::{Next, Run};
use crate::code::NativeEntry;
use crate::code::fixed::RETURN;
use crate::code::instr::{Dst, Op};
use crate::code::stack_trace;
use crate::engine::runner::Stop;
use crate::process::escape::Class;
use crate::tracing::Flags;
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Term};

/// Set when the stack may hold frames of tracing.
const TRACED_FRAMES: Flags = Flags(Flags::EXCEPTION_FRAMES.0 | Flags::RETURN_TO.0);

impl Run<'_> {
    fn depth(&self) -> usize {
        // A failed call itself is always told.
        self.engine.backtrace_depth().max(1)
    }

    /// Raises an exception at the instruction `pc`, with that instruction's place as the innermost frame.
    #[cold]
    pub(super) fn raise_here(&mut self, pc: *const Op, class: Class, reason: Term) -> Next {
        let addresses = stack_trace::addresses(&self.data.heap, Some(pc.wrapping_add(1) as usize), self.depth());
        let t = stack_trace::raw(&mut self.data.heap, class, &[], &addresses);
        self.throw(class, reason, t)
    }

    /// `error:Reason` at `pc`.
    #[cold]
    pub(super) fn error_here(&mut self, pc: *const Op, reason: Term) -> Next {
        self.raise_here(pc, Class::Error, reason)
    }

    /// `error:Reason` of a call of a fun that could not be made. As on the BEAM, the call stands in the trace twice unless
    /// it is in tail position: as the place of the error, and by its return address, which is on the stack already. Where
    /// that is no place in a module, `apply/2` was called as a function and calls the fun.
    #[cold]
    pub(super) fn fun_call_error(&mut self, pc: *const Op, reason: Term) -> Next {
        let depth = self.depth();
        let mut addresses = stack_trace::addresses(&self.data.heap, None, depth);
        let mut frames = Vec::new();
        if pc == RETURN.start() {
            frames.push(self.frame_of_apply(2));
            addresses.truncate(depth - 1);
        } else {
            addresses.insert(0, pc.wrapping_add(1) as u64);
            addresses.truncate(depth);
        }
        let t = stack_trace::raw(&mut self.data.heap, Class::Error, &frames, &addresses);
        self.throw(Class::Error, reason, t)
    }

    /// `apply` as a function that calls, which it is on the BEAM.
    fn frame_of_apply(&mut self, arity: u8) -> Term {
        let (module, function) = (Term::atom(Atom::ERLANG), Term::atom(Atom::APPLY));
        self.data.heap.tuple(&[module, function, Term::small(arity as i64), Term::NIL])
    }

    /// `error:{Tag, Value}` at `pc`.
    #[cold]
    pub(super) fn error_with(&mut self, pc: *const Op, tag: Atom, value: Term) -> Next {
        let reason = self.data.heap.tuple(&[Term::atom(tag), value]);
        self.raise_here(pc, Class::Error, reason)
    }

    /// An error in a native that was called at `pc`, or, with no `pc`, as a function whose caller's return address
    /// is on the stack. The native is the innermost frame.
    #[cold]
    pub(super) fn native_error(
        &mut self,
        pc: Option<*const Op>,
        native: &NativeEntry,
        args: &[Term],
        reason: Term,
        cause: Term,
    ) -> Next {
        let heap = &mut self.data.heap;
        let info = stack_trace::error_info(heap, native.mfa.module, cause);
        let args = heap.list(args);
        let (m, f) = (Term::atom(native.mfa.module), Term::atom(native.mfa.function));
        let mut frames = vec![heap.tuple(&[m, f, args, info])];
        let at = pc.map(|pc| pc.wrapping_add(1) as usize);
        let depth = self.depth();
        let is_apply = native.mfa.function == Atom::APPLY && native.mfa.module == Atom::ERLANG;
        // A process that begins with `apply/3` begins with what that applies.
        let begins = native.mfa.arity == 3 && self.data.heap.stack().nth(1).is_none();
        if pc.is_none() && is_apply && !begins && depth > 1 {
            frames.push(self.frame_of_apply(native.mfa.arity));
        }
        let addresses = stack_trace::addresses(&self.data.heap, at, depth - frames.len());
        let t = stack_trace::raw(&mut self.data.heap, Class::Error, &frames, &addresses);
        self.throw(Class::Error, reason, t)
    }

    /// An exception of the caller's own making (`exit/1`, `throw/1`, `error/1,2,3`), raised by a native called at
    /// `pc` or, with no `pc`, as a function.
    #[cold]
    pub(super) fn caller_raises(
        &mut self,
        pc: Option<*const Op>,
        class: Class,
        reason: Term,
        args: Term,
        info: Term,
    ) -> Next {
        let at = pc.map(|pc| pc.wrapping_add(1) as usize);
        let mut addresses = stack_trace::addresses(&self.data.heap, at, self.depth());
        let mut frames = Vec::new();
        if (!args.is_none() || !info.is_none())
            && let Some((entry, index)) = addresses
                .first()
                .and_then(|&a| self.engine.code.locate((a as usize).wrapping_sub(std::mem::size_of::<Op>())))
        {
            addresses.remove(0);
            let heap = &mut self.data.heap;
            let tail = if info.is_none() { Term::NIL } else { stack_trace::info_list(heap, info) };
            let location = stack_trace::location(heap, entry, index, tail);
            let args = if args.is_none() { Term::small(entry.mfa.arity as i64) } else { args };
            frames.push(stack_trace::frame(heap, entry, args, location));
        }
        let t = stack_trace::raw(&mut self.data.heap, class, &frames, &addresses);
        self.throw(class, reason, t)
    }

    /// `function_clause` of the function at `pc`, its arguments in the X registers.
    #[cold]
    pub(super) fn function_clause(&mut self, pc: *const Op, entry: &crate::code::FnEntry) -> Next {
        let index = self.engine.code.locate(pc as usize).map_or(0, |(_, i)| i);
        let n = entry.mfa.arity as usize;
        let mut args = Vec::with_capacity(n);
        for i in 0..n {
            let t = self.x(i);
            // A match context stands for the binary it reads.
            let t = match t.boxed_kind() {
                Some(Kind::MatchCtx) => purlin_term::bits::get_tail(&mut self.data.heap, t).unwrap_or(t),
                _ => t,
            };
            args.push(t);
        }
        let heap = &mut self.data.heap;
        let args = heap.list(&args);
        let location = stack_trace::location(heap, entry, index, Term::NIL);
        let frame = stack_trace::frame(heap, entry, args, location);
        let addresses = stack_trace::addresses(heap, None, self.engine.backtrace_depth().saturating_sub(1));
        let t = stack_trace::raw(&mut self.data.heap, Class::Error, &[frame], &addresses);
        self.throw(Class::Error, Term::atom(Atom::FUNCTION_CLAUSE), t)
    }

    /// `undef` of a function called with these arguments.
    #[cold]
    pub(super) fn undefined(&mut self, module: Atom, function: Atom, args: &[Term]) -> Next {
        let heap = &mut self.data.heap;
        let args = heap.list(args);
        let frame = heap.tuple(&[Term::atom(module), Term::atom(function), args, Term::NIL]);
        let addresses = stack_trace::addresses(heap, None, self.engine.backtrace_depth().saturating_sub(1));
        let t = stack_trace::raw(&mut self.data.heap, Class::Error, &[frame], &addresses);
        self.throw(Class::Error, Term::atom(Atom::UNDEF), t)
    }

    /// Goes to the innermost handler with this exception, or ends the process.
    pub(super) fn throw(&mut self, class: Class, reason: Term, trace: Term) -> Next {
        let mut p = self.data.heap.end;
        let bottom = self.data.heap.block.end();
        let mut frame = p;
        while p < bottom {
            // SAFETY: LIVE: `p` walks the stack's words.
            let w = unsafe { Term::from_raw(*p) };
            if w.is_header() {
                frame = p.wrapping_add(1);
            } else if let Some(handler) = w.as_catch() {
                if self.process.trace.flags().any(TRACED_FRAMES) {
                    self.unwind_traced(class, reason, Some(p));
                }
                self.set_stack(frame);
                self.set_x(0, Term::NONE);
                self.set_x(1, class.atom());
                self.set_x(2, reason);
                self.set_x(3, trace);
                crate::messaging::receive::unwind(&mut self.ctx(), p);
                // Exceptions can be a loop, too.
                self.data.slice_left -= 1;
                if self.data.slice_left <= 0 {
                    return Next::Stop(self.stop_at(handler as *const Op, 4, Stop::Yield));
                }
                return Next::At(handler as *const Op);
            }
            p = p.wrapping_add(1);
        }
        if self.process.trace.flags().any(TRACED_FRAMES) {
            match class {
                Class::Throw => {
                    let reason = self.data.heap.tuple(&[Term::atom(Atom::NOCATCH), reason]);
                    self.unwind_traced(Class::Error, reason, None);
                }
                _ => self.unwind_traced(class, reason, None),
            }
        }
        Next::Stop(self.uncaught(class, reason, trace))
    }

    fn uncaught(&mut self, class: Class, reason: Term, trace: Term) -> Stop {
        let reason = match class {
            Class::Exit => reason,
            Class::Error | Class::Throw => {
                let stack = stack_trace::finished(&self.engine.code, &mut self.data.heap, trace);
                let heap = &mut self.data.heap;
                let value = match class {
                    Class::Throw => heap.tuple(&[Term::atom(Atom::NOCATCH), reason]),
                    _ => reason,
                };
                let reason = heap.tuple(&[value, stack]);
                crate::engine::report::crash(&self.ctx(), reason);
                reason
            }
        };
        Stop::Exited(reason)
    }

    // ---- instructions

    /// `catch_end`: what a `catch` expression gives.
    pub(super) fn catch_end(&mut self, slot: Dst) {
        self.set(slot, Term::NIL);
        if !self.x(0).is_none() {
            return;
        }
        let (class, reason, trace) = (self.x(1), self.x(2), self.x(3));
        let value = if class.is(Atom::THROW) {
            reason
        } else {
            let inner = if class.is(Atom::ERROR) {
                let stack = stack_trace::finished(&self.engine.code, &mut self.data.heap, trace);
                self.data.heap.tuple(&[reason, stack])
            } else {
                reason
            };
            self.data.heap.tuple(&[Term::atom(Atom::EXIT_TAG), inner])
        };
        self.set_x(0, value);
        self.settle(1);
    }

    /// `try_case`: class, reason and trace to x0, x1, x2.
    pub(super) fn try_case(&mut self, slot: Dst) {
        self.set(slot, Term::NIL);
        for i in 0..3 {
            self.set_x(i, self.x(i + 1));
        }
    }

    /// `raise`: the exception goes on as it was; its class stands in the trace.
    pub(super) fn reraise(&mut self, trace: Term, value: Term) -> Next {
        let class = stack_trace::class(trace).and_then(class_of).unwrap_or(Class::Error);
        self.throw(class, value, trace)
    }

    /// `raw_raise`: class in x0, reason in x1, trace in x2; a wrong class gives `badarg` in x0.
    pub(super) fn raw_raise(&mut self, pc: *const Op) -> Next {
        match class_of(self.x(0)) {
            Some(class) => {
                let (reason, trace) = (self.x(1), self.x(2));
                let trace = stack_trace::of_class(&mut self.data.heap, trace, class);
                self.throw(class, reason, trace)
            }
            None => {
                self.set_x(0, Term::atom(Atom::BADARG));
                Next::At(pc.wrapping_add(1))
            }
        }
    }

    /// `build_stacktrace`: the raw trace in x0 becomes a list.
    pub(super) fn build_stacktrace(&mut self) {
        self.ensure(stack_trace::words(self.m.x[0]), 1);
        let t = stack_trace::finished(&self.engine.code, &mut self.data.heap, self.m.x[0]);
        self.set_x(0, t);
        self.settle(1);
    }
}

fn class_of(t: Term) -> Option<Class> {
    match t.as_atom()? {
        Atom::ERROR => Some(Class::Error),
        Atom::EXIT => Some(Class::Exit),
        Atom::THROW => Some(Class::Throw),
        _ => None,
    }
}
