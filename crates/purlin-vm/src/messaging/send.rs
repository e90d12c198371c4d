//! Sending: `Dest ! Message`.

use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::ports::PortSignal;
use crate::process::Process;
use crate::process::signal::{Parcel, Signal};
use crate::tracing::events::{self, Extra};
use crate::tracing::{Flags, sequential};
use purlin_term::{Atom, Kind, Term, am};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why a message was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The destination is no pid, port, name, alias or `{Name, Node}`, or a name that nobody has.
    BadDestination,
    /// The destination is on another node.
    Remote,
    /// The message is a command, and the port with this number is busy: the process is woken when it is not any more.
    Busy(u64),
}

/// The port that a command would go to, if it is busy.
#[inline]
fn busy_port(ctx: &Ctx<'_>, to: Term, message: Term) -> Option<u64> {
    let &[from, what] = message.as_tuple()? else { return None };
    let &[key, _] = what.as_tuple()? else { return None };
    if key != am!("command") || !from.is_local_pid() {
        return None;
    }
    let port = receiver(ctx.engine, to).as_port()?;
    ctx.engine.port_is_busy(port, ctx.process.who()).then_some(port)
}

/// Sends a message of a running process, and tells whoever traces it.
#[inline]
pub fn send_from(ctx: &mut Ctx<'_>, to: Term, message: Term) -> Result<(), SendError> {
    let traced = ctx.process.trace.has(Flags::SEND) || ctx.data.sequence.is_some();
    if traced || ctx.engine.tracing.record_senders.load(Ordering::Relaxed) {
        return send_traced(ctx, to, message, false);
    }
    if let Some(id) = to.as_pid().filter(|&id| id != ctx.process.id()) {
        send_to_process(ctx.engine, id, message);
        return Ok(());
    }
    if let Some(port) = busy_port(ctx, to, message) {
        return Err(SendError::Busy(port));
    }
    send(ctx.engine, ctx.process, to, message)
}

/// As [`send_from`], as a priority message: one to an alias that takes such.
pub fn send_priority(ctx: &mut Ctx<'_>, to: Term, message: Term) -> Result<(), SendError> {
    send_traced(ctx, to, message, true)
}

/// Sends a message to another process by its number, if there is one.
fn send_to_process(engine: &Arc<Engine>, id: u64, message: Term) {
    engine.processes.with(id, |p| {
        if p.outer.push(Signal::message(message)).is_ok_and(|first| first) {
            engine.wake(p);
        }
    });
}

#[cold]
fn send_traced(ctx: &mut Ctx<'_>, to: Term, message: Term, priority: bool) -> Result<(), SendError> {
    if let Some(port) = busy_port(ctx, to, message) {
        return Err(SendError::Busy(port));
    }
    let receiver = receiver(ctx.engine, to);
    if ctx.process.trace.has(Flags::SEND) {
        let to = if receiver.is_port() { receiver } else { to };
        events::send(ctx, to, message);
    }
    let exists = receiver.is_port() || receiver.as_pid().is_some_and(|id| ctx.engine.process(id).is_some());
    let shown = if to.as_local_ref().is_some() { to } else { receiver };
    let token = if exists { sequential::send(ctx, shown, message) } else { None };
    deliver(
        ctx.engine,
        ctx.process,
        to,
        message,
        Some(Box::new(Extra { from: ctx.process.pid(), token, keeps_token: false })),
        priority,
    )
}

/// The local process or port that a message for `to` reaches, or `to` itself.
fn receiver(engine: &Engine, to: Term) -> Term {
    if let Some(name) = to.as_atom() {
        return engine.names.whereis(name).unwrap_or(to);
    }
    if to.as_local_ref().is_some() {
        return to.ref_pid().unwrap_or(to);
    }
    match to.as_tuple() {
        Some(&[name, node]) if node == Term::atom(engine.node()) || node.is(Atom::NONODE) => {
            name.as_atom().and_then(|name| engine.names.whereis(name)).unwrap_or(to)
        }
        _ => to,
    }
}

/// Sends a message. A receiver that does not exist (any more) is no error, a name without owner is.
#[inline]
pub fn send(engine: &Arc<Engine>, from: &Arc<Process>, to: Term, message: Term) -> Result<(), SendError> {
    deliver(engine, from, to, message, None, false)
}

fn deliver(
    engine: &Arc<Engine>,
    from: &Arc<Process>,
    to: Term,
    message: Term,
    extra: Option<Box<Extra>>,
    priority: bool,
) -> Result<(), SendError> {
    let with = |mut signal: Parcel, extra| {
        signal.extra = extra;
        signal
    };
    if let Some(id) = to.as_pid() {
        if id == from.id() {
            // A process takes part in its own queue's order like any other sender, and needs no wake-up.
            let _ = from.outer.push(with(Signal::message(message), extra));
        } else {
            engine.processes.with(id, |p| {
                let _ = engine.signal(p, with(Signal::message(message), extra));
            });
        }
        return Ok(());
    }
    if let Some(name) = to.as_atom() {
        let who = engine.names.whereis(name).ok_or(SendError::BadDestination)?;
        return deliver(engine, from, who, message, extra, priority);
    }
    if let Some(port) = to.as_port() {
        engine.port_signal(port, PortSignal::Message { message });
        return Ok(());
    }
    if let Some(alias) = to.as_local_ref() {
        // A reference that names no process is no alias: the message is dropped.
        if let Some(id) = to.ref_pid().and_then(Term::as_pid) {
            engine.processes.with(id, |p| {
                let _ = engine.signal(p, with(Signal::alias_message(alias, message, priority), extra));
            });
        }
        return Ok(());
    }
    if let Some(&[name, node]) = to.as_tuple() {
        let (Some(name), Some(node)) = (name.as_atom(), node.as_atom()) else {
            return Err(SendError::BadDestination);
        };
        if node != engine.node() && node != Atom::NONODE {
            return Err(SendError::Remote);
        }
        if let Some(who) = engine.names.whereis(name) {
            let _ = deliver(engine, from, who, message, extra, priority);
        }
        return Ok(());
    }
    match to.as_external() {
        // Of an earlier life of this node.
        Some((_, node, ..)) if node == engine.node() => Ok(()),
        Some((Kind::ExtPid | Kind::ExtRef, ..)) => Err(SendError::Remote),
        _ => Err(SendError::BadDestination),
    }
}
