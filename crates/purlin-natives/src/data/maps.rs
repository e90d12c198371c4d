//! The `maps` module's natives and their relatives.

use purlin_term::map::{self, NextForm};
use purlin_term::{Atom, Heap, Kind, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("maps", "get", 2, get),
    Native::plain("maps", "find", 2, find),
    Native::plain("maps", "is_key", 2, is_key),
    Native::plain("maps", "keys", 1, keys),
    Native::plain("maps", "values", 1, values),
    Native::plain("maps", "put", 3, put),
    Native::plain("maps", "update", 3, update),
    Native::plain("maps", "remove", 2, remove),
    Native::plain("maps", "take", 2, take),
    Native::plain("maps", "merge", 2, merge),
    Native::plain("maps", "from_list", 1, from_list),
    Native::plain("maps", "from_keys", 2, from_keys),
    Native::plain("erts_internal", "map_next", 3, map_next),
    Native::plain("erts_internal", "map_to_tuple_keys", 1, map_to_tuple_keys),
    Native::plain("erts_internal", "map_hashmap_children", 1, map_hashmap_children),
    Native::plain("erts_internal", "term_type", 1, term_type),
];

/// Associations put, joined or listed for one reduction.
const PUT_PER_REDUCTION: usize = 4;
const JOINED_PER_REDUCTION: usize = 8;
const LISTED_PER_REDUCTION: usize = 16;

/// `{badmap, T}`
pub(super) fn badmap(h: &mut Heap, t: Term) -> Escape {
    Escape::Error(h.tuple(&[Term::atom(Atom::BADMAP), t]))
}

/// `{badkey, K}`
fn badkey(h: &mut Heap, key: Term) -> Escape {
    Escape::Error(h.tuple(&[Term::atom(Atom::BADKEY), key]))
}

/// The term, which must be a map.
pub fn checked(ctx: &mut Ctx<'_>, t: Term) -> Result<Term, Escape> {
    if t.is_map() { Ok(t) } else { Err(badmap(ctx.heap(), t)) }
}

pub(super) fn get(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[1])?;
    map::get(m, args[0]).ok_or_else(|| badkey(ctx.heap(), args[0]))
}

fn find(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[1])?;
    match map::get(m, args[0]) {
        Some(value) => ctx.ok(value),
        None => Ok(Term::atom(Atom::ERROR)),
    }
}

pub(super) fn is_key(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[1])?;
    Ok(Term::bool(map::contains(m, args[0])))
}

/// Counts the work of listing a map.
fn listed(ctx: &mut Ctx<'_>, m: Term) -> Result<(), Escape> {
    let reductions = map::size(m) / LISTED_PER_REDUCTION;
    ctx.room_for(reductions)?;
    ctx.charge(reductions);
    Ok(())
}

fn keys(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[0])?;
    listed(ctx, m)?;
    Ok(map::keys(ctx.heap(), m))
}

fn values(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[0])?;
    listed(ctx, m)?;
    Ok(map::values(ctx.heap(), m))
}

fn put(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[2])?;
    Ok(map::put(ctx.heap(), m, args[0], args[1]))
}

fn update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[2])?;
    map::update(ctx.heap(), m, args[0], args[1]).ok_or_else(|| badkey(ctx.heap(), args[0]))
}

fn remove(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[1])?;
    Ok(map::remove(ctx.heap(), m, args[0]))
}

fn take(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[1])?;
    match map::take(ctx.heap(), m, args[0]) {
        Some((value, rest)) => Ok(ctx.heap().tuple(&[value, rest])),
        None => Ok(Term::atom(Atom::ERROR)),
    }
}

fn merge(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (x, y) = (checked(ctx, args[0])?, checked(ctx, args[1])?);
    let reductions = (map::size(x) + map::size(y)) / JOINED_PER_REDUCTION;
    ctx.room_for(reductions)?;
    ctx.charge(reductions);
    Ok(map::merge(ctx.heap(), x, y))
}

fn from_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_list(args[0], PUT_PER_REDUCTION)?;
    let mut pairs = Vec::new();
    let mut list = args[0].iter();
    for t in list.by_ref() {
        let Some(&[key, value]) = t.as_tuple() else { return Err(Escape::BADARG) };
        pairs.push((key, value));
    }
    from_pairs(ctx, list.tail(), &pairs)
}

fn from_keys(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_list(args[0], PUT_PER_REDUCTION)?;
    let mut list = args[0].iter();
    let pairs: Vec<(Term, Term)> = list.by_ref().map(|key| (key, args[1])).collect();
    from_pairs(ctx, list.tail(), &pairs)
}

fn from_pairs(ctx: &mut Ctx<'_>, tail: Term, pairs: &[(Term, Term)]) -> NativeResult {
    if !tail.is_nil() {
        return Err(Escape::BADARG);
    }
    ctx.charge(pairs.len() / PUT_PER_REDUCTION);
    Ok(map::from_pairs(ctx.heap(), pairs))
}

fn map_next(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let form = match args[2] {
        t if t == am!("iterator") => NextForm::Iterator,
        t if t.is_list() => NextForm::List(t),
        _ => return Err(Escape::BADARG),
    };
    let limit = ctx.data.reductions_left().max(1) as usize;
    if matches!(form, NextForm::Iterator) && args[0].is_list() && ctx.engine.config.release >= Release(26) {
        return map_next_in_order(ctx, args[0], args[1], limit);
    }
    ctx.charge(limit.min(map::size(args[1])) / LISTED_PER_REDUCTION);
    map::map_next(ctx.heap(), args[0], args[1], form, limit).or_badarg()
}

/// `{Key, Value, Next}` of an iterator that has its keys in a list; what does not fit the time slice is left to the next
/// call.
fn map_next_in_order(ctx: &mut Ctx<'_>, keys: Term, map: Term, limit: usize) -> NativeResult {
    if !map.is_map() {
        return Err(Escape::BADARG);
    }
    let mut list = keys.iter();
    let found: Option<Vec<_>> = list.by_ref().take(limit).map(|k| Some((k, map::get(map, k)?))).collect();
    let found = found.or_badarg()?;
    ctx.charge(found.len() / LISTED_PER_REDUCTION);
    let rest = match list.tail() {
        t if t.is_nil() => am!("none"),
        t if t.is_cons() => ctx.heap().cons(t, map),
        _ => return Err(Escape::BADARG),
    };
    let heap = ctx.heap();
    Ok(found.into_iter().rev().fold(rest, |next, (k, v)| heap.tuple(&[k, v, next])))
}

fn map_to_tuple_keys(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = checked(ctx, args[0])?;
    map::keys_tuple(m).or_badarg()
}

/// The children of a large map's root or inner node, last one first.
fn map_hashmap_children(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match map::children(args[0]) {
        Some(children) => {
            let reversed: Vec<Term> = children.iter().rev().copied().collect();
            Ok(ctx.heap().list(&reversed))
        }
        None if args[0].is_map() => Err(Escape::BADARG),
        None => Err(badmap(ctx.heap(), args[0])),
    }
}

/// What `erts_debug:size/1` calls the kinds of terms. Since OTP 27 a large binary is a part of its buffer, and a small one
/// has no parts.
fn term_type(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = args[0];
    if ctx.engine.config.release >= Release(27)
        && let Some(Kind::RefBin | Kind::SubBits) = t.boxed_kind()
    {
        let large = t.whole_and_offset().is_none_or(|(whole, _)| whole.boxed_kind() == Some(Kind::RefBin));
        return Ok(if large { am!("sub_binary") } else { am!("heap_binary") });
    }
    Ok(match t.boxed_kind() {
        Some(Kind::Tuple) => am!("tuple"),
        Some(Kind::Record) => am!("record"),
        Some(Kind::Fun) => am!("fun"),
        Some(Kind::ExportFun) => am!("export"),
        Some(Kind::FlatMap) => am!("flatmap"),
        Some(Kind::HashRoot) => am!("hashmap"),
        Some(Kind::HashNode) => am!("hashmap_node"),
        Some(Kind::RefBin) => am!("refc_binary"),
        Some(Kind::HeapBin) => am!("heap_binary"),
        Some(Kind::SubBits) => am!("sub_binary"),
        Some(Kind::MatchCtx) => am!("matchstate"),
        Some(Kind::PosBig | Kind::NegBig) => am!("bignum"),
        Some(Kind::Ref | Kind::MagicRef) => am!("reference"),
        Some(Kind::ExtRef) => am!("external_reference"),
        Some(Kind::ExtPid) => am!("external_pid"),
        Some(Kind::ExtPort) => am!("external_port"),
        Some(Kind::Float) => am!("hfloat"),
        None if t.is_cons() => am!("list"),
        None if t.is_nil() => am!("nil"),
        None if t.is_small() => am!("fixnum"),
        None if t.is_atom() => am!("atom"),
        None if t.is_pid() => am!("pid"),
        None if t.is_port() => am!("port"),
        None => return Err(Escape::BADARG),
    })
}
