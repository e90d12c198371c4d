//! Packets without a connection.

use super::codes::Opt;
use super::options::{control_kind, control_option};
use super::tcp::{Answer, BAD_PORT, number};
use super::{Caller, Io, State, address, sys, timeout, u32_at};
use crate::errno;
use purlin_term::{Atom, Heap, Immediate, Term, am};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, connect, connect_unspec, recv, recvfrom, send, sendto};
use std::cell::RefCell;

/// The most that is read for one packet.
const LARGEST: usize = 1 << 16;

thread_local! {
    static PACKET: RefCell<Vec<u8>> = RefCell::new(vec![0; LARGEST]);
}

/// A packet that came: the sender's address as the Erlang side writes it, the size, and control data if asked for.
struct Received {
    from: Vec<u8>,
    size: usize,
    control: Option<Vec<sys::Control>>,
}

impl Io<'_> {
    /// Sets the address that packets go to and come from; nothing: there is none any more.
    pub(super) fn udp_connect(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        if !self.s.is_open() {
            return Err(BAD_PORT);
        }
        if data.is_empty() {
            let _ = connect_unspec(self.s.fd()?);
            self.s.state = State::Open;
        } else {
            if data.len() < 6 {
                return Err(Errno::INVAL.into());
            }
            let remote = address::decode(self.s.family, &mut &data[4..])?;
            if self.s.is_connected() {
                let _ = connect_unspec(self.s.fd()?);
            }
            if let Err(e) = connect(self.s.fd()?, &remote) {
                let _ = connect_unspec(self.s.fd()?);
                self.s.state = State::Open;
                return Err(e.into());
            }
            self.s.remote = Some(remote);
            self.s.state = State::Connected;
        }
        let id = self.next_id();
        self.answer(caller, id, |_| Term::atom(Atom::OK));
        number(id)
    }

    pub(super) fn udp_receive_request(&mut self, caller: Immediate, data: &[u8]) -> Answer {
        if !self.s.is_open() {
            return Err(BAD_PORT);
        }
        if self.s.is_active() || data.len() != 8 {
            return Err(Errno::INVAL.into());
        }
        let limit = timeout(u32_at(data, 0).ok_or(Errno::INVAL)?);
        let id = self.begin(caller).ok_or(Errno::ALREADY)?;
        self.udp_input();
        if self.s.operation.is_some() {
            self.limit(limit);
        }
        number(id)
    }

    /// Packets may be there.
    pub(super) fn udp_input(&mut self) {
        for _ in 0..self.s.read_packets {
            let outcome = PACKET.with_borrow_mut(|buffer| {
                let buffer = &mut buffer[..self.s.settings.buffer.clamp(1, LARGEST)];
                let received = self.udp_read(buffer)?;
                self.count_input(received.size);
                self.udp_deliver(&received, &buffer[..received.size]);
                Ok(())
            });
            match outcome {
                Ok(()) if !self.s.is_active() => return self.select_read(false),
                Ok(()) => {}
                Err(Errno::AGAIN | Errno::INTR) if self.s.is_active() => return,
                Err(Errno::AGAIN | Errno::INTR) => return self.select_read(true),
                Err(e) if self.s.is_active() => return self.tell_error(e),
                Err(e) => {
                    self.async_error(errno::atom(e));
                    return self.select_read(false);
                }
            }
        }
    }

    fn udp_read(&self, buffer: &mut [u8]) -> Result<Received, Errno> {
        let fd = self.s.fd()?;
        let encoded = |a: Option<&_>| a.map_or_else(|| address::NOBODY.to_vec(), address::encode);
        if self.s.control_data.contains(&true) {
            let mut name = Vec::new();
            let (size, control) = sys::receive(fd, buffer, &mut name)?;
            let from = match self.s.is_connected() {
                true => encoded(self.s.remote.as_ref()),
                false => address::encode_raw(&name),
            };
            return Ok(Received { from, size, control: Some(control) });
        }
        if self.s.is_connected() {
            let (size, _) = recv(fd, buffer, RecvFlags::empty())?;
            return Ok(Received { from: encoded(self.s.remote.as_ref()), size, control: None });
        }
        let (size, _, from) = recvfrom(fd, buffer, RecvFlags::empty())?;
        Ok(Received { from: encoded(from.as_ref()), size, control: None })
    }

    fn udp_deliver(&mut self, received: &Received, data: &[u8]) {
        let port = self.port.term();
        let from = &received.from;
        let told = if self.s.is_active() && !self.s.settings.deliver_port { 0 } else { from.len() };
        self.note_delivered(told + data.len());
        if !self.s.is_active() {
            // The address comes in front of the data, as a list.
            let answer = |h: &mut Heap| {
                let data = self.data(h, data);
                let bytes: Vec<Term> = from.iter().map(|&b| Term::small(b.into())).collect();
                let packet = h.list_with_tail(&bytes, data);
                let value = match &received.control {
                    Some(items) => {
                        let control = control_list(h, items);
                        h.tuple(&[packet, control])
                    }
                    None => packet,
                };
                h.tuple(&[am!("ok"), value])
            };
            let mut scratch = Heap::new(0);
            let answer = answer(&mut scratch);
            self.async_answer(|_| answer);
            return;
        }
        self.tell(|h| {
            if self.s.settings.deliver_port {
                let all = [&from[..], data].concat();
                let data = self.port_data(h, &all);
                let message = h.tuple(&[am!("data"), data]);
                return h.tuple(&[port, message]);
            }
            let (ip, number) = address_terms(h, from);
            let mut elements = vec![am!("udp"), port, ip, number];
            if let Some(items) = &received.control {
                elements.push(control_list(h, items));
            }
            elements.push(self.data(h, data));
            h.tuple(&elements)
        });
        self.count_active();
    }

    /// Sends a packet: an address, control data behind its size, the data.
    pub(super) fn udp_command(&mut self, caller: Caller, command: &[u8]) {
        self.s.caller = Some(caller);
        let status = self.udp_send(command);
        self.reply(status);
    }

    fn udp_send(&mut self, command: &[u8]) -> Result<(), Term> {
        let error = |e: Errno| errno::atom(e);
        if !self.s.is_open() {
            return Err(error(Errno::INVAL));
        }
        let mut rest = command;
        let to = address::decode(self.s.family, &mut rest).map_err(|name| Term::atom(Atom::new(name)))?;
        let size = u32_at(rest, 0).ok_or_else(|| error(Errno::INVAL))? as usize;
        let (control, data) = rest[4..].split_at_checked(size).ok_or_else(|| error(Errno::INVAL))?;
        let control = control_items(control).ok_or_else(|| error(Errno::INVAL))?;
        self.s.sent.add(data.len());
        let fd = self.s.fd().map_err(error)?;
        let connected = self.s.is_connected();
        let sent = if !control.is_empty() {
            sys::send(fd, data, (!connected).then_some(&to), &control)
        } else if connected {
            send(fd, data, SendFlags::NOSIGNAL)
        } else {
            sendto(fd, data, SendFlags::NOSIGNAL, &to)
        };
        sent.map(drop).map_err(error)
    }
}

/// Control data to send: the number of an option and its value, each.
fn control_items(mut data: &[u8]) -> Option<Vec<sys::Control>> {
    let mut items = Vec::new();
    while let Some((option, rest)) = data.split_first() {
        let value = u32_at(rest, 0)? as i32;
        let (level, kind) = control_kind(*option)?;
        items.push((level, kind, value));
        data = &rest[4..];
    }
    Some(items)
}

/// `[{tos, 4}, ...]`
fn control_list(h: &mut Heap, items: &[sys::Control]) -> Term {
    let known = items.iter().filter_map(|&(level, kind, value)| {
        let name = match control_option(level, kind)? {
            Opt::Tos => am!("tos"),
            Opt::TClass => am!("tclass"),
            Opt::Ttl => am!("ttl"),
            _ => return None,
        };
        Some(h.tuple(&[name, Term::small(value.into())]))
    });
    let known: Vec<Term> = known.collect();
    h.list(&known)
}

/// Address and port of a packet's sender; for a local one `{local, Path}` and 0.
fn address_terms(h: &mut Heap, from: &[u8]) -> (Term, Term) {
    let number = |b: &[u8]| Term::small(u16::from_be_bytes([b[0], b[1]]).into());
    match from {
        [address::INET, p1, p0, ip @ ..] if ip.len() == 4 => {
            let ip: Vec<Term> = ip.iter().map(|&b| Term::small(b.into())).collect();
            (h.tuple(&ip), number(&[*p1, *p0]))
        }
        [address::INET6, p1, p0, ip @ ..] if ip.len() == 16 => {
            let ip: Vec<Term> = ip.chunks(2).map(number).collect();
            (h.tuple(&ip), number(&[*p1, *p0]))
        }
        [address::LOCAL, _, path @ ..] => {
            let path = h.binary(path);
            (h.tuple(&[am!("local"), path]), Term::small(0))
        }
        _ => {
            let nothing = h.binary(&[]);
            let family = if from == address::NOBODY { am!("unspec") } else { am!("undefined") };
            (h.tuple(&[family, nothing]), Term::small(0))
        }
    }
}
