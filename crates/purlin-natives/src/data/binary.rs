//! The `binary` module's natives; searching is in [`search`].

mod search;

use super::guard::{self, count};
use super::iolist::{BYTES_PER_REDUCTION, WEIGHT_PER_REDUCTION};
use crate::loop_limit::Loop;
use purlin_term::bits::{BitBuilder, read_bits};
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("binary", "compile_pattern", 1, search::compile_pattern),
    Native::plain("binary", "match", 2, |ctx, args| search::find(ctx, args[0], args[1], Term::NIL)),
    Native::plain("binary", "match", 3, |ctx, args| search::find(ctx, args[0], args[1], args[2])),
    Native::plain("binary", "matches", 2, |ctx, args| search::find_all(ctx, args[0], args[1], Term::NIL)),
    Native::plain("binary", "matches", 3, |ctx, args| search::find_all(ctx, args[0], args[1], args[2])),
    Native::plain("binary", "split", 2, |ctx, args| search::split(ctx, args[0], args[1], Term::NIL)),
    Native::plain("binary", "split", 3, |ctx, args| search::split(ctx, args[0], args[1], args[2])),
    Native::plain("binary", "longest_common_prefix", 1, |ctx, args| longest_common(ctx, args[0], common_prefix)),
    Native::plain("binary", "longest_common_suffix", 1, |ctx, args| longest_common(ctx, args[0], common_suffix)),
    Native::plain("binary", "first", 1, |_, a| byte_at(a[0], Some(0))),
    Native::plain("binary", "last", 1, |_, a| byte_at(a[0], (a[0].bit_size() / 8).checked_sub(1))),
    Native::plain("binary", "at", 2, |_, a| byte_at(a[0], a[1].as_usize())),
    Native::plain("binary", "part", 2, |ctx, args| match args[1].as_tuple() {
        Some(&[position, length]) => guard::part(ctx, args[0], position, length),
        _ => Err(Escape::BADARG),
    }),
    Native::plain("binary", "part", 3, |ctx, args| guard::part(ctx, args[0], args[1], args[2])),
    Native::plain("binary", "copy", 1, |ctx, args| copy(ctx, args[0], Term::small(1))),
    Native::plain("binary", "copy", 2, |ctx, args| copy(ctx, args[0], args[1])),
    Native::plain("binary", "referenced_byte_size", 1, |_, a| Ok(count(a[0].referenced_bytes().or_badarg()?))),
    Native::plain("binary", "encode_unsigned", 1, |ctx, args| unsigned(ctx, args[0], am!("big"), encode_unsigned)),
    Native::plain("binary", "encode_unsigned", 2, |ctx, args| unsigned(ctx, args[0], args[1], encode_unsigned)),
    Native::plain("binary", "decode_unsigned", 1, |ctx, args| unsigned(ctx, args[0], am!("big"), decode_unsigned)),
    Native::plain("binary", "decode_unsigned", 2, |ctx, args| unsigned(ctx, args[0], args[1], decode_unsigned)),
];

/// Largest binary that `copy/2` makes, in bytes.
const MAX_COPY: usize = 1 << 44;
/// Bytes copied, and bytes of an integer, for one reduction.
const COPIED_PER_REDUCTION: usize = 1024;
const INTEGER_PER_REDUCTION: usize = 64;
/// Bytes that `copy/2` puts at a time.
const COPY_AT_ONCE: usize = 1 << 16;

fn byte_at(t: Term, index: Option<usize>) -> NativeResult {
    let bits = t.as_bits().filter(|b| b.size % 8 == 0).or_badarg()?;
    let at = index.filter(|&i| i < bits.size / 8).or_badarg()?;
    let byte = read_bits(bits.data, bits.offset + at * 8, 8).or_badarg()?;
    Ok(Term::small(byte as i64))
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn longest_common(ctx: &mut Ctx<'_>, list: Term, common: fn(&[u8], &[u8]) -> usize) -> NativeResult {
    ctx.room_for_term(list, WEIGHT_PER_REDUCTION)?;
    let binaries = list.as_list().or_badarg()?;
    let mut all = Vec::with_capacity(binaries.len());
    for b in binaries {
        all.push(b.as_bytes().or_badarg()?);
    }
    let (first, rest) = all.split_first().or_badarg()?;
    // What all have in common is the least that each has in common with the first.
    let n = rest.iter().map(|b| common(first, b)).fold(first.len(), usize::min);
    Loop::Binary.charge(ctx, n * all.len(), BYTES_PER_REDUCTION);
    Ok(count(n))
}

fn copy(ctx: &mut Ctx<'_>, t: Term, times: Term) -> NativeResult {
    let times = times.as_usize().or_badarg()?;
    if times == 0 && t.is_bitstring() {
        return Ok(ctx.heap().binary(b""));
    }
    let bytes = t.as_bytes().or_badarg()?;
    let size = bytes.len().checked_mul(times).filter(|&n| n <= MAX_COPY).ok_or(Escape::SYSTEM_LIMIT)?;
    ctx.room_for(size / COPIED_PER_REDUCTION)?;
    Loop::Binary.charge(ctx, size, BYTES_PER_REDUCTION);
    let mut builder = BitBuilder::new(ctx.heap(), size * 8).ok_or(Escape::SYSTEM_LIMIT)?;
    if !bytes.is_empty() {
        // Small pieces are put many at a time.
        let at_once = (COPY_AT_ONCE / bytes.len()).clamp(1, times);
        let block = bytes.repeat(at_once);
        while builder.put_bytes(&block).is_ok() {}
        let _ = builder.put_bytes(&block[..times % at_once * bytes.len()]);
    }
    Ok(builder.finish())
}

/// Whether an `Endianness` argument asks for the least significant byte first.
fn is_little(t: Term) -> Option<bool> {
    if t == am!("little") { Some(true) } else { (t == am!("big")).then_some(false) }
}

/// Converts an integer or a binary.
fn unsigned(
    ctx: &mut Ctx<'_>,
    value: Term,
    endianness: Term,
    convert: fn(&mut Heap, Term, Term) -> Option<Term>,
) -> NativeResult {
    let bytes = value.as_big().map_or(value.bit_size() / 8, |(_, digits)| digits.len() * 8);
    ctx.room_for(bytes / INTEGER_PER_REDUCTION)?;
    ctx.charge(bytes / INTEGER_PER_REDUCTION);
    convert(ctx.heap(), value, endianness).or_badarg()
}

fn encode_unsigned(h: &mut Heap, value: Term, endianness: Term) -> Option<Term> {
    let little = is_little(endianness)?;
    let small;
    let digits = match value.as_small() {
        Some(i) => {
            small = [u64::try_from(i).ok()?];
            &small[..]
        }
        None => match value.as_big()? {
            (false, digits) => digits,
            _ => return None,
        },
    };
    let mut bytes: Vec<u8> = digits.iter().flat_map(|d| d.to_le_bytes()).collect();
    let used = bytes.iter().rposition(|&b| b != 0).map_or(1, |i| i + 1);
    bytes.truncate(used);
    if !little {
        bytes.reverse();
    }
    Some(h.binary(&bytes))
}

fn decode_unsigned(h: &mut Heap, value: Term, endianness: Term) -> Option<Term> {
    let little = is_little(endianness)?;
    let mut bytes = value.as_bytes()?.into_owned();
    if !little {
        bytes.reverse();
    }
    let digits: Vec<u64> = bytes.chunks(8).map(|chunk| chunk.iter().rev().fold(0, |d, &b| d << 8 | b as u64)).collect();
    Some(h.integer_from_digits(false, &digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_integers_have_no_leading_zeros() {
        let mut h = Heap::new(0);
        let big = h.big(false, &[0x0807060504030201, 0x09]);
        for (value, bytes) in [
            (Term::small(0), &[0u8][..]),
            (Term::small(255), &[255]),
            (Term::small(256), &[1, 0]),
            (big, &[9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ] {
            let encoded = encode_unsigned(&mut h, value, am!("big")).unwrap();
            assert_eq!(encoded.as_bytes().unwrap().as_ref(), bytes);
            let decoded = decode_unsigned(&mut h, encoded, am!("big")).unwrap();
            assert!(purlin_term::compare::same(decoded, value));
            let little = encode_unsigned(&mut h, value, am!("little")).unwrap();
            let decoded = decode_unsigned(&mut h, little, am!("little")).unwrap();
            assert!(purlin_term::compare::same(decoded, value));
        }
        assert_eq!(encode_unsigned(&mut h, Term::small(-1), am!("big")), None);
        assert_eq!(encode_unsigned(&mut h, Term::small(1), am!("middle")), None);
        let padded = h.binary(&[0, 0, 1]);
        assert_eq!(decode_unsigned(&mut h, padded, am!("big")), Some(Term::small(1)));
        let empty = h.binary(&[]);
        assert_eq!(decode_unsigned(&mut h, empty, am!("big")), Some(Term::small(0)));
    }

    #[test]
    fn common_parts_at_either_end() {
        assert_eq!(common_prefix(b"erlang", b"ergonomy"), 2);
        assert_eq!(common_suffix(b"erlang", b"fang"), 3);
        assert_eq!(common_prefix(b"", b"a"), 0);
    }
}
