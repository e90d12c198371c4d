//! Matching of binaries, over [`purlin_term::bits`].

mod construct;

pub(super) use construct::Building;

use super::{Next, Run};
use crate::code::instr::*;
use purlin_term::{Atom, Term, bits};

impl Run<'_> {
    pub(super) fn bs_start_match(&mut self, pc: *const Op, fail: Rel, src: Src, dst: Dst, live: usize) -> Next {
        let t = self.get(src);
        match bits::start_match(&mut self.data.heap, t) {
            Some(ctx) => {
                self.set(dst, ctx);
                self.settle_keeping(live, dst);
                Next::At(pc.wrapping_add(1))
            }
            None if fail == NO_FAIL => self.error_here(pc, Term::atom(Atom::BADARG)),
            None => Next::At(Self::jump(pc, fail)),
        }
    }

    /// The size of a segment in bits; `None` when it is no size or too large to be there.
    fn bit_size(&self, size: Option<Src>, unit: u32) -> Option<usize> {
        let n = self.get(size?).as_usize()?;
        n.checked_mul(unit as usize)
    }

    fn matched(&mut self, pc: *const Op, g: &BsGet, found: Option<Term>) -> Next {
        match found {
            Some(t) => {
                self.set(g.dst, t);
                self.settle_keeping(g.live as usize, g.dst);
                Next::At(pc.wrapping_add(1))
            }
            None => Next::At(Self::jump(pc, g.fail)),
        }
    }

    pub(in crate::tier) fn bs_get_integer(&mut self, pc: *const Op, g: &'static BsGet) -> Next {
        let ctx = self.get(g.ctx);
        let found = self
            .bit_size(g.size, g.unit)
            .and_then(|n| bits::get_integer(&mut self.data.heap, ctx, n, g.signed, g.little));
        self.matched(pc, g, found)
    }

    pub(super) fn bs_get_float(&mut self, pc: *const Op, g: &'static BsGet) -> Next {
        let ctx = self.get(g.ctx);
        let found = self.bit_size(g.size, g.unit).and_then(|n| bits::get_float(&mut self.data.heap, ctx, n, g.little));
        self.matched(pc, g, found)
    }

    pub(in crate::tier) fn bs_get_binary(&mut self, pc: *const Op, g: &'static BsGet) -> Next {
        let ctx = self.get(g.ctx);
        let found = match g.size {
            None => bits::get_rest(&mut self.data.heap, ctx, g.unit as usize),
            Some(_) => self.bit_size(g.size, g.unit).and_then(|n| bits::get_bits(&mut self.data.heap, ctx, n)),
        };
        self.matched(pc, g, found)
    }

    pub(super) fn bs_skip(&mut self, pc: *const Op, g: &'static BsGet) -> Next {
        let ctx = self.get(g.ctx);
        let done = match g.size {
            None => bits::test_unit(ctx, g.unit as usize) && bits::skip(ctx, bits::remaining(ctx)),
            Some(_) => self.bit_size(g.size, g.unit).is_some_and(|n| bits::skip(ctx, n)),
        };
        Next::At(if done { pc.wrapping_add(1) } else { Self::jump(pc, g.fail) })
    }

    pub(super) fn bs_test_tail(&self, ctx: Src, n: usize) -> bool {
        bits::remaining(self.get(ctx)) == n
    }

    pub(super) fn bs_test_unit(&self, ctx: Src, unit: usize) -> bool {
        bits::test_unit(self.get(ctx), unit)
    }

    pub(super) fn bs_match_string(&self, m: &BsMatchString) -> bool {
        bits::match_bytes(self.get(m.ctx), m.bytes, m.bits as usize)
    }

    pub(super) fn bs_get_utf(&mut self, kind: Segment, little: bool, ctx: Src, dst: Option<Dst>) -> bool {
        let ctx = self.get(ctx);
        let c = match kind {
            Segment::Utf8 => bits::get_utf8(ctx),
            Segment::Utf16 => bits::get_utf16(ctx, little),
            _ => bits::get_utf32(ctx, little),
        };
        if let (Some(c), Some(dst)) = (c, dst) {
            self.set(dst, Term::small(c as i64));
        }
        c.is_some()
    }

    pub(in crate::tier) fn bs_get_tail(&mut self, ctx: Src, dst: Dst, live: usize) {
        let ctx = self.get(ctx);
        let t = bits::get_tail(&mut self.data.heap, ctx).unwrap_or(Term::NIL);
        self.set(dst, t);
        self.settle_keeping(live, dst);
    }

    pub(super) fn bs_get_position(&mut self, ctx: Src, dst: Dst) {
        let at = bits::position(self.get(ctx));
        self.set(dst, Term::small(at as i64));
    }

    pub(super) fn bs_set_position(&mut self, ctx: Src, position: Src) {
        if let Some(at) = self.get(position).as_usize() {
            bits::set_position(self.get(ctx), at);
        }
    }

    /// The steps of `bs_match`, in order; false when one fails.
    pub(super) fn bs_match(&mut self, m: &'static BsMatch) -> bool {
        for step in m.steps {
            let ctx = self.get(m.ctx);
            let h = &mut self.data.heap;
            let (found, dst, live) = match *step {
                MatchStep::EnsureAtLeast { bits: n, unit } => {
                    let left = bits::remaining(ctx);
                    if left < n as usize || !(left - n as usize).is_multiple_of(unit.max(1) as usize) {
                        return false;
                    }
                    continue;
                }
                MatchStep::EnsureExactly { bits: n } => {
                    if bits::remaining(ctx) != n as usize {
                        return false;
                    }
                    continue;
                }
                MatchStep::Skip { bits: n } => {
                    if !bits::skip(ctx, n as usize) {
                        return false;
                    }
                    continue;
                }
                MatchStep::Equal { bits: n, value } => {
                    if bits::raw_bits(ctx, n as usize) != Some(value) {
                        return false;
                    }
                    continue;
                }
                MatchStep::Integer { live, signed, little, bits: n, dst } => {
                    (bits::get_integer(h, ctx, n as usize, signed, little), dst, live)
                }
                MatchStep::Binary { live, bits: n, dst } => (bits::get_bits(h, ctx, n as usize), dst, live),
                MatchStep::Tail { live, dst } => (bits::get_tail(h, ctx), dst, live),
            };
            let Some(t) = found else { return false };
            self.set(dst, t);
            self.settle_keeping(live as usize, dst);
        }
        true
    }
}
