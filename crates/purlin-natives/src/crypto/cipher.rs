//! Which ciphers there are.

/// How a cipher uses its blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Ecb,
    Cbc,
    Ctr,
    Cfb8,
    /// With feedback of a whole block.
    Cfb,
    Ofb,
    Gcm,
    Ccm,
    /// A stream of its own.
    Stream,
    /// ChaCha20 with Poly1305.
    ChaChaPoly,
}

/// What is enciphered block by block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    Aes,
    Des,
    TripleDes,
    Blowfish,
    Rc2,
    Rc4,
    ChaCha,
}

/// A cipher; sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cipher {
    pub name: &'static str,
    pub family: Family,
    pub mode: Mode,
    pub key: usize,
    pub iv: usize,
    /// The number that OpenSSL gives to the algorithm.
    pub number: Option<i64>,
}

impl Cipher {
    pub fn is_aead(&self) -> bool {
        matches!(self.mode, Mode::Gcm | Mode::Ccm | Mode::ChaChaPoly)
    }

    /// Whether OTP's own table lets a key of so many bytes pass; the cipher may refuse it later.
    pub fn takes_key(&self, len: usize) -> bool {
        let fixed = matches!(self.family, Family::Aes | Family::ChaCha);
        !fixed || self.mode == Mode::ChaChaPoly || len == self.key
    }

    /// Bytes that the cipher wants at a time.
    pub fn block(&self) -> usize {
        match (self.mode, self.family) {
            (Mode::Ecb | Mode::Cbc, Family::Aes) => 16,
            (Mode::Ecb | Mode::Cbc, _) => 8,
            _ => 1,
        }
    }
}

const fn cipher(name: &'static str, family: Family, mode: Mode, key: usize, iv: usize, number: i64) -> Cipher {
    Cipher { name, family, mode, key, iv, number: if number == 0 { None } else { Some(number) } }
}

use Family::{Aes, Blowfish, Des, Rc2, Rc4, TripleDes};

pub(super) const CIPHERS: [Cipher; 37] = [
    cipher("aes_128_ecb", Aes, Mode::Ecb, 16, 0, 418),
    cipher("aes_192_ecb", Aes, Mode::Ecb, 24, 0, 422),
    cipher("aes_256_ecb", Aes, Mode::Ecb, 32, 0, 426),
    cipher("aes_128_cbc", Aes, Mode::Cbc, 16, 16, 419),
    cipher("aes_192_cbc", Aes, Mode::Cbc, 24, 16, 423),
    cipher("aes_256_cbc", Aes, Mode::Cbc, 32, 16, 427),
    cipher("aes_128_ctr", Aes, Mode::Ctr, 16, 16, 0),
    cipher("aes_192_ctr", Aes, Mode::Ctr, 24, 16, 0),
    cipher("aes_256_ctr", Aes, Mode::Ctr, 32, 16, 0),
    cipher("aes_128_cfb8", Aes, Mode::Cfb8, 16, 16, 421),
    cipher("aes_192_cfb8", Aes, Mode::Cfb8, 24, 16, 425),
    cipher("aes_256_cfb8", Aes, Mode::Cfb8, 32, 16, 429),
    cipher("aes_128_cfb128", Aes, Mode::Cfb, 16, 16, 421),
    cipher("aes_192_cfb128", Aes, Mode::Cfb, 24, 16, 425),
    cipher("aes_256_cfb128", Aes, Mode::Cfb, 32, 16, 429),
    cipher("aes_128_ofb", Aes, Mode::Ofb, 16, 16, 420),
    cipher("aes_192_ofb", Aes, Mode::Ofb, 24, 16, 424),
    cipher("aes_256_ofb", Aes, Mode::Ofb, 32, 16, 428),
    cipher("aes_128_gcm", Aes, Mode::Gcm, 16, 12, 895),
    cipher("aes_192_gcm", Aes, Mode::Gcm, 24, 12, 898),
    cipher("aes_256_gcm", Aes, Mode::Gcm, 32, 12, 901),
    cipher("aes_128_ccm", Aes, Mode::Ccm, 16, 12, 896),
    cipher("aes_192_ccm", Aes, Mode::Ccm, 24, 12, 899),
    cipher("aes_256_ccm", Aes, Mode::Ccm, 32, 12, 902),
    cipher("chacha20", Family::ChaCha, Mode::Stream, 32, 16, 0),
    cipher("chacha20_poly1305", Family::ChaCha, Mode::ChaChaPoly, 32, 12, 0),
    cipher("des_ecb", Des, Mode::Ecb, 8, 0, 29),
    cipher("des_cbc", Des, Mode::Cbc, 8, 8, 31),
    cipher("des_cfb", Des, Mode::Cfb, 8, 8, 30),
    cipher("des_ede3_cbc", TripleDes, Mode::Cbc, 24, 8, 44),
    cipher("des_ede3_cfb", TripleDes, Mode::Cfb, 24, 8, 61),
    cipher("blowfish_ecb", Blowfish, Mode::Ecb, 16, 0, 0),
    cipher("blowfish_cbc", Blowfish, Mode::Cbc, 16, 8, 91),
    cipher("blowfish_cfb64", Blowfish, Mode::Cfb, 16, 8, 0),
    cipher("blowfish_ofb64", Blowfish, Mode::Ofb, 16, 8, 0),
    cipher("rc2_cbc", Rc2, Mode::Cbc, 16, 8, 37),
    cipher("rc4", Rc4, Mode::Stream, 16, 0, 5),
];

pub(super) fn named(name: &str) -> Option<&'static Cipher> {
    CIPHERS.iter().find(|c| c.name == name)
}
