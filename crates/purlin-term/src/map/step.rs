//! `erts_internal:map_next/3`: some associations of a map, and from where to go on.
//!
//! The place to go on from is a path: for each level of the trie, four bits with the index of the child to visit, the
//! root's lowest. A path that ends early goes on with first children. A list that is to stand in the order of iteration
//! is made from its end: children are visited last one first, and a path counts them from there.

use super::hamt::node;
use crate::heap::Heap;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// What the associations are wanted for.
#[derive(Clone, Copy, Debug)]
pub enum NextForm {
    /// `maps:next/1`: `{K1, V1, {K2, V2, ...}}` that ends in `none` or `[Path|Map]`.
    Iterator,
    /// `maps:to_list/1`: pairs put one by one in front of this list; with `[Path, Map|...]` in front if some are left.
    List(Term),
}

/// The associations from a path on, at most `limit` of a large map (at least one, and at most 32 from its start).
///
/// `None` means `badarg`: no map, or no path in it.
pub fn map_next(heap: &mut Heap, path: Term, map: Term, form: NextForm, limit: usize) -> Option<Term> {
    if let Some((keys, values)) = map.as_flat_map() {
        path.as_usize().filter(|&p| p <= keys.len())?;
        let pairs = keys.iter().copied().zip(values.iter().copied());
        return Some(match form {
            NextForm::Iterator => chain(heap, pairs, None),
            NextForm::List(tail) => pairs.rev().fold(tail, |list, (key, value)| {
                let pair = heap.tuple(&[key, value]);
                heap.cons(pair, list)
            }),
        });
    }
    if !map.is_map() {
        return None;
    }
    let from_end = matches!(form, NextForm::List(_)) && Release::lists_as_iterated();
    let child = |children: &[Term], at: usize| {
        let at = if from_end { children.len().checked_sub(at + 1)? } else { at };
        children.get(at).copied()
    };
    let mut digits = Digits::of(path)?;
    let mut limit = limit.clamp(1, super::size(map));
    if path == Term::small(0) {
        limit = limit.min(super::FLAT_LIMIT);
    }

    // For each level, the node's children and the index of the one to visit next.
    let mut stack: SmallVec<[(&[Term], usize); 8]> = SmallVec::new();
    let mut t = map;
    while !t.is_cons() {
        let children = node(t).1;
        let at = digits.next();
        t = child(children, at)?;
        stack.push((children, at + usize::from(!t.is_cons())));
    }
    let mut pairs: SmallVec<[(Term, Term); super::FLAT_LIMIT]> = SmallVec::new();
    while let Some((children, at)) = stack.last_mut() {
        let Some(child) = child(children, *at) else {
            stack.pop();
            continue;
        };
        if pairs.len() == limit {
            break;
        }
        *at += 1;
        match child.as_cons() {
            Some(leaf) => pairs.push(leaf),
            None => stack.push((node(child).1, 0)),
        }
    }
    let rest = (!stack.is_empty()).then(|| {
        let path = path_of(heap, &stack);
        (path, map)
    });
    Some(match form {
        NextForm::Iterator => chain(heap, pairs.into_iter(), rest),
        NextForm::List(tail) => {
            let list = pairs.iter().fold(tail, |list, &(key, value)| {
                let pair = heap.tuple(&[key, value]);
                heap.cons(pair, list)
            });
            match rest {
                Some((path, map)) => heap.list_with_tail(&[path, map], list),
                None => list,
            }
        }
    })
}

/// `{K1, V1, {K2, V2, ...}}`
fn chain(heap: &mut Heap, pairs: impl DoubleEndedIterator<Item = (Term, Term)>, rest: Option<(Term, Term)>) -> Term {
    let end = match rest {
        Some((path, map)) => heap.cons(path, map),
        None => crate::am!("none"),
    };
    pairs.rev().fold(end, |next, (key, value)| heap.tuple(&[key, value, next]))
}

/// The indexes in a path, the root's first.
struct Digits<'a> {
    word: u64,
    rest: &'a [u64],
    left: u32,
}

impl<'a> Digits<'a> {
    fn of(path: Term) -> Option<Digits<'a>> {
        let (word, rest) = match path.as_big() {
            Some((false, digits)) => (digits[0], &digits[1..]),
            Some((true, _)) => return None,
            None => (path.as_usize()? as u64, &[][..]),
        };
        Some(Digits { word, rest, left: 16 })
    }

    fn next(&mut self) -> usize {
        if self.left == 0 {
            let (word, rest) = self.rest.split_first().map_or((0, self.rest), |(&w, rest)| (w, rest));
            (self.word, self.rest, self.left) = (word, rest, 16);
        }
        let digit = self.word as usize & 0xF;
        self.word >>= 4;
        self.left -= 1;
        digit
    }
}

/// The path to the next child of the deepest node; the nodes above have gone one past the child they lead through.
fn path_of(heap: &mut Heap, stack: &[(&[Term], usize)]) -> Term {
    let mut digits: SmallVec<[u64; 2]> = SmallVec::new();
    for (depth, &(_, at)) in stack.iter().enumerate() {
        let index = if depth + 1 == stack.len() { at } else { at - 1 } as u64;
        if depth % 16 == 0 {
            digits.push(0);
        }
        digits[depth / 16] |= index << (4 * (depth % 16));
    }
    while digits.len() > 1 && digits.last() == Some(&0) {
        digits.pop();
    }
    match digits[..] {
        [only] => heap.unsigned(only),
        _ => heap.big(false, &digits),
    }
}
