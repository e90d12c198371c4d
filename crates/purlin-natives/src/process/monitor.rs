//! `monitor/2,3`, `demonitor/1,2`, `alias/1`, `unalias/1`.

use super::options::{MonitorOptions, monitor_options};
use super::spawn::{add_monitor, monitor_id};
use super::{FALSE, TRUE, badopt, remote};
use purlin_term::{Atom, Kind, Release, RemotePid, Term, am};
use purlin_vm::inbox::{demonitor_other_side, down_signal, end_alias_of_monitor};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::relation::{Alias, AliasMode, RemoteProcess, Watched, Watcher};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "monitor", 2, monitor_2),
    Native::plain("erlang", "monitor", 3, monitor_3),
    Native::plain("erlang", "demonitor", 1, demonitor_1),
    Native::plain("erlang", "demonitor", 2, demonitor_2),
    Native::plain("erlang", "alias", 1, alias),
    Native::plain("erlang", "unalias", 1, unalias),
];

fn monitor_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    monitor(ctx, args[0], args[1], &MonitorOptions::default())
}

fn monitor_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let options = monitor_options(args[2], ctx.engine.config.release).ok_or_else(badopt)?;
    monitor(ctx, args[0], args[1], &options)
}

fn monitor(ctx: &mut Ctx<'_>, kind: Term, item: Term, options: &MonitorOptions) -> NativeResult {
    if kind.is(Atom::PROCESS) {
        monitor_process(ctx, item, options)
    } else if kind.is(Atom::PORT) {
        monitor_port(ctx, item, options)
    } else if kind == am!("time_offset") {
        if item != am!("clock_service") {
            return Err(Escape::BADARG);
        }
        let id = monitor_id(ctx, options.alias);
        add_monitor(ctx, id, Watched::TimeOffset, options);
        Ok(ctx.heap().reference(id))
    } else {
        Err(Escape::badarg_cause(am!("badtype")))
    }
}

/// The registered name that `item` is, possibly with this node's name; `None`: it is no name of this node.
fn local_name(ctx: &Ctx<'_>, item: Term) -> Option<Atom> {
    if let Some(name) = item.as_atom() {
        return Some(name);
    }
    let (name, node) = super::pair(item)?;
    (node.as_atom()? == ctx.engine.node()).then(|| name.as_atom())?
}

fn monitor_process(ctx: &mut Ctx<'_>, item: Term, options: &MonitorOptions) -> NativeResult {
    let id = monitor_id(ctx, options.alias);
    let me = ctx.pid();
    let own = ctx.process.who();
    let watcher = |name| Watcher { monitor: id, watcher: own, name };
    if item.is_local_pid() {
        if item != me {
            add_monitor(ctx, id, Watched::Process(item), options);
            watch(ctx, item, watcher(None));
        }
    } else if let Some(name) = local_name(ctx, item) {
        let who = ctx.engine.names.whereis(name).filter(|t| t.is_local_pid());
        if who != Some(me) {
            add_monitor(ctx, id, Watched::Name(name, who), options);
            watch(ctx, who.unwrap_or(Term::atom(name)), watcher(Some(name)));
        }
    } else if let Some(pid) = RemotePid::of(item) {
        if pid.node != ctx.engine.node() {
            let reference = remote::monitor(ctx, item, pid.node, RemoteProcess::Pid(pid), options);
            return remote::answer(ctx, item, reference);
        }
        gone(ctx, id, options, item, Term::atom(Atom::NOPROC));
    } else if let Some((name, node)) = super::pair(item)
        && let (Some(name), Some(node)) = (name.as_atom(), node.as_atom())
        && ctx.engine.nodes().is_some_and(|nodes| nodes.is_alive(ctx.engine))
    {
        let reference = remote::monitor(ctx, item, node, RemoteProcess::Name(name), options);
        return remote::answer(ctx, item, reference);
    } else {
        return Err(Escape::BADARG);
    }
    Ok(ctx.heap().reference(id))
}

/// Monitors something on a node that there is no connection to.
pub fn gone(ctx: &mut Ctx<'_>, id: [u64; 2], options: &MonitorOptions, item: Term, reason: Term) {
    add_monitor(ctx, id, Watched::TimeOffset, options);
    let w = Watcher { monitor: id, watcher: ctx.process.who(), name: None };
    ctx.engine.post(ctx.pid(), down_signal(ctx.engine, item, &w, Atom::PROCESS, reason));
}

/// Tells the watched process; it answers with `noproc` if it has ended.
fn watch(ctx: &mut Ctx<'_>, who: Term, w: Watcher) {
    if who.is_local_pid() {
        ctx.engine.post(who, Signal::bare(SignalKind::Monitor(Box::new(w))));
    } else {
        let down = down_signal(ctx.engine, who, &w, Atom::PROCESS, Term::atom(Atom::NOPROC));
        ctx.engine.post(w.watcher.term(), down);
    }
}

fn monitor_port(ctx: &mut Ctx<'_>, item: Term, options: &MonitorOptions) -> NativeResult {
    let id = monitor_id(ctx, options.alias);
    let (name, port) = if item.as_port().is_some() {
        (None, Some(item))
    } else if let Some(name) = local_name(ctx, item) {
        (Some(name), ctx.engine.names.whereis(name).filter(|t| t.as_port().is_some()))
    } else if let Some((Kind::ExtPort, node, ..)) = item.as_external()
        && node == ctx.engine.node()
    {
        (None, None)
    } else {
        return Err(Escape::BADARG);
    };
    let watched = match name {
        Some(name) => Watched::PortName(name, port),
        None => Watched::Port(port.unwrap_or(Term::NIL)),
    };
    add_monitor(ctx, id, watched, options);
    let w = Watcher { monitor: id, watcher: ctx.process.who(), name };
    let there = port.and_then(Term::as_port).is_some_and(|p| ctx.engine.port_signal(p, PortSignal::Monitor(w)));
    if !there {
        ctx.engine.port_down(item, &w, Term::atom(Atom::NOPROC));
    }
    Ok(ctx.heap().reference(id))
}

/// Removes a monitor of the caller; false: there is none.
fn remove(ctx: &mut Ctx<'_>, reference: Term) -> Result<bool, Escape> {
    let Some(id) = reference.as_local_ref() else {
        return match reference.as_external() {
            Some((Kind::ExtRef, node, ..)) if node == ctx.engine.node() => Ok(false),
            _ => Err(Escape::BADARG),
        };
    };
    let me = ctx.pid();
    let relations = ctx.data.relations();
    let Some(m) = relations.monitors.remove(&id) else { return Ok(false) };
    end_alias_of_monitor(relations, id);
    demonitor_other_side(ctx.engine, me, m.watched, id);
    Ok(true)
}

fn demonitor_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    remove(ctx, args[0])?;
    Ok(TRUE)
}

fn demonitor_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut flush, mut info) = (false, false);
    let mut options = args[1].iter();
    for option in options.by_ref() {
        if option == am!("flush") {
            flush = true;
        } else if option == am!("info") {
            info = true;
        } else {
            return Err(Escape::BADARG);
        }
    }
    if !options.tail().is_nil() {
        return Err(Escape::BADARG);
    }
    if remove(ctx, args[0])? {
        return Ok(TRUE);
    }
    let result = Term::bool(!info);
    if !flush {
        return Ok(result);
    }
    let list = vec![args[0], FALSE, result];
    Err(Escape::Trap { module: Atom::new("erts_internal"), function: Atom::new("flush_monitor_messages"), args: list })
}

fn alias(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut mode, mut priority) = (AliasMode::Explicit, false);
    for option in args[0].as_list().or_badarg()? {
        if option == am!("explicit_unalias") {
            mode = AliasMode::Explicit;
        } else if option == am!("reply") {
            mode = AliasMode::Reply;
        } else if option == am!("priority") && ctx.engine.config.release >= Release(28) {
            priority = true;
        } else {
            return Err(Escape::BADARG);
        }
    }
    let id = monitor_id(ctx, Some(mode));
    ctx.data.relations().aliases.insert(id, Alias { mode, priority });
    Ok(ctx.heap().reference(id))
}

fn unalias(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_ref() {
        return Err(Escape::BADARG);
    }
    let me = ctx.pid();
    let own = args[0].ref_pid() == Some(me);
    let removed = args[0].as_local_ref().filter(|_| own).and_then(|id| ctx.data.relations().aliases.remove(&id));
    Ok(Term::bool(removed.is_some()))
}
