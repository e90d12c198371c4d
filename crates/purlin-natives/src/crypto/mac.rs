//! Message authentication codes, and keys derived by them.

use super::cipher::{self, Cipher, Family, Mode};
use super::hash::with_hash;
use super::{badarg, bytes, reference};
use cmac::Cmac;
use hmac::{Hmac, Mac, SimpleHmac, digest::KeyInit};
use parking_lot::Mutex;
use purlin_term::{Atom, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "mac_nif", 4, mac),
    Native::plain("crypto", "mac_init_nif", 3, mac_init),
    Native::plain("crypto", "mac_update_nif", 2, mac_update),
    Native::plain("crypto", "mac_final_nif", 1, mac_final),
    Native::blocking("crypto", "pbkdf2_hmac_nif", 5, pbkdf2_hmac),
];

/// A code under way.
pub(super) trait Code: Send {
    fn add(&mut self, data: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<M: Mac + Send> Code for M {
    fn add(&mut self, data: &[u8]) {
        self.update(data);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().into_bytes().to_vec()
    }
}

/// Poly1305 pads what is not a whole block, so all is kept until the end.
struct Poly1305(Vec<u8>, [u8; 32]);

impl Code for Poly1305 {
    fn add(&mut self, data: &[u8]) {
        self.0.extend_from_slice(data);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        use poly1305::universal_hash::KeyInit;
        poly1305::Poly1305::new(&self.1.into()).compute_unpadded(&self.0).to_vec()
    }
}

/// The CMAC of a cipher; only those with CBC have one.
fn cmac(cipher: &Cipher, key: &[u8]) -> Option<Box<dyn Code>> {
    fn of<M: Mac + KeyInit + Send + 'static>(key: &[u8]) -> Option<Box<dyn Code>> {
        Some(Box::new(<M as KeyInit>::new_from_slice(key).ok()?))
    }
    match (cipher.family, cipher.mode, cipher.key) {
        (Family::Aes, Mode::Cbc, 16) => of::<Cmac<aes::Aes128>>(key),
        (Family::Aes, Mode::Cbc, 24) => of::<Cmac<aes::Aes192>>(key),
        (Family::Aes, Mode::Cbc, 32) => of::<Cmac<aes::Aes256>>(key),
        (Family::Des, Mode::Cbc, _) => of::<Cmac<des::Des>>(key),
        (Family::TripleDes, Mode::Cbc, _) => of::<Cmac<des::TdesEde3>>(key),
        (Family::Blowfish, Mode::Cbc, _) => of::<Cmac<blowfish::Blowfish>>(key),
        _ => None,
    }
}

/// A code of type `args[0]`, subtype `args[1]`, key `args[2]`; the lines are those of OTP's NIF for bad ones.
fn start(ctx: &mut Ctx<'_>, args: &[Term], lines: &Lines) -> Result<Box<dyn Code>, Escape> {
    let at = |line: i64, argument: i64| ("mac.c", line, argument);
    let key = bytes(ctx, args[2], at(lines.key, 2), "Bad key")?;
    match args[0].as_atom().map(Atom::name) {
        Some("hmac") => {
            let name = args[1].as_atom().map_or("", Atom::name);
            fn of<M: Mac + KeyInit + Send + 'static>(key: &[u8]) -> Box<dyn Code> {
                Box::new(<M as KeyInit>::new_from_slice(key).expect("any length will do"))
            }
            let code = match name {
                "blake2b" => Some(of::<SimpleHmac<blake2::Blake2b512>>(&key)),
                "blake2s" => Some(of::<SimpleHmac<blake2::Blake2s256>>(&key)),
                _ => with_hash!(name, D => of::<Hmac<D>>(&key)),
            };
            code.ok_or_else(|| badarg(ctx.heap(), at(lines.digest, 1), "Bad digest algorithm for HMAC"))
        }
        Some("cmac") => {
            let spec = args[1].as_atom().and_then(|name| cipher::named(name.name()));
            let spec = spec.ok_or_else(|| badarg(ctx.heap(), at(lines.cipher, 1), "Unknown cipher"))?;
            if key.len() != spec.key {
                return Err(badarg(ctx.heap(), at(lines.cipher + 3, 2), "Bad key size"));
            }
            cmac(spec, &key).ok_or_else(|| badarg(ctx.heap(), at(lines.cipher, 1), "Unknown cipher"))
        }
        Some("poly1305") => match <[u8; 32]>::try_from(&key[..]) {
            Ok(key) => Ok(Box::new(Poly1305(Vec::new(), key))),
            Err(_) => Err(badarg(ctx.heap(), at(lines.poly1305, 2), "Bad key length")),
        },
        _ => Err(badarg(ctx.heap(), at(lines.unknown, 0), "Unknown mac algorithm")),
    }
}

/// Lines of OTP's `mac.c` that its errors name.
struct Lines {
    key: i64,
    digest: i64,
    cipher: i64,
    poly1305: i64,
    unknown: i64,
}

const AT_ONCE: Lines = Lines { key: 220, digest: 263, cipher: 313, poly1305: 235, unknown: 233 };
const IN_PARTS: Lines = Lines { key: 580, digest: 617, cipher: 658, poly1305: 589, unknown: 587 };

fn mac(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let data = bytes(ctx, args[3], ("mac.c", 175, 3), "Bad text")?;
    let mut code = start(ctx, args, &AT_ONCE)?;
    ctx.charge(data.len() / 100);
    code.add(&data);
    Ok(ctx.heap().binary(&code.finish()))
}

/// Emptied by `mac_final`.
struct State(Mutex<Option<Box<dyn Code>>>);

fn mac_init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let code = start(ctx, args, &IN_PARTS)?;
    Ok(reference(ctx, State(Mutex::new(Some(code)))))
}

fn mac_update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let data = bytes(ctx, args[1], ("mac.c", 794, 1), "Bad text")?;
    let state: &State = args[0].magic().ok_or_else(|| badarg(ctx.heap(), ("mac.c", 817, 0), "Bad ref"))?;
    ctx.charge(data.len() / 100);
    match &mut *state.0.lock() {
        Some(code) => code.add(&data),
        None => return Err(badarg(ctx.heap(), ("mac.c", 817, 0), "Bad ref")),
    }
    Ok(args[0])
}

fn mac_final(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let state: Option<&State> = args[0].magic();
    let code = state.and_then(|s| s.0.lock().take());
    let code = code.ok_or_else(|| badarg(ctx.heap(), ("mac.c", 847, 0), "Bad ref"))?;
    Ok(ctx.heap().binary(&code.finish()))
}

fn pbkdf2_hmac(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let at = |line: i64, argument: i64| ("pbkdf2_hmac.c", line, argument);
    let name = args[0].as_atom().map_or("", Atom::name);
    if super::hash::digest_size(name).is_none() {
        return Err(badarg(ctx.heap(), at(34, 0), "Bad digest type"));
    }
    if !matches!(name, "sha" | "sha224" | "sha256" | "sha384" | "sha512") {
        return Err(badarg(ctx.heap(), at(38, 0), "Not eligible digest type"));
    }
    let (password, salt) = match (args[1].as_bytes(), args[2].as_bytes()) {
        (None, _) => return Err(badarg(ctx.heap(), at(41, 1), "Not binary")),
        (_, None) => return Err(badarg(ctx.heap(), at(44, 2), "Not binary")),
        (Some(p), Some(s)) => (p, s),
    };
    let number = |ctx: &mut Ctx<'_>, i: usize, line: i64| match args[i].as_usize() {
        None => Err(badarg(ctx.heap(), at(line - 2, i as i64), "Not integer")),
        Some(n) if n > 0 && u32::try_from(n).is_ok() => Ok(n),
        _ => Err(badarg(ctx.heap(), at(line, i as i64), "Must be > 0")),
    };
    let (rounds, length) = (number(ctx, 3, 49)?, number(ctx, 4, 54)?);
    let mut out = vec![0; length];
    with_hash!(name, D => pbkdf2::pbkdf2_hmac::<D>(&password, &salt, rounds as u32, &mut out)).or_badarg()?;
    Ok(ctx.heap().binary(&out))
}
