//! Tracers: the terms that name them, and the natives of `erl_tracer`, which sends trace messages to processes and
//! ports. Other tracer modules would be native libraries, which cannot be loaded here.

use purlin_term::{Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::flags::is_alive;
use purlin_vm::tracing::message::{Timestamp, deliver};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] =
    &[Native::plain("erl_tracer", "enabled", 3, enabled), Native::plain("erl_tracer", "trace", 5, trace)];

/// The tracer of `Pid`, `{Tag, Pid}` or `{Tag, erl_tracer, Pid}`, where a port may stand for a pid.
pub fn tracer_of(tag: Term, t: Term) -> Option<Term> {
    let state = match t.as_tuple() {
        Some(&[t, state]) if t == tag => state,
        Some(&[t, module, state]) if t == tag && module == am!("erl_tracer") => state,
        Some(_) => return None,
        None => t,
    };
    (state.is_local_pid() || state.as_port().is_some()).then_some(state)
}

/// The tracer of a session: `Pid` or `{erl_tracer, Pid}`, where a port may stand for a pid.
pub fn of_session(t: Term) -> Option<Term> {
    match t.as_tuple() {
        Some(&[module, state]) if module == am!("erl_tracer") => tracer_of(am!("tracer"), state),
        Some(_) => None,
        None => tracer_of(am!("tracer"), t),
    }
}

/// The tracer that `system_flag(sequential_tracer, T)` sets: none for `false`; `Err`: no tracer at all.
pub fn sequential_tracer(t: Term) -> Result<Option<Term>, Escape> {
    match t.as_tuple() {
        _ if t == am!("false") => Ok(None),
        Some(&[module, state]) if module == am!("erl_tracer") => {
            tracer_of(am!("seq_trace"), state).map(Some).or_badarg()
        }
        _ => tracer_of(am!("seq_trace"), t).map(Some).or_badarg(),
    }
}

/// Whether a tracer wants an event: one that has ended wants no more, and none wants events of its own.
fn enabled(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let alive = is_alive(ctx.engine, args[1]);
    Ok(match (alive, args[1] == args[2]) {
        (false, _) if args[0] == am!("trace_status") => am!("remove"),
        (true, false) => am!("trace"),
        _ => am!("discard"),
    })
}

/// Sends a tracer the message of an event, with what the options add.
fn trace(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let &[tag, tracer, tracee, message, options] = args else { return Err(Escape::BADARG) };
    if !tracer.is_local_pid() && tracer.as_port().is_none() {
        return Err(Escape::BADARG);
    }
    let option = |key| if options.is_map() { map::get(options, key) } else { None };
    let timestamp = option(am!("timestamp")).map(|t| match t.as_atom().map(|atom| atom.name()) {
        Some("monotonic") => Timestamp::Monotonic,
        Some("strict_monotonic") => Timestamp::Strict,
        Some("cpu_timestamp") => Timestamp::Cpu,
        _ => Timestamp::Now,
    });
    let engine = ctx.engine.clone();
    deliver(ctx.engine, tracer, |h| {
        let stamp = timestamp.and_then(|t| t.term(&engine, h));
        let mut parts = match option(am!("extra")) {
            None if tag == am!("seq_trace") => vec![tag, tracee, message],
            extra => {
                let first = if stamp.is_some() { am!("trace_ts") } else { am!("trace") };
                [first, tracee, tag, message].into_iter().chain(extra).collect()
            }
        };
        parts.extend(option(am!("match_spec_result")));
        parts.extend(option(am!("scheduler_id")));
        parts.extend(stamp);
        h.tuple(&parts)
    });
    Ok(am!("ok"))
}
