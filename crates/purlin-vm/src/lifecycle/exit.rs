//! The end of a process.
//!
//! In this order, as others can observe it: timers are gone, exit hooks ran (tables are gone), the name is free, the
//! process is out of the process table and takes no more signals, then links, watchers and monitored processes are told.

use crate::engine::context::Ctx;
use crate::engine::nodes::{self, Outgoing};
use crate::engine::signals::{bounce, send_down};
use crate::lifecycle::literals;
use crate::messaging::inbox::demonitor_other_side;
use crate::messaging::timed;
use crate::process::relation::{Relations, RemoteRelations};
use crate::process::signal::{Parcel, RemoteSignal, Signal, SignalKind, Target};
use crate::tracing::events::{self, Extra};
use crate::tracing::{Flags, sequential};
use purlin_term::{Term, am};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Ends a process that the caller owns.
pub fn terminate(ctx: &mut Ctx<'_>, reason: Term) {
    if let Some(timer) = ctx.data.wake_timer.take() {
        ctx.engine.timers.cancel_wake(timer);
    }
    ctx.process.set_exiting();
    timed::cancel_of(ctx.engine, ctx.process);
    if ctx.process.trace.has(Flags::PROCS) {
        events::procs(ctx.engine, ctx.process, am!("exit"), reason);
    }
    if ctx.engine.tracing.profile.watches_processes() {
        ctx.engine.tracing.profile.process(ctx, false);
    }
    ctx.engine.tracing.monitor.ended(ctx.process);
    ctx.engine.tracing.profile.ended(ctx.process);
    for hook in ctx.engine.exit_hooks(ctx.process) {
        // A topic's mistake is reported by the panic hook; the others still have to hear of the end.
        let _ = catch_unwind(AssertUnwindSafe(|| hook(ctx, reason)));
    }
    if let Some(name) = ctx.engine.names.release(ctx.process)
        && ctx.process.trace.has(Flags::PROCS)
    {
        events::procs(ctx.engine, ctx.process, am!("unregister"), Term::atom(name));
    }
    ctx.engine.processes.remove(ctx.process);
    if ctx.process.id() == 0 && ctx.process.is_system() {
        // Nothing runs without `init`.
        eprintln!("init terminated: {}", purlin_term::print::display(reason));
        ctx.engine.sched.halt(1, true);
    }
    for signal in std::mem::replace(&mut ctx.data.unhandled, crate::process::signal::Batch::empty()) {
        handle_last(ctx, signal);
    }
    for signal in ctx.process.outer.close() {
        handle_last(ctx, signal);
    }
    if let Some(relations) = ctx.data.take_relations() {
        tell(ctx, &relations, reason);
    }
    if let Some(rare) = ctx.data.rare() {
        if rare.blocks_multi {
            ctx.engine.sched.unblock_multi_of(ctx.process.id());
        }
        rare.suspending.iter().for_each(|s| s.end(ctx.engine));
    }
    if ctx.process.trace.has(Flags::EXITING) {
        events::scheduled(ctx, Flags::EXITING, am!("out_exited"), true);
    }
    if let Some(offload) = ctx.data.offload.take() {
        let heap = std::mem::replace(&mut ctx.data.heap, purlin_term::Heap::new(0));
        let mut postponed = offload.leave(heap);
        while let Some(task) = postponed.take() {
            task(ctx.engine, Target::Gone);
        }
    }
    ctx.data.release();
}

/// Tells who is linked to an ended process, who watches it, and whom it watched.
fn tell(ctx: &mut Ctx<'_>, relations: &Relations, reason: Term) {
    let me = ctx.process.pid();
    for other in relations.links() {
        let mut signal = Signal::exit(me, true, reason);
        if ctx.data.sequence.is_some() {
            let token = sequential::next(ctx);
            let receiver = other.as_pid().and_then(|id| ctx.engine.process(id));
            if let (Some(token), Some(receiver)) = (&token, receiver) {
                let sensitive = receiver.trace.flags().any(Flags::SENSITIVE);
                token.tell(ctx.engine, sequential::SEND, other, sensitive, other, signal.term);
            }
            signal.extra = Some(Box::new(Extra { from: me, token, keeps_token: false }));
        }
        ctx.engine.post(other, signal);
    }
    for w in relations.watchers.values() {
        send_down(ctx.engine, me, w, reason);
    }
    for (monitor, m) in relations.monitors.iter() {
        demonitor_other_side(ctx.engine, me, m.watched, monitor);
    }
    if let Some(remote) = relations.remote_if_any() {
        tell_nodes(ctx, remote, reason);
    }
    literals::answer_held(ctx.engine, ctx.data);
}

/// Tells other nodes' processes, and the connections with them.
fn tell_nodes(ctx: &mut Ctx<'_>, remote: &RemoteRelations, reason: Term) {
    let (engine, me) = (ctx.engine, ctx.process.pid());
    let Some(nodes) = engine.nodes() else { return };
    for (to, at) in remote.links() {
        let token = sequential::exit(ctx, to, reason);
        nodes::tell(engine, me, at, Outgoing::Exit { to, linked: true, reason, token: token.as_ref() });
    }
    for (&monitor, w) in &remote.watchers {
        nodes::tell(engine, me, w.at, Outgoing::Down { to: w.watcher, monitor, name: w.name, reason });
    }
    for (&request, spawn) in remote.spawns.iter().filter(|(_, spawn)| spawn.link) {
        nodes.ended_before_answer(engine, spawn.at, request, reason);
    }
    nodes.left(engine, ctx.process.id(), remote.connections());
}

/// A signal that arrived before the end and was not handled: what it removes is removed, what it asks for fails.
fn handle_last(ctx: &mut Ctx<'_>, signal: Parcel) {
    match &signal.kind {
        SignalKind::Demonitor { monitor } => {
            ctx.data.relations().watchers.remove(monitor);
        }
        SignalKind::Remote(remote) => {
            match **remote {
                RemoteSignal::Demonitor { reference } => {
                    ctx.data.relations().remote().watchers.remove(&reference);
                }
                RemoteSignal::Unlink { from, .. } => ctx.data.relations().remote().unlinked_by(from),
                RemoteSignal::Spawned { request, .. } => {
                    ctx.data.relations().remote().spawns.remove(&request);
                }
                _ => {}
            }
            bounce(ctx.engine, ctx.process.pid(), signal);
        }
        SignalKind::Unlink { from, .. } => {
            ctx.data.relations().unlinked_by(*from);
            bounce(ctx.engine, ctx.process.pid(), signal);
        }
        _ => bounce(ctx.engine, ctx.process.pid(), signal),
    }
}
