//! RSA: keys, and the paddings of PKCS #1 (v1.5, PSS, OAEP), X9.31 and none.

use super::hash::digest;
use super::numbers::{below, padded_to, prime, random};
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::One;
use purlin_term::Term;

/// A public key.
pub struct Public {
    pub n: BigUint,
    pub e: BigUint,
}

/// A private key, with the primes if they were given.
pub struct Private {
    pub public: Public,
    pub d: BigUint,
    /// Primes, exponents of them, coefficient.
    pub primes: Option<[BigUint; 5]>,
}

impl Public {
    /// From `[E, N]`.
    pub fn read(t: Term) -> Option<Public> {
        let [e, n]: [BigUint; 2] = numbers(t)?.try_into().ok()?;
        (n.bits() > 0 && n.bit(0)).then_some(Public { n, e })
    }

    /// Bytes of the modulus.
    pub fn size(&self) -> usize {
        self.n.bits().div_ceil(8) as usize
    }

    /// The public operation on a block.
    pub fn apply(&self, block: &[u8]) -> Option<Vec<u8>> {
        let m = BigUint::from_bytes_be(block);
        (m < self.n).then(|| padded_to(&m.modpow(&self.e, &self.n), self.size()))
    }
}

/// The numbers of a list of binaries.
pub fn numbers(t: Term) -> Option<Vec<BigUint>> {
    t.as_list()?.iter().map(|n| Some(BigUint::from_bytes_be(&n.as_bytes()?))).collect()
}

impl Private {
    /// From `[E, N, D]`, also with `P1, P2, E1, E2, C`.
    pub fn read(t: Term) -> Option<Private> {
        let mut all = numbers(t)?;
        let primes = match all.len() {
            3 => None,
            8 => all.split_off(3).try_into().ok(),
            _ => return None,
        };
        let [e, n, d] = all.try_into().ok()?;
        let good = n.bits() > 0 && n.bit(0);
        good.then_some(Private { public: Public { n, e }, d, primes })
    }

    /// A new key with a modulus of so many bits.
    pub fn generate(bits: u64, e: &BigUint) -> Option<Private> {
        let one = BigUint::one();
        loop {
            let (p, q) = (prime(bits.div_ceil(2))?, prime(bits / 2)?);
            let (p, q) = if p < q { (q, p) } else { (p, q) };
            if p == q {
                continue;
            }
            let n = &p * &q;
            let lambda = (&p - &one).lcm(&(&q - &one));
            let Some(d) = e.modinv(&lambda) else { continue };
            let primes = [&d % (&p - &one), &d % (&q - &one)];
            let Some(c) = q.modinv(&p) else { continue };
            let [e1, e2] = primes;
            return Some(Private { public: Public { n, e: e.clone() }, d, primes: Some([p, q, e1, e2, c]) });
        }
    }

    /// The private operation on a block. What it is done with is blinded, so that its time tells nothing of it.
    pub fn apply(&self, block: &[u8]) -> Option<Vec<u8>> {
        let n = &self.public.n;
        let m = BigUint::from_bytes_be(block);
        if m >= *n {
            return None;
        }
        let r = below(n)?;
        let unblind = r.modinv(n)?;
        let blinded = m * r.modpow(&self.public.e, n) % n;
        // A result that is wrong for one prime alone gives the other away, and keys with a wrong coefficient are about:
        // what the primes give is checked, and done again without them.
        let s = self.by_primes(&blinded).filter(|s| s.modpow(&self.public.e, n) == blinded);
        let s = s.unwrap_or_else(|| blinded.modpow(&self.d, n));
        Some(padded_to(&(s * unblind % n), self.public.size()))
    }

    fn by_primes(&self, block: &BigUint) -> Option<BigUint> {
        let [p, q, e1, e2, c] = self.primes.as_ref().filter(|all| all[..2].iter().all(|p| p.bits() > 0))?;
        let (a, b) = (block.modpow(e1, p), block.modpow(e2, q));
        let h = (a + p * (&b / p + 1u8) - &b) * c % p;
        Some(b + h * q)
    }
}

/// The header of a hash's value in a signature by PKCS #1 v1.5.
fn digest_info(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "md4" => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x04\x05\x00\x04\x10",
        "md5" => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
        "ripemd160" => b"\x30\x21\x30\x09\x06\x05\x2b\x24\x03\x02\x01\x05\x00\x04\x14",
        "sha" => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        "sha224" => b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
        "sha256" => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        "sha384" => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        "sha512" => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        "sha3_224" => b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x07\x05\x00\x04\x1c",
        "sha3_256" => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20",
        "sha3_384" => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x09\x05\x00\x04\x30",
        "sha3_512" => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0a\x05\x00\x04\x40",
        _ => return None,
    })
}

/// What is signed by PKCS #1 v1.5 of a hash's value; without a hash, of any text.
pub fn info(hash: Option<&str>, value: &[u8]) -> Option<Vec<u8>> {
    Some([hash.map_or(Some(&b""[..]), digest_info)?, value].concat())
}

/// A block of PKCS #1 v1.5: for signatures filled with ones, for secrets with random bytes.
pub fn pad(size: usize, text: &[u8], secret: bool) -> Option<Vec<u8>> {
    let fill = size.checked_sub(text.len() + 3).filter(|n| *n >= 8)?;
    let mut out = vec![0, if secret { 2 } else { 1 }];
    if secret {
        while out.len() < fill + 2 {
            out.extend(random(fill + 2 - out.len())?.into_iter().filter(|b| *b != 0));
        }
    } else {
        out.resize(fill + 2, 0xFF);
    }
    out.push(0);
    out.extend_from_slice(text);
    Some(out)
}

/// The text of such a block.
pub fn unpad(block: &[u8], secret: bool) -> Option<Vec<u8>> {
    let [0, kind, rest @ ..] = block else { return None };
    let end = rest.iter().position(|&b| b == 0).filter(|n| *n >= 8)?;
    let good = if secret { *kind == 2 } else { *kind == 1 && rest[..end].iter().all(|b| *b == 0xFF) };
    good.then(|| rest[end + 1..].to_vec())
}

/// The mask generating function of PKCS #1, over `out`.
fn mask(hash: &str, seed: &[u8], out: &mut [u8]) -> Option<()> {
    let mut stream = Vec::new();
    for counter in 0u32.. {
        if stream.len() >= out.len() {
            break;
        }
        stream.extend(digest(hash, &[seed, &counter.to_be_bytes()].concat())?);
    }
    out.iter_mut().zip(stream).for_each(|(o, m)| *o ^= m);
    Some(())
}

/// How long the salt of a PSS signature is.
#[derive(Clone, Copy)]
pub enum Salt {
    /// As the hash.
    Hash,
    /// As long as fits; a signature's own length when it is checked.
    Free,
    Bytes(usize),
}

/// A block of PSS.
pub fn pss(bits: u64, hash: &str, mgf: &str, value: &[u8], salt: Salt) -> Option<Vec<u8>> {
    let size = (bits - 1).div_ceil(8) as usize;
    let room = size.checked_sub(value.len() + 2)?;
    let length = match salt {
        Salt::Hash => value.len(),
        Salt::Free => room,
        Salt::Bytes(n) => n,
    };
    let fill = room.checked_sub(length)?;
    let salt = random(length)?;
    let h = digest(hash, &[&[0; 8][..], value, &salt].concat())?;
    let mut db = [&vec![0; fill][..], &[1], &salt].concat();
    mask(mgf, &h, &mut db)?;
    db[0] &= 0xFF >> (8 * size as u64 - (bits - 1));
    Some([&db[..], &h, &[0xBC]].concat())
}

/// Whether a block is one of PSS of this hash's value.
pub fn is_pss(block: &[u8], bits: u64, hash: &str, mgf: &str, value: &[u8], salt: Salt) -> Option<bool> {
    let size = (bits - 1).div_ceil(8) as usize;
    let block = match block.len().checked_sub(size)? {
        0 => block,
        1 if block[0] == 0 => &block[1..],
        _ => return None,
    };
    let (db, rest) = block.split_at(size.checked_sub(value.len() + 1)?);
    let (h, 0xBC) = (&rest[..value.len()], *rest.last()?) else { return None };
    let spare = 8 * size as u64 - (bits - 1);
    let mut db = db.to_vec();
    if spare > 0 && db.first()? >> (8 - spare) != 0 {
        return None;
    }
    mask(mgf, h, &mut db)?;
    db[0] &= 0xFF >> spare;
    let one = db.iter().position(|b| *b != 0).filter(|&i| db[i] == 1)?;
    let found = &db[one + 1..];
    let wanted = match salt {
        Salt::Hash => Some(value.len()),
        Salt::Free => None,
        Salt::Bytes(n) => Some(n),
    };
    if wanted.is_some_and(|n| n != found.len()) {
        return None;
    }
    Some(digest(hash, &[&[0; 8][..], value, found].concat())? == h)
}

/// A block of OAEP.
pub fn oaep(size: usize, hash: &str, mgf: &str, label: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let label = digest(hash, label)?;
    let fill = size.checked_sub(text.len() + 2 * label.len() + 2)?;
    let mut seed = random(label.len())?;
    let mut db = [&label[..], &vec![0; fill], &[1], text].concat();
    mask(mgf, &seed, &mut db)?;
    mask(mgf, &db, &mut seed)?;
    Some([&[0][..], &seed, &db].concat())
}

/// The text of such a block.
pub fn from_oaep(block: &[u8], hash: &str, mgf: &str, label: &[u8]) -> Option<Vec<u8>> {
    let label = digest(hash, label)?;
    let (0, rest) = (*block.first()?, &block[1..]) else { return None };
    if rest.len() < 2 * label.len() + 1 {
        return None;
    }
    let (mut seed, mut db) = (rest[..label.len()].to_vec(), rest[label.len()..].to_vec());
    mask(mgf, &db, &mut seed)?;
    mask(mgf, &seed, &mut db)?;
    let text = db.strip_prefix(&label[..])?;
    let one = text.iter().position(|b| *b != 0).filter(|&i| text[i] == 1)?;
    Some(text[one + 1..].to_vec())
}

/// A block of X9.31.
pub fn x931(size: usize, text: &[u8]) -> Option<Vec<u8>> {
    let fill = size.checked_sub(text.len() + 2)?;
    let mut out = if fill == 0 { vec![0x6A] } else { vec![0x6B] };
    if fill > 0 {
        out.resize(fill, 0xBB);
        out.push(0xBA);
    }
    out.extend_from_slice(text);
    out.push(0xCC);
    Some(out)
}

/// The text of such a block.
pub fn from_x931(block: &[u8]) -> Option<Vec<u8>> {
    match block {
        [0x6A, text @ .., 0xCC] => Some(text.to_vec()),
        [0x6B, rest @ .., 0xCC] => {
            let end = rest.iter().position(|&b| b != 0xBB).filter(|&i| rest[i] == 0xBA)?;
            Some(rest[end + 1..].to_vec())
        }
        _ => None,
    }
}
