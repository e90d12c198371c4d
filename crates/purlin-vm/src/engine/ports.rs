//! What processes need of ports: the side of the engine that natives for ports fill in.

use crate::engine::Engine;
use crate::process::relation::Watcher;
use purlin_term::{Immediate, Term};
use std::sync::Arc;

/// A signal to a port.
pub enum PortSignal {
    /// A message sent with `!`, such as `{Owner, {command, Data}}`. It lies in the sender's heap: valid for the call.
    Message {
        message: Term,
    },
    /// A command with these bytes, a binary, from the engine itself. The binary is valid for the call.
    Command(Term),
    /// `from` has linked itself to the port.
    Link {
        from: Term,
    },
    Unlink {
        from: Term,
    },
    /// An exit signal, through a link or by `exit/2`. The reason is valid for the call.
    Exit {
        from: Term,
        linked: bool,
        reason: Term,
    },
    /// Someone wants to know when the port closes.
    Monitor(Watcher),
    Demonitor {
        monitor: [u64; 2],
    },
    /// A process that the port monitors has ended.
    Down {
        monitor: [u64; 2],
    },
}

/// The ports of an engine.
pub trait Ports: Send + Sync {
    /// Handles a signal to the port with this number; false: there is no such port.
    fn signal(&self, engine: &Arc<Engine>, port: u64, signal: PortSignal) -> bool;

    /// Whether the port is open.
    fn is_open(&self, engine: &Engine, port: u64) -> bool;

    /// Whether commands to the port have to wait; `waiter` is then woken when they need not any more.
    fn is_busy(&self, engine: &Engine, port: u64, waiter: Immediate) -> bool;

    /// The numbers of all open ports.
    fn list(&self, engine: &Engine) -> Vec<u64>;
}
