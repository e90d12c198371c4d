//! Ports: what connects processes with files, terminals and other programs.
//!
//! A port has an owner, links and watchers like a process, and a [driver](Driver), which is what is at its other end.
//! Drivers do not block: output that cannot go out at once is queued, so that no scheduler waits for a slow reader;
//! halting waits for the queues.

mod ddll;
mod driver;
mod fds;
mod framing;
pub mod inet;
pub mod loading;
mod natives;
mod open;
mod output;
pub mod poll;
mod program;
mod ram_file;
mod resolver;
mod signals;
mod stream;
mod terminal;
mod trace_file;

pub use fds::keep_inherited;
pub use output::wake;

use driver::{Driver, TooLong};
use framing::Framing;
use parking_lot::Mutex;
use purlin_term::external::distribution::Packet;
use purlin_term::owned::Owned;
use purlin_term::{Atom, Immediate, Term, am};
use purlin_vm::port::{PortSignal, Ports};
use purlin_vm::relation::Watcher;
use purlin_vm::signal::{Parcel, Signal, SignalKind};
use purlin_vm::tracing::Tracee;
use purlin_vm::{Engine, Native, Slot};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// All tables of this topic.
pub const TABLES: &[&[Native]] = &[ddll::NATIVES, natives::NATIVES];

/// The largest number of a port.
const MAX_ID: u64 = (1 << 28) - 1;

/// The ports of one engine.
#[derive(Default)]
pub struct Table {
    ports: Mutex<BTreeMap<u64, Arc<Port>>>,
    /// Closed ports whose output is not written yet.
    closing: Mutex<Vec<Arc<Port>>>,
    /// Bytes that drivers gave to processes, and bytes that processes gave to drivers.
    input: AtomicU64,
    output: AtomicU64,
    next: AtomicU64,
}

static TABLE: Slot<Table> = Slot::new();

/// The ports of this engine.
pub fn table(engine: &Engine) -> &Table {
    engine.state(&TABLE)
}

/// An open port.
pub struct Port {
    pub id: u64,
    pub name: String,
    pub options: Options,
    pub state: Mutex<State>,
    /// Bytes that came in, and bytes that commands had.
    pub input: AtomicU64,
    pub output: AtomicU64,
    pub driver: Box<dyn Driver>,
    /// Flags and tracer that `erlang:trace/3` set.
    pub trace: Tracee,
    tap: OnceLock<Box<dyn Tap>>,
}

/// Who gets what a port delivers, in the place of its owner: a connection with another node.
pub trait Tap: Send + Sync {
    /// Takes packets, which stand in `bytes` at these places. Locks of the port are held: they are only put aside.
    fn packets(&self, bytes: Vec<u8>, places: Vec<Range<usize>>);

    /// There may be packets, or the port may take more: called often, without locks.
    fn work(&self, engine: &Arc<Engine>);

    /// The port is closed.
    fn closed(&self, engine: &Arc<Engine>, reason: Term);
}

/// What changes while a port is open.
#[derive(Default)]
pub struct State {
    pub owner: Option<Immediate>,
    pub links: Vec<Immediate>,
    pub watchers: Vec<Watcher>,
    pub data: Option<Owned>,
}

/// How a port was opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub framing: Framing,
    pub binary: bool,
    pub eof: bool,
    pub exit_status: bool,
    /// Told by `port_info`; ports are threads of their own anyway.
    pub parallelism: bool,
}

impl Table {
    pub fn get(&self, t: Term) -> Option<Arc<Port>> {
        self.ports.lock().get(&t.as_port()?).cloned()
    }

    pub fn all(&self) -> Vec<u64> {
        self.ports.lock().keys().copied().collect()
    }

    /// A number that no open port has. They begin anew after the last one.
    fn next_id(&self) -> u64 {
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed) & MAX_ID;
            if !self.ports.lock().contains_key(&id) {
                return id;
            }
        }
    }

    /// The number that the next port gets, after setting it if one is given.
    fn next_number(&self, set: Option<u64>) -> u64 {
        if let Some(n) = set {
            self.next.store(n & MAX_ID, Ordering::Relaxed);
        }
        let (next, ports) = (self.next.load(Ordering::Relaxed), self.ports.lock());
        (next..).map(|n| n & MAX_ID).find(|id| !ports.contains_key(id)).unwrap_or(next)
    }

    /// Whether a further port can be opened.
    fn has_room(&self, engine: &Engine) -> bool {
        self.ports.lock().len() < engine.config.settings.port_limit
    }

    /// Counts bytes that a driver gives to a process, in messages of its own making.
    pub fn count_input(&self, bytes: usize) {
        self.input.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// The open port of a term.
pub fn find(engine: &Engine, t: Term) -> Option<Arc<Port>> {
    table(engine).get(t)
}

/// All open ports.
pub fn all(engine: &Engine) -> Vec<Arc<Port>> {
    table(engine).ports.lock().values().cloned().collect()
}

/// All bytes that ports have read and written.
pub fn bytes(engine: &Engine) -> (u64, u64) {
    let t = table(engine);
    (t.input.load(Ordering::Relaxed), t.output.load(Ordering::Relaxed))
}

/// The number that the next port gets, after setting it if one is given.
pub fn next_port(engine: &Engine, set: Option<u64>) -> u64 {
    table(engine).next_number(set)
}

impl Port {
    /// Opens a port with this number. An owner is linked to it, which the owner has to hear of.
    pub fn open(
        engine: &Engine,
        id: u64,
        name: String,
        options: Options,
        owner: Option<Immediate>,
        driver: Box<dyn Driver>,
    ) -> Arc<Port> {
        let state = State { owner, links: owner.into_iter().collect(), ..State::default() };
        let port = Arc::new(Port {
            id,
            name,
            options,
            state: Mutex::new(state),
            input: AtomicU64::new(0),
            output: AtomicU64::new(0),
            driver,
            trace: Tracee::default(),
            tap: OnceLock::new(),
        });
        table(engine).ports.lock().insert(id, port.clone());
        port
    }

    pub fn term(&self) -> Term {
        Term::port(self.id)
    }

    pub fn is_open(&self, engine: &Engine) -> bool {
        table(engine).ports.lock().contains_key(&self.id)
    }

    /// Has a tap get what the port delivers; false: it has one.
    pub fn set_tap(&self, tap: Box<dyn Tap>) -> bool {
        self.tap.set(tap).is_ok()
    }

    fn tap(&self) -> Option<&dyn Tap> {
        self.tap.get().map(|tap| &**tap)
    }

    /// Sends packets of the engine's own.
    pub fn send_packets(self: &Arc<Port>, engine: &Arc<Engine>, packets: Vec<Packet>) {
        self.note_command(engine, packets.iter().map(Packet::len).sum());
        self.driver.send_packets(engine, self, packets);
    }

    fn note_command(&self, engine: &Engine, bytes: usize) {
        self.output.fetch_add(bytes as u64, Ordering::Relaxed);
        table(engine).output.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes bytes that a process sends. What does not fit a packet ends the port.
    fn command(self: &Arc<Port>, engine: &Arc<Engine>, from: Immediate, bytes: Vec<u8>) {
        self.note_command(engine, bytes.len());
        if self.driver.command(engine, self, from, bytes) == Err(TooLong) {
            self.close(engine, am!("einval"));
        }
    }

    /// Counts bytes that came in through the port.
    pub fn count_input(&self, engine: &Engine, bytes: usize) {
        self.input.fetch_add(bytes as u64, Ordering::Relaxed);
        table(engine).count_input(bytes);
    }

    /// Gives the port to another process, which is linked to it; the former owner stays so.
    fn connect(&self, engine: &Arc<Engine>, owner: Immediate) {
        let mut state = self.state.lock();
        state.owner = Some(owner);
        if !state.links.contains(&owner) {
            state.links.push(owner);
            drop(state);
            engine.post(owner.term(), Signal::bare(SignalKind::Link { from: self.term() }));
        }
    }

    /// The port closes by its driver's own doing: the owner's link is taken away, so that it gets no exit signal.
    pub fn leave(self: &Arc<Port>, engine: &Arc<Engine>, reason: Term) {
        let me = self.term();
        let owner = self.state.lock().owner;
        if let Some(owner) = owner {
            let linked = self.state.lock().links.contains(&owner);
            self.state.lock().links.retain(|&l| l != owner);
            if linked {
                engine.post(owner.term(), Signal::bare(SignalKind::Unlink { from: me, id: 0 }));
            }
        }
        self.close(engine, reason);
    }

    /// Takes a port away that could not be opened after all: nobody is told.
    pub fn discard(&self, engine: &Engine) {
        table(engine).ports.lock().remove(&self.id);
    }

    /// Sends `{Port, Message}` to the owner.
    pub fn tell(&self, engine: &Arc<Engine>, message: impl FnOnce(&mut purlin_term::Heap) -> Term) {
        let Some(owner) = self.state.lock().owner else { return };
        engine.post(owner.term(), self.message(message));
    }

    /// Sends the owner messages that it finds together.
    fn tell_together(&self, engine: &Arc<Engine>, messages: Vec<Parcel>) {
        let Some(owner) = self.state.lock().owner else { return };
        engine.post_together(owner.term(), messages);
    }

    /// `{Port, Message}`
    fn message(&self, message: impl FnOnce(&mut purlin_term::Heap) -> Term) -> Parcel {
        let me = self.term();
        Signal::built(SignalKind::Message, |heap| {
            let m = message(heap);
            heap.tuple(&[me, m])
        })
    }

    /// Closes the port: links get an exit signal with this reason, watchers are told. False: it was closed before.
    pub fn close(self: &Arc<Port>, engine: &Arc<Engine>, reason: Term) -> bool {
        if let Some(tap) = self.tap() {
            // What was sent before still goes out.
            tap.work(engine);
        }
        if table(engine).ports.lock().remove(&self.id).is_none() {
            return false;
        }
        engine.names.release_port(self.term());
        self.driver.before_close();
        let state = std::mem::take(&mut *self.state.lock());
        self.driver.close(engine, self);
        if !self.driver.is_idle() {
            let mut closing = table(engine).closing.lock();
            closing.retain(|p| !p.driver.is_idle());
            closing.push(self.clone());
        }
        for link in state.links {
            engine.post(link.term(), Signal::exit(self.term(), true, reason));
        }
        for w in &state.watchers {
            engine.port_down(self.term(), w, reason);
        }
        if let Some(tap) = self.tap() {
            tap.closed(engine, reason);
        }
        true
    }
}

/// What [`Engine`] asks of its ports.
struct PortsOf;

impl Ports for PortsOf {
    fn signal(&self, engine: &Arc<Engine>, port: u64, signal: PortSignal) -> bool {
        let found = table(engine).ports.lock().get(&port).cloned();
        let Some(p) = found else { return false };
        match signal {
            PortSignal::Message { message } => signals::message(engine, &p, message),
            PortSignal::Command(bytes) => {
                signals::command(engine, &p, bytes);
            }
            PortSignal::Link { from } => {
                let mut state = p.state.lock();
                if let Some(from) = Immediate::new(from)
                    && !state.links.contains(&from)
                {
                    state.links.push(from);
                }
            }
            PortSignal::Unlink { from } => p.state.lock().links.retain(|&l| l != from),
            PortSignal::Exit { from, linked, reason } => {
                let mut state = p.state.lock();
                if linked {
                    state.links.retain(|&l| l != from);
                }
                // Only the owner's normal end closes the port, while `exit/2` does so for whoever calls it.
                let stays = linked && reason.is(Atom::NORMAL) && state.owner.is_none_or(|o| o != from);
                drop(state);
                if !stays {
                    if reason.is(Atom::KILL) {
                        p.driver.abandon();
                    }
                    p.close(engine, if reason.is(Atom::KILL) { Term::atom(Atom::KILLED) } else { reason });
                }
            }
            PortSignal::Monitor(w) => p.state.lock().watchers.push(w),
            PortSignal::Down { monitor } => p.driver.process_exit(engine, &p, monitor),
            PortSignal::Demonitor { monitor } => p.state.lock().watchers.retain(|w| w.monitor != monitor),
        }
        true
    }

    fn is_open(&self, engine: &Engine, port: u64) -> bool {
        table(engine).ports.lock().contains_key(&port)
    }

    fn is_busy(&self, engine: &Engine, port: u64, waiter: Immediate) -> bool {
        let found = table(engine).ports.lock().get(&port).cloned();
        found.is_some_and(|p| p.driver.busy(Some(waiter)))
    }

    fn list(&self, engine: &Engine) -> Vec<u64> {
        table(engine).all()
    }
}

/// Port 0, which starts other programs on the BEAM and is there for everyone to see.
struct Forker;

impl Driver for Forker {}

/// Sets up the ports of an engine, and flushing at its end.
pub fn install(engine: &Arc<Engine>) {
    engine.set_ports(Box::new(PortsOf));
    let id = table(engine).next_id();
    Port::open(engine, id, "forker".into(), Options::default(), None, Box::new(Forker));
    engine.on_halt(flush);
    ddll::install(engine);
}

/// Waits until all output is written, that of closed ports too.
fn flush(engine: &Arc<Engine>) {
    // In this order: a port that closes meanwhile is among one or the other.
    let open = all(engine);
    let closing = std::mem::take(&mut *table(engine).closing.lock());
    for port in open.iter().chain(&closing) {
        port.driver.flush(engine, port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_anew_after_the_last_one() {
        let table = Table::default();
        assert_eq!(table.next_number(Some(MAX_ID)), MAX_ID);
        assert_eq!([table.next_id(), table.next_id(), table.next_id()], [MAX_ID, 0, 1]);
        assert_eq!(table.next_number(Some(u64::MAX)), MAX_ID);
    }
}
