//! `spawn/3`, `spawn_link/3`, `spawn_opt/4`, `spawn_request/4`.

use super::options::{MonitorOptions, Refused, SpawnOptions, spawn_options};
use super::{FALSE, badopt};
use crate::trace::sequential;
use purlin_term::{Atom, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::relation::{Monitor, Watched, Watcher};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::tracing::events;
use purlin_vm::tracing::flags::{Flags, inherited};
use purlin_vm::{Ctx, Escape, Native, NativeResult, Process, Spawn};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "spawn", 3, spawn),
    Native::plain("erlang", "spawn_link", 3, spawn_link),
    Native::plain("erlang", "spawn_opt", 4, spawn_opt),
    Native::plain("erlang", "spawn_request_abandon", 1, spawn_request_abandon),
    Native::plain("erts_internal", "spawn_request", 4, spawn_request),
    Native::plain("erts_internal", "spawn_system_process", 3, spawn_system_process),
];

/// Starts a process; its pid, and the monitor's reference if `o` asks for one.
fn start(c: &mut Ctx<'_>, mfa: &[Term], o: &SpawnOptions, system: bool) -> Result<(Term, Term), Escape> {
    let module = mfa[0].as_atom().or_badarg()?;
    let function = mfa[1].as_atom().or_badarg()?;
    let args = mfa[2].as_list().or_badarg()?;
    if args.len() > 255 {
        return Err(Escape::SYSTEM_LIMIT);
    }
    let me = c.pid();
    let mut monitor = Term::NONE;
    let mut s = Spawn::new(module, function, &args);
    s.parent = me;
    s.group_leader = c.data.group_leader;
    s.link = o.link;
    s.priority = o.priority;
    s.flags = o.flags;
    s.rare = o.rare.clone();
    s.system = system;
    if c.process.trace.flags().any(Flags::TRACEE) {
        s.traced = inherited(c.process, o.link);
    }
    s.sequence = sequential::inherit(c);
    let token = s.sequence.as_ref().and_then(|s| s.token.clone());
    let id = c.engine.next_ref();
    if let Some(m) = o.monitor {
        monitor = reference(c, id, &m);
        s.watcher = Some(Watcher { monitor: id, watcher: me, name: None, alias: m.alias.is_some() });
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
    if let Some(token) = token {
        let request = spawn_request_message(c, id, mfa, args.len());
        sequential::tell_spawn(c, &child, &token, request);
    }
    c.engine.enqueue(child);
    c.charge(args.len() + 20);
    Ok((pid, monitor))
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
fn spawn_request_message(c: &mut Ctx<'_>, id: [u64; 2], mfa: &[Term], arity: usize) -> Term {
    let (me, leader) = (c.pid(), c.data.group_leader);
    let h = c.heap();
    let reference = h.reference(id);
    let what = h.tuple(&[mfa[0], mfa[1], Term::small(arity as i64)]);
    h.tuple(&[am!("spawn_request"), reference, me, leader, what, Term::NIL, am!("spawn_reply"), mfa[2]])
}

/// The term of a monitor's reference, which names its process if it is an alias.
pub fn reference(c: &mut Ctx<'_>, id: [u64; 2], m: &MonitorOptions) -> Term {
    let me = c.pid();
    if m.alias.is_some() { c.heap().pid_reference(id, me) } else { c.heap().reference(id) }
}

/// Adds the watching side of a monitor, and its alias.
pub fn add_monitor(c: &mut Ctx<'_>, id: [u64; 2], watched: Watched, m: &MonitorOptions) {
    let tag = m.tag.map(Signal::message);
    let relations = c.data.relations();
    relations.monitors.insert(id, Monitor { watched, tag });
    if let Some(mode) = m.alias {
        relations.aliases.insert(id, mode);
    }
}

fn spawn(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    start(c, a, &SpawnOptions::new(c.engine), false).map(|r| r.0)
}

fn spawn_link(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    start(c, a, &SpawnOptions { link: true, ..SpawnOptions::new(c.engine) }, false).map(|r| r.0)
}

fn spawn_opt(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let (o, refused) = spawn_options(c.engine, a[3], false);
    if refused.is_some() {
        return Err(badopt());
    }
    let (pid, monitor) = start(c, a, &o, false)?;
    Ok(if monitor.is_none() { pid } else { c.heap().tuple(&[pid, monitor]) })
}

fn spawn_system_process(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut o = SpawnOptions::new(c.engine);
    o.flags.set(purlin_vm::process::Flags::OFF_HEAP_MESSAGES, true);
    start(c, a, &o, true).map(|r| r.0)
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
    match start(c, &a[..3], &o, false) {
        Ok((pid, monitor)) => {
            let id = if monitor.is_none() { c.make_ref() } else { monitor };
            if o.reply_on_success {
                reply(c, &o, id, am!("ok"), pid);
            }
            Ok(id)
        }
        Err(Escape::Error(reason)) => Ok(refuse(c, &o, reason)),
        Err(e) => Err(e),
    }
}

/// Answers a request that failed; its reference.
fn refuse(c: &mut Ctx<'_>, o: &SpawnOptions, reason: Term) -> Term {
    let id = c.make_ref();
    if o.reply_on_error {
        reply(c, o, id, am!("error"), reason);
    }
    id
}

fn reply(c: &mut Ctx<'_>, o: &SpawnOptions, id: Term, result: Term, value: Term) {
    let me = c.pid();
    let message = Signal::built(SignalKind::Message, |h| h.tuple(&[o.reply_tag, id, result, value]));
    c.engine.post(me, message);
}

/// Requests are carried out at once: none is ever outstanding.
fn spawn_request_abandon(_: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if a[0].is_ref() { Ok(FALSE) } else { Err(Escape::BADARG) }
}
