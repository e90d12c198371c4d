//! Control operations: what each number asks for, and how its answer is written.

use super::codes::{Op, SUBS_EMPTY_OUT_Q, Stat, Type, protocol, status};
use super::tcp::{Answer, BAD_PORT, Failure};
use super::{Io, Protocol, State, address, interface, sys};
use crate::errno;
use purlin_term::Immediate;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, bind, getpeername, getsockname, ipproto, socket_with,
};
use std::os::fd::AsRawFd;

const ERROR: u8 = 0;
const OK: u8 = 1;

impl Io<'_> {
    /// Carries out an operation; the answer starts with a byte that tells success from failure. `None`: a bad argument.
    pub(super) fn control(&mut self, caller: Immediate, op: Option<Op>, data: &[u8]) -> Option<Vec<u8>> {
        let answer = match (op, self.s.protocol) {
            (None, _) => Err(BAD_PORT),
            (Some(op), Protocol::Tcp) => self.tcp_control(caller, op, data),
            (Some(op), Protocol::Udp) => self.udp_control(caller, op, data),
        };
        let (first, rest) = match answer {
            Ok(bytes) => (OK, bytes),
            Err(Failure::Posix(e)) => (ERROR, errno::name(e).as_bytes().to_vec()),
            Err(Failure::Named(name)) => (ERROR, name.as_bytes().to_vec()),
            Err(Failure::BadArgument) => return None,
        };
        Some([&[first], &rest[..]].concat())
    }

    fn tcp_control(&mut self, caller: Immediate, op: Op, data: &[u8]) -> Answer {
        const TYPES: &[Type] = &[Type::Stream];
        match op {
            Op::Open => self.open(data, TYPES),
            Op::Close => {
                self.fail_operations();
                self.close_socket();
                Ok(Vec::new())
            }
            Op::Connect => self.connect(caller, data),
            Op::FdOpen => self.open_given(data, TYPES),
            Op::Accept => self.accept(caller, data),
            Op::Listen => self.listen(data),
            Op::Recv => self.receive_request(caller, data),
            Op::Unrecv => {
                if !self.s.is_connected() {
                    return Err(Errno::NOTCONN.into());
                }
                self.push_back(data);
                if self.s.is_active() {
                    self.deliver(0);
                }
                Ok(Vec::new())
            }
            Op::Shutdown => self.shutdown(data),
            Op::SendFile => self.start_send_file(caller, data),
            _ => self.common_control(caller, op, data),
        }
    }

    fn udp_control(&mut self, caller: Immediate, op: Op, data: &[u8]) -> Answer {
        const TYPES: &[Type] = &[Type::Stream, Type::Dgram];
        match op {
            Op::Open => self.open(data, TYPES),
            Op::Close => {
                self.close_socket();
                Ok(Vec::new())
            }
            Op::Connect => self.udp_connect(caller, data),
            Op::FdOpen => self.open_given(data, TYPES),
            Op::PacketRecv => self.udp_receive_request(caller, data),
            _ => self.common_control(caller, op, data),
        }
    }

    fn common_control(&mut self, caller: Immediate, op: Op, data: &[u8]) -> Answer {
        match op {
            Op::Peer => self.peer(),
            Op::Name => {
                if let Some(name) = &self.s.sock_name {
                    return Ok(address::encode(name));
                }
                Ok(address::encode(&getsockname(self.s.fd()?)?))
            }
            Op::Bind => self.bind(data),
            Op::SetOpts => self.set_options(data),
            Op::GetOpts => self.get_options(data).ok_or(Errno::INVAL.into()),
            Op::GetStat => self.statistics(data).ok_or(Failure::BadArgument),
            Op::GetHostName => Ok(rustix::system::uname().nodename().to_bytes().to_vec()),
            Op::GetFd if self.s.is_open() => Ok((self.s.fd()?.as_raw_fd() as u32).to_be_bytes().to_vec()),
            Op::GetFd => Err(Errno::INVAL.into()),
            Op::GetType => self.kind(),
            Op::GetStatus => Ok(self.status().to_be_bytes().to_vec()),
            Op::GetServByName => {
                let (name, protocol) = two_strings(data).ok_or(Errno::INVAL)?;
                let port = sys::service_by_name(name, protocol).ok_or(Errno::INVAL)?;
                Ok(port.to_be_bytes().to_vec())
            }
            Op::GetServByPort => {
                let (port, rest) = data.split_first_chunk().ok_or(Errno::INVAL)?;
                let (protocol, _) = string(rest).ok_or(Errno::INVAL)?;
                Ok(sys::service_by_port(u16::from_be_bytes(*port), protocol).ok_or(Errno::INVAL)?)
            }
            Op::SetName => {
                self.s.sock_name = self.name_to_show(data)?;
                Ok(Vec::new())
            }
            Op::SetPeer => {
                self.s.peer_name = self.name_to_show(data)?;
                Ok(Vec::new())
            }
            Op::Subscribe => self.subscribe(caller, data),
            Op::GetIfList | Op::IfGet | Op::GetIfAddrs if !self.s.is_open() => Err(BAD_PORT),
            Op::GetIfList => Ok(interface::names()?),
            Op::IfGet => interface::get(data),
            Op::GetIfAddrs => Ok(interface::all()?),
            Op::IgnoreFd => self.ignore(data),
            Op::GetLAddrs | Op::GetPAddrs if data.len() != 4 => Err(Errno::INVAL.into()),
            Op::GetLAddrs | Op::GetPAddrs if !self.s.is_open() => Err(BAD_PORT),
            Op::GetLAddrs => Ok(address::encode(&getsockname(self.s.fd()?)?)),
            Op::GetPAddrs => {
                let peer = getpeername(self.s.fd()?)?;
                Ok(peer.map_or_else(|| address::NOBODY.to_vec(), |a| address::encode(&a)))
            }
            // Setting an interface's address is not for this system, and the others are not for this protocol.
            _ => Err(BAD_PORT),
        }
    }

    fn open(&mut self, data: &[u8], types: &[Type]) -> Answer {
        let (family, kind, protocol) = match *data {
            [family, kind] => (family, kind, protocol::DEFAULT),
            [family, kind, protocol] => (family, kind, protocol),
            _ => return Err(Errno::INVAL.into()),
        };
        let (family, kind) = family_and_kind(family, kind, types)?;
        if self.s.state != State::Closed {
            return Err(Failure::Named("exbadseq"));
        }
        let protocol = match (family, protocol, self.s.protocol) {
            (AddressFamily::UNIX, ..) => None,
            (_, protocol::DEFAULT, Protocol::Tcp) | (_, protocol::TCP, _) => Some(ipproto::TCP),
            (_, protocol::DEFAULT, Protocol::Udp) | (_, protocol::UDP, _) => Some(ipproto::UDP),
            (_, protocol::SCTP, _) => Some(ipproto::SCTP),
            (_, protocol::MPTCP, _) => Some(ipproto::MPTCP),
            _ => return Err(Errno::INVAL.into()),
        };
        let fd = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, protocol)?;
        self.opened(fd, family, kind, State::Open);
        Ok(Vec::new())
    }

    /// Takes a socket that was opened elsewhere. It is duplicated: closing the port leaves it as it is.
    fn open_given(&mut self, data: &[u8], types: &[Type]) -> Answer {
        let (&[family, kind, a, b, c, d], bound) = match data.split_first_chunk::<6>() {
            Some((head, [])) => (head, true),
            Some((head, [b @ .., _])) if b.len() == 3 => (head, data[9] != 0),
            _ => return Err(Errno::INVAL.into()),
        };
        let (family, kind) = family_and_kind(family, kind, types)?;
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
        let family = match self.s.family {
            AddressFamily::INET => address::INET,
            AddressFamily::INET6 => address::INET6,
            AddressFamily::UNIX => address::LOCAL,
            _ => return Err(Errno::INVAL.into()),
        };
        let kind = if self.s.stream { Type::Stream } else { Type::Dgram };
        Ok([u32::from(family).to_be_bytes(), (kind as u32).to_be_bytes()].concat())
    }

    fn status(&self) -> u32 {
        let state = match self.s.state {
            State::Closed => 0,
            State::Open => status::OPEN,
            State::Connected => status::OPEN | status::ACTIVE,
            State::Connecting => status::OPEN | status::CON,
            State::Listening => match self.s.accepts.len() {
                0 => status::OPEN | status::LISTEN,
                1 => status::OPEN | status::LISTEN | status::ACC,
                _ => status::OPEN | status::LISTEN | status::ACC | status::MULTI,
            },
        };
        state | if self.s.output.busy { status::BUSY } else { 0 }
    }

    /// Leaves the descriptor of a connection to somebody else (1), or takes it up again (0).
    fn ignore(&mut self, data: &[u8]) -> Answer {
        if !self.s.is_connected() {
            return Err(Errno::NOTCONN.into());
        }
        let on = match data {
            [1, ..] if self.s.stream && !self.s.ignored => true,
            [0, ..] if self.s.stream && self.s.ignored => false,
            _ => return Err(Errno::INVAL.into()),
        };
        self.set_ignored(on);
        Ok(Vec::new())
    }

    fn statistics(&self, items: &[u8]) -> Option<Vec<u8>> {
        let (received, sent) = (&self.s.received, &self.s.sent);
        let mut out = Vec::new();
        for &item in items {
            out.push(item);
            let value = match Stat::of(item)? {
                Stat::RecvCnt => received.packets,
                Stat::RecvMax => received.largest as u32,
                Stat::RecvAvg => received.average as u32,
                Stat::RecvDvi => received.deviation.abs() as u32,
                Stat::SendCnt => sent.packets,
                Stat::SendMax => sent.largest as u32,
                Stat::SendAvg => sent.average as u32,
                Stat::SendPend => self.s.output.bytes as u32,
                Stat::RecvOct => {
                    out.extend(received.bytes.to_be_bytes());
                    continue;
                }
                Stat::SendOct => {
                    out.extend(sent.bytes.to_be_bytes());
                    continue;
                }
            };
            out.extend(value.to_be_bytes());
        }
        Some(out)
    }

    /// The caller wants to know when the queue is empty; the answer is how much it holds.
    fn subscribe(&mut self, caller: Immediate, items: &[u8]) -> Answer {
        let mut out = Vec::new();
        for &item in items {
            if item != SUBS_EMPTY_OUT_Q {
                return Err(Failure::BadArgument);
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

fn family_and_kind(family: u8, kind: u8, types: &[Type]) -> Result<(AddressFamily, SocketType), Failure> {
    let family = address::family(family).ok_or(Failure::Named("eafnosupport"))?;
    let kind = match Type::of(kind).filter(|kind| types.contains(kind)).ok_or(Errno::INVAL)? {
        Type::Stream => SocketType::STREAM,
        Type::Dgram => SocketType::DGRAM,
    };
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
