//! Receiving data: `recv`, `recvfrom` and `recvmsg`.

use super::counters::Count;
use super::ends::selected;
use super::io::Io;
use super::state::Turn;
use super::{
    Failure, OK, Outcome, address, control, int, integers, map_of, reference, reply, size, socket_of, supports, sys,
};
use crate::errno;
use purlin_term::{Buffer, Immediate, Release, Term, am};
use purlin_vm::{Ctx, Escape, Native};
use rustix::io::Errno;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_recv", 4, |ctx, args| reply(ctx, args, recv)),
    Native::plain("prim_socket", "nif_recvfrom", 4, |ctx, args| reply(ctx, args, recv_from)),
    Native::plain("prim_socket", "nif_recvmsg", 5, |ctx, args| reply(ctx, args, recv_message)),
];

/// Bytes that count as a reduction.
const BYTES_PER_REDUCTION: usize = 512;

/// Who receives: its process, the reference of the operation, and whether it does not wait.
#[derive(Clone, Copy)]
struct Receiver {
    pid: Immediate,
    reference: Term,
    polls: bool,
}

/// The socket, if it is this process's turn to read; `None`: it waits for its turn.
fn readable<'a>(mut io: Io<'a>, r: Receiver) -> Result<Option<Io<'a>>, Failure> {
    if io.s.acceptors.current.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    if !io.admit(Turn::Read, r.pid, r.reference, r.polls)? {
        return Ok(None);
    }
    io.s.counters.add(Count::ReadTries, 1);
    Ok(Some(io))
}

/// A block for so many bytes, or for as many as are usual.
fn block(io: &Io<'_>, length: usize) -> Result<(Buffer, usize), Failure> {
    let length = if length == 0 { io.s.settings.read_buffer } else { length };
    let mut data = Buffer::default();
    if data.reserve(length) { Ok((data, length)) } else { Err(Escape::SYSTEM_LIMIT.into()) }
}

fn recv(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let polls = reference(args[3], true)?;
    integers(&args[1..3])?;
    let (length, flags) = (size(args[1])?, int(args[2])?);
    let r = Receiver { pid: ctx.process.who(), reference: args[3], polls };
    let Some(mut io) = readable(Io::open(ctx.engine, socket)?, r)? else {
        return super::send::queued(ctx, args[0]);
    };
    let (mut data, room) = block(&io, length)?;
    let is_stream = io.socket.is_stream();
    match receive(&io, &mut data, room, flags) {
        Ok(_) if data.is_empty() && is_stream => {
            io.s.counters.add(Count::ReadFails, 1);
            io.fail(Turn::Read, am!("closed"));
            Err(Failure::CLOSED)
        }
        Ok(_) if data.len() == room && length == 0 && is_stream => read_more(ctx, io, data, r),
        Ok(_) if data.len() < room && length > 0 && is_stream && !polls => {
            io.s.counters.add(Count::ReadByte, data.len());
            io.wait(Turn::Read, r.pid, r.reference);
            selected(ctx, io)?;
            tagged(ctx, am!("select"), data)
        }
        Ok(_) => {
            let is_part = data.len() < room;
            if is_part {
                io.s.full_reads = 0;
            }
            io.s.counters.read_part(data.len());
            io.s.counters.read_packet();
            io.done(Turn::Read);
            drop(io);
            let is_late = is_part && length > 0 && is_stream && ctx.engine.config.release >= Release(27);
            tagged(ctx, if is_late { am!("timeout") } else { OK }, data)
        }
        Err(e) => failed(ctx, io, e, r),
    }
}

/// Reads into a block of so many bytes; whom they are from.
fn receive(io: &Io<'_>, data: &mut Buffer, room: usize, flags: i32) -> Result<sys::Address, Errno> {
    let fd = io.fd().map_err(|_| Errno::BADF)?;
    let mut from = None;
    data.fill(|block| {
        let (filled, sender) = sys::receive(fd, &mut block[..room], flags)?;
        from = Some(sender);
        Ok::<_, Errno>(filled)
    })?;
    from.ok_or(Errno::BADF)
}

/// `{Tag, Data}`
fn tagged(ctx: &mut Ctx<'_>, tag: Term, data: Buffer) -> Outcome {
    ctx.charge(data.len() / BYTES_PER_REDUCTION);
    let data = data.into_binary(ctx.heap());
    Ok(ctx.heap().tuple(&[tag, data]))
}

/// The usual buffer was filled: there may be more, which the caller asks for unless it has set a limit.
fn read_more(ctx: &mut Ctx<'_>, mut io: Io<'_>, data: Buffer, r: Receiver) -> Outcome {
    io.s.counters.read_part(data.len());
    io.s.full_reads += 1;
    if io.s.full_reads >= io.s.settings.reads {
        io.s.full_reads = 0;
        io.s.counters.read_packet();
        io.done(Turn::Read);
        drop(io);
        return tagged(ctx, OK, data);
    }
    io.take_turn(Turn::Read, r.pid, r.reference);
    selected(ctx, io)?;
    tagged(ctx, am!("more"), data)
}

/// Nothing was read: the caller waits, or is told why.
fn failed(ctx: &mut Ctx<'_>, mut io: Io<'_>, e: Errno, r: Receiver) -> Outcome {
    if e == Errno::AGAIN {
        if r.polls {
            return Ok(if ctx.engine.config.release >= Release(27) { am!("timeout") } else { OK });
        }
        io.s.full_reads = 0;
        io.wait(Turn::Read, r.pid, r.reference);
        return selected(ctx, io);
    }
    io.s.counters.add(Count::ReadFails, 1);
    io.fail(Turn::Read, errno::atom(e));
    Err(e.into())
}

/// Counts a packet that was read in one piece.
fn received(io: &mut Io<'_>, n: usize) {
    io.s.counters.add(Count::ReadPkg, 1);
    io.s.counters.add(Count::ReadByte, n);
    io.done(Turn::Read);
}

fn ended(io: &mut Io<'_>) -> Failure {
    io.s.counters.add(Count::ReadFails, 1);
    Failure::CLOSED
}

fn recv_from(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let polls = reference(args[3], true)?;
    integers(&args[1..3])?;
    let (length, flags) = (size(args[1])?, int(args[2])?);
    let r = Receiver { pid: ctx.process.who(), reference: args[3], polls };
    let Some(mut io) = readable(Io::open(ctx.engine, socket)?, r)? else {
        return super::send::queued(ctx, args[0]);
    };
    let (mut data, room) = block(&io, length)?;
    let from = match receive(&io, &mut data, room, flags) {
        Ok(_) if data.is_empty() && io.socket.is_stream() => return Err(ended(&mut io)),
        Ok(from) => from,
        Err(e) => return failed(ctx, io, e, r),
    };
    received(&mut io, data.len());
    drop(io);
    ctx.charge(data.len() / BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let (from, data) = (address::encode(h, &from), data.into_binary(h));
    let pair = h.tuple(&[from, data]);
    Ok(ctx.ok(pair)?)
}

fn recv_message(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let polls = reference(args[4], true)?;
    integers(&args[1..4])?;
    let (length, space, flags) = (size(args[1])?, size(args[2])?, int(args[3])?);
    let r = Receiver { pid: ctx.process.who(), reference: args[4], polls };
    let Some(mut io) = readable(Io::open(ctx.engine, socket)?, r)? else {
        return super::send::queued(ctx, args[0]);
    };
    let (mut data, room) = block(&io, length)?;
    let space = if space == 0 { io.s.settings.read_control } else { space };
    let mut control = Vec::new();
    control.try_reserve_exact(space).map_err(|_| Escape::SYSTEM_LIMIT)?;
    control.resize(space, 0);
    let (mut used, mut came, mut from) = (0, 0, None);
    let fd = io.fd()?;
    let filled = data.fill(|block| {
        let m = sys::receive_message(fd, &mut block[..room], &mut control, flags)?;
        (used, came, from) = (m.control, m.flags, Some(m.from));
        Ok::<_, Errno>(m.data)
    });
    match filled {
        Ok(0) if io.socket.is_stream() => return Err(ended(&mut io)),
        Ok(n) => received(&mut io, n),
        Err(e) => return failed(ctx, io, e, r),
    }
    drop(io);
    ctx.charge(data.len() / BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let data = data.into_binary(h);
    let mut pairs = vec![
        ("iov", h.list(&[data])),
        ("ctrl", control::encode(h, &control, used)),
        ("flags", supports::message_flags(h, came)),
    ];
    if let Some(from) = from.filter(|from| !from.is_empty()) {
        pairs.push(("addr", address::encode(h, &from)));
    }
    let message = map_of(h, &pairs);
    Ok(ctx.ok(message)?)
}
