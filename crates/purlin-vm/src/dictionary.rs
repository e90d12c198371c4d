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
    hash: u64,
    key: Term,
    value: Term,
}

#[inline]
fn hash_of(key: Term) -> u64 {
    let h = if key.is_immediate() { key.0 >> 4 } else { hash::internal(key, 0) as u64 };
    // The table takes its tag from the top bits.
    (h + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Dictionary {
    /// The value of a key.
    #[inline]
    pub fn get(&self, key: Term) -> Option<Term> {
        self.entries.find(hash_of(key), |e| e.key == key || same(e.key, key)).map(|e| e.value)
    }

    /// Sets the value of a key; the value before.
    pub fn put(&mut self, key: Term, value: Term) -> Option<Term> {
        let hash = hash_of(key);
        match self.entries.find_mut(hash, |e| e.key == key || same(e.key, key)) {
            Some(e) => Some(std::mem::replace(&mut e.value, value)),
            None => {
                self.entries.insert_unique(hash, Entry { hash, key, value }, |e| e.hash);
                None
            }
        }
    }

    /// Removes a key; its value.
    pub fn erase(&mut self, key: Term) -> Option<Term> {
        let found = self.entries.find_entry(hash_of(key), |e| e.key == key || same(e.key, key)).ok()?;
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
}
