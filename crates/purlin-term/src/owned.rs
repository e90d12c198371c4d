//! A term in a memory block of its own: table rows, constants of compiled patterns, keys.
//!
//! The block is one allocation behind one pointer: a word with the size in words and whether counted objects are
//! inside, the root term, then the copied objects. Which objects own counts is found by walking the block when it is
//! dropped (rare), so that rows without them pay nothing.

use crate::boxed::{Kind, arity_of};
use crate::copy::{copy_into, flat_size};
use crate::heap::release_off_heap;
use crate::word::Term;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A copy of a term that lives as long as this value.
pub struct Owned(NonNull<u64>);

// SAFETY: LIVE: the block owns its terms, which are immutable; counted objects are counted atomically.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

/// Words before the copied objects.
const LEAD: usize = 2;
/// Set in the first word when the block holds objects that own a count.
const COUNTED: u64 = 1 << 63;

fn layout(words: usize) -> Layout {
    Layout::array::<u64>(LEAD + words).expect("a term fits the address space")
}

impl Owned {
    /// A copy of `t`.
    pub fn new(t: Term) -> Owned {
        let words = flat_size(t);
        // SAFETY: the layout is not empty.
        let p = unsafe { alloc(layout(words)) } as *mut u64;
        let Some(start) = NonNull::new(p) else { handle_alloc_error(layout(words)) };
        let mut top = p.wrapping_add(LEAD);
        let mut counted = Vec::new();
        // SAFETY: FRESH: the block has LEAD words and then `flat_size` words.
        unsafe {
            let root = copy_into(t, &mut top, &mut counted);
            *p = words as u64 | if counted.is_empty() { 0 } else { COUNTED };
            *p.add(1) = root.0;
        }
        Owned(start)
    }

    /// The term. It is valid while this value lives.
    #[inline]
    pub fn term(&self) -> Term {
        // SAFETY: the second word of the block is the root.
        Term(unsafe { *self.0.as_ptr().add(1) })
    }

    /// Size of the copy in words, without the block's own overhead.
    #[inline]
    pub fn words(&self) -> usize {
        // SAFETY: the first word of the block is its size.
        (unsafe { *self.0.as_ptr() } & !COUNTED) as usize
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let p = self.0.as_ptr();
        // SAFETY: the block was laid out by `new`: complete objects from LEAD on, whose headers give their sizes;
        // words that are no header belong to cons cells. Each counted object is released once (OFFHEAP).
        unsafe {
            let words = self.words();
            if *p & COUNTED != 0 {
                let mut at = LEAD;
                while at < LEAD + words {
                    let w = Term(*p.add(at));
                    if !w.is_header() {
                        at += 1;
                        continue;
                    }
                    if Kind::of_header(w.0).is_off_heap() {
                        release_off_heap(p.add(at));
                    }
                    at += 1 + Kind::of_header(w.0).raw_words(arity_of(w.0));
                }
            }
            dealloc(p.cast(), layout(words));
        }
    }
}

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.term().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heap, Magic};
    use std::sync::Arc;

    #[test]
    fn copies_outlive_the_heap_they_came_from() {
        let mut h = Heap::new(64);
        let bytes = vec![7u8; 1000];
        let b = h.binary(&bytes);
        let l = h.list(&[Term::small(1), b, Term::NIL]);
        let t = h.tuple(&[l, b]);
        let o = Owned::new(t);
        drop(h);
        let e = o.term().as_tuple().unwrap();
        assert_eq!(e[0].as_list().unwrap()[1].as_bytes().unwrap().len(), 1000);
        assert_eq!(e[1].as_bytes().unwrap()[999], 7);
        assert_eq!(o.words(), 3 + 6 + 2 * 4);
    }

    #[test]
    fn counts_are_given_up_exactly_once() {
        let magic = Arc::new(Magic { value: Box::new(()) });
        let mut h = Heap::new(0);
        let r = h.magic_reference([1, 2], magic.clone());
        let t = h.tuple(&[r, Term::small(3), r]);
        let o = Owned::new(t);
        assert_eq!(Arc::strong_count(&magic), 4);
        drop(o);
        assert_eq!(Arc::strong_count(&magic), 2);
        drop(h);
        assert_eq!(Arc::strong_count(&magic), 1);
    }

    #[test]
    fn immediates_take_no_words() {
        let o = Owned::new(Term::small(5));
        assert_eq!((o.term(), o.words()), (Term::small(5), 0));
        assert_eq!(std::mem::size_of::<Option<Owned>>(), 8);
    }
}
