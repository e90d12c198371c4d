//! Matching: reading fields of a bitstring through a match context.
//!
//! A context is `[bit end, bit position, address, whole]` and is changed in place; the address is that of the whole's
//! first byte, or zero when the whole is a heap binary, which moves. Every function gives `None` (or false) and leaves
//! the position alone when the field does not match, or when the term is no context.

use super::BIG_DIGITS;
use super::copy::read_exact;
use super::float::f16_to_f64;
use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::{SMALL_MAX, SMALL_MIN, Term};

/// The words of a match context after its header.
struct Context {
    words: *mut u64,
    end: usize,
    pos: usize,
}

impl Context {
    #[inline]
    fn of(ctx: Term) -> Option<Context> {
        let w = ctx.body(Kind::MatchCtx)?;
        Some(Context { end: w[0] as usize, pos: w[1] as usize, words: ctx.pointer().wrapping_add(1) })
    }

    /// The context, when `bits` are left in it.
    #[inline]
    fn with(ctx: Term, bits: usize) -> Option<Context> {
        Context::of(ctx).filter(|c| c.left() >= bits)
    }

    #[inline]
    fn left(&self) -> usize {
        self.end - self.pos
    }

    #[inline]
    fn advance(&self, bits: usize) {
        debug_assert!(bits <= self.left());
        // SAFETY: LIVE; only the process that owns the context uses it.
        unsafe { *self.words.add(1) = (self.pos + bits) as u64 };
    }

    #[inline]
    fn whole(&self) -> Term {
        // SAFETY: LIVE
        Term::word(unsafe { *self.words.add(3) })
    }

    #[inline]
    fn base(&self) -> *const u8 {
        self.whole().base_bytes().0
    }

    /// The `n` (at most 64) bits that start `skip` bits behind the position.
    #[inline]
    fn peek(&self, skip: usize, n: usize) -> u64 {
        debug_assert!(skip + n <= self.left());
        // SAFETY: LIVE: a context's bits lie in its whole's buffer.
        unsafe { read_exact(self.base(), self.pos + skip, n) }
    }
}

/// Starts matching a bitstring; a context is taken as it stands. `None` for any other term.
pub fn start_match(heap: &mut Heap, term: Term) -> Option<Term> {
    if let Some((whole, from)) = term.whole_and_offset() {
        let end = from + term.bit_size();
        return Some(heap.boxed(Kind::MatchCtx, &[end as u64, from as u64, whole.lasting_address(), whole.0]));
    }
    (term.boxed_kind() == Some(Kind::MatchCtx)).then_some(term)
}

/// Bits that are left.
#[inline]
pub fn remaining(ctx: Term) -> usize {
    Context::of(ctx).map_or(0, |c| c.left())
}

/// The position, for [`set_position`].
#[inline]
pub fn position(ctx: Term) -> usize {
    Context::of(ctx).map_or(0, |c| c.pos)
}

/// Goes back to a position that [`position`] gave; false when it lies behind the context's end.
#[inline]
pub fn set_position(ctx: Term, position: usize) -> bool {
    let Some(w) = ctx.body(Kind::MatchCtx) else { return false };
    if position > w[0] as usize {
        return false;
    }
    // SAFETY: LIVE; only the process that owns the context uses it.
    unsafe { *ctx.pointer().add(2) = position as u64 };
    true
}

/// Steps over `bits` bits.
#[inline]
pub fn skip(ctx: Term, bits: usize) -> bool {
    Context::with(ctx, bits).map(|c| c.advance(bits)).is_some()
}

/// Whether what is left is a multiple of `unit` bits.
#[inline]
pub fn test_unit(ctx: Term, unit: usize) -> bool {
    Context::of(ctx).is_some_and(|c| unit != 0 && c.left() % unit == 0)
}

/// The next `n` (at most 64) bits as an unsigned number.
#[inline]
pub fn raw_bits(ctx: Term, n: usize) -> Option<u64> {
    if n > 64 {
        return None;
    }
    let c = Context::with(ctx, n)?;
    let v = c.peek(0, n);
    c.advance(n);
    Some(v)
}

/// The next `bits` bits as an integer.
#[inline]
pub fn get_integer(heap: &mut Heap, ctx: Term, bits: usize, signed: bool, little: bool) -> Option<Term> {
    let c = Context::with(ctx, bits)?;
    if bits <= 59 && (!little || bits <= 8) {
        let v = c.peek(0, bits);
        c.advance(bits);
        let v = if signed && bits > 0 { (v << (64 - bits)) as i64 >> (64 - bits) } else { v as i64 };
        return Some(Term::small(v));
    }
    if bits <= 64 {
        let v = digit(&c, bits, little, 0);
        c.advance(bits);
        return Some(if !signed {
            heap.unsigned(v)
        } else {
            let v = (v << (64 - bits)) as i64 >> (64 - bits);
            if (SMALL_MIN..=SMALL_MAX).contains(&v) { Term::small(v) } else { heap.integer(v) }
        });
    }
    get_wide_integer(heap, &c, bits, signed, little)
}

/// Digit `i` of the next `bits` bits, unsigned.
fn digit(c: &Context, bits: usize, little: bool, i: usize) -> u64 {
    let n = (bits - 64 * i).min(64);
    if !little {
        return c.peek(bits - 64 * i - n, n);
    }
    // Whole bytes come least significant first; the bits of a part of a byte come last and count most.
    let (whole, part) = (n / 8 * 8, n % 8);
    let low = if whole == 0 { 0 } else { (c.peek(64 * i, whole) << (64 - whole)).swap_bytes() };
    if part == 0 { low } else { low | c.peek(64 * i + whole, part) << whole }
}

#[cold]
fn get_wide_integer(heap: &mut Heap, c: &Context, bits: usize, signed: bool, little: bool) -> Option<Term> {
    let count = bits.div_ceil(64);
    let mut digits: Vec<u64> = (0..count).map(|i| digit(c, bits, little, i)).collect();
    c.advance(bits);
    let top = digits[count - 1];
    let sign = (bits - 1) % 64;
    let negative = signed && top >> sign & 1 == 1;
    if negative {
        if sign < 63 {
            digits[count - 1] = top | u64::MAX << (sign + 1);
        }
        let mut carry = true;
        for d in &mut digits {
            (*d, carry) = (!*d).overflowing_add(carry as u64);
        }
    }
    let used = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
    (used <= BIG_DIGITS).then(|| heap.integer_from_digits(negative, &digits))
}

/// The next 16, 32 or 64 bits as a float (no bits: 0.0). NaN and the infinities do not match, nor other sizes.
pub fn get_float(heap: &mut Heap, ctx: Term, bits: usize, little: bool) -> Option<Term> {
    let c = Context::with(ctx, bits)?;
    let raw = c.peek(0, bits.min(64));
    let f = match bits {
        0 => 0.0,
        16 => f16_to_f64(if little { (raw as u16).swap_bytes() } else { raw as u16 }),
        32 => f32::from_bits(if little { (raw as u32).swap_bytes() } else { raw as u32 }) as f64,
        64 => f64::from_bits(if little { raw.swap_bytes() } else { raw }),
        _ => return None,
    };
    if !f.is_finite() {
        return None;
    }
    c.advance(bits);
    Some(heap.float(f))
}

/// The next `bits` bits as a bitstring.
pub fn get_bits(heap: &mut Heap, ctx: Term, bits: usize) -> Option<Term> {
    let c = Context::with(ctx, bits)?;
    let part = heap.part_of_whole(c.whole(), c.pos, bits);
    c.advance(bits);
    Some(part)
}

/// All that is left, when it is a multiple of `unit` bits; nothing is left then.
pub fn get_rest(heap: &mut Heap, ctx: Term, unit: usize) -> Option<Term> {
    if !test_unit(ctx, unit) {
        return None;
    }
    get_bits(heap, ctx, remaining(ctx))
}

/// All that is left, as a bitstring; the position stays.
pub fn get_tail(heap: &mut Heap, ctx: Term) -> Option<Term> {
    let c = Context::of(ctx)?;
    Some(heap.part_of_whole(c.whole(), c.pos, c.left()))
}

/// Steps over the next `bits` bits if they are those of `pattern`.
pub fn match_bytes(ctx: Term, pattern: &[u8], bits: usize) -> bool {
    let Some(c) = Context::with(ctx, bits) else { return false };
    if bits > pattern.len() * 8 {
        return false;
    }
    let mut at = 0;
    while at < bits {
        let n = (bits - at).min(64);
        // SAFETY: `pattern` holds `bits` bits.
        if c.peek(at, n) != unsafe { read_exact(pattern.as_ptr(), at, n) } {
            return false;
        }
        at += n;
    }
    c.advance(bits);
    true
}

/// The next character in UTF-8.
pub fn get_utf8(ctx: Term) -> Option<u32> {
    let c = Context::with(ctx, 8)?;
    let first = c.peek(0, 8) as u32;
    if first < 0x80 {
        c.advance(8);
        return Some(first);
    }
    let (len, bits, least) = match first {
        0xC2..=0xDF => (2, first & 0x1F, 0x80),
        0xE0..=0xEF => (3, first & 0x0F, 0x800),
        0xF0..=0xF4 => (4, first & 0x07, 0x10000),
        _ => return None,
    };
    if c.left() < len * 8 {
        return None;
    }
    let mut value = bits;
    for i in 1..len {
        let b = c.peek(i * 8, 8) as u32;
        if b & 0xC0 != 0x80 {
            return None;
        }
        value = value << 6 | b & 0x3F;
    }
    if value < least || !is_scalar(value) {
        return None;
    }
    c.advance(len * 8);
    Some(value)
}

/// The next character in UTF-16.
pub fn get_utf16(ctx: Term, little: bool) -> Option<u32> {
    let c = Context::with(ctx, 16)?;
    let unit = |at: usize| {
        let u = c.peek(at, 16) as u16;
        (if little { u.swap_bytes() } else { u }) as u32
    };
    match unit(0) {
        high @ 0xD800..=0xDBFF => {
            if c.left() < 32 {
                return None;
            }
            let low @ 0xDC00..=0xDFFF = unit(16) else { return None };
            c.advance(32);
            Some(0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF))
        }
        0xDC00..=0xDFFF => None,
        u => {
            c.advance(16);
            Some(u)
        }
    }
}

/// The next character in UTF-32.
pub fn get_utf32(ctx: Term, little: bool) -> Option<u32> {
    let c = Context::with(ctx, 32)?;
    let v = c.peek(0, 32) as u32;
    let v = if little { v.swap_bytes() } else { v };
    if !is_scalar(v) {
        return None;
    }
    c.advance(32);
    Some(v)
}

fn is_scalar(v: u32) -> bool {
    char::from_u32(v).is_some()
}
