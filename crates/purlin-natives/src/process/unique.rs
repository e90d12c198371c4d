//! `make_ref/0`, `unique_integer/0,1`, `self/0`.

use purlin_term::{Term, am, word::SMALL_MIN};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "make_ref", 0, make_ref),
    Native::plain("erlang", "unique_integer", 0, unique_integer_0),
    Native::plain("erlang", "unique_integer", 1, unique_integer_1),
    Native::guard("erlang", "self", 0, self_0),
];

fn make_ref(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(ctx.make_ref())
}

fn self_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(ctx.pid())
}

fn unique_integer_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let n = ctx.engine.next_unique();
    Ok(ctx.heap().integer(SMALL_MIN.wrapping_add(n as i64)))
}

fn unique_integer_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut positive, mut monotonic) = (false, false);
    for option in args[0].as_list().or_badarg()? {
        if option == am!("positive") {
            positive = true;
        } else if option == am!("monotonic") {
            monotonic = true;
        } else {
            return Err(Escape::BADARG);
        }
    }
    let n = if monotonic { ctx.engine.next_monotonic_unique() } else { ctx.engine.next_unique() };
    let start = if positive { 1 } else { SMALL_MIN };
    Ok(ctx.heap().integer(start.wrapping_add(n as i64)))
}
