//! `erlang:trace_pattern/2,3`, `trace:function/4`, `trace:send/3` and `trace:recv/3`: which functions' calls, and which
//! messages, are traced.

use super::session::{legacy, named, no_session};
use super::tracer::tracer_of;
use crate::match_spec::{Dialect, trace_spec};
use purlin_term::{Release, Term, am};
use purlin_vm::tracing::points::{self, Change, Kinds, Pattern, Spec, Switch};
use purlin_vm::tracing::{EventPattern, Session};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "trace_pattern", 3, |ctx, args| trace_pattern(ctx, &legacy(ctx), args)),
    Native::plain("erts_internal", "trace_pattern", 4, |ctx, args| {
        let session = named(ctx, args[0])?;
        trace_pattern(ctx, &session, &args[1..])
    })
    .since(27),
];

fn cause(name: &str) -> Escape {
    Escape::badarg_cause(Term::atom(purlin_term::Atom::new(name)))
}

fn trace_pattern(ctx: &mut Ctx<'_>, session: &Session, args: &[Term]) -> NativeResult {
    // Of a wrong specification and wrong options the first is told before OTP 27, the second since.
    let wrong = options(ctx, session, args[2]).err().filter(|_| ctx.engine.config.release >= Release(27));
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let (switch, spec) = specification(ctx, args[0], args[1])?;
    let options = options(ctx, session, args[2])?;
    let kinds = options.kinds;
    let none = || cause("none");
    if spec.is_some() && !kinds.local && !kinds.meta && kinds.measures() {
        return Err(cause("call_count"));
    }
    let change = Change { session: session.id, switch, kinds, spec, meta_tracer: options.meta_tracer };
    let engine = ctx.engine.clone();
    let _control = engine.tracing.control.lock();
    if !session.is_alive() {
        return Err(no_session());
    }
    if args[0] == am!("on_load") {
        session.on_load.lock().change(&change);
        return Ok(Term::small(0));
    }
    if args[0].is_atom() {
        if options.global || kinds.any() || !matches!(switch, Switch::On | Switch::Off) {
            return Err(none());
        }
        return event_pattern(ctx, session, args[0], change.spec, switch == Switch::On).ok_or_else(none);
    }
    let pattern = mfa(args[0]).ok_or_else(none)?;
    let count = points::set(&engine.code, pattern, &change);
    ctx.charge(count);
    // As on the BEAM, where all schedulers take notice first, others run meanwhile.
    Err(Escape::YieldReturn(Term::small(count as i64)))
}

fn specification(ctx: &mut Ctx<'_>, what: Term, t: Term) -> Result<(Switch, Spec), Escape> {
    let switch = match t.as_atom().map(|a| a.name()) {
        Some("false") => Switch::Off,
        Some("true") => Switch::On,
        Some("restart") => Switch::Restart,
        Some("pause") => Switch::Pause,
        _ if t.is_nil() => Switch::On,
        _ => {
            let dialect = match what.as_atom().map(|a| a.name()) {
                Some("receive") => Dialect::RECEIVE,
                Some("send") => Dialect::SEND,
                _ => Dialect::CALL,
            };
            let spec = trace_spec(ctx.engine, t, dialect)
                .map_err(|bad| if bad.is_too_deep() { Escape::SYSTEM_LIMIT } else { cause("match_spec") })?;
            return Ok((Switch::On, Some(spec)));
        }
    };
    Ok((switch, None))
}

struct Options {
    kinds: Kinds,
    global: bool,
    meta_tracer: Term,
}

fn options(ctx: &Ctx<'_>, session: &Session, list: Term) -> Result<Options, Escape> {
    let mut o = Options { kinds: Kinds::default(), global: false, meta_tracer: Term::NONE };
    let badopt = || cause("badopt");
    for item in list.as_list().ok_or_else(badopt)? {
        if item.is_tuple() && session.tracer().is_none() {
            o.meta_tracer = tracer_of(am!("meta"), item).ok_or_else(badopt)?;
            o.kinds.meta = true;
            continue;
        }
        match item.as_atom().ok_or_else(badopt)?.name() {
            "global" if !o.kinds.any() => o.global = true,
            _ if o.global => return Err(badopt()),
            "local" => o.kinds.local = true,
            "meta" => {
                o.kinds.meta = true;
                if o.meta_tracer.is_none() {
                    o.meta_tracer = session.tracer().unwrap_or(ctx.pid());
                }
            }
            "call_count" => o.kinds.call_count = true,
            "call_time" => o.kinds.call_time = true,
            "call_memory" if ctx.engine.config.release >= Release(26) => o.kinds.call_memory = true,
            _ => return Err(badopt()),
        }
    }
    Ok(o)
}

/// `{Module, Function, Arity}`: from the first `'_'` on all must be.
pub fn mfa(t: Term) -> Option<Pattern> {
    let &[module, function, arity] = t.as_tuple()? else { return None };
    let any = am!("_");
    if !module.is_atom() || !function.is_atom() || !(arity.is_small() || arity == any) {
        return None;
    }
    if (module == any && function != any) || (function == any && arity != any) {
        return None;
    }
    Some(Pattern {
        module: module.as_atom().filter(|_| module != any),
        function: function.as_atom().filter(|_| function != any),
        // No function has an arity beyond 255: nothing is named then, and 255 is as good.
        arity: (arity != any).then(|| arity.as_usize().and_then(|n| u8::try_from(n).ok()).unwrap_or(u8::MAX)),
    })
}

/// Sets what of sending or receiving is traced.
fn event_pattern(ctx: &Ctx<'_>, session: &Session, event: Term, spec: Spec, on: bool) -> Option<Term> {
    let cell = match event.as_atom()?.name() {
        "send" => &session.send,
        "receive" => &session.receive,
        _ => return None,
    };
    *cell.write() = EventPattern { on, spec };
    ctx.engine.tracing.look_at_receive_patterns();
    Some(Term::small(1))
}
