//! How a scheduler rests.
//!
//! When work came soon the last time, as it does for processes that wait for each other's answers by way of other threads
//! or nodes, it stays awake for a moment: waking a thread takes longer than many an answer.
//!
//! Once it has had little to do for a while it has processes that wait trim their heaps, and gives memory that nobody uses
//! back to the system. The allocator keeps freed memory for its thread, and finds what other threads have freed only when
//! that allocates again. A thread that sleeps would keep for ever what processes took that have ended since.

use crate::allocator;
use crate::clock::{Clock, Time};
use std::time::Duration;

/// How long there has to be little to do.
const REST: Duration = Duration::from_secs(1);
/// Looks at the queue that found something, between two sleeps, up to which there was little to do: timers that tick do
/// not keep the memory.
const LITTLE: u32 = 100;

/// Looks that found something, over all sleeps, after which memory is given back all the same.
const MUCH: u32 = 1000;

/// A sleep that was so short that staying awake is worth it.
const SHORT: Time = 200_000;

/// What a scheduler has done since it gave memory back.
#[derive(Default)]
pub(super) struct Rest {
    /// Looks that found something since the last sleep, and since memory was given back.
    looks: u32,
    all_looks: u32,
    due: Option<Time>,
    /// The part of the process table that is trimmed next.
    part: usize,
    slept_shortly: bool,
}

impl Rest {
    /// A look at the queue has found something.
    pub fn worked(&mut self) {
        self.looks += 1;
    }

    /// Whether the scheduler is to stay awake for a moment.
    pub fn lingers(&self) -> bool {
        self.slept_shortly
    }

    /// How long it had nothing to do.
    pub fn slept(&mut self, time: Time) {
        self.slept_shortly = time < SHORT;
    }

    /// The scheduler is about to sleep: how long it may, before memory is to be given back.
    pub fn begin(&mut self, clock: &Clock) -> Option<Duration> {
        if clock.is_virtual() {
            return None;
        }
        let looks = std::mem::take(&mut self.looks);
        self.all_looks = self.all_looks.saturating_add(looks);
        if looks > LITTLE || (self.all_looks > MUCH && self.due.is_none()) {
            self.due = Some(clock.now() + REST.as_nanos() as Time);
        }
        self.due.map(|t| clock.until(t))
    }

    /// The scheduler has slept, and nobody has woken it: gives memory back if it is due, once `trim` has had processes
    /// give up theirs, from a part of their table on. It tells where it stopped for other work, and goes on later.
    pub fn end(&mut self, clock: &Clock, trim: impl FnOnce(usize) -> Option<usize>) {
        if self.due.is_some_and(|t| t <= clock.now()) {
            self.all_looks = 0;
            let stopped = trim(self.part);
            self.part = stopped.unwrap_or(0);
            self.due = stopped.map(|_| clock.now() + REST.as_nanos() as Time);
            allocator::give_back();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn work(rest: &mut Rest, looks: u32) {
        (0..looks).for_each(|_| rest.worked());
    }

    #[test]
    fn who_had_work_soon_stays_awake() {
        let mut rest = Rest::default();
        assert!(!rest.lingers());
        rest.slept(SHORT - 1);
        assert!(rest.lingers());
        rest.slept(SHORT);
        assert!(!rest.lingers());
    }

    #[test]
    fn memory_is_given_back_once_a_while_after_much_was_done() {
        let (mut rest, clock) = (Rest::default(), Clock::real());
        work(&mut rest, LITTLE);
        assert_eq!(rest.begin(&clock), None);
        work(&mut rest, LITTLE + 1);
        let wait = rest.begin(&clock).unwrap();
        assert!(wait <= REST);
        work(&mut rest, LITTLE);
        assert!(rest.begin(&clock).unwrap() <= wait, "a little work does not put it off");
        let too_soon = |_| unreachable!();
        rest.end(&clock, too_soon);
        assert!(rest.due.is_some());
        rest.due = Some(clock.now());
        rest.end(&clock, |part| Some(part + 3));
        assert!(rest.due > Some(clock.now()), "it goes on later, where it stopped");
        rest.due = Some(clock.now());
        rest.end(&clock, |part| (part != 3).then_some(0));
        assert_eq!((rest.begin(&clock), rest.part), (None, 0));
        for _ in 0..MUCH / LITTLE {
            work(&mut rest, LITTLE);
            assert_eq!(rest.begin(&clock), None);
        }
        work(&mut rest, 1);
        assert!(rest.begin(&clock).is_some(), "much was done, little by little");
    }
}
