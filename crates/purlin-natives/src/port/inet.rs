//! The drivers `tcp_inet` and `udp_inet`: sockets as `prim_inet` speaks to them.
//!
//! A socket does not block: what cannot be done at once is done by the poll thread when the socket is ready. Each
//! socket has one lock, held for single calls to the operating system only; a port is never closed while its socket's
//! lock is held, as that takes the lock again.

mod accept;
mod address;
mod codes;
mod control;
mod interface;
mod message;
mod options;
mod output;
mod receive;
pub mod sys;
mod tcp;
mod udp;

use super::driver::{Driver, TooLong};
use super::open::{Settings as PortSettings, add};
use super::output::wake;
use super::poll::{self, Deadline, Interest};
use super::{Port, table};
use crate::byte_queue::ByteQueue;
use crate::data::packet::{Framing, Limits};
use codes::{Op, Packet};
use parking_lot::{Mutex, MutexGuard};
use purlin_term::{Heap, Immediate, Owned, Release, Term, am, external};
use purlin_vm::signal::RefId;
use purlin_vm::{Ctx, Engine};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What the numbers of control operations start from.
const CONTROL: u32 = 0x03f1_a300;

/// A port's socket.
struct Socket(Mutex<Inner>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    Tcp,
    Udp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open,
    Connecting,
    Connected,
    Listening,
}

/// Whether packets are sent to the owner unasked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Active {
    No,
    Yes,
    Once,
    /// So many packets more.
    Count(i16),
}

/// Options that an accepted socket takes over from the listening one.
#[derive(Clone)]
struct Settings {
    binary: bool,
    /// Packets come as `{Port, {data, Data}}`.
    deliver_port: bool,
    exit_on_close: bool,
    /// Number of the packet type.
    packet: u8,
    packet_size: u32,
    /// So many bytes in front are given as a list.
    header: usize,
    buffer: usize,
    high: usize,
    low: usize,
    high_messages: i32,
    low_messages: i32,
    send_timeout: Option<Duration>,
    send_timeout_close: bool,
    show_econnreset: bool,
    linger_zero: bool,
}

impl Settings {
    /// Those of a new socket.
    fn of_release(release: Release) -> Settings {
        Settings {
            binary: false,
            deliver_port: false,
            exit_on_close: true,
            packet: 0,
            packet_size: 0,
            header: 0,
            buffer: if release >= Release(29) { 9216 } else { 1460 },
            high: 8192,
            low: 4096,
            high_messages: 8192,
            low_messages: 4096,
            send_timeout: None,
            send_timeout_close: false,
            show_econnreset: false,
            linger_zero: false,
        }
    }
}

/// Who sent something, and the reference that the answer is to have, if one came with the data.
struct Caller {
    process: Immediate,
    reference: Option<Owned>,
}

/// The reference whose size and bytes stand before the data, and the bytes of both.
fn leading_reference(engine: &Engine, data: &[u8]) -> Option<(Owned, usize)> {
    let (size, rest) = data.split_first_chunk::<2>()?;
    let size = u16::from_be_bytes(*size) as usize;
    let mut heap = Heap::new(16);
    let (reference, _) = external::decode(rest.get(..size)?, &mut heap, &mut engine.code.decoding(false)).ok()?;
    Some((Owned::new(reference), 2 + size))
}

/// An operation that is answered by `{inet_async, Port, Id, Result}`.
struct Operation {
    id: u16,
    caller: Immediate,
    limit: Option<Deadline>,
    /// The monitor on a caller that accepts.
    monitor: Option<RefId>,
}

/// What the next call learns of a connection that ended unasked.
#[derive(Default)]
struct Ended {
    tell_sender: bool,
    tell_receiver: bool,
    reset: bool,
}

/// What a socket counts for `inet:getstat/2`.
#[derive(Default)]
struct Counts {
    bytes: u64,
    packets: u32,
    largest: usize,
    average: f64,
    deviation: f64,
}

struct Inner {
    protocol: Protocol,
    state: State,
    fd: Option<OwnedFd>,
    family: AddressFamily,
    stream: bool,
    interest: Interest,
    /// What the poll thread watches the descriptor for.
    watched: Interest,
    /// Somebody else works with the descriptor: it is not watched.
    ignored: bool,
    settings: Settings,
    active: Active,
    buffer_set: bool,
    delay_send: bool,
    delimiter: u8,
    read_packets: u32,
    debug: bool,
    /// Control data asked for: type of service, traffic class, time to live.
    control_data: [bool; 3],
    remote: Option<SocketAddrAny>,
    peer_name: Option<SocketAddrAny>,
    sock_name: Option<SocketAddrAny>,
    received: Counts,
    sent: Counts,

    last_id: u16,
    operation: Option<Operation>,
    accepts: VecDeque<Operation>,
    /// Who sent last and waits for an answer.
    caller: Option<Caller>,

    input: ByteQueue,
    /// Bytes that are missing to what was asked for; 0: not known.
    missing: usize,
    http_headers: bool,

    output: output::Queue,
    ended: Ended,
    closed_told: bool,
    /// The port is closed; what is queued still goes out.
    closing: bool,
}

impl Inner {
    fn new(protocol: Protocol, settings: Settings) -> Inner {
        Inner {
            protocol,
            state: State::Closed,
            fd: None,
            family: AddressFamily::UNSPEC,
            stream: protocol == Protocol::Tcp,
            interest: Interest::default(),
            watched: Interest::default(),
            ignored: false,
            settings,
            active: Active::No,
            buffer_set: false,
            delay_send: false,
            delimiter: b'\n',
            read_packets: 5,
            debug: false,
            control_data: [false; 3],
            remote: None,
            peer_name: None,
            sock_name: None,
            received: Counts::default(),
            sent: Counts::default(),
            last_id: 0,
            operation: None,
            accepts: VecDeque::new(),
            caller: None,
            input: ByteQueue::default(),
            missing: 0,
            http_headers: false,
            output: output::Queue::default(),
            ended: Ended::default(),
            closed_told: false,
            closing: false,
        }
    }

    fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    fn is_active(&self) -> bool {
        self.active != Active::No
    }

    fn fd(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::BADF)
    }

    /// How packets are told apart.
    fn framing(&self) -> Framing {
        let headers = self.http_headers;
        match Packet::of(self.settings.packet) {
            Some(Packet::One) => Framing::Length(1),
            Some(Packet::Two) => Framing::Length(2),
            Some(Packet::Four) => Framing::Length(4),
            Some(Packet::Asn1) => Framing::Asn1,
            Some(Packet::Rm) => Framing::SunRm,
            Some(Packet::Cdr) => Framing::Cdr,
            Some(Packet::Fcgi) => Framing::FastCgi,
            Some(Packet::LineLf) => Framing::Line,
            Some(Packet::Tpkt) => Framing::Tpkt,
            Some(Packet::Http) => Framing::Http { headers, binaries: false },
            Some(Packet::HttpH) => Framing::Http { headers: true, binaries: false },
            Some(Packet::SslTls) => Framing::SslTls,
            Some(Packet::HttpBin) => Framing::Http { headers, binaries: true },
            Some(Packet::HttpHBin) => Framing::Http { headers: true, binaries: true },
            Some(Packet::Raw) | None => Framing::Raw,
        }
    }

    fn limits(&self) -> Limits {
        let line = u32::try_from(self.settings.buffer).unwrap_or(u32::MAX);
        Limits { packet: self.settings.packet_size, line, delimiter: self.delimiter }
    }
}

/// A socket that is being worked on.
struct Io<'a> {
    engine: &'a Arc<Engine>,
    port: &'a Arc<Port>,
    s: MutexGuard<'a, Inner>,
    /// Why the port has to be closed after this.
    exit: Option<Term>,
    /// Who can go on after this, as the port is not busy any more.
    resumed: Vec<Immediate>,
}

impl Socket {
    fn new(inner: Inner) -> Socket {
        Socket(Mutex::new(inner))
    }

    /// Works on a port's socket, and then closes the port if that came out.
    fn with<T>(&self, engine: &Arc<Engine>, port: &Arc<Port>, f: impl FnOnce(&mut Io<'_>) -> T) -> T {
        let mut io = Io { engine, port, s: self.0.lock(), exit: None, resumed: Vec::new() };
        let value = f(&mut io);
        let Io { s, exit, resumed, .. } = io;
        drop(s);
        wake(engine, resumed);
        if let Some(tap) = port.tap() {
            tap.work(engine);
        }
        if let Some(reason) = exit {
            port.leave(engine, reason);
        }
        value
    }
}

impl Driver for Socket {
    /// Sends; the caller gets `{inet_reply, Port, Status}`, since OTP 27 with a reference that stands before the data.
    fn command(&self, engine: &Arc<Engine>, port: &Arc<Port>, caller: Immediate, data: Vec<u8>) -> Result<(), TooLong> {
        let mut data = data;
        let mut caller = Caller { process: caller, reference: None };
        if engine.config.release >= Release(27) {
            let (reference, size) = leading_reference(engine, &data).ok_or(TooLong)?;
            caller.reference = Some(reference);
            data = data.split_off(size);
        }
        self.with(engine, port, |io| match io.s.protocol {
            Protocol::Tcp => io.tcp_command(caller, data),
            Protocol::Udp => io.udp_command(caller, &data),
        });
        Ok(())
    }

    fn send_packets(&self, engine: &Arc<Engine>, port: &Arc<Port>, packets: Vec<external::distribution::Packet>) {
        self.with(engine, port, |io| io.tcp_packets(packets));
    }

    fn control(
        &self,
        engine: &Arc<Engine>,
        port: &Arc<Port>,
        caller: Immediate,
        operation: u32,
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let op = u8::try_from(operation.wrapping_sub(CONTROL)).ok().and_then(Op::of);
        self.with(engine, port, |io| io.control(caller, op, data))
    }

    fn busy(&self, waiter: Option<Immediate>) -> bool {
        let mut s = self.0.lock();
        if !s.output.busy {
            return false;
        }
        if let Some(waiter) = waiter
            && !s.output.waiters.contains(&waiter)
        {
            s.output.waiters.push(waiter);
        }
        true
    }

    fn soft_busy(&self) -> bool {
        true
    }

    fn queued(&self) -> usize {
        self.0.lock().output.bytes
    }

    fn flush(&self, engine: &Arc<Engine>, port: &Arc<Port>) {
        self.drain(engine, port);
    }

    /// What is queued still goes out, unless nobody waits for its going.
    fn close(&self, engine: &Arc<Engine>, port: &Arc<Port>) {
        self.with(engine, port, |io| {
            io.fail_operations();
            io.resume();
            let flushes = io.s.interest.write && io.s.output.sendfile.is_none() && !io.s.settings.linger_zero;
            if flushes && io.s.output.bytes > 0 && io.s.is_connected() {
                io.s.closing = true;
                io.select_read(false);
            } else {
                io.close_socket();
            }
        });
    }

    fn is_idle(&self) -> bool {
        // A lock that is held belongs to a socket that is at work.
        self.0.try_lock().is_some_and(|s| !(s.closing && s.fd.is_some()))
    }

    fn ready(&self, engine: &Arc<Engine>, port: &Arc<Port>, read: bool, write: bool) {
        self.with(engine, port, |io| io.ready(read, write));
    }

    fn timeout(&self, engine: &Arc<Engine>, port: &Arc<Port>, limit: Deadline) {
        self.with(engine, port, |io| io.timed_out(limit));
    }

    fn process_exit(&self, engine: &Arc<Engine>, port: &Arc<Port>, monitor: RefId) {
        self.with(engine, port, |io| io.acceptor_ended(monitor));
    }
}

impl Io<'_> {
    /// Has the socket told when it is ready for this. Reading stays watched when nobody waits for it any more: who asks
    /// for the next packet before it comes, as servers do, then costs nothing. If it comes first, [`Io::ready`] is told.
    fn select(&mut self, now: Interest) {
        self.s.interest = if self.s.fd.is_some() { now } else { Interest::default() };
        if self.waited_for() != (Interest { read: false, ..self.s.watched }) {
            self.watch();
        }
    }

    fn waited_for(&self) -> Interest {
        if self.s.ignored { Interest::default() } else { self.s.interest }
    }

    /// Has the poll thread watch for just what is waited for.
    fn watch(&mut self) {
        let now = self.waited_for();
        if let Some(fd) = &self.s.fd {
            poll::watch(self.engine, (self.port.id, self.port), fd, self.s.watched, now);
            self.s.watched = now;
        }
    }

    fn set_ignored(&mut self, ignored: bool) {
        self.s.ignored = ignored;
        self.watch();
    }

    fn select_read(&mut self, on: bool) {
        self.select(Interest { read: on, ..self.s.interest });
    }

    fn select_write(&mut self, on: bool) {
        self.select(Interest { write: on, ..self.s.interest });
    }

    /// The poll thread found the socket ready.
    fn ready(&mut self, read: bool, write: bool) {
        self.watch();
        if read && self.s.interest.read {
            match self.s.protocol {
                Protocol::Tcp => self.tcp_input(),
                Protocol::Udp => self.udp_input(),
            }
        }
        if write && self.s.interest.write && self.exit.is_none() {
            self.tcp_output();
        }
    }

    /// A time limit was reached, unless it was taken back meanwhile.
    fn timed_out(&mut self, deadline: Deadline) {
        let timeout = am!("timeout");
        if self.s.operation.as_ref().is_some_and(|o| o.limit == Some(deadline)) {
            if self.s.state == State::Connecting {
                self.close_socket();
            } else {
                self.select_read(false);
                self.s.missing = 0;
            }
            self.async_error(timeout);
        } else if let Some(i) = self.s.accepts.iter().position(|o| o.limit == Some(deadline)) {
            self.end_accept(i, timeout);
        } else {
            self.output_timed_out(deadline);
        }
    }

    /// Starts an operation of `caller`. `None`: another one is under way.
    fn begin(&mut self, caller: Immediate) -> Option<u16> {
        if self.s.operation.is_some() {
            return None;
        }
        let id = self.next_id();
        self.s.operation = Some(Operation { id, caller, limit: None, monitor: None });
        Some(id)
    }

    fn next_id(&mut self) -> u16 {
        self.s.last_id = self.s.last_id.wrapping_add(1) & 0x7FFF;
        self.s.last_id
    }

    /// Limits the operation under way.
    fn limit(&mut self, timeout: Option<Duration>) {
        let limit = timeout.and_then(|t| poll::limit(self.engine, self.port, t));
        if let Some(o) = &mut self.s.operation {
            o.limit = limit;
        }
    }

    /// Ends an operation without an answer.
    fn finish(&mut self) -> Option<Operation> {
        let operation = self.s.operation.take()?;
        if let Some(limit) = operation.limit {
            poll::cancel(self.engine, limit);
        }
        Some(operation)
    }

    /// Tells all who wait for an operation that the socket is closed.
    fn fail_operations(&mut self) {
        let closed = am!("closed");
        while !self.s.accepts.is_empty() {
            self.end_accept(0, closed);
        }
        self.async_error(closed);
    }

    /// Closes the descriptor, and forgets what is queued in both directions.
    fn close_socket(&mut self) {
        self.clear_input();
        self.clear_output();
        self.s.output.subscribers.clear();
        self.s.interest = Interest::default();
        self.watch();
        self.s.output.sendfile = None;
        self.s.fd = None;
        self.s.state = State::Closed;
    }
}

/// A timeout as the Erlang side writes it.
fn timeout(milliseconds: u32) -> Option<Duration> {
    (milliseconds != u32::MAX).then(|| Duration::from_millis(milliseconds.into()))
}

fn big_endian<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    big_endian(data, at).map(u32::from_be_bytes)
}

/// The driver `tcp_inet`.
pub fn open_tcp(ctx: &mut Ctx<'_>, command: &str, s: PortSettings) -> Result<Term, Term> {
    open(ctx, command, s, Protocol::Tcp)
}

/// The driver `udp_inet`.
pub fn open_udp(ctx: &mut Ctx<'_>, command: &str, s: PortSettings) -> Result<Term, Term> {
    open(ctx, command, s, Protocol::Udp)
}

fn open(ctx: &mut Ctx<'_>, command: &str, s: PortSettings, protocol: Protocol) -> Result<Term, Term> {
    if !poll::is_ready(ctx.engine) {
        return Err(am!("emfile"));
    }
    let id = table(ctx.engine).next_id();
    let settings = Settings::of_release(ctx.engine.config.release);
    Ok(add(ctx, id, command.into(), &s, Box::new(Socket::new(Inner::new(protocol, settings)))).term())
}
