//! The process dictionary.

use hashbrown::HashMap;
use purlin_term::Term;

/// Keys and values that `put/2` stored. Both are terms of the process's heap (ROOTS).
#[derive(Default)]
pub struct Dictionary {
    /// Keys that are immediate: the word is the key.
    immediate: HashMap<Term, Term>,
    /// Other keys, which move on collection.
    others: Vec<(Term, Term)>,
}

impl Dictionary {
    /// The value of a key.
    #[inline]
    pub fn get(&self, key: Term) -> Option<Term> {
        if key.is_immediate() {
            return self.immediate.get(&key).copied();
        }
        self.others.iter().find(|e| same(e.0, key)).map(|e| e.1)
    }

    /// Sets the value of a key; the value before.
    pub fn put(&mut self, key: Term, value: Term) -> Option<Term> {
        if key.is_immediate() {
            return self.immediate.insert(key, value);
        }
        match self.others.iter_mut().find(|e| same(e.0, key)) {
            Some(e) => Some(std::mem::replace(&mut e.1, value)),
            None => {
                self.others.push((key, value));
                None
            }
        }
    }

    /// Removes a key; its value.
    pub fn erase(&mut self, key: Term) -> Option<Term> {
        if key.is_immediate() {
            return self.immediate.remove(&key);
        }
        let i = self.others.iter().position(|e| same(e.0, key))?;
        Some(self.others.swap_remove(i).1)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Dictionary::default();
    }

    /// All keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (Term, Term)> + '_ {
        self.immediate.iter().map(|(&k, &v)| (k, v)).chain(self.others.iter().copied())
    }

    pub fn len(&self) -> usize {
        self.immediate.len() + self.others.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits every slot that holds a term of the heap.
    pub(crate) fn visit(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        self.immediate.values_mut().for_each(&mut *visit);
        for (k, v) in &mut self.others {
            visit(k);
            visit(v);
        }
    }
}

/// Whether two terms are exactly equal.
pub fn same(a: Term, b: Term) -> bool {
    if a == b {
        return true;
    }
    if let (Some((ah, at)), Some((bh, bt))) = (a.as_cons(), b.as_cons()) {
        return same(ah, bh) && same(at, bt);
    }
    if let (Some(x), Some(y)) = (a.as_tuple(), b.as_tuple()) {
        return x.len() == y.len() && x.iter().zip(y).all(|(&x, &y)| same(x, y));
    }
    if let (Some(x), Some(y)) = (a.as_local_ref(), b.as_local_ref()) {
        return x == y;
    }
    if let (Some(x), Some(y)) = (a.as_bits(), b.as_bits()) {
        return x.size == y.size && x.to_bytes() == y.to_bytes();
    }
    if let (Some(x), Some(y)) = (a.as_float(), b.as_float()) {
        return x == y;
    }
    if let (Some(x), Some(y)) = (a.as_big(), b.as_big()) {
        return x == y;
    }
    if let (Some((xk, xv)), Some((yk, yv))) = (a.as_flat_map(), b.as_flat_map()) {
        let all = |x: &[Term], y: &[Term]| x.len() == y.len() && x.iter().zip(y).all(|(&x, &y)| same(x, y));
        return all(xk, yk) && all(xv, yv);
    }
    false
}
