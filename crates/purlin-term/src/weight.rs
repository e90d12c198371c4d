//! How much work all of a term is, without a look at more of it than it takes to tell.

use crate::boxed::{Kind, arity_of};
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;

/// Bytes of a binary that weigh as much as a word.
const BYTES_PER_WORD: usize = 32;

/// Whether a term weighs more than `limit`: as much as the words of a copy, and for each 32 bytes of binaries one more.
pub fn exceeds(t: Term, limit: usize) -> bool {
    let mut left = limit;
    let mut work: SmallVec<[Term; 16]> = SmallVec::new();
    work.push(t);
    while let Some(t) = work.pop() {
        if !t.is_pointer() {
            continue;
        }
        let p = t.pointer();
        // SAFETY: LIVE: a header is followed by as many words as its arity says.
        let (first, end) = unsafe {
            if t.is_cons() {
                (p, p.add(2))
            } else {
                let arity = arity_of(*p);
                (p.add(1 + Kind::of_header(*p).raw_words(arity)), p.add(1 + arity))
            }
        };
        let bytes = if t.is_bitstring() { t.bit_size() / 8 } else { 0 };
        let weight = (end as usize - p as usize) / 8 + bytes / BYTES_PER_WORD;
        match left.checked_sub(weight) {
            Some(less) => left = less,
            None => return true,
        }
        // What a part of a binary is part of weighs nothing. The first one last, so that a list's rest waits.
        let mut at = if bytes > 0 { first } else { end };
        while at > first {
            at = at.wrapping_sub(1);
            // SAFETY: LIVE: between the first term of the object and its end.
            work.push(unsafe { Term(*at) });
        }
    }
    false
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
