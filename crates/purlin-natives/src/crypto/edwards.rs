//! Curve25519 and Curve448: key agreement (RFC 7748) and signatures (RFC 8032).

use super::numbers::random;
use super::{badarg, failure};
use num_bigint::BigUint;
use num_traits::{One, Zero};
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use sha2::{Digest, Sha512};
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

pub(super) const NATIVES: &[Native] = &[
    Native::blocking("crypto", "evp_generate_key_nif", 2, generate),
    Native::blocking("crypto", "evp_compute_key_nif", 3, compute),
];

/// Which of the two fields and curves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    C25519,
    C448,
}

/// What is computed with: numbers little-endian, as the standards have them.
struct Params {
    p: BigUint,
    order: BigUint,
    /// The Edwards curve's coefficient, that of x² (1, or -1), and its base point.
    d: BigUint,
    a: BigUint,
    base: (BigUint, BigUint),
    /// The Montgomery curve's (A - 2) / 4, and its base point.
    a24: u32,
    u: u32,
    /// Bits of a secret number, and bytes of a coordinate.
    bits: u64,
    bytes: usize,
}

fn hex(s: &str) -> BigUint {
    BigUint::parse_bytes(s.as_bytes(), 16).expect("a constant of digits")
}

impl Kind {
    /// Bytes of a key for signatures.
    pub(super) fn key(self) -> usize {
        if self == Kind::C25519 { 32 } else { 57 }
    }

    fn params(self) -> Params {
        let one = BigUint::one();
        match self {
            Kind::C25519 => {
                let p = (&one << 255u32) - 19u8;
                let x = "216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a";
                let y = "6666666666666666666666666666666666666666666666666666666666666658";
                Params {
                    order: (&one << 252u32) + hex("14def9dea2f79cd65812631a5cf5d3ed"),
                    d: hex("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3"),
                    a: &p - 1u8,
                    base: (hex(x), hex(y)),
                    p,
                    a24: 121_665,
                    u: 9,
                    bits: 255,
                    bytes: 32,
                }
            }
            Kind::C448 => {
                let p = (&one << 448u32) - (&one << 224u32) - 1u8;
                let x = "4f1970c66bed0ded221d15a622bf36da9e146570470f1767ea6de324a3d3a46412ae1af72ab66511433b80e18b00938e2626a82bc70cc05e";
                let y = "693f46716eb6bc248876203756c9c7624bea73736ca3984087789c1e05a0c2d73ad3ff1ce67c39c4fdbd132c4ed7c8ad9808795bf230fa14";
                Params {
                    order: (&one << 446u32) - hex("8335dc163bb124b65129c96fde933d8d723a70aadc873d6d54a7bb0d"),
                    d: &p - 39_081u32,
                    a: one,
                    base: (hex(x), hex(y)),
                    p,
                    a24: 39_081,
                    u: 5,
                    bits: 448,
                    bytes: 56,
                }
            }
        }
    }
}

fn bytes(n: &BigUint, len: usize) -> Vec<u8> {
    let mut out = n.to_bytes_le();
    out.resize(len, 0);
    out
}

impl Params {
    /// The shared secret of a secret number and a coordinate.
    fn agree(&self, secret: &[u8], u: &[u8]) -> Vec<u8> {
        let p = &self.p;
        let mut k = secret.to_vec();
        let last = k.len() - 1;
        if self.bits == 255 {
            k[0] &= 248;
            k[last] = k[last] & 127 | 64;
        } else {
            k[0] &= 252;
            k[last] |= 128;
        }
        let k = BigUint::from_bytes_le(&k);
        let mut u = u.to_vec();
        if self.bits == 255 {
            u[last] &= 127;
        }
        let u = BigUint::from_bytes_le(&u) % p;
        let sub = |x: &BigUint, y: &BigUint| (x + p - y) % p;
        let (mut x2, mut z2) = (BigUint::one(), BigUint::zero());
        let (mut x3, mut z3) = (u.clone(), BigUint::one());
        for t in (0..self.bits).rev() {
            let bit = k.bit(t);
            if bit {
                std::mem::swap(&mut x2, &mut x3);
                std::mem::swap(&mut z2, &mut z3);
            }
            let (a, b) = ((&x2 + &z2) % p, sub(&x2, &z2));
            let (aa, bb) = (&a * &a % p, &b * &b % p);
            let e = sub(&aa, &bb);
            let (c, d) = ((&x3 + &z3) % p, sub(&x3, &z3));
            let (da, cb) = (d * &a % p, c * &b % p);
            let (sum, difference) = ((&da + &cb) % p, sub(&da, &cb));
            x3 = &sum * &sum % p;
            z3 = (&difference * &difference % p) * &u % p;
            x2 = &aa * &bb % p;
            z2 = &e * (aa + &e * self.a24) % p;
            if bit {
                std::mem::swap(&mut x2, &mut x3);
                std::mem::swap(&mut z2, &mut z3);
            }
        }
        let inverse = z2.modpow(&(p - 2u8), p);
        bytes(&(x2 * inverse % p), self.bytes)
    }

    /// Adds points of the Edwards curve, in projective coordinates.
    fn add(&self, (x1, y1, z1): &Projective, (x2, y2, z2): &Projective) -> Projective {
        let p = &self.p;
        let a = z1 * z2 % p;
        let b = &a * &a % p;
        let c = x1 * x2 % p;
        let d = y1 * y2 % p;
        let e = (&self.d * &c % p) * &d % p;
        let f = (&b + p - &e) % p;
        let g = (b + e) % p;
        let cross = ((x1 + y1) * (x2 + y2) + p + p - &c - &d) % p;
        let x3 = (&a * &f % p) * cross % p;
        let y3 = (a * &g % p) * ((d + p - &self.a * c % p) % p) % p;
        (x3, y3, f * g % p)
    }

    fn mul(&self, k: &BigUint, point: &Projective) -> Projective {
        let mut sum = (BigUint::zero(), BigUint::one(), BigUint::one());
        for bit in (0..k.bits().max(self.order.bits())).rev() {
            sum = self.add(&sum, &sum);
            let more = self.add(&sum, point);
            if k.bit(bit) {
                sum = more;
            }
        }
        sum
    }

    fn base(&self) -> Projective {
        (self.base.0.clone(), self.base.1.clone(), BigUint::one())
    }

    fn encode(&self, kind: Kind, (x, y, z): &Projective) -> Vec<u8> {
        let inverse = z.modpow(&(&self.p - 2u8), &self.p);
        let (x, y) = (x * &inverse % &self.p, y * &inverse % &self.p);
        let mut out = bytes(&y, kind.key());
        if x.bit(0) {
            *out.last_mut().expect("keys are not empty") |= 128;
        }
        out
    }

    fn decode(&self, kind: Kind, given: &[u8]) -> Option<Projective> {
        let p = &self.p;
        let mut given = given.to_vec();
        let last = given.last_mut().filter(|_| kind.key() > 0)?;
        let odd = *last & 128 != 0;
        *last &= 127;
        let y = BigUint::from_bytes_le(&given);
        if y >= *p {
            return None;
        }
        // a x² + y² = 1 + d x² y²
        let yy = &y * &y % p;
        let top = (&yy + p - 1u8) % p;
        let below = (&self.d * &yy + p - &self.a) % p;
        let square = top * below.modinv(p)? % p;
        let x = super::field::Field::Prime(p.clone()).root(&square)?;
        if x.is_zero() && odd {
            return None;
        }
        let x = if x.bit(0) == odd { x } else { p - x };
        Some((x, y, BigUint::one()))
    }

    fn same(&self, (x1, y1, z1): &Projective, (x2, y2, z2): &Projective) -> bool {
        let p = &self.p;
        x1 * z2 % p == x2 * z1 % p && y1 * z2 % p == y2 * z1 % p
    }
}

type Projective = (BigUint, BigUint, BigUint);

/// The hash of the parts that signatures use.
fn hash(kind: Kind, parts: &[&[u8]]) -> Vec<u8> {
    match kind {
        Kind::C25519 => {
            let mut h = Sha512::new();
            parts.iter().for_each(|part| Digest::update(&mut h, part));
            h.finalize().to_vec()
        }
        Kind::C448 => {
            let mut h = Shake256::default();
            parts.iter().for_each(|part| Update::update(&mut h, part));
            let mut out = vec![0; 114];
            h.finalize_xof().read(&mut out);
            out
        }
    }
}

/// What Ed448 puts in front of everything that is signed.
fn domain(kind: Kind) -> &'static [u8] {
    if kind == Kind::C448 { b"SigEd448\0\0" } else { b"" }
}

/// The secret number and the prefix that come from a key.
fn expand(kind: Kind, secret: &[u8]) -> (BigUint, Vec<u8>) {
    let n = kind.key();
    let h = hash(kind, &[secret]);
    let (mut s, prefix) = (h[..n].to_vec(), h[n..].to_vec());
    match kind {
        Kind::C25519 => {
            s[0] &= 248;
            s[31] = s[31] & 127 | 64;
        }
        Kind::C448 => {
            s[0] &= 252;
            s[55] |= 128;
            s[56] = 0;
        }
    }
    (BigUint::from_bytes_le(&s), prefix)
}

pub(super) fn public(kind: Kind, secret: &[u8]) -> Vec<u8> {
    let params = kind.params();
    let (s, _) = expand(kind, secret);
    params.encode(kind, &params.mul(&s, &params.base()))
}

pub(super) fn sign(kind: Kind, secret: &[u8], message: &[u8]) -> Vec<u8> {
    let params = kind.params();
    let (s, prefix) = expand(kind, secret);
    let public = params.encode(kind, &params.mul(&s, &params.base()));
    let r = BigUint::from_bytes_le(&hash(kind, &[domain(kind), &prefix, message])) % &params.order;
    let point = params.encode(kind, &params.mul(&r, &params.base()));
    let k = BigUint::from_bytes_le(&hash(kind, &[domain(kind), &point, &public, message])) % &params.order;
    let number = (r + k * s) % &params.order;
    [point, bytes(&number, kind.key())].concat()
}

pub(super) fn verify(kind: Kind, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let params = kind.params();
    if signature.len() != 2 * kind.key() {
        return false;
    }
    let (point, number) = signature.split_at(kind.key());
    let s = BigUint::from_bytes_le(number);
    let (Some(a), Some(r)) = (params.decode(kind, public), params.decode(kind, point)) else { return false };
    if s >= params.order {
        return false;
    }
    let k = BigUint::from_bytes_le(&hash(kind, &[domain(kind), point, public, message])) % &params.order;
    let left = params.mul(&s, &params.base());
    params.same(&left, &params.add(&r, &params.mul(&k, &a)))
}

/// The kind of a curve's name, and whether it is for key agreement.
fn named(t: Term) -> Option<(Kind, bool)> {
    Some(match t.as_atom()?.name() {
        "x25519" => (Kind::C25519, true),
        "x448" => (Kind::C448, true),
        "ed25519" => (Kind::C25519, false),
        "ed448" => (Kind::C448, false),
        _ => return None,
    })
}

/// The kind of a curve for signatures.
pub(super) fn signing(t: Term) -> Option<Kind> {
    named(t).filter(|n| !n.1).map(|n| n.0)
}

/// `{Public, Private}`
fn generate(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some((kind, agrees)) = named(args[0]) else { return Err(badarg(ctx.heap(), ("evp.c", 132, 0), "Bad curve")) };
    let n = if agrees { kind.params().bytes } else { kind.key() };
    let private = match args[1] == am!("undefined") {
        true => random(n).or_badarg()?,
        false => match args[1].as_bytes().filter(|b| b.len() == n) {
            Some(given) => given.to_vec(),
            None => {
                let text = "Can't EVP_PKEY_new_raw_private_key";
                return Err(failure(ctx.heap(), am!("error"), ("evp.c", 145, 1), text));
            }
        },
    };
    let public = if agrees {
        let params = kind.params();
        params.agree(&private, &bytes(&params.u.into(), params.bytes))
    } else {
        public(kind, &private)
    };
    let (public, private) = (ctx.heap().binary(&public), ctx.heap().binary(&private));
    Ok(ctx.heap().tuple(&[public, private]))
}

fn compute(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some((kind, true)) = named(args[0]) else { return Err(badarg(ctx.heap(), ("evp.c", 43, 0), "Bad curve")) };
    let params = kind.params();
    let mut argument = |t: Term, place: [(&'static str, i64, i64); 2], text: &str| -> Result<Vec<u8>, Escape> {
        let Some(given) = t.as_bytes() else { return Err(badarg(ctx.heap(), place[0], "Binary expected")) };
        if given.len() == params.bytes { Ok(given.to_vec()) } else { Err(badarg(ctx.heap(), place[1], text)) }
    };
    let private = argument(args[2], [("evp.c", 47, 2), ("evp.c", 50, 2)], "Not a valid raw private key")?;
    let others = argument(args[1], [("evp.c", 60, 1), ("evp.c", 63, 1)], "Not a raw public peer key")?;
    let shared = params.agree(&private, &others);
    if shared.iter().all(|b| *b == 0) {
        // The other's key is a point of small order.
        return Err(failure(ctx.heap(), am!("error"), ("evp.c", 79, -1), "Can't EVP_PKEY_derive"));
    }
    Ok(ctx.heap().binary(&shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(s: &str) -> Vec<u8> {
        (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn base_points_are_on_their_curves() {
        for kind in [Kind::C25519, Kind::C448] {
            let params = kind.params();
            let encoded = params.encode(kind, &params.base());
            let read = params.decode(kind, &encoded).unwrap();
            assert!(params.same(&read, &params.base()));
            let zero = params.mul(&params.order, &params.base());
            assert!(params.same(&zero, &(BigUint::zero(), BigUint::one(), BigUint::one())));
        }
    }

    #[test]
    fn the_first_signature_of_the_standard() {
        let secret = bytes_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public_key = public(Kind::C25519, &secret);
        assert_eq!(public_key, bytes_of("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
        let signature = sign(Kind::C25519, &secret, b"");
        assert!(verify(Kind::C25519, &public_key, b"", &signature));
        assert!(!verify(Kind::C25519, &public_key, b"x", &signature));
    }

    #[test]
    fn what_one_signs_with_ed448_another_can_check() {
        let secret = vec![7; 57];
        let key = public(Kind::C448, &secret);
        let signature = sign(Kind::C448, &secret, b"text");
        assert!(verify(Kind::C448, &key, b"text", &signature) && !verify(Kind::C448, &key, b"test", &signature));
    }
}
