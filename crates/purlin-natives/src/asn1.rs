//! `asn1rt_nif`: tags, lengths and values of BER, and the last step of encoding by PER.

use purlin_term::iolist::to_bytes;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("asn1rt_nif", "decode_ber_tlv_raw", 1, decode_ber),
    Native::plain("asn1rt_nif", "encode_ber_tlv", 1, encode_ber),
    Native::plain("asn1rt_nif", "encode_per_complete", 1, encode_per),
];

/// The bit of a tag's first byte that says that the value is made of values.
const CONSTRUCTED: u8 = 0x20;
/// Values may be nested so deep.
const DEPTH: usize = 500;

/// `{{Tag, Value}, Rest}`; a tag is its class, shifted by 16, and its number.
fn decode_ber(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = to_bytes(args[0]).or_badarg()?;
    ctx.charge(bytes.len() / 20);
    let mut decoder = Decoder { bytes: &bytes, at: 0, heap: ctx.heap() };
    match decoder.tlv(bytes.len(), 0) {
        Ok(value) => {
            let rest = decoder.heap.binary(&bytes[decoder.at..]);
            Ok(ctx.heap().tuple(&[value, rest]))
        }
        Err(reason) => {
            let at = Term::small(decoder.at as i64);
            let why = ctx.heap().tuple(&[reason, at]);
            Ok(ctx.heap().tuple(&[am!("error"), why]))
        }
    }
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    heap: &'a mut Heap,
}

impl Decoder<'_> {
    /// `{Tag, Value}` of what begins here and ends at `end` at the latest.
    fn tlv(&mut self, end: usize, depth: usize) -> Result<Term, Term> {
        if self.at + 2 > end {
            return Err(am!("invalid_value"));
        }
        let constructed = self.bytes[self.at] & CONSTRUCTED != 0;
        let tag = self.tag(end)?;
        if self.at >= end {
            return Err(am!("invalid_tag"));
        }
        let value = self.value(end, constructed, depth)?;
        Ok(self.heap.tuple(&[Term::small(tag), value]))
    }

    fn tag(&mut self, end: usize) -> Result<i64, Term> {
        let first = self.bytes[self.at];
        let class = i64::from(first & 0xC0) << 10;
        let mut number = i64::from(first & 0x1F);
        if number == 0x1F {
            if self.at + 3 > end {
                return Err(am!("invalid_value"));
            }
            self.at += 1;
            number = 0;
            if self.bytes[self.at] >= 0x80 {
                number = i64::from(self.bytes[self.at] & 0x7F) << 7;
                self.at += 1;
            }
            if self.bytes[self.at] >= 0x80 {
                return Err(am!("invalid_tag"));
            }
            number |= i64::from(self.bytes[self.at]);
        }
        self.at += 1;
        Ok(class | number)
    }

    /// The length and the value: a binary, or a list of what it is made of.
    fn value(&mut self, end: usize, constructed: bool, depth: usize) -> Result<Term, Term> {
        if depth > DEPTH {
            return Err(am!("unknown"));
        }
        let first = self.bytes[self.at];
        let mut length = usize::from(first);
        if first == 0x80 {
            self.at += 1;
            return self.until_end_mark(end, constructed, depth);
        } else if first > 0x80 {
            let digits = usize::from(first & 0x7F);
            if digits > end - (self.at + 1) {
                return Err(am!("invalid_length"));
            }
            length = 0;
            for _ in 0..digits {
                self.at += 1;
                if length >= 1 << 24 {
                    return Err(am!("invalid_length"));
                }
                length = length << 8 | usize::from(self.bytes[self.at]);
            }
        }
        if length > end - (self.at + 1) {
            return Err(am!("invalid_value"));
        }
        self.at += 1;
        let end = self.at + length;
        if !constructed {
            let value = self.heap.binary(&self.bytes[self.at..end]);
            self.at = end;
            return Ok(value);
        }
        let mut parts = Vec::new();
        while self.at < end {
            parts.push(self.tlv(end, depth + 1)?);
        }
        Ok(self.heap.list(&parts))
    }

    /// A value of indefinite length, which two zeros end.
    fn until_end_mark(&mut self, end: usize, constructed: bool, depth: usize) -> Result<Term, Term> {
        let mut parts = Vec::new();
        loop {
            if self.at + 1 >= end || !constructed {
                return Err(am!("invalid_length"));
            }
            if self.bytes[self.at..self.at + 2] == [0, 0] {
                self.at += 2;
                return Ok(self.heap.list(&parts));
            }
            parts.push(self.tlv(end, depth + 1)?);
        }
    }
}

fn encode_ber(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match ber(args[0]) {
        Some(bytes) => {
            ctx.charge(bytes.len() / 20);
            Ok(ctx.heap().binary(&bytes))
        }
        None => Ok(ctx.heap().tuple(&[am!("error"), Term::small(-1)])),
    }
}

/// The bytes of `{Tag, Value}`. They are written from the last to the first, so that each length is known.
fn ber(term: Term) -> Option<Vec<u8>> {
    enum Step {
        Write(Term),
        /// The value that ends at this place is written.
        Close(u32, usize),
    }
    let mut backwards: Vec<u8> = Vec::new();
    let mut steps = vec![Step::Write(term)];
    while let Some(step) = steps.pop() {
        let (tag, form, end) = match step {
            Step::Close(tag, end) => (tag, CONSTRUCTED, end),
            Step::Write(term) => {
                let &[tag, value, ..] = term.as_tuple()? else { return None };
                let tag = u32::try_from(tag.as_usize()?).ok()?;
                let end = backwards.len();
                if value.is_list() {
                    steps.push(Step::Close(tag, end));
                    steps.extend(value.as_list()?.into_iter().map(Step::Write));
                    continue;
                }
                backwards.extend(value.as_bytes()?.iter().rev());
                (tag, 0, end)
            }
        };
        let length = backwards.len() - end;
        if length < 0x80 {
            backwards.push(length as u8);
        } else {
            let digits = length.to_le_bytes();
            let used = digits.len() - length.leading_zeros() as usize / 8;
            backwards.extend(&digits[..used]);
            backwards.push(0x80 | used as u8);
        }
        let first = form | ((tag & 0x30000) >> 10) as u8;
        let mut number = tag & 0xFFFF;
        if number < 0x1F {
            backwards.push(first | number as u8);
        } else {
            backwards.push((number & 0x7F) as u8);
            number >>= 7;
            while number > 0 {
                backwards.push(0x80 | (number & 0x7F) as u8);
                number >>= 7;
            }
            backwards.push(first | 0x1F);
        }
    }
    backwards.reverse();
    Some(backwards)
}

fn encode_per(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = to_bytes(args[0]).or_badarg()?;
    ctx.charge(bytes.len() / 20);
    match per(&bytes) {
        Some(bytes) => Ok(ctx.heap().binary(&bytes)),
        None => Ok(ctx.heap().tuple(&[am!("error"), Term::small(i64::from(b'1'))])),
    }
}

/// Bits that are put one behind the other.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are used, unless all are.
    used: usize,
}

impl Bits {
    fn push(&mut self, one: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(one) << (7 - self.used);
        }
        self.used = (self.used + 1) % 8;
    }

    /// The first `n` bits of these bytes, and zeros where they are too short.
    fn extend(&mut self, bytes: &[u8], n: usize) {
        for i in 0..n {
            self.push(bytes.get(i / 8).is_some_and(|b| b << (i % 8) & 0x80 != 0));
        }
    }

    fn align(&mut self) {
        self.used = 0;
    }
}

/// Carries out what the encoder has listed: numbers that say what to do, each with its operands.
fn per(mut from: &[u8]) -> Option<Vec<u8>> {
    let mut out = Bits::default();
    if from.is_empty() {
        return Some(out.bytes);
    }
    while !from.is_empty() {
        match number(&mut from, 1)? {
            0 => out.push(false),
            1 => out.push(true),
            2 => out.align(),
            // The last `n` bits of a byte.
            10 => {
                let n = number(&mut from, 1).filter(|&n| n <= 8)?;
                let byte = take(&mut from, 1)?[0];
                (0..n).rev().for_each(|i| out.push(byte >> i & 1 != 0));
            }
            // Whole bytes, from the next whole byte on; the length has one byte or two.
            op @ (20 | 21) => {
                let n = number(&mut from, op - 19)?;
                out.align();
                out.bytes.extend_from_slice(take(&mut from, n)?);
            }
            // Bytes, but for some of the last bits.
            op @ (30 | 31) => {
                let unused = number(&mut from, 1)?;
                let n = number(&mut from, op - 29)?;
                out.extend(take(&mut from, n)?, (n * 8).checked_sub(unused)?);
            }
            // So many bits, each given as a byte.
            op @ 40..=43 => {
                let (bits, bytes) = sized(&mut from, op - 40)?;
                for i in 0..bits {
                    match bytes.get(i) {
                        None | Some(0) => out.push(false),
                        Some(1) => out.push(true),
                        Some(_) => return None,
                    }
                }
            }
            // So many bits.
            op @ 45..=47 => {
                // There is no form with a short number of bits and a long number of bytes.
                let (bits, bytes) = sized(&mut from, if op == 45 { 0 } else { op - 44 })?;
                out.extend(bytes, bits);
            }
            _ => return None,
        }
    }
    if out.bytes.is_empty() {
        out.bytes.push(0);
    }
    Some(out.bytes)
}

fn take<'a>(from: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(n)?;
    *from = rest;
    Some(taken)
}

/// A number of one or two bytes.
fn number(from: &mut &[u8], size: usize) -> Option<usize> {
    Some(take(from, size)?.iter().fold(0, |n, &b| n << 8 | usize::from(b)))
}

/// A number of bits, the number of bytes and the bytes; `form` says which of the numbers have two bytes: 1 the second,
/// 2 the first.
fn sized<'a>(from: &mut &'a [u8], form: usize) -> Option<(usize, &'a [u8])> {
    let bits = number(from, 1 + form / 2)?;
    let n = number(from, 1 + form % 2)?;
    Some((bits, take(from, n)?))
}
