//! The `max_heap_size` setting as a term.

use purlin_term::{Heap, Term, am};
use purlin_vm::process::MaxHeap;

/// Parses a `max_heap_size`: a number of words, or a map whose missing keys keep their values of `now`.
pub fn max_heap(t: Term, now: MaxHeap) -> Option<MaxHeap> {
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
        }
    }
    sized.then_some(limit)
}

/// `#{error_logger => Bool, kill => Bool, size => Words}`.
pub fn max_heap_map(heap: &mut Heap, limit: MaxHeap) -> Term {
    let size = heap.unsigned(limit.size as u64);
    let values = [Term::bool(limit.error_logger), Term::bool(limit.kill), size];
    heap.flat_map(&[am!("error_logger"), am!("kill"), am!("size")], &values)
}
