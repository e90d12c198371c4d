//! The order of numbers, without rounding anywhere.

use crate::release::Release;
use crate::word::Term;
use std::cmp::Ordering;

/// Compares two numbers; in the exact order every integer comes before every float.
pub(super) fn cmp(a: Term, b: Term, exact: bool) -> Ordering {
    match (a.as_float(), b.as_float()) {
        (Some(a), Some(b)) if exact => exact_floats(a, b),
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Greater),
        (None, None) => integers(a, b),
        (None, Some(_)) if exact => Ordering::Less,
        (Some(_), None) if exact => Ordering::Greater,
        (None, Some(f)) => integer_and_float(a, f),
        (Some(f), None) => integer_and_float(b, f).reverse(),
    }
}

/// The exact order of floats, of which no two are the same.
fn exact_floats(a: f64, b: f64) -> Ordering {
    if Release::has_signed_zero() { a.total_cmp(&b) } else { a.partial_cmp(&b).unwrap_or(Ordering::Greater) }
}

/// Whether two floats are `=:=`.
pub(super) fn same_floats(a: Option<f64>, b: Option<f64>) -> bool {
    a == b && (!Release::has_signed_zero() || a.map(f64::to_bits) == b.map(f64::to_bits))
}

fn integers(a: Term, b: Term) -> Ordering {
    match (a.as_big(), b.as_big()) {
        (None, None) => a.small_value().cmp(&b.small_value()),
        (None, Some((negative, _))) => {
            if negative {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (Some((negative, _)), None) => {
            if negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (Some((false, _)), Some((true, _))) => Ordering::Greater,
        (Some((true, _)), Some((false, _))) => Ordering::Less,
        (Some((false, a)), Some((false, b))) => digits(a, b),
        (Some((true, a)), Some((true, b))) => digits(b, a),
    }
}

/// Two absolute values, least significant digit first, without leading zeros.
fn digits(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn integer_and_float(i: Term, f: f64) -> Ordering {
    match i.as_big() {
        None => small_and_float(i.small_value(), f),
        Some((negative, _)) if negative != (f < 0.0) => {
            if negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        Some((negative, a)) => {
            let order = digits_and_float(a, f.abs());
            if negative { order.reverse() } else { order }
        }
    }
}

fn small_and_float(i: i64, f: f64) -> Ordering {
    const LIMIT: f64 = (1i64 << 62) as f64;
    if f >= LIMIT {
        Ordering::Less
    } else if f <= -LIMIT {
        Ordering::Greater
    } else {
        // The integral part fits, and what is behind the point decides between equal integers.
        let whole = f.trunc();
        i.cmp(&(whole as i64)).then_with(|| 0.0f64.partial_cmp(&(f - whole)).unwrap_or(Ordering::Less))
    }
}

/// A big integer's absolute value (above 2^59 - 1) and a float that is not negative.
fn digits_and_float(a: &[u64], f: f64) -> Ordering {
    let bits = f.to_bits();
    let (exponent, fraction) = ((bits >> 52) as usize & 0x7FF, bits & ((1 << 52) - 1));
    // Below 2^53 (or a denormal) the float is smaller than any big integer.
    let Some(shift) = exponent.checked_sub(1075) else { return Ordering::Greater };
    let mantissa = (fraction | 1 << 52) as u128;
    let mut value = [0u64; 17];
    let (word, bit) = (shift / 64, shift % 64);
    let spread = mantissa << bit;
    if word + 1 >= value.len() {
        return Ordering::Less;
    }
    value[word] = spread as u64;
    value[word + 1] = (spread >> 64) as u64;
    let len = value.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
    digits(a, &value[..len])
}
