//! Diffie-Hellman over the numbers below a prime, and SRP.

use super::numbers::{below, shortest};
use super::{badarg, failure};
use num_bigint::BigUint;
use num_traits::{One, Zero};
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::blocking("crypto", "dh_generate_key_nif", 4, generate),
    Native::blocking("crypto", "dh_compute_key_nif", 3, compute),
    Native::blocking("crypto", "srp_value_B_nif", 5, host_value),
    Native::blocking("crypto", "srp_user_secret_nif", 7, user_secret),
    Native::blocking("crypto", "srp_host_secret_nif", 5, host_secret),
];

/// Bits of a modulus at least and at most.
const BITS: std::ops::RangeInclusive<u64> = 512..=10_000;

fn number(t: Term) -> Option<BigUint> {
    Some(BigUint::from_bytes_be(&t.as_bytes()?))
}

/// Prime and generator.
fn group(ctx: &mut Ctx<'_>, t: Term, argument: i64, lines: [i64; 3]) -> Result<(BigUint, BigUint), Escape> {
    let given = t.as_list().map(|l| l.to_vec()).unwrap_or_default();
    let mut fail = |line: i64, text: &str| Err(badarg(ctx.heap(), ("dh.c", line, argument), text));
    let &[p, g] = &given[..] else { return fail(lines[2], "Not a two-element list") };
    let Some(p) = number(p) else { return fail(lines[0], "Bad value of 'p'") };
    let Some(g) = number(g) else { return fail(lines[1], "Bad value of 'g'") };
    Ok((p, g))
}

/// `{Public, Private}`
fn generate(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let given = match args[0] == am!("undefined") {
        true => None,
        false => match number(args[0]) {
            Some(n) => Some(n),
            None => return Err(badarg(ctx.heap(), ("dh.c", 57, 0), "PrivKeyIn")),
        },
    };
    let (p, g) = group(ctx, args[1], 1, [66, 71, 77])?;
    let Some(length) = args[3].as_usize() else {
        return Err(badarg(ctx.heap(), ("dh.c", 89, 3), "Bad value of length element"));
    };
    let refused =
        |ctx: &mut Ctx<'_>| Err(failure(ctx.heap(), am!("error"), ("dh.c", 124, -1), "Can't generate DH key pair"));
    if !BITS.contains(&p.bits()) || !p.bit(0) || length as u64 >= p.bits() || g.bits() < 2 || g >= &p - 1u8 {
        return refused(ctx);
    }
    let limit = if length > 0 { BigUint::one() << length } else { &p - 1u8 };
    let Some(private) = given.or_else(|| below(&limit)) else { return refused(ctx) };
    let public = g.modpow(&private, &p);
    let (public, private) = (ctx.heap().binary(&shortest(&public)), ctx.heap().binary(&shortest(&private)));
    Ok(ctx.heap().tuple(&[public, private]))
}

fn compute(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = "Bad peer public key; binary expected";
    let Some(others) = number(args[0]) else { return Err(badarg(ctx.heap(), ("dh.c", 187, 0), text)) };
    let (p, _) = group(ctx, args[2], 2, [194, 197, 201])?;
    let Some(private) = number(args[1]) else { return Err(badarg(ctx.heap(), ("dh.c", 215, 0), text)) };
    // A number of small order would tell the secret.
    if !BITS.contains(&p.bits()) || !p.bit(0) || others.bits() < 2 || others >= &p - 1u8 {
        let text = "Can't derive secret or set peer";
        return Err(failure(ctx.heap(), am!("error"), ("dh.c", 233, -1), text));
    }
    let shared = shortest(&others.modpow(&private, &p));
    Ok(ctx.heap().binary(&shared))
}

/// The numbers of a call, the last of which is the modulus.
fn all(a: &[Term]) -> Result<Vec<BigUint>, Escape> {
    a.iter().map(|t| number(*t)).collect::<Option<Vec<_>>>().or_badarg()
}

fn answer(ctx: &mut Ctx<'_>, n: Option<BigUint>) -> NativeResult {
    Ok(match n {
        Some(n) => ctx.heap().binary(&shortest(&n)),
        None => am!("error"),
    })
}

/// k v + g^b
fn host_value(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = all(args)?;
    let [k, v, g, b, p] = &n[..] else { return Err(Escape::BADARG) };
    if p.is_zero() {
        return answer(ctx, None);
    }
    let value = (k * v + g.modpow(b, p)) % p;
    answer(ctx, Some(value).filter(|v| !v.is_zero()))
}

/// (B - k g^x) ^ (a + u x)
fn user_secret(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = all(args)?;
    let [own, u, others, k, g, x, p] = &n[..] else { return Err(Escape::BADARG) };
    if p.is_zero() || (others % p).is_zero() {
        return answer(ctx, None);
    }
    let part = k * g.modpow(x, p) % p;
    let base = (others % p + p - part) % p;
    answer(ctx, Some(base.modpow(&(own + u * x), p)))
}

/// (A v^u) ^ b
fn host_secret(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = all(args)?;
    let [v, b, u, others, p] = &n[..] else { return Err(Escape::BADARG) };
    if p.is_zero() || (others % p).is_zero() {
        return answer(ctx, None);
    }
    let base = others * v.modpow(u, p) % p;
    answer(ctx, Some(base.modpow(b, p)))
}
