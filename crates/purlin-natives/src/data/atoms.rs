//! Atoms to text and back.

use purlin_term::atom::AtomError;
use purlin_term::{Atom, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use smallvec::SmallVec;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "atom_to_list", 1, atom_to_list),
    Native::plain("erlang", "atom_to_binary", 2, atom_to_binary),
    Native::plain("erlang", "list_to_atom", 1, |_, a| make(list_text(a[0])?.as_str())),
    Native::plain("erlang", "list_to_existing_atom", 1, |_, a| {
        existing(list_text(a[0]).map_err(|_| Escape::BADARG)?.as_str())
    }),
    Native::plain("erlang", "binary_to_atom", 2, |_, a| make(&binary_text(a[0], a[1])?)),
    Native::plain("erlang", "binary_to_existing_atom", 2, |_, a| {
        existing(&binary_text(a[0], a[1]).map_err(|_| Escape::BADARG)?)
    }),
];

/// Longest atom, in characters.
const MAX_CHARS: usize = purlin_term::atom::MAX_ATOM_CHARS;

fn atom_to_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?.name();
    Ok(ctx.heap().string(name))
}

/// Whether an encoding argument names Latin-1 (true) or UTF-8 (false).
fn is_latin1(t: Term) -> Result<bool, Escape> {
    if t == am!("utf8") || t == am!("unicode") { Ok(false) } else { (t == am!("latin1")).then_some(true).or_badarg() }
}

fn atom_to_binary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?.name();
    if !is_latin1(args[1])? {
        return Ok(ctx.heap().binary(name.as_bytes()));
    }
    let bytes: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(c as u32).ok()).collect();
    Ok(ctx.heap().binary(&bytes.or_badarg()?))
}

/// A text of UTF-8, which needs no block of its own while it is as short as most atoms.
#[derive(Default)]
struct Text(SmallVec<[u8; 64]>);

impl Text {
    #[inline]
    fn push(&mut self, c: char) {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => self.0.push(byte),
            _ => self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The text of a list of characters. What comes behind as many as an atom may have is not looked at.
fn list_text(t: Term) -> Result<Text, Escape> {
    let mut text = Text::default();
    let mut list = t.iter();
    for (n, c) in list.by_ref().enumerate() {
        if n == MAX_CHARS {
            return Err(Escape::SYSTEM_LIMIT);
        }
        text.push(c.as_small().and_then(|c| u32::try_from(c).ok()).and_then(char::from_u32).or_badarg()?);
    }
    if list.tail().is_nil() { Ok(text) } else { Err(Escape::BADARG) }
}

fn binary_text(t: Term, encoding: Term) -> Result<String, Escape> {
    let bytes = t.as_bytes().or_badarg()?;
    if is_latin1(encoding)? {
        let short = bytes.len() <= MAX_CHARS;
        return short.then(|| bytes.iter().map(|&b| b as char).collect()).ok_or(Escape::SYSTEM_LIMIT);
    }
    if bytes.len() > 4 * MAX_CHARS {
        return Err(Escape::SYSTEM_LIMIT);
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        // Characters are counted first: behind as many as an atom may have, nothing is looked at.
        Err(e) => {
            let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            Err(if good.chars().count() >= MAX_CHARS { Escape::SYSTEM_LIMIT } else { Escape::BADARG })
        }
    }
}

fn make(text: &str) -> NativeResult {
    match Atom::try_new(text) {
        Ok(a) => Ok(Term::atom(a)),
        Err(AtomError::TooLong) => Err(Escape::SYSTEM_LIMIT),
        // The engine ends when this time slice does, which is now.
        Err(AtomError::TableFull) => Err(Escape::Exited(Term::atom(Atom::SYSTEM_LIMIT))),
    }
}

fn existing(text: &str) -> NativeResult {
    Atom::existing(text).map(Term::atom).or_badarg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Heap;

    #[test]
    fn text_that_is_no_atom() {
        let mut h = Heap::new(0);
        let a = Term::small('a' as i64);
        let long = h.list(&[a; 256]);
        let fits = h.list(&[a; 255]);
        let surrogate = h.list(&[Term::small(0xD800)]);
        let improper = h.cons(a, a);
        let limit = |r: Result<String, Escape>| matches!(r, Err(Escape::Error(t)) if t.is(Atom::SYSTEM_LIMIT));
        let bad = |r: Result<String, Escape>| matches!(r, Err(Escape::Error(t)) if t.is(Atom::BADARG));
        let list_text = |t: Term| super::list_text(t).map(|text| text.as_str().to_owned());
        assert_eq!(list_text(fits).unwrap(), "a".repeat(255));
        let wide = h.list(&['a', 'ß', '€', '𝄞'].map(|c| Term::small(c as i64)));
        assert_eq!(list_text(wide).unwrap(), "aß€𝄞");
        assert!(limit(list_text(long)));
        assert!(bad(list_text(surrogate)) && bad(list_text(improper)) && bad(list_text(a)));
        let b = h.binary(&[0xFF]);
        assert_eq!(binary_text(b, am!("latin1")).unwrap(), "\u{FF}");
        assert!(bad(binary_text(b, am!("utf8"))) && bad(binary_text(b, am!("ascii"))));
        let long_and_bad = h.binary(&[0xFF; 2000]);
        assert!(limit(binary_text(long_and_bad, am!("utf8"))));
        let bad_behind_the_limit = h.binary(&[&[b'a'; 300][..], &[0xFF]].concat());
        assert!(limit(binary_text(bad_behind_the_limit, am!("utf8"))));
    }
}
