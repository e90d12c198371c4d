//! The natives of `crypto`: hashes, message authentication, ciphers, random numbers.
//!
//! Keys of two parts (RSA, elliptic curves, Diffie-Hellman) and engines are not there: their functions raise
//! `nif_not_loaded`, and `crypto:supports/1` lists none of them. An error that a library call would report is
//! `{Class, #{c_file_name, c_file_line_num, c_function_arg_num}, Text}`, which `crypto` turns into the caller's.

mod aead;
mod block;
mod cipher;
mod hash;
mod mac;

use num_bigint::BigUint;
use num_traits::Zero;
use purlin_term::{Atom, Heap, Term, am, iolist, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const TABLES: &[&[Native]] = &[NATIVES, aead::NATIVES, cipher::NATIVES, hash::NATIVES, mac::NATIVES];

const NATIVES: &[Native] = &[
    Native::plain("crypto", "do_exor", 2, exor),
    Native::plain("crypto", "hash_equals_nif", 2, hash_equals),
    Native::plain("crypto", "strong_rand_bytes_nif", 1, strong_rand_bytes),
    Native::plain("crypto", "strong_rand_range_nif", 1, strong_rand_range),
    Native::plain("crypto", "rand_uniform_nif", 2, rand_uniform),
    Native::plain("crypto", "rand_seed_nif", 1, rand_seed),
    Native::blocking("crypto", "mod_exp_nif", 4, mod_exp),
    Native::plain("crypto", "info_lib", 0, info_lib),
    Native::plain("crypto", "info_nif", 0, info),
    Native::plain("crypto", "info_fips", 0, |_, _| Ok(am!("not_supported"))),
    Native::plain("crypto", "enable_fips_mode_nif", 1, enable_fips_mode),
    Native::plain("crypto", "pubkey_algorithms", 0, |_, _| Ok(Term::NIL)),
    Native::plain("crypto", "curve_algorithms", 0, |_, _| Ok(Term::NIL)),
    Native::plain("crypto", "rsa_opts_algorithms", 0, |_, _| Ok(Term::NIL)),
];

/// Bytes worked on for one reduction.
const BYTES_PER_REDUCTION: usize = 20;
const LIBRARY: &str = concat!("Purlin ", env!("CARGO_PKG_VERSION"));

/// An exception as `crypto` expects it; the argument's number counts from 0.
#[track_caller]
fn fail(ctx: &mut Ctx<'_>, class: Term, argument: i64, text: &str) -> Escape {
    let place = std::panic::Location::caller();
    let file = place.file().rsplit('/').next().unwrap_or_default();
    let heap = ctx.heap();
    let file = heap.string(file);
    let text = heap.string(text);
    let facts = [
        (am!("c_file_name"), file),
        (am!("c_file_line_num"), Term::small(place.line().into())),
        (am!("c_function_arg_num"), Term::small(argument)),
    ];
    let facts = map_of(heap, &facts);
    Escape::Error(heap.tuple(&[class, facts, text]))
}

#[track_caller]
fn bad(ctx: &mut Ctx<'_>, argument: i64, text: &str) -> Escape {
    fail(ctx, am!("badarg"), argument, text)
}

#[track_caller]
fn unsupported(ctx: &mut Ctx<'_>, argument: i64, text: &str) -> Escape {
    fail(ctx, am!("notsup"), argument, text)
}

#[track_caller]
fn error(ctx: &mut Ctx<'_>, text: &str) -> Escape {
    fail(ctx, Term::atom(Atom::ERROR), -1, text)
}

fn map_of(heap: &mut Heap, pairs: &[(Term, Term)]) -> Term {
    let empty = map::empty(heap);
    pairs.iter().fold(empty, |m, &(k, v)| map::put(heap, m, k, v))
}

fn atoms(ctx: &mut Ctx<'_>, names: impl Iterator<Item = &'static str>) -> NativeResult {
    let atoms: Vec<Term> = names.map(|n| Term::atom(Atom::new(n))).collect();
    Ok(ctx.heap().list(&atoms))
}

/// The bytes of an I/O list, charged for.
#[track_caller]
fn bytes(ctx: &mut Ctx<'_>, t: Term, argument: i64, text: &str) -> Result<Vec<u8>, Escape> {
    match iolist::to_bytes(t) {
        Some(bytes) => {
            ctx.charge(bytes.len() / BYTES_PER_REDUCTION);
            Ok(bytes)
        }
        None => Err(bad(ctx, argument, text)),
    }
}

fn exor(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (mut x, y) = (iolist::to_bytes(a[0]).or_badarg()?, iolist::to_bytes(a[1]).or_badarg()?);
    if x.len() != y.len() {
        return Err(Escape::BADARG);
    }
    x.iter_mut().zip(&y).for_each(|(x, y)| *x ^= y);
    ctx.charge(x.len() / BYTES_PER_REDUCTION);
    Ok(ctx.heap().binary(&x))
}

/// Takes the same time wherever the two differ.
fn hash_equals(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (x, y) = (a[0].as_bytes().or_badarg()?, a[1].as_bytes().or_badarg()?);
    if x.len() != y.len() {
        return Err(Escape::BADARG);
    }
    Ok(Term::bool(x.iter().zip(y.iter()).fold(0, |difference, (x, y)| std::hint::black_box(difference | (x ^ y))) == 0))
}

/// Random bytes from the operating system.
fn random(count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

fn strong_rand_bytes(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let count = a[0].as_small().and_then(|n| u32::try_from(n).ok()).or_badarg()? as usize;
    ctx.charge(count / BYTES_PER_REDUCTION);
    match random(count) {
        Some(bytes) => Ok(ctx.heap().binary(&bytes)),
        None => Ok(Term::bool(false)),
    }
}

/// A random number from 0 to below `range`, which is not 0.
fn random_below(range: &BigUint) -> Option<BigUint> {
    let bits = range.bits();
    loop {
        // Numbers of as many bits are tried until one fits: at least every second does.
        let n = BigUint::from_bytes_be(&random(bits.div_ceil(8) as usize)?) >> (bits.div_ceil(8) * 8 - bits);
        if n < *range {
            return Some(n);
        }
    }
}

/// The bytes of a number; none for 0.
fn number_bytes(n: &BigUint) -> Vec<u8> {
    if n.is_zero() { Vec::new() } else { n.to_bytes_be() }
}

fn strong_rand_range(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let range = BigUint::from_bytes_be(&a[0].as_bytes().or_badarg()?);
    if range.is_zero() {
        return Ok(Term::bool(false));
    }
    match random_below(&range) {
        Some(n) => Ok(ctx.heap().binary(&number_bytes(&n))),
        None => Ok(Term::bool(false)),
    }
}

/// A number with four bytes of length in front.
fn counted(t: Term) -> Result<BigUint, Escape> {
    let bytes = t.as_bytes().or_badarg()?;
    let (&length, number) = bytes.split_first_chunk().or_badarg()?;
    if u32::from_be_bytes(length) as usize != number.len() {
        return Err(Escape::BADARG);
    }
    Ok(BigUint::from_bytes_be(number))
}

fn rand_uniform(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (from, to) = (counted(a[0])?, counted(a[1])?);
    if to <= from {
        return Err(Escape::BADARG);
    }
    let n = number_bytes(&(random_below(&(to - &from)).or_badarg()? + from));
    Ok(ctx.heap().binary(&[&(n.len() as u32).to_be_bytes(), &n[..]].concat()))
}

/// The operating system's random numbers need no seed.
fn rand_seed(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    a[0].as_bytes().or_badarg()?;
    Ok(Term::atom(Atom::OK))
}

/// `Base ^ Exponent mod Modulo` as bytes, with their length in front when the last argument is 4.
fn mod_exp(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let number = |t: Term| t.as_bytes().or_badarg().map(|b| BigUint::from_bytes_be(&b));
    let (base, exponent, modulo) = (number(a[0])?, number(a[1])?, number(a[2])?);
    if modulo.is_zero() {
        return Err(Escape::BADARG);
    }
    let mut n = number_bytes(&base.modpow(&exponent, &modulo));
    match a[3].as_small() {
        Some(0) => {}
        Some(4) => {
            if n.first().is_some_and(|b| b & 0x80 != 0) {
                n.insert(0, 0);
            }
            n.splice(0..0, (n.len() as u32).to_be_bytes());
        }
        _ => return Err(Escape::BADARG),
    }
    Ok(ctx.heap().binary(&n))
}

fn info_lib(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let heap = ctx.heap();
    let (name, version) = (heap.binary(b"Purlin"), heap.binary(LIBRARY.as_bytes()));
    let part = |n: &str| n.parse().unwrap_or(0);
    let number = part(env!("CARGO_PKG_VERSION_MAJOR")) << 28 | part(env!("CARGO_PKG_VERSION_MINOR")) << 20;
    let entry = heap.tuple(&[name, Term::small(number), version]);
    Ok(heap.list(&[entry]))
}

fn info(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let heap = ctx.heap();
    let library = heap.string(LIBRARY);
    let facts = [
        (am!("compile_type"), am!("normal")),
        (am!("link_type"), am!("static")),
        (am!("cryptolib_version_compiled"), library),
        (am!("cryptolib_version_linked"), library),
        (am!("fips_provider_available"), Term::bool(false)),
    ];
    Ok(map_of(heap, &facts))
}

fn enable_fips_mode(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    a[0].as_bool().map(|on| Term::bool(!on)).or_badarg()
}
