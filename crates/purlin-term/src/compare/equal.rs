//! Equality without order: `==` and `=:=`.

use super::{DEPTH, number, terms_of};
use crate::boxed::Kind;
use crate::word::{TAG2, Term};
use smallvec::SmallVec;
use std::cmp::Ordering;

/// `=:=`
#[inline]
pub fn same(a: Term, b: Term) -> bool {
    if a == b {
        return true;
    }
    // Unless both are lists or both boxed, terms are the same only as words.
    if a.0 & b.0 & TAG2 == 0 {
        return false;
    }
    equal(a, b, true)
}

/// `==`
#[inline]
pub fn eq(a: Term, b: Term) -> bool {
    if a == b {
        return true;
    }
    if a.is_immediate() && b.is_immediate() {
        return false;
    }
    equal(a, b, false)
}

/// Pairs that must still be equal.
enum Frame<'a> {
    Pair(Term, Term),
    Slices(&'a [Term], &'a [Term]),
    /// The children of two nodes of large maps: leaves are `[Key|Value]` with keys compared exactly.
    Children(&'a [Term], &'a [Term]),
    /// The exact comparison of map keys ends here.
    Arithmetic,
}

type Stack<'a> = SmallVec<[Frame<'a>; 8]>;

/// The frequent answers need no stack.
#[inline]
fn equal(a: Term, b: Term, exact: bool) -> bool {
    shallow(a, b, exact, DEPTH).unwrap_or_else(|| equal_parts(a, b, exact))
}

/// Whether two terms whose words differ are equal, by nested calls; `None` if they are nested deeper, or are not tuples,
/// lists and whole binaries.
fn shallow(a: Term, b: Term, exact: bool, depth: u32) -> Option<bool> {
    if a.0 & b.0 & TAG2 == 0 {
        // They are not pointers of one kind, so only an integer and a float may be equal.
        let number = |t: Term| t.is_small() || t.is_boxed();
        return if exact || !number(a) || !number(b) { Some(false) } else { None };
    }
    let depth = depth.checked_sub(1)?;
    if a.is_cons() {
        let (mut a, mut b) = (a, b);
        while let (Some((head_a, tail_a)), Some((head_b, tail_b))) = (a.as_cons(), b.as_cons()) {
            if head_a != head_b && !shallow(head_a, head_b, exact, depth)? {
                return Some(false);
            }
            (a, b) = (tail_a, tail_b);
            if a == b {
                return Some(true);
            }
        }
        return shallow(a, b, exact, depth);
    }
    let (header_a, header_b) = (a.header_word(), b.header_word());
    match (Kind::of_header(header_a), Kind::of_header(header_b)) {
        (Kind::Tuple, Kind::Tuple) => {
            if header_a != header_b {
                return Some(false);
            }
            for (&x, &y) in terms_of(a).iter().zip(terms_of(b)) {
                if x != y && !shallow(x, y, exact, depth)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        (Kind::HeapBin | Kind::RefBin, Kind::HeapBin | Kind::RefBin) => {
            Some(super::whole_bytes(a) == super::whole_bytes(b))
        }
        _ => None,
    }
}

fn equal_parts(a: Term, b: Term, exact: bool) -> bool {
    let mut exact = exact;
    let mut stack: Stack = SmallVec::new();
    if !one_level(a, b, &mut exact, &mut stack) {
        return false;
    }
    while let Some(frame) = stack.pop() {
        match frame {
            Frame::Arithmetic => exact = false,
            Frame::Pair(a, b) => {
                if a != b && !one_level(a, b, &mut exact, &mut stack) {
                    return false;
                }
            }
            Frame::Slices(a, b) => {
                let Some(i) = a.iter().zip(b).position(|(x, y)| x != y) else { continue };
                if i + 1 < a.len() {
                    stack.push(Frame::Slices(&a[i + 1..], &b[i + 1..]));
                }
                if !one_level(a[i], b[i], &mut exact, &mut stack) {
                    return false;
                }
            }
            Frame::Children(a, b) => {
                let Some(i) = a.iter().zip(b).position(|(x, y)| x != y) else { continue };
                if i + 1 < a.len() {
                    stack.push(Frame::Children(&a[i + 1..], &b[i + 1..]));
                }
                match (a[i].as_cons(), b[i].as_cons()) {
                    (Some((key_a, value_a)), Some((key_b, value_b))) => {
                        stack.push(Frame::Pair(value_a, value_b));
                        if !exact {
                            stack.push(Frame::Arithmetic);
                            exact = true;
                        }
                        stack.push(Frame::Pair(key_a, key_b));
                    }
                    (None, None) => {
                        let (x, y) = (terms_of(a[i]), terms_of(b[i]));
                        // The first word is the bitmap: the same one means as many children.
                        if x[0] != y[0] {
                            return false;
                        }
                        stack.push(Frame::Children(&x[1..], &y[1..]));
                    }
                    _ => return false,
                }
            }
        }
    }
    true
}

/// Compares two terms whose words differ, apart from the terms inside them, which go on the stack.
fn one_level<'a>(a: Term, b: Term, exact: &mut bool, stack: &mut Stack<'a>) -> bool {
    if a.is_cons() {
        return b.is_cons() && lists(a, b, stack);
    }
    let Some(kind) = a.boxed_kind() else {
        return !*exact && a.is_small() && b.boxed_kind() == Some(Kind::Float) && number_eq(a, b);
    };
    let Some(kind_b) = b.boxed_kind() else {
        return !*exact && b.is_small() && kind == Kind::Float && number_eq(a, b);
    };
    match (kind, kind_b) {
        (Kind::Tuple, Kind::Tuple) => {
            let (x, y) = (terms_of(a), terms_of(b));
            stack.push(Frame::Slices(x, y));
            x.len() == y.len()
        }
        // The definition first, which is a tuple of atoms.
        (Kind::Record, Kind::Record) => {
            let (x, y) = (terms_of(a), terms_of(b));
            stack.push(Frame::Slices(x, y));
            x.len() == y.len()
        }
        (Kind::Float, Kind::Float) if *exact => number::same_floats(a.as_float(), b.as_float()),
        (Kind::Float, Kind::Float) => a.as_float() == b.as_float(),
        (Kind::PosBig, Kind::PosBig) | (Kind::NegBig, Kind::NegBig) => a.any_body::<'_>() == b.any_body::<'_>(),
        (Kind::Float, Kind::PosBig | Kind::NegBig) | (Kind::PosBig | Kind::NegBig, Kind::Float) => {
            !*exact && number_eq(a, b)
        }
        (Kind::Fun, Kind::Fun) => match (a.as_fun(), b.as_fun()) {
            (Some((x, _, env_x)), Some((y, _, env_y))) => {
                stack.push(Frame::Slices(env_x, env_y));
                x.module == y.module && x.index == y.index && x.old_uniq == y.old_uniq && env_x.len() == env_y.len()
            }
            _ => false,
        },
        (Kind::ExportFun, Kind::ExportFun) => a.any_body::<'_>() == b.any_body::<'_>(),
        (Kind::Ref | Kind::MagicRef, Kind::Ref | Kind::MagicRef) => a.as_local_ref() == b.as_local_ref(),
        (Kind::ExtPid, Kind::ExtPid) | (Kind::ExtPort, Kind::ExtPort) => a.any_body::<'_>() == b.any_body::<'_>(),
        (Kind::ExtRef, Kind::ExtRef) => super::references(a, b) == Ordering::Equal,
        (Kind::FlatMap, Kind::FlatMap) => flat_maps(a, b, exact, stack),
        (Kind::HashRoot, Kind::HashRoot) => {
            let (x, y) = (terms_of(a), terms_of(b));
            if x[..2] != y[..2] {
                return false;
            }
            stack.push(Frame::Children(&x[2..], &y[2..]));
            true
        }
        (Kind::HeapBin | Kind::RefBin, Kind::HeapBin | Kind::RefBin) => super::whole_bytes(a) == super::whole_bytes(b),
        (Kind::HeapBin | Kind::RefBin | Kind::SubBits, Kind::HeapBin | Kind::RefBin | Kind::SubBits) => {
            a.bit_size() == b.bit_size() && super::bitstrings(a, b) == Ordering::Equal
        }
        _ => false,
    }
}

fn number_eq(a: Term, b: Term) -> bool {
    number::cmp(a, b, false) == Ordering::Equal
}

fn lists(a: Term, b: Term, stack: &mut Stack) -> bool {
    let (mut a, mut b) = (a, b);
    while let (Some((head_a, tail_a)), Some((head_b, tail_b))) = (a.as_cons(), b.as_cons()) {
        if head_a != head_b {
            stack.push(Frame::Pair(tail_a, tail_b));
            stack.push(Frame::Pair(head_a, head_b));
            return true;
        }
        (a, b) = (tail_a, tail_b);
        if a == b {
            return true;
        }
    }
    stack.push(Frame::Pair(a, b));
    true
}

fn flat_maps<'a>(a: Term, b: Term, exact: &mut bool, stack: &mut Stack<'a>) -> bool {
    let (Some((keys_a, values_a)), Some((keys_b, values_b))) = (a.as_flat_map(), b.as_flat_map()) else {
        return false;
    };
    if keys_a.len() != keys_b.len() {
        return false;
    }
    stack.push(Frame::Slices(values_a, values_b));
    if !std::ptr::eq(keys_a, keys_b) {
        if !*exact {
            stack.push(Frame::Arithmetic);
            *exact = true;
        }
        stack.push(Frame::Slices(keys_a, keys_b));
    }
    true
}
