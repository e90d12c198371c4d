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

fn put(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Ok(c.data.dictionary().put(a[0], a[1]).unwrap_or(UNDEFINED))
}

fn get_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Ok(c.data.dictionary_if_any().and_then(|d| d.get(a[0])).unwrap_or(UNDEFINED))
}

fn get_0(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let Some(d) = c.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let entries: Vec<_> = d.iter().collect();
    let pairs: Vec<Term> = entries.into_iter().map(|(k, v)| c.data.heap.tuple(&[k, v])).collect();
    c.charge(pairs.len() / 4);
    Ok(c.heap().list(&pairs))
}

fn erase_0(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let all = get_0(c, a)?;
    if c.data.dictionary_if_any().is_some() {
        c.data.dictionary().clear();
    }
    Ok(all)
}

fn erase_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if c.data.dictionary_if_any().is_none() {
        return Ok(UNDEFINED);
    }
    Ok(c.data.dictionary().erase(a[0]).unwrap_or(UNDEFINED))
}

fn get_keys_0(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let Some(d) = c.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let keys: Vec<Term> = d.iter().map(|e| e.0).collect();
    Ok(c.heap().list(&keys))
}

fn get_keys_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(d) = c.data.dictionary_if_any() else { return Ok(Term::NIL) };
    let keys: Vec<Term> = d.iter().filter(|e| purlin_term::compare::same(e.1, a[0])).map(|e| e.0).collect();
    Ok(c.heap().list(&keys))
}
