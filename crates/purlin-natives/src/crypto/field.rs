//! The points of elliptic curves in short Weierstrass form, over prime fields and over fields of characteristic two.
//!
//! The curves are those that `crypto` passes by their parameters, of any size, so numbers are big integers and the
//! time of an operation depends on them.

use super::binary::{BinaryField, Element, swap_if};
use super::numbers::padded_to;
use num_bigint::BigUint;
use num_traits::{One, Zero};

/// A field: the numbers below a prime, or the polynomials over two elements below one of this degree.
pub enum Field {
    Prime(BigUint),
    Binary { degree: usize, reduction: Vec<usize> },
}

/// A point; `None`: the one at infinity.
pub type Point = Option<(BigUint, BigUint)>;

/// A curve with a base point of this order.
pub struct Curve {
    pub field: Field,
    pub a: BigUint,
    pub b: BigUint,
    pub base: (BigUint, BigUint),
    pub order: BigUint,
}

impl Field {
    /// Bytes of an element.
    pub fn bytes(&self) -> usize {
        match self {
            Field::Prime(p) => p.bits().div_ceil(8) as usize,
            Field::Binary { degree, .. } => degree.div_ceil(8),
        }
    }

    pub fn has(&self, x: &BigUint) -> bool {
        match self {
            Field::Prime(p) => x < p,
            Field::Binary { degree, .. } => x.bits() <= *degree as u64,
        }
    }

    fn add(&self, x: &BigUint, y: &BigUint) -> BigUint {
        match self {
            Field::Prime(p) => (x + y) % p,
            Field::Binary { .. } => x ^ y,
        }
    }

    fn sub(&self, x: &BigUint, y: &BigUint) -> BigUint {
        match self {
            Field::Prime(p) => (x + p - y) % p,
            Field::Binary { .. } => x ^ y,
        }
    }

    fn mul(&self, x: &BigUint, y: &BigUint) -> BigUint {
        match self {
            Field::Prime(p) => x * y % p,
            Field::Binary { degree, reduction } => {
                let f = BinaryField::new(*degree, reduction);
                f.write(&f.mul(&f.read(x), &f.read(y)))
            }
        }
    }

    /// What `x` is multiplied by to give one.
    fn inverse(&self, x: &BigUint) -> Option<BigUint> {
        match self {
            Field::Prime(p) => x.modinv(p),
            Field::Binary { degree, reduction } => {
                if x.is_zero() {
                    return None;
                }
                // Euclid's algorithm on polynomials.
                let mut modulus = BigUint::one() << *degree;
                reduction.iter().for_each(|&k| modulus ^= BigUint::one() << k);
                let (mut u, mut v) = (x.clone(), modulus);
                let (mut g, mut h) = (BigUint::one(), BigUint::zero());
                while !u.is_one() {
                    if u.bits() < v.bits() {
                        std::mem::swap(&mut u, &mut v);
                        std::mem::swap(&mut g, &mut h);
                    }
                    let shift = u.bits() - v.bits();
                    u ^= &v << shift;
                    g ^= &h << shift;
                    if u.is_zero() {
                        return None;
                    }
                }
                let f = BinaryField::new(*degree, reduction);
                let mut digits = [0; _];
                digits.iter_mut().zip(g.iter_u64_digits()).for_each(|(to, from)| *to = from);
                Some(f.write(&f.reduced(digits)))
            }
        }
    }

    /// A number whose square this is, in a prime field.
    pub fn root(&self, x: &BigUint) -> Option<BigUint> {
        let Field::Prime(p) = self else { return None };
        let one = BigUint::one();
        let half = (p - &one) >> 1;
        if x.is_zero() {
            return Some(BigUint::zero());
        }
        if !x.modpow(&half, p).is_one() {
            return None;
        }
        // Tonelli and Shanks.
        let twos = (p - &one).trailing_zeros()?;
        let odd = (p - &one) >> twos;
        let mut z = BigUint::from(2u8);
        while z.modpow(&half, p).is_one() {
            z += 1u8;
        }
        let (mut m, mut c) = (twos, z.modpow(&odd, p));
        let (mut t, mut r) = (x.modpow(&odd, p), x.modpow(&((&odd + &one) >> 1), p));
        while !t.is_one() {
            let mut i = 0;
            let mut square = t.clone();
            while !square.is_one() {
                square = &square * &square % p;
                i += 1;
            }
            let b = c.modpow(&(BigUint::one() << (m - i - 1)), p);
            m = i;
            c = &b * &b % p;
            t = t * &c % p;
            r = r * &b % p;
        }
        Some(r)
    }
}

impl Curve {
    fn right_side(&self, x: &BigUint) -> BigUint {
        let f = &self.field;
        let square = f.mul(x, x);
        let cube = f.mul(&square, x);
        match f {
            Field::Prime(_) => f.add(&f.add(&cube, &f.mul(&self.a, x)), &self.b),
            Field::Binary { .. } => f.add(&f.add(&cube, &f.mul(&self.a, &square)), &self.b),
        }
    }

    fn has(&self, (x, y): &(BigUint, BigUint)) -> bool {
        let f = &self.field;
        if !f.has(x) || !f.has(y) {
            return false;
        }
        let square = f.mul(y, y);
        let left = match f {
            Field::Prime(_) => square,
            Field::Binary { .. } => f.add(&square, &f.mul(x, y)),
        };
        left == self.right_side(x)
    }

    /// Reads a point of the curve: not the one at infinity.
    pub fn decode(&self, bytes: &[u8]) -> Option<(BigUint, BigUint)> {
        let n = self.field.bytes();
        let (&form, rest) = bytes.split_first()?;
        match form {
            4 | 6 | 7 if rest.len() == 2 * n => {
                let point = (BigUint::from_bytes_be(&rest[..n]), BigUint::from_bytes_be(&rest[n..]));
                self.has(&point).then_some(point)
            }
            2 | 3 if rest.len() == n => {
                let Field::Prime(p) = &self.field else { return None };
                let x = BigUint::from_bytes_be(rest);
                if !self.field.has(&x) {
                    return None;
                }
                let y = self.field.root(&self.right_side(&x))?;
                let y = if y.bit(0) == (form == 3) { y } else { p - y };
                Some((x, y))
            }
            _ => None,
        }
    }

    /// The uncompressed form of a point.
    pub fn encode(&self, (x, y): &(BigUint, BigUint)) -> Vec<u8> {
        let n = self.field.bytes();
        [&[4][..], &padded_to(x, n), &padded_to(y, n)].concat()
    }

    pub fn add(&self, p: &Point, q: &Point) -> Point {
        let f = &self.field;
        let (Some((x1, y1)), Some((x2, y2))) = (p, q) else { return p.clone().or_else(|| q.clone()) };
        let binary = matches!(f, Field::Binary { .. });
        let slope = if x1 == x2 {
            let opposite = if binary { &f.add(x1, y1) == y2 } else { f.add(y1, y2).is_zero() };
            if opposite || y1 != y2 {
                return None;
            }
            if binary {
                f.add(x1, &f.mul(y1, &f.inverse(x1)?))
            } else {
                let square = f.mul(x1, x1);
                let top = f.add(&f.add(&f.add(&square, &square), &square), &self.a);
                f.mul(&top, &f.inverse(&f.add(y1, y1))?)
            }
        } else {
            f.mul(&f.sub(y2, y1), &f.inverse(&f.sub(x2, x1))?)
        };
        let square = f.mul(&slope, &slope);
        let x3 = match (binary, x1 == x2) {
            (true, true) => f.add(&f.add(&square, &slope), &self.a),
            (true, false) => f.add(&f.add(&f.add(&f.add(&square, &slope), x1), x2), &self.a),
            (false, _) => f.sub(&f.sub(&square, x1), x2),
        };
        let y3 = f.sub(&f.mul(&slope, &f.sub(x1, &x3)), y1);
        let y3 = if binary { f.add(&y3, &x3) } else { y3 };
        Some((x3, y3))
    }

    pub fn mul(&self, k: &BigUint, p: &(BigUint, BigUint)) -> Point {
        match &self.field {
            Field::Prime(m) => self.mul_prime(k, p, m),
            Field::Binary { degree, reduction } => self.mul_binary(k, p, &BinaryField::new(*degree, reduction)),
        }
    }

    /// By the ladder of Montgomery, on first coordinates as fractions (Lopez and Dahab): `low` and `high` differ by `p`.
    fn mul_binary(&self, k: &BigUint, p: &(BigUint, BigUint), f: &BinaryField<'_>) -> Point {
        if p.0.is_zero() {
            // It is its own opposite.
            return k.bit(0).then(|| p.clone());
        }
        let (px, b, zero, one) = (f.read(&p.0), f.read(&self.b), f.read(&BigUint::zero()), f.read(&BigUint::one()));
        let (mut low, mut high) = ((one, zero), (px, one));
        for bit in (0..k.bits().max(self.order.bits())).rev() {
            let swaps = k.bit(bit);
            swap_if(swaps, &mut low.0, &mut high.0);
            swap_if(swaps, &mut low.1, &mut high.1);
            let (cross, other) = (f.mul(&low.0, &high.1), f.mul(&high.0, &low.1));
            let bottom = f.square(&f.add(&cross, &other));
            high = (f.add(&f.mul(&px, &bottom), &f.mul(&cross, &other)), bottom);
            let (xx, zz) = (f.square(&low.0), f.square(&low.1));
            low = (f.add(&f.square(&xx), &f.mul(&b, &f.square(&zz))), f.mul(&xx, &zz));
            swap_if(swaps, &mut low.0, &mut high.0);
            swap_if(swaps, &mut low.1, &mut high.1);
        }
        let fraction = |(x, z): &(Element, Element)| {
            let inverse = self.field.inverse(&f.write(z))?;
            Some(f.mul(x, &f.read(&inverse)))
        };
        // Infinity has no first coordinate; where the next one is it, this is the opposite of `p`.
        let x = fraction(&low)?;
        let Some(next) = fraction(&high) else {
            return Some((p.0.clone(), &p.0 ^ &p.1));
        };
        let py = f.read(&p.1);
        let (step, far) = (f.add(&x, &px), f.add(&next, &px));
        let sum = f.add(&f.add(&f.mul(&step, &far), &f.square(&px)), &py);
        let inverse = f.read(&self.field.inverse(&p.0)?);
        let y = f.add(&f.mul(&f.mul(&step, &sum), &inverse), &py);
        Some((f.write(&x), f.write(&y)))
    }

    /// In Jacobian coordinates, which need one inverse in all; always adding, so that the steps do not depend on `k`.
    fn mul_prime(&self, k: &BigUint, (px, py): &(BigUint, BigUint), m: &BigUint) -> Point {
        type Jacobian = (BigUint, BigUint, BigUint);
        let sub = |x: BigUint, y: &BigUint| (x + m - y) % m;
        let double = |(x, y, z): &Jacobian| -> Jacobian {
            let yy = y * y % m;
            let s = ((x * &yy) << 2) % m;
            let zz = z * z % m;
            let slope = ((x * x % m) * 3u8 + &self.a * (&zz * &zz % m)) % m;
            let x3 = sub(&slope * &slope % m, &((&s << 1) % m));
            let y3 = sub(&slope * sub(s, &x3) % m, &(((&yy * &yy) << 3) % m));
            let z3 = ((y * z) << 1) % m;
            (x3, y3, z3)
        };
        let add = |(x, y, z): &Jacobian| -> Jacobian {
            if z.is_zero() {
                return (px.clone(), py.clone(), BigUint::one());
            }
            let zz = z * z % m;
            let h = sub(px * &zz % m, x);
            let r = sub(py * (&zz * z % m) % m, y);
            if h.is_zero() {
                return if r.is_zero() { double(&(x.clone(), y.clone(), z.clone())) } else { infinity() };
            }
            let hh = &h * &h % m;
            let hhh = &hh * &h % m;
            let v = x * &hh % m;
            let x3 = sub(sub(&r * &r % m, &hhh), &((&v << 1) % m));
            let y3 = sub(&r * sub(v, &x3) % m, &(y * &hhh % m));
            let z3 = z * &h % m;
            (x3, y3, z3)
        };
        fn infinity() -> (BigUint, BigUint, BigUint) {
            (BigUint::one(), BigUint::one(), BigUint::zero())
        }
        let mut sum = infinity();
        for bit in (0..k.bits().max(self.order.bits())).rev() {
            sum = double(&sum);
            let more = add(&sum);
            if k.bit(bit) {
                sum = more;
            }
        }
        let (x, y, z) = sum;
        let inverse = z.modinv(m).filter(|_| !z.is_zero())?;
        let square = &inverse * &inverse % m;
        Some((x * &square % m, y * (square * inverse % m) % m))
    }
}
