//! A term in a memory block of its own: table rows, constants of compiled patterns, keys.
//!
//! The block is one allocation behind one pointer: a word with the size in words and whether counted objects are
//! inside, the root term, then the copied objects. Literals are copied, too, because nobody would find references to
//! them here when they are freed. Which objects own counts is found by walking the block when it is dropped (rare), so
//! that rows without them pay nothing.

use crate::boxed::{Kind, arity_of};
use crate::copy::{copy_into, flat_size};
use crate::heap::{Heap, release_off_heap, retain_off_heap};
use crate::literal::Literals;
use crate::shared::Kept;
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
        let words = flat_size(t, Literals::none());
        // SAFETY: the layout is not empty.
        let p = unsafe { alloc(layout(words)) } as *mut u64;
        let Some(start) = NonNull::new(p) else { handle_alloc_error(layout(words)) };
        let mut top = p.wrapping_add(LEAD);
        let mut counted = Vec::new();
        // SAFETY: FRESH: the block has LEAD words and then `flat_size` words.
        unsafe {
            let root = copy_into(t, &mut top, &mut counted, Literals::none());
            *p = words as u64 | if counted.is_empty() { 0 } else { COUNTED };
            *p.add(1) = root.0;
        }
        Owned(start)
    }

    /// The term. It is valid while this value lives.
    #[inline]
    pub fn term(&self) -> Term {
        // SAFETY: the second word of the block is the root.
        Term::word(unsafe { *self.0.as_ptr().add(1) })
    }

    /// A part of the term, as what threads may share.
    pub fn kept(&self, part: Term) -> Kept {
        let start = self.0.as_ptr().cast_const().wrapping_add(LEAD);
        Kept::new(part, |p| (start..start.wrapping_add(self.words())).contains(&p))
    }

    /// A copy in a heap. The block is copied as it is and its pointers are moved along, which takes no search.
    pub fn copy_to(&self, heap: &mut Heap) -> Term {
        let words = self.words();
        let root = self.term();
        if words == 0 {
            return root;
        }
        let from = self.0.as_ptr().wrapping_add(LEAD);
        let to = heap.alloc(words);
        // SAFETY: the block holds complete objects (see `drop`) of `words` words, and `to` has as many.
        unsafe { copy_block(from, to, words, heap) };
        moved(root, from, to, words)
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
                release_block(p.add(LEAD), words);
            }
            dealloc(p.cast(), layout(words));
        }
    }
}

/// Where a term of a copied block is in the copy: what points into the block moves along.
#[inline(always)]
fn moved(t: Term, from: *const u64, to: *const u64, words: usize) -> Term {
    let inside = t.is_pointer() && (t.pointer() as usize).wrapping_sub(from as usize) < words * 8;
    if inside { Term::word(t.0.wrapping_add((to as u64).wrapping_sub(from as u64))) } else { t }
}

/// Copies a block of complete objects as it is and moves its pointers along.
///
/// # Safety
/// The `words` words at `from` are complete objects that refer to nothing outside; `to` has as many words (FRESH) in
/// `heap`, which lists the copies that own counts (OFFHEAP).
pub(crate) unsafe fn copy_block(from: *const u64, to: *mut u64, words: usize, heap: &mut Heap) {
    let mut at = 0;
    // SAFETY: by the caller's promise; headers lead from one object to the next.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, words);
        while at < words {
            let w = Term::word(*to.add(at));
            if !w.is_header() {
                *to.add(at) = moved(w, from, to, words).0;
                at += 1;
                continue;
            }
            if Kind::of_header(w.0).is_off_heap() {
                retain_off_heap(to.add(at));
                heap.note_off_heap(to.add(at));
            }
            at += 1 + Kind::of_header(w.0).raw_words(arity_of(w.0));
        }
    }
}

/// Gives up the counts that the objects of a block own.
///
/// # Safety
/// The `words` words at `start` are complete objects, and nobody uses them any more.
pub(crate) unsafe fn release_block(start: *mut u64, words: usize) {
    let mut at = 0;
    // SAFETY: by the caller's promise; words that are no header belong to cons cells or are elements.
    unsafe {
        while at < words {
            let w = Term::word(*start.add(at));
            if !w.is_header() {
                at += 1;
                continue;
            }
            if Kind::of_header(w.0).is_off_heap() {
                release_off_heap(start.add(at));
            }
            at += 1 + Kind::of_header(w.0).raw_words(arity_of(w.0));
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
    use crate::Magic;
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
    fn copies_back_to_a_heap_are_whole() {
        let magic = Arc::new(Magic { value: Box::new(()) });
        let mut h = Heap::new(0);
        let (b, r, f) = (h.binary(&[9u8; 100]), h.magic_reference([1, 2], magic.clone()), h.float(1.5));
        let part = h.sub_bits(b, 3, 700);
        let l = h.list_with_tail(&[b, Term::small(1), part], f);
        let t = h.tuple(&[l, r, Term::NIL, f]);
        let o = Owned::new(t);
        let mut other = Heap::new(8);
        let copy = o.copy_to(&mut other);
        drop((o, h));
        assert!(crate::compare::same(copy, copy));
        let e = copy.as_tuple().unwrap();
        let list: Vec<Term> = e[0].iter().collect();
        assert_eq!(list[0].as_bytes().unwrap().as_ref(), &[9u8; 100]);
        assert_eq!((list[2].bit_size(), e[3].as_float()), (700, Some(1.5)));
        assert_eq!(Arc::strong_count(&magic), 2);
        drop(other);
        assert_eq!(Arc::strong_count(&magic), 1);
    }

    #[test]
    fn immediates_take_no_words() {
        let o = Owned::new(Term::small(5));
        assert_eq!((o.term(), o.words()), (Term::small(5), 0));
        assert_eq!(std::mem::size_of::<Option<Owned>>(), 8);
    }
}
