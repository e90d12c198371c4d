//! The literal area: one reserved range of addresses for terms that never move.
//!
//! A single compare tells whether a pointer is a literal, so collection and message copying leave literals alone.

use crate::copy::shared::copy_shared_to;
use crate::copy::{copy_into, flat_size};
use crate::word::Term;
use parking_lot::Mutex;
use std::sync::OnceLock;

/// Address space reserved; memory is used only as literals are stored.
const AREA_BYTES: usize = 1 << 34;

struct Area {
    base: usize,
    next: Mutex<usize>,
}

fn area() -> &'static Area {
    static AREA: OnceLock<Area> = OnceLock::new();
    AREA.get_or_init(|| {
        // SAFETY: an anonymous private mapping at an address the kernel chooses.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                AREA_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert!(p != libc::MAP_FAILED, "cannot reserve address space for literals");
        BASE.store(p as usize, std::sync::atomic::Ordering::Release);
        Area { base: p as usize, next: Mutex::new(p as usize) }
    })
}

static BASE: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(usize::MAX / 2);

/// Whether `p` points into the literal area.
#[inline]
pub fn is_literal(p: *const u64) -> bool {
    Literals::known().hold(p)
}

/// Where the literal area is, for who asks often.
#[derive(Clone, Copy)]
pub struct Literals(usize);

impl Literals {
    #[inline]
    pub fn known() -> Literals {
        Literals(BASE.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// Whether `p` points into the literal area.
    #[inline(always)]
    pub fn hold(self, p: *const u64) -> bool {
        (p as usize).wrapping_sub(self.0) < AREA_BYTES
    }
}

/// Bytes of literals.
pub fn bytes() -> usize {
    let area = area();
    *area.next.lock() - area.base
}

/// Copies a term to the literal area, where it stays for the life of the program.
///
/// Returns `None` when the area is full.
pub fn store(t: Term) -> Option<Term> {
    if t.is_immediate() {
        return Some(t);
    }
    let words = flat_size(t);
    let mut top = reserve(words)?;
    let mut off_heap = Vec::new();
    // SAFETY: FRESH: the range was just set aside for `words` words. The counts that the literal's off-heap
    // objects own are kept for ever, as the literal is.
    let t = unsafe { copy_into(t, &mut top, &mut off_heap) };
    Some(t)
}

/// As [`store`], for a term whose objects may be referred to more than once: each is stored once.
pub fn store_shared(t: Term) -> Option<Term> {
    // The counts that off-heap objects own are kept for ever.
    copy_shared_to(t, false, |words, _| reserve(words))
}

/// Room for so many words; `None`: the area is full.
fn reserve(words: usize) -> Option<*mut u64> {
    let area = area();
    let mut next = area.next.lock();
    let start = *next;
    if start + words * 8 > area.base + AREA_BYTES {
        return None;
    }
    *next = start + words * 8;
    Some(start as *mut u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Heap;

    #[test]
    fn stored_terms_are_literals_and_heap_terms_are_not() {
        let mut h = Heap::new(64);
        let t = h.tuple(&[Term::small(1), Term::NIL]);
        assert!(!is_literal(t.pointer()));
        let l = store(t).unwrap();
        assert!(is_literal(l.pointer()));
        assert_eq!(l.as_tuple().unwrap(), &[Term::small(1), Term::NIL]);
    }
}
