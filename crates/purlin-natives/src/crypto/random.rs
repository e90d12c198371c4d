//! Random numbers of the operating system, and small sums on binaries.

use super::numbers::{random, shortest};
use num_bigint::BigUint;
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use subtle::ConstantTimeEq;

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "strong_rand_bytes_nif", 1, strong_rand_bytes),
    Native::plain("crypto", "strong_rand_range_nif", 1, strong_rand_range),
    Native::plain("crypto", "rand_uniform_nif", 2, rand_uniform),
    // The operating system needs no seed of ours.
    Native::plain("crypto", "rand_seed_nif", 1, |_, a| a[0].as_bytes().map(|_| am!("ok")).or_badarg()),
    Native::plain("crypto", "do_exor", 2, exor),
    Native::plain("crypto", "hash_equals_nif", 2, hash_equals),
    Native::blocking("crypto", "mod_exp_nif", 4, mod_exp),
];

fn strong_rand_bytes(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = args[0].as_usize().filter(|&n| n <= u32::MAX as usize).or_badarg()?;
    ctx.charge(n / 1000);
    match random(n) {
        Some(bytes) => Ok(ctx.heap().binary(&bytes)),
        None => Ok(Term::bool(false)),
    }
}

/// A number below `range`; `None`: there is no entropy, or no such number.
fn below(range: &BigUint) -> Option<BigUint> {
    let bits = range.bits();
    if bits == 0 {
        return None;
    }
    let spare = (8 - bits % 8) % 8;
    // More than half of all tries succeed.
    loop {
        let mut bytes = random(bits.div_ceil(8) as usize)?;
        bytes[0] &= 0xFF >> spare;
        let n = BigUint::from_bytes_be(&bytes);
        if n < *range {
            return Some(n);
        }
    }
}

fn number(t: Term) -> Result<BigUint, Escape> {
    Ok(BigUint::from_bytes_be(&t.as_bytes().or_badarg()?))
}

/// A number with its length before it, in four bytes.
fn long_number(t: Term) -> Result<BigUint, Escape> {
    let bytes = t.as_bytes().or_badarg()?;
    let (length, digits) = bytes.split_first_chunk::<4>().or_badarg()?;
    if u32::from_be_bytes(*length) as usize != digits.len() {
        return Err(Escape::BADARG);
    }
    Ok(BigUint::from_bytes_be(digits))
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn strong_rand_range(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let range = number(args[0])?;
    match below(&range) {
        Some(n) => Ok(ctx.heap().binary(&shortest(&n))),
        None => Ok(Term::bool(false)),
    }
}

fn rand_uniform(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (from, to) = (long_number(args[0])?, long_number(args[1])?);
    if to <= from {
        return Err(Escape::BADARG);
    }
    let n = from.clone() + below(&(to - from)).or_badarg()?;
    Ok(ctx.heap().binary(&with_length(&shortest(&n))))
}

fn exor(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut x, y) = (args[0].as_bytes().or_badarg()?.into_owned(), args[1].as_bytes().or_badarg()?);
    if x.len() != y.len() {
        return Err(Escape::BADARG);
    }
    super::block::exor(&mut x, &y);
    Ok(ctx.heap().binary(&x))
}

fn hash_equals(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (x, y) = (args[0].as_bytes().or_badarg()?, args[1].as_bytes().or_badarg()?);
    if x.len() != y.len() {
        return Err(Escape::BADARG);
    }
    Ok(Term::bool(x.ct_eq(&y).into()))
}

fn mod_exp(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (base, exponent, modulus) = (number(args[0])?, number(args[1])?, number(args[2])?);
    let header = args[3].as_usize().filter(|n| matches!(n, 0 | 4)).or_badarg()?;
    // OpenSSL looks at an exponent of zero before the modulus.
    let power = match (exponent == BigUint::ZERO, modulus == BigUint::ZERO) {
        (true, true) => BigUint::from(1u8),
        (false, true) => return Err(Escape::BADARG),
        _ => base.modpow(&exponent, &modulus),
    };
    let mut bytes = shortest(&power);
    if header == 4 {
        if bytes.first().is_some_and(|&b| b > 127) {
            bytes.insert(0, 0);
        }
        bytes = with_length(&bytes);
    }
    Ok(ctx.heap().binary(&bytes))
}
