//! How many heap words the BEAM takes for a term: what `erts_debug:flat_size/1` and `size_shared/1` tell. Purlin's
//! own layouts differ a little; [`copy::flat_size`](crate::copy::flat_size) counts those.

use crate::boxed::Kind;
use crate::literal::is_literal;
use crate::map;
use crate::places::Seen;
use crate::release::Release;
use crate::word::Term;

/// A part of a binary, before OTP 27.
const PART: usize = 5;

/// Whether binaries and funs are laid out as in OTP 27: no part refers to a small one, and what counted buffers and
/// code are referred to by is an object of its own.
fn is_later() -> bool {
    Release::of_values() >= Release(27)
}

/// A reference to a counted buffer.
fn counted_binary() -> usize {
    if is_later() { 8 } else { 6 }
}

/// Words of a copy of `t`: what is shared counts as often as it is referred to, literals included.
pub fn flat(t: Term) -> usize {
    let (mut words, mut work) = (0, vec![t]);
    while let Some(t) = work.pop() {
        words += object(t, &mut work);
    }
    words
}

/// Words of `t`, each object counted once and literals only if `literals` says so.
pub fn shared(t: Term, literals: bool) -> usize {
    let (mut words, mut work) = (0, vec![t]);
    let mut seen = Seen::default();
    while let Some(t) = work.pop() {
        if t.is_pointer() && (literals || !is_literal(t.pointer())) && seen.insert(t.pointer()) {
            words += object(t, &mut work);
        }
    }
    words
}

/// Words of one object; what it refers to is added to `work`.
fn object(t: Term, work: &mut Vec<Term>) -> usize {
    let mut refer = |t: Term| {
        if t.is_pointer() {
            work.push(t);
        }
    };
    if let Some((head, tail)) = t.as_cons() {
        refer(head);
        refer(tail);
        return 2;
    }
    let Some(kind) = t.boxed_kind() else { return 0 };
    let bytes = |n: usize| 2 + n.div_ceil(8);
    match kind {
        Kind::Tuple => {
            let elements = t.as_tuple().unwrap_or(&[]);
            elements.iter().copied().for_each(refer);
            // The empty tuple is one literal for all.
            if elements.is_empty() { 0 } else { 1 + elements.len() }
        }
        Kind::Record => {
            let Some(r) = t.as_record() else { return 0 };
            r.values.iter().copied().for_each(refer);
            // The definition: header, hash, order of the fields, module, name, whether it is exported, the fields.
            let order = if r.fields.is_empty() { 0 } else { 1 + r.fields.len() };
            2 + r.values.len() + 6 + r.fields.len() + order
        }
        Kind::Float => 2,
        Kind::PosBig | Kind::NegBig => 1 + t.as_big().map_or(0, |(_, d)| d.len()),
        Kind::Fun => {
            let env = t.as_fun().map_or(&[][..], |(_, _, env)| env);
            env.iter().copied().for_each(refer);
            env.len() + if is_later() { 6 } else { 5 }
        }
        Kind::ExportFun if is_later() => 2,
        Kind::ExportFun => 5,
        Kind::Ref if t.ref_pid().is_some() => 4,
        Kind::Ref | Kind::MagicRef => 3,
        Kind::HeapBin => bytes(t.base_bytes().1),
        Kind::RefBin => counted_binary(),
        Kind::SubBits | Kind::MatchCtx => {
            let Some(bits) = t.as_bits() else { return 0 };
            let loose = bits.size % 8 + bits.offset;
            let part = if loose == 0 || is_later() { 0 } else { PART };
            match t.whole_and_offset() {
                Some((whole, _)) if whole.boxed_kind() == Some(Kind::RefBin) => part + counted_binary(),
                _ if is_later() => bytes(bits.size.div_ceil(8)),
                _ => part + bytes(bits.size / 8 + loose.div_ceil(8)),
            }
        }
        Kind::FlatMap => {
            let Some((keys, values)) = t.as_flat_map() else { return 0 };
            map::keys_tuple(t).into_iter().chain(values.iter().copied()).for_each(refer);
            3 + keys.len()
        }
        Kind::HashRoot | Kind::HashNode => {
            let children = map::children(t).unwrap_or(&[]);
            children.iter().copied().for_each(refer);
            children.len() + if kind == Kind::HashRoot { 2 } else { 1 }
        }
        Kind::ExtPid | Kind::ExtPort => 4,
        Kind::ExtRef => 3 + t.as_external().map_or(0, |(.., words)| (words.len() + 1).div_ceil(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Heap;

    #[test]
    fn sizes_are_those_of_the_beam() {
        let mut h = Heap::new(0);
        let cell = h.list(&[Term::small(1)]);
        let pair = h.tuple(&[cell, cell]);
        assert_eq!((flat(pair), shared(pair, false)), (7, 5));
        let short = h.binary(&[1, 2, 3]);
        let long = h.binary(&[0; 65]);
        let bits = h.sub_bits(short, 0, 7);
        let far = h.sub_bits(long, 0, 13);
        assert_eq!([short, long, bits, far].map(flat), [3, 6, 8, 11]);
        let empty = h.tuple(&[]);
        assert_eq!(flat(empty), 0);
    }
}
