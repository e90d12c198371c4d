//! The functions that guards and bodies may call.

use purlin_term::compare::{cmp, eq, same};
use purlin_term::{Atom, Term};
use purlin_vm::native::NativeFn;
use purlin_vm::{Ctx, Engine, NativeResult};

/// A callable function. Comparisons, which nearly every specification has, need no call of a native.
#[derive(Clone, Copy)]
pub enum Function {
    Compare(fn(Term, Term) -> bool),
    Native(NativeFn),
}

/// Name and arity of everything that may be called besides the comparisons.
const NATIVES: &[(&str, usize)] = &[
    ("is_atom", 1),
    ("is_float", 1),
    ("is_integer", 1),
    ("is_list", 1),
    ("is_number", 1),
    ("is_pid", 1),
    ("is_port", 1),
    ("is_reference", 1),
    ("is_tuple", 1),
    ("is_map", 1),
    ("is_binary", 1),
    ("is_function", 1),
    ("is_record", 3),
    ("abs", 1),
    ("element", 2),
    ("hd", 1),
    ("length", 1),
    ("node", 1),
    ("node", 0),
    ("round", 1),
    ("size", 1),
    ("map_size", 1),
    ("map_get", 2),
    ("is_map_key", 2),
    ("bit_size", 1),
    ("byte_size", 1),
    ("binary_part", 2),
    ("binary_part", 3),
    ("tl", 1),
    ("trunc", 1),
    ("float", 1),
    ("+", 1),
    ("-", 1),
    ("+", 2),
    ("-", 2),
    ("*", 2),
    ("/", 2),
    ("div", 2),
    ("rem", 2),
    ("band", 2),
    ("bor", 2),
    ("bxor", 2),
    ("bnot", 1),
    ("bsl", 2),
    ("bsr", 2),
    ("not", 1),
    ("xor", 2),
];

type Comparison = fn(Term, Term) -> bool;

const COMPARISONS: [(&str, Comparison); 8] = [
    ("==", eq),
    ("=:=", same),
    ("/=", |a, b| !eq(a, b)),
    ("=/=", |a, b| !same(a, b)),
    ("<", |a, b| cmp(a, b).is_lt()),
    (">", |a, b| cmp(a, b).is_gt()),
    ("=<", |a, b| cmp(a, b).is_le()),
    (">=", |a, b| cmp(a, b).is_ge()),
];

/// What a name and arity stand for.
pub enum Lookup {
    Found(Function),
    /// Not callable in match specifications.
    Unknown,
    /// Callable, but this engine has no such native.
    Missing,
}

pub fn lookup(engine: &Engine, name: Atom, arity: usize) -> Lookup {
    let text = name.name();
    if arity == 2
        && let Some((_, f)) = COMPARISONS.iter().find(|c| c.0 == text)
    {
        return Lookup::Found(Function::Compare(*f));
    }
    if !NATIVES.contains(&(text, arity)) {
        return Lookup::Unknown;
    }
    match engine.native("erlang", text, arity as u8) {
        Some(n) => Lookup::Found(Function::Native(n.body)),
        None => Lookup::Missing,
    }
}

impl Function {
    /// Calls it.
    pub fn call(self, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
        match (self, args) {
            (Function::Compare(f), &[a, b]) => Ok(Term::bool(f(a, b))),
            (Function::Compare(_), _) => Err(purlin_vm::Escape::BADARG),
            (Function::Native(f), _) => f(ctx, args),
        }
    }
}
