//! Which schedulers are idle, and how they are woken.
//!
//! No wake-up is lost: a scheduler announces that it is idle and then looks at the queues once more; who queues a
//! process does so and then looks for idle schedulers (both sequentially consistent). A token stays with its
//! scheduler until that parks, so that a wake-up between the look and the park counts.

use crate::sync::{AtomicU32, Condvar, Mutex, Ordering};
use std::time::Duration;

/// The idle schedulers of an engine.
pub struct Idle {
    parkers: Vec<Parker>,
    idle: AtomicU32,
}

struct Parker {
    state: AtomicU32,
    lock: Mutex<()>,
    wakeup: Condvar,
}

const BUSY: u32 = 0;
const IDLE: u32 = 1;
/// Idle, and woken.
const WOKEN: u32 = 2;

impl Idle {
    pub fn new(schedulers: usize) -> Idle {
        let parker = |_| Parker { state: AtomicU32::new(BUSY), lock: Mutex::new(()), wakeup: Condvar::new() };
        Idle { parkers: (0..schedulers).map(parker).collect(), idle: AtomicU32::new(0) }
    }

    /// Announces that scheduler `i` is idle; it has to look for work once more before it parks.
    pub fn enter(&self, i: usize) {
        self.parkers[i].state.store(IDLE, Ordering::SeqCst);
        self.idle.fetch_add(1, Ordering::SeqCst);
        crate::sync::checked_order();
    }

    /// Ends the idleness of scheduler `i`.
    pub fn leave(&self, i: usize) {
        self.parkers[i].state.store(BUSY, Ordering::SeqCst);
        self.idle.fetch_sub(1, Ordering::SeqCst);
    }

    /// Sleeps until woken or until the time is over.
    pub fn park(&self, i: usize, time: Option<Duration>) {
        let p = &self.parkers[i];
        let mut guard = p.lock.lock();
        match time {
            Some(t) => {
                if p.state.load(Ordering::SeqCst) == IDLE {
                    p.wakeup.wait_for(&mut guard, t);
                }
            }
            None => {
                while p.state.load(Ordering::SeqCst) == IDLE {
                    p.wakeup.wait(&mut guard);
                }
            }
        }
    }

    /// Wakes scheduler `i` if it is idle; false: it is not, or was woken already.
    pub fn wake(&self, i: usize) -> bool {
        let p = &self.parkers[i];
        if p.state.compare_exchange(IDLE, WOKEN, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return false;
        }
        // Under the lock, so that the scheduler is either before its check or asleep.
        drop(p.lock.lock());
        p.wakeup.notify_one();
        true
    }

    /// Wakes one idle scheduler, if any.
    pub fn wake_one(&self) {
        crate::sync::checked_order();
        if self.idle.load(Ordering::SeqCst) > 0 {
            (0..self.parkers.len()).any(|i| self.wake(i));
        }
    }

    pub fn wake_all(&self) {
        (0..self.parkers.len()).for_each(|i| {
            self.wake(i);
        });
    }

    /// An idle scheduler that was not woken yet.
    pub fn any(&self) -> Option<usize> {
        self.parkers.iter().position(|p| p.state.load(Ordering::SeqCst) == IDLE)
    }

    /// Whether scheduler `i` is idle.
    pub fn is_idle(&self, i: usize) -> bool {
        self.parkers[i].state.load(Ordering::SeqCst) != BUSY
    }

    /// Whether all schedulers are idle.
    pub fn all_idle(&self) -> bool {
        self.idle.load(Ordering::SeqCst) as usize == self.parkers.len()
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::Arc;

    #[test]
    fn loom_work_queued_while_a_scheduler_goes_idle_is_not_missed() {
        loom::model(|| {
            let idle = Arc::new(Idle::new(1));
            let queued = Arc::new(AtomicU32::new(0));
            let scheduler = {
                let (idle, queued) = (idle.clone(), queued.clone());
                loom::thread::spawn(move || {
                    while queued.load(Ordering::SeqCst) == 0 {
                        idle.enter(0);
                        if queued.load(Ordering::SeqCst) == 0 {
                            idle.park(0, None);
                        }
                        idle.leave(0);
                    }
                })
            };
            queued.store(1, Ordering::SeqCst);
            idle.wake_one();
            scheduler.join().unwrap();
        });
    }
}
