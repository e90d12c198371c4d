//! Making a map of many associations at once.

use super::hamt::{join, make};
use super::{FLAT_LIMIT, flat};
use crate::compare::{cmp_keys, same};
use crate::hash;
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// A map of these associations; of those with one key the last stays.
pub fn from_pairs(heap: &mut Heap, pairs: &[(Term, Term)]) -> Term {
    if pairs.len() > FLAT_LIMIT {
        return hashed(heap, pairs);
    }
    let mut sorted: SmallVec<[(Term, Term); FLAT_LIMIT]> = SmallVec::new();
    for &(key, value) in pairs {
        // Most often keys come in order, so the place is looked for from the end.
        let mut at = sorted.len();
        while at > 0 && cmp_keys(key, sorted[at - 1].0) == Ordering::Less {
            at -= 1;
        }
        if at > 0 && same(key, sorted[at - 1].0) {
            sorted[at - 1] = (key, value);
        } else {
            sorted.insert(at, (key, value));
        }
    }
    let keys: SmallVec<[Term; FLAT_LIMIT]> = sorted.iter().map(|p| p.0).collect();
    let values: SmallVec<[Term; FLAT_LIMIT]> = sorted.iter().map(|p| p.1).collect();
    heap.flat_map(&keys, &values)
}

/// One association, under its hash with the lowest four bits (the root's position) on top.
struct Entry {
    order: u64,
    key: Term,
    value: Term,
}

/// The order of a key below a level at which it is hashed anew.
fn order(key: Term, level: u32) -> u64 {
    let hash = hash::map_key(key, level / hash::levels());
    let nibbles = (hash & 0x0F0F_0F0F_0F0F_0F0F) << 4 | (hash >> 4) & 0x0F0F_0F0F_0F0F_0F0F;
    nibbles.swap_bytes()
}

/// As [`from_pairs`], by way of a trie.
pub(super) fn hashed(heap: &mut Heap, pairs: &[(Term, Term)]) -> Term {
    let mut entries: Vec<Entry> =
        pairs.iter().map(|&(key, value)| Entry { order: order(key, 0), key, value }).collect();
    entries.sort_by_key(|e| e.order);
    drop_older(&mut entries);
    if entries.len() <= FLAT_LIMIT {
        let mut pairs: SmallVec<[(Term, Term); FLAT_LIMIT]> = entries.iter().map(|e| (e.key, e.value)).collect();
        return flat::from_unsorted(heap, &mut pairs);
    }
    let size = entries.len();
    let (bitmap, children) = children(heap, &mut entries, 0);
    make(heap, Some(size), bitmap, &children)
}

/// Keeps the last of entries with the same key; such entries stand in a run of one order, oldest first.
fn drop_older(entries: &mut Vec<Entry>) {
    let mut kept = 0;
    let mut run = 0;
    for i in 0..entries.len() {
        if kept > 0 && entries[run].order != entries[i].order {
            run = kept;
        }
        let (order, key, value) = (entries[i].order, entries[i].key, entries[i].value);
        let older = entries[run.min(kept)..kept].iter().position(|e| same(e.key, key));
        match older {
            Some(at) => entries[run + at] = Entry { order, key, value },
            None => {
                entries[kept] = Entry { order, key, value };
                kept += 1;
            }
        }
    }
    entries.truncate(kept);
}

/// Bitmap and children of the node at a level over entries in order, all with the same positions above.
fn children(heap: &mut Heap, entries: &mut [Entry], level: u32) -> (u32, SmallVec<[Term; 16]>) {
    let shift = 60 - 4 * (level % hash::levels());
    let mut bitmap = 0;
    let mut children = SmallVec::new();
    for part in entries.chunk_by_mut(|a, b| a.order >> shift == b.order >> shift) {
        bitmap |= 1 << (part[0].order >> shift & 0xF);
        children.push(subtree(heap, part, level + 1));
    }
    (bitmap, children)
}

fn subtree(heap: &mut Heap, part: &mut [Entry], level: u32) -> Term {
    match part {
        [only] => heap.cons(only.key, only.value),
        [a, b] => {
            let (a, b) = (heap.cons(a.key, a.value), heap.cons(b.key, b.value));
            join(heap, a, b, level)
        }
        _ => {
            if level.is_multiple_of(hash::levels()) {
                for e in &mut *part {
                    e.order = order(e.key, level);
                }
                part.sort_by_key(|e| e.order);
            }
            let (bitmap, children) = children(heap, part, level);
            make(heap, None, bitmap, &children)
        }
    }
}
