//! Sessions of tracing (`trace:session_create/3` and its like, since OTP 27): the terms that name them, and how they end.
//!
//! A session is known by `{Handle, {Name, Id}}` and by `{Name, Id}` alone. It ends when it is destroyed, or when nothing
//! holds its handle any more. Then what it leaves at processes and functions has to be taken away; the holder of the last
//! handle may be collecting its heap at the time, so it is the system process `erts_trace_cleaner` that does it.

use purlin_term::boxed::Magic;
use purlin_term::{Heap, Immediate, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::tracing::{Session, SessionId, session};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::{Arc, Weak};

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "trace_session_create", 3, create).since(27),
    Native::plain("erts_internal", "trace_session_destroy", 1, destroy).since(27),
    Native::plain("erts_trace_cleaner", "check", 0, check).since(27),
    Native::plain("erts_trace_cleaner", "send_trace_clean_signal", 1, send_trace_clean_signal).since(27),
];

/// What keeps a session alive.
struct Handle {
    session: Arc<Session>,
    engine: Weak<Engine>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let (true, Some(engine)) = (self.session.end(), self.engine.upgrade()) {
            engine.tracing.sessions.to_clean_up(self.session.clone());
            if let Some(cleaner) = engine.tracing.sessions.cleaner() {
                engine.post(cleaner, Signal::built(SignalKind::Message, |_| am!("notify")));
            }
        }
    }
}

/// The session of `erlang:trace/3` and its like.
pub fn legacy(ctx: &Ctx<'_>) -> Arc<Session> {
    ctx.engine.tracing.sessions.legacy.clone()
}

pub fn no_session() -> Escape {
    Escape::badarg_cause(am!("session"))
}

/// The session that a term names, which has not ended.
pub fn named(ctx: &Ctx<'_>, t: Term) -> Result<Arc<Session>, Escape> {
    find(ctx, t).filter(|s| s.is_alive()).ok_or_else(no_session)
}

/// The session that a term names. One that has ended is found by its handle only.
fn find(ctx: &Ctx<'_>, t: Term) -> Option<Arc<Session>> {
    let &[first, second] = t.as_tuple()? else { return None };
    if let Some(name) = first.as_atom() {
        let id = u32::try_from(second.as_small()?).ok()?.checked_add(1)?;
        return ctx.engine.tracing.session(SessionId(id)).filter(|s| s.name == name);
    }
    let handle: &Handle = first.magic()?;
    let &[name, id] = second.as_tuple()? else { return None };
    let same = name == Term::atom(handle.session.name) && id == number(&handle.session);
    same.then(|| handle.session.clone())
}

/// The second part of a session's name.
fn number(session: &Session) -> Term {
    match session.id {
        SessionId::LEGACY => am!("default"),
        SessionId(id) => Term::small(id as i64 - 1),
    }
}

/// `{Name, Id}`, which does not keep the session alive.
pub fn weak(h: &mut Heap, session: &Session) -> Term {
    h.tuple(&[Term::atom(session.name), number(session)])
}

fn create(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    if !args[2].is_nil() {
        return Err(Escape::BADARG);
    }
    let tracer = match args[1] {
        t if t == am!("undefined") => None,
        t => Some(super::tracer::of_session(t).and_then(Immediate::new).or_badarg()?),
    };
    let session = ctx.engine.tracing.sessions.create(name, tracer);
    let handle = Handle { session: session.clone(), engine: Arc::downgrade(ctx.engine) };
    let id = ctx.engine.next_ref();
    let h = ctx.heap();
    let handle = h.magic_reference(id, Arc::new(Magic { value: Box::new(handle) }));
    let weak = weak(h, &session);
    Ok(h.tuple(&[handle, weak]))
}

fn destroy(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let session = find(ctx, args[0]).ok_or_else(|| Escape::badarg_cause(am!("badopt")))?;
    let ends = session.end();
    if ends {
        clean_up(ctx.engine, &session);
    }
    Ok(Term::bool(ends))
}

/// Takes away what a session that has ended traced.
fn clean_up(engine: &Engine, session: &Session) {
    session::clean_up(engine, session);
    crate::port::all(engine).iter().for_each(|p| p.trace.forget(session.id));
}

/// Cleans up after the sessions that have ended by themselves. Nothing is left to ask processes for.
fn check(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    for session in ctx.engine.tracing.sessions.take_ended() {
        clean_up(ctx.engine, &session);
    }
    Ok(Term::bool(false))
}

/// For the cleaner alone; whether an answer will come. There is nothing that a process has to clean up itself.
fn send_trace_clean_signal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if ctx.engine.tracing.sessions.cleaner() != Some(ctx.pid()) {
        return Err(Escape::NOTSUP);
    }
    if args[0].is_local_pid() || args[0].as_port().is_some() { Ok(Term::bool(false)) } else { Err(Escape::BADARG) }
}
