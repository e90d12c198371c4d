//! The `max_heap_size` setting as a term.

use purlin_term::{Heap, Release, Term, am};
use purlin_vm::process::MaxHeap;

/// Parses a `max_heap_size`: a number of words, or a map whose missing keys keep their values of `now`.
pub fn max_heap(release: Release, t: Term, now: MaxHeap) -> Option<MaxHeap> {
    if let Some(size) = t.as_usize() {
        return Some(MaxHeap { size, ..now });
    }
    let (keys, values) = t.as_flat_map()?;
    let mut limit = now;
    let mut sized = false;
    for (&key, &value) in keys.iter().zip(values) {
        if key == am!("size") {
            limit.size = value.as_usize()?;
            sized = true;
        } else if key == am!("kill") {
            limit.kill = value.as_bool()?;
        } else if key == am!("error_logger") {
            limit.error_logger = value.as_bool()?;
        } else if key == am!("include_shared_binaries") && release >= Release(27) {
            limit.include_shared_binaries = value.as_bool()?;
        }
    }
    sized.then_some(limit)
}

/// `#{error_logger => Bool, include_shared_binaries => Bool, kill => Bool, size => Words}`, as far as the release knows it.
pub fn max_heap_map(heap: &mut Heap, release: Release, limit: MaxHeap) -> Term {
    let size = heap.unsigned(limit.size as u64);
    let all = [
        (am!("error_logger"), Term::bool(limit.error_logger)),
        (am!("include_shared_binaries"), Term::bool(limit.include_shared_binaries)),
        (am!("kill"), Term::bool(limit.kill)),
        (am!("size"), size),
    ];
    let known = all.into_iter().filter(|(key, _)| *key != am!("include_shared_binaries") || release >= Release(27));
    let known: Vec<_> = known.collect();
    purlin_term::map::from_pairs(heap, &known)
}
