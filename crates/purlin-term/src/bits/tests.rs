//! The bit primitives against a model that keeps one bool per bit.

use super::*;

/// A small repeatable generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn bools(t: Term) -> Vec<bool> {
    let b = t.as_bits().unwrap();
    (0..b.size).map(|i| b.byte(i / 8) >> (7 - i % 8) & 1 == 1).collect()
}

fn from_bools(heap: &mut Heap, bits: &[bool]) -> Term {
    let mut b = BitBuilder::new(heap, bits.len()).unwrap();
    for &bit in bits {
        b.put_raw(bit as u64, 1).unwrap();
    }
    b.finish()
}

#[test]
fn copies_at_any_alignment_equal_a_bit_by_bit_copy() {
    let mut r = Random(42);
    let mut h = Heap::new(0);
    for _ in 0..2000 {
        let src: Vec<bool> = (0..1 + r.below(1200)).map(|_| r.next() & 1 == 1).collect();
        let whole = from_bools(&mut h, &src);
        assert_eq!(bools(whole), src);
        let from = r.below(src.len());
        let n = r.below(src.len() - from + 1);
        let part = h.sub_bits(whole, from, n);
        assert_eq!(bools(part), &src[from..from + n]);
        let lead: Vec<bool> = (0..r.below(130)).map(|_| r.next() & 1 == 1).collect();
        let mut b = BitBuilder::new(&mut h, lead.len() + n).unwrap();
        for &bit in &lead {
            b.put_raw(bit as u64, 1).unwrap();
        }
        b.put_all(part, 1).unwrap();
        assert_eq!(bools(b.finish()), [&lead, &src[from..from + n]].concat());
    }
}

#[test]
fn integers_read_back_what_was_written() {
    let mut r = Random(7);
    let mut h = Heap::new(0);
    for round in 0..4000 {
        let bits = r.below(300);
        let (little, signed, lead) = (r.below(2) == 1, r.below(2) == 1, r.below(20));
        let mut digits: Vec<u64> = (0..r.below(6)).map(|_| r.next()).collect();
        if round % 3 == 0 {
            digits.iter_mut().for_each(|d| *d &= !0 << r.below(64));
        }
        let value = h.integer_from_digits(r.below(2) == 1, &digits);
        let mut b = BitBuilder::new(&mut h, lead + bits).unwrap();
        b.put_raw(0, lead).unwrap();
        b.put_integer(value, bits, little).unwrap();
        let t = b.finish();
        // The value modulo 2^bits, as signed or unsigned.
        let modulus = num_bigint::BigInt::from(1) << bits;
        let sign =
            if value.as_small().is_some_and(|i| i < 0) || value.as_big().is_some_and(|(n, _)| n) { -1 } else { 1 };
        let mut expected = num_bigint::BigInt::from(0);
        for (i, d) in digits.iter().enumerate() {
            expected += num_bigint::BigInt::from(*d) << (64 * i);
        }
        expected = ((expected * sign) % &modulus + &modulus) % &modulus;
        if signed && bits > 0 && expected >= (&modulus >> 1) {
            expected -= &modulus;
        }
        let ctx = start_match(&mut h, t).unwrap();
        assert!(skip(ctx, lead));
        let got = get_integer(&mut h, ctx, bits, signed, little).unwrap();
        assert_eq!(remaining(ctx), 0);
        let (negative, ds) = match got.as_small() {
            Some(i) => (i < 0, vec![i.unsigned_abs()]),
            None => got.as_big().map(|(n, d)| (n, d.to_vec())).unwrap(),
        };
        let mut got = num_bigint::BigInt::from(0);
        for (i, d) in ds.iter().enumerate() {
            got += num_bigint::BigInt::from(*d) << (64 * i);
        }
        assert_eq!(if negative { -got } else { got }, expected, "{bits} bits little {little} signed {signed}");
    }
}

#[test]
fn odd_sizes_are_laid_out_as_on_the_beam() {
    let mut h = Heap::new(0);
    let mut b = BitBuilder::new(&mut h, 3 + 77 + 11).unwrap();
    b.put_raw(1, 3).unwrap();
    let big = h.big(false, &[0, 64]);
    b.put_integer(big, 77, true).unwrap();
    b.put_integer(Term::small(-5), 11, true).unwrap();
    let t = b.finish();
    assert_eq!(t.as_bits().unwrap().to_bytes().as_ref(), &[32, 0, 0, 0, 0, 0, 0, 0, 8, 0, 251, 7 << 5]);
    assert_eq!(t.bit_size(), 91);
}

#[test]
fn floats_of_all_sizes() {
    let mut h = Heap::new(0);
    for (value, bits, bytes) in [
        (1.0e300, 32, &[127u8, 128, 0, 0][..]),
        (1.0e300, 16, &[124, 0]),
        (65504.0, 16, &[0x7B, 0xFF]),
        (65520.0, 16, &[124, 0]),
        (1.0, 16, &[0x3C, 0]),
        (-2.5, 16, &[0xC1, 0]),
        (5.960464477539063e-8, 16, &[0, 1]),
        (6.097555160522461e-5, 16, &[3, 0xFF]),
        (1.5, 64, &[0x3F, 0xF8, 0, 0, 0, 0, 0, 0]),
    ] {
        let f = h.float(value);
        let mut b = BitBuilder::new(&mut h, bits).unwrap();
        b.put_float(f, bits, false).unwrap();
        let t = b.finish();
        assert_eq!(t.as_bytes().unwrap().as_ref(), bytes, "{value}:{bits}");
        let ctx = start_match(&mut h, t).unwrap();
        let back = get_float(&mut h, ctx, bits, false);
        match back {
            Some(f) => assert_eq!(f.as_float(), Some(value)),
            None => assert!(bytes[0] == 124 || bytes[0] == 127),
        }
    }
    let big = h.big(false, &[0, 0, 1]);
    let mut b = BitBuilder::new(&mut h, 64).unwrap();
    b.put_float(big, 64, false).unwrap();
    assert_eq!(b.finish().as_bytes().unwrap().as_ref(), 2f64.powi(128).to_be_bytes());
    let huge = h.big(false, &[1; 17]);
    let mut b = BitBuilder::new(&mut h, 64).unwrap();
    assert_eq!(b.put_float(huge, 64, false), Err(PutError::NoFloat));
}

#[test]
fn every_half_float_survives() {
    for h in 0..=u16::MAX {
        let f = f16_to_f64(h);
        if f.is_finite() {
            assert_eq!(f64_to_f16(f), h);
        }
    }
}

#[test]
fn characters_in_all_encodings() {
    let mut h = Heap::new(0);
    for c in ['a', 'é', '€', '😀', '\u{FFFF}', '\u{10FFFF}'] {
        let t = Term::small(c as i64);
        for lead in [0, 3] {
            for little in [false, true] {
                let bits = lead + 8 * (utf8_size(t) + utf16_size(t) + 4);
                let mut b = BitBuilder::new(&mut h, bits).unwrap();
                b.put_raw(5, lead).unwrap();
                b.put_utf8(t).unwrap();
                b.put_utf16(t, little).unwrap();
                b.put_utf32(t, little).unwrap();
                let ctx = b.finish();
                let ctx = start_match(&mut h, ctx).unwrap();
                assert!(skip(ctx, lead));
                let got = (get_utf8(ctx), get_utf16(ctx, little), get_utf32(ctx, little));
                assert_eq!(got, (Some(c as u32), Some(c as u32), Some(c as u32)));
            }
        }
    }
    for bad in [0xD800, 0x110000, -1] {
        let mut b = BitBuilder::new(&mut h, 32).unwrap();
        assert_eq!(b.put_utf8(Term::small(bad)), Err(PutError::Type));
    }
    for bad in [
        &[0xC0u8, 0x80][..],
        &[0xE0, 0x80, 0x80],
        &[0xED, 0xA0, 0x80],
        &[0xF4, 0x90, 0x80, 0x80],
        &[0x80],
        &[0xE2, 0x82],
    ] {
        let t = h.binary(bad);
        let ctx = start_match(&mut h, t).unwrap();
        assert_eq!(get_utf8(ctx), None, "{bad:?}");
    }
}

#[test]
fn appending_leaves_older_terms_alone_and_copies_seldom() {
    let mut h = Heap::new(0);
    let mut acc = h.binary(b"");
    let mut earlier = Vec::new();
    let mut copies = 0;
    for i in 0..10_000u32 {
        let mut b = BitBuilder::append(&mut h, acc, 8, 8).unwrap();
        b.put_raw(i as u64, 8).unwrap();
        let next = b.finish();
        let whole = |t: Term| t.whole_and_offset().unwrap().0.base_bytes().0;
        copies += (whole(next) != whole(acc)) as usize;
        if i % 997 == 0 {
            earlier.push((acc, i));
        }
        acc = next;
    }
    assert!(copies < 12, "{copies}");
    for (t, n) in earlier {
        let bytes: Vec<u8> = (0..n).map(|i| i as u8).collect();
        assert_eq!(t.as_bytes().unwrap().as_ref(), &bytes[..]);
    }
    assert_eq!(acc.as_bytes().unwrap().len(), 10_000);
}

#[test]
fn two_appends_to_one_term_do_not_meet() {
    let mut h = Heap::new(0);
    let empty = writable(&mut h, Some(1024));
    let mut b = BitBuilder::append(&mut h, empty, 11, 1).unwrap();
    b.put_raw(0x7FF, 11).unwrap();
    let base = b.finish();
    let mut results = Vec::new();
    for v in [0u64, 1, 2] {
        let mut b = BitBuilder::append(&mut h, base, 3, 1).unwrap();
        b.put_raw(v, 3).unwrap();
        results.push(b.finish());
    }
    for (v, t) in results.into_iter().enumerate() {
        assert_eq!(t.bit_size(), 14);
        assert_eq!(t.as_bits().unwrap().to_bytes().as_ref(), &[0xFF, 0xE0 | (v as u8) << 2]);
    }
    assert_eq!(BitBuilder::append(&mut h, base, 8, 8).unwrap_err(), AppendError::Unit);
    assert_eq!(BitBuilder::append(&mut h, Term::NIL, 8, 8).unwrap_err(), AppendError::Type);
}

#[test]
fn a_term_appended_to_itself() {
    let mut h = Heap::new(0);
    let empty = writable(&mut h, Some(1024));
    let mut b = BitBuilder::append(&mut h, empty, 13, 1).unwrap();
    b.put_raw(0x1234 >> 1, 13).unwrap();
    let t = b.finish();
    let once = bools(t);
    let mut b = BitBuilder::append(&mut h, t, 13, 1).unwrap();
    b.put_all(t, 1).unwrap();
    assert_eq!(bools(b.finish()), [&once[..], &once].concat());
}

#[test]
fn a_failed_match_moves_nothing() {
    let mut h = Heap::new(0);
    let t = h.binary(b"abcdef");
    let ctx = start_match(&mut h, t).unwrap();
    assert!(match_bytes(ctx, b"ab", 16));
    assert!(!match_bytes(ctx, b"cX", 16));
    assert!(match_bytes(ctx, b"cX", 8));
    assert_eq!(get_integer(&mut h, ctx, 25, false, false), None);
    assert_eq!(get_bits(&mut h, ctx, 8).unwrap().as_bytes().unwrap().as_ref(), b"d");
    let at = position(ctx);
    assert_eq!(get_rest(&mut h, ctx, 8).unwrap().as_bytes().unwrap().as_ref(), b"ef");
    assert_eq!(remaining(ctx), 0);
    assert!(set_position(ctx, at) && !set_position(ctx, 1000));
    assert_eq!(get_tail(&mut h, ctx).unwrap().as_bytes().unwrap().as_ref(), b"ef");
    assert_eq!(start_match(&mut h, ctx), Some(ctx));
    assert_eq!(start_match(&mut h, Term::NIL), None);
}
