//! What a process does that is the channel of a connection: `erlang:dist_ctrl_*`, `dist_get_stat/1`.

use super::channel::own_connection;
use super::node::{Node, State};
use super::signal::tell_channel;
use parking_lot::MutexGuard;
use purlin_term::iolist::to_bytes;
use purlin_term::{Immediate, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::iter::once;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "dist_ctrl_get_data", 1, get_data),
    Native::plain("erlang", "dist_ctrl_get_data_notification", 1, get_data_notification),
    Native::plain("erlang", "dist_ctrl_put_data", 2, put_data),
    Native::plain("erlang", "dist_ctrl_input_handler", 2, input_handler),
    Native::plain("erlang", "dist_ctrl_get_opt", 2, get_opt),
    Native::plain("erlang", "dist_ctrl_set_opt", 3, set_opt),
    Native::plain("erlang", "dist_get_stat", 1, get_stat),
];

/// The state of a node while this is its connection.
fn current(node: &Node, id: u32) -> Result<MutexGuard<'_, State>, Escape> {
    let state = node.state.lock();
    if state.is_up(id) { Ok(state) } else { Err(Escape::BADARG) }
}

/// The next packet as a list of one binary, in a pair with its size if that was asked for; `none`: there is none.
fn get_data(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = own_connection(ctx, args[0])?;
    let with_size = match current(&node, id) {
        Ok(state) => state.with_size,
        Err(_) => return Ok(am!("none")),
    };
    let Some(packet) = node.take(ctx.engine) else { return Ok(am!("none")) };
    node.taken.fetch_add(1, Ordering::Relaxed);
    ctx.charge(1 + packet.len() / 200);
    let heap = ctx.heap();
    let data = heap.binary(&packet.bytes());
    let data = heap.list(&[data]);
    if !with_size {
        return Ok(data);
    }
    let size = Term::small(packet.len() as i64);
    Ok(heap.tuple(&[size, data]))
}

/// Sends `dist_data` once there are packets.
fn get_data_notification(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = own_connection(ctx, args[0])?;
    let there = {
        let mut state = current(&node, id)?;
        state.notify = state.out.is_empty();
        !state.notify
    };
    if there {
        tell_channel(ctx.engine, ctx.pid());
    }
    Ok(am!("ok"))
}

/// Takes a packet from the peer; one that breaks the protocol ends the channel.
fn put_data(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = Node::of_handle(args[0]).or_badarg()?;
    if !(args[1].is_nil() || args[1].is_cons() || args[1].as_bytes().is_some()) {
        return Err(Escape::BADARG);
    }
    let packet = to_bytes(args[1]).or_badarg()?;
    let own = node.state.lock().input_handler == Some(ctx.process.who());
    if !own {
        return Err(Escape::NOTSUP);
    }
    node.received.fetch_add(1, Ordering::Relaxed);
    ctx.charge(5 + packet.len() / 200);
    if !packet.is_empty() {
        let whole = once(0..packet.len()).collect();
        node.push(id, packet, whole);
        node.work(ctx.engine);
    }
    Ok(am!("ok"))
}

fn input_handler(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = own_connection(ctx, args[0])?;
    let handler = Immediate::new(args[1]).filter(|t| t.term().is_local_pid()).or_badarg()?;
    current(&node, id)?.input_handler = Some(handler);
    Ok(am!("ok"))
}

/// The only option there is.
fn is_get_size(option: Term) -> Result<(), Escape> {
    if option == am!("get_size") { Ok(()) } else { Err(Escape::BADARG) }
}

fn get_opt(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = own_connection(ctx, args[0])?;
    let state = current(&node, id)?;
    is_get_size(args[1])?;
    Ok(Term::bool(state.with_size))
}

fn set_opt(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id) = own_connection(ctx, args[0])?;
    let mut state = current(&node, id)?;
    is_get_size(args[1])?;
    let on = args[2].as_bool().or_badarg()?;
    Ok(Term::bool(std::mem::replace(&mut state.with_size, on)))
}

/// `{ok, Received, Sent, Pending}`: packets both ways, and the bytes that wait.
fn get_stat(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (node, id): (Arc<Node>, u32) = Node::of_handle(args[0]).or_badarg()?;
    let pending = {
        let state = node.state.lock();
        if state.id != id {
            return Err(Escape::BADARG);
        }
        state.queued
    };
    let number = |n: u64| Term::small(n as i64);
    let received = number(node.received.load(Ordering::Relaxed));
    let taken = number(node.taken.load(Ordering::Relaxed));
    Ok(ctx.heap().tuple(&[am!("ok"), received, taken, number(pending as u64)]))
}
