//! Maps of at most 32 associations: a tuple of keys in [`cmp_keys`]' order, which maps made from one another share, and the
//! values.

use super::FLAT_LIMIT;
use crate::boxed::Kind;
use crate::compare::{cmp_keys, same};
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// Where a key stands.
#[inline]
pub(super) fn position(keys: &[Term], key: Term) -> Option<usize> {
    if key.is_immediate() { keys.iter().position(|&k| k == key) } else { keys.iter().position(|&k| same(k, key)) }
}

/// The tuple of keys that a flat map shares with those it was made from and those made from it.
pub(super) fn keys_tuple(map: Term) -> Term {
    Term::word(map.any_body()[0])
}

/// The map with the value at position `i` replaced.
pub(super) fn replace(heap: &mut Heap, map: Term, i: usize, value: Term) -> Term {
    let Some((_, values)) = map.as_flat_map() else { return map };
    if values[i] == value {
        return map;
    }
    let new = heap.flat_map_with_keys(keys_tuple(map), values);
    // SAFETY: FRESH: the map was just made; its values start two words behind the header.
    unsafe { *new.pointer().add(2 + i) = value.0 };
    new
}

pub(super) fn put(heap: &mut Heap, map: Term, key: Term, value: Term) -> Term {
    let Some((keys, values)) = map.as_flat_map() else { return map };
    if let Some(i) = position(keys, key) {
        return replace(heap, map, i, value);
    }
    if keys.len() >= FLAT_LIMIT {
        let pairs: Vec<(Term, Term)> = keys.iter().copied().zip(values.iter().copied()).chain([(key, value)]).collect();
        return super::build::hashed(heap, &pairs);
    }
    let i = keys.partition_point(|&k| cmp_keys(k, key) == Ordering::Less);
    heap.flat_map_inserted(keys, values, i, key, value)
}

/// The map with the values of these keys, all of which it has; else the first key that it has not.
pub(super) fn update_all(heap: &mut Heap, map: Term, pairs: &[(Term, Term)]) -> Result<Term, Term> {
    let Some((keys, values)) = map.as_flat_map() else { return Ok(map) };
    let mut at: SmallVec<[u8; 8]> = SmallVec::new();
    let mut changes = false;
    for &(key, value) in pairs {
        let i = position(keys, key).ok_or(key)?;
        changes |= values[i] != value;
        at.push(i as u8);
    }
    if !changes {
        return Ok(map);
    }
    let new = heap.flat_map_with_keys(keys_tuple(map), values);
    for (&i, &(_, value)) in at.iter().zip(pairs) {
        // SAFETY: FRESH: the map was just made; its values start two words behind the header.
        unsafe { *new.pointer().add(2 + i as usize) = value.0 };
    }
    Ok(new)
}

/// The map with all these pairs in one step; `None` where it is not small or would not stay so.
pub(super) fn put_all(heap: &mut Heap, map: Term, pairs: &[(Term, Term)]) -> Option<Term> {
    if let &[(key, value)] = pairs {
        return map.as_flat_map().map(|_| put(heap, map, key, value));
    }
    let (keys, values) = map.as_flat_map()?;
    if let Ok(map) = update_all(heap, map, pairs) {
        return Some(map);
    }
    let mut all: SmallVec<[(Term, Term); FLAT_LIMIT]> = keys.iter().copied().zip(values.iter().copied()).collect();
    for &(key, value) in pairs {
        match all.iter().position(|p| p.0 == key || (!key.is_immediate() && same(p.0, key))) {
            Some(i) => all[i].1 = value,
            None if all.len() == FLAT_LIMIT => return None,
            None => {
                let i = all.partition_point(|p| cmp_keys(p.0, key) == Ordering::Less);
                all.insert(i, (key, value));
            }
        }
    }
    let keys: SmallVec<[Term; FLAT_LIMIT]> = all.iter().map(|p| p.0).collect();
    let values: SmallVec<[Term; FLAT_LIMIT]> = all.iter().map(|p| p.1).collect();
    Some(heap.flat_map(&keys, &values))
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

impl Heap {
    /// A flat map of these keys and values with one more of each at position `i`.
    fn flat_map_inserted(&mut self, keys: &[Term], values: &[Term], i: usize, key: Term, value: Term) -> Term {
        let n = keys.len();
        let p = self.alloc(2 + n + 3 + n);
        let map = p.wrapping_add(2 + n);
        // SAFETY: FRESH: a tuple of n + 1 keys takes n + 2 words, the map n + 3 more.
        unsafe {
            *p = Kind::Tuple.header(n + 1);
            insert(p.add(1), keys, i, key);
            *map = Kind::FlatMap.header(n + 2);
            *map.add(1) = Term::from_boxed(p).0;
            insert(map.add(2), values, i, value);
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(map) }
    }
}

/// Writes the terms with one more at position `i`.
///
/// # Safety
/// There is memory for all of them at `to` (FRESH).
unsafe fn insert(to: *mut u64, terms: &[Term], i: usize, new: Term) {
    let (before, after) = terms.split_at(i);
    // SAFETY: by the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(before.as_ptr().cast(), to, i);
        *to.add(i) = new.0;
        std::ptr::copy_nonoverlapping(after.as_ptr().cast(), to.add(i + 1), after.len());
    }
}

/// A flat map from at most 32 pairs with different keys, in any order.
pub(super) fn from_unsorted(heap: &mut Heap, pairs: &mut [(Term, Term)]) -> Term {
    pairs.sort_by(|a, b| cmp_keys(a.0, b.0));
    let keys: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.0).collect();
    let values: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.1).collect();
    heap.flat_map(&keys, &values)
}
