//! Remembering that a binary is UTF-8: a search for all matches asks anew for each of them.
//!
//! A thread remembers the last large binary that it found to be UTF-8 and keeps it alive meanwhile. So another term
//! with the same address and length has the same bytes: they cannot have been freed, and bytes that a term covers
//! never change.

use purlin_term::{Kind, Owned, Term};
use std::cell::RefCell;

/// Shorter subjects are checked each time.
const LARGE: usize = 512;

struct Known {
    /// Keeps the bytes where they are.
    _binary: Owned,
    address: usize,
    len: usize,
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// Whether `bytes`, which are the binary's, are known to be UTF-8 or are found to be so now. Small or unaligned
/// binaries are never known.
pub fn is_utf8(binary: Term, bytes: &[u8]) -> bool {
    let shared = binary.whole_and_offset().is_some_and(|(whole, _)| whole.boxed_kind() == Some(Kind::RefBin));
    let own = binary.as_bits().is_some_and(|b| b.offset == 0 && b.data.as_ptr() == bytes.as_ptr());
    if bytes.len() < LARGE || !shared || !own {
        return false;
    }
    let (address, len) = (bytes.as_ptr() as usize, bytes.len());
    KNOWN.with_borrow_mut(|known| {
        if known.as_ref().is_some_and(|k| k.address == address && k.len == len) {
            return true;
        }
        let valid = std::str::from_utf8(bytes).is_ok();
        if valid {
            *known = Some(Known { _binary: Owned::new(binary), address, len });
        }
        valid
    })
}
