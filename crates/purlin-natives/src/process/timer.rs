//! `send_after`, `start_timer`, `cancel_timer`, `read_timer`.

use super::{FALSE, badopt, bool_arg, ok, pair};
use purlin_term::{Atom, Term, am};
use purlin_vm::clock::Time;
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::timed;
use purlin_vm::timer::Destination;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "send_after", 3, send_after),
    Native::plain("erlang", "send_after", 4, send_after),
    Native::plain("erlang", "start_timer", 3, start_timer),
    Native::plain("erlang", "start_timer", 4, start_timer),
    Native::plain("erlang", "cancel_timer", 1, cancel_timer),
    Native::plain("erlang", "cancel_timer", 2, cancel_timer),
    Native::plain("erlang", "read_timer", 1, read_timer),
    Native::plain("erlang", "read_timer", 2, read_timer),
];

const MS: i64 = 1_000_000;
/// The longest time, in milliseconds, that a timer can run: about 200 years.
const LONGEST: i64 = 1 << 42;

#[derive(Default)]
struct Options {
    absolute: bool,
    asynchronous: bool,
    no_info: bool,
}

/// Parses timer options of which only those in `allowed` may be given.
fn options(list: Option<&Term>, allowed: &[Term]) -> Result<Options, Escape> {
    let mut o = Options::default();
    let Some(list) = list else { return Ok(o) };
    for option in list.as_list().or_badarg()? {
        let (key, value) = pair(option).or_badarg()?;
        if !allowed.contains(&key) {
            return Err(Escape::BADARG);
        }
        let value = bool_arg(value)?;
        if key == am!("abs") {
            o.absolute = value;
        } else if key == am!("async") {
            o.asynchronous = value;
        } else {
            o.no_info = !value;
        }
    }
    Ok(o)
}

fn send_after(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, false)
}

fn start_timer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, true)
}

fn start(ctx: &mut Ctx<'_>, args: &[Term], wrap: bool) -> NativeResult {
    let o = options(args.get(3), &[am!("abs")]).map_err(|_| badopt())?;
    let at = deadline(ctx, args[0], o.absolute).ok_or_else(|| Escape::badarg_cause(am!("time")))?;
    let to = match (args[1].as_pid(), args[1].as_atom()) {
        (Some(id), _) => Destination::Pid(id),
        (None, Some(name)) => Destination::Name(name),
        _ => return Err(Escape::BADARG),
    };
    let id = ctx.engine.next_ref();
    let reference = ctx.heap().reference(id);
    let message = if wrap {
        Signal::built(SignalKind::Message, |h| h.tuple(&[Term::atom(Atom::TIMEOUT), reference, args[2]]))
    } else {
        Signal::with_copy(SignalKind::Sent, args[2])
    };
    timed::start(ctx.engine, at, to, message, id);
    Ok(reference)
}

fn deadline(ctx: &Ctx<'_>, t: Term, absolute: bool) -> Option<Time> {
    let ms = t.as_small()?;
    if absolute {
        return (ms.abs() < LONGEST).then(|| ms * MS);
    }
    (0..LONGEST).contains(&ms).then(|| ctx.engine.clock.now().saturating_add(ms * MS))
}

/// Milliseconds until `at`, as a term; `false` if there is no timer.
fn left(ctx: &Ctx<'_>, at: Option<Time>) -> Term {
    match at {
        Some(at) => Term::small(((at - ctx.engine.clock.now()).max(0) + MS - 1) / MS),
        None => FALSE,
    }
}

fn cancel_timer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let o = options(args.get(1), &[am!("async"), am!("info")])?;
    access(ctx, args[0], &o, true)
}

fn read_timer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let o = options(args.get(1), &[am!("async")])?;
    access(ctx, args[0], &o, false)
}

fn access(ctx: &mut Ctx<'_>, timer: Term, o: &Options, cancel: bool) -> NativeResult {
    if !timer.is_ref() {
        return Err(Escape::BADARG);
    }
    if timer.as_local_ref().is_none() && !o.asynchronous {
        // Of another node: told whatever the options say.
        return Ok(FALSE);
    }
    let timers = &ctx.engine.timers;
    let at = timer.as_local_ref().and_then(|id| if cancel { timers.cancel(id) } else { timers.read(id) });
    let left = left(ctx, at);
    if o.no_info {
        return Ok(ok());
    }
    if !o.asynchronous {
        return Ok(left);
    }
    let tag = if cancel { am!("cancel_timer") } else { am!("read_timer") };
    let me = ctx.pid();
    ctx.engine.post(me, Signal::built(SignalKind::Message, |h| h.tuple(&[tag, timer, left])));
    Ok(ok())
}
