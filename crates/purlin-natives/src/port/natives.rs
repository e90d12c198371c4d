//! The natives on ports.

use super::driver::ControlAnswer;
use super::{Port, open, table};
use purlin_term::external::{self, EncodeOptions};
use purlin_term::iolist::to_bytes as io_bytes;
use purlin_term::owned::Owned;
use purlin_term::{Atom, Immediate, Kind, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "open_port", 2, open::open_port),
    Native::plain("erts_internal", "port_command", 3, port_command),
    Native::plain("erts_internal", "port_control", 3, port_control),
    Native::plain("erts_internal", "port_call", 3, port_call),
    Native::plain("erts_internal", "port_close", 1, port_close),
    Native::plain("erts_internal", "port_connect", 2, port_connect),
    Native::plain("erts_internal", "port_info", 1, port_info_1),
    Native::plain("erts_internal", "port_info", 2, port_info_2),
    Native::plain("erlang", "ports", 0, ports),
    Native::plain("erlang", "port_set_data", 2, port_set_data),
    Native::plain("erlang", "port_get_data", 1, port_get_data),
];

/// The port that a port term or a registered name means.
fn find(ctx: &Ctx<'_>, t: Term) -> Option<Arc<Port>> {
    let t = match t.as_atom() {
        Some(name) => ctx.engine.names.whereis(name)?,
        None => t,
    };
    table(ctx.engine).get(t)
}

const BADARG: Term = Term::atom(Atom::BADARG);

/// The wrapper in `erlang` raises what is not `true`.
fn port_command(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(options) = args[2].as_list() else { return Ok(am!("badopt")) };
    let option = |name| options.contains(&name);
    if !options.iter().all(|&o| o == am!("nosuspend") || o == am!("force")) {
        return Ok(am!("badopt"));
    }
    let Some(port) = find(ctx, args[0]) else { return Ok(BADARG) };
    if option(am!("force")) && !port.driver.soft_busy() {
        return Ok(am!("notsup"));
    }
    let waits = !option(am!("nosuspend"));
    let waiter = waits.then_some(ctx.process.who());
    let busy = !option(am!("force")) && port.driver.busy(waiter);
    match (busy, waits) {
        (false, _) => command(ctx, &port, args[1]),
        (true, false) => Ok(Term::bool(false)),
        (true, true) => {
            ctx.engine.tracing.monitor.suspended(ctx.engine, ctx.process, port.term());
            Err(Escape::Wait(args.to_vec()))
        }
    }
}

/// Reductions that a call of a driver costs, about as on the BEAM: a process whose answers are there whenever it asks, as
/// a server's that reads from a quick client, gives others their turn.
const CALL: usize = 50;

fn command(ctx: &mut Ctx<'_>, port: &Arc<Port>, data: Term) -> NativeResult {
    let Some(bytes) = io_bytes(data) else { return Ok(BADARG) };
    ctx.charge(CALL + bytes.len() / 100);
    port.command(ctx.engine, ctx.process.who(), bytes);
    Ok(Term::bool(true))
}

/// The answer is a list also for ports that were opened with `binary`, unless the driver wants it otherwise.
fn port_control(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(BADARG) };
    let operation = args[1].as_small().and_then(|n| u32::try_from(n).ok());
    let (Some(operation), Some(data)) = (operation, io_bytes(args[2])) else { return Ok(BADARG) };
    let me = ctx.process.who();
    ctx.charge(CALL);
    Ok(match port.driver.control_answer(ctx.engine, &port, me, operation, &data) {
        Some(ControlAnswer::List(bytes)) => ctx.heap().byte_list(&bytes),
        Some(ControlAnswer::Binary(bytes)) => ctx.heap().binary(&bytes),
        None => BADARG,
    })
}

/// `{ok, Result}`
fn port_call(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(BADARG) };
    let Some(operation) = args[1].as_small().and_then(|n| u32::try_from(n).ok()) else { return Ok(BADARG) };
    let data = external::encode(args[2], &EncodeOptions::default()).or(Err(Escape::BADARG))?;
    let Some(answer) = port.driver.call(ctx.engine, &port, ctx.process.who(), operation, &data) else {
        return Ok(BADARG);
    };
    let mut decoding = ctx.engine.code.decoding(false);
    match external::decode(&answer, &mut ctx.data.heap, &mut decoding) {
        Ok((result, _)) => ctx.ok(result),
        Err(_) => Ok(BADARG),
    }
}

fn port_close(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(BADARG) };
    port.close(ctx.engine, Term::atom(Atom::NORMAL));
    Ok(Term::bool(true))
}

fn port_connect(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(BADARG) };
    let Some(owner) = args[1].as_pid().and_then(|id| ctx.engine.process(id)) else { return Ok(BADARG) };
    port.connect(ctx.engine, owner.who());
    Ok(Term::bool(true))
}

const ITEMS: [&str; 7] = ["name", "links", "id", "connected", "input", "output", "os_pid"];

/// What there is to say of a term that is no open port: `undefined`, or `other` if it could be none of this node.
fn no_port(ctx: &Ctx<'_>, t: Term, other: Term) -> Term {
    let of_this_node = t.is_atom()
        || t.as_port().is_some()
        || matches!(t.as_external(), Some((Kind::ExtPort, node, ..)) if node == ctx.engine.node());
    if of_this_node { Term::atom(Atom::UNDEFINED) } else { other }
}

fn port_info_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(no_port(ctx, args[0], BADARG)) };
    let mut out = Vec::new();
    if let Some(name) = ctx.engine.names.of_port(port.term()) {
        out.push(ctx.heap().tuple(&[am!("registered_name"), Term::atom(name)]));
    }
    for item in ITEMS {
        let value = info(ctx, &port, item).or_badarg()?;
        out.push(ctx.heap().tuple(&[Term::atom(Atom::new(item)), value]));
    }
    Ok(ctx.heap().list(&out))
}

fn port_info_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(port) = find(ctx, args[0]) else { return Ok(no_port(ctx, args[0], am!("badtype"))) };
    let Some(item) = args[1].as_atom() else { return Ok(BADARG) };
    if item.name() == "registered_name" && ctx.engine.names.of_port(port.term()).is_none() {
        return Ok(Term::NIL);
    }
    match info(ctx, &port, item.name()) {
        Some(value) => Ok(ctx.heap().tuple(&[args[1], value])),
        None => Ok(BADARG),
    }
}

fn info(ctx: &mut Ctx<'_>, port: &Port, item: &str) -> Option<Term> {
    let names = &ctx.engine.names;
    let heap = &mut ctx.data.heap;
    Some(match item {
        "name" => heap.string(&port.name),
        "links" => {
            let links: Vec<Term> = port.state.lock().links.iter().map(|l| l.term()).collect();
            heap.list(&links)
        }
        "id" => Term::small(port.id as i64 * 8),
        "connected" => port.state.lock().owner.unwrap_or(Immediate::pid(0)).term(),
        "input" => heap.integer(port.input.load(Ordering::Relaxed) as i64),
        "output" => heap.integer(port.output.load(Ordering::Relaxed) as i64),
        "queue_size" => Term::small(port.driver.queued() as i64),
        "os_pid" => port.driver.os_pid().map_or(Term::atom(Atom::UNDEFINED), |p| Term::small(p as i64)),
        "registered_name" => Term::atom(names.of_port(port.term())?),
        "monitors" => {
            let all = port.driver.monitors().into_iter();
            let all: Vec<Term> = all.map(|p| heap.tuple(&[am!("process"), p.term()])).collect();
            heap.list(&all)
        }
        "monitored_by" => {
            let all: Vec<Term> = port.state.lock().watchers.iter().map(|w| w.watcher.term()).collect();
            heap.list(&all)
        }
        "memory" => Term::small(std::mem::size_of::<Port>() as i64),
        "parallelism" => Term::bool(port.options.parallelism),
        "locking" if port.driver.excludes_ports() => am!("driver_level"),
        "locking" => am!("port_level"),
        _ => return None,
    })
}

fn ports(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let all: Vec<Term> = table(ctx.engine).all().into_iter().map(Term::port).collect();
    Ok(ctx.heap().list(&all))
}

fn port_set_data(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let port = find(ctx, args[0]).or_badarg()?;
    port.state.lock().data = Some(Owned::new(args[1]));
    Ok(Term::bool(true))
}

fn port_get_data(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let port = find(ctx, args[0]).or_badarg()?;
    let state = port.state.lock();
    Ok(state.data.as_ref().map_or(Term::atom(Atom::UNDEFINED), |data| ctx.data.heap.copy(data.term())))
}
