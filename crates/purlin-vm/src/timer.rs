//! Timers: receive timeouts and `send_after`/`start_timer`, ordered by time and, at equal times, by their start.
//!
//! The rule that must stay true: a timer never fires before its time.

use crate::clock::{Clock, Time};
use crate::engine::Engine;
use crate::process::Process;
use crate::signal::{RefId, Signal};
use crate::sync::{AtomicI64, Mutex, Ordering};
use hashbrown::HashMap;
use purlin_term::{Atom, Term};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a timer fires: the time, and a number that keeps timers of one time apart and in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline {
    at: Time,
    number: u64,
}

impl Deadline {
    /// The deadline of who waits for ever.
    pub const NEVER: Deadline = Deadline { at: Time::MAX, number: 0 };

    pub fn at(self) -> Time {
        self.at
    }
}

/// What happens when a timer fires.
enum Action {
    /// A sleeping process goes on.
    Wake(Arc<Process>),
    /// A message is sent.
    Send { to: Destination, message: Box<Signal>, timer: RefId },
}

/// Where a timer's message goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination {
    Pid(u64),
    /// Looked up when the timer fires.
    Name(Atom),
}

/// All timers of one engine.
pub struct Timers {
    inner: Mutex<Inner>,
    /// The time of the first timer (`Time::MAX`: none).
    first: AtomicI64,
}

#[derive(Default)]
struct Inner {
    queue: BTreeMap<Deadline, Action>,
    by_ref: HashMap<RefId, Deadline>,
    started: u64,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { inner: Mutex::default(), first: AtomicI64::new(Time::MAX) }
    }
}

impl Timers {
    fn add(&self, inner: &mut Inner, at: Time, action: Action) -> Deadline {
        inner.started += 1;
        let deadline = Deadline { at, number: inner.started };
        inner.queue.insert(deadline, action);
        self.note_first(inner);
        deadline
    }

    fn note_first(&self, inner: &Inner) {
        let first = inner.queue.first_key_value().map_or(Time::MAX, |(d, _)| d.at);
        self.first.store(first, Ordering::Release);
    }

    /// The time of the first timer.
    #[inline]
    pub fn first(&self) -> Option<Time> {
        let t = self.first.load(Ordering::Acquire);
        (t != Time::MAX).then_some(t)
    }

    /// Wakes a process after `ms` milliseconds.
    pub fn wake_after(&self, clock: &Clock, ms: u64, process: &Arc<Process>) -> Deadline {
        let at = clock.now().saturating_add((ms as i64).saturating_mul(1_000_000));
        let mut inner = self.inner.lock();
        self.add(&mut inner, at, Action::Wake(process.clone()))
    }

    /// Takes back a wake-up that may have happened already.
    pub fn cancel_wake(&self, deadline: Deadline) {
        if deadline == Deadline::NEVER {
            return;
        }
        let mut inner = self.inner.lock();
        let action = inner.queue.remove(&deadline);
        self.note_first(&inner);
        drop(inner);
        drop(action);
    }

    /// Sends a message at the time `at`; `timer` is the reference to cancel or read it by.
    pub fn send_at(&self, at: Time, to: Destination, message: Box<Signal>, timer: RefId) {
        let mut inner = self.inner.lock();
        let deadline = self.add(&mut inner, at, Action::Send { to, message, timer });
        inner.by_ref.insert(timer, deadline);
    }

    /// Cancels a message timer; the time it would have fired at, or `None` when there is no such timer.
    pub fn cancel(&self, timer: RefId) -> Option<Time> {
        let mut inner = self.inner.lock();
        let deadline = inner.by_ref.remove(&timer)?;
        let action = inner.queue.remove(&deadline);
        self.note_first(&inner);
        drop(inner);
        drop(action);
        Some(deadline.at)
    }

    /// When a message timer will fire.
    pub fn read(&self, timer: RefId) -> Option<Time> {
        self.inner.lock().by_ref.get(&timer).map(|d| d.at)
    }

    /// Message timers that are running: when, to whom.
    pub fn count(&self) -> usize {
        self.inner.lock().queue.len()
    }

    /// Takes the first timer out, if it is due. From now on it cannot be cancelled, and nobody else gets it.
    fn take_due(&self, now: Time) -> Option<Action> {
        let mut inner = self.inner.lock();
        let due = inner.queue.first_entry().filter(|e| e.key().at <= now)?.remove();
        if let Action::Send { timer, .. } = &due {
            inner.by_ref.remove(timer);
        }
        self.note_first(&inner);
        Some(due)
    }

    /// Fires what is due.
    pub fn fire(&self, engine: &Arc<Engine>) {
        while let Some(first) = self.first() {
            if first > engine.clock.now() {
                return;
            }
            let Some(due) = self.take_due(engine.clock.now()) else { return };
            match due {
                Action::Wake(p) => engine.wake(&p),
                Action::Send { to, message, .. } => {
                    let pid = match to {
                        Destination::Pid(id) => Some(id),
                        Destination::Name(name) => engine.names.whereis(name).and_then(Term::as_pid),
                    };
                    if let Some(p) = pid.and_then(|id| engine.process(id)) {
                        // A receiver that has just ended gets nothing, as one that ended before.
                        let _ = engine.signal(&p, message);
                    }
                }
            }
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::process::{Mfa, ProcessData};
    use purlin_term::Heap;

    fn message(timers: &Timers, at: Time, timer: RefId) {
        timers.send_at(at, Destination::Pid(0), Signal::message(Term::NIL), timer);
    }

    #[test]
    fn loom_a_timer_fires_or_is_cancelled_and_never_both() {
        loom::model(|| {
            let timers = loom::sync::Arc::new(Timers::default());
            message(&timers, 5, [1, 0]);
            let other = {
                let timers = timers.clone();
                loom::thread::spawn(move || timers.take_due(10).is_some() as u32)
            };
            let third = {
                let timers = timers.clone();
                loom::thread::spawn(move || timers.take_due(10).is_some() as u32)
            };
            let cancelled = timers.cancel([1, 0]).is_some() as u32;
            assert_eq!(cancelled + other.join().unwrap() + third.join().unwrap(), 1);
            assert_eq!((timers.first(), timers.count()), (None, 0));
        });
    }

    #[test]
    fn loom_the_first_timer_is_known_to_who_looks_after_a_start() {
        loom::model(|| {
            let timers = loom::sync::Arc::new(Timers::default());
            message(&timers, 5, [1, 0]);
            let other = {
                let timers = timers.clone();
                loom::thread::spawn(move || {
                    message(&timers, 3, [2, 0]);
                    assert!(timers.first().is_some_and(|t| t <= 3));
                })
            };
            timers.cancel([1, 0]);
            other.join().unwrap();
            assert_eq!(timers.first(), Some(3));
        });
    }

    #[test]
    fn loom_a_receive_timeout_that_fires_while_its_process_falls_asleep_wakes_it() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), Vec::new(), mfa)));
            p.set_run_state(crate::process::RunState::Running);
            let shared = loom::sync::Arc::new((Timers::default(), AtomicI64::new(0)));
            shared.0.add(&mut shared.0.inner.lock(), 5, Action::Wake(p.clone()));
            let clock = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    shared.1.store(5, Ordering::SeqCst);
                    crate::sync::checked_order();
                    match shared.0.take_due(5) {
                        Some(Action::Wake(p)) => p.try_wake(),
                        _ => unreachable!("nobody else takes it"),
                    }
                })
            };
            let asleep = p.sleep(|| shared.1.load(Ordering::SeqCst) >= 5);
            let woken = clock.join().unwrap();
            assert_eq!(asleep, woken, "exactly one of the two goes on with the process");
        });
    }
}
