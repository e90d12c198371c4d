//! Events of processes: messages, relations, names, scheduling and collection. Each function is called by the tracee's
//! own thread, after it has looked at the process's flags.

use super::flags::{Flags, Share};
use super::message::{Event, enabled};
use super::{EventPattern, Site};
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::figures;
use crate::process::gc::{Collected, Depth};
pub use crate::process::signal::Extra;
use crate::process::{Activity, Process, ProcessData};
use crate::sched::microstate::State;
use parking_lot::RwLock;
use purlin_term::{Atom, Heap, Owned, Term, am};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The verdict of a session's pattern for an event: what the message is given besides, or that there is none.
fn judge(
    pattern: &RwLock<EventPattern>,
    ctx: &mut Ctx<'_>,
    share: &Share,
    arguments: &[Term],
) -> Option<Option<Owned>> {
    let spec = {
        let p = pattern.read();
        if !p.on {
            return None;
        }
        p.spec.clone()
    };
    let Some(spec) = spec else { return Some(None) };
    let site = Site { session: share.session, ..Site::default() };
    let message = spec.run(ctx, arguments, &site).message?;
    // The specification may have changed that.
    let silent = ctx.process.trace.share(share.session).is_some_and(|s| s.flags.any(Flags::SILENT));
    (!silent).then_some(Some(message))
}

/// Sends an event of a process that runs to those who trace events of these kinds.
fn tell(engine: &Arc<Engine>, process: &Process, kinds: Flags, name: Term, data: Term, extra: Term) {
    for share in process.trace.shares(kinds) {
        tell_one(engine, process, &share, name, data, extra, am!("true"));
    }
}

/// Sends an event to the tracer of one session.
fn tell_one(engine: &Arc<Engine>, process: &Process, share: &Share, name: Term, data: Term, extra: Term, result: Term) {
    if let Some(tracer) = enabled(engine, process.pid(), &process.trace, share, true) {
        Event { tracee: process.pid(), name, data, extra, result, tracer, flags: &share.flags }.send(engine);
    }
}

/// `send`, `send_to_non_existing_process`.
pub fn send(ctx: &mut Ctx<'_>, to: Term, message: Term) {
    let engine = ctx.engine.clone();
    let gone = match to.as_pid() {
        Some(id) => engine.process(id).is_none(),
        None => {
            to.as_external().is_some_and(|(kind, node, ..)| kind == purlin_term::Kind::ExtPid && node == engine.node())
        }
    };
    let name = if gone { am!("send_to_non_existing_process") } else { am!("send") };
    for share in ctx.process.trace.shares(Flags::SEND) {
        let Some(session) = engine.tracing.session(share.session) else { continue };
        let Some(result) = judge(&session.send, ctx, &share, &[to, message]) else { continue };
        let result = result.as_ref().map_or(am!("true"), Owned::term);
        tell_one(&engine, ctx.process, &share, name, message, to, result);
    }
}

/// `'receive'`: a message has come into the process's queue.
pub fn receive(ctx: &mut Ctx<'_>, extra: Option<&Extra>, message: Term) {
    let from = extra.map_or(Term::NONE, |e| e.from);
    let (node, from) = if from.is_pid() {
        let node = from.as_external().map_or(ctx.engine.node(), |(_, node, ..)| node);
        (Term::atom(node), from)
    } else {
        (am!("system"), am!("undefined"))
    };
    received(ctx, node, from, message);
}

/// `'receive'` of what a `receive` gets instead of a message when its time is over.
pub fn timeout(ctx: &mut Ctx<'_>) {
    received(ctx, am!("clock_service"), am!("undefined"), am!("timeout"));
}

fn received(ctx: &mut Ctx<'_>, node: Term, from: Term, message: Term) {
    let engine = ctx.engine.clone();
    for share in ctx.process.trace.shares(Flags::RECEIVE) {
        let Some(session) = engine.tracing.session(share.session) else { continue };
        let Some(result) = judge(&session.receive, ctx, &share, &[node, from, message]) else { continue };
        let result = result.as_ref().map_or(am!("true"), Owned::term);
        tell_one(&engine, ctx.process, &share, am!("receive"), message, Term::NONE, result);
    }
}

/// An event with one datum: `link`, `unlink`, `getting_linked`, `getting_unlinked`, `register`, `unregister`, `exit`.
pub fn procs(engine: &Arc<Engine>, process: &Process, name: Term, data: Term) {
    tell(engine, process, Flags::PROCS, name, data, Term::NONE);
}

/// `spawn` in the parent or `spawned` in the child, with the other one's pid and what the child runs.
pub fn spawn(engine: &Arc<Engine>, process: &Process, name: Term, other: Term, mfa: &[Term]) {
    let mut heap = Heap::new(0);
    let mfa = heap.tuple(mfa);
    tell(engine, process, Flags::PROCS, name, other, mfa);
}

/// `in`, `out` and their kinds for processes that exit, for those who trace one of `kinds`; with the function that the
/// process is in, or 0.
pub fn scheduled(ctx: &Ctx<'_>, kinds: Flags, name: Term, exiting: bool) {
    let mut heap = Heap::new(0);
    let frame = match ctx.engine.runner() {
        Some(r) if !exiting => r.frames(ctx.engine, ctx.data, &mut heap, 1).first().copied(),
        _ => None,
    };
    let place = match frame {
        Some(f) => heap.tuple(&[Term::atom(f.mfa.module), Term::atom(f.mfa.function), Term::small(f.mfa.arity as i64)]),
        None => Term::small(0),
    };
    tell(ctx.engine, ctx.process, kinds, name, place, Term::NONE);
}

/// Collects a process's heap as [`ProcessData::collect`] does, and tells of it.
pub fn collect(ctx: &mut Ctx<'_>, live: &mut [Term], need: usize) -> Collected {
    let traced = ctx.process.trace.has(Flags::GARBAGE_COLLECTION);
    let watched = ctx.engine.tracing.monitor.watches_heaps();
    let before = crate::process::gc::used_words(&ctx.data.heap);
    let scheduler =
        ctx.engine.sched.current().map(|me| (me, ctx.engine.sched.now_does(me, State::Gc, &ctx.engine.clock)));
    let done = if traced || watched { collect_watched(ctx, live, need, traced) } else { ctx.data.collect(live, need) };
    if let Some((me, state)) = scheduler {
        ctx.engine.sched.now_does(me, state, &ctx.engine.clock);
    }
    ctx.engine.sched.collections.fetch_add(1, Ordering::Relaxed);
    let after = crate::process::gc::used_words(&ctx.data.heap);
    super::measure::collected(ctx, before, after);
    let reclaimed = before.saturating_sub(after);
    ctx.engine.sched.reclaimed.fetch_add(reclaimed as u64, Ordering::Relaxed);
    done
}

#[cold]
fn collect_watched(ctx: &mut Ctx<'_>, live: &mut [Term], need: usize, traced: bool) -> Collected {
    let start = std::time::Instant::now();
    let used = |data: &ProcessData| crate::process::gc::used_words(&data.heap);
    let (before, major) = (used(ctx.data), matches!(ctx.data.next_depth(), Depth::Major | Depth::Tight));
    if traced {
        let name = if major { am!("gc_major_start") } else { am!("gc_minor_start") };
        tell_collection(ctx, name, need);
    }
    let done = ctx.data.collect(live, need);
    let sleep = ctx.engine.tracing.monitor.gc_sleep.load(Ordering::Relaxed);
    if sleep > 0 {
        std::thread::sleep(Duration::from_millis(sleep));
    }
    if traced {
        let name = if done.major { am!("gc_major_end") } else { am!("gc_minor_end") };
        let after = used(ctx.data);
        tell_collection(ctx, name, before.saturating_sub(after));
    }
    if ctx.engine.tracing.monitor.watches_heaps() {
        ctx.engine.tracing.monitor.collected(ctx, start.elapsed());
    }
    done
}

/// Has a process collect: now if it does not run (its registers are saved), else at the next instruction boundary.
pub fn request_collection(ctx: &mut Ctx<'_>, depth: Depth) {
    if ctx.data.activity == Activity::Running {
        return ctx.data.want_collection(depth);
    }
    ctx.data.wanted_collection = Some(depth);
    collect(ctx, &mut [], 0);
}

fn tell_collection(ctx: &Ctx<'_>, name: Term, words: usize) {
    let mut all = vec![(Term::atom(Atom::new("wordsize")), words)];
    all.extend(figures::of(ctx.data));
    let mut heap = Heap::new(0);
    let list = figures::list(&mut heap, &all);
    tell(ctx.engine, ctx.process, Flags::GARBAGE_COLLECTION, name, list, Term::NONE);
}
