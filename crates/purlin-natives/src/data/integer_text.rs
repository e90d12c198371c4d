//! Integers to text and back, in bases 2 to 36.

use purlin_term::number::{integer_from_text, integer_to_text};
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "integer_to_list", 1, |ctx, args| to_list(ctx, args[0], 10)),
    Native::plain("erlang", "integer_to_list", 2, |ctx, args| to_list(ctx, args[0], base(args[1])?)),
    Native::plain("erlang", "integer_to_binary", 1, |ctx, args| to_binary(ctx, args[0], 10)),
    Native::plain("erlang", "integer_to_binary", 2, |ctx, args| to_binary(ctx, args[0], base(args[1])?)),
    Native::plain("erlang", "list_to_integer", 1, |ctx, args| from_list(ctx, args[0], 10)).until(25),
    Native::plain("erlang", "list_to_integer", 2, |ctx, args| from_list(ctx, args[0], base(args[1])?)).until(25),
    Native::plain("erlang", "binary_to_integer", 1, |ctx, args| from_binary(ctx, args[0], 10)).until(25),
    Native::plain("erlang", "binary_to_integer", 2, |ctx, args| from_binary(ctx, args[0], base(args[1])?)).until(25),
    Native::plain("string", "list_to_integer", 1, string_list_to_integer).until(25),
    Native::plain("erts_internal", "list_to_integer", 2, list_to_integer).since(26),
    Native::plain("erts_internal", "binary_to_integer", 2, binary_to_integer).since(26),
];

/// Digits handled for one reduction.
const DIGITS_PER_REDUCTION: usize = 16;
/// Pairs of digits handled for one reduction where there are many.
const SQUARE_PER_REDUCTION: usize = 50_000;
/// Digits of a list handled for one reduction, where there are many.
const LISTED_PER_REDUCTION: usize = 2;

fn base(t: Term) -> Result<u32, Escape> {
    t.as_small().and_then(|b| u32::try_from(b).ok()).filter(|b| (2..=36).contains(b)).or_badarg()
}

/// Asks to do work that grows faster than the number of digits: about as their square.
fn room_for(ctx: &Ctx<'_>, digits: usize) -> Result<(), Escape> {
    ctx.room_for(digits.saturating_mul(digits) / SQUARE_PER_REDUCTION)
}

fn charged(ctx: &mut Ctx<'_>, t: Term, base: u32) -> Result<String, Escape> {
    // A word has about twenty decimal digits.
    room_for(ctx, t.as_big().map_or(0, |(_, words)| words.len() * 20))?;
    let text = integer_to_text(t, base).or_badarg()?;
    if t.is_big() {
        ctx.charge(text.len() / DIGITS_PER_REDUCTION);
    }
    Ok(text)
}

fn to_list(ctx: &mut Ctx<'_>, t: Term, base: u32) -> NativeResult {
    let text = charged(ctx, t, base)?;
    Ok(ctx.heap().string(&text))
}

fn to_binary(ctx: &mut Ctx<'_>, t: Term, base: u32) -> NativeResult {
    let text = charged(ctx, t, base)?;
    Ok(ctx.heap().binary(text.as_bytes()))
}

fn from_binary(ctx: &mut Ctx<'_>, t: Term, base: u32) -> NativeResult {
    let text = t.as_bytes().or_badarg()?;
    room_for(ctx, text.len())?;
    ctx.charge(text.len() / DIGITS_PER_REDUCTION);
    integer_from_text(ctx.heap(), &text, base).or_badarg()
}

/// Why a list does not start with an integer.
#[derive(PartialEq, Debug)]
enum ListError {
    NotAList,
    NoInteger,
}

/// The integer that a list of characters starts with, and the rest of the list. Characters count modulo 256.
fn list_prefix(h: &mut Heap, t: Term, base: u32) -> Result<(Term, Term), ListError> {
    if !t.is_list() {
        return Err(ListError::NotAList);
    }
    let mut list = t.iter();
    let mut text = Vec::new();
    if let Some((first, tail)) = t.as_cons()
        && let Some(sign @ (b'+' | b'-')) = first.as_small().and_then(|c| u8::try_from(c).ok())
    {
        text.push(sign);
        list = tail.iter();
    }
    let mut rest = list.tail();
    for c in list.by_ref() {
        match c.as_small().map(|c| c as u8).filter(|&c| (c as char).is_digit(base)) {
            Some(d) => text.push(d),
            None => break,
        }
        rest = rest.as_cons().map_or(Term::NIL, |(_, tail)| tail);
    }
    let value = integer_from_text(h, &text, base).ok_or(ListError::NoInteger)?;
    Ok((value, rest))
}

fn from_list(ctx: &mut Ctx<'_>, t: Term, base: u32) -> NativeResult {
    ctx.room_for_list(t, LISTED_PER_REDUCTION)?;
    let (value, rest) = list_prefix(ctx.heap(), t, base).ok().or_badarg()?;
    if rest.is_nil() { Ok(value) } else { Err(Escape::BADARG) }
}

fn string_list_to_integer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match list_prefix(ctx.heap(), args[0], 10) {
        Ok((value, rest)) => Ok(ctx.heap().tuple(&[value, rest])),
        Err(ListError::NotAList) => ctx.error(am!("not_a_list")),
        Err(ListError::NoInteger) => ctx.error(am!("no_integer")),
    }
}

/// Characters beyond which an integer is left to the libraries.
const LONG: usize = 1 << 16;

/// As `erlang:list_to_integer/2` and `string:to_integer/1` of the libraries want it: faults are told by atoms. What is
/// [`LONG`] is left to the libraries, which read it piece by piece and know the limit.
fn list_to_integer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].is_nil() {
        return Ok(am!("no_integer"));
    } else if !args[0].is_list() {
        return Ok(am!("not_a_list"));
    }
    let Ok(base) = base(args[1]) else { return Ok(Term::atom(Atom::BADARG)) };
    let is_digit = |c: &Term| c.as_small().is_some_and(|c| (c as u8 as char).is_digit(base));
    if args[0].iter().skip(1).take_while(is_digit).nth(LONG).is_some() {
        return Ok(am!("big"));
    }
    match list_prefix(ctx.heap(), args[0], base) {
        Ok((value, rest)) => Ok(ctx.heap().tuple(&[value, rest])),
        Err(_) => Ok(am!("no_integer")),
    }
}

fn binary_to_integer(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let badarg = Ok(Term::atom(Atom::BADARG));
    let (Ok(base), Some(text)) = (base(args[1]), args[0].as_bytes()) else { return badarg };
    if text.len() > LONG {
        return Ok(am!("big"));
    }
    ctx.charge(text.len() / DIGITS_PER_REDUCTION);
    integer_from_text(ctx.heap(), &text, base).map_or(badarg, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_go_on_behind_an_integer() {
        let mut h = Heap::new(0);
        let mut check = |text: &str, tail: Term, want: Result<(i64, &str), ListError>| {
            let chars: Vec<Term> = text.chars().map(|c| Term::small(c as i64)).collect();
            let list = h.list_with_tail(&chars, tail);
            let got = list_prefix(&mut h, list, 10).map(|(v, rest)| {
                let rest: String = rest.iter().map(|c| c.small_value() as u8 as char).collect();
                (v.small_value(), rest)
            });
            assert_eq!(got, want.map(|(v, rest)| (v, rest.to_owned())), "{text}");
        };
        check("12 34", Term::NIL, Ok((12, " 34")));
        check("-7", Term::NIL, Ok((-7, "")));
        check("+7x", Term::NIL, Ok((7, "x")));
        check("7", am!("x"), Ok((7, "")));
        check("\u{131}", Term::NIL, Ok((1, "")));
        check("", Term::NIL, Err(ListError::NoInteger));
        check("-", am!("x"), Err(ListError::NoInteger));
        check("-x", Term::NIL, Err(ListError::NoInteger));
        check("", am!("x"), Err(ListError::NotAList));
    }
}
