//! Erlang's term order and equalities.
//!
//! Two orders exist. The arithmetic one (`==`, `<`) compares an integer with a float by exact value; the exact one
//! (`=:=`, map keys) puts every integer before every float. Map keys compare in the exact order even inside an
//! arithmetic comparison. Nothing here recurses: terms may nest a million deep.

mod equal;
mod hashmap;
mod number;
mod sought;
#[cfg(test)]
mod tests;

pub use equal::{eq, same};
pub use sought::Sought;

use crate::atom::Atom;
use crate::boxed::{Kind, words_as_terms};
use crate::release::Release;
use crate::remote::this_node;
use crate::word::{Tag, Term};
use hashmap::{HashMaps, Step};
use smallvec::SmallVec;
use std::cmp::Ordering;

/// The arithmetic order: `<`, `>`, `==`, `lists:sort/1`.
#[inline]
pub fn cmp(a: Term, b: Term) -> Ordering {
    quick(a, b).unwrap_or_else(|| compound(a, b, false))
}

/// The exact order, in which only terms that are `=:=` are equal: map keys, `erts_internal:cmp_term/2`.
#[inline]
pub fn cmp_exact(a: Term, b: Term) -> Ordering {
    quick(a, b).unwrap_or_else(|| compound(a, b, true))
}

/// The order of a small map's keys: the exact one, but for atoms since OTP 26.
#[inline]
pub fn cmp_keys(a: Term, b: Term) -> Ordering {
    match (a.as_atom(), b.as_atom()) {
        (Some(a), Some(b)) if Release::has_numbered_keys() => a.index().cmp(&b.index()),
        _ => cmp_exact(a, b),
    }
}

/// The order of two terms of which one word each, or a look at the starts of two atoms, decides: small integers, floats,
/// atoms, short binaries, and tuples and lists whose first difference is between such. `None` says nothing. Makes no call.
#[inline(always)]
pub fn decided(a: Term, b: Term) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    let (mut x, mut y) = (a, b);
    if a.is_boxed() && b.is_boxed() {
        let header = a.header_word();
        if Kind::of_header(header) == Kind::Tuple {
            if header != b.header_word() {
                return None;
            }
            (x, y) = match terms_of(a).iter().zip(terms_of(b)).find(|(x, y)| x != y) {
                Some((&x, &y)) => (x, y),
                None => return Some(Ordering::Equal),
            };
        }
    } else if let (Some(x_head), Some(y_head)) = (a.as_cons(), b.as_cons()) {
        (x, y) = (x_head.0, y_head.0);
    }
    let numbers = if x.is_boxed() && y.is_boxed() { starts(x, y) } else { unequal(x, y) };
    numbers.map(|(x, y)| x.cmp(&y))
}

/// As [`decided`], by the first elements of tuples alone: two numbers that are in the terms' order, and differ.
#[inline(always)]
pub fn unequal(a: Term, b: Term) -> Option<(i64, i64)> {
    let (mut x, mut y) = (a, b);
    if a.is_boxed() && b.is_boxed() {
        let header = a.header_word();
        if header != b.header_word() || Kind::of_header(header) != Kind::Tuple {
            return None;
        }
        (x, y) = (*terms_of(a).first()?, *terms_of(b).first()?);
    } else if let (Some(x_head), Some(y_head)) = (a.as_cons(), b.as_cons()) {
        (x, y) = (x_head.0, y_head.0);
    }
    let (x, y) = if x.is_small() && y.is_small() {
        (x.0 as i64, y.0 as i64)
    } else {
        (x.as_atom()?.start() as i64, y.as_atom()?.start() as i64)
    };
    (x != y).then_some((x, y))
}

/// Two numbers in the order of two floats, or of the first bytes of two short binaries, that differ.
#[inline(always)]
fn starts(x: Term, y: Term) -> Option<(i64, i64)> {
    // SAFETY: LIVE: a float's word stands behind its header; behind that of a short binary stand its size and its bytes,
    // in whole words.
    let word = |t: Term, i: usize| unsafe { *t.pointer().add(i) };
    let (x, y) = match (Kind::of_header(x.header_word()), Kind::of_header(y.header_word())) {
        (Kind::Float, Kind::Float) => {
            let (x, y) = (f64::from_bits(word(x, 1)), f64::from_bits(word(y, 1)));
            (i64::from(x > y), i64::from(y > x))
        }
        (Kind::HeapBin, Kind::HeapBin) => {
            let common = word(x, 1).min(word(y, 1)).min(7);
            if common == 0 {
                return None;
            }
            let start = |t: Term| (word(t, 2).swap_bytes() >> (64 - 8 * common)) as i64;
            (start(x), start(y))
        }
        (Kind::Tuple, Kind::Tuple) => return unequal(x, y),
        _ => return None,
    };
    (x != y).then_some((x, y))
}

#[inline(always)]
fn quick(a: Term, b: Term) -> Option<Ordering> {
    if a == b {
        Some(Ordering::Equal)
    } else if a.is_small() && b.is_small() {
        Some((a.0 as i64).cmp(&(b.0 as i64)))
    } else if let (Some(a), Some(b)) = (a.as_atom(), b.as_atom()) {
        Some(atoms(a, b))
    } else {
        None
    }
}

/// Atoms are ordered by their text, whose start nearly always decides.
#[inline(always)]
fn atoms(a: Atom, b: Atom) -> Ordering {
    let by_start = a.start().cmp(&b.start());
    if by_start != Ordering::Equal { by_start } else { texts(a, b) }
}

#[inline(never)]
fn texts(a: Atom, b: Atom) -> Ordering {
    a.name().as_bytes().cmp(b.name().as_bytes())
}

/// Work that remains when the two terms at hand turn out to be equal.
enum Frame<'a> {
    Pair(Term, Term),
    Slices(&'a [Term], &'a [Term]),
    /// The exact comparison of map keys ends here.
    Arithmetic,
    /// A comparison of two large maps, which wants to know unequal results too.
    Maps(Box<HashMaps<'a>>),
}

fn compound(a: Term, b: Term, exact: bool) -> Ordering {
    // Terms with few others inside them need no work list.
    shallow(a, b, exact, DEPTH).unwrap_or_else(|| nested(a, b, exact))
}

/// How deep comparisons look by nested calls before they keep a work list.
const DEPTH: u32 = 4;

/// The order of two terms that [`quick`] does not decide, by nested calls; `None` if they are nested deeper or are of
/// other types than most are.
fn shallow(a: Term, b: Term, exact: bool, depth: u32) -> Option<Ordering> {
    let depth = depth.checked_sub(1)?;
    let deeper = |x: Term, y: Term| quick(x, y).map_or_else(|| shallow(x, y, exact, depth), Some);
    if a.is_cons() && b.is_cons() {
        let (mut a, mut b) = (a, b);
        while let (Some((head_a, tail_a)), Some((head_b, tail_b))) = (a.as_cons(), b.as_cons()) {
            if head_a != head_b {
                let order = deeper(head_a, head_b)?;
                if order.is_ne() {
                    return Some(order);
                }
            }
            (a, b) = (tail_a, tail_b);
            if a == b {
                return Some(Ordering::Equal);
            }
        }
        return deeper(a, b);
    }
    if a.is_boxed() && b.is_boxed() && Kind::of_header(a.header_word()) == Kind::Tuple {
        let (x, y) = (a.header_word(), b.header_word());
        if x == y {
            for (&x, &y) in terms_of(a).iter().zip(terms_of(b)) {
                if x != y {
                    let order = deeper(x, y)?;
                    if order.is_ne() {
                        return Some(order);
                    }
                }
            }
            return Some(Ordering::Equal);
        }
    }
    match (rank(a), rank(b)) {
        (x, y) if x != y => Some(x.cmp(&y)),
        (Rank::Bitstring, _) => Some(bitstrings(a, b)),
        (Rank::Number, _) => Some(number::cmp(a, b, exact)),
        (Rank::Tuple, _) => Some(terms_of(a).len().cmp(&terms_of(b).len())),
        _ => None,
    }
}

#[inline(never)]
fn nested(a: Term, b: Term, exact: bool) -> Ordering {
    let mut exact = exact;
    let mut stack: SmallVec<[Frame; 8]> = SmallVec::new();
    let mut next = Some((a, b));
    loop {
        let mut result = match next.take() {
            Some((a, b)) => match quick(a, b) {
                Some(result) => result,
                None => one_level(a, b, &mut exact, &mut stack),
            },
            None => Ordering::Equal,
        };
        loop {
            match stack.pop() {
                None => return result,
                Some(Frame::Maps(mut maps)) => match maps.step(result) {
                    Step::Compare(a, b, mode) => {
                        exact = mode;
                        next = Some((a, b));
                        stack.push(Frame::Maps(maps));
                        break;
                    }
                    Step::Done(ordering) => {
                        exact = maps.was_exact;
                        result = ordering;
                    }
                },
                Some(_) if result != Ordering::Equal => {}
                Some(Frame::Arithmetic) => exact = false,
                Some(Frame::Pair(a, b)) => {
                    next = Some((a, b));
                    break;
                }
                Some(Frame::Slices(a, b)) => {
                    let differ = a.iter().zip(b).position(|(x, y)| x != y);
                    let Some(i) = differ else { continue };
                    if i + 1 < a.len() {
                        stack.push(Frame::Slices(&a[i + 1..], &b[i + 1..]));
                    }
                    next = Some((a[i], b[i]));
                    break;
                }
            }
        }
    }
}

/// Compares what two terms are apart from the terms inside them, which go on the stack.
fn one_level<'a>(a: Term, b: Term, exact: &mut bool, stack: &mut SmallVec<[Frame<'a>; 8]>) -> Ordering {
    let (rank_a, rank_b) = (rank(a), rank(b));
    if rank_a != rank_b {
        return rank_a.cmp(&rank_b);
    }
    match rank_a {
        Rank::Number => number::cmp(a, b, *exact),
        Rank::Atom | Rank::Nil => a.0.cmp(&b.0),
        Rank::Reference => references(a, b),
        Rank::Fun => funs(a, b, stack),
        Rank::Port => ports(a, b),
        Rank::Pid => pids(a, b),
        Rank::Tuple => {
            let (x, y) = (terms_of(a), terms_of(b));
            x.len().cmp(&y.len()).then_with(|| {
                stack.push(Frame::Slices(x, y));
                Ordering::Equal
            })
        }
        Rank::Record => match (a.as_record(), b.as_record()) {
            (Some(x), Some(y)) => x.compare_definitions(&y).then_with(|| {
                stack.push(Frame::Slices(x.values, y.values));
                Ordering::Equal
            }),
            _ => Ordering::Equal,
        },
        Rank::Map => maps(a, b, exact, stack),
        Rank::List => {
            lists(a, b, stack);
            Ordering::Equal
        }
        Rank::Bitstring => bitstrings(a, b),
    }
}

/// Types in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number,
    Atom,
    Reference,
    Fun,
    Port,
    Pid,
    Tuple,
    Record,
    Map,
    Nil,
    List,
    Bitstring,
}

fn rank(t: Term) -> Rank {
    match t.tag() {
        Tag::Small => Rank::Number,
        Tag::Atom => Rank::Atom,
        Tag::Pid => Rank::Pid,
        Tag::Special if t.as_port().is_some() => Rank::Port,
        Tag::Special | Tag::Header => Rank::Nil,
        Tag::List => Rank::List,
        Tag::Boxed => match Kind::of_header(t.header_word()) {
            Kind::Tuple => Rank::Tuple,
            Kind::Record => Rank::Record,
            Kind::Float | Kind::PosBig | Kind::NegBig => Rank::Number,
            Kind::Fun | Kind::ExportFun => Rank::Fun,
            Kind::Ref | Kind::MagicRef | Kind::ExtRef => Rank::Reference,
            Kind::HeapBin | Kind::RefBin | Kind::SubBits | Kind::MatchCtx => Rank::Bitstring,
            Kind::FlatMap | Kind::HashRoot | Kind::HashNode => Rank::Map,
            Kind::ExtPid => Rank::Pid,
            Kind::ExtPort => Rank::Port,
        },
    }
}

pub(crate) fn terms_of<'a>(t: Term) -> &'a [Term] {
    words_as_terms(t.any_body())
}

/// Skips a common start, then leaves heads and tails to compare.
fn lists(a: Term, b: Term, stack: &mut SmallVec<[Frame; 8]>) {
    let (mut a, mut b) = (a, b);
    while let (Some((head_a, tail_a)), Some((head_b, tail_b))) = (a.as_cons(), b.as_cons()) {
        if head_a != head_b {
            stack.push(Frame::Pair(tail_a, tail_b));
            stack.push(Frame::Pair(head_a, head_b));
            return;
        }
        (a, b) = (tail_a, tail_b);
        if a == b {
            return;
        }
    }
    stack.push(Frame::Pair(a, b));
}

fn maps<'a>(a: Term, b: Term, exact: &mut bool, stack: &mut SmallVec<[Frame<'a>; 8]>) -> Ordering {
    let by_size = crate::map::size(a).cmp(&crate::map::size(b));
    if by_size != Ordering::Equal {
        return by_size;
    }
    match (a.as_flat_map(), b.as_flat_map()) {
        (Some(a), Some(b)) if !*exact && Release::has_numbered_keys() => {
            let (a, b) = (in_order(a), in_order(b));
            stack.extend(a.iter().zip(&b).rev().map(|(a, b)| Frame::Pair(a.1, b.1)));
            stack.push(Frame::Arithmetic);
            *exact = true;
            stack.extend(a.iter().zip(&b).rev().map(|(a, b)| Frame::Pair(a.0, b.0)));
        }
        (Some((keys_a, values_a)), Some((keys_b, values_b))) => {
            stack.push(Frame::Slices(values_a, values_b));
            if !*exact {
                stack.push(Frame::Arithmetic);
                *exact = true;
            }
            stack.push(Frame::Slices(keys_a, keys_b));
        }
        _ => stack.push(Frame::Maps(Box::new(HashMaps::new(a, b, *exact)))),
    }
    Ordering::Equal
}

/// The associations of a small map in the exact order of their keys.
fn in_order((keys, values): (&[Term], &[Term])) -> SmallVec<[(Term, Term); 8]> {
    let mut pairs: SmallVec<[(Term, Term); 8]> = keys.iter().copied().zip(values.iter().copied()).collect();
    pairs.sort_by(|a, b| cmp_exact(a.0, b.0));
    pairs
}

fn nodes(a: (Atom, u32), b: (Atom, u32)) -> Ordering {
    if a.0 != b.0 { atoms(a.0, b.0) } else { a.1.cmp(&b.1) }
}

/// By serial, number, then node.
fn pids(a: Term, b: Term) -> Ordering {
    let parts = |t: Term| match (t.as_pid(), t.as_external()) {
        (Some(data), _) => {
            let (number, serial) = Release::pid_parts(data);
            (serial, number, this_node())
        }
        (None, Some((_, node, creation, words))) => (words[1], words[0], (node, creation)),
        (None, None) => (0, 0, this_node()),
    };
    let (a, b) = (parts(a), parts(b));
    (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| nodes(a.2, b.2))
}

/// By node, then number.
fn ports(a: Term, b: Term) -> Ordering {
    let parts = |t: Term| match (t.as_port(), t.as_external()) {
        (Some(number), _) => (this_node(), number),
        (None, Some((_, node, creation, words))) => ((node, creation), words[0]),
        (None, None) => (this_node(), 0),
    };
    let (a, b) = (parts(a), parts(b));
    nodes(a.0, b.0).then_with(|| a.1.cmp(&b.1))
}

/// By node, then numbers from the most significant (last) down; missing ones count as zero.
fn references(a: Term, b: Term) -> Ordering {
    let parts = |t: Term| -> ((Atom, u32), SmallVec<[u64; 5]>) {
        match (t.ref_numbers(), t.as_external()) {
            (Some(numbers), _) => (this_node(), numbers.iter().map(|&n| n as u64).collect()),
            (None, Some((_, node, creation, words))) => ((node, creation), SmallVec::from_slice(words)),
            (None, None) => (this_node(), SmallVec::new()),
        }
    };
    let ((node_a, a), (node_b, b)) = (parts(a), parts(b));
    let number = |of: &[u64], i: usize| of.get(i).copied().unwrap_or(0);
    nodes(node_a, node_b).then_with(|| {
        let differ = (0..a.len().max(b.len())).rev().find(|&i| number(&a, i) != number(&b, i));
        differ.map_or(Ordering::Equal, |i| number(&a, i).cmp(&number(&b, i)))
    })
}

/// Local funs come before external ones.
fn funs<'a>(a: Term, b: Term, stack: &mut SmallVec<[Frame<'a>; 8]>) -> Ordering {
    match (a.as_fun(), b.as_fun()) {
        (Some((x, _, env_x)), Some((y, _, env_y))) => atoms(x.module, y.module)
            .then_with(|| x.index.cmp(&y.index))
            .then_with(|| (x.old_uniq.wrapping_sub(y.old_uniq) as i32).cmp(&0))
            .then_with(|| env_x.len().cmp(&env_y.len()))
            .then_with(|| {
                stack.push(Frame::Slices(env_x, env_y));
                Ordering::Equal
            }),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => match (a.as_export_fun(), b.as_export_fun()) {
            (Some(x), Some(y)) => atoms(x.0, y.0).then_with(|| atoms(x.1, y.1)).then_with(|| x.2.cmp(&y.2)),
            (x, y) => x.is_some().cmp(&y.is_some()),
        },
    }
}

/// The bytes of a heap or counted binary.
#[inline]
fn whole_bytes<'a>(t: Term) -> &'a [u8] {
    let (p, len) = t.base_bytes();
    // SAFETY: LIVE, and OFFHEAP keeps a counted binary's buffer.
    unsafe { std::slice::from_raw_parts(p, len) }
}

/// Bit by bit; a start of the other comes first.
fn bitstrings(a: Term, b: Term) -> Ordering {
    let whole = |t: Term| matches!(t.boxed_kind(), Some(Kind::HeapBin | Kind::RefBin));
    if whole(a) && whole(b) {
        return whole_bytes(a).cmp(whole_bytes(b));
    }
    let (Some(x), Some(y)) = (a.as_bits(), b.as_bits()) else { return a.0.cmp(&b.0) };
    if (x.offset | y.offset | ((x.size | y.size) % 8)) == 0 {
        return x.data[..x.size / 8].cmp(&y.data[..y.size / 8]);
    }
    let common = x.size.min(y.size);
    let (x_common, y_common) = (x.slice(0, common), y.slice(0, common));
    (0..common.div_ceil(8))
        .map(|i| x_common.byte(i).cmp(&y_common.byte(i)))
        .find(|&o| o != Ordering::Equal)
        .unwrap_or_else(|| x.size.cmp(&y.size))
}
