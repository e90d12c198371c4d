//! Timers: receive timeouts and `send_after`/`start_timer`, ordered by time and, at equal times, by their start.
//!
//! The rule that must stay true: a timer never fires before its time, nor before one that is due earlier.
//!
//! Most timers are cancelled long before their time, so that starting and cancelling must be cheap and order must cost
//! nothing until it matters. Timers stand in a wheel (`wheel.rs`) by the millisecond they are due in, unordered; those of
//! a millisecond that has come are moved to `near`, which is ordered.

mod chunks;
mod pending;
mod wheel;

use crate::clock::Time;
use crate::process::Process;
pub use crate::process::deadline::Deadline;
use crate::process::signal::{Parcel, RefId};
use crate::sync::{AtomicI64, Mutex, Ordering};
use chunks::Chunks;
use hashbrown::{DefaultHashBuilder, HashTable};
use pending::Pending;
use purlin_term::Atom;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::Arc;
use wheel::{Wheel, tick_of};

/// What happens when a timer fires.
pub(crate) enum Action {
    /// A sleeping process goes on.
    Wake(Arc<Process>),
    /// A message is sent.
    Send { to: Destination, message: Parcel, timer: RefId },
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
    /// No timer is due before this time (`Time::MAX`: none is).
    first: AtomicI64,
}

/// How many timers are taken out to fire at a time.
const BATCH: usize = 64;

type Slab = Chunks<Option<(Deadline, Action)>>;

#[derive(Default)]
struct Inner {
    /// Running timers by place, and the places that are free.
    slab: Slab,
    free: Vec<u32>,
    /// When timers are due that are not in the wheel; those that were cancelled too.
    near: BinaryHeap<Reverse<Deadline>>,
    wheel: Wheel,
    /// The places of timers that send, by their references, which are in the slab.
    by_ref: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The places of the timers that send to processes by pid.
    pending: Pending,
    started: u32,
    /// A thread is about to send what timers have to send: only one does at a time, so that they fire in order.
    firing: bool,
}

impl Inner {
    fn add(&mut self, at: Time, action: Action) -> Deadline {
        let place = self.free.pop().unwrap_or_else(|| self.slab.push(None));
        self.started = self.started.wrapping_add(1).max(1);
        let number = NonZeroU64::MIN.saturating_add(((self.started as u64) << 32 | place as u64) - 1);
        let deadline = Deadline { at, number };
        self.slab[place] = Some((deadline, action));
        if !self.wheel.insert(place, tick_of(at)) {
            self.near.push(Reverse(deadline));
        }
        deadline
    }

    /// Takes a running timer out.
    fn take(&mut self, deadline: Deadline) -> Option<Action> {
        let place = deadline.place();
        let timer = self.slab.get_mut(place)?.take_if(|t| t.0 == deadline)?;
        self.wheel.remove(place);
        self.free.push(place);
        if let Action::Send { to, timer, .. } = &timer.1 {
            if let Ok(entry) = self.by_ref.find_entry(self.hasher.hash_one(timer), |p| *p == place) {
                entry.remove();
            }
            if let Destination::Pid(id) = to {
                self.pending.remove(*id, place);
            }
        }
        Some(timer.1)
    }

    /// Has the timer at `place` found by its reference.
    fn list(&mut self, timer: RefId, place: u32) {
        let Inner { slab, by_ref, hasher, .. } = self;
        let hash_of = |p: &u32| reference(slab, *p).map_or(0, |timer| hasher.hash_one(timer));
        by_ref.insert_unique(hasher.hash_one(timer), place, hash_of);
    }

    /// The deadline of a running timer.
    fn find(&self, timer: RefId) -> Option<Deadline> {
        let is_it = |p: &u32| reference(&self.slab, *p) == Some(&timer);
        let place = *self.by_ref.find(self.hasher.hash_one(timer), is_it)?;
        self.slab[place].as_ref().map(|t| t.0)
    }

    /// Takes out what is due, in order.
    fn take_due(&mut self, now: Time, due: &mut Vec<Action>) {
        let Inner { slab, near, wheel, .. } = self;
        wheel.advance(tick_of(now), |place| {
            near.extend(slab[place].as_ref().map(|t| Reverse(t.0)));
        });
        while due.len() < BATCH
            && let Some(&Reverse(deadline)) = self.near.peek().filter(|d| d.0.at <= now)
        {
            self.near.pop();
            // What was cancelled is still listed.
            due.extend(self.take(deadline));
        }
    }

    /// No timer is due before this time.
    fn first(&self) -> Time {
        let near = self.near.peek().map(|d| d.0.at);
        // What the wheel holds is due after all that is near.
        near.or_else(|| self.wheel.first()).filter(|_| !self.firing).unwrap_or(Time::MAX)
    }
}

/// The reference of the timer at a place, if it sends.
fn reference(slab: &Slab, place: u32) -> Option<&RefId> {
    match slab.get(place)? {
        Some((_, Action::Send { timer, .. })) => Some(timer),
        _ => None,
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { inner: Mutex::default(), first: AtomicI64::new(Time::MAX) }
    }
}

impl Timers {
    fn add(&self, inner: &mut Inner, at: Time, action: Action) -> Deadline {
        if at < self.first.load(Ordering::Relaxed) && !inner.firing {
            self.first.store(at, Ordering::Release);
        }
        inner.add(at, action)
    }

    fn note_first(&self, inner: &Inner) {
        self.first.store(inner.first(), Ordering::Release);
    }

    /// When to look at the timers: no later than when the first of them is due, but earlier if the first was cancelled.
    /// While a thread fires some, never: it goes on until none is due.
    #[inline]
    pub fn first(&self) -> Option<Time> {
        let t = self.first.load(Ordering::Acquire);
        (t != Time::MAX).then_some(t)
    }

    /// Wakes a process at the time `at`.
    pub fn wake_at(&self, at: Time, process: &Arc<Process>) -> Deadline {
        let mut inner = self.inner.lock();
        self.add(&mut inner, at, Action::Wake(process.clone()))
    }

    /// Takes back a wake-up that may have happened already.
    pub fn cancel_wake(&self, deadline: Deadline) {
        let mut inner = self.inner.lock();
        let action = inner.take(deadline);
        drop(inner);
        drop(action);
    }

    /// Sends a message at the time `at`; `timer` is the reference to cancel or read it by.
    pub fn send_at(&self, at: Time, to: Destination, message: Parcel, timer: RefId) {
        let mut inner = self.inner.lock();
        let deadline = self.add(&mut inner, at, Action::Send { to, message, timer });
        inner.list(timer, deadline.place());
        if let Destination::Pid(id) = to {
            inner.pending.add(id, deadline.place());
        }
    }

    /// Cancels what would be sent to a process that has ended.
    pub(crate) fn cancel_all(&self, id: u64) {
        loop {
            let mut inner = self.inner.lock();
            let Some(place) = inner.pending.any(id) else { break };
            let deadline = inner.slab[place].as_ref().expect("a pending place holds a running timer").0;
            let action = inner.take(deadline);
            drop(inner);
            drop(action);
        }
    }

    /// Cancels a message timer; the time it would have fired at, or `None` when there is no such timer.
    pub fn cancel(&self, timer: RefId) -> Option<Time> {
        let mut inner = self.inner.lock();
        let deadline = inner.find(timer)?;
        let action = inner.take(deadline);
        drop(inner);
        drop(action);
        Some(deadline.at)
    }

    /// When a message timer will fire.
    pub fn read(&self, timer: RefId) -> Option<Time> {
        self.inner.lock().find(timer).map(Deadline::at)
    }

    /// How many timers are running.
    pub fn count(&self) -> usize {
        let inner = self.inner.lock();
        inner.slab.len() - inner.free.len()
    }

    /// Takes out some of what is due, in order; false: another thread fires. From now on those cannot be cancelled, and
    /// nobody else gets them; [`Timers::fired`] has to follow.
    fn take_due(&self, now: Time, due: &mut Vec<Action>) -> bool {
        let mut inner = self.inner.lock();
        if inner.firing {
            return false;
        }
        inner.take_due(now, due);
        inner.firing = true;
        self.note_first(&inner);
        true
    }

    /// What was taken out has been sent.
    fn fired(&self) {
        let mut inner = self.inner.lock();
        inner.firing = false;
        self.note_first(&inner);
    }

    /// Fires what is due: `act` does what a timer was started for.
    pub(crate) fn fire(&self, now: Time, mut act: impl FnMut(Action)) {
        struct Fired<'t>(&'t Timers);
        impl Drop for Fired<'_> {
            fn drop(&mut self) {
                self.0.fired();
            }
        }
        let mut due = Vec::new();
        while self.first().is_some_and(|first| first <= now) && self.take_due(now, &mut due) {
            let _fired = Fired(self);
            for action in due.drain(..) {
                act(action);
            }
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::clock::START;
    use crate::process::signal::Signal;
    use crate::process::{Mfa, ProcessData};
    use purlin_term::{Heap, Term};

    /// Fires what is due at 10; how many there were.
    fn fire(timers: &Timers) -> u32 {
        let mut due = Vec::new();
        if timers.take_due(START + 10, &mut due) {
            timers.fired();
        }
        due.len() as u32
    }

    fn message(timers: &Timers, at: Time, timer: RefId) {
        timers.send_at(START + at, Destination::Pid(0), Signal::message(Term::NIL), timer);
    }

    fn a_process() -> Arc<Process> {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        Arc::new(Process::new(0, ProcessData::new(Heap::new(0), Default::default(), mfa)))
    }

    #[test]
    fn loom_a_timer_fires_or_is_cancelled_and_never_both() {
        loom::model(|| {
            let timers = loom::sync::Arc::new(Timers::default());
            message(&timers, 5, [1, 0]);
            let other = {
                let timers = timers.clone();
                loom::thread::spawn(move || fire(&timers))
            };
            let third = {
                let timers = timers.clone();
                loom::thread::spawn(move || fire(&timers))
            };
            let cancelled = timers.cancel([1, 0]).is_some() as u32;
            assert_eq!(cancelled + other.join().unwrap() + third.join().unwrap(), 1);
            assert_eq!((fire(&timers), timers.first(), timers.count()), (0, None, 0));
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
                    assert!(timers.first().is_some_and(|t| t <= START + 3));
                })
            };
            timers.cancel([1, 0]);
            other.join().unwrap();
            assert!(timers.first().is_some_and(|t| t <= START + 3));
        });
    }

    #[test]
    fn loom_no_timer_is_left_of_a_process_that_ends() {
        loom::model(|| {
            let p = a_process();
            let timers = loom::sync::Arc::new(Timers::default());
            let other = {
                let (p, timers) = (p.clone(), timers.clone());
                loom::thread::spawn(move || {
                    message(&timers, 5, [1, 0]);
                    if !p.awaits_timers() {
                        timers.cancel_all(0);
                    }
                })
            };
            p.set_exiting();
            if p.awaited_timers() {
                timers.cancel_all(0);
            }
            other.join().unwrap();
            assert_eq!(timers.count(), 0);
        });
    }

    #[test]
    fn loom_a_receive_timeout_that_fires_while_its_process_falls_asleep_wakes_it() {
        loom::model(|| {
            let p = a_process();
            p.set_run_state(crate::process::RunState::Running);
            let timers = loom::sync::Arc::new(Timers::default());
            timers.add(&mut timers.inner.lock(), START + 5, Action::Wake(p.clone()));
            let clock = {
                let (timers, p) = (timers.clone(), p.clone());
                loom::thread::spawn(move || {
                    let mut due = Vec::new();
                    timers.take_due(START + 5, &mut due);
                    assert!(matches!(due.pop(), Some(Action::Wake(_))), "nobody else takes it");
                    p.try_wake() || p.outer.push(Signal::request(|_, _| {})).is_ok_and(|first| first && p.try_wake())
                })
            };
            let asleep = p.sleep();
            let woken = clock.join().unwrap();
            assert_eq!(asleep, woken, "exactly one of the two goes on with the process");
        });
    }
}
