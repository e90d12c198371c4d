//! The natives of `erl_tracer`, the tracer that sends trace messages to a process.

use purlin_term::{Term, am};
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("erl_tracer", "enabled", 3, enabled)];

/// Whether a tracer wants an event: one that has ended wants no more, and none wants events of its own.
fn enabled(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let alive = match (a[1].as_pid(), a[1].as_port()) {
        (Some(id), _) => ctx.engine.process(id).is_some(),
        (_, Some(_)) => true,
        _ => false,
    };
    Ok(match (alive, a[1] == a[2]) {
        (false, _) if a[0] == am!("trace_status") => am!("remove"),
        (true, false) => am!("trace"),
        _ => am!("discard"),
    })
}
