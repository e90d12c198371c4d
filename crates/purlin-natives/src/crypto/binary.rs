//! Fields of characteristic two: polynomials over two elements, modulo one of few terms. An element is a fixed number of
//! words, so that the time of an operation depends on the field alone.

use num_bigint::BigUint;

/// Words of an element of the largest field, and one for what a table of multiples shifts out.
const WORDS: usize = 12;

/// Bits of the largest field.
pub(super) const MAX_BITS: usize = 661;

/// An element, the lowest word first.
pub(super) type Element = [u64; WORDS];

/// A field: its degree, and the further terms of its polynomial.
pub(super) struct BinaryField<'a> {
    degree: usize,
    terms: &'a [usize],
    /// Words that elements use.
    words: usize,
}

impl<'a> BinaryField<'a> {
    pub fn new(degree: usize, terms: &'a [usize]) -> BinaryField<'a> {
        debug_assert!(degree <= MAX_BITS && terms.iter().all(|&term| term < degree));
        BinaryField { degree, terms, words: degree / 64 + 1 }
    }

    /// The element of a number, which has no more bits than the field.
    pub fn read(&self, n: &BigUint) -> Element {
        let mut x = [0; WORDS];
        x.iter_mut().zip(n.iter_u64_digits()).for_each(|(to, from)| *to = from);
        x
    }

    pub fn write(&self, x: &Element) -> BigUint {
        let bytes: Vec<u8> = x.iter().flat_map(|word| word.to_le_bytes()).collect();
        BigUint::from_bytes_le(&bytes)
    }

    pub fn add(&self, x: &Element, y: &Element) -> Element {
        std::array::from_fn(|i| x[i] ^ y[i])
    }

    /// Takes four bits at a time of every word of `x`, by a table of the multiples of `y`.
    pub fn mul(&self, x: &Element, y: &Element) -> Element {
        let n = self.words;
        let mut table = [[0u64; WORDS]; 16];
        table[1] = *y;
        for i in 1..8 {
            let twice = shifted(&table[i], 1);
            table[2 * i] = twice;
            table[2 * i + 1] = self.add(&twice, y);
        }
        let mut product = [0u64; 2 * WORDS];
        for nibble in (0..16).rev() {
            for (at, &word) in x[..n].iter().enumerate() {
                let multiple = &table[(word >> (4 * nibble) & 15) as usize];
                product[at..=at + n].iter_mut().zip(multiple).for_each(|(to, from)| *to ^= from);
            }
            if nibble > 0 {
                product = shifted(&product, 4);
            }
        }
        self.reduced(product)
    }

    pub fn square(&self, x: &Element) -> Element {
        let mut product = [0u64; 2 * WORDS];
        for (pair, &word) in product.chunks_exact_mut(2).zip(x) {
            pair[0] = spread(word as u32);
            pair[1] = spread((word >> 32) as u32);
        }
        self.reduced(product)
    }

    /// What a polynomial is modulo the field's.
    pub fn reduced(&self, mut product: [u64; 2 * WORDS]) -> Element {
        let (top, bits) = (self.degree / 64, self.degree % 64);
        for i in (top + 1..2 * WORDS).rev() {
            // Once, unless a term stands within a word of the highest one.
            while product[i] != 0 {
                let word = std::mem::take(&mut product[i]);
                self.terms.iter().for_each(|term| add_at(&mut product, 64 * i - self.degree + term, word));
            }
        }
        while product[top] >> bits != 0 {
            let word = product[top] >> bits;
            product[top] ^= word << bits;
            self.terms.iter().for_each(|&term| add_at(&mut product, term, word));
        }
        std::array::from_fn(|i| product[i])
    }
}

fn shifted<const N: usize>(x: &[u64; N], by: usize) -> [u64; N] {
    std::array::from_fn(|i| x[i] << by | if i > 0 { x[i - 1] >> (64 - by) } else { 0 })
}

/// Adds a word whose lowest bit stands at this place.
fn add_at(digits: &mut [u64], place: usize, word: u64) {
    let (at, by) = (place / 64, place % 64);
    digits[at] ^= word << by;
    if by > 0 {
        digits[at + 1] ^= word >> (64 - by);
    }
}

/// The bits of a number with a zero before each.
fn spread(x: u32) -> u64 {
    let mut x = u64::from(x);
    for (by, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        x = (x | x << by) & mask;
    }
    x
}

/// Swaps two elements, or does not, in the same time.
pub(super) fn swap_if(swaps: bool, x: &mut Element, y: &mut Element) {
    let mask = u64::from(swaps).wrapping_neg();
    for (x, y) in x.iter_mut().zip(y) {
        let both = (*x ^ *y) & mask;
        *x ^= both;
        *y ^= both;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::{One, Zero};

    /// The product, a bit at a time.
    fn product(x: &BigUint, y: &BigUint, degree: usize, terms: &[usize]) -> BigUint {
        let mut sum = (0..x.bits()).filter(|&i| x.bit(i)).fold(BigUint::zero(), |sum, i| sum ^ (y << i));
        let modulus = terms.iter().fold(BigUint::one() << degree, |m, &k| m ^ (BigUint::one() << k));
        while sum.bits() > degree as u64 {
            let by = sum.bits() - 1 - degree as u64;
            sum ^= &modulus << by;
        }
        sum
    }

    #[test]
    fn products_and_squares_are_those_of_the_school_book() {
        let fields: &[(usize, &[usize])] = &[
            (113, &[0, 9]),
            (163, &[0, 3, 6, 7]),
            (191, &[0, 9]),
            (239, &[0, 158]),
            (571, &[0, 2, 5, 10]),
            (639, &[0, 16]),
            (640, &[0, 1, 3, 638]),
            (661, &[0, 1, 2, 660]),
            (7, &[0, 1]),
        ];
        let mut seed = BigUint::from(3u8);
        for &(degree, terms) in fields {
            let f = BinaryField::new(degree, terms);
            for _ in 0..20 {
                let mut next = || {
                    seed = (&seed * &seed + 12345u32) % (BigUint::one() << 700u32);
                    &seed % (BigUint::one() << degree)
                };
                let (x, y) = (next(), next());
                let (a, b) = (f.read(&x), f.read(&y));
                assert_eq!(f.write(&f.mul(&a, &b)), product(&x, &y, degree, terms));
                assert_eq!(f.write(&f.square(&a)), product(&x, &x, degree, terms));
            }
        }
    }
}
