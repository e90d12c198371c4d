//! Which nodes there are: `node/0,1`, `nodes/0,1,2`, `net_kernel:dflag_unicode_io/1`.

use super::node::Phase;
use super::{distribution, flags};
use purlin_term::{Atom, Kind, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "node", 0, node_0),
    Native::guard("erlang", "node", 1, node_1),
    Native::plain("erlang", "nodes", 0, |ctx, _| nodes(ctx, am!("visible"), None)),
    Native::plain("erlang", "nodes", 1, |ctx, args| nodes(ctx, args[0], None)),
    Native::plain("erlang", "nodes", 2, |ctx, args| nodes(ctx, args[0], Some(args[1]))),
    Native::plain("net_kernel", "dflag_unicode_io", 1, dflag_unicode_io),
];

fn node_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::atom(ctx.engine.node()))
}

fn node_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if let Some((_, node, ..)) = args[0].as_external() {
        return Ok(Term::atom(node));
    }
    if args[0].is_pid() || args[0].is_port() || args[0].is_ref() { node_0(ctx, &[]) } else { Err(Escape::BADARG) }
}

/// Kinds of nodes, as `nodes/1` has them.
#[derive(Default)]
struct Kinds {
    visible: bool,
    hidden: bool,
    unconnected: bool,
    this: bool,
}

impl Kinds {
    fn of(kinds: Term) -> Option<Kinds> {
        let mut k = Kinds::default();
        let list = if kinds.is_atom() { vec![kinds] } else { kinds.as_list()? };
        for kind in list {
            if kind == am!("visible") {
                k.visible = true;
            } else if kind == am!("hidden") {
                k.hidden = true;
            } else if kind == am!("connected") {
                (k.visible, k.hidden) = (true, true);
            } else if kind == am!("this") {
                k.this = true;
            } else if kind == am!("known") {
                k = Kinds { visible: true, hidden: true, unconnected: true, this: true };
            } else {
                return None;
            }
        }
        Some(k)
    }

    /// The nodes of these kinds: name, kind, and connection if there is one. Who was connected last comes first.
    fn nodes(&self, engine: &Engine) -> Vec<(Atom, Term, Option<u32>)> {
        let mut connected = Vec::new();
        let mut found = Vec::new();
        for node in distribution(engine).all().iter().filter(|n| n.name != engine.node()) {
            let state = node.state.lock();
            if state.phase != Phase::Connected {
                if self.unconnected {
                    found.push((node.name, am!("known"), None));
                }
            } else if flags::is_visible(state.flags) {
                connected.extend(self.visible.then_some((state.order, (node.name, am!("visible"), Some(state.id)))));
            } else {
                connected.extend(self.hidden.then_some((state.order, (node.name, am!("hidden"), Some(state.id)))));
            }
        }
        connected.sort_by_key(|c| std::cmp::Reverse(c.0));
        found.extend(connected.into_iter().map(|c| c.1));
        if self.this {
            found.push((engine.node(), am!("this"), None));
        }
        found
    }
}

fn nodes(ctx: &mut Ctx<'_>, kinds: Term, info: Option<Term>) -> NativeResult {
    let kinds = Kinds::of(kinds).or_badarg()?;
    let Some(info) = info else {
        let names: Vec<Term> = kinds.nodes(ctx.engine).into_iter().map(|n| Term::atom(n.0)).collect();
        return Ok(ctx.heap().list(&names));
    };
    let [connection_id, node_type] = wanted(info).or_badarg()?;
    let mut list = Vec::new();
    for (name, kind, id) in kinds.nodes(ctx.engine) {
        let id = id.map_or(am!("undefined"), |id| Term::small(id.into()));
        let of = |on: bool, key: Term, value: Term| on.then_some((key, value));
        let info = [of(connection_id, am!("connection_id"), id), of(node_type, am!("node_type"), kind)];
        let info: Vec<_> = info.into_iter().flatten().collect();
        let info = map::from_pairs(ctx.heap(), &info);
        list.push(ctx.heap().tuple(&[Term::atom(name), info]));
    }
    Ok(ctx.heap().list(&list))
}

/// Whether connections and types are asked for, in a map that asks for nothing else.
fn wanted(info: Term) -> Option<[bool; 2]> {
    if !info.is_map() {
        return None;
    }
    let mut known = 0;
    let mut asked = [false; 2];
    for (on, key) in asked.iter_mut().zip([am!("connection_id"), am!("node_type")]) {
        if let Some(value) = map::get(info, key) {
            known += 1;
            *on = value.as_bool()?;
        }
    }
    (known == map::size(info)).then_some(asked)
}

/// Whether the node of a process takes Unicode as input and output.
fn dflag_unicode_io(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[0].as_external() {
        Some((Kind::ExtPid, name, ..)) => {
            let node = distribution(ctx.engine).nodes.lock().get(&name).cloned();
            Ok(Term::bool(node.is_some_and(|n| flags::takes_unicode(n.state.lock().flags))))
        }
        _ if args[0].is_local_pid() => Ok(Term::bool(true)),
        _ => Err(Escape::BADARG),
    }
}
