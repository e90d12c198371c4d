//! The threads that blocking natives, and those that compute for long, run on, so that they never hold up a scheduler.

use super::blocking::BlockingCall;
use super::queue::Queues;
use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// How long a thread without work stays.
const STAY: Duration = Duration::from_secs(10);

/// A pool of threads. An engine has one for natives that wait, and one for those that compute.
pub struct Pool {
    /// Threads at most; further natives wait for one of them.
    limit: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Queues<BlockingCall>,
    threads: usize,
    free: usize,
}

impl Pool {
    pub fn new(limit: usize) -> Pool {
        Pool { limit, state: Mutex::default(), work: Condvar::new() }
    }

    /// Leaves a call to the threads; true: the caller has to start another one.
    pub(crate) fn push(&self, call: BlockingCall) -> bool {
        let mut s = self.state.lock();
        let priority = call.priority();
        s.waiting.push(call, priority);
        if s.free >= s.waiting.len() {
            drop(s);
            self.work.notify_one();
            return false;
        }
        let more = s.threads < self.limit;
        s.threads += usize::from(more);
        more
    }

    /// The system refused a thread: the ones there are take the work, or, when there is none, the caller.
    pub(crate) fn without_thread(&self) -> Option<BlockingCall> {
        let mut s = self.state.lock();
        s.threads -= 1;
        if s.threads == 0 { s.waiting.pop() } else { None }
    }

    /// The next call for a thread of the pool; `None`: there was none for long, and the thread has to end. Before it
    /// waits, it calls `idle`.
    pub(crate) fn next(&self, idle: impl Fn()) -> Option<BlockingCall> {
        let mut s = self.state.lock();
        loop {
            if let Some(call) = s.waiting.pop() {
                return Some(call);
            }
            s.free += 1;
            idle();
            let timed_out = self.work.wait_for(&mut s, STAY).timed_out();
            s.free -= 1;
            if timed_out && s.waiting.len() == 0 {
                s.threads -= 1;
                return None;
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
