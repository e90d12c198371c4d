//! Control operations: what each number asks for, and how its answer is written.

use super::tcp::{Answer, BAD_PORT, Failure};
use super::{Io, Protocol, State, address, interface, sys};
use crate::errno;
use purlin_term::Term;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, bind, getpeername, getsockname, ipproto, socket_with,
};
use std::os::fd::AsRawFd;

const ERROR: u8 = 0;
const OK: u8 = 1;

impl Io<'_> {
    /// Carries out an operation; the answer starts with a byte that tells success from failure.
    pub(super) fn control(&mut self, caller: Term, op: u8, data: &[u8]) -> Vec<u8> {
        let answer = match self.s.protocol {
            Protocol::Tcp => self.tcp_control(caller, op, data),
            Protocol::Udp => self.udp_control(caller, op, data),
        };
        let (first, rest) = match answer {
            Ok(bytes) => (OK, bytes),
            Err(Failure::Posix(e)) => (ERROR, errno::name(e).as_bytes().to_vec()),
            Err(Failure::Named(name)) => (ERROR, name.as_bytes().to_vec()),
        };
        [&[first], &rest[..]].concat()
    }

    fn tcp_control(&mut self, caller: Term, op: u8, data: &[u8]) -> Answer {
        match op {
            1 => self.open(data, &[(1, SocketType::STREAM)]),
            2 => {
                self.fail_operations();
                self.close_socket();
                Ok(Vec::new())
            }
            3 => self.connect(caller, data),
            13 => self.open_given(data, &[(1, SocketType::STREAM)]),
            26 => self.accept(caller, data),
            27 => self.listen(data),
            42 => self.receive_request(caller, data),
            43 => {
                if !self.s.is_connected() {
                    return Err(Errno::NOTCONN.into());
                }
                self.push_back(data);
                if self.s.is_active() {
                    self.deliver(0);
                }
                Ok(Vec::new())
            }
            44 => self.shutdown(data),
            45 => self.start_send_file(caller, data),
            _ => self.common_control(caller, op, data),
        }
    }

    fn udp_control(&mut self, caller: Term, op: u8, data: &[u8]) -> Answer {
        const KINDS: &[(u8, SocketType)] = &[(1, SocketType::STREAM), (2, SocketType::DGRAM)];
        match op {
            1 => self.open(data, KINDS),
            2 => {
                self.close_socket();
                Ok(Vec::new())
            }
            3 => self.udp_connect(caller, data),
            13 => self.open_given(data, KINDS),
            60 => self.udp_receive_request(caller, data),
            _ => self.common_control(caller, op, data),
        }
    }

    fn common_control(&mut self, caller: Term, op: u8, data: &[u8]) -> Answer {
        match op {
            4 => self.peer(),
            5 => {
                if let Some(name) = &self.s.sock_name {
                    return Ok(address::encode(name));
                }
                Ok(address::encode(&getsockname(self.s.fd()?)?))
            }
            6 => self.bind(data),
            7 => self.set_options(data),
            8 => self.get_options(data).ok_or(Errno::INVAL.into()),
            11 => self.statistics(data).ok_or(Errno::INVAL.into()),
            12 => Ok(rustix::system::uname().nodename().to_bytes().to_vec()),
            14 if self.s.is_open() => Ok((self.s.fd()?.as_raw_fd() as u32).to_be_bytes().to_vec()),
            14 => Err(Errno::INVAL.into()),
            15 => self.kind(),
            16 => Ok(self.status().to_be_bytes().to_vec()),
            17 => {
                let (name, protocol) = two_strings(data).ok_or(Errno::INVAL)?;
                let port = sys::service_by_name(name, protocol).ok_or(Errno::INVAL)?;
                Ok(port.to_be_bytes().to_vec())
            }
            18 => {
                let (port, rest) = data.split_first_chunk().ok_or(Errno::INVAL)?;
                let (protocol, _) = string(rest).ok_or(Errno::INVAL)?;
                Ok(sys::service_by_port(u16::from_be_bytes(*port), protocol).ok_or(Errno::INVAL)?)
            }
            19 => {
                self.s.sock_name = self.name_to_show(data)?;
                Ok(Vec::new())
            }
            20 => {
                self.s.peer_name = self.name_to_show(data)?;
                Ok(Vec::new())
            }
            21..=23 | 25 if !self.s.is_open() => Err(BAD_PORT),
            21 => Ok(interface::names()?),
            22 => interface::get(data),
            24 => self.subscribe(caller, data),
            25 => Ok(interface::all()?),
            29 | 30 if data.len() != 4 => Err(Errno::INVAL.into()),
            29 | 30 if !self.s.is_open() => Err(BAD_PORT),
            29 => Ok(address::encode(&getsockname(self.s.fd()?)?)),
            30 => Ok(getpeername(self.s.fd()?)?.map_or_else(|| address::NOBODY.to_vec(), |a| address::encode(&a))),
            _ => Err(BAD_PORT),
        }
    }

    fn open(&mut self, data: &[u8], kinds: &[(u8, SocketType)]) -> Answer {
        let &[family, kind] = data else { return Err(Errno::INVAL.into()) };
        let (family, kind) = family_and_kind(family, kind, kinds)?;
        if self.s.state != State::Closed {
            return Err(Failure::Named("exbadseq"));
        }
        let protocol = match (family, self.s.protocol) {
            (AddressFamily::UNIX, _) => None,
            (_, Protocol::Tcp) => Some(ipproto::TCP),
            (_, Protocol::Udp) => Some(ipproto::UDP),
        };
        let fd = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, protocol)?;
        self.opened(fd, family, kind, State::Open);
        Ok(Vec::new())
    }

    /// Takes a socket that was opened elsewhere. It is duplicated: closing the port leaves it as it is.
    fn open_given(&mut self, data: &[u8], kinds: &[(u8, SocketType)]) -> Answer {
        let (&[family, kind, a, b, c, d], bound) = match data.split_first_chunk::<6>() {
            Some((head, [])) => (head, true),
            Some((head, [b @ .., _])) if b.len() == 3 => (head, data[9] != 0),
            _ => return Err(Errno::INVAL.into()),
        };
        let (family, kind) = family_and_kind(family, kind, kinds)?;
        let fd = sys::duplicate(i32::from_be_bytes([a, b, c, d]))?;
        if bound && getsockname(&fd)?.address_family() != family {
            return Err(Errno::INVAL.into());
        }
        fcntl_setfl(&fd, OFlags::NONBLOCK)?;
        let connected = kind == SocketType::STREAM && getpeername(&fd).is_ok();
        self.opened(fd, family, kind, if connected { State::Connected } else { State::Open });
        Ok(Vec::new())
    }

    fn opened(&mut self, fd: rustix::fd::OwnedFd, family: AddressFamily, kind: SocketType, state: State) {
        self.s.fd = Some(fd);
        self.s.state = state;
        self.s.family = family;
        self.s.stream = kind == SocketType::STREAM;
        if self.s.protocol == Protocol::Udp && self.s.is_active() {
            self.select_read(true);
        }
    }

    fn bind(&mut self, data: &[u8]) -> Answer {
        if data.len() < 2 {
            return Err(Errno::INVAL.into());
        }
        if self.s.state != State::Open {
            return Err(BAD_PORT);
        }
        let local = address::decode(self.s.family, &mut &data[..])?;
        bind(self.s.fd()?, &local)?;
        let port = match address::port(&local) {
            Some(0) => address::port(&getsockname(self.s.fd()?)?),
            port => port,
        };
        Ok(port.unwrap_or(0).to_be_bytes().to_vec())
    }

    fn peer(&self) -> Answer {
        if !self.s.is_connected() {
            return Err(Errno::NOTCONN.into());
        }
        if let Some(name) = &self.s.peer_name {
            return Ok(address::encode(name));
        }
        match getpeername(self.s.fd()?)? {
            Some(a) => Ok(address::encode(&a)),
            None => Ok(vec![address::LOCAL, 0]),
        }
    }

    /// An address to show instead of the true one.
    fn name_to_show(&self, data: &[u8]) -> Result<Option<SocketAddrAny>, Failure> {
        match data {
            [] => Ok(None),
            [_] => Err(Errno::INVAL.into()),
            _ => Ok(Some(address::decode(self.s.family, &mut &data[..])?)),
        }
    }

    fn kind(&self) -> Answer {
        let family: u32 = match self.s.family {
            AddressFamily::INET => 1,
            AddressFamily::INET6 => 2,
            AddressFamily::UNIX => 5,
            _ => return Err(Errno::INVAL.into()),
        };
        let kind: u32 = if self.s.stream { 1 } else { 2 };
        Ok([family.to_be_bytes(), kind.to_be_bytes()].concat())
    }

    fn status(&self) -> u32 {
        let state = match self.s.state {
            State::Closed => 0,
            State::Open => 1,
            State::Connected => 1 | 4,
            State::Connecting => 1 | 0x10,
            State::Listening => match self.s.accepts.len() {
                0 => 1 | 8,
                1 => 1 | 8 | 0x20,
                _ => 1 | 8 | 0x20 | 0x100,
            },
        };
        state | if self.s.output.busy { 0x80 } else { 0 }
    }

    fn statistics(&self, items: &[u8]) -> Option<Vec<u8>> {
        let (received, sent) = (&self.s.received, &self.s.sent);
        let mut out = Vec::new();
        for &item in items {
            out.push(item);
            let value = match item {
                1 => received.packets,
                2 => received.largest as u32,
                3 => received.average as u32,
                4 => received.deviation.abs() as u32,
                5 => sent.packets,
                6 => sent.largest as u32,
                7 => sent.average as u32,
                8 => self.s.output.bytes as u32,
                9 | 10 => {
                    let bytes = if item == 9 { received.bytes } else { sent.bytes };
                    out.extend(bytes.to_be_bytes());
                    continue;
                }
                _ => return None,
            };
            out.extend(value.to_be_bytes());
        }
        Some(out)
    }

    /// The caller wants to know when the queue is empty; the answer is how much it holds.
    fn subscribe(&mut self, caller: Term, items: &[u8]) -> Answer {
        let mut out = Vec::new();
        for &item in items {
            if item != 1 {
                return Err(Errno::INVAL.into());
            }
            let queued = self.s.output.bytes;
            if queued > 0 {
                self.s.output.subscribers.push(caller);
            }
            out.push(item);
            out.extend((queued as u32).to_be_bytes());
        }
        Ok(out)
    }
}

fn family_and_kind(family: u8, kind: u8, kinds: &[(u8, SocketType)]) -> Result<(AddressFamily, SocketType), Failure> {
    let family = address::family(family).ok_or(Failure::Named("eafnosupport"))?;
    let kind = kinds.iter().find(|(n, _)| *n == kind).ok_or(Errno::INVAL)?.1;
    Ok((family, kind))
}

/// A string behind its length.
fn string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&n, rest) = data.split_first()?;
    rest.split_at_checked(n as usize)
}

fn two_strings(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = string(data)?;
    Some((first, string(rest)?.0))
}
