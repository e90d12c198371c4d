//! Natives that read and write single rows.

use super::key::{self, Key};
use super::table::{Rows, State, Table};
use super::{Asker, Need, cause, find, table_cause};
use purlin_term::{Heap, Release, Row, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

pub const NATIVES: &[Native] = &[
    Native::plain("ets", "lookup", 2, lookup),
    Native::plain("ets", "lookup_element", 3, lookup_element),
    Native::plain("ets", "lookup_element", 4, lookup_element_or).since(26),
    Native::plain("ets", "member", 2, member),
    Native::plain("ets", "take", 2, take),
    Native::plain("ets", "delete", 2, delete),
    Native::plain("ets", "delete_object", 2, delete_object),
    Native::plain("ets", "internal_delete_all", 2, internal_delete_all),
    Native::plain("ets", "first", 1, |ctx, args| walk(ctx, args, To::First)),
    Native::plain("ets", "last", 1, |ctx, args| walk(ctx, args, To::Last)),
    Native::plain("ets", "next", 2, |ctx, args| walk(ctx, args, To::Next)),
    Native::plain("ets", "prev", 2, |ctx, args| walk(ctx, args, To::Prev)),
    Native::plain("ets", "first_lookup", 1, |ctx, args| walk_with_rows(ctx, args, To::First)).since(27),
    Native::plain("ets", "last_lookup", 1, |ctx, args| walk_with_rows(ctx, args, To::Last)).since(27),
    Native::plain("ets", "next_lookup", 2, |ctx, args| walk_with_rows(ctx, args, To::Next)).since(27),
    Native::plain("ets", "prev_lookup", 2, |ctx, args| walk_with_rows(ctx, args, To::Prev)).since(27),
    Native::plain("ets", "slot", 2, slot),
    // What `ets:info(Table, binary)` is made of.
    Native::plain("erts_internal", "ets_raw_first", 1, |ctx, args| walk(ctx, args, To::First)),
    Native::plain("erts_internal", "ets_raw_next", 2, |ctx, args| walk(ctx, args, To::Next)),
    Native::plain("erts_internal", "ets_lookup_binary_info", 2, lookup_binary_info),
    Native::plain("ets", "update_element", 3, update_element),
    Native::plain("ets", "update_element", 4, update_element).since(27),
    Native::plain("ets", "update_counter", 3, update_counter),
    Native::plain("ets", "update_counter", 4, update_counter),
];

fn end_of_table() -> Term {
    am!("$end_of_table")
}

// ---- reading

/// A list of copies of rows, the last one first.
fn copies<'r>(heap: &mut Heap, rows: impl Iterator<Item = &'r Row>) -> Term {
    rows.fold(Term::NIL, |list, row| {
        let row = row.copy_to(heap);
        heap.cons(row, list)
    })
}

/// The rows of a key.
fn rows_of(heap: &mut Heap, t: &Table, state: &State, key: Key) -> Term {
    if !t.is_set() {
        return copies(heap, state.lookup(key));
    }
    let Some(row) = state.get(key) else { return Term::NIL };
    let row = row.copy_to(heap);
    heap.cons(row, Term::NIL)
}

fn lookup(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let state = t.read(Asker::of(ctx), Need::Read)?;
    Ok(rows_of(ctx.heap(), &t, &state, key))
}

fn lookup_element(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    element_of(ctx, args)?.ok_or_else(|| cause("badkey"))
}

/// As `lookup_element/3`, with what to give where no row has the key.
fn lookup_element_or(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(element_of(ctx, args)?.unwrap_or(args[3]))
}

/// An element of the row with a key, of a bag those of all such rows.
fn element_of(ctx: &mut Ctx<'_>, args: &[Term]) -> Result<Option<Term>, Escape> {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let state = t.read(Asker::of(ctx), Need::Read)?;
    let at = args[2].as_usize().filter(|n| *n > 0).or_badarg()?;
    let element = |row: &Row| row.elements().get(at - 1).copied().or_badarg();
    if t.is_set() {
        let Some(row) = state.get(key) else { return Ok(None) };
        return Ok(Some(ctx.heap().copy(element(row)?)));
    }
    let mut list = Term::NIL;
    for row in state.lookup(key) {
        let copy = ctx.heap().copy(element(row)?);
        list = ctx.heap().cons(copy, list);
    }
    Ok(Some(list).filter(|l| !l.is_nil()))
}

/// Address, size and count of each counted binary in the rows of a key.
fn lookup_binary_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut copy = Heap::new(0);
    rows_of(&mut copy, &t, &*t.read(Asker::of(ctx), Need::Read)?, t.key(args[1]));
    let found = copy.counted_binaries();
    let mut copies: HashMap<usize, usize> = HashMap::new();
    found.iter().for_each(|(address, ..)| *copies.entry(*address).or_default() += 1);
    let h = ctx.heap();
    let list: Vec<Term> = found
        .into_iter()
        .map(|(address, size, count)| {
            let parts = [address, size, count - copies[&address]].map(|n| h.unsigned(n as u64));
            h.tuple(&parts)
        })
        .collect();
    Ok(h.list(&list))
}

fn member(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let state = t.read(Asker::of(ctx), Need::Read)?;
    Ok(Term::bool(state.contains(key)))
}

// ---- deleting

fn take(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let list = rows_of(ctx.heap(), &t, &state, key);
    if !list.is_nil() {
        state.delete(key);
    }
    Ok(list)
}

fn delete(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    t.write(Asker::of(ctx), Need::Write)?.delete(key);
    Ok(am!("true"))
}

fn delete_object(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = args[1].as_tuple().and_then(|e| e.get(t.options.keypos - 1)).map(|key| t.key(*key));
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    state.delete_object(key.or_badarg()?, args[1]);
    Ok(am!("true"))
}

fn internal_delete_all(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let n = state.len();
    let rows = state.clear(&t.options);
    drop(state);
    if let Some(rows) = rows {
        rows.discard();
    }
    ctx.charge(n / 32);
    // OTP goes on with a count that a former part of the work gave.
    Ok(if args[1] == am!("undefined") { ctx.heap().unsigned(n as u64) } else { args[1] })
}

// ---- walking

fn key_of_row(t: &Table, row: &Row) -> Term {
    key::at(t.options.keypos, row)
}

/// Where a walk goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    First,
    Last,
    Next,
    Prev,
}

/// The key that a step leads to.
fn key_at(t: &Table, state: &State, to: To, from: Option<Term>) -> Result<Option<Term>, Escape> {
    let row = match (&state.rows, to, from) {
        // In a hash table both directions are one.
        (Rows::Hash(h), To::First | To::Last, _) => return Ok(h.first()),
        (Rows::Hash(h), _, Some(from)) => return state.next(h, t.key(from)).or_badarg(),
        (Rows::Tree(r), To::First, _) => r.first(),
        (Rows::Tree(r), To::Last, _) => r.last(),
        (Rows::Tree(r), To::Next, Some(from)) if from != end_of_table() => r.next(from),
        (Rows::Tree(r), To::Prev, Some(from)) if from != end_of_table() => r.prev(from),
        _ => return Err(Escape::BADARG),
    };
    Ok(row.map(|r| key_of_row(t, r)))
}

fn walk(ctx: &mut Ctx<'_>, args: &[Term], to: To) -> NativeResult {
    let t = find(ctx, args[0])?;
    let state = t.read(Asker::of(ctx), Need::Read)?;
    let key = key_at(&t, &state, to, args.get(1).copied())?;
    Ok(key.map_or_else(end_of_table, |k| ctx.heap().copy(k)))
}

/// As [`walk`], with the rows of the key: nothing comes between.
fn walk_with_rows(ctx: &mut Ctx<'_>, args: &[Term], to: To) -> NativeResult {
    let t = find(ctx, args[0])?;
    let state = t.read(Asker::of(ctx), Need::Read)?;
    let Some(key) = key_at(&t, &state, to, args.get(1).copied())? else { return Ok(end_of_table()) };
    let rows = rows_of(ctx.heap(), &t, &state, t.key(key));
    let key = ctx.heap().copy(key);
    Ok(ctx.heap().tuple(&[key, rows]))
}

fn slot(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let state = t.read(Asker::of(ctx), Need::Read)?;
    let n = args[1].as_usize().or_badarg()?;
    let slots = match &state.rows {
        Rows::Hash(h) => h.active(),
        Rows::Tree(r) => r.len(),
    };
    if n >= slots {
        return if n == slots { Ok(end_of_table()) } else { Err(Escape::BADARG) };
    }
    match &state.rows {
        Rows::Hash(h) => Ok(copies(ctx.heap(), h.bucket(n).filter(|r| !r.is_deleted()))),
        Rows::Tree(r) => Ok(copies(ctx.heap(), r.nth(n).into_iter())),
    }
}

// ---- changing elements

/// The elements of a row.
type Elements = SmallVec<[Term; 16]>;

/// New elements of a row and their positions.
type Changes = SmallVec<[(usize, Term); 4]>;

/// Changes a row, in its place if no objects come or go or change their size.
fn change(state: &mut State, key: Key, changes: &Changes) -> Result<(), Escape> {
    let row = state.row_mut(key).or_badarg()?;
    if changes.iter().all(|(at, value)| row.has_place_for(*at, *value)) {
        for (at, value) in changes {
            row.set_in_place(*at, *value);
        }
        return Ok(());
    }
    let mut elements = Elements::from_slice(row.elements());
    for (at, value) in changes {
        elements[*at] = *value;
    }
    let mut row = Row::of(&elements);
    row.set_hash(key.hash);
    state.put(row, false);
    Ok(())
}

fn only_sets(t: &Table) -> Result<(), Escape> {
    t.is_set().then_some(()).ok_or_else(|| table_cause("table_type"))
}

fn update_element(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let default = args.get(3).copied();
    if default.is_some_and(|d| !d.is_tuple()) {
        return Err(Escape::BADARG);
    }
    // What is wrong is told since then.
    let told = ctx.engine.config.release >= Release(27);
    let why = |why: fn(&str) -> Escape, name| if told { why(name) } else { Escape::BADARG };
    t.is_set().then_some(()).ok_or_else(|| why(table_cause, "table_type"))?;
    let exists = state.contains(key);
    if !exists && default.is_none() {
        return Ok(am!("false"));
    }
    let mut elements = start_row(&t, &state, key, default)?;
    let mut changes = Changes::new();
    let mut change_to = |c: Term| {
        let Some(&[at, value]) = c.as_tuple() else { return Err(Escape::BADARG) };
        let at = at.as_small().or_badarg()?;
        if at == t.options.keypos as i64 {
            return Err(cause("keypos"));
        }
        let at = usize::try_from(at).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < elements.len());
        changes.push((at.ok_or_else(|| why(cause, "position"))?, value));
        Ok(())
    };
    if args[2].is_tuple() {
        change_to(args[2])?;
    } else {
        args[2].as_list().or_badarg()?.into_iter().try_for_each(change_to)?;
    }
    if exists {
        change(&mut state, key, &changes)?;
    } else {
        for (at, value) in changes {
            elements[at] = value;
        }
        state.put(t.row(&elements), false);
    }
    Ok(am!("true"))
}

/// `Old + By`; big integers go through the arithmetic of `erlang:'+'/2`.
fn add(ctx: &mut Ctx<'_>, old: Term, by: Term) -> NativeResult {
    if let (Some(a), Some(b)) = (old.as_small(), by.as_small()) {
        return Ok(ctx.heap().integer(a + b));
    }
    let plus = ctx.engine.native("erlang", "+", 2).ok_or(Escape::Error(am!("undef")))?.body;
    plus(ctx, &[old, by])
}

/// Whether `value` lies beyond `threshold` in the direction in which `by` counts.
fn is_beyond(value: Term, threshold: Term, by: Term) -> bool {
    use purlin_term::compare::cmp;
    if cmp(by, Term::small(0)).is_lt() { cmp(value, threshold).is_lt() } else { cmp(value, threshold).is_gt() }
}

/// One step of `update_counter`: position (from 0), increment, and threshold with the value beyond it.
struct Step {
    at: usize,
    by: Term,
    wrap: Option<(Term, Term)>,
}

/// Reads an operation and checks it against the row, whose size and counters must fit.
fn counter_step(t: &Table, op: Term, row: &[Term]) -> Result<Step, Escape> {
    let (at, by, wrap) = match op.as_tuple() {
        Some(&[at, by]) => (at, by, None),
        Some(&[at, by, threshold, value]) if threshold.is_integer() && value.is_integer() => {
            (at, by, Some((threshold, value)))
        }
        _ => return Err(Escape::BADARG),
    };
    let at = at.as_small().or_badarg()?;
    if !by.is_integer() {
        return Err(Escape::BADARG);
    }
    if at == t.options.keypos as i64 {
        return Err(cause("keypos"));
    }
    let at = usize::try_from(at).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < row.len());
    let at = at.ok_or_else(|| cause("position"))?;
    if !row[at].is_integer() {
        return Err(Escape::BADARG);
    }
    Ok(Step { at, by, wrap })
}

/// All steps of an `update_counter`: one, or those of a list.
fn counter_steps(t: &Table, ops: Term, row: &[Term]) -> Result<SmallVec<[Step; 2]>, Escape> {
    if ops.is_integer() {
        if !row.get(t.options.keypos).is_some_and(|e| e.is_integer()) {
            let missing = row.len() <= t.options.keypos;
            return Err(if missing { cause("position") } else { Escape::BADARG });
        }
        return Ok(smallvec![Step { at: t.options.keypos, by: ops, wrap: None }]);
    }
    if !ops.is_list() {
        return Ok(smallvec![counter_step(t, ops, row)?]);
    }
    let mut ops = ops.iter();
    let steps: Result<SmallVec<_>, Escape> = ops.by_ref().map(|op| counter_step(t, op, row)).collect();
    Some(steps?).filter(|_| ops.tail().is_nil()).or_badarg()
}

/// `update_counter/3,4`; the fourth argument is the row to start from when the key is missing.
fn update_counter(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let key = t.key(args[1]);
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let default = args.get(3).copied();
    if default.is_some_and(|d| !d.is_tuple()) {
        return Err(Escape::BADARG);
    }
    only_sets(&t)?;
    if let Some(value) = count_in_place(&t, &mut state, key, args[2]) {
        return Ok(value);
    }
    let exists = state.contains(key);
    let mut elements = start_row(&t, &state, key, default)?;
    let single = !args[2].is_list();
    let steps = match counter_steps(&t, args[2], &elements) {
        Ok(steps) => steps,
        Err(why) => {
            if !exists && state.is_fixed() {
                // As in OTP, iterations know the key from now on.
                state.put(t.row(&elements), false);
                state.delete(key);
            }
            return Err(why);
        }
    };
    let mut changes = Changes::new();
    for Step { at, by, wrap } in steps {
        let mut value = add(ctx, elements[at], by)?;
        if let Some((threshold, beyond)) = wrap
            && is_beyond(value, threshold, by)
        {
            value = beyond;
        }
        elements[at] = value;
        changes.push((at, value));
    }
    if exists {
        // The row keeps its own key, which may be `==` to the one given.
        change(&mut state, key, &changes)?;
    } else {
        state.put(t.row(&elements), false);
    }
    if single {
        return Ok(changes[0].1);
    }
    let results: SmallVec<[Term; 4]> = changes.iter().map(|c| c.1).collect();
    Ok(ctx.heap().list(&results))
}

/// The most frequent case: one small counter of an existing row, and no threshold.
fn count_in_place(t: &Table, state: &mut State, key: Key, op: Term) -> Option<Term> {
    let (at, by) = match op.as_tuple() {
        Some(&[at, by]) => (at.as_usize()?.checked_sub(1)?, by),
        Some(_) => return None,
        None => (t.options.keypos, op),
    };
    let by = by.as_small()?;
    let row = state.row_mut(key)?;
    let old = row.elements().get(at)?.as_small()?;
    let new = Some(old + by).filter(|n| at + 1 != t.options.keypos && Term::fits_small(*n))?;
    row.set_in_place(at, Term::small(new)).then_some(Term::small(new))
}

/// The elements of the row to count in.
fn start_row(t: &Table, state: &State, key: Key, default: Option<Term>) -> Result<Elements, Escape> {
    if let Some(row) = state.get(key) {
        return Ok(Elements::from_slice(row.elements()));
    }
    let mut elements = Elements::from_slice(default.ok_or_else(|| cause("badkey"))?.as_tuple().or_badarg()?);
    *elements.get_mut(t.options.keypos - 1).or_badarg()? = key.term;
    Ok(elements)
}
