//! Who traces whom: the engine's side of a process's trace flags ([`Tracee`]).

use crate::engine::Engine;
use crate::process::Process;
pub use crate::process::tracee::{Flags, SessionId, Share, Shares, Tracee};
use purlin_term::{Immediate, Term};

/// Switches flags of a session on or off for this tracer. False: someone else who still lives gets that session's events
/// of it already.
pub fn change(
    engine: &Engine,
    tracee: &Tracee,
    session: SessionId,
    tracer: Option<Term>,
    on: Flags,
    off: Flags,
) -> bool {
    let before = tracee.share(session);
    if let (Some(new), Some(old)) = (tracer, before.and_then(|s| s.tracer()))
        && old != new
        && is_alive(engine, old)
    {
        return false;
    }
    if on == Flags::default() && before.is_none() {
        return true;
    }
    tracee.change(session, |s| {
        s.set(on, off);
        s.tracer = tracer.and_then(Immediate::new).or(s.tracer);
    });
    true
}

/// Whether a tracer still exists.
pub fn is_alive(engine: &Engine, tracer: Term) -> bool {
    if let Some(id) = tracer.as_pid() {
        return engine.process(id).is_some_and(|p| !p.is_exiting());
    }
    match (tracer.as_port(), engine.ports()) {
        (Some(port), Some(ports)) => ports.is_open(engine, port),
        _ => false,
    }
}

/// What a child gets from its parent's tracing; the parent's `set_on_first_...` flags end here.
pub fn inherited(parent: &Process, link: bool) -> Shares {
    let on_spawn = Flags::SET_ON_SPAWN.with(Flags::SET_ON_FIRST_SPAWN);
    let on_link = Flags::SET_ON_LINK.with(Flags::SET_ON_FIRST_LINK);
    let mut got = parent.trace.shares(if link { on_spawn.with(on_link) } else { on_spawn });
    for share in &mut got {
        let mut ends = Flags::default();
        if share.flags.any(Flags::SET_ON_FIRST_SPAWN) {
            ends = ends.with(on_spawn);
        }
        if link && share.flags.any(Flags::SET_ON_FIRST_LINK) {
            ends = ends.with(on_link);
        }
        if ends != Flags::default() {
            parent.trace.change(share.session, |s| s.set(Flags::default(), ends));
            share.set(Flags::default(), ends);
        }
    }
    got
}
