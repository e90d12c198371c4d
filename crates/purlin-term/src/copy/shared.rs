//! Copying that keeps sharing: an object that is referred to twice is copied once.

use crate::boxed::{Kind, arity_of};
use crate::heap::{Heap, retain_off_heap};
use crate::literal::is_literal;
use crate::word::Term;
use std::collections::HashMap;

impl Heap {
    /// A copy of `t` in this heap with the same sharing; literals are copied as well if `literals` says so.
    pub fn copy_shared(&mut self, t: Term, literals: bool) -> Term {
        let to_heap = |words, off_heap| {
            let p = self.alloc(words);
            if off_heap {
                self.note_off_heap(p);
            }
            Some(p)
        };
        copy_shared_to(t, literals, to_heap).unwrap_or(t)
    }
}

/// A copy of `t` with the same sharing, literals left where they are unless `literals` says otherwise. `alloc` gives
/// room for an object of so many words and is told whether it refers off the heap; `None`: it has no room.
pub(crate) fn copy_shared_to(
    t: Term,
    literals: bool,
    mut alloc: impl FnMut(usize, bool) -> Option<*mut u64>,
) -> Option<Term> {
    let mut copies: HashMap<u64, Term> = HashMap::new();
    // Slots of copies that still refer to the original.
    let mut slots: Vec<*mut u64> = Vec::new();
    let mut root = t.0;
    slots.push(&mut root);
    while let Some(slot) = slots.pop() {
        // SAFETY: FRESH: the slot is `root` or a word of a copy that this function has just made.
        let old = unsafe { Term(*slot) };
        if !old.is_pointer() || (is_literal(old.pointer()) && !literals) {
            continue;
        }
        let copy = match copies.get(&old.0) {
            Some(&copy) => copy,
            None => {
                let copy = copy_object(old, &mut alloc, &mut slots)?;
                copies.insert(old.0, copy);
                copy
            }
        };
        // SAFETY: as above.
        unsafe { *slot = copy.0 };
    }
    Some(Term(root))
}

/// Copies one object as it is; adds its words that are terms to `slots`.
fn copy_object(
    t: Term,
    alloc: &mut impl FnMut(usize, bool) -> Option<*mut u64>,
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
