//! What processes do with those of other nodes: send, link, monitor, end, start them.

use super::monitor::gone;
use super::options::{MonitorOptions, Refused, SpawnOptions, monitor_options, spawn_options};
use super::pair;
use super::spawn::{add_monitor, monitor_id};
use purlin_term::{Atom, Owned, RemotePid, RemoteRef, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::nodes::{Nodes, Outgoing, Route, Unsent, tell};
use purlin_vm::process::Flags;
use purlin_vm::relation::{Alias, Connection, RemoteProcess, RemoteSpawn, RemoteWatcher, Watched};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::tracing::sequential;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Process, Spawn};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "dist_spawn_request", 4, dist_spawn_request),
    Native::plain("erlang", "bif_return_trap", 2, bif_return_trap),
];

/// How a message may be sent to another node.
#[derive(Clone, Copy)]
pub struct Sending {
    /// A connection is made if there is none.
    pub connect: bool,
    /// The sender waits while too much waits for going out.
    pub suspend: bool,
}

/// Sends a message to another node: `sent`, or `noconnect` or `nosuspend` where the sender does not want what it takes.
pub fn send(ctx: &mut Ctx<'_>, to: Term, message: Term, how: Sending, sent: Term) -> NativeResult {
    let noconnect = if how.connect { sent } else { Term::atom(Atom::NOCONNECT) };
    let named = pair(to).and_then(|(name, node)| Some((name.as_atom()?, node.as_atom()?)));
    let node = match (to.as_external(), named) {
        (Some((_, node, ..)), _) | (None, Some((_, node))) => node,
        (None, None) => return Err(Escape::BADARG),
    };
    let Some(nodes) = ctx.engine.nodes() else { return Ok(noconnect) };
    if !how.suspend && !ctx.data.flags.has(Flags::ASYNC_DIST) && nodes.busy(ctx.engine, node, None).is_some() {
        return Ok(am!("nosuspend"));
    }
    let by = if how.connect { Route::Connect } else { Route::Connected };
    let token = sequential::send(ctx, to, message);
    let token = token.as_ref();
    let what = match (RemotePid::of(to), named) {
        (Some(to), _) => Outgoing::Send { to, message, token },
        (None, Some((to, _))) => Outgoing::SendNamed { to, message, token },
        (None, None) => Outgoing::SendAlias { to, message, token },
    };
    match nodes.signal(ctx.engine, ctx.pid(), node, by, what) {
        Ok(_) if how.suspend => answer(ctx, to, sent),
        Ok(_) => Ok(sent),
        Err(Unsent::NoConnection) => Ok(noconnect),
        Err(Unsent::TooLarge) => Err(Escape::SYSTEM_LIMIT),
    }
}

/// What a native gives that has sent something to the node of `to`, a pid or `{Name, Node}`: its answer, for which the
/// caller waits while too much waits for going out there.
pub fn answer(ctx: &Ctx<'_>, to: Term, answer: Term) -> NativeResult {
    let node = to.as_external().map(|e| e.1).or_else(|| pair(to)?.1.as_atom());
    let (Some(node), Some(nodes)) = (node, ctx.engine.nodes()) else { return Ok(answer) };
    if ctx.data.flags.has(Flags::ASYNC_DIST) || nodes.busy(ctx.engine, node, None).is_none() {
        return Ok(answer);
    }
    let args = vec![answer, Term::atom(node)];
    Err(Escape::Trap { module: Atom::ERLANG, function: Atom::new("bif_return_trap"), args })
}

/// `bif_return_trap(Answer, Node)`: where a process waits for a node that it has sent something to; called with `[Node]` when
/// it may go on, or has got a signal.
fn bif_return_trap(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let nodes = ctx.engine.nodes().or_badarg()?;
    let me = ctx.process.who();
    if let Some((node, _)) = args[1].as_cons() {
        // It goes on when it was told to, whatever waits again by then.
        let waits = nodes.is_waiting(ctx.engine, node.as_atom().or_badarg()?, me);
        return if waits { Err(Escape::Wait(args.to_vec())) } else { Ok(args[0]) };
    }
    let Some(channel) = nodes.busy(ctx.engine, args[1].as_atom().or_badarg()?, Some(me)) else { return Ok(args[0]) };
    ctx.engine.tracing.monitor.suspended_by_node(ctx.engine, ctx.process, channel.term());
    let waits_for = ctx.heap().list(&[args[1]]);
    Err(Escape::Wait(vec![args[0], waits_for]))
}

/// Sends a signal of the caller that a connection is made for; the connection that it goes by.
fn signal(ctx: &Ctx<'_>, node: Atom, what: Outgoing<'_>) -> Result<Connection, Unsent> {
    let nodes: &dyn Nodes = ctx.engine.nodes().ok_or(Unsent::NoConnection)?;
    nodes.signal(ctx.engine, ctx.pid(), node, Route::Connect, what)
}

/// Links the caller with a process of another node that it is not linked with; false: there is no connection.
pub fn link(ctx: &mut Ctx<'_>, to: RemotePid) -> bool {
    let Ok(at) = signal(ctx, to.node, Outgoing::Link { to }) else { return false };
    ctx.data.relations().remote().link(to, at, true);
    true
}

/// Removes the caller's link with a process of another node.
pub fn unlink(ctx: &mut Ctx<'_>, to: RemotePid) {
    let id = ctx.engine.next_unique() + 1;
    let me = ctx.pid();
    if let Some(at) = ctx.data.relations().remote().unlink(to, id) {
        tell(ctx.engine, me, at, Outgoing::Unlink { to, id });
    }
}

/// Sends an exit signal to a process of another node.
pub fn exit(ctx: &Ctx<'_>, to: RemotePid, reason: Term) -> Result<(), Escape> {
    match signal(ctx, to.node, Outgoing::Exit { to, linked: false, reason, token: None }) {
        Err(Unsent::TooLarge) => Err(Escape::SYSTEM_LIMIT),
        _ => Ok(()),
    }
}

/// Gives a process of another node a group leader.
pub fn set_group_leader(ctx: &Ctx<'_>, to: RemotePid, leader: Term) {
    let _ = signal(ctx, to.node, Outgoing::GroupLeader { to, leader });
}

/// Monitors a process of another node, whose end the caller is told at once if there is no connection.
pub fn monitor(ctx: &mut Ctx<'_>, item: Term, node: Atom, watched: RemoteProcess, o: &MonitorOptions) -> Term {
    let monitor = monitor_id(ctx, o.alias);
    match signal(ctx, node, Outgoing::Monitor { monitor, watched }) {
        Ok(at) => {
            add_monitor(ctx, monitor, Watched::Remote(watched, at), o);
            ctx.data.relations().remote().note(at);
        }
        Err(_) => gone(ctx, monitor, o, item, am!("noconnection")),
    }
    ctx.heap().reference(monitor)
}

/// What a request to start a process on another node asks for.
struct Request {
    link: bool,
    monitor: Option<MonitorOptions>,
    tag: Term,
    reply_on_success: bool,
    reply_on_error: bool,
    /// The options that the other node gets.
    options: Vec<Term>,
    bad: bool,
}

/// Reads the options. `None`: `badarg`.
fn request(ctx: &Ctx<'_>, list: Term, replies: bool) -> Option<Request> {
    let mut r = Request {
        link: false,
        monitor: None,
        tag: am!("spawn_reply"),
        reply_on_success: true,
        reply_on_error: true,
        options: Vec::new(),
        bad: false,
    };
    for option in list.as_list()? {
        match pair(option) {
            Some((key, value)) if key == am!("reply_tag") && replies => r.tag = value,
            Some((key, value)) if key == am!("reply") && replies => match super::options::replies(value) {
                Some(when) => (r.reply_on_success, r.reply_on_error) = when,
                None => r.bad = true,
            },
            Some((key, value)) if key == am!("monitor") => match monitor_options(value, ctx.engine.config.release) {
                Some(options) => r.monitor = Some(options),
                None if replies => r.bad = true,
                None => return None,
            },
            Some((key, _)) if key == am!("reply_tag") || key == am!("reply") => return None,
            _ => {
                r.link |= option == am!("link");
                if option == am!("monitor") {
                    r.monitor = r.monitor.or_else(|| Some(MonitorOptions::default()));
                } else {
                    r.options.push(option);
                }
            }
        }
    }
    if r.monitor.is_some() {
        r.options.insert(0, am!("monitor"));
    }
    Some(r)
}

/// Asks another node to start a process: the reference that the answer will have, in a pair with whether there will be a
/// monitor for callers that wait for it.
fn dist_spawn_request(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let replies = args[3] == am!("spawn_request");
    let node = args[0].as_atom().filter(|&node| node != ctx.engine.node());
    let call = args[1].as_tuple().filter(|mfa| mfa.len() == 3 && mfa[0].is_atom() && mfa[1].is_atom());
    let arity = call.and_then(|mfa| mfa[2].list_length());
    let asked = request(ctx, args[2], replies);
    let (Some(node), Some(call), Some(arity), Some(asked)) = (node, call, arity, asked) else {
        return Ok(am!("badarg"));
    };
    let alias = asked.monitor.and_then(|m| m.alias);
    let id = monitor_id(ctx, alias);
    match ask(ctx, node, id, call, arity, &asked) {
        Ok(at) => {
            let monitor =
                asked.monitor.map(|m| (m.tag.map(|tag| Signal::with_copy(SignalKind::Message, tag)), m.priority));
            let spawn = RemoteSpawn {
                at,
                tag: Owned::new(asked.tag),
                link: asked.link,
                monitor,
                reply_on_success: asked.reply_on_success,
                reply_on_error: asked.reply_on_error,
                abandoned: false,
            };
            let relations = ctx.data.relations();
            if let Some(mode) = alias {
                relations.aliases.insert(id, Alias { mode, priority: false });
            }
            relations.remote().spawns.insert(id, spawn);
            relations.remote().note(at);
        }
        Err(reason) if asked.reply_on_error => {
            let answer = Signal::built(SignalKind::Message, |h| {
                let reference = h.reference(id);
                h.tuple(&[asked.tag, reference, am!("error"), reason])
            });
            ctx.engine.post(ctx.pid(), answer);
        }
        Err(_) => {}
    }
    let reference = ctx.heap().reference(id);
    let monitors = Term::bool(asked.monitor.is_some());
    Ok(if replies { reference } else { ctx.heap().tuple(&[reference, monitors]) })
}

/// Sends a request; why it cannot be sent.
fn ask(
    ctx: &mut Ctx<'_>,
    node: Atom,
    request: [u64; 2],
    call: &[Term],
    arity: usize,
    asked: &Request,
) -> Result<Connection, Term> {
    if asked.bad {
        return Err(am!("badopt"));
    }
    if ctx.engine.nodes().is_some_and(|nodes| !nodes.can_spawn(ctx.engine, node)) {
        return Err(am!("notsup"));
    }
    let mfa = ctx.heap().tuple(&[call[0], call[1], Term::small(arity as i64)]);
    let leader = ctx.data.group_leader;
    let what = Outgoing::Spawn { request, leader, mfa, args: call[2], options: &asked.options };
    signal(ctx, node, what).map_err(|unsent| match unsent {
        Unsent::NoConnection => am!("noconnection"),
        Unsent::TooLarge => Term::atom(Atom::SYSTEM_LIMIT),
    })
}

/// Does not want the answer to a request any more; false: there is no such request, or it was answered.
pub fn abandon(ctx: &mut Ctx<'_>, request: Term) -> bool {
    let spawns = request.as_local_ref().and_then(|id| ctx.data.relations().remote().spawns.get_mut(&id));
    spawns.is_some_and(|spawn| !std::mem::replace(&mut spawn.abandoned, true))
}

/// A process that was started for one of another node, with whether it is linked with that and monitored by it.
pub type Spawned = (Arc<Process>, bool, bool);

/// Makes the process that another node's `parent` asked for, which gets its arguments as its first message; the caller
/// [enqueues](purlin_vm::sched::Schedulers::enqueue) it. An atom says why there is none. `None`: the options are no list.
pub fn spawn_for_node(
    engine: &Arc<Engine>,
    parent: RemotePid,
    request: RemoteRef,
    at: Connection,
    leader: Term,
    mfa: Term,
    options: Term,
) -> Option<Result<Spawned, Atom>> {
    let (o, refused): (SpawnOptions, _) = spawn_options(engine, options, false);
    match refused {
        Some(Refused::NoList) => return None,
        Some(Refused::BadOption) => return Some(Err(Atom::BADOPT)),
        None => {}
    }
    let args = [mfa];
    let mut spawn = Spawn::new(Atom::new("erts_internal"), Atom::new("dist_spawn_init"), &args);
    spawn.group_leader = leader;
    spawn.priority = o.priority;
    spawn.scheduler = o.scheduler;
    spawn.flags = o.flags;
    spawn.rare = o.rare;
    spawn.remote_link = o.link.then_some((parent, at));
    let watcher = RemoteWatcher { watcher: parent, name: None, at };
    spawn.remote_watcher = o.monitor.map(|_| (request, watcher));
    Some(match spawn.create(engine) {
        Some(child) => Ok((child, o.link, o.monitor.is_some())),
        None => Err(Atom::SYSTEM_LIMIT),
    })
}
