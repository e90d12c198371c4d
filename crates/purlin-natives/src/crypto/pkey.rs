//! Signing, checking, encrypting and decrypting with keys of all kinds; keys of RSA.

use super::hash::{digest, digest_size};
use super::numbers::{below, shortest};
use super::rsa::{self, Private, Public, Salt};
use super::{Place, badarg, ec, edwards, failure};
use num_bigint::BigUint;
use num_traits::Zero;
use purlin_term::{Heap, Term, am, iolist};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::blocking("crypto", "pkey_sign_nif", 5, sign),
    Native::blocking("crypto", "pkey_verify_nif", 6, verify),
    Native::blocking("crypto", "pkey_crypt_nif", 6, crypt),
    Native::blocking("crypto", "rsa_generate_key_nif", 2, generate_rsa),
    Native::plain("crypto", "privkey_to_pubkey_nif", 2, to_public),
];

fn error(h: &mut Heap, place: Place, text: &str) -> Escape {
    failure(h, am!("error"), place, text)
}

fn name(t: Term) -> &'static str {
    t.as_atom().map_or("", |a| a.name())
}

/// The two numbers of a signature in DER, and back.
fn to_der((r, s): (BigUint, BigUint)) -> Vec<u8> {
    let integer = |n: &BigUint| {
        let mut bytes = shortest(n);
        if bytes.first().is_none_or(|b| *b >= 128) {
            bytes.insert(0, 0);
        }
        [&[2][..], &length(bytes.len()), &bytes].concat()
    };
    let inside = [integer(&r), integer(&s)].concat();
    [&[0x30][..], &length(inside.len()), &inside].concat()
}

fn length(n: usize) -> Vec<u8> {
    match n {
        0..=127 => vec![n as u8],
        128..=255 => vec![0x81, n as u8],
        _ => vec![0x82, (n >> 8) as u8, n as u8],
    }
}

fn from_der(bytes: &[u8]) -> Option<(BigUint, BigUint)> {
    /// The contents of the first item with this tag, and what follows it.
    fn item(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        let (&[t, n], rest) = bytes.split_first_chunk()?;
        let (n, rest) = match n {
            0..=127 => (n as usize, rest),
            0x81 => (*rest.first().filter(|n| **n >= 128)? as usize, &rest[1..]),
            0x82 => (usize::from(*rest.first().filter(|n| **n > 0)?) << 8 | *rest.get(1)? as usize, &rest[2..]),
            _ => return None,
        };
        (t == tag && rest.len() >= n).then(|| rest.split_at(n))
    }
    fn number(bytes: &[u8]) -> Option<BigUint> {
        let shortest = match bytes {
            [] => false,
            [0, next, ..] => *next >= 128,
            [first, ..] => *first < 128,
        };
        shortest.then(|| BigUint::from_bytes_be(bytes))
    }
    let (inside, []) = item(bytes, 0x30)? else { return None };
    let (r, rest) = item(inside, 2)?;
    let (s, []) = item(rest, 2)? else { return None };
    Some((number(r)?, number(s)?))
}

/// What is signed: the hash's value, or all of the text when there is no hash or the algorithm has its own.
struct Signed {
    hash: Option<&'static str>,
    value: Vec<u8>,
}

fn signed(ctx: &mut Ctx<'_>, algorithm: Term, hash: Term, data: Term) -> Result<Signed, Escape> {
    let algorithm = name(algorithm);
    if !["rsa", "dss", "ecdsa", "eddsa"].contains(&algorithm) {
        return Err(badarg(ctx.heap(), ("pkey.c", 112, 0), "Bad algorithm"));
    }
    let kind = name(hash);
    let none = matches!(kind, "none" | "undefined");
    if !none && digest_size(kind).is_none() {
        return Err(badarg(ctx.heap(), ("pkey.c", 138, 1), "Bad digest type"));
    }
    let hash = if none { None } else { Some(kind) };
    let given = match data.as_tuple().map(|t| t.to_vec()).or_else(|| data.as_list().map(|l| l.to_vec())).as_deref() {
        Some(&[tag, value]) if tag == am!("digest") => Some(value),
        _ => None,
    };
    if let Some(given) = given {
        let Some(value) = iolist::to_bytes(given) else {
            return Err(badarg(ctx.heap(), ("pkey.c", 188, 2), "Bad 2nd element in list"));
        };
        if hash.and_then(digest_size).is_some_and(|n| n != value.len()) {
            return Err(badarg(ctx.heap(), ("pkey.c", 193, 2), "Bad binary size for the algorithm"));
        }
        return Ok(Signed { hash, value });
    }
    let Some(text) = iolist::to_bytes(data) else {
        return Err(badarg(ctx.heap(), ("pkey.c", 201, 2), "Expected a binary or a list"));
    };
    let value = match hash.filter(|_| algorithm != "eddsa").and_then(|hash| digest(hash, &text)) {
        Some(value) => value,
        None => text,
    };
    Ok(Signed { hash, value })
}

/// Options of a signature.
struct Options {
    padding: &'static str,
    salt: Salt,
    mgf: Option<&'static str>,
}

fn options(ctx: &mut Ctx<'_>, algorithm: Term, t: Term, argument: i64) -> Result<Options, Escape> {
    let mut out = Options { padding: "rsa_pkcs1_padding", salt: Salt::Free, mgf: None };
    let mut fail = |line: i64, text: &str| Err(badarg(ctx.heap(), ("pkey.c", line, argument), text));
    let Some(list) = t.as_list() else { return fail(254, "Expected a list") };
    if !list.is_empty() && name(algorithm) != "rsa" {
        return fail(271, "Only RSA supports Options");
    }
    for item in list.iter() {
        let Some(&[key, value]) = item.as_tuple() else { return fail(277, "Expects only two-tuples in the list") };
        match name(key) {
            "rsa_mgf1_md" if digest_size(name(value)).is_some() => out.mgf = Some(name(value)),
            "rsa_mgf1_md" => return fail(281, "Atom expected as argument to option rsa_mgf1_md"),
            "rsa_padding" => match name(value) {
                known @ ("rsa_pkcs1_padding" | "rsa_pkcs1_pss_padding" | "rsa_x931_padding" | "rsa_no_padding") => {
                    out.padding = known;
                }
                _ => return fail(310, "Bad value in option rsa_padding"),
            },
            "rsa_pss_saltlen" => match value.as_small() {
                Some(-1) => out.salt = Salt::Hash,
                Some(-2) => out.salt = Salt::Free,
                Some(n) if n >= 0 => out.salt = Salt::Bytes(n as usize),
                _ => return fail(316, "Bad value in option rsa_pss_saltlen"),
            },
            _ => return fail(319, "Bad option"),
        }
    }
    Ok(out)
}

/// A key of DSA: the group and the key's number.
struct Dss {
    p: BigUint,
    q: BigUint,
    g: BigUint,
    key: BigUint,
}

impl Dss {
    fn read(t: Term) -> Option<Dss> {
        let [p, q, g, key] = rsa::numbers(t)?.try_into().ok()?;
        (p.bits() > 1 && q.bits() > 1).then_some(Dss { p, q, g, key })
    }

    fn number(&self, value: &[u8]) -> BigUint {
        let n = value.len().min(self.q.bits().div_ceil(8) as usize);
        BigUint::from_bytes_be(&value[..n])
    }

    fn sign(&self, value: &[u8]) -> Option<(BigUint, BigUint)> {
        loop {
            let k = below(&self.q)?;
            let r = self.g.modpow(&k, &self.p) % &self.q;
            let s = k.modinv(&self.q)? * (self.number(value) + &self.key * &r) % &self.q;
            if !r.is_zero() && !s.is_zero() {
                return Some((r, s));
            }
        }
    }

    fn verify(&self, value: &[u8], (r, s): (BigUint, BigUint)) -> Option<bool> {
        if r.is_zero() || s.is_zero() || r >= self.q || s >= self.q {
            return None;
        }
        let w = s.modinv(&self.q)?;
        let (u1, u2) = (self.number(value) * &w % &self.q, &r * &w % &self.q);
        let v = self.g.modpow(&u1, &self.p) * self.key.modpow(&u2, &self.p) % &self.p;
        Some(v % &self.q == r)
    }
}

fn no_engine(ctx: &mut Ctx<'_>, key: Term, argument: i64) -> Result<(), Escape> {
    if !key.is_map() {
        return Ok(());
    }
    Err(badarg(ctx.heap(), ("pkey.c", 345, argument), "Couldn't get engine and/or key id"))
}

fn sign(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    no_engine(ctx, args[3], 3)?;
    let what = signed(ctx, args[0], args[1], args[2])?;
    let options = options(ctx, args[0], args[4], 4)?;
    let mut bad_key =
        |line: i64, kind: &str| badarg(ctx.heap(), ("pkey.c", line, 3), &format!("Couldn't get {kind} private key"));
    let signature = match name(args[0]) {
        "rsa" => {
            let key = Private::read(args[3]).ok_or_else(|| bad_key(357, "RSA"))?;
            let (size, bits) = (key.public.size(), key.public.n.bits());
            let block = match options.padding {
                "rsa_pkcs1_padding" => rsa::info(what.hash, &what.value).and_then(|text| rsa::pad(size, &text, false)),
                "rsa_pkcs1_pss_padding" => what
                    .hash
                    .and_then(|hash| rsa::pss(bits, hash, options.mgf.unwrap_or(hash), &what.value, options.salt)),
                "rsa_x931_padding" => x931_text(what.hash, &what.value).and_then(|text| rsa::x931(size, &text)),
                _ => Some(what.value).filter(|v| v.len() == size),
            };
            let signature = block.and_then(|block| key.apply(&block));
            match options.padding {
                "rsa_x931_padding" => signature.map(|s| smaller(&s, &key.public)),
                _ => signature,
            }
        }
        "ecdsa" => {
            let (curve, secret) = ec_key(args[3], ec::secret).ok_or_else(|| bad_key(362, "ECDSA"))?;
            if ec::may_sign(args[3]) { ec::sign(&curve, &secret, &what.value).map(to_der) } else { None }
        }
        "dss" => {
            let key = Dss::read(args[3]).ok_or_else(|| bad_key(381, "DSA"))?;
            key.sign(&what.value).map(to_der)
        }
        _ => {
            let (kind, secret) = ed_key(args[3]).ok_or_else(|| bad_key(371, "EDDSA"))?;
            Some(edwards::sign(kind, &secret, &what.value))
        }
    };
    match signature {
        Some(signature) => Ok(ctx.heap().binary(&signature)),
        None => Err(error(ctx.heap(), ("pkey.c", 601, -1), "Can't EVP_PKEY_sign")),
    }
}

/// What X9.31 signs of a hash's value: the hash's number stands behind it.
fn x931_text(hash: Option<&str>, value: &[u8]) -> Option<Vec<u8>> {
    let number = match hash? {
        "sha" => 0x33,
        "sha256" => 0x34,
        "sha512" => 0x35,
        "sha384" => 0x36,
        _ => return None,
    };
    Some([value, &[number]].concat())
}

/// A signature of X9.31 is the smaller of two numbers.
fn smaller(signature: &[u8], key: &Public) -> Vec<u8> {
    let s = BigUint::from_bytes_be(signature);
    let other = &key.n - &s;
    super::numbers::padded_to(&s.min(other), key.size())
}

/// The block of X9.31 of either number.
fn x931_block(block: Vec<u8>, key: &Public) -> Vec<u8> {
    if block.last().is_some_and(|b| b & 15 == 12) {
        return block;
    }
    super::numbers::padded_to(&(&key.n - BigUint::from_bytes_be(&block)), key.size())
}

fn ec_key<T>(t: Term, read: impl FnOnce(&super::field::Curve, Term) -> Option<T>) -> Option<(super::field::Curve, T)> {
    let &[curve, key] = t.as_tuple()? else { return None };
    let curve = ec::curve(curve)?;
    let key = read(&curve, key)?;
    Some((curve, key))
}

fn ed_key(t: Term) -> Option<(edwards::Kind, Vec<u8>)> {
    let &[key, curve] = &t.as_list()?[..] else { return None };
    let kind = edwards::signing(curve)?;
    let key = key.as_bytes()?.to_vec();
    (key.len() == kind.key()).then_some((kind, key))
}

fn verify(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    no_engine(ctx, args[4], 4)?;
    let what = signed(ctx, args[0], args[1], args[2])?;
    let options = options(ctx, args[0], args[5], 5)?;
    let Some(signature) = args[3].as_bytes() else {
        return Err(badarg(ctx.heap(), ("pkey.c", 758, 3), "Expected a binary"));
    };
    let mut bad_key =
        |line: i64, kind: &str| badarg(ctx.heap(), ("pkey.c", line, 4), &format!("Couldn't get {kind} public key"));
    let good = match name(args[0]) {
        "rsa" => {
            let key = Public::read(args[4]).ok_or_else(|| bad_key(435, "RSA"))?;
            let block = Some(&signature).filter(|s| s.len() == key.size()).and_then(|s| key.apply(s));
            block.and_then(|block| match options.padding {
                "rsa_pkcs1_padding" => Some(rsa::unpad(&block, false)? == rsa::info(what.hash, &what.value)?),
                "rsa_pkcs1_pss_padding" => {
                    let hash = what.hash?;
                    let bits = key.n.bits();
                    rsa::is_pss(&block, bits, hash, options.mgf.unwrap_or(hash), &what.value, options.salt)
                }
                "rsa_x931_padding" => {
                    Some(rsa::from_x931(&x931_block(block, &key))? == x931_text(what.hash, &what.value)?)
                }
                _ => Some(block == what.value),
            })
        }
        "ecdsa" => {
            let read = |curve: &super::field::Curve, key: Term| curve.decode(&key.as_bytes()?);
            let (curve, public) = ec_key(args[4], read).ok_or_else(|| bad_key(440, "ECDSA"))?;
            from_der(&signature).and_then(|s| ec::verify(&curve, &public, &what.value, s))
        }
        "dss" => {
            let key = Dss::read(args[4]).ok_or_else(|| bad_key(459, "DSA"))?;
            from_der(&signature).and_then(|s| key.verify(&what.value, s))
        }
        _ => {
            let (kind, public) = ed_key(args[4]).ok_or_else(|| bad_key(449, "EDDSA"))?;
            Some(edwards::verify(kind, &public, &what.value, &signature))
        }
    };
    Ok(Term::bool(good == Some(true)))
}

/// Options of encryption.
struct Encryption {
    padding: &'static str,
    label: Vec<u8>,
    hash: &'static str,
    mgf: Option<&'static str>,
    /// Of what hash the text is the value: then the private key signs it.
    signed: Option<&'static str>,
}

impl Encryption {
    /// What a private key is applied to, but for the padding.
    fn enclose(&self, text: &[u8]) -> Option<Vec<u8>> {
        if self.signed.is_some_and(|hash| digest_size(hash) != Some(text.len())) {
            return None;
        }
        match self.padding {
            "rsa_x931_padding" => x931_text(self.signed, text),
            _ => rsa::info(self.signed, text),
        }
    }

    /// The text within what a public key has brought to light.
    fn disclose(&self, inside: &[u8]) -> Option<Vec<u8>> {
        let Some(size) = self.signed.and_then(digest_size) else {
            return (self.padding != "rsa_x931_padding").then(|| inside.to_vec());
        };
        let text = if self.padding == "rsa_x931_padding" {
            inside.get(..size)?
        } else {
            inside.get(inside.len().checked_sub(size)?..)?
        };
        (self.enclose(text)? == inside).then(|| text.to_vec())
    }
}

fn encryption(ctx: &mut Ctx<'_>, t: Term) -> Result<Encryption, Escape> {
    let mut out = Encryption { padding: "rsa_pkcs1_padding", label: Vec::new(), hash: "sha", mgf: None, signed: None };
    let mut fail = |line: i64, text: &str| Err(badarg(ctx.heap(), ("pkey.c", line, 3), text));
    let Some(list) = t.as_list() else { return fail(895, "Expected a list") };
    for item in list.iter() {
        let Some(&[key, value]) = item.as_tuple() else { return fail(924, "Expect only two-tuples in the list") };
        match name(key) {
            "rsa_padding" | "rsa_pad" => match name(value) {
                known @ ("rsa_pkcs1_padding" | "rsa_pkcs1_oaep_padding" | "rsa_x931_padding" | "rsa_no_padding") => {
                    out.padding = known;
                }
                _ => return fail(949, "Bad padding type in option rsa_padding"),
            },
            "signature_md" if digest_size(name(value)).is_some() => out.signed = Some(name(value)),
            "signature_md" => return fail(953, "Atom expected as argument to option signature_md"),
            "rsa_mgf1_md" if digest_size(name(value)).is_some() => out.mgf = Some(name(value)),
            "rsa_mgf1_md" => return fail(964, "Atom expected as argument to option rsa_mgf1_md"),
            "rsa_oaep_label" => match value.as_bytes() {
                Some(label) => out.label = label.to_vec(),
                None => return fail(978, "Binary expected for option rsa_oaep_label"),
            },
            "rsa_oaep_md" if digest_size(name(value)).is_some() => out.hash = name(value),
            "rsa_oaep_md" => return fail(986, "Atom expected as argument to option rsa_oaep_md"),
            _ => return fail(997, "Unknown option"),
        }
    }
    Ok(out)
}

/// `pkey_crypt_nif(Algorithm, In, Key, Options, IsPrivate, IsEncrypt)`
fn crypt(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    no_engine(ctx, args[2], 2)?;
    let options = encryption(ctx, args[3])?;
    let Some(text) = args[1].as_bytes() else { return Err(badarg(ctx.heap(), ("pkey.c", 1052, 1), "Binary expected")) };
    if name(args[0]) != "rsa" {
        return Err(badarg(ctx.heap(), ("pkey.c", 387, 0), "Bad algorithm"));
    }
    let (private, encrypts) = (args[4] == Term::bool(true), args[5] == Term::bool(true));
    let bad_key = |line: i64, kind: &str| (("pkey.c", line, 2), format!("Couldn't get RSA {kind} key"));
    enum Key {
        Public(Public),
        Private(Private),
    }
    let key = if private { Private::read(args[2]).map(Key::Private) } else { Public::read(args[2]).map(Key::Public) };
    let Some(key) = key else {
        let (place, text) = if private { bad_key(357, "private") } else { bad_key(435, "public") };
        return Err(badarg(ctx.heap(), place, &text));
    };
    let (public, apply): (&Public, &dyn Fn(&[u8]) -> Option<Vec<u8>>) = match &key {
        Key::Public(key) => (key, &|block| key.apply(block)),
        Key::Private(key) => (&key.public, &|block| key.apply(block)),
    };
    let (size, hash) = (public.size(), options.hash);
    let mgf = options.mgf.unwrap_or(hash);
    let result = if encrypts {
        let block = match options.padding {
            _ if !private && options.signed.is_some() => None,
            "rsa_pkcs1_padding" if private => options.enclose(&text).and_then(|text| rsa::pad(size, &text, false)),
            "rsa_pkcs1_padding" => rsa::pad(size, &text, true),
            "rsa_pkcs1_oaep_padding" if !private => rsa::oaep(size, hash, mgf, &options.label, &text),
            "rsa_x931_padding" if private => options.enclose(&text).and_then(|text| rsa::x931(size, &text)),
            "rsa_no_padding" => Some(text.to_vec()).filter(|t| t.len() == size),
            _ => None,
        };
        let result = block.and_then(|block| apply(&block));
        if options.padding == "rsa_x931_padding" { result.map(|r| smaller(&r, public)) } else { result }
    } else {
        let block = Some(&text).filter(|t| t.len() <= size).and_then(|t| apply(t));
        block.and_then(|block| match options.padding {
            _ if private && options.signed.is_some() => None,
            "rsa_pkcs1_padding" if private => rsa::unpad(&block, true),
            "rsa_pkcs1_padding" => options.disclose(&rsa::unpad(&block, false)?),
            "rsa_pkcs1_oaep_padding" if private => rsa::from_oaep(&block, hash, mgf, &options.label),
            "rsa_x931_padding" if !private => options.disclose(&rsa::from_x931(&x931_block(block, public))?),
            "rsa_no_padding" => Some(block),
            _ => None,
        })
    };
    match result {
        Some(result) => Ok(ctx.heap().binary(&result)),
        None => Err(error(ctx.heap(), ("pkey.c", 1184, -1), "Couldn't get the result")),
    }
}

/// `[E, N, D, P1, P2, E1, E2, C]`
fn generate_rsa(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(bits) = args[0].as_usize() else {
        return Err(badarg(ctx.heap(), ("rsa.c", 461, 0), "Can't get unsigned int"));
    };
    if bits < 256 {
        return Err(badarg(ctx.heap(), ("rsa.c", 465, 0), "Can't be < 256"));
    }
    let Some(e) = args[1].as_bytes() else {
        return Err(badarg(ctx.heap(), ("rsa.c", 470, 1), "Can't get binary public exponent"));
    };
    let e = BigUint::from_bytes_be(&e);
    // Keys of the largest size that OpenSSL takes, with an exponent that can have an inverse.
    let key = if bits > 16_384 || !e.bit(0) || e.bits() < 2 { None } else { Private::generate(bits as u64, &e) };
    let Some(Private { public, d, primes: Some([p, q, e1, e2, coefficient]) }) = key else {
        return Err(error(ctx.heap(), ("rsa.c", 492, -1), "Can't generate RSA key-pair"));
    };
    let all = [public.e, public.n, d, p, q, e1, e2, coefficient];
    let all = all.map(|n| ctx.heap().binary(&shortest(&n)));
    Ok(ctx.heap().list(&all))
}

/// The public part of a private key.
fn to_public(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    no_engine(ctx, args[1], 1)?;
    let numbers = match name(args[0]) {
        "rsa" => Private::read(args[1]).map(|key| vec![key.public.e, key.public.n]),
        "dss" => Dss::read(args[1]).map(|key| {
            let y = key.g.modpow(&key.key, &key.p);
            vec![key.p, key.q, key.g, y]
        }),
        _ => None,
    };
    match numbers {
        Some(numbers) => {
            let numbers: Vec<Term> = numbers.iter().map(|n| ctx.heap().binary(&shortest(n))).collect();
            Ok(ctx.heap().list(&numbers))
        }
        None => Err(badarg(ctx.heap(), ("pkey.c", 357, 1), "Couldn't get private key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read_as_strictly_as_they_are_written() {
        let pair = (BigUint::from(200u8), BigUint::from(7u8));
        let der = to_der(pair.clone());
        assert_eq!(der, [0x30, 7, 2, 2, 0, 200, 2, 1, 7]);
        assert_eq!(from_der(&der), Some(pair));
        for bad in [&der[..8], b"", b"\x30", b"\x30\x06\x02\x01\xc8\x02\x01\x07", b"\x30\x80\x02\x01\x01\x02\x01\x01"] {
            assert_eq!(from_der(bad), None, "{bad:?}");
        }
    }
}
