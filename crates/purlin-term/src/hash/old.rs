//! `erlang:phash/2`, the older of the two hash functions with fixed values.

use super::{as_byte, float_bits};
use crate::binary::Bits;
use crate::boxed::Kind;
use crate::compare::terms_of;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// `erlang:phash(Term, Range)`: 1 to the range, which is 1 to 2^32.
pub fn phash(t: Term, range: u64) -> u64 {
    debug_assert!((1..=1 << 32).contains(&range));
    1 + phash_value(t) as u64 % range
}

const PRIME1: u32 = 268_440_163;
const PRIME2: u32 = 268_439_161;
const PRIME3: u32 = 268_435_459;
const PRIME4: u32 = 268_436_141;
const PRIME5: u32 = 268_438_633;
const PRIME6: u32 = 268_437_017;
const PRIME8: u32 = 268_437_511;
const PRIME9: u32 = 268_439_627;
const PRIME10: u32 = 268_440_479;
const PRIME11: u32 = 268_440_577;
const PRIME12: u32 = 268_440_581;
const PRIME13: u32 = 268_440_593;
const PRIME14: u32 = 268_440_611;

#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    fn step(&mut self, prime: u32, add: u32) {
        self.0 = self.0.wrapping_mul(prime).wrapping_add(add);
    }

    fn scale(&mut self, prime: u32) {
        self.0 = self.0.wrapping_mul(prime);
    }

    fn bytes(&mut self, bytes: &[u8], prime: u32) {
        for &b in bytes {
            self.step(prime, b as u32);
        }
    }

    fn bits(&mut self, bits: Bits) {
        let (whole, rest) = (bits.size / 8, bits.size % 8);
        let bytes = bits.to_bytes();
        self.bytes(&bytes[..whole], PRIME1);
        if rest > 0 {
            self.step(PRIME1, (bytes[whole] >> (8 - rest)) as u32);
            self.step(PRIME12, rest as u32);
        }
        self.step(PRIME4, whole as u32);
    }

    fn port(&mut self, number: u64) {
        let high = (number >> 32) as u32;
        if high != 0 {
            self.bytes(&high.to_le_bytes(), PRIME11);
        }
        self.bytes(&(number as u32).to_le_bytes(), PRIME9);
        self.scale(PRIME10);
    }

    fn identifier(&mut self, number: u32, prime: u32, last: u32) {
        self.bytes(&number.to_le_bytes(), prime);
        self.scale(last);
    }

    /// The absolute value in bytes, as many four at a time as it needs.
    fn integer(&mut self, negative: bool, digits: &[u64]) {
        if let Some((&top, lower)) = digits.split_last() {
            for d in lower {
                self.bytes(&d.to_le_bytes(), PRIME2);
            }
            let len = if top >> 32 == 0 { 4 } else { 8 };
            self.bytes(&top.to_le_bytes()[..len], PRIME2);
        }
        self.scale(if negative { PRIME4 } else { PRIME3 });
    }
}

enum Frame<'a> {
    Term(Term),
    Terms(&'a [Term]),
    TupleEnd(u32),
    /// What follows the head of a list.
    Rest(Term),
    ListEnd,
}

/// The whole 32 bits behind `phash`.
pub fn phash_value(t: Term) -> u32 {
    let mut hash = Hash(0);
    let mut stack: SmallVec<[Frame; 8]> = SmallVec::new();
    stack.push(Frame::Term(t));
    while let Some(frame) = stack.pop() {
        match frame {
            Frame::Term(t) => one(t, &mut hash, &mut stack),
            Frame::Terms(terms) => {
                if let Some((&first, rest)) = terms.split_first() {
                    stack.push(Frame::Terms(rest));
                    stack.push(Frame::Term(first));
                }
            }
            Frame::TupleEnd(arity) => hash.step(PRIME9, arity),
            Frame::Rest(t) if t.is_cons() => list(t, &mut hash, &mut stack),
            Frame::Rest(t) => {
                stack.push(Frame::ListEnd);
                stack.push(Frame::Term(t));
            }
            Frame::ListEnd => hash.scale(PRIME8),
        }
    }
    hash.0
}

fn list(t: Term, hash: &mut Hash, stack: &mut SmallVec<[Frame; 8]>) {
    let mut t = t;
    while let Some((head, tail)) = t.as_cons() {
        let Some(byte) = as_byte(head) else {
            stack.push(Frame::Rest(tail));
            stack.push(Frame::Term(head));
            return;
        };
        hash.step(PRIME2, byte);
        t = tail;
    }
    stack.push(Frame::ListEnd);
    stack.push(Frame::Term(t));
}

fn one(t: Term, hash: &mut Hash, stack: &mut SmallVec<[Frame; 8]>) {
    if t.is_cons() {
        return list(t, hash, stack);
    }
    let Some(kind) = t.boxed_kind() else { return immediate(t, hash) };
    let body = t.any_body();
    let external = |i: usize| t.as_external().and_then(|e| e.3.get(i).copied()).unwrap_or(0);
    match kind {
        Kind::Tuple => {
            stack.push(Frame::TupleEnd(body.len() as u32));
            stack.push(Frame::Terms(terms_of(t)));
        }
        Kind::Record => {
            stack.push(Frame::TupleEnd(body.len() as u32));
            stack.push(Frame::Terms(terms_of(t)));
        }
        Kind::FlatMap | Kind::HashRoot | Kind::HashNode => {
            hash.step(PRIME13, PRIME14.wrapping_add(super::phash2_value(t)));
        }
        Kind::Fun => {
            if let Some((entry, _, env)) = t.as_fun() {
                hash.step(PRIME10, env.len() as u32);
                hash.step(PRIME1, entry.module.value());
                hash.step(PRIME2, entry.index);
                hash.step(PRIME2, entry.old_uniq);
                stack.push(Frame::Terms(env));
            }
        }
        Kind::ExportFun => {
            if let Some((module, function, arity)) = t.as_export_fun() {
                hash.step(PRIME11, arity as u32);
                hash.step(PRIME1, module.value());
                hash.step(PRIME1, function.value());
            }
        }
        Kind::HeapBin | Kind::RefBin | Kind::SubBits | Kind::MatchCtx => {
            if let Some(bits) = t.as_bits() {
                hash.bits(bits);
            }
        }
        Kind::PosBig => hash.integer(false, body),
        Kind::NegBig => hash.integer(true, body),
        Kind::Float => {
            let bits = t.as_float().map_or(0, float_bits);
            hash.step(PRIME6, bits as u32 ^ (bits >> 32) as u32);
        }
        Kind::Ref | Kind::MagicRef => hash.identifier(t.ref_numbers().map_or(0, |n| n[0]), PRIME9, PRIME10),
        Kind::ExtRef => hash.identifier(external(0) as u32, PRIME9, PRIME10),
        Kind::ExtPid => hash.identifier(external(0) as u32, PRIME5, PRIME6),
        Kind::ExtPort => hash.port(external(0)),
    }
}

fn immediate(t: Term, hash: &mut Hash) {
    if let Some(i) = t.as_small() {
        hash.integer(i < 0, &[i.unsigned_abs()]);
    } else if let Some(a) = t.as_atom() {
        hash.step(PRIME1, a.value());
    } else if let Some(data) = t.as_pid() {
        hash.identifier(Release::pid_parts(data).0 as u32, PRIME5, PRIME6);
    } else if let Some(number) = t.as_port() {
        hash.port(number);
    } else {
        hash.step(PRIME3, 1);
    }
}
