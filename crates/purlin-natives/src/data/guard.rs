//! Type tests and sizes: the functions that guards are made of.

use super::maps::badmap;
use purlin_term::{Atom, Release, Term, compare, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::guard("erlang", "is_atom", 1, |_, a| test(a[0].is_atom())),
    Native::guard("erlang", "is_boolean", 1, |_, a| test(a[0].as_bool().is_some())),
    Native::guard("erlang", "is_list", 1, |_, a| test(a[0].is_list())),
    Native::guard("erlang", "is_tuple", 1, |_, a| test(a[0].is_tuple())),
    Native::guard("erlang", "is_map", 1, |_, a| test(a[0].is_map())),
    Native::guard("erlang", "is_float", 1, |_, a| test(a[0].as_float().is_some())),
    Native::guard("erlang", "is_integer", 1, |_, a| test(a[0].is_integer())),
    Native::guard("erlang", "is_number", 1, |_, a| test(a[0].is_integer() || a[0].as_float().is_some())),
    Native::guard("erlang", "is_pid", 1, |_, a| test(a[0].is_pid())),
    Native::guard("erlang", "is_port", 1, |_, a| test(a[0].is_port())),
    Native::guard("erlang", "is_reference", 1, |_, a| test(a[0].is_ref())),
    Native::guard("erlang", "is_binary", 1, |_, a| test(a[0].is_binary())),
    Native::guard("erlang", "is_bitstring", 1, |_, a| test(a[0].is_bitstring())),
    Native::guard("erlang", "is_function", 1, |_, a| test(a[0].is_fun())),
    Native::guard("erlang", "is_function", 2, is_function),
    Native::guard("erlang", "is_record", 2, is_record_2),
    Native::guard("erlang", "is_record", 3, is_record_3),
    Native::guard("erlang", "is_integer", 3, is_integer_within).since(29),
    Native::guard("erlang", "is_record", 1, |_, a| test(a[0].is_record())).since(29),
    Native::guard("erlang", "hd", 1, |_, a| Ok(a[0].as_cons().or_badarg()?.0)),
    Native::guard("erlang", "tl", 1, |_, a| Ok(a[0].as_cons().or_badarg()?.1)),
    Native::guard("erlang", "length", 1, length),
    Native::guard("erlang", "element", 2, element),
    Native::guard("erlang", "tuple_size", 1, |_, a| Ok(count(a[0].as_tuple().or_badarg()?.len()))),
    Native::guard("erlang", "size", 1, size),
    Native::guard("erlang", "bit_size", 1, |_, a| Ok(count(a[0].as_bits().or_badarg()?.size))),
    Native::guard("erlang", "byte_size", 1, |_, a| Ok(count(a[0].as_bits().or_badarg()?.size.div_ceil(8)))),
    Native::guard("erlang", "binary_part", 2, binary_part_2),
    Native::guard("erlang", "binary_part", 3, binary_part_3),
    Native::guard("erlang", "map_size", 1, map_size),
    Native::guard("erlang", "map_get", 2, super::maps::get),
    Native::guard("erlang", "is_map_key", 2, super::maps::is_key),
];

/// Cells of a list that cost one reduction.
const CELLS_PER_REDUCTION: usize = 16;

fn test(b: bool) -> NativeResult {
    Ok(Term::bool(b))
}

/// A size as a term: no object in memory is large enough to need a big integer.
pub(super) fn count(n: usize) -> Term {
    Term::small(n as i64)
}

/// Arity of a fun, without its environment.
pub(super) fn fun_arity(t: Term) -> Option<u8> {
    match t.as_fun() {
        Some((entry, ..)) => Some(entry.arity),
        None => t.as_export_fun().map(|(_, _, arity)| arity),
    }
}

fn is_function(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let arity = match args[1].as_small() {
        Some(n) if n >= 0 => Some(n),
        None if matches!(args[1].as_big(), Some((false, _))) => None,
        _ => return Err(Escape::BADARG),
    };
    test(arity.is_some() && fun_arity(args[0]).map(i64::from) == arity)
}

/// Whether a term is an integer from one bound to another.
fn is_integer_within(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (t, low, high) = (args[0], args[1], args[2]);
    if !low.is_integer() || !high.is_integer() {
        return Err(Escape::BADARG);
    }
    test(t.is_integer() && compare::cmp(low, t).is_le() && compare::cmp(t, high).is_le())
}

fn is_record_2(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[1].is_atom() {
        return Err(Escape::BADARG);
    }
    test(args[0].as_tuple().and_then(|t| t.first()) == Some(&args[1]))
}

fn is_record_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if let (Some(module), Some(name)) = (args[1].as_atom(), args[2].as_atom())
        && ctx.engine.config.release >= Release(29)
    {
        return test(args[0].as_record().is_some_and(|r| r.module == module && r.name == name));
    }
    let size = args[2].as_small().filter(|_| args[1].is_atom()).or_badarg()?;
    test(args[0].as_tuple().is_some_and(|t| t.len() as i64 == size && t.first() == Some(&args[1])))
}

fn length(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = args[0].list_length().or_badarg()?;
    ctx.charge(n / CELLS_PER_REDUCTION);
    Ok(count(n))
}

fn element(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = args[1].as_tuple().or_badarg()?;
    let i = args[0].as_usize().and_then(|i| i.checked_sub(1)).or_badarg()?;
    t.get(i).copied().or_badarg()
}

fn size(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[0].as_tuple() {
        Some(t) => Ok(count(t.len())),
        None => Ok(count(args[0].as_bits().or_badarg()?.size / 8)),
    }
}

fn map_size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_map() {
        return Err(badmap(ctx.heap(), args[0]));
    }
    Ok(count(map::size(args[0])))
}

/// The start and length in bytes that a position and a length (negative: backwards) name in a binary of `size` bytes.
pub(super) fn part_range(position: Term, length: Term, size: usize) -> Option<(usize, usize)> {
    let (pos, len) = (position.as_small()?, length.as_small()?);
    let (start, end) = if len < 0 { (pos.checked_add(len)?, pos) } else { (pos, pos.checked_add(len)?) };
    (pos >= 0 && start >= 0 && end <= size as i64).then(|| (start as usize, (end - start) as usize))
}

pub(super) fn part(ctx: &mut Ctx<'_>, binary: Term, position: Term, length: Term) -> NativeResult {
    let bits = binary.as_bits().or_badarg()?;
    // Other bitstrings had parts before OTP 27.
    if bits.size % 8 != 0 && ctx.engine.config.release >= Release(27) {
        return Err(Escape::BADARG);
    }
    let (start, len) = part_range(position, length, bits.size / 8).or_badarg()?;
    Ok(ctx.heap().sub_bits(binary, start * 8, len * 8))
}

fn binary_part_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[1].as_tuple() {
        Some(&[position, length]) => part(ctx, args[0], position, length),
        _ => Err(Escape::Error(Term::atom(Atom::BADARG))),
    }
}

fn binary_part_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    part(ctx, args[0], args[1], args[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_may_go_backwards() {
        let range = |p, l| part_range(Term::small(p), Term::small(l), 10);
        assert_eq!(range(2, 3), Some((2, 3)));
        assert_eq!(range(5, -3), Some((2, 3)));
        assert_eq!(range(10, 0), Some((10, 0)));
        assert_eq!(range(10, -10), Some((0, 10)));
        for (p, l) in [(11, 0), (0, 11), (-1, 1), (2, -3), (11, -1), (1, i64::MAX >> 5)] {
            assert_eq!(range(p, l), None, "{p},{l}");
        }
    }
}
