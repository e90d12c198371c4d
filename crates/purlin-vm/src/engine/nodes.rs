//! What processes need of other nodes: the side of the engine that natives for distribution fill in.

use crate::engine::Engine;
use crate::process::relation::{Connection, RemoteProcess};
use crate::process::signal::{BrokenMessage, RefId, RemoteSignal};
use crate::process::token::Token;
use purlin_term::{Atom, Immediate, RemotePid, RemoteRef, Term};
use std::sync::Arc;

/// A signal of a process of this node to another node. Terms are valid for the call.
#[derive(Clone, Copy)]
pub enum Outgoing<'a> {
    /// A message.
    Send {
        to: RemotePid,
        message: Term,
        token: Option<&'a Token>,
    },
    SendNamed {
        to: Atom,
        message: Term,
        token: Option<&'a Token>,
    },
    /// A message to an alias, a reference of that node.
    SendAlias {
        to: Term,
        message: Term,
        token: Option<&'a Token>,
    },
    Link {
        to: RemotePid,
    },
    Unlink {
        to: RemotePid,
        id: u64,
    },
    UnlinkAck {
        to: RemotePid,
        id: u64,
    },
    /// An exit signal, through a link or by `exit/2`.
    Exit {
        to: RemotePid,
        linked: bool,
        reason: Term,
        token: Option<&'a Token>,
    },
    Monitor {
        monitor: RefId,
        watched: RemoteProcess,
    },
    Demonitor {
        monitor: RefId,
        watched: RemoteProcess,
    },
    /// The sender, which was watched by its pid or under a name, has ended.
    Down {
        to: RemotePid,
        monitor: RemoteRef,
        name: Option<Atom>,
        reason: Term,
    },
    GroupLeader {
        to: RemotePid,
        leader: Term,
    },
    /// Start a process: module, function and number of arguments; arguments; options.
    Spawn {
        request: RefId,
        leader: Term,
        mfa: Term,
        args: Term,
        options: &'a [Term],
    },
    /// A process was started for `to`, or why not.
    Spawned {
        to: RemotePid,
        request: RemoteRef,
        link: bool,
        monitor: bool,
        result: Term,
    },
}

/// How a signal may go to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// By the connection there is, which is made if there is none.
    Connect,
    /// By the connection there is.
    Connected,
    /// By this connection alone.
    Only(u32),
}

/// Why a signal was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsent {
    NoConnection,
    /// A part of it is larger than the protocol can say.
    TooLarge,
}

/// The other nodes of an engine.
pub trait Nodes: Send + Sync {
    /// Sends a signal of `from`; the connection that it goes by. When that ends, a process that has linked or monitored
    /// something, or asked for a process, hears of it.
    fn signal(
        &self,
        engine: &Arc<Engine>,
        from: Term,
        to: Atom,
        by: Route,
        what: Outgoing<'_>,
    ) -> Result<Connection, Unsent>;

    /// Has what schedulers have sent go out: they call it between the turns of processes, and signals may wait for that.
    fn flush(&self, engine: &Arc<Engine>);

    /// The port or process that moves the bytes, if so much waits for going out to a node that senders have to wait;
    /// `waiter` is then woken when they need not any more.
    fn busy(&self, engine: &Engine, node: Atom, waiter: Option<Immediate>) -> Option<Immediate>;

    /// Whether a waiter was not woken yet.
    fn is_waiting(&self, engine: &Engine, node: Atom, waiter: Immediate) -> bool;

    /// What `erlang:is_alive/0` says: this node has a name, or will get one from the first node that it is connected with.
    fn is_alive(&self, engine: &Engine) -> bool;

    /// Whether requests to start a process can be sent to a node, as far as is known.
    fn can_spawn(&self, engine: &Engine, node: Atom) -> bool;

    /// A process that these connections would have told of their end has ended.
    fn left(&self, engine: &Engine, process: u64, connections: &[Connection]);

    /// A process has come to a message that is no term: the connection that it came by ends, with a report.
    fn broken(&self, engine: &Arc<Engine>, message: BrokenMessage);

    /// A process that asked to be linked with one to be started has ended before the answer came.
    fn ended_before_answer(&self, engine: &Engine, at: Connection, request: RefId, reason: Term);

    /// The options of a subscription to changes of nodes (`process_flag({monitor_nodes, Options}, _)`), in bits.
    fn subscription(&self, options: Term) -> Option<u32>;

    /// Subscribes a process to changes of nodes, or ends its subscriptions with these options; how many there were.
    fn subscribe(&self, engine: &Engine, process: u64, options: u32, on: bool) -> u32;
}

/// Sends a signal by a connection; it is lost if that has ended.
pub fn tell(engine: &Arc<Engine>, from: Term, at: Connection, what: Outgoing<'_>) {
    if let Some(nodes) = engine.nodes() {
        let _ = nodes.signal(engine, from, at.node, Route::Only(at.id), what);
    }
}

/// Has what was sent to other nodes go out.
pub(crate) fn flush(engine: &Arc<Engine>) {
    if let Some(nodes) = engine.nodes() {
        nodes.flush(engine);
    }
}

/// What becomes of a signal from another node to a process that has ended: who waits for something gets its answer.
pub fn bounce(engine: &Arc<Engine>, to: Term, signal: RemoteSignal) {
    let noproc = Term::atom(Atom::NOPROC);
    match signal {
        RemoteSignal::Link { from, at } => {
            tell(engine, to, at, Outgoing::Exit { to: from, linked: true, reason: noproc, token: None });
        }
        RemoteSignal::Unlink { from, id, at } if id != 0 => tell(engine, to, at, Outgoing::UnlinkAck { to: from, id }),
        RemoteSignal::Monitor { reference, watcher, name, at } => {
            tell(engine, to, at, Outgoing::Down { to: watcher, monitor: reference, name, reason: noproc });
        }
        RemoteSignal::Spawned { request, result: Ok(child), link, monitor, at } => {
            refuse_child(engine, to, request, child, (link, monitor), at, noproc);
        }
        _ => {}
    }
}

/// Takes back what was to be between a process and one that was started for it.
pub fn refuse_child(
    engine: &Arc<Engine>,
    parent: Term,
    request: RefId,
    child: RemotePid,
    (link, monitor): (bool, bool),
    at: Connection,
    reason: Term,
) {
    if monitor {
        tell(engine, parent, at, Outgoing::Demonitor { monitor: request, watched: RemoteProcess::Pid(child) });
    }
    if link {
        tell(engine, parent, at, Outgoing::Exit { to: child, linked: true, reason, token: None });
    }
}
