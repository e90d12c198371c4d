//! Options of the level `otp`: what the emulator itself keeps of a socket.

use super::super::io::Io;
use super::super::state::{CONTROL_BUFFER, READ_BUFFER, Socket, flag};
use super::super::{Failure, OK, Outcome, address, info};
use purlin_term::owned::Owned;
use purlin_term::{Immediate, Release, Term, am};
use purlin_vm::Ctx;
use rustix::fd::AsRawFd;

/// The numbers that `prim_socket` has for these options.
mod number {
    pub const DEBUG: i32 = 1001;
    pub const INFORM_ON_WRAP: i32 = 1002;
    pub const CONTROLLING_PROCESS: i32 = 1003;
    pub const READ_BUFFER: i32 = 1004;
    pub const READ_CONTROL: i32 = 1006;
    pub const WRITE_CONTROL: i32 = 1007;
    pub const DESCRIPTOR: i32 = 1008;
    pub const META: i32 = 1009;
    pub const USE_REGISTRY: i32 = 1010;
    pub const SELECT_READ: i32 = 1011;
    pub const KIND: i32 = 1996;
    pub const PROTOCOL: i32 = 1997;
    pub const TYPE: i32 = 1998;
    pub const DOMAIN: i32 = 1999;
}

/// A value that is none of this option.
fn wrong() -> Failure {
    Failure::Invalid(am!("value"))
}

fn unknown(ctx: &mut Ctx<'_>, option: i32) -> Failure {
    Failure::Raise(ctx.heap().tuple(&[am!("otp_socket_option"), Term::small(option.into())]))
}

/// A size of a buffer: a number, or the usual one.
fn buffer(t: Term, usual: usize) -> Option<usize> {
    if t == am!("default") { Some(usual) } else { t.as_usize().filter(|&n| n > 0) }
}

pub fn set(ctx: &mut Ctx<'_>, socket: &Socket, option: i32, value: Term) -> Outcome {
    let caller = ctx.pid();
    let known = [
        number::DEBUG,
        number::INFORM_ON_WRAP,
        number::CONTROLLING_PROCESS,
        number::READ_BUFFER,
        number::READ_CONTROL,
        number::WRITE_CONTROL,
        number::META,
        number::USE_REGISTRY,
    ];
    let newer = option == number::SELECT_READ && ctx.engine.config.release >= Release(28);
    if !known.contains(&option) && !newer {
        return Err(unknown(ctx, option));
    }
    let mut io = Io::open(ctx.engine, socket)?;
    match option {
        number::DEBUG => io.s.settings.debug = value.as_bool().ok_or_else(wrong)?,
        number::INFORM_ON_WRAP => io.s.settings.inform_on_wrap = value.as_bool().ok_or_else(wrong)?,
        number::CONTROLLING_PROCESS => return set_owner(io, caller, value),
        number::READ_BUFFER => (io.s.settings.reads, io.s.settings.read_buffer) = read_buffer(value)?,
        number::READ_CONTROL => io.s.settings.read_control = buffer(value, CONTROL_BUFFER).ok_or_else(wrong)?,
        number::WRITE_CONTROL => io.s.settings.write_control = buffer(value, CONTROL_BUFFER).ok_or_else(wrong)?,
        number::SELECT_READ => io.s.settings.select_read = value.as_bool().ok_or_else(wrong)?,
        number::META => {
            only_for_owner(&io, caller)?;
            io.s.meta = Some(Owned::new(value));
        }
        _ => {
            // It can be switched on, and not off.
            value.as_bool().filter(|&on| on).ok_or_else(wrong)?;
            if !std::mem::replace(&mut io.s.settings.registered, true) {
                io.tell_registry(am!("add"));
            }
        }
    }
    Ok(OK)
}

fn only_for_owner(io: &Io<'_>, caller: Term) -> Result<(), Failure> {
    if io.s.owner.is_some_and(|o| o == caller) { Ok(()) } else { Err(Failure::ErrorInvalid(am!("not_owner"))) }
}

fn set_owner(mut io: Io<'_>, caller: Term, new: Term) -> Outcome {
    only_for_owner(&io, caller)?;
    let id = new.as_pid().filter(|_| new.is_local_pid()).ok_or_else(wrong)?;
    io.s.owner = Immediate::new(new);
    io.involve(new);
    let process = io.engine.process(id);
    if let Some(process) = &process {
        process.involve();
    }
    if process.is_none_or(|p| p.is_exiting()) {
        io.owner_ended();
    }
    Ok(OK)
}

/// A size, or how many reads of which size.
fn read_buffer(t: Term) -> Result<(u32, usize), Failure> {
    let usual = |t| buffer(t, READ_BUFFER);
    if let Some(size) = usual(t) {
        return Ok((0, size));
    }
    let [reads, size] = t.as_tuple().and_then(|t| t.first_chunk().filter(|_| t.len() == 2)).ok_or_else(wrong)?;
    let reads = reads.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0).ok_or_else(wrong)?;
    Ok((reads, usual(*size).ok_or_else(wrong)?))
}

pub fn get(ctx: &mut Ctx<'_>, socket: &Socket, option: i32) -> Outcome {
    let io = Io::new(ctx.engine, socket);
    let s = io.s.settings;
    let h = &mut ctx.data.heap;
    let size = |n: usize| Term::small(n as i64);
    let is_open = io.s.reading & (flag::CLOSING | flag::CLOSED) == 0;
    if option == number::USE_REGISTRY {
        return Ok(h.tuple(&[OK, Term::bool(s.registered)]));
    }
    let kind = (address::family_term(socket.domain), info::type_term(socket.kind), Term::small(socket.protocol.into()));
    let value = match option {
        number::DEBUG => Term::bool(s.debug),
        number::SELECT_READ if ctx.engine.config.release >= Release(28) => Term::bool(s.select_read),
        number::INFORM_ON_WRAP => Term::bool(s.inform_on_wrap),
        number::CONTROLLING_PROCESS => io.s.owner.map_or(am!("undefined"), Immediate::term),
        number::READ_BUFFER if s.reads == 0 => size(s.read_buffer),
        number::READ_BUFFER => h.tuple(&[Term::small(s.reads.into()), size(s.read_buffer)]),
        number::READ_CONTROL => size(s.read_control),
        number::WRITE_CONTROL => size(s.write_control),
        number::DESCRIPTOR => io.s.fd.as_ref().map_or(Term::small(-1), |fd| Term::small(fd.as_raw_fd().into())),
        number::META => io.s.meta.as_ref().map_or(am!("undefined"), |m| m.copy_to(h)),
        number::DOMAIN => kind.0,
        number::TYPE => kind.1,
        number::PROTOCOL => kind.2,
        number::KIND => h.tuple(&[kind.0, kind.1, kind.2]),
        _ => {
            drop(io);
            return Err(unknown(ctx, option));
        }
    };
    if is_open { Ok(h.tuple(&[OK, value])) } else { Err(Failure::CLOSED) }
}
