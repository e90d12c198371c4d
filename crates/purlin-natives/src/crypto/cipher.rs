//! Ciphers without authentication, at once or piece by piece.
//!
//! What does not fill a block waits for more; decrypting with PKCS padding also keeps the last whole block back.

use super::block::{Block, Chain, Mode};
use super::{atoms, bad, bytes, error, map_of, random, unsupported};
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use parking_lot::Mutex;
use purlin_term::{Atom, Magic, Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("crypto", "cipher_algorithms", 0, |c, _| atoms(c, CIPHERS.iter().map(|k| k.name))),
    Native::plain("crypto", "cipher_info_nif", 1, cipher_info),
    Native::plain("crypto", "ng_crypto_init_nif", 4, init),
    Native::plain("crypto", "ng_crypto_update_nif", 2, update),
    Native::plain("crypto", "ng_crypto_update_nif", 3, update_with_iv),
    Native::plain("crypto", "ng_crypto_final_nif", 1, last),
    Native::plain("crypto", "ng_crypto_get_data_nif", 1, get_data),
    Native::plain("crypto", "ng_crypto_one_time_nif", 5, one_time),
];

/// How a cipher works.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Aes(Mode),
    TripleDes(Mode),
    ChaCha20,
    /// With authentication.
    Gcm,
    Ccm,
    ChaCha20Poly1305,
}

/// A kind of cipher.
pub struct Kind {
    pub name: &'static str,
    pub method: Method,
    pub key: usize,
    iv: usize,
    /// The number that OpenSSL knows it by.
    number: Option<i64>,
}

const fn kind(name: &'static str, method: Method, key: usize, iv: usize, number: i64) -> Kind {
    Kind { name, method, key, iv, number: if number == 0 { None } else { Some(number) } }
}

static CIPHERS: &[Kind] = &[
    kind("chacha20", Method::ChaCha20, 32, 16, 0),
    kind("aes_256_ofb", Method::Aes(Mode::Ofb), 32, 16, 428),
    kind("aes_192_ofb", Method::Aes(Mode::Ofb), 24, 16, 424),
    kind("aes_128_ofb", Method::Aes(Mode::Ofb), 16, 16, 420),
    kind("des_ede3_cfb", Method::TripleDes(Mode::Cfb), 24, 8, 30),
    kind("aes_128_cbc", Method::Aes(Mode::Cbc), 16, 16, 419),
    kind("aes_192_cbc", Method::Aes(Mode::Cbc), 24, 16, 423),
    kind("aes_256_cbc", Method::Aes(Mode::Cbc), 32, 16, 427),
    kind("aes_128_cfb128", Method::Aes(Mode::Cfb), 16, 16, 421),
    kind("aes_192_cfb128", Method::Aes(Mode::Cfb), 24, 16, 425),
    kind("aes_256_cfb128", Method::Aes(Mode::Cfb), 32, 16, 429),
    kind("aes_128_cfb8", Method::Aes(Mode::Cfb8), 16, 16, 421),
    kind("aes_192_cfb8", Method::Aes(Mode::Cfb8), 24, 16, 425),
    kind("aes_256_cfb8", Method::Aes(Mode::Cfb8), 32, 16, 429),
    kind("aes_128_ecb", Method::Aes(Mode::Ecb), 16, 0, 418),
    kind("aes_192_ecb", Method::Aes(Mode::Ecb), 24, 0, 422),
    kind("aes_256_ecb", Method::Aes(Mode::Ecb), 32, 0, 426),
    kind("chacha20_poly1305", Method::ChaCha20Poly1305, 32, 12, 0),
    kind("aes_256_gcm", Method::Gcm, 32, 12, 901),
    kind("aes_256_ccm", Method::Ccm, 32, 12, 902),
    kind("aes_192_gcm", Method::Gcm, 24, 12, 898),
    kind("aes_192_ccm", Method::Ccm, 24, 12, 899),
    kind("aes_128_gcm", Method::Gcm, 16, 12, 895),
    kind("aes_128_ccm", Method::Ccm, 16, 12, 896),
    kind("aes_256_ctr", Method::Aes(Mode::Ctr), 32, 16, 0),
    kind("aes_192_ctr", Method::Aes(Mode::Ctr), 24, 16, 0),
    kind("aes_128_ctr", Method::Aes(Mode::Ctr), 16, 16, 0),
    kind("des_ede3_cbc", Method::TripleDes(Mode::Cbc), 24, 8, 44),
];

/// Ciphers that OTP knows by name and Purlin has not.
const KNOWN: [&str; 9] = [
    "blowfish_cbc",
    "blowfish_cfb64",
    "blowfish_ecb",
    "blowfish_ofb64",
    "des_cbc",
    "des_cfb",
    "des_ecb",
    "rc2_cbc",
    "rc4",
];

/// Names that stand for the ciphers of several key sizes.
const FAMILIES: [&str; 7] = ["aes_cbc", "aes_cfb8", "aes_cfb128", "aes_ctr", "aes_ecb", "aes_gcm", "aes_ccm"];

/// What is wrong with a cipher's name or key.
pub enum Unusable {
    Name,
    Key,
}

/// The cipher of this name.
pub fn named(t: Term) -> Option<&'static Kind> {
    let name = t.as_atom()?;
    CIPHERS.iter().find(|k| k.name == name.name())
}

/// The block cipher behind a name and a key; none for one whose blocks cannot authenticate.
pub fn for_cmac(t: Term, key: &[u8]) -> Result<Option<Block>, Unusable> {
    let kind = named(t).ok_or(if family(t) { Unusable::Key } else { Unusable::Name })?;
    if key.len() != kind.key {
        return Err(Unusable::Key);
    }
    Ok(match kind.method {
        Method::Aes(Mode::Cbc) => Block::aes(key),
        Method::TripleDes(Mode::Cbc) => Block::triple_des(key),
        _ => None,
    })
}

fn family(t: Term) -> bool {
    t.as_atom().is_some_and(|n| FAMILIES.contains(&n.name()))
}

fn cipher_info(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(kind) = named(a[0]) else {
        let known = a[0].as_atom().is_some_and(|n| KNOWN.contains(&n.name()));
        return Err(if known { Escape::Error(am!("notsup")) } else { Escape::BADARG });
    };
    let (mode, block) = match kind.method {
        Method::Aes(mode) | Method::TripleDes(mode) => match mode {
            Mode::Ecb => (am!("ecb_mode"), kind.key_block()),
            Mode::Cbc => (am!("cbc_mode"), kind.key_block()),
            Mode::Cfb | Mode::Cfb8 => (am!("cfb_mode"), 1),
            Mode::Ofb => (am!("ofb_mode"), 1),
            Mode::Ctr => (am!("ctr_mode"), 1),
        },
        Method::Gcm => (am!("gcm_mode"), 1),
        Method::Ccm => (am!("ccm_mode"), 1),
        Method::ChaCha20 | Method::ChaCha20Poly1305 => (am!("stream_cipher"), 1),
    };
    let facts = [
        (am!("type"), kind.number.map_or(Term::atom(Atom::UNDEFINED), Term::small)),
        (am!("key_length"), Term::small(kind.key as i64)),
        (am!("iv_length"), Term::small(kind.iv as i64)),
        (am!("block_size"), Term::small(block)),
        (am!("prop_aead"), Term::bool(kind.authenticates())),
        (am!("mode"), mode),
    ];
    Ok(map_of(ctx.heap(), &facts))
}

impl Kind {
    pub fn authenticates(&self) -> bool {
        matches!(self.method, Method::Gcm | Method::Ccm | Method::ChaCha20Poly1305)
    }

    fn key_block(&self) -> i64 {
        if matches!(self.method, Method::TripleDes(_)) { 8 } else { 16 }
    }
}

/// How the last block is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// It is not: what is left over is dropped.
    Undefined,
    None,
    Pkcs,
    Zero,
    Random,
}

impl Padding {
    fn of(t: Term) -> Option<Padding> {
        Some(match t.as_atom()?.name() {
            "undefined" => Padding::Undefined,
            "none" => Padding::None,
            "pkcs_padding" => Padding::Pkcs,
            "zero" => Padding::Zero,
            "random" => Padding::Random,
            _ => return None,
        })
    }

    fn term(self) -> Term {
        match self {
            Padding::Undefined => am!("undefined"),
            Padding::None => am!("none"),
            Padding::Pkcs => am!("pkcs_padding"),
            Padding::Zero => am!("zero"),
            Padding::Random => am!("random"),
        }
    }
}

enum Engine {
    Chain(Chain),
    ChaCha20(Box<chacha20::ChaCha20>),
}

/// A cipher at work.
struct Cipher {
    engine: Engine,
    step: usize,
    encrypt: bool,
    padding: Padding,
    /// Input that waits for the rest of its block.
    waiting: Vec<u8>,
    size: i64,
    padded: i64,
}

impl Cipher {
    /// The output that more input gives; none at a cipher's end of keys.
    fn update(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        self.size += data.len() as i64;
        self.feed(data)
    }

    fn feed(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        self.waiting.extend_from_slice(data);
        let mut whole = self.waiting.len() / self.step * self.step;
        if !self.encrypt && self.padding == Padding::Pkcs && self.step > 1 && whole == self.waiting.len() {
            whole = whole.saturating_sub(self.step);
        }
        let rest = self.waiting.split_off(whole);
        let mut out = std::mem::replace(&mut self.waiting, rest);
        match &mut self.engine {
            Engine::Chain(c) => c.apply(&mut out),
            Engine::ChaCha20(c) => c.try_apply_keystream(&mut out).ok()?,
        }
        Some(out)
    }

    /// What comes at the end; why it cannot.
    fn finish(&mut self) -> Result<Vec<u8>, &'static str> {
        let missing = (self.step - self.size as usize % self.step) % self.step;
        if !self.encrypt {
            return match self.padding {
                Padding::Undefined => Ok(Vec::new()),
                Padding::Pkcs if self.step > 1 => self.unpad().ok_or("Can't finalize"),
                _ if self.waiting.is_empty() => Ok(Vec::new()),
                _ => Err("Can't finalize"),
            };
        }
        self.padded = missing as i64;
        match self.padding {
            Padding::Undefined => Ok(Vec::new()),
            Padding::None if missing == 0 => Ok(Vec::new()),
            Padding::None => Err("Padding 'none' but unfilled last block"),
            Padding::Zero => self.feed(&vec![0; missing]).ok_or("Can't pad"),
            Padding::Random => random(missing).and_then(|p| self.feed(&p)).ok_or("Can't pad"),
            Padding::Pkcs => {
                let count = if missing == 0 { self.step } else { missing };
                self.padded = count as i64;
                if self.step == 1 {
                    return Ok(Vec::new());
                }
                self.feed(&vec![count as u8; count]).ok_or("Can't finalize")
            }
        }
    }

    fn unpad(&mut self) -> Option<Vec<u8>> {
        let mut block = std::mem::take(&mut self.waiting);
        if block.len() != self.step {
            return None;
        }
        if let Engine::Chain(c) = &mut self.engine {
            c.apply(&mut block);
        }
        let count = *block.last()? as usize;
        let kept = block.len().checked_sub(count).filter(|_| count > 0)?;
        let right = block[kept..].iter().all(|&b| b as usize == count);
        block.truncate(kept);
        right.then_some(block)
    }
}

/// `true`, `false` or a list of `{encrypt, Boolean}` and `{padding, Padding}`.
fn options(ctx: &mut Ctx<'_>, t: Term, argument: i64) -> Result<(bool, Padding), Escape> {
    if let Some(encrypt) = t.as_bool() {
        return Ok((encrypt, Padding::Undefined));
    }
    let Some(options) = t.as_list() else {
        return Err(bad(ctx, argument, "Options are not a boolean or a proper list"));
    };
    let (mut encrypt, mut padding) = (None, None);
    for option in options {
        let Some(&[tag, value]) = option.as_tuple() else {
            return Err(bad(ctx, argument, "Options must be a property list!"));
        };
        if tag == am!("encrypt") {
            let Some(value) = value.as_bool() else {
                return Err(bad(ctx, argument, "The 'encrypt' option must be a boolean!"));
            };
            if encrypt.replace(value).is_some() {
                return Err(bad(ctx, argument, "'encrypt' option is present more than once!"));
            }
        } else if tag == am!("padding") {
            let Some(value) = Padding::of(value) else { return Err(bad(ctx, argument, "Bad 'padding' option value")) };
            if padding.replace(value).is_some() {
                return Err(bad(ctx, argument, "The 'padding' option is present more than once!"));
            }
        } else {
            let tag = tag.as_atom().map_or("?", |a| a.name());
            return Err(bad(ctx, argument, &format!("Bad tag in option: {tag}")));
        }
    }
    Ok((encrypt.unwrap_or(true), padding.unwrap_or(Padding::Undefined)))
}

/// A cipher from its name, key, initial vector and options; the last one's place differs.
fn start(ctx: &mut Ctx<'_>, a: &[Term], option: usize) -> Result<Cipher, Escape> {
    let (encrypt, padding) = options(ctx, a[option], option as i64)?;
    let key = bytes(ctx, a[1], 1, "Bad key")?;
    let Some(name) = a[0].as_atom() else { return Err(bad(ctx, 0, "Cipher id is not an atom")) };
    let Some(kind) = named(a[0]) else {
        return Err(match name.name() {
            n if KNOWN.contains(&n) => unsupported(ctx, 0, "Cipher not supported by Purlin"),
            n if FAMILIES.contains(&n) => bad(ctx, 1, "Bad key size"),
            _ => bad(ctx, 0, "Unknown cipher"),
        });
    };
    if key.len() != kind.key {
        return Err(bad(ctx, 1, "Bad key size"));
    }
    if a[2] == am!("undefined") && !kind.authenticates() {
        return Err(unsupported(ctx, -1, "Dynamic IV is not supported"));
    }
    let iv = if kind.iv == 0 || kind.authenticates() { Vec::new() } else { bytes(ctx, a[2], 2, "Bad iv type")? };
    if !kind.authenticates() && iv.len() != kind.iv {
        return Err(bad(ctx, 2, "Bad iv size"));
    }
    let chain = |block: Option<Block>, mode| block.map(|b| Engine::Chain(Chain::new(b, mode, &iv, encrypt)));
    let engine = match kind.method {
        Method::Aes(mode) => chain(Block::aes(&key), mode),
        Method::TripleDes(mode) => chain(Block::triple_des(&key), mode),
        Method::ChaCha20 => chacha20(&key, &iv),
        _ => return Err(bad(ctx, 0, "Missing arguments for this cipher")),
    };
    let Some(engine) = engine else { return Err(error(ctx, "Can't initialize key or iv")) };
    let step = match &engine {
        Engine::Chain(c) => c.step(),
        Engine::ChaCha20(_) => 1,
    };
    Ok(Cipher { engine, step, encrypt, padding, waiting: Vec::new(), size: 0, padded: -1 })
}

/// The vector's first four bytes are the number of the block to start at.
fn chacha20(key: &[u8], iv: &[u8]) -> Option<Engine> {
    let (block, nonce) = iv.split_first_chunk::<4>()?;
    let mut cipher = chacha20::ChaCha20::new_from_slices(key, nonce).ok()?;
    cipher.try_seek(u64::from(u32::from_le_bytes(*block)) * 64).ok()?;
    Some(Engine::ChaCha20(Box::new(cipher)))
}

struct State(Mutex<Cipher>);

fn state<'a>(ctx: &mut Ctx<'_>, t: Term) -> Result<&'a State, Escape> {
    t.magic().ok_or_else(|| bad(ctx, 0, "Bad State"))
}

fn init(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let cipher = start(ctx, a, 3)?;
    let id = ctx.engine.next_ref();
    Ok(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(State(Mutex::new(cipher))) })))
}

fn update(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let data = bytes(ctx, a[1], 1, "expected binary")?;
    let out = state(ctx, a[0])?.0.lock().update(&data);
    match out {
        Some(out) => Ok(ctx.heap().binary(&out)),
        None => Err(error(ctx, "Can't update")),
    }
}

fn update_with_iv(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    bytes(ctx, a[1], 1, "expected binary")?;
    state(ctx, a[0])?;
    Err(unsupported(ctx, -1, "Dynamic IV is not supported"))
}

fn last(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let out = state(ctx, a[0])?.0.lock().finish();
    match out {
        Ok(out) => Ok(ctx.heap().binary(&out)),
        Err(text) => Err(error(ctx, text)),
    }
}

fn get_data(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let facts = {
        let cipher = state(ctx, a[0])?.0.lock();
        [
            (am!("size"), Term::small(cipher.size)),
            (am!("padding_size"), Term::small(cipher.padded)),
            (am!("padding_type"), cipher.padding.term()),
            (am!("encrypt"), Term::bool(cipher.encrypt)),
        ]
    };
    Ok(map_of(ctx.heap(), &facts))
}

fn one_time(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let data = bytes(ctx, a[3], 3, "expected binary as data")?;
    let mut cipher = start(ctx, a, 4)?;
    let Some(mut out) = cipher.update(&data) else { return Err(error(ctx, "Can't update")) };
    match cipher.finish() {
        Ok(rest) => out.extend(rest),
        Err(text) => return Err(error(ctx, text)),
    }
    Ok(ctx.heap().binary(&out))
}
