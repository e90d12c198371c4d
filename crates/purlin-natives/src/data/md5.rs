//! MD5 with a state that programs can hold as a binary between two steps (`erlang:md5_init/0` and so on).

/// Bytes of a state: four 32-bit words, the number of bits so far (64 bits), the bytes of the block begun.
pub const STATE_SIZE: usize = 16 + 8 + BLOCK;

const BLOCK: usize = 64;

/// Left rotations of the four steps of each round.
const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// A digest in the making.
#[derive(Clone)]
pub struct Md5 {
    words: [u32; 4],
    bits: u64,
    block: [u8; BLOCK],
}

impl Md5 {
    pub fn new() -> Md5 {
        Md5 { words: [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476], bits: 0, block: [0; BLOCK] }
    }

    pub fn update(&mut self, data: &[u8]) {
        let begun = (self.bits / 8) as usize % BLOCK;
        self.bits = self.bits.wrapping_add(data.len() as u64 * 8);
        let mut data = data;
        if begun > 0 {
            let n = data.len().min(BLOCK - begun);
            self.block[begun..begun + n].copy_from_slice(&data[..n]);
            if begun + n < BLOCK {
                return;
            }
            data = &data[n..];
            let block = self.block;
            self.words = compress(self.words, &block);
        }
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        for block in blocks {
            self.words = compress(self.words, block);
        }
        self.block[..rest.len()].copy_from_slice(rest);
    }

    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.bits;
        let begun = (bits / 8) as usize % BLOCK;
        let mut padding = [0; BLOCK + 8];
        padding[0] = 0x80;
        let n = if begun < 56 { 56 - begun } else { BLOCK + 56 - begun };
        self.update(&padding[..n]);
        self.update(&bits.to_le_bytes());
        let mut digest = [0; 16];
        for (out, w) in digest.chunks_exact_mut(4).zip(self.words) {
            out.copy_from_slice(&w.to_le_bytes());
        }
        digest
    }

    /// The state as bytes, for [`Md5::from_state`].
    pub fn state(&self) -> [u8; STATE_SIZE] {
        let mut s = [0; STATE_SIZE];
        for (out, w) in s.chunks_exact_mut(4).zip(self.words) {
            out.copy_from_slice(&w.to_le_bytes());
        }
        s[16..24].copy_from_slice(&self.bits.to_le_bytes());
        s[24..].copy_from_slice(&self.block);
        s
    }

    /// A state that [`Md5::state`] gave.
    pub fn from_state(bytes: &[u8]) -> Option<Md5> {
        let bytes: &[u8; STATE_SIZE] = bytes.try_into().ok()?;
        let word = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        Some(Md5 {
            words: [word(0), word(4), word(8), word(12)],
            bits: u64::from(word(16)) | u64::from(word(20)) << 32,
            block: bytes[24..].try_into().ok()?,
        })
    }
}

/// The additive constants: the fractional parts of the sines of 1 to 64.
fn constants() -> &'static [u32; 64] {
    static CONSTANTS: std::sync::OnceLock<[u32; 64]> = std::sync::OnceLock::new();
    CONSTANTS.get_or_init(|| std::array::from_fn(|i| (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32))
}

fn compress(words: [u32; 4], block: &[u8; BLOCK]) -> [u32; 4] {
    let mut m = [0u32; 16];
    for (m, b) in m.iter_mut().zip(block.as_chunks::<4>().0) {
        *m = u32::from_le_bytes(*b);
    }
    let k = constants();
    let [mut a, mut b, mut c, mut d] = words;
    for i in 0..64 {
        let (f, g) = match i / 16 {
            0 => ((b & c) | (!b & d), i),
            1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
            2 => (b ^ c ^ d, (3 * i + 5) % 16),
            _ => (c ^ (b | !d), (7 * i) % 16),
        };
        let sum = a.wrapping_add(f).wrapping_add(k[i]).wrapping_add(m[g]);
        a = d;
        d = c;
        c = b;
        b = b.wrapping_add(sum.rotate_left(ROTATIONS[i / 16][i % 4]));
    }
    let [a0, b0, c0, d0] = words;
    [a0.wrapping_add(a), b0.wrapping_add(b), c0.wrapping_add(c), d0.wrapping_add(d)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn digests_of_the_rfc() {
        for (data, want) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (&"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            let mut m = Md5::new();
            m.update(data.as_bytes());
            assert_eq!(hex(&m.finish()), want, "{data}");
        }
    }

    #[test]
    fn a_state_survives_any_split() {
        let data: Vec<u8> = (0..300u32).map(|i| (i * 7) as u8).collect();
        let mut whole = Md5::new();
        whole.update(&data);
        let want = whole.finish();
        for at in 0..data.len() {
            let mut m = Md5::new();
            m.update(&data[..at]);
            let mut m = Md5::from_state(&m.state()).unwrap();
            m.update(&data[at..]);
            assert_eq!(m.finish(), want, "{at}");
        }
    }
}
