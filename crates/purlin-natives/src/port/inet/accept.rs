//! Accepting connections: several processes can wait for one at a listening socket, in the order they came.

use super::tcp::{Answer, number};
use super::{Inner, Interest, Io, Operation, Protocol, Socket, State, timeout, u32_at};
use crate::errno;
use crate::port::{Options, Port, poll, table};
use purlin_term::{Atom, Immediate, Term, am};
use purlin_vm::relation::Watcher;
use purlin_vm::signal::{RefId, Signal, SignalKind};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, getpeername};

impl Io<'_> {
    pub(super) fn accept(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        if self.s.state != State::Listening || data.len() != 4 {
            return Err(Errno::INVAL.into());
        }
        let limit = timeout(u32_at(data, 0).ok_or(Errno::INVAL)?);
        if self.s.accepts.is_empty() {
            match self.next_connection() {
                Ok(fd) => {
                    let id = self.next_id();
                    self.accepted(caller, id, fd);
                    return number(id);
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let id = self.next_id();
        let monitor = self.engine.next_ref();
        let watcher = Watcher { monitor, watcher: Immediate::port(self.port.id), name: None };
        self.engine.post(caller.term(), Signal::bare(SignalKind::Monitor(Box::new(watcher))));
        let limit = limit.and_then(|t| poll::limit(self.engine, self.port, t));
        self.s.accepts.push_back(Operation { id, caller, limit, monitor: Some(monitor) });
        self.select_read(true);
        number(id)
    }

    fn next_connection(&self) -> Result<OwnedFd, Errno> {
        accept_with(self.s.fd()?, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
    }

    /// Connections wait at the socket.
    pub(super) fn accept_waiting(&mut self) {
        while !self.s.accepts.is_empty() {
            match self.next_connection() {
                Err(Errno::AGAIN | Errno::INTR) => return,
                Ok(fd) => {
                    if let Some(o) = self.take_accept(0) {
                        self.accepted(o.caller, o.id, fd);
                    }
                }
                Err(e) => return self.end_accept(0, errno::atom(e)),
            }
        }
    }

    /// Makes a port of a new connection, which belongs and is linked to who accepted it.
    fn accepted(&mut self, caller: Immediate, id: u16, fd: OwnedFd) {
        let mut inner = Inner::new(Protocol::Tcp, self.s.settings.clone());
        if !table(self.engine).has_room(self.engine) {
            return self.answer(caller, id, |h| h.tuple(&[am!("error"), am!("system_limit")]));
        }
        inner.family = self.s.family;
        inner.remote = getpeername(&fd).ok().flatten();
        inner.fd = Some(fd);
        inner.state = State::Connected;
        let (id_of_port, socket) = (table(self.engine).next_id(), Box::new(Socket::new(inner)));
        let port =
            Port::open(self.engine, id_of_port, "tcp_inet".into(), Options::default(), Some(caller), socket).term();
        self.engine.post(caller.term(), Signal::bare(SignalKind::Link { from: port }));
        self.answer(caller, id, |h| h.tuple(&[Term::atom(Atom::OK), port]));
    }

    /// Takes who waits at this place out of the queue.
    fn take_accept(&mut self, at: usize) -> Option<Operation> {
        let o = self.s.accepts.remove(at)?;
        if let Some(limit) = o.limit {
            poll::cancel(self.engine, limit);
        }
        if let Some(monitor) = o.monitor {
            self.engine.post(o.caller.term(), Signal::bare(SignalKind::Demonitor { monitor }));
        }
        if self.s.accepts.is_empty() {
            self.select(Interest { read: false, ..self.s.interest });
        }
        Some(o)
    }

    /// Tells who waits at this place that there is no connection for it.
    pub(super) fn end_accept(&mut self, at: usize, reason: Term) {
        if let Some(o) = self.take_accept(at) {
            self.answer(o.caller, o.id, |h| h.tuple(&[am!("error"), reason]));
        }
    }

    /// A process that waits has ended.
    pub(super) fn acceptor_ended(&mut self, monitor: RefId) {
        if let Some(at) = self.s.accepts.iter().position(|o| o.monitor == Some(monitor)) {
            self.take_accept(at);
        }
    }
}
