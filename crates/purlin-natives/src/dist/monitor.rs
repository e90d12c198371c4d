//! Who wants to know of nodes that come and go: `monitor_node/2,3` one node, `net_kernel:monitor_nodes/1,2` all.

use super::node::Phase;
use super::{distribution, naming, signal};
use purlin_term::{Atom, Heap, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "monitor_node", 2, |ctx, args| monitor_node(ctx, args[0], args[1], Term::NIL)),
    Native::plain("erlang", "monitor_node", 3, |ctx, args| monitor_node(ctx, args[0], args[1], args[2])),
];

fn monitor_node(ctx: &mut Ctx<'_>, node: Term, on: Term, options: Term) -> NativeResult {
    let mut list = options.iter();
    let passive = am!("allow_passive_connect");
    let known = list.by_ref().all(|o| o == passive);
    if !known || !list.tail().is_nil() {
        return Err(Escape::badarg_cause(am!("badopt")));
    }
    let waits = options.is_cons();
    let name = node.as_atom().or_badarg()?;
    if name != Atom::NONODE && !naming::is_alive(ctx.engine) {
        return Err(Escape::Error(am!("notalive")));
    }
    let on = on.as_bool().or_badarg()?;
    if name == ctx.engine.node() {
        return Ok(Term::bool(true));
    }
    if !on {
        // The latest connection first.
        let watched = &mut ctx.data.relations().remote().watched_nodes;
        if let Some(i) = watched.iter().rposition(|w| w.0.node == name) {
            watched[i].1 -= 1;
            if watched[i].1 == 0 {
                watched.remove(i);
            }
        }
        return Ok(Term::bool(true));
    }
    let other = distribution(ctx.engine).node(ctx.engine, name);
    if !waits && ctx.engine.is_alive() {
        signal::connect(ctx.engine, &other);
    }
    let id = {
        let mut state = other.state.lock();
        let there = state.phase == Phase::Connected || (state.phase == Phase::Pending && !waits);
        if there {
            state.involved.insert(ctx.process.id());
        }
        there.then_some(state.id)
    };
    let Some(id) = id else {
        // Connects, and waits for that, or tells the caller that the node is down.
        let args = vec![node, Term::bool(true), options];
        return Err(Escape::Trap { module: Atom::ERLANG, function: Atom::new("dmonitor_node"), args });
    };
    let at = other.connection(id);
    let remote = ctx.data.relations().remote();
    remote.note(at);
    match remote.watched_nodes.iter_mut().find(|w| w.0 == at) {
        Some(w) => w.1 += 1,
        None => remote.watched_nodes.push((at, 1)),
    }
    Ok(Term::bool(true))
}

/// A process that wants to know of all nodes that come and go.
#[derive(Clone, Copy)]
pub struct Subscriber {
    process: u64,
    options: u32,
    times: u32,
}

/// Options of a subscriber, in bits; 0: those of `monitor_nodes/1`.
mod option {
    pub const REASON: u32 = 1;
    pub const VISIBLE: u32 = 2;
    pub const HIDDEN: u32 = 4;
    pub const CONNECTION: u32 = 16;
    /// What is told more comes in a map, else in a list.
    pub const MAP: u32 = 1 << 16;
    /// Others than 0, so that a list comes even if nothing else is asked for.
    pub const LIST: u32 = 1 << 17;
}

/// The bits of the options that `process_flag({monitor_nodes, Options}, _)` takes: a map, or `[]`. The key `list` says
/// that details are to come as lists.
pub fn options(t: Term) -> Option<u32> {
    if t.is_nil() {
        return Some(0);
    }
    let (keys, values) = t.as_flat_map()?;
    let mut bits = option::MAP;
    for (&key, &value) in keys.iter().zip(values) {
        if key == am!("list") {
            value.as_bool().filter(|&list| list)?;
            bits = bits & !option::MAP | option::LIST;
        } else if key == am!("node_type") {
            bits |= node_type(value)?;
        } else if key == am!("connection_id") {
            bits |= if value.as_bool()? { option::CONNECTION } else { 0 };
        } else if key == am!("nodedown_reason") {
            bits |= if value.as_bool()? { option::REASON } else { 0 };
        } else {
            return None;
        }
    }
    Some(bits)
}

fn node_type(t: Term) -> Option<u32> {
    if t == am!("visible") {
        Some(option::VISIBLE)
    } else if t == am!("hidden") {
        Some(option::HIDDEN)
    } else if t == am!("all") {
        Some(option::VISIBLE | option::HIDDEN)
    } else {
        None
    }
}

/// Adds a subscription of a process, or ends all with these options; how many there were.
pub fn subscribe(engine: &Engine, process: u64, options: u32, on: bool) -> u32 {
    let mut all = distribution(engine).subscribers.lock();
    let at = all.iter().position(|s| s.process == process && s.options == options);
    let before = at.map_or(0, |i| all[i].times);
    match (on, at) {
        (true, Some(i)) => all[i].times += 1,
        (true, None) => all.push(Subscriber { process, options, times: 1 }),
        (false, Some(i)) => drop(all.remove(i)),
        (false, None) => {}
    }
    before
}

/// Options as a list.
pub fn options_list(h: &mut Heap, options: u32) -> Term {
    let asked = |bit: u32| options & bit != 0;
    let mut list = Vec::new();
    list.extend(asked(option::CONNECTION).then_some(am!("connection_id")));
    list.extend(asked(option::REASON).then_some(am!("nodedown_reason")));
    let kind = match (asked(option::VISIBLE), asked(option::HIDDEN)) {
        (true, true) => Some(am!("all")),
        (true, false) => Some(am!("visible")),
        (false, true) => Some(am!("hidden")),
        (false, false) => None,
    };
    list.extend(kind.map(|kind| h.tuple(&[am!("node_type"), kind])));
    h.list(&list)
}

/// All subscriptions, in the order in which they are told: process, and options in bits.
pub fn subscribers(engine: &Engine) -> Vec<(u64, u32)> {
    let all = distribution(engine).subscribers.lock();
    all.iter().flat_map(|s| std::iter::repeat_n((s.process, s.options), s.times as usize)).collect()
}

pub fn process_ended(ctx: &Ctx<'_>) {
    let id = ctx.process.id();
    distribution(ctx.engine).subscribers.lock().retain(|s| s.process != id);
}

/// Tells subscribers that a node is connected, or that this one has got a name (`id` is none).
pub fn node_up(engine: &Arc<Engine>, node: Atom, id: Option<u32>, visible: bool) {
    tell(engine, am!("nodeup"), node, id, visible, None);
}

/// Tells subscribers that a node is not connected any more, or that this one has lost its name.
pub fn node_down(engine: &Arc<Engine>, node: Atom, id: Option<u32>, visible: bool, reason: Term) {
    tell(engine, am!("nodedown"), node, id, visible, Some(reason));
}

fn tell(engine: &Arc<Engine>, what: Term, node: Atom, id: Option<u32>, visible: bool, reason: Option<Term>) {
    let subscribers = distribution(engine).subscribers.lock().clone();
    let kind = if visible { am!("visible") } else { am!("hidden") };
    for s in subscribers {
        let asked = |bit: u32| s.options & bit != 0;
        let by_type = asked(option::VISIBLE | option::HIDDEN);
        let wanted = if visible { !by_type || asked(option::VISIBLE) } else { asked(option::HIDDEN) };
        if !wanted {
            continue;
        }
        let build = |h: &mut Heap| {
            if s.options == 0 {
                return h.tuple(&[what, Term::atom(node)]);
            }
            let id = id.map_or(am!("undefined"), |id| Term::small(id.into()));
            let mut info = Vec::new();
            info.extend(asked(option::CONNECTION).then_some((am!("connection_id"), id)));
            info.extend(reason.filter(|_| asked(option::REASON)).map(|r| (am!("nodedown_reason"), r)));
            info.extend(by_type.then_some((am!("node_type"), kind)));
            let info = if asked(option::MAP) {
                map::from_pairs(h, &info)
            } else {
                let pairs: Vec<Term> = info.iter().map(|&(key, value)| h.tuple(&[key, value])).collect();
                h.list(&pairs)
            };
            h.tuple(&[what, Term::atom(node), info])
        };
        for _ in 0..s.times {
            engine.post(Term::pid(s.process), Signal::built(SignalKind::Message, build));
        }
    }
}
