//! Elliptic curves: keys, shared secrets, ECDSA. A curve comes as `{Parameters, Name}`, with the parameters that the
//! library's own list of curves has.

use super::field::{Curve, Field};
use super::numbers::{below, padded_to};
use super::{Place, badarg, failure};
use num_bigint::BigUint;
use num_traits::Zero;
use purlin_term::{Heap, Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::blocking("crypto", "ec_generate_key_nif", 2, generate),
    Native::blocking("crypto", "ecdh_compute_key_nif", 3, compute),
];

/// The largest field, in bits.
const MAX_BITS: u64 = super::binary::MAX_BITS as u64;

fn number(t: Term) -> Option<BigUint> {
    Some(BigUint::from_bytes_be(&t.as_bytes()?))
}

/// Reads `{{Field, {A, B, Seed}, Base, Order, Cofactor}, Name}`.
pub(super) fn curve(t: Term) -> Option<Curve> {
    let &[parameters, _] = t.as_tuple()? else { return None };
    let &[field, coefficients, base, order, _] = parameters.as_tuple()? else { return None };
    let &[a, b, _] = coefficients.as_tuple()? else { return None };
    let field = match *field.as_tuple()? {
        [kind, p] if kind == am!("prime_field") => {
            Field::Prime(number(p).filter(|p| p.bit(0) && (3..=MAX_BITS).contains(&p.bits()))?)
        }
        [kind, degree, basis] if kind == am!("characteristic_two_field") => {
            let degree = degree.as_usize().filter(|&n| n > 2 && n as u64 <= MAX_BITS)?;
            let terms: Vec<usize> = basis.as_tuple()?.iter().skip(1).map(|k| k.as_usize()).collect::<Option<_>>()?;
            let known = match (basis.as_tuple()?[0], terms.len()) {
                (kind, 1) => kind == am!("tpbasis"),
                (kind, 3) => kind == am!("ppbasis"),
                _ => false,
            };
            if !known || terms.iter().any(|&k| k == 0 || k >= degree) {
                return None;
            }
            Field::Binary { degree, reduction: [&[0], &terms[..]].concat() }
        }
        _ => return None,
    };
    let order = number(order).filter(|n| n.bits() > 1)?;
    let (a, b) = (number(a)?, number(b)?);
    if matches!(field, Field::Binary { .. }) && !(field.has(&a) && field.has(&b)) {
        return None;
    }
    let mut curve = Curve { field, a, b, base: Default::default(), order };
    curve.base = curve.decode(&base.as_bytes()?)?;
    Some(curve)
}

fn error(h: &mut Heap, place: Place, text: &str) -> Escape {
    failure(h, am!("error"), place, text)
}

/// A secret number of a curve.
pub(super) fn secret(curve: &Curve, t: Term) -> Option<BigUint> {
    number(t).filter(|n| !n.is_zero() && *n < curve.order)
}

/// `{Public, Private}`
fn generate(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let given = args[1] != am!("undefined");
    let Some(curve) = curve(args[0]) else {
        return Err(badarg(ctx.heap(), ("ec.c", if given { 273 } else { 355 }, 0), "Couldn't get Curve definition"));
    };
    let private = if given {
        secret(&curve, args[1]).ok_or_else(|| badarg(ctx.heap(), ("ec.c", 273, 0), "Bad private key"))?
    } else {
        below(&curve.order).ok_or_else(|| error(ctx.heap(), ("ec.c", 370, -1), "Couldn't generate EC key"))?
    };
    let Some(public) = curve.mul(&private, &curve.base) else {
        return Err(error(ctx.heap(), ("ec.c", 432, -1), "Couldn't multiply POINT"));
    };
    let size = curve.order.bits().div_ceil(8) as usize;
    let (public, private) = (curve.encode(&public), padded_to(&private, size));
    let (public, private) = (ctx.heap().binary(&public), ctx.heap().binary(&private));
    Ok(ctx.heap().tuple(&[public, private]))
}

/// The first coordinate of the point that both sides come to.
fn compute(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(others) = args[0].as_bytes() else {
        return Err(badarg(ctx.heap(), ("ecdh.c", 54, 0), "Bad peer public key; binary expected"));
    };
    let Some(curve) = curve(args[1]) else {
        return Err(error(ctx.heap(), ("ec.c", 78, 1), "Bad curve def. Expect 5-tuple."));
    };
    let Some(others) = curve.decode(&others) else {
        return Err(error(ctx.heap(), ("ecdh.c", 70, -1), "Can't do fromdata"));
    };
    if args[2].as_bytes().is_none() {
        return Err(badarg(ctx.heap(), ("ecdh.c", 81, 0), "Bad peer public key; binary expected"));
    }
    let Some(private) = secret(&curve, args[2]) else {
        return Err(error(ctx.heap(), ("ecdh.c", 89, -1), "Can't do fromdata"));
    };
    match curve.mul(&private, &others) {
        Some((x, _)) => {
            let shared = padded_to(&x, curve.field.bytes());
            Ok(ctx.heap().binary(&shared))
        }
        None => Err(error(ctx.heap(), ("ecdh.c", 113, -1), "Can't get result")),
    }
}

/// Whether keys of this curve may sign: the two of IPsec are for agreement alone.
pub(super) fn may_sign(key: Term) -> bool {
    let named = || key.as_tuple()?.first()?.as_tuple()?.get(1)?.as_atom();
    named().is_none_or(|name| !matches!(name.name(), "ipsec3" | "ipsec4"))
}

/// The number that a hash's value stands for: its first bits, as many as the order has.
fn leftmost(value: &[u8], order: &BigUint) -> BigUint {
    let n = BigUint::from_bytes_be(value);
    let (bits, wanted) = (8 * value.len() as u64, order.bits());
    if bits > wanted { n >> (bits - wanted) } else { n }
}

/// A signature's two numbers.
pub(super) fn sign(curve: &Curve, private: &BigUint, value: &[u8]) -> Option<(BigUint, BigUint)> {
    let n = &curve.order;
    let e = leftmost(value, n);
    loop {
        let k = below(n)?;
        let (x, _) = curve.mul(&k, &curve.base)?;
        let r = x % n;
        let s = k.modinv(n)? * ((&e + &r * private) % n) % n;
        if !r.is_zero() && !s.is_zero() {
            return Some((r, s));
        }
    }
}

pub(super) fn verify(
    curve: &Curve,
    public: &(BigUint, BigUint),
    value: &[u8],
    (r, s): (BigUint, BigUint),
) -> Option<bool> {
    let n = &curve.order;
    if r.is_zero() || s.is_zero() || r >= *n || s >= *n {
        return None;
    }
    let w = s.modinv(n)?;
    let (u1, u2) = (leftmost(value, n) * &w % n, &r * &w % n);
    let sum = curve.add(&curve.mul(&u1, &curve.base), &curve.mul(&u2, public));
    Some(sum?.0 % n == r)
}
