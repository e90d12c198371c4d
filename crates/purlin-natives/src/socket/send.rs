//! Sending data: `send`, `sendto`, `sendmsg` and `sendmmsg`.

use super::counters::Count;
use super::ends::{involve, selected};
use super::io::Io;
use super::state::Turn;
use super::sys::Address;
use super::{Failure, OK, Outcome, address, at, int, reference, reply, socket_of, sys};
use crate::errno;
use purlin_term::{Immediate, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native};
use rustix::io::Errno;
use std::borrow::Cow;
use std::io::IoSlice;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_send", 4, |ctx, args| reply(ctx, args, send)),
    Native::plain("prim_socket", "nif_sendto", 5, |ctx, args| reply(ctx, args, send_to)),
    Native::plain("prim_socket", "nif_sendmsg", 5, |ctx, args| reply(ctx, args, send_message)),
    Native::plain("prim_socket", "nif_sendmmsg", 4, |ctx, args| reply(ctx, args, send_messages)).since(29),
    Native::plain("prim_socket", "nif_sendv", 3, |ctx, args| reply(ctx, args, send_pieces)).since(27),
];

/// Pieces of a message that the system takes in one call.
pub const PIECES: usize = 1024;

/// Bytes that count as a reduction.
const BYTES_PER_REDUCTION: usize = 512;

fn send(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[3], false)?;
    let data = args[1].as_bytes().or_badarg()?;
    let flags = int(args[2])?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, ctx.process.who(), args[3])? else {
        return queued(ctx, args[0]);
    };
    io.s.counters.add(Count::WriteTries, 1);
    let sent = sys::send(io.fd()?, &data, flags, None);
    finish(ctx, io, sent, data.len(), false, args[3])
}

fn send_to(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[4], false)?;
    let data = args[1].as_bytes().or_badarg()?;
    let flags = int(args[3])?;
    let to = address::decode(args[2]).ok_or(Failure::Invalid(am!("sockaddr")))?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, ctx.process.who(), args[4])? else {
        return queued(ctx, args[0]);
    };
    io.s.counters.add(Count::WriteTries, 1);
    let sent = sys::send(io.fd()?, &data, flags, Some(&to));
    finish(ctx, io, sent, data.len(), false, args[4])
}

/// The socket, if it is this process's turn to write; `None`: it waits for its turn.
pub fn writable<'a>(mut io: Io<'a>, pid: Immediate, reference: Term) -> Result<Option<Io<'a>>, Failure> {
    if io.s.connector.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    if !io.admit(Turn::Write, pid, reference, false)? {
        return Ok(None);
    }
    Ok(Some(io))
}

/// `select` for a process that waits for its turn.
pub fn queued(ctx: &mut Ctx<'_>, socket: Term) -> Outcome {
    involve(ctx, socket_of(socket)?);
    Ok(am!("select"))
}

/// What sending has come to. `more`: there are data behind those that were handed over.
fn finish(
    ctx: &mut Ctx<'_>,
    mut io: Io<'_>,
    sent: Result<usize, Errno>,
    size: usize,
    more: bool,
    reference: Term,
) -> Outcome {
    match sent {
        Ok(n) if n >= size && !more => {
            io.s.counters.wrote_packet(n);
            io.done(Turn::Write);
            drop(io);
            ctx.charge(n / BYTES_PER_REDUCTION);
            Ok(OK)
        }
        Ok(n) if !io.socket.is_stream() => {
            // The rest of a packet is lost.
            io.s.counters.wrote_packet(n);
            io.done(Turn::Write);
            drop(io);
            Ok(ctx.ok(Term::small(n as i64))?)
        }
        Ok(n) => {
            io.s.counters.wrote_part(n);
            ctx.charge(n / BYTES_PER_REDUCTION);
            if n >= size {
                let pid = ctx.process.who();
                io.take_turn(Turn::Write, pid, am!("iov"));
                return partly(ctx, io, am!("iov"), n);
            }
            retry(ctx, io, Some(n), reference)
        }
        Err(Errno::AGAIN | Errno::INTR) => retry(ctx, io, None, reference),
        Err(e) => {
            io.s.counters.add(Count::WriteFails, 1);
            // Wrong arguments concern this operation alone.
            if e != Errno::INVAL {
                io.fail(Turn::Write, errno::atom(e));
            }
            Err(e.into())
        }
    }
}

/// Waits until more can be written.
fn retry(ctx: &mut Ctx<'_>, mut io: Io<'_>, written: Option<usize>, reference: Term) -> Outcome {
    io.wait(Turn::Write, ctx.process.who(), reference);
    io.s.counters.add(Count::WriteWaits, 1);
    match written {
        Some(n) => partly(ctx, io, am!("select"), n),
        None => selected(ctx, io),
    }
}

/// `{Tag, Written}`, after the caller was noted as one that goes on writing.
pub fn partly(ctx: &mut Ctx<'_>, io: Io<'_>, tag: Term, written: usize) -> Outcome {
    selected(ctx, io)?;
    let written = ctx.heap().unsigned(written as u64);
    Ok(ctx.heap().tuple(&[tag, written]))
}

fn send_message(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[3], false)?;
    args[1].is_map().then_some(()).or_badarg()?;
    let flags = int(args[2])?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, ctx.process.who(), args[3])? else {
        return queued(ctx, args[0]);
    };
    let m = Message::of(&io, args[1], args[4])?;
    io.s.counters.add(Count::WriteTries, 1);
    let sent = m.send(&io, flags);
    finish(ctx, io, sent, m.size(), m.more, args[3])
}

/// Sends one message after the other, until one cannot be sent now or at all. Who sends is told of those that a stream took
/// in part, by their places, and of an error with the first one.
fn send_messages(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[3], false)?;
    let messages = args[1].as_list().or_badarg()?;
    let flags = int(args[2])?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, ctx.process.who(), args[3])? else {
        return queued(ctx, args[0]);
    };
    if messages.is_empty() {
        return Ok(OK);
    }
    let read = |&m: &Term| {
        let data = at(m, "iov").filter(|&data| pieces(data, true).is_some()).or_badarg()?;
        Message::of(&io, m, data)
    };
    let messages = messages.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
    io.s.counters.add(Count::WriteTries, 1);
    let (mut bytes, mut partly) = (0, Vec::new());
    for (place, m) in messages.iter().enumerate() {
        match m.send(&io, flags) {
            Ok(n) => {
                io.s.counters.wrote_packet(n);
                bytes += n;
                if n < m.size() || m.more {
                    partly.push((place, n));
                    break;
                }
            }
            Err(e) if place == 0 => return finish(ctx, io, Err(e), m.size(), false, args[3]),
            Err(_) => break,
        }
    }
    io.done(Turn::Write);
    drop(io);
    ctx.charge(bytes / BYTES_PER_REDUCTION);
    if partly.is_empty() {
        return Ok(OK);
    }
    let h = ctx.heap();
    let number = |n: usize| Term::small(n as i64);
    let partly: Vec<Term> = partly.iter().map(|&(place, n)| h.tuple(&[number(place), number(n)])).collect();
    let partly = h.list(&partly);
    Ok(ctx.ok(partly)?)
}

/// A message to be sent.
struct Message<'a> {
    to: Option<Address>,
    pieces: Vec<Cow<'a, [u8]>>,
    control: Vec<u8>,
    /// There are data behind the pieces.
    more: bool,
}

impl Message<'_> {
    fn of<'a>(io: &Io<'_>, message: Term, data: Term) -> Result<Message<'a>, Failure> {
        let to = match at(message, "addr") {
            Some(t) => Some(address::decode(t).ok_or(Failure::Invalid(am!("addr")))?),
            None => None,
        };
        let (pieces, more) = pieces(data, io.socket.is_stream()).ok_or(Failure::Invalid(am!("iov")))?;
        let control = match at(message, "ctrl") {
            Some(t) => super::control::decode(t, io.s.settings.write_control).ok_or(Failure::Invalid(am!("ctrl")))?,
            None => Vec::new(),
        };
        Ok(Message { to, pieces, control, more })
    }

    fn size(&self) -> usize {
        self.pieces.iter().map(|p| p.len()).sum()
    }

    fn send(&self, io: &Io<'_>, flags: i32) -> Result<usize, Errno> {
        sent_message(io, &self.pieces, &self.control, flags, self.to.as_ref())
    }
}

fn send_pieces(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    reference(args[2], false)?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, ctx.process.who(), args[2])? else {
        return queued(ctx, args[0]);
    };
    let (pieces, more) = pieces(args[1], io.socket.is_stream()).ok_or(Failure::Invalid(am!("iov")))?;
    io.s.counters.add(Count::WriteTries, 1);
    let size = pieces.iter().map(|p| p.len()).sum();
    let sent = sent_message(&io, &pieces, &[], 0, None);
    finish(ctx, io, sent, size, more, args[2])
}

fn sent_message(
    io: &Io<'_>,
    pieces: &[Cow<'_, [u8]>],
    control: &[u8],
    flags: i32,
    to: Option<&Address>,
) -> Result<usize, Errno> {
    let pieces: Vec<IoSlice<'_>> = pieces.iter().map(|p| IoSlice::new(p)).collect();
    let fd = io.fd().map_err(|_| Errno::BADF)?;
    sys::send_message(fd, &pieces, control, flags, to)
}

/// The binaries at the beginning of a list that are sent at once, and whether there are data behind them: only a
/// stream can be sent in parts.
fn pieces<'a>(mut list: Term, is_stream: bool) -> Option<(Vec<Cow<'a, [u8]>>, bool)> {
    let mut pieces = Vec::new();
    while pieces.len() < PIECES
        && let Some((head, tail)) = list.as_cons()
    {
        pieces.push(head.as_bytes()?);
        list = tail;
    }
    while let Some((head, tail)) = list.as_cons()
        && head.is_binary()
        && head.bit_size() == 0
    {
        list = tail;
    }
    let more = !list.is_nil();
    let fits = if list.is_cons() { is_stream } else { list.is_nil() };
    fits.then_some((pieces, more))
}
