//! The hash functions of terms, with OTP's exact values.
//!
//! [`phash2`] and [`phash`] are visible to programs and the same everywhere. [`internal`] decides where a key stands in
//! a large map and so the order of its keys, in the release's way; to give OTP's order it hashes what OTP's words for
//! immediate terms would be. Atoms (by number), references and identifiers of other nodes are stable only within one run, as in OTP.

mod old;
mod portable;
#[cfg(test)]
mod tests;
mod wide;

pub use old::{phash, phash_value};
pub use portable::{phash2, phash2_value};

use crate::binary::Bits;
use crate::boxed::Kind;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// Bob Jenkins' mixing of three words.
#[inline]
fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    const ROUNDS: [[u32; 3]; 3] = [[13, 8, 13], [12, 16, 5], [3, 10, 15]];
    for [right_a, left_b, right_c] in ROUNDS {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> right_a);
        b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << left_b);
        c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> right_c);
    }
    (a, b, c)
}

/// The `n`th multiple of the golden ratio's bits: one constant for each kind of input.
#[inline]
const fn golden(n: u32) -> u32 {
    0x9e37_79b9u32.wrapping_mul(n)
}

/// A hash in the making.
#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    #[inline]
    fn add2(&mut self, x: u32, y: u32, kind: u32) {
        self.0 = mix(kind.wrapping_add(x), kind.wrapping_add(y), self.0).2;
    }

    #[inline]
    fn add(&mut self, x: u32, kind: u32) {
        self.add2(x, 0, kind);
    }

    #[inline]
    fn add_wide(&mut self, x: u64, kind: u32) {
        self.add2(x as u32, (x >> 32) as u32, kind);
    }

    /// A tuple that holds nothing but immediates and such tuples; false, with no use of what was added, for any other.
    fn add_tuple(&mut self, elements: &[Term], depth: u32) -> bool {
        self.add(elements.len() as u32, golden(9));
        elements.iter().all(|&e| {
            if e.is_immediate() {
                self.add_wide(otp_word(e), golden(1));
                return true;
            }
            match (e.as_tuple(), depth.checked_sub(1)) {
                (Some(inner), Some(depth)) => self.add_tuple(inner, depth),
                _ => false,
            }
        })
    }

    fn add_digits(&mut self, negative: bool, digits: &[u64]) {
        for &d in digits {
            self.add_wide(d, golden(if negative { 10 } else { 11 }));
        }
    }

    /// Whole bytes in blocks of twelve, then the bits that remain.
    fn add_bits(&mut self, bits: Bits) {
        let initial = golden(13).wrapping_add(self.0);
        if bits.size == 0 {
            self.0 = initial;
            return;
        }
        let (whole, rest) = (bits.size / 8, bits.size % 8);
        let bytes = bits.to_bytes();
        self.0 = block(&bytes[..whole], initial);
        if rest > 0 {
            self.add2(rest as u32, (bytes[whole] >> (8 - rest)) as u32, golden(15));
        }
    }

    /// A change of kind without input.
    #[inline]
    fn mark(&mut self, kind: u32) {
        self.0 = (self.0 ^ kind).rotate_left(17);
    }
}

fn block(bytes: &[u8], initial: u32) -> u32 {
    let (mut a, mut b, mut c) = (golden(1), golden(1), initial);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |w, &x| w << 8 | x as u32);
    let mut blocks = bytes.chunks_exact(12);
    for k in &mut blocks {
        a = a.wrapping_add(word(&k[..4]));
        b = b.wrapping_add(word(&k[4..8]));
        c = c.wrapping_add(word(&k[8..]));
        (a, b, c) = mix(a, b, c);
    }
    let k = blocks.remainder();
    // The lowest byte of the third word is where the length goes.
    let part = |from: usize, to: usize| word(&k[from.min(k.len())..to.min(k.len())]);
    a = a.wrapping_add(part(0, 4));
    b = b.wrapping_add(part(4, 8));
    c = c.wrapping_add(bytes.len() as u32).wrapping_add(part(8, 11) << 8);
    mix(a, b, c).2
}

/// The bits of a float; both zeros have those of the positive one.
#[inline]
fn float_bits(f: f64) -> u64 {
    if f == 0.0 { 0 } else { f.to_bits() }
}

/// The value of a small integer from 0 to 255.
#[inline]
fn as_byte(t: Term) -> Option<u32> {
    t.as_small().filter(|i| (0..256).contains(i)).map(|i| i as u32)
}

/// The hash value of an atom's text; the atom table has it at hand.
pub(crate) fn text_value(text: &str) -> u32 {
    let text = text.as_bytes();
    let mut hash = 0u32;
    let mut i = 0;
    while let Some(&first) = text.get(i) {
        i += 1;
        let mut v = first;
        // A character of Latin-1 counts as its one byte, not as the two of its UTF-8 form.
        if let (0xC2 | 0xC3, Some(&second @ 0x80..=0xBF)) = (first, text.get(i)) {
            v = first << 6 | (second & 0x3F);
            i += 1;
        }
        hash = (hash << 4).wrapping_add(v as u32);
        let high = hash & 0xF000_0000;
        hash ^= high >> 24;
        hash ^= high;
    }
    hash
}

const INTERNAL_SALT: u32 = 3_432_918_353;

/// The bits of the sizes of OTP's tables of processes and ports since OTP 27, unless `+P` and `+Q` give them others.
const PROCESS_TABLE_BITS: u32 = 20;
const PORT_TABLE_BITS: u32 = 16;

/// The number of a process or a port as OTP keeps it: the bits that are its place in a table of that size are turned, so that
/// neighbours stand in different cache lines.
#[inline]
fn in_table(number: u64, bits: u32) -> u64 {
    let mask = (1 << bits) - 1;
    let place = number & mask;
    number & !mask | place << 3 & mask | place >> (bits - 3)
}

/// OTP's word for an immediate term.
#[inline]
fn otp_word(t: Term) -> u64 {
    if t.is_small() {
        t.0 | 0xF
    } else if let Some(a) = t.as_atom() {
        u64::from(a.number()) << 6 | 0x0B
    } else if let Some(data) = t.as_pid() {
        in_table(data, PROCESS_TABLE_BITS) << 4 | 0x3
    } else if let Some(number) = t.as_port() {
        in_table(number, PORT_TABLE_BITS) << 4 | 0x7
    } else {
        debug_assert!(t.is_nil(), "{t:?} is no value");
        0x3B
    }
}

enum Frame<'a> {
    Term(Term),
    /// Terms still to hash, first one first.
    Terms(&'a [Term]),
    /// Keys and values of a flat map still to hash.
    Pairs(&'a [Term], &'a [Term]),
    /// Children of a node of a large map, last one first.
    Children(&'a [Term]),
    /// The tail of an improper list follows.
    Tail,
}

/// The hash that large maps and tables use.
#[inline]
pub fn internal(t: Term) -> u64 {
    if Release::has_wide_hash() { wide::hash(t) } else { narrow(t, 0).into() }
}

/// The hash of the releases before OTP 27.
#[inline]
fn narrow(t: Term, salt: u32) -> u32 {
    let mut hash = Hash(salt ^ INTERNAL_SALT);
    if t.is_immediate() {
        hash.add_wide(otp_word(t), golden(1));
        return hash.0;
    }
    let whole = hash;
    match t.as_tuple() {
        Some(elements) if hash.add_tuple(elements, DEPTH) => hash.0,
        _ => internal_compound(t, whole),
    }
}

/// How deep tuples in tuples are hashed by nested calls, without a work list.
const DEPTH: u32 = 3;

/// How many levels of a large map one hash of a key gives positions for, four bits each.
#[inline]
pub fn levels() -> u32 {
    if Release::has_wide_hash() { 16 } else { 8 }
}

/// The hash of a map's key at tree depths from [`levels`]` * round` on. Different keys may have one wide hash; narrow ones
/// part them.
#[inline]
pub fn map_key(key: Term, round: u32) -> u64 {
    if round == 0 {
        return internal(key);
    }
    let mut salt = Hash(0);
    salt.add2(round, 1, golden(22));
    narrow(key, salt.0).into()
}

fn internal_compound(t: Term, mut hash: Hash) -> u32 {
    let mut stack: SmallVec<[Frame; 8]> = SmallVec::new();
    let mut t = t;
    loop {
        let mut next = internal_one(t, &mut hash, &mut stack);
        while next.is_none() {
            match stack.pop() {
                None => return hash.0,
                Some(Frame::Term(t)) => next = Some(t),
                Some(Frame::Tail) => hash.mark(golden(18)),
                Some(Frame::Terms(mut terms)) => {
                    while let Some((&first, rest)) = terms.split_first() {
                        terms = rest;
                        if !first.is_immediate() {
                            stack.push(Frame::Terms(rest));
                            next = Some(first);
                            break;
                        }
                        hash.add_wide(otp_word(first), golden(1));
                    }
                }
                Some(Frame::Pairs(keys, values)) => {
                    if let (Some((&key, keys)), Some((&value, values))) = (keys.split_first(), values.split_first()) {
                        stack.push(Frame::Pairs(keys, values));
                        stack.push(Frame::Term(value));
                        next = Some(key);
                    }
                }
                Some(Frame::Children(children)) => {
                    let Some((&last, rest)) = children.split_last() else { continue };
                    stack.push(Frame::Children(rest));
                    match last.as_cons() {
                        Some((key, value)) => {
                            stack.push(Frame::Term(value));
                            next = Some(key);
                        }
                        None => stack.push(Frame::Children(&super::compare::terms_of(last)[1..])),
                    }
                }
            }
        }
        match next {
            Some(next) => t = next,
            None => return hash.0,
        }
    }
}

/// Hashes what `t` is apart from terms inside it; answers the next one of them, with the others on the stack.
fn internal_one<'a>(t: Term, hash: &mut Hash, stack: &mut SmallVec<[Frame<'a>; 8]>) -> Option<Term> {
    if t.is_immediate() {
        hash.add_wide(otp_word(t), golden(1));
        return None;
    }
    if t.is_cons() {
        return Some(internal_list(t, hash, stack));
    }
    let body = t.any_body();
    match t.boxed_kind()? {
        Kind::Tuple => {
            hash.add(body.len() as u32, golden(9));
            stack.push(Frame::Terms(super::compare::terms_of(t)));
        }
        Kind::Record => {
            hash.add(body.len() as u32, golden(9));
            stack.push(Frame::Terms(super::compare::terms_of(t)));
        }
        Kind::FlatMap => {
            let (keys, values) = t.as_flat_map()?;
            hash.add(keys.len() as u32, golden(16));
            stack.push(Frame::Pairs(keys, values));
        }
        Kind::HashRoot | Kind::HashNode => {
            hash.add(crate::map::size(t) as u32, golden(16));
            stack.push(Frame::Children(&super::compare::terms_of(t)[2..]));
        }
        Kind::Fun => {
            let (entry, _, env) = t.as_fun()?;
            hash.add2(env.len() as u32, otp_word(Term::atom(entry.module)) as u32, golden(20));
            hash.add2(entry.index, entry.old_uniq, golden(21));
            stack.push(Frame::Terms(env));
        }
        Kind::ExportFun => {
            for &word in body {
                hash.add_wide(word, golden(14));
            }
        }
        Kind::HeapBin | Kind::RefBin | Kind::SubBits | Kind::MatchCtx => hash.add_bits(t.as_bits()?),
        Kind::PosBig => hash.add_digits(false, body),
        Kind::NegBig => hash.add_digits(true, body),
        Kind::Ref | Kind::MagicRef => {
            let [a, b, c] = t.ref_numbers()?;
            hash.add(a, golden(7));
            hash.add2(b, c, golden(8));
        }
        kind @ (Kind::ExtPid | Kind::ExtPort | Kind::ExtRef) => {
            let kind = match kind {
                Kind::ExtPid => golden(5),
                Kind::ExtPort => golden(6),
                _ => golden(7),
            };
            // Trailing zero words are no part of a reference's identity.
            let len = body.iter().rposition(|&w| w != 0).map_or(0, |i| i + 1);
            for &word in &body[..len] {
                hash.add_wide(word, kind);
            }
        }
        Kind::Float => {
            let f = t.as_float()?;
            hash.add_wide(float_bits(f), golden(12));
        }
    }
    None
}

/// Hashes a start of small bytes four at a time; answers the head or the end that follows them.
fn internal_list(t: Term, hash: &mut Hash, stack: &mut SmallVec<[Frame; 8]>) -> Term {
    let (mut t, mut word, mut count) = (t, 0u32, 0u32);
    loop {
        let Some((head, tail)) = t.as_cons() else {
            if count > 0 {
                hash.add2(word, count, golden(22));
            }
            return t;
        };
        let Some(byte) = as_byte(head) else {
            if count > 0 {
                hash.add2(word, count, golden(22));
            }
            hash.mark(golden(17));
            stack.push(Frame::Term(tail));
            if !tail.is_cons() {
                stack.push(Frame::Tail);
            }
            return head;
        };
        word = word << 8 | byte;
        count += 1;
        if count == 4 {
            hash.add(word, golden(4));
            (word, count) = (0, 0);
        }
        t = tail;
    }
}
