//! What an open socket knows: its descriptor, who owns it, who waits for it, its settings and counters.

use crate::port::poll::Interest;
use parking_lot::{Mutex, MutexGuard};
use purlin_term::owned::Owned;
use purlin_term::{Magic, Term};
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
    pub owner: Option<Term>,
    pub closer: Option<Term>,
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
        }
    }
}

/// What a process waits for, by the reference that its message will carry.
pub struct Request {
    pub pid: Term,
    pub reference: Owned,
}

impl Request {
    pub fn new(pid: Term, reference: Term) -> Request {
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
    pub fn new(fd: OwnedFd, owner: Term, settings: Settings) -> State {
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

/// A counter of a socket.
#[derive(Clone, Copy)]
pub enum Count {
    ReadByte,
    ReadFails,
    ReadPkg,
    ReadPkgMax,
    ReadTries,
    /// Nothing counts these, as in OTP.
    #[allow(dead_code)]
    ReadWaits,
    WriteByte,
    WriteFails,
    WritePkg,
    WritePkgMax,
    WriteTries,
    WriteWaits,
    AccSuccess,
    AccFails,
    AccTries,
    AccWaits,
}

/// The counters of a socket, by [`Count`], and the sizes of the packets under way.
#[derive(Default)]
pub struct Counters {
    pub values: [u64; Counters::NAMES.len()],
    read_packet: u64,
    write_packet: u64,
}

impl Counters {
    /// Their names, in the order of [`Count`].
    pub const NAMES: [&'static str; 16] = [
        "read_byte",
        "read_fails",
        "read_pkg",
        "read_pkg_max",
        "read_tries",
        "read_waits",
        "write_byte",
        "write_fails",
        "write_pkg",
        "write_pkg_max",
        "write_tries",
        "write_waits",
        "acc_success",
        "acc_fails",
        "acc_tries",
        "acc_waits",
    ];

    pub fn add(&mut self, count: Count, n: usize) {
        let value = &mut self.values[count as usize];
        *value = value.wrapping_add(n as u64);
    }

    fn raise(&mut self, count: Count, to: u64) {
        let value = &mut self.values[count as usize];
        *value = (*value).max(to);
    }

    /// A part of a packet was read.
    pub fn read_part(&mut self, n: usize) {
        self.add(Count::ReadByte, n);
        self.read_packet += n as u64;
    }

    /// A packet was read to its end.
    pub fn read_packet(&mut self) {
        self.add(Count::ReadPkg, 1);
        let size = std::mem::take(&mut self.read_packet);
        self.raise(Count::ReadPkgMax, size);
    }

    /// A part of a packet went out.
    pub fn wrote_part(&mut self, n: usize) {
        self.write_packet += n as u64;
    }

    /// A packet went out to its end, of which these bytes were the last.
    pub fn wrote_packet(&mut self, n: usize) {
        self.add(Count::WritePkg, 1);
        self.add(Count::WriteByte, n);
        let size = std::mem::take(&mut self.write_packet) + n as u64;
        self.raise(Count::WritePkgMax, size);
    }

    pub fn forget_packet(&mut self) {
        self.write_packet = 0;
    }
}

/// Counters of sending files.
#[derive(Default)]
pub struct FileCounters {
    pub calls: u64,
    pub bytes: u64,
    pub fails: u64,
    pub max: u64,
    pub packets: u64,
    pub packet_max: u64,
    pub tries: u64,
    pub waits: u64,
    /// Bytes of the file under way.
    pub now: u64,
}

/// What an engine keeps of all its sockets.
#[derive(Default)]
pub struct Sockets {
    /// The sockets that are told of a process's end, by their references.
    pub of_process: Mutex<HashMap<u64, HashMap<[u64; 2], Weak<Magic>>>>,
    pub global: Mutex<Global>,
}

/// What `socket:info/0` tells: how many sockets of each kind there are, and what was set for new ones.
#[derive(Default)]
pub struct Global {
    pub debug: Option<bool>,
    pub socket_debug: Option<bool>,
    pub use_registry: Option<bool>,
    pub sockets: i64,
    pub datagram: i64,
    pub stream: i64,
    pub sequenced: i64,
    pub inet: i64,
    pub inet6: i64,
    pub ip: i64,
    pub tcp: i64,
    pub udp: i64,
    pub sctp: i64,
}

impl Global {
    /// Counts a socket that is opened (1) or closed (-1). Local ones count as `inet6`, as in OTP, where a socket that was
    /// opened with the default protocol is also counted under another one than when it is closed.
    pub fn count(&mut self, domain: i32, kind: i32, protocol: i32, by: i64) {
        let change = |n: &mut i64| *n = (*n + by).max(0);
        change(&mut self.sockets);
        match domain {
            libc::AF_INET => change(&mut self.inet),
            libc::AF_INET6 | libc::AF_UNIX => change(&mut self.inet6),
            _ => {}
        }
        match kind {
            libc::SOCK_STREAM => change(&mut self.stream),
            libc::SOCK_DGRAM => change(&mut self.datagram),
            libc::SOCK_SEQPACKET => change(&mut self.sequenced),
            _ => {}
        }
        match protocol {
            libc::IPPROTO_IP => change(&mut self.ip),
            libc::IPPROTO_TCP => change(&mut self.tcp),
            libc::IPPROTO_UDP => change(&mut self.udp),
            libc::IPPROTO_SCTP => change(&mut self.sctp),
            _ => {}
        }
    }
}

static SOCKETS: Slot<Sockets> = Slot::new();

/// What this engine keeps of its sockets.
pub fn sockets(engine: &Engine) -> &Sockets {
    engine.state(&SOCKETS)
}
