//! Message authentication: hashes with a key (HMAC), block ciphers (CMAC), Poly1305; and keys from passwords.
//!
//! Unlike a hash's state, the state of a computation changes with each update.

use super::block::Block;
use super::hash::{self, Hash, Running};
use super::{atoms, bad, bytes, cipher, error};
use parking_lot::Mutex;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use purlin_term::{Magic, Term};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("crypto", "mac_algorithms", 0, |c, _| atoms(c, ["cmac", "hmac", "poly1305"].into_iter())),
    Native::plain("crypto", "mac_nif", 4, mac),
    Native::plain("crypto", "mac_init_nif", 3, mac_init),
    Native::plain("crypto", "mac_update_nif", 2, mac_update),
    Native::plain("crypto", "mac_final_nif", 1, mac_final),
    Native::blocking("crypto", "pbkdf2_hmac_nif", 5, pbkdf2),
];

/// A computation with its key.
enum Mac {
    Hmac(Hmac),
    Cmac(Cmac),
    Poly1305 { key: [u8; 32], data: Vec<u8> },
}

/// A hash over a key and the data, inside a hash over the key.
struct Hmac {
    inner: Box<dyn Running>,
    outer: Box<dyn Running>,
}

impl Hmac {
    fn new(hash: &Hash, key: &[u8]) -> Hmac {
        let mut block = key.to_vec();
        if block.len() > hash.block {
            let mut running = (hash.start)();
            running.update(key);
            block = running.finish();
        }
        block.resize(hash.block, 0);
        let keyed = |pad: u8| {
            let mut running = (hash.start)();
            running.update(&block.iter().map(|b| b ^ pad).collect::<Vec<_>>());
            running
        };
        Hmac { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    fn of(&self, data: &[u8]) -> Vec<u8> {
        let mut inner = self.inner.copy();
        inner.update(data);
        let mut outer = self.outer.copy();
        outer.update(&inner.finish());
        outer.finish()
    }
}

/// Blocks chained through a cipher; the last one is kept back, as it gets a key of its own.
struct Cmac {
    block: Block,
    state: Vec<u8>,
    last: Vec<u8>,
}

impl Cmac {
    fn new(block: Block) -> Cmac {
        let state = vec![0; block.size()];
        Cmac { block, state, last: Vec::new() }
    }

    fn update(&mut self, data: &[u8]) {
        let size = self.block.size();
        for &b in data {
            if self.last.len() == size {
                self.mix();
                self.block.encrypt(&mut self.state);
                self.last.clear();
            }
            self.last.push(b);
        }
    }

    fn mix(&mut self) {
        self.state.iter_mut().zip(&self.last).for_each(|(s, b)| *s ^= b);
    }

    fn finish(&mut self) -> Vec<u8> {
        let size = self.block.size();
        let mut key = vec![0; size];
        self.block.encrypt(&mut key);
        double(&mut key);
        if self.last.len() < size {
            self.last.push(0x80);
            self.last.resize(size, 0);
            double(&mut key);
        }
        self.mix();
        self.state.iter_mut().zip(&key).for_each(|(s, k)| *s ^= k);
        let mut out = self.state.clone();
        self.block.encrypt(&mut out);
        out
    }
}

/// Multiplies by x in the field of CMAC's blocks of 8 or 16 bytes.
fn double(n: &mut [u8]) {
    let carry = n[0] >> 7;
    for i in 0..n.len() {
        n[i] = n[i] << 1 | n.get(i + 1).map_or(0, |next| next >> 7);
    }
    let reduction = if n.len() == 8 { 0x1b } else { 0x87 };
    n[n.len() - 1] ^= carry * reduction;
}

impl Mac {
    fn new(ctx: &mut Ctx<'_>, kind: Term, sub: Term, key: &[u8]) -> Result<Mac, Escape> {
        match kind.as_atom().map(|k| k.name()) {
            Some("hmac") => match hash::named(sub) {
                Some(hash) => Ok(Mac::Hmac(Hmac::new(hash, key))),
                None => Err(bad(ctx, 1, "Bad digest algorithm for HMAC")),
            },
            Some("cmac") => match cipher::for_cmac(sub, key) {
                Ok(Some(block)) => Ok(Mac::Cmac(Cmac::new(block))),
                Ok(None) => Err(error(ctx, "No message authentication with this cipher")),
                Err(cipher::Unusable::Name) => Err(bad(ctx, 1, "Unknown cipher")),
                Err(cipher::Unusable::Key) => Err(bad(ctx, 2, "Bad key size")),
            },
            Some("poly1305") => match key.try_into() {
                Ok(key) => Ok(Mac::Poly1305 { key, data: Vec::new() }),
                Err(_) => Err(bad(ctx, 2, "Bad key length")),
            },
            _ => Err(bad(ctx, 0, "Unknown mac algorithm")),
        }
    }

    fn update(&mut self, more: &[u8]) {
        match self {
            Mac::Hmac(h) => h.inner.update(more),
            Mac::Cmac(c) => c.update(more),
            Mac::Poly1305 { data, .. } => data.extend_from_slice(more),
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        match self {
            Mac::Hmac(h) => h.of(&[]),
            Mac::Cmac(c) => c.finish(),
            Mac::Poly1305 { key, data } => Poly1305::new(&(*key).into()).compute_unpadded(data).to_vec(),
        }
    }
}

fn mac(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let key = bytes(ctx, a[2], 2, "Bad key")?;
    let text = bytes(ctx, a[3], 3, "Bad text")?;
    let mut mac = Mac::new(ctx, a[0], a[1], &key)?;
    mac.update(&text);
    Ok(ctx.heap().binary(&mac.finish()))
}

struct State(Mutex<Mac>);

fn mac_init(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let key = bytes(ctx, a[2], 2, "Bad key")?;
    let mac = Mac::new(ctx, a[0], a[1], &key)?;
    let id = ctx.engine.next_ref();
    Ok(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(State(Mutex::new(mac))) })))
}

fn state<'a>(ctx: &mut Ctx<'_>, t: Term) -> Result<&'a State, Escape> {
    t.magic().ok_or_else(|| bad(ctx, 0, "Bad ref"))
}

fn mac_update(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let text = bytes(ctx, a[1], 1, "Bad text")?;
    state(ctx, a[0])?.0.lock().update(&text);
    Ok(a[0])
}

fn mac_final(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let out = state(ctx, a[0])?.0.lock().finish();
    Ok(ctx.heap().binary(&out))
}

/// A key from a password and a salt: many HMACs, each over the former one, all combined.
fn pbkdf2(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(hash) = hash::named(a[0]) else { return Err(bad(ctx, 0, "Bad digest type")) };
    if !matches!(hash.name, "sha" | "sha224" | "sha256" | "sha384" | "sha512") {
        return Err(bad(ctx, 0, "Not eligible digest type"));
    }
    let Some(password) = a[1].as_bytes() else { return Err(bad(ctx, 1, "Not binary")) };
    let Some(salt) = a[2].as_bytes() else { return Err(bad(ctx, 2, "Not binary")) };
    let rounds = positive(ctx, a[3], 3)?;
    let length = positive(ctx, a[4], 4)? as usize;
    let hmac = Hmac::new(hash, &password);
    let mut key = Vec::new();
    for number in 1u32.. {
        let mut one = hmac.of(&[&salt[..], &number.to_be_bytes()].concat());
        let mut all = one.clone();
        for _ in 1..rounds {
            one = hmac.of(&one);
            all.iter_mut().zip(&one).for_each(|(a, b)| *a ^= b);
        }
        key.extend(all);
        if key.len() >= length {
            break;
        }
    }
    key.truncate(length);
    Ok(ctx.heap().binary(&key))
}

fn positive(ctx: &mut Ctx<'_>, t: Term, argument: i64) -> Result<u64, Escape> {
    match t.as_small().and_then(|n| u64::try_from(n).ok()) {
        None => Err(bad(ctx, argument, "Not integer")),
        Some(0) => Err(bad(ctx, argument, "Must be > 0")),
        Some(n) => Ok(n),
    }
}
