//! Matching of binaries.
//!
//! A match context is a header and `bit end, bit position, address, whole`; the instructions that read through one come
//! only where the compiler knows that they have one. Fields of whole bytes at a byte boundary have handlers that know
//! their size; what is unaligned or near the end goes on to another handler, so that the common ones stay short.

use super::pick::{Fused, by_kind};
use super::{Handler, I, Mode, Place, State, X, Y, handlers, leave, operands, parts};
use crate::code::instr::{BsGet, Instr, Op, Segment, Src};
use crate::tier::context::{self, CONTEXT_WORDS, byte_at, part, part_words};
use purlin_term::Term;
use purlin_term::boxed::Kind;

/// The handler of a field and of the test that whole bytes are left behind it, as in `<<C, Rest/binary>>`, and of the
/// beginning of a match and the taking of its position.
pub(super) fn fused(i: &Instr, next: &Instr, collecting: bool) -> Option<Fused> {
    let handler = match (*i, *next) {
        (Instr::BsStartMatch { src, dst, .. }, Instr::BsGetPosition { ctx, dst: position })
            if ctx == dst.as_src() && position.is_x() =>
        {
            by_kind!(start_match_position; reg src, place dst)
        }
        (i, Instr::BsTestUnit { ctx, unit: 8, .. }) => match i {
            Instr::BsGetInteger(g) if g.ctx == ctx => bytes(g, true)?,
            Instr::BsGetBinary(g) if g.ctx == ctx && !collecting => {
                by_kind!(get_part_then_bytes; reg g.ctx, size g.size?)
            }
            Instr::BsSkip(g) if g.ctx == ctx && g.bits == 0 => {
                by_kind!(skip_units_then_bytes; reg g.ctx, size g.size?)
            }
            _ => return None,
        },
        _ => return None,
    };
    Some((handler, 1))
}

/// The handler of a field that has whole bytes and a size that is known.
fn bytes(g: &BsGet, then_bytes: bool) -> Option<Handler> {
    macro_rules! of {
        ($t:ident) => {
            if then_bytes {
                by_kind!(get_bytes_then_bytes<$t>; reg g.ctx, place g.dst)
            } else {
                by_kind!(get_bytes<$t>; reg g.ctx, place g.dst)
            }
        };
    }
    Some(match (g.bits, g.little) {
        _ if g.signed => return None,
        (8, _) => of!(Byte),
        (16, false) => of!(Big16),
        (24, false) => of!(Big24),
        (32, false) => of!(Big32),
        (16, true) => of!(Little16),
        (32, true) => of!(Little32),
        _ => return None,
    })
}

/// The handler of an instruction of this family on its own.
pub(super) fn single(i: &Instr, collecting: bool) -> Handler {
    match *i {
        Instr::BsStartMatch { src, dst, .. } => by_kind!(start_match; reg src, place dst),
        Instr::BsGetInteger(g) => match bytes(g, false) {
            Some(handler) => handler,
            None if (1..=56).contains(&g.bits) && !g.signed && !g.little => by_kind!(get_unsigned; reg g.ctx),
            None if (1..=64).contains(&g.bits) => by_kind!(get_word; reg g.ctx),
            None => get_integer,
        },
        Instr::BsGetBinary(_) if collecting => get_binary,
        Instr::BsGetBinary(BsGet { ctx, size: Some(size), .. }) => by_kind!(get_part; reg ctx, size size),
        Instr::BsGetBinary(g) if g.unit.is_power_of_two() => by_kind!(get_rest; reg g.ctx),
        Instr::BsGetBinary(_) => get_binary,
        Instr::BsSkip(g) if g.bits > 0 => by_kind!(skip; reg g.ctx),
        Instr::BsSkip(BsGet { ctx, size: Some(size), .. }) => by_kind!(skip_units; reg ctx, size size),
        Instr::BsTestTail { ctx, .. } => by_kind!(test_tail; reg ctx),
        Instr::BsTestUnit { ctx, unit: 8, .. } => by_kind!(test_bytes; reg ctx),
        Instr::BsTestUnit { ctx, unit, .. } if unit.is_power_of_two() => by_kind!(test_unit; reg ctx),
        Instr::BsMatchString(m) => by_kind!(match_string; reg m.ctx),
        Instr::BsGetUtf { kind: Segment::Utf8, ctx, .. } => by_kind!(get_utf8; reg ctx),
        Instr::BsGetPosition { ctx, dst } => by_kind!(get_position; reg ctx, place dst),
        Instr::BsSetPosition { ctx, .. } => by_kind!(set_position; reg ctx),
        Instr::BsGetTail { .. } if collecting => get_tail,
        Instr::BsGetTail { ctx, .. } => by_kind!(quick_tail; reg ctx),
        _ => leave,
    }
}

/// A field of whole bytes whose size is known when the handler is chosen.
pub(super) trait Field {
    const BITS: u64;
    unsafe fn read(p: *const u8) -> u64;
}

macro_rules! fields {
    ($($name:ident, $bits:expr, $p:ident => $value:expr;)*) => {$(
        pub(super) struct $name;
        impl Field for $name {
            const BITS: u64 = $bits;
            #[inline(always)]
            unsafe fn read($p: *const u8) -> u64 {
                // SAFETY: LIVE: the context has the field's bytes.
                unsafe { $value as u64 }
            }
        }
    )*};
}

fields! {
    Byte, 8, p => *p;
    Big16, 16, p => u16::from_be(p.cast::<u16>().read_unaligned());
    Big24, 24, p => (u16::from_be(p.cast::<u16>().read_unaligned()) as u64) << 8 | *p.add(2) as u64;
    Big32, 32, p => u32::from_be(p.cast::<u32>().read_unaligned());
    Little16, 16, p => u16::from_le(p.cast::<u16>().read_unaligned());
    Little32, 32, p => u32::from_le(p.cast::<u32>().read_unaligned());
}

impl State {
    /// The words of a match context, `end` first.
    #[inline(always)]
    unsafe fn context<A: Mode>(&self, ctx: Src) -> *mut u64 {
        // SAFETY: CODE: the compiler knows that it is a context.
        unsafe { self.get::<A>(ctx).pointer().add(1) }
    }

    /// Steps to the next instruction, a `bs_test_unit` of whole bytes, and does that.
    #[inline(always)]
    unsafe fn then_bytes(mut self, left: u64) -> *const Op {
        // SAFETY: CODE: the handler was chosen for both instructions.
        unsafe {
            self.pc = self.pc.add(1);
            operands!(self, BsTestUnit { fail });
            self.test(left.is_multiple_of(8), fail)
        }
    }
}

/// The `n` (at most 64) bits from bit `at`, which lie in eight bytes, at the high end of a word.
#[inline(always)]
unsafe fn window(ctx: *mut u64, at: u64, n: u64) -> u64 {
    // SAFETY: LIVE: the context has these bits, and all bytes up to its end can be read.
    unsafe {
        let p = byte_at(ctx, at);
        if (*ctx).div_ceil(8) - at / 8 >= 8 {
            return u64::from_be(p.cast::<u64>().read_unaligned()) << (at % 8);
        }
        let mut w = 0;
        for i in 0..(at % 8 + n).div_ceil(8) {
            w |= (*p.add(i as usize) as u64) << (56 - 8 * i);
        }
        w << (at % 8)
    }
}

/// The bits that a field of so many units of its size takes, unless that is rare: no small number, or a huge one.
#[inline(always)]
fn field_bits(size: Term, unit: u32) -> Option<u64> {
    (size.is_small() && size.raw() >> 40 == 0).then(|| (size.raw() >> 4) * unit as u64)
}

handlers! {
    fn start_match<A: Mode, D: Place>(s) {
        operands!(s, BsStartMatch { src, dst });
        let t = s.get::<A>(src);
        if !t.is_boxed() || *t.pointer() != Kind::MatchCtx.header(4) {
            return s.to(new_context::<A, D>);
        }
        s.set::<D>(dst, t);
        s.next()
    }

    /// `bs_start_match` of a context, and `bs_get_position` to an X register.
    fn start_match_position<A: Mode, D: Place>(s) {
        operands!(s, BsStartMatch { src, dst });
        let t = s.get::<A>(src);
        if !t.is_boxed() || *t.pointer() != Kind::MatchCtx.header(4) {
            return s.to(new_context::<A, D>);
        }
        s.set::<D>(dst, t);
        operands!(@ (*s.pc.add(1)).instr, BsGetPosition { dst });
        s.set::<X>(dst, Term::from_raw(*t.pointer().add(2) << 4));
        s.skip(2)
    }

    fn new_context<A: Mode, D: Place>(s) {
        operands!(s, BsStartMatch { src, dst });
        if !s.has_room(CONTEXT_WORDS) {
            return s.slow();
        }
        match context::begin(s.get::<A>(src), s.top) {
            Some(t) => {
                s.take(CONTEXT_WORDS);
                s.set::<D>(dst, t);
                s.next()
            }
            None => s.slow(),
        }
    }

    fn get_bytes<F: Field, A: Mode, D: Place>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < F::BITS {
            return s.jump(g.fail);
        }
        if !at.is_multiple_of(8) {
            return s.to(get_word::<A>);
        }
        *c.add(1) = at + F::BITS;
        s.set::<D>(g.dst, Term::from_raw(F::read(byte_at(c, at)) << 4));
        s.next()
    }

    /// As `get_bytes`, and `bs_test_unit` of whole bytes.
    fn get_bytes_then_bytes<F: Field, A: Mode, D: Place>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        let left = *c - at;
        if left < F::BITS {
            return s.jump(g.fail);
        }
        if !at.is_multiple_of(8) {
            return s.to(get_word::<A>);
        }
        *c.add(1) = at + F::BITS;
        s.set::<D>(g.dst, Term::from_raw(F::read(byte_at(c, at)) << 4));
        s.then_bytes(left)
    }

    /// Up to 56 bits, most significant first, where eight bytes can be read.
    fn get_unsigned<A: Mode>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let (end, at, n) = (*c, *c.add(1), g.bits as u64);
        if end - at < n {
            return s.jump(g.fail);
        }
        // The end's last byte is left out, so that there are eight whole ones.
        if end / 8 - at / 8 < 8 {
            return s.to(get_word::<A>);
        }
        let word = u64::from_be(byte_at(c, at).cast::<u64>().read_unaligned());
        *c.add(1) = at + n;
        s.set_any(g.dst, Term::from_raw((word << (at % 8) >> (64 - n)) << 4));
        s.next()
    }

    /// Up to 64 bits of any kind that make a small integer.
    fn get_word<A: Mode>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let (at, n) = (*c.add(1), g.bits as u64);
        if *c - at < n {
            return s.jump(g.fail);
        }
        if at % 8 + n > 64 || (g.little && n % 8 != 0) {
            return s.by(any_integer);
        }
        let mut v = window(c, at, n) >> (64 - n);
        if g.little {
            v = v.swap_bytes() >> (64 - n);
        }
        let v = if g.signed { (v << (64 - n)) as i64 >> (64 - n) } else { v as i64 };
        if !Term::fits_small(v) || (v < 0 && !g.signed) {
            return s.by(any_integer);
        }
        *c.add(1) = at + n;
        s.set_any(g.dst, Term::small(v));
        s.next()
    }

    fn skip<A: Mode>(s) {
        operands!(s, BsSkip(g));
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < g.bits as u64 {
            return s.jump(g.fail);
        }
        *c.add(1) = at + g.bits as u64;
        s.next()
    }

    /// The size is in a register.
    fn skip_units<A: Mode, S: Mode>(s) {
        operands!(s, BsSkip(g));
        let Some(n) = field_bits(s.get::<S>(g.size.unwrap_unchecked()), g.unit) else { return s.slow() };
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < n {
            return s.jump(g.fail);
        }
        *c.add(1) = at + n;
        s.next()
    }

    /// As `skip_units`, and `bs_test_unit` of whole bytes.
    fn skip_units_then_bytes<A: Mode, S: Mode>(s) {
        operands!(s, BsSkip(g));
        let Some(n) = field_bits(s.get::<S>(g.size.unwrap_unchecked()), g.unit) else { return s.slow() };
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        let left = *c - at;
        if left < n {
            return s.jump(g.fail);
        }
        *c.add(1) = at + n;
        s.then_bytes(left - n)
    }

    fn get_part<A: Mode, S: Mode>(s) {
        operands!(s, BsGetBinary(g));
        let Some(n) = field_bits(s.get::<S>(g.size.unwrap_unchecked()), g.unit) else { return s.by(binary) };
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < n {
            return s.jump(g.fail);
        }
        let Some(words) = part_words(at, n).filter(|n| s.has_room(*n)) else { return s.by(binary) };
        *c.add(1) = at + n;
        let p = s.take(words);
        s.set_any(g.dst, part(c, p, at, n));
        s.next()
    }

    /// As `get_part`, and `bs_test_unit` of whole bytes.
    fn get_part_then_bytes<A: Mode, S: Mode>(s) {
        operands!(s, BsGetBinary(g));
        let Some(n) = field_bits(s.get::<S>(g.size.unwrap_unchecked()), g.unit) else { return s.by(binary) };
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        let left = *c - at;
        if left < n {
            return s.jump(g.fail);
        }
        let Some(words) = part_words(at, n).filter(|n| s.has_room(*n)) else { return s.by(binary) };
        *c.add(1) = at + n;
        let p = s.take(words);
        s.set_any(g.dst, part(c, p, at, n));
        s.then_bytes(left - n)
    }

    /// All that is left.
    fn get_rest<A: Mode>(s) {
        operands!(s, BsGetBinary(g));
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        let n = *c - at;
        if n & (g.unit as u64 - 1) != 0 {
            return s.jump(g.fail);
        }
        let Some(words) = part_words(at, n).filter(|n| s.has_room(*n)) else { return s.by(binary) };
        *c.add(1) = at + n;
        let p = s.take(words);
        s.set_any(g.dst, part(c, p, at, n));
        s.next()
    }

    /// All that is left; the position stays.
    fn quick_tail<A: Mode>(s) {
        operands!(s, BsGetTail { ctx, dst });
        let c = s.context::<A>(ctx);
        let at = *c.add(1);
        let n = *c - at;
        let Some(words) = part_words(at, n).filter(|n| s.has_room(*n)) else { return s.by(tail) };
        let p = s.take(words);
        s.set_any(dst, part(c, p, at, n));
        s.next()
    }

    fn test_tail<A: Mode>(s) {
        operands!(s, BsTestTail { fail, ctx, bits });
        let c = s.context::<A>(ctx);
        s.test(*c - *c.add(1) == bits as u64, fail)
    }

    /// A unit of eight bits.
    fn test_bytes<A: Mode>(s) {
        operands!(s, BsTestUnit { fail, ctx });
        let c = s.context::<A>(ctx);
        s.test((*c - *c.add(1)).is_multiple_of(8), fail)
    }

    fn test_unit<A: Mode>(s) {
        operands!(s, BsTestUnit { fail, ctx, unit });
        let c = s.context::<A>(ctx);
        s.test((*c - *c.add(1)) & (unit as u64 - 1) == 0, fail)
    }

    fn match_string<A: Mode>(s) {
        operands!(s, BsMatchString(m));
        let c = s.context::<A>(m.ctx);
        let (at, n) = (*c.add(1), m.bits as u64);
        if *c - at < n {
            return s.jump(m.fail);
        }
        if !at.is_multiple_of(8) || !n.is_multiple_of(8) {
            return s.slow();
        }
        let p = byte_at(c, at);
        for i in 0..n as usize / 8 {
            if *p.add(i) != *m.bytes.get_unchecked(i) {
                return s.jump(m.fail);
            }
        }
        *c.add(1) = at + n;
        s.next()
    }

    /// A character of one byte.
    fn get_utf8<A: Mode>(s) {
        operands!(s, BsGetUtf { fail, ctx, dst });
        let c = s.context::<A>(ctx);
        let at = *c.add(1);
        if *c - at < 8 {
            return s.jump(fail);
        }
        if !at.is_multiple_of(8) {
            return s.slow();
        }
        let b = *byte_at(c, at);
        if b >= 0x80 {
            return s.to(get_long_utf8::<A>);
        }
        *c.add(1) = at + 8;
        s.set_any(dst, Term::from_raw((b as u64) << 4));
        s.next()
    }

    /// A character of several bytes, the first of which starts at a byte boundary.
    fn get_long_utf8<A: Mode>(s) {
        operands!(s, BsGetUtf { fail, ctx, dst });
        let c = s.context::<A>(ctx);
        let at = *c.add(1);
        let Some((value, bits)) = context::utf8(c) else { return s.jump(fail) };
        *c.add(1) = at + bits;
        s.set_any(dst, Term::from_raw(value << 4));
        s.next()
    }

    fn get_position<A: Mode, D: Place>(s) {
        operands!(s, BsGetPosition { ctx, dst });
        s.set::<D>(dst, Term::from_raw(*s.context::<A>(ctx).add(1) << 4));
        s.next()
    }

    fn set_position<A: Mode>(s) {
        operands!(s, BsSetPosition { ctx, position });
        *s.context::<A>(ctx).add(1) = s.any(position).raw() >> 4;
        s.next()
    }

    fn get_integer(s) {
        s.by(any_integer)
    }

    fn get_binary(s) {
        s.by(binary)
    }

    fn get_tail(s) {
        s.by(tail)
    }
}

parts! {
    fn any_integer(run, pc, BsGetInteger(g)) { run.bs_get_integer(pc, g) }
    fn binary(run, pc, BsGetBinary(g)) { run.bs_get_binary(pc, g) }
    fn tail(run, pc, BsGetTail { ctx, dst, live }) {
        run.bs_get_tail(ctx, dst, live as usize);
        crate::tier::reference::Next::At(pc.wrapping_add(1))
    }
}
