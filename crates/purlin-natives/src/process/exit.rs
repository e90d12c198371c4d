//! `exit/2,3`, `exit_signal/2,3`, `halt/2`, `hibernate/0,3`, `yield/0`, `bump_reductions/1`.

use super::{TRUE, badopt, pair, remote};
use purlin_term::{Atom, Kind, Release, RemotePid, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::sched::SLICE;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, End, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "exit", 2, exit_2),
    Native::plain("erlang", "exit", 3, exit_3).since(28),
    Native::plain("erlang", "exit_signal", 2, exit_signal),
    Native::plain("erlang", "exit_signal", 3, exit_signal_3).since(29),
    Native::plain("erlang", "halt", 2, halt),
    Native::plain("erlang", "hibernate", 3, hibernate),
    Native::plain("erlang", "hibernate", 0, |_, _| Err(Escape::HibernateReturn)).since(28),
    Native::plain("erlang", "yield", 0, yield_0),
    Native::plain("erlang", "bump_reductions", 1, bump_reductions),
];

fn exit_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    exit(ctx, args, false)
}

fn exit_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let priority = only_priority(args[2]).ok_or_else(badopt)?;
    exit(ctx, args, priority)
}

/// Whether an option list, which may hold nothing but `priority`, holds it.
pub fn only_priority(options: Term) -> Option<bool> {
    let options = options.as_list()?;
    options.iter().all(|&option| option == am!("priority")).then_some(!options.is_empty())
}

fn exit(ctx: &mut Ctx<'_>, args: &[Term], priority: bool) -> NativeResult {
    let me = ctx.pid();
    if args[0] != me {
        return exit_other(ctx, args[0], args[1], priority);
    }
    ctx.engine.post(me, Signal::exit(me, false, args[1]));
    if args[1].is(Atom::KILL) || !ctx.data.traps_exits() {
        // The caller ends before the call returns, after the signals it sent to itself earlier.
        if let Some(reason) = purlin_vm::inbox::fetch(ctx) {
            return Err(Escape::Exited(reason));
        }
    }
    Ok(TRUE)
}

/// As `exit/2`, but a process that sends itself `normal` goes on, like any other.
fn exit_signal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    exit_other(ctx, args[0], args[1], false)
}

fn exit_signal_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let priority = only_priority(args[2]).ok_or_else(badopt)?;
    exit_other(ctx, args[0], args[1], priority)
}

/// Sends an exit signal. Only one to an alias may be a priority signal.
fn exit_other(ctx: &mut Ctx<'_>, other: Term, reason: Term, priority: bool) -> NativeResult {
    let me = ctx.pid();
    if other.is_local_pid() {
        // A sender that is the receiver would count as `exit/2` with itself.
        let mut signal = Signal::exit(me, false, reason);
        if other == me {
            signal.kind = SignalKind::Exit { from: Term::NONE, linked: false, priority: false };
        }
        if reason.is(Atom::KILL)
            && let Some(p) = other.as_pid().and_then(|id| ctx.engine.process(id))
        {
            p.set_doomed();
        }
        ctx.engine.post(other, signal);
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        ctx.engine.port_signal(port, PortSignal::Exit { from: me, linked: false, reason });
        return Ok(TRUE);
    }
    if ctx.engine.config.release >= Release(28)
        && let Some(alias) = other.as_local_ref()
    {
        // A reference that names no process is no alias: the signal is dropped.
        if let Some(receiver) = other.ref_pid() {
            ctx.engine.post(receiver, Signal::exit_of(SignalKind::AliasExit { alias, priority }, me, reason));
        }
        return Ok(TRUE);
    }
    match other.as_external() {
        Some((Kind::ExtPid, node, ..)) if node == ctx.engine.node() => Ok(TRUE),
        Some((Kind::ExtPid, ..)) => {
            remote::exit(ctx, RemotePid::of(other).or_badarg()?, reason)?;
            remote::answer(ctx, other, TRUE)
        }
        Some((Kind::ExtPort, node, ..)) if node == ctx.engine.node() => Ok(TRUE),
        _ => Err(Escape::BADARG),
    }
}

fn halt(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut flush = true;
    for option in args[1].as_list().ok_or_else(badopt)? {
        match pair(option) {
            Some((key, value)) if key == am!("flush") => flush = value.as_bool().ok_or_else(badopt)?,
            _ => return Err(badopt()),
        }
    }
    if let Some(status) = args[0].as_small() {
        if status < 0 {
            return Err(Escape::BADARG);
        }
        ctx.engine.sched.halt((status & 0x7FFF_FFFF) as i32, flush);
    } else if args[0] == am!("abort") {
        ctx.engine.sched.end(End::Abort);
    } else if let Some((false, digits)) = args[0].as_big() {
        ctx.engine.sched.halt((digits[0] & 0x7FFF_FFFF) as i32, flush);
    } else if let Some(text) = args[0].list_text() {
        let shown: String = text.chars().take(1023).collect();
        // Nobody reads it when that fails.
        let _ = crate::console::error(format!("{shown}\n").as_bytes());
        ctx.engine.sched.halt(1, false);
    } else {
        return Err(Escape::BADARG);
    }
    // The schedulers stop; the caller never comes back here with anything to do.
    ctx.data.give_up_slice();
    Err(Escape::Wait(args.to_vec()))
}

fn hibernate(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (module, function) = (args[0].as_atom().or_badarg()?, args[1].as_atom().or_badarg()?);
    let list = args[2].as_list().or_badarg()?;
    if list.len() > 255 {
        return Err(Escape::SYSTEM_LIMIT);
    }
    Err(Escape::Hibernate { module, function, args: list })
}

fn yield_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    ctx.data.give_up_slice();
    Err(Escape::YieldReturn(TRUE))
}

/// Counts as many reductions as a time slice has at most.
fn bump_reductions(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let reductions = args[0].as_small().and_then(|n| usize::try_from(n).ok()).or_badarg()?;
    ctx.charge(reductions.min(SLICE as usize));
    Ok(TRUE)
}
