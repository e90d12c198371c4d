//! `spawn/3`, `spawn_link/3`, `spawn_opt/4`, `spawn_request/4`.

use super::options::{MonitorOptions, Refused, SpawnOptions, spawn_options};
use super::{badopt, remote};
use crate::trace::sequential;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::relation::{Alias, AliasMode, Monitor, Watched, Watcher};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::tracing::events::{self, Extra};
use purlin_vm::tracing::flags::{Flags, inherited};
use purlin_vm::tracing::sequential::Sequence;
use purlin_vm::{Ctx, Escape, Native, NativeResult, Process, Spawn};
use smallvec::SmallVec;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "spawn", 3, spawn),
    Native::plain("erlang", "spawn_link", 3, spawn_link),
    Native::plain("erlang", "spawn_opt", 4, spawn_opt),
    Native::plain("erlang", "spawn_request_abandon", 1, spawn_request_abandon),
    Native::plain("erts_internal", "spawn_request", 4, spawn_request),
    Native::plain("erts_internal", "spawn_system_process", 3, spawn_system_process),
];

/// Whether the caller of a spawn waits for its result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The pid is the result.
    Call,
    /// As [`Mode::Call`], for a process of the system.
    System,
    /// The result comes as a message, before any signal of the child.
    Request,
}

/// Starts a process; its pid, and the reference of the monitor or request if `o` or the mode asks for one.
fn start(ctx: &mut Ctx<'_>, mfa: &[Term], o: &SpawnOptions, mode: Mode) -> Result<(Term, Term), Escape> {
    let (module, function) = (mfa[0].as_atom().or_badarg()?, mfa[1].as_atom().or_badarg()?);
    let args = arguments(mfa[2])?;
    let token = sequential::of_spawn(ctx);
    let id = monitor_id(ctx, o.monitor.and_then(|m| m.alias));
    let mut spawn = Spawn::new(module, function, &args);
    describe(ctx, &mut spawn, o);
    spawn.system = mode == Mode::System;
    spawn.sequence = token.as_ref().map(Sequence::inherited);
    spawn.watcher = o.monitor.map(|_| Watcher { monitor: id, watcher: ctx.process.who(), name: None });
    let child = spawn.create(ctx.engine).ok_or(Escape::SYSTEM_LIMIT)?;
    let pid = child.pid();
    relate(ctx, id, pid, o);
    let replies = mode == Mode::Request && o.reply_on_success;
    tell(ctx, &child, mfa, o.link);
    let token = token.map(|token| {
        let request = spawn_request_message(ctx, id, mfa, args.len(), o.reply_tag);
        let answer = answer_message(ctx.heap(), id, o.reply_tag, pid);
        sequential::tell_spawn(ctx, pid, &token, request, answer, replies)
    });
    let referred = mode == Mode::Request || o.monitor.is_some();
    let reference = if referred { ctx.heap().reference(id) } else { Term::NONE };
    if replies {
        let mut answer = Signal::built(SignalKind::Message, |h| answer_message(h, id, o.reply_tag, pid));
        answer.extra = token.map(|t| Box::new(Extra { from: pid, token: Some(t), keeps_token: false }));
        ctx.engine.post(ctx.pid(), answer);
    }
    ctx.engine.sched.enqueue(child);
    ctx.charge(args.len() + 20);
    Ok((pid, reference))
}

/// The arguments of a call, at most 255.
fn arguments(list: Term) -> Result<SmallVec<[Term; 6]>, Escape> {
    let mut items = list.iter();
    let args: SmallVec<[Term; 6]> = items.by_ref().collect();
    if !items.tail().is_nil() {
        return Err(Escape::BADARG);
    }
    if args.len() > 255 { Err(Escape::SYSTEM_LIMIT) } else { Ok(args) }
}

/// Says of a process to be what it has from its parent and from the options.
fn describe(ctx: &Ctx<'_>, spawn: &mut Spawn<'_>, o: &SpawnOptions) {
    spawn.parent = ctx.pid();
    spawn.group_leader = ctx.data.group_leader;
    spawn.link = o.link;
    spawn.priority = o.priority;
    spawn.scheduler = o.scheduler;
    spawn.flags = o.flags;
    spawn.rare = o.rare.clone();
    if ctx.process.trace.flags().any(Flags::TRACEE) {
        spawn.traced = inherited(ctx.process, o.link);
    }
}

/// Adds the parent's side of the link and the monitor that the options ask for.
fn relate(ctx: &mut Ctx<'_>, id: [u64; 2], child: Term, o: &SpawnOptions) {
    if o.link {
        ctx.data.relations().link(child);
    }
    if let Some(m) = o.monitor {
        add_monitor(ctx, id, Watched::Process(child), &m);
    }
}

/// Tells whoever traces parent or child of the spawn.
fn tell(ctx: &Ctx<'_>, child: &Process, mfa: &[Term], link: bool) {
    let (engine, parent, pid) = (ctx.engine, ctx.process, child.pid());
    if parent.trace.has(Flags::PROCS) {
        events::spawn(engine, parent, am!("spawn"), pid, mfa);
        if link {
            events::procs(engine, parent, am!("link"), pid);
        }
    }
    if child.trace.has(Flags::PROCS) {
        events::spawn(engine, child, am!("spawned"), parent.pid(), mfa);
        if link {
            events::procs(engine, child, am!("getting_linked"), parent.pid());
        }
    }
}

/// The message that a spawn stands for in sequential tracing:
/// `{spawn_request, Ref, Parent, GroupLeader, {Module, Function, Arity}, Options, Tag, Args}`.
fn spawn_request_message(ctx: &mut Ctx<'_>, id: [u64; 2], mfa: &[Term], arity: usize, tag: Term) -> Term {
    let (me, leader) = (ctx.pid(), ctx.data.group_leader);
    let h = ctx.heap();
    let reference = h.reference(id);
    let what = h.tuple(&[mfa[0], mfa[1], Term::small(arity as i64)]);
    h.tuple(&[am!("spawn_request"), reference, me, leader, what, Term::NIL, tag, mfa[2]])
}

/// The message that the answer to a spawn stands for.
fn answer_message(h: &mut Heap, id: [u64; 2], tag: Term, child: Term) -> Term {
    let reference = h.reference(id);
    h.tuple(&[tag, reference, am!("ok"), child])
}

/// The id of a new monitor's reference, which may be an alias of the caller.
pub fn monitor_id(ctx: &Ctx<'_>, alias: Option<AliasMode>) -> [u64; 2] {
    if alias.is_some() { ctx.engine.next_alias(ctx.pid()) } else { ctx.engine.next_ref() }
}

/// Adds the watching side of a monitor, and its alias.
pub fn add_monitor(ctx: &mut Ctx<'_>, id: [u64; 2], watched: Watched, m: &MonitorOptions) {
    let tag = m.tag.map(|tag| Signal::with_copy(SignalKind::Message, tag));
    let relations = ctx.data.relations();
    relations.monitors.insert(id, Monitor { watched, tag, priority: m.priority });
    if let Some(mode) = m.alias {
        relations.aliases.insert(id, Alias { mode, priority: false });
    }
}

fn spawn(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, &SpawnOptions::new(ctx.engine), Mode::Call).map(|r| r.0)
}

fn spawn_link(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    start(ctx, args, &SpawnOptions { link: true, ..SpawnOptions::new(ctx.engine) }, Mode::Call).map(|r| r.0)
}

fn spawn_opt(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (o, refused) = spawn_options(ctx.engine, args[3], false);
    if refused.is_some() {
        return Err(badopt());
    }
    let (pid, monitor) = start(ctx, &args[..3], &o, Mode::Call)?;
    Ok(if monitor.is_none() { pid } else { ctx.heap().tuple(&[pid, monitor]) })
}

fn spawn_system_process(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut o = SpawnOptions::new(ctx.engine);
    o.flags.set(purlin_vm::process::Flags::OFF_HEAP_MESSAGES, true);
    start(ctx, args, &o, Mode::System).map(|r| r.0)
}

/// The request is carried out at once; its answer comes as a message, as from another node.
fn spawn_request(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_atom() || !args[1].is_atom() || args[2].list_length().is_none() {
        return Ok(Term::atom(Atom::BADARG));
    }
    let (o, refused) = spawn_options(ctx.engine, args[3], true);
    match refused {
        Some(Refused::NoList) => return Ok(Term::atom(Atom::BADOPT)),
        Some(Refused::BadOption) => return Ok(refuse(ctx, &o, Term::atom(Atom::BADOPT))),
        None => {}
    }
    match start(ctx, &args[..3], &o, Mode::Request) {
        Ok((_, id)) => Ok(id),
        Err(Escape::Error(reason)) => Ok(refuse(ctx, &o, reason)),
        Err(e) => Err(e),
    }
}

/// Answers a request that failed; its reference.
fn refuse(ctx: &mut Ctx<'_>, o: &SpawnOptions, reason: Term) -> Term {
    let id = ctx.make_ref();
    if o.reply_on_error {
        let me = ctx.pid();
        let message = Signal::built(SignalKind::Message, |h| h.tuple(&[o.reply_tag, id, am!("error"), reason]));
        ctx.engine.post(me, message);
    }
    id
}

/// Only requests to other nodes can be outstanding.
fn spawn_request_abandon(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].is_ref() { Ok(Term::bool(remote::abandon(ctx, args[0]))) } else { Err(Escape::BADARG) }
}
