//! What the node tells of itself; Purlin does not distribute yet, so that it is not alive.

use purlin_term::Term;
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("erlang", "is_alive", 0, is_alive)];

fn is_alive(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(Term::bool(false))
}
