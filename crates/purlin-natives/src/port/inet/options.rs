//! Socket options, each by the number that `prim_inet` gives it: some are the driver's own, the others the operating
//! system's.
//!
//! A failure of the operating system is told only for the options that say so here: others are wishes.

use super::tcp::Answer;
use super::{Active, Io, Protocol, State, sys, u32_at};
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
fn system(option: u8) -> Option<System> {
    use libc::*;
    Some(match option {
        0 => wish(SOL_SOCKET, SO_REUSEADDR),
        1 => wish(SOL_SOCKET, SO_KEEPALIVE),
        2 => wish(SOL_SOCKET, SO_DONTROUTE),
        4 => wish(SOL_SOCKET, SO_BROADCAST),
        5 => wish(SOL_SOCKET, SO_OOBINLINE),
        6 => wish(SOL_SOCKET, SO_SNDBUF),
        7 => wish(SOL_SOCKET, SO_RCVBUF),
        8 => strict(SOL_SOCKET, SO_PRIORITY),
        9 => strict(IPPROTO_IP, IP_TOS),
        10 => wish(IPPROTO_TCP, TCP_NODELAY),
        12 => wish(IPPROTO_IP, IP_MULTICAST_TTL),
        13 => wish(IPPROTO_IP, IP_MULTICAST_LOOP),
        16 => strict(IPPROTO_IPV6, IPV6_V6ONLY),
        41 => strict(IPPROTO_IPV6, IPV6_TCLASS),
        43 => strict(IPPROTO_IP, IP_RECVTOS),
        44 => strict(IPPROTO_IPV6, IPV6_RECVTCLASS),
        46 => strict(IPPROTO_IP, IP_TTL),
        47 => strict(IPPROTO_IP, IP_RECVTTL),
        48 => wish(IPPROTO_TCP, TCP_CORK),
        _ => return None,
    })
}

/// The place of an option that asks for control data.
fn control_data(option: u8) -> Option<usize> {
    match option {
        43 => Some(0),
        44 => Some(1),
        47 => Some(2),
        _ => None,
    }
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
            let option = rest.take(1).map_or(0, |b| b[0]);
            if self.set_option(option, &mut rest).is_err() {
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
        if self.s.stream && !active && few && !other_packets {
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

    fn set_option(&mut self, option: u8, rest: &mut Reader<'_>) -> Result<(), Bad> {
        let value = rest.int()?;
        let flag = value != 0;
        let size = usize::try_from(value).unwrap_or(0);
        let (stream, tcp) = (self.s.stream, self.s.protocol == Protocol::Tcp);
        let settings = &mut self.s.settings;
        match option {
            20 => {
                settings.buffer = size.max(1);
                self.s.buffer_set = true;
            }
            21 => settings.header = size,
            22 => return self.set_active(value, rest),
            23 => settings.packet = u8::try_from(value).map_err(|_| Bad)?,
            24 => settings.binary = flag,
            25 => settings.deliver_port = value == 0,
            26 => settings.exit_on_close = flag,
            27 if stream => {
                settings.high = size;
                settings.low = settings.low.min(size);
            }
            28 if stream => {
                settings.low = size;
                settings.high = settings.high.max(size);
            }
            30 if stream => settings.send_timeout = (value != -1).then(|| Duration::from_millis(value as u32 as u64)),
            35 if stream => settings.send_timeout_close = flag,
            31 if stream => self.s.delay_send = flag,
            27 | 28 | 30 | 31 | 35 => {}
            32 => settings.packet_size = value as u32,
            33 if stream => {}
            33 => self.s.read_packets = u32::try_from(value).ok().filter(|&n| n > 0).ok_or(Bad)?,
            36 if value >= 1 => settings.high_messages = value,
            37 if value >= 1 => settings.low_messages = value,
            39 => settings.show_econnreset = flag && tcp,
            40 => self.s.delimiter = value as u8,
            99 => self.s.debug = flag,
            3 => {
                let seconds = rest.int()?;
                self.s.settings.linger_zero = tcp && flag && seconds == 0;
                let bytes = [value.to_ne_bytes(), seconds.to_ne_bytes()].concat();
                self.set_at_system(wish(libc::SOL_SOCKET, libc::SO_LINGER), &bytes)?;
            }
            11 => {
                let (level, name) = match self.s.family {
                    AddressFamily::INET => (libc::IPPROTO_IP, libc::IP_MULTICAST_IF),
                    AddressFamily::INET6 => (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF),
                    _ => return Err(Bad),
                };
                self.set_at_system(wish(level, name), &value.to_be_bytes())?;
            }
            14 | 15 => self.set_membership(option == 14, value, rest)?,
            34 => {
                let name = rest.int()?;
                let size = usize::try_from(rest.int()?).map_err(|_| Bad)?;
                let bytes = rest.take(size)?;
                self.set_at_system(wish(value, name), bytes)?;
            }
            42 => {
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
                if option == 7 {
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
        self.s.active = match value {
            0 => Active::No,
            1 => Active::Yes,
            2 => Active::Once,
            3 => {
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
            _ => return Err(Bad),
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
        let (option, bytes) = match (family, self.s.family) {
            (1, AddressFamily::INET) => {
                let addresses = rest.take(8)?;
                let name = if join { libc::IP_ADD_MEMBERSHIP } else { libc::IP_DROP_MEMBERSHIP };
                (wish(libc::IPPROTO_IP, name), [addresses, &interface.to_be_bytes()].concat())
            }
            (2, AddressFamily::INET6) => {
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
        while let Ok(&[option]) = rest.take(1) {
            self.get_option(option, &mut rest, &mut out).ok()?;
            if out.len() > LARGEST {
                return None;
            }
        }
        Some(out)
    }

    fn get_option(&self, option: u8, rest: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Bad> {
        let s = &self.s.settings;
        let stream = self.s.stream;
        let mut put = |value: i32| {
            out.push(option);
            out.extend(value.to_be_bytes());
        };
        match option {
            20 => put(s.buffer as i32),
            21 => put(s.header as i32),
            22 => match self.s.active {
                Active::No => put(0),
                Active::Yes => put(1),
                Active::Once => put(2),
                Active::Count(n) => {
                    put(3);
                    out.extend(n.to_be_bytes());
                }
            },
            23 => put(s.packet.into()),
            24 => put(s.binary.into()),
            25 => put(i32::from(!s.deliver_port)),
            26 => put(s.exit_on_close.into()),
            27 if stream => put(s.high as i32),
            28 if stream => put(s.low as i32),
            30 if stream => put(s.send_timeout.map_or(-1, |t| t.as_millis() as i32)),
            31 if stream => put(self.s.delay_send.into()),
            35 if stream => put(s.send_timeout_close.into()),
            32 => put(s.packet_size as i32),
            33 if !stream => put(self.s.read_packets as i32),
            36 => put(s.high_messages),
            37 => put(s.low_messages),
            39 if self.s.protocol == Protocol::Tcp => put(s.show_econnreset.into()),
            99 => put(self.s.debug.into()),
            27 | 28 | 30 | 31 | 33 | 35 | 38 | 39 => {}
            3 => {
                if let Some(bytes) = self.get_at_system(libc::SOL_SOCKET, libc::SO_LINGER, &[0; 8]) {
                    put(native(&bytes, 0));
                    out.extend(native(&bytes, 4).to_be_bytes());
                }
            }
            11 => {
                let (family, level, name) = match self.s.family {
                    AddressFamily::INET => (1i32, libc::IPPROTO_IP, libc::IP_MULTICAST_IF),
                    AddressFamily::INET6 => (2, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF),
                    _ => return Err(Bad),
                };
                if let Some(bytes) = self.get_at_system(level, name, &[0; 4]) {
                    // An address is in network order, a number in one's own.
                    let value = native(&bytes, 0);
                    put(if family == 1 { i32::from_be(value) } else { value });
                    out.extend(family.to_be_bytes());
                }
            }
            34 => {
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
            42 => {
                let name = self.get_at_system(libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &[0; libc::IFNAMSIZ]);
                if let Some(bytes) = name {
                    let name = bytes.split(|&b| b == 0).next().unwrap_or(&[]);
                    put(name.len() as i32);
                    out.extend(name);
                }
            }
            45 => self.packet_options(out)?,
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
            let option = match (level, kind) {
                (libc::IPPROTO_IP, libc::IP_TOS) => 9,
                (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => 41,
                (libc::IPPROTO_IP, libc::IP_TTL) => 46,
                _ => continue,
            };
            values.push(option);
            values.extend(value.to_be_bytes());
        }
        out.push(45);
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
