//! `maps:merge/2`: all associations of two maps; where both have a key, the second's.

use super::hamt::{Path, join, make, node, slot};
use super::{FLAT_LIMIT, build, iter};
use crate::compare::{cmp_keys, same};
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// The merged map.
pub fn merge(heap: &mut Heap, a: Term, b: Term) -> Term {
    if a == b || super::size(a) == 0 {
        return b;
    }
    if super::size(b) == 0 {
        return a;
    }
    match (a.as_flat_map(), b.as_flat_map()) {
        (Some(_), Some(_)) => flat_flat(heap, a, b).unwrap_or(b),
        (None, Some(_)) => iter(b).fold(a, |map, (key, value)| super::put(heap, map, key, value)),
        (Some(_), None) => iter(a)
            .fold(b, |map, (key, value)| if super::contains(b, key) { map } else { super::put(heap, map, key, value) }),
        (None, None) => {
            let mut shared = 0;
            let (bitmap, children) = nodes(heap, a, b, 0, &mut shared);
            let size = super::size(a) + super::size(b) - shared;
            make(heap, Some(size), bitmap, &children)
        }
    }
}

/// Two small maps merged; the second itself if it has all keys of the first, and with the first's tuple of keys if that has
/// all of the second.
fn flat_flat(heap: &mut Heap, first: Term, second: Term) -> Option<Term> {
    let (a, b) = (first.as_flat_map()?, second.as_flat_map()?);
    let (mut i, mut j) = (0, 0);
    let mut pairs: SmallVec<[(Term, Term); 2 * FLAT_LIMIT]> = SmallVec::new();
    while i < a.0.len() || j < b.0.len() {
        let order = match (a.0.get(i), b.0.get(j)) {
            (Some(&x), Some(&y)) => cmp_keys(x, y),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        if order == Ordering::Less {
            pairs.push((a.0[i], a.1[i]));
        } else {
            pairs.push((b.0[j], b.1[j]));
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
    if pairs.len() > FLAT_LIMIT {
        return Some(build::hashed(heap, &pairs));
    }
    if pairs.len() == b.0.len() {
        return Some(second);
    }
    let values: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.1).collect();
    if pairs.len() == a.0.len() {
        return Some(heap.flat_map_with_keys(super::flat::keys_tuple(first), &values));
    }
    let keys: SmallVec<[Term; FLAT_LIMIT]> = pairs.iter().map(|p| p.0).collect();
    Some(heap.flat_map(&keys, &values))
}

/// Bitmap and children of two nodes merged. It recurses as deep as both tries share nodes, which hashing bounds.
fn nodes(heap: &mut Heap, a: Term, b: Term, level: u32, shared: &mut usize) -> (u32, SmallVec<[Term; 16]>) {
    let ((bits_a, in_a), (bits_b, in_b)) = (node(a), node(b));
    let mut merged = SmallVec::new();
    let mut left = bits_a | bits_b;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        left ^= bit;
        let child = |bits: u32, of: &[Term]| (bits & bit != 0).then(|| of[slot(bits, bit)]);
        merged.push(match (child(bits_a, in_a), child(bits_b, in_b)) {
            (Some(x), Some(y)) => subtrees(heap, x, y, level + 1, shared),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => continue,
        });
    }
    (bits_a | bits_b, merged)
}

/// Two subtrees merged: leaves or nodes at a level.
fn subtrees(heap: &mut Heap, a: Term, b: Term, level: u32, shared: &mut usize) -> Term {
    match (a.as_cons(), b.as_cons()) {
        (Some((key_a, _)), Some((key_b, _))) => {
            if same(key_a, key_b) {
                *shared += 1;
                b
            } else {
                join(heap, a, b, level)
            }
        }
        (Some((key, _)), None) => leaf_into(heap, b, a, key, level, false, shared),
        (None, Some((key, _))) => leaf_into(heap, a, b, key, level, true, shared),
        (None, None) => {
            let (bitmap, children) = nodes(heap, a, b, level, shared);
            make(heap, None, bitmap, &children)
        }
    }
}

/// The node `t` with a leaf put in; a leaf with the same key is replaced only if `wins`.
fn leaf_into(heap: &mut Heap, t: Term, leaf: Term, key: Term, level: u32, wins: bool, shared: &mut usize) -> Term {
    let bit = Path::from_level(key, level).bit();
    let (bitmap, children) = node(t);
    let at = slot(bitmap, bit);
    let mut new: SmallVec<[Term; 16]> = SmallVec::from_slice(children);
    if bitmap & bit == 0 {
        new.insert(at, leaf);
    } else {
        let below = children[at];
        new[at] = match below.as_cons() {
            Some((k, _)) if same(k, key) => {
                *shared += 1;
                if wins { leaf } else { below }
            }
            Some(_) => join(heap, leaf, below, level + 1),
            None => leaf_into(heap, below, leaf, key, level + 1, wins, shared),
        };
        if new[at] == below {
            return t;
        }
    }
    make(heap, None, bitmap | bit, &new)
}
