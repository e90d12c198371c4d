//! Checksums, digests and hashes of data.

use super::md5::Md5;
use purlin_term::{Term, hash, iolist};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "crc32", 1, |ctx, args| crc32(ctx, 0, args[0])),
    Native::plain("erlang", "crc32", 2, |ctx, args| crc32(ctx, word(args[0])?, args[1])),
    Native::plain("erlang", "crc32_combine", 3, crc32_combine),
    Native::plain("erlang", "adler32", 1, |ctx, args| adler32(ctx, 1, args[0])),
    Native::plain("erlang", "adler32", 2, |ctx, args| adler32(ctx, word(args[0])?, args[1])),
    Native::plain("erlang", "adler32_combine", 3, adler32_combine),
    Native::plain("erlang", "md5", 1, md5),
    Native::plain("erlang", "md5_init", 0, |ctx, _| Ok(ctx.heap().binary(&Md5::new().state()))),
    Native::plain("erlang", "md5_update", 2, md5_update),
    Native::plain("erlang", "md5_final", 1, md5_final),
    Native::plain("erlang", "phash", 2, |ctx, args| hashed(ctx, args[0], range(args[1])?, hash::phash)),
    Native::plain("erlang", "phash2", 1, |ctx, args| hashed(ctx, args[0], PHASH2_RANGE, hash::phash2)),
    Native::plain("erlang", "phash2", 2, |ctx, args| hashed(ctx, args[0], range(args[1])?, hash::phash2)),
];

/// The range of `phash2/1`.
const PHASH2_RANGE: u64 = 1 << 27;
/// The weight of terms hashed, of data summed, and of data digested, for one reduction.
const HASHED_PER_REDUCTION: usize = 16;
const SUMMED_PER_REDUCTION: usize = 32;
const DIGESTED_PER_REDUCTION: usize = 2;
/// Bytes summed for one reduction.
const BYTES_PER_REDUCTION: usize = 1000;
/// The largest prime below 2^16, by which Adler-32 sums are taken.
const ADLER_MODULUS: u64 = 65521;

/// An integer of 32 bits.
fn word(t: Term) -> Result<u32, Escape> {
    t.as_small().and_then(|i| u32::try_from(i).ok()).or_badarg()
}

/// A range from 1 to 2^32.
fn range(t: Term) -> Result<u64, Escape> {
    t.as_small().and_then(|i| u64::try_from(i).ok()).filter(|r| (1..=1 << 32).contains(r)).or_badarg()
}

/// The hash of a term.
fn hashed(ctx: &mut Ctx<'_>, t: Term, range: u64, hash: fn(Term, u64) -> u64) -> NativeResult {
    ctx.room_for_term(t, HASHED_PER_REDUCTION)?;
    Ok(Term::small(hash(t, range) as i64))
}

/// The bytes of an I/O list, charged for.
fn data(ctx: &mut Ctx<'_>, t: Term, weight_per_reduction: usize) -> Result<Vec<u8>, Escape> {
    ctx.room_for_term(t, weight_per_reduction)?;
    let bytes = iolist::to_bytes(t).or_badarg()?;
    ctx.charge(bytes.len() / BYTES_PER_REDUCTION);
    Ok(bytes)
}

fn number(n: u32) -> NativeResult {
    Ok(Term::small(n as i64))
}

fn crc32(ctx: &mut Ctx<'_>, old: u32, t: Term) -> NativeResult {
    let mut h = crc32fast::Hasher::new_with_initial(old);
    h.update(&data(ctx, t, SUMMED_PER_REDUCTION)?);
    number(h.finalize())
}

fn crc32_combine(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (first, second, size) = (word(args[0])?, word(args[1])?, word(args[2])?);
    if size == 0 {
        // No data has the sum 0; for any other sum zlib adds the two all the same.
        return number(first ^ second);
    }
    let mut h = crc32fast::Hasher::new_with_initial(first);
    h.combine(&crc32fast::Hasher::new_with_initial_len(second, size as u64));
    number(h.finalize())
}

fn adler32(ctx: &mut Ctx<'_>, old: u32, t: Term) -> NativeResult {
    let data = data(ctx, t, SUMMED_PER_REDUCTION)?;
    // Without anything to sum, even an impossible old sum stays as it is.
    let mut pieces = 0;
    if data.is_empty() {
        iolist::visit(t, &mut |_| {
            let _: () = pieces += 1;
            Some(())
        });
        if pieces == 0 {
            return number(old);
        }
    }
    let mut a = adler2::Adler32::from_checksum(old);
    a.write_slice(&data);
    number(a.checksum())
}

/// The sum of two pieces of data from the sums of each and the second one's size.
fn adler32_of_both(first: u32, second: u32, size: u32) -> u32 {
    let low = |sum: u32| (sum & 0xFFFF) as u64;
    let high = |sum: u32| (sum >> 16) as u64;
    // The first low sum is carried into the high sum once for each byte that follows; each sum starts from 1.
    let size = size as u64 % ADLER_MODULUS;
    let a = (low(first) + low(second) + ADLER_MODULUS - 1) % ADLER_MODULUS;
    let b = (high(first) + high(second) + size * (low(first) + ADLER_MODULUS - 1)) % ADLER_MODULUS;
    (b << 16 | a) as u32
}

fn adler32_combine(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (first, second, size) = (word(args[0])?, word(args[1])?, word(args[2])?);
    number(if size == 0 { first } else { adler32_of_both(first, second, size) })
}

fn md5(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut m = Md5::new();
    m.update(&data(ctx, args[0], DIGESTED_PER_REDUCTION)?);
    Ok(ctx.heap().binary(&m.finish()))
}

fn md5_update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut m = Md5::from_state(&args[0].as_bytes().or_badarg()?).or_badarg()?;
    m.update(&data(ctx, args[1], DIGESTED_PER_REDUCTION)?);
    Ok(ctx.heap().binary(&m.state()))
}

fn md5_final(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = Md5::from_state(&args[0].as_bytes().or_badarg()?).or_badarg()?;
    Ok(ctx.heap().binary(&m.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adler_sums_combine() {
        let sum = |data: &[u8]| {
            let mut a = adler2::Adler32::new();
            a.write_slice(data);
            a.checksum()
        };
        let data: Vec<u8> = (0..70_000u32).map(|i| (i * 31) as u8).collect();
        for at in [1, 2, 100, 65_520, 65_521, 65_522, 69_999] {
            let (x, y) = data.split_at(at);
            assert_eq!(adler32_of_both(sum(x), sum(y), y.len() as u32), sum(&data), "{at}");
        }
    }
}
