//! Ciphers with authentication: GCM, CCM, ChaCha20 with Poly1305.

use super::block::{Block, increment};
use super::cipher::{self, Method};
use super::{bad, bytes, error};
use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305};
use ghash::GHash;
use ghash::universal_hash::{KeyInit, UniversalHash};
use purlin_term::{Atom, Term};
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("crypto", "aead_cipher_nif", 7, aead)];

/// Type, key, initial vector, text, associated data, the tag or its length, whether to encrypt.
fn aead(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(encrypt) = a[6].as_bool() else { return Err(bad(ctx, 6, "Bad enc flag")) };
    if a[0].as_atom().is_none() {
        return Err(bad(ctx, 0, "non-atom cipher type"));
    }
    let key = bytes(ctx, a[1], 1, "non-binary key")?;
    let iv = bytes(ctx, a[2], 2, "non-binary iv")?;
    let mut text = bytes(ctx, a[3], 3, "non-binary text")?;
    let data = bytes(ctx, a[4], 4, "non-binary AAD")?;
    let (tag, length) = if encrypt {
        let length = a[5].as_small().and_then(|n| usize::try_from(n).ok());
        let Some(length) = length else { return Err(bad(ctx, 5, "Bad Tag length")) };
        (None, length)
    } else {
        let tag = bytes(ctx, a[5], 5, "non-binary Tag")?;
        let length = tag.len();
        (Some(tag), length)
    };
    let Some(kind) = cipher::named(a[0]).filter(|k| k.key == key.len()) else {
        return Err(bad(ctx, 0, "Unknown cipher or invalid key size"));
    };
    let possible = match kind.method {
        Method::Gcm => !iv.is_empty(),
        Method::Ccm => (7..=13).contains(&iv.len()),
        Method::ChaCha20Poly1305 => iv.len() == 12,
        _ => return Err(bad(ctx, 0, "Not aead cipher")),
    };
    if !possible {
        return Err(bad(ctx, 2, "Bad IV length"));
    }
    if kind.method == Method::Ccm && !(length % 2 == 0 && (4..=16).contains(&length)) {
        return Err(bad(ctx, 5, "Can't set tag"));
    }
    let block = if kind.method == Method::ChaCha20Poly1305 { None } else { Block::aes(&key) };
    let made = match block {
        Some(block) if kind.method == Method::Gcm => Some(gcm(&block, &iv, &data, &mut text, encrypt)),
        Some(block) => ccm(&block, &iv, &data, &mut text, length, encrypt),
        None => chacha20_poly1305(&key, &iv, &data, &mut text, encrypt),
    };
    let Some(made) = made else { return Err(bad(ctx, 3, "Can't set in-text")) };
    match tag {
        None if !(1..=16).contains(&length) => Err(error(ctx, "Can't get Tag")),
        None => {
            let heap = ctx.heap();
            let (text, tag) = (heap.binary(&text), heap.binary(&made[..length]));
            Ok(heap.tuple(&[text, tag]))
        }
        Some(tag) if (1..=16).contains(&length) && same(&tag, &made[..length]) => Ok(ctx.heap().binary(&text)),
        Some(_) => Ok(Term::atom(Atom::ERROR)),
    }
}

/// Compares in the same time wherever the two differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b))) == 0
}

/// Adds the stream of encrypted counters to a text.
fn count(block: &Block, counter: &mut [u8; 16], width: usize, text: &mut [u8]) {
    for part in text.chunks_mut(16) {
        let mut key = *counter;
        block.encrypt(&mut key);
        part.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        increment(&mut counter[16 - width..]);
    }
}

/// Galois counter mode; gives the tag.
fn gcm(block: &Block, iv: &[u8], data: &[u8], text: &mut [u8], encrypt: bool) -> [u8; 16] {
    let mut key = [0; 16];
    block.encrypt(&mut key);
    let start = GHash::new(&key.into());
    let lengths = |a: usize, b: usize| [(a as u64 * 8).to_be_bytes(), (b as u64 * 8).to_be_bytes()].concat();
    let first: [u8; 16] = match <[u8; 12]>::try_from(iv) {
        Ok(iv) => {
            let mut first = [0; 16];
            first[..12].copy_from_slice(&iv);
            first[15] = 1;
            first
        }
        Err(_) => {
            let mut hash = start.clone();
            hash.update_padded(iv);
            hash.update_padded(&lengths(0, iv.len()));
            hash.finalize().into()
        }
    };
    let mut hash = start;
    hash.update_padded(data);
    let mut counter = first;
    increment(&mut counter[12..]);
    if !encrypt {
        hash.update_padded(text);
    }
    count(block, &mut counter, 4, text);
    if encrypt {
        hash.update_padded(text);
    }
    hash.update_padded(&lengths(data.len(), text.len()));
    let mut tag: [u8; 16] = hash.finalize().into();
    count(block, &mut first.clone(), 4, &mut tag);
    tag
}

/// Counter mode with a chain of blocks as tag; none when the text is too long for the vector's length.
fn ccm(block: &Block, iv: &[u8], data: &[u8], text: &mut [u8], tag: usize, encrypt: bool) -> Option<[u8; 16]> {
    let width = 15 - iv.len();
    if width < 8 && text.len() as u64 >> (8 * width) != 0 {
        return None;
    }
    let mut counter = [0; 16];
    counter[0] = width as u8 - 1;
    counter[1..=iv.len()].copy_from_slice(iv);
    let mut head = counter;
    head[0] |= (((tag - 2) / 2) as u8) << 3 | if data.is_empty() { 0 } else { 0x40 };
    head[16 - width..].copy_from_slice(&(text.len() as u64).to_be_bytes()[8 - width..]);
    let mut first = counter;
    increment(&mut counter[16 - width..]);
    if !encrypt {
        count(block, &mut counter, width, text);
    }
    let mut sum = [0; 16];
    let mut chain = |bytes: &[u8]| {
        for part in bytes.chunks(16) {
            sum.iter_mut().zip(part).for_each(|(s, b)| *s ^= b);
            block.encrypt(&mut sum);
        }
    };
    chain(&head);
    if !data.is_empty() {
        let length = match data.len() as u64 {
            n if n < 0xff00 => (n as u16).to_be_bytes().to_vec(),
            n if n <= u32::MAX.into() => [&[0xff, 0xfe][..], &(n as u32).to_be_bytes()].concat(),
            n => [&[0xff, 0xff][..], &n.to_be_bytes()].concat(),
        };
        chain(&[&length[..], data].concat());
    }
    chain(text);
    if encrypt {
        count(block, &mut counter, width, text);
    }
    count(block, &mut first, width, &mut sum);
    Some(sum)
}

/// ChaCha20 with Poly1305; none for a vector of another length than 12 bytes.
fn chacha20_poly1305(key: &[u8], iv: &[u8], data: &[u8], text: &mut [u8], encrypt: bool) -> Option<[u8; 16]> {
    let nonce: [u8; 12] = iv.try_into().ok()?;
    let cipher = ChaCha20Poly1305::new_from_slice(key).ok()?;
    if encrypt {
        return Some(cipher.encrypt_in_place_detached(&nonce.into(), data, text).ok()?.into());
    }
    // The tag is over the encrypted text, which encrypting the decrypted one gives back.
    cipher.encrypt_in_place_detached(&nonce.into(), data, text).ok()?;
    Some(cipher.encrypt_in_place_detached(&nonce.into(), data, &mut text.to_vec()).ok()?.into())
}
