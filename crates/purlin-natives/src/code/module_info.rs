//! What is known of modules: which are loaded, what they export, their files' chunks.

use super::loading::is_exported;
use super::preloaded;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::code::{Mfa, Module, module::chunk_term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "module_loaded", 1, module_loaded),
    Native::plain("erlang", "loaded", 0, loaded),
    Native::plain("erlang", "pre_loaded", 0, pre_loaded),
    Native::plain("erlang", "get_module_info", 1, get_module_info_1),
    Native::plain("erlang", "get_module_info", 2, get_module_info_2),
    Native::plain("erlang", "function_exported", 3, function_exported),
    Native::plain("erlang", "is_builtin", 3, is_builtin),
    Native::plain("code", "coverage_support", 0, |_, _| Ok(Term::bool(false))).since(27),
    Native::plain("code", "get_coverage", 2, no_coverage).since(27),
    Native::plain("code", "get_coverage_mode", 0, no_coverage).since(27),
    Native::plain("code", "get_coverage_mode", 1, no_coverage).since(27),
    Native::plain("code", "reset_coverage", 1, no_coverage).since(27),
    Native::plain("code", "set_coverage_mode", 1, no_coverage).since(27),
    Native::plain("erts_internal", "beamfile_chunk", 2, beamfile_chunk),
    Native::plain("erts_internal", "beamfile_module_md5", 1, beamfile_module_md5),
];

/// As OTP's interpreter answers: counting what runs is its native compiler's.
fn no_coverage(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::BADARG)
}

fn module_loaded(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    Ok(Term::bool(ctx.engine.code.generations(name).current.is_some()))
}

fn loaded(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> = ctx.engine.code.loaded().into_iter().map(Term::atom).collect();
    Ok(ctx.heap().list(&names))
}

fn pre_loaded(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> =
        preloaded::modules(ctx.engine.config.release).rev().map(|n| Term::atom(Atom::new(n))).collect();
    Ok(ctx.heap().list(&names))
}

fn current(ctx: &Ctx<'_>, name: Term) -> Result<&'static Module, Escape> {
    ctx.engine.code.generations(name.as_atom().or_badarg()?).current.or_badarg()
}

fn get_module_info_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = current(ctx, args[0])?;
    let items = [am!("module"), am!("exports"), am!("attributes"), am!("compile"), am!("md5")];
    let mut pairs = Vec::new();
    for item in items {
        let value = info(ctx, m, item).or_badarg()?;
        pairs.push(ctx.heap().tuple(&[item, value]));
    }
    Ok(ctx.heap().list(&pairs))
}

fn get_module_info_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let m = current(ctx, args[0])?;
    info(ctx, m, args[1]).or_badarg()
}

fn info(ctx: &mut Ctx<'_>, m: &'static Module, item: Term) -> Option<Term> {
    let engine = ctx.engine;
    let heap = &mut ctx.data.heap;
    Some(match item.as_atom()?.name() {
        "module" => Term::atom(m.name),
        "exports" => {
            let listed = m.exports_as_listed(&engine.code);
            names(heap, listed)
        }
        "functions" => {
            let pairs = m.functions().iter().map(|e| (e.mfa.function, e.mfa.arity)).collect();
            names(heap, pairs)
        }
        "nifs" => {
            // Only what `load_nif/2` has put there; the emulator's own functions do not count.
            let own = engine.nif_info.lock().contains_key(&m.name);
            let natives = m.functions().iter().filter(|e| own && engine.code.exports.native(e.mfa).is_some());
            let natives = natives.map(|e| (e.mfa.function, e.mfa.arity)).chain(m.taken()).collect();
            names(heap, natives)
        }
        "attributes" => chunk_term(&engine.code, heap, m.file.attributes()),
        "compile" => chunk_term(&engine.code, heap, m.file.compile_info()),
        "md5" => heap.binary(&m.md5),
        "native" => Term::bool(false),
        "native_addresses" => Term::NIL,
        _ => return None,
    })
}

fn names(heap: &mut Heap, pairs: Vec<(Atom, u8)>) -> Term {
    let list: Vec<Term> = pairs.into_iter().map(|(f, a)| heap.tuple(&[Term::atom(f), Term::small(a as i64)])).collect();
    heap.list(&list)
}

fn mfa_of(a: &[Term]) -> Result<Option<Mfa>, Escape> {
    let (module, function) = (a[0].as_atom().or_badarg()?, a[1].as_atom().or_badarg()?);
    let arity = a[2].as_small().or_badarg()?;
    Ok(u8::try_from(arity).ok().map(|arity| Mfa { module, function, arity }))
}

fn function_exported(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(mfa_of(args)?.is_some_and(|mfa| is_exported(ctx, mfa))))
}

fn is_builtin(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(
        mfa_of(args)?.is_some_and(|mfa| is_emulators_own(mfa) && ctx.engine.code.exports.native(mfa).is_some()),
    ))
}

/// Whether OTP's emulator has this native by itself, not through `load_nif/2`, and it is none of Purlin's own.
pub fn is_emulators_own(mfa: Mfa) -> bool {
    const LIBRARIES: [&str; 10] = [
        "prim_file",
        "prim_socket",
        "prim_net",
        "prim_tty",
        "prim_buffer",
        "zlib",
        "erl_tracer",
        "crypto",
        "dyntrace",
        "asn1rt_nif",
    ];
    const FILE_NAMES: [&str; 4] =
        ["internal_name2native", "internal_native2name", "internal_normalize_utf8", "is_translatable"];
    // The second is where the BEAM has a process wait, but no function that it lists.
    const UNLISTED: [(&str, &str); 2] = [("re", "run_long"), ("erlang", "bif_return_trap")];
    let (module, function) = (mfa.module.name(), mfa.function.name());
    let names = module == "prim_file" && FILE_NAMES.contains(&function);
    (names || !LIBRARIES.contains(&module)) && !UNLISTED.contains(&(module, function))
}

fn beamfile_chunk(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes().or_badarg()?;
    let name = args[1].list_text().or_badarg()?;
    let name: [u8; 4] = name.as_bytes().try_into().ok().or_badarg()?;
    Ok(match purlin_beam::find_chunk(&bytes, name) {
        Ok(Some(chunk)) => ctx.heap().binary(chunk),
        _ => Term::atom(Atom::UNDEFINED),
    })
}

fn beamfile_module_md5(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes().or_badarg()?;
    Ok(match purlin_beam::BeamFile::parse_plain(&bytes) {
        Ok(file) => {
            let digest = purlin_vm::code::module::checksum(&file);
            ctx.heap().binary(&digest)
        }
        Err(_) => Term::atom(Atom::UNDEFINED),
    })
}
