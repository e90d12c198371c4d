//! Floats to text and back.

use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "float_to_list", 1, |c, a| to_list(c.heap(), a[0], Term::NIL)),
    Native::plain("erlang", "float_to_list", 2, |c, a| to_list(c.heap(), a[0], a[1])),
    Native::plain("erlang", "float_to_binary", 1, |c, a| to_binary(c.heap(), a[0], Term::NIL)),
    Native::plain("erlang", "float_to_binary", 2, |c, a| to_binary(c.heap(), a[0], a[1])),
    Native::plain("erlang", "list_to_float", 1, list_to_float),
    Native::plain("erlang", "binary_to_float", 1, binary_to_float),
    Native::plain("string", "list_to_float", 1, string_list_to_float),
];

/// Texts must be shorter than this.
const MAX_TEXT: usize = 256;
/// Digits behind the point of `float_to_list/1`.
const DEFAULT_DECIMALS: i64 = 20;
/// Digits behind the point when `scientific` is given a negative number.
const C_DECIMALS: usize = 6;

/// How a float is written.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Format {
    /// The fewest digits that read back as the same float.
    Short,
    /// So many digits behind the point.
    Fixed { decimals: i64, compact: bool },
    /// One digit, so many behind the point, and an exponent.
    Scientific { decimals: i64 },
}

impl Format {
    fn parse(options: Term) -> Option<Format> {
        let (mut format, mut compact) = (Format::Scientific { decimals: DEFAULT_DECIMALS }, false);
        let mut list = options.iter();
        for option in list.by_ref() {
            if option == am!("compact") {
                compact = true;
            } else if option == am!("short") {
                format = Format::Short;
            } else {
                let &[kind, decimals] = option.as_tuple()? else { return None };
                let decimals = decimals.as_small()?;
                format = if kind == am!("decimals") {
                    Format::Fixed { decimals, compact }
                } else if kind == am!("scientific") {
                    Format::Scientific { decimals }
                } else {
                    return None;
                };
            }
        }
        if let Format::Fixed { compact: c, .. } = &mut format {
            *c = compact;
        }
        list.tail().is_nil().then_some(format)
    }

    fn write(self, f: f64) -> Option<String> {
        let text = match self {
            Format::Short => short(f),
            Format::Scientific { decimals } => scientific(f, usize::try_from(decimals).unwrap_or(C_DECIMALS)),
            Format::Fixed { decimals, compact } => fixed(f, usize::try_from(decimals).ok()?, compact),
        };
        (text.len() < MAX_TEXT).then_some(text)
    }
}

/// Digits (without zeros at the end) and decimal exponent of the shortest text that reads back as `f`.
fn shortest(f: f64) -> (String, i32) {
    let text = format!("{:e}", f.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// `[short]`: as digits with a point where that is not longer than with an exponent, and exact as an integer.
fn short(f: f64) -> String {
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, scientific) = shortest(f);
    let n = digits.len() as i32;
    // The value is `digits * 10^exponent`.
    let exponent = scientific - n + 1;
    let (lower, upper) = match n {
        1 => (-4, 2),
        _ if scientific >= 10 => (-(n + 2), 2),
        _ => (-(n + 2), 1),
    };
    let beyond_integers = f.abs() >= (1u64 << 53) as f64 && exponent >= 0;
    if exponent < lower || exponent > upper || beyond_integers {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}e{scientific}");
    }
    if exponent >= 0 {
        return format!("{sign}{digits}{}.0", "0".repeat(exponent as usize));
    }
    if scientific >= 0 {
        let (whole, fraction) = digits.split_at(scientific as usize + 1);
        return format!("{sign}{whole}.{fraction}");
    }
    format!("{sign}0.{}{digits}", "0".repeat((-scientific - 1) as usize))
}

/// As C's `%.*e`.
fn scientific(f: f64, decimals: usize) -> String {
    // Longer texts are refused anyway.
    let text = format!("{f:.0$e}", decimals.min(MAX_TEXT));
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(e) => ('-', e),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// Whole part and fraction are rounded apart where both fit an integer, which is not always the nearest decimal.
fn fixed(f: f64, decimals: usize, compact: bool) -> String {
    const EXACT: f64 = (1u64 << 53) as f64;
    const MAX_DECIMALS: usize = 19;
    let magnitude = f.abs();
    if magnitude > EXACT || decimals >= MAX_DECIMALS {
        let text = format!("{f:.0$}", decimals.min(MAX_TEXT));
        return if compact { without_zeros(text) } else { text };
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if decimals == 0 {
        return format!("{sign}{}", magnitude.round() as u64);
    }
    let scale = 10f64.powi(decimals as i32);
    let mut whole = magnitude.floor() as u64;
    let mut fraction = ((magnitude - magnitude.floor()) * scale).round();
    if fraction >= scale {
        whole += 1;
        fraction = 0.0;
    }
    let text = format!("{sign}{whole}.{:0>decimals$}", fraction as u64);
    if compact { without_zeros(text) } else { text }
}

/// Drops zeros at the end, but for one behind a point.
fn without_zeros(mut text: String) -> String {
    text.truncate(text.trim_end_matches('0').len());
    if text.ends_with('.') {
        text.push('0');
    }
    text
}

fn to_text(t: Term, options: Term) -> Result<String, Escape> {
    let f = t.as_float().or_badarg()?;
    Format::parse(options).and_then(|format| format.write(f)).or_badarg()
}

fn to_list(h: &mut Heap, t: Term, options: Term) -> NativeResult {
    let text = to_text(t, options)?;
    Ok(h.string(&text))
}

fn to_binary(h: &mut Heap, t: Term, options: Term) -> NativeResult {
    let text = to_text(t, options)?;
    Ok(h.binary(text.as_bytes()))
}

/// How many of the characters at the start are a float: sign, digits, point or comma, digits, maybe an exponent.
fn float_length(text: &[u8]) -> Option<usize> {
    let digits = |at: usize| text[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    let is = |at: usize, set: &[u8]| text.get(at).is_some_and(|c| set.contains(c));
    let mut at = usize::from(is(0, b"+-"));
    let whole = digits(at);
    at += whole;
    if whole == 0 || !is(at, b".,") || digits(at + 1) == 0 {
        return None;
    }
    at += 1 + digits(at + 1);
    if is(at, b"eE") {
        let exponent = at + 1 + usize::from(is(at + 1, b"+-"));
        if text.len() > exponent && digits(exponent) > 0 {
            at = exponent + digits(exponent);
        }
    }
    Some(at)
}

/// The finite float that a text of that form names.
fn parse(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.replace(',', ".");
    text.parse().ok().filter(|f: &f64| f.is_finite())
}

fn parse_all(text: &[u8]) -> Option<f64> {
    // As in C, text ends at a zero byte.
    let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
    let text = &text[..end];
    (float_length(text)? == text.len()).then(|| parse(text))?
}

fn list_to_float(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut list = a[0].iter();
    let mut text = Vec::new();
    for c in list.by_ref() {
        text.push(c.as_small().and_then(|c| u8::try_from(c).ok()).or_badarg()?);
    }
    if !list.tail().is_nil() {
        return Err(Escape::BADARG);
    }
    let f = parse_all(&text).or_badarg()?;
    Ok(ctx.heap().float(f))
}

fn binary_to_float(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let f = parse_all(&a[0].as_bytes().or_badarg()?).or_badarg()?;
    Ok(ctx.heap().float(f))
}

fn string_list_to_float(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    if !a[0].is_list() {
        return ctx.error(am!("not_a_list"));
    }
    let text: Vec<u8> =
        a[0].iter().map_while(|c| c.as_small().and_then(|c| u8::try_from(c).ok())).collect();
    let found = float_length(&text).and_then(|n| Some((n, parse(&text[..n])?)));
    let Some((n, f)) = found else { return ctx.error(am!("no_float")) };
    let mut rest = a[0].iter();
    for _ in 0..n {
        rest.next();
    }
    let h = ctx.heap();
    let f = h.float(f);
    Ok(h.tuple(&[f, rest.tail()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts() {
        for (f, want) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (100.0, "100.0"),
            (1.0e5, "1.0e5"),
            (123456.789, "123456.789"),
            (1.0e16, "1.0e16"),
            (9007199254740991.0, "9007199254740991.0"),
            (9007199254740992.0, "9.007199254740992e15"),
            (1.0e22, "1.0e22"),
            (123456789012345680000.0, "1.2345678901234568e20"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-5"),
            (1.5e-5, "1.5e-5"),
            (1.234567e-4, "1.234567e-4"),
            (5.0e-324, "5.0e-324"),
            (1.7976931348623157e308, "1.7976931348623157e308"),
            (4503599627370496.0, "4503599627370496.0"),
            (9.999999999999998e16, "9.999999999999998e16"),
            (1.23e10, "1.23e10"),
            (123456789e1, "1234567890.0"),
        ] {
            assert_eq!(short(f), want);
        }
    }

    #[test]
    fn fixed_and_scientific_texts() {
        let fixed = |f, decimals, compact| Format::Fixed { decimals, compact }.write(f);
        for (f, decimals, compact, want) in [
            (2.5, 0, false, Some("3")),
            (0.125, 2, false, Some("0.13")),
            (4.35, 1, false, Some("4.3")),
            (2.675, 2, false, Some("2.67")),
            (1.005, 2, false, Some("1.00")),
            (-0.4, 0, false, Some("-0")),
            (0.1, 20, true, Some("0.10000000000000000555")),
            (2.0, 4, true, Some("2.0")),
            (0.999, 2, false, Some("1.00")),
            (1.0e20, 0, true, Some("1")),
            (1.79e308, 2, false, None),
            (1.5, -1, false, None),
            (1.5, 300, false, None),
        ] {
            assert_eq!(fixed(f, decimals, compact).as_deref(), want, "{f} {decimals}");
        }
        assert_eq!(scientific(2.0, 20), "2.00000000000000000000e+00");
        assert_eq!(scientific(-1.5e-300, 3), "-1.500e-300");
        assert_eq!(Format::Scientific { decimals: -1 }.write(1.5).unwrap(), "1.500000e+00");
        assert_eq!(Format::Scientific { decimals: 250 }.write(1.5), None);
        assert_eq!(Format::Scientific { decimals: 249 }.write(1.5).unwrap().len(), 255);
    }

    #[test]
    fn floats_at_the_start_of_a_text() {
        for (text, want) in [
            ("1.5abc", Some((3, 1.5))),
            ("1.5e", Some((3, 1.5))),
            ("1.5e+x", Some((3, 1.5))),
            ("1.5e3.", Some((5, 1500.0))),
            ("2.3e--", Some((3, 2.3))),
            ("-1.5-", Some((4, -1.5))),
            ("+1,5", Some((4, 1.5))),
            ("", None),
            ("1", None),
            ("1.", None),
            ("1.e3", None),
            (".5", None),
            ("12-", None),
            ("--1.5", None),
        ] {
            let got = float_length(text.as_bytes()).map(|n| (n, parse(&text.as_bytes()[..n]).unwrap()));
            assert_eq!(got, want, "{text}");
        }
        assert_eq!(parse_all(b"1.0e400"), None);
        assert_eq!(parse_all(b"1.0e-400"), Some(0.0));
        assert_eq!(parse_all(b"1.5\0x"), Some(1.5));
        assert_eq!(parse_all(b"1.5 "), None);
    }
}
