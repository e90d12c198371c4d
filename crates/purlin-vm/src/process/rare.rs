//! Settings that few processes have, and those of processes that are started without their own.

use crate::code::points::Point;
use crate::process::gc::{self, Depth};
use crate::process::saved_calls::SavedCalls;
use crate::process::signal::BrokenMessage;
use crate::process::suspension::Suspension;
use crate::process::tracee::SessionId;
use crate::sync::{AtomicBool, Ordering};
use purlin_term::heap::VirtualHeap;
use purlin_term::{Immediate, Owned};
use std::sync::Arc;

/// The `min_bin_vheap_size` of most processes.
pub const MIN_BIN_VHEAP: usize = VirtualHeap::LIMIT as usize;

/// Settings that few processes have.
#[derive(Clone)]
pub struct Rare {
    pub min_heap_size: usize,
    pub min_bin_vheap_size: usize,
    pub fullsweep_after: u32,
    pub max_heap_size: MaxHeap,
    /// Processes that this process suspends.
    pub suspending: Vec<Suspension>,
    /// Collections that others asked for while collecting was held: the depth, and whom to answer what.
    pub held_collections: Vec<(Depth, Immediate, Arc<Owned>)>,
    /// As these, of the collector of literals.
    pub held_questions: Vec<Question>,
    /// The last calls, if they are saved.
    pub saved_calls: Option<SavedCalls>,
    /// Whether this process has blocked multi-scheduling.
    pub blocks_multi: bool,
    /// The functions whose time or memory is being measured.
    pub measured: Vec<Measured>,
    /// Words that collections have taken away since memory is measured.
    pub words_gone: i64,
    /// The settings of system monitors by which the message queue is too long.
    pub long_queues: Vec<u64>,
    /// Messages of other nodes that are no terms, which came while the process was suspended.
    pub broken: Vec<BrokenMessage>,
}

/// What a session of tracing measures of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    Time,
    Memory,
}

/// Which function a session measures at the time.
#[derive(Clone, Copy)]
pub struct Measured {
    pub session: SessionId,
    pub what: Measure,
    pub point: Option<&'static Point>,
    /// When its time began, or how many words there had been.
    pub since: i64,
}

/// How much the collector of literals asks of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// To say whether it refers to condemned literals.
    Look,
    /// To replace its references.
    Copy,
}

/// What the collector of literals asks of a process.
#[derive(Clone)]
pub struct Question {
    pub collector: Immediate,
    /// What the answer begins with behind its tag.
    pub id: Arc<Owned>,
    pub how: How,
}

/// The `max_heap_size` of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MaxHeap {
    /// Words (0: no limit).
    pub size: usize,
    pub kill: bool,
    pub error_logger: bool,
    /// Off-heap binaries count, too (since OTP 27).
    pub include_shared_binaries: bool,
}

impl Default for Rare {
    fn default() -> Rare {
        Rare {
            min_heap_size: gc::MIN_HEAP,
            min_bin_vheap_size: MIN_BIN_VHEAP,
            fullsweep_after: 65535,
            max_heap_size: MaxHeap { size: 0, kill: true, error_logger: true, include_shared_binaries: false },
            suspending: Vec::new(),
            held_collections: Vec::new(),
            held_questions: Vec::new(),
            saved_calls: None,
            blocks_multi: false,
            measured: Vec::new(),
            words_gone: 0,
            long_queues: Vec::new(),
            broken: Vec::new(),
        }
    }
}

/// The settings of processes that are started without their own.
#[derive(Default)]
pub struct Defaults {
    /// Whether anything is other than usual: most engines leave all as it is, and their processes need nothing of their own.
    changed: AtomicBool,
    settings: parking_lot::RwLock<Rare>,
}

impl Rare {
    /// Whether what a process can be started with is as if it was started with nothing.
    fn is_usual(&self) -> bool {
        let settings = |r: &Rare| (r.min_heap_size, r.min_bin_vheap_size, r.fullsweep_after, r.max_heap_size);
        settings(self) == settings(&Rare::default())
    }
}

impl Defaults {
    /// What a new process gets; `None`: the usual.
    pub fn get(&self) -> Option<Box<Rare>> {
        self.changed.load(Ordering::Acquire).then(|| Box::new(self.settings.read().clone()))
    }

    /// Changes the settings of the processes to come.
    pub fn change<R>(&self, change: impl FnOnce(&mut Rare) -> R) -> R {
        let mut settings = self.settings.write();
        let result = change(&mut settings);
        self.changed.store(!settings.is_usual(), Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_settings_are_nothing_of_a_processs_own() {
        let defaults = Defaults::default();
        defaults.change(|r| r.min_heap_size = Rare::default().min_heap_size);
        assert!(defaults.get().is_none());
        defaults.change(|r| r.fullsweep_after = 3);
        assert_eq!(defaults.get().map(|r| r.fullsweep_after), Some(3));
        defaults.change(|r| *r = Rare::default());
        assert!(defaults.get().is_none());
    }
}
