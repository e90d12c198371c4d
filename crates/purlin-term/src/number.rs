//! Arithmetic on integers of any size and floats, with the results and errors of Erlang's operators.
//!
//! Results are normalised: an integer that fits is a small one. No result is an infinite float or not a number, and
//! no integer has more digits than OTP allows.

mod bitwise;
mod digits;
mod round;
#[cfg(test)]
mod tests;
mod text;

pub use bitwise::{band, bnot, bor, bsl, bsr, bxor};
pub use round::{ceil, floor, integer_from_float, round, trunc};
pub use text::{integer_from_text, integer_to_text};

use crate::heap::Heap;
use crate::release::Release;
use crate::word::Term;
use digits::Int;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive;

/// Why a calculation has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArithError {
    /// An operand of the wrong type, a division by zero, or a float out of range.
    Badarith,
    /// An integer larger than OTP allows.
    SystemLimit,
}

use ArithError::{Badarith, SystemLimit};

/// The result of an operator.
pub type Result = std::result::Result<Term, ArithError>;

/// Most 64-bit digits of an integer.
pub fn max_digits() -> usize {
    if Release::of_values() >= Release(27) { (1 << 16) - 1 } else { (1 << 19) - 1 }
}

fn max_bits() -> u64 {
    max_digits() as u64 * 64
}

/// An integer of any size.
pub fn to_bigint(t: Term) -> Option<BigInt> {
    if let Some(i) = t.as_small() {
        return Some(BigInt::from(i));
    }
    let (negative, digits) = t.as_big()?;
    Some(BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude(digits)))
}

fn magnitude(digits: &[u64]) -> BigUint {
    BigUint::new(digits.iter().flat_map(|&d| [d as u32, (d >> 32) as u32]).collect())
}

/// A number as a float; `None` for other terms and for integers beyond a float's range.
///
/// Large integers are rounded as OTP does it, digit by digit, which may differ from the nearest float.
#[inline]
pub fn to_float(t: Term) -> Option<f64> {
    match t.as_small() {
        Some(i) => Some(i as f64),
        None => t.as_float().or_else(|| big_to_float(t)),
    }
}

fn big_to_float(t: Term) -> Option<f64> {
    const BASE: f64 = 18_446_744_073_709_551_616.0;
    let (negative, digits) = t.as_big()?;
    let f = digits.iter().rev().fold(0.0, |f, &d| f * BASE + d as f64);
    f.is_finite().then_some(if negative { -f } else { f })
}

/// An integer of at most one digit.
#[inline]
fn to_wide(t: Term) -> Option<i128> {
    if let Some(i) = t.as_small() {
        return Some(i as i128);
    }
    match t.as_big()? {
        (negative, &[d]) => Some(if negative { -(d as i128) } else { d as i128 }),
        _ => None,
    }
}

#[inline]
fn both_wide(a: Term, b: Term) -> Option<(i128, i128)> {
    Some((to_wide(a)?, to_wide(b)?))
}

fn both_big(a: Term, b: Term) -> std::result::Result<(BigInt, BigInt), ArithError> {
    Ok((to_bigint(a).ok_or(Badarith)?, to_bigint(b).ok_or(Badarith)?))
}

impl Heap {
    /// An integer, small when it fits.
    pub fn bigint(&mut self, i: &BigInt) -> Term {
        match i.to_i64() {
            Some(v) => self.integer(v),
            None => self.big(i.sign() == Sign::Minus, &i.iter_u64_digits().collect::<Vec<u64>>()),
        }
    }

    /// An integer of two digits at most.
    pub fn wide_integer(&mut self, i: i128) -> Term {
        match i64::try_from(i) {
            Ok(v) => self.integer(v),
            Err(_) => {
                let magnitude = i.unsigned_abs();
                self.integer_from_digits(i < 0, &[magnitude as u64, (magnitude >> 64) as u64])
            }
        }
    }

    fn checked_bigint(&mut self, i: &BigInt) -> Result {
        if i.bits() > max_bits() { Err(SystemLimit) } else { Ok(self.bigint(i)) }
    }

    fn checked_float(&mut self, f: f64) -> Result {
        if f.is_finite() { Ok(self.float(f)) } else { Err(Badarith) }
    }
}

/// Everything but two small integers and two floats.
#[cold]
fn general(
    heap: &mut Heap,
    a: Term,
    b: Term,
    floats: fn(f64, f64) -> f64,
    wide: fn(i128, i128) -> Option<i128>,
    big: fn(&mut Heap, &Int, &Int) -> Result,
) -> Result {
    if let Some(result) = both_wide(a, b).and_then(|(x, y)| wide(x, y)) {
        return Ok(heap.wide_integer(result));
    }
    if let (Some(x), Some(y)) = (Int::of(a), Int::of(b)) {
        return big(heap, &x, &y);
    }
    if !a.is_number() || !b.is_number() {
        return Err(Badarith);
    }
    let (x, y) = (to_float(a).ok_or(Badarith)?, to_float(b).ok_or(Badarith)?);
    heap.checked_float(floats(x, y))
}

/// The product of two integers, in the way that is fastest for their lengths.
fn product(heap: &mut Heap, a: &Int, b: &Int) -> Result {
    let (x, y) = (a.digits(), b.digits());
    if x.len() + y.len() > max_digits() + 1 {
        return Err(SystemLimit);
    }
    if x.len().min(y.len()) <= digits::SCHOOL {
        return digits::mul(heap, a, b);
    }
    let sign = if a.negative != b.negative { Sign::Minus } else { Sign::Plus };
    heap.checked_bigint(&BigInt::from_biguint(sign, magnitude(x) * magnitude(y)))
}

/// `A + B`
#[inline]
pub fn add(heap: &mut Heap, a: Term, b: Term) -> Result {
    match (a.as_small(), b.as_small()) {
        (Some(x), Some(y)) => Ok(heap.integer(x + y)),
        _ => match (a.as_float(), b.as_float()) {
            (Some(x), Some(y)) => heap.checked_float(x + y),
            _ => general(heap, a, b, |x, y| x + y, i128::checked_add, digits::add),
        },
    }
}

/// `A - B`
#[inline]
pub fn sub(heap: &mut Heap, a: Term, b: Term) -> Result {
    match (a.as_small(), b.as_small()) {
        (Some(x), Some(y)) => Ok(heap.integer(x - y)),
        _ => match (a.as_float(), b.as_float()) {
            (Some(x), Some(y)) => heap.checked_float(x - y),
            _ => general(heap, a, b, |x, y| x - y, i128::checked_sub, |h, x, y| digits::add(h, x, &y.negated())),
        },
    }
}

/// `A * B`
#[inline]
pub fn mul(heap: &mut Heap, a: Term, b: Term) -> Result {
    if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
        return Ok(match x.checked_mul(y) {
            Some(v) => heap.integer(v),
            None => heap.wide_integer(x as i128 * y as i128),
        });
    }
    match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) => heap.checked_float(x * y),
        _ => general(heap, a, b, |x, y| x * y, i128::checked_mul, product),
    }
}

/// `A / B`
pub fn divide(heap: &mut Heap, a: Term, b: Term) -> Result {
    let (x, y) = (to_float(a).ok_or(Badarith)?, to_float(b).ok_or(Badarith)?);
    // A quotient by zero is infinite or no number at all.
    heap.checked_float(x / y)
}

/// `A div B`
#[inline]
pub fn div(heap: &mut Heap, a: Term, b: Term) -> Result {
    match (a.as_small(), b.as_small()) {
        (Some(_), Some(0)) => Err(Badarith),
        (Some(x), Some(y)) => Ok(heap.integer(x / y)),
        _ => divide_integers(heap, a, b, |x, y| x / y, |x, y| x / y),
    }
}

/// `A rem B`
#[inline]
pub fn rem(heap: &mut Heap, a: Term, b: Term) -> Result {
    match (a.as_small(), b.as_small()) {
        (Some(_), Some(0)) => Err(Badarith),
        (Some(x), Some(y)) => Ok(heap.integer(x % y)),
        _ => divide_integers(heap, a, b, |x, y| x % y, |x, y| x % y),
    }
}

#[cold]
fn divide_integers(
    heap: &mut Heap,
    a: Term,
    b: Term,
    wide: fn(i128, i128) -> i128,
    big: fn(&BigInt, &BigInt) -> BigInt,
) -> Result {
    if !a.is_integer() || !b.is_integer() || b == Term::small(0) {
        return Err(Badarith);
    }
    if let Some((x, y)) = both_wide(a, b) {
        return Ok(heap.wide_integer(wide(x, y)));
    }
    let (x, y) = both_big(a, b)?;
    heap.checked_bigint(&big(&x, &y))
}

/// `-A`
pub fn neg(heap: &mut Heap, a: Term) -> Result {
    match a.as_float() {
        Some(f) => Ok(heap.float(-f)),
        None => sub(heap, Term::small(0), a),
    }
}

/// `abs(A)`
pub fn abs(heap: &mut Heap, a: Term) -> Result {
    if let Some(i) = a.as_small() {
        return Ok(heap.integer(i.abs()));
    }
    if let Some(f) = a.as_float() {
        // Where the zeros are the same value, the negative one stays as it is.
        let stays = f == 0.0 && !Release::has_signed_zero();
        return Ok(if stays { a } else { heap.float(f.abs()) });
    }
    match a.as_big().ok_or(Badarith)? {
        (true, digits) => Ok(heap.integer_from_digits(false, digits)),
        (false, _) => Ok(a),
    }
}
