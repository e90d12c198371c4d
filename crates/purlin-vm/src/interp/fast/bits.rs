//! Maps and the matching of binaries.
//!
//! A match context is a header and `bit end, bit position, bit start, whole`; the instructions that read through one
//! come only where the compiler knows that they have one.

use super::{Handler, Mode, Place, State, X, Y, handlers, operands, parts};
use crate::code::instr::{BsGet, Instr, Packed, PackedField, Segment};
use purlin_term::binary::HEAP_BIN_LIMIT;
use purlin_term::bits::{APPENDED_WORDS, append_word};
use purlin_term::boxed::Kind;
use purlin_term::{Term, map};

/// The handler of an instruction of this family.
pub(super) fn handler(i: &Instr, collecting: bool) -> Option<Handler> {
    /// The variants for X registers and stack slots.
    macro_rules! places {
        ($f:ident, $a:expr) => {
            match $a.0 & 3 {
                0 => $f::<X> as Handler,
                1 => $f::<Y>,
                _ => return None,
            }
        };
        ($f:ident, $a:expr, $d:expr) => {
            match ($a.0 & 3, $d.0 & 3) {
                (0, 0) => $f::<X, X> as Handler,
                (0, 1) => $f::<X, Y>,
                (1, 0) => $f::<Y, X>,
                (1, 1) => $f::<Y, Y>,
                _ => return None,
            }
        };
    }
    let one_word = |g: &BsGet| (1..=56).contains(&g.bits) && !g.signed && (!g.little || g.bits == 8);
    Some(match *i {
        Instr::GetMapElement { src, .. } => places!(get_map_element, src),
        Instr::GetMapElements(_) => get_map_elements,
        Instr::PutMap(_) => put_map,
        Instr::BsStartMatch { src, dst, .. } => places!(start_match, src, dst),
        Instr::BsGetInteger(g) if g.bits == 8 && !g.signed => places!(get_byte, g.ctx, g.dst),
        Instr::BsGetInteger(g) if one_word(g) => places!(get_unsigned, g.ctx),
        Instr::BsGetInteger(g) if (1..=64).contains(&g.bits) => places!(get_word, g.ctx),
        Instr::BsGetInteger(_) => get_integer,
        Instr::BsGetBinary(_) if collecting => get_binary,
        Instr::BsGetBinary(g) if g.size.is_some() => places!(get_part, g.ctx),
        Instr::BsGetBinary(g) if g.unit.is_power_of_two() => places!(get_rest, g.ctx),
        Instr::BsGetBinary(_) => get_binary,
        Instr::BsSkip(g) if g.bits > 0 => places!(skip, g.ctx),
        Instr::BsSkip(g) if g.size.is_some() => places!(skip_units, g.ctx),
        Instr::BsTestTail { ctx, .. } => places!(test_tail, ctx),
        Instr::BsTestUnit { ctx, unit, .. } if unit.is_power_of_two() => places!(test_unit, ctx),
        Instr::BsMatchString(m) => places!(match_string, m.ctx),
        Instr::BsGetUtf { kind: Segment::Utf8, ctx, .. } => places!(get_utf8, ctx),
        Instr::BsGetPosition { ctx, .. } => places!(get_position, ctx),
        Instr::BsSetPosition { ctx, .. } => places!(set_position, ctx),
        Instr::BsGetTail { .. } if collecting => get_tail,
        Instr::BsGetTail { ctx, .. } => places!(quick_tail, ctx),
        Instr::BsCreateBin(c) if !collecting => match &c.packed {
            Some(Packed { to: Some(_), .. }) => append_packed,
            Some(p) if p.bits % 8 == 0 => create_packed,
            _ => create,
        },
        Instr::BsCreateBin(_) => create,
        _ => return None,
    })
}

impl State {
    /// The words of a match context, `end` first.
    #[inline(always)]
    unsafe fn context<A: Mode>(&self, ctx: crate::code::instr::Src) -> *mut u64 {
        // SAFETY: CODE: the compiler knows that it is a context.
        unsafe { self.get::<A>(ctx).pointer().add(1) }
    }
}

/// The byte that holds bit `at` of what a context reads.
#[inline(always)]
unsafe fn byte_at(ctx: *mut u64, at: u64) -> *const u8 {
    // SAFETY: LIVE: a context's last word is a heap or counted binary that holds the bits up to its end.
    unsafe { Term(*ctx.add(3)).base_bytes().0.add(at as usize / 8) }
}

/// The bits of all fields; `None` when a value is no small integer.
#[inline(always)]
unsafe fn packed(s: &State, p: &Packed) -> Option<u64> {
    let mut all = 0;
    for field in &p.fields {
        let (value, bits) = match *field {
            PackedField::Text { value, bits } => (value, bits),
            PackedField::Value { src, bits } => {
                // SAFETY: CODE: the operand names a register, a slot of the frame or a constant.
                let t = unsafe { s.any(src) };
                if !t.is_small() {
                    return None;
                }
                (t.small_value() as u64, bits)
            }
        };
        // In two steps, as there may be 64 bits.
        all = all << (bits - 1) << 1 | value & (u64::MAX >> (64 - bits));
    }
    Some(all)
}

/// The bits that a field of so many units of its size takes, unless that is rare: no small number, or a huge one.
#[inline(always)]
fn field_bits(size: Term, unit: u32) -> Option<u64> {
    (size.is_small() && size.0 >> 40 == 0).then(|| (size.0 >> 4) * unit as u64)
}

/// Words that the next `n` bits from bit `at` take as a term; `None` when they cannot be had by [`part`].
#[inline(always)]
fn part_words(at: u64, n: u64) -> Option<usize> {
    if !n.is_multiple_of(8) || n > HEAP_BIN_LIMIT as u64 * 8 {
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
unsafe fn part(ctx: *mut u64, p: *mut u64, at: u64, n: u64) -> Term {
    // SAFETY: FRESH, by the caller's promise; what is read is LIVE.
    unsafe {
        if n.is_multiple_of(8) && n <= HEAP_BIN_LIMIT as u64 * 8 {
            let words = n.div_ceil(64) as usize;
            *p = Kind::HeapBin.header(1 + words);
            *p.add(1) = n / 8;
            if words > 0 {
                // What the bytes do not fill of the last word is zero.
                *p.add(1 + words) = 0;
            }
            std::ptr::copy_nonoverlapping(byte_at(ctx, at), p.add(2).cast(), n as usize / 8);
        } else {
            *p = Kind::SubBits.header(3);
            *p.add(1) = n;
            *p.add(2) = at;
            *p.add(3) = *ctx.add(3);
        }
        Term::from_boxed(p)
    }
}

handlers! {
    fn get_map_element<A: Mode>(s) {
        operands!(s, GetMapElement { fail, src, key, dst });
        match map::get(s.get::<A>(src), s.any(key)) {
            Some(v) => {
                s.set_x(dst as usize, v);
                s.next()
            }
            None => s.jump(fail),
        }
    }

    fn get_map_elements(s) {
        operands!(s, GetMapElements(g));
        let m = s.any(g.src);
        for &(key, dst) in &g.pairs {
            match (map::get(m, s.any(key)), dst) {
                (Some(v), Some(dst)) => s.set_any(dst, v),
                (Some(_), None) => {}
                (None, _) => return s.jump(g.fail),
            }
        }
        s.next()
    }

    fn put_map(s) {
        s.by(put)
    }

    fn start_match<A: Mode, D: Place>(s) {
        operands!(s, BsStartMatch { src, dst });
        let t = s.get::<A>(src);
        if !t.is_boxed() {
            return s.slow();
        }
        let p = t.pointer();
        let (start, size, whole) = match Kind::of_header(*p) {
            Kind::MatchCtx => {
                s.set::<D>(dst, t);
                return s.next();
            }
            Kind::HeapBin => (0, *p.add(1) * 8, t),
            Kind::RefBin => (0, *p.add(3) * 8, t),
            Kind::SubBits => (*p.add(2), *p.add(1), Term(*p.add(3))),
            _ => return s.slow(),
        };
        if !s.has_room(5) {
            return s.slow();
        }
        let c = s.take(5);
        *c = Kind::MatchCtx.header(4);
        *c.add(1) = start + size;
        *c.add(2) = start;
        *c.add(3) = start;
        *c.add(4) = whole.0;
        s.set::<D>(dst, Term::from_boxed(c));
        s.next()
    }

    fn get_byte<A: Mode, D: Place>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < 8 {
            return s.jump(g.fail);
        }
        let p = byte_at(c, at);
        let v = match at % 8 {
            0 => *p as u64,
            shift => (u16::from_be_bytes([*p, *p.add(1)]) << shift >> 8) as u64,
        };
        *c.add(1) = at + 8;
        s.set::<D>(g.dst, Term(v << 4));
        s.next()
    }

    /// Up to 56 bits, most significant first.
    fn get_unsigned<A: Mode>(s) {
        operands!(s, BsGetInteger(g));
        let c = s.context::<A>(g.ctx);
        let (at, n) = (*c.add(1), g.bits as u64);
        if *c - at < n {
            return s.jump(g.fail);
        }
        let p = byte_at(c, at);
        let word = if (*c).div_ceil(8) - at / 8 >= 8 {
            u64::from_be(p.cast::<u64>().read_unaligned())
        } else {
            let mut w = 0;
            for i in 0..(at % 8 + n).div_ceil(8) {
                w |= (*p.add(i as usize) as u64) << (56 - 8 * i);
            }
            w
        };
        *c.add(1) = at + n;
        s.set_any(g.dst, Term((word << (at % 8) >> (64 - n)) << 4));
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
        let whole_bytes = at % 8 == 0 && n % 8 == 0;
        if at % 8 + n > 64 || (g.little && !whole_bytes) {
            return s.by(any_integer);
        }
        let p = byte_at(c, at);
        let mut word = 0;
        for i in 0..(at % 8 + n).div_ceil(8) {
            word |= (*p.add(i as usize) as u64) << (56 - 8 * i);
        }
        let mut v = word << (at % 8) >> (64 - n);
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
    fn skip_units<A: Mode>(s) {
        operands!(s, BsSkip(g));
        let Some(n) = field_bits(s.any(g.size.unwrap_unchecked()), g.unit) else { return s.slow() };
        let c = s.context::<A>(g.ctx);
        let at = *c.add(1);
        if *c - at < n {
            return s.jump(g.fail);
        }
        *c.add(1) = at + n;
        s.next()
    }

    fn get_part<A: Mode>(s) {
        operands!(s, BsGetBinary(g));
        let Some(n) = field_bits(s.any(g.size.unwrap_unchecked()), g.unit) else { return s.by(binary) };
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
        let b = *byte_at(c, at);
        if !at.is_multiple_of(8) || b >= 0x80 {
            return s.slow();
        }
        *c.add(1) = at + 8;
        s.set_any(dst, Term::small(b as i64));
        s.next()
    }

    fn get_position<A: Mode>(s) {
        operands!(s, BsGetPosition { ctx, dst });
        s.set_any(dst, Term(*s.context::<A>(ctx).add(1) << 4));
        s.next()
    }

    fn set_position<A: Mode>(s) {
        operands!(s, BsSetPosition { ctx, position });
        *s.context::<A>(ctx).add(1) = s.any(position).0 >> 4;
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

    fn create(s) {
        s.by(construct)
    }

    /// Integers put behind a binary.
    fn append_packed(s) {
        operands!(s, BsCreateBin(c));
        let Some(p) = &c.packed else { return s.slow() };
        let (Some((to, unit)), Some(value)) = (p.to, packed(&s, p)) else { return s.by(construct) };
        if !s.has_room(APPENDED_WORDS) {
            return s.by(construct);
        }
        let Some(t) = append_word(s.top, s.any(to), unit, value, p.bits) else { return s.by(construct) };
        s.take(APPENDED_WORDS);
        s.set_any(c.dst, t);
        s.next()
    }

    /// A binary of integers.
    fn create_packed(s) {
        operands!(s, BsCreateBin(c));
        let Some(p) = &c.packed else { return s.slow() };
        let Some(value) = packed(&s, p).filter(|_| s.has_room(3)) else { return s.by(construct) };
        let b = s.take(3);
        *b = Kind::HeapBin.header(2);
        *b.add(1) = p.bits as u64 / 8;
        *b.add(2) = (value << (64 - p.bits)).to_be();
        s.set_any(c.dst, Term::from_boxed(b));
        s.next()
    }
}

parts! {
    fn put(run, pc, PutMap(p)) { run.put_map(pc, p) }
    fn any_integer(run, pc, BsGetInteger(g)) { run.bs_get_integer(pc, g) }
    fn binary(run, pc, BsGetBinary(g)) { run.bs_get_binary(pc, g) }
    fn tail(run, pc, BsGetTail { ctx, dst, live }) {
        run.bs_get_tail(ctx, dst, live as usize);
        crate::interp::Next::At(pc.wrapping_add(1))
    }
    fn construct(run, pc, BsCreateBin(c)) { run.bs_create_bin(pc, c) }
}
