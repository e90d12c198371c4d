//! Who traces whom: the engine's side of a process's trace flags ([`TraceWord`]).

use crate::engine::Engine;
use crate::process::Process;
pub use crate::process::trace_word::{Flags, TraceWord};
use purlin_term::Term;

/// Switches flags on or off for this tracer. False: someone else who still lives traces it already.
pub fn change(engine: &Engine, word: &TraceWord, tracer: Option<Term>, on: Flags, off: Flags) -> bool {
    if let (Some(new), Some(old)) = (tracer, word.tracer())
        && word.flags().any(Flags::TRACEE)
        && old != new
        && is_alive(engine, old)
    {
        return false;
    }
    word.set(on, off);
    if !word.flags().any(Flags::TRACEE) {
        word.set_tracer(None);
    } else if tracer.is_some() {
        word.set_tracer(tracer);
    }
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
pub fn inherited(parent: &Process, link: bool) -> (Flags, Option<Term>) {
    let (word, mut got) = (&parent.trace, Flags::default());
    let of = word.flags();
    let mut tracer = None;
    if of.any(Flags::SET_ON_SPAWN) {
        (got, tracer) = (of, word.tracer());
    }
    if of.any(Flags::SET_ON_FIRST_SPAWN) {
        let both = Flags::SET_ON_SPAWN.with(Flags::SET_ON_FIRST_SPAWN);
        (got, tracer) = (of.without(both), word.tracer());
        word.set(Flags(0), both);
    }
    let both = Flags::SET_ON_LINK.with(Flags::SET_ON_FIRST_LINK);
    if link && of.any(both) {
        (got, tracer) = (got.with(of), word.tracer());
        if of.any(Flags::SET_ON_FIRST_LINK) {
            got = got.without(both);
            word.set(Flags(0), both);
        }
    }
    (Flags(got.0 & Flags::TRACEE.0), tracer)
}
