//! `erts_debug:disassemble/1` and `instructions/0`, which `df/1,2,3` lists modules with.
//!
//! A function is listed whole, in the BEAM's generic instructions; the address given for it is behind its code, where
//! the listing of `df` ends.

use purlin_beam::{Disassembler, Opcode};
use purlin_term::{Atom, Term, am};
use purlin_vm::code::{FnEntry, Mfa};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erts_debug", "disassemble", 1, disassemble),
    Native::plain("erts_debug", "instructions", 0, instructions),
];

fn instructions(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let names: Vec<Term> = (0..=u8::MAX).filter_map(Opcode::from_u8).map(|o| ctx.heap().string(o.name())).collect();
    Ok(ctx.heap().list(&names))
}

fn disassemble(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(elements) = args[0].as_tuple() else {
        // An address; none of them leads on to a further instruction.
        return Ok(Term::bool(false));
    };
    let &[module, function, arity] = elements else { return Err(Escape::BADARG) };
    let mfa = Mfa {
        module: module.as_atom().or_badarg()?,
        function: function.as_atom().or_badarg()?,
        arity: arity.as_usize().and_then(|n| u8::try_from(n).ok()).or_badarg()?,
    };
    let Some(entry) = find(ctx.engine, mfa) else { return Ok(am!("undef")) };
    let module = entry.module;
    let listing = Disassembler::new(&module.file).function(&module.index.functions[entry.index as usize]);
    let text = listing.ok().or_badarg()?;
    let behind = entry as *const FnEntry as u64 + module.index.functions[entry.index as usize].range.len() as u64;
    let h = ctx.heap();
    let parts = [h.unsigned(behind), h.binary(text.as_bytes()), args[0]];
    Ok(h.tuple(&parts))
}

fn find(engine: &Engine, mfa: Mfa) -> Option<&'static FnEntry> {
    engine.code.generations(mfa.module).current?.function(Atom::from_index(mfa.function.index()), mfa.arity)
}
