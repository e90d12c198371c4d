//! Sending files: the system copies from a descriptor of the file to the socket.
//!
//! Reading the file may block, so this runs on the pool. Between portions the socket's lock is given away; that others
//! do not write meanwhile is ensured by its being this process's turn.

use super::counters::FileCounters;
use super::io::Io;
use super::send::{partly, queued, writable};
use super::state::Turn;
use super::{Failure, OK, Outcome, integers, out_of_range, reference, reply, size, socket_of};
use crate::{errno, file};
use parking_lot::MutexGuard;
use purlin_term::{Term, am};
use purlin_vm::{Ctx, Native};
use rustix::io::Errno;

pub const NATIVES: &[Native] = &[
    Native::blocking("prim_socket", "nif_sendfile", 1, |ctx, args| reply(ctx, args, deferred_close)),
    Native::blocking("prim_socket", "nif_sendfile", 4, |ctx, args| reply(ctx, args, go_on)),
    Native::blocking("prim_socket", "nif_sendfile", 5, |ctx, args| reply(ctx, args, start)),
];

/// Bytes that are sent at most before the lock is given away.
const PORTION: usize = 256 << 10;

/// The offset and the number of bytes; 0: all up to the file's end.
fn range(args: &[Term]) -> Result<(i64, usize), Failure> {
    integers(args)?;
    Ok((args[0].as_i64().ok_or_else(|| out_of_range(args[0]))?, size(args[1])?))
}

fn counters<'a>(io: &'a mut Io<'_>) -> &'a mut FileCounters {
    io.s.file_counters.get_or_insert_default()
}

/// Begins to send a file: `nif_sendfile(Socket, Ref, Offset, Count, File)`.
fn start(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (socket, pid) = (socket_of(args[0])?, ctx.process.who());
    reference(args[1], false)?;
    let (offset, count) = range(&args[2..4])?;
    reference(args[4], false)?;
    let Some(mut io) = writable(Io::open(ctx.engine, socket)?, pid, args[1])? else {
        return queued(ctx, args[0]);
    };
    if io.s.file.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    match file::duplicate(args[4]) {
        Ok(fd) => io.s.file = Some(fd),
        Err(Some(e)) => return Err(failed(&mut io, e)),
        Err(None) => {
            counters(&mut io).fails += 1;
            io.fail(Turn::Write, am!("einval"));
            return Err(Failure::ErrorInvalid(am!("efile")));
        }
    }
    let c = counters(&mut io);
    c.tries += 1;
    c.now = 0;
    send(ctx, io, offset, count, args[1])
}

/// Goes on after a `select` message: `nif_sendfile(Socket, Ref, Offset, Count)`.
fn go_on(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (socket, pid) = (socket_of(args[0])?, ctx.process.who());
    reference(args[1], false)?;
    let (offset, count) = range(&args[2..4])?;
    let io = Io::open(ctx.engine, socket)?;
    if io.s.connector.is_some() {
        return Err(Failure::ErrorInvalid(am!("state")));
    }
    let mine = io.s.writers.current.as_ref().is_some_and(|r| r.pid == pid);
    if !mine || io.s.file.is_none() {
        return Err(Failure::Raise(am!("state")));
    }
    send(ctx, io, offset, count, args[1])
}

/// Closes the file of a socket whose owner has ended, which is done at once here.
fn deferred_close(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let file = Io::new(ctx.engine, socket_of(args[0])?).s.file.take();
    file.map(|_| OK).ok_or(Failure::ErrorInvalid(am!("state")))
}

fn failed(io: &mut Io<'_>, e: Errno) -> Failure {
    counters(io).fails += 1;
    io.fail(Turn::Write, errno::atom(e));
    e.into()
}

/// Sends until the file ends or nothing more goes.
fn send(ctx: &mut Ctx<'_>, mut io: Io<'_>, offset: i64, count: usize, reference: Term) -> Outcome {
    let Ok(mut offset) = u64::try_from(offset) else {
        io.s.file = None;
        return Err(failed(&mut io, Errno::INVAL));
    };
    io.take_turn(Turn::Write, ctx.process.who(), reference);
    let mut sent = 0;
    loop {
        let wanted = if count == 0 { PORTION } else { PORTION.min(count - sent) };
        let file = io.s.file.as_ref().ok_or(Failure::CLOSED)?;
        let result = rustix::fs::sendfile(io.fd()?, file, Some(&mut offset), wanted);
        counters(&mut io).calls += 1;
        match result {
            Ok(n) => {
                sent += n;
                count_sent(&mut io, n as u64, sent as u64);
                if n == 0 || sent == count {
                    io.s.file = None;
                    io.done(Turn::Write);
                    io.s.counters.forget_packet();
                    drop(io);
                    let sent = ctx.heap().unsigned(sent as u64);
                    return Ok(ctx.ok(sent)?);
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                counters(&mut io).waits += 1;
                io.wait(Turn::Write, ctx.process.who(), reference);
                return partly(ctx, io, am!("select"), sent);
            }
            Err(e) => {
                io.s.file = None;
                return Err(failed(&mut io, e));
            }
        }
        MutexGuard::bump(&mut io.s);
    }
}

/// Counts bytes that went out; `call` of them in this call.
fn count_sent(io: &mut Io<'_>, n: u64, call: u64) {
    if n > 0 {
        let c = counters(io);
        c.packets += 1;
        c.bytes += n;
        c.packet_max = c.packet_max.max(call);
        c.now += n;
        c.max = c.max.max(c.now);
    }
}
