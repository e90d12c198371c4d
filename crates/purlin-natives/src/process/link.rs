//! `link/1`, `unlink/1`.

use super::TRUE;
use purlin_term::{Atom, Kind, Term, am};
use purlin_vm::port::PortSignal;
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::tracing::{Flags, events};
use purlin_vm::{Ctx, Escape, Native, NativeResult, Process};
use std::sync::Arc;

pub const NATIVES: &[Native] =
    &[Native::plain("erlang", "link", 1, link), Native::plain("erlang", "unlink", 1, unlink)];

fn link(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (other, me) = (a[0], c.pid());
    if c.process.trace.has(Flags::PROCS) {
        events::procs(c.engine, c.process, am!("link"), other);
    }
    if other == me {
        return Ok(TRUE);
    }
    if let Some(id) = other.as_pid() {
        let Some(p) = c.engine.process(id) else { return no_such(c, other, Atom::NOPROC) };
        if c.data.relations().link(other) {
            set_on_link(c, &p);
            if c.engine.signal(&p, Signal::bare(SignalKind::Link { from: me })).is_err() {
                c.data.relations().drop_link(other);
                return no_such(c, other, Atom::NOPROC);
            }
        }
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        if !c.engine.ports().is_some_and(|ports| ports.is_open(c.engine, port)) {
            return no_such(c, other, Atom::NOPROC);
        }
        if c.data.relations().link(other) && !c.engine.port_signal(port, PortSignal::Link { from: me }) {
            c.data.relations().drop_link(other);
            return no_such(c, other, Atom::NOPROC);
        }
        return Ok(TRUE);
    }
    match other.as_external() {
        Some((Kind::ExtPid, node, ..)) if node == c.engine.node() => no_such(c, other, Atom::NOPROC),
        Some((Kind::ExtPid, ..)) => {
            tell_exit(c, other, am!("noconnection"));
            Ok(TRUE)
        }
        _ => Err(Escape::BADARG),
    }
}

/// Has the other process traced as the caller is, if the caller's flags say so; in the order of signals.
fn set_on_link(c: &mut Ctx<'_>, other: &Arc<Process>) {
    let both = Flags::SET_ON_LINK.with(Flags::SET_ON_FIRST_LINK);
    if !c.process.trace.has_any(both) {
        return;
    }
    let (mut flags, tracer) = (Flags(c.process.trace.flags().0 & Flags::TRACEE.0), c.process.trace.tracer());
    let mut off = Flags::default();
    if flags.any(Flags::SET_ON_FIRST_LINK) {
        flags = flags.without(both);
        off = both;
        c.process.trace.set(Flags::default(), both);
    }
    let request = Signal::request(move |engine, target| {
        if let Target::Alive(process, _) = target {
            let _control = engine.tracing.control.lock();
            process.trace.set(flags, off);
            process.trace.set_tracer(tracer);
        }
    });
    let _ = c.engine.signal(other, request);
}

/// A link with what has ended already.
fn no_such(c: &mut Ctx<'_>, other: Term, reason: Atom) -> NativeResult {
    if !c.data.traps_exits() {
        return Err(Escape::Error(Term::atom(reason)));
    }
    tell_exit(c, other, Term::atom(reason));
    Ok(TRUE)
}

/// Sends the caller `{'EXIT', Other, Reason}` as if through a link.
fn tell_exit(c: &mut Ctx<'_>, other: Term, reason: Term) {
    let me = c.pid();
    let kind = SignalKind::Exit { from: Term::NONE, linked: false };
    let exit = Signal::built(kind, |h| h.tuple(&[Term::atom(Atom::EXIT_TAG), other, reason]));
    c.engine.post(me, exit);
}

fn unlink(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (other, me) = (a[0], c.pid());
    if c.process.trace.has(Flags::PROCS) {
        events::procs(c.engine, c.process, am!("unlink"), other);
    }
    if other.is_local_pid() {
        let id = c.engine.next_unique() + 1;
        if other != me && c.data.relations().unlink(other, id) {
            c.engine.post(other, Signal::bare(SignalKind::Unlink { from: me, id }));
        }
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        if c.data.relations().drop_link(other) {
            c.engine.port_signal(port, PortSignal::Unlink { from: me });
        }
        return Ok(TRUE);
    }
    match other.as_external() {
        Some((Kind::ExtPid, ..)) => Ok(TRUE),
        Some((Kind::ExtPort, node, ..)) if node == c.engine.node() => Ok(TRUE),
        _ => Err(Escape::BADARG),
    }
}
