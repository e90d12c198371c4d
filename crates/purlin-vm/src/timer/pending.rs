//! Which timers send to a process: for each process a doubly linked list of their places in the slab.
//!
//! The rule that must stay true: a place is in the list of its process from its timer's start until it is taken out.

use super::chunks::Chunks;
use hashbrown::HashMap;

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    next: u32,
    previous: u32,
}

#[derive(Default)]
pub(super) struct Pending {
    /// The first place of each process that has any.
    first: HashMap<u64, u32>,
    links: Chunks<Link>,
}

impl Pending {
    pub(super) fn add(&mut self, process: u64, place: u32) {
        let next = self.first.insert(process, place).unwrap_or(NONE);
        self.links.reach(place, Link { next: NONE, previous: NONE });
        self.links[place] = Link { next, previous: NONE };
        if next != NONE {
            self.links[next].previous = place;
        }
    }

    pub(super) fn remove(&mut self, process: u64, place: u32) {
        let Link { next, previous } = self.links[place];
        if next != NONE {
            self.links[next].previous = previous;
        }
        if previous != NONE {
            self.links[previous].next = next;
        } else if next != NONE {
            self.first.insert(process, next);
        } else {
            self.first.remove(&process);
        }
    }

    /// One of the places of a process.
    pub(super) fn any(&self, process: u64) -> Option<u32> {
        self.first.get(&process).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_removed_in_any_order() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut pending = Pending::default();
            pending.add(8, 3);
            (0..3).for_each(|place| pending.add(7, place));
            for (i, place) in order.into_iter().enumerate() {
                assert!(pending.any(7).is_some_and(|p| order[i..].contains(&p)));
                pending.remove(7, place);
            }
            assert_eq!((pending.any(7), pending.any(8)), (None, Some(3)));
        }
    }
}
