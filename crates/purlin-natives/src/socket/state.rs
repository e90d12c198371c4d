//! What an open socket knows: its descriptor, who owns it, who waits for it, its settings and counters.

use super::counters::{Counters, FileCounters, Global};
use crate::port::poll::Interest;
use parking_lot::{Mutex, MutexGuard};
use purlin_term::owned::Owned;
use purlin_term::{Immediate, Magic, Term};
use purlin_vm::{Engine, Slot};
use rustix::fd::{IntoRawFd, OwnedFd};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

/// What a socket's reference keeps alive.
pub struct Socket {
    pub id: [u64; 2],
    /// What the reference itself holds, for messages that carry it.
    pub me: Weak<Magic>,
    pub domain: i32,
    pub kind: i32,
    pub protocol: i32,
    /// The descriptor that this one was made of.
    pub origin: Option<i32>,
    /// Whether closing the socket closes its descriptor.
    pub owns_descriptor: bool,
    state: Mutex<State>,
}

/// What changes while a socket is there.
pub struct State {
    pub fd: Option<OwnedFd>,
    /// What has happened to the reading and to the writing side, of [`flag`].
    pub reading: u16,
    pub writing: u16,
    /// The controlling process, and the one that is closing the socket.
    pub owner: Option<Immediate>,
    pub closer: Option<Immediate>,
    /// What the poll thread watches the descriptor for.
    pub interest: Interest,
    pub connector: Option<Request>,
    pub readers: Queue,
    pub writers: Queue,
    pub acceptors: Queue,
    /// The file that is being sent.
    pub file: Option<OwnedFd>,
    pub settings: Settings,
    /// Full buffers that were read in a row.
    pub full_reads: u32,
    pub meta: Option<Owned>,
    pub counters: Counters,
    /// Counters of sending files, once one was sent.
    pub file_counters: Option<FileCounters>,
    /// The processes whose end is told to this socket.
    pub involved: Vec<u64>,
}

/// What has happened to a side of a socket.
pub mod flag {
    pub const BOUND: u16 = 1;
    pub const LISTENING: u16 = 2;
    pub const ACCEPTING: u16 = 4;
    pub const CONNECTING: u16 = 8;
    pub const CONNECTED: u16 = 16;
    pub const SELECTED: u16 = 32;
    pub const CLOSING: u16 = 64;
    pub const CLOSED: u16 = 128;

    /// Their names, from the lowest bit on.
    pub const NAMES: &[&str] =
        &["bound", "listening", "accepting", "connecting", "connected", "selected", "closing", "closed"];
}

/// What accepted sockets inherit.
#[derive(Clone, Copy)]
pub struct Settings {
    /// Bytes of a read for which no length is given.
    pub read_buffer: usize,
    /// How many such reads one call makes at most; 0: as many as there are data for.
    pub reads: u32,
    /// Bytes of control data that are received and sent at most.
    pub read_control: usize,
    pub write_control: usize,
    pub inform_on_wrap: bool,
    pub debug: bool,
    pub registered: bool,
    /// Who has received something waits for more at once.
    pub select_read: bool,
}

pub const READ_BUFFER: usize = 8192;
pub const CONTROL_BUFFER: usize = 1024;

impl Settings {
    pub fn new(debug: bool, registered: bool) -> Settings {
        Settings {
            read_buffer: READ_BUFFER,
            reads: 0,
            read_control: CONTROL_BUFFER,
            write_control: CONTROL_BUFFER,
            inform_on_wrap: false,
            debug,
            registered,
            select_read: false,
        }
    }
}

/// What a process waits for, by the reference that its message will carry.
pub struct Request {
    pub pid: Immediate,
    pub reference: Owned,
}

impl Request {
    pub fn new(pid: Immediate, reference: Term) -> Request {
        Request { pid, reference: Owned::new(reference) }
    }

    pub fn is_for(&self, reference: Term) -> bool {
        purlin_term::compare::cmp_exact(self.reference.term(), reference).is_eq()
    }
}

/// The process whose turn it is to read, write or accept, and those that wait for their turn. Without the first there
/// are no others.
#[derive(Default)]
pub struct Queue {
    pub current: Option<Request>,
    pub waiting: VecDeque<Request>,
}

impl Queue {
    /// Whether it is another process's turn.
    pub fn is_taken(&self, pid: Term) -> bool {
        self.current.as_ref().is_some_and(|r| r.pid != pid)
    }

    pub fn has_waiting(&self, pid: Term) -> bool {
        self.waiting.iter().any(|r| r.pid == pid)
    }

    pub fn len(&self) -> usize {
        usize::from(self.current.is_some()) + self.waiting.len()
    }
}

/// One of the queues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    Read,
    Write,
    Accept,
}

impl State {
    pub fn new(fd: OwnedFd, owner: Immediate, settings: Settings) -> State {
        State {
            fd: Some(fd),
            reading: 0,
            writing: 0,
            owner: Some(owner),
            closer: None,
            interest: Interest::default(),
            connector: None,
            readers: Queue::default(),
            writers: Queue::default(),
            acceptors: Queue::default(),
            file: None,
            settings,
            full_reads: 0,
            meta: None,
            counters: Counters::default(),
            file_counters: None,
            involved: Vec::new(),
        }
    }

    /// The descriptor, unless the socket is closed or about to be.
    pub fn open(&self) -> Option<&OwnedFd> {
        self.fd.as_ref().filter(|_| (self.reading | self.writing) & (flag::CLOSING | flag::CLOSED) == 0)
    }

    pub fn queue(&mut self, turn: Turn) -> &mut Queue {
        match turn {
            Turn::Read => &mut self.readers,
            Turn::Write => &mut self.writers,
            Turn::Accept => &mut self.acceptors,
        }
    }
}

impl Socket {
    /// A socket, as what its reference holds.
    pub fn magic(kind: Kind, id: [u64; 2], state: State) -> Arc<Magic> {
        let Kind { domain, kind, protocol, origin, owns_descriptor } = kind;
        let state = Mutex::new(state);
        Arc::new_cyclic(|me| {
            let me = me.clone();
            let socket = Socket { id, me, domain, kind, protocol, origin, owns_descriptor, state };
            Magic { value: Box::new(socket) }
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub fn is_stream(&self) -> bool {
        self.kind == libc::SOCK_STREAM
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.owns_descriptor {
            self.state.get_mut().fd.take().map(IntoRawFd::into_raw_fd);
        }
    }
}

/// What kind of socket one is.
#[derive(Clone, Copy)]
pub struct Kind {
    pub domain: i32,
    pub kind: i32,
    pub protocol: i32,
    pub origin: Option<i32>,
    pub owns_descriptor: bool,
}

/// What an engine keeps of all its sockets.
#[derive(Default)]
pub struct Sockets {
    /// The sockets that are told of a process's end, by their references.
    pub of_process: Mutex<HashMap<u64, HashMap<[u64; 2], Weak<Magic>>>>,
    pub global: Mutex<Global>,
}

static SOCKETS: Slot<Sockets> = Slot::new();

/// What this engine keeps of its sockets.
pub fn sockets(engine: &Engine) -> &Sockets {
    engine.state(&SOCKETS)
}
