//! Arithmetic as functions, and rounding.

use purlin_term::number::{self, ArithError};
use purlin_term::{Heap, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "+", 2, |ctx, args| binary(ctx, args, number::add)),
    Native::guard("erlang", "-", 2, |ctx, args| binary(ctx, args, number::sub)),
    Native::guard("erlang", "*", 2, |ctx, args| binary(ctx, args, number::mul)),
    Native::guard("erlang", "/", 2, |ctx, args| binary(ctx, args, number::divide)),
    Native::guard("erlang", "div", 2, |ctx, args| binary(ctx, args, number::div)),
    Native::guard("erlang", "rem", 2, |ctx, args| binary(ctx, args, number::rem)),
    Native::guard("erlang", "band", 2, |ctx, args| binary(ctx, args, number::band)),
    Native::guard("erlang", "bor", 2, |ctx, args| binary(ctx, args, number::bor)),
    Native::guard("erlang", "bxor", 2, |ctx, args| binary(ctx, args, number::bxor)),
    Native::guard("erlang", "bsl", 2, |ctx, args| binary(ctx, args, number::bsl)),
    Native::guard("erlang", "bsr", 2, |ctx, args| binary(ctx, args, number::bsr)),
    Native::guard("erlang", "bnot", 1, |ctx, args| number::bnot(ctx.heap(), args[0]).map_err(escape)),
    Native::guard("erlang", "-", 1, |ctx, args| number::neg(ctx.heap(), args[0]).map_err(escape)),
    Native::guard("erlang", "+", 1, |_, a| if is_number(a[0]) { Ok(a[0]) } else { Err(Escape::BADARITH) }),
    Native::guard("erlang", "abs", 1, |ctx, args| number::abs(ctx.heap(), args[0]).ok().or_badarg()),
    Native::guard("erlang", "trunc", 1, |ctx, args| number::trunc(ctx.heap(), args[0]).or_badarg()),
    Native::guard("erlang", "round", 1, |ctx, args| number::round(ctx.heap(), args[0]).or_badarg()),
    Native::guard("erlang", "ceil", 1, |ctx, args| number::ceil(ctx.heap(), args[0]).or_badarg()),
    Native::guard("erlang", "floor", 1, |ctx, args| number::floor(ctx.heap(), args[0]).or_badarg()),
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
