//! The functions that guards and bodies may call.

use purlin_term::compare::{cmp, eq, same};
use purlin_term::{Atom, Release, Term};
use purlin_vm::native::{NativeFn, NativeKind};
use purlin_vm::{Ctx, Engine, NativeResult};

/// A callable function. Comparisons, which nearly every specification has, need no call of a native.
#[derive(Clone, Copy)]
pub enum Function {
    Compare(fn(Term, Term) -> bool),
    Native(NativeFn),
}

/// The guard functions that match specifications may call since this release; all others, always.
const SINCE: Release = Release(26);
const LATER: &[(&str, u8)] = &[
    ("ceil", 1),
    ("floor", 1),
    ("is_bitstring", 1),
    ("is_boolean", 1),
    ("is_function", 2),
    ("is_record", 2),
    ("tuple_size", 1),
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

/// What a name and arity stand for, if match specifications may call it.
pub fn lookup(engine: &Engine, name: Atom, arity: usize) -> Option<Function> {
    let (text, arity) = (name.name(), u8::try_from(arity).ok()?);
    if arity == 2
        && let Some((_, f)) = COMPARISONS.iter().find(|c| c.0 == text)
    {
        return Some(Function::Compare(*f));
    }
    let native = engine.native("erlang", text, arity).filter(|n| n.kind == NativeKind::Guard)?;
    let later = LATER.contains(&(text, arity)) && engine.config.release < SINCE;
    (!later).then_some(Function::Native(native.body))
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
