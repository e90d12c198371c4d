//! What the collector of literals, a process of OTP's own, needs: see [`purlin_vm::literals`].

use purlin_term::{Owned, Term, am};
use purlin_vm::literals::{self, How, Next, Question};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain(COLLECTOR, "release_area_switch", 0, release_area_switch),
    Native::plain(COLLECTOR, "send_copy_request", 3, send_copy_request),
];

const COLLECTOR: &str = "erts_literal_area_collector";

/// Nanoseconds between two looks at whether all threads have ended what they were in.
const PAUSE: i64 = 1_000_000;

/// Frees what was being collected and goes on to what comes next: whether there is something.
fn release_area_switch(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    super::only_for(ctx, COLLECTOR)?;
    if let Some(timer) = ctx.data.wake_timer.take() {
        ctx.engine.timers.cancel_wake(timer);
    }
    match ctx.engine.literals.step() {
        Next::Rest => Ok(Term::bool(false)),
        Next::Ask => Ok(Term::bool(true)),
        Next::Wait => {
            let at = ctx.engine.clock.now() + PAUSE;
            ctx.data.wake_timer = Some(ctx.engine.timers.wake_at(at, ctx.process));
            Err(Escape::Wait(args.to_vec()))
        }
    }
}

/// Has a process look for literals that go, or copy them; it answers `{copy_literals, {AreaId, How, Pid}, Result}`.
fn send_copy_request(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    super::only_for(ctx, COLLECTOR)?;
    let [process, area, how] = *args else { return Err(Escape::BADARG) };
    if !process.is_local_pid() {
        return Err(Escape::BADARG);
    }
    let question = match how.as_atom().or_badarg()?.name() {
        "init" => How::Look,
        "check_gc" | "need_gc" => How::Copy,
        _ => return Err(Escape::BADARG),
    };
    let mut scratch = purlin_term::Heap::new(0);
    let id = Arc::new(Owned::new(scratch.tuple(&[area, how, process])));
    literals::ask(ctx.engine, process, Question { collector: ctx.process.who(), id, how: question });
    Ok(am!("ok"))
}
