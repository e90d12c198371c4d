//! What a process keeps of another one that it suspends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A process that is suspended by the one that keeps this.
#[derive(Clone, Debug)]
pub struct Suspension {
    pub suspendee: u64,
    /// How often.
    pub count: u32,
    pub(crate) active: Arc<AtomicBool>,
}

impl Suspension {
    /// Whether the suspendee has handled the signal.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }
}
