//! Maps and the matching of binaries.
//!
//! A match context is a header and `bit end, bit position, bit start, whole`; the instructions that read through one
//! come only where the compiler knows that they have one.

use super::{Handler, Mode, Place, State, X, Y, handlers, operands, parts};
use crate::code::instr::{BsGet, Instr, Segment};
use purlin_term::boxed::Kind;
use purlin_term::{Term, map};

/// The handler of an instruction of this family.
pub(super) fn handler(i: &Instr) -> Option<Handler> {
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
        Instr::BsGetBinary(_) => get_binary,
        Instr::BsSkip(g) if g.bits > 0 => places!(skip, g.ctx),
        Instr::BsTestTail { ctx, .. } => places!(test_tail, ctx),
        Instr::BsTestUnit { ctx, unit, .. } if unit.is_power_of_two() => places!(test_unit, ctx),
        Instr::BsMatchString(m) => places!(match_string, m.ctx),
        Instr::BsGetUtf { kind: Segment::Utf8, ctx, .. } => places!(get_utf8, ctx),
        Instr::BsGetPosition { ctx, .. } => places!(get_position, ctx),
        Instr::BsSetPosition { ctx, .. } => places!(set_position, ctx),
        Instr::BsGetTail { .. } => get_tail,
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
