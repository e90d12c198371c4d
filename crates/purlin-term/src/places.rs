//! What is noted of objects by where they are.
//!
//! The objects of a term mostly lie side by side, and are met in about that order. So notes are kept by lines of 64
//! words: one look into a table serves for many objects.

use hashbrown::HashMap;

/// Words in a line.
const LINE: usize = 64;

/// Notes of a kind per line.
pub(crate) struct Places<L> {
    index: HashMap<usize, usize>,
    notes: Vec<L>,
    /// The line that was asked for last, and the place of its notes.
    last: (usize, usize),
}

impl<L> Default for Places<L> {
    fn default() -> Places<L> {
        Places { index: HashMap::new(), notes: Vec::new(), last: (usize::MAX, 0) }
    }
}

impl<L> Places<L> {
    /// The notes of the line that `p` is in, and which word of the line it is.
    fn of(&mut self, p: *const u64, fresh: impl FnOnce() -> L) -> (&mut L, usize) {
        let word = p as usize / 8;
        let line = word / LINE;
        if line != self.last.0 {
            let next = self.notes.len();
            let at = *self.index.entry(line).or_insert(next);
            if at == next {
                self.notes.push(fresh());
            }
            self.last = (line, at);
        }
        (&mut self.notes[self.last.1], word % LINE)
    }
}

/// A set of objects.
pub(crate) type Seen = Places<u64>;

impl Seen {
    /// Adds the object at `p`; whether it was not there.
    #[inline]
    pub fn insert(&mut self, p: *const u64) -> bool {
        let (bits, word) = self.of(p, || 0);
        let new = *bits >> word & 1 == 0;
        *bits |= 1 << word;
        new
    }
}

/// A word for each object; 0: none yet.
pub(crate) type Words = Places<[u64; LINE]>;

impl Words {
    /// The word of the object at `p`.
    #[inline]
    pub fn at(&mut self, p: *const u64) -> &mut u64 {
        let (words, word) = self.of(p, || [0; LINE]);
        &mut words[word]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_a_note_of_its_own() {
        let (mut seen, mut words) = (Seen::default(), Words::default());
        let at = |i: usize| std::ptr::without_provenance(8 * (i % 7 * 1000 + i));
        for i in 0..1000 {
            assert!(seen.insert(at(i)));
            *words.at(at(i)) = i as u64 + 1;
        }
        for i in 0..1000 {
            assert!(!seen.insert(at(i)));
            assert_eq!(*words.at(at(i)), i as u64 + 1);
        }
        assert_eq!(*words.at(at(1000)), 0);
    }
}
