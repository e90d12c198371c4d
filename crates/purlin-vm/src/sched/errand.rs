//! A blocking native under way: a pool thread runs it while its process sleeps and handles signals as ever.
//!
//! The rule that must stay true: the process's heap, which holds the native's arguments, neither moves nor goes away
//! before the native returns. So nothing is collected meanwhile, and a process that ends leaves its heap behind. The
//! native allocates in a heap of its own, which becomes part of the process's when it is back.

use super::microstate::State;
use crate::engine::Engine;
use crate::lifecycle::panic::guard;
use crate::process::grace::present_for_code;
use crate::process::offload::Offload;
use crate::process::signal::tasks::Tasks;
use crate::process::signal::{Signal, Target};
use crate::process::{Activity, Priority, Process, ProcessData};
use parking_lot::Mutex;
use purlin_term::{Heap, Term};
use std::sync::Arc;

/// A native to be run on the pool.
pub(super) struct Errand {
    process: Arc<Process>,
    /// What the native works with in place of the process's own data.
    data: Box<ProcessData>,
    _heap: Arc<Mutex<Option<Heap>>>,
}

impl Errand {
    /// Prepares the blocking native that the process stopped at.
    pub fn new(process: &Arc<Process>, data: &mut ProcessData) -> Errand {
        let heap = Arc::new(Mutex::new(None));
        let mut own = Box::new(ProcessData::new(Heap::new(0), data.saved_x.clone(), data.initial_call));
        own.pc = data.pc;
        own.group_leader = data.group_leader;
        data.offload = Some(Box::new(Offload { heap: heap.clone(), postponed: Tasks::default() }));
        data.activity = Activity::Running;
        process.set_offloaded(true);
        Errand { process: process.clone(), data: own, _heap: heap }
    }

    /// The priority of the process.
    pub fn priority(&self) -> Priority {
        self.process.scheduled_priority()
    }

    /// Runs the native and hands its result to the process, if that is still there.
    pub fn run(self, engine: &Arc<Engine>) {
        let Errand { process, mut data, _heap } = self;
        let runner = engine.runner().expect("schedulers are started with a runner");
        let counted = engine.sched.wall_time.begin_any(engine.sched.count(), engine.clock.now());
        let run = || guard(engine, &process, &mut data, |data| runner.block(engine, &process, data));
        let state = |state| counted.map(|i| engine.sched.microstates.enter(i, state, || engine.clock.now()));
        state(State::Emulator);
        let failed = present_for_code(run).err();
        state(State::Sleep);
        if let Some(i) = counted {
            engine.sched.wall_time.end(i, engine.clock.now());
        }
        let pid = process.pid();
        let back = Signal::request(move |engine, target| {
            let Target::Alive(process, to) = target else { return };
            let mut postponed = to.offload.take().map_or_else(Tasks::default, |a| a.postponed);
            process.set_offloaded(false);
            to.activity = Activity::Runnable;
            to.heap.absorb(std::mem::replace(&mut data.heap, Heap::new(0)));
            to.pending = data.pending.take();
            to.pc = data.pc;
            to.roots.append(&mut data.roots);
            to.exit_reason = failed.unwrap_or(Term::NONE);
            while let Some(task) = postponed.take() {
                task(engine, Target::Alive(process, to));
            }
        });
        // `_heap` ends after the native: what a process left behind was read till now.
        engine.post(pid, back);
    }
}
