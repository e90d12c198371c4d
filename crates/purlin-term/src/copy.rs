//! Copying terms from one heap to another: messages, table rows, spawn arguments, literals.
//!
//! Copies are exact in size and need no recursion: a shallow copy of the root is scanned word by word, and what it
//! points to is appended behind it. Sharing is not kept, as on the BEAM; literals are not copied.

pub(crate) mod shared;

use crate::boxed::{Kind, arity_of};
use crate::heap::{Fragment, Heap, retain_off_heap};
use crate::literal::Literals;
use crate::word::Term;
use smallvec::SmallVec;

/// How many words a copy of `t` takes (0 for immediates and literals).
pub fn flat_size(t: Term) -> usize {
    if !t.is_pointer() {
        return 0;
    }
    let literals = Literals::known();
    let mut words = 0;
    let mut work: SmallVec<[Term; 32]> = SmallVec::new();
    let mut next = t;
    loop {
        let (t, p) = (next, next.pointer());
        // What is looked at after this: the last pointer found, the others wait.
        let mut found = Term::NIL;
        if literals.hold(p) {
        } else if t.is_cons() {
            words += 2;
            // SAFETY: LIVE
            let (head, tail) = unsafe { (Term(*p), Term(*p.add(1))) };
            found = head;
            if tail.is_pointer() {
                if head.is_pointer() {
                    work.push(head);
                }
                found = tail;
            }
        } else {
            // SAFETY: LIVE: a header is followed by as many words as its arity says.
            unsafe {
                let arity = arity_of(*p);
                words += 1 + arity;
                for i in Kind::of_header(*p).raw_words(arity)..arity {
                    let w = Term(*p.add(1 + i));
                    if w.is_pointer() {
                        if found.is_pointer() {
                            work.push(found);
                        }
                        found = w;
                    }
                }
            }
        }
        next = match found.is_pointer() {
            true => found,
            false => match work.pop() {
                Some(t) => t,
                None => return words,
            },
        };
    }
}

/// Copies `t` to `*top`, which is moved behind the copy; off-heap objects of the copy are added to `off_heap`.
///
/// # Safety
/// There are [`flat_size`]`(t)` words free at `*top` (FRESH).
pub unsafe fn copy_into(t: Term, top: &mut *mut u64, off_heap: &mut Vec<*mut u64>) -> Term {
    let literals = Literals::known();
    if !t.is_pointer() || literals.hold(t.pointer()) {
        return t;
    }
    let (mut scan, mut end) = (*top, *top);
    // SAFETY: by the caller's promise every word written lies in the free words at `top`; what is read is LIVE.
    let root = unsafe {
        let root = copy_shallow(t, &mut end, off_heap, literals);
        while scan < end {
            let w = Term(*scan);
            if w.is_header() {
                scan = scan.add(1 + Kind::of_header(w.0).raw_words(arity_of(w.0)));
                continue;
            }
            // The links that `copy_shallow` laid out lead to the very next cell.
            if w.is_pointer() && w.0 != Term::from_cons(scan.add(1)).0 && !literals.hold(w.pointer()) {
                *scan = copy_shallow(w, &mut end, off_heap, literals).0;
            }
            scan = scan.add(1);
        }
        root
    };
    *top = end;
    root
}

/// Copies one object, or the whole spine of a list, without what it points to. It is no literal.
#[inline(always)]
unsafe fn copy_shallow(t: Term, top: &mut *mut u64, off_heap: &mut Vec<*mut u64>, literals: Literals) -> Term {
    let (src, dst) = (t.pointer(), *top);
    // SAFETY: as in `copy_into`.
    unsafe {
        if t.is_cons() {
            let (mut p, mut out) = (src, dst);
            loop {
                let tail = Term(*p.add(1));
                *out = *p;
                if !tail.is_cons() || literals.hold(tail.pointer()) {
                    *out.add(1) = tail.0;
                    *top = out.add(2);
                    return Term::from_cons(dst);
                }
                *out.add(1) = Term::from_cons(out.add(2)).0;
                out = out.add(2);
                p = tail.pointer();
            }
        }
        let words = 1 + arity_of(*src);
        copy_words(src, dst, words);
        *top = dst.add(words);
        if Kind::of_header(*dst).is_off_heap() {
            retain_off_heap(dst);
            off_heap.push(dst);
        }
        Term::from_boxed(dst)
    }
}

/// Copies words one by one where they are few, as most objects are.
///
/// # Safety
/// As for [`std::ptr::copy_nonoverlapping`].
#[inline(always)]
pub unsafe fn copy_words(from: *const u64, to: *mut u64, words: usize) {
    // SAFETY: by the caller's promise.
    unsafe {
        if words > 12 {
            return std::ptr::copy_nonoverlapping(from, to, words);
        }
        for i in 0..words {
            // Volatile, so that it stays a loop: a call of memcpy costs more than the words.
            *to.add(i) = from.add(i).read_volatile();
        }
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
