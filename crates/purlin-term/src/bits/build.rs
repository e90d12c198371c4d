//! Construction: a bitstring of known size filled from front to back, or one appended to.
//!
//! The term exists from the start, complete but for its bits, so that a construction can be given up at any point.
//! While one is under way nothing may collect: the builder writes through a pointer.

use super::copy::{copy_bits, write_bits};
use super::float::f64_to_f16;
use crate::binary::{BinData, HEAP_BIN_LIMIT};
use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::Term;
use std::sync::atomic::Ordering;

/// Largest bitstring, in bits (16 TB).
pub const MAX_BITS: usize = 1 << 47;
/// Smallest buffer made for appending, in bytes.
const APPEND_MIN: usize = 256;
/// What [`writable`] sets aside when the program does not say.
const WRITABLE: usize = 1024;
/// Most bytes that [`writable`] sets aside at the program's word.
const WRITABLE_MAX: usize = 1 << 24;

/// Why a segment could not be put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutError {
    /// The value is not of the segment's type (or no character).
    Type,
    /// The binary is shorter than the segment.
    Short,
    /// The binary's size is no multiple of the segment's unit.
    Unit,
    /// The integer is too large for a float.
    NoFloat,
    /// The size is none that a float can have.
    FloatSize,
    /// More is put than the binary was made for.
    Full,
}

/// Why a bitstring could not be appended to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendError {
    /// What should be appended to is no bitstring.
    Type,
    /// Its size is no multiple of the unit.
    Unit,
    /// The result would be too large.
    Size,
}

/// A bitstring under construction.
#[derive(Clone, Copy, Debug)]
pub struct BitBuilder {
    base: *mut u8,
    pos: usize,
    end: usize,
    term: Term,
}

// SAFETY: OWNER of the heap that holds the term also owns the builder; it moves to another thread with the process.
unsafe impl Send for BitBuilder {}

impl BitBuilder {
    /// A bitstring of `bits` bits; `None` when that is too large.
    pub fn new(heap: &mut Heap, bits: usize) -> Option<BitBuilder> {
        let bytes = bits.div_ceil(8);
        let (whole, base) = if bytes <= HEAP_BIN_LIMIT {
            let whole = heap.binary_with(bytes, |_| {});
            (whole, whole.base_bytes().0)
        } else {
            if bits > MAX_BITS {
                return None;
            }
            let data = BinData::try_new(bytes)?;
            // SAFETY: the buffer was just made. The builder writes all of it before the term is used.
            unsafe { (*data).used_bits().store(bits, Ordering::Release) };
            (heap.counted_binary(data, 0, bytes), BinData::bytes(data))
        };
        let term = if bits.is_multiple_of(8) { whole } else { heap.boxed(Kind::SubBits, &[bits as u64, 0, whole.0]) };
        Some(BitBuilder { base, pos: 0, end: bits, term })
    }

    /// Makes room for `extra` bits behind the bitstring `to`, whose size must be a multiple of `unit`.
    ///
    /// When `to` is the furthest term over its buffer and the buffer has room, the bits behind it are claimed and
    /// written in place; otherwise they follow a copy in a buffer with as much room again. `to` itself stays as it is.
    pub fn append(heap: &mut Heap, to: Term, extra: usize, unit: usize) -> Result<BitBuilder, AppendError> {
        let bits = to.as_bits().ok_or(AppendError::Type)?;
        if unit > 1 && bits.size % unit != 0 {
            return Err(AppendError::Unit);
        }
        let total = bits.size.checked_add(extra).filter(|&t| t <= MAX_BITS).ok_or(AppendError::Size)?;
        let (whole, start) = to.whole_and_offset().ok_or(AppendError::Type)?;
        if extra == 0 {
            let end = start + total;
            return Ok(BitBuilder { base: whole.base_bytes().0, pos: end, end, term: to });
        }
        if claim(whole, start + bits.size, extra) {
            let term = heap.boxed(Kind::SubBits, &[total as u64, start as u64, whole.0]);
            return Ok(BitBuilder { base: whole.base_bytes().0, pos: start + bits.size, end: start + total, term });
        }
        let bytes = total.div_ceil(8);
        let data = BinData::try_new((2 * bytes).max(APPEND_MIN)).ok_or(AppendError::Size)?;
        let base = BinData::bytes(data);
        // SAFETY: the buffer is new and larger than what is copied; the source is LIVE.
        unsafe {
            (*data).used_bits().store(total, Ordering::Release);
            copy_bits(bits.data.as_ptr(), bits.offset, base, 0, bits.size);
        }
        let whole = heap.counted_binary(data, 0, bytes);
        let term = if total % 8 == 0 { whole } else { heap.boxed(Kind::SubBits, &[total as u64, 0, whole.0]) };
        Ok(BitBuilder { base, pos: bits.size, end: total, term })
    }

    /// The finished term.
    #[inline]
    pub fn finish(self) -> Term {
        debug_assert!(self.pos == self.end);
        self.term
    }

    /// The term, whose bits may not all be written yet: only for keeping it in a register during construction.
    #[inline]
    pub fn term(&self) -> Term {
        self.term
    }

    /// Bits that remain to be put.
    #[inline]
    pub fn room(&self) -> usize {
        self.end - self.pos
    }

    #[inline]
    fn reserve(&mut self, bits: usize) -> Result<usize, PutError> {
        if bits > self.room() {
            return Err(PutError::Full);
        }
        let at = self.pos;
        self.pos += bits;
        Ok(at)
    }

    /// Puts the low `n` (at most 64) bits of `value`.
    #[inline]
    pub fn put_raw(&mut self, value: u64, n: usize) -> Result<(), PutError> {
        debug_assert!(n <= 64);
        let at = self.reserve(n)?;
        // SAFETY: reserved: the bits belong to this builder alone.
        unsafe { write_bits(self.base, at, value, n) };
        Ok(())
    }

    /// Puts an integer's low `bits` bits, in two's complement.
    #[inline]
    pub fn put_integer(&mut self, value: Term, bits: usize, little: bool) -> Result<(), PutError> {
        if let Some(v) = value.as_small() {
            if bits <= 64 && (!little || bits <= 8) {
                return self.put_raw(v as u64, bits);
            }
            return self.put_digits(v < 0, &[v.unsigned_abs()], bits, little);
        }
        let (negative, digits) = value.as_big().ok_or(PutError::Type)?;
        self.put_digits(negative, digits, bits, little)
    }

    fn put_digits(&mut self, negative: bool, digits: &[u64], bits: usize, little: bool) -> Result<(), PutError> {
        if bits > self.room() {
            return Err(PutError::Full);
        }
        // The lowest digit that is not zero is negated; above it all bits are inverted.
        let lowest = digits.iter().position(|&d| d != 0).unwrap_or(digits.len());
        let digit = |i: usize| match digits.get(i) {
            Some(&d) if !negative => d,
            Some(&d) if i <= lowest => d.wrapping_neg(),
            Some(&d) => !d,
            None if negative => u64::MAX,
            None => 0,
        };
        let (full, rest) = (bits / 64, bits % 64);
        if little {
            for i in 0..full {
                self.put_raw(digit(i).swap_bytes(), 64)?;
            }
            let mut d = digit(full);
            for _ in 0..rest / 8 {
                self.put_raw(d, 8)?;
                d >>= 8;
            }
            return self.put_raw(d, rest % 8);
        }
        self.put_raw(digit(full), rest)?;
        for i in (0..full).rev() {
            self.put_raw(digit(i), 64)?;
        }
        Ok(())
    }

    /// Puts a number as a float of 16, 32 or 64 bits. What is too large for the smaller sizes becomes infinite.
    pub fn put_float(&mut self, value: Term, bits: usize, little: bool) -> Result<(), PutError> {
        let number = || -> Result<f64, PutError> {
            if let Some(f) = value.as_float() {
                return Ok(f);
            }
            if let Some(i) = value.as_small() {
                return Ok(i as f64);
            }
            let (negative, digits) = value.as_big().ok_or(PutError::Type)?;
            let f = big_to_f64(digits).ok_or(PutError::NoFloat)?;
            Ok(if negative { -f } else { f })
        };
        match bits {
            64 => {
                let raw = number()?.to_bits();
                self.put_raw(if little { raw.swap_bytes() } else { raw }, 64)
            }
            32 => {
                // An integer is rounded once, straight to single precision.
                let f = match value.as_small() {
                    Some(i) => i as f32,
                    None => number()? as f32,
                };
                let raw = f.to_bits();
                self.put_raw((if little { raw.swap_bytes() } else { raw }) as u64, 32)
            }
            16 => {
                let raw = f64_to_f16(number()?);
                self.put_raw((if little { raw.swap_bytes() } else { raw }) as u64, 16)
            }
            _ => Err(PutError::FloatSize),
        }
    }

    /// Puts the first `bits` bits of a bitstring.
    pub fn put_bits(&mut self, value: Term, bits: usize) -> Result<(), PutError> {
        let b = value.as_bits().ok_or(PutError::Type)?;
        if b.size < bits {
            return Err(PutError::Short);
        }
        let at = self.reserve(bits)?;
        // SAFETY: the source is LIVE and holds `bits` bits; the destination is reserved.
        unsafe { copy_bits(b.data.as_ptr(), b.offset, self.base, at, bits) };
        Ok(())
    }

    /// Puts a whole bitstring, whose size must be a multiple of `unit`.
    pub fn put_all(&mut self, value: Term, unit: usize) -> Result<(), PutError> {
        let size = value.as_bits().ok_or(PutError::Type)?.size;
        if unit > 1 && size % unit != 0 {
            return Err(PutError::Unit);
        }
        self.put_bits(value, size)
    }

    /// Puts a byte.
    #[inline]
    pub fn put_byte(&mut self, byte: u8) -> Result<(), PutError> {
        if !self.pos.is_multiple_of(8) {
            return self.put_raw(byte as u64, 8);
        }
        let at = self.reserve(8)?;
        // SAFETY: reserved, and where a byte begins.
        unsafe { self.base.add(at / 8).write(byte) };
        Ok(())
    }

    /// Puts bytes.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), PutError> {
        let at = self.reserve(bytes.len() * 8)?;
        // SAFETY: reserved.
        unsafe { copy_bits(bytes.as_ptr(), 0, self.base, at, bytes.len() * 8) };
        Ok(())
    }

    /// Puts a character in UTF-8.
    pub fn put_utf8(&mut self, value: Term) -> Result<(), PutError> {
        let mut buffer = [0; 4];
        let text = character(value).ok_or(PutError::Type)?.encode_utf8(&mut buffer);
        self.put_bytes(text.as_bytes())
    }

    /// Puts a character in UTF-16.
    pub fn put_utf16(&mut self, value: Term, little: bool) -> Result<(), PutError> {
        let mut buffer = [0; 2];
        for &mut unit in character(value).ok_or(PutError::Type)?.encode_utf16(&mut buffer) {
            self.put_raw((if little { unit.swap_bytes() } else { unit }) as u64, 16)?;
        }
        Ok(())
    }

    /// Puts a character in UTF-32.
    pub fn put_utf32(&mut self, value: Term, little: bool) -> Result<(), PutError> {
        let c = character(value).ok_or(PutError::Type)? as u32;
        self.put_raw((if little { c.swap_bytes() } else { c }) as u64, 32)
    }
}

/// Words that [`append_word`] needs.
pub const APPENDED_WORDS: usize = 4;

/// `to`, whose size must be a multiple of `unit`, and behind it the low `n` (1 to 64) bits of `value`, if they can be
/// written behind it in place: the usual case of a binary that grows in a loop. The term is made at `p`.
///
/// # Safety
/// `p` has room for [`APPENDED_WORDS`] (FRESH).
#[inline(always)]
pub unsafe fn append_word(p: *mut u64, to: Term, unit: u32, value: u64, n: u32) -> Option<Term> {
    let (whole, start, size) = match to.boxed_kind()? {
        Kind::SubBits => {
            let b = to.any_body();
            (Term::word(b[2]), b[1] as usize, b[0] as usize)
        }
        Kind::RefBin => (to, 0, to.base_bytes().1 * 8),
        _ => return None,
    };
    if unit > 1 && !size.is_multiple_of(unit as usize) || size >= MAX_BITS - 64 {
        return None;
    }
    if !claim(whole, start + size, n as usize) {
        return None;
    }
    // SAFETY: FRESH, by the caller's promise; the bits were just claimed.
    unsafe {
        write_bits(whole.base_bytes().0, start + size, value, n as usize);
        *p = Kind::SubBits.header(3);
        *p.add(1) = (size + n as usize) as u64;
        *p.add(2) = start as u64;
        *p.add(3) = whole.0;
    }
    // SAFETY: LIVE: the object at that place is complete.
    Some(unsafe { Term::from_boxed(p) })
}

/// Claims `extra` bits behind bit `end` of a counted binary, if they are in its buffer and nobody has.
fn claim(whole: Term, end: usize, extra: usize) -> bool {
    let Some(w) = whole.body(Kind::RefBin) else { return false };
    // SAFETY: LIVE, OFFHEAP: the object owns a count of its buffer.
    let data = unsafe { &*(w[0] as *const BinData) };
    let end = w[1] as usize * 8 + end;
    let claimed = end + extra;
    claimed <= data.capacity() * 8
        && data.used_bits().compare_exchange(end, claimed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// An empty binary with room to append `size` bytes in place, if the program knows how many.
pub fn writable(heap: &mut Heap, size: Option<usize>) -> Term {
    let data = BinData::new(size.unwrap_or(WRITABLE).min(WRITABLE_MAX));
    heap.counted_binary(data, 0, 0)
}

fn character(t: Term) -> Option<char> {
    char::from_u32(u32::try_from(t.as_small()?).ok()?)
}

/// Bytes that a character takes in UTF-8; terms that are none count as the longest.
pub fn utf8_size(t: Term) -> usize {
    character(t).map_or(4, char::len_utf8)
}

/// Bytes that a character takes in UTF-16; terms that are none count as the shortest.
pub fn utf16_size(t: Term) -> usize {
    character(t).map_or(2, |c| c.len_utf16() * 2)
}

/// The float nearest to a big integer, unless it is too large.
fn big_to_f64(digits: &[u64]) -> Option<f64> {
    let top = digits.len().checked_sub(1)?;
    let zeros = digits[top].leading_zeros() as usize;
    let mut head = digits[top] << zeros;
    let below = top.checked_sub(1).map_or(0, |i| digits[i]);
    if zeros > 0 {
        head |= below >> (64 - zeros);
    }
    // What lies below the leading 64 bits only decides ties: one sticky bit stands for it.
    let lost = zeros < 64 && below << zeros != 0;
    if lost || digits[..top.saturating_sub(1)].iter().any(|&d| d != 0) {
        head |= 1;
    }
    let exponent = i32::try_from(64 * top - zeros.min(64 * top)).ok().filter(|&e| e <= 1024)?;
    let f = head as f64 * 2f64.powi(exponent - if top == 0 { zeros as i32 } else { 0 });
    f.is_finite().then_some(f)
}
