//! What tiers above the loop do with match contexts: a header and `bit end, bit position, address, whole`.

use purlin_term::Term;
use purlin_term::binary::{HEAP_BIN_LIMIT, copy_few};
use purlin_term::boxed::Kind;

/// Where the words of a context stand behind its header.
pub const END: usize = 0;
pub const POSITION: usize = 1;
/// Where the whole starts, or zero for one on the heap.
pub const ADDRESS: usize = 2;
pub const WHOLE: usize = 3;

/// Words that a context takes.
pub const CONTEXT_WORDS: usize = 5;

/// Most words that a part takes.
pub const PART_WORDS: usize = 2 + HEAP_BIN_LIMIT / 8;

/// The longest part, in bits, that is copied.
pub const COPIED: u64 = HEAP_BIN_LIMIT as u64 * 8;

/// A context of all of a bit string; `None` for anything else.
///
/// # Safety
/// FRESH: there is room for a context at `p`; LIVE: the term is the process's.
#[inline(always)]
pub unsafe fn begin(t: Term, p: *mut u64) -> Option<Term> {
    if !t.is_boxed() {
        return None;
    }
    // SAFETY: by the caller's promise; a bit string's words say how many bits it has, and from where.
    unsafe {
        let b = t.pointer();
        let (start, size, whole) = match Kind::of_header(*b) {
            Kind::HeapBin => (0, *b.add(1) * 8, t),
            Kind::RefBin => (0, *b.add(3) * 8, t),
            Kind::SubBits => (*b.add(2), *b.add(1), Term::from_raw(*b.add(3))),
            _ => return None,
        };
        *p = Kind::MatchCtx.header(CONTEXT_WORDS - 1);
        *p.add(1 + END) = start + size;
        *p.add(1 + POSITION) = start;
        *p.add(1 + ADDRESS) = whole.lasting_address();
        *p.add(1 + WHOLE) = whole.raw();
        Some(Term::from_boxed(p))
    }
}

/// The byte that holds bit `at` of what a context reads.
///
/// # Safety
/// LIVE: these are a context's words, `END` first, and it has that bit.
#[inline(always)]
pub unsafe fn byte_at(ctx: *const u64, at: u64) -> *const u8 {
    // SAFETY: LIVE: a context's last word is a heap or counted binary that holds the bits up to its end, and the word
    // before it is where that starts, or zero for a heap binary.
    unsafe {
        let address = *ctx.add(ADDRESS);
        let start =
            if address != 0 { address as *const u8 } else { Term::from_raw(*ctx.add(WHOLE)).pointer().add(2).cast() };
        start.add(at as usize / 8)
    }
}

/// Words that the next `n` bits from bit `at` take as a term; `None` when they cannot be had by [`part`].
#[inline(always)]
pub fn part_words(at: u64, n: u64) -> Option<usize> {
    if !n.is_multiple_of(8) || n > COPIED {
        return Some(4);
    }
    at.is_multiple_of(8).then(|| 2 + n.div_ceil(64) as usize)
}

/// The `n` bits from bit `at` of what a context reads: a heap binary where they are few whole bytes, else a part of
/// the whole. A part that is all of a larger binary stays a part.
///
/// # Safety
/// The context has these bits; `p` has room for [`part_words`].
#[inline(never)]
pub unsafe fn part(ctx: *const u64, p: *mut u64, at: u64, n: u64) -> Term {
    // SAFETY: FRESH, by the caller's promise; what is read is LIVE.
    unsafe {
        if n.is_multiple_of(8) && n <= COPIED {
            let words = n.div_ceil(64) as usize;
            *p = Kind::HeapBin.header(1 + words);
            *p.add(1) = n / 8;
            if words > 0 {
                // What the bytes do not fill of the last word is zero.
                *p.add(1 + words) = 0;
                copy_few(byte_at(ctx, at), p.add(2).cast(), n as usize / 8);
            }
        } else {
            *p = Kind::SubBits.header(3);
            *p.add(1) = n;
            *p.add(2) = at;
            *p.add(3) = *ctx.add(WHOLE);
        }
        Term::from_boxed(p)
    }
}

/// The character at the position, which is at a byte's beginning, and the bits that it takes; `None` when there is none.
///
/// # Safety
/// LIVE: these are a context's words, and it has at least a byte.
#[inline(always)]
pub unsafe fn utf8(ctx: *const u64) -> Option<(u64, u64)> {
    // SAFETY: by the caller's promise; no more bytes are read than are left.
    unsafe {
        let at = *ctx.add(POSITION);
        let (p, left) = (byte_at(ctx, at), (*ctx.add(END) - at) / 8);
        let first = *p as u64;
        let (len, lead, least) = match first {
            0..0x80 => return Some((first, 8)),
            0xC2..=0xDF => (2, first & 0x1F, 0x80),
            0xE0..=0xEF => (3, first & 0x0F, 0x800),
            0xF0..=0xF4 => (4, first & 0x07, 0x10000),
            _ => return None,
        };
        if left < len {
            return None;
        }
        let mut value = lead;
        for i in 1..len {
            let b = *p.add(i as usize) as u64;
            if b & 0xC0 != 0x80 {
                return None;
            }
            value = value << 6 | b & 0x3F;
        }
        let valid = value >= least && !(0xD800..0xE000).contains(&value) && value <= 0x10FFFF;
        valid.then_some((value, 8 * len))
    }
}
