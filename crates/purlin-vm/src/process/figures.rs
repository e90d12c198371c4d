//! The figures of a process's memory that Erlang code can ask for.

use super::ProcessData;
use purlin_term::{Heap, Term, am};

/// Words between two places of a heap.
pub(crate) fn words(from: *mut u64, to: *mut u64) -> usize {
    (to as usize - from as usize) / 8
}

/// The items of `garbage_collection_info`, in words.
pub fn of(data: &ProcessData) -> [(Term, usize); 11] {
    let heap = &data.heap;
    [
        (am!("old_heap_block_size"), heap.old.words()),
        (am!("heap_block_size"), heap.block.words()),
        (am!("mbuf_size"), heap.fragment_words),
        (am!("recent_size"), words(heap.high_water, heap.top)),
        (am!("stack_size"), words(heap.end, heap.block.end())),
        (am!("old_heap_size"), words(heap.old.start(), heap.old_top)),
        (am!("heap_size"), words(heap.block.start(), heap.top)),
        (am!("bin_vheap_size"), heap.virtual_heap.words()),
        (am!("bin_vheap_block_size"), heap.virtual_heap.limit()),
        (am!("bin_old_vheap_size"), heap.old_virtual_heap.words()),
        (am!("bin_old_vheap_block_size"), heap.old_virtual_heap.limit()),
    ]
}

/// `[{Key, Figure}]`
pub fn list(h: &mut Heap, figures: &[(Term, usize)]) -> Term {
    let pairs: Vec<Term> = figures
        .iter()
        .map(|&(k, v)| {
            let v = h.unsigned(v as u64);
            h.tuple(&[k, v])
        })
        .collect();
    h.list(&pairs)
}
