//! The context: a process with the engine that it runs in.

use crate::code::stack_trace;
use crate::engine::Engine;
use crate::process::escape::{Escape, NativeResult};
use crate::process::{Process, ProcessData};
use crate::sched::SLICE;
use purlin_term::{Heap, Term, weight};
use std::sync::Arc;

/// Reductions of work that a native does on its scheduler's thread at most: some milliseconds.
const LONG: usize = 2 * SLICE as usize;

/// What a native works with: the calling process and its engine.
pub struct Ctx<'a> {
    pub engine: &'a Arc<Engine>,
    /// The calling process, as others see it.
    pub process: &'a Arc<Process>,
    /// The calling process, as only its running thread sees it.
    pub data: &'a mut ProcessData,
}

impl Ctx<'_> {
    /// The calling process's heap. Allocation never collects: terms stay in place for the whole call.
    #[inline]
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.data.heap
    }

    /// The calling process's pid.
    #[inline]
    pub fn pid(&self) -> Term {
        self.process.pid()
    }

    /// Counts work against the process's time slice.
    #[inline]
    pub fn charge(&mut self, reductions: usize) {
        self.data.charge(reductions);
    }

    /// Whether the time slice is used up, so that a long native should return [`Escape::Yield`].
    #[inline]
    pub fn out_of_reductions(&self) -> bool {
        self.data.reductions_left() <= 0
    }

    /// Asks to do work of so many reductions here. If that is longer than a process may hold its scheduler, the native is
    /// called again, with the same arguments, on a thread for long work: so it must not have changed anything, and may
    /// not look at the process's own data. Guards cannot move.
    #[inline]
    pub fn room_for(&self, reductions: usize) -> Result<(), Escape> {
        if reductions > LONG || self.engine.config.collect_always { self.go_elsewhere(reductions) } else { Ok(()) }
    }

    /// As [`Ctx::room_for`], for work on the cells of a list, of which so many take a reduction.
    #[inline]
    pub fn room_for_list(&self, list: Term, per_reduction: usize) -> Result<(), Escape> {
        let limit = LONG * per_reduction;
        let long = self.data.heap.weight() > limit && list.iter().nth(limit).is_some();
        self.room_for(if long { LONG + 1 } else { 0 })
    }

    /// As [`Ctx::room_for`], for work on all of a term, of whose [weight] so much takes a reduction.
    #[inline]
    pub fn room_for_term(&self, t: Term, per_reduction: usize) -> Result<(), Escape> {
        let limit = LONG * per_reduction;
        let long = self.data.heap.weight() > limit && weight::exceeds(t, limit);
        self.room_for(if long { LONG + 1 } else { 0 })
    }

    /// In virtual time nothing moves: a run could not be repeated. Where tests collect everywhere, short work moves, too,
    /// now and then.
    #[cold]
    fn go_elsewhere(&self, reductions: usize) -> Result<(), Escape> {
        let short = reductions <= LONG && self.data.slice_left & 7 != 0;
        let here = short || self.may_block() || self.engine.clock.is_virtual() || self.engine.runner().is_none();
        if here { Ok(()) } else { Err(Escape::Compute) }
    }

    /// Whether this native may block, because it runs on the pool; else [`Escape::Block`] has it run there.
    pub fn may_block(&self) -> bool {
        self.process.is_offloaded()
    }

    /// The module whose code called this native.
    pub fn caller_module(&self) -> Option<purlin_term::Atom> {
        self.caller().map(|entry| entry.module.name)
    }

    /// The function whose code called this native.
    pub fn caller(&self) -> Option<&'static crate::code::FnEntry> {
        let here = stack_trace::addresses(&self.data.heap, None, 1);
        let pc = if self.data.pc.is_null() { *here.first()? as usize } else { self.data.pc as usize };
        let call = pc.checked_sub(std::mem::size_of::<crate::code::instr::Op>())?;
        self.engine.code.locate(call).map(|(entry, _)| entry)
    }

    /// A new unique reference.
    pub fn make_ref(&mut self) -> Term {
        let id = self.engine.next_ref();
        self.data.heap.reference(id)
    }

    /// `{ok, T}`.
    pub fn ok(&mut self, t: Term) -> NativeResult {
        Ok(self.data.heap.tuple(&[Term::atom(purlin_term::Atom::OK), t]))
    }

    /// `{error, T}`.
    pub fn error(&mut self, t: Term) -> NativeResult {
        Ok(self.data.heap.tuple(&[Term::atom(purlin_term::Atom::ERROR), t]))
    }
}
