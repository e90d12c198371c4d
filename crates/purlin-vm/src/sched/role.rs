//! Who is which scheduler. A thread has the role of a scheduler until a watcher finds that one time slice keeps it too
//! long: then another thread takes the role over, and the first one leaves it when its slice is over. So a long native
//! or a collection of a large heap holds up nobody but the process it is for.
//!
//! The rule that must stay true: at most one thread has a role. The word of a role says how many slices were begun in
//! it and whether one is under way. Whoever moves the word on from "slice n is under way" decides: the thread itself
//! keeps the role, the watcher gives it away. The word never comes back to a former value.

use crate::clock::ThreadClock;
use crate::process::Priority;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Condvar, Mutex, Ordering, checked_order};
use std::collections::VecDeque;
use std::sync::atomic::AtomicI32;
use std::time::Duration;

/// Set while a slice is under way; the other bits count.
const SLICE: u64 = 1;

/// The role of one scheduler.
pub struct Role {
    word: AtomicU64,
    /// The processor clock of the thread that has the role, and the system's number of that thread.
    clock: AtomicI32,
    thread: AtomicI32,
    /// The priority of the process that had the last turn.
    priority: AtomicU32,
}

impl Default for Role {
    fn default() -> Role {
        Role {
            word: AtomicU64::new(0),
            clock: AtomicI32::default(),
            thread: AtomicI32::default(),
            priority: AtomicU32::new(Priority::Normal as u32),
        }
    }
}

impl Role {
    /// The word; who has just got the role calls this.
    pub fn word(&self) -> u64 {
        self.clock.store(ThreadClock::mine().0, Ordering::Relaxed);
        // SAFETY: the call takes nothing and writes to nothing.
        self.thread.store(unsafe { libc::gettid() }, Ordering::Relaxed);
        self.word.load(Ordering::Acquire)
    }

    /// Whether this word, the role's when the caller last changed it, is still the role's.
    ///
    /// Ordered after what the caller queued (SeqCst on both sides): either this says that the role was given away, or
    /// the thread that gets it finds what was queued.
    pub fn is(&self, word: u64) -> bool {
        checked_order();
        self.word.load(Ordering::SeqCst) == word
    }

    /// Begins a slice; only the thread that has the role calls this. The role's new word.
    pub fn begin(&self) -> u64 {
        let word = self.word.load(Ordering::Relaxed) | SLICE;
        self.word.store(word, Ordering::Release);
        word
    }

    /// Ends a slice; the role's new word, or `None` when the role was given away meanwhile.
    pub fn end(&self, slice: u64) -> Option<u64> {
        let word = slice + SLICE;
        self.word.compare_exchange(slice, word, Ordering::SeqCst, Ordering::Relaxed).ok().map(|_| word)
    }

    /// The slice that is under way.
    pub fn slice(&self) -> Option<u64> {
        Some(self.word.load(Ordering::Acquire)).filter(|w| w & SLICE != 0)
    }

    /// Nanoseconds of processor time that the role's thread has used.
    pub fn processor_time(&self) -> i64 {
        ThreadClock(self.clock.load(Ordering::Relaxed)).now()
    }

    /// Whether the role's thread sleeps in the operating system: it waits for a device, a lock, or memory. A thread that
    /// only waits for a processor does not.
    pub fn is_asleep(&self) -> bool {
        let thread = self.thread.load(Ordering::Relaxed);
        std::fs::read(format!("/proc/self/task/{thread}/stat")).is_ok_and(|s| state_in(&s).is_some_and(|s| s != b'R'))
    }

    /// A process of this priority has its turn.
    pub fn set_priority(&self, p: Priority) {
        self.priority.store(p as u32, Ordering::Relaxed);
    }

    /// The priority of the process whose turn it is.
    pub fn priority(&self) -> Priority {
        Priority::of(self.priority.load(Ordering::Relaxed))
    }

    /// Takes the role from the thread in this slice. False: the slice is over.
    pub fn take(&self, slice: u64) -> bool {
        let taken = self.end(slice).is_some();
        checked_order();
        taken
    }
}

/// The state of a thread: a letter behind its name, which is in parentheses and may hold any.
fn state_in(stat: &[u8]) -> Option<u8> {
    let name = stat.iter().rposition(|&b| b == b')')?;
    stat.get(name + 2).copied()
}

/// What became of the wish to give a role away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    Yes,
    NoThread,
    TooLate,
}

/// Threads without a role, and roles without a thread.
#[derive(Default)]
pub struct Spares {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    roles: VecDeque<usize>,
    /// Threads that wait for a role.
    free: usize,
    closed: bool,
}

impl Spares {
    /// Gives a role to one of the waiting threads, if there is one and `take` gets the role.
    pub fn give(&self, role: usize, take: impl FnOnce() -> bool) -> Given {
        let mut s = self.state.lock();
        if s.free <= s.roles.len() {
            return Given::NoThread;
        }
        // Under the lock, so that the thread does not leave meanwhile.
        if !take() {
            return Given::TooLate;
        }
        s.roles.push_back(role);
        drop(s);
        self.changed.notify_one();
        Given::Yes
    }

    /// Waits for a role; `None` when the time is over or the engine stops.
    pub fn wait(&self, time: Duration) -> Option<usize> {
        let mut s = self.state.lock();
        s.free += 1;
        while s.roles.is_empty() && !s.closed {
            if timed_out(&self.changed, &mut s, time) {
                break;
            }
        }
        s.free -= 1;
        s.roles.pop_front()
    }

    /// Lets no thread wait any more.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(not(loom))]
fn timed_out(c: &Condvar, guard: &mut parking_lot::MutexGuard<'_, Waiting>, time: Duration) -> bool {
    c.wait_for(guard, time).timed_out()
}

#[cfg(loom)]
fn timed_out(c: &Condvar, guard: &mut crate::sync::MutexGuard<'_, Waiting>, _: Duration) -> bool {
    c.wait(guard);
    false
}

/// The sleep of a watcher while all schedulers are idle.
///
/// It never sleeps through work: the watcher says that it sleeps and then looks whether all are idle once more; a
/// scheduler that ends its idleness does so and then looks whether the watcher sleeps.
#[derive(Default)]
pub struct WatcherSleep {
    asleep: AtomicBool,
    lock: Mutex<()>,
    wakeup: Condvar,
}

impl WatcherSleep {
    /// Sleeps until woken, if `quiet` still holds.
    pub fn sleep(&self, quiet: impl Fn() -> bool) {
        self.asleep.store(true, Ordering::SeqCst);
        checked_order();
        let mut guard = self.lock.lock();
        while self.asleep.load(Ordering::SeqCst) && quiet() {
            self.wakeup.wait(&mut guard);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Pauses for this time, or until [`WatcherSleep::end`].
    pub fn pause(&self, time: Duration) {
        self.wakeup.wait_for(&mut self.lock.lock(), time);
    }

    /// Ends sleep and pause.
    pub fn end(&self) {
        self.asleep.store(false, Ordering::SeqCst);
        drop(self.lock.lock());
        self.wakeup.notify_one();
    }

    /// Wakes the watcher if it sleeps.
    #[inline]
    pub fn wake(&self) {
        checked_order();
        if self.asleep.load(Ordering::SeqCst) {
            self.end();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_thread_is_read_behind_its_name() {
        assert_eq!(state_in(b"17 (scheduler 1) S 1 2"), Some(b'S'));
        assert_eq!(state_in(b"17 (a) R (b) D 1"), Some(b'D'));
        assert_eq!(state_in(b"17 (a)"), None);
        assert_eq!(state_in(b""), None);
    }

    #[test]
    fn a_thread_that_waits_is_asleep_and_one_that_works_is_not() {
        let role = Role::default();
        role.word();
        assert!(!role.is_asleep(), "it asks itself");
        std::thread::scope(|s| {
            let (send, receive) = std::sync::mpsc::channel::<()>();
            let role = &role;
            s.spawn(move || {
                role.word();
                let _ = receive.recv();
            });
            while !role.is_asleep() {
                std::thread::yield_now();
            }
            drop(send);
        });
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::sched::idle::Idle;
    use loom::sync::Arc;

    #[test]
    fn loom_a_role_is_kept_or_given_away() {
        loom::model(|| {
            let role = Arc::new(Role::default());
            let slice = role.begin();
            let watcher = {
                let role = role.clone();
                loom::thread::spawn(move || role.slice().is_some_and(|s| role.take(s)))
            };
            let kept = role.end(slice).is_some();
            if kept {
                // The next slice is another one.
                role.begin();
            }
            assert!(kept || watcher.join().unwrap());
        });
    }

    #[test]
    fn loom_what_is_queued_by_who_loses_the_role_is_found_by_who_gets_it() {
        loom::model(|| {
            // A role, what is in its queue, and the idle scheduler.
            let shared = Arc::new((Role::default(), AtomicU32::new(0), Idle::new(1)));
            let slice = shared.0.begin();
            let heir = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let (role, queued, idle) = &*shared;
                    if !role.take(slice) {
                        return false;
                    }
                    while queued.load(Ordering::SeqCst) == 0 {
                        idle.enter(0);
                        if queued.load(Ordering::SeqCst) == 0 {
                            idle.park(0, None);
                        }
                        idle.leave(0);
                    }
                    true
                })
            };
            let (role, queued, idle) = &*shared;
            queued.store(1, Ordering::SeqCst);
            if !role.is(slice) {
                idle.wake_one();
            }
            let kept = role.end(slice).is_some();
            assert_ne!(heir.join().unwrap(), kept, "one of the two comes to what is queued");
        });
    }

    #[test]
    fn loom_a_role_given_to_a_waiting_thread_arrives() {
        loom::model(|| {
            let spares = Arc::new(Spares::default());
            let spare = {
                let spares = spares.clone();
                loom::thread::spawn(move || spares.wait(Duration::ZERO))
            };
            let given = spares.give(3, || true) == Given::Yes;
            spares.close();
            assert_eq!(spare.join().unwrap(), given.then_some(3));
        });
    }

    #[test]
    fn loom_the_watcher_does_not_sleep_while_a_scheduler_works() {
        loom::model(|| {
            let shared = Arc::new((WatcherSleep::default(), Idle::new(1)));
            shared.1.enter(0);
            let watcher = {
                let shared = shared.clone();
                loom::thread::spawn(move || shared.0.sleep(|| shared.1.all_idle()))
            };
            shared.1.leave(0);
            shared.0.wake();
            watcher.join().unwrap();
        });
    }
}
