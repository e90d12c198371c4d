//! Block ciphers and the modes that make streams of them.

use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit, generic_array::GenericArray};
use aes::{Aes128, Aes192, Aes256};
use des::TdesEde3;

/// A cipher over blocks of a fixed size.
#[derive(Clone)]
pub enum Block {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
    TripleDes(Box<TdesEde3>),
}

impl Block {
    /// AES with a key of 16, 24 or 32 bytes.
    pub fn aes(key: &[u8]) -> Option<Block> {
        match key.len() {
            16 => Some(Block::Aes128(Box::new(Aes128::new_from_slice(key).ok()?))),
            24 => Some(Block::Aes192(Box::new(Aes192::new_from_slice(key).ok()?))),
            _ => Some(Block::Aes256(Box::new(Aes256::new_from_slice(key).ok()?))),
        }
    }

    /// DES three times, with a key of 24 bytes.
    pub fn triple_des(key: &[u8]) -> Option<Block> {
        Some(Block::TripleDes(Box::new(TdesEde3::new_from_slice(key).ok()?)))
    }

    /// Bytes in a block.
    pub fn size(&self) -> usize {
        if matches!(self, Block::TripleDes(_)) { 8 } else { 16 }
    }

    /// Encrypts one block in place.
    pub fn encrypt(&self, block: &mut [u8]) {
        match self {
            Block::Aes128(c) => c.encrypt_block(GenericArray::from_mut_slice(block)),
            Block::Aes192(c) => c.encrypt_block(GenericArray::from_mut_slice(block)),
            Block::Aes256(c) => c.encrypt_block(GenericArray::from_mut_slice(block)),
            Block::TripleDes(c) => c.encrypt_block(GenericArray::from_mut_slice(block)),
        }
    }

    /// Decrypts one block in place.
    pub fn decrypt(&self, block: &mut [u8]) {
        match self {
            Block::Aes128(c) => c.decrypt_block(GenericArray::from_mut_slice(block)),
            Block::Aes192(c) => c.decrypt_block(GenericArray::from_mut_slice(block)),
            Block::Aes256(c) => c.decrypt_block(GenericArray::from_mut_slice(block)),
            Block::TripleDes(c) => c.decrypt_block(GenericArray::from_mut_slice(block)),
        }
    }
}

/// How blocks follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Ecb,
    Cbc,
    /// Cipher feedback of whole blocks.
    Cfb,
    /// Cipher feedback of single bytes.
    Cfb8,
    Ofb,
    Ctr,
}

/// A block cipher in a mode, with what its next byte depends on.
#[derive(Clone)]
pub struct Chain {
    block: Block,
    mode: Mode,
    encrypt: bool,
    /// The former block, or the counter.
    register: Vec<u8>,
    /// Key bytes not yet used, from `used` on.
    stream: Vec<u8>,
    used: usize,
}

impl Chain {
    pub fn new(block: Block, mode: Mode, iv: &[u8], encrypt: bool) -> Chain {
        let size = block.size();
        Chain { block, mode, encrypt, register: iv.to_vec(), stream: vec![0; size], used: size }
    }

    /// Bytes that must come together: a block, or 1 for a stream.
    pub fn step(&self) -> usize {
        if matches!(self.mode, Mode::Ecb | Mode::Cbc) { self.block.size() } else { 1 }
    }

    /// Encrypts or decrypts data of whole steps in place.
    pub fn apply(&mut self, data: &mut [u8]) {
        match self.mode {
            Mode::Ecb | Mode::Cbc => data.chunks_exact_mut(self.block.size()).for_each(|b| self.block(b)),
            Mode::Cfb8 => data.iter_mut().for_each(|b| self.feed_byte(b)),
            Mode::Cfb => data.iter_mut().for_each(|b| self.feed_block(b)),
            Mode::Ofb | Mode::Ctr => data.iter_mut().for_each(|b| *b ^= self.next_key()),
        }
    }

    fn block(&mut self, data: &mut [u8]) {
        if self.mode == Mode::Ecb {
            return if self.encrypt { self.block.encrypt(data) } else { self.block.decrypt(data) };
        }
        if self.encrypt {
            data.iter_mut().zip(&self.register).for_each(|(b, r)| *b ^= r);
            self.block.encrypt(data);
            self.register.copy_from_slice(data);
        } else {
            let former = std::mem::replace(&mut self.register, data.to_vec());
            self.block.decrypt(data);
            data.iter_mut().zip(&former).for_each(|(b, r)| *b ^= r);
        }
    }

    fn feed_byte(&mut self, b: &mut u8) {
        self.stream.copy_from_slice(&self.register);
        self.block.encrypt(&mut self.stream);
        let cipher = if self.encrypt { *b ^ self.stream[0] } else { *b };
        *b ^= self.stream[0];
        self.register.rotate_left(1);
        *self.register.last_mut().expect("a block has bytes") = cipher;
    }

    fn feed_block(&mut self, b: &mut u8) {
        let at = self.used % self.stream.len();
        let key = self.next_key();
        let cipher = if self.encrypt { *b ^ key } else { *b };
        *b ^= key;
        self.register[at] = cipher;
    }

    fn next_key(&mut self) -> u8 {
        if self.used == self.stream.len() {
            self.stream.copy_from_slice(&self.register);
            self.block.encrypt(&mut self.stream);
            match self.mode {
                Mode::Ctr => increment(&mut self.register),
                Mode::Ofb => self.register.copy_from_slice(&self.stream),
                _ => {}
            }
            self.used = 0;
        }
        self.used += 1;
        self.stream[self.used - 1]
    }
}

/// Adds one to a big-endian number.
pub fn increment(counter: &mut [u8]) {
    for byte in counter.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}
