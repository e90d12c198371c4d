//! `erlang:trace_info/2`: what is traced of a process, a function, messages, or what comes later.

use purlin_term::{Atom, Heap, Immediate, Term, am};
use purlin_vm::code::Mfa;
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::points::{Meta, Place, Spec, State};
use purlin_vm::tracing::{Flags, TraceWord};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[Native::plain("erlang", "trace_info", 2, trace_info)];

fn trace_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (what, key) = (args[0], args[1]);
    if what == am!("on_load") {
        return on_load(ctx, key);
    }
    if what == am!("send") || what == am!("receive") {
        return event(ctx, what, key);
    }
    if what.is_tuple() {
        return function(ctx, what, key);
    }
    let badopt = || Escape::badarg_cause(am!("badopt"));
    if what.is_atom() {
        let tracing = &ctx.engine.tracing;
        return match what.as_atom().map_or("", |atom| atom.name()) {
            "new" | "new_processes" => {
                forget_gone_tracer(ctx.engine, &tracing.new_processes);
                tracee(&mut ctx.data.heap, &tracing.new_processes, key)
            }
            "new_ports" => {
                forget_gone_tracer(ctx.engine, &tracing.new_ports);
                tracee(&mut ctx.data.heap, &tracing.new_ports, key)
            }
            _ => Err(badopt()),
        };
    }
    let undefined = Ok(Term::atom(Atom::UNDEFINED));
    if let Some(id) = what.as_pid() {
        if key != am!("flags") && key != am!("tracer") {
            return Err(Escape::BADARG);
        }
        let Some(p) = ctx.engine.process(id).filter(|p| !p.is_exiting()) else { return undefined };
        forget_gone_tracer(ctx.engine, &p.trace);
        return tracee(&mut ctx.data.heap, &p.trace, key);
    }
    if what.as_port().is_some() {
        let Some(p) = crate::port::find(ctx.engine, what) else { return undefined };
        forget_gone_tracer(ctx.engine, &p.trace);
        return tracee(&mut ctx.data.heap, &p.trace, key);
    }
    match what.as_external() {
        Some((purlin_term::Kind::ExtPid, node, ..)) if node == ctx.engine.node() => undefined,
        _ => Err(badopt()),
    }
}

fn forget_gone_tracer(engine: &Engine, word: &TraceWord) {
    let _control = engine.tracing.control.lock();
    if word.tracer().is_some_and(|t| !purlin_vm::tracing::flags::is_alive(engine, t)) {
        word.clear();
    }
}

fn pair(h: &mut Heap, key: Term, value: Term) -> NativeResult {
    Ok(h.tuple(&[key, value]))
}

fn tracee(h: &mut Heap, word: &TraceWord, key: Term) -> NativeResult {
    let value = if key == am!("flags") {
        let names: Vec<Term> = Flags(word.flags().0 & Flags::TRACEE.0).names().collect();
        h.list(&names)
    } else if key == am!("tracer") {
        word.tracer().unwrap_or(Term::NIL)
    } else {
        return Err(Escape::BADARG);
    };
    pair(h, key, value)
}

fn source(h: &mut Heap, spec: &Spec) -> Term {
    spec.as_ref().map_or(Term::NIL, |s| h.copy(s.source()))
}

const FALSE: Term = Term::bool(false);

fn function(ctx: &mut Ctx<'_>, what: Term, key: Term) -> NativeResult {
    let Some(&[m, f, arity]) = what.as_tuple() else { return Err(Escape::BADARG) };
    let (module, function) = (m.as_atom().or_badarg()?, f.as_atom().or_badarg()?);
    let number = arity.as_small().or_badarg()?;
    let place = u8::try_from(number).ok().and_then(|arity| find(ctx.engine, Mfa { module, function, arity }));
    let h = &mut ctx.data.heap;
    let Some(place) = place else { return pair(h, key, Term::atom(Atom::UNDEFINED)) };
    let Some(state) = place.state() else { return pair(h, key, FALSE) };
    if key == am!("all") {
        let keys = ["traced", "match_spec", "meta", "meta_match_spec", "call_time", "call_count"];
        let mut list = Vec::new();
        for key in keys {
            let value = item(h, &state, key, true).or_badarg()?;
            list.push(h.tuple(&[Term::atom(Atom::new(key)), value]));
        }
        let list = h.list(&list);
        return pair(h, key, list);
    }
    let value = item(h, &state, key.as_atom().or_badarg()?.name(), false).or_badarg()?;
    pair(h, key, value)
}

fn find(engine: &Engine, mfa: Mfa) -> Option<Place> {
    let entry = engine.code.generations(mfa.module).current?.function(mfa.function, mfa.arity)?;
    Some(Place::of(&engine.code.exports, entry))
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
        "call_time" => match &s.time {
            Some(time) => {
                let mut list = Vec::new();
                for (process, calls, ns) in time.all() {
                    let (calls, micro) = (h.unsigned(calls), ns / 1000);
                    let parts =
                        [Term::pid(process), calls, Term::small(micro / 1_000_000), Term::small(micro % 1_000_000)];
                    list.push(h.tuple(&parts));
                }
                h.list(&list)
            }
            None => FALSE,
        },
        _ => return None,
    })
}

fn on_load(ctx: &mut Ctx<'_>, key: Term) -> NativeResult {
    let on = ctx.engine.tracing.on_load.lock().clone();
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

fn event(ctx: &mut Ctx<'_>, what: Term, key: Term) -> NativeResult {
    if key != am!("match_spec") {
        return Err(Escape::BADARG);
    }
    let tracing = &ctx.engine.tracing;
    let cell = if what == am!("send") { &tracing.send } else { &tracing.receive };
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
