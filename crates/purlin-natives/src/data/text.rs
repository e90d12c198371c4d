//! Pids, ports, references and funs to text and back; terms to the engine's own output.

use crate::console;
use purlin_term::{Heap, Release, Term, am, print};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::io::Write;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "pid_to_list", 1, |ctx, args| shown(ctx.heap(), args[0], args[0].is_pid())),
    Native::plain("erlang", "port_to_list", 1, |ctx, args| shown(ctx.heap(), args[0], args[0].is_port())),
    Native::plain("erlang", "ref_to_list", 1, ref_to_list),
    Native::plain("erlang", "fun_to_list", 1, |ctx, args| shown(ctx.heap(), args[0], args[0].is_fun())),
    Native::plain("erlang", "list_to_pid", 1, |_, a| list_bytes(a[0]).and_then(|text| pid(&text)).or_badarg()),
    Native::plain("erlang", "list_to_port", 1, |_, a| list_bytes(a[0]).and_then(|text| port(&text)).or_badarg()),
    Native::plain("erlang", "list_to_ref", 1, list_to_ref),
    Native::plain("erlang", "display", 1, display),
    Native::plain("erlang", "display_string", 1, display_string_1).until(25),
    Native::plain("erlang", "display_nl", 0, |_, _| written(console::error(b"\n"))).until(25),
    Native::plain("erlang", "display_string", 2, display_string).since(26),
    Native::plain("erts_internal", "term_to_string", 2, term_to_string).since(26),
];

fn shown(h: &mut Heap, t: Term, right: bool) -> NativeResult {
    if !right {
        return Err(Escape::BADARG);
    }
    Ok(h.byte_list(&print::to_bytes(t, i64::MAX)))
}

/// The bytes of a proper list of such.
pub(super) fn list_bytes(t: Term) -> Option<Vec<u8>> {
    let mut list = t.iter();
    let bytes = list.by_ref().map(|c| u8::try_from(c.as_small()?).ok()).collect::<Option<Vec<u8>>>()?;
    list.tail().is_nil().then_some(bytes)
}

/// The numbers between a prefix and `>`, separated by points; the first one names this node.
fn numbers<'a>(text: &'a [u8], prefix: &str) -> Option<Vec<u64>> {
    let inner: &'a [u8] = text.strip_prefix(prefix.as_bytes())?.strip_suffix(b">")?;
    let number = |part: &[u8]| {
        let digits = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(part).ok().filter(|_| digits)?.parse().ok()
    };
    let all = inner.split(|&b| b == b'.').map(number).collect::<Option<Vec<u64>>>()?;
    (all.first() == Some(&0)).then_some(all)
}

fn pid(text: &[u8]) -> Option<Term> {
    match numbers(text, "<")?[..] {
        [_, number, serial] => {
            let bits = Release::pid_number_bits();
            let fits = number >> bits == 0 && serial >> Release::pid_serial_bits() == 0;
            fits.then(|| Term::pid(serial << bits | number))
        }
        _ => None,
    }
}

fn port(text: &[u8]) -> Option<Term> {
    match numbers(text, "#Port<")?[..] {
        [_, number] if number >> Release::port_number_bits().min(Term::PORT_BITS) == 0 => Some(Term::port(number)),
        _ => None,
    }
}

/// The id of a reference, whose words are printed last one first.
fn reference_id(text: &[u8]) -> Option<[u64; 2]> {
    let [_, high, middle, low] = numbers(text, "#Ref<")?[..] else { return None };
    let word = |n: u64| u32::try_from(n).ok();
    purlin_term::external::ref_id([word(low)?, word(middle)?, word(high)?])
}

/// Who reads the text gets what the reference stands for.
fn ref_to_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    args[0].note_written();
    shown(ctx.heap(), args[0], args[0].is_ref())
}

fn list_to_ref(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let id = list_bytes(args[0]).and_then(|text| reference_id(&text)).or_badarg()?;
    Ok(ctx.heap().read_reference(id))
}

/// What writing gives: nobody reads the output when that fails.
fn written(_: std::io::Result<()>) -> NativeResult {
    Ok(Term::bool(true))
}

fn display(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut text = print::to_bytes(args[0], i64::MAX);
    text.push(b'\n');
    written(console::output(&text))
}

fn display_string_1(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = args[0].list_text().or_badarg()?;
    written(console::error(text.as_bytes()))
}

/// Writes a list of characters, or a binary as it is, to one of the standard streams.
fn display_string(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut stream: Box<dyn Write> = match args[0].as_atom().or_badarg()?.name() {
        "stdout" => Box::new(std::io::stdout()),
        "stderr" => Box::new(std::io::stderr()),
        // The BEAM pushes the text into the terminal's input, which systems no longer allow.
        "stdin" => return Err(Escape::NOTSUP),
        _ => return Err(Escape::BADARG),
    };
    let bytes = if args[1].is_list() {
        args[1].list_text().or_badarg()?.into_bytes()
    } else {
        args[1].as_bytes().or_badarg()?.to_vec()
    };
    written(stream.write_all(&bytes).and_then(|()| stream.flush()))
}

/// A term as text of so many characters at most.
fn term_to_string(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let limit = match args[1].as_small() {
        Some(n) if n > 1 && n < i64::from(i32::MAX) => n,
        None if args[1] == am!("undefined") => i64::MAX,
        _ => return Err(Escape::BADARG),
    };
    Ok(ctx.heap().byte_list(&print::to_bytes(args[0], limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back_as_printed() {
        let mut h = Heap::new(0);
        for t in [Term::pid(0), Term::pid(42), Term::pid((1 << 28) - 1)] {
            assert_eq!(pid(&print::to_bytes(t, i64::MAX)), Some(t));
        }
        for t in [Term::port(0), Term::port(77)] {
            assert_eq!(port(&print::to_bytes(t, i64::MAX)), Some(t));
        }
        for id in [[1, 0], [0x1234_5678_9ABC_DEF0, 3]] {
            let t = h.reference(id);
            assert_eq!(reference_id(&print::to_bytes(t, i64::MAX)), Some(id));
        }
    }

    #[test]
    fn other_text_is_no_identifier() {
        for text in ["", "<0.1>", "<0.1.2", "<1.1.2>", "<0.32768.0>", "<0.0.8192>", "<0.+1.2>", "<0.1.2>x", "< 0.1.2>"]
        {
            assert_eq!(pid(text.as_bytes()), None, "{text}");
        }
        assert_eq!(port(b"#Port<0.1.2>"), None);
        assert_eq!(reference_id(b"#Ref<0.1.2.262144>"), None);
        assert_eq!(reference_id(b"#Ref<0.4294967296.2.3>"), None);
    }
}
