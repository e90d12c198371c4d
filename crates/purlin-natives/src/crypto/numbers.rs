//! Numbers of keys: random ones, primes, and what is between binaries and them.

use num_bigint::BigUint;
use num_traits::{One, Zero};

/// So many random bytes; `None`: there is no memory or no entropy for them.
pub fn random(n: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(n).ok()?;
    out.resize(n, 0);
    getrandom::fill(&mut out).ok()?;
    Some(out)
}

/// A random number from 1 to below `limit`.
pub fn below(limit: &BigUint) -> Option<BigUint> {
    let bits = limit.bits();
    if bits < 2 {
        return None;
    }
    loop {
        let n = bits_of(bits)?;
        if !n.is_zero() && n < *limit {
            return Some(n);
        }
    }
}

/// A random number of so many bits at most.
fn bits_of(bits: u64) -> Option<BigUint> {
    let mut bytes = random(bits.div_ceil(8) as usize)?;
    let spare = (8 - bits % 8) % 8;
    if let Some(first) = bytes.first_mut() {
        *first &= 0xFF >> spare;
    }
    Some(BigUint::from_bytes_be(&bytes))
}

/// A number's bytes, none for zero.
pub fn shortest(n: &BigUint) -> Vec<u8> {
    if n.is_zero() { Vec::new() } else { n.to_bytes_be() }
}

/// The bytes of a number, with zeros in front.
pub fn padded_to(n: &BigUint, len: usize) -> Vec<u8> {
    let bytes = shortest(n);
    let mut out = vec![0; len.saturating_sub(bytes.len())];
    out.extend_from_slice(&bytes);
    out
}

/// A random prime of exactly so many bits, the two highest of which are set.
pub fn prime(bits: u64) -> Option<BigUint> {
    let small = small_primes();
    loop {
        let mut n = bits_of(bits)?;
        n.set_bit(bits - 1, true);
        n.set_bit(bits - 2, true);
        n.set_bit(0, true);
        if small.iter().all(|p| !(&n % p).is_zero()) && is_prime(&n)? {
            return Some(n);
        }
    }
}

fn small_primes() -> Vec<u32> {
    (3..2000u32).step_by(2).filter(|n| (3..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)).collect()
}

/// Miller and Rabin's test, with random bases.
fn is_prime(n: &BigUint) -> Option<bool> {
    let one = BigUint::one();
    let less = n - &one;
    let twos = less.trailing_zeros()?;
    let odd = &less >> twos;
    for _ in 0..20 {
        let mut x = below(&less)?.modpow(&odd, n);
        if x == one || x == less {
            continue;
        }
        let mut passed = false;
        for _ in 1..twos {
            x = &x * &x % n;
            if x == less {
                passed = true;
                break;
            }
        }
        if !passed {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_products() {
        let prime = |s: &str| BigUint::parse_bytes(s.as_bytes(), 10).unwrap();
        let (p, q) = (prime("170141183460469231731687303715884105727"), prime("2305843009213693951"));
        assert_eq!((is_prime(&p), is_prime(&(&p * &q))), (Some(true), Some(false)));
        let n = super::prime(128).unwrap();
        assert_eq!((n.bits(), is_prime(&n)), (128, Some(true)));
    }
}
