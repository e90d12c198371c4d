//! Building and changing tuples.

use purlin_term::{Heap, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "setelement", 3, |ctx, args| changed(ctx, args[1], args, setelement)),
    Native::plain("erlang", "make_tuple", 2, |ctx, args| made(ctx, args, make_tuple_2)),
    Native::plain("erlang", "make_tuple", 3, |ctx, args| made(ctx, args, make_tuple_3)),
    Native::plain("erlang", "append_element", 2, |ctx, args| changed(ctx, args[0], args, append_element)),
    Native::plain("erlang", "insert_element", 3, |ctx, args| changed(ctx, args[1], args, insert_element)),
    Native::plain("erlang", "delete_element", 2, |ctx, args| changed(ctx, args[1], args, delete_element)),
    Native::plain("erlang", "tuple_to_list", 1, tuple_to_list),
    Native::plain("erlang", "list_to_tuple", 1, list_to_tuple),
];

/// Largest tuple.
const MAX_SIZE: usize = (1 << 24) - 1;

/// Elements copied, and elements of or from a list, for one reduction.
const COPIES_PER_REDUCTION: usize = 256;
const CELLS_PER_REDUCTION: usize = 60;

/// Makes a tuple, or changes one, in a way that gives nothing for wrong arguments.
type Make = fn(&mut Heap, &[Term]) -> Option<Term>;

/// Counts the work of making a tuple.
fn sized(ctx: &mut Ctx<'_>, elements: usize, per_reduction: usize) -> Result<(), Escape> {
    ctx.room_for(elements / per_reduction)?;
    ctx.charge(elements / per_reduction);
    Ok(())
}

fn changed(ctx: &mut Ctx<'_>, tuple: Term, a: &[Term], make: Make) -> NativeResult {
    sized(ctx, tuple.as_tuple().map_or(0, <[Term]>::len), COPIES_PER_REDUCTION)?;
    make(ctx.heap(), a).or_badarg()
}

fn made(ctx: &mut Ctx<'_>, a: &[Term], make: Make) -> NativeResult {
    sized(ctx, a[0].as_usize().filter(|&n| n <= MAX_SIZE).unwrap_or(0), COPIES_PER_REDUCTION)?;
    make(ctx.heap(), a).or_badarg()
}

/// A position in a tuple, counted from 1, as an index below `limit`.
fn index(t: Term, limit: usize) -> Option<usize> {
    t.as_usize()?.checked_sub(1).filter(|&i| i < limit)
}

fn setelement(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let mut elements = a[1].as_tuple()?.to_vec();
    let i = index(a[0], elements.len())?;
    elements[i] = a[2];
    Some(h.tuple(&elements))
}

fn make_tuple_2(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let n = a[0].as_usize().filter(|&n| n <= MAX_SIZE)?;
    Some(h.tuple(&vec![a[1]; n]))
}

fn make_tuple_3(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let n = a[0].as_usize().filter(|&n| n <= MAX_SIZE)?;
    let mut elements = vec![a[1]; n];
    let mut list = a[2].iter();
    for pair in list.by_ref() {
        let &[position, value] = pair.as_tuple()? else { return None };
        elements[index(position, n)?] = value;
    }
    list.tail().is_nil().then(|| h.tuple(&elements))
}

fn append_element(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let t = a[0].as_tuple().filter(|t| t.len() < MAX_SIZE)?;
    Some(h.tuple(&[t, &[a[1]]].concat()))
}

fn insert_element(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let t = a[1].as_tuple()?;
    let i = index(a[0], t.len() + 1)?;
    Some(h.tuple(&[&t[..i], &[a[2]], &t[i..]].concat()))
}

fn delete_element(h: &mut Heap, a: &[Term]) -> Option<Term> {
    let t = a[1].as_tuple()?;
    let i = index(a[0], t.len())?;
    Some(h.tuple(&[&t[..i], &t[i + 1..]].concat()))
}

fn tuple_to_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = args[0].as_tuple().or_badarg()?;
    sized(ctx, t.len(), CELLS_PER_REDUCTION)?;
    Ok(ctx.heap().list(t))
}

fn list_to_tuple(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_list(args[0], CELLS_PER_REDUCTION)?;
    let elements = args[0].as_list().filter(|l| l.len() <= MAX_SIZE).or_badarg()?;
    ctx.charge(elements.len() / CELLS_PER_REDUCTION);
    Ok(ctx.heap().tuple(&elements))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(i: i64) -> Term {
        Term::small(i)
    }

    #[test]
    fn elements_are_set_inserted_and_deleted() {
        let mut h = Heap::new(0);
        let t = h.tuple(&[n(1), n(2)]);
        let check = |got: Option<Term>, want: Option<&[Term]>| assert_eq!(got.map(|t| t.as_tuple().unwrap()), want);
        check(setelement(&mut h, &[n(2), t, n(9)]), Some(&[n(1), n(9)]));
        check(setelement(&mut h, &[n(3), t, n(9)]), None);
        check(setelement(&mut h, &[n(0), t, n(9)]), None);
        check(insert_element(&mut h, &[n(3), t, n(9)]), Some(&[n(1), n(2), n(9)]));
        check(insert_element(&mut h, &[n(4), t, n(9)]), None);
        check(delete_element(&mut h, &[n(1), t]), Some(&[n(2)]));
        check(delete_element(&mut h, &[n(3), t]), None);
        check(append_element(&mut h, &[t, n(3)]), Some(&[n(1), n(2), n(3)]));
        let pair = h.tuple(&[n(2), n(7)]);
        let pairs = h.list(&[pair]);
        check(make_tuple_3(&mut h, &[n(2), Term::NIL, pairs]), Some(&[Term::NIL, n(7)]));
        check(make_tuple_3(&mut h, &[n(1), Term::NIL, pairs]), None);
        check(make_tuple_2(&mut h, &[n(0), t]), Some(&[]));
        check(make_tuple_2(&mut h, &[n(-1), t]), None);
    }
}
