//! The process dictionary: `put/2`, `get/0,1`, `erase/0,1`, `get_keys/0,1`.

use purlin_term::{Atom, Term};
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "put", 2, put),
    Native::plain("erlang", "get", 0, get_0),
    Native::plain("erlang", "get", 1, get_1),
    Native::plain("erlang", "erase", 0, erase_0),
    Native::plain("erlang", "erase", 1, erase_1),
    Native::plain("erlang", "get_keys", 0, get_keys_0),
    Native::plain("erlang", "get_keys", 1, get_keys_1),
];

const UNDEFINED: Term = Term::atom(Atom::UNDEFINED);

fn put(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(ctx.data.dictionary().put(args[0], args[1]).unwrap_or(UNDEFINED))
}

fn get_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(ctx.data.dictionary_if_any().and_then(|d| d.get(args[0])).unwrap_or(UNDEFINED))
}

fn get_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let Some(d) = ctx.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let entries: Vec<_> = d.iter().collect();
    let pairs: Vec<Term> = entries.into_iter().map(|(k, v)| ctx.data.heap.tuple(&[k, v])).collect();
    ctx.charge(pairs.len() / 4);
    Ok(ctx.heap().list(&pairs))
}

fn erase_0(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let all = get_0(ctx, args)?;
    if ctx.data.dictionary_if_any().is_some() {
        ctx.data.dictionary().clear();
    }
    Ok(all)
}

fn erase_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if ctx.data.dictionary_if_any().is_none() {
        return Ok(UNDEFINED);
    }
    Ok(ctx.data.dictionary().erase(args[0]).unwrap_or(UNDEFINED))
}

fn get_keys_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let Some(d) = ctx.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let keys: Vec<Term> = d.iter().map(|e| e.0).collect();
    Ok(ctx.heap().list(&keys))
}

fn get_keys_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(d) = ctx.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let keys: Vec<Term> = d.iter().filter(|e| purlin_term::compare::same(e.1, args[0])).map(|e| e.0).collect();
    Ok(ctx.heap().list(&keys))
}
