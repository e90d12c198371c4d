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

fn make_ref(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(c.make_ref())
}

fn self_0(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(c.pid())
}

fn unique_integer_0(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let n = c.engine.next_unique();
    Ok(c.heap().integer(SMALL_MIN.wrapping_add(n as i64)))
}

fn unique_integer_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (mut positive, mut monotonic) = (false, false);
    for option in a[0].as_list().or_badarg()? {
        if option == am!("positive") {
            positive = true;
        } else if option == am!("monotonic") {
            monotonic = true;
        } else {
            return Err(Escape::BADARG);
        }
    }
    let n = if monotonic { c.engine.next_monotonic_unique() } else { c.engine.next_unique() };
    let start = if positive { 1 } else { SMALL_MIN };
    Ok(c.heap().integer(start.wrapping_add(n as i64)))
}
