//! This node and others. Purlin does not distribute yet: the node is not alive and knows no other.

use purlin_term::{Atom, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "node", 0, node),
    Native::guard("erlang", "node", 1, node_of),
    Native::plain("erlang", "nodes", 0, nodes),
    Native::plain("erlang", "nodes", 1, nodes_1),
    Native::plain("erlang", "nodes", 2, nodes_2),
    Native::plain("erlang", "is_alive", 0, is_alive),
    Native::plain("net_kernel", "dflag_unicode_io", 1, dflag_unicode_io),
    Native::plain("erlang", "dt_spread_tag", 1, dt_spread_tag),
    Native::plain("erlang", "dt_restore_tag", 1, dt_restore_tag),
];

fn node(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::atom(Atom::NONODE))
}

fn node_of(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if let Some((_, node, ..)) = a[0].as_external() {
        return Ok(Term::atom(node));
    }
    if a[0].is_pid() || a[0].is_port() || a[0].is_ref() { Ok(Term::atom(Atom::NONODE)) } else { Err(Escape::BADARG) }
}

fn nodes(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::NIL)
}

/// Whether a kind of node, or a list of kinds, takes in this node.
fn includes_this(kinds: Term) -> Option<bool> {
    let all = match kinds.as_list() {
        Some(l) if kinds.is_cons() => l,
        _ => vec![kinds],
    };
    let mut this = false;
    for k in all {
        match k.as_atom()?.name() {
            "this" | "known" => this = true,
            "visible" | "hidden" | "connected" => {}
            _ => return None,
        }
    }
    Some(this)
}

fn nodes_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let this = includes_this(a[0]).or_badarg()?;
    let list = if this { vec![Term::atom(Atom::NONODE)] } else { vec![] };
    Ok(c.heap().list(&list))
}

fn nodes_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let this = includes_this(a[0]).or_badarg()?;
    if !a[1].is_map() {
        return Err(Escape::BADARG);
    }
    if !this {
        return Ok(Term::NIL);
    }
    let empty = purlin_term::map::empty(c.heap());
    let mut info = empty;
    for (key, value) in purlin_term::map::iter(a[1]) {
        if value.as_bool() != Some(true) {
            continue;
        }
        let value = match key.as_atom().or_badarg()?.name() {
            "connection_id" => Term::atom(Atom::UNDEFINED),
            "node_type" => Term::atom(Atom::new("this")),
            _ => return Err(Escape::BADARG),
        };
        info = purlin_term::map::put(c.heap(), info, key, value);
    }
    let pair = c.heap().tuple(&[Term::atom(Atom::NONODE), info]);
    Ok(c.heap().list(&[pair]))
}

fn is_alive(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(false))
}

/// Whether the node of a pid understands Unicode I/O: this one does.
fn dflag_unicode_io(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if a[0].is_pid() { Ok(Term::bool(true)) } else { Err(Escape::BADARG) }
}

/// Dynamic tracing tags messages of file operations; without it the tag is `true`.
fn dt_spread_tag(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(true))
}

fn dt_restore_tag(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(true))
}
