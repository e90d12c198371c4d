//! How a receiver handles signals from other nodes, and the end of a connection with one.

use super::inbox;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::nodes::{Outgoing, refuse_child, tell};
use crate::process::ProcessData;
use crate::process::relation::{Connection, Monitor, RemoteProcess, RemoteWatcher, Watched};
use crate::process::signal::{Parcel, RefId, RemoteSignal, Signal, SignalKind};
use crate::tracing::Flags;
use crate::tracing::events;
use purlin_term::{Atom, Heap, RemotePid, Term, am};
use std::sync::Arc;

/// Handles a signal of a process of another node.
pub(super) fn handle(ctx: &mut Ctx<'_>, signal: Parcel, what: RemoteSignal) {
    let me = ctx.process.pid();
    match what {
        RemoteSignal::Link { from, at } => {
            let remote = ctx.data.relations().remote();
            let new = !remote.is_linked(from);
            remote.link(from, at, false);
            trace(ctx, new, am!("getting_linked"), from);
        }
        RemoteSignal::Unlink { from, id, at } => {
            let remote = ctx.data.relations().remote();
            let linked = remote.is_linked(from);
            remote.unlinked_by(from);
            trace(ctx, linked, am!("getting_unlinked"), from);
            if id != 0 {
                tell(ctx.engine, me, at, Outgoing::UnlinkAck { to: from, id });
            }
        }
        RemoteSignal::UnlinkAck { from, id } => ctx.data.relations().remote().unlink_done(from, id),
        RemoteSignal::Exit { from } => {
            if ctx.data.relations().remote().drop_link(from) {
                inbox::take_exit(ctx, signal, true, false, false);
                trace(ctx, true, am!("getting_unlinked"), from);
            }
        }
        RemoteSignal::Monitor { reference, watcher, name, at } => {
            let remote = ctx.data.relations().remote();
            remote.watchers.insert(reference, RemoteWatcher { watcher, name, at });
            remote.note(at);
        }
        RemoteSignal::Demonitor { reference } => drop(ctx.data.relations().remote().watchers.remove(&reference)),
        RemoteSignal::Spawned { request, result, link, monitor, at } => {
            spawned(ctx, request, result, (link, monitor), at);
        }
        RemoteSignal::Broken { alias, broken } => {
            if alias.is_none_or(|alias| inbox::alias_takes_message(ctx, alias).is_some()) {
                ctx.data.rare_mut().broken.push(broken);
                if ctx.data.suspended == 0 {
                    come_to_broken(ctx.engine, ctx.data);
                }
            }
        }
        RemoteSignal::NodeDown { at } => node_down(ctx, at),
    }
}

/// A process comes to the messages that are no terms, and to their connections' end.
pub fn come_to_broken(engine: &Arc<Engine>, data: &mut ProcessData) {
    if data.rare().is_some_and(|r| !r.broken.is_empty())
        && let Some(nodes) = engine.nodes()
    {
        for message in std::mem::take(&mut data.rare_mut().broken) {
            nodes.broken(engine, message);
        }
    }
}

fn trace(ctx: &Ctx<'_>, happened: bool, what: Term, other: RemotePid) {
    if happened && ctx.data.exit_reason.is_none() && ctx.process.trace.has(Flags::PROCS) {
        let mut heap = Heap::new(8);
        let other = other.term(&mut heap);
        events::procs(ctx.engine, ctx.process, what, other);
    }
}

/// A process that this one asked for was started, or was not.
fn spawned(
    ctx: &mut Ctx<'_>,
    request: RefId,
    result: Result<RemotePid, Atom>,
    (link, monitor): (bool, bool),
    at: Connection,
) {
    let me = ctx.process.pid();
    let Some(spawn) = ctx.data.relations().remote().spawns.remove(&request) else { return };
    let (child, reply) = match result {
        Ok(child) if spawn.abandoned => {
            return refuse_child(ctx.engine, me, request, child, (link, monitor), at, am!("abandoned"));
        }
        Ok(child) => (Some(child), spawn.reply_on_success),
        Err(_) => (None, spawn.reply_on_error && !spawn.abandoned),
    };
    if let (Some(child), true) = (child, link) {
        ctx.data.relations().remote().link(child, at, true);
    }
    match (child, spawn.monitor) {
        (Some(child), Some((tag, priority))) => {
            let watched = Watched::Remote(RemoteProcess::Pid(child), at);
            ctx.data.relations().monitors.insert(request, Monitor { watched, tag, priority });
        }
        (None, Some(_)) => inbox::end_alias_of_monitor(ctx.data.relations(), request),
        _ => {}
    }
    if !reply {
        return;
    }
    let message = Signal::built(SignalKind::Message, |h| {
        let tag = spawn.tag.copy_to(h);
        let (outcome, value) = match result {
            Ok(child) => (am!("ok"), child.term(h)),
            Err(reason) => (am!("error"), Term::atom(reason)),
        };
        let reference = h.reference(request);
        h.tuple(&[tag, reference, outcome, value])
    });
    inbox::enqueue(ctx, message);
}

/// Everything that went by a connection ends with it.
fn node_down(ctx: &mut Ctx<'_>, at: Connection) {
    let noconnection = Atom::new("noconnection");
    let relations = ctx.data.relations();
    let watches = |m: &Monitor| matches!(m.watched, Watched::Remote(_, by) if by == at);
    let monitors: Vec<RefId> = relations.monitors.iter().filter(|(_, m)| watches(m)).map(|(id, _)| id).collect();
    let (links, spawns, watched) = relations.remote().disconnect(at);
    for _ in 0..watched {
        let down = |h: &mut Heap| h.tuple(&[am!("nodedown"), Term::atom(at.node)]);
        inbox::enqueue(ctx, Signal::built(SignalKind::Message, down));
    }
    for (request, spawn) in spawns {
        ctx.data.relations().remote().spawns.insert(request, spawn);
        spawned(ctx, request, Err(noconnection), (false, false), at);
    }
    for monitor in monitors {
        let Some(m) = ctx.data.relations().monitors.get(&monitor) else { continue };
        let Watched::Remote(process, _) = m.watched else { continue };
        let down = down_signal(monitor, process, at.node, Term::atom(noconnection));
        inbox::handle_down(ctx, down, monitor);
    }
    for from in links {
        let exit = Signal::built(SignalKind::Message, |h| {
            let from = from.term(h);
            h.tuple(&[Term::atom(Atom::EXIT_TAG), from, Term::atom(noconnection)])
        });
        inbox::take_exit(ctx, exit, true, false, false);
        trace(ctx, true, am!("getting_unlinked"), from);
        if !ctx.data.exit_reason.is_none() {
            return;
        }
    }
}

/// `{'DOWN', Ref, process, Object, Reason}` for a process of another node.
pub fn down_signal(monitor: RefId, process: RemoteProcess, node: Atom, reason: Term) -> Parcel {
    Signal::built(SignalKind::Down { monitor }, |h| {
        let reference = h.reference(monitor);
        let object = match process {
            RemoteProcess::Pid(pid) => pid.term(h),
            RemoteProcess::Name(name) => h.tuple(&[Term::atom(name), Term::atom(node)]),
        };
        h.tuple(&[Term::atom(Atom::DOWN), reference, Term::atom(Atom::PROCESS), object, reason])
    })
}
