//! File names between Erlang and the operating system.
//!
//! The locale of the environment says how names are encoded: UTF-8 if its character set is UTF-8, else Latin-1.

use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::OnceLock;
use unicode_normalization::UnicodeNormalization;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_file", "internal_name2native", 1, internal_name2native),
    Native::plain("prim_file", "internal_native2name", 1, internal_native2name),
    Native::plain("prim_file", "internal_normalize_utf8", 1, internal_normalize_utf8),
    Native::plain("prim_file", "is_translatable", 1, is_translatable),
    Native::plain("file", "native_name_encoding", 0, |ctx, _| {
        Ok(if utf8(ctx.engine) { am!("utf8") } else { am!("latin1") })
    }),
];

/// Whether names are encoded in UTF-8: as the flag `+fn` says, else as the locale does.
fn utf8(engine: &Engine) -> bool {
    match engine.config.settings.file_names {
        Some('u') => return true,
        Some('l') => return false,
        _ => {}
    }
    locale_is_utf8()
}

/// Whether the character set of the environment's locale is UTF-8.
pub fn locale_is_utf8() -> bool {
    static UTF8: OnceLock<bool> = OnceLock::new();
    *UTF8.get_or_init(|| {
        let set = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
        set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).is_some_and(|v| is_utf8(&v))
    })
}

/// Whether a locale such as `de_DE.UTF-8@euro` has the character set UTF-8.
fn is_utf8(locale: &str) -> bool {
    let Some((_, set)) = locale.split_once('.') else { return false };
    let set = set.split('@').next().unwrap_or(set);
    set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("utf8")
}

/// The bytes of a name with a zero byte at the end. A binary is taken as it is.
fn internal_name2native(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].is_atom() {
        return Err(Escape::BADARG);
    }
    let mut bytes = Vec::with_capacity(128);
    if let Some(given) = args[0].as_bytes() {
        if given.contains(&0) {
            return Err(Escape::BADARG);
        }
        bytes.extend_from_slice(&given);
    } else {
        encode(args[0], utf8(ctx.engine), &mut bytes).or_badarg()?;
        let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        if bytes[..end].contains(&0) {
            return Err(Escape::BADARG);
        }
    }
    bytes.push(0);
    Ok(ctx.heap().binary(&bytes))
}

/// Encodes a list of characters, atoms and such lists.
fn encode(t: Term, utf8: bool, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = vec![t];
    while let Some(t) = rest.pop() {
        if let Some((head, tail)) = t.as_cons() {
            if !tail.is_list() {
                return None;
            }
            rest.push(tail);
            match head.as_small() {
                Some(c) => encode_char(char_of(c)?, utf8, out)?,
                None => rest.push(head),
            }
        } else if let Some(atom) = t.as_atom() {
            atom.name().chars().try_for_each(|c| encode_char(c, utf8, out))?;
        } else if !t.is_nil() {
            return None;
        }
    }
    Some(())
}

fn char_of(c: i64) -> Option<char> {
    char::from_u32(u32::try_from(c).ok()?)
}

fn encode_char(c: char, utf8: bool, out: &mut Vec<u8>) -> Option<()> {
    if utf8 {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.push(u8::try_from(u32::from(c)).ok()?);
    }
    Some(())
}

fn internal_native2name(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes().or_badarg()?;
    let utf8 = utf8(ctx.engine);
    decode(ctx.heap(), &bytes, utf8)
}

/// The characters of a name, or `{error, warning}`: the caller warns about names that are not as they should be.
fn decode(heap: &mut Heap, bytes: &[u8], utf8: bool) -> NativeResult {
    if !utf8 {
        return Ok(heap.byte_list(bytes));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(heap.string(text)),
        Err(_) => Ok(heap.tuple(&[am!("error"), am!("warning")])),
    }
}

fn internal_normalize_utf8(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes().or_badarg()?;
    let text: String = std::str::from_utf8(&bytes).ok().or_badarg()?.nfc().collect();
    Ok(ctx.heap().string(&text))
}

fn is_translatable(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = args[0].as_bytes().or_badarg()?;
    Ok(Term::bool(!utf8(ctx.engine) || std::str::from_utf8(&bytes).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_set_of_a_locale_decides() {
        for (locale, expected) in [
            ("C.UTF-8", true),
            ("en_US.utf8", true),
            ("de_DE.UTF-8@euro", true),
            ("C", false),
            ("POSIX", false),
            ("de_DE.ISO-8859-1", false),
            ("", false),
        ] {
            assert_eq!(is_utf8(locale), expected, "{locale}");
        }
    }

    #[test]
    fn names_are_characters_atoms_and_lists_of_them() {
        let mut h = Heap::new(0);
        let inner = h.string("/é");
        let t = h.list(&[Term::small(97), inner, am!("x")]);
        let encoded = |t, utf8| {
            let mut out = Vec::new();
            encode(t, utf8, &mut out).map(|()| out)
        };
        assert_eq!(encoded(t, true), Some("a/éx".as_bytes().to_vec()));
        assert_eq!(encoded(t, false), Some(b"a/\xE9x".to_vec()));
        let wide = h.string("€");
        assert_eq!(encoded(wide, false), None);
        let wrong = h.list(&[Term::small(0xD800)]);
        assert_eq!(encoded(wrong, true), None);
        let improper = h.cons(Term::small(97), Term::small(98));
        assert_eq!(encoded(improper, true), None);
    }
}
