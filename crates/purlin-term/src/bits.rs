//! The work behind the binary instructions: matching through a context, construction, and appending in place.
//!
//! Positions are counted in bits from the first byte of the heap or counted binary that a bitstring stands on (its
//! *whole*). Bits that a finished bitstring covers never change; construction writes only bits that no term covers.

mod build;
mod copy;
mod float;
mod matching;

pub use build::{
    APPENDED_WORDS, AppendError, BitBuilder, MAX_BITS, PutError, append_word, utf8_size, utf16_size, writable,
};
pub use copy::read_bits;
pub use float::{f16_to_f64, f64_to_f16};
pub use matching::{
    get_bits, get_float, get_integer, get_rest, get_tail, get_utf8, get_utf16, get_utf32, match_bytes, position,
    raw_bits, remaining, set_position, skip, start_match, test_unit,
};

use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::{SMALL_MAX, Term};

/// Digits that a big integer may have.
const BIG_DIGITS: usize = (1 << 19) - 1;

impl Heap {
    /// The integer with this sign and absolute value (digits least significant first, leading zeros allowed).
    pub fn integer_from_digits(&mut self, negative: bool, digits: &[u64]) -> Term {
        let n = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
        match &digits[..n] {
            [] => Term::small(0),
            &[d] if d <= SMALL_MAX as u64 => Term::small(if negative { -(d as i64) } else { d as i64 }),
            &[d] if negative && d == SMALL_MAX as u64 + 1 => Term::small(-(SMALL_MAX + 1)),
            digits => self.big(negative, digits),
        }
    }

    /// The `size` bits from bit `from` of a heap or counted binary, which hold them.
    fn part_of_whole(&mut self, whole: Term, from: usize, size: usize) -> Term {
        if size.is_multiple_of(8) && size / 8 <= crate::binary::HEAP_BIN_LIMIT {
            let (base, _) = whole.base_bytes();
            return self.binary_with(size / 8, |out| {
                // SAFETY: LIVE: the whole's buffer holds the part's bits; `out` is new and as long as the part.
                unsafe { copy::copy_bits(base, from, out.as_mut_ptr(), 0, size) }
            });
        }
        if from == 0 && size == whole.bit_size() {
            return whole;
        }
        self.boxed(Kind::SubBits, &[size as u64, from as u64, whole.0])
    }
}

#[cfg(test)]
mod tests;
