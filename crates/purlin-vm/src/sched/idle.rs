//! Which schedulers are idle, and how they are woken.
//!
//! No wake-up is lost: a scheduler announces that it is idle and then looks at the queues once more; who queues a
//! process does so and then looks for idle schedulers (both sequentially consistent). A token stays with its
//! scheduler until that parks, so that a wake-up between the look and the park counts.
//!
//! No timer is slept through: among the schedulers that are parked, one wakes up when the first is due.

use crate::clock::Time;
use crate::sync::{AtomicI64, AtomicU32, Condvar, Mutex, Ordering};
use std::time::{Duration, Instant};

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

    /// Ends the idleness of scheduler `i`. Whether it was woken.
    pub fn leave(&self, i: usize) -> bool {
        let woken = self.parkers[i].state.swap(BUSY, Ordering::SeqCst) == WOKEN;
        self.idle.fetch_sub(1, Ordering::SeqCst);
        woken
    }

    /// Lets other threads run for so long at most, unless scheduler `i` is woken: who wakes it then need not ask the
    /// operating system.
    pub fn linger(&self, i: usize, time: Duration) {
        let end = Instant::now() + time;
        while self.parkers[i].state.load(Ordering::Relaxed) == IDLE && Instant::now() < end {
            std::thread::yield_now();
        }
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

/// When the next parked scheduler wakes up by itself. One is enough: were there more, each would look for work then.
pub struct Alarm(AtomicI64);

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm(AtomicI64::new(Time::MAX))
    }
}

impl Alarm {
    /// Whether the caller, who is about to park, has to wake up at this time; if not, another one does so by then.
    pub fn set(&self, t: Time) -> bool {
        self.0.fetch_min(t, Ordering::SeqCst) > t
    }

    /// Notes that who had to wake up at this time is awake. It has to look at the timers after this: who was told
    /// before that it need not wake up for one relies on that.
    pub fn clear(&self, t: Time) {
        let _ = self.0.compare_exchange(t, Time::MAX, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::Arc;

    #[test]
    fn loom_for_a_timer_started_while_another_scheduler_wakes_up_one_of_the_two_wakes_up() {
        loom::model(|| {
            let shared = Arc::new((Alarm::default(), AtomicI64::new(Time::MAX)));
            assert!(shared.0.set(5));
            let woken = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let (alarm, first) = &*shared;
                    alarm.clear(5);
                    first.load(Ordering::Acquire) == 7
                })
            };
            let (alarm, first) = &*shared;
            first.store(7, Ordering::Release);
            let told = alarm.set(7);
            assert!(woken.join().unwrap() || told);
        });
    }

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
