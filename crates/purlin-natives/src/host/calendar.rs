//! Dates and times of day, in UTC and in the local time zone.

#![expect(unsafe_code, reason = "it calls the C library")]

use purlin_term::{Heap, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "localtime", 0, localtime),
    Native::plain("erlang", "universaltime", 0, universaltime),
    Native::plain("erlang", "date", 0, date),
    Native::plain("erlang", "time", 0, time),
    Native::plain("erlang", "universaltime_to_localtime", 1, universal_to_local),
    Native::plain("erlang", "localtime_to_universaltime", 2, local_to_universal),
    Native::plain("erlang", "posixtime_to_universaltime", 1, posix_to_universal),
    Native::plain("erlang", "universaltime_to_posixtime", 1, universal_to_posix),
];

/// Year, month, day, hour, minute, second.
type Parts = [i64; 6];

/// The first year that the emulator converts between UTC and local time.
const FIRST_LOCAL_YEAR: i64 = 1902;
/// The first year that it counts the seconds of.
const FIRST_YEAR: i64 = 1600;

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn parts_of(posix: i64) -> Parts {
    let (day, second) = (posix.div_euclid(86_400), posix.rem_euclid(86_400));
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year + era * 400 + (month <= 2) as i64;
    [year, month, of_year - (153 * m + 2) / 5 + 1, second / 3600, second / 60 % 60, second % 60]
}

fn posix_of(p: Parts) -> i64 {
    days(p[0], p[1], p[2]) * 86_400 + p[3] * 3600 + p[4] * 60 + p[5]
}

fn now(ctx: &Ctx<'_>) -> i64 {
    ctx.engine.clock.system().div_euclid(1_000_000_000)
}

fn local(posix: i64) -> Parts {
    // SAFETY: plain data; all zeros is a value of it.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types.
    let done = unsafe { libc::localtime_r(&posix, &mut tm) };
    if done.is_null() {
        return parts_of(posix);
    }
    [tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec].map(i64::from)
}

fn triple(heap: &mut Heap, p: &[i64]) -> Term {
    let e: Vec<Term> = p.iter().map(|&n| Term::small(n)).collect();
    heap.tuple(&e)
}

fn date_time(heap: &mut Heap, p: Parts) -> Term {
    let (d, t) = (triple(heap, &p[..3]), triple(heap, &p[3..]));
    heap.tuple(&[d, t])
}

fn read(t: Term) -> Option<Parts> {
    let [d, t] = t.as_tuple()? else { return None };
    let (d, t) = (d.as_tuple()?, t.as_tuple()?);
    if d.len() != 3 || t.len() != 3 {
        return None;
    }
    let mut p = [0; 6];
    for (slot, e) in p.iter_mut().zip(d.iter().chain(t)) {
        *slot = e.as_small()?;
    }
    let leap = p[0] % 4 == 0 && (p[0] % 100 != 0 || p[0] % 400 == 0);
    let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let ok = (0..=1 << 30).contains(&p[0])
        && (1..=12).contains(&p[1])
        && (1..=length[(p[1] - 1) as usize]).contains(&p[2])
        && (0..24).contains(&p[3])
        && (0..60).contains(&p[4])
        && (0..60).contains(&p[5]);
    ok.then_some(p)
}

fn localtime(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let p = local(now(ctx));
    Ok(date_time(ctx.heap(), p))
}

fn universaltime(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let p = parts_of(now(ctx));
    Ok(date_time(ctx.heap(), p))
}

fn date(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let p = local(now(ctx));
    Ok(triple(ctx.heap(), &p[..3]))
}

fn time(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let p = local(now(ctx));
    Ok(triple(ctx.heap(), &p[3..]))
}

fn universal_to_local(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let p = read(args[0]).filter(|p| p[0] >= FIRST_LOCAL_YEAR).or_badarg()?;
    Ok(date_time(ctx.heap(), local(posix_of(p))))
}

/// The second argument says whether it is summer time: `true`, `false` or `undefined`.
fn local_to_universal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let p = read(args[0]).filter(|p| p[0] >= FIRST_LOCAL_YEAR).or_badarg()?;
    let summer = match args[1].as_bool() {
        Some(b) => b as i32,
        None if args[1].is(purlin_term::Atom::UNDEFINED) => -1,
        None => return Err(Escape::BADARG),
    };
    // SAFETY: plain data; all zeros is a value of it.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_year = (p[0] - 1900) as i32;
    tm.tm_mon = (p[1] - 1) as i32;
    [tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec] = [p[2], p[3], p[4], p[5]].map(|n| n as i32);
    tm.tm_isdst = summer;
    // SAFETY: a live value of the right type.
    let posix = unsafe { libc::mktime(&mut tm) };
    Ok(date_time(ctx.heap(), parts_of(posix)))
}

fn posix_to_universal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let posix = args[0].as_i64().or_badarg()?;
    Ok(date_time(ctx.heap(), parts_of(posix)))
}

fn universal_to_posix(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let p = read(args[0]).filter(|p| p[0] >= FIRST_YEAR).or_badarg()?;
    Ok(ctx.heap().integer(posix_of(p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_seconds_convert_both_ways() {
        for (posix, parts) in [
            (0, [1970, 1, 1, 0, 0, 0]),
            (951_782_400, [2000, 2, 29, 0, 0, 0]),
            (-1, [1969, 12, 31, 23, 59, 59]),
            (1_700_000_000, [2023, 11, 14, 22, 13, 20]),
        ] {
            assert_eq!(parts_of(posix), parts);
            assert_eq!(posix_of(parts), posix);
        }
    }
}
