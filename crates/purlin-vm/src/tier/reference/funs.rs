//! Making and calling funs.

use super::{Machine, Next, Run};
use crate::code::instr::{MakeFun, Op};
use crate::code::op::Running;
use crate::code::{FnEntry, Mfa};
use crate::engine::runner::Stop;
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Term};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Makes a fun but for its environment at a place on the heap that there is room at; false, and nothing is changed, where
/// the list of what counts references has to grow first.
///
/// # Safety
/// OWNER: the machine's process is the one that runs. The caller writes the environment before anything else happens.
#[inline(always)]
pub unsafe fn new_fun(m: *mut Running, f: &MakeFun, at: *mut u64) -> bool {
    let m: *mut Machine = m.cast();
    // SAFETY: OWNER: by the caller's promise; OFFHEAP: the new fun owns its count.
    unsafe {
        let off_heap = &mut (*(*m).running.data).heap.spaces_mut().off_heap;
        if off_heap.len() == off_heap.capacity() {
            return false;
        }
        *at = Kind::Fun.header(2 + f.env.len());
        *at.add(1) = Arc::as_ptr(f.entry) as u64;
        *at.add(2) = (*(*m).process).pid().raw();
        Arc::increment_strong_count(Arc::as_ptr(f.entry));
        off_heap.as_mut_ptr().add(off_heap.len()).write(at);
        off_heap.set_len(off_heap.len() + 1);
    }
    true
}

impl Run<'_> {
    pub(super) fn make_fun(&mut self, f: &'static MakeFun) {
        let env: smallvec::SmallVec<[Term; 8]> = f.env.iter().map(|&s| self.get(s)).collect();
        let t = self.data.heap.fun(f.entry, self.process.pid(), &env);
        self.set(f.dst, t);
    }

    /// Goes to a fun's body; its arguments are in the X registers and, when the call is not the last thing that its
    /// function does, the return address is on the stack. `pc` is the calling instruction.
    pub(super) fn call_fun(&mut self, pc: *const Op, fun: Term, arity: usize) -> Next {
        if let Some((entry, _, env)) = fun.as_fun() {
            if entry.arity as usize != arity {
                return self.bad_arity(pc, fun, arity);
            }
            let body = entry.code.load(Ordering::Acquire) as *const FnEntry;
            // SAFETY: CODE: the word is null or a function entry, which stays while this process runs.
            let Some(body) = (unsafe { body.as_ref() }) else { return self.undefined_lambda(pc, fun, arity) };
            self.m.x[arity..arity + env.len()].copy_from_slice(env);
            return self.enter_at(body.start(), body.mfa.arity);
        }
        if let Some((module, function, a)) = fun.as_export_fun() {
            if a as usize != arity {
                return self.bad_arity(pc, fun, arity);
            }
            return self.call_mfa(Mfa { module, function, arity: a });
        }
        self.bad_fun(pc, fun)
    }

    fn bad_fun(&mut self, pc: *const Op, fun: Term) -> Next {
        let reason = self.data.heap.tuple(&[Term::atom(Atom::BADFUN), fun]);
        self.fun_call_error(pc, reason)
    }

    fn bad_arity(&mut self, pc: *const Op, fun: Term, arity: usize) -> Next {
        let args = self.m.x[..arity].to_vec();
        let heap = &mut self.data.heap;
        let args = heap.list(&args);
        let call = heap.tuple(&[fun, args]);
        let reason = heap.tuple(&[Term::atom(Atom::BADARITY), call]);
        self.fun_call_error(pc, reason)
    }

    /// The fun has no code: it is being purged, or its module is not loaded, or what is loaded does not have it.
    #[cold]
    fn undefined_lambda(&mut self, pc: *const Op, fun: Term, arity: usize) -> Next {
        let Some((entry, ..)) = fun.as_fun() else { return self.bad_fun(pc, fun) };
        let code = &self.engine.code;
        let purged = code.waits_for_purge(entry, self.process.id());
        if !purged && code.generations(entry.module).current.is_some() {
            return self.bad_fun(pc, fun);
        }
        let args = self.m.x[..arity].to_vec();
        let list = self.data.heap.list(&args);
        self.load_args(&[Term::atom(entry.module), fun, list]);
        let purger =
            Mfa { module: Atom::new("erts_code_purger"), function: Atom::new("pending_purge_lambda"), arity: 3 };
        if purged && let Some(again) = code.exports.get(purger).start() {
            // When the purge has ended the process is resumed there, and calls the fun again.
            self.data.suspended += 1;
            return Next::Stop(self.stop_at(again, 3, Stop::Yield));
        }
        self.settle(3);
        self.call_mfa(Mfa { module: self.data.error_handler, function: Atom::UNDEFINED_LAMBDA, arity: 3 })
    }
}
