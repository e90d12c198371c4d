//! The node, as far as there is only one: `node/0,1`, `nodes/0,1,2`, `monitor_node/2,3`.

use super::{TRUE, badopt};
use purlin_term::{Kind, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "node", 0, node_0),
    Native::guard("erlang", "node", 1, node_1),
    Native::plain("erlang", "nodes", 0, nodes_0),
    Native::plain("erlang", "nodes", 1, nodes_1),
    Native::plain("erlang", "nodes", 2, nodes_2),
    Native::plain("erlang", "monitor_node", 2, monitor_node),
    Native::plain("erlang", "monitor_node", 3, monitor_node),
    Native::plain("net_kernel", "dflag_unicode_io", 1, dflag_unicode_io),
    Native::plain("erlang", "dist_ctrl_get_data", 1, no_controller),
    Native::plain("erlang", "dist_ctrl_get_data_notification", 1, no_controller),
    Native::plain("erlang", "dist_ctrl_get_opt", 2, no_controller),
    Native::plain("erlang", "dist_ctrl_set_opt", 3, no_controller),
    Native::plain("erlang", "dist_ctrl_input_handler", 2, no_controller),
    Native::plain("erlang", "dist_ctrl_put_data", 2, no_handle),
    Native::plain("erlang", "dist_get_stat", 1, no_handle),
];

fn node_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::atom(ctx.engine.node()))
}

fn node_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if let Some((_, node, ..)) = args[0].as_external() {
        return Ok(Term::atom(node));
    }
    if args[0].is_pid() || args[0].is_port() || args[0].is_ref() { node_0(ctx, &[]) } else { Err(Escape::BADARG) }
}

fn nodes_0(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::NIL)
}

/// Whether the kinds of nodes asked for include this one.
fn includes_this(kinds: Term) -> Result<bool, Escape> {
    let kinds = if kinds.is_atom() { vec![kinds] } else { kinds.as_list().or_badarg()? };
    let mut this = false;
    for kind in kinds {
        if kind == am!("this") || kind == am!("known") {
            this = true;
        } else if kind != am!("visible") && kind != am!("hidden") && kind != am!("connected") {
            return Err(Escape::BADARG);
        }
    }
    Ok(this)
}

fn nodes_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !includes_this(args[0])? {
        return Ok(Term::NIL);
    }
    let node = Term::atom(ctx.engine.node());
    Ok(ctx.heap().list(&[node]))
}

fn nodes_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let this = includes_this(args[0])?;
    if !args[1].is_map() {
        return Err(Escape::BADARG);
    }
    let mut info = Vec::new();
    let mut known = 0;
    for (key, value) in [(am!("connection_id"), am!("undefined")), (am!("node_type"), am!("this"))] {
        if let Some(wanted) = map::get(args[1], key) {
            known += 1;
            if super::bool_arg(wanted)? {
                info.push((key, value));
            }
        }
    }
    if known != map::size(args[1]) {
        return Err(Escape::BADARG);
    }
    if !this {
        return Ok(Term::NIL);
    }
    let node = Term::atom(ctx.engine.node());
    let info = map::from_pairs(ctx.heap(), &info);
    let entry = ctx.heap().tuple(&[node, info]);
    Ok(ctx.heap().list(&[entry]))
}

/// A node that is not alive can monitor none but itself.
fn monitor_node(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if let Some(options) = args.get(2) {
        let known = |o: Term| o == am!("allow_passive_connect");
        if !options.as_list().is_some_and(|l| l.into_iter().all(known)) {
            return Err(badopt());
        }
    }
    let node = args[0].as_atom().or_badarg()?;
    if node != ctx.engine.node() {
        return Err(Escape::Error(am!("notalive")));
    }
    super::bool_arg(args[1]).map(|_| TRUE)
}

/// Nodes are not connected: no process is the controller of a connection.
fn no_controller(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::Error(am!("notsup")))
}

/// As [`no_controller`]: nothing is the handle of a connection.
fn no_handle(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::BADARG)
}

fn dflag_unicode_io(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[0].as_external() {
        Some((Kind::ExtPid, ..)) => Ok(Term::bool(false)),
        _ if args[0].is_local_pid() => Ok(TRUE),
        _ => Err(Escape::BADARG),
    }
}
