//! Ciphers that authenticate: GCM, CCM, and ChaCha20 with Poly1305.

use super::block::{Block, block, count, exor};
use super::cipher::{self, Cipher, Mode};
use super::{badarg, bytes, failure};
use ::ghash::GHash;
use ::ghash::universal_hash::{KeyInit, UniversalHash};
use chacha20poly1305::aead::AeadInPlace;
use purlin_term::{Atom, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult};
use subtle::ConstantTimeEq;

pub(super) const NATIVES: &[Native] = &[Native::plain("crypto", "aead_cipher_nif", 7, aead_cipher)];

/// What one call works on.
struct Job<'a> {
    cipher: &'a Cipher,
    key: &'a [u8],
    iv: &'a [u8],
    /// What is authenticated beside the text.
    other: &'a [u8],
    encrypt: bool,
    /// Bytes of the tag.
    tag: usize,
}

fn aead_cipher(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let at = |line: i64, argument: i64| ("aead.c", line, argument);
    let encrypt = args[6].as_bool().ok_or_else(|| badarg(ctx.heap(), at(54, 6), "Bad enc flag"))?;
    let key = bytes(ctx, args[1], at(63, 1), "non-binary key")?;
    let iv = bytes(ctx, args[2], at(65, 2), "non-binary iv")?;
    let mut text = bytes(ctx, args[3], at(67, 3), "non-binary text")?;
    let other = bytes(ctx, args[4], at(69, 4), "non-binary AAD")?;
    let expected = if encrypt { None } else { Some(bytes(ctx, args[5], at(77, 5), "non-binary Tag")?) };
    let tag = match &expected {
        Some(tag) => Some(tag.len()),
        None => args[5].as_usize().filter(|n| u32::try_from(*n).is_ok()),
    };
    let tag = tag.ok_or_else(|| badarg(ctx.heap(), at(73, 5), "Bad Tag length"))?;
    if i32::try_from(tag).is_err() {
        return Err(badarg(ctx.heap(), at(87, 5), "binary too long"));
    }
    let unknown = "Unknown cipher or invalid key size";
    let cipher = args[0].as_atom().map(Atom::name).and_then(cipher::named).filter(|s| s.takes_key(key.len()));
    let Some(cipher) = cipher else { return Err(badarg(ctx.heap(), at(90, 0), unknown)) };
    if !cipher.is_aead() {
        return Err(badarg(ctx.heap(), at(94, 0), "Not aead cipher"));
    }
    let right = match cipher.mode {
        Mode::Ccm => (7..=13).contains(&iv.len()),
        Mode::ChaChaPoly => iv.len() == 12,
        _ => !iv.is_empty(),
    };
    if !right {
        return Err(badarg(ctx.heap(), at(111, 2), "Bad IV length"));
    }
    if cipher.mode == Mode::ChaChaPoly && key.len() != cipher.key {
        return Err(badarg(ctx.heap(), at(90, 0), unknown));
    }
    ctx.charge((text.len() + other.len()) / 100);
    if cipher.mode == Mode::Ccm && (!(4..=16).contains(&tag) || tag % 2 == 1) {
        return Err(badarg(ctx.heap(), at(116, 5), "Can't set tag"));
    }
    if tag == 0 || tag > 16 {
        return match encrypt {
            true => Err(failure(ctx.heap(), am!("error"), at(156, -1), "Can't get Tag")),
            false => Ok(am!("error")),
        };
    }
    let job = Job { cipher, key: &key, iv: &iv, other: &other, encrypt, tag };
    let made = match cipher.mode {
        Mode::Gcm => gcm(&job, &mut text),
        Mode::Ccm => ccm(&job, &mut text),
        _ => chacha(&job, &mut text),
    };
    let made = made.or_badarg()?;
    match expected {
        Some(tag) if made.ct_eq(&tag).into() => Ok(ctx.heap().binary(&text)),
        Some(_) => Ok(am!("error")),
        None => {
            let (text, tag) = (ctx.heap().binary(&text), ctx.heap().binary(&made));
            Ok(ctx.heap().tuple(&[text, tag]))
        }
    }
}

/// Adds the key stream of a counter; only its last `width` bytes count.
fn counted(block: &dyn Block, counter: &[u8], width: usize, text: &mut [u8]) {
    let mut counter = counter.to_vec();
    let fixed = counter.len() - width;
    for part in text.chunks_mut(16) {
        let mut key = counter.clone();
        block.encrypt(&mut key);
        exor(part, &key);
        count(&mut counter[fixed..]);
    }
}

/// Works on the text in place and gives the tag (NIST SP 800-38D).
fn gcm(job: &Job<'_>, text: &mut [u8]) -> Option<Vec<u8>> {
    let block = block(job.cipher.family, job.key)?;
    let mut subkey = [0; 16];
    block.encrypt(&mut subkey);
    let hash = |parts: [&[u8]; 2], bits: [usize; 2]| {
        let mut hash = GHash::new(&subkey.into());
        parts.iter().for_each(|part| hash.update_padded(part));
        let lengths = (bits[0] as u128) << 64 | bits[1] as u128;
        hash.update(&[lengths.to_be_bytes().into()]);
        hash.finalize().to_vec()
    };
    let mut first =
        if job.iv.len() == 12 { [job.iv, &[0, 0, 0, 1]].concat() } else { hash([job.iv, &[]], [0, job.iv.len() * 8]) };
    let mut tag_key = first.clone();
    block.encrypt(&mut tag_key);
    count(&mut first[12..]);
    let authenticate = |text: &[u8]| {
        let mut tag = hash([job.other, text], [job.other.len() * 8, text.len() * 8]);
        exor(&mut tag, &tag_key);
        tag.truncate(job.tag);
        tag
    };
    if job.encrypt {
        counted(&*block, &first, 4, text);
        return Some(authenticate(text));
    }
    let tag = authenticate(text);
    counted(&*block, &first, 4, text);
    Some(tag)
}

/// Works on the text in place and gives the tag (RFC 3610).
fn ccm(job: &Job<'_>, text: &mut [u8]) -> Option<Vec<u8>> {
    let block = block(job.cipher.family, job.key)?;
    let width = 15 - job.iv.len();
    if width < 8 && text.len() as u64 >= 1 << (8 * width) {
        return None;
    }
    let mut counter = [&[width as u8 - 1], job.iv, &vec![0; width]].concat();
    let mut tag_key = counter.clone();
    block.encrypt(&mut tag_key);
    count(&mut counter);
    if !job.encrypt {
        counted(&*block, &counter, width, text);
    }
    let with_other = u8::from(!job.other.is_empty()) << 6;
    let flags = with_other | ((job.tag as u8 - 2) / 2) << 3 | (width as u8 - 1);
    let length = (text.len() as u64).to_be_bytes();
    let mut sum = [&[flags], job.iv, &[0; 8][..width.saturating_sub(8)], &length[8 - width.min(8)..]].concat();
    block.encrypt(&mut sum);
    let prefix = match job.other.len() {
        0 => Vec::new(),
        n if n < 0xFF00 => (n as u16).to_be_bytes().to_vec(),
        n => [&[0xFF, 0xFE][..], &(n as u32).to_be_bytes()].concat(),
    };
    for whole in [&[&prefix[..], job.other].concat()[..], text] {
        for part in whole.chunks(16) {
            exor(&mut sum, part);
            block.encrypt(&mut sum);
        }
    }
    exor(&mut sum, &tag_key);
    sum.truncate(job.tag);
    if job.encrypt {
        counted(&*block, &counter, width, text);
    }
    Some(sum)
}

/// Works on the text in place and gives the tag (RFC 8439).
fn chacha(job: &Job<'_>, text: &mut [u8]) -> Option<Vec<u8>> {
    use chacha20poly1305::KeyInit;
    let nonce = <[u8; 12]>::try_from(job.iv).ok()?;
    let machine = chacha20poly1305::ChaCha20Poly1305::new_from_slice(job.key).ok()?;
    if job.encrypt {
        let tag = machine.encrypt_in_place_detached(&nonce.into(), job.other, text).ok()?;
        return Some(tag[..job.tag].to_vec());
    }
    // The tag of what was received: it is enciphered once more, which gives the plain text as well.
    let received = text.to_vec();
    machine.encrypt_in_place_detached(&nonce.into(), job.other, text).ok()?;
    let mut again = text.to_vec();
    let tag = machine.encrypt_in_place_detached(&nonce.into(), job.other, &mut again).ok()?;
    debug_assert_eq!(again, received);
    Some(tag[..job.tag].to_vec())
}
