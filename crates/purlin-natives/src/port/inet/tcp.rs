//! Connections: listening, connecting and what control operations on them do.

use super::{Io, State, address, timeout, u32_at};
use crate::errno;
use purlin_term::{Atom, Immediate, Term};
use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{Shutdown, connect, listen, shutdown};

/// The most that can be asked for at once.
const LARGEST_REQUEST: usize = 1 << 26;

/// What a control operation gives: bytes, or an error.
pub type Answer = Result<Vec<u8>, Failure>;

/// Why a control operation failed.
pub enum Failure {
    Posix(Errno),
    /// An error that the operating system has no number for.
    Named(&'static str),
    /// The call raises `badarg`.
    BadArgument,
}

impl From<Errno> for Failure {
    fn from(e: Errno) -> Failure {
        Failure::Posix(e)
    }
}

impl From<&'static str> for Failure {
    fn from(name: &'static str) -> Failure {
        Failure::Named(name)
    }
}

pub const BAD_PORT: Failure = Failure::Named("exbadport");
const INVALID: Failure = Failure::Posix(Errno::INVAL);

/// The answer that carries an operation's number.
pub fn number(id: u16) -> Answer {
    Ok(id.to_be_bytes().to_vec())
}

impl Io<'_> {
    pub(super) fn listen(&mut self, data: &[u8]) -> Answer {
        if !self.s.is_open() {
            return Err(BAD_PORT);
        }
        let &[high, low] = data else { return Err(INVALID) };
        listen(self.s.fd()?, i32::from(i16::from_be_bytes([high, low])))?;
        self.s.state = State::Listening;
        Ok(Vec::new())
    }

    pub(super) fn connect(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        match self.s.state {
            State::Closed => return Err(BAD_PORT),
            State::Connected => return Err(Errno::ISCONN.into()),
            State::Connecting => return Err(INVALID),
            State::Open | State::Listening => {}
        }
        let limit = timeout(u32_at(data, 0).ok_or(INVALID)?);
        let remote = address::decode(self.s.family, &mut &data[4..])?;
        let connected = match connect(self.s.fd()?, &remote) {
            Ok(()) => true,
            Err(Errno::AGAIN | Errno::INPROGRESS) => false,
            Err(e) => return Err(e.into()),
        };
        self.s.remote = Some(remote);
        let id = self.begin(caller).ok_or(Errno::ALREADY)?;
        if connected {
            self.connected();
        } else {
            self.s.state = State::Connecting;
            self.limit(limit);
            self.select_write(true);
        }
        number(id)
    }

    fn connected(&mut self) {
        self.s.state = State::Connected;
        if self.s.is_active() {
            self.select_read(true);
        }
        self.async_answer(|_| Term::atom(Atom::OK));
    }

    /// The attempt to connect has come to an end.
    pub(super) fn connect_finished(&mut self) {
        self.select_write(false);
        let result = match self.s.fd() {
            Ok(fd) => socket_error(fd).and_then(|r| r),
            Err(e) => Err(e),
        };
        match result {
            Ok(()) => self.connected(),
            Err(e) => {
                self.s.state = State::Open;
                self.async_error(errno::atom(e));
            }
        }
    }

    pub(super) fn tcp_input(&mut self) {
        match self.s.state {
            State::Listening => self.accept_waiting(),
            State::Connected if self.s.is_active() || self.s.operation.is_some() => {
                self.receive(0);
            }
            _ => self.select_read(false),
        }
    }

    pub(super) fn receive_request(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        if !self.s.is_connected() {
            if !std::mem::take(&mut self.s.ended.tell_receiver) {
                return Err(Errno::NOTCONN.into());
            }
            self.s.ended.tell_sender = false;
            let reset = std::mem::take(&mut self.s.ended.reset);
            return Err(if reset { Errno::CONNRESET.into() } else { Failure::Named("closed") });
        }
        if self.s.is_active() || data.len() != 8 {
            return Err(INVALID);
        }
        let limit = timeout(u32_at(data, 0).ok_or(INVALID)?);
        let request = u32_at(data, 4).ok_or(INVALID)? as usize;
        if request > LARGEST_REQUEST {
            return Err(Errno::NOMEM.into());
        }
        number(self.start_receive(caller, request, limit)?)
    }

    pub(super) fn shutdown(&mut self, data: &[u8]) -> Answer {
        if !self.s.is_connected() {
            return Err(Errno::NOTCONN.into());
        }
        let how = match *data {
            [0] => Shutdown::Read,
            [1] => Shutdown::Write,
            [2] => Shutdown::Both,
            _ => return Err(INVALID),
        };
        if how != Shutdown::Read && self.s.output.bytes > 0 {
            self.s.output.shutdown = Some(how);
            return Ok(Vec::new());
        }
        let done = shutdown(self.s.fd()?, how);
        if done.is_err() && how != Shutdown::Read {
            self.s.output.was_shut_down = true;
        }
        done?;
        Ok(Vec::new())
    }
}
