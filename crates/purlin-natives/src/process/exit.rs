//! `exit/1,2`, `exit_signal/2`, `throw/1`, `error/1,2,3`, `raise/3`, `halt/2`, `hibernate/3`, `yield/0`.

use super::{TRUE, badopt, pair};
use purlin_term::{Atom, Kind, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::signal::Signal;
use purlin_vm::{Class, Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "exit", 1, exit_1),
    Native::plain("erlang", "exit", 2, exit_2),
    Native::plain("erlang", "exit_signal", 2, exit_signal),
    Native::plain("erlang", "throw", 1, throw),
    Native::plain("erlang", "error", 1, error_1),
    Native::plain("erlang", "error", 2, error_2),
    Native::plain("erlang", "error", 3, error_3),
    Native::plain("erlang", "nif_error", 1, error_1),
    Native::plain("erlang", "nif_error", 2, error_2),
    Native::plain("erlang", "raise", 3, raise),
    Native::plain("erlang", "halt", 2, halt),
    Native::plain("erlang", "hibernate", 3, hibernate),
    Native::plain("erlang", "yield", 0, yield_0),
    Native::plain("erlang", "bump_reductions", 1, bump_reductions),
];

fn exit_1(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Err(Escape::Exit(a[0]))
}

fn exit_2(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let me = c.pid();
    if a[0] != me {
        return exit_other(c, a[0], a[1]);
    }
    c.engine.post(me, Signal::exit(me, false, a[1]));
    if a[1].is(Atom::KILL) || !c.data.traps_exits() {
        // The caller ends before the call returns, after the signals it sent to itself earlier.
        if let Some(reason) = purlin_vm::handle::fetch(c.engine, c.process, c.data) {
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

fn throw(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Err(Escape::Throw(a[0]))
}

fn error_1(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Err(Escape::CallerError { reason: a[0], args: Term::NONE, info: Term::NONE })
}

fn error_2(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    Err(Escape::CallerError { reason: a[0], args: caller_args(a[1]), info: Term::NONE })
}

/// `none` stands for no arguments.
fn caller_args(args: Term) -> Term {
    if args.is(Atom::NONE_ATOM) { Term::NONE } else { args }
}

fn error_3(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut info = Term::NONE;
    for option in a[2].as_list().or_badarg()? {
        let (key, value) = pair(option).or_badarg()?;
        if key != Term::atom(Atom::ERROR_INFO) || !value.is_map() {
            return Err(Escape::BADARG);
        }
        info = value;
    }
    let _ = c;
    Err(Escape::CallerError { reason: a[0], args: caller_args(a[1]), info })
}

/// With a bad class or stack trace the result is the atom `badarg`; it is no exception.
fn raise(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let class = [Class::Error, Class::Exit, Class::Throw].into_iter().find(|k| k.atom() == a[0]);
    match class {
        Some(class) if is_stack_trace(a[2]) => Err(Escape::Raise { class, reason: a[1], stack: a[2] }),
        _ => Ok(Term::atom(Atom::BADARG)),
    }
}

/// Whether this is a list of `{M, F, ArityOrArgs[, Location]}` and `{Fun, Args[, Location]}`.
fn is_stack_trace(stack: Term) -> bool {
    let mut it = stack.iter();
    let all = it.by_ref().all(|frame| match frame.as_tuple() {
        Some(&[m, f, a]) if m.is_atom() && f.is_atom() => is_args(a),
        Some(&[m, f, a, location]) => m.is_atom() && f.is_atom() && is_args(a) && is_location(location),
        Some(&[fun, args, location]) => is_fun(fun) && is_args(args) && is_location(location),
        Some(&[fun, args]) => is_fun(fun) && is_args(args),
        _ => false,
    });
    all && it.tail().is_nil()
}

fn is_fun(t: Term) -> bool {
    matches!(t.boxed_kind(), Some(Kind::Fun | Kind::ExportFun))
}

fn is_args(t: Term) -> bool {
    t.is_list() || t.as_small().is_some_and(|n| n >= 0)
}

fn is_location(t: Term) -> bool {
    let mut it = t.iter();
    it.by_ref().all(|e| pair(e).is_some_and(|(k, _)| k.is_atom())) && it.tail().is_nil()
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
        c.engine.halt((status & 0x7FFF_FFFF) as i32, flush);
    } else if a[0] == am!("abort") {
        c.engine.halt(134, false);
    } else if let Some((false, digits)) = a[0].as_big() {
        c.engine.halt((digits[0] & 0x7FFF_FFFF) as i32, flush);
    } else if let Some(text) = a[0].list_text() {
        let shown: String = text.chars().take(1023).collect();
        eprintln!("{shown}");
        c.engine.halt(1, false);
    } else {
        return Err(Escape::BADARG);
    }
    // The schedulers stop; the caller never comes back here with anything to do.
    c.data.slice_left = 0;
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
    c.data.slice_left = 0;
    Ok(TRUE)
}

fn bump_reductions(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    match a[0].as_small() {
        Some(n) if n >= 0 => c.charge(n as usize),
        None if matches!(a[0].as_big(), Some((false, _))) => c.charge(usize::MAX),
        _ => return Err(Escape::BADARG),
    }
    Ok(TRUE)
}
