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

fn register(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let none = || Escape::badarg_cause(Term::atom(Atom::NONE_ATOM));
    let name = a[0].as_atom().filter(|&n| n != Atom::UNDEFINED).ok_or_else(none)?;
    let result = if a[1] == c.pid() {
        c.engine.names.register(name, c.process)
    } else if let Some(id) = a[1].as_pid() {
        match c.engine.process(id) {
            Some(p) => c.engine.names.register(name, &p),
            None => Err(RegisterError::Dead),
        }
    } else if let Some(port) = a[1].as_port() {
        match c.engine.ports() {
            Some(ports) if ports.is_open(c.engine, port) => c.engine.names.register_port(name, a[1]),
            _ => Err(RegisterError::BadName),
        }
    } else {
        Err(RegisterError::BadName)
    };
    match result {
        Ok(()) => {
            tell(c, a[1], am!("register"), name);
            Ok(TRUE)
        }
        Err(RegisterError::BadName) => Err(none()),
        Err(RegisterError::HasName) => Err(Escape::badarg_cause(am!("registered_name"))),
        Err(RegisterError::Dead) => Err(Escape::badarg_cause(am!("notalive"))),
    }
}

fn unregister(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let name = a[0].as_atom().or_badarg()?;
    let who = c.engine.names.unregister(name, &c.engine.processes).or_badarg()?;
    tell(c, who, am!("unregister"), name);
    Ok(TRUE)
}

/// Tells whoever traces a process of its name.
fn tell(c: &Ctx<'_>, who: Term, event: Term, name: Atom) {
    if let Some(p) = who.as_pid().and_then(|id| c.engine.process(id))
        && p.trace.has(Flags::PROCS)
    {
        events::procs(c.engine, &p, event, Term::atom(name));
    }
}

fn whereis(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let name = a[0].as_atom().or_badarg()?;
    Ok(c.engine.names.whereis(name).unwrap_or(Term::atom(Atom::UNDEFINED)))
}

fn registered(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> = c.engine.names.all().into_iter().map(Term::atom).collect();
    Ok(c.heap().list(&names))
}
