//! Copying that keeps sharing: an object that is referred to twice is copied once.

use crate::boxed::{Kind, arity_of};
use crate::heap::{Heap, retain_off_heap};
use crate::literal::is_literal;
use crate::word::Term;
use std::collections::HashMap;

impl Heap {
    /// A copy of `t` in this heap with the same sharing; literals are copied as well if `literals` says so.
    pub fn copy_shared(&mut self, t: Term, literals: bool) -> Term {
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
                    let copy = self.copy_object(old, &mut slots);
                    copies.insert(old.0, copy);
                    copy
                }
            };
            // SAFETY: as above.
            unsafe { *slot = copy.0 };
        }
        Term(root)
    }

    /// Copies one object as it is; adds its words that are terms to `slots`.
    fn copy_object(&mut self, t: Term, slots: &mut Vec<*mut u64>) -> Term {
        let src = t.pointer();
        // SAFETY: LIVE: `src` is a cons cell or an object with a header; FRESH: `alloc` gave as many words.
        unsafe {
            if t.is_cons() {
                let p = self.alloc(2);
                std::ptr::copy_nonoverlapping(src, p, 2);
                slots.extend([p, p.add(1)]);
                return Term::from_cons(p);
            }
            let (kind, arity) = (Kind::of_header(*src), arity_of(*src));
            let p = self.alloc(1 + arity);
            std::ptr::copy_nonoverlapping(src, p, 1 + arity);
            if kind.is_off_heap() {
                retain_off_heap(p);
                self.note_off_heap(p);
            }
            slots.extend((kind.raw_words(arity)..arity).map(|i| p.add(1 + i)));
            Term::from_boxed(p)
        }
    }
}
