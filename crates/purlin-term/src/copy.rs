//! Copying terms from one heap to another: messages, table rows, spawn arguments, literals.
//!
//! Copies are exact in size and need no recursion: a shallow copy of the root is scanned word by word, and what it
//! points to is appended behind it. Sharing is not kept, as on the BEAM; literals are not copied.

mod shared;

use crate::boxed::{Kind, arity_of};
use crate::heap::{Fragment, Heap, retain_off_heap};
use crate::literal::is_literal;
use crate::word::Term;

/// How many words a copy of `t` takes (0 for immediates and literals).
pub fn flat_size(t: Term) -> usize {
    let mut words = 0;
    let mut work: Vec<Term> = Vec::new();
    let mut t = t;
    loop {
        if t.is_cons() && !is_literal(t.pointer()) {
            words += 2;
            let p = t.pointer();
            // SAFETY: LIVE
            let (head, tail) = unsafe { (Term(*p), Term(*p.add(1))) };
            if head.is_pointer() {
                work.push(head);
            }
            t = tail;
            continue;
        }
        if t.is_boxed() && !is_literal(t.pointer()) {
            let header = t.header_word();
            let arity = arity_of(header);
            words += 1 + arity;
            let body: &[u64] = t.any_body();
            for &w in &body[Kind::of_header(header).raw_words(arity)..] {
                if Term(w).is_pointer() {
                    work.push(Term(w));
                }
            }
        }
        match work.pop() {
            Some(next) => t = next,
            None => return words,
        }
    }
}

/// Copies `t` to `*top`, which is moved behind the copy; off-heap objects of the copy are added to `off_heap`.
///
/// # Safety
/// There are [`flat_size`]`(t)` words free at `*top` (FRESH).
pub unsafe fn copy_into(t: Term, top: &mut *mut u64, off_heap: &mut Vec<*mut u64>) -> Term {
    // SAFETY: by the caller's promise every word written lies in the free words at `top`; what is read is LIVE.
    unsafe {
        let start = *top;
        let mut scan = start;
        let root = copy_shallow(t, top, off_heap);
        while scan < *top {
            let w = Term(*scan);
            if w.is_header() {
                let header = w.0;
                scan = scan.add(1 + Kind::of_header(header).raw_words(arity_of(header)));
            } else {
                // Links of a spine that `copy_shallow` laid out already point into the copy.
                if w.is_pointer() && !(start..*top).contains(&w.pointer()) {
                    *scan = copy_shallow(w, top, off_heap).0;
                }
                scan = scan.add(1);
            }
        }
        root
    }
}

/// Copies one object, or the whole spine of a list, without what it points to.
unsafe fn copy_shallow(t: Term, top: &mut *mut u64, off_heap: &mut Vec<*mut u64>) -> Term {
    let src = t.pointer();
    if !t.is_pointer() || is_literal(src) {
        return t;
    }
    // SAFETY: as in `copy_into`.
    unsafe {
        let dst = *top;
        if t.is_cons() {
            let mut cell = t;
            let mut out = dst;
            loop {
                let p = cell.pointer();
                *out = *p;
                let tail = Term(*p.add(1));
                if tail.is_cons() && !is_literal(tail.pointer()) {
                    *out.add(1) = Term::from_cons(out.add(2)).0;
                    out = out.add(2);
                    cell = tail;
                } else {
                    *out.add(1) = tail.0;
                    *top = out.add(2);
                    return Term::from_cons(dst);
                }
            }
        }
        let words = 1 + arity_of(*src);
        std::ptr::copy_nonoverlapping(src, dst, words);
        *top = dst.add(words);
        if Kind::of_header(*dst).is_off_heap() {
            retain_off_heap(dst);
            off_heap.push(dst);
        }
        Term::from_boxed(dst)
    }
}

/// A fragment that holds a copy of `t`, and the copy.
pub fn to_fragment(t: Term) -> (Fragment, Term) {
    let words = flat_size(t);
    let mut f = Fragment::new(words);
    if words == 0 {
        return (f, t);
    }
    let mut top = f.block.start();
    // SAFETY: the fragment has exactly `flat_size` words.
    let copy = unsafe { copy_into(t, &mut top, &mut f.off_heap) };
    f.used = words;
    (f, copy)
}

impl Heap {
    /// A copy of `t` in this heap.
    pub fn copy(&mut self, t: Term) -> Term {
        let words = flat_size(t);
        if words == 0 {
            return t;
        }
        let mut top = self.alloc(words);
        let mut off_heap = Vec::new();
        // SAFETY: FRESH: `alloc` gave `flat_size` words.
        let copy = unsafe { copy_into(t, &mut top, &mut off_heap) };
        for p in off_heap {
            self.note_off_heap(p);
        }
        copy
    }
}

#[cfg(test)]
mod tests;
