//! The context: a process with the engine that it runs in.

use crate::code::stack_trace;
use crate::engine::Engine;
use crate::process::escape::NativeResult;
use crate::process::{Process, ProcessData};
use purlin_term::{Heap, Term};
use std::sync::Arc;

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

    /// Whether the time slice is used up, so that a long native should return [`Escape::Yield`](crate::Escape::Yield).
    #[inline]
    pub fn out_of_reductions(&self) -> bool {
        self.data.slice_left <= 0
    }

    /// Whether this native may block, because it runs on the pool; else
    /// [`Escape::Block`](crate::Escape::Block) has it run there.
    pub fn may_block(&self) -> bool {
        self.process.is_offloaded()
    }

    /// The module whose code called this native.
    pub fn caller_module(&self) -> Option<purlin_term::Atom> {
        let here = stack_trace::addresses(&self.data.heap, None, 1);
        let pc = if self.data.pc.is_null() { *here.first()? as usize } else { self.data.pc as usize };
        let call = pc.checked_sub(std::mem::size_of::<crate::code::instr::Op>())?;
        self.engine.code.locate(call).map(|(entry, _)| entry.module.name)
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
