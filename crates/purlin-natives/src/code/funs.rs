//! Asking about funs, and making external ones.

use purlin_term::{Atom, FunEntry, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "fun_info", 2, fun_info),
    Native::plain("erlang", "fun_info_mfa", 1, fun_info_mfa),
    Native::plain("erlang", "make_fun", 3, make_fun),
];

fn fun_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let fun = args[0];
    let item = args[1].as_atom().or_badarg()?;
    let heap = &mut ctx.data.heap;
    let value = if let Some((e, creator, env)) = fun.as_fun() {
        match item.name() {
            "type" => am!("local"),
            "pid" => creator,
            "module" => Term::atom(e.module),
            "new_index" => Term::small(e.index as i64),
            "new_uniq" => heap.binary(&e.uniq),
            "index" => Term::small(e.old_index as i64),
            "uniq" => heap.integer(e.old_uniq as i64),
            "env" => heap.list(env),
            "refc" => heap.integer(fun.fun_count().unwrap_or(0) as i64),
            "arity" => Term::small(e.arity as i64),
            "name" => name(ctx.engine, e),
            _ => return Err(Escape::BADARG),
        }
    } else {
        let (m, f, arity) = fun.as_export_fun().or_badarg()?;
        match item.name() {
            "type" => am!("external"),
            "pid" | "new_index" | "new_uniq" | "index" | "uniq" | "refc" => Term::atom(Atom::UNDEFINED),
            "module" => Term::atom(m),
            "env" => Term::NIL,
            "arity" => Term::small(arity as i64),
            "name" => Term::atom(f),
            _ => return Err(Escape::BADARG),
        }
    };
    Ok(heap.tuple(&[args[1], value]))
}

fn fun_info_mfa(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (m, f, arity) = match args[0].as_fun() {
        Some((e, ..)) => (e.module, name(ctx.engine, e), e.arity),
        None => args[0].as_export_fun().map(|(m, f, arity)| (m, Term::atom(f), arity)).or_badarg()?,
    };
    Ok(ctx.heap().tuple(&[Term::atom(m), f, Term::small(arity as i64)]))
}

/// The name of the function that holds a fun's body; `[]` when its code is not there.
fn name(engine: &Engine, entry: &FunEntry) -> Term {
    engine.code.body_of(entry).map_or(Term::NIL, |body| Term::atom(body.function))
}

fn make_fun(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (m, f) = (args[0].as_atom().or_badarg()?, args[1].as_atom().or_badarg()?);
    let arity = args[2].as_small().and_then(|n| u8::try_from(n).ok()).or_badarg()?;
    Ok(ctx.heap().export_fun(m, f, arity))
}
