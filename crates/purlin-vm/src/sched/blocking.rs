//! A native under way that blocks or computes for long: a pool thread runs it while its process sleeps and handles
//! signals as ever.
//!
//! The rule that must stay true: the process's heap, which holds the native's arguments, neither moves nor goes away
//! before the native returns. So nothing is collected meanwhile, and a process that ends leaves its heap behind. The
//! native allocates in a heap of its own, which becomes part of the process's when it is back.

use crate::process::offload::Offload;
use crate::process::signal::tasks::Tasks;
use crate::process::{Activity, Priority, Process, ProcessData};
use parking_lot::Mutex;
use purlin_term::Heap;
use std::sync::Arc;

/// A native to be run on the pool.
pub(crate) struct BlockingCall {
    pub(crate) process: Arc<Process>,
    /// It computes, rather than wait for something.
    pub(crate) computes: bool,
    /// What the native works with in place of the process's own data.
    pub(crate) data: Box<ProcessData>,
    /// Ends after the native: what a process left behind is read till then.
    pub(crate) _heap: Arc<Mutex<Option<Heap>>>,
}

impl BlockingCall {
    /// Prepares the native that the process stopped at.
    pub fn new(process: &Arc<Process>, data: &mut ProcessData, computes: bool) -> BlockingCall {
        let heap = Arc::new(Mutex::new(None));
        let mut own = Box::new(ProcessData::new(Heap::new(0), data.saved_x.clone(), data.initial_call));
        own.pc = data.pc;
        own.group_leader = data.group_leader;
        data.offload = Some(Box::new(Offload { heap: heap.clone(), postponed: Tasks::default() }));
        data.activity = Activity::Running;
        process.set_offloaded(true);
        BlockingCall { process: process.clone(), computes, data: own, _heap: heap }
    }

    /// The priority of the process.
    pub fn priority(&self) -> Priority {
        self.process.scheduled_priority()
    }
}
