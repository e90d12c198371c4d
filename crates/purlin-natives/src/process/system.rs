//! Natives on all processes or on the emulator: `processes/0`, `is_process_alive/1`, `group_leader`, `system_flag/2`.

use super::{TRUE, await_result, bool_arg, remote};
use purlin_term::{Atom, Immediate, Kind, RemotePid, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::process::RunState;
use purlin_vm::signal::{Parcel, Signal, SignalKind, Target};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};
use std::sync::atomic::{AtomicUsize, Ordering};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "processes", 0, processes),
    Native::plain("erts_internal", "processes_next", 1, processes_next).since(28),
    Native::plain("erlang", "is_process_alive", 1, is_process_alive),
    Native::plain("erlang", "group_leader", 0, group_leader),
    Native::plain("erlang", "system_flag", 2, system_flag),
    Native::plain("erts_internal", "is_process_alive", 2, is_process_alive_request),
    Native::plain("erts_internal", "group_leader", 2, set_group_leader),
    Native::plain("erts_internal", "group_leader", 3, request_group_leader),
    Native::plain("erts_internal", "is_system_process", 1, is_system_process),
    Native::plain("erts_internal", "no_aux_work_threads", 0, no_aux_work_threads),
    Native::plain("erts_internal", "scheduler_wall_time", 1, scheduler_wall_time),
];

/// Processes listed for one reduction.
const LISTED_PER_REDUCTION: usize = 10;

fn processes(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    ctx.room_for(ctx.engine.processes.count() / LISTED_PER_REDUCTION)?;
    let pids: Vec<Term> = ctx.engine.processes.all().iter().filter(|p| p.is_listed()).map(|p| p.pid()).collect();
    ctx.charge(pids.len() / LISTED_PER_REDUCTION);
    Ok(ctx.heap().list(&pids))
}

/// `{Next, Pids}` for a part of the table, `none` beyond the last: what `erlang:processes_iterator/0` goes by.
fn processes_next(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let part = args[0].as_usize().or_badarg()?;
    let Some(processes) = ctx.engine.processes.part(part) else { return Ok(am!("none")) };
    let pids: Vec<Term> = processes.iter().filter(|p| p.is_listed()).map(|p| p.pid()).collect();
    ctx.charge(pids.len() / LISTED_PER_REDUCTION);
    let pids = ctx.heap().list(&pids);
    Ok(ctx.heap().tuple(&[Term::small(part as i64 + 1), pids]))
}

fn is_process_alive(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(id) = args[0].as_pid() else {
        return match args[0].as_external() {
            Some((Kind::ExtPid, node, ..)) if node == ctx.engine.node() => Ok(Term::bool(false)),
            _ => Err(Escape::BADARG),
        };
    };
    if args[0] == ctx.pid() {
        return Ok(TRUE);
    }
    let Some(p) = ctx.engine.process(id) else { return Ok(Term::bool(false)) };
    if p.run_state() == RunState::Waiting && !p.has_signals() && !p.is_exiting() {
        return Ok(TRUE);
    }
    // It may be about to handle an exit signal that the caller sent: let it answer in its turn.
    let ref_id = ctx.engine.next_ref();
    let reference = ctx.heap().reference(ref_id);
    let escape = await_result(ctx, reference);
    ask_alive(ctx, args[0], ref_id);
    Err(escape)
}

/// Has a process answer `{Ref, true}`, or `{Ref, false}` be sent in its place.
fn ask_alive(ctx: &mut Ctx<'_>, pid: Term, ref_id: [u64; 2]) {
    let me = ctx.process.who();
    let request = Signal::request(move |engine, target| {
        let alive = Term::bool(matches!(target, Target::Alive(..)));
        engine.post(me.term(), reply(ref_id, alive));
    });
    ctx.engine.post_question(pid, ctx.process.priority(), request);
}

/// `{Ref, Result}` with an immediate result.
fn reply(ref_id: [u64; 2], result: Term) -> Parcel {
    Signal::built(SignalKind::Message, |h| {
        let r = h.reference(ref_id);
        h.tuple(&[r, result])
    })
}

/// A reference of this node that stands for nothing but itself.
fn ordinary_ref(t: Term) -> Option<[u64; 2]> {
    t.as_local_ref().filter(|_| t.as_magic().is_none() && t.ref_pid().is_none())
}

fn is_process_alive_request(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_local_pid() {
        return Err(Escape::BADARG);
    }
    let ref_id = ordinary_ref(args[1]).or_badarg()?;
    ask_alive(ctx, args[0], ref_id);
    Ok(am!("ok"))
}

fn group_leader(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(ctx.data.group_leader)
}

/// Sets a group leader at once if that keeps the order of signals; `false`: it has to be requested.
fn set_group_leader(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let badarg = Term::atom(Atom::BADARG);
    if !args[0].is_pid() {
        return Ok(badarg);
    }
    if args[1] == ctx.pid() {
        ctx.data.group_leader = args[0];
        return Ok(TRUE);
    }
    if let Some(pid) = RemotePid::of(args[1]) {
        if pid.node == ctx.engine.node() {
            return Err(Escape::BADARG);
        }
        remote::set_group_leader(ctx, pid, args[0]);
        return remote::answer(ctx, args[1], TRUE);
    }
    match args[1].as_pid().and_then(|id| ctx.engine.process(id)) {
        Some(_) => Ok(Term::bool(false)),
        None => Ok(badarg),
    }
}

fn request_group_leader(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_pid() || !args[1].is_local_pid() {
        return Err(Escape::BADARG);
    }
    let (me, ref_id) = (ctx.process.who(), args[2].as_local_ref().or_badarg()?);
    let leader = purlin_term::Owned::new(args[0]);
    let request = Signal::request(move |engine, target| {
        let done = match target {
            Target::Alive(_, data) => {
                data.group_leader = data.heap.copy(leader.term());
                TRUE
            }
            Target::Gone => Term::atom(Atom::BADARG),
        };
        engine.post(me.term(), reply(ref_id, done));
    });
    ctx.engine.post_question(args[1], ctx.process.priority(), request);
    Ok(am!("ok"))
}

fn is_system_process(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match (args[0].as_pid(), args[0].as_external()) {
        (Some(id), _) => Ok(Term::bool(ctx.engine.process(id).is_some_and(|p| p.is_system()))),
        (None, Some((Kind::ExtPid, node, ..))) if node == ctx.engine.node() => Ok(Term::bool(false)),
        _ => Err(Escape::BADARG),
    }
}

/// OTP counts a thread per scheduler, and one more that does only auxiliary work.
fn no_aux_work_threads(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::small(ctx.engine.sched.count() as i64 + 1))
}

/// What `system_flag/2` can change and the engine only remembers.
#[derive(Default)]
struct Remembered {
    /// 0: what the command line says.
    requests_limit: AtomicUsize,
}

static REMEMBERED: Slot<Remembered> = Slot::new();

/// Requests of a system process that are under way at most.
pub fn requests_limit(engine: &Engine) -> usize {
    match engine.state(&REMEMBERED).requests_limit.load(Ordering::Acquire) {
        0 => engine.config.settings.requests_limit.unwrap_or(2 * engine.sched.count()),
        n => n,
    }
}

/// What multi-scheduling is: blocked for all, for the schedulers that are not dirty, or not at all.
pub fn multi_scheduling_state(engine: &Engine) -> Term {
    match engine.sched.multi_blockers(false).is_empty() {
        false => am!("blocked"),
        true if engine.sched.is_multi_blocked() => am!("blocked_normal"),
        true => am!("enabled"),
    }
}

fn scheduler_wall_time(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let on = args[0] == TRUE;
    Ok(Term::bool(ctx.engine.sched.wall_time.switch(on, ctx.engine.clock.now())))
}

fn system_flag(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (flag, value) = (args[0], args[1]);
    let (remembered, defaults) = (ctx.engine.state(&REMEMBERED), &ctx.engine.defaults);
    let number = || value.as_usize().map(|n| n as i64).or_badarg();
    if flag == am!("multi_scheduling") {
        return multi_scheduling(ctx, value);
    }
    if flag == am!("backtrace_depth") {
        let depth = value.as_usize().or_badarg()?.min(64);
        return Ok(Term::small(ctx.engine.set_backtrace_depth(depth) as i64));
    }
    if flag == am!("system_logger") {
        return system_logger(ctx, value);
    }
    if flag == am!("schedulers_online") {
        let before = ctx.engine.sched.set_online(value.as_usize().or_badarg()?).or_badarg()?;
        return Ok(Term::small(before as i64));
    }
    if flag == am!("dirty_cpu_schedulers_online") {
        let before = ctx.engine.sched.set_dirty_online(value.as_usize().or_badarg()?).or_badarg()?;
        return Ok(Term::small(before as i64));
    }
    if flag == am!("fullsweep_after") {
        let n = number()?.min(65535) as u32;
        return Ok(Term::small(defaults.change(|d| std::mem::replace(&mut d.fullsweep_after, n)) as i64));
    }
    if flag == am!("min_heap_size") {
        let n = super::options::heap_size(value).or_badarg()?;
        return Ok(Term::small(defaults.change(|d| std::mem::replace(&mut d.min_heap_size, n)) as i64));
    }
    if flag == am!("min_bin_vheap_size") {
        let n = super::options::bin_heap_size(value).or_badarg()?;
        return Ok(Term::small(defaults.change(|d| std::mem::replace(&mut d.min_bin_vheap_size, n)) as i64));
    }
    if flag == am!("max_heap_size") {
        let now = defaults.get().unwrap_or_default();
        let release = ctx.engine.config.release;
        let limit = super::heap_limit::max_heap(ctx.engine.config.release, value, now.max_heap_size).or_badarg()?;
        if limit.size != 0 && limit.size < now.min_heap_size {
            return Err(Escape::BADARG);
        }
        let before = defaults.change(|d| std::mem::replace(&mut d.max_heap_size, limit));
        return Ok(super::heap_limit::max_heap_map(ctx.heap(), release, before));
    }
    if flag == am!("trace_control_word") {
        let n = value.as_usize().and_then(|n| u32::try_from(n).ok()).or_badarg()?;
        return Ok(Term::small(ctx.engine.tracing.control_word.swap(n, Ordering::AcqRel) as i64));
    }
    if flag == am!("reset_seq_trace") {
        ctx.engine.tracing.sequential.reset();
        return Ok(TRUE);
    }
    if flag == am!("sequential_tracer") {
        let before = ctx.engine.tracing.sequential.set(crate::trace::sequential_tracer(value)?);
        return Ok(before.unwrap_or(Term::bool(false)));
    }
    if flag == am!("outstanding_system_requests_limit") {
        let n = value.as_usize().filter(|n| (1..=134_217_727).contains(n)).or_badarg()?;
        let before = requests_limit(ctx.engine);
        remembered.requests_limit.store(n, Ordering::Release);
        return Ok(Term::small(before as i64));
    }
    if flag == am!("microstate_accounting") {
        let (states, now) = (&ctx.engine.sched.microstates, ctx.engine.clock.now());
        let was_on =
            if value == am!("reset") { states.reset(now) } else { states.switch(value.as_bool().or_badarg()?, now) };
        return Ok(Term::bool(was_on));
    }
    if flag == am!("scheduler_wall_time") {
        bool_arg(value)?;
        let (module, function) = (Atom::new("erts_internal"), Atom::new("system_flag_scheduler_wall_time"));
        return Err(Escape::Trap { module, function, args: vec![value] });
    }
    if flag == am!("debug_flags") {
        // For builds with debugging flags; others have none to set.
        return Ok(TRUE);
    }
    if flag == am!("time_offset") && value == am!("finalize") {
        return Ok(am!("final"));
    }
    if flag == am!("scheduler_bind_type") && value == am!("unbound") {
        return Ok(value);
    }
    // What there is no more, or what Purlin has no mechanism for.
    let known = [am!("erts_alloc"), am!("cpu_topology"), am!("scheduler_bind_type")];
    if known.contains(&flag) {
        return Err(Escape::BADARG);
    }
    Err(super::badopt())
}

fn multi_scheduling(ctx: &mut Ctx<'_>, value: Term) -> NativeResult {
    let me = ctx.process.id();
    let normal = value == am!("block_normal") || value == am!("unblock_normal");
    if value == am!("block") || value == am!("block_normal") {
        ctx.data.rare_mut().blocks_multi = true;
        ctx.engine.sched.block_multi(me, normal);
        // On with the first scheduler.
        ctx.data.give_up_slice();
    } else if value == am!("unblock") || value == am!("unblock_normal") {
        ctx.engine.sched.unblock_multi(me, normal);
    } else {
        return Err(Escape::BADARG);
    }
    Ok(multi_scheduling_state(ctx.engine))
}

fn system_logger(ctx: &mut Ctx<'_>, value: Term) -> NativeResult {
    let good = value == am!("logger") || value == am!("undefined") || value.is_local_pid();
    let logger = Immediate::new(value).filter(|_| good).or_badarg()?;
    Ok(std::mem::replace(&mut *ctx.engine.system_logger.lock(), logger).term())
}
