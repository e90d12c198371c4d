//! `system_monitor/0,1,2` (since OTP 28 by `erts_internal`) and `system_profile/0,2`.

use purlin_term::{Heap, Immediate, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::Timestamp;
use purlin_vm::tracing::flags::is_alive;
use purlin_vm::tracing::system::{Profiled, Wanted};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "system_monitor", 0, system_monitor_0).until(27),
    Native::plain("erlang", "system_monitor", 1, system_monitor_1).until(27),
    Native::plain("erlang", "system_monitor", 2, |ctx, args| monitor(ctx, args[0], args[1])).until(27),
    Native::plain("erts_internal", "system_monitor", 1, session_monitor_1).since(28),
    Native::plain("erts_internal", "system_monitor", 3, session_monitor_3).since(28),
    Native::plain("erlang", "system_profile", 0, system_profile_0),
    Native::plain("erlang", "system_profile", 2, system_profile_2),
];

fn system_monitor_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let now = ctx.engine.tracing.monitor.get();
    let Some((who, w)) = now else { return Ok(am!("undefined")) };
    let h = ctx.heap();
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
    let list = h.list(&items);
    Ok(h.tuple(&[who, list]))
}

fn system_monitor_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[0].as_tuple() {
        Some(&[who, options]) => monitor(ctx, who, options),
        None if args[0] == am!("undefined") => monitor(ctx, args[0], Term::NIL),
        _ => Err(Escape::BADARG),
    }
}

/// The monitor of a trace session; `legacy` is the one that is no session's.
fn session_monitor_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0] == am!("legacy") { system_monitor_0(ctx, &[]) } else { Err(Escape::BADARG) }
}

fn session_monitor_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0] == am!("legacy") { monitor(ctx, args[1], args[2]) } else { Err(Escape::BADARG) }
}

fn monitor(ctx: &mut Ctx<'_>, who: Term, options: Term) -> NativeResult {
    if who == am!("undefined") || options.is_nil() {
        let before = system_monitor_0(ctx, &[])?;
        ctx.engine.tracing.monitor.set(None);
        return Ok(before);
    }
    let list = options.as_list().or_badarg()?;
    if !who.is_local_pid() || !is_alive(ctx.engine, who) {
        return Err(Escape::BADARG);
    }
    let mut w = Wanted::default();
    for option in list {
        if let Some(&[key, value]) = option.as_tuple() {
            if key == am!("long_message_queue") && ctx.engine.config.release >= Release(27) {
                w.long_queue = Some(queue_limits(value).or_badarg()?);
                continue;
            }
            let n = match (value.as_usize(), value.as_big()) {
                (Some(n), _) => n as u64,
                (None, Some((false, &[digit]))) => digit,
                _ => return Err(Escape::BADARG),
            };
            match key.as_atom().or_badarg()?.name() {
                "long_gc" => w.long_gc = n.max(1),
                "long_schedule" => w.long_schedule = n.max(1),
                // Smaller heaps are nothing unusual.
                "large_heap" => w.large_heap = n.max(16384),
                _ => return Err(Escape::BADARG),
            }
        } else if option == am!("busy_port") {
            w.busy_port = true;
        } else if option == am!("busy_dist_port") {
            w.busy_dist_port = true;
        } else {
            return Err(Escape::BADARG);
        }
    }
    let before = system_monitor_0(ctx, &[])?;
    ctx.engine.tracing.monitor.set(Some((Immediate::new(who).or_badarg()?, w)));
    Ok(before)
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
