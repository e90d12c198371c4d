//! Connections as `net_kernel` makes and ends them: `erts_internal:new_connection/1`, `create_dist_channel/3`,
//! `abort_pending_connection/2`.

use super::node::{Node, OfPort, Phase};
use super::signal::ForPeer;
use super::{distribution, flags, monitor, signal};
use crate::port;
use purlin_term::{Atom, Heap, Immediate, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, report};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "new_connection", 1, new_connection),
    Native::plain("erts_internal", "abort_pending_connection", 2, abort_pending_connection),
    Native::plain("erts_internal", "create_dist_channel", 3, create_dist_channel),
];

/// A name that a node can have: it has exactly one `@`, with something before and behind it.
pub fn node_name(t: Term) -> Option<Atom> {
    let name = t.as_atom()?;
    let (left, right) = name.name().split_once('@')?;
    (!left.is_empty() && !right.is_empty() && !right.contains('@')).then_some(name)
}

/// The other node of this name.
fn other_node(ctx: &Ctx<'_>, t: Term) -> Option<Arc<Node>> {
    let name = node_name(t).filter(|&name| name != ctx.engine.node())?;
    Some(distribution(ctx.engine).node(ctx.engine, name))
}

fn new_connection(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let node = other_node(ctx, args[0]).or_badarg()?;
    let id = node.renew();
    Ok(node.handle(ctx.heap(), id))
}

/// Whether there was nothing but a connection in the making to abort.
fn abort_pending_connection(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = Node::of_handle(args[1]).filter(|(node, _)| args[0].is(node.name)).or_badarg()?;
    Ok(Term::bool(node.abort(ctx.engine, id)))
}

/// Puts a connection in the making into the hands of a port or process; `{ok, Handle}`, or `{message, Ref}` when the
/// handle comes as a message.
fn create_dist_channel(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let badarg = Ok(Term::atom(Atom::BADARG));
    let Some(&[flags, creation]) = args[2].as_tuple() else { return badarg };
    let (Some(flags), Some(creation)) = (flags.as_u64(), creation.as_u64().and_then(|c| u32::try_from(c).ok())) else {
        return badarg;
    };
    let (Some(node), true) = (other_node(ctx, args[0]), ctx.engine.is_alive()) else { return badarg };
    let mandatory = flags::mandatory(ctx.engine.config.release);
    if flags & mandatory != mandatory {
        let (pid, name) = (ctx.pid(), Term::atom(node.name));
        let text = "~p attempted to enable connection to node ~p which does not support all mandatory capabilities.~n";
        report::log(ctx.engine, am!("error"), text, ctx.data.group_leader, None, |h| h.list(&[pid, name]));
        return badarg;
    }
    let link = Link { node, flags, creation, setup: ctx.process.who() };
    if args[1].as_port().is_some() {
        return of_port(ctx, args[1], &link);
    }
    if args[1] == ctx.pid() {
        let Some(id) = of_process(ctx.engine, ctx.process, &link) else { return badarg };
        return answer(ctx, &link.node, id);
    }
    let Some(channel) = args[1].as_pid().and_then(|id| ctx.engine.process(id)) else { return badarg };
    // It takes its place among the channel's signals: what that sends afterwards comes after it.
    let (request, me) = (ctx.engine.next_ref(), ctx.process.who());
    let reference = ctx.heap().reference(request);
    let set_up = Signal::request(move |engine, target| {
        let id = match target {
            Target::Alive(process, _) => of_process(engine, process, &link),
            Target::Gone => None,
        };
        let message = Signal::built(SignalKind::Message, |h| {
            let result = id.map_or(Term::atom(Atom::BADARG), |id| link.node.handle(h, id));
            let reference = h.reference(request);
            h.tuple(&[reference, result])
        });
        engine.post(me.term(), message);
    });
    match ctx.engine.signal(&channel, set_up) {
        Ok(()) => Ok(ctx.heap().tuple(&[am!("message"), reference])),
        Err(_) => badarg,
    }
}

/// A connection that is to come up.
struct Link {
    node: Arc<Node>,
    flags: u64,
    creation: u32,
    /// Who shook hands.
    setup: Immediate,
}

fn answer(ctx: &mut Ctx<'_>, node: &Arc<Node>, id: u32) -> NativeResult {
    let handle = node.handle(ctx.heap(), id);
    ctx.ok(handle)
}

fn of_port(ctx: &mut Ctx<'_>, port: Term, link: &Link) -> NativeResult {
    let badarg = Ok(Term::atom(Atom::BADARG));
    let Some(port) = port::find(ctx.engine, port).filter(|p| p.driver.soft_busy()) else { return badarg };
    let Some(id) = pending(&link.node) else { return badarg };
    let tap = OfPort { node: link.node.clone(), id };
    if !port.set_tap(Box::new(tap)) || !come_up(ctx.engine, link, id, Immediate::port(port.id)) {
        return badarg;
    }
    if !port.is_open(ctx.engine) {
        // It closed before it had the tap.
        link.node.down(ctx.engine, id, am!("connection_closed"));
    }
    answer(ctx, &link.node, id)
}

/// The number of a connection that is in the making.
fn pending(node: &Node) -> Option<u32> {
    let state = node.state.lock();
    (state.phase == Phase::Pending).then_some(state.id)
}

/// Makes a process the channel; the number of its connection.
fn of_process(engine: &Arc<Engine>, process: &Arc<purlin_vm::Process>, link: &Link) -> Option<u32> {
    let id = pending(&link.node)?;
    let channels = &distribution(engine).channels;
    if channels.lock().contains_key(&process.id()) {
        return None;
    }
    channels.lock().insert(process.id(), (link.node.clone(), id));
    process.involve();
    if !come_up(engine, link, id, process.who()) {
        channels.lock().remove(&process.id());
        return None;
    }
    if process.is_exiting() {
        end_of_channel(engine, process.id(), am!("killed"));
    }
    Some(id)
}

/// The connection is up. False: it is not in the making any more, or there is no `net_kernel`.
fn come_up(engine: &Arc<Engine>, link: &Link, id: u32, channel: Immediate) -> bool {
    let node = &link.node;
    let Some(kernel) = engine.names.whereis(Atom::new("net_kernel")).filter(|t| t.is_local_pid()) else { return false };
    let mut refused = Vec::new();
    {
        let mut state = node.state.lock();
        if state.id != id || state.phase != Phase::Pending {
            return false;
        }
        state.phase = Phase::Connected;
        (state.flags, state.creation) = (link.flags, link.creation);
        (state.channel, state.input_handler) = (Some(channel), channel.term().is_pid().then_some(channel));
        state.order = distribution(engine).came_up.fetch_add(1, Ordering::Relaxed);
        state.queued = 0;
        // Before anybody else can send: nobody has seen that the connection is up.
        let state = &mut *state;
        for (control, message) in std::mem::take(&mut state.waiting) {
            let message = message.as_ref().map(|m| m.term());
            let mut heap = Heap::new(8);
            match signal::for_peer(&mut heap, node.connection(id), control.term(), link.flags) {
                ForPeer::Send(control) => {
                    if let Some(encoded) = signal::encode(engine, control, message, link.flags) {
                        state.queue(encoded);
                    }
                }
                ForPeer::Refuse(to, answer) => refused.extend(Immediate::new(to).map(|to| (to, answer))),
                ForPeer::Drop => {}
            }
        }
    }
    for (to, answer) in refused {
        engine.post(to.term(), answer);
    }
    let setup = link.setup;
    let told = Signal::built(SignalKind::Message, |h| {
        h.tuple(&[am!("dist_ctrlr"), channel.term(), Term::atom(node.name), setup.term()])
    });
    engine.post(kernel, told);
    monitor::node_up(engine, node.name, Some(id), flags::is_visible(link.flags));
    node.work(engine);
    true
}

/// A process has ended that may have been a channel.
pub fn process_ended(ctx: &mut Ctx<'_>, reason: Term) {
    end_of_channel(ctx.engine, ctx.process.id(), reason);
}

fn end_of_channel(engine: &Arc<Engine>, process: u64, reason: Term) {
    let ended = distribution(engine).channels.lock().remove(&process);
    if let Some((node, id)) = ended {
        let reason = if reason.is(Atom::NORMAL) { am!("connection_closed") } else { reason };
        node.down(engine, id, reason);
    }
}

/// The connection that the calling process is the channel of, which a handle has to mean.
pub fn own_connection(ctx: &Ctx<'_>, handle: Term) -> Result<(Arc<Node>, u32), Escape> {
    let own = distribution(ctx.engine).channels.lock().get(&ctx.process.id()).cloned();
    let (node, id) = own.ok_or(Escape::NOTSUP)?;
    let (meant, number) = Node::of_handle(handle).or_badarg()?;
    if Arc::ptr_eq(&node, &meant) && id == number { Ok((node, id)) } else { Err(Escape::BADARG) }
}
