//! What comes in on a connection: reading, cutting into packets, and the end of the connection.
//!
//! No more is read than the packet under way needs, and memory is taken as bytes come, not as a length promises.

use super::{Active, Io};
use crate::data::packet::{self, Extent, Framing, extent};
use crate::errno;
use crate::port::Tap;
use purlin_term::{Atom, Immediate, Term, am};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::cell::RefCell;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// Bytes that are read at once from another node: many packets, or some of a long message, which is copied while the
/// processor still has it in its cache.
const NODE_CHUNK: usize = 1 << 17;
/// Bytes that are read for one socket before others get their turn.
const TURN: usize = 1 << 20;

thread_local! {
    static CHUNK_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// What the bytes that are there make up.
enum Have {
    /// A packet of so many bytes.
    Packet(usize),
    /// A part of one; so many bytes are missing.
    Part(usize),
    /// Something; so many bytes can be read to find out.
    Unknown(usize),
    /// No packet, or one that is too large.
    Bad,
}

impl Io<'_> {
    fn have(&self) -> Have {
        let have = self.s.input.rest();
        let room = self.room();
        match extent(self.s.framing(), have, self.s.limits()) {
            Extent::Bytes(n) if n > 0 && n <= have.len() => Have::Packet(n),
            Extent::Bytes(n) if n > 0 && self.tap().is_some() => Have::Unknown(room),
            Extent::Bytes(n) if n > 0 => Have::Part(n - have.len()),
            Extent::Bytes(_) | Extent::Unknown => match self.s.settings.packet_size as usize {
                _ if have.len() < room => Have::Unknown(room - have.len()),
                limit if limit > have.len() => Have::Unknown(limit - have.len()),
                _ => Have::Bad,
            },
            Extent::Invalid => Have::Bad,
        }
    }

    /// Bytes that may be read before it is known how many are needed.
    fn room(&self) -> usize {
        if self.tap().is_some() { NODE_CHUNK } else { self.s.settings.buffer }
    }

    /// Who gets the packets in the place of the owner: those have lengths, and what is read need not end with one.
    fn tap(&self) -> Option<&dyn Tap> {
        let tapped = self.s.settings.deliver_port && matches!(self.s.framing(), Framing::Length(_));
        self.port.tap().filter(|_| tapped)
    }

    /// Reads what there is to read, and delivers a packet that is complete. `request` is how many bytes were asked
    /// for, 0 for a packet. False: the connection has ended.
    pub(super) fn receive(&mut self, request: usize) -> bool {
        let mut turn = TURN;
        if request > 0 {
            let have = self.s.input.rest().len();
            if have >= request {
                self.deliver(request);
                return true;
            }
            self.s.missing = request - have;
        }
        loop {
            let have = self.s.input.rest().len();
            let need = if self.s.missing > 0 {
                self.s.missing
            } else if have == 0 {
                self.room()
            } else {
                match self.have() {
                    Have::Packet(n) => {
                        self.deliver(n);
                        return true;
                    }
                    Have::Part(n) => {
                        self.s.missing = n;
                        n
                    }
                    Have::Unknown(n) => n,
                    Have::Bad => return self.receive_failed(Errno::MSGSIZE),
                }
            };
            let n = match self.read(need) {
                Ok(0) => return self.connection_closed(),
                Ok(n) => n,
                Err(Errno::AGAIN | Errno::INTR) => return true,
                Err(Errno::CONNRESET) if !self.s.settings.show_econnreset => return self.connection_closed(),
                Err(e) => return self.receive_failed(e),
            };
            let have = have + n;
            if self.s.missing > 0 {
                self.s.missing -= n;
                if self.s.missing == 0 {
                    self.deliver(have);
                    return true;
                }
                turn = turn.saturating_sub(n);
                if turn == 0 {
                    return true;
                }
                continue;
            }
            match self.have() {
                Have::Packet(n) => {
                    self.deliver(n);
                }
                Have::Part(n) => self.s.missing = n,
                Have::Unknown(_) => {}
                Have::Bad => return self.receive_failed(Errno::MSGSIZE),
            }
            return true;
        }
    }

    fn read(&mut self, need: usize) -> Result<usize, Errno> {
        if self.tap().is_some() {
            let mut input = std::mem::take(&mut self.s.input);
            let read = self.s.fd().and_then(|fd| recv(fd, spare_capacity(input.end(need)), RecvFlags::empty()));
            self.s.input = input;
            return read.map(|(n, _)| n);
        }
        CHUNK_BUFFER.with_borrow_mut(|chunk| {
            let part = &mut chunk[..need.min(CHUNK)];
            let fd = self.s.fd()?;
            let (n, _) = recv(fd, &mut *part, RecvFlags::empty())?;
            self.s.input.append(&part[..n]);
            Ok(n)
        })
    }

    /// Delivers the first `len` bytes, and on an active socket all further packets that are there; 0: what is there.
    pub(super) fn deliver(&mut self, mut len: usize) {
        if len == 0 {
            if self.s.input.rest().is_empty() || self.s.missing > 0 {
                return;
            }
            match self.have() {
                Have::Packet(n) => len = n,
                Have::Part(n) => return self.s.missing = n,
                Have::Unknown(_) | Have::Bad => return,
            }
        }
        if self.tap().is_some() {
            return self.deliver_to_tap();
        }
        loop {
            self.count_input(len);
            let mut input = std::mem::take(&mut self.s.input);
            let taken = self.deliver_packet(&input.rest()[..len]);
            if taken {
                input.skip(len);
            }
            self.s.input = input;
            if !taken {
                return;
            }
            self.s.missing = 0;
            if self.s.active == Active::No {
                return self.select_read(false);
            }
            if self.s.input.rest().is_empty() {
                return;
            }
            match self.have() {
                Have::Packet(n) => len = n,
                Have::Part(n) => return self.s.missing = n,
                Have::Unknown(_) | Have::Bad => return,
            }
        }
    }

    /// Gives all packets that are there to who has tapped the port.
    fn deliver_to_tap(&mut self) {
        let mut input = std::mem::take(&mut self.s.input);
        let (framing, mut places, mut end) = (self.s.framing(), Vec::new(), 0);
        while let Extent::Bytes(n) = extent(framing, &input.rest()[end..], self.s.limits())
            && n > 0
            && let Some(packet) = input.rest().get(end..end + n)
        {
            let body = packet::body(framing, packet).len();
            self.count_input(n);
            self.note_delivered(body);
            places.push(end + n - body..end + n);
            end += n;
        }
        self.s.missing = 0;
        let (bytes, start) = input.take(end);
        self.s.input = input;
        for place in &mut places {
            *place = place.start + start..place.end + start;
        }
        if let Some(tap) = self.tap() {
            tap.packets(bytes, places);
        }
    }

    /// Puts bytes in front of what was received.
    pub(super) fn push_back(&mut self, bytes: &[u8]) {
        self.s.input.prepend(bytes);
        self.s.missing = 0;
    }

    pub(super) fn clear_input(&mut self) {
        self.s.input = Default::default();
        self.s.missing = 0;
    }

    /// The other side has closed the connection.
    fn connection_closed(&mut self) -> bool {
        let told = self.fail_senders(Errno::NOTCONN);
        self.s.ended.tell_sender |= !told;
        self.clear_input();
        if !self.s.is_active() {
            self.stop_reading_or_close();
            self.async_error(am!("closed"));
        } else {
            self.tell_closed();
            self.exit_or_stop_reading(Term::atom(Atom::NORMAL));
        }
        false
    }

    /// Reading has failed.
    fn receive_failed(&mut self, error: Errno) -> bool {
        self.fail_senders(error);
        self.clear_input();
        if !self.s.is_active() {
            self.stop_reading_or_close();
            self.async_error(errno::atom(error));
        } else {
            self.tell_error(error);
            self.tell_closed();
            self.exit_or_stop_reading(errno::atom(error));
        }
        false
    }

    /// Tells who waits for the end of sending that the connection is gone; whether there was somebody.
    fn fail_senders(&mut self, error: Errno) -> bool {
        let mut told = false;
        if self.s.output.busy {
            self.s.caller = self.s.output.busy_caller.take();
            self.clear_output();
            self.resume();
            self.reply(Err(am!("closed")));
            told = true;
        }
        if self.s.output.sendfile.is_some() {
            self.sendfile_aborted(error);
            told = true;
        }
        told
    }

    fn stop_reading_or_close(&mut self) {
        if self.s.settings.exit_on_close {
            self.close_socket();
        } else {
            self.select_read(false);
        }
    }

    fn exit_or_stop_reading(&mut self, reason: Term) {
        if self.s.settings.exit_on_close {
            self.exit = Some(reason);
        } else {
            self.select_read(false);
        }
    }

    /// A passive socket is asked for `request` bytes or a packet, within a time.
    pub(super) fn start_receive(
        &mut self,
        caller: Immediate,
        request: usize,
        timeout: Option<std::time::Duration>,
    ) -> Result<u16, Errno> {
        if self.s.framing() != Framing::Raw && request != 0 {
            return Err(Errno::INVAL);
        }
        let id = self.begin(caller).ok_or(Errno::ALREADY)?;
        self.receive(request);
        if self.s.operation.is_some() {
            if timeout.is_some_and(|t| t.is_zero()) {
                self.s.missing = 0;
                self.async_error(am!("timeout"));
            } else {
                self.limit(timeout);
                self.select_read(true);
            }
        }
        Ok(id)
    }
}
