//! `register/2`, `unregister/1`, `whereis/1`, `registered/0`.

use super::TRUE;
use purlin_term::{Atom, Term, am};
use purlin_vm::names::RegisterError;
use purlin_vm::native::OrBadarg;
use purlin_vm::tracing::{Flags, events};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "register", 2, register),
    Native::plain("erlang", "unregister", 1, unregister),
    Native::plain("erlang", "whereis", 1, whereis),
    Native::plain("erlang", "registered", 0, registered),
];

fn register(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let none = || Escape::badarg_cause(Term::atom(Atom::NONE_ATOM));
    let name = args[0].as_atom().filter(|&n| n != Atom::UNDEFINED).ok_or_else(none)?;
    let result = if args[1] == ctx.pid() {
        ctx.engine.names.register(name, ctx.process)
    } else if let Some(id) = args[1].as_pid() {
        match ctx.engine.process(id) {
            Some(p) => ctx.engine.names.register(name, &p),
            None => Err(RegisterError::Dead),
        }
    } else if let Some(port) = args[1].as_port() {
        match ctx.engine.ports() {
            Some(ports) if ports.is_open(ctx.engine, port) => ctx.engine.names.register_port(name, args[1]),
            _ => Err(RegisterError::BadName),
        }
    } else {
        Err(RegisterError::BadName)
    };
    match result {
        Ok(()) => {
            tell(ctx, args[1], am!("register"), name);
            Ok(TRUE)
        }
        Err(RegisterError::BadName) => Err(none()),
        Err(RegisterError::HasName) => Err(Escape::badarg_cause(am!("registered_name"))),
        Err(RegisterError::Dead) => Err(Escape::badarg_cause(am!("notalive"))),
    }
}

fn unregister(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    let who = ctx.engine.names.unregister(name, &ctx.engine.processes).or_badarg()?;
    tell(ctx, who, am!("unregister"), name);
    Ok(TRUE)
}

/// Tells whoever traces a process of its name.
fn tell(ctx: &Ctx<'_>, who: Term, event: Term, name: Atom) {
    if let Some(p) = who.as_pid().and_then(|id| ctx.engine.process(id))
        && p.trace.has(Flags::PROCS)
    {
        events::procs(ctx.engine, &p, event, Term::atom(name));
    }
}

fn whereis(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    Ok(ctx.engine.names.whereis(name).unwrap_or(Term::atom(Atom::UNDEFINED)))
}

fn registered(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> = ctx.engine.names.all().into_iter().map(Term::atom).collect();
    Ok(ctx.heap().list(&names))
}
