//! Block ciphers behind one face, and the modes that make streams of them.

use super::cipher::{Cipher, Family, Mode};
use super::rc4::Rc4;
use ::cipher::{BlockDecrypt, BlockEncrypt, BlockSizeUser, KeyInit, KeyIvInit, StreamCipher, StreamCipherSeek};

/// A block cipher with its key.
pub(super) trait Block: Send + Sync {
    fn encrypt(&self, block: &mut [u8]);
    fn decrypt(&self, block: &mut [u8]);
    fn size(&self) -> usize;
}

impl<C: BlockEncrypt + BlockDecrypt + BlockSizeUser + Send + Sync> Block for C {
    fn encrypt(&self, block: &mut [u8]) {
        self.encrypt_block(block.into());
    }

    fn decrypt(&self, block: &mut [u8]) {
        self.decrypt_block(block.into());
    }

    fn size(&self) -> usize {
        C::block_size()
    }
}

fn keyed<C: Block + KeyInit + 'static>(key: &[u8]) -> Option<Box<dyn Block>> {
    Some(Box::new(C::new_from_slice(key).ok()?))
}

/// The block cipher of a family; `None` when the key has a wrong size, or there are no blocks.
pub(super) fn block(family: Family, key: &[u8]) -> Option<Box<dyn Block>> {
    match (family, key.len()) {
        (Family::Aes, 16) => keyed::<aes::Aes128>(key),
        (Family::Aes, 24) => keyed::<aes::Aes192>(key),
        (Family::Aes, 32) => keyed::<aes::Aes256>(key),
        (Family::Des, 8) => keyed::<des::Des>(key),
        (Family::TripleDes, 24) => keyed::<des::TdesEde3>(key),
        (Family::Blowfish, 1..) => keyed::<blowfish::Blowfish>(&blowfish_key(key)?),
        (Family::Rc2, 1..=128) => Some(Box::new(rc2::Rc2::new_with_eff_key_len(key, 8 * key.len()))),
        _ => None,
    }
}

/// Blowfish goes round its key, so a short one is the same as itself repeated; what exceeds 56 bytes is not taken.
fn blowfish_key(key: &[u8]) -> Option<Vec<u8>> {
    (1..=56).contains(&key.len()).then(|| if key.len() < 4 { key.repeat(4) } else { key.to_vec() })
}

/// A cipher at work on a stream of bytes.
pub(super) enum Machine {
    Blocks {
        block: Box<dyn Block>,
        mode: Mode,
        encrypt: bool,
        /// The block before, the counter, or the last bytes of cipher text: what the mode chains.
        chain: Vec<u8>,
        /// Key bytes that the mode made of the chain, and how many of them are used.
        stream: (Vec<u8>, usize),
    },
    ChaCha(Box<chacha20::ChaCha20>),
    Rc4(Box<Rc4>),
}

impl Machine {
    /// The sizes of key and initial value have been checked; `None`: the cipher is none for streams.
    pub fn new(cipher: &Cipher, key: &[u8], iv: &[u8], encrypt: bool) -> Option<Machine> {
        if cipher.family == Family::Rc4 {
            return Some(Machine::Rc4(Box::new(Rc4::new(key)?)));
        }
        if cipher.mode == Mode::Stream {
            let (counter, nonce) = iv.split_first_chunk::<4>()?;
            let mut machine = chacha20::ChaCha20::new_from_slices(key, nonce).ok()?;
            machine.try_seek(u64::from(u32::from_le_bytes(*counter)) * 64).ok()?;
            return Some(Machine::ChaCha(Box::new(machine)));
        }
        let block = block(cipher.family, key)?;
        Some(Machine::Blocks { block, mode: cipher.mode, encrypt, chain: iv.to_vec(), stream: (Vec::new(), 0) })
    }

    /// Enciphers or deciphers in place; the modes that want whole blocks get them.
    pub fn run(&mut self, data: &mut [u8]) {
        let (block, mode, encrypt, chain, stream) = match self {
            Machine::ChaCha(machine) => return machine.apply_keystream(data),
            Machine::Rc4(machine) => return machine.run(data),
            Machine::Blocks { block, mode, encrypt, chain, stream } => (&**block, *mode, *encrypt, chain, stream),
        };
        match mode {
            Mode::Ecb => {
                for b in data.chunks_exact_mut(block.size()) {
                    if encrypt { block.encrypt(b) } else { block.decrypt(b) }
                }
            }
            Mode::Cbc => {
                for b in data.chunks_exact_mut(block.size()) {
                    if encrypt {
                        exor(b, chain);
                        block.encrypt(b);
                        chain.copy_from_slice(b);
                    } else {
                        let before = b.to_vec();
                        block.decrypt(b);
                        exor(b, chain);
                        chain.copy_from_slice(&before);
                    }
                }
            }
            Mode::Cfb8 => {
                for byte in data {
                    let mut out = chain.clone();
                    block.encrypt(&mut out);
                    let plain = *byte;
                    *byte ^= out[0];
                    chain.remove(0);
                    chain.push(if encrypt { *byte } else { plain });
                }
            }
            _ => {
                let size = block.size();
                let (key, used) = stream;
                for byte in data {
                    if *used == key.len() {
                        key.clone_from(chain);
                        block.encrypt(key);
                        *used = 0;
                        match mode {
                            Mode::Ctr => count(chain),
                            Mode::Ofb => chain.clone_from(key),
                            // The bytes to come are the next chain.
                            _ => {}
                        }
                    }
                    let before = *byte;
                    *byte ^= key[*used];
                    if mode == Mode::Cfb {
                        chain[*used % size] = if encrypt { *byte } else { before };
                    }
                    *used += 1;
                }
            }
        }
    }
}

/// `to` exclusive-ored with as many bytes of `with`.
pub(super) fn exor(to: &mut [u8], with: &[u8]) {
    to.iter_mut().zip(with).for_each(|(a, b)| *a ^= b);
}

/// Counts a big-endian number up.
pub(super) fn count(number: &mut [u8]) {
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}
