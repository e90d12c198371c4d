//! Arithmetic on float registers.

use super::{Mode, Place, State, handlers, operands};
use crate::code::instr::FloatOp;
use purlin_term::Term;
use purlin_term::boxed::Kind;

/// An operation that is known when the handler is chosen.
pub(super) trait Operation {
    const OP: FloatOp;
}

macro_rules! operations {
    ($($name:ident),*) => {$(
        pub(in crate::tier::handlers) struct $name;
        impl Operation for $name {
            const OP: FloatOp = FloatOp::$name;
        }
    )*};
}

pub(super) mod ops {
    use super::{FloatOp, Operation};
    operations!(Add, Sub, Mul, Div);
}

impl State {
    #[inline(always)]
    unsafe fn f(&self, i: usize) -> *mut f64 {
        // SAFETY: CODE: the translator gives registers below 1024 only.
        unsafe { (&raw mut (*self.m).f).cast::<f64>().add(i) }
    }
}

/// The value of a boxed float.
#[inline(always)]
unsafe fn boxed_float(t: Term) -> Option<f64> {
    // SAFETY: LIVE: a boxed term points to a header, a float's bits follow it.
    unsafe {
        let p = t.pointer();
        (t.is_boxed() && *p == Kind::Float.header(1)).then(|| f64::from_bits(*p.add(1)))
    }
}

handlers! {
    fn move_in<A: Mode>(s) {
        operands!(s, FMoveIn { src, f });
        if let Some(v) = boxed_float(s.get::<A>(src)) {
            *s.f(f as usize) = v;
        }
        s.next()
    }

    fn move_out<D: Place>(s) {
        operands!(s, FMoveOut { f, dst });
        if !s.has_room(2) {
            return s.slow();
        }
        let p = s.take(2);
        *p = Kind::Float.header(1);
        *p.add(1) = (*s.f(f as usize)).to_bits();
        s.set::<D>(dst, Term::from_boxed(p));
        s.next()
    }

    fn convert<A: Mode>(s) {
        operands!(s, FConv { src, f });
        let t = s.get::<A>(src);
        let v = match boxed_float(t) {
            Some(v) => v,
            None if t.is_small() => t.small_value() as f64,
            None => return s.slow(),
        };
        *s.f(f as usize) = v;
        s.next()
    }

    fn arith<O: Operation>(s) {
        operands!(s, FArith { a, b, dst });
        let (x, y) = (*s.f(a as usize), *s.f(b as usize));
        let v = match O::OP {
            FloatOp::Add => x + y,
            FloatOp::Sub => x - y,
            FloatOp::Mul => x * y,
            FloatOp::Div => x / y,
        };
        if !v.is_finite() {
            return s.slow();
        }
        *s.f(dst as usize) = v;
        s.next()
    }

    fn negate(s) {
        operands!(s, FNegate { src, dst });
        *s.f(dst as usize) = -*s.f(src as usize);
        s.next()
    }
}
