//! Time from the engine's clock: `monotonic_time`, `system_time`, `time_offset`, `timestamp`, `now`.

use num_traits::ToPrimitive;
use purlin_term::{Heap, Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "monotonic_time", 0, monotonic_time_0),
    Native::plain("erlang", "monotonic_time", 1, monotonic_time_1),
    Native::plain("erlang", "system_time", 0, system_time_0),
    Native::plain("erlang", "system_time", 1, system_time_1),
    Native::plain("erlang", "time_offset", 0, time_offset_0),
    Native::plain("erlang", "time_offset", 1, time_offset_1),
    Native::plain("erlang", "timestamp", 0, timestamp),
    Native::plain("erlang", "now", 0, now),
    Native::plain("erts_internal", "time_unit", 0, time_unit),
    Native::plain("erts_internal", "perf_counter_unit", 0, time_unit),
    Native::plain("os", "system_time", 0, system_time_0),
    Native::plain("os", "system_time", 1, system_time_1),
    Native::plain("os", "timestamp", 0, timestamp),
    Native::plain("os", "perf_counter", 0, perf_counter),
];

const NANO: i64 = 1_000_000_000;

/// Parts per second of a time unit.
fn unit(t: Term) -> Result<i64, Escape> {
    let parts = if t == am!("native") || t == am!("nanosecond") || t == am!("perf_counter") || t == am!("nano_seconds")
    {
        NANO
    } else if t == am!("microsecond") || t == am!("micro_seconds") {
        1_000_000
    } else if t == am!("millisecond") || t == am!("milli_seconds") {
        1_000
    } else if t == am!("second") || t == am!("seconds") {
        1
    } else {
        t.as_i64().filter(|&n| n > 0).ok_or(Escape::BADARG)?
    };
    Ok(parts)
}

/// Nanoseconds in another unit, rounded down.
fn in_unit(ctx: &mut Ctx<'_>, nanoseconds: i64, unit_term: Term) -> NativeResult {
    let parts = unit(unit_term)?;
    let value = (nanoseconds as i128 * parts as i128).div_euclid(NANO as i128);
    Ok(match i64::try_from(value) {
        Ok(v) => ctx.heap().integer(v),
        Err(_) => wide(ctx.heap(), value),
    })
}

fn wide(heap: &mut Heap, value: i128) -> Term {
    let (low, high) = (value.unsigned_abs() as u64, (value.unsigned_abs() >> 64).to_u64().unwrap_or(0));
    let digits = if high == 0 { vec![low] } else { vec![low, high] };
    heap.big(value < 0, &digits)
}

/// `time_offset/0` in nanoseconds.
fn offset(ctx: &Ctx<'_>) -> i64 {
    ctx.engine.time_offset()
}

fn system(ctx: &Ctx<'_>) -> i64 {
    ctx.engine.clock.now() + offset(ctx)
}

/// Nanoseconds of the operating system's own counter, which is never negative.
fn perf_counter(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Ok(ctx.heap().integer(now.tv_sec * 1_000_000_000 + now.tv_nsec))
}

fn monotonic_time_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let t = ctx.engine.clock.now();
    Ok(ctx.heap().integer(t))
}

fn monotonic_time_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = ctx.engine.clock.now();
    in_unit(ctx, t, args[0])
}

fn system_time_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let t = system(ctx);
    Ok(ctx.heap().integer(t))
}

fn system_time_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = system(ctx);
    in_unit(ctx, t, args[0])
}

fn time_offset_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let t = offset(ctx);
    Ok(ctx.heap().integer(t))
}

fn time_offset_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = offset(ctx);
    in_unit(ctx, t, args[0])
}

/// `{MegaSecs, Secs, MicroSecs}`.
fn triple(heap: &mut Heap, microseconds: i64) -> Term {
    let seconds = microseconds.div_euclid(1_000_000);
    let parts = [seconds.div_euclid(1_000_000), seconds.rem_euclid(1_000_000), microseconds.rem_euclid(1_000_000)];
    heap.tuple(&parts.map(Term::small))
}

fn timestamp(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let t = system(ctx) / 1000;
    Ok(triple(ctx.heap(), t))
}

/// As `timestamp/0`, but greater at each call.
fn now(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let t = ctx.engine.now_microseconds();
    Ok(triple(ctx.heap(), t))
}

fn time_unit(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::small(NANO))
}
