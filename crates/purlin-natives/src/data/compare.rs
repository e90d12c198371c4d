//! Comparison and boolean operators as functions.

use purlin_term::{Term, compare};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult};
use std::cmp::Ordering;

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "==", 2, |_, a| Ok(Term::bool(compare::eq(a[0], a[1])))),
    Native::guard("erlang", "/=", 2, |_, a| Ok(Term::bool(!compare::eq(a[0], a[1])))),
    Native::guard("erlang", "=:=", 2, |_, a| Ok(Term::bool(compare::same(a[0], a[1])))),
    Native::guard("erlang", "=/=", 2, |_, a| Ok(Term::bool(!compare::same(a[0], a[1])))),
    Native::guard("erlang", "<", 2, |_, a| Ok(Term::bool(compare::cmp(a[0], a[1]).is_lt()))),
    Native::guard("erlang", "=<", 2, |_, a| Ok(Term::bool(compare::cmp(a[0], a[1]).is_le()))),
    Native::guard("erlang", ">", 2, |_, a| Ok(Term::bool(compare::cmp(a[0], a[1]).is_gt()))),
    Native::guard("erlang", ">=", 2, |_, a| Ok(Term::bool(compare::cmp(a[0], a[1]).is_ge()))),
    Native::guard("erlang", "min", 2, |_, args| {
        Ok(if compare::cmp(args[0], args[1]).is_le() { args[0] } else { args[1] })
    })
    .since(26),
    Native::guard("erlang", "max", 2, |_, args| {
        Ok(if compare::cmp(args[0], args[1]).is_ge() { args[0] } else { args[1] })
    })
    .since(26),
    Native::guard("erlang", "and", 2, |_, a| logic(a, |x, y| x & y)),
    Native::guard("erlang", "or", 2, |_, a| logic(a, |x, y| x | y)),
    Native::guard("erlang", "xor", 2, |_, a| logic(a, |x, y| x ^ y)),
    Native::guard("erlang", "not", 1, |_, a| Ok(Term::bool(!a[0].as_bool().or_badarg()?))),
    Native::plain("erts_internal", "cmp_term", 2, cmp_term),
];

fn logic(a: &[Term], op: fn(bool, bool) -> bool) -> NativeResult {
    Ok(Term::bool(op(a[0].as_bool().or_badarg()?, a[1].as_bool().or_badarg()?)))
}

fn cmp_term(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::small(match compare::cmp_exact(args[0], args[1]) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}
