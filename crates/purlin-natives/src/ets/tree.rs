//! Rows of ordered_set tables, by their keys in term order; keys that compare equal (`1` and `1.0`) are one key.

use super::key;
use super::key::Probe;
use purlin_term::{Owned, Term};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

pub struct TreeRows {
    keypos: usize,
    /// Rows by key; a key's term lies in the memory of its row.
    rows: BTreeMap<Probe, Owned>,
    words: usize,
}

/// Words that OTP spends on a row besides its term.
const ROW_WORDS: usize = 5;

impl TreeRows {
    pub fn new(keypos: usize) -> TreeRows {
        TreeRows { keypos, rows: BTreeMap::new(), words: 0 }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn words(&self) -> usize {
        self.words
    }

    pub fn get(&self, key: Term) -> Option<&Owned> {
        self.rows.get(&Probe::key(key))
    }

    pub fn contains(&self, key: Term) -> bool {
        self.rows.contains_key(&Probe::key(key))
    }

    /// The row of a key, for changing elements other than the key.
    pub fn get_mut(&mut self, key: Term) -> Option<&mut Owned> {
        self.rows.get_mut(&Probe::key(key))
    }

    /// Inserts a row; whether it was inserted (`only_new` leaves an existing key alone).
    pub fn put(&mut self, row: Owned, only_new: bool) -> bool {
        let key = key::of(self.keypos, row.term());
        match self.rows.entry(Probe::key(key)) {
            Entry::Occupied(_) if only_new => return false,
            Entry::Occupied(mut old) if key.is_immediate() && key::of(self.keypos, old.get().term()) == key => {
                self.words = self.words + row.words() - old.get().words();
                old.insert(row);
            }
            Entry::Occupied(old) => {
                // The stored key goes with the old row's memory.
                self.words = self.words + row.words() - old.get().words();
                drop(old.remove());
                self.rows.insert(Probe::key(key), row);
            }
            Entry::Vacant(new) => {
                self.words += row.words() + ROW_WORDS;
                new.insert(row);
            }
        }
        true
    }

    /// Removes the row of a key.
    pub fn take(&mut self, key: Term) -> Option<Owned> {
        let old = self.rows.remove(&Probe::key(key))?;
        self.words -= old.words() + ROW_WORDS;
        Some(old)
    }

    pub fn first(&self) -> Option<&Owned> {
        self.rows.first_key_value().map(|r| r.1)
    }

    pub fn last(&self) -> Option<&Owned> {
        self.rows.last_key_value().map(|r| r.1)
    }

    /// The row behind this key, which need not exist.
    pub fn next(&self, key: Term) -> Option<&Owned> {
        self.range(Bound::Excluded(Probe::key(key)), Bound::Unbounded).next()
    }

    /// The row before this key, which need not exist.
    pub fn prev(&self, key: Term) -> Option<&Owned> {
        self.range(Bound::Unbounded, Bound::Excluded(Probe::key(key))).next_back()
    }

    /// Row number `n` in key order.
    pub fn nth(&self, n: usize) -> Option<&Owned> {
        self.rows.values().nth(n)
    }

    /// The rows between two bounds (none when they are the wrong way round).
    pub fn range(&self, low: Bound<Probe>, high: Bound<Probe>) -> impl DoubleEndedIterator<Item = &Owned> {
        let inside = match (&low, &high) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
            (Bound::Included(a), Bound::Included(b)) => a <= b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
        };
        inside.then(|| self.rows.range((low, high))).into_iter().flatten().map(|r| r.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Heap;

    #[test]
    fn an_integer_and_its_float_are_one_key() {
        let mut h = Heap::new(64);
        let one = h.float(1.0);
        let (a, b) = (h.tuple(&[Term::small(1), Term::NIL]), h.tuple(&[one, Term::small(2)]));
        let mut t = TreeRows::new(1);
        assert!(t.put(Owned::new(a), false));
        assert!(!t.put(Owned::new(b), true));
        assert!(t.put(Owned::new(b), false));
        assert_eq!(t.len(), 1);
        assert_eq!(t.get(Term::small(1)).unwrap().term().as_tuple().unwrap()[1], Term::small(2));
        assert_eq!(t.words(), 5 + 3 + 2);
        assert!(t.take(Term::small(1)).is_some());
        assert_eq!(t.words(), 0);
    }

    #[test]
    fn neighbours_of_missing_keys_are_found() {
        let mut h = Heap::new(64);
        let mut t = TreeRows::new(1);
        for i in [1, 5, 9] {
            let r = h.tuple(&[Term::small(i)]);
            t.put(Owned::new(r), false);
        }
        let key = |o: Option<&Owned>| o.map(|o| o.term().as_tuple().unwrap()[0].small_value());
        assert_eq!(key(t.next(Term::small(2))), Some(5));
        assert_eq!(key(t.prev(Term::small(5))), Some(1));
        assert_eq!(key(t.next(Term::small(9))), None);
        assert_eq!(key(t.nth(2)), Some(9));
    }
}
