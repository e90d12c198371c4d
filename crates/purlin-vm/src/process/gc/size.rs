//! How large a heap's block is made: decided from numbers of words alone, before and after what lives was copied.

/// Words in a fresh process's block.
pub const MIN_HEAP: usize = 233;

/// Words up to which the block of a process grows that collects often, even if little in it lives.
const BUSY_HEAP: usize = 2586;

/// How a process has used its memory of late, from which a minor collection guesses how much will live.
pub struct Habits {
    /// Little lived at the last minor collection.
    pub mostly_dies: bool,
    /// It collects often.
    pub busy: bool,
}

/// The heap size, in words, to take for at least `words` words.
pub fn next_size(words: usize) -> usize {
    let (mut a, mut b) = (MIN_HEAP, 376);
    while a < words {
        if a < 1 << 20 {
            (a, b) = (b, a + b + 1);
        } else {
            a += a / 5;
        }
    }
    a
}

/// A young block before a minor collection, and what is asked of the next one; all in words.
#[derive(Clone, Copy)]
pub(super) struct Young {
    /// The size of the block that is left.
    pub former: usize,
    /// What is in use, and so may live.
    pub may_live: usize,
    /// What must be free afterwards.
    pub need: usize,
    /// The block does not shrink below this.
    pub least: usize,
}

impl Young {
    /// The size of the block that a minor collection copies into.
    pub fn size(self, habits: &Habits) -> usize {
        let Young { former, may_live, need, least } = self;
        let bound = may_live + need;
        if bound * 4 < former && former > BUSY_HEAP {
            // The collection was asked for, or binaries called for it: so large a block is not used up.
            next_size(bound * 3).max(least)
        } else if bound <= former {
            former
        } else if habits.mostly_dies {
            // As large as before unless more may live than that; but who collects all the time gets more room.
            let size = if habits.busy && former < BUSY_HEAP { next_size(former + 1) } else { former };
            if may_live <= size { size.max(least) } else { next_size(may_live).max(least) }
        } else {
            // With a fourth to spare, so that there is no need to copy again if all of it lives.
            next_size(bound + bound / 3).max(least)
        }
    }

    /// Whether little of what might have lived did, once `live` words do, with those that must be free.
    pub fn mostly_died(self, live: usize) -> bool {
        live * 4 < self.may_live + self.need
    }

    /// The size to copy to once more, where `live` words turn out to live in a block of `size`. The block was made for
    /// all that might live; what does live decides whether it stays. One that stays nearly full would collect again
    /// and again.
    pub fn fitting(self, size: usize, live: usize, habits: &Habits) -> Option<usize> {
        let kept = if habits.busy { self.former.max(BUSY_HEAP) } else { self.former };
        let wanted = if live * 4 > size * 3 {
            next_size(live * 2)
        } else if size > kept && live * 4 < size {
            next_size(live * 4 / 3).max(self.former).max(self.least)
        } else {
            size
        };
        (wanted != size).then_some(wanted)
    }
}

/// The size of the block after a major collection into one of `size` words, of which `live` live or must be free.
pub(super) fn after_major(size: usize, live: usize, least: usize) -> usize {
    let (nearly_full, too_large) = (live * 4 > size * 3, live * 3 < size);
    if nearly_full || too_large { next_size(live * 3 / 2).max(least) } else { size.max(least) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRUGAL: Habits = Habits { mostly_dies: true, busy: false };
    const KEEPING: Habits = Habits { mostly_dies: false, busy: false };
    const BUSY: Habits = Habits { mostly_dies: true, busy: true };

    fn young(former: usize, may_live: usize, need: usize) -> Young {
        Young { former, may_live, need, least: MIN_HEAP }
    }

    #[test]
    fn a_block_that_is_hardly_used_becomes_smaller() {
        assert_eq!(young(1_000_000, 100_000, 100).size(&KEEPING), next_size(300_300));
        assert_eq!(young(1_000_000, 100_000, 200_000).size(&KEEPING), 1_000_000);
        assert_eq!(young(2586, 100, 10).size(&BUSY), 2586);
    }

    #[test]
    fn sizes_are_those_of_otp() {
        let sizes: Vec<usize> =
            std::iter::successors(Some(next_size(0)), |&n| Some(next_size(n + 1))).take(8).collect();
        assert_eq!(sizes, [233, 376, 610, 987, 1598, 2586, 4185, 6772]);
    }

    #[test]
    fn a_block_with_room_for_all_keeps_its_size() {
        assert_eq!(young(610, 500, 100).size(&KEEPING), 610);
    }

    #[test]
    fn where_most_dies_the_block_keeps_its_size_and_grows_for_who_collects_often() {
        assert_eq!(young(610, 600, 100).size(&FRUGAL), 610);
        assert_eq!(young(610, 600, 100).size(&BUSY), 987);
        assert_eq!(young(2586, 2500, 200).size(&BUSY), 2586, "no further than a busy heap");
    }

    #[test]
    fn where_much_lives_there_is_a_fourth_to_spare() {
        let size = young(610, 600, 100).size(&KEEPING);
        assert!(size >= 700 * 4 / 3, "{size}");
    }

    #[test]
    fn a_block_that_stays_nearly_full_or_empty_is_exchanged() {
        let before = young(610, 600, 100);
        assert_eq!(before.fitting(987, 800, &KEEPING), Some(next_size(1600)));
        assert_eq!(before.fitting(987, 500, &KEEPING), None);
        assert_eq!(before.fitting(987, 200, &KEEPING), Some(610), "never below what it was");
        assert_eq!(before.fitting(987, 200, &BUSY), None, "who is busy keeps its room");
    }

    #[test]
    fn a_major_collection_leaves_between_a_fourth_and_two_thirds_free() {
        assert_eq!(after_major(987, 500, MIN_HEAP), 987);
        assert_eq!(after_major(987, 800, MIN_HEAP), next_size(1200));
        assert_eq!(after_major(987, 300, MIN_HEAP), next_size(450));
        assert_eq!(after_major(987, 10, 987), 987, "but for the least that was asked for");
    }
}
