//! What terminals can do, by the names of termcap (until OTP 27) and of terminfo, and the columns that characters take
//! on them.

use parking_lot::Mutex;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult, Slot};
use rustix::io::Errno;
use term::terminfo::TermInfo;
use term::terminfo::parm::{Param, Variables, expand};
use unicode_width::UnicodeWidthChar;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_tty", "tgetent_nif", 1, tgetent).since(26).until(27),
    Native::plain("prim_tty", "tgetnum_nif", 1, tgetnum).since(26).until(27),
    Native::plain("prim_tty", "tgetflag_nif", 1, tgetflag).since(26).until(27),
    Native::plain("prim_tty", "tgetstr_nif", 1, tgetstr).since(26).until(27),
    Native::plain("prim_tty", "setupterm_nif", 0, setupterm).since(28),
    Native::plain("prim_tty", "tigetnum_nif", 1, tgetnum).since(28),
    Native::plain("prim_tty", "tigetflag_nif", 1, tgetflag).since(28),
    Native::plain("prim_tty", "tigetstr_nif", 1, tigetstr).since(28),
    Native::plain("prim_tty", "tputs_nif", 2, tputs).since(28),
    Native::plain("prim_tty", "isprint", 1, isprint).since(26),
    Native::plain("prim_tty", "wcwidth", 1, wcwidth).since(26),
    Native::plain("prim_tty", "wcswidth", 1, wcswidth).since(26),
    Native::plain("prim_tty", "sizeof_wchar", 0, |_, _| Ok(Term::small(WCHAR as i64))).since(26),
];

/// Bytes of a character in the arrays that `wcswidth/1` gets.
const WCHAR: usize = 4;

/// Names of termcap, and what terminfo calls the same.
const TERMCAP: [(&str, &str); 15] = [
    ("cl", "clear"),
    ("up", "cuu1"),
    ("do", "cud1"),
    ("le", "cub1"),
    ("nd", "cuf1"),
    ("ta", "ht"),
    ("IC", "ich"),
    ("DC", "dch"),
    ("cd", "ed"),
    ("u6", "u6"),
    ("u7", "u7"),
    ("co", "cols"),
    ("li", "lines"),
    ("xn", "xenl"),
    ("am", "am"),
];

fn of_termcap(name: &str) -> Option<&'static str> {
    TERMCAP.iter().find(|(short, _)| *short == name).map(|n| n.1)
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
    describe(ctx, &name(args[0]).or_badarg()?, "tgetent")
}

fn describe(ctx: &mut Ctx<'_>, name: &str, function: &str) -> NativeResult {
    let found = TermInfo::from_name(name);
    let known = found.is_ok();
    *ctx.engine.state(&DESCRIBED).0.lock() = found.ok();
    if known {
        return Ok(am!("ok"));
    }
    Ok(super::prim_tty::failed(ctx.heap(), function, Errno::NOENT))
}

/// What the description says of a capability, whose name has two characters.
fn capability<T>(ctx: &Ctx<'_>, t: Term, of: impl FnOnce(&TermInfo, &str) -> T) -> Option<T> {
    let name = name(t)?;
    ctx.engine.state(&DESCRIBED).0.lock().as_ref().map(|info| of(info, name.get(..2).unwrap_or(&name)))
}

fn tgetnum(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let number = capability(ctx, args[0], |info, name| info.numbers.get(of_termcap(name)?).copied());
    Ok(Term::small(number.flatten().map_or(-1, i64::from)))
}

fn tgetflag(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let flag = capability(ctx, args[0], |info, name| match name {
        "bs" => info.strings.get("cub1").is_some_and(|s| s == b"\x08"),
        _ => of_termcap(name).and_then(|name| info.bools.get(name)).is_some_and(|&b| b),
    });
    Ok(Term::bool(flag.unwrap_or(false)))
}

fn tgetstr(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = capability(ctx, args[0], |info, name| info.strings.get(of_termcap(name)?).cloned());
    Ok(some_text(ctx, text.flatten()))
}

fn some_text(ctx: &mut Ctx<'_>, text: Option<Vec<u8>>) -> Term {
    let Some(text) = text else { return Term::bool(false) };
    let text = ctx.heap().binary(&text);
    ctx.heap().tuple(&[am!("ok"), text])
}

/// Looks up the terminal that TERM names.
fn setupterm(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let name = std::env::var("TERM").unwrap_or_default();
    describe(ctx, &name, "setupterm")
}

/// A string of the description, by its name in terminfo.
fn tigetstr(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = name(args[0]).or_badarg()?;
    let described = ctx.engine.state(&DESCRIBED).0.lock();
    let text = described.as_ref().and_then(|info| info.strings.get(name.as_str()).cloned());
    drop(described);
    Ok(some_text(ctx, text))
}

/// A string of the description with its parameters put in, and without the delays that it asks for.
fn tputs(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = purlin_term::iolist::to_bytes(args[0]).or_badarg()?;
    let text = text.split(|&b| b == 0).next().unwrap_or(&[]);
    let params = args[1].as_list().or_badarg()?;
    let params = params.into_iter().map(|p| p.as_small().and_then(|n| i32::try_from(n).ok()).map(Param::Number));
    let params = params.collect::<Option<Vec<_>>>().filter(|p| p.len() <= 9).or_badarg()?;
    let text = if params.is_empty() { Ok(text.to_vec()) } else { expand(text, &params, &mut Variables::new()) };
    match text {
        Ok(text) => Ok(some_text(ctx, Some(without_delays(&text)))),
        Err(_) => Ok(super::prim_tty::failed(ctx.heap(), "tparm", Errno::INVAL)),
    }
}

/// Leaves out `$<5>`, `$<10*/>` and the like.
fn without_delays(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.windows(2).position(|w| w == b"$<") {
        let end = rest[at..].iter().position(|&b| b == b'>');
        let is_delay = |d: &[u8]| !d.is_empty() && d.iter().all(|b| b.is_ascii_digit() || b"./*".contains(b));
        match end {
            Some(end) if is_delay(&rest[at + 2..at + end]) => {
                out.extend_from_slice(&rest[..at]);
                rest = &rest[at + end + 1..];
            }
            _ => {
                out.extend_from_slice(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
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
    fn delays_are_left_out() {
        for (text, without) in [("a$<5>b", "ab"), ("$<2*/>", ""), ("a$<b>", "a$<b>"), ("$<", "$<"), ("x$<>", "x$<>")] {
            assert_eq!(without_delays(text.as_bytes()), without.as_bytes(), "{text}");
        }
    }

    #[test]
    fn characters_take_columns() {
        for (c, n) in [('a', Some(1)), ('é', Some(1)), ('\u{301}', Some(0)), ('界', Some(2)), ('\u{7}', None)] {
            assert_eq!(columns(c), n, "{c:?}");
        }
    }
}
