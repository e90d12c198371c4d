//! Walking a map.

use crate::heap::Heap;
use crate::release::Release;
use crate::word::Term;
use smallvec::SmallVec;

/// The associations in the order of `maps:iterator/1` and `maps:fold/3`.
#[derive(Clone)]
pub struct MapIter<'a>(Walk<'a>);

/// The associations in the order of the external format and, before OTP 29, of `maps:to_list/1` and `maps:keys/1`: for
/// large maps the reverse of [`MapIter`]'s.
#[derive(Clone)]
pub struct MapListIter<'a>(Walk<'a>);

#[derive(Clone)]
enum Walk<'a> {
    Flat(&'a [Term], &'a [Term]),
    /// Children not visited yet, the root's first.
    Hashed(SmallVec<[&'a [Term]; 8]>),
}

/// The associations of a map (none for any other term) in the order of `maps:iterator/1`.
pub fn iter<'a>(map: Term) -> MapIter<'a> {
    MapIter(Walk::of(map))
}

/// The associations of a map (none for any other term) in the order of the external format.
pub fn iter_listed<'a>(map: Term) -> MapListIter<'a> {
    MapListIter(Walk::of(map))
}

impl<'a> Walk<'a> {
    fn of(map: Term) -> Walk<'a> {
        match map.as_flat_map() {
            Some((keys, values)) => Walk::Flat(keys, values),
            None if map.is_map() => Walk::Hashed(SmallVec::from_slice(&[super::hamt::node(map).1])),
            None => Walk::Hashed(SmallVec::new()),
        }
    }

    #[inline]
    fn next(&mut self, split: impl Fn(&'a [Term]) -> Option<(&'a Term, &'a [Term])>) -> Option<(Term, Term)> {
        match self {
            Walk::Flat(keys, values) => {
                let (&key, rest) = keys.split_first()?;
                let (&value, more) = values.split_first()?;
                (*keys, *values) = (rest, more);
                Some((key, value))
            }
            Walk::Hashed(stack) => loop {
                let children = stack.last_mut()?;
                match split(children) {
                    None => {
                        stack.pop();
                    }
                    Some((&child, rest)) => {
                        *children = rest;
                        if let Some(leaf) = child.as_cons() {
                            return Some(leaf);
                        }
                        stack.push(super::hamt::node(child).1);
                    }
                }
            },
        }
    }
}

impl Iterator for MapIter<'_> {
    type Item = (Term, Term);

    #[inline]
    fn next(&mut self) -> Option<(Term, Term)> {
        self.0.next(|children| children.split_first())
    }
}

impl Iterator for MapListIter<'_> {
    type Item = (Term, Term);

    #[inline]
    fn next(&mut self) -> Option<(Term, Term)> {
        self.0.next(|children| children.split_last())
    }
}

/// `maps:keys/1`
pub fn keys(heap: &mut Heap, map: Term) -> Term {
    list(heap, map, |(key, _)| key)
}

/// `maps:values/1`
pub fn values(heap: &mut Heap, map: Term) -> Term {
    list(heap, map, |(_, value)| value)
}

fn list(heap: &mut Heap, map: Term, part: fn((Term, Term)) -> Term) -> Term {
    let parts: Vec<Term> = match Release::lists_as_iterated() {
        true => iter(map).map(part).collect(),
        false => iter_listed(map).map(part).collect(),
    };
    heap.list(&parts)
}
