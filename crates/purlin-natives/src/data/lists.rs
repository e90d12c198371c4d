//! `++`, `--` and the `lists` module's natives.

use purlin_term::{Heap, Term, compare};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "++", 2, append),
    Native::plain("erlang", "append", 2, append),
    Native::plain("erlang", "--", 2, subtract),
    Native::plain("erlang", "subtract", 2, subtract),
    Native::plain("lists", "member", 2, member),
    Native::plain("lists", "reverse", 2, reverse),
    Native::plain("lists", "keyfind", 3, |ctx, args| keyfind(ctx, args, |_, t| t.unwrap_or(Term::bool(false)))),
    Native::plain("lists", "keymember", 3, |ctx, args| keyfind(ctx, args, |_, t| Term::bool(t.is_some()))),
    Native::plain("lists", "keysearch", 3, |ctx, args| {
        keyfind(ctx, args, |h, t| match t {
            Some(t) => h.tuple(&[purlin_term::am!("value"), t]),
            None => Term::bool(false),
        })
    }),
];

/// Cells visited for one reduction.
const CELLS_PER_REDUCTION: usize = 16;
/// Cells copied for one reduction.
const COPIES_PER_REDUCTION: usize = 60;
/// Cells of the list to subtract from, and of the list to subtract, handled for one reduction.
const KEPT_PER_REDUCTION: usize = 4;
const SUBTRACTED_PER_REDUCTION: usize = 2;
/// Up to this length the right side of `--` is searched as it is.
const SUBTRACT_SCAN: usize = 16;

fn append(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (front, tail) = (args[0], args[1]);
    ctx.room_for_list(front, COPIES_PER_REDUCTION)?;
    if tail.is_nil() && front.is_cons() {
        let n = front.list_length().or_badarg()?;
        ctx.charge(n / COPIES_PER_REDUCTION);
        return Ok(front);
    }
    let before = ctx.heap().free_words();
    let t = ctx.heap().append(front, tail).or_badarg()?;
    let copied = before.saturating_sub(ctx.heap().free_words()) / 2;
    ctx.charge(copied / COPIES_PER_REDUCTION);
    Ok(t)
}

fn subtract(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (kept, subtracted) = (args[0].list_length().or_badarg()?, args[1].list_length().or_badarg()?);
    let reductions = kept / KEPT_PER_REDUCTION + subtracted / SUBTRACTED_PER_REDUCTION;
    ctx.room_for(reductions)?;
    ctx.charge(reductions);
    Ok(difference(ctx.heap(), args[0], args[1]))
}

/// A term ordered so that only terms that are `=:=` are equal.
struct Exact(Term);

impl PartialEq for Exact {
    fn eq(&self, other: &Exact) -> bool {
        compare::same(self.0, other.0)
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        compare::cmp_exact(self.0, other.0)
    }
}

/// The list `from` without the first occurrence of each element of `what`. The rest of `from` behind the last
/// removed element is shared.
fn difference(h: &mut Heap, from: Term, what: Term) -> Term {
    let mut kept = Vec::new();
    let mut rest = from.iter();
    let mut left: Vec<Term> = what.iter().collect();
    if left.len() <= SUBTRACT_SCAN {
        while !left.is_empty() {
            let Some(e) = rest.next() else { break };
            match left.iter().position(|&w| compare::same(w, e)) {
                Some(i) => {
                    left.swap_remove(i);
                }
                None => kept.push(e),
            }
        }
    } else {
        let mut remaining = left.len();
        let mut counts: BTreeMap<Exact, usize> = BTreeMap::new();
        left.into_iter().for_each(|w| *counts.entry(Exact(w)).or_default() += 1);
        while remaining > 0 {
            let Some(e) = rest.next() else { break };
            match counts.get_mut(&Exact(e)) {
                Some(n) if *n > 0 => {
                    *n -= 1;
                    remaining -= 1;
                }
                _ => kept.push(e),
            }
        }
    }
    h.list_with_tail(&kept, rest.tail())
}

fn member(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (element, budget) = (args[0], budget(ctx));
    let mut list = args[1].iter();
    let compound = element.is_pointer();
    for (n, e) in list.by_ref().enumerate() {
        if e == element || (compound && compare::same(e, element)) {
            ctx.charge(n / CELLS_PER_REDUCTION);
            return Ok(Term::bool(true));
        }
        if n == budget {
            ctx.charge(n / CELLS_PER_REDUCTION + 1);
            return Err(Escape::Yield(vec![element, list.tail()]));
        }
    }
    if list.tail().is_nil() { Ok(Term::bool(false)) } else { Err(Escape::BADARG) }
}

/// Cells to visit before the process should let others run.
fn budget(ctx: &Ctx<'_>) -> usize {
    ctx.data.reductions_left().max(1) as usize * CELLS_PER_REDUCTION
}

fn reverse(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let budget = budget(ctx);
    let mut list = args[0].iter();
    let mut out = args[1];
    let mut n = 0;
    for e in list.by_ref() {
        out = ctx.heap().cons(e, out);
        n += 1;
        if n == budget {
            ctx.charge(n / CELLS_PER_REDUCTION + 1);
            return Err(Escape::Yield(vec![list.tail(), out]));
        }
    }
    ctx.charge(n / CELLS_PER_REDUCTION);
    if list.tail().is_nil() { Ok(out) } else { Err(Escape::BADARG) }
}

/// Finds the first tuple whose element at a position equals the key, and gives it to `result`.
fn keyfind(ctx: &mut Ctx<'_>, args: &[Term], result: fn(&mut Heap, Option<Term>) -> Term) -> NativeResult {
    let (key, budget) = (args[0], budget(ctx));
    let at = args[1].as_usize().and_then(|p| p.checked_sub(1)).or_badarg()?;
    // An atom or the like is equal to nothing but itself; a number may equal one of the other kind.
    let by_word = key.is_immediate() && !key.is_small();
    let mut list = args[2].iter();
    for (n, t) in list.by_ref().enumerate() {
        if let Some(&e) = t.as_tuple().and_then(|t| t.get(at))
            && (e == key || (!by_word && compare::eq(e, key)))
        {
            ctx.charge(n / CELLS_PER_REDUCTION);
            return Ok(result(ctx.heap(), Some(t)));
        }
        if n == budget {
            ctx.charge(n / CELLS_PER_REDUCTION + 1);
            return Err(Escape::Yield(vec![key, args[1], list.tail()]));
        }
    }
    if list.tail().is_nil() { Ok(result(ctx.heap(), None)) } else { Err(Escape::BADARG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(i: i64) -> Term {
        Term::small(i)
    }

    #[test]
    fn first_occurrences_are_subtracted_exactly() {
        let mut h = Heap::new(0);
        let one = h.float(1.0);
        for (from, what, want) in [
            (vec![n(1), n(2), n(1), n(3)], vec![n(1)], vec![n(2), n(1), n(3)]),
            (vec![n(1), n(2), n(1), n(3)], vec![n(1), n(1), n(1)], vec![n(2), n(3)]),
            (vec![n(1), one], vec![one], vec![n(1)]),
            (vec![], vec![n(1)], vec![]),
            (vec![n(1)], vec![], vec![n(1)]),
        ] {
            let (f, w) = (h.list(&from), h.list(&what));
            assert_eq!(difference(&mut h, f, w).as_list().unwrap(), want);
            // The same with so much to subtract that it is indexed.
            let long: Vec<Term> = what.iter().copied().chain((100..120).map(n)).collect();
            let w = h.list(&long);
            assert_eq!(difference(&mut h, f, w).as_list().unwrap(), want);
        }
    }

    #[test]
    fn the_rest_behind_the_last_removed_element_is_shared() {
        let mut h = Heap::new(0);
        let from = h.list(&[n(1), n(2), n(3)]);
        let what = h.list(&[n(2)]);
        let d = difference(&mut h, from, what);
        assert_eq!(d.as_cons().unwrap().1, from.as_cons().unwrap().1.as_cons().unwrap().1);
        assert_eq!(difference(&mut h, from, Term::NIL), from);
    }
}
