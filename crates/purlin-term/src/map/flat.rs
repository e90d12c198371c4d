//! Maps of at most 32 associations: a tuple of keys in exact order, which maps made from one another share, and the
//! values.

use super::FLAT_LIMIT;
use crate::compare::{cmp_exact, same};
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// Where a key stands.
#[inline]
pub(super) fn position(keys: &[Term], key: Term) -> Option<usize> {
    if key.is_immediate() {
        keys.iter().position(|&k| k == key)
    } else {
        keys.iter().position(|&k| same(k, key))
    }
}

fn keys_tuple(map: Term) -> Term {
    Term(map.any_body()[0])
}

/// The map with the value at position `i` replaced.
pub(super) fn replace(heap: &mut Heap, map: Term, i: usize, value: Term) -> Term {
    let Some((_, values)) = map.as_flat_map() else { return map };
    if values[i] == value {
        return map;
    }
    let mut values: SmallVec<[Term; FLAT_LIMIT]> = SmallVec::from_slice(values);
    values[i] = value;
    heap.flat_map_with_keys(keys_tuple(map), &values)
}

pub(super) fn put(heap: &mut Heap, map: Term, key: Term, value: Term) -> Term {
    let Some((keys, values)) = map.as_flat_map() else { return map };
    if let Some(i) = position(keys, key) {
        return replace(heap, map, i, value);
    }
    if keys.len() >= FLAT_LIMIT {
        let pairs: Vec<(Term, Term)> =
            keys.iter().copied().zip(values.iter().copied()).chain([(key, value)]).collect();
        return super::build::hashed(heap, &pairs);
    }
    let i = keys.partition_point(|&k| cmp_exact(k, key) == Ordering::Less);
    let inserted = |of: &[Term], t: Term| {
        let mut all: SmallVec<[Term; FLAT_LIMIT]> = SmallVec::with_capacity(of.len() + 1);
        all.extend_from_slice(&of[..i]);
        all.push(t);
        all.extend_from_slice(&of[i..]);
        all
    };
    let (keys, values) = (inserted(keys, key), inserted(values, value));
    heap.flat_map(&keys, &values)
}

/// The map without position `i`.
pub(super) fn without(heap: &mut Heap, map: Term, i: usize) -> Term {
    let Some((keys, values)) = map.as_flat_map() else { return map };
    let removed = |of: &[Term]| {
        let mut all: SmallVec<[Term; FLAT_LIMIT]> = SmallVec::from_slice(&of[..i]);
        all.extend_from_slice(&of[i + 1..]);
        all
    };
    let (keys, values) = (removed(keys), removed(values));
    heap.flat_map(&keys, &values)
}

/// A flat map from at most 32 pairs with different keys, in any order.
pub(super) fn from_unsorted(heap: &mut Heap, pairs: &mut [(Term, Term)]) -> Term {
    pairs.sort_by(|a, b| cmp_exact(a.0, b.0));
    let keys: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.0).collect();
    let values: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.1).collect();
    heap.flat_map(&keys, &values)
}
