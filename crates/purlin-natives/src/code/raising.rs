//! `error`, `exit`, `throw`, `raise`, and the applies.

use purlin_term::{Atom, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Class, Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "error", 1, error_1),
    Native::plain("erlang", "error", 2, error_2),
    Native::plain("erlang", "error", 3, error_3),
    Native::plain("erlang", "exit", 1, exit),
    Native::plain("erlang", "throw", 1, throw),
    Native::plain("erlang", "raise", 3, raise),
    Native::plain("erlang", "nif_error", 1, nif_error),
    Native::plain("erlang", "nif_error", 2, nif_error),
    Native::plain("erlang", "apply", 2, apply_2),
    Native::plain("erlang", "apply", 3, apply_3),
];

fn error_1(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Err(Escape::CallerError { reason: args[0], args: Term::NONE, info: Term::NONE })
}

fn error_2(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Err(Escape::CallerError { reason: args[0], args: arguments(args[1]), info: Term::NONE })
}

fn nif_error(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Err(Escape::Error(args[0]))
}

/// What is no list, such as the atom `none`, says that there are no arguments to show.
fn arguments(args: Term) -> Term {
    if args.is_list() { args } else { Term::NONE }
}

fn error_3(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let [reason, list, options] = [args[0], args[1], args[2]];
    Err(Escape::CallerError { reason, args: arguments(list), info: error_info(options).unwrap_or(Term::NONE) })
}

/// The map of the last `{error_info, Map}`; other options make all of them count for nothing.
fn error_info(options: Term) -> Option<Term> {
    let mut info = None;
    for o in options.as_list()? {
        match *o.as_tuple()? {
            [key, map] if key.is(Atom::ERROR_INFO) && map.is_map() => info = Some(map),
            _ => return None,
        }
    }
    info
}

fn exit(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Err(Escape::Exit(args[0]))
}

fn throw(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Err(Escape::Throw(args[0]))
}

/// A wrong class or stack trace is no exception: the value is `badarg`.
fn raise(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let class = match args[0].as_atom() {
        Some(Atom::ERROR) => Class::Error,
        Some(Atom::EXIT) => Class::Exit,
        Some(Atom::THROW) => Class::Throw,
        _ => return Ok(Term::atom(Atom::BADARG)),
    };
    let Some(frames) = args[2].as_list() else { return Ok(Term::atom(Atom::BADARG)) };
    if !frames.iter().all(|&f| is_frame(f)) {
        return Ok(Term::atom(Atom::BADARG));
    }
    // Frames may lack their location; it is added.
    let depth = ctx.engine.backtrace_depth().max(1);
    let frames: Vec<Term> = frames
        .into_iter()
        .take(depth)
        .map(|f| match *f.as_tuple().unwrap_or(&[]) {
            [m, f, args] if m.is_atom() => ctx.heap().tuple(&[m, f, args, Term::NIL]),
            [fun, list] => ctx.heap().tuple(&[fun, list, Term::NIL]),
            _ => f,
        })
        .collect();
    let stack = ctx.heap().list(&frames);
    Err(Escape::Raise { class, reason: args[1], stack })
}

/// Arguments may be anything, as on the BEAM.
fn is_frame(f: Term) -> bool {
    match *f.as_tuple().unwrap_or(&[]) {
        [m, f, _, location] => m.is_atom() && f.is_atom() && location.is_list(),
        [fun, _, location] if fun.is_fun() => location.is_list(),
        [m, f, _] => m.is_atom() && f.is_atom(),
        [fun, _] => fun.is_fun(),
        _ => false,
    }
}

fn apply_2(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let list = args[1].as_list().filter(|l| l.len() < 256).or_badarg()?;
    Err(Escape::Apply { fun: args[0], args: list })
}

fn apply_3(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (module, function) = (args[0].as_atom().or_badarg()?, args[1].as_atom().or_badarg()?);
    let mut list = args[2].as_list().or_badarg()?;
    if list.len() > 255 {
        return Err(Escape::SYSTEM_LIMIT);
    }
    let (mut module, mut function) = (module, function);
    // An apply of this function is the apply that it makes.
    while module == Atom::ERLANG
        && function == Atom::APPLY
        && let [m, f, inner] = list[..]
        && let (Some(m), Some(f), Some(inner)) = (m.as_atom(), f.as_atom(), inner.as_list())
        && inner.len() < 256
    {
        (module, function, list) = (m, f, inner);
    }
    Err(Escape::Trap { module, function, args: list })
}
