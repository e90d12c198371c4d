//! The `math` module: the C library's functions, with an error where a result is no finite number.

use super::number::escape;
use purlin_term::number::{ArithError, to_float};
use purlin_term::{Heap, Term, libm};
use purlin_vm::{Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("math", "sin", 1, |ctx, args| one(ctx.heap(), args[0], f64::sin)),
    Native::plain("math", "cos", 1, |ctx, args| one(ctx.heap(), args[0], f64::cos)),
    Native::plain("math", "tan", 1, |ctx, args| one(ctx.heap(), args[0], f64::tan)),
    Native::plain("math", "asin", 1, |ctx, args| one(ctx.heap(), args[0], f64::asin)),
    Native::plain("math", "acos", 1, |ctx, args| one(ctx.heap(), args[0], f64::acos)),
    Native::plain("math", "atan", 1, |ctx, args| one(ctx.heap(), args[0], f64::atan)),
    Native::plain("math", "sinh", 1, |ctx, args| one(ctx.heap(), args[0], f64::sinh)),
    Native::plain("math", "cosh", 1, |ctx, args| one(ctx.heap(), args[0], f64::cosh)),
    Native::plain("math", "tanh", 1, |ctx, args| one(ctx.heap(), args[0], f64::tanh)),
    Native::plain("math", "asinh", 1, |ctx, args| one(ctx.heap(), args[0], |x| libm::asinh(x))),
    Native::plain("math", "acosh", 1, |ctx, args| one(ctx.heap(), args[0], |x| libm::acosh(x))),
    Native::plain("math", "atanh", 1, |ctx, args| one(ctx.heap(), args[0], |x| libm::atanh(x))),
    Native::plain("math", "erf", 1, |ctx, args| one(ctx.heap(), args[0], |x| libm::erf(x))),
    Native::plain("math", "erfc", 1, |ctx, args| one(ctx.heap(), args[0], |x| libm::erfc(x))),
    Native::plain("math", "exp", 1, |ctx, args| one(ctx.heap(), args[0], f64::exp)),
    Native::plain("math", "log", 1, |ctx, args| one(ctx.heap(), args[0], f64::ln)),
    Native::plain("math", "log2", 1, |ctx, args| one(ctx.heap(), args[0], f64::log2)),
    Native::plain("math", "log10", 1, |ctx, args| one(ctx.heap(), args[0], f64::log10)),
    Native::plain("math", "sqrt", 1, |ctx, args| one(ctx.heap(), args[0], f64::sqrt)),
    Native::plain("math", "floor", 1, |ctx, args| one(ctx.heap(), args[0], f64::floor)),
    Native::plain("math", "ceil", 1, |ctx, args| one(ctx.heap(), args[0], f64::ceil)),
    Native::plain("math", "atan2", 2, |ctx, args| two(ctx.heap(), args, f64::atan2)),
    Native::plain("math", "pow", 2, |ctx, args| two(ctx.heap(), args, f64::powf)),
    Native::plain("math", "fmod", 2, |ctx, args| two(ctx.heap(), args, |x, y| x % y)),
];

/// A number as a float.
fn argument(t: Term) -> Result<f64, Escape> {
    match to_float(t) {
        Some(f) => Ok(f),
        None if t.is_integer() => Err(escape(ArithError::Badarith)),
        None => Err(Escape::BADARG),
    }
}

fn result(h: &mut Heap, f: f64) -> NativeResult {
    if f.is_finite() { Ok(h.float(f)) } else { Err(Escape::BADARITH) }
}

fn one(h: &mut Heap, t: Term, function: impl Fn(f64) -> f64) -> NativeResult {
    let x = argument(t)?;
    result(h, function(x))
}

fn two(h: &mut Heap, a: &[Term], function: impl Fn(f64, f64) -> f64) -> NativeResult {
    let (x, y) = (argument(a[0])?, argument(a[1])?);
    result(h, function(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::{Atom, am};

    #[test]
    fn results_must_be_finite() {
        let mut h = Heap::new(0);
        let error = |r: NativeResult| match r {
            Err(Escape::Error(t)) => t.as_atom(),
            _ => None,
        };
        assert_eq!(error(one(&mut h, Term::small(0), f64::ln)), Some(Atom::BADARITH));
        assert_eq!(error(one(&mut h, Term::small(2), f64::asin)), Some(Atom::BADARITH));
        assert_eq!(error(one(&mut h, am!("x"), f64::sin)), Some(Atom::BADARG));
        let huge = h.big(false, &[1; 17]);
        assert_eq!(error(one(&mut h, huge, f64::sin)), Some(Atom::BADARITH));
        let args = [Term::small(5), Term::small(0)];
        assert_eq!(error(two(&mut h, &args, |x, y| x % y)), Some(Atom::BADARITH));
        assert_eq!(one(&mut h, Term::small(4), f64::sqrt).unwrap().as_float(), Some(2.0));
    }
}
