//! Arithmetic as functions, and rounding.

use purlin_term::number::{self, ArithError};
use purlin_term::{Heap, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "+", 2, |c, a| binary(c, a, number::add)),
    Native::guard("erlang", "-", 2, |c, a| binary(c, a, number::sub)),
    Native::guard("erlang", "*", 2, |c, a| binary(c, a, number::mul)),
    Native::guard("erlang", "/", 2, |c, a| binary(c, a, number::divide)),
    Native::guard("erlang", "div", 2, |c, a| binary(c, a, number::div)),
    Native::guard("erlang", "rem", 2, |c, a| binary(c, a, number::rem)),
    Native::guard("erlang", "band", 2, |c, a| binary(c, a, number::band)),
    Native::guard("erlang", "bor", 2, |c, a| binary(c, a, number::bor)),
    Native::guard("erlang", "bxor", 2, |c, a| binary(c, a, number::bxor)),
    Native::guard("erlang", "bsl", 2, |c, a| binary(c, a, number::bsl)),
    Native::guard("erlang", "bsr", 2, |c, a| binary(c, a, number::bsr)),
    Native::guard("erlang", "bnot", 1, |c, a| number::bnot(c.heap(), a[0]).map_err(escape)),
    Native::guard("erlang", "-", 1, |c, a| number::neg(c.heap(), a[0]).map_err(escape)),
    Native::guard("erlang", "+", 1, |_, a| if is_number(a[0]) { Ok(a[0]) } else { Err(Escape::BADARITH) }),
    Native::guard("erlang", "abs", 1, |c, a| number::abs(c.heap(), a[0]).ok().or_badarg()),
    Native::guard("erlang", "trunc", 1, |c, a| number::trunc(c.heap(), a[0]).or_badarg()),
    Native::guard("erlang", "round", 1, |c, a| number::round(c.heap(), a[0]).or_badarg()),
    Native::guard("erlang", "ceil", 1, |c, a| number::ceil(c.heap(), a[0]).or_badarg()),
    Native::guard("erlang", "floor", 1, |c, a| number::floor(c.heap(), a[0]).or_badarg()),
    Native::guard("erlang", "float", 1, float),
];

/// The error that a calculation without a result raises.
pub(super) fn escape(e: ArithError) -> Escape {
    match e {
        ArithError::Badarith => Escape::BADARITH,
        ArithError::SystemLimit => Escape::SYSTEM_LIMIT,
    }
}

fn is_number(t: Term) -> bool {
    t.is_integer() || t.as_float().is_some()
}

fn binary(ctx: &mut Ctx<'_>, args: &[Term], operator: fn(&mut Heap, Term, Term) -> number::Result) -> NativeResult {
    operator(ctx.heap(), args[0], args[1]).map_err(escape)
}

fn float(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].as_float().is_some() {
        return Ok(args[0]);
    }
    let f = number::to_float(args[0]).or_badarg()?;
    Ok(ctx.heap().float(f))
}
