//! Calls: functions, natives, applies, and what natives ask for instead of returning.

use super::{Next, Run, saved_calls};
use crate::code::fixed::{PROCESS_END, RETURN};
use crate::code::instr::{NO_FAIL, Op};
use crate::code::native::NativeKind;
use crate::code::stack_trace;
use crate::code::{Export, FnEntry, Mfa, NativeEntry};
use crate::engine::runner::Stop;
use crate::process::escape::{Class, Escape, NativeResult};
use crate::process::gc::Depth;
use crate::process::{Flags, Hibernation};
use purlin_term::{Atom, Term, am};

impl Run<'_> {
    /// Calls a native with these arguments.
    #[inline(always)]
    pub(super) fn native(&mut self, n: &'static NativeEntry, args: &[Term]) -> NativeResult {
        crate::lifecycle::panic::call(&n.native, &mut self.ctx(), args)
    }

    /// `call_ext` to a native: its value to x0.
    #[inline(always)]
    pub(in crate::tier) fn call_native(&mut self, pc: *const Op, n: &'static NativeEntry) -> Next {
        if n.is_called_as_function() {
            self.push(pc.wrapping_add(1));
            return Next::At(n.start());
        }
        self.data.pc = pc.wrapping_add(1);
        let args = self.args(n.mfa.arity as usize);
        // SAFETY: a native may not touch the registers, which live in the machine and not in the process.
        match self.native(n, unsafe { &*args }) {
            Ok(t) => {
                self.set_x(0, t);
                self.sync_stack();
                self.settle(1);
                Next::At(pc.wrapping_add(1))
            }
            Err(escape) => self.escape(Some(pc), n, escape),
        }
    }

    /// A tail call of `apply` or `hibernate`, whose errors are in the calling function.
    pub(super) fn call_native_last(&mut self, pc: *const Op, n: &'static NativeEntry, slots: u32) -> Next {
        if n.is_called_as_function() {
            self.drop_slots(slots);
            return Next::At(n.start());
        }
        self.data.pc = pc.wrapping_add(1);
        let args = self.args(n.mfa.arity as usize);
        // SAFETY: as in `call_native`.
        match self.native(n, unsafe { &*args }) {
            // These are raised in the function that applies them: its frame stays.
            Err(escape)
                if matches!(&escape, Escape::Trap { module, function, args }
                    if raises_in_caller(*module, *function, args.len())) =>
            {
                self.escape(Some(pc), n, escape)
            }
            Err(
                escape @ (Escape::Trap { .. } | Escape::Enter { .. } | Escape::Apply { .. } | Escape::Hibernate { .. }),
            ) => {
                self.drop_slots(slots);
                self.continue_elsewhere(pc, n, escape)
            }
            Err(escape) => self.escape(Some(pc), n, escape),
            Ok(t) => {
                self.drop_slots(slots);
                self.set_x(0, t);
                self.settle(1);
                Next::At(RETURN.start())
            }
        }
    }

    fn args(&self, n: usize) -> *const [Term] {
        &self.m.x[..n]
    }

    /// The body of a native that was called as a function: its arguments are in the X registers.
    pub(in crate::tier) fn native_body(&mut self, pc: *const Op, n: &'static NativeEntry) -> Next {
        if n.is_blocking() {
            let how = if n.native.kind == NativeKind::Computing { Stop::Computing } else { Stop::Blocking };
            let stop = self.stop_at(pc, n.mfa.arity as usize, how);
            return Next::Stop(stop);
        }
        self.data.pc = std::ptr::null();
        let args = self.args(n.mfa.arity as usize);
        // SAFETY: as in `call_native`.
        let result = crate::lifecycle::panic::call_as_function(n, &mut self.ctx(), unsafe { &*args });
        self.native_returned(n, result)
    }

    /// A native came back from the pool of blocking threads.
    pub(super) fn native_done(&mut self, n: &'static NativeEntry) -> Next {
        match self.data.pending.take() {
            Some(result) => self.native_returned(n, *result),
            None => self.escape(None, n, Escape::BADARG),
        }
    }

    fn native_returned(&mut self, n: &'static NativeEntry, result: NativeResult) -> Next {
        match result {
            Ok(t) => {
                self.set_x(0, t);
                self.sync_stack();
                self.settle(1);
                Next::At(RETURN.start())
            }
            Err(escape) => self.escape(None, n, escape),
        }
    }

    /// Does what a native asked for. `pc` is the instruction that called it, or nothing when the native was called
    /// as a function, so that its caller's return address is on the stack.
    #[cold]
    pub(in crate::tier) fn escape(&mut self, pc: Option<*const Op>, n: &'static NativeEntry, escape: Escape) -> Next {
        self.sync_stack();
        let arity = n.mfa.arity as usize;
        match escape {
            Escape::Error(reason) => {
                let args = self.m.x[..arity].to_vec();
                self.native_error(pc, n, &args, reason, Term::NONE)
            }
            Escape::ErrorCause(reason, cause) => {
                let args = self.m.x[..arity].to_vec();
                self.native_error(pc, n, &args, reason, cause)
            }
            Escape::ErrorOf { reason, cause, args } => self.native_error(pc, n, &args, reason, cause),
            Escape::Exit(reason) => self.caller_raises(pc, Class::Exit, reason, Term::NONE, Term::NONE),
            Escape::Throw(reason) => self.caller_raises(pc, Class::Throw, reason, Term::NONE, Term::NONE),
            Escape::CallerError { reason, args, info } => self.caller_raises(pc, Class::Error, reason, args, info),
            Escape::Raise { class, reason, stack } => {
                let t = stack_trace::from_list(&mut self.data.heap, class, stack);
                self.throw(class, reason, t)
            }
            Escape::Exited(reason) => Next::Stop(Stop::Exited(reason)),
            Escape::YieldReturn(t) => {
                self.set_x(0, t);
                self.settle(1);
                let at = pc.map_or(RETURN.start(), |pc| pc.wrapping_add(1));
                Next::Stop(self.stop_at(at, 1, Stop::Yield))
            }
            Escape::HibernateReturn => {
                self.set_x(0, am!("ok"));
                self.settle(1);
                self.collect_to(0, 1, Depth::Tight);
                let at = pc.map_or(RETURN.start(), |pc| pc.wrapping_add(1));
                Next::Stop(self.hibernate(at, 1, Hibernation::Returns))
            }
            // All others go on elsewhere and return to the native's caller.
            other => {
                if let Some(pc) = pc {
                    self.ensure_call_room();
                    self.push(pc.wrapping_add(1));
                }
                self.continue_elsewhere(pc.unwrap_or(RETURN.start()), n, other)
            }
        }
    }

    /// A native's arguments may be in fragments only its escape knows of, so the room for one return address is
    /// taken without collecting.
    fn ensure_call_room(&mut self) {
        debug_assert!(self.data.heap.free_words() >= 1);
    }

    /// `pc` is where errors of the call are, or the return of a native that was called as a function.
    fn continue_elsewhere(&mut self, pc: *const Op, n: &'static NativeEntry, escape: Escape) -> Next {
        match escape {
            Escape::Trap { module, function, args } => {
                self.load_args(&args);
                self.settle(args.len());
                self.call_mfa(Mfa { module, function, arity: args.len() as u8 })
            }
            Escape::Enter { entry, args } => {
                self.load_args(&args);
                self.settle(args.len());
                self.enter_function(entry)
            }
            Escape::Native { entry, args } => {
                self.load_args(&args);
                self.settle(args.len());
                self.enter_at(entry.start(), entry.mfa.arity)
            }
            Escape::Apply { fun, args } => {
                self.load_args(&args);
                self.set_x(args.len(), fun);
                self.settle(args.len() + 1);
                let fun = self.x(args.len());
                self.call_fun(pc, fun, args.len())
            }
            Escape::Yield(args) => {
                self.load_args(&args);
                self.settle(args.len());
                Next::Stop(self.stop_at(n.body(), args.len(), Stop::Yield))
            }
            Escape::Wait(args) => {
                self.load_args(&args);
                self.settle(args.len());
                Next::Stop(self.stop_at(n.body(), args.len(), Stop::Suspend))
            }
            Escape::Again | Escape::Block | Escape::Compute => {
                let arity = n.mfa.arity as usize;
                let stop = match escape {
                    Escape::Again => Stop::Yield,
                    Escape::Compute => Stop::Computing,
                    _ => Stop::Blocking,
                };
                self.settle(arity);
                Next::Stop(self.stop_at(n.body(), arity, stop))
            }
            Escape::Hibernate { module, function, args } => {
                self.load_args(&args);
                crate::messaging::receive::unwind_all(&mut self.ctx());
                self.set_stack(self.data.heap.block.end());
                self.push(PROCESS_END.start());
                self.collect_to(0, args.len(), Depth::Tight);
                let mfa = Mfa { module, function, arity: args.len() as u8 };
                let export = self.engine.code.exports.get(mfa);
                // The error handler takes module, function and arguments.
                let live = if export.start().is_some() { args.len() } else { 3 };
                match self.enter_export(export) {
                    Next::At(pc) => Next::Stop(self.hibernate(pc, live, Hibernation::Calls)),
                    stop => stop,
                }
            }
            _ => unreachable!("raised by `escape`"),
        }
    }

    /// Goes on at `pc` once there is a message.
    fn hibernate(&mut self, pc: *const Op, live: usize, how: Hibernation) -> Stop {
        let waits = self.data.mailbox.is_empty();
        if waits {
            self.data.hibernation = how;
        }
        self.stop_at(pc, live, if waits { Stop::Wait } else { Stop::Yield })
    }

    pub(super) fn load_args(&mut self, args: &[Term]) {
        self.m.x[..args.len()].copy_from_slice(args);
    }

    /// Saves the call that the instruction at `pc` is about to make, if it is one.
    #[cold]
    pub(super) fn save_call(&mut self, pc: *const Op) {
        // SAFETY: CODE: `pc` is at an instruction.
        let call = saved_calls::of_instruction(unsafe { &(*pc).instr }, &self.m.x[..]);
        if let (Some(call), false) = (call, self.data.flags.has(Flags::SENSITIVE))
            && let Some(saved) = &mut self.data.rare_mut().saved_calls
        {
            saved.note(call);
        }
    }

    // ---- functions

    /// Goes to a function; its arguments are in the X registers and its return address is on the stack.
    #[inline(always)]
    pub(super) fn enter_function(&mut self, entry: &'static FnEntry) -> Next {
        self.enter_at(entry.start(), entry.mfa.arity)
    }

    #[inline(always)]
    pub(super) fn enter_at(&mut self, start: *const Op, arity: u8) -> Next {
        self.data.slice_left -= 1;
        if self.data.slice_left <= 0 {
            return Next::Stop(self.stop_at(start, arity as usize, Stop::Yield));
        }
        Next::At(start)
    }

    /// Translates a function at its first call, then goes there.
    #[cold]
    pub(super) fn translate(&mut self, entry: &'static FnEntry) -> Next {
        match crate::code::translate(&self.engine.code, entry) {
            Ok(()) => Next::At(entry.body()),
            Err(e) => {
                let heap = &mut self.data.heap;
                let text = heap.binary(format!("{}: {e}", entry.mfa.module.name()).as_bytes());
                let reason = heap.tuple(&[Term::atom(Atom::BADFILE), text]);
                let addresses = stack_trace::addresses(heap, None, 8);
                let t = stack_trace::raw(&mut self.data.heap, Class::Error, &[], &addresses);
                self.throw(Class::Error, reason, t)
            }
        }
    }

    /// Goes to an exported function.
    #[inline(always)]
    pub(super) fn enter_export(&mut self, export: &'static Export) -> Next {
        if let Some(f) = export.function() {
            return self.enter_at(f.start(), f.mfa.arity);
        }
        match export.native {
            Some(n) => self.enter_at(n.start(), n.mfa.arity),
            None => self.call_undefined(export.mfa),
        }
    }

    /// Goes to a function by name.
    pub(super) fn call_mfa(&mut self, mfa: Mfa) -> Next {
        self.enter_export(self.engine.code.exports.get(mfa))
    }

    /// A function that is not loaded: the process's error handler loads it, or raises `undef`.
    #[cold]
    fn call_undefined(&mut self, mfa: Mfa) -> Next {
        let handler = self.data.error_handler;
        let export =
            self.engine.code.exports.get(Mfa { module: handler, function: Atom::UNDEFINED_FUNCTION, arity: 3 });
        let args = self.m.x[..mfa.arity as usize].to_vec();
        match export.start() {
            Some(start) => {
                let list = self.data.heap.list(&args);
                self.load_args(&[Term::atom(mfa.module), Term::atom(mfa.function), list]);
                self.settle(3);
                self.enter_at(start, 3)
            }
            None => self.undefined(mfa.module, mfa.function, &args),
        }
    }

    /// An applied `erlang:apply/3` is what it applies, so that errors come from the function that applies it. The arity
    /// of what is to be applied; module and function are behind its arguments in the X registers.
    #[inline]
    pub(super) fn unwrap_apply(&mut self, arity: usize) -> usize {
        let mut n = arity;
        while n == 3 && self.x(3).is(Atom::ERLANG) && self.x(4).is(Atom::APPLY) {
            let (module, function) = (self.x(0), self.x(1));
            let Some(args) = self.x(2).as_list().filter(|l| l.len() < 256) else { break };
            if !module.is_atom() || !function.is_atom() {
                break;
            }
            n = args.len();
            self.load_args(&args);
            self.set_x(n, module);
            self.set_x(n + 1, function);
        }
        n
    }

    /// `apply`: module and function behind the arguments in the X registers.
    pub(super) fn apply(&mut self, pc: *const Op, arity: usize) -> Next {
        let (module, function) = (self.x(arity), self.x(arity + 1));
        let (Some(m), Some(f)) = (module.as_atom(), function.as_atom()) else {
            let args = self.m.x[..arity].to_vec();
            let args = self.data.heap.list(&args);
            let native = self.engine.code.exports.native(Mfa { module: Atom::ERLANG, function: Atom::APPLY, arity: 3 });
            return match native {
                Some(n) => {
                    self.native_error(Some(pc), n, &[module, function, args], Term::atom(Atom::BADARG), Term::NONE)
                }
                None => self.error_here(pc, Term::atom(Atom::BADARG)),
            };
        };
        self.call_mfa(Mfa { module: m, function: f, arity: arity as u8 })
    }

    /// `apply`.
    pub(in crate::tier) fn apply_here(&mut self, pc: *const Op, arity: usize) -> Next {
        let arity = self.unwrap_apply(arity);
        if self.x(arity).is_atom() && self.x(arity + 1).is_atom() {
            self.push(pc.wrapping_add(1));
        }
        self.apply(pc, arity)
    }

    /// `apply_last`.
    pub(in crate::tier) fn apply_last(&mut self, pc: *const Op, arity: usize, slots: u32) -> Next {
        let arity = self.unwrap_apply(arity);
        if let (Some(m), Some(f)) = (self.x(arity).as_atom(), self.x(arity + 1).as_atom()) {
            if raises_in_caller(m, f, arity) {
                self.push(pc.wrapping_add(1));
            } else {
                self.drop_slots(slots);
            }
        }
        self.apply(pc, arity)
    }

    /// Takes a return address from the stack.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> *const Op {
        let sp = self.data.heap.end;
        // SAFETY: LIVE: `return` stands where the frame is gone and the return address is on top.
        let w = unsafe { Term::from_raw(*sp) };
        self.set_stack(sp.wrapping_add(1));
        debug_assert!(w.is_header(), "a return address is on top of the stack");
        (w.raw() & !3) as *const Op
    }

    /// Where a failed test goes.
    #[inline(always)]
    pub(in crate::tier) fn jump(pc: *const Op, rel: i32) -> *const Op {
        debug_assert!(rel != NO_FAIL);
        pc.wrapping_byte_offset(rel as isize)
    }
}

/// Whether an applied function is one of those that raise an exception of their caller; `exit/2` sends a signal.
fn raises_in_caller(module: Atom, function: Atom, arity: usize) -> bool {
    module == Atom::ERLANG
        && match function {
            Atom::ERROR => (1..=3).contains(&arity),
            Atom::EXIT | Atom::THROW => arity == 1,
            _ => false,
        }
}
