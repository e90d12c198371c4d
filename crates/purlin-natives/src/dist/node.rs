//! Another node, and the connection with it.
//!
//! | phase | what it means | what is sent |
//! |---|---|---|
//! | idle | not connected | nothing |
//! | pending | `net_kernel` is making a connection | waits |
//! | connected | there is a channel | is written for the channel |
//! | ending | who has to know of the end is being told | nothing |
//!
//! What is told of a connection's end is told before the next one comes up, since there is none before the node is idle again.
//!
//! Every change from idle to pending begins another connection, which has a number of its own: what belonged to an
//! earlier one does not mistake it for its own.

use super::flags::FRAGMENTS;
use crate::port::{self, Port};
use parking_lot::Mutex;
use purlin_term::external::distribution::{Incoming, OutCache, Outgoing, Packet};
use purlin_term::{Atom, Heap, Immediate, Magic, Owned, RemoteRef, Term, am};
use purlin_vm::Engine;
use purlin_vm::relation::Connection;
use purlin_vm::signal::{RefId, RemoteSignal, Signal, SignalKind};
use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Packets, and about how many bytes, that the port gets at once.
const PACKETS: usize = 64;
const BYTES: usize = 1 << 17;

thread_local! {
    /// The node whose packets the thread carries out.
    static AT_WORK: Cell<usize> = const { Cell::new(0) };
}

/// Another node.
pub struct Node {
    pub name: Atom,
    /// What stands for the node in the handles of its connections.
    reference: RefId,
    pub state: Mutex<State>,
    /// The receiving half of the protocol, of the connection with this number.
    pub incoming: Mutex<(u32, Incoming)>,
    /// Packets that have come and are not carried out.
    inbox: Mutex<VecDeque<Packets>>,
    /// Held by who gives packets to the port.
    sending: Mutex<()>,
    /// Packets that a channel that is a process brought and took.
    pub received: AtomicU64,
    pub taken: AtomicU64,
}

/// Packets of the connection with this number, and where they stand in these bytes.
struct Packets {
    id: u32,
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    #[default]
    Idle,
    Pending,
    Connected,
    Ending,
}

/// What changes of a node.
#[derive(Default)]
pub struct State {
    pub phase: Phase,
    /// The number of the connection.
    pub id: u32,
    /// Another connection is to be in the making once this one has ended.
    renewed: bool,
    /// What both sides can do.
    pub flags: u64,
    pub creation: u32,
    /// The port or process that moves the bytes.
    pub channel: Option<Immediate>,
    /// The process that may bring packets, where the channel is a process.
    pub input_handler: Option<Immediate>,
    /// How many connections of this engine were up before.
    pub order: u64,
    /// What is to be sent once the connection is up: control tuple and message.
    pub waiting: Vec<(Owned, Option<Owned>)>,
    pub cache: OutCache,
    pub sequence: u64,
    /// Packets for the channel, and how many bytes these and what is waiting have.
    pub out: VecDeque<Packet>,
    pub queued: usize,
    /// A scheduler will see to it that the packets go out.
    pub due: bool,
    /// Processes that wait until less is queued.
    pub waiters: Vec<Immediate>,
    /// Processes that hear of the connection's end.
    pub involved: HashSet<u64>,
    /// Whom monitors from there by name look at.
    pub named: HashMap<RemoteRef, u64>,
    /// Requests with links whose processes have ended, and why.
    pub orphans: HashMap<RefId, Owned>,
    /// The channel, a process, is to be told when there are packets.
    pub notify: bool,
    /// It gets them with their sizes.
    pub with_size: bool,
}

impl State {
    /// Whether the connection of this number is up.
    pub fn is_up(&self, id: u32) -> bool {
        self.id == id && self.phase == Phase::Connected
    }

    /// Queues the packets of a message for the channel.
    pub fn queue(&mut self, encoded: Outgoing) {
        self.sequence += 1;
        for packet in encoded.packets(&mut self.cache, self.sequence, self.flags & FRAGMENTS != 0) {
            self.queued += packet.len();
            self.out.push_back(packet);
        }
    }
}

/// What a handle's reference leads to.
struct Handle(Arc<Node>);

impl Node {
    pub fn new(engine: &Engine, name: Atom) -> Node {
        Node {
            name,
            reference: engine.next_ref(),
            state: Mutex::default(),
            incoming: Mutex::default(),
            inbox: Mutex::default(),
            sending: Mutex::default(),
            received: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// The connection of this number.
    pub fn connection(&self, id: u32) -> Connection {
        Connection { node: self.name, id }
    }

    /// The term by which OTP names a connection.
    pub fn handle(self: &Arc<Node>, heap: &mut Heap, id: u32) -> Term {
        let magic = Arc::new(Magic { value: Box::new(Handle(self.clone())) });
        let reference = heap.magic_reference(self.reference, magic);
        heap.cons(Term::small(id.into()), reference)
    }

    /// The node and the connection that a handle means.
    pub fn of_handle(t: Term) -> Option<(Arc<Node>, u32)> {
        let (id, reference) = t.as_cons()?;
        let handle: &Handle = reference.magic()?;
        Some((handle.0.clone(), u32::try_from(id.as_small()?).ok()?))
    }

    /// The channel that senders have to wait for, if they have to.
    pub fn busy(&self, engine: &Engine, waiter: Option<Immediate>) -> Option<Immediate> {
        let mut state = self.state.lock();
        if state.queued < engine.config.settings.busy_limit {
            return None;
        }
        if let Some(waiter) = waiter.filter(|w| !state.waiters.contains(w)) {
            state.waiters.push(waiter);
        }
        Some(state.channel.unwrap_or(Immediate::NIL))
    }

    /// Begins a connection, unless there is one; its number, and whether it is new. `None`: one is just ending.
    pub fn begin(&self) -> Option<(u32, bool)> {
        let mut state = self.state.lock();
        if state.phase == Phase::Ending {
            return None;
        }
        let new = state.phase == Phase::Idle;
        if new {
            state.phase = Phase::Pending;
            state.id += 1;
        }
        Some((state.id, new))
    }

    /// The number of the connection there is, or of one that begins, at once or when the one that is ending has ended.
    pub fn renew(&self) -> u32 {
        if let Some((id, _)) = self.begin() {
            return id;
        }
        let mut state = self.state.lock();
        match state.phase {
            Phase::Ending => {
                state.renewed = true;
                state.id + 1
            }
            _ => {
                drop(state);
                self.renew()
            }
        }
    }

    /// Gives up a connection that is in the making; false: there is none of this number.
    pub fn abort(self: &Arc<Node>, engine: &Arc<Engine>, id: u32) -> bool {
        let pending = {
            let mut state = self.state.lock();
            if state.phase == Phase::Ending && state.id + 1 == id {
                return std::mem::take(&mut state.renewed);
            }
            state.id == id && state.phase == Phase::Pending
        };
        pending && self.down(engine, id, am!("noconnection"))
    }

    /// Takes packets; they are carried out by [`Node::work`].
    pub fn push(&self, id: u32, bytes: Vec<u8>, places: Vec<Range<usize>>) {
        self.inbox.lock().push_back(Packets { id, bytes, places });
    }

    /// Carries out packets that have come, and gives the port what it takes. Called without any lock.
    pub fn work(self: &Arc<Node>, engine: &Arc<Engine>) {
        let before = AT_WORK.replace(Arc::as_ptr(self) as usize);
        self.carry_out(engine);
        AT_WORK.set(before);
        self.flush(engine);
    }

    /// Whether the calling thread carries out packets of this node: it gives the port what it takes afterwards.
    pub fn is_at_work(self: &Arc<Node>) -> bool {
        AT_WORK.get() == Arc::as_ptr(self) as usize
    }

    fn carry_out(self: &Arc<Node>, engine: &Arc<Engine>) {
        while !self.inbox.lock().is_empty() {
            // Who holds it looks again after letting go.
            let Some(mut incoming) = self.incoming.try_lock() else { return };
            loop {
                let next = self.inbox.lock().pop_front();
                let Some(Packets { id, bytes, places }) = next else { break };
                for packet in places.into_iter().map(|place| &bytes[place]) {
                    if let Err(fault) = super::input::packet(engine, self, &mut incoming, id, packet) {
                        fault.report(engine);
                        self.end_channel(engine, id);
                        break;
                    }
                }
            }
            self.forget(&mut incoming);
        }
    }

    /// Forgets what an ended connection has begun and not completed.
    fn forget(&self, incoming: &mut (u32, Incoming)) {
        let ended = {
            let state = self.state.lock();
            state.id != incoming.0 || matches!(state.phase, Phase::Idle | Phase::Ending)
        };
        if ended {
            incoming.1 = Incoming::default();
        }
    }

    /// Gives the port as many packets as it takes.
    pub fn flush(self: &Arc<Node>, engine: &Arc<Engine>) {
        while let Some(port) = self.free_port(engine) {
            // Who holds it looks again after letting go.
            let Some(_sending) = self.sending.try_lock() else { return };
            while !port.driver.busy(None) {
                let packets = self.take_together(engine);
                if packets.is_empty() {
                    break;
                }
                port.send_packets(engine, packets);
            }
        }
    }

    /// The port that packets wait for, unless it is busy.
    fn free_port(&self, engine: &Engine) -> Option<Arc<Port>> {
        let channel = {
            let state = self.state.lock();
            state.channel.filter(|_| !state.out.is_empty())?
        };
        port::find(engine, channel.term()).filter(|port| !port.driver.busy(None))
    }

    /// Takes a packet out of the queue.
    pub fn take(&self, engine: &Arc<Engine>) -> Option<Packet> {
        let mut packets = Vec::new();
        self.take_until(engine, 1, &mut packets);
        packets.pop()
    }

    /// Takes packets that may go out together.
    fn take_together(&self, engine: &Arc<Engine>) -> Vec<Packet> {
        let mut packets = Vec::with_capacity(PACKETS);
        self.take_until(engine, PACKETS, &mut packets);
        packets
    }

    /// Takes packets out of the queue, so many at most. Senders that wait go on when half of what made them wait is gone.
    fn take_until(&self, engine: &Arc<Engine>, most: usize, packets: &mut Vec<Packet>) {
        let waiters = {
            let mut state = self.state.lock();
            let mut bytes = 0;
            while packets.len() < most
                && bytes < BYTES
                && let Some(packet) = state.out.pop_front()
            {
                bytes += packet.len();
                packets.push(packet);
            }
            state.queued = state.queued.saturating_sub(bytes);
            let go_on = state.queued < engine.config.settings.busy_limit.div_ceil(2);
            if go_on { std::mem::take(&mut state.waiters) } else { Vec::new() }
        };
        wake(engine, waiters);
    }

    /// Has the channel of a connection end, and the connection with it. False: it has ended.
    pub fn end_channel(self: &Arc<Node>, engine: &Arc<Engine>, id: u32) -> bool {
        let channel = { Some(self.state.lock()).filter(|s| s.id == id).and_then(|s| s.channel) };
        let Some(channel) = channel else { return false };
        match port::find(engine, channel.term()) {
            Some(port) => drop(port.close(engine, Term::atom(Atom::KILLED))),
            None => engine.post(channel.term(), Signal::exit(Term::NONE, false, Term::atom(Atom::KILL))),
        }
        true
    }

    /// A connection has ended: everybody whom that concerns hears of it. False: it had ended before.
    pub fn down(self: &Arc<Node>, engine: &Arc<Engine>, id: u32, reason: Term) -> bool {
        let ended = {
            let mut state = self.state.lock();
            if state.id != id || matches!(state.phase, Phase::Idle | Phase::Ending) {
                return false;
            }
            let order = state.order;
            let due = state.due;
            std::mem::replace(&mut *state, State { id, order, due, phase: Phase::Ending, ..State::default() })
        };
        if let Some(mut incoming) = self.incoming.try_lock() {
            // Who holds it forgets afterwards.
            self.forget(&mut incoming);
        }
        wake(engine, ended.waiters);
        let at = self.connection(id);
        for process in ended.involved {
            let down = SignalKind::Remote(Box::new(RemoteSignal::NodeDown { at }));
            engine.post(Term::pid(process), Signal::bare(down));
        }
        if ended.phase == Phase::Connected {
            let visible = super::flags::is_visible(ended.flags);
            super::monitor::node_down(engine, self.name, Some(id), visible, reason);
        }
        let mut state = self.state.lock();
        state.phase = Phase::Idle;
        if std::mem::take(&mut state.renewed) {
            state.phase = Phase::Pending;
            state.id += 1;
        }
        true
    }
}

/// Lets processes look again whether they still have to wait.
fn wake(engine: &Arc<Engine>, waiters: Vec<Immediate>) {
    port::wake(engine, waiters);
}

/// A port's side of a connection.
pub struct OfPort {
    pub node: Arc<Node>,
    pub id: u32,
}

impl port::Tap for OfPort {
    fn packets(&self, bytes: Vec<u8>, places: Vec<Range<usize>>) {
        self.node.push(self.id, bytes, places);
    }

    fn work(&self, engine: &Arc<Engine>) {
        self.node.work(engine);
    }

    fn closed(&self, engine: &Arc<Engine>, reason: Term) {
        self.node.work(engine);
        let closed = reason.is(Atom::NORMAL);
        self.node.down(engine, self.id, if closed { Term::atom(Atom::new("connection_closed")) } else { reason });
    }
}
