//! How much work all of a term is, without a look at more of it than it takes to tell.

use crate::boxed::{Kind, arity_of};
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;

/// Bytes of a binary that weigh as much as a word.
const BYTES_PER_WORD: usize = 32;

/// Whether a term weighs more than `limit`: as much as the words of a copy, and for each 32 bytes of binaries one more.
pub fn exceeds(t: Term, limit: usize) -> bool {
    let (mut t, mut left) = (t, limit);
    // What is left for later: of a list that is in another one its rest, so that this stays short.
    let mut work: SmallVec<[Term; 16]> = SmallVec::new();
    loop {
        while let Some((head, tail)) = t.as_cons() {
            let Some(less) = left.checked_sub(2) else { return true };
            left = less;
            if !head.is_pointer() {
                t = tail;
                continue;
            }
            if tail.is_pointer() {
                work.push(tail);
            }
            t = head;
        }
        if t.is_boxed() {
            let Some(less) = left.checked_sub(of_boxed(t, &mut work)) else { return true };
            left = less;
        }
        match work.pop() {
            Some(next) => t = next,
            None => return false,
        }
    }
}

/// What a boxed term weighs without the terms in it, which are left for later, the first one last.
#[inline(always)]
fn of_boxed(t: Term, work: &mut SmallVec<[Term; 16]>) -> usize {
    let header = t.header_word();
    let (kind, words) = (Kind::of_header(header), 1 + arity_of(header));
    // What a part of a binary is part of weighs nothing.
    if matches!(kind, Kind::HeapBin | Kind::RefBin | Kind::SubBits) {
        return words + t.bit_size() / 8 / BYTES_PER_WORD;
    }
    let first = 1 + kind.raw_words(arity_of(header));
    for i in (first..words).rev() {
        // SAFETY: LIVE: a header is followed by as many words as its arity says, raw ones first.
        let inner = unsafe { Term::word(*t.pointer().add(i)) };
        if inner.is_pointer() {
            work.push(inner);
        }
    }
    words
}

impl Heap {
    /// At least as much as all terms in this heap weigh together; what they refer to elsewhere are literals.
    pub fn weight(&self) -> usize {
        let words = self.block.words() + self.old.words() + self.fragment_words + self.adopted_words as usize;
        words + (self.virtual_heap.words() + self.old_virtual_heap.words()) * 8 / BYTES_PER_WORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_weigh_their_words_and_their_binaries_bytes() {
        let mut h = Heap::new(0);
        let small = Term::small(1);
        let (pair, large) = (h.tuple(&[small, small]), h.binary(&[0; 32_000]));
        let part = h.sub_bits(large, 3, 320 * 8);
        let list = h.list(&[pair; 100]);
        let deep = (0..100_000).fold(Term::NIL, |t, _| h.tuple(&[t]));
        let map = crate::map::from_pairs(&mut h, &(0..40).map(|i| (Term::small(i), pair)).collect::<Vec<_>>());
        for (t, least, most) in [
            (small, 0, 0),
            (Term::NIL, 0, 0),
            (pair, 3, 3),
            (list, 500, 500),
            (deep, 200_000, 200_000),
            (large, 1000, 1010),
            (part, 10, 20),
            (map, 40 * 5, 40 * 12),
        ] {
            assert!(!exceeds(t, most), "{t:?}");
            assert!(least == 0 || exceeds(t, least - 1), "{t:?}");
        }
    }
}
