//! Microstate accounting: how long each thread that runs Erlang code was in which state.
//!
//! The states are always known, for one store per change; the clock is read only while accounting is switched on. The
//! rule that must stay true: each moment since then counts for exactly one state of a thread.

use crate::clock::Time;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Timers.
    Aux,
    /// Looking for input and output that is ready.
    CheckIo,
    /// Running processes.
    Emulator,
    /// Collecting garbage.
    Gc,
    /// Choosing the next process, and whatever else.
    Other,
    Sleep,
}

const STATES: [State; 6] = [State::Aux, State::CheckIo, State::Emulator, State::Gc, State::Other, State::Sleep];

/// The times of a thread, by state.
pub type Times = [Time; STATES.len()];

struct Thread {
    state: AtomicU8,
    spent: Mutex<Spent>,
}

#[derive(Default)]
struct Spent {
    times: Times,
    since: Time,
}

impl Spent {
    fn charge(&mut self, state: u8, now: Time) {
        self.times[state as usize] += (now - self.since).max(0);
        self.since = now;
    }
}

/// The accounts of all threads of an engine: the schedulers, the threads of the pool, the one that polls.
pub struct Microstates {
    on: AtomicBool,
    threads: Vec<Thread>,
}

impl Microstates {
    pub fn new(threads: usize) -> Microstates {
        let thread = || Thread { state: AtomicU8::new(State::Sleep as u8), spent: Mutex::default() };
        Microstates { on: AtomicBool::new(false), threads: (0..threads).map(|_| thread()).collect() }
    }

    /// Thread `i` is in this state from now on; the former one.
    #[inline]
    pub fn enter(&self, i: usize, state: State, now: impl FnOnce() -> Time) -> State {
        let Some(thread) = self.threads.get(i) else { return state };
        let before = thread.state.swap(state as u8, Ordering::Relaxed);
        if self.on.load(Ordering::Relaxed) {
            thread.spent.lock().charge(before, now());
        }
        STATES[before as usize]
    }

    /// The thread that polls.
    pub fn poll_thread(&self) -> usize {
        self.threads.len() - 1
    }

    /// Switches accounting on or off; whether it was on.
    pub fn switch(&self, on: bool, now: Time) -> bool {
        let was_on = self.on.load(Ordering::Relaxed);
        for thread in &self.threads {
            let mut spent = thread.spent.lock();
            if was_on {
                spent.charge(thread.state.load(Ordering::Relaxed), now);
            }
            spent.since = now;
        }
        self.on.store(on, Ordering::Relaxed);
        was_on
    }

    /// Sets all times to zero; whether accounting is on.
    pub fn reset(&self, now: Time) -> bool {
        for thread in &self.threads {
            *thread.spent.lock() = Spent { times: Times::default(), since: now };
        }
        self.on.load(Ordering::Relaxed)
    }

    /// The times of each thread until now.
    pub fn told(&self, now: Time) -> Vec<Times> {
        let on = self.on.load(Ordering::Relaxed);
        let told = self.threads.iter().map(|thread| {
            let mut spent = thread.spent.lock();
            if on {
                spent.charge(thread.state.load(Ordering::Relaxed), now);
            }
            spent.times
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_while_it_is_on_counts_once() {
        let m = Microstates::new(2);
        m.enter(0, State::Emulator, || 50);
        assert!(!m.switch(true, 100));
        assert_eq!(m.enter(0, State::Gc, || 130), State::Emulator);
        m.enter(0, State::Sleep, || 135);
        assert_eq!(m.told(200), [[0, 0, 30, 5, 0, 65], [0, 0, 0, 0, 0, 100]]);
        assert!(m.switch(false, 300));
        m.enter(0, State::Other, || 400);
        assert_eq!(m.told(500)[0], [0, 0, 30, 5, 0, 165]);
        assert!(!m.reset(600));
        assert_eq!(m.told(700)[0], [0; 6]);
        assert_eq!(m.enter(7, State::Other, || 800), State::Other, "there is no such thread");
    }
}
