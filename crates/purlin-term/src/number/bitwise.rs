//! Bitwise operators: integers count as two's complement without an end.

use super::ArithError::{Badarith, SystemLimit};
use super::{Result, both_big, both_wide, max_bits, to_bigint};
use crate::heap::Heap;
use crate::word::Term;
use num_bigint::BigInt;

macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident $op:tt),*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(heap: &mut Heap, a: Term, b: Term) -> Result {
            if let (Some(x), Some(y)) = (a.as_small(), b.as_small()) {
                return Ok(Term::small(x $op y));
            }
            if !a.is_integer() || !b.is_integer() {
                return Err(Badarith);
            }
            if let Some((x, y)) = both_wide(a, b) {
                return Ok(heap.wide_integer(x $op y));
            }
            let (x, y) = both_big(a, b)?;
            heap.checked_bigint(&(x $op y))
        }
    )*};
}

bitwise! {
    /// `A band B`
    band &,
    /// `A bor B`
    bor |,
    /// `A bxor B`
    bxor ^
}

/// `bnot A`
pub fn bnot(heap: &mut Heap, a: Term) -> Result {
    match a.as_small() {
        Some(i) => Ok(Term::small(!i)),
        None => {
            let i = to_bigint(a).ok_or(Badarith)?;
            heap.checked_bigint(&!i)
        }
    }
}

/// `A bsl B`
#[inline]
pub fn bsl(heap: &mut Heap, a: Term, b: Term) -> Result {
    match b.as_small() {
        Some(by) => shift(heap, a, by),
        None => shift(heap, a, huge(b)?),
    }
}

/// `A bsr B`
#[inline]
pub fn bsr(heap: &mut Heap, a: Term, b: Term) -> Result {
    match b.as_small() {
        Some(by) => shift(heap, a, -by),
        None => shift(heap, a, -huge(b)?),
    }
}

/// A distance that moves every bit out, for one that is no small integer.
fn huge(b: Term) -> std::result::Result<i64, super::ArithError> {
    let (negative, _) = b.as_big().ok_or(Badarith)?;
    Ok(if negative { -i64::MAX } else { i64::MAX })
}

/// Shifts left, or right by a negative distance.
fn shift(heap: &mut Heap, a: Term, left: i64) -> Result {
    if let Some(i) = a.as_small() {
        if left <= 0 {
            return Ok(Term::small(i >> left.unsigned_abs().min(63)));
        }
        if i == 0 {
            return Ok(a);
        }
        if left < 64 {
            return Ok(heap.wide_integer((i as i128) << left));
        }
    }
    let i = to_bigint(a).ok_or(Badarith)?;
    if left > 0 {
        if (left as u64).saturating_add(i.bits()) > max_bits() {
            return Err(SystemLimit);
        }
        return heap.checked_bigint(&(i << left as u64));
    }
    let right = left.unsigned_abs();
    if right > i.bits() {
        return Ok(Term::small(if i.sign() == num_bigint::Sign::Minus { -1 } else { 0 }));
    }
    let shifted: BigInt = i >> right;
    heap.checked_bigint(&shifted)
}
