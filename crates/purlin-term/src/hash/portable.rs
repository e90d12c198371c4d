//! `erlang:phash2/1,2`: the same value on every node and in every version.

use super::{Hash, as_byte, float_bits, golden};
use crate::boxed::Kind;
use crate::compare::terms_of;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// `erlang:phash2(Term, Range)`; the range is 1 to 2^32 (2^27 for `phash2/1`).
pub fn phash2(t: Term, range: u64) -> u64 {
    debug_assert!((1..=1 << 32).contains(&range));
    phash2_value(t) as u64 % range
}

enum Frame<'a> {
    Term(Term),
    /// Terms still to hash, first one first.
    Terms(&'a [Term]),
    /// Keys and values of a flat map still to hash.
    Pairs(&'a [Term], &'a [Term]),
    /// Children of a node of a large map.
    Children(&'a [Term]),
    /// One association is complete.
    PairEnd,
    /// A map is complete: the hash before it, and the combined associations of the map around it.
    MapEnd(u32, u32),
}

/// The whole 32 bits behind `phash2`.
pub fn phash2_value(t: Term) -> u32 {
    let mut stack: SmallVec<[Frame; 8]> = SmallVec::new();
    let mut hash = Hash(0);
    // Associations are hashed apart and combined, so that their order does not matter.
    let mut pairs = 0u32;
    let mut next = one(t, &mut hash, &mut pairs, &mut stack);
    loop {
        if let Some(t) = next {
            next = one(t, &mut hash, &mut pairs, &mut stack);
            continue;
        }
        match stack.pop() {
            None => return hash.0,
            Some(Frame::Term(t)) => next = Some(t),
            Some(Frame::Terms(terms)) => {
                if let Some((&first, rest)) = terms.split_first() {
                    if !rest.is_empty() {
                        stack.push(Frame::Terms(rest));
                    }
                    next = Some(first);
                }
            }
            Some(Frame::Pairs(keys, values)) => {
                if let (Some((&key, keys)), Some((&value, values))) = (keys.split_first(), values.split_first()) {
                    stack.push(Frame::Pairs(keys, values));
                    stack.push(Frame::PairEnd);
                    stack.push(Frame::Term(value));
                    next = Some(key);
                }
            }
            Some(Frame::Children(children)) => {
                let Some((&first, rest)) = children.split_first() else { continue };
                stack.push(Frame::Children(rest));
                match first.as_cons() {
                    Some((key, value)) => {
                        stack.push(Frame::PairEnd);
                        stack.push(Frame::Term(value));
                        next = Some(key);
                    }
                    None => stack.push(Frame::Children(&terms_of(first)[1..])),
                }
            }
            Some(Frame::PairEnd) => {
                pairs ^= hash.0;
                hash = Hash(0);
            }
            Some(Frame::MapEnd(before, outer)) => {
                hash = Hash(before);
                hash.add(pairs, golden(19));
                pairs = outer;
            }
        }
    }
}

fn small(i: i64, hash: &mut Hash) {
    if (-(1 << 27)..1 << 27).contains(&i) {
        if i < 0 {
            hash.add((-i) as u32, golden(1));
        }
        hash.add(i as u32, golden(1));
    } else {
        hash.add_wide(i.unsigned_abs(), golden(if i < 0 { 10 } else { 11 }));
    }
}

/// Hashes what `t` is apart from terms inside it; answers the next one of them, with the others on the stack.
fn one<'a>(t: Term, hash: &mut Hash, pairs: &mut u32, stack: &mut SmallVec<[Frame<'a>; 8]>) -> Option<Term> {
    if t.is_cons() {
        return Some(list(t, hash, stack));
    }
    let Some(kind) = t.boxed_kind() else {
        immediate(t, hash);
        return None;
    };
    let body = t.any_body();
    let mut map = |size: usize, hash: &mut Hash, content: Frame<'a>| {
        hash.add(size as u32, golden(16));
        if size > 0 {
            stack.push(Frame::MapEnd(hash.0, *pairs));
            stack.push(content);
            (*hash, *pairs) = (Hash(0), 0);
        }
    };
    match kind {
        Kind::Tuple => {
            hash.add(body.len() as u32, golden(9));
            stack.push(Frame::Terms(terms_of(t)));
        }
        Kind::Record => {
            hash.add(body.len() as u32, golden(9));
            stack.push(Frame::Terms(terms_of(t)));
        }
        Kind::FlatMap => {
            let (keys, values) = t.as_flat_map()?;
            map(keys.len(), hash, Frame::Pairs(keys, values));
        }
        Kind::HashRoot | Kind::HashNode => map(crate::map::size(t), hash, Frame::Children(&terms_of(t)[2..])),
        Kind::Fun => {
            let (entry, _, env) = t.as_fun()?;
            hash.add2(env.len() as u32, entry.module.value(), golden(1));
            hash.add2(entry.index, entry.old_uniq, golden(1));
            stack.push(Frame::Terms(env));
        }
        Kind::ExportFun => {
            let (module, function, arity) = t.as_export_fun()?;
            hash.add2(arity as u32, module.value(), golden(1));
            hash.add(function.value(), golden(14));
        }
        Kind::HeapBin | Kind::RefBin | Kind::SubBits | Kind::MatchCtx => hash.add_bits(t.as_bits()?),
        Kind::PosBig => hash.add_digits(false, body),
        Kind::NegBig => hash.add_digits(true, body),
        Kind::Ref | Kind::MagicRef => hash.add(t.ref_numbers()?[0], golden(7)),
        Kind::ExtRef => hash.add(*t.as_external()?.3.first()? as u32, golden(7)),
        Kind::ExtPid => hash.add(*t.as_external()?.3.first()? as u32, golden(5)),
        Kind::ExtPort => hash.add_wide(*t.as_external()?.3.first()?, golden(6)),
        Kind::Float => hash.add_wide(float_bits(t.as_float()?).rotate_left(32), golden(12)),
    }
    None
}

fn immediate(t: Term, hash: &mut Hash) {
    if let Some(i) = t.as_small() {
        small(i, hash);
    } else if let Some(a) = t.as_atom() {
        if hash.0 == 0 {
            hash.0 = a.value();
        } else {
            hash.add(a.value(), golden(3));
        }
    } else if let Some(data) = t.as_pid() {
        hash.add(Release::pid_parts(data).0 as u32, golden(5));
    } else if let Some(number) = t.as_port() {
        hash.add_wide(number, golden(6));
    } else if hash.0 == 0 {
        hash.0 = 3_468_870_702;
    } else {
        hash.add(2, golden(2));
    }
}

/// Hashes a start of small bytes four at a time; answers the head or the end that follows them.
fn list(t: Term, hash: &mut Hash, stack: &mut SmallVec<[Frame; 8]>) -> Term {
    let (mut t, mut word, mut count) = (t, 0u32, 0u32);
    let end = loop {
        let Some((head, tail)) = t.as_cons() else { break t };
        let Some(byte) = as_byte(head) else {
            stack.push(Frame::Term(tail));
            break head;
        };
        word = word << 8 | byte;
        count += 1;
        if count == 4 {
            hash.add(word, golden(4));
            (word, count) = (0, 0);
        }
        t = tail;
    };
    if count > 0 {
        hash.add(word, golden(4));
    }
    end
}
