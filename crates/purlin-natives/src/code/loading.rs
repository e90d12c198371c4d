//! Loading, replacing, deleting and purging code.
//!
//! Prepared code is a magic reference that the engine's functions alone can open.

use purlin_term::owned::Owned;
use purlin_term::{Atom, Magic, Term, am};
use purlin_vm::code::{FnEntry, LoadError, Mfa, Module, Unfinished};
use purlin_vm::literals;
use purlin_vm::native::{Library, LoadedBody, OrBadarg};
use purlin_vm::{Ctx, Escape, Native, NativeKind, NativeResult};
use std::collections::HashSet;
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "prepare_loading", 2, prepare_loading),
    Native::plain("erlang", "has_prepared_code_on_load", 1, has_prepared_code_on_load),
    Native::plain("erlang", "finish_loading", 1, finish_loading),
    Native::plain("erlang", "call_on_load_function", 1, call_on_load_function),
    Native::plain("erlang", "finish_after_on_load", 2, finish_after_on_load),
    Native::plain("erlang", "delete_module", 1, delete_module),
    Native::plain("erlang", "check_old_code", 1, check_old_code),
    Native::plain("erts_internal", "purge_module", 2, purge_module),
    Native::plain("erlang", "load_nif", 2, load_nif),
];

/// Code that was prepared and not finished yet.
fn prepared<R>(t: Term, f: impl FnOnce(&'static Module) -> R) -> Option<R> {
    t.magic::<Unfinished>()?.with(f)
}

fn prepare_loading(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    let bytes = args[1].as_bytes().or_badarg()?;
    ctx.charge(bytes.len() / 64);
    match Unfinished::prepare(&ctx.engine.code, &bytes) {
        Ok(m) => match m.with(|m| m.name) {
            Some(other) if other != name => refused(ctx, name, &format!("the file is of the module {}", other.name())),
            _ => {
                let id = ctx.engine.next_ref();
                // Who is runnable runs before the new code is current, like those that OTP's loader waits for.
                Err(Escape::YieldReturn(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(m) }))))
            }
        },
        Err(e @ (LoadError::Bad(_) | LoadError::Malformed(_))) => refused(ctx, name, &e.to_string()),
    }
}

/// `{error, badfile}`, and what is wrong as a report of the emulator.
fn refused(ctx: &mut Ctx<'_>, name: Atom, why: &str) -> NativeResult {
    report(ctx, &format!("Loading of module {} failed: {why}\n", name.name()));
    ctx.error(Term::atom(Atom::BADFILE))
}

fn report(ctx: &mut Ctx<'_>, text: &str) {
    let (pid, leader) = (ctx.pid(), ctx.data.group_leader);
    purlin_vm::report::log(ctx.engine, am!("error"), "~ts", leader, Some(pid), |heap| {
        let text = heap.string(text);
        heap.list(&[text])
    });
}

fn has_prepared_code_on_load(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(prepared(args[0], |m| m.has_on_load()).or_badarg()?))
}

fn finish_loading(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let code = args[0].as_list().or_badarg()?;
    let about = |t| prepared(t, |m| (m.name, m.has_on_load()));
    let about: Vec<(Atom, bool)> = code.iter().map(|&t| about(t)).collect::<Option<_>>().or_badarg()?;
    if about.len() > 1 && about.iter().any(|m| m.1) {
        return Err(Escape::SYSTEM_LIMIT);
    }
    let mut seen = HashSet::new();
    let duplicated: Vec<Atom> = about.iter().map(|m| m.0).filter(|&n| !seen.insert(n)).collect();
    if !duplicated.is_empty() {
        return tagged_names(ctx, am!("duplicated"), &duplicated);
    }
    let unfinished: Vec<&Unfinished> = code.iter().filter_map(|t| t.magic()).collect();
    let modules: Vec<Option<&'static Module>> = unfinished.iter().map(|u| u.take()).collect();
    let put_back = || unfinished.iter().zip(&modules).for_each(|(u, m)| m.iter().for_each(|m| u.put_back(m)));
    // Another process may have been faster.
    let Some(modules) = modules.iter().copied().collect::<Option<Vec<_>>>() else {
        put_back();
        return Err(Escape::BADARG);
    };
    if let Err(stuck) = ctx.engine.code.finish(&modules) {
        put_back();
        return tagged_names(ctx, am!("not_purged"), &stuck);
    }
    trace_loaded(ctx, modules.iter().filter(|m| !m.has_on_load()).map(|m| m.name));
    match modules[..] {
        [m] if m.has_on_load() => tagged_names(ctx, am!("on_load"), &[m.name]),
        _ => Ok(Term::atom(Atom::OK)),
    }
}

/// `{Tag, Modules}`, the last module first.
fn tagged_names(ctx: &mut Ctx<'_>, tag: Term, names: &[Atom]) -> NativeResult {
    let names: Vec<Term> = names.iter().rev().map(|&n| Term::atom(n)).collect();
    let list = ctx.heap().list(&names);
    Ok(ctx.heap().tuple(&[tag, list]))
}

fn call_on_load_function(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    let module = ctx.engine.code.loading(name).or_badarg()?;
    let entry = module.on_load_function().or_badarg()?;
    Err(Escape::Enter { entry, args: Vec::new() })
}

fn finish_after_on_load(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    let keep = args[1].as_bool().or_badarg()?;
    ctx.engine.code.finish_on_load(name, keep).or_badarg()?;
    if keep {
        trace_loaded(ctx, [name].into_iter());
    }
    Ok(Term::bool(true))
}

/// Traces what `trace_pattern(on_load, ...)` asks for of modules that became current.
fn trace_loaded(ctx: &Ctx<'_>, modules: impl Iterator<Item = Atom>) {
    let tracing = &ctx.engine.tracing;
    let _control = tracing.control.lock();
    let sessions = tracing.sessions.all();
    for module in modules {
        for session in &sessions {
            let on_load = session.on_load.lock().clone();
            on_load.apply(&ctx.engine.code, session.id, module);
        }
    }
}

fn delete_module(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    match ctx.engine.code.delete(name) {
        None => Ok(Term::atom(Atom::UNDEFINED)),
        Some(true) => Ok(Term::bool(true)),
        Some(false) => {
            report(ctx, &format!("Module {} must be purged before deleting\n", name.name()));
            Err(Escape::BADARG)
        }
    }
}

fn check_old_code(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    Ok(Term::bool(ctx.engine.code.generations(name).old.is_some()))
}

/// Called by the code purger alone: `prepare` before it asks all processes, then `complete` or `abort`.
fn purge_module(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    super::only_for(ctx, "erts_code_purger")?;
    let name = args[0].as_atom().or_badarg()?;
    let code = &ctx.engine.code;
    Ok(Term::bool(match args[1].as_atom().or_badarg()?.name() {
        "prepare" => code.prepare_purge(name, false).or_badarg()?,
        "prepare_on_load" => code.prepare_purge(name, true).or_badarg()?,
        "complete" => literals::complete_purge(ctx.engine, name).then_some(true).or_badarg()?,
        "abort" => literals::abort_purge(ctx.engine, name).then_some(false).or_badarg()?,
        _ => return Err(Escape::BADARG),
    }))
}

/// Modules that load their library while the emulator boots, which must succeed; the functions among them that
/// Purlin lacks raise `not_loaded` when they are called, as their stubs say.
const BOOT_LIBRARIES: [&str; 5] = ["erl_tracer", "prim_buffer", "prim_net", "prim_socket", "zlib"];

/// Purlin's own natives for a module whose library can be loaded as well.
fn own_library(ctx: &Ctx<'_>, module: &'static Module) -> Vec<Taken> {
    let natives = crate::crypto::TABLES.iter().copied().flatten();
    let own = natives.filter(|n| n.module == module.name.name() && n.is_in(ctx.engine.config.release));
    own.filter_map(|n| {
        let entry = module.function(Atom::existing(n.function)?, n.arity)?;
        let body: Box<dyn LoadedBody> = Box::new(OwnBody(n));
        Some((entry, n.kind, body))
    })
    .collect()
}

/// A function of a module, and what it is from now on.
type Taken = (&'static FnEntry, NativeKind, Box<dyn LoadedBody>);

struct OwnBody(&'static Native);

impl LoadedBody for OwnBody {
    fn call(&self, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
        (self.0.body)(ctx, args)
    }
}

struct OwnLibrary;

impl Library for OwnLibrary {
    fn purged(&self) {}
}

/// Loading a library whose natives Purlin has itself succeeds and loads nothing.
fn load_nif(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let path = args[0].list_text().or_else(|| String::from_utf8(args[0].as_bytes()?.into_owned()).ok());
    let path = path.or_badarg()?;
    let module = ctx.caller().or_badarg()?.module;
    let name = module.name;
    let booting = BOOT_LIBRARIES.contains(&name.name());
    if booting || ctx.engine.code.exports.natives().any(|n| n.mfa.module == name) {
        ctx.engine.nif_info.lock().insert(name, Owned::new(args[1]));
        return Ok(Term::atom(Atom::OK));
    }
    let (engine, own) = (ctx.engine, own_library(ctx, module));
    let library = engine.libraries().filter(|_| own.is_empty() || engine.config.own_crypto != Some(true));
    if let Some(library) = library {
        let loaded = library.load(ctx, module, &path, args[1])?;
        if loaded.is_atom() || own.is_empty() || engine.config.own_crypto == Some(false) {
            return Ok(loaded);
        }
    }
    if !own.is_empty() {
        engine.nif_info.lock().insert(name, Owned::new(args[1]));
        module.take_over(&engine.code, Box::new(OwnLibrary), own);
        return Ok(Term::atom(Atom::OK));
    }
    let text = format!("Native libraries are refused: {path} for the module {}", name.name());
    let text = ctx.heap().string(&text);
    let reason = ctx.heap().tuple(&[am!("load_failed"), text]);
    ctx.error(reason)
}

/// The export of a name, for those who ask whether something is there.
pub(super) fn is_exported(ctx: &Ctx<'_>, mfa: Mfa) -> bool {
    if ctx.engine.code.exports.native(mfa).is_some() {
        return true;
    }
    ctx.engine.code.exports.existing(mfa).is_some_and(|e| e.function().is_some())
}
