//! Character tables for patterns that are not Unicode: ISO 8859-1, whatever the process's locale is.

use std::sync::OnceLock;

/// Lower case, flipped case, ten class bitmaps, one byte of type bits per character.
const LENGTH: usize = 256 + 256 + 320 + 256;

/// Where each class's bitmap starts, and who is in it.
type Class = (usize, fn(u8) -> bool);

const CLASSES: [Class; 10] = [
    (0, is_space),
    (32, |c| c.is_ascii_hexdigit()),
    (64, |c| c.is_ascii_digit()),
    (96, is_upper),
    (128, is_lower),
    (160, is_word),
    (192, is_graph),
    (224, |c| c == b' ' || is_graph(c)),
    (256, |c| is_graph(c) && !is_word(c) || c == b'_'),
    (288, |c| c < 0x20 || (0x7F..0xA0).contains(&c)),
];

fn is_space(c: u8) -> bool {
    matches!(c, 9..=13 | b' ')
}

fn is_upper(c: u8) -> bool {
    c.is_ascii_uppercase() || (0xC0..=0xDE).contains(&c) && c != 0xD7
}

/// Includes the letters without an upper case: the two ordinals, micro, sharp s and y with diaeresis.
fn is_lower(c: u8) -> bool {
    c.is_ascii_lowercase() || matches!(c, 0xAA | 0xB5 | 0xBA) || c >= 0xDF && c != 0xF7
}

fn is_word(c: u8) -> bool {
    c == b'_' || c.is_ascii_digit() || is_upper(c) || is_lower(c)
}

pub fn is_letter(c: u8) -> bool {
    is_upper(c) || is_lower(c)
}

fn is_graph(c: u8) -> bool {
    c.is_ascii_graphic() || c >= 0xA0
}

fn to_lower(c: u8) -> u8 {
    if is_upper(c) { c + 0x20 } else { c }
}

fn flip(c: u8) -> u8 {
    match c {
        c if is_upper(c) => c + 0x20,
        0xAA | 0xB5 | 0xBA | 0xDF | 0xFF => c,
        c if is_lower(c) => c - 0x20,
        c => c,
    }
}

/// The tables in the library's layout.
pub fn latin1() -> &'static [u8; LENGTH] {
    static TABLES: OnceLock<Box<[u8; LENGTH]>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut t = Box::new([0u8; LENGTH]);
        for c in 0..=255u8 {
            let i = c as usize;
            t[i] = to_lower(c);
            t[256 + i] = flip(c);
            for (at, member) in CLASSES {
                if member(c) {
                    t[512 + at + i / 8] |= 1 << (i % 8);
                }
            }
            let types =
                [(is_space(c), 1), (is_letter(c), 2), (is_lower(c), 4), (c.is_ascii_digit(), 8), (is_word(c), 16)];
            t[832 + i] = types.iter().filter(|t| t.0).map(|t| t.1).sum();
        }
        t
    })
}
