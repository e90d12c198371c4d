//! `spawn/3`, `spawn_link/3`, `spawn_opt/4`, `spawn_request/4`.

use super::options::{MonitorOptions, Refused, SpawnOptions, spawn_options};
use super::{FALSE, badopt};
use crate::trace::sequential;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::relation::{AliasMode, Monitor, Watched, Watcher};
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
    Native::plain("erts_internal", "dist_spawn_request", 4, dist_spawn_request),
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
fn start(c: &mut Ctx<'_>, mfa: &[Term], o: &SpawnOptions, mode: Mode) -> Result<(Term, Term), Escape> {
    let module = mfa[0].as_atom().or_badarg()?;
    let function = mfa[1].as_atom().or_badarg()?;
    let mut list = mfa[2].iter();
    let mut args: SmallVec<[Term; 6]> = SmallVec::new();
    list.by_ref().for_each(|t| args.push(t));
    if !list.tail().is_nil() {
        return Err(Escape::BADARG);
    }
    if args.len() > 255 {
        return Err(Escape::SYSTEM_LIMIT);
    }
    let me = c.pid();
    let mut result = Term::NONE;
    let mut s = Spawn::new(module, function, &args);
    s.parent = me;
    s.group_leader = c.data.group_leader;
    s.link = o.link;
    s.priority = o.priority;
    s.scheduler = o.scheduler;
    s.flags = o.flags;
    s.rare = o.rare.clone();
    s.system = mode == Mode::System;
    if c.process.trace.flags().any(Flags::TRACEE) {
        s.traced = inherited(c.process, o.link);
    }
    let token = sequential::of_spawn(c);
    s.sequence = token.as_ref().map(Sequence::inherited);
    let id = monitor_id(c, o.monitor.and_then(|m| m.alias));
    if o.monitor.is_some() {
        result = c.heap().reference(id);
        s.watcher = Some(Watcher { monitor: id, watcher: me, name: None });
    }
    let child = s.create(c.engine).ok_or(Escape::SYSTEM_LIMIT)?;
    let pid = child.pid();
    if o.link {
        c.data.relations().link(pid);
    }
    if let Some(m) = o.monitor {
        add_monitor(c, id, Watched::Process(pid), &m);
    }
    tell(c, &child, mfa, o.link);
    let request = mode == Mode::Request;
    let mut token = token;
    if let Some(t) = &mut token {
        let request_message = spawn_request_message(c, id, mfa, args.len(), o.reply_tag);
        let answer = answer_message(c.heap(), id, o.reply_tag, pid);
        let real = request && o.reply_on_success;
        *t = sequential::tell_spawn(c, pid, t, request_message, answer, real);
    }
    if request {
        if result.is_none() {
            result = c.heap().reference(id);
        }
        if o.reply_on_success {
            let mut answer = Signal::built(SignalKind::Message, |h| h.tuple(&[o.reply_tag, result, am!("ok"), pid]));
            answer.extra = token.map(|t| Box::new(Extra { from: pid, token: Some(t), keeps_token: false }));
            c.engine.post(me, answer);
        }
    }
    c.engine.sched.enqueue(child);
    c.charge(args.len() + 20);
    Ok((pid, result))
}

/// A spawn on another node. None is connected, which the caller is told in the way its options say.
fn dist_spawn_request(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let request = a[3] == am!("spawn_request");
    let names = |mfa: &[Term]| mfa.len() == 3 && mfa[0].is_atom() && mfa[1].is_atom() && mfa[2].as_list().is_some();
    let (o, refused) = spawn_options(c.engine, a[2], request);
    if !a[0].is_atom() || !a[1].as_tuple().is_some_and(names) || refused == Some(Refused::NoList) {
        return Ok(am!("badarg"));
    }
    let id = monitor_id(c, o.monitor.and_then(|m| m.alias));
    let reason = if refused.is_some() { am!("badopt") } else { am!("noconnection") };
    if !request || o.reply_on_error {
        let answer = Signal::built(SignalKind::Message, |h| {
            let reference = h.reference(id);
            h.tuple(&[o.reply_tag, reference, am!("error"), reason])
        });
        c.engine.post(c.pid(), answer);
    }
    let reference = c.heap().reference(id);
    let monitors = Term::bool(o.monitor.is_some());
    Ok(if request { reference } else { c.heap().tuple(&[reference, monitors]) })
}

/// Tells whoever traces parent or child of the spawn.
fn tell(c: &Ctx<'_>, child: &Process, mfa: &[Term], link: bool) {
    let (engine, parent, pid) = (c.engine, c.process, child.pid());
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
fn spawn_request_message(c: &mut Ctx<'_>, id: [u64; 2], mfa: &[Term], arity: usize, tag: Term) -> Term {
    let (me, leader) = (c.pid(), c.data.group_leader);
    let h = c.heap();
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
pub fn monitor_id(c: &Ctx<'_>, alias: Option<AliasMode>) -> [u64; 2] {
    if alias.is_some() { c.engine.next_alias(c.pid()) } else { c.engine.next_ref() }
}

/// Adds the watching side of a monitor, and its alias.
pub fn add_monitor(c: &mut Ctx<'_>, id: [u64; 2], watched: Watched, m: &MonitorOptions) {
    let tag = m.tag.map(|tag| Signal::with_copy(SignalKind::Message, tag));
    let relations = c.data.relations();
    relations.monitors.insert(id, Monitor { watched, tag });
    if let Some(mode) = m.alias {
        relations.aliases.insert(id, mode);
    }
}

fn spawn(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    start(c, a, &SpawnOptions::new(c.engine), Mode::Call).map(|r| r.0)
}

fn spawn_link(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    start(c, a, &SpawnOptions { link: true, ..SpawnOptions::new(c.engine) }, Mode::Call).map(|r| r.0)
}

fn spawn_opt(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (o, refused) = spawn_options(c.engine, a[3], false);
    if refused.is_some() {
        return Err(badopt());
    }
    let (pid, monitor) = start(c, a, &o, Mode::Call)?;
    Ok(if monitor.is_none() { pid } else { c.heap().tuple(&[pid, monitor]) })
}

fn spawn_system_process(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut o = SpawnOptions::new(c.engine);
    o.flags.set(purlin_vm::process::Flags::OFF_HEAP_MESSAGES, true);
    start(c, a, &o, Mode::System).map(|r| r.0)
}

/// The request is carried out at once; its answer comes as a message, as from another node.
fn spawn_request(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if !a[0].is_atom() || !a[1].is_atom() || a[2].list_length().is_none() {
        return Ok(Term::atom(Atom::BADARG));
    }
    let (o, refused) = spawn_options(c.engine, a[3], true);
    match refused {
        Some(Refused::NoList) => return Ok(Term::atom(Atom::BADOPT)),
        Some(Refused::BadOption) => return Ok(refuse(c, &o, Term::atom(Atom::BADOPT))),
        None => {}
    }
    match start(c, &a[..3], &o, Mode::Request) {
        Ok((_, id)) => Ok(id),
        Err(Escape::Error(reason)) => Ok(refuse(c, &o, reason)),
        Err(e) => Err(e),
    }
}

/// Answers a request that failed; its reference.
fn refuse(c: &mut Ctx<'_>, o: &SpawnOptions, reason: Term) -> Term {
    let id = c.make_ref();
    if o.reply_on_error {
        let me = c.pid();
        let message = Signal::built(SignalKind::Message, |h| h.tuple(&[o.reply_tag, id, am!("error"), reason]));
        c.engine.post(me, message);
    }
    id
}

/// Requests are carried out at once: none is ever outstanding.
fn spawn_request_abandon(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if a[0].is_ref() { Ok(FALSE) } else { Err(Escape::BADARG) }
}
