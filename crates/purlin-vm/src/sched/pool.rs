//! The threads that blocking natives run on, so that they never hold up a scheduler. A process moves here, and back
//! to a run queue with the native's result.

use crate::engine::Engine;
use crate::process::Process;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
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
    waiting: VecDeque<Arc<Process>>,
    threads: usize,
    free: usize,
}

impl Pool {
    /// Has a thread run the blocking native of `process`.
    pub fn submit(&self, engine: &Arc<Engine>, process: Arc<Process>) {
        let mut s = self.state.lock();
        s.waiting.push_back(process);
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
            && let Some(p) = s.waiting.pop_front()
        {
            drop(s);
            engine.run_blocking(p);
        }
    }

    fn work(&self, engine: &Arc<Engine>) {
        let mut s = self.state.lock();
        loop {
            if let Some(p) = s.waiting.pop_front() {
                drop(s);
                engine.run_blocking(p);
                s = self.state.lock();
                continue;
            }
            s.free += 1;
            let timed_out = self.work.wait_for(&mut s, STAY).timed_out();
            s.free -= 1;
            if timed_out && s.waiting.is_empty() {
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
        s.waiting.is_empty() && s.free == s.threads
    }
}
