//! Maps: sorted keys and values up to 32 associations, a hash trie above.
//!
//! A map has one shape only: which keys it holds decides it, however it was made. So equality may compare structure,
//! and a map that shrinks to 32 associations becomes flat again. Order of iteration is the release's: that of
//! [`cmp_keys`](crate::compare::cmp_keys) for flat maps, hash order for others.

mod build;
mod flat;
mod hamt;
mod iterate;
mod merge;
mod step;
#[cfg(test)]
mod tests;

pub use build::from_pairs;
pub use hamt::key_hash_order;
pub use iterate::{MapIter, MapListIter, iter, iter_listed, keys, values};
pub use merge::merge;
pub use step::{NextForm, map_next};

use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::Term;

/// The largest flat map.
pub const FLAT_LIMIT: usize = 32;

/// A map without associations.
pub fn empty(heap: &mut Heap) -> Term {
    heap.flat_map(&[], &[])
}

/// How many associations a map has (0 for any other term).
#[inline]
pub fn size(map: Term) -> usize {
    match map.boxed_kind() {
        Some(Kind::FlatMap) => map.any_body().len() - 1,
        Some(Kind::HashRoot) => Term::word(map.any_body()[0]).small_value() as usize,
        _ => 0,
    }
}

/// The tuple of a small map's keys, which maps made from one another share.
pub fn keys_tuple(map: Term) -> Option<Term> {
    (map.boxed_kind() == Some(Kind::FlatMap)).then(|| flat::keys_tuple(map))
}

/// The children of a node of a large map: further nodes, and leaves `[Key|Value]`. `None` for any other term.
pub fn children<'a>(node: Term) -> Option<&'a [Term]> {
    matches!(node.boxed_kind(), Some(Kind::HashRoot | Kind::HashNode)).then(|| hamt::node(node).1)
}

/// The value under a key.
#[inline]
pub fn get(map: Term, key: Term) -> Option<Term> {
    match map.as_flat_map() {
        Some((keys, values)) => flat::position(keys, key).map(|i| values[i]),
        None => hamt::get(map, key),
    }
}

/// Where a key stands among the keys of a small map.
#[inline]
pub fn position(keys: &[Term], key: Term) -> Option<usize> {
    flat::position(keys, key)
}

/// The words of a small map but for its keys: what stands behind its address.
pub fn words(map: Term) -> usize {
    map.any_body().len() + 1
}

/// Whether a key is in the map.
#[inline]
pub fn contains(map: Term, key: Term) -> bool {
    get(map, key).is_some()
}

/// The map with the key's value set; the same term if it was that already.
pub fn put(heap: &mut Heap, map: Term, key: Term, value: Term) -> Term {
    match map.as_flat_map() {
        Some(_) => flat::put(heap, map, key, value),
        None => hamt::put(heap, map, key, value, false).unwrap_or(map),
    }
}

/// As [`put`] for a key that is in the map; `None` if it is not.
pub fn update(heap: &mut Heap, map: Term, key: Term, value: Term) -> Option<Term> {
    match map.as_flat_map() {
        Some((keys, _)) => {
            let i = flat::position(keys, key)?;
            Some(flat::replace(heap, map, i, value))
        }
        None => hamt::put(heap, map, key, value, true),
    }
}

/// The map with all these put to it, of which no key comes twice; the same term if nothing changes.
pub fn put_all(heap: &mut Heap, map: Term, pairs: &[(Term, Term)]) -> Term {
    match flat::put_all(heap, map, pairs) {
        Some(map) => map,
        None => pairs.iter().fold(map, |m, &(k, v)| put(heap, m, k, v)),
    }
}

/// As [`put_all`] for keys that are in the map; the first that is not.
pub fn update_all(heap: &mut Heap, map: Term, pairs: &[(Term, Term)]) -> Result<Term, Term> {
    if map.as_flat_map().is_some() {
        return flat::update_all(heap, map, pairs);
    }
    pairs.iter().try_fold(map, |m, &(k, v)| update(heap, m, k, v).ok_or(k))
}

/// The map without the key; the same term if it was not in it.
pub fn remove(heap: &mut Heap, map: Term, key: Term) -> Term {
    take(heap, map, key).map_or(map, |(_, rest)| rest)
}

/// The key's value and the map without it; `None` if it is not in the map.
pub fn take(heap: &mut Heap, map: Term, key: Term) -> Option<(Term, Term)> {
    match map.as_flat_map() {
        Some((keys, values)) => {
            let i = flat::position(keys, key)?;
            Some((values[i], flat::without(heap, map, i)))
        }
        None => hamt::take(heap, map, key),
    }
}
