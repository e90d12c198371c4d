//! Copying terms from one heap to another: messages, table rows, spawn arguments, literals.
//!
//! Copies are exact in size. Terms of ordinary depth are copied by nested calls, which touch each word once; what lies
//! deeper than [`NESTING`] is copied without nesting, so that no term is too deep. Sharing is not kept, as on the BEAM.
//! Which literals are copied, too, the caller says: a copy for a process refers to all that last, one that is kept
//! elsewhere to none.

pub mod shared;

use crate::boxed::{Kind, arity_of};
use crate::heap::{Fragment, Heap, retain_off_heap};
use crate::literal::Literals;
use crate::word::Term;

/// How deep copying nests calls. What lies deeper is copied without nesting, which takes longer.
const NESTING: u32 = 64;

/// How many words a copy of `t` takes, which refers to these literals (0 for them and for immediates).
pub fn flat_size(t: Term, literals: Literals) -> usize {
    if !t.is_pointer() {
        return 0;
    }
    // SAFETY: LIVE
    unsafe { size(t, literals, NESTING) }
}

/// As [`flat_size`], for a pointer.
///
/// # Safety
/// LIVE
unsafe fn size(mut t: Term, literals: Literals, nesting: u32) -> usize {
    if nesting == 0 {
        return size_of_deep(t, literals);
    }
    let mut words = 0;
    // SAFETY: LIVE: a header is followed by as many words as its arity says.
    unsafe {
        loop {
            let p = t.pointer();
            if literals.hold(p) {
                return words;
            }
            let (first, last);
            if t.is_cons() {
                words += 2;
                (first, last) = (p, p.add(1));
            } else {
                let arity = arity_of(*p);
                words += 1 + arity;
                first = p.add(1 + raw_words(*p, arity));
                last = p.add(arity);
            }
            // All but the last; that one in the next turn, so that lists take no calls.
            let mut at = first;
            while at < last {
                if Term::word(*at).is_pointer() {
                    words += size(Term::word(*at), literals, nesting - 1);
                }
                at = at.add(1);
            }
            if at > last || !Term::word(*last).is_pointer() {
                return words;
            }
            t = Term::word(*last);
        }
    }
}

/// The words behind a header that are no terms; most objects are tuples, which have none.
#[inline(always)]
fn raw_words(header: u64, arity: usize) -> usize {
    if header == Kind::Tuple.header(arity) { 0 } else { Kind::of_header(header).raw_words(arity) }
}

#[cold]
fn size_of_deep(t: Term, literals: Literals) -> usize {
    let mut words = 0;
    let mut work = vec![t];
    while let Some(t) = work.pop() {
        let p = t.pointer();
        if literals.hold(p) {
            continue;
        }
        // SAFETY: LIVE
        unsafe {
            let (first, end) = if t.is_cons() {
                words += 2;
                (p, p.add(2))
            } else {
                let arity = arity_of(*p);
                words += 1 + arity;
                (p.add(1 + raw_words(*p, arity)), p.add(1 + arity))
            };
            let mut at = first;
            while at < end {
                if Term::word(*at).is_pointer() {
                    work.push(Term::word(*at));
                }
                at = at.add(1);
            }
        }
    }
    words
}

/// Copies `t` to `*top`, which is moved behind the copy; off-heap objects of the copy are added to `off_heap`.
///
/// # Safety
/// There are [`flat_size`]`(t, literals)` words free at `*top` (FRESH).
pub unsafe fn copy_into(t: Term, top: &mut *mut u64, off_heap: &mut Vec<*mut u64>, literals: Literals) -> Term {
    if !t.is_pointer() || literals.hold(t.pointer()) {
        return t;
    }
    let mut c = Copier { top: *top, literals, off_heap };
    // SAFETY: by the caller's promise.
    let copy = unsafe { c.copy(t, NESTING) };
    *top = c.top;
    copy
}

/// Where copies go.
struct Copier<'o> {
    top: *mut u64,
    literals: Literals,
    off_heap: &'o mut Vec<*mut u64>,
}

impl Copier<'_> {
    /// A word of the copy: the word itself, or where the copy of what it points to is.
    #[inline(always)]
    unsafe fn word(&mut self, w: u64, nesting: u32) -> u64 {
        if !Term::word(w).is_pointer() || self.literals.hold(Term::word(w).pointer()) {
            return w;
        }
        // SAFETY: by the caller's promise.
        unsafe { self.copy(Term::word(w), nesting - 1).0 }
    }

    /// Copies an object that is no literal, with all it points to: each object lies behind the one that points to it,
    /// but lists go on where their heads end.
    ///
    /// # Safety
    /// LIVE; there is room at `top` for all of it (FRESH).
    unsafe fn copy(&mut self, t: Term, nesting: u32) -> Term {
        // SAFETY: by the caller's promise.
        unsafe {
            if nesting == 0 {
                return self.copy_deep(t);
            }
            let (mut from, to) = (t.pointer(), self.top);
            if t.is_cons() {
                let mut cell = to;
                loop {
                    self.top = cell.add(2);
                    *cell = self.word(*from, nesting);
                    let tail = Term::word(*from.add(1));
                    if !tail.is_cons() || self.literals.hold(tail.pointer()) {
                        *cell.add(1) = self.word(tail.0, nesting);
                        return Term::from_cons(to);
                    }
                    *cell.add(1) = Term::from_cons(self.top).0;
                    (from, cell) = (tail.pointer(), self.top);
                }
            }
            let header = *from;
            let arity = arity_of(header);
            self.top = to.add(1 + arity);
            if header == Kind::Tuple.header(arity) {
                *to = header;
                for i in 1..=arity {
                    *to.add(i) = self.word(*from.add(i), nesting);
                }
                return Term::from_boxed(to);
            }
            let kind = Kind::of_header(header);
            copy_words(from, to, 1 + arity);
            for i in 1 + kind.raw_words(arity)..=arity {
                *to.add(i) = self.word(*to.add(i), nesting);
            }
            if kind.is_off_heap() {
                retain_off_heap(to);
                self.off_heap.push(to);
            }
            Term::from_boxed(to)
        }
    }

    /// As `copy`, without nested calls: a shallow copy is scanned word by word, and what it points to is appended.
    #[cold]
    unsafe fn copy_deep(&mut self, t: Term) -> Term {
        let (mut scan, literals) = (self.top, self.literals);
        // SAFETY: by the caller's promise every word written lies in the free words at `top`; what is read is LIVE.
        unsafe {
            let root = copy_shallow(t, &mut self.top, self.off_heap, literals);
            while scan < self.top {
                let w = Term::word(*scan);
                if w.is_header() {
                    scan = scan.add(1 + Kind::of_header(w.0).raw_words(arity_of(w.0)));
                    continue;
                }
                // The links that `copy_shallow` laid out lead to the very next cell.
                if w.is_pointer() && w.0 != Term::from_cons(scan.add(1)).0 && !literals.hold(w.pointer()) {
                    *scan = copy_shallow(w, &mut self.top, self.off_heap, literals).0;
                }
                scan = scan.add(1);
            }
            root
        }
    }
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
                let tail = Term::word(*p.add(1));
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
        let (mut from, mut to, end) = (from, to, from.add(words));
        while from < end {
            // Volatile, so that it stays a loop: a call of memcpy costs more than the words.
            *to = from.read_volatile();
            (from, to) = (from.add(1), to.add(1));
        }
    }
}

/// The words of a tuple or cons cell of immediates, as many messages are.
#[inline(always)]
fn shallow_words(t: Term, literals: Literals) -> Option<usize> {
    if !t.is_pointer() || literals.hold(t.pointer()) {
        return None;
    }
    let p = t.pointer();
    // SAFETY: LIVE
    unsafe {
        if t.is_cons() {
            return (!Term::word(*p).is_pointer() && !Term::word(*p.add(1)).is_pointer()).then_some(2);
        }
        let arity = arity_of(*p);
        if *p != Kind::Tuple.header(arity) || arity > 8 {
            return None;
        }
        let (mut at, end) = (p.add(1), p.add(1 + arity));
        while at < end && !Term::word(*at).is_pointer() {
            at = at.add(1);
        }
        (at == end).then_some(1 + arity)
    }
}

/// What a copy of a term takes.
#[derive(Clone, Copy)]
pub struct Extent {
    pub words: usize,
    /// A tuple or cons cell of immediates.
    pub shallow: bool,
}

/// What a copy of `t` takes, which refers to these literals.
#[inline]
pub fn extent(t: Term, literals: Literals) -> Extent {
    match shallow_words(t, literals) {
        Some(words) => Extent { words, shallow: true },
        None => Extent { words: flat_size(t, literals), shallow: false },
    }
}

/// Copies `t` to the words at `to`; off-heap objects of the copy are added to `off_heap`.
///
/// # Safety
/// There are as many words as `extent`, which is that of `t` and these literals, says (FRESH).
#[inline]
pub unsafe fn copy_extent(
    t: Term,
    extent: Extent,
    to: *mut u64,
    off_heap: &mut Vec<*mut u64>,
    literals: Literals,
) -> Term {
    // SAFETY: by the caller's promise; LIVE.
    unsafe {
        if extent.shallow {
            copy_words(t.pointer(), to, extent.words);
            return Term::word(t.0.wrapping_sub(t.pointer() as u64).wrapping_add(to as u64));
        }
        let mut top = to;
        copy_into(t, &mut top, off_heap, literals)
    }
}

/// A fragment that holds a copy of `t`, which refers to these literals, and the copy.
pub fn to_fragment(t: Term, literals: Literals) -> (Fragment, Term) {
    let extent = extent(t, literals);
    let mut f = Fragment::new(extent.words);
    // SAFETY: the fragment's block has exactly as many words.
    let copy = unsafe { copy_extent(t, extent, f.block.start(), &mut f.off_heap, literals) };
    f.used = extent.words;
    (f, copy)
}

impl Heap {
    /// Copies of terms in this heap, which refer to these literals, in turn given to `to`.
    ///
    /// # Safety
    /// Their sizes (see [`flat_size`]) are `words` in all.
    pub unsafe fn copy_all(&mut self, terms: &[Term], words: usize, literals: Literals, mut to: impl FnMut(Term)) {
        let mut top = self.alloc(words);
        let inside = self.block.contains(top);
        let mut off_heap = if inside { std::mem::take(&mut self.spaces.off_heap) } else { Vec::new() };
        let before = off_heap.len();
        // SAFETY: FRESH: `alloc` gave as many words as the terms take.
        terms.iter().for_each(|&t| to(unsafe { copy_into(t, &mut top, &mut off_heap, literals) }));
        if inside {
            for &p in &off_heap[before..] {
                // SAFETY: OFFHEAP: the copies are complete.
                unsafe { self.virtual_heap.note_new(p) };
            }
            self.spaces.off_heap = off_heap;
        } else {
            off_heap.into_iter().for_each(|p| self.note_off_heap(p));
        }
    }

    /// A copy of `t` in this heap.
    pub fn copy(&mut self, t: Term) -> Term {
        let literals = Literals::lasting();
        let words = flat_size(t, literals);
        if words == 0 {
            return t;
        }
        let mut top = self.alloc(words);
        let mut off_heap = Vec::new();
        // SAFETY: FRESH: `alloc` gave `flat_size` words.
        let copy = unsafe { copy_into(t, &mut top, &mut off_heap, literals) };
        for p in off_heap {
            self.note_off_heap(p);
        }
        copy
    }
}

#[cfg(test)]
mod tests;
