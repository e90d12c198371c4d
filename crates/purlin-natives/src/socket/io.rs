//! A socket under its lock: whose turn it is, who is woken when, and what they are told.
//!
//! The rule that must stay true: the descriptor is watched for reading exactly while the process whose turn it is to
//! read or to accept waits for a `select` message, and for writing likewise.

use super::Failure;
use super::state::{Queue, Request, Socket, State, Turn, flag, sockets};
use crate::port::poll::{self, Interest, Ready};
use parking_lot::MutexGuard;
use purlin_term::{Heap, Immediate, Magic, Term, am};
use purlin_vm::Engine;
use purlin_vm::signal::{Signal, SignalKind};
use rustix::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

/// Of the poll table's numbers, those of sockets; the others are those of ports.
const POLL_ID: u64 = 1 << 63;

/// A socket that is worked on.
pub struct Io<'a> {
    pub engine: &'a Arc<Engine>,
    pub socket: &'a Socket,
    pub s: MutexGuard<'a, State>,
}

/// `{'$socket', Ref}`
fn term(heap: &mut Heap, id: [u64; 2], magic: Arc<Magic>) -> Term {
    let reference = heap.magic_reference(id, magic);
    heap.tuple(&[am!("$socket"), reference])
}

impl<'a> Io<'a> {
    pub fn new(engine: &'a Arc<Engine>, socket: &'a Socket) -> Io<'a> {
        Io { engine, socket, s: socket.lock() }
    }

    /// As [`Io::new`], of a socket that must be open.
    pub fn open(engine: &'a Arc<Engine>, socket: &'a Socket) -> Result<Io<'a>, Failure> {
        let io = Io::new(engine, socket);
        if io.s.open().is_some() { Ok(io) } else { Err(Failure::CLOSED) }
    }

    /// The descriptor of an open socket.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Failure> {
        self.s.open().map(AsFd::as_fd).ok_or(Failure::CLOSED)
    }

    fn watch(&mut self, now: Interest) {
        let before = std::mem::replace(&mut self.s.interest, now);
        if let (Some(fd), Some(me)) = (&self.s.fd, self.socket.me.upgrade()) {
            poll::watch(self.engine, (self.socket.id[0] | POLL_ID, &me), fd, before, now);
        }
    }

    /// Has a `select` message sent when the descriptor is ready for this.
    pub fn select(&mut self, turn: Turn) {
        let now = self.s.interest;
        if turn == Turn::Write {
            self.s.writing |= flag::SELECTED;
            self.watch(Interest { write: true, ..now });
        } else {
            self.s.reading |= flag::SELECTED;
            self.watch(Interest { read: true, ..now });
        }
    }

    /// Takes back [`Io::select`]; false: the message was sent already.
    pub fn unselect(&mut self, turn: Turn) -> bool {
        let before = self.s.interest;
        let now =
            if turn == Turn::Write { Interest { write: false, ..before } } else { Interest { read: false, ..before } };
        self.watch(now);
        now != before
    }

    /// Sends `{'$socket', Socket, Tag, Info}`.
    fn tell(&self, to: Term, tag: Term, info: impl FnOnce(&mut Heap) -> Term) {
        let Some(magic) = self.socket.me.upgrade() else { return };
        let id = self.socket.id;
        let message = Signal::built(SignalKind::Message, |h| {
            let (socket, info) = (term(h, id, magic), info(h));
            h.tuple(&[am!("$socket"), socket, tag, info])
        });
        self.engine.post(to, message);
    }

    fn tell_selected(&self, r: &Request) {
        self.tell(r.pid.term(), am!("select"), |h| r.reference.copy_to(h));
    }

    /// Tells a process that what it waits for will not come.
    pub fn abort(&self, r: &Request, reason: Term) {
        self.tell(r.pid.term(), am!("abort"), |h| {
            let reference = r.reference.copy_to(h);
            h.tuple(&[reference, reason])
        });
    }

    /// Sends `{'$socket', Tag, Socket}` to the process that keeps the list of all sockets, if it does so for this one.
    pub fn tell_registry(&self, tag: Term) {
        if let (true, Some(magic)) = (self.s.settings.registered, self.socket.me.upgrade()) {
            tell_registry(self.engine, tag, self.socket.id, magic);
        }
    }

    /// Has the process that is next in a queue wait for its `select` message.
    pub fn next(&mut self, turn: Turn) {
        let queue = self.s.queue(turn);
        queue.current = queue.waiting.pop_front();
        if queue.current.is_some() {
            self.select(turn);
        } else {
            self.unselect(turn);
            if turn == Turn::Accept {
                self.s.reading &= !flag::ACCEPTING;
            }
        }
    }

    /// The process whose turn it was is done, if there was one.
    pub fn done(&mut self, turn: Turn) {
        if self.s.queue(turn).current.is_some() {
            self.next(turn);
        }
    }

    /// After an error: who waits is told of it.
    pub fn fail(&mut self, turn: Turn, reason: Term) {
        if self.s.queue(turn).current.is_none() {
            return;
        }
        self.unselect(turn);
        let Queue { waiting, .. } = std::mem::take(self.s.queue(turn));
        waiting.iter().for_each(|r| self.abort(r, reason));
    }

    /// Whether it is this process's turn; if not it is put at the end of the queue, for which `select` is the answer.
    /// One that polls does not wait.
    pub fn admit(&mut self, turn: Turn, pid: Immediate, reference: Term, polls: bool) -> Result<bool, Failure> {
        let queue = self.s.queue(turn);
        if !queue.is_taken(pid.term()) {
            return Ok(true);
        }
        if queue.has_waiting(pid.term()) {
            return Err(Failure::Raise(am!("state")));
        }
        if polls {
            return Ok(true);
        }
        queue.waiting.push_back(Request::new(pid, reference));
        Ok(false)
    }

    /// Notes that it is this process's turn, by a reference.
    pub fn take_turn(&mut self, turn: Turn, pid: Immediate, reference: Term) {
        self.s.queue(turn).current = Some(Request::new(pid, reference));
    }

    /// As [`Io::take_turn`], and has the process told when the descriptor is ready.
    pub fn wait(&mut self, turn: Turn, pid: Immediate, reference: Term) {
        self.take_turn(turn, pid, reference);
        self.select(turn);
    }

    /// Stops all operations: who waits is told that the socket is closed.
    pub fn stop(&mut self) {
        let closed = am!("closed");
        let waited = self.s.interest;
        self.watch(Interest::default());
        for (turn, cancelled) in [(Turn::Write, waited.write), (Turn::Read, waited.read), (Turn::Accept, waited.read)] {
            let Queue { current, waiting } = std::mem::take(self.s.queue(turn));
            current.iter().filter(|_| cancelled).chain(&waiting).for_each(|r| self.abort(r, closed));
        }
        let connector = self.s.connector.take();
        connector.iter().filter(|_| waited.write).for_each(|r| self.abort(r, closed));
    }

    /// Marks the socket as closed, whose operations have been stopped. The descriptor is closed by dropping what this
    /// gives, which may take time.
    #[must_use]
    pub fn close(&mut self) -> Option<OwnedFd> {
        self.s.reading |= flag::CLOSED;
        self.s.writing |= flag::CLOSED;
        self.s.meta = None;
        self.s.file = None;
        let mut fd = self.s.fd.take();
        if !self.socket.owns_descriptor {
            fd.take().map(IntoRawFd::into_raw_fd);
        }
        let Socket { domain, kind, protocol, .. } = *self.socket;
        sockets(self.engine).global.lock().count(domain, kind, protocol, -1);
        self.tell_registry(am!("del"));
        self.forget_processes();
        fd
    }
}

/// Tells the process that keeps the list of all sockets of one.
pub fn tell_registry(engine: &Arc<Engine>, tag: Term, id: [u64; 2], magic: Arc<Magic>) {
    let Some(registry) = super::load_info(engine, "registry").filter(|t| t.is_local_pid()) else { return };
    let message = Signal::built(SignalKind::Message, |h| {
        let socket = term(h, id, magic);
        h.tuple(&[am!("$socket"), tag, socket])
    });
    engine.post(registry, message);
}

impl Ready for Magic {
    fn ready(self: Arc<Magic>, engine: &Arc<Engine>, read: bool, write: bool) {
        let Some(socket) = self.value.downcast_ref::<Socket>() else { return };
        let mut io = Io::new(engine, socket);
        let Interest { read: reads, write: writes, .. } = io.s.interest;
        if read && reads {
            io.unselect(Turn::Read);
            let waits = io.s.readers.current.iter().chain(&io.s.acceptors.current);
            waits.for_each(|r| io.tell_selected(r));
        }
        if write && writes {
            io.unselect(Turn::Write);
            let waits = io.s.writers.current.iter().chain(&io.s.connector);
            waits.for_each(|r| io.tell_selected(r));
        }
    }
}
