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
        Term(unsafe { *self.0.as_ptr().add(1) })
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
        let own = from as usize..from as usize + words * 8;
        let moved = |t: Term| {
            let inside = t.is_pointer() && own.contains(&(t.pointer() as usize));
            if inside { Term(t.0.wrapping_add((to as u64).wrapping_sub(from as u64))) } else { t }
        };
        // SAFETY: FRESH: `to` has `words` words, all written here. The block holds complete objects (see `drop`), so
        // headers lead from one to the next; what an object points to is in the block. Copied objects
        // that own counts take their own and are listed (OFFHEAP).
        unsafe {
            std::ptr::copy_nonoverlapping(from, to, words);
            let mut at = 0;
            while at < words {
                let w = Term(*to.add(at));
                if !w.is_header() {
                    *to.add(at) = moved(w).0;
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
        moved(root)
    }

    /// Replaces an immediate element of the tuple that this is by another; whether that could be done in place.
    pub fn set_immediate(&mut self, index: usize, value: Term) -> bool {
        let root = self.term();
        let in_block = self.words() > 0;
        let Some(old) = root.as_tuple().and_then(|e| e.get(index)) else { return false };
        if !in_block || !old.is_immediate() || !value.is_immediate() {
            return false;
        }
        // SAFETY: LIVE: the tuple has this element and lies in the block, which nobody else sees while it is borrowed
        // for writing.
        unsafe { *root.pointer().add(1 + index) = value.0 };
        true
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
    fn immediate_elements_change_in_place() {
        let mut h = Heap::new(64);
        let f = h.float(2.0);
        let t = h.tuple(&[Term::small(1), f, Term::NIL]);
        let mut o = Owned::new(t);
        assert!(o.set_immediate(0, Term::small(7)));
        assert!(!o.set_immediate(1, Term::small(7)));
        assert!(!o.set_immediate(0, f));
        assert!(!o.set_immediate(3, Term::NIL));
        assert_eq!(o.term().as_tuple().unwrap()[0], Term::small(7));
    }

    #[test]
    fn immediates_take_no_words() {
        let o = Owned::new(Term::small(5));
        assert_eq!((o.term(), o.words()), (Term::small(5), 0));
        assert_eq!(std::mem::size_of::<Option<Owned>>(), 8);
    }
}
