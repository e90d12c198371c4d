//! What the node tells of itself; Purlin does not distribute yet, so that it is not alive.

use purlin_term::Term;
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "is_alive", 0, is_alive),
    Native::plain("erlang", "dt_spread_tag", 1, dt_spread_tag),
    Native::plain("erlang", "dt_restore_tag", 1, dt_restore_tag),
];

fn is_alive(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(false))
}

/// Dynamic tracing tags messages of file operations; without it the tag is `true`.
fn dt_spread_tag(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(true))
}

fn dt_restore_tag(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(true))
}
