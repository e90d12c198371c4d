//! How a receiver handles signals: in their order, and only by the thread that owns it.

use super::remote;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::nodes::{Outgoing, tell};
pub use crate::engine::signals::down_signal;
use crate::process::ProcessData;
use crate::process::relation::{Alias, AliasMode, Watched};
use crate::process::signal::tasks::Tasks;
use crate::process::signal::{Parcel, RefId, Signal, SignalKind, Target};
use crate::tracing::Flags;
use crate::tracing::events::{self, Extra};
use purlin_term::{Atom, Heap, Term, am};
use std::sync::Arc;

/// Fetches and handles all signals that have arrived; the exit reason if the process has to end now.
pub fn fetch(ctx: &mut Ctx<'_>) -> Option<Term> {
    if ctx.data.exit_reason.is_none() {
        let mut batch = ctx.process.outer.take();
        let traced = ctx.process.trace.has(Flags::RECEIVE);
        let mut tasks: Option<Box<Tasks<Parcel>>> = None;
        while let Some(signal) = batch.next() {
            if matches!(signal.kind, SignalKind::Sent) && !traced {
                ctx.data.mailbox.append(signal);
                continue;
            }
            if let SignalKind::Task(priority, _) = signal.kind {
                tasks.get_or_insert_with(Box::default).push(priority, signal);
                continue;
            }
            handle(ctx, signal);
            if !ctx.data.exit_reason.is_none() {
                ctx.data.unhandled = batch;
                break;
            }
        }
        if let Some(tasks) = tasks {
            carry_out(ctx, *tasks);
        }
        if ctx.engine.tracing.monitor.watches_queues() {
            let engine = ctx.engine.clone();
            engine.tracing.monitor.queued(ctx);
        }
    }
    (!ctx.data.exit_reason.is_none()).then_some(ctx.data.exit_reason)
}

/// Carries out system tasks, unless the process has to end: then they stay among its signals.
#[cold]
fn carry_out(ctx: &mut Ctx<'_>, mut tasks: Tasks<Parcel>) {
    while let Some(task) = tasks.take() {
        if ctx.data.exit_reason.is_none() {
            handle(ctx, task);
        } else {
            ctx.data.unhandled.prepend(task);
        }
    }
}

#[inline(never)]
fn handle(ctx: &mut Ctx<'_>, mut signal: Parcel) {
    let me = ctx.process.pid();
    match std::mem::replace(&mut signal.kind, SignalKind::Message) {
        SignalKind::Sent => {
            signal.kind = SignalKind::Sent;
            enqueue(ctx, signal);
        }
        SignalKind::Message => {
            keep_token(ctx.data, &mut signal);
            enqueue(ctx, signal);
        }
        SignalKind::AliasMessage { alias, priority } => {
            if let Some(takes_priority) = alias_takes_message(ctx, alias) {
                enqueue_as(ctx, signal, priority && takes_priority);
            }
        }
        SignalKind::Exit { from, linked: true, .. } => {
            if let Some(priority) = ctx.data.relations().end_link(from) {
                handle_exit(ctx, signal, from, true, priority);
            }
        }
        SignalKind::Exit { from, linked: false, priority } => handle_exit(ctx, signal, from, false, priority),
        SignalKind::AliasExit { alias, priority } => {
            if let Some(alias) = ctx.data.relations().aliases.get(&alias).copied() {
                handle_exit(ctx, signal, Term::NONE, false, priority && alias.priority);
            }
        }
        SignalKind::Remote(what) => remote::handle(ctx, signal, *what),
        SignalKind::Down { monitor } => handle_down(ctx, signal, monitor),
        SignalKind::Link { from } => {
            let new = !ctx.data.relations().is_linked(from);
            ctx.data.relations().linked_by(from);
            if new && ctx.process.trace.has(Flags::PROCS) {
                events::procs(ctx.engine, ctx.process, am!("getting_linked"), from);
            }
        }
        SignalKind::Unlink { from, id } => {
            if ctx.process.trace.has(Flags::PROCS) && ctx.data.relations().is_linked(from) {
                events::procs(ctx.engine, ctx.process, am!("getting_unlinked"), from);
            }
            ctx.data.relations().unlinked_by(from);
            ctx.engine.post(from, Signal::bare(SignalKind::UnlinkAck { from: me, id }));
        }
        SignalKind::UnlinkAck { from, id } => ctx.data.relations().unlink_done(from, id),
        SignalKind::Monitor(w) => {
            ctx.data.relations().watchers.insert(w.monitor, *w);
        }
        SignalKind::Demonitor { monitor } => {
            ctx.data.relations().watchers.remove(&monitor);
        }
        SignalKind::GroupLeader => {
            if signal.used() > 0 {
                ctx.data.group_leader = ctx.data.heap.copy(signal.term);
            } else {
                ctx.data.group_leader = signal.term;
            }
        }
        SignalKind::Request(request) | SignalKind::Task(_, request) => {
            request(ctx.engine, Target::Alive(ctx.process, ctx.data))
        }
    }
}

/// Has the receiver of a message that says nothing of tokens keep its own.
#[inline]
fn keep_token(data: &ProcessData, signal: &mut Signal) {
    if data.sequence.is_some() && signal.extra.is_none() {
        signal.extra = Some(Box::new(Extra { from: Term::NONE, token: None, keeps_token: true }));
    }
}

/// Adds a message to the mailbox.
#[inline]
pub(super) fn enqueue(ctx: &mut Ctx<'_>, signal: Parcel) {
    enqueue_as(ctx, signal, false);
}

/// Adds a message, or a priority message.
#[inline]
fn enqueue_as(ctx: &mut Ctx<'_>, signal: Parcel, priority: bool) {
    if ctx.process.trace.has(Flags::RECEIVE) {
        events::receive(ctx, signal.extra.as_deref(), signal.term);
    }
    if priority {
        ctx.data.mailbox.append_priority(signal);
    } else {
        ctx.data.mailbox.append(signal);
    }
}

/// Whether a message to this alias gets through, and may be a priority message; ends what it ends.
pub(super) fn alias_takes_message(ctx: &mut Ctx<'_>, alias: RefId) -> Option<bool> {
    let relations = ctx.data.relations();
    let &Alias { mode, priority } = relations.aliases.get(&alias)?;
    match mode {
        AliasMode::Explicit | AliasMode::Demonitor => {}
        AliasMode::Reply | AliasMode::ReplyDemonitor => {
            let with_monitor = mode == AliasMode::ReplyDemonitor;
            relations.aliases.remove(&alias);
            if with_monitor && let Some(m) = relations.monitors.remove(&alias) {
                demonitor_other_side(ctx.engine, ctx.process.pid(), m.watched, alias);
            }
        }
    }
    Some(priority)
}

/// Tells the monitored side that a monitor has been removed.
pub fn demonitor_other_side(engine: &Arc<Engine>, me: Term, watched: Watched, monitor: RefId) {
    let other = match watched {
        Watched::Process(other) | Watched::Port(other) => Some(other),
        Watched::Name(_, other) | Watched::PortName(_, other) => other,
        Watched::Remote(watched, at) => return tell(engine, me, at, Outgoing::Demonitor { monitor, watched }),
        Watched::TimeOffset => None,
    };
    if let Some(other) = other.filter(|&o| o != me) {
        engine.post(other, Signal::bare(SignalKind::Demonitor { monitor }));
    }
}

fn handle_exit(ctx: &mut Ctx<'_>, signal: Parcel, from: Term, linked: bool, priority: bool) {
    let traced = linked && ctx.process.trace.has(Flags::PROCS);
    take_exit(ctx, signal, linked, from == ctx.process.pid(), priority);
    if traced && ctx.data.exit_reason.is_none() {
        events::procs(ctx.engine, ctx.process, am!("getting_unlinked"), from);
    }
}

/// Ends the process by an exit signal, or puts that into its mailbox, or does nothing, as the signal's reason and the
/// process's flags say. `own`: the process sent it.
pub(super) fn take_exit(ctx: &mut Ctx<'_>, signal: Parcel, linked: bool, own: bool, priority: bool) {
    let reason = signal.term.as_tuple().map_or(Term::NONE, |t| t[2]);
    if reason.is(Atom::KILL) && !linked {
        ctx.data.exit_reason = Term::atom(Atom::KILLED);
    } else if ctx.data.traps_exits() {
        enqueue_as(ctx, signal, priority);
    } else if !reason.is(Atom::NORMAL) || (!linked && own) {
        ctx.data.exit_reason = reason;
        if signal.used() > 0 {
            ctx.data.heap.adopt(signal.into_fragment());
        }
    }
}

pub(super) fn handle_down(ctx: &mut Ctx<'_>, mut signal: Parcel, monitor: RefId) {
    let relations = ctx.data.relations();
    let Some(m) = relations.monitors.remove(&monitor) else { return };
    end_alias_of_monitor(relations, monitor);
    if let Some(tag) = m.tag {
        let old: Vec<Term> = signal.term.as_tuple().unwrap_or(&[]).to_vec();
        signal = Signal::built(SignalKind::Message, |h: &mut Heap| {
            let mut elements = old.clone();
            elements[0] = tag.term;
            h.tuple(&elements)
        });
    }
    keep_token(ctx.data, &mut signal);
    enqueue_as(ctx, signal, m.priority);
}

/// Ends an alias that lives as long as its monitor.
pub fn end_alias_of_monitor(relations: &mut crate::process::relation::Relations, monitor: RefId) {
    if relations
        .aliases
        .get(&monitor)
        .is_some_and(|a| matches!(a.mode, AliasMode::Demonitor | AliasMode::ReplyDemonitor))
    {
        relations.aliases.remove(&monitor);
    }
}
