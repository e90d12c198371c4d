//! When a timer fires. A process keeps that of the timer that wakes it.

use crate::clock::Time;
use std::num::NonZeroU64;

/// When a timer fires: the time, and a number that keeps timers of one time apart and in order.
///
/// The number's low half is the timer's place in the slab, its high half counts starts, of which none is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline {
    pub(crate) at: Time,
    pub(crate) number: NonZeroU64,
}

impl Deadline {
    pub fn at(self) -> Time {
        self.at
    }

    pub(crate) fn place(self) -> u32 {
        self.number.get() as u32
    }
}
