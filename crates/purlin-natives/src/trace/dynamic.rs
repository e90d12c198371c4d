//! Tags of dynamic tracing (DTrace, SystemTap), as of an emulator that was built without it: there are none.

use purlin_term::{Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "dt_put_tag", 1, no_tag),
    Native::plain("erlang", "dt_get_tag", 0, no_tag),
    Native::plain("erlang", "dt_get_tag_data", 0, no_tag),
    Native::plain("erlang", "dt_spread_tag", 1, spread_tag),
    Native::plain("erlang", "dt_restore_tag", 1, restore_tag),
    Native::plain("erlang", "dt_prepend_vm_tag_data", 1, same_data),
    Native::plain("erlang", "dt_append_vm_tag_data", 1, same_data),
];

fn no_tag(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(am!("undefined"))
}

/// What is to be restored later.
fn spread_tag(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].as_bool().is_none() {
        return Err(Escape::BADARG);
    }
    Ok(am!("true"))
}

fn restore_tag(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0] != am!("true") {
        return Err(Escape::BADARG);
    }
    Ok(am!("true"))
}

fn same_data(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(args[0])
}
