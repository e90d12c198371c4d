//! Distribution: the other nodes, the connections with them, and the signals that go by these.
//!
//! OTP's `net_kernel` and what belongs to it find other nodes, shake hands and watch over connections. A connection that
//! is up is given to the emulator by `erts_internal:create_dist_channel/3` together with who moves its bytes: a port of
//! the TCP driver, or a process. From then on the emulator speaks the protocol: [`signal`] writes what processes send,
//! [`input`] carries out what comes. See docs/distribution.md.
//!
//! Locks: a node's state is never held while a port, a process or another node is told something.

mod channel;
mod control;
mod flags;
mod input;
mod listing;
mod monitor;
mod naming;
mod node;
mod signal;

use node::{Node, Phase};
use parking_lot::Mutex;
use purlin_term::{Atom, Heap, Immediate, Owned, Term};
use purlin_vm::nodes::{Nodes, Outgoing, Route, Unsent};
use purlin_vm::relation::Connection;
use purlin_vm::signal::{BrokenMessage, RefId};
use purlin_vm::{Engine, Native, Slot};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// All tables of this topic.
pub const TABLES: &[&[Native]] =
    &[channel::NATIVES, control::NATIVES, flags::NATIVES, listing::NATIVES, monitor::NATIVES, naming::NATIVES];

/// The distribution of one engine.
#[derive(Default)]
struct Distribution {
    nodes: Mutex<HashMap<Atom, Arc<Node>>>,
    /// The processes that are channels of connections, by their numbers.
    channels: Mutex<HashMap<u64, (Arc<Node>, u32)>>,
    subscribers: Mutex<Vec<monitor::Subscriber>>,
    /// The process that made this node alive: it is alive as long as that.
    kernel: Mutex<Option<u64>>,
    /// Nodes for which schedulers have queued packets, and whether there are such.
    due: Mutex<Vec<Arc<Node>>>,
    any_due: AtomicBool,
    /// Connections that were ever up.
    came_up: AtomicU64,
}

static DISTRIBUTION: Slot<Distribution> = Slot::new();

fn distribution(engine: &Engine) -> &Distribution {
    engine.state(&DISTRIBUTION)
}

impl Distribution {
    /// The node of this name, known from now on.
    fn node(&self, engine: &Engine, name: Atom) -> Arc<Node> {
        self.nodes.lock().entry(name).or_insert_with(|| Arc::new(Node::new(engine, name))).clone()
    }

    /// Has a node's packets go out when a turn is over. The caller is a scheduler, which looks afterwards.
    fn flush_later(&self, node: &Arc<Node>) {
        self.due.lock().push(node.clone());
        self.any_due.store(true, Ordering::Release);
    }

    fn flush(&self, engine: &Arc<Engine>) {
        if !self.any_due.load(Ordering::Acquire) {
            return;
        }
        let due = {
            let mut due = self.due.lock();
            self.any_due.store(false, Ordering::Release);
            std::mem::take(&mut *due)
        };
        for node in due {
            node.state.lock().due = false;
            node.flush(engine);
        }
    }

    /// All nodes that are known.
    fn all(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().values().cloned().collect()
    }
}

/// What [`Engine`] asks of other nodes.
struct NodesOf;

impl Nodes for NodesOf {
    fn signal(
        &self,
        engine: &Arc<Engine>,
        from: Term,
        to: Atom,
        by: Route,
        what: Outgoing<'_>,
    ) -> Result<Connection, Unsent> {
        if !engine.is_alive() {
            return Err(Unsent::NoConnection);
        }
        let node = distribution(engine).node(engine, to);
        signal::send(engine, &node, from, by, what)
    }

    fn flush(&self, engine: &Arc<Engine>) {
        distribution(engine).flush(engine);
    }

    fn busy(&self, engine: &Engine, node: Atom, waiter: Option<Immediate>) -> Option<Immediate> {
        let node = distribution(engine).nodes.lock().get(&node).cloned();
        node?.busy(engine, waiter)
    }

    fn is_waiting(&self, engine: &Engine, node: Atom, waiter: Immediate) -> bool {
        let node = distribution(engine).nodes.lock().get(&node).cloned();
        node.is_some_and(|node| node.state.lock().waiters.contains(&waiter))
    }

    fn is_alive(&self, engine: &Engine) -> bool {
        naming::is_alive(engine)
    }

    fn can_spawn(&self, engine: &Engine, node: Atom) -> bool {
        let Some(node) = distribution(engine).nodes.lock().get(&node).cloned() else { return true };
        let state = node.state.lock();
        state.phase != Phase::Connected || state.flags & flags::SPAWN != 0
    }

    fn left(&self, engine: &Engine, process: u64, connections: &[Connection]) {
        for at in connections {
            distribution(engine).node(engine, at.node).state.lock().involved.remove(&process);
        }
    }

    fn broken(&self, engine: &Arc<Engine>, message: BrokenMessage) {
        let node = distribution(engine).node(engine, message.at.node);
        if node.end_channel(engine, message.at.id) {
            input::Fault::Term(message.why).report(engine);
        }
    }

    fn ended_before_answer(&self, engine: &Engine, at: Connection, request: RefId, reason: Term) {
        let node = distribution(engine).node(engine, at.node);
        let mut state = node.state.lock();
        if state.id == at.id && matches!(state.phase, Phase::Pending | Phase::Connected) {
            state.orphans.insert(request, Owned::new(reason));
        }
    }

    fn subscription(&self, options: Term) -> Option<u32> {
        monitor::options(options)
    }

    fn subscribe(&self, engine: &Engine, process: u64, options: u32, on: bool) -> u32 {
        monitor::subscribe(engine, process, options, on)
    }
}

/// The port or process that moves the bytes of a node's connection.
pub fn channel(engine: &Engine, node: Atom) -> Option<Immediate> {
    let node = distribution(engine).nodes.lock().get(&node).cloned()?;
    node.state.lock().channel
}

/// Options of such a process, as a list.
pub fn subscription_options(h: &mut Heap, options: u32) -> Term {
    monitor::options_list(h, options)
}

/// The nodes that are connected, and what moves the bytes of each.
pub fn channels(engine: &Engine) -> Vec<(Atom, Immediate)> {
    let all = distribution(engine).all();
    all.iter().filter_map(|node| Some((node.name, node.state.lock().channel?))).collect()
}

/// The processes that want to know of nodes that come and go, and with which options, in bits.
pub fn subscribers(engine: &Engine) -> Vec<(u64, u32)> {
    monitor::subscribers(engine)
}

/// Sets up distribution for an engine.
pub fn install(engine: &Arc<Engine>) {
    engine.set_nodes(Box::new(NodesOf));
    engine.on_exit_of_involved(|ctx, reason| {
        channel::process_ended(ctx, reason);
        monitor::process_ended(ctx);
        naming::process_ended(ctx, reason);
    });
}
