//! A process: the part that others may touch ([`Process`]) and the part that only its running thread may
//! ([`ProcessData`], invariant OWNER).

use purlin_term::{Heap, Term};
use std::cell::UnsafeCell;

/// A process as other processes see it.
pub struct Process {
    /// Process data of the pid (28 bits).
    id: u64,
    data: UnsafeCell<ProcessData>,
}

// SAFETY: OWNER: `data` is reached only through `Process::data`, whose caller holds the run state.
unsafe impl Sync for Process {}
// SAFETY: all parts can move to another thread.
unsafe impl Send for Process {}

impl Process {
    pub fn new(id: u64, data: ProcessData) -> Process {
        Process { id, data: UnsafeCell::new(data) }
    }

    #[inline]
    pub fn pid(&self) -> Term {
        Term::pid(self.id)
    }

    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The private part.
    ///
    /// # Safety
    /// The caller holds the run state (OWNER) and keeps no second reference.
    #[allow(clippy::mut_from_ref)]
    #[inline]
    pub unsafe fn data(&self) -> &mut ProcessData {
        // SAFETY: by the caller's promise.
        unsafe { &mut *self.data.get() }
    }
}

/// A process as its running thread sees it.
pub struct ProcessData {
    /// Terms and, at the other end of the same block, the stack (`heap.end` is the stack pointer).
    pub heap: Heap,
    /// X registers while the process does not run, `live` of them; arguments of the function to start with.
    pub saved_x: Vec<Term>,
    /// Reductions left in this time slice; the process yields at 0 or below.
    pub slice_left: i32,
    /// Reductions used in earlier time slices.
    pub reductions: u64,
    /// Further terms that the engine keeps for the process and that collection must follow.
    pub roots: Vec<Term>,
}

impl ProcessData {
    #[inline]
    pub fn charge(&mut self, reductions: usize) {
        self.slice_left = self.slice_left.saturating_sub(reductions.min(i32::MAX as usize) as i32);
    }
}
