//! `erlang:send/2,3` and the function `'!'/2`.

use super::remote::{self, Sending};
use super::{badopt, ok};
use purlin_term::{Atom, Release, Term, am};
use purlin_vm::send::{SendError, send_from, send_priority};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "!", 2, send_2),
    Native::plain("erlang", "send", 2, send_2),
    Native::plain("erlang", "send", 3, send_3),
];

fn send_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.charge(4);
    match send_from(ctx, args[0], args[1]) {
        Ok(()) => Ok(args[1]),
        Err(SendError::Remote) => {
            let how = Sending { connect: true, suspend: true };
            remote::send(ctx, args[0], args[1], how, args[1])
        }
        Err(SendError::Busy(port)) => wait(ctx, port, args),
        Err(SendError::BadDestination) => Err(Escape::BADARG),
    }
}

/// Waits for a busy port, and sends then.
fn wait(ctx: &mut Ctx<'_>, port: u64, args: &[Term]) -> NativeResult {
    ctx.engine.tracing.monitor.suspended(ctx.engine, ctx.process, Term::port(port));
    Err(Escape::Wait(args.to_vec()))
}

fn send_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (mut how, mut priority) = (Sending { connect: true, suspend: true }, false);
    let mut options = args[2].iter();
    for option in options.by_ref() {
        if option.is(Atom::NOCONNECT) {
            how.connect = false;
        } else if option == am!("priority") && ctx.engine.config.release >= Release(28) {
            priority = true;
        } else if option == am!("nosuspend") {
            how.suspend = false;
        } else {
            return Err(badopt());
        }
    }
    if !options.tail().is_nil() {
        return Err(badopt());
    }
    ctx.charge(4);
    let sent = if priority { send_priority(ctx, args[0], args[1]) } else { send_from(ctx, args[0], args[1]) };
    match sent {
        Ok(()) => Ok(ok()),
        Err(SendError::Remote) => remote::send(ctx, args[0], args[1], how, ok()),
        Err(SendError::Busy(port)) if how.suspend => wait(ctx, port, args),
        Err(SendError::Busy(_)) => Ok(am!("nosuspend")),
        Err(SendError::BadDestination) => Err(Escape::BADARG),
    }
}
