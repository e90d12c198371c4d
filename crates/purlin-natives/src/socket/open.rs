//! Opening and closing sockets.

use super::connect::add;
use super::counters::Global;
use super::io::Io;
use super::state::{Kind, Settings, State, flag, sockets};
use super::{Failure, OK, Outcome, address, as_int, at, int, load_info, reply, socket_of, sys};
use crate::port::inet::sys::{duplicate, get_option};
use crate::port::poll;
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::ffi::CString;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_open", 2, |ctx, args| reply(ctx, args, open_descriptor)),
    Native::plain("prim_socket", "nif_open", 4, |ctx, args| reply(ctx, args, open)),
    Native::plain("prim_socket", "nif_close", 1, |ctx, args| reply(ctx, args, close)),
    Native::plain("prim_socket", "nif_finalize_close", 1, |ctx, args| reply(ctx, args, finalize_close)),
];

/// Types of sockets that have names.
pub const TYPES: &[(&str, i32)] = &[
    ("stream", libc::SOCK_STREAM),
    ("dgram", libc::SOCK_DGRAM),
    ("raw", libc::SOCK_RAW),
    ("seqpacket", libc::SOCK_SEQPACKET),
];

fn kind(t: Term) -> Option<i32> {
    let text = t.as_atom().map(|a| a.name());
    TYPES.iter().find(|(n, _)| Some(*n) == text).map(|f| f.1).or_else(|| as_int(t))
}

/// What new sockets get unless they ask for something else.
pub struct Defaults {
    pub debug: bool,
    pub socket_debug: bool,
    pub use_registry: bool,
}

/// What `socket:debug/1` and the like have set, or what was set when the emulator started.
pub fn defaults(engine: &Engine) -> Defaults {
    let Global { debug, socket_debug, use_registry, .. } = *sockets(engine).global.lock();
    let first = |key, usual| load_info(engine, key).and_then(Term::as_bool).unwrap_or(usual);
    Defaults {
        debug: debug.unwrap_or_else(|| first("debug", false)),
        socket_debug: socket_debug.unwrap_or_else(|| first("socket_debug", false)),
        use_registry: use_registry.unwrap_or_else(|| first("use_registry", true)),
    }
}

fn settings(engine: &Engine, options: Term) -> Settings {
    let defaults = defaults(engine);
    let given = |key, usual| at(options, key).and_then(Term::as_bool).unwrap_or(usual);
    Settings::new(given("debug", defaults.socket_debug), given("use_registry", defaults.use_registry))
}

fn can_poll(ctx: &Ctx<'_>) -> Result<(), Failure> {
    if poll::is_ready(ctx.engine) { Ok(()) } else { Err(Errno::MFILE.into()) }
}

fn open(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let protocol = int(args[2])?;
    args[3].is_map().then_some(()).or_badarg()?;
    let domain = address::family(args[0]).ok_or(Failure::Invalid(am!("domain")))?;
    let kind = kind(args[1]).ok_or(Failure::Invalid(am!("type")))?;
    can_poll(ctx)?;
    let namespace = at(args[3], "netns").and_then(Term::as_bytes).and_then(|path| CString::new(path.into_owned()).ok());
    let fd = sys::within(namespace.as_deref(), || sys::open(domain, kind, protocol))?;
    let found = if protocol == 0 { option(&fd, libc::SO_PROTOCOL).unwrap_or(0) } else { protocol };
    let kind = Kind { domain, kind, protocol: found, origin: None, owns_descriptor: true };
    let state = State::new(fd, ctx.process.who(), settings(ctx.engine, args[3]));
    let t = add(ctx, kind, state, protocol);
    Ok(ctx.ok(t)?)
}

fn option(fd: impl AsFd, name: i32) -> Option<i32> {
    let mut value = [0; 4];
    get_option(fd, libc::SOL_SOCKET, name, &mut value).ok()?;
    Some(i32::from_ne_bytes(value))
}

/// Makes a socket of a descriptor that is there already, or of a copy of it.
fn open_descriptor(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let origin = int(args[0])?;
    let options = args[1].is_map().then_some(args[1]).or_badarg()?;
    can_poll(ctx)?;
    // The system knows what kind of socket it is; what the caller says counts only where there is no socket.
    let copies = at(options, "dup").and_then(Term::as_bool).unwrap_or(true);
    let own: Result<OwnedFd, Errno> = if copies { duplicate(origin) } else { sys::adopt(origin).ok_or(Errno::BADF) };
    let asked = |name| own.as_ref().ok().and_then(|fd| option(fd, name));
    let domain = asked(libc::SO_DOMAIN).or_else(|| at(options, "domain").and_then(address::family));
    let kind_of = asked(libc::SO_TYPE).or_else(|| at(options, "type").and_then(kind));
    let protocol = asked(libc::SO_PROTOCOL).or_else(|| at(options, "protocol").and_then(as_int)).unwrap_or(0);
    let keep = |fd: Result<OwnedFd, Errno>| match fd {
        Ok(fd) if !copies => drop(rustix::fd::IntoRawFd::into_raw_fd(fd)),
        _ => {}
    };
    let (Some(domain), Some(kind)) = (domain, kind_of) else {
        keep(own);
        return Err(Failure::Invalid(if domain.is_none() { am!("domain") } else { am!("type") }));
    };
    let fd = own?;
    let _ = rustix::io::ioctl_fionbio(&fd, true);
    let mut state = State::new(fd, ctx.process.who(), settings(ctx.engine, options));
    if state.fd.as_ref().is_some_and(|fd| sys::name(fd, sys::End::Peer).is_ok()) {
        state.writing |= flag::CONNECTED;
    }
    let kind = Kind { domain, kind, protocol, origin: Some(origin), owns_descriptor: copies };
    let t = add(ctx, kind, state, protocol);
    Ok(ctx.ok(t)?)
}

/// Stops all operations; the descriptor is closed by [`finalize_close`], which the caller calls next.
fn close(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let pid = ctx.process.who();
    let mut io = Io::open(ctx.engine, socket_of(args[0])?)?;
    io.s.reading |= flag::CLOSING;
    io.s.writing |= flag::CLOSING;
    io.s.closer = Some(pid);
    io.stop();
    let socket = io.socket;
    drop(io);
    super::ends::involve(ctx, socket);
    Ok(OK)
}

fn finalize_close(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let mut io = Io::new(ctx.engine, socket_of(args[0])?);
    if io.s.reading & flag::CLOSED != 0 {
        return Err(Failure::CLOSED);
    }
    if io.s.reading & flag::CLOSING == 0 || io.s.closer != Some(ctx.process.who()) {
        return Err(Failure::Raise(am!("state")));
    }
    // A socket that lingers makes who closes it wait until its data are out.
    let lingers = io.s.fd.as_ref().is_some_and(|fd| {
        let linger = rustix::net::sockopt::socket_linger(fd);
        linger.is_ok_and(|l| l.is_some_and(|time| !time.is_zero()))
    });
    if lingers && !ctx.may_block() {
        return Err(Escape::Block.into());
    }
    io.s.closer = None;
    io.s.owner = None;
    let fd = io.close();
    drop(io);
    drop(fd);
    Ok(OK)
}
