//! Socket options, each by the number that `prim_inet` gives it: some are the driver's own, the others the operating
//! system's.
//!
//! A failure of the operating system is told only for the options that say so here: others are wishes.

use super::codes::{ActiveMode, Opt};
use super::tcp::Answer;
use super::{Active, Io, Protocol, State, address, sys, u32_at};
use rustix::io::Errno;
use rustix::net::AddressFamily;
use std::time::Duration;

/// Answers to a question for options are no longer than this.
const LARGEST: usize = 8192;

/// What an option does at the operating system.
#[derive(Clone, Copy)]
struct System {
    level: i32,
    name: i32,
    /// A failure is told.
    strict: bool,
}

const fn wish(level: i32, name: i32) -> System {
    System { level, name, strict: false }
}

const fn strict(level: i32, name: i32) -> System {
    System { level, name, strict: true }
}

/// Options of one number that are the operating system's.
fn system(option: Opt) -> Option<System> {
    use libc::*;
    Some(match option {
        Opt::ReuseAddr => wish(SOL_SOCKET, SO_REUSEADDR),
        Opt::KeepAlive => wish(SOL_SOCKET, SO_KEEPALIVE),
        Opt::DontRoute => wish(SOL_SOCKET, SO_DONTROUTE),
        Opt::Broadcast => wish(SOL_SOCKET, SO_BROADCAST),
        Opt::OobInline => wish(SOL_SOCKET, SO_OOBINLINE),
        Opt::SndBuf => wish(SOL_SOCKET, SO_SNDBUF),
        Opt::RcvBuf => wish(SOL_SOCKET, SO_RCVBUF),
        Opt::Priority => strict(SOL_SOCKET, SO_PRIORITY),
        Opt::Tos => strict(IPPROTO_IP, IP_TOS),
        Opt::NoDelay => wish(IPPROTO_TCP, TCP_NODELAY),
        Opt::MulticastTtl => wish(IPPROTO_IP, IP_MULTICAST_TTL),
        Opt::MulticastLoop => wish(IPPROTO_IP, IP_MULTICAST_LOOP),
        Opt::Ipv6V6Only => strict(IPPROTO_IPV6, IPV6_V6ONLY),
        Opt::TClass => strict(IPPROTO_IPV6, IPV6_TCLASS),
        Opt::RecvTos => strict(IPPROTO_IP, IP_RECVTOS),
        Opt::RecvTClass => strict(IPPROTO_IPV6, IPV6_RECVTCLASS),
        Opt::Ttl => strict(IPPROTO_IP, IP_TTL),
        Opt::RecvTtl => strict(IPPROTO_IP, IP_RECVTTL),
        Opt::NoPush => wish(IPPROTO_TCP, TCP_CORK),
        _ => return None,
    })
}

/// The place of an option that asks for control data.
fn control_data(option: Opt) -> Option<usize> {
    match option {
        Opt::RecvTos => Some(0),
        Opt::RecvTClass => Some(1),
        Opt::RecvTtl => Some(2),
        _ => None,
    }
}

/// Options that can go with single packets as control data: level and kind at the operating system.
const CONTROL_DATA: [(Opt, i32, i32); 3] = [
    (Opt::Tos, libc::IPPROTO_IP, libc::IP_TOS),
    (Opt::TClass, libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
    (Opt::Ttl, libc::IPPROTO_IP, libc::IP_TTL),
];

/// Level and kind of control data that an option's number means.
pub fn control_kind(option: u8) -> Option<(i32, i32)> {
    CONTROL_DATA.iter().find(|(o, ..)| *o as u8 == option).map(|&(_, level, kind)| (level, kind))
}

/// The option that control data of this level and kind belongs to.
pub fn control_option(level: i32, kind: i32) -> Option<Opt> {
    CONTROL_DATA.iter().find(|(_, l, k)| (*l, *k) == (level, kind)).map(|&(option, ..)| option)
}

/// A list of options that ends where it should not, or a value that is none.
struct Bad;

/// The rest of the options.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Bad> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Bad)?;
        self.0 = rest;
        Ok(head)
    }

    fn option(&mut self) -> Result<Opt, Bad> {
        Opt::of(self.take(1)?[0]).ok_or(Bad)
    }

    fn int(&mut self) -> Result<i32, Bad> {
        let bytes = self.take(4)?;
        Ok(u32_at(bytes, 0).ok_or(Bad)? as i32)
    }
}

impl Io<'_> {
    pub(super) fn set_options(&mut self, data: &[u8]) -> Answer {
        let (active, packet) = (self.s.is_active(), self.s.settings.packet);
        let mut rest = Reader(data);
        while rest.0.len() >= 5 {
            let set = rest.option().and_then(|option| self.set_option(option, &mut rest));
            if set.is_err() {
                return Err(Errno::INVAL.into());
            }
            if self.exit.is_some() {
                return Ok(Vec::new());
            }
        }
        let in_use = if self.s.stream { self.s.is_connected() } else { self.s.is_open() };
        if !in_use {
            return Ok(Vec::new());
        }
        let other_packets = self.s.settings.packet != packet;
        let few = matches!(self.s.active, Active::Once | Active::Count(_));
        if self.s.stream && !active && few && !other_packets && !self.s.ignored {
            // Something may be there already: reading it now saves waiting for the poll thread.
            if self.receive(0) && self.s.is_active() {
                self.select_read(true);
            }
            return Ok(Vec::new());
        }
        if self.s.is_active() != active {
            self.select_read(self.s.is_active());
        }
        if self.s.stream && self.s.is_active() && (!active || other_packets) {
            self.deliver(0);
        }
        Ok(Vec::new())
    }

    fn set_option(&mut self, option: Opt, rest: &mut Reader<'_>) -> Result<(), Bad> {
        let value = rest.int()?;
        let flag = value != 0;
        let size = usize::try_from(value).unwrap_or(0);
        let (stream, tcp) = (self.s.stream, self.s.protocol == Protocol::Tcp);
        let settings = &mut self.s.settings;
        match option {
            Opt::Buffer => {
                settings.buffer = size.max(1);
                self.s.buffer_set = true;
            }
            Opt::Header => settings.header = size,
            Opt::Active => return self.set_active(value, rest),
            Opt::Packet => settings.packet = u8::try_from(value).map_err(|_| Bad)?,
            Opt::Mode => settings.binary = flag,
            Opt::Deliver => settings.deliver_port = value == 0,
            Opt::ExitOnClose => settings.exit_on_close = flag,
            Opt::HiWtrMrk if stream => {
                settings.high = size;
                settings.low = settings.low.min(size);
            }
            Opt::LoWtrMrk if stream => {
                settings.low = size;
                settings.high = settings.high.max(size);
            }
            Opt::SendTimeout if stream => {
                settings.send_timeout = (value != -1).then(|| Duration::from_millis(value as u32 as u64))
            }
            Opt::SendTimeoutClose if stream => settings.send_timeout_close = flag,
            Opt::DelaySend if stream => self.s.delay_send = flag,
            Opt::HiWtrMrk | Opt::LoWtrMrk | Opt::SendTimeout | Opt::DelaySend | Opt::SendTimeoutClose => {}
            Opt::PacketSize => settings.packet_size = value as u32,
            Opt::ReadPackets if stream => {}
            Opt::ReadPackets => self.s.read_packets = u32::try_from(value).ok().filter(|&n| n > 0).ok_or(Bad)?,
            Opt::MsgqHiWtrMrk if value >= 1 => settings.high_messages = value,
            Opt::MsgqLoWtrMrk if value >= 1 => settings.low_messages = value,
            Opt::ShowEconnreset => settings.show_econnreset = flag && tcp,
            Opt::LineDelim => self.s.delimiter = value as u8,
            Opt::Debug => self.s.debug = flag,
            Opt::Linger => {
                let seconds = rest.int()?;
                self.s.settings.linger_zero = tcp && flag && seconds == 0;
                let bytes = [value.to_ne_bytes(), seconds.to_ne_bytes()].concat();
                self.set_at_system(wish(libc::SOL_SOCKET, libc::SO_LINGER), &bytes)?;
            }
            Opt::MulticastIf => {
                let (level, name) = match self.s.family {
                    AddressFamily::INET => (libc::IPPROTO_IP, libc::IP_MULTICAST_IF),
                    AddressFamily::INET6 => (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF),
                    _ => return Err(Bad),
                };
                self.set_at_system(wish(level, name), &value.to_be_bytes())?;
            }
            Opt::AddMembership | Opt::DropMembership => {
                self.set_membership(option == Opt::AddMembership, value, rest)?
            }
            Opt::Raw => {
                let name = rest.int()?;
                let size = usize::try_from(rest.int()?).map_err(|_| Bad)?;
                let bytes = rest.take(size)?;
                self.set_at_system(wish(value, name), bytes)?;
            }
            Opt::BindToDevice => {
                let name = rest.take(usize::try_from(value).map_err(|_| Bad)?)?;
                if name.len() >= libc::IFNAMSIZ {
                    return Err(Bad);
                }
                let mut bytes = name.to_vec();
                bytes.resize(libc::IFNAMSIZ, 0);
                self.set_at_system(strict(libc::SOL_SOCKET, libc::SO_BINDTODEVICE), &bytes)?;
            }
            _ => {
                let known = system(option).ok_or(Bad)?;
                if option == Opt::RcvBuf {
                    self.widen_buffer(size);
                }
                self.set_at_system(known, &value.to_ne_bytes())?;
                if let Some(i) = control_data(option) {
                    self.s.control_data[i] = flag;
                }
            }
        }
        Ok(())
    }

    /// What is received at once is not less than what the operating system keeps, unless that was set.
    fn widen_buffer(&mut self, size: usize) {
        if !self.s.buffer_set {
            let size = if self.s.protocol == Protocol::Udp { size.min(1 << 16) } else { size };
            self.s.settings.buffer = self.s.settings.buffer.max(size);
        }
    }

    /// Sets an option, and keeps priority and type of service from changing each other.
    fn set_at_system(&self, option: System, value: &[u8]) -> Result<(), Bad> {
        let outcome = self.s.fd().and_then(|fd| {
            let kept =
                [(libc::IPPROTO_IP, libc::IP_TOS), (libc::SOL_SOCKET, libc::SO_PRIORITY)].map(|(level, name)| {
                    let mut old = [0; 4];
                    let known = (level, name) != (option.level, option.name)
                        && sys::get_option(fd, level, name, &mut old).is_ok();
                    known.then_some((level, name, old))
                });
            sys::set_option(fd, option.level, option.name, value)?;
            if (option.level, option.name) != (libc::SOL_SOCKET, libc::SO_PRIORITY) {
                for (level, name, old) in kept.into_iter().flatten() {
                    // Some values that the system sets itself may not be set again.
                    let _ = sys::set_option(fd, level, name, &old);
                }
            }
            Ok(())
        });
        if outcome.is_err() && option.strict { Err(Bad) } else { Ok(()) }
    }

    fn set_active(&mut self, value: i32, rest: &mut Reader<'_>) -> Result<(), Bad> {
        self.s.active = match u8::try_from(value).ok().and_then(ActiveMode::of).ok_or(Bad)? {
            ActiveMode::Passive => Active::No,
            ActiveMode::Active => Active::Yes,
            ActiveMode::Once => Active::Once,
            ActiveMode::Multi => {
                let more = rest.take(2)?;
                let more = i32::from(i16::from_be_bytes([more[0], more[1]]));
                let now = if let Active::Count(n) = self.s.active { i32::from(n) } else { 0 };
                let count = i16::try_from(now + more).map_err(|_| Bad)?.max(0);
                if count == 0 {
                    self.tell_passive();
                    Active::No
                } else {
                    Active::Count(count)
                }
            }
        };
        if self.s.stream && self.s.is_active() && self.s.state == State::Closed {
            if std::mem::take(&mut self.s.ended.reset) {
                self.tell_error(Errno::CONNRESET);
            }
            self.tell_closed();
            if self.s.settings.exit_on_close {
                self.exit = Some(purlin_term::am!("normal"));
            }
        }
        Ok(())
    }

    /// Joins or leaves a group: its family, an interface, for IPv4 the group's and one's own address, else the group's.
    fn set_membership(&mut self, join: bool, family: i32, rest: &mut Reader<'_>) -> Result<(), Bad> {
        let interface = rest.int()?;
        const INET: i32 = address::INET as i32;
        const INET6: i32 = address::INET6 as i32;
        let (option, bytes) = match (family, self.s.family) {
            (INET, AddressFamily::INET) => {
                let addresses = rest.take(8)?;
                let name = if join { libc::IP_ADD_MEMBERSHIP } else { libc::IP_DROP_MEMBERSHIP };
                (wish(libc::IPPROTO_IP, name), [addresses, &interface.to_be_bytes()].concat())
            }
            (INET6, AddressFamily::INET6) => {
                let group = rest.take(16)?;
                let name = if join { libc::IPV6_ADD_MEMBERSHIP } else { libc::IPV6_DROP_MEMBERSHIP };
                (wish(libc::IPPROTO_IPV6, name), [group, &interface.to_ne_bytes()].concat())
            }
            _ => return Err(Bad),
        };
        self.set_at_system(option, &bytes)
    }

    /// The values of the options that are asked for; those that the operating system does not give are left out.
    pub(super) fn get_options(&self, data: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut rest = Reader(data);
        while !rest.0.is_empty() {
            let option = rest.option().ok()?;
            self.get_option(option, &mut rest, &mut out).ok()?;
            if out.len() > LARGEST {
                return None;
            }
        }
        Some(out)
    }

    fn get_option(&self, option: Opt, rest: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Bad> {
        let s = &self.s.settings;
        let stream = self.s.stream;
        let mut put = |value: i32| {
            out.push(option as u8);
            out.extend(value.to_be_bytes());
        };
        match option {
            Opt::Buffer => put(s.buffer as i32),
            Opt::Header => put(s.header as i32),
            Opt::Active => match self.s.active {
                Active::No => put(ActiveMode::Passive as i32),
                Active::Yes => put(ActiveMode::Active as i32),
                Active::Once => put(ActiveMode::Once as i32),
                Active::Count(n) => {
                    put(ActiveMode::Multi as i32);
                    out.extend(n.to_be_bytes());
                }
            },
            Opt::Packet => put(s.packet.into()),
            Opt::Mode => put(s.binary.into()),
            Opt::Deliver => put(i32::from(!s.deliver_port)),
            Opt::ExitOnClose => put(s.exit_on_close.into()),
            Opt::HiWtrMrk if stream => put(s.high as i32),
            Opt::LoWtrMrk if stream => put(s.low as i32),
            Opt::SendTimeout if stream => put(s.send_timeout.map_or(-1, |t| t.as_millis() as i32)),
            Opt::DelaySend if stream => put(self.s.delay_send.into()),
            Opt::SendTimeoutClose if stream => put(s.send_timeout_close.into()),
            Opt::PacketSize => put(s.packet_size as i32),
            Opt::ReadPackets if !stream => put(self.s.read_packets as i32),
            Opt::MsgqHiWtrMrk => put(s.high_messages),
            Opt::MsgqLoWtrMrk => put(s.low_messages),
            Opt::ShowEconnreset if self.s.protocol == Protocol::Tcp => put(s.show_econnreset.into()),
            Opt::Debug => put(self.s.debug.into()),
            Opt::HiWtrMrk
            | Opt::LoWtrMrk
            | Opt::SendTimeout
            | Opt::DelaySend
            | Opt::ReadPackets
            | Opt::SendTimeoutClose
            | Opt::NetNs
            | Opt::ShowEconnreset => {}
            Opt::Linger => {
                if let Some(bytes) = self.get_at_system(libc::SOL_SOCKET, libc::SO_LINGER, &[0; 8]) {
                    put(native(&bytes, 0));
                    out.extend(native(&bytes, 4).to_be_bytes());
                }
            }
            Opt::MulticastIf => {
                let (family, level, name) = match self.s.family {
                    AddressFamily::INET => (address::INET, libc::IPPROTO_IP, libc::IP_MULTICAST_IF),
                    AddressFamily::INET6 => (address::INET6, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF),
                    _ => return Err(Bad),
                };
                if let Some(bytes) = self.get_at_system(level, name, &[0; 4]) {
                    // An address is in network order, a number in one's own.
                    let value = native(&bytes, 0);
                    put(if family == address::INET { i32::from_be(value) } else { value });
                    out.extend(u32::from(family).to_be_bytes());
                }
            }
            Opt::Raw => {
                let (level, name) = (rest.int()?, rest.int()?);
                let given = rest.take(1)?[0] != 0;
                let size = usize::try_from(rest.int()?).ok().filter(|&n| n <= LARGEST).ok_or(Bad)?;
                let value = if given { rest.take(size)?.to_vec() } else { vec![0; size] };
                if let Some(bytes) = self.get_at_system(level, name, &value) {
                    put(level);
                    out.extend(name.to_be_bytes());
                    out.extend((bytes.len() as u32).to_be_bytes());
                    out.extend(bytes);
                }
            }
            Opt::BindToDevice => {
                let name = self.get_at_system(libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &[0; libc::IFNAMSIZ]);
                if let Some(bytes) = name {
                    let name = bytes.split(|&b| b == 0).next().unwrap_or(&[]);
                    put(name.len() as i32);
                    out.extend(name);
                }
            }
            Opt::PktOptions => self.packet_options(out)?,
            _ => {
                let known = system(option).ok_or(Bad)?;
                if let Some(bytes) = self.get_at_system(known.level, known.name, &[0; 4]) {
                    put(native(&bytes, 0));
                }
            }
        }
        Ok(())
    }

    /// What came with the last packets of a connection: type of service, traffic class, time to live.
    fn packet_options(&self, out: &mut Vec<u8>) -> Result<(), Bad> {
        let (level, name) = match self.s.family {
            AddressFamily::INET => (libc::IPPROTO_IP, libc::IP_PKTOPTIONS),
            AddressFamily::INET6 => (libc::IPPROTO_IPV6, libc::IPV6_2292PKTOPTIONS),
            _ => return Err(Bad),
        };
        let Some(bytes) = self.get_at_system(level, name, &[0; 64]) else { return Ok(()) };
        let mut values = Vec::new();
        for (level, kind, value) in sys::control_items(&bytes) {
            let Some(option) = control_option(level, kind) else { continue };
            values.push(option as u8);
            values.extend(value.to_be_bytes());
        }
        out.push(Opt::PktOptions as u8);
        out.extend((values.len() as u32).to_be_bytes());
        out.extend(values);
        Ok(())
    }

    /// An option's value; `given` is as long as it may be and goes to the operating system.
    fn get_at_system(&self, level: i32, name: i32, given: &[u8]) -> Option<Vec<u8>> {
        let mut value = given.to_vec();
        let n = sys::get_option(self.s.fd().ok()?, level, name, &mut value).ok()?;
        value.truncate(n);
        Some(value)
    }
}

/// The number at this place, as the operating system writes it; some options have a byte only.
fn native(bytes: &[u8], at: usize) -> i32 {
    match bytes.get(at..at + 4).and_then(|b| b.first_chunk()) {
        Some(&b) => i32::from_ne_bytes(b),
        None => bytes.get(at).map_or(0, |&b| b.into()),
    }
}
