//! The messages that sockets send.

use super::{Active, Io, Protocol};
use crate::data::packet;
use crate::errno;
use crate::port::table;
use purlin_term::{Atom, Heap, Immediate, Term, am};
use purlin_vm::signal::{Signal, SignalKind};
use rustix::io::Errno;
use std::iter::once;

const OK: Term = Term::atom(Atom::OK);
const ERROR: Term = Term::atom(Atom::ERROR);

impl Io<'_> {
    pub(super) fn send_to(&self, process: Term, build: impl FnOnce(&mut Heap) -> Term) {
        self.engine.post(process, Signal::built(SignalKind::Message, build));
    }

    /// Sends to the owner.
    pub(super) fn tell(&self, build: impl FnOnce(&mut Heap) -> Term) {
        let owner = self.port.state.lock().owner;
        if let Some(owner) = owner {
            self.send_to(owner.term(), build);
        }
    }

    /// `{inet_reply, Port, Status}` to who sent last, if nobody has told yet.
    pub(super) fn reply(&mut self, status: Result<(), Term>) {
        let Some(caller) = self.s.caller.take() else { return };
        let port = self.port.term();
        self.send_to(caller.process.term(), |h| {
            let status = match status {
                Ok(()) => OK,
                Err(reason) => h.tuple(&[ERROR, reason]),
            };
            match caller.reference {
                Some(reference) => {
                    let reference = reference.copy_to(h);
                    h.tuple(&[am!("inet_reply"), port, status, reference])
                }
                None => h.tuple(&[am!("inet_reply"), port, status]),
            }
        });
    }

    /// `{inet_async, Port, Id, Result}`
    pub(super) fn answer(&self, caller: Immediate, id: u16, result: impl FnOnce(&mut Heap) -> Term) {
        let port = self.port.term();
        self.send_to(caller.term(), |h| {
            let result = result(h);
            h.tuple(&[am!("inet_async"), port, Term::small(id.into()), result])
        });
    }

    /// Answers the operation under way; false when there is none.
    pub(super) fn async_answer(&mut self, result: impl FnOnce(&mut Heap) -> Term) -> bool {
        let Some(o) = self.finish() else { return false };
        self.answer(o.caller, o.id, result);
        true
    }

    pub(super) fn async_error(&mut self, reason: Term) {
        self.async_answer(|h| h.tuple(&[ERROR, reason]));
    }

    /// `{tcp_closed, Port}`, once.
    pub(super) fn tell_closed(&mut self) {
        if !std::mem::replace(&mut self.s.closed_told, true) {
            let port = self.port.term();
            self.tell(|h| h.tuple(&[am!("tcp_closed"), port]));
        }
    }

    /// `{tcp_error, Port, Reason}` or `udp_error`.
    pub(super) fn tell_error(&mut self, error: Errno) {
        let (port, reason) = (self.port.term(), errno::atom(error));
        let tag = match self.s.protocol {
            Protocol::Tcp => am!("tcp_error"),
            Protocol::Udp => am!("udp_error"),
        };
        self.tell(|h| h.tuple(&[tag, port, reason]));
    }

    /// `{tcp_passive, Port}` or `udp_passive`.
    pub(super) fn tell_passive(&mut self) {
        let port = self.port.term();
        let tag = match self.s.protocol {
            Protocol::Tcp => am!("tcp_passive"),
            Protocol::Udp => am!("udp_passive"),
        };
        self.tell(|h| h.tuple(&[tag, port]));
    }

    /// A packet was sent to the owner: the socket may become passive.
    pub(super) fn count_active(&mut self) {
        match self.s.active {
            Active::Once => self.s.active = Active::No,
            Active::Count(1) => {
                self.s.active = Active::No;
                self.tell_passive();
            }
            Active::Count(n) => self.s.active = Active::Count(n - 1),
            Active::No | Active::Yes => {}
        }
    }

    /// Counts bytes that go to a process; the port's own count is only of what comes as messages of the port.
    pub(super) fn note_delivered(&self, bytes: usize) {
        match self.s.is_active() && self.s.settings.deliver_port {
            true => self.port.count_input(self.engine, bytes),
            false => table(self.engine).count_input(bytes),
        }
    }

    /// Counts received bytes.
    pub(super) fn count_input(&mut self, bytes: usize) {
        let c = &mut self.s.received;
        c.add(bytes);
        let off = bytes as f64 - c.average;
        c.deviation += (off - c.deviation) / f64::from(c.packets);
    }

    /// Data as a term: a list, or a binary behind a list of the first bytes when a header was asked for.
    pub(super) fn data(&self, h: &mut Heap, bytes: &[u8]) -> Term {
        self.data_as(h, bytes, self.s.settings.binary)
    }

    /// As [`Io::data`], as the port itself delivers it: binaries are up to the options it was opened with, too.
    pub(super) fn port_data(&self, h: &mut Heap, bytes: &[u8]) -> Term {
        self.data_as(h, bytes, self.s.settings.binary && self.port.options.binary)
    }

    fn data_as(&self, h: &mut Heap, bytes: &[u8], binary: bool) -> Term {
        let header = self.s.settings.header;
        if !binary || header > bytes.len() {
            return h.byte_list(bytes);
        }
        let (front, rest) = bytes.split_at(header);
        let rest = h.binary(rest);
        let front: Vec<Term> = front.iter().map(|&b| Term::small(b.into())).collect();
        h.list_with_tail(&front, rest)
    }

    /// Hands a packet on; false when nobody takes it.
    pub(super) fn deliver_packet(&mut self, packet: &[u8]) -> bool {
        let framing = self.s.framing();
        let port = self.port.term();
        let body = packet::body(framing, packet);
        self.note_delivered(body.len());
        if let (true, Some(tap)) = (self.s.settings.deliver_port, self.port.tap()) {
            tap.packets(body.to_vec(), once(0..body.len()).collect());
            return true;
        }
        if self.s.settings.deliver_port {
            self.tell(|h| {
                let data = self.port_data(h, body);
                let message = h.tuple(&[am!("data"), data]);
                h.tuple(&[port, message])
            });
            self.count_active();
            return true;
        }
        let passive = !self.s.is_active();
        let mut scratch = Heap::new(0);
        let Some(parsed) = packet::parsed(&mut scratch, framing, packet) else {
            if passive {
                let data = self.data(&mut scratch, body);
                return self.async_answer(|h| h.tuple(&[OK, data]));
            }
            self.tell(|h| {
                let data = self.data(h, body);
                h.tuple(&[am!("tcp"), port, data])
            });
            self.count_active();
            return true;
        };
        self.note_http(parsed);
        // `decode_packet/3` has an empty list in the port's place.
        let tls = match *parsed.as_tuple().unwrap_or(&[]) {
            [tag, _, kind, version, data] if tag == am!("ssl_tls") => {
                Some(scratch.tuple(&[tag, port, kind, version, data]))
            }
            _ => None,
        };
        if passive {
            return self.async_answer(|h| h.tuple(&[OK, tls.unwrap_or(parsed)]));
        }
        self.tell(|h| tls.unwrap_or_else(|| h.tuple(&[am!("http"), port, parsed])));
        self.count_active();
        true
    }

    /// After the first line of a message come headers, and after their end another first line.
    fn note_http(&mut self, parsed: Term) {
        let tag = parsed.as_tuple().and_then(|t| t.first().copied()).unwrap_or(parsed);
        if tag == am!("http_eoh") {
            self.s.http_headers = false;
        } else if tag == am!("http_request") || tag == am!("http_response") {
            self.s.http_headers = true;
        }
    }
}

impl super::Counts {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.packets = self.packets.wrapping_add(1).max(1);
        self.average += (bytes as f64 - self.average) / f64::from(self.packets);
        self.largest = self.largest.max(bytes);
    }
}
