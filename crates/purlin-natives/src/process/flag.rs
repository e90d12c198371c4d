//! `process_flag/2`, `erts_internal:process_flag/3`.

use super::heap_limit::{max_heap, max_heap_map};
use super::options::{bin_heap_size, heap_size};
use super::pair;
use purlin_term::{Atom, Immediate, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::process::{Flags, Priority, Rare};
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::tracing::Flags as TraceFlags;
use purlin_vm::{Ctx, Escape, Native, NativeResult, ProcessData};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "process_flag", 2, process_flag),
    Native::plain("erts_internal", "process_flag", 3, process_flag_of_other),
];

fn process_flag(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (flag, value) = (args[0], args[1]);
    if flag == am!("trap_exit") {
        return bit(ctx, Flags::TRAP_EXIT, value);
    }
    if flag == am!("error_handler") {
        let handler = value.as_atom().or_badarg()?;
        return Ok(Term::atom(std::mem::replace(&mut ctx.data.error_handler, handler)));
    }
    if flag == am!("priority") {
        let before = ctx.process.priority();
        ctx.process.set_priority(Priority::from_term(value).or_badarg()?);
        return Ok(before.atom());
    }
    if flag == am!("sensitive") {
        let before = bit(ctx, Flags::SENSITIVE, value)?;
        let (none, sensitive) = (TraceFlags::default(), TraceFlags::SENSITIVE);
        let (on, off) = if value == Term::bool(true) { (sensitive, none) } else { (none, sensitive) };
        ctx.process.trace.mark(on, off);
        return Ok(before);
    }
    if flag == am!("async_dist") && ctx.engine.config.release >= Release(26) {
        return bit(ctx, Flags::ASYNC_DIST, value);
    }
    if flag == am!("message_queue_data") {
        return message_queue_data(ctx, value);
    }
    if flag == am!("scheduler") {
        let n = value.as_usize().filter(|&n| n <= ctx.engine.sched.count()).or_badarg()?;
        // Goes on where it is bound to.
        return Err(Escape::YieldReturn(Term::small(ctx.process.bind(n) as i64)));
    }
    if flag == am!("monitor_nodes") {
        return monitor_nodes(ctx, Term::NIL, value);
    }
    if let Some((flag, options)) = pair(flag)
        && flag == am!("monitor_nodes")
    {
        return monitor_nodes(ctx, options, value);
    }
    heap_setting(ctx, flag, value)
}

fn bit(ctx: &mut Ctx<'_>, flag: Flags, value: Term) -> NativeResult {
    let on = value.as_bool().or_badarg()?;
    let before = ctx.data.flags.has(flag);
    ctx.data.flags.set(flag, on);
    Ok(Term::bool(before))
}

fn message_queue_data(ctx: &mut Ctx<'_>, value: Term) -> NativeResult {
    let off = if value == am!("off_heap") {
        true
    } else if value == am!("on_heap") {
        false
    } else {
        return Err(Escape::BADARG);
    };
    let before = ctx.data.flags.has(Flags::OFF_HEAP_MESSAGES);
    ctx.data.flags.set(Flags::OFF_HEAP_MESSAGES, off);
    Ok(if before { am!("off_heap") } else { am!("on_heap") })
}

fn heap_setting(ctx: &mut Ctx<'_>, flag: Term, value: Term) -> NativeResult {
    let words = |n: usize| Term::small(n as i64);
    if flag == am!("min_heap_size") {
        let size = heap_size(value).or_badarg()?;
        return Ok(words(std::mem::replace(&mut ctx.data.rare_mut().min_heap_size, size)));
    }
    if flag == am!("min_bin_vheap_size") {
        let size = bin_heap_size(value).or_badarg()?;
        return Ok(words(std::mem::replace(&mut ctx.data.rare_mut().min_bin_vheap_size, size)));
    }
    if flag == am!("fullsweep_after") {
        let n = value.as_usize().or_badarg()?.min(65535) as u32;
        return Ok(words(std::mem::replace(&mut ctx.data.rare_mut().fullsweep_after, n) as usize));
    }
    if flag == am!("max_heap_size") {
        let now = ctx.data.rare().cloned().unwrap_or_default();
        let release = ctx.engine.config.release;
        let limit = max_heap(ctx.engine.config.release, value, now.max_heap_size).or_badarg()?;
        if limit.size != 0 && limit.size < now.min_heap_size {
            return Err(Escape::BADARG);
        }
        ctx.data.rare_mut().max_heap_size = limit;
        return Ok(max_heap_map(ctx.heap(), release, now.max_heap_size));
    }
    match save_calls(ctx.data, flag, value) {
        // The calls that follow in this time slice are saved, too.
        Saved::Was(n) => Err(Escape::YieldReturn(Term::small(n as i64))),
        Saved::BadValue => Err(Escape::badarg_cause(Term::atom(Atom::NONE_ATOM))),
        Saved::NoSuchFlag => Err(Escape::badarg_cause(Term::atom(Atom::BADOPT))),
    }
}

enum Saved {
    Was(u32),
    BadValue,
    NoSuchFlag,
}

fn save_calls(data: &mut ProcessData, flag: Term, value: Term) -> Saved {
    if flag != am!("save_calls") {
        return Saved::NoSuchFlag;
    }
    match value.as_usize() {
        Some(n) if n <= 10_000 => Saved::Was(data.save_calls(n) as u32),
        _ => Saved::BadValue,
    }
}

/// Subscribes to changes of nodes, or ends all subscriptions with these options; how many there were before.
fn monitor_nodes(ctx: &mut Ctx<'_>, options: Term, on: Term) -> NativeResult {
    let nodes = ctx.engine.nodes().ok_or(Escape::NOTSUP)?;
    let options = nodes.subscription(options).or_badarg()?;
    let on = on.as_bool().or_badarg()?;
    ctx.process.involve();
    Ok(Term::small(nodes.subscribe(ctx.engine, ctx.process.id(), options, on).into()))
}

/// Sets `save_calls` of another process, which answers with `{Ref, Old}`; the reference to wait for.
fn process_flag_of_other(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let answer = |data: &mut ProcessData, flag, value| match save_calls(data, flag, value) {
        Saved::Was(n) => Term::small(n as i64),
        _ => Term::atom(Atom::BADARG),
    };
    if args[0] == ctx.pid() {
        // The calls that follow in this time slice are saved, too.
        return Err(Escape::YieldReturn(answer(ctx.data, args[1], args[2])));
    }
    let badtype = am!("badtype");
    let Some(p) = args[0].as_pid().and_then(|id| ctx.engine.process(id)) else { return Ok(badtype) };
    let (id, me) = (ctx.engine.next_ref(), ctx.process.who());
    // Only immediate values are ever good.
    let immediate = |t| Immediate::new(t).unwrap_or(Immediate::NIL);
    let (flag, value) = (immediate(args[1]), immediate(args[2]));
    let request = Signal::request(move |engine, target| {
        let result = match target {
            Target::Alive(_, data) => answer(data, flag.term(), value.term()),
            Target::Gone => Term::atom(Atom::BADARG),
        };
        engine.post(
            me.term(),
            Signal::built(SignalKind::Message, |h| {
                let r = h.reference(id);
                h.tuple(&[r, result])
            }),
        );
    });
    match ctx.engine.ask(&p, ctx.process.priority(), request) {
        Ok(()) => Ok(ctx.heap().reference(id)),
        Err(_) => Ok(badtype),
    }
}

/// The settings in force.
pub fn rare_of(data: &ProcessData) -> Rare {
    data.rare().cloned().unwrap_or_default()
}
