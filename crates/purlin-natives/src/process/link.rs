//! `link/1,2`, `unlink/1`.

use super::exit::only_priority;
use super::{TRUE, badopt, remote};
use purlin_term::{Atom, Kind, RemotePid, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::port::PortSignal;
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::tracing::{Flags, events};
use purlin_vm::{Ctx, Escape, Native, NativeResult, Process};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "link", 1, link_1),
    Native::plain("erlang", "link", 2, link_2).since(28),
    Native::plain("erlang", "unlink", 1, unlink),
];

fn link_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    link(ctx, args[0], false)
}

fn link_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let priority = only_priority(args[1]).ok_or_else(badopt)?;
    link(ctx, args[0], priority)
}

/// Links the caller with a process or a port; with `priority` the message that this one has ended is a priority message.
fn link(ctx: &mut Ctx<'_>, other: Term, priority: bool) -> NativeResult {
    let me = ctx.pid();
    if ctx.process.trace.has(Flags::PROCS) {
        events::procs(ctx.engine, ctx.process, am!("link"), other);
    }
    if other == me {
        return Ok(TRUE);
    }
    if let Some(id) = other.as_pid() {
        let Some(p) = ctx.engine.process(id) else { return no_such(ctx, other, priority) };
        if ctx.data.relations().link(other) {
            set_on_link(ctx, &p);
            if ctx.engine.signal(&p, Signal::bare(SignalKind::Link { from: me })).is_err() {
                ctx.data.relations().drop_link(other);
                return no_such(ctx, other, priority);
            }
        }
        ctx.data.relations().set_link_priority(other, priority);
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        if !ctx.engine.ports().is_some_and(|ports| ports.is_open(ctx.engine, port)) {
            return no_such(ctx, other, priority);
        }
        if ctx.data.relations().link(other) && !ctx.engine.port_signal(port, PortSignal::Link { from: me }) {
            ctx.data.relations().drop_link(other);
            return no_such(ctx, other, priority);
        }
        ctx.data.relations().set_link_priority(other, priority);
        return Ok(TRUE);
    }
    match other.as_external() {
        Some((Kind::ExtPid, node, ..)) if node == ctx.engine.node() => no_such(ctx, other, priority),
        Some((Kind::ExtPid, ..)) => {
            let to = RemotePid::of(other).or_badarg()?;
            if ctx.data.relations().remote().is_linked(to) {
                return Ok(TRUE);
            }
            if !remote::link(ctx, to) {
                tell_exit(ctx, other, am!("noconnection"), priority);
                return Ok(TRUE);
            }
            remote::answer(ctx, other, TRUE)
        }
        _ => Err(Escape::BADARG),
    }
}

/// Has the other process traced as the caller is, if the caller's flags say so; in the order of signals.
fn set_on_link(ctx: &mut Ctx<'_>, other: &Arc<Process>) {
    let both = Flags::SET_ON_LINK.with(Flags::SET_ON_FIRST_LINK);
    if !ctx.process.trace.has_any(both) {
        return;
    }
    let mut shares = ctx.process.trace.shares(both);
    for share in &mut shares {
        if share.flags.any(Flags::SET_ON_FIRST_LINK) {
            share.set(Flags::default(), both);
            ctx.process.trace.change(share.session, |s| s.set(Flags::default(), both));
        }
    }
    let request = Signal::request(move |engine, target| {
        if let Target::Alive(process, _) = target {
            let _control = engine.tracing.control.lock();
            for share in shares.iter().filter(|s| engine.tracing.is_alive(s.session)) {
                let ends = if share.flags.any(both) { Flags::default() } else { both };
                process.trace.change(share.session, |s| {
                    s.set(share.flags, ends);
                    s.tracer = share.tracer;
                });
            }
        }
    });
    let _ = ctx.engine.signal(other, request);
}

/// A link with what has ended already.
fn no_such(ctx: &mut Ctx<'_>, other: Term, priority: bool) -> NativeResult {
    if !ctx.data.traps_exits() {
        return Err(Escape::Error(Term::atom(Atom::NOPROC)));
    }
    tell_exit(ctx, other, Term::atom(Atom::NOPROC), priority);
    Ok(TRUE)
}

/// Sends the caller `{'EXIT', Other, Reason}` as if through a link.
fn tell_exit(ctx: &mut Ctx<'_>, other: Term, reason: Term, priority: bool) {
    let me = ctx.pid();
    let kind = SignalKind::Exit { from: Term::NONE, linked: false, priority };
    ctx.engine.post(me, Signal::exit_of(kind, other, reason));
}

fn unlink(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (other, me) = (args[0], ctx.pid());
    if ctx.process.trace.has(Flags::PROCS) {
        events::procs(ctx.engine, ctx.process, am!("unlink"), other);
    }
    if other.is_local_pid() {
        let id = ctx.engine.next_unique() + 1;
        if other != me && ctx.data.relations().unlink(other, id) {
            ctx.engine.post(other, Signal::bare(SignalKind::Unlink { from: me, id }));
        }
        return Ok(TRUE);
    }
    if let Some(port) = other.as_port() {
        if ctx.data.relations().drop_link(other) {
            ctx.engine.port_signal(port, PortSignal::Unlink { from: me });
        }
        return Ok(TRUE);
    }
    match other.as_external() {
        Some((Kind::ExtPid, ..)) => {
            remote::unlink(ctx, RemotePid::of(other).or_badarg()?);
            Ok(TRUE)
        }
        Some((Kind::ExtPort, node, ..)) if node == ctx.engine.node() => Ok(TRUE),
        _ => Err(Escape::BADARG),
    }
}
