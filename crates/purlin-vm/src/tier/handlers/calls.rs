//! Calls of functions, funs and natives, and returns.

use super::heap::Count;
use super::{Mode, Place, State, X, handlers, operands, parts};
use crate::code::instr::Op;
use crate::code::{FnEntry, Mfa};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::ProcessData;
use crate::process::escape::Escape;
use crate::tier::reference::{Machine, Run, new_fun};
use purlin_term::boxed::{FunEntry, Kind, arity_of};
use purlin_term::{Atom, Term};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl State {
    /// Returns to the address on top of the stack.
    #[inline(always)]
    pub(super) unsafe fn pop_return(mut self) -> *const Op {
        // SAFETY: LIVE: where a function returns its frame is gone and the return address is on top.
        unsafe {
            self.pc = (*self.sp).wrapping_sub(Term::continuation(0).raw()) as *const Op;
            self.sp = self.sp.wrapping_add(1);
            self.go()
        }
    }

    /// Goes to a function's first instruction, for one reduction; there is more than one.
    #[inline(always)]
    unsafe fn enter(self, f: &FnEntry) -> *const Op {
        // SAFETY: CODE: a function's start is an instruction.
        unsafe { self.enter_at(f.start()) }
    }

    #[inline(always)]
    unsafe fn enter_at(mut self, start: *const Op) -> *const Op {
        self.left -= 1;
        self.pc = start;
        // SAFETY: CODE: a function's start is an instruction.
        unsafe { self.go() }
    }

    /// Copies a fun's environment behind the arguments and gives its body; `None` when the call is not an ordinary one.
    #[inline(always)]
    unsafe fn fun_body(&self, fun: Term, arity: u32) -> Option<&'static FnEntry> {
        if !fun.is_boxed() {
            return None;
        }
        // SAFETY: LIVE: a boxed term points to a header and its words; a fun's first is its entry.
        unsafe {
            let p = fun.boxed_pointer();
            if Kind::of_header(*p) != Kind::Fun {
                return None;
            }
            let entry = &*(*p.add(1) as *const FunEntry);
            if entry.arity as u32 != arity {
                return None;
            }
            let body = entry.code.load(Ordering::Acquire) as *const FnEntry;
            // Longer environments are for the loop: this stays without a call or a loop of its own.
            let n = arity_of(*p) - 2;
            let to = arity as usize;
            // Without a body the registers stay as they are: the fun is in the first that would be written to.
            if n > 4 || body.is_null() {
                return None;
            }
            if n > 0 {
                self.set_x(to, Term::from_raw(*p.add(3)));
                if n > 1 {
                    self.set_x(to + 1, Term::from_raw(*p.add(4)));
                    if n > 2 {
                        self.set_x(to + 2, Term::from_raw(*p.add(5)));
                        if n > 3 {
                            self.set_x(to + 3, Term::from_raw(*p.add(6)));
                        }
                    }
                }
            }
            body.as_ref()
        }
    }
}

impl State {
    /// Runs the `call` at the instruction pointer.
    #[inline(always)]
    unsafe fn call(mut self) -> *const Op {
        // SAFETY: CODE: the handler was chosen for this instruction.
        unsafe {
            operands!(self, Call(f));
            if self.left <= 1 {
                return self.slow();
            }
            self.push(self.pc.add(1));
            self.enter(f)
        }
    }

    /// Runs the `call_last` at the instruction pointer.
    #[inline(always)]
    unsafe fn call_last(mut self) -> *const Op {
        // SAFETY: as for `call`.
        unsafe {
            operands!(self, CallLast(f, slots));
            if self.left <= 1 {
                return self.slow();
            }
            self.sp = self.sp.wrapping_add(slots as usize);
            self.enter(f)
        }
    }

    /// Runs the `call_only` at the instruction pointer.
    #[inline(always)]
    unsafe fn call_only(self) -> *const Op {
        // SAFETY: as for `call`.
        unsafe {
            operands!(self, CallOnly(f));
            if self.left <= 1 { self.slow() } else { self.enter(f) }
        }
    }
}

impl State {
    /// Runs the `make_fun` at the instruction pointer, with `n` values in its environment.
    #[inline(always)]
    unsafe fn make_fun<D: Place>(mut self, n: usize) -> *const Op {
        // SAFETY: CODE: the handler was chosen for this instruction; OFFHEAP: the new fun owns its count.
        unsafe {
            operands!(self, MakeFun(f));
            if !self.has_room(3 + n) || !new_fun(self.m.cast(), f, self.top) {
                return self.slow();
            }
            let p = self.take(3 + n);
            self.fill(p.add(3), f.env, n);
            self.set::<D>(f.dst, Term::from_boxed(p));
            self.next()
        }
    }
}

handlers! {
    fn call(s) {
        s.call()
    }

    fn call_last(s) {
        s.call_last()
    }

    fn call_only(s) {
        s.call_only()
    }

    /// `move` and `call`.
    fn mv_call<A: Mode>(s) {
        operands!(s, Move { src, dst });
        s.set::<X>(dst, s.get::<A>(src));
        s.pc = s.pc.add(1);
        s.call()
    }

    /// `trim` and `call`.
    fn trim_call(s) {
        operands!(s, Trim(slots));
        s.sp = s.sp.wrapping_add(slots as usize);
        s.pc = s.pc.add(1);
        s.call()
    }

    /// `move` and `call_last`.
    fn mv_call_last<A: Mode>(s) {
        operands!(s, Move { src, dst });
        s.set::<X>(dst, s.get::<A>(src));
        s.pc = s.pc.add(1);
        s.call_last()
    }

    /// `move` and `call_only`.
    fn mv_call_only<A: Mode>(s) {
        operands!(s, Move { src, dst });
        s.set::<X>(dst, s.get::<A>(src));
        s.pc = s.pc.add(1);
        s.call_only()
    }

    fn call_ext(s) {
        operands!(s, CallExt(e));
        match e.function() {
            Some(f) if s.left > 1 => {
                s.push(s.pc.add(1));
                s.enter(f)
            }
            _ => s.slow(),
        }
    }

    fn call_ext_last(s) {
        operands!(s, CallExtLast(e, slots));
        match e.function() {
            Some(f) if s.left > 1 => {
                s.sp = s.sp.wrapping_add(slots as usize);
                s.enter(f)
            }
            _ => s.slow(),
        }
    }

    fn call_ext_only(s) {
        operands!(s, CallExtOnly(e));
        match e.function() {
            Some(f) if s.left > 1 => s.enter(f),
            _ => s.slow(),
        }
    }

    fn call_fun<F: Mode>(s) {
        operands!(s, CallFun { arity, fun });
        if s.left <= 1 {
            return s.slow();
        }
        match s.fun_body(s.get::<F>(fun), arity) {
            Some(f) => {
                s.push(s.pc.add(1));
                s.enter(f)
            }
            None => s.to(call_external_fun::<F>),
        }
    }

    fn call_external_fun<F: Mode>(s) {
        operands!(s, CallFun { arity, fun });
        let start = external(s.m, s.get::<F>(fun), arity);
        if start.is_null() {
            return s.slow();
        }
        s.push(s.pc.add(1));
        s.enter_at(start)
    }

    fn call_fun_last<F: Mode>(s) {
        operands!(s, CallFunLast { arity, fun, slots });
        if s.left <= 1 {
            return s.slow();
        }
        match s.fun_body(s.get::<F>(fun), arity) {
            Some(f) => {
                s.sp = s.sp.wrapping_add(slots as usize);
                s.enter(f)
            }
            None => s.to(call_external_fun_last::<F>),
        }
    }

    fn call_external_fun_last<F: Mode>(s) {
        operands!(s, CallFunLast { arity, fun, slots });
        let start = external(s.m, s.get::<F>(fun), arity);
        if start.is_null() {
            return s.slow();
        }
        s.sp = s.sp.wrapping_add(slots as usize);
        s.enter_at(start)
    }

    fn ret(s) {
        if s.left <= 1 {
            return s.slow();
        }
        s.left -= 1;
        s.pop_return()
    }

    fn call_native(s) {
        s.by(native)
    }

    /// The same where tests force collections.
    fn call_native_collecting(s) {
        s.by(any_native)
    }

    fn native_body(s) {
        s.by(body)
    }

    fn apply(s) {
        operands!(s, Apply { arity });
        let start = applied(s.m, arity);
        if start.is_null() || s.left <= 1 {
            return s.by(apply_here);
        }
        s.push(s.pc.add(1));
        s.enter_at(start)
    }

    fn apply_last(s) {
        operands!(s, ApplyLast { arity, slots });
        let start = applied(s.m, arity);
        if start.is_null() || s.left <= 1 {
            return s.by(apply_and_return);
        }
        s.sp = s.sp.wrapping_add(slots as usize);
        s.enter_at(start)
    }

    fn make_fun<D: Place>(s) {
        operands!(s, MakeFun(f));
        s.make_fun::<D>(f.env.len())
    }

    /// `make_fun` with so many values in its environment.
    fn make_fun_of<N: Count, D: Place>(s) {
        s.make_fun::<D>(N::N)
    }
}

/// Where the function begins that an external fun of this arity stands for; null for anything else.
#[inline(never)]
unsafe fn external(m: *mut Machine, fun: Term, arity: u32) -> *const Op {
    match fun.as_export_fun() {
        Some((module, function, a)) if u32::from(a) == arity => {
            // SAFETY: OWNER: the machine's engine is that of the process that runs.
            unsafe { exported(m, Mfa { module, function, arity: a }) }
        }
        _ => std::ptr::null(),
    }
}

/// Where the function begins whose module and name are in the X registers behind its arguments; null where it is no
/// function of a library.
#[inline(never)]
unsafe fn applied(m: *mut Machine, arity: u32) -> *const Op {
    // SAFETY: CODE: registers below 1024; OWNER: as for `external`.
    unsafe {
        let x = (&raw const (*m).x).cast::<Term>().add(arity as usize);
        match ((*x).as_atom(), (*x.add(1)).as_atom()) {
            (Some(module), Some(function)) if module != Atom::ERLANG => {
                exported(m, Mfa { module, function, arity: arity as u8 })
            }
            _ => std::ptr::null(),
        }
    }
}

/// Where a function begins that is loaded and no native.
#[inline(always)]
unsafe fn exported(m: *mut Machine, mfa: Mfa) -> *const Op {
    // SAFETY: OWNER: the machine's engine is that of the process that runs.
    let engine: &Arc<Engine> = unsafe { &*(*m).engine };
    engine.code.exports.get(mfa).function().map_or(std::ptr::null(), |f| f.start())
}

/// Calls a native in place, by as few instructions as its common end takes: a value, and no wish to collect.
#[inline(never)]
pub(super) unsafe fn native(m: *mut Machine, pc: *const Op) -> *const Op {
    // SAFETY: CODE: `pc` is at such an instruction; OWNER: the machine's process is the one that runs. A native may not
    // touch the registers, which live in the machine and not in the process.
    unsafe {
        operands!(@ (*pc).instr, CallNative(n));
        if n.is_called_as_function() {
            return any_native(m, pc);
        }
        let data: *mut ProcessData = (*m).running.data;
        (*data).pc = pc.wrapping_add(1);
        let mut ctx = Ctx { engine: &*(*m).engine, process: &*(*m).process, data: &mut *data };
        let args = std::slice::from_raw_parts((&raw const (*m).x).cast::<Term>(), n.mfa.arity as usize);
        match crate::lifecycle::panic::call(&n.native, &mut ctx, args) {
            Ok(t) => (*m).x[0] = t,
            Err(escape) => return escaped(m, pc, escape),
        }
        if (*data).heap.wants_collection() { settled(m, pc) } else { pc.wrapping_add(1) }
    }
}

/// Does what a native asked for.
#[cold]
#[inline(never)]
unsafe fn escaped(m: *mut Machine, pc: *const Op, escape: Escape) -> *const Op {
    // SAFETY: CODE, OWNER: as for `native`.
    unsafe {
        operands!(@ (*pc).instr, CallNative(n));
        let mut run = Run::of(m);
        let next = run.escape(Some(pc), n, escape);
        run.resume(next)
    }
}

/// Collects after a native.
#[cold]
#[inline(never)]
unsafe fn settled(m: *mut Machine, pc: *const Op) -> *const Op {
    // SAFETY: OWNER: as for `native`.
    unsafe { Run::of(m).settle(1) };
    pc.wrapping_add(1)
}

parts! {
    fn any_native(run, pc, CallNative(n)) { run.call_native(pc, n) }
    fn apply_here(run, pc, Apply { arity }) { run.apply_here(pc, arity as usize) }
    fn apply_and_return(run, pc, ApplyLast { arity, slots }) { run.apply_last(pc, arity as usize, slots) }
    fn body(run, pc, NativeBody(n)) { run.native_body(pc, n) }
}
