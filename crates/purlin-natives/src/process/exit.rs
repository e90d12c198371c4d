//! `exit/2`, `exit_signal/2`, `halt/2`, `hibernate/3`, `yield/0`, `bump_reductions/1`.

use super::{TRUE, badopt, pair};
use purlin_term::{Atom, Kind, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::signal::Signal;
use purlin_vm::{Ctx, End, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "exit", 2, exit_2),
    Native::plain("erlang", "exit_signal", 2, exit_signal),
    Native::plain("erlang", "halt", 2, halt),
    Native::plain("erlang", "hibernate", 3, hibernate),
    Native::plain("erlang", "yield", 0, yield_0),
    Native::plain("erlang", "bump_reductions", 1, bump_reductions),
];

fn exit_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let me = c.pid();
    if a[0] != me {
        return exit_other(c, a[0], a[1]);
    }
    c.engine.post(me, Signal::exit(me, false, a[1]));
    if a[1].is(Atom::KILL) || !c.data.traps_exits() {
        // The caller ends before the call returns, after the signals it sent to itself earlier.
        if let Some(reason) = purlin_vm::inbox::fetch(c.engine, c.process, c.data) {
            return Err(Escape::Exited(reason));
        }
    }
    Ok(TRUE)
}

/// As `exit/2`, but a process that sends itself `normal` goes on, like any other.
fn exit_signal(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    exit_other(c, a[0], a[1])
}

fn exit_other(c: &mut Ctx<'_>, other: Term, reason: Term) -> NativeResult {
    let me = c.pid();
    if other.is_local_pid() {
        // A sender that is the receiver would count as `exit/2` with itself.
        let mut signal = Signal::exit(me, false, reason);
        if other == me {
            signal.kind = purlin_vm::signal::SignalKind::Exit { from: Term::NONE, linked: false };
        }
        if reason.is(Atom::KILL)
            && let Some(p) = other.as_pid().and_then(|id| c.engine.process(id))
        {
            p.set_doomed();
        }
        c.engine.post(other, signal);
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        c.engine.port_signal(port, PortSignal::Exit { from: me, linked: false, reason });
        return Ok(TRUE);
    }
    match other.as_external() {
        // No other node can be reached without distribution.
        Some((Kind::ExtPid, ..)) => Ok(TRUE),
        Some((Kind::ExtPort, node, ..)) if node == c.engine.node() => Ok(TRUE),
        _ => Err(Escape::BADARG),
    }
}

fn halt(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut flush = true;
    for option in a[1].as_list().ok_or_else(badopt)? {
        match pair(option) {
            Some((key, value)) if key == am!("flush") => flush = value.as_bool().ok_or_else(badopt)?,
            _ => return Err(badopt()),
        }
    }
    if let Some(status) = a[0].as_small() {
        if status < 0 {
            return Err(Escape::BADARG);
        }
        c.engine.sched.halt((status & 0x7FFF_FFFF) as i32, flush);
    } else if a[0] == am!("abort") {
        c.engine.sched.end(End::Abort);
    } else if let Some((false, digits)) = a[0].as_big() {
        c.engine.sched.halt((digits[0] & 0x7FFF_FFFF) as i32, flush);
    } else if let Some(text) = a[0].list_text() {
        let shown: String = text.chars().take(1023).collect();
        eprintln!("{shown}");
        c.engine.sched.halt(1, false);
    } else {
        return Err(Escape::BADARG);
    }
    // The schedulers stop; the caller never comes back here with anything to do.
    c.data.give_up_slice();
    Err(Escape::Wait(a.to_vec()))
}

fn hibernate(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (module, function) = (a[0].as_atom().or_badarg()?, a[1].as_atom().or_badarg()?);
    let args = a[2].as_list().or_badarg()?;
    if args.len() > 255 {
        return Err(Escape::SYSTEM_LIMIT);
    }
    Err(Escape::Hibernate { module, function, args })
}

fn yield_0(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    c.data.give_up_slice();
    Err(Escape::YieldReturn(TRUE))
}

fn bump_reductions(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    match a[0].as_small() {
        Some(n) if n >= 0 => c.charge(n as usize),
        _ => return Err(Escape::BADARG),
    }
    Ok(TRUE)
}
