//! A timer wheel: places of a slab by the tick that they are due in, without order within a tick.
//!
//! Each of three levels has 1,024 slots: one tick each in the first, 1,024 ticks each in the second, and so on. A place
//! stands in the lowest level whose slots, around the wheel's own tick `base`, reach to its tick; what is beyond all of
//! them stands in `far`. When the first tick of a slot comes, its places move on to a lower level, or out.
//!
//! The rule that must stay true: no place in the wheel has a tick before `base`, so that `base` and the places of a level
//! are always in the same slot of the level above.

use super::chunks::Chunks;
use crate::clock::{START, Time};
use std::collections::BTreeSet;

/// A tick is 2 to this power nanoseconds: about a millisecond.
const TICK_BITS: u32 = 20;
const SLOT_BITS: u32 = 10;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 3;

/// No place, or no slot.
const NONE: u32 = u32::MAX;
const FAR: u32 = u32::MAX - 1;

/// The tick that a time lies in; ticks are ordered as the times are.
pub(super) fn tick_of(at: Time) -> u64 {
    ((at >> TICK_BITS) as u64) ^ (1 << 63)
}

/// When a tick begins.
fn start_of(tick: u64) -> Time {
    ((tick ^ (1 << 63)) as i64) << TICK_BITS
}

/// Where a place stands.
#[derive(Clone, Copy)]
struct Link {
    tick: u64,
    next: u32,
    previous: u32,
    slot: u32,
}

const OUT: Link = Link { tick: 0, next: NONE, previous: NONE, slot: NONE };

/// Which slots of a level hold anything.
#[derive(Clone, Copy, Default)]
struct Occupied {
    words: [u64; SLOTS / 64],
    /// Which of the words are not zero.
    summary: u64,
}

impl Occupied {
    fn set(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
        self.summary |= 1 << (i / 64);
    }

    fn clear(&mut self, i: usize) {
        self.words[i / 64] &= !(1 << (i % 64));
        if self.words[i / 64] == 0 {
            self.summary &= !(1 << (i / 64));
        }
    }

    fn first(&self) -> Option<usize> {
        let w = self.summary.trailing_zeros() as usize;
        (self.summary != 0).then(|| w * 64 + self.words[w].trailing_zeros() as usize)
    }
}

pub(super) struct Wheel {
    base: u64,
    /// The first place in each slot of each level.
    heads: Vec<u32>,
    occupied: [Occupied; LEVELS],
    /// By place.
    links: Chunks<Link>,
    far: BTreeSet<(u64, u32)>,
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            base: tick_of(START),
            heads: vec![NONE; LEVELS * SLOTS],
            occupied: Default::default(),
            links: Chunks::default(),
            far: BTreeSet::new(),
        }
    }
}

impl Wheel {
    /// Adds a place that is not in the wheel; false: its tick has come already.
    pub fn insert(&mut self, place: u32, tick: u64) -> bool {
        if tick < self.base {
            return false;
        }
        self.links.reach(place, OUT);
        let reach = tick ^ self.base;
        let Some(level) = (0..LEVELS).find(|&l| reach >> (SLOT_BITS * (l as u32 + 1)) == 0) else {
            self.far.insert((tick, place));
            self.links[place] = Link { tick, slot: FAR, ..OUT };
            return true;
        };
        let i = (tick >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        let slot = level * SLOTS + i;
        let next = std::mem::replace(&mut self.heads[slot], place);
        match self.links.get_mut(next) {
            Some(link) => link.previous = place,
            None => self.occupied[level].set(i),
        }
        self.links[place] = Link { tick, next, previous: NONE, slot: slot as u32 };
        true
    }

    /// Takes a place out, if it is in the wheel.
    pub fn remove(&mut self, place: u32) {
        let Some(link) = self.links.get_mut(place) else { return };
        let Link { tick, next, previous, slot } = std::mem::replace(link, OUT);
        match slot {
            NONE => return,
            FAR => {
                self.far.remove(&(tick, place));
                return;
            }
            _ => {}
        }
        if let Some(link) = self.links.get_mut(next) {
            link.previous = previous;
        }
        if let Some(link) = self.links.get_mut(previous) {
            link.next = next;
            return;
        }
        let slot = slot as usize;
        self.heads[slot] = next;
        if next == NONE {
            self.occupied[slot / SLOTS].clear(slot % SLOTS);
        }
    }

    /// The first tick of the first slot that is not empty, and its level (`LEVELS`: what is far).
    fn next(&self) -> Option<(u64, usize)> {
        let of_level = |l: usize| {
            let i = self.occupied[l].first()? as u64;
            let shift = SLOT_BITS * l as u32;
            let around = self.base >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
            Some((around | i << shift, l))
        };
        let reach = SLOT_BITS * LEVELS as u32;
        let far = self.far.first().map(|&(tick, _)| (tick >> reach << reach, LEVELS));
        // At equal ticks the highest level comes first: what it holds belongs further down.
        (0..LEVELS).filter_map(of_level).chain(far).min_by_key(|&(tick, level)| (tick, LEVELS - level))
    }

    /// No place in the wheel is due before this time.
    pub fn first(&self) -> Option<Time> {
        self.next().map(|(tick, _)| start_of(tick))
    }

    /// Takes out all places whose ticks have come at `now`.
    pub fn advance(&mut self, now: u64, mut out: impl FnMut(u32)) {
        while let Some((tick, level)) = self.next().filter(|n| n.0 <= now) {
            self.base = self.base.max(tick);
            if level == LEVELS {
                let reach = SLOT_BITS * LEVELS as u32;
                while let Some(&(t, place)) = self.far.first().filter(|f| f.0 >> reach == tick >> reach) {
                    self.remove(place);
                    self.insert(place, t);
                }
                continue;
            }
            let i = (tick >> (SLOT_BITS * level as u32)) as usize % SLOTS;
            let mut place = std::mem::replace(&mut self.heads[level * SLOTS + i], NONE);
            self.occupied[level].clear(i);
            while let Some(link) = self.links.get_mut(place) {
                let Link { tick, next, .. } = std::mem::replace(link, OUT);
                if level == 0 {
                    out(place);
                } else {
                    self.insert(place, tick);
                }
                place = next;
            }
            if level == 0 {
                self.base = tick + 1;
            }
        }
        self.base = self.base.max(now.saturating_add(1));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_come_out_when_their_ticks_come_and_removed_ones_never() {
        let mut wheel = Wheel::default();
        let start = tick_of(START);
        let mut random = 12345u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) % below
        };
        let mut waiting: Vec<Option<u64>> = Vec::new();
        let mut now = start;
        for _ in 0..400 {
            for _ in 0..50 {
                let span = [3, 2000, 3_000_000, 5_000_000_000][next(4) as usize];
                let (place, tick) = (waiting.len() as u32, now + next(span));
                let held = wheel.insert(place, tick);
                assert_eq!(held, tick >= wheel.base);
                waiting.push(held.then_some(tick));
            }
            for _ in 0..10 {
                let place = next(waiting.len() as u64) as usize;
                wheel.remove(place as u32);
                waiting[place] = None;
            }
            if let Some(first) = wheel.first() {
                assert!(waiting.iter().flatten().all(|t| start_of(*t) >= first));
            }
            let step = [2, 300, 40_000, 9_000_000, 800_000_000][next(5) as usize];
            now += next(step);
            wheel.advance(now, |place| {
                let tick = waiting[place as usize].take();
                assert!(tick.is_some_and(|t| t <= now), "{tick:?} at {now}");
            });
            assert!(waiting.iter().flatten().all(|t| *t > now), "what is due has come out");
        }
        wheel.advance(u64::MAX - 1, |place| waiting[place as usize] = None);
        assert!(waiting.iter().all(|t| t.is_none()));
        assert_eq!(wheel.first(), None);
    }

    #[test]
    fn ticks_are_ordered_as_times_are() {
        let times = [i64::MIN, START, -1, 0, 1 << 40, i64::MAX];
        assert!(times.windows(2).all(|w| tick_of(w[0]) <= tick_of(w[1]) && start_of(tick_of(w[1])) <= w[1]));
    }
}
