//! What a process notes of its blocking native while the pool runs that.

use super::Priority;
use super::signal::Request;
use super::signal::tasks::Tasks;
use parking_lot::Mutex;
use purlin_term::Heap;
use std::sync::Arc;

/// What a process notes of its native on the pool.
pub struct Offload {
    /// Where a process that ends before the native leaves its heap.
    pub(crate) heap: Arc<Mutex<Option<Heap>>>,
    /// Tasks that have to wait for the native's end.
    pub(crate) postponed: Tasks<Request>,
}

impl Offload {
    /// Carries out a task of this priority as soon as the native is back.
    pub fn postpone(&mut self, priority: Priority, task: Request) {
        self.postponed.push(priority, task);
    }

    /// The highest priority of who waits for the native's end.
    pub(crate) fn priority(&self) -> Option<Priority> {
        self.postponed.priority()
    }

    /// The process has ended: the native may still read the heap, and gives back what waited for it.
    pub(crate) fn leave(self, heap: Heap) -> Tasks<Request> {
        *self.heap.lock() = Some(heap);
        self.postponed
    }
}
