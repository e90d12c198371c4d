//! From floats to integers.

use crate::heap::Heap;
use crate::word::Term;

/// The integral part of a finite float.
pub fn integer_from_float(heap: &mut Heap, f: f64) -> Term {
    const WIDE: f64 = (1u128 << 126) as f64;
    let f = f.trunc();
    if f.abs() < WIDE {
        return heap.wide_integer(f as i128);
    }
    let bits = f.to_bits();
    let exponent = (bits >> 52) as usize & 0x7FF;
    let mantissa = (bits & ((1 << 52) - 1) | 1 << 52) as u128;
    // The value is the mantissa shifted by this, at most 971.
    let shift = exponent.saturating_sub(1075).min(971);
    let mut digits = [0u64; 17];
    let spread = mantissa << (shift % 64);
    digits[shift / 64] = spread as u64;
    digits[shift / 64 + 1] = (spread >> 64) as u64;
    heap.integer_from_digits(f < 0.0, &digits)
}

macro_rules! rounding {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        pub fn $name(heap: &mut Heap, t: Term) -> Option<Term> {
            if t.is_integer() {
                return Some(t);
            }
            let f = t.as_float()?;
            Some(integer_from_float(heap, f.$name()))
        }
    )*};
}

rounding! {
    /// `trunc(T)`; `None` when the term is no number.
    trunc,
    /// `round(T)`, halves away from zero; `None` when the term is no number.
    round,
    /// `ceil(T)`; `None` when the term is no number.
    ceil,
    /// `floor(T)`; `None` when the term is no number.
    floor
}
