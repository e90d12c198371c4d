//! The 64-bit hash since OTP 27: MurmurHash3's mixing, fed term by term.
//!
//! Two halves take turns at words: a marker of the kind of term goes to the first, what it is mostly to the second.
//! Terms inside others wait on a list, the last one first; immediate ones are taken at once.

use super::otp_word;
use crate::binary::Bits;
use crate::boxed::Kind;
use crate::compare::terms_of;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

const C1: u64 = 0x87C3_7B91_1142_53D5;
const C2: u64 = 0x4CF5_AD43_2745_937F;

/// The markers of kinds. Since OTP 29 those from [`kind::FLAT_MAP`] on are one more: records stand before them.
mod kind {
    pub const IMMEDIATE: u64 = 1;
    pub const ELEMENT: u64 = 2;
    pub const HEAD: u64 = 3;
    pub const TAIL: u64 = 4;
    pub const STRING: u64 = 5;
    pub const TUPLE: u64 = 6;
    pub const FLAT_MAP: u64 = 7;
    pub const FULL_ROOT: u64 = 8;
    pub const ROOT: u64 = 9;
    pub const NODE: u64 = 10;
    pub const BITS: u64 = 11;
    pub const FUN: u64 = 12;
    pub const EXPORT_FUN: u64 = 13;
    pub const NEGATIVE: u64 = 14;
    pub const POSITIVE: u64 = 15;
    pub const REF: u64 = 16;
    pub const EXTERNAL_REF: u64 = 17;
    pub const EXTERNAL_PID: u64 = 18;
    pub const EXTERNAL_PORT: u64 = 19;
    pub const FLOAT: u64 = 20;
}

/// Mixes the bits of one word; different words stay different.
#[inline]
fn mix(word: u64) -> u64 {
    let mut word = word;
    for factor in [0xFF51_AFD7_ED55_8CCD, 0xC4CE_B9FE_1A85_EC53] {
        word = (word ^ word >> 33).wrapping_mul(factor);
    }
    word ^ word >> 33
}

/// The hash of a term.
#[inline]
pub fn hash(t: Term) -> u64 {
    if t.is_immediate() { mix(otp_word(t)) } else { compound(t, Release::has_records()) }
}

/// A hash in the making.
#[derive(Default)]
struct Halves {
    first: u64,
    second: u64,
    /// How many words were mixed in.
    count: u64,
}

/// What waits to be hashed; [`Term::NONE`] in front of the tail of an improper list.
type Waiting = SmallVec<[Term; 16]>;

impl Halves {
    #[inline]
    fn first(&mut self, word: u64) {
        self.first ^= word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
        self.first = self.first.rotate_left(27).wrapping_add(self.second);
        self.first = self.first.wrapping_mul(5).wrapping_add(0x52DC_E729);
        self.count += 1;
    }

    #[inline]
    fn second(&mut self, word: u64) {
        self.second ^= word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
        self.second = self.second.rotate_left(31).wrapping_add(self.first);
        self.second = self.second.wrapping_mul(5).wrapping_add(0x3849_5AB5);
        self.count += 1;
    }

    #[inline]
    fn pair(&mut self, kind: u64, number: u64) {
        self.first(kind);
        self.second(number);
    }

    /// A term inside another one.
    #[inline]
    fn part(&mut self, t: Term, waiting: &mut Waiting) {
        if t.is_immediate() {
            self.pair(kind::IMMEDIATE, otp_word(t));
        } else {
            self.first(kind::ELEMENT);
            waiting.push(t);
        }
    }

    /// Terms inside another one, of which the last is to be hashed next.
    fn parts(&mut self, terms: &[Term], waiting: &mut Waiting) -> Option<Term> {
        let (&last, others) = terms.split_last()?;
        others.iter().for_each(|&t| self.part(t, waiting));
        Some(last)
    }

    fn end(self) -> u64 {
        let first = (self.first ^ self.count).wrapping_add(self.second ^ self.count);
        let second = (self.second ^ self.count).wrapping_add(first);
        let (first, second) = (mix(first), mix(second));
        let first = first.wrapping_add(second);
        first ^ second.wrapping_add(first)
    }

    /// Runs of up to four small bytes, then the head; answers what follows.
    fn list(&mut self, t: Term, waiting: &mut Waiting) -> Term {
        let (mut t, mut run, mut length) = (t, 0u64, 0u64);
        while let Some((byte, tail)) = t.as_cons().and_then(|(head, tail)| Some((super::as_byte(head)?, tail))) {
            run = run << 8 | u64::from(byte);
            length += 1;
            if length == 4 {
                self.first(kind::STRING | length << 8 | run << 32);
                (run, length) = (0, 0);
            }
            t = tail;
        }
        if length > 0 {
            self.first(kind::STRING | length << 8 | run << 32);
        }
        let Some((head, tail)) = t.as_cons() else { return t };
        if head.is_immediate() {
            self.pair(kind::IMMEDIATE | kind::HEAD << 32, otp_word(head));
            if !tail.is_cons() {
                self.first(kind::TAIL);
            }
            return tail;
        }
        waiting.push(tail);
        if !tail.is_cons() {
            waiting.push(Term::NONE);
        }
        self.first(kind::HEAD);
        head
    }

    fn bits(&mut self, kind: u64, bits: Bits) {
        self.pair(kind, bits.size as u64);
        let (whole, rest) = (bits.size / 8, bits.size % 8);
        let bytes = bits.to_bytes();
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |w, &b| w << 8 | u64::from(b));
        let mut blocks = bytes[..whole].chunks_exact(16);
        for block in &mut blocks {
            self.first(word(&block[..8]));
            self.second(word(&block[8..]));
        }
        let (low, high) = blocks.remainder().split_at(blocks.remainder().len().min(8));
        self.second ^= word(high).wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
        self.first ^= word(low).wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
        if rest > 0 {
            self.first(u64::from(bytes[whole] >> (8 - rest)));
        }
    }

    /// Words in pairs, one to each half; a last one without another goes to the second.
    fn words(&mut self, words: &[u64]) {
        for pair in words.chunks(2) {
            if let [first, _] = *pair {
                self.first(first);
            }
            self.second(pair[pair.len() - 1]);
        }
    }
}

pub(super) fn compound(t: Term, records: bool) -> u64 {
    let mut halves = Halves::default();
    let mut waiting = Waiting::new();
    let mut next = Some(t);
    loop {
        let Some(t) = next.or_else(|| waiting.pop()) else { return halves.end() };
        next = if t.is_cons() {
            Some(halves.list(t, &mut waiting))
        } else if t == Term::NONE {
            halves.second(kind::TAIL);
            waiting.pop()
        } else if t.is_immediate() {
            halves.pair(kind::IMMEDIATE, otp_word(t));
            None
        } else {
            boxed(t, records.into(), &mut halves, &mut waiting)
        };
    }
}

/// Hashes what a boxed term is; answers a term inside it that is next. The markers of later kinds are `later` more.
fn boxed(t: Term, later: u64, halves: &mut Halves, waiting: &mut Waiting) -> Option<Term> {
    let body = t.any_body();
    let size = body.len() as u64;
    match t.boxed_kind()? {
        Kind::Tuple | Kind::Record => {
            halves.pair(kind::TUPLE, size);
            return halves.parts(terms_of(t), waiting);
        }
        Kind::FlatMap => {
            let (keys, values) = t.as_flat_map()?;
            halves.pair(later + kind::FLAT_MAP, keys.len() as u64);
            let (&last, others) = keys.split_last()?;
            for (&key, &value) in others.iter().zip(values) {
                halves.part(value, waiting);
                halves.part(key, waiting);
            }
            halves.part(values[others.len()], waiting);
            return Some(last);
        }
        Kind::HashRoot => {
            let root = if body.len() == 2 + 16 { kind::FULL_ROOT } else { kind::ROOT };
            halves.pair(later + root, crate::map::size(t) as u64);
            children(&terms_of(t)[2..], halves, waiting);
        }
        Kind::HashNode => {
            halves.first(later + kind::NODE);
            children(&terms_of(t)[1..], halves, waiting);
        }
        Kind::Fun => {
            let (entry, _, env) = t.as_fun()?;
            halves.first((later + kind::FUN) | (env.len() as u64) << 32);
            halves.second(u64::from(entry.index) | u64::from(entry.old_uniq) << 32);
            halves.pair(kind::IMMEDIATE, otp_word(Term::atom(entry.module)));
            return halves.parts(env, waiting);
        }
        Kind::ExportFun => {
            halves.first(later + kind::EXPORT_FUN);
            halves.words(body);
        }
        Kind::HeapBin | Kind::RefBin | Kind::SubBits | Kind::MatchCtx => halves.bits(later + kind::BITS, t.as_bits()?),
        sign @ (Kind::PosBig | Kind::NegBig) => {
            let sign = if sign == Kind::PosBig { kind::POSITIVE } else { kind::NEGATIVE };
            halves.first((later + sign) | size << 32);
            halves.words(body);
        }
        Kind::Ref | Kind::MagicRef => {
            let [a, b, c] = t.ref_numbers()?.map(u64::from);
            halves.pair((later + kind::REF) | a << 32, b | c << 32);
        }
        external @ (Kind::ExtPid | Kind::ExtPort | Kind::ExtRef) => {
            let kind = match external {
                Kind::ExtPid => kind::EXTERNAL_PID,
                Kind::ExtPort => kind::EXTERNAL_PORT,
                _ => kind::EXTERNAL_REF,
            };
            halves.first(later + kind);
            // Trailing zero words are no part of a reference's identity.
            halves.words(&body[..body.iter().rposition(|&w| w != 0).map_or(0, |i| i + 1)]);
        }
        Kind::Float => halves.pair(later + kind::FLOAT, t.as_float()?.to_bits()),
    }
    None
}

/// The children of a node of a large map: associations and further nodes.
fn children(children: &[Term], halves: &mut Halves, waiting: &mut Waiting) {
    for &child in children {
        match child.as_cons() {
            Some((key, value)) => {
                halves.part(value, waiting);
                halves.part(key, waiting);
            }
            None => waiting.push(child),
        }
    }
}
