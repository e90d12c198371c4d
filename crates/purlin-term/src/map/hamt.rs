//! Maps above 32 associations: a trie over the keys' hashes, four bits a level, lowest first.
//!
//! A node has a bitmap of the positions in use and a child for each: a leaf `[Key|Value]` or a node. There is a node
//! where two or more keys agree so far, and nowhere else. Every [`hash::levels`] levels the key is hashed anew, so
//! different keys part at some depth.

use super::{FLAT_LIMIT, flat, iterate::iter};
use crate::boxed::Kind;
use crate::compare::{same, terms_of};
use crate::copy::copy_words;
use crate::hash;
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// A key's way down the trie.
#[derive(Clone, Copy)]
pub(super) struct Path {
    key: Term,
    hash: u64,
    level: u32,
}

impl Path {
    pub(super) fn of(key: Term) -> Path {
        Path { key, hash: hash::map_key(key, 0), level: 0 }
    }

    /// The way of a key that stands at a level already.
    pub(super) fn from_level(key: Term, level: u32) -> Path {
        Path { key, hash: hash::map_key(key, level / hash::levels()) >> (4 * (level % hash::levels())), level }
    }

    /// The position at this level, as a bit.
    #[inline]
    pub(super) fn bit(&self) -> u32 {
        1 << (self.hash & 0xF)
    }

    #[inline]
    pub(super) fn down(&mut self) {
        self.level += 1;
        self.hash = hash_below(self.key, self.hash, self.level);
    }
}

/// The hash that gives positions from `level` on, made of that of the level above.
#[inline]
fn hash_below(key: Term, above: u64, level: u32) -> u64 {
    // How many levels a hash serves is a multiple of eight.
    let anew = level.is_multiple_of(8) && level.is_multiple_of(hash::levels());
    if anew { hash::map_key(key, level / hash::levels()) } else { above >> 4 }
}

/// Which of two different keys comes first in hash order.
pub fn key_hash_order(a: Term, b: Term) -> Ordering {
    let mut round = 0;
    loop {
        let (x, y) = (hash::map_key(a, round), hash::map_key(b, round));
        if x != y {
            let shift = (x ^ y).trailing_zeros() & !3;
            return (x >> shift & 0xF).cmp(&(y >> shift & 0xF));
        }
        round += 1;
    }
}

/// Bitmap and children of a node.
#[inline]
pub(super) fn node<'a>(t: Term) -> (u32, &'a [Term]) {
    let body = terms_of(t);
    let lead = usize::from(t.boxed_kind() == Some(Kind::HashRoot));
    (body[lead].small_value() as u32, &body[lead + 1..])
}

/// The place among the children of the one at `bit`.
#[inline]
pub(super) fn slot(bitmap: u32, bit: u32) -> usize {
    (bitmap & (bit - 1)).count_ones() as usize
}

/// A node; with a size, the root.
pub(super) fn make(heap: &mut Heap, size: Option<usize>, bitmap: u32, children: &[Term]) -> Term {
    make_of(heap, size, bitmap, [children, &[], &[]])
}

/// A node whose children are these parts, one behind the other.
fn make_of(heap: &mut Heap, size: Option<usize>, bitmap: u32, parts: [&[Term]; 3]) -> Term {
    let len = bitmap.count_ones() as usize;
    assert_eq!(len, parts.iter().map(|p| p.len()).sum::<usize>(), "a child for each bit");
    let lead = if size.is_some() { 2 } else { 1 };
    let p = heap.alloc(1 + lead + len);
    let kind = if size.is_some() { Kind::HashRoot } else { Kind::HashNode };
    // SAFETY: FRESH: header, size for a root, bitmap, and as many children as the assertion counted.
    unsafe {
        *p = kind.header(lead + len);
        if let Some(size) = size {
            *p.add(1) = Term::small(size as i64).0;
        }
        *p.add(lead) = Term::small(bitmap as i64).0;
        let mut to = p.add(lead + 1);
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr().cast(), to, part.len());
            to = to.add(part.len());
        }
    }
    // SAFETY: LIVE: the object at that place is complete.
    unsafe { Term::from_boxed(p) }
}

/// The node with the child at `bit` set; a root with this size.
fn with_child(heap: &mut Heap, size: Option<usize>, of: Term, bit: u32, child: Term) -> Term {
    let (bitmap, children) = node(of);
    let at = slot(bitmap, bit);
    if bitmap & bit == 0 {
        return make_of(heap, size, bitmap | bit, [&children[..at], &[child], &children[at..]]);
    }
    let (from, lead) = (of.boxed_pointer(), if size.is_some() { 2 } else { 1 });
    let words = 1 + lead + children.len();
    let p = heap.alloc(words);
    // SAFETY: FRESH: a copy of a node (LIVE) has as many words as that, and a place for each child; of a root the first
    // word is the size.
    unsafe {
        copy_words(from, p, words);
        if let Some(size) = size {
            *p.add(1) = Term::small(size as i64).0;
        }
        *p.add(1 + lead + at) = child.0;
    }
    // SAFETY: LIVE: the object at that place is complete.
    unsafe { Term::from_boxed(p) }
}

/// The node without the child at `bit`.
fn without_child(heap: &mut Heap, size: Option<usize>, of: Term, bit: u32) -> Term {
    let (bitmap, children) = node(of);
    let at = slot(bitmap, bit);
    make_of(heap, size, bitmap & !bit, [&children[..at], &children[at + 1..], &[]])
}

/// The bitmap of a node with all children.
const FULL: u64 = 0xFFFF;

pub(super) fn get(map: Term, key: Term) -> Option<Term> {
    if map.boxed_kind() != Some(Kind::HashRoot) {
        return None;
    }
    let (mut hash, mut level) = (hash::map_key(key, 0), 0u32);
    // SAFETY: LIVE: the bitmap of a root is its third word, and of a node below it the second.
    let mut bitmap = unsafe { map.boxed_pointer().add(2) };
    loop {
        // SAFETY: LIVE: a child stands behind the bitmap for each of its bits.
        let child = unsafe {
            let (bits, nibble) = (*bitmap >> 4, (hash & 0xF) as usize);
            let at = match bits {
                FULL => nibble,
                _ if bits >> nibble & 1 == 0 => return None,
                _ => (bits as u16 & ((1 << nibble) - 1)).count_ones() as usize,
            };
            Term::word(*bitmap.add(1 + at))
        };
        if let Some((k, value)) = child.as_cons() {
            return same(k, key).then_some(value);
        }
        level += 1;
        hash = hash_below(key, hash, level);
        bitmap = child.boxed_pointer().wrapping_add(1);
    }
}

/// The subtree of two leaves with different keys that agree above the level.
pub(super) fn join(heap: &mut Heap, a: Term, b: Term, level: u32) -> Term {
    let (key_a, key_b) = (leaf_key(a), leaf_key(b));
    let (mut x, mut y) = (Path::from_level(key_a, level), Path::from_level(key_b, level));
    let mut shared: SmallVec<[u32; 8]> = SmallVec::new();
    while x.bit() == y.bit() {
        shared.push(x.bit());
        x.down();
        y.down();
    }
    let children = if x.bit() < y.bit() { [a, b] } else { [b, a] };
    let mut t = make(heap, None, x.bit() | y.bit(), &children);
    while let Some(bit) = shared.pop() {
        t = make(heap, None, bit, &[t]);
    }
    t
}

fn leaf_key(leaf: Term) -> Term {
    leaf.as_cons().map_or(Term::NONE, |(key, _)| key)
}

/// Sets a key's value; `None` if only an existing key may be set and it is not there.
pub(super) fn put(heap: &mut Heap, map: Term, key: Term, value: Term, existing: bool) -> Option<Term> {
    let mut path = Path::of(key);
    let mut above: SmallVec<[(Term, u32); 8]> = SmallVec::new();
    let mut t = map;
    let (mut new, grown) = loop {
        if let Some((k, v)) = t.as_cons() {
            if same(k, key) {
                if v == value {
                    return Some(map);
                }
                break (heap.cons(key, value), 0);
            }
            if existing {
                return None;
            }
            let leaf = heap.cons(key, value);
            break (join(heap, leaf, t, path.level), 1);
        }
        let (bitmap, children) = node(t);
        let bit = path.bit();
        above.push((t, bit));
        if bitmap & bit == 0 {
            if existing {
                return None;
            }
            break (heap.cons(key, value), 1);
        }
        t = children[slot(bitmap, bit)];
        path.down();
    };
    while let Some((t, bit)) = above.pop() {
        let size = above.is_empty().then(|| super::size(map) + grown);
        new = with_child(heap, size, t, bit, new);
    }
    Some(new)
}

pub(super) fn take(heap: &mut Heap, map: Term, key: Term) -> Option<(Term, Term)> {
    let mut path = Path::of(key);
    let mut above: SmallVec<[(Term, u32); 8]> = SmallVec::new();
    let mut t = map;
    let value = loop {
        if let Some((k, value)) = t.as_cons() {
            if !same(k, key) {
                return None;
            }
            break value;
        }
        let (bitmap, children) = node(t);
        let bit = path.bit();
        if bitmap & bit == 0 {
            return None;
        }
        above.push((t, bit));
        t = children[slot(bitmap, bit)];
        path.down();
    };
    let size = super::size(map) - 1;
    if size <= FLAT_LIMIT {
        let mut rest: Vec<(Term, Term)> = iter(map).filter(|&(k, _)| !same(k, key)).collect();
        return Some((value, flat::from_unsorted(heap, &mut rest)));
    }
    // What stands in the removed child's place: nothing, or the leaf that a node with one leaf left gives way to.
    let mut replacement: Option<Term> = None;
    while let Some((t, bit)) = above.pop() {
        let root = above.is_empty().then_some(size);
        let (bitmap, children) = node(t);
        replacement = Some(match replacement {
            Some(leaf) if root.is_none() && leaf.is_cons() && children.len() == 1 => leaf,
            Some(child) => with_child(heap, root, t, bit, child),
            None if root.is_none() && children.len() == 2 && children[1 - slot(bitmap, bit)].is_cons() => {
                children[1 - slot(bitmap, bit)]
            }
            None => without_child(heap, root, t, bit),
        });
    }
    replacement.map(|map| (value, map))
}
