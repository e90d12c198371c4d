//! This node's name: `setnode/2`, `erts_internal:get_creation/0`. A node is alive as long as its `net_kernel`.

use super::channel::node_name;
use super::{distribution, monitor};
use crate::port;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::Signal;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] =
    &[Native::plain("erlang", "setnode", 2, setnode), Native::plain("erts_internal", "get_creation", 0, get_creation)];

fn setnode(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = node_name(args[0]).filter(|&name| name != Atom::NONODE).or_badarg()?;
    let creation = args[1].as_u64().and_then(|c| u32::try_from(c).ok()).or_badarg()?;
    let kernel = ctx.engine.names.whereis(Atom::new("net_kernel")).and_then(Term::as_pid).or_badarg()?;
    let process = ctx.engine.process(kernel).or_badarg()?;
    {
        let mut alive = distribution(ctx.engine).kernel.lock();
        if alive.is_some() {
            return Err(Escape::BADARG);
        }
        *alive = Some(kernel);
        ctx.engine.set_node(name, creation);
    }
    process.involve();
    if process.is_exiting() {
        end(ctx.engine, kernel, am!("net_kernel_terminated"));
        return Err(Escape::BADARG);
    }
    monitor::node_up(ctx.engine, name, None, true);
    Ok(Term::bool(true))
}

/// The creation of this node; `undefined` while it has no name.
fn get_creation(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    match ctx.engine.code.creation() {
        0 => Ok(am!("undefined")),
        creation => Ok(Term::small(creation.into())),
    }
}

/// What `erlang:is_alive/0` says: this node has a name, or will get one from the first node that it is connected with,
/// which `erts_internal` remembers.
pub fn is_alive(engine: &Engine) -> bool {
    let mut heap = Heap::new(4);
    let key = heap.tuple(&[am!("erts_internal"), am!("dynamic_node_name")]);
    engine.is_alive() || crate::persistent_term::is_set(engine, key)
}

/// A process has ended that may have been `net_kernel`.
pub fn process_ended(ctx: &mut Ctx<'_>, reason: Term) {
    let no_network = reason == am!("no_network");
    let reason = if no_network { reason } else { am!("net_kernel_terminated") };
    end(ctx.engine, ctx.process.id(), reason);
}

/// This node is not alive any more: it has no name and no connections.
fn end(engine: &Arc<Engine>, kernel: u64, reason: Term) {
    let d = distribution(engine);
    {
        let mut alive = d.kernel.lock();
        if *alive != Some(kernel) {
            return;
        }
        *alive = None;
    }
    let name = engine.node();
    for node in d.all() {
        let (id, channel) = {
            let state = node.state.lock();
            (state.id, state.channel)
        };
        node.down(engine, id, reason);
        let Some(channel) = channel else { continue };
        match port::find(engine, channel.term()) {
            Some(port) => drop(port.close(engine, Term::atom(Atom::KILLED))),
            None => engine.post(channel.term(), Signal::exit(Term::NONE, false, Term::atom(Atom::KILL))),
        }
    }
    engine.set_node(Atom::NONODE, 0);
    monitor::node_down(engine, name, None, true, reason);
}
