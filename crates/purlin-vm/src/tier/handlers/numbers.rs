//! Arithmetic on small integers.
//!
//! Small integers have an all-zero tag of four bits: the raw words add, subtract and combine as they are.

use super::type_tests::both_small;
use super::{Mode, Place, handlers, operands, parts};
use crate::code::instr::{Arith, Dst, Src};
use purlin_term::Term;

/// An operation that is known when the handler is chosen.
pub(super) trait Operation {
    const OP: Arith;
}

macro_rules! operations {
    ($($name:ident),*) => {$(
        pub(in crate::tier::handlers) struct $name;
        impl Operation for $name {
            const OP: Arith = Arith::$name;
        }
    )*};
}

pub(super) mod ops {
    use super::{Arith, Operation};
    operations!(Add, Sub, Mul, IntDiv, Rem, Band, Bor, Bxor, Bsl, Bsr, Div);
}

/// The result, when both values and it are small integers.
#[inline(always)]
fn small_result(op: Arith, x: Term, y: Term) -> Option<Term> {
    if !both_small(x, y) {
        return None;
    }
    let (a, b) = (x.raw() as i64, y.raw() as i64);
    let raw = match op {
        Arith::Add => a.checked_add(b)?,
        Arith::Sub => a.checked_sub(b)?,
        Arith::Mul => a.checked_mul(b >> 4)?,
        // The quotient of raw words is that of the values; only the least by minus one is too large.
        Arith::IntDiv => a.checked_div(b).map(|q| q << 4).filter(|_| b != -16)?,
        Arith::Rem => a.checked_rem(b)?,
        Arith::Band => a & b,
        Arith::Bor => a | b,
        Arith::Bxor => a ^ b,
        Arith::Bsl => {
            let n = b >> 4;
            if !(0..60).contains(&n) {
                return None;
            }
            let r = a << n;
            if r >> n != a {
                return None;
            }
            r
        }
        Arith::Bsr => {
            let n = b >> 4;
            if n < 0 {
                return None;
            }
            (a >> n.min(63)) & !15
        }
        Arith::Div => return None,
    };
    // SAFETY: LIVE: the bits of a small integer point nowhere.
    Some(unsafe { Term::from_raw(raw as u64) })
}

/// The result where the values and it are known to be small integers.
#[inline(always)]
fn surely_small(op: Arith, x: Term, y: Term) -> Term {
    let (a, b) = (x.raw(), y.raw());
    let word = match op {
        Arith::Add => a.wrapping_add(b),
        Arith::Sub => a.wrapping_sub(b),
        Arith::Mul => a.wrapping_mul((b as i64 >> 4) as u64),
        Arith::Band => a & b,
        Arith::Bor => a | b,
        _ => a ^ b,
    };
    // SAFETY: LIVE: the bits of a small integer point nowhere.
    unsafe { Term::from_raw(word) }
}

handlers! {
    /// Arithmetic of [`surely_small`].
    fn arith_small<O: Operation, A: Mode, B: Mode, D: Place>(s) {
        operands!(s, Arith { a, b, dst });
        s.set::<D>(Dst(dst as u32), surely_small(O::OP, s.get::<A>(a), s.get::<B>(b)));
        s.next()
    }

    fn arith<O: Operation, A: Mode, B: Mode, D: Place>(s) {
        operands!(s, Arith { a, b, dst });
        match small_result(O::OP, s.get::<A>(a), s.get::<B>(b)) {
            Some(t) => {
                s.set::<D>(Dst(dst as u32), t);
                s.next()
            }
            None => s.by(slow_arith),
        }
    }

    fn guard_arith<O: Operation, A: Mode, B: Mode, D: Place>(s) {
        operands!(s, GuardArith { a, dst, b });
        match small_result(O::OP, s.get::<A>(Src(a as u32)), s.get::<B>(b)) {
            Some(t) => {
                s.set::<D>(Dst(dst as u32), t);
                s.next()
            }
            None => s.by(slow_guard_arith),
        }
    }
}

parts! {
    fn slow_arith(run, pc) { run.arith(pc) }
    fn slow_guard_arith(run, pc) { run.guard_arith(pc) }
}
