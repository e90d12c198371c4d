//! Sums and products of big integers, digit by digit and straight into the heap.

use super::{ArithError, Result, max_digits};
use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::Term;
use std::cmp::Ordering;

/// Up to this many digits of the shorter factor, the method of school is the fastest.
pub(super) const SCHOOL: usize = 40;

/// Sign and absolute value of an integer. The digit of a small integer stands in `Int` itself.
pub(super) struct Int<'a> {
    pub negative: bool,
    small: [u64; 1],
    big: Option<&'a [u64]>,
}

impl<'a> Int<'a> {
    pub fn of(t: Term) -> Option<Int<'a>> {
        if let Some(i) = t.as_small() {
            return Some(Int { negative: i < 0, small: [i.unsigned_abs()], big: None });
        }
        let (negative, digits) = t.as_big()?;
        Some(Int { negative, small: [0], big: Some(digits) })
    }

    pub fn negated(&self) -> Int<'a> {
        Int { negative: !self.negative, ..*self }
    }

    pub fn digits(&self) -> &[u64] {
        self.big.unwrap_or(&self.small)
    }
}

/// The sum of two integers.
pub(super) fn add(heap: &mut Heap, a: &Int, b: &Int) -> Result {
    let (mut x, mut y, mut negative) = (a.digits(), b.digits(), a.negative);
    if a.negative == b.negative {
        if x.len() < y.len() {
            (x, y) = (y, x);
        }
        return heap.build(x.len() + 1, negative, |out| {
            let mut carry = false;
            for (i, o) in out.iter_mut().enumerate() {
                let (s, c1) = x.get(i).copied().unwrap_or(0).overflowing_add(y.get(i).copied().unwrap_or(0));
                let (s, c2) = s.overflowing_add(carry as u64);
                (*o, carry) = (s, c1 | c2);
            }
        });
    }
    match compare(x, y) {
        Ordering::Equal => return Ok(Term::small(0)),
        Ordering::Less => (x, y, negative) = (y, x, b.negative),
        Ordering::Greater => {}
    }
    heap.build(x.len(), negative, |out| {
        let mut borrow = false;
        for (i, o) in out.iter_mut().enumerate() {
            let (d, b1) = x[i].overflowing_sub(y.get(i).copied().unwrap_or(0));
            let (d, b2) = d.overflowing_sub(borrow as u64);
            (*o, borrow) = (d, b1 | b2);
        }
    })
}

/// The product of two integers.
pub(super) fn mul(heap: &mut Heap, a: &Int, b: &Int) -> Result {
    let (mut x, mut y) = (a.digits(), b.digits());
    if x.len() < y.len() {
        (x, y) = (y, x);
    }
    heap.build(x.len() + y.len(), a.negative != b.negative, |out| {
        out[..x.len()].fill(0);
        for (i, &d) in y.iter().enumerate() {
            let mut carry = 0u64;
            for (o, &e) in out[i..].iter_mut().zip(x) {
                let v = e as u128 * d as u128 + *o as u128 + carry as u128;
                (*o, carry) = (v as u64, (v >> 64) as u64);
            }
            out[i + x.len()] = carry;
        }
    })
}

/// Digits have no leading zeros, except for zero itself.
fn compare(x: &[u64], y: &[u64]) -> Ordering {
    x.len().cmp(&y.len()).then_with(|| x.iter().rev().cmp(y.iter().rev()))
}

impl Heap {
    /// An integer whose `n` digits `fill` writes (it may leave leading zeros, and reads none that it has not written).
    fn build(&mut self, n: usize, negative: bool, fill: impl FnOnce(&mut [u64])) -> Result {
        if n > max_digits() + 1 {
            return Err(ArithError::SystemLimit);
        }
        let p = self.alloc(1 + n);
        // SAFETY: FRESH: the words behind the header are the digits; `fill` writes each before anything reads it.
        let digits = unsafe { std::slice::from_raw_parts_mut(p.add(1), n) };
        fill(digits);
        let used = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
        let small = match digits[..used] {
            [] => Some(0),
            [d] if d <= i64::MAX as u64 => Some(if negative { -(d as i64) } else { d as i64 }),
            _ => None,
        };
        let words = match small.filter(|&i| Term::fits_small(i)) {
            Some(_) => 0,
            None => 1 + used,
        };
        // What was too much goes back, if nothing lies behind it.
        if self.top == p.wrapping_add(1 + n) {
            self.spaces.top = p.wrapping_add(words);
        }
        if used > max_digits() {
            return Err(ArithError::SystemLimit);
        }
        match small {
            Some(i) if words == 0 => Ok(Term::small(i)),
            _ => {
                let kind = if negative { Kind::NegBig } else { Kind::PosBig };
                // SAFETY: FRESH
                unsafe { *p = kind.header(used) };
                // SAFETY: LIVE: the object at that place is complete.
                Ok(unsafe { Term::from_boxed(p) })
            }
        }
    }
}
