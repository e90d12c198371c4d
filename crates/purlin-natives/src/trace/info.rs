//! `erlang:trace_info/2`, `trace:info/3` and `trace:session_info/1`: what is traced of a process, a function, messages, or
//! what comes later, and by which sessions.

use super::session::{legacy, named, weak};
use super::system::wanted_by;
use purlin_term::{Atom, Heap, Immediate, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::flags::is_alive;
use purlin_vm::tracing::points::{Meta, Place, Spec, State, Sums};
use purlin_vm::tracing::{Flags, Session, SessionId, Tracee};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "trace_info", 2, |ctx, args| trace_info(ctx, &legacy(ctx), args)),
    Native::plain("erts_internal", "trace_info", 3, |ctx, args| {
        if args[0] == am!("any") {
            return sessions(ctx, args[1], args[2]);
        }
        let session = named(ctx, args[0])?;
        trace_info(ctx, &session, &args[1..])
    })
    .since(27),
];

fn trace_info(ctx: &mut Ctx<'_>, session: &Session, args: &[Term]) -> NativeResult {
    let (what, key) = (args[0], args[1]);
    if what == am!("on_load") {
        return on_load(ctx, session, key);
    }
    if what == am!("send") || what == am!("receive") {
        return event(ctx, session, what, key);
    }
    if what == am!("system") && key == am!("all") && ctx.engine.config.release >= Release(28) {
        let list = wanted_by(ctx, session);
        return pair(&mut ctx.data.heap, what, list);
    }
    if what.is_tuple() {
        return function(ctx, session, what, key);
    }
    let badopt = || Escape::badarg_cause(am!("badopt"));
    if what.is_atom() {
        let engine = ctx.engine.clone();
        return match what.as_atom().map_or("", |atom| atom.name()) {
            "new" | "new_processes" => tracee(ctx, session, &engine.tracing.new_processes, key),
            "new_ports" => tracee(ctx, session, &engine.tracing.new_ports, key),
            _ => Err(badopt()),
        };
    }
    let undefined = Ok(Term::atom(Atom::UNDEFINED));
    if let Some(id) = what.as_pid() {
        if key != am!("flags") && key != am!("tracer") {
            return Err(Escape::BADARG);
        }
        let Some(p) = ctx.engine.process(id).filter(|p| !p.is_exiting()) else { return undefined };
        return tracee(ctx, session, &p.trace, key);
    }
    if what.as_port().is_some() {
        let Some(p) = crate::port::find(ctx.engine, what) else { return undefined };
        return tracee(ctx, session, &p.trace, key);
    }
    match what.as_external() {
        Some((purlin_term::Kind::ExtPid, node, ..)) if node == ctx.engine.node() => undefined,
        _ => Err(badopt()),
    }
}

fn pair(h: &mut Heap, key: Term, value: Term) -> NativeResult {
    Ok(h.tuple(&[key, value]))
}

/// Flags or tracer of what a session traces. A tracer that has gone is forgotten.
fn tracee(ctx: &mut Ctx<'_>, session: &Session, tracee: &Tracee, key: Term) -> NativeResult {
    let share = {
        let _control = ctx.engine.tracing.control.lock();
        if tracee.share(session.id).and_then(|s| s.tracer()).is_some_and(|t| !is_alive(ctx.engine, t)) {
            tracee.forget(session.id);
        }
        tracee.share(session.id)
    };
    let h = &mut ctx.data.heap;
    let value = if key == am!("flags") {
        let names: Vec<Term> = share.map_or(Flags::default(), |s| s.flags).names().collect();
        h.list(&names)
    } else if key == am!("tracer") {
        share.and_then(|s| s.tracer()).unwrap_or(Term::NIL)
    } else {
        return Err(Escape::BADARG);
    };
    pair(h, key, value)
}

/// `{session, Sessions}`: those that trace a process, port, function or event, or what comes later, or all.
fn sessions(ctx: &mut Ctx<'_>, what: Term, key: Term) -> NativeResult {
    let badopt = || Escape::badarg_cause(am!("badopt"));
    let undefined = Term::atom(Atom::UNDEFINED);
    let all = ctx.engine.tracing.sessions.all();
    let of_ids = |ids: Vec<SessionId>| ids.iter().filter_map(|id| all.iter().find(|s| s.id == *id).cloned()).collect();
    let of_tracee = |t: &Tracee| of_ids(t.shares(Flags::TRACEE).iter().map(|s| s.session).collect());
    let of_new = |t: &Tracee| all.iter().filter(|s| t.share(s.id).is_some()).cloned().collect();
    if !what.is_atom() && !what.is_tuple() && !what.is_pid() && what.as_port().is_none() {
        return Err(badopt());
    }
    if key != am!("session") {
        return Err(Escape::BADARG);
    }
    let found: Vec<Arc<Session>> = if let Some(id) = what.as_pid() {
        let Some(p) = ctx.engine.process(id).filter(|p| !p.is_exiting()) else { return Ok(undefined) };
        of_tracee(&p.trace)
    } else if what.as_port().is_some() {
        let Some(p) = crate::port::find(ctx.engine, what) else { return Ok(undefined) };
        of_tracee(&p.trace)
    } else if what.is_tuple() {
        match find(ctx.engine, what)? {
            Some(place) => of_ids(place.sessions()),
            None => return pair(&mut ctx.data.heap, key, undefined),
        }
    } else if let Some(name) = what.as_atom() {
        let tracing = &ctx.engine.tracing;
        match name.name() {
            "any" => all.clone(),
            "on_load" => all.iter().filter(|s| s.on_load.lock().on).cloned().collect(),
            "send" => all.iter().filter(|s| s.send.read().on).cloned().collect(),
            "receive" => all.iter().filter(|s| s.receive.read().on).cloned().collect(),
            "new" | "new_processes" => of_new(&tracing.new_processes),
            "new_ports" => of_new(&tracing.new_ports),
            _ => return Err(badopt()),
        }
    } else {
        let own = what.as_external().is_some_and(|(_, node, ..)| node == ctx.engine.node());
        return if own { Ok(undefined) } else { Err(badopt()) };
    };
    let h = &mut ctx.data.heap;
    let names: Vec<Term> = found.iter().rev().map(|s| weak(h, s)).collect();
    let list = h.list(&names);
    pair(h, key, list)
}

fn source(h: &mut Heap, spec: &Spec) -> Term {
    spec.as_ref().map_or(Term::NIL, |s| h.copy(s.source()))
}

const FALSE: Term = Term::bool(false);

/// What can be asked of a function.
const ITEMS: &[&str] = &["traced", "match_spec", "meta", "meta_match_spec", "call_memory", "call_time", "call_count"];

fn function(ctx: &mut Ctx<'_>, session: &Session, what: Term, key: Term) -> NativeResult {
    let place = find(ctx.engine, what)?;
    let with_memory = ctx.engine.config.release >= Release(26);
    let is_known = |key: Term| key == am!("all") || key.as_atom().is_some_and(|key| ITEMS.contains(&key.name()));
    if ctx.engine.config.release >= Release(29) && !is_known(key) {
        return Err(Escape::BADARG);
    }
    let h = &mut ctx.data.heap;
    let Some(place) = place else { return pair(h, key, Term::atom(Atom::UNDEFINED)) };
    let Some(state) = place.state(session.id) else { return pair(h, key, FALSE) };
    if key == am!("all") {
        let mut list = Vec::new();
        for key in ITEMS.iter().copied().filter(|&k| with_memory || k != "call_memory") {
            let value = item(h, &state, key, true).or_badarg()?;
            list.push(h.tuple(&[Term::atom(Atom::new(key)), value]));
        }
        let list = h.list(&list);
        return pair(h, key, list);
    }
    let name = key.as_atom().or_badarg()?.name();
    let value = item(h, &state, name, false).filter(|_| with_memory || name != "call_memory").or_badarg()?;
    pair(h, key, value)
}

/// The function that `{Module, Function, Arity}` names, if there is one.
fn find(engine: &Engine, what: Term) -> Result<Option<Place>, Escape> {
    let Some(&[m, f, arity]) = what.as_tuple() else { return Err(Escape::BADARG) };
    let (module, function) = (m.as_atom().or_badarg()?, f.as_atom().or_badarg()?);
    let Ok(arity) = u8::try_from(arity.as_small().or_badarg()?) else { return Ok(None) };
    let current = engine.code.generations(module).current;
    let entry = current.and_then(|current| current.function(function, arity));
    Ok(entry.map(|entry| Place::of(&engine.code.exports, entry)))
}

fn item(h: &mut Heap, s: &State, key: &str, among_all: bool) -> Option<Term> {
    Some(match key {
        "traced" if s.global.is_some() => am!("global"),
        "traced" if s.local.is_some() => am!("local"),
        "traced" => FALSE,
        "match_spec" => match s.global.as_ref().or(s.local.as_ref()) {
            Some(spec) => source(h, spec),
            None => FALSE,
        },
        "meta" => match s.meta.as_ref().and_then(Meta::tracer) {
            None => {
                if among_all {
                    FALSE
                } else {
                    Term::NIL
                }
            }
            Some(t) => t,
        },
        "meta_match_spec" => s.meta.as_ref().map_or(FALSE, |m| source(h, &m.spec)),
        "call_count" => match &s.count {
            Some(count) => h.unsigned(count.calls.load(Ordering::Relaxed)),
            None => FALSE,
        },
        "call_time" => sums(h, s.time.as_deref(), |taken| {
            let micro = taken / 1000;
            [micro / 1_000_000, micro % 1_000_000].map(Term::small).to_vec()
        }),
        "call_memory" => sums(h, s.memory.as_deref(), |taken| vec![Term::small(taken)]),
        _ => return None,
    })
}

/// `[{Pid, Calls, What was taken...}]`
fn sums(h: &mut Heap, sums: Option<&Sums>, parts: impl Fn(i64) -> Vec<Term>) -> Term {
    let Some(sums) = sums else { return FALSE };
    let mut list = Vec::new();
    for (process, calls, taken) in sums.all() {
        let mut row = vec![Term::pid(process), h.unsigned(calls)];
        row.extend(parts(taken));
        list.push(h.tuple(&row));
    }
    h.list(&list)
}

fn on_load(ctx: &mut Ctx<'_>, session: &Session, key: Term) -> NativeResult {
    let with_memory = ctx.engine.config.release >= Release(26);
    let on = session.on_load.lock().clone();
    let h = &mut ctx.data.heap;
    if !on.on {
        return pair(h, key, FALSE);
    }
    let calls = on.kinds.local || !on.kinds.any();
    let mut item = |key: &str| {
        Some(match key {
            "traced" if !on.kinds.any() => am!("global"),
            "traced" if on.kinds.local => am!("local"),
            "traced" => FALSE,
            "match_spec" => {
                if calls {
                    source(h, &on.spec)
                } else {
                    FALSE
                }
            }
            "meta" => on.meta_tracer.filter(|_| on.kinds.meta).map_or(FALSE, Immediate::term),
            "meta_match_spec" => {
                if on.kinds.meta {
                    source(h, &on.meta_spec)
                } else {
                    FALSE
                }
            }
            "call_count" => Term::bool(on.kinds.call_count),
            "call_time" => Term::bool(on.kinds.call_time),
            "call_memory" if with_memory => Term::bool(on.kinds.call_memory),
            _ => return None,
        })
    };
    if key == am!("all") {
        let keys = ["traced", "match_spec", "meta", "meta_match_spec", "call_count"];
        let values = keys.map(|k| (Term::atom(Atom::new(k)), item(k).unwrap_or(FALSE)));
        let list: Vec<Term> = values.iter().map(|&(k, v)| h.tuple(&[k, v])).collect();
        let list = h.list(&list);
        return pair(h, key, list);
    }
    let value = item(key.as_atom().or_badarg()?.name()).or_badarg()?;
    pair(h, key, value)
}

fn event(ctx: &mut Ctx<'_>, session: &Session, what: Term, key: Term) -> NativeResult {
    if key != am!("match_spec") {
        return Err(Escape::BADARG);
    }
    let cell = if what == am!("send") { &session.send } else { &session.receive };
    let (on, spec) = {
        let p = cell.read();
        (p.on, p.spec.clone())
    };
    let h = &mut ctx.data.heap;
    let value = match spec {
        Some(spec) if on => h.copy(spec.source()),
        _ => Term::bool(on),
    };
    pair(h, key, value)
}
