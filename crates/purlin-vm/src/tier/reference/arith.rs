//! Arithmetic, guard natives, floats.

use super::{Next, Run};
use crate::code::instr::{Arith, Dst, FloatOp, GuardCall, Instr, NO_FAIL, Op, Src, UNKNOWN_LIVE};
use crate::process::escape::Escape;
use purlin_term::number::{self, ArithError};
use purlin_term::{Atom, Term};

impl Run<'_> {
    pub(super) fn compute(&mut self, op: Arith, x: Term, y: Term) -> Result<Term, ArithError> {
        let h = &mut self.data.heap;
        match op {
            Arith::Add => number::add(h, x, y),
            Arith::Sub => number::sub(h, x, y),
            Arith::Mul => number::mul(h, x, y),
            Arith::IntDiv => number::div(h, x, y),
            Arith::Rem => number::rem(h, x, y),
            Arith::Band => number::band(h, x, y),
            Arith::Bor => number::bor(h, x, y),
            Arith::Bxor => number::bxor(h, x, y),
            Arith::Bsl => number::bsl(h, x, y),
            Arith::Bsr => number::bsr(h, x, y),
            Arith::Div => number::divide(h, x, y),
        }
    }

    /// Arithmetic in a function's body.
    pub(in crate::tier) fn arith(&mut self, pc: *const Op) -> Next {
        // SAFETY: CODE: `pc` is at an instruction.
        let Instr::Arith { op, plain, live, dst, a, b, .. } = (unsafe { (*pc).instr }) else {
            return Next::At(pc.wrapping_add(1));
        };
        let (x, y) = (self.get(a), self.get(b));
        let reason = match self.compute(op, x, y) {
            Ok(t) => {
                let dst = Dst(dst as u32);
                self.set(dst, t);
                self.settle_keeping(live as usize, dst);
                return Next::At(pc.wrapping_add(1));
            }
            Err(ArithError::Badarith) => Term::atom(Atom::BADARITH),
            Err(ArithError::SystemLimit) => Term::atom(Atom::SYSTEM_LIMIT),
        };
        if plain {
            return self.error_here(pc, reason);
        }
        match self.engine.code.exports.native(op.mfa()) {
            Some(n) => self.native_error(Some(pc), n, &[x, y], reason, Term::NONE),
            None => self.error_here(pc, reason),
        }
    }

    /// Arithmetic whose failure jumps.
    pub(in crate::tier) fn guard_arith(&mut self, pc: *const Op) -> Next {
        // SAFETY: CODE: `pc` is at an instruction.
        let Instr::GuardArith { op, a, dst, live, fail, b } = (unsafe { (*pc).instr }) else {
            return Next::At(pc.wrapping_add(1));
        };
        let (x, y) = (self.get(Src(a as u32)), self.get(b));
        match self.compute(op, x, y) {
            Ok(t) => {
                let dst = Dst(dst as u32);
                self.set(dst, t);
                self.settle_keeping(live as usize, dst);
                Next::At(pc.wrapping_add(1))
            }
            Err(_) => Next::At(Self::jump(pc, fail)),
        }
    }

    pub(in crate::tier) fn guard(&mut self, pc: *const Op, g: &'static GuardCall) -> Next {
        let mut args = [Term::NIL; 3];
        for (slot, &s) in args.iter_mut().zip(g.args) {
            *slot = self.get(s);
        }
        let args = &args[..g.args.len()];
        match self.native(g.native, args) {
            Ok(t) => {
                self.set(g.dst, t);
                self.settle_keeping(g.live as usize, g.dst);
                Next::At(pc.wrapping_add(1))
            }
            Err(_) if g.fail != NO_FAIL => Next::At(Self::jump(pc, g.fail)),
            Err(Escape::Error(reason)) => self.native_error(Some(pc), g.native, args, reason, Term::NONE),
            Err(Escape::ErrorCause(reason, cause)) => self.native_error(Some(pc), g.native, args, reason, cause),
            Err(_) => self.native_error(Some(pc), g.native, args, Term::atom(Atom::BADARG), Term::NONE),
        }
    }

    /// As `settle` for an instruction whose result went to `dst`, with `live` X registers besides.
    #[inline(always)]
    pub(super) fn settle_keeping(&mut self, live: usize, dst: Dst) {
        if live < UNKNOWN_LIVE as usize && (self.data.heap.wants_collection() || self.is_forced()) {
            self.collect_keeping(live, dst);
        }
    }

    #[cold]
    fn collect_keeping(&mut self, live: usize, dst: Dst) {
        // The registers between `live` and `dst` may hold anything: the result goes by another way.
        let result = self.get(dst.as_src());
        self.data.roots.push(result);
        self.collect(0, live);
        if let Some(t) = self.data.roots.pop() {
            self.set(dst, t);
        }
    }

    // ---- floats

    pub(super) fn float_in(&mut self, src: Src, f: usize) {
        if let Some(v) = self.get(src).as_float() {
            self.m.f[f] = v;
        }
    }

    pub(super) fn float_out(&mut self, f: usize, dst: Dst) {
        let v = self.m.f[f];
        let t = self.data.heap.float(v);
        self.set(dst, t);
    }

    /// `fconv`: any number as a float.
    pub(super) fn float_conv(&mut self, pc: *const Op, src: Src, f: usize) -> Next {
        match number::to_float(self.get(src)) {
            Some(v) => {
                self.m.f[f] = v;
                Next::At(pc.wrapping_add(1))
            }
            None => self.error_here(pc, Term::atom(Atom::BADARITH)),
        }
    }

    #[inline(always)]
    pub(super) fn float_arith(&mut self, pc: *const Op, op: FloatOp, a: usize, b: usize, dst: usize) -> Next {
        let (x, y) = (self.m.f[a], self.m.f[b]);
        let v = match op {
            FloatOp::Add => x + y,
            FloatOp::Sub => x - y,
            FloatOp::Mul => x * y,
            FloatOp::Div => x / y,
        };
        if !v.is_finite() {
            return self.error_here(pc, Term::atom(Atom::BADARITH));
        }
        self.m.f[dst] = v;
        Next::At(pc.wrapping_add(1))
    }
}
