//! `monitor/2,3`, `demonitor/1,2`, `alias/1`, `unalias/1`.

use super::options::{MonitorOptions, monitor_options};
use super::spawn::{add_monitor, monitor_id};
use super::{FALSE, TRUE, badopt};
use purlin_term::{Atom, Kind, Term, am};
use purlin_vm::inbox::{demonitor_other_side, down_signal, end_alias_of_monitor};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::relation::{AliasMode, Watched, Watcher};
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

fn monitor_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    monitor(c, a[0], a[1], &MonitorOptions::default())
}

fn monitor_3(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let options = monitor_options(a[2]).ok_or_else(badopt)?;
    monitor(c, a[0], a[1], &options)
}

fn monitor(c: &mut Ctx<'_>, kind: Term, item: Term, options: &MonitorOptions) -> NativeResult {
    if kind.is(Atom::PROCESS) {
        monitor_process(c, item, options)
    } else if kind.is(Atom::PORT) {
        monitor_port(c, item, options)
    } else if kind == am!("time_offset") {
        if item != am!("clock_service") {
            return Err(Escape::BADARG);
        }
        let id = monitor_id(c, options.alias);
        add_monitor(c, id, Watched::TimeOffset, options);
        Ok(c.heap().reference(id))
    } else {
        Err(Escape::badarg_cause(am!("badtype")))
    }
}

/// The registered name that `item` is, possibly with this node's name; `None`: it is no name of this node.
fn local_name(c: &Ctx<'_>, item: Term) -> Option<Atom> {
    if let Some(name) = item.as_atom() {
        return Some(name);
    }
    let (name, node) = super::pair(item)?;
    (node.as_atom()? == c.engine.node()).then(|| name.as_atom())?
}

fn monitor_process(c: &mut Ctx<'_>, item: Term, options: &MonitorOptions) -> NativeResult {
    let id = monitor_id(c, options.alias);
    let me = c.pid();
    let watcher = |name| Watcher { monitor: id, watcher: me, name };
    if item.is_local_pid() {
        if item != me {
            add_monitor(c, id, Watched::Process(item), options);
            watch(c, item, watcher(None));
        }
    } else if let Some(name) = local_name(c, item) {
        let who = c.engine.names.whereis(name).filter(|t| t.is_local_pid());
        if who != Some(me) {
            add_monitor(c, id, Watched::Name(name, who), options);
            watch(c, who.unwrap_or(Term::atom(name)), watcher(Some(name)));
        }
    } else if let Some((Kind::ExtPid, node, ..)) = item.as_external() {
        let reason = if node == c.engine.node() { Atom::NOPROC } else { Atom::new("noconnection") };
        gone(c, id, options, item, Term::atom(reason));
    } else if let Some((name, node)) = super::pair(item)
        && name.is_atom()
        && node.is_atom()
        && c.engine.node() != Atom::NONODE
    {
        gone(c, id, options, item, am!("noconnection"));
    } else {
        return Err(Escape::BADARG);
    }
    Ok(c.heap().reference(id))
}

/// Monitors something on a node that there is no connection to.
fn gone(c: &mut Ctx<'_>, id: [u64; 2], options: &MonitorOptions, item: Term, reason: Term) {
    let me = c.pid();
    add_monitor(c, id, Watched::TimeOffset, options);
    let w = Watcher { monitor: id, watcher: me, name: None };
    c.engine.post(me, down_signal(c.engine, item, &w, Atom::PROCESS, reason));
}

/// Tells the watched process; it answers with `noproc` if it has ended.
fn watch(c: &mut Ctx<'_>, who: Term, w: Watcher) {
    if who.is_local_pid() {
        c.engine.post(who, Signal::bare(SignalKind::Monitor(Box::new(w))));
    } else {
        let down = down_signal(c.engine, who, &w, Atom::PROCESS, Term::atom(Atom::NOPROC));
        c.engine.post(w.watcher, down);
    }
}

fn monitor_port(c: &mut Ctx<'_>, item: Term, options: &MonitorOptions) -> NativeResult {
    let id = monitor_id(c, options.alias);
    let (name, port) = if item.as_port().is_some() {
        (None, Some(item))
    } else if let Some(name) = local_name(c, item) {
        (Some(name), c.engine.names.whereis(name).filter(|t| t.as_port().is_some()))
    } else if let Some((Kind::ExtPort, node, ..)) = item.as_external()
        && node == c.engine.node()
    {
        (None, None)
    } else {
        return Err(Escape::BADARG);
    };
    let watched = match name {
        Some(name) => Watched::PortName(name, port),
        None => Watched::Port(port.unwrap_or(Term::NIL)),
    };
    add_monitor(c, id, watched, options);
    let w = Watcher { monitor: id, watcher: c.pid(), name };
    let there = port.and_then(Term::as_port).is_some_and(|p| c.engine.port_signal(p, PortSignal::Monitor(w)));
    if !there {
        c.engine.port_down(item, &w, Term::atom(Atom::NOPROC));
    }
    Ok(c.heap().reference(id))
}

/// Removes a monitor of the caller; false: there is none.
fn remove(c: &mut Ctx<'_>, reference: Term) -> Result<bool, Escape> {
    let Some(id) = reference.as_local_ref() else {
        return match reference.as_external() {
            Some((Kind::ExtRef, node, ..)) if node == c.engine.node() => Ok(false),
            _ => Err(Escape::BADARG),
        };
    };
    let me = c.pid();
    let relations = c.data.relations();
    let Some(m) = relations.monitors.remove(&id) else { return Ok(false) };
    end_alias_of_monitor(relations, id);
    demonitor_other_side(c.engine, me, m.watched, id);
    Ok(true)
}

fn demonitor_1(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    remove(c, a[0])?;
    Ok(TRUE)
}

fn demonitor_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (mut flush, mut info) = (false, false);
    let mut options = a[1].iter();
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
    if remove(c, a[0])? {
        return Ok(TRUE);
    }
    let result = Term::bool(!info);
    if !flush {
        return Ok(result);
    }
    let args = vec![a[0], FALSE, result];
    Err(Escape::Trap { module: Atom::new("erts_internal"), function: Atom::new("flush_monitor_messages"), args })
}

fn alias(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut mode = AliasMode::Explicit;
    for option in a[0].as_list().or_badarg()? {
        if option == am!("explicit_unalias") {
            mode = AliasMode::Explicit;
        } else if option == am!("reply") {
            mode = AliasMode::Reply;
        } else {
            return Err(Escape::BADARG);
        }
    }
    let id = monitor_id(c, Some(mode));
    c.data.relations().aliases.insert(id, mode);
    Ok(c.heap().reference(id))
}

fn unalias(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if !a[0].is_ref() {
        return Err(Escape::BADARG);
    }
    let me = c.pid();
    let own = a[0].ref_pid() == Some(me);
    let removed = a[0].as_local_ref().filter(|_| own).and_then(|id| c.data.relations().aliases.remove(&id));
    Ok(Term::bool(removed.is_some()))
}
