//! The threads that blocking natives run on, so that they never hold up a scheduler.

use super::errand::Errand;
use super::queue::Queues;
use crate::engine::Engine;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// Threads at most; further natives wait for one of them.
const THREADS: usize = 16;
/// How long a thread without work stays.
const STAY: Duration = Duration::from_secs(10);

/// The pool of one engine.
#[derive(Default)]
pub struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Queues<Errand>,
    threads: usize,
    free: usize,
}

impl Pool {
    /// Has a thread run a blocking native.
    pub(super) fn submit(&self, engine: &Arc<Engine>, errand: Errand) {
        let mut s = self.state.lock();
        let priority = errand.priority();
        s.waiting.push(errand, priority);
        if s.free >= s.waiting.len() {
            drop(s);
            self.work.notify_one();
        } else if s.threads < THREADS {
            s.threads += 1;
            drop(s);
            let engine2 = engine.clone();
            let started = std::thread::Builder::new()
                .name("blocking natives".into())
                .stack_size(4 << 20)
                .spawn(move || engine2.sched.pool.work(&engine2));
            if started.is_err() {
                self.without_thread(engine);
            }
        }
    }

    /// The system refused a thread: the ones there are take the work, or, when there is none, the caller.
    fn without_thread(&self, engine: &Arc<Engine>) {
        let mut s = self.state.lock();
        s.threads -= 1;
        if s.threads == 0
            && let Some(errand) = s.waiting.pop()
        {
            drop(s);
            errand.run(engine);
        }
    }

    fn work(&self, engine: &Arc<Engine>) {
        let mut s = self.state.lock();
        loop {
            if let Some(errand) = s.waiting.pop() {
                drop(s);
                errand.run(engine);
                s = self.state.lock();
                continue;
            }
            s.free += 1;
            if engine.clock.is_virtual() {
                // Time may have stood still for the native alone.
                engine.sched.idle.wake_one();
            }
            let timed_out = self.work.wait_for(&mut s, STAY).timed_out();
            s.free -= 1;
            if timed_out && s.waiting.len() == 0 {
                s.threads -= 1;
                return;
            }
        }
    }

    /// Natives that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Whether no native runs or waits here.
    pub fn is_idle(&self) -> bool {
        let s = self.state.lock();
        s.waiting.len() == 0 && s.free == s.threads
    }
}
