//! Sending: `Dest ! Message`.

use crate::engine::Engine;
use crate::port::PortSignal;
use crate::process::Process;
use crate::signal::Signal;
use purlin_term::{Atom, Kind, Term};
use std::sync::Arc;

/// Why a message was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The destination is no pid, port, name, alias or `{Name, Node}`, or a name that nobody has.
    BadDestination,
    /// The destination is on another node.
    Remote,
}

/// Sends a message. A receiver that does not exist (any more) is no error, a name without owner is.
pub fn send(engine: &Arc<Engine>, from: &Arc<Process>, to: Term, message: Term) -> Result<(), SendError> {
    if let Some(id) = to.as_pid() {
        if id == from.id() {
            // A process takes part in its own queue's order like any other sender, and needs no wake-up.
            let _ = from.outer.push(Signal::message(message));
        } else if let Some(p) = engine.process(id) {
            let _ = engine.signal(&p, Signal::message(message));
        }
        return Ok(());
    }
    if let Some(name) = to.as_atom() {
        let who = engine.names.whereis(name).ok_or(SendError::BadDestination)?;
        return send(engine, from, who, message);
    }
    if let Some(port) = to.as_port() {
        engine.port_signal(port, PortSignal::Message { from: from.pid(), message });
        return Ok(());
    }
    if let Some(alias) = to.as_local_ref() {
        // A reference that names no process is no alias: the message is dropped.
        if let Some(p) = to.ref_pid().and_then(Term::as_pid).and_then(|id| engine.process(id)) {
            let _ = engine.signal(&p, Signal::alias_message(alias, message));
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
            let _ = send(engine, from, who, message);
        }
        return Ok(());
    }
    match to.boxed_kind() {
        Some(Kind::ExtPid | Kind::ExtPort | Kind::ExtRef) => Err(SendError::Remote),
        _ => Err(SendError::BadDestination),
    }
}
