//! `erlang:trace/3`, `trace_delivered/1`, `trace:process/4` and `trace:port/4`: which processes and ports are traced, by
//! whom and for what.

use super::session::{legacy, named, no_session};
use super::tracer::tracer_of;
use parking_lot::Mutex;
use purlin_term::boxed::Magic;
use purlin_term::{Immediate, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::process::grace::{Grace, Place};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::tracing::flags::{self, is_alive};
use purlin_vm::tracing::{Flags, Session, SessionId, Share, Tracee};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Process};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "trace", 3, |ctx, args| trace(ctx, &legacy(ctx), args)),
    Native::plain("erts_internal", "trace", 4, |ctx, args| {
        let session = named(ctx, args[0])?;
        trace(ctx, &session, &args[1..])
    })
    .since(27),
    Native::plain("erlang", "trace_delivered", 1, trace_delivered),
];

/// A list of trace flags.
#[derive(Clone, Copy, Default)]
pub struct Request {
    pub flags: Flags,
    pub tracer: Option<Term>,
    pub cpu_timestamp: bool,
}

impl Request {
    /// Reads it; a session that has a tracer takes no other.
    pub fn parse(list: Term, session: &Session) -> Option<Request> {
        let mut r = Request::default();
        for item in list.as_list()? {
            if let Some(flags) = Flags::named(item) {
                r.flags = r.flags.with(flags);
            } else if item == am!("cpu_timestamp") {
                r.cpu_timestamp = true;
            } else if item.is_tuple() && session.tracer().is_none() {
                r.tracer = Some(tracer_of(am!("tracer"), item)?);
            } else {
                return None;
            }
        }
        Some(r)
    }
}

/// What is traced.
struct Scope {
    existing: bool,
    new: bool,
    processes: bool,
    ports: bool,
}

fn scope(t: Term) -> Option<Scope> {
    let of = |existing, new, processes, ports| Some(Scope { existing, new, processes, ports });
    match t.as_atom()?.name() {
        "all" => of(true, true, true, true),
        "existing" => of(true, false, true, true),
        "new" => of(false, true, true, true),
        "processes" => of(true, true, true, false),
        "existing_processes" => of(true, false, true, false),
        "new_processes" => of(false, true, true, false),
        "ports" => of(true, true, false, true),
        "existing_ports" => of(true, false, false, true),
        "new_ports" => of(false, true, false, true),
        _ => None,
    }
}

fn trace(ctx: &mut Ctx<'_>, session: &Session, args: &[Term]) -> NativeResult {
    let request = Request::parse(args[2], session).ok_or_else(|| Escape::badarg_cause(am!("badopt")))?;
    let on = args[1].as_bool().or_badarg()?;
    let tracer = request.tracer.or(on.then(|| session.tracer().unwrap_or(ctx.pid())));
    let (set, clear) = if on { (request.flags, Flags::default()) } else { (Flags::default(), request.flags) };
    let engine = ctx.engine.clone();
    let change = |tracee: &Tracee| flags::change(&engine, tracee, session.id, tracer, set, clear);
    let _control = engine.tracing.control.lock();
    if !session.is_alive() {
        return Err(no_session());
    }
    if let Some(scope) = scope(args[0]) {
        if request.cpu_timestamp {
            if args[0] != am!("all") {
                return Err(Escape::BADARG);
            }
            engine.tracing.cpu_timestamps.store(on, Ordering::Relaxed);
        }
        let count = trace_all(ctx.engine, &scope, request.flags, change, |tracee, flags| {
            let (set, clear) = if on { (flags, Flags::default()) } else { (Flags::default(), flags) };
            tracee.change(session.id, |s| {
                s.set(set, clear);
                s.tracer = tracer.and_then(Immediate::new).or(s.tracer);
            });
        });
        return Ok(Term::small(count as i64));
    }
    if request.cpu_timestamp {
        return Err(Escape::BADARG);
    }
    let changed = if let Some(id) = args[0].as_pid() {
        change(&ctx.engine.process(id).filter(|p| !p.is_exiting()).or_badarg()?.trace)
    } else {
        let port = crate::port::find(ctx.engine, args[0]).or_badarg()?;
        change(&port.trace)
    };
    if !changed {
        let leader = ctx.data.group_leader;
        let text = "** can only have one tracer per process\n";
        purlin_vm::report::log(ctx.engine, am!("error"), text, leader, None, |_| Term::NIL);
        return Err(Escape::BADARG);
    }
    Ok(Term::small(1))
}

/// Traces all that the scope names; how many they are. `change_new` changes the given flags of what comes later.
fn trace_all(
    engine: &Arc<Engine>,
    scope: &Scope,
    flags: Flags,
    change: impl Fn(&Tracee) -> bool,
    change_new: impl Fn(&Tracee, Flags),
) -> usize {
    let tracing = &engine.tracing;
    let mut count = 0;
    if scope.existing {
        let modifies = flags.any(Flags::MODIFIERS);
        if scope.processes && (flags.without(Flags::MODIFIERS).any(Flags::OF_PROCESSES) || modifies) {
            count += engine.processes.all().iter().filter(|p| change(&p.trace)).count();
        }
        if scope.ports && (flags.without(Flags::MODIFIERS).any(Flags::OF_PORTS) || modifies) {
            count += crate::port::all(engine).iter().filter(|p| change(&p.trace)).count();
        }
    }
    if scope.new {
        for (wanted, tracee, mask) in [
            (scope.processes, &tracing.new_processes, Flags::OF_PROCESSES),
            (scope.ports, &tracing.new_ports, Flags::OF_PORTS),
        ] {
            let flags = Flags(flags.0 & mask.0);
            if wanted && flags != Flags::default() {
                change_new(tracee, flags);
            }
        }
    }
    count
}

/// Sets and clears a session's flags of a process from a match specification, with this tracer; whether anything changed.
/// `None`: the tracer has ended.
pub fn set_tracee(
    engine: &Engine,
    tracee: &Process,
    session: SessionId,
    tracer: Option<Term>,
    on: Flags,
    off: Flags,
) -> Option<bool> {
    if tracer.is_some_and(|t| !is_alive(engine, t)) {
        return None;
    }
    let what = |s: Option<Share>| s.map(|s| (s.flags, s.tracer));
    let before = tracee.trace.share(session);
    match tracer {
        None => tracee.trace.forget(session),
        Some(_) if before.is_none() && on == Flags::default() => {}
        Some(_) => tracee.trace.change(session, |s| {
            s.set(on, off);
            s.tracer = tracer.and_then(Immediate::new);
        }),
    }
    Some(what(before) != what(tracee.trace.share(session)))
}

/// The turns that have to end before messages are known to be delivered.
struct Turns(Mutex<Grace>);

/// Answers once all turns that are under way have ended: a tracee may be between an event and its message. It puts that into
/// the tracer's queue before the event can be seen otherwise.
fn trace_delivered(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let waiting = args[0].as_tuple().and_then(|t| Some((t.first()?.magic::<Turns>()?, *t.get(1)?)));
    let tracee = waiting.map_or(args[0], |w| w.1);
    if tracee != am!("all") && !tracee.is_local_pid() {
        return Err(Escape::BADARG);
    }
    match waiting {
        Some((turns, _)) if turns.0.lock().is_over() => {}
        Some(_) => return Err(Escape::Again),
        None => {
            let mut turns = Grace::begin(Place::Processes);
            if !turns.is_over() {
                let magic = Arc::new(Magic { value: Box::new(Turns(Mutex::new(turns))) });
                let id = ctx.engine.next_ref();
                let magic = ctx.heap().magic_reference(id, magic);
                return Err(Escape::Yield(vec![ctx.heap().tuple(&[magic, tracee])]));
            }
        }
    }
    let (id, me) = (ctx.engine.next_ref(), ctx.pid());
    let answer = Signal::built(SignalKind::Message, |h| {
        let r = h.reference(id);
        h.tuple(&[am!("trace_delivered"), tracee, r])
    });
    ctx.engine.post(me, answer);
    Ok(ctx.heap().reference(id))
}
