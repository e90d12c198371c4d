//! Naming, connecting, listening and accepting.

use super::counters::Count;
use super::ends::{involve, selected};
use super::io::{Io, tell_registry};
use super::state::{Kind, Request, Socket, State, Turn, flag, sockets};
use super::{Failure, OK, Outcome, address, int, reference, reply, socket_of, sys};
use crate::port::inet::sys::get_option;
use purlin_term::{Release, Term, am};
use purlin_vm::{Ctx, Native};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{Shutdown, SocketFlags, accept_with};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_bind", 2, |ctx, args| reply(ctx, args, bind)),
    Native::plain("prim_socket", "nif_connect", 1, |ctx, args| reply(ctx, args, finish_connect)),
    Native::plain("prim_socket", "nif_connect", 3, |ctx, args| reply(ctx, args, connect)),
    Native::plain("prim_socket", "nif_listen", 2, |ctx, args| reply(ctx, args, listen)),
    Native::plain("prim_socket", "nif_accept", 2, |ctx, args| reply(ctx, args, accept)),
    Native::plain("prim_socket", "nif_shutdown", 2, |ctx, args| reply(ctx, args, shutdown)),
    Native::plain("prim_socket", "nif_sockname", 1, |ctx, args| {
        reply(ctx, args, |ctx, args| name(ctx, args, sys::End::Own))
    }),
    Native::plain("prim_socket", "nif_peername", 1, |ctx, args| {
        reply(ctx, args, |ctx, args| name(ctx, args, sys::End::Peer))
    }),
];

fn bind(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let address = address::decode(args[1]).ok_or(Failure::Invalid(am!("sockaddr")))?;
    let mut io = Io::open(ctx.engine, socket)?;
    sys::bind(io.fd()?, &address)?;
    io.s.reading |= flag::BOUND;
    Ok(OK)
}

fn connect(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[1], false)?;
    let address = address::decode(args[2]).ok_or(Failure::Invalid(am!("sockaddr")))?;
    let pid = ctx.process.who();
    let mut io = Io::open(ctx.engine, socket)?;
    if io.s.writers.current.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    if let Some(connector) = &io.s.connector {
        return if connector.pid == pid { connected(&mut io) } else { Err(Failure::Error("already")) };
    }
    match sys::connect(io.fd()?, &address) {
        Ok(()) => {
            io.s.writing |= flag::CONNECTED;
            Ok(OK)
        }
        Err(Errno::AGAIN | Errno::INPROGRESS) => {
            io.s.connector = Some(Request::new(pid, args[1]));
            io.s.writing |= flag::CONNECTING;
            io.select(Turn::Write);
            selected(ctx, io)
        }
        Err(e) => Err(e.into()),
    }
}

/// Called when the `select` message of [`connect`] has come.
fn finish_connect(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let mut io = Io::open(ctx.engine, socket_of(args[0])?)?;
    if io.s.writers.current.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    if io.s.connector.as_ref().is_none_or(|c| c.pid != ctx.process.who()) {
        return Err(Failure::Raise(am!("state")));
    }
    connected(&mut io)
}

/// What has become of connecting.
fn connected(io: &mut Io<'_>) -> Outcome {
    io.s.connector = None;
    io.s.writing &= !flag::CONNECTING;
    io.unselect(Turn::Write);
    let mut error = [0; 4];
    get_option(io.fd()?, libc::SOL_SOCKET, libc::SO_ERROR, &mut error)?;
    match i32::from_ne_bytes(error) {
        0 => {
            io.s.writing |= flag::CONNECTED;
            Ok(OK)
        }
        e => Err(Errno::from_raw_os_error(e).into()),
    }
}

fn listen(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (socket, backlog) = (socket_of(args[0])?, int(args[1])?);
    let mut io = Io::open(ctx.engine, socket)?;
    rustix::net::listen(io.fd()?, backlog)?;
    io.s.reading |= flag::LISTENING;
    Ok(OK)
}

fn accept(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (socket, pid) = (socket_of(args[0])?, ctx.process.who());
    let mut io = Io::open(ctx.engine, socket)?;
    if io.s.readers.current.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    if !io.admit(Turn::Accept, pid, args[1], false)? {
        return selected(ctx, io);
    }
    io.s.counters.add(Count::AccTries, 1);
    match accept_with(io.fd()?, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        Ok(fd) => {
            io.s.counters.add(Count::AccSuccess, 1);
            // As in OTP, where it is the listening socket that was marked before release 27.
            if ctx.engine.config.release < Release(27) {
                io.s.writing |= flag::CONNECTED;
            }
            io.done(Turn::Accept);
            accepted(ctx, io, fd)
        }
        Err(Errno::AGAIN) => {
            if io.s.acceptors.current.is_some() {
                io.s.counters.add(Count::AccWaits, 1);
            }
            io.s.reading |= flag::ACCEPTING;
            io.wait(Turn::Accept, pid, args[1]);
            selected(ctx, io)
        }
        Err(e) => {
            io.s.counters.add(Count::AccFails, 1);
            io.fail(Turn::Accept, crate::errno::atom(e));
            Err(e.into())
        }
    }
}

/// Makes a socket of a connection, which has the settings of the one that it was accepted from.
fn accepted(ctx: &mut Ctx<'_>, io: Io<'_>, fd: OwnedFd) -> Outcome {
    let Socket { domain, kind, protocol, .. } = *io.socket;
    let mut state = State::new(fd, ctx.process.who(), io.s.settings);
    drop(io);
    if ctx.engine.config.release >= Release(27) {
        state.writing |= flag::CONNECTED;
    }
    let kind = Kind { domain, kind, protocol, origin: None, owns_descriptor: true };
    let t = add(ctx, kind, state, protocol);
    Ok(ctx.ok(t)?)
}

/// The reference of a new socket, which is counted under this protocol.
pub fn add(ctx: &mut Ctx<'_>, kind: Kind, state: State, counted: i32) -> Term {
    let (id, registered) = (ctx.engine.next_ref(), state.settings.registered);
    let magic = Socket::magic(kind, id, state);
    sockets(ctx.engine).global.lock().count(kind.domain, kind.kind, counted, 1);
    if let Some(socket) = magic.value.downcast_ref::<Socket>() {
        involve(ctx, socket);
    }
    if registered {
        tell_registry(ctx.engine, am!("add"), id, magic.clone());
    }
    ctx.heap().magic_reference(id, magic)
}

fn shutdown(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let how = match args[1].as_atom().map(|how| how.name()) {
        Some("read") => Shutdown::Read,
        Some("write") => Shutdown::Write,
        Some("read_write") => Shutdown::Both,
        _ => {
            let how = ctx.heap().tuple(&[am!("how"), args[1]]);
            return Err(Failure::Raise(how));
        }
    };
    rustix::net::shutdown(Io::open(ctx.engine, socket)?.fd()?, how)?;
    Ok(OK)
}

fn name(ctx: &mut Ctx<'_>, args: &[Term], end: sys::End) -> Outcome {
    let socket = socket_of(args[0])?;
    let address = sys::name(Io::open(ctx.engine, socket)?.fd()?, end)?;
    let t = address::encode(ctx.heap(), &address);
    Ok(ctx.ok(t)?)
}
