//! Keys of rows: where they are, how they hash, how they are ordered.

use crate::match_spec::is_open;
use purlin_term::compare::{cmp, same};
use purlin_term::{Release, Row, Term, hash};
use std::cmp::Ordering;

/// Element `keypos` (from 1) of a row, which has it.
#[inline]
pub fn of(keypos: usize, row: Term) -> Term {
    row.as_tuple().and_then(|e| e.get(keypos - 1)).copied().unwrap_or(Term::NONE)
}

/// As [`of`], of a row in a table.
#[inline]
pub fn at(keypos: usize, row: &Row) -> Term {
    row.elements().get(keypos - 1).copied().unwrap_or(Term::NONE)
}

/// The hash value that decides a row's bucket. Since OTP 29 its lowest bit is left out.
#[inline]
pub fn hash(key: Term) -> u32 {
    let left_out = u32::from(Release::of_values() >= Release(29));
    match key.as_atom() {
        Some(a) => a.value() >> left_out,
        None => (hash::internal(key) >> left_out) as u32,
    }
}

/// A key to search for. It is hashed before any lock is taken.
#[derive(Clone, Copy)]
pub struct Key {
    pub term: Term,
    /// Zero in tables that do not go by it.
    pub hash: u32,
}

impl Key {
    /// A key of a hash table.
    #[inline]
    pub fn hashed(term: Term) -> Key {
        Key { term, hash: hash(term) }
    }

    /// Whether a row of a hash table has this key.
    #[inline]
    pub fn is_of(self, row: &Row, keypos: usize) -> bool {
        row.hash() == self.hash && same(at(keypos, row), self.term)
    }
}

/// A point in the order of keys: a key, or one of the two ends of all keys that match a pattern such as `{a, '_'}`.
#[derive(Clone, Copy)]
pub struct Probe {
    term: Term,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Key,
    Before,
    Behind,
}

impl Probe {
    pub fn key(term: Term) -> Probe {
        Probe { term, end: End::Key }
    }

    /// The word of a key that is a small integer; such words are ordered as the numbers are.
    #[inline]
    pub fn small(self) -> Option<i64> {
        (self.end == End::Key && self.term.is_small()).then_some(self.term.raw() as i64)
    }

    /// Before all keys that match.
    pub fn before(pattern: Term) -> Probe {
        Probe { term: pattern, end: End::Before }
    }

    /// Behind all keys that match.
    pub fn behind(pattern: Term) -> Probe {
        Probe { term: pattern, end: End::Behind }
    }
}

impl PartialEq for Probe {
    #[inline]
    fn eq(&self, other: &Probe) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Probe {}

impl PartialOrd for Probe {
    #[inline]
    fn partial_cmp(&self, other: &Probe) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Probe {
    /// Walking down a tree compares often: the usual keys, small integers, take no call.
    #[inline(always)]
    fn cmp(&self, other: &Probe) -> Ordering {
        if (self.end, other.end) == (End::Key, End::Key) && self.term.is_small() && other.term.is_small() {
            return (self.term.raw() as i64).cmp(&(other.term.raw() as i64));
        }
        self.compare(other)
    }
}

impl Probe {
    #[inline(never)]
    fn compare(&self, other: &Probe) -> Ordering {
        let side = |end: End| match end {
            End::Before => -1,
            End::Key => 0,
            End::Behind => 1,
        };
        match (self.end, other.end) {
            (End::Key, End::Key) => cmp(self.term, other.term),
            (_, End::Key) => compare_pattern(self.term, other.term).then(side(self.end).cmp(&0)),
            (End::Key, _) => compare_pattern(other.term, self.term).reverse().then(0.cmp(&side(other.end))),
            // Both ends of one pattern.
            (a, b) => side(a).cmp(&side(b)),
        }
    }
}

/// Compares a pattern with a key as far as the pattern is closed, left to right; equal from its first open part on.
fn compare_pattern(pattern: Term, key: Term) -> Ordering {
    compare_parts(pattern, key).unwrap_or(Ordering::Equal)
}

/// `None`: an open part was reached.
fn compare_parts(pattern: Term, key: Term) -> Option<Ordering> {
    let (mut pattern, mut key) = (pattern, key);
    loop {
        if !is_open(pattern) {
            return Some(cmp(pattern, key));
        }
        if let (Some((ph, pt)), Some((kh, kt))) = (pattern.as_cons(), key.as_cons()) {
            match compare_parts(ph, kh)? {
                Ordering::Equal => (pattern, key) = (pt, kt),
                other => return Some(other),
            }
            continue;
        }
        let Some((p, k)) = pattern.as_tuple().zip(key.as_tuple()).filter(|(p, k)| p.len() == k.len()) else {
            // A pattern of another shape than the key: its kind decides unless it is open altogether.
            let closed_shape = pattern.is_cons() || pattern.is_tuple();
            return closed_shape.then(|| cmp(pattern, key));
        };
        for (p, k) in p.iter().zip(k) {
            match compare_parts(*p, *k)? {
                Ordering::Equal => {}
                other => return Some(other),
            }
        }
        return Some(Ordering::Equal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::{Heap, am};

    #[test]
    fn open_patterns_span_all_keys_that_match() {
        let mut h = Heap::new(256);
        let p = h.tuple(&[am!("b"), am!("_")]);
        let mut key = |a: Term, b: i64| h.tuple(&[a, Term::small(b)]);
        let (below, inside, above) = (key(am!("a"), 9), key(am!("b"), -1), key(am!("c"), 0));
        for (k, before, behind) in [
            (below, Ordering::Greater, Ordering::Greater),
            (inside, Ordering::Less, Ordering::Greater),
            (above, Ordering::Less, Ordering::Less),
            (Term::small(1), Ordering::Greater, Ordering::Greater),
            (Term::NIL, Ordering::Less, Ordering::Less),
        ] {
            assert_eq!(Probe::before(p).cmp(&Probe::key(k)), before);
            assert_eq!(Probe::behind(p).cmp(&Probe::key(k)), behind);
        }
    }
}
