//! Copying that keeps sharing: an object that is referred to twice is copied once.

use crate::boxed::{Kind, arity_of};
use crate::heap::{Heap, retain_off_heap};
use crate::literal::{is_condemned, is_literal};
use crate::places::Words;
use crate::word::Term;

impl Heap {
    /// A copy of `t` in this heap with the same sharing; literals are copied as well if `literals` says so.
    pub fn copy_shared(&mut self, t: Term, literals: bool) -> Term {
        self.copy_with(&mut Sharing::default(), t, &mut |t| literals || !is_literal(t.pointer()))
    }

    /// `t` with copies in this heap in the place of all condemned literals. What `sharing` has copied is not copied
    /// again.
    pub fn copy_condemned(&mut self, sharing: &mut Sharing, t: Term) -> Term {
        self.copy_with(sharing, t, &mut |t| is_condemned(t.pointer()))
    }

    fn copy_with(&mut self, sharing: &mut Sharing, t: Term, moves: &mut dyn FnMut(Term) -> bool) -> Term {
        let mut off_heap = Vec::new();
        let copy = sharing.copy(t, moves, &mut |words, is_off_heap| {
            let p = self.alloc(words);
            off_heap.extend(is_off_heap.then_some(p));
            Some(p)
        });
        off_heap.into_iter().for_each(|p| self.note_off_heap(p));
        copy.unwrap_or(t)
    }
}

/// What was copied already: the copies by where their originals are.
#[derive(Default)]
pub struct Sharing(Words);

impl Sharing {
    /// A copy of `t`; objects for which `moves` does not hold stay where they are. `alloc` gives room for an object of
    /// so many words and is told whether it refers off the heap; `None`: it has no room.
    pub(crate) fn copy(
        &mut self,
        t: Term,
        moves: &mut dyn FnMut(Term) -> bool,
        alloc: &mut dyn FnMut(usize, bool) -> Option<*mut u64>,
    ) -> Option<Term> {
        // Slots of copies that still refer to the original.
        let mut slots: Vec<*mut u64> = Vec::new();
        let mut root = t.0;
        slots.push(&mut root);
        while let Some(slot) = slots.pop() {
            // SAFETY: FRESH: the slot is `root` or a word of a copy that this function has just made.
            let old = unsafe { Term::word(*slot) };
            if !old.is_pointer() || !moves(old) {
                continue;
            }
            let copy = self.0.at(old.pointer());
            if *copy == 0 {
                *copy = copy_object(old, alloc, &mut slots)?.0;
            }
            // SAFETY: as above.
            unsafe { *slot = *copy };
        }
        Some(Term::word(root))
    }
}

/// Copies one object as it is; adds its words that are terms to `slots`.
fn copy_object(
    t: Term,
    alloc: &mut dyn FnMut(usize, bool) -> Option<*mut u64>,
    slots: &mut Vec<*mut u64>,
) -> Option<Term> {
    let src = t.pointer();
    // SAFETY: LIVE: `src` is a cons cell or an object with a header; FRESH: `alloc` gave as many words.
    unsafe {
        if t.is_cons() {
            let p = alloc(2, false)?;
            std::ptr::copy_nonoverlapping(src, p, 2);
            slots.extend([p, p.add(1)]);
            return Some(Term::from_cons(p));
        }
        let (kind, arity) = (Kind::of_header(*src), arity_of(*src));
        let p = alloc(1 + arity, kind.is_off_heap())?;
        std::ptr::copy_nonoverlapping(src, p, 1 + arity);
        if kind.is_off_heap() {
            retain_off_heap(p);
        }
        slots.extend((kind.raw_words(arity)..arity).map(|i| p.add(1 + i)));
        Some(Term::from_boxed(p))
    }
}
