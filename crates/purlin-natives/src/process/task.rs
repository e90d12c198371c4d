//! What one process has another do or bear: collection, code checks.

use super::{TRUE, await_result};
use crate::backtrace;
use purlin_term::{Atom, Immediate, Owned, Term, am};
use purlin_vm::gc::Depth;
use purlin_vm::heap_limit;
use purlin_vm::literals;
use purlin_vm::native::OrBadarg;
use purlin_vm::process::Flags;
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::tracing::events;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Priority, ProcessData, receive};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "request_system_task", 3, request_system_task_3),
    Native::plain("erts_internal", "request_system_task", 4, request_system_task_4),
    Native::plain("erts_internal", "garbage_collect", 1, garbage_collect),
    Native::plain("erts_internal", "check_process_code", 1, check_process_code),
    Native::plain("erts_internal", "process_display", 2, process_display),
    Native::plain("erts_internal", "is_process_executing_dirty", 1, is_process_executing_dirty),
    Native::plain("erts_internal", "dirty_process_handle_signals", 1, dirty_process_handle_signals),
];

fn request_system_task_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let me = ctx.pid();
    request_system_task(ctx, me, args[0], args[1], args[2])
}

fn request_system_task_4(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    request_system_task(ctx, args[0], args[1], args[2], args[3])
}

/// What a system task does.
#[derive(Clone, Copy)]
enum Task {
    Collect(Depth),
    CheckCode(Atom),
    /// Nothing, for tests.
    Test,
}

/// Has `target` carry out a task and send `{Kind, RequestId, Result}` to `requester`.
fn request_system_task(ctx: &mut Ctx<'_>, requester: Term, target: Term, priority: Term, task: Term) -> NativeResult {
    if !target.is_local_pid() {
        return Err(Escape::BADARG);
    }
    let requester = Immediate::new(requester).filter(|r| r.is_local_pid()).or_badarg()?;
    let priority = match Priority::from_term(priority) {
        Some(p) => p,
        None if priority == am!("inherit") => ctx.process.priority(),
        None => return Err(Escape::BADARG),
    };
    let (kind, request_id, task) = match *task.as_tuple().or_badarg()? {
        [kind, id, argument] if kind == am!("garbage_collect") => (kind, id, Task::Collect(depth(argument)?)),
        [kind, id, module] if kind == am!("check_process_code") => {
            (kind, id, Task::CheckCode(module.as_atom().or_badarg()?))
        }
        [kind, id] if kind == am!("system_task_test") => (kind, id, Task::Test),
        _ => return Err(Escape::BADARG),
    };
    let kind = Immediate::new(kind).or_badarg()?;
    let order = Order { task, priority, requester, kind, id: Arc::new(Owned::new(request_id)) };
    // Whether old code is used is told in the order of signals.
    let signal = match task {
        Task::CheckCode(_) => Signal::request(move |engine, receiver| carry_out(engine, receiver, order)),
        _ => Signal::task(priority, move |engine, receiver| carry_out(engine, receiver, order)),
    };
    ctx.engine.post_question(target, priority, signal);
    Ok(am!("ok"))
}

/// A system task, and whom to answer.
struct Order {
    task: Task,
    priority: Priority,
    requester: Immediate,
    kind: Immediate,
    id: Arc<Owned>,
}

fn carry_out(engine: &Arc<Engine>, receiver: Target<'_>, order: Order) {
    let done = match (receiver, order.task) {
        (Target::Gone, _) => false,
        (Target::Alive(_, ProcessData { offload: Some(offload), .. }), Task::Collect(_)) => {
            return offload
                .postpone(order.priority, Box::new(move |engine, receiver| carry_out(engine, receiver, order)));
        }
        (Target::Alive(..), Task::Test) => true,
        (Target::Alive(process, data), Task::Collect(depth)) => {
            if data.flags.has(Flags::HOLDS_COLLECTIONS) {
                return data.rare_mut().held_collections.push((depth, order.requester, order.id));
            }
            let ctx = &mut Ctx { engine, process, data };
            heap_limit::check(ctx, 0);
            events::request_collection(ctx, depth);
            true
        }
        (Target::Alive(process, data), Task::CheckCode(module)) => {
            uses_old_code(&mut Ctx { engine, process, data }, module)
        }
    };
    answer_task(engine, order.requester.term(), order.kind.term(), &order.id, done);
}

/// `{Kind, RequestId, Result}`
fn answer_task(engine: &Arc<Engine>, requester: Term, kind: Term, id: &Owned, done: bool) {
    let answer = Signal::built(SignalKind::Message, |h| {
        let id = id.copy_to(h);
        h.tuple(&[kind, id, Term::bool(done)])
    });
    engine.post(requester, answer);
}

/// Lets the calling process collect, or has it hold all collections; whether it could before.
pub fn allow_collections(ctx: &mut Ctx<'_>, allow: bool) -> bool {
    let before = !ctx.data.flags.has(Flags::HOLDS_COLLECTIONS);
    ctx.data.flags.set(Flags::HOLDS_COLLECTIONS, !allow);
    if allow && !before {
        for (depth, requester, id) in std::mem::take(&mut ctx.data.rare_mut().held_collections) {
            ctx.data.want_collection(depth);
            answer_task(ctx.engine, requester.term(), am!("garbage_collect"), &id, true);
        }
        literals::ask_again(ctx.process, ctx.data);
    }
    before
}

fn depth(t: Term) -> Result<Depth, Escape> {
    if t == am!("major") {
        Ok(Depth::Major)
    } else if t == am!("minor") {
        Ok(Depth::Minor)
    } else {
        Err(Escape::BADARG)
    }
}

fn uses_old_code(ctx: &mut Ctx<'_>, module: Atom) -> bool {
    ctx.engine.runner().is_some_and(|r| r.uses_old_code(ctx, module))
}

fn garbage_collect(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let depth = depth(args[0])?;
    ctx.data.want_collection(depth);
    Ok(TRUE)
}

fn check_process_code(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let module = args[0].as_atom().or_badarg()?;
    Ok(Term::bool(uses_old_code(ctx, module)))
}

fn process_display(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[1] != am!("backtrace") {
        return Ok(Term::atom(Atom::BADOPT));
    }
    if args[0] == ctx.pid() {
        show(&backtrace::text(ctx.engine, ctx.data));
        return Ok(TRUE);
    }
    let Some(other) = args[0].as_pid().and_then(|id| ctx.engine.process(id)) else {
        return Ok(Term::atom(Atom::BADARG));
    };
    let (id, me) = (ctx.engine.next_ref(), ctx.process.who());
    let request = Signal::request(move |engine, target| {
        let result = match target {
            Target::Alive(_, data) => {
                show(&backtrace::text(engine, data));
                TRUE
            }
            Target::Gone => Term::atom(Atom::BADARG),
        };
        let answer = Signal::built(SignalKind::Message, |h| {
            let r = h.reference(id);
            h.tuple(&[r, result])
        });
        engine.post(me.term(), answer);
    });
    let reference = ctx.heap().reference(id);
    let escape = await_result(ctx, reference);
    match ctx.engine.ask(&other, ctx.process.priority(), request) {
        Ok(()) => Err(escape),
        Err(_) => {
            receive::await_nothing(ctx);
            Ok(Term::atom(Atom::BADARG))
        }
    }
}

fn show(text: &str) {
    // Nobody reads the output when that fails.
    let _ = crate::console::error(text.as_bytes());
}

/// What OTP calls dirty is a native that runs on the blocking pool.
fn is_process_executing_dirty(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let id = args[0].as_pid().or_badarg()?;
    Ok(Term::bool(ctx.engine.process(id).is_some_and(|p| p.is_offloaded())))
}

/// Processes handle their signals themselves, whatever they run: nobody may do it for them.
fn dirty_process_handle_signals(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::Error(am!("notsup")))
}
