//! The process dictionary.

use hashbrown::HashTable;
use purlin_term::compare::same;
use purlin_term::{Term, hash};

/// Keys and values that `put/2` stored. Both are terms of the process's heap (ROOTS); a key's hash depends on its
/// value alone, so that it stays when the key moves.
#[derive(Default)]
pub struct Dictionary {
    entries: HashTable<Entry>,
}

struct Entry {
    key: Term,
    value: Term,
}

/// Keys that follow each other lie beside each other in the table, 64 at a time: its place comes from the low bits, a
/// tag from the top seven, which must differ where the places are near.
#[inline]
fn hash_of(key: Term) -> u64 {
    let h = if key.is_immediate() { key.raw() >> 4 } else { hash::internal(key) };
    (mixed(h) & (0x7F << 57)) | ((mixed(h >> 6) << 6) % (1 << 57)) | (h % 64)
}

/// Every bit depends on all bits.
#[inline]
fn mixed(h: u64) -> u64 {
    let product = (h as u128 + 1) * 0x9E37_79B9_7F4A_7C15;
    product as u64 ^ (product >> 64) as u64
}

impl Entry {
    #[inline]
    fn holds(&self, key: Term) -> bool {
        self.key == key || same(self.key, key)
    }
}

impl Dictionary {
    /// The value of a key.
    #[inline]
    pub fn get(&self, key: Term) -> Option<Term> {
        self.entries.find(hash_of(key), |e| e.holds(key)).map(|e| e.value)
    }

    /// Sets the value of a key; the value before.
    pub fn put(&mut self, key: Term, value: Term) -> Option<Term> {
        let hash = hash_of(key);
        match self.entries.find_mut(hash, |e| e.holds(key)) {
            Some(e) => Some(std::mem::replace(&mut e.value, value)),
            None => {
                self.entries.insert_unique(hash, Entry { key, value }, |e| hash_of(e.key));
                None
            }
        }
    }

    /// Removes a key; its value.
    pub fn erase(&mut self, key: Term) -> Option<Term> {
        let found = self.entries.find_entry(hash_of(key), |e| e.holds(key)).ok()?;
        Some(found.remove().0.value)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Dictionary::default();
    }

    /// All keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (Term, Term)> + '_ {
        self.entries.iter().map(|e| (e.key, e.value))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Visits every slot that holds a term of the heap.
    pub(crate) fn visit(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        for e in self.entries.iter_mut() {
            visit(&mut e.key);
            visit(&mut e.value);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use purlin_term::Heap;

    #[test]
    fn keys_are_found_by_value() {
        let mut heap = Heap::new(0);
        let mut d = Dictionary::default();
        for i in 0..100 {
            let key = heap.tuple(&[Term::small(i), Term::NIL]);
            assert_eq!(d.put(key, Term::small(i)), None);
            assert_eq!(d.put(Term::small(i), Term::small(-i)), None);
        }
        let key = heap.tuple(&[Term::small(7), Term::NIL]);
        assert_eq!(d.get(key), Some(Term::small(7)));
        assert_eq!(d.put(key, Term::NIL), Some(Term::small(7)));
        assert_eq!(d.erase(key), Some(Term::NIL));
        assert_eq!(d.get(key), None);
        assert_eq!(d.len(), 199);
    }

    #[test]
    fn keys_far_apart_spread_over_the_table() {
        for stride in [1, 16, 64, 4096, 1 << 40] {
            let mut d = Dictionary::default();
            for i in 0..1000 {
                assert_eq!(d.put(Term::small(i * stride), Term::small(i)), None);
            }
            assert!((0..1000).all(|i| d.get(Term::small(i * stride)) == Some(Term::small(i))), "{stride}");
            let places: std::collections::HashSet<u64> =
                (0..1000).map(|i| (hash_of(Term::small(i * stride)) >> 4) % 64).collect();
            assert!(places.len() >= 14, "{stride}: {}", places.len());
        }
    }
}
