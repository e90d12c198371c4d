//! Receiving data: `recv`, `recvfrom`, `recvmsg` and `recvmmsg`.

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
    Native::plain("prim_socket", "nif_recvmmsg", 6, |ctx, args| reply(ctx, args, recv_messages)).since(29),
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
            let tag = end(ctx, io, r)?;
            let is_late = is_part && length > 0 && is_stream && ctx.engine.config.release >= Release(27);
            tagged(ctx, if is_late { am!("timeout") } else { tag }, data)
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
}

/// Ends an operation that has received something, or has its process wait for more at once if the socket is set to do so:
/// the tag of what was received.
fn end(ctx: &mut Ctx<'_>, mut io: Io<'_>, r: Receiver) -> Outcome {
    if io.s.settings.select_read && !r.polls {
        io.wait(Turn::Read, r.pid, r.reference);
        selected(ctx, io)?;
        return Ok(am!("select_read"));
    }
    io.done(Turn::Read);
    Ok(OK)
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
    let tag = end(ctx, io, r)?;
    ctx.charge(data.len() / BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let (from, data) = (address::encode(h, &from), data.into_binary(h));
    let pair = h.tuple(&[from, data]);
    Ok(h.tuple(&[tag, pair]))
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
    let message = match Message::receive(&io, length, space, flags)? {
        Ok(m) if m.data.is_empty() && io.socket.is_stream() => return Err(ended(&mut io)),
        Ok(m) => m,
        Err(e) => return failed(ctx, io, e, r),
    };
    received(&mut io, message.data.len());
    let tag = end(ctx, io, r)?;
    let message = message.into_term(ctx);
    Ok(ctx.heap().tuple(&[tag, message]))
}

/// Receives up to so many messages, as many as are there.
fn recv_messages(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let polls = reference(args[5], true)?;
    integers(&args[1..5])?;
    let most = size(args[1])?;
    let (length, space, flags) = (size(args[2])?, size(args[3])?, int(args[4])?);
    let r = Receiver { pid: ctx.process.who(), reference: args[5], polls };
    let Some(mut io) = readable(Io::open(ctx.engine, socket)?, r)? else {
        return super::send::queued(ctx, args[0]);
    };
    let mut messages = Vec::new();
    while messages.len() < most {
        match Message::receive(&io, length, space, flags)? {
            Ok(m) if m.data.is_empty() && io.socket.is_stream() => {
                if messages.is_empty() {
                    return Err(ended(&mut io));
                }
                break;
            }
            Ok(m) => messages.push(m),
            Err(e) if messages.is_empty() => return failed(ctx, io, e, r),
            Err(_) => break,
        }
    }
    for message in &messages {
        received(&mut io, message.data.len());
    }
    let tag = end(ctx, io, r)?;
    let messages: Vec<Term> = messages.into_iter().map(|m| m.into_term(ctx)).collect();
    let messages = ctx.heap().list(&messages);
    Ok(ctx.heap().tuple(&[tag, messages]))
}

/// A message that was received.
struct Message {
    data: Buffer,
    control: Vec<u8>,
    /// How much of the control data was filled.
    used: usize,
    flags: i32,
    from: Option<sys::Address>,
}

impl Message {
    /// Reads into a block of so many bytes, with so many for control data; 0: as many as are usual.
    fn receive(io: &Io<'_>, length: usize, space: usize, flags: i32) -> Result<Result<Message, Errno>, Failure> {
        let (data, room) = block(io, length)?;
        let space = if space == 0 { io.s.settings.read_control } else { space };
        let mut control = Vec::new();
        control.try_reserve_exact(space).map_err(|_| Escape::SYSTEM_LIMIT)?;
        control.resize(space, 0);
        let mut message = Message { data, control, used: 0, flags: 0, from: None };
        let fd = io.fd()?;
        let filled = message.data.fill(|block| {
            let m = sys::receive_message(fd, &mut block[..room], &mut message.control, flags)?;
            (message.used, message.flags, message.from) = (m.control, m.flags, Some(m.from));
            Ok::<_, Errno>(m.data)
        });
        Ok(filled.map(|_| message))
    }

    fn into_term(self, ctx: &mut Ctx<'_>) -> Term {
        ctx.charge(self.data.len() / BYTES_PER_REDUCTION);
        let h = ctx.heap();
        let data = self.data.into_binary(h);
        let mut pairs = vec![
            ("iov", h.list(&[data])),
            ("ctrl", control::encode(h, &self.control, self.used)),
            ("flags", supports::message_flags(h, self.flags)),
        ];
        if let Some(from) = self.from.filter(|from| !from.is_empty()) {
            pairs.push(("addr", address::encode(h, &from)));
        }
        map_of(h, &pairs)
    }
}
