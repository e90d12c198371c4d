//! What terminals can do, by the names of termcap, and the columns that characters take on them.

use parking_lot::Mutex;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult, Slot};
use rustix::io::Errno;
use termini::{BoolCapability, NumberCapability, StringCapability, TermInfo};
use unicode_width::UnicodeWidthChar;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_tty", "tgetent_nif", 1, tgetent).since(26).until(27),
    Native::plain("prim_tty", "tgetnum_nif", 1, tgetnum).since(26).until(27),
    Native::plain("prim_tty", "tgetflag_nif", 1, tgetflag).since(26).until(27),
    Native::plain("prim_tty", "tgetstr_nif", 1, tgetstr).since(26).until(27),
    Native::plain("prim_tty", "isprint", 1, isprint).since(26),
    Native::plain("prim_tty", "wcwidth", 1, wcwidth).since(26),
    Native::plain("prim_tty", "wcswidth", 1, wcswidth).since(26),
    Native::plain("prim_tty", "sizeof_wchar", 0, |_, _| Ok(Term::small(WCHAR as i64))).since(26),
];

/// Bytes of a character in the arrays that `wcswidth/1` gets.
const WCHAR: usize = 4;

/// What a name of termcap stands for.
fn string(name: &str) -> Option<StringCapability> {
    Some(match name {
        "cl" => StringCapability::ClearScreen,
        "up" => StringCapability::CursorUp,
        "do" => StringCapability::CursorDown,
        "le" => StringCapability::CursorLeft,
        "nd" => StringCapability::CursorRight,
        "ta" => StringCapability::Tab,
        "IC" => StringCapability::ParmInsertCharacters,
        "DC" => StringCapability::ParmDeleteCharacters,
        "cd" => StringCapability::ClearEOS,
        "u6" => StringCapability::User6,
        "u7" => StringCapability::User7,
        _ => return None,
    })
}

/// The description that was looked up last.
#[derive(Default)]
struct Described(Mutex<Option<TermInfo>>);

static DESCRIBED: Slot<Described> = Slot::new();

/// A name in a list that ends with a zero.
fn name(t: Term) -> Option<String> {
    let bytes = purlin_term::iolist::to_bytes(t)?;
    let end = bytes.iter().position(|&b| b == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

fn tgetent(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let found = TermInfo::from_name(&name(args[0]).or_badarg()?);
    let known = found.is_ok();
    *ctx.engine.state(&DESCRIBED).0.lock() = found.ok();
    if known {
        return Ok(am!("ok"));
    }
    Ok(super::prim_tty::failed(ctx.heap(), "tgetent", Errno::NOENT))
}

/// What the description says of a capability, whose name has two characters.
fn capability<T>(ctx: &Ctx<'_>, t: Term, of: impl FnOnce(&TermInfo, &str) -> T) -> Option<T> {
    let name = name(t)?;
    ctx.engine.state(&DESCRIBED).0.lock().as_ref().map(|info| of(info, name.get(..2).unwrap_or(&name)))
}

fn tgetnum(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let number = capability(ctx, args[0], |info, name| match name {
        "co" => info.number_cap(NumberCapability::Columns),
        "li" => info.number_cap(NumberCapability::Lines),
        _ => None,
    });
    Ok(Term::small(number.flatten().unwrap_or(-1).into()))
}

fn tgetflag(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let flag = capability(ctx, args[0], |info, name| match name {
        "xn" => info.flag_cap(BoolCapability::EatNewlineGlitch),
        "am" => info.flag_cap(BoolCapability::AutoRightMargin),
        "bs" => info.raw_string_cap(StringCapability::CursorLeft) == Some(b"\x08"),
        _ => false,
    });
    Ok(Term::bool(flag.unwrap_or(false)))
}

fn tgetstr(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = capability(ctx, args[0], |info, name| info.raw_string_cap(string(name)?).map(<[u8]>::to_vec));
    Ok(match text.flatten() {
        Some(text) => {
            let text = ctx.heap().binary(&text);
            ctx.heap().tuple(&[am!("ok"), text])
        }
        None => Term::bool(false),
    })
}

fn isprint(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(matches!(args[0].as_small().or_badarg()?, 32..=126)))
}

/// The columns that a character takes; none for one that is not printed.
pub fn columns(c: char) -> Option<usize> {
    c.width()
}

fn not_printable(heap: &mut Heap) -> Term {
    heap.tuple(&[am!("error"), am!("not_printable")])
}

fn wcwidth(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = args[0].as_small().or_badarg()?;
    let width = u32::try_from(n).ok().and_then(char::from_u32).and_then(columns);
    Ok(width.map_or_else(|| not_printable(ctx.heap()), |n| Term::small(n as i64)))
}

fn wcswidth(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = purlin_term::iolist::to_bytes(args[0]).or_badarg()?;
    let chars = bytes.chunks_exact(WCHAR).map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]]));
    // The text ends at a zero.
    let widths = chars.take_while(|&c| c != 0).map(|c| columns(char::from_u32(c)?));
    match widths.sum::<Option<usize>>() {
        Some(n) => Ok(ctx.heap().tuple(&[am!("ok"), Term::small(n as i64)])),
        None => Ok(not_printable(ctx.heap())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_take_columns() {
        for (c, n) in [('a', Some(1)), ('é', Some(1)), ('\u{301}', Some(0)), ('界', Some(2)), ('\u{7}', None)] {
            assert_eq!(columns(c), n, "{c:?}");
        }
    }
}
