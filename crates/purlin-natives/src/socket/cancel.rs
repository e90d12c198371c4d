//! Taking back an operation whose `select` message has not come.

use super::io::Io;
use super::state::{Turn, flag};
use super::{Failure, OK, Outcome, reply, socket_of};
use purlin_term::{Immediate, Release, Term, am};
use purlin_vm::{Ctx, Escape, Native};

pub const NATIVES: &[Native] = &[Native::plain("prim_socket", "nif_cancel", 3, |ctx, args| reply(ctx, args, cancel))];

fn cancel(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (socket, pid) = (socket_of(args[0])?, ctx.process.who());
    let release = ctx.engine.config.release;
    let mut io = Io::open(ctx.engine, socket)?;
    match args[1].as_atom().map(|operation| operation.name()) {
        Some("connect") => match cancel_connect(&mut io, pid, args[2]) {
            None if release >= Release(27) => Err(Failure::Error("not_found")),
            outcome => Ok(outcome.unwrap_or(am!("not_found"))),
        },
        Some("accept") => cancel_turn(&mut io, Turn::Accept, pid, args[2]),
        Some("recv" | "recvfrom" | "recvmsg") => cancel_turn(&mut io, Turn::Read, pid, args[2]),
        Some("recvmmsg") if release >= Release(29) => cancel_turn(&mut io, Turn::Read, pid, args[2]),
        Some("send" | "sendto" | "sendmsg" | "sendfile") => cancel_turn(&mut io, Turn::Write, pid, args[2]),
        Some("sendv") if release >= Release(27) => cancel_turn(&mut io, Turn::Write, pid, args[2]),
        Some("sendmmsg") if release >= Release(29) => cancel_turn(&mut io, Turn::Write, pid, args[2]),
        _ => Err(Escape::BADARG.into()),
    }
}

fn outcome(io: &mut Io<'_>, turn: Turn) -> Term {
    if io.unselect(turn) { OK } else { am!("select_sent") }
}

/// `None`: nothing waits by this reference.
fn cancel_connect(io: &mut Io<'_>, pid: Immediate, reference: Term) -> Option<Term> {
    if !io.s.connector.as_ref().is_some_and(|r| r.pid == pid && r.is_for(reference)) {
        return None;
    }
    io.s.connector = None;
    io.s.writing &= !flag::CONNECTING;
    Some(outcome(io, Turn::Write))
}

fn cancel_turn(io: &mut Io<'_>, turn: Turn, pid: Immediate, reference: Term) -> Outcome {
    let queue = io.s.queue(turn);
    if queue.is_taken(pid.term()) {
        // Of the operations that wait for their turn a process has at most one.
        let at = queue.waiting.iter().position(|r| r.pid == pid && r.is_for(reference));
        return Ok(at.and_then(|at| queue.waiting.remove(at)).map_or(am!("not_found"), |_| OK));
    }
    if !queue.current.as_ref().is_some_and(|r| r.is_for(reference)) {
        return Ok(am!("not_found"));
    }
    let answer = outcome(io, turn);
    io.next(turn);
    Ok(answer)
}
