//! Integers as text in bases 2 to 36.

use super::{max_bits, to_bigint};
use crate::heap::Heap;
use crate::word::Term;
use num_bigint::{BigInt, BigUint, Sign};

/// Reads an integer: a sign at most, then digits only; `None` for any other text or base.
pub fn integer_from_text(heap: &mut Heap, text: &[u8], base: u32) -> Option<Term> {
    if !(2..=36).contains(&base) {
        return None;
    }
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let value = |c: u8| (c as char).to_digit(base);
    if digits.len() <= 12 {
        let i = digits.iter().try_fold(0i64, |i, &c| Some(i * base as i64 + value(c)? as i64))?;
        return Some(heap.integer(if negative { -i } else { i }));
    }
    let values = digits.iter().map(|&c| value(c).map(|v| v as u8)).collect::<Option<Vec<u8>>>()?;
    let magnitude = read(&values, base)?;
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    (magnitude.bits() <= max_bits()).then(|| heap.bigint(&BigInt::from_biguint(sign, magnitude)))
}

/// Longer texts are read in halves: the library takes time by the square of the length.
const PIECE: usize = 2000;

fn read(values: &[u8], base: u32) -> Option<BigUint> {
    if values.len() <= PIECE {
        return BigUint::from_radix_be(values, base);
    }
    // The low part has a length of the form PIECE * 2^n.
    let mut low = PIECE;
    while low * 2 < values.len() {
        low *= 2;
    }
    let (high, low) = values.split_at(values.len() - low);
    Some(read(high, base)? * BigUint::from(base).pow(low.len() as u32) + read(low, base)?)
}

/// An integer's digits, letters in upper case; `None` when the term is no integer or the base none of 2 to 36.
pub fn integer_to_text(t: Term, base: u32) -> Option<String> {
    if !(2..=36).contains(&base) {
        return None;
    }
    match t.as_small() {
        Some(i) if base == 10 => Some(i.to_string()),
        _ => Some(to_bigint(t)?.to_str_radix(base).to_ascii_uppercase()),
    }
}
