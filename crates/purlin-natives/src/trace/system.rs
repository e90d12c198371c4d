//! `system_monitor/0,1,2` (since OTP 28 by `erts_internal`, and `trace:system/3`) and `system_profile/0,2`.

use super::session::{legacy, named};
use purlin_term::{Heap, Immediate, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::flags::is_alive;
use purlin_vm::tracing::system::{Profiled, Wanted};
use purlin_vm::tracing::{Session, Timestamp};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "system_monitor", 0, system_monitor_0).until(27),
    Native::plain("erlang", "system_monitor", 1, system_monitor_1).until(27),
    Native::plain("erlang", "system_monitor", 2, |ctx, args| monitor(ctx, &legacy(ctx), args[0], args[1])).until(27),
    Native::plain("erts_internal", "system_monitor", 1, session_monitor_1).since(28),
    Native::plain("erts_internal", "system_monitor", 3, session_monitor_3).since(28),
    Native::plain("erlang", "system_profile", 0, system_profile_0),
    Native::plain("erlang", "system_profile", 2, system_profile_2),
];

fn system_monitor_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let session = legacy(ctx);
    Ok(monitor_of(ctx, &session))
}

/// `{Monitor, Options}`, or `undefined`.
fn monitor_of(ctx: &mut Ctx<'_>, session: &Session) -> Term {
    let Some((who, wanted)) = ctx.engine.tracing.monitor.get(session.id) else { return am!("undefined") };
    let list = options(ctx.heap(), &wanted);
    ctx.heap().tuple(&[who, list])
}

/// What a session's monitor wants to know.
pub fn wanted_by(ctx: &mut Ctx<'_>, session: &Session) -> Term {
    let wanted = ctx.engine.tracing.monitor.get(session.id).map_or(Wanted::default(), |m| m.1);
    options(ctx.heap(), &wanted)
}

fn options(h: &mut Heap, w: &Wanted) -> Term {
    let mut items = Vec::new();
    items.extend(w.busy_dist_port.then_some(am!("busy_dist_port")));
    items.extend(w.busy_port.then_some(am!("busy_port")));
    for (key, n) in
        [(am!("large_heap"), w.large_heap), (am!("long_schedule"), w.long_schedule), (am!("long_gc"), w.long_gc)]
    {
        if n > 0 {
            let n = h.unsigned(n);
            items.push(h.tuple(&[key, n]));
        }
    }
    if let Some((short, long)) = w.long_queue {
        let limits = h.tuple(&[Term::small(short as i64), Term::small(long as i64)]);
        items.push(h.tuple(&[am!("long_message_queue"), limits]));
    }
    h.list(&items)
}

fn system_monitor_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let session = legacy(ctx);
    match args[0].as_tuple() {
        Some(&[who, options]) => monitor(ctx, &session, who, options),
        None if args[0] == am!("undefined") => monitor(ctx, &session, args[0], Term::NIL),
        _ => Err(Escape::BADARG),
    }
}

/// The session whose monitor is meant; `legacy` is the one of `erlang:system_monitor/1,2`.
fn session_of(ctx: &Ctx<'_>, t: Term) -> Result<Arc<Session>, Escape> {
    if t == am!("legacy") { Ok(legacy(ctx)) } else { named(ctx, t).map_err(|_| Escape::BADARG) }
}

fn session_monitor_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let session = session_of(ctx, args[0])?;
    Ok(monitor_of(ctx, &session))
}

/// With a session that has a tracer, that is who is told, and what is not named stays as it is.
fn session_monitor_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let session = session_of(ctx, args[0])?;
    let Some(tracer) = session.tracer() else { return monitor(ctx, &session, args[1], args[2]) };
    if args[1] != am!("session") || !tracer.is_local_pid() {
        return Err(Escape::BADARG);
    }
    let monitor = &ctx.engine.tracing.monitor;
    let _control = ctx.engine.tracing.control.lock();
    let mut wanted = monitor.get(session.id).map_or(Wanted::default(), |m| m.1);
    change(&mut wanted, args[2], ctx.engine.config.release).or_badarg()?;
    if !session.is_alive() {
        return Err(Escape::BADARG);
    }
    monitor.set(session.id, Some((Immediate::new(tracer).or_badarg()?, wanted)));
    Ok(am!("ok"))
}

fn monitor(ctx: &mut Ctx<'_>, session: &Session, who: Term, options: Term) -> NativeResult {
    if who == am!("undefined") && !options.is_list() && ctx.engine.config.release >= Release(28) {
        return Err(Escape::BADARG);
    }
    if who == am!("undefined") || options.is_nil() {
        let before = monitor_of(ctx, session);
        ctx.engine.tracing.monitor.set(session.id, None);
        return Ok(before);
    }
    let mut wanted = Wanted::default();
    if !who.is_local_pid() || !is_alive(ctx.engine, who) {
        return Err(Escape::BADARG);
    }
    change(&mut wanted, options, ctx.engine.config.release).or_badarg()?;
    let before = monitor_of(ctx, session);
    ctx.engine.tracing.monitor.set(session.id, Some((Immediate::new(who).or_badarg()?, wanted)));
    Ok(before)
}

/// Changes what a list of options names. Since OTP 28 each can be `{Option, false}`.
fn change(w: &mut Wanted, options: Term, release: Release) -> Option<()> {
    let both = release >= Release(28);
    for option in options.as_list()? {
        let (key, value) = match option.as_tuple() {
            Some(&[key, value]) => (key, value),
            Some(_) => return None,
            None => (option, am!("true")),
        };
        let off = both && value == am!("false");
        let limit = |least: u64| match (value.as_usize(), value.as_big()) {
            _ if off => Some(0),
            (Some(n), _) => Some((n as u64).max(least)),
            (None, Some((false, &[digit]))) => Some(digit),
            _ => None,
        };
        let switch = || value.as_bool().filter(|_| both || !option.is_tuple());
        match key.as_atom()?.name() {
            "long_gc" => w.long_gc = limit(1)?,
            "long_schedule" => w.long_schedule = limit(1)?,
            // Smaller heaps are nothing unusual.
            "large_heap" => w.large_heap = limit(16384)?,
            "long_message_queue" if off => w.long_queue = None,
            "long_message_queue" if release >= Release(27) => w.long_queue = Some(queue_limits(value)?),
            "busy_port" => w.busy_port = switch()?,
            "busy_dist_port" => w.busy_dist_port = switch()?,
            _ => return None,
        }
    }
    Some(())
}

/// `{Disable, Enable}`: from how many messages on a queue is long, and up to how many it is no more.
fn queue_limits(t: Term) -> Option<(usize, usize)> {
    let &[short, long] = t.as_tuple()? else { return None };
    Some((short.as_usize()?, long.as_usize()?)).filter(|(short, long)| short < long)
}

fn system_profile_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let now = ctx.engine.tracing.profile.get();
    Ok(now.map_or(am!("undefined"), |(who, p)| profile_term(ctx.heap(), who, &p)))
}

fn profile_term(h: &mut Heap, who: Term, p: &Profiled) -> Term {
    let items = [
        (p.exclusive, am!("exclusive")),
        (p.scheduler, am!("scheduler")),
        (p.runnable_procs, am!("runnable_procs")),
        (p.runnable_ports, am!("runnable_ports")),
    ];
    let list: Vec<Term> = items.into_iter().filter(|i| i.0).map(|i| i.1).collect();
    let list = h.list(&list);
    h.tuple(&[who, list])
}

fn system_profile_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (who, options) = (args[0], args[1]);
    let before = system_profile_0(ctx, &[])?;
    if who == am!("undefined") || options.is_nil() {
        ctx.engine.tracing.profile.set(None);
        return Ok(before);
    }
    let list = options.as_list().or_badarg()?;
    if !is_alive(ctx.engine, who) {
        return Err(Escape::BADARG);
    }
    let mut p = Profiled {
        runnable_procs: false,
        runnable_ports: false,
        scheduler: false,
        exclusive: false,
        timestamp: Timestamp::Now,
    };
    for option in list {
        match option.as_atom().or_badarg()?.name() {
            "runnable_procs" => p.runnable_procs = true,
            "runnable_ports" => p.runnable_ports = true,
            "exclusive" => p.exclusive = true,
            "scheduler" => p.scheduler = true,
            "timestamp" => p.timestamp = Timestamp::Now,
            "strict_monotonic_timestamp" => p.timestamp = Timestamp::Strict,
            "monotonic_timestamp" => p.timestamp = Timestamp::Monotonic,
            _ => return Err(Escape::BADARG),
        }
    }
    ctx.engine.tracing.profile.set(Some((Immediate::new(who).or_badarg()?, p)));
    Ok(before)
}
