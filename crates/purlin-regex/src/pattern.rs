//! Rewriting of the few things that PCRE2 reads differently from PCRE 8.44, with the way back for error offsets.
//!
//! PCRE2 takes `{,3}` and `{ 1, 2 }` as quantifiers; in PCRE 8.44 they are plain text. A hyphen behind `\d` or the
//! like in a class is an error for PCRE2 and a hyphen for PCRE 8.44, as `\B`, `\z` and others there are letters. `\x`
//! without digits is the zero byte there, `\c` takes control characters, and `\8` and `\9` are the digits where no such
//! group precedes.
//!
//! Settings at the start of a pattern, such as `(*UTF8)(*CRLF)`, are read here: the library has others, with other
//! names, and line ends given for one match go before them.

use crate::error::{BAD_OPTION, BAD_VERB, NOTHING_TO_REPEAT};
use crate::{Flags, LineEnds, Newline};

/// Limits that a pattern sets for its matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub steps: u32,
    pub depth: u32,
}

/// The settings at the start of a pattern.
pub struct Leading {
    /// How many bytes they take.
    pub len: usize,
    pub flags: Flags,
    pub lines: LineEnds,
    pub limits: Limits,
    /// Whether a setting follows that only PCRE2 knows.
    pub unknown: bool,
}

/// Reads the settings at the start of a pattern.
pub fn leading(pattern: &[u8]) -> Leading {
    const FLAGS: [(&[u8], Flags); 5] = [
        (b"(*UTF8)", Flags::UTF),
        (b"(*UTF)", Flags::UTF),
        (b"(*UCP)", Flags::UCP),
        (b"(*NO_AUTO_POSSESS)", Flags::NO_AUTO_POSSESS),
        (b"(*NO_START_OPT)", Flags::NO_START_OPTIMIZE),
    ];
    const NEWLINES: [(&[u8], Newline); 5] = [
        (b"(*CR)", Newline::Cr),
        (b"(*LF)", Newline::Lf),
        (b"(*CRLF)", Newline::CrLf),
        (b"(*ANY)", Newline::Any),
        (b"(*ANYCRLF)", Newline::AnyCrLf),
    ];
    const UNKNOWN: [&[u8]; 7] = [
        b"(*LIMIT_DEPTH=",
        b"(*LIMIT_HEAP=",
        b"(*NOTEMPTY)",
        b"(*NOTEMPTY_ATSTART)",
        b"(*NO_DOTSTAR_ANCHOR)",
        b"(*NO_JIT)",
        b"(*NUL)",
    ];
    let limits = Limits { steps: u32::MAX, depth: u32::MAX };
    let (flags, lines) = (Flags::default(), LineEnds::default());
    let mut lead = Leading { len: 0, flags, lines, limits, unknown: false };
    loop {
        let rest = &pattern[lead.len..];
        let mut lines = LineEnds::default();
        if let Some((name, flag)) = FLAGS.iter().find(|f| rest.starts_with(f.0)) {
            lead.flags = lead.flags.with(*flag);
            lead.len += name.len();
        } else if let Some((name, newline)) = NEWLINES.iter().find(|n| rest.starts_with(n.0)) {
            lines.add_newline(*newline);
            lead.len += name.len();
        } else if rest.starts_with(b"(*BSR_ANYCRLF)") || rest.starts_with(b"(*BSR_UNICODE)") {
            lines.add_bsr(rest.starts_with(b"(*BSR_A"));
            lead.len += b"(*BSR_UNICODE)".len();
        } else if let Some((n, len)) = limit(rest, b"(*LIMIT_MATCH=") {
            lead.limits.steps = lead.limits.steps.min(n);
            lead.len += len;
        } else if let Some((n, len)) = limit(rest, b"(*LIMIT_RECURSION=") {
            lead.limits.depth = lead.limits.depth.min(n);
            lead.len += len;
        } else {
            lead.unknown = UNKNOWN.iter().any(|u| rest.starts_with(u))
                || [&b"(*LIMIT_MATCH="[..], b"(*LIMIT_RECURSION="].iter().any(|u| rest.starts_with(u));
            return lead;
        }
        lead.lines = lead.lines.overridden_by(lines);
    }
}

/// The number of a setting `(*NAME=NUMBER)` at the start of `rest`, and how long it is.
fn limit(rest: &[u8], name: &[u8]) -> Option<(u32, usize)> {
    let digits = rest.strip_prefix(name)?;
    let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits.get(n) != Some(&b')') {
        return None;
    }
    let number = digits[..n].iter().fold(0u64, |n, b| n.saturating_mul(10).saturating_add((b - b'0') as u64));
    Some((u32::try_from(number).ok()?, name.len() + n + 1))
}

/// A pattern as the library gets it.
pub struct Adapted {
    pub text: Vec<u8>,
    /// Offsets in `text` of bytes that were added.
    added: Vec<usize>,
    /// How much of the original, at its start, was left out.
    skipped: usize,
    /// The first thing that PCRE2 takes and PCRE 8.44 does not, by the error's number and place: `(*ACCEPT)?`, or an option
    /// or an assertion that it has not.
    pub refused: Option<(i32, usize)>,
}

impl Adapted {
    /// The offset in the original pattern.
    pub fn original_offset(&self, offset: usize) -> usize {
        self.skipped + offset - self.added.iter().filter(|&&a| a < offset).count()
    }
}

/// The last byte of the quantifier at the start of `rest`.
fn quantifier(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'*' | b'+' | b'?' => Some(0),
        b'{' if is_quantifier(rest) => rest.iter().position(|&b| b == b'}'),
        _ => None,
    }
}

/// Whether `rest`, which starts with a brace, is a quantifier for PCRE 8.44.
fn is_quantifier(rest: &[u8]) -> bool {
    let digits = |s: &[u8]| s.iter().take_while(|b| b.is_ascii_digit()).count();
    let body = &rest[1..];
    let n = digits(body);
    match body.get(n) {
        _ if n == 0 => false,
        Some(b'}') => true,
        Some(b',') => body.get(n + 1 + digits(&body[n + 1..])) == Some(&b'}'),
        _ => false,
    }
}

/// How long a class escape such as `\d` or `\p{Lu}` at the start of `rest` is.
fn class_escape(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\\', b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b'h' | b'H' | b'v' | b'V', ..] => Some(2),
        [b'\\', b'p' | b'P', b'{', more @ ..] => more.iter().position(|&b| b == b'}').map(|end| end + 4),
        [b'\\', b'p' | b'P', _, ..] => Some(3),
        _ => None,
    }
}

/// Whether `\8` or `\9` at the start of `rest` is the digit, because there are not that many groups so far.
fn is_plain_digit(rest: &[u8], groups: usize) -> bool {
    let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit());
    let number = digits.fold(0usize, |n, b| n.saturating_mul(10).saturating_add((b - b'0') as usize));
    matches!(rest.get(1), Some(b'8' | b'9')) && number > groups
}

/// Whether `\c` at the start of `rest` is followed by a control character, which PCRE2 does not take.
fn is_unprintable_control(rest: &[u8]) -> bool {
    rest.starts_with(b"\\c") && rest.get(2).is_some_and(u8::is_ascii_control)
}

/// Whether the parenthesis at the start of `rest` opens a group that captures.
fn captures(rest: &[u8]) -> bool {
    match rest {
        [_, b'?', b'<', b'=' | b'!', ..] => false,
        [_, b'?', b'<' | b'\'', ..] | [_, b'?', b'P', b'<', ..] => true,
        [_, b'?' | b'*', ..] => false,
        _ => true,
    }
}

/// The error for what the parenthesis at the start of `rest` opens, and where in it, if that came with PCRE2: assertions with
/// names, extended classes, and the options `a`, `n`, `r`, `T` and `^`.
fn newer(rest: &[u8]) -> Option<(i32, usize)> {
    match rest {
        [_, b'*', b'a'..=b'z', ..] => Some((BAD_VERB, 2)),
        [_, b'?', b'[', ..] => Some((BAD_OPTION, 2)),
        [_, b'?', options @ ..] => {
            let at = options.iter().position(|b| !b"imsxJU-".contains(b))?;
            b"anrT^".contains(&options[at]).then_some((BAD_OPTION, 2 + at))
        }
        _ => None,
    }
}

/// Whether `\x` at the start of `rest` has neither digits nor a brace.
fn is_bare_x(rest: &[u8]) -> bool {
    rest.starts_with(b"\\x") && !rest.get(2).is_some_and(|b| b.is_ascii_hexdigit() || *b == b'{')
}

/// Whether the library would compute wrongly which bytes a match can start with: for `\w` in UTF-8 it takes the
/// letters from 128 on from another class's table.
pub fn starts_with_wrong_letters(pattern: &[u8], flags: Flags) -> bool {
    flags.has(Flags::UTF) && !flags.has(Flags::UCP) && pattern.windows(2).any(|w| w == b"\\w")
}

/// Whether a group such as `(?x)` or `(?i-x:...)` switches this option.
fn switches(pattern: &[u8], option: u8) -> bool {
    let switches = |rest: &[u8]| {
        let letters = rest.iter().skip(2).take_while(|b| b.is_ascii_alphabetic() || **b == b'-');
        rest.starts_with(b"(?") && letters.into_iter().any(|&b| b == option)
    };
    (0..pattern.len()).any(|i| switches(&pattern[i..]))
}

/// How long `\p{Lu}` and the like at the start of `rest` is: a property that PCRE2 gives all letters with case, where case
/// does not matter.
fn case_property(rest: &[u8]) -> Option<usize> {
    let [b'\\', b'p' | b'P', b'{', inner @ ..] = rest else { return None };
    let name = inner.strip_prefix(b"^").unwrap_or(inner);
    let [b'L', b'u' | b'l' | b't', b'}', ..] = name else { return None };
    Some(rest.len() - name.len() + 3)
}

/// How long the comment at the start of `rest` is, without the end of its line.
fn comment(rest: &[u8], extended: bool, newline: Newline) -> Option<usize> {
    if rest.starts_with(b"(?#") {
        return Some(rest.iter().position(|&b| b == b')').map_or(rest.len(), |end| end + 1));
    }
    let ends = |i: &usize| match newline {
        Newline::Lf => rest[*i] == b'\n',
        Newline::Cr => rest[*i] == b'\r',
        Newline::CrLf => rest[*i..].starts_with(b"\r\n"),
        Newline::Nul => rest[*i] == 0,
        Newline::Any | Newline::AnyCrLf => matches!(rest[*i], b'\r' | b'\n'),
    };
    (extended && rest.starts_with(b"#")).then(|| (0..rest.len()).find(ends).unwrap_or(rest.len()))
}

/// Rewrites a pattern behind its first `skipped` bytes, which are settings. Comments stay as they are.
pub fn adapt(pattern: &[u8], skipped: usize, flags: Flags, newline: Newline) -> Adapted {
    let extended = flags.has(Flags::EXTENDED);
    let caseless = flags.has(Flags::CASELESS) || switches(pattern, b'i');
    // Where the pattern itself turns comments on and off, a hash may be anything.
    let switched = switches(pattern, b'x');
    let mut unclear = false;
    let mut out = Adapted { text: Vec::with_capacity(pattern.len()), added: Vec::new(), skipped, refused: None };
    let mut i = skipped;
    let mut class = false;
    let mut groups = 0;
    while i < pattern.len() {
        let rest = &pattern[i..];
        unclear |= switched && rest[0] == b'#';
        if let Some(len) = comment(rest, extended && !switched, newline).filter(|_| !class) {
            out.text.extend_from_slice(&rest[..len]);
            i += len;
            continue;
        }
        let take = match rest[0] {
            b'\\' if rest.starts_with(b"\\Q") => {
                rest.windows(2).position(|w| w == b"\\E").map_or(rest.len(), |end| end + 2)
            }
            b'\\' if is_bare_x(rest) => {
                out.added.extend([out.text.len(), out.text.len() + 1]);
                out.text.extend_from_slice(b"\\x00");
                i += 2;
                continue;
            }
            b'\\' if class && rest.get(1).is_some_and(|b| b"ABCFGKRXZkz".contains(b)) => {
                // Plain letters inside a class.
                out.added.extend([out.text.len(), out.text.len() + 1]);
                out.text.extend_from_slice(format!("\\x{:02x}", rest[1]).as_bytes());
                i += 2;
                continue;
            }
            b'\\' if !class && is_plain_digit(rest, groups) => {
                out.added.extend([out.text.len(), out.text.len() + 1]);
                out.text.extend_from_slice(format!("\\x{:02x}", rest[1]).as_bytes());
                i += 2;
                continue;
            }
            b'\\' if is_unprintable_control(rest) => {
                // One byte more than the escape and its character.
                out.added.push(out.text.len());
                out.text.extend_from_slice(format!("\\x{:02x}", rest[2] ^ 0x40).as_bytes());
                i += 3;
                continue;
            }
            b'\\' if class && class_escape(rest).is_some_and(|n| rest.get(n) == Some(&b'-')) => {
                let n = class_escape(rest).unwrap_or(2);
                out.text.extend_from_slice(&rest[..n]);
                out.added.push(out.text.len());
                out.text.push(b'\\');
                i += n;
                1
            }
            b'\\' if !class && caseless && case_property(rest).is_some() => {
                let n = case_property(rest).unwrap_or(2);
                out.added.extend(out.text.len()..out.text.len() + 5);
                out.text.extend_from_slice(b"(?-i:");
                out.text.extend_from_slice(&rest[..n]);
                out.added.push(out.text.len());
                out.text.push(b')');
                i += n;
                continue;
            }
            // The brace of \x{..}, \p{..}, \g{..} and the like belongs to the escape.
            b'\\' if rest.len() > 2 && rest[2] == b'{' && b"xopPgkN".contains(&rest[1]) => 3,
            b'\\' => 2.min(rest.len()),
            b'[' if !class => {
                class = true;
                match rest {
                    [_, b'^', b']', ..] => 3,
                    [_, b']', ..] | [_, b'^', ..] => 2,
                    _ => 1,
                }
            }
            b'[' if rest.starts_with(b"[:") => rest.windows(2).position(|w| w == b":]").map_or(1, |end| end + 2),
            b']' if class => {
                class = false;
                1
            }
            b'(' if !class && rest.starts_with(b"(*ACCEPT") => {
                let n = rest.iter().position(|&b| b == b')').map_or(rest.len(), |end| end + 1);
                if out.refused.is_none() && !unclear {
                    out.refused = quantifier(&rest[n..]).map(|last| (NOTHING_TO_REPEAT, i + n + last));
                }
                n
            }
            b'(' if !class => {
                groups += captures(rest) as usize;
                if out.refused.is_none() && !unclear {
                    out.refused = newer(rest).map(|(number, at)| (number, i + at));
                }
                1
            }
            b'{' if !class && !is_quantifier(rest) => {
                out.added.push(out.text.len());
                out.text.push(b'\\');
                1
            }
            _ => 1,
        };
        out.text.extend_from_slice(&pattern[i..i + take]);
        i += take;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_are_no_quantifier_are_escaped() {
        for (from, to) in [
            ("a{1}", "a{1}"),
            ("a{1,}b{2,3}", "a{1,}b{2,3}"),
            ("a{,3}", "a\\{,3}"),
            ("a{ 1}", "a\\{ 1}"),
            ("[{,3}]", "[{,3}]"),
            ("[]{,3}]{", "[]{,3}]\\{"),
            ("[[:alpha:]{,]", "[[:alpha:]{,]"),
            ("\\x{41}\\{,1}", "\\x{41}\\{,1}"),
            ("\\Q{,3}\\E{,3}", "\\Q{,3}\\E\\{,3}"),
            ("[\\w-.]\\w-", "[\\w\\-.]\\w-"),
            ("[\\p{Lu}-a]", "[\\p{Lu}\\-a]"),
            ("\\xg\\x1", "\\x00g\\x1"),
            ("[\\z\\C]\\z", "[\\x7a\\x43]\\z"),
            ("\\c\x7f\\c[", "\\x3f\\c["),
            ("(a)\\8[\\8]\\1", "(a)\\x38[\\8]\\1"),
            ("()()()(?:)()()()()(?<n>)\\8\\9", "()()()(?:)()()()()(?<n>)\\8\\x39"),
        ] {
            assert_eq!(
                String::from_utf8(adapt(from.as_bytes(), 0, Flags::default(), Newline::Lf).text).unwrap(),
                to,
                "{from}"
            );
        }
    }

    #[test]
    fn offsets_lead_back_to_the_original() {
        let a = adapt(b"(*UTF8){,1}(", 7, Flags::default(), Newline::Lf);
        assert_eq!(a.text, b"\\{,1}(");
        assert_eq!(a.original_offset(a.text.len()), 12);
    }

    #[test]
    fn case_is_a_property_where_it_does_not_matter() {
        for (from, flags, to) in [
            ("\\p{Lu}+[\\p{Lu}]", Flags::CASELESS, "(?-i:\\p{Lu})+[\\p{Lu}]"),
            ("(?i)\\P{^Ll}", Flags::default(), "(?i)(?-i:\\P{^Ll})"),
            ("\\p{Lu}\\p{L}", Flags::default(), "\\p{Lu}\\p{L}"),
            ("\\p{L}\\pL\\p{Lo}", Flags::CASELESS, "\\p{L}\\pL\\p{Lo}"),
        ] {
            let a = adapt(from.as_bytes(), 0, flags, Newline::Lf);
            assert_eq!(String::from_utf8(a.text.clone()).unwrap(), to);
            assert_eq!(a.original_offset(a.text.len()), from.len());
        }
    }

    #[test]
    fn what_came_with_pcre2_is_refused() {
        for (p, number, at) in
            [("(*pla:a)", BAD_VERB, 2), ("b(?[a])", BAD_OPTION, 3), ("(?ia)", BAD_OPTION, 3), ("(?^)", BAD_OPTION, 2)]
        {
            assert_eq!(adapt(p.as_bytes(), 0, Flags::default(), Newline::Lf).refused, Some((number, at)), "{p}");
        }
        for p in ["(?i-msxJU:a)", "(?<a>b)", "(?P>a)", "(?R)", "(?&n)", "(*ACCEPT)a", "(?z)", "[(?n]", "\\(?n"] {
            assert_eq!(adapt(p.as_bytes(), 0, Flags::default(), Newline::Lf).refused, None, "{p}");
        }
    }

    #[test]
    fn comments_are_left_alone() {
        let a = adapt(b"#(*ACCEPT)?{,1}\r{,2}(?#{,3}){,4}", 0, Flags::EXTENDED, Newline::Cr);
        assert_eq!(a.text, b"#(*ACCEPT)?{,1}\r\\{,2}(?#{,3})\\{,4}");
        assert_eq!(a.refused, None);
        assert_eq!(adapt(b"#(*ACCEPT)?", 0, Flags::default(), Newline::Lf).refused, Some((NOTHING_TO_REPEAT, 10)));
        assert_eq!(adapt(b"(?x)#(*ACCEPT)?", 0, Flags::default(), Newline::Lf).refused, None);
    }

    #[test]
    fn settings_are_read_up_to_what_is_none() {
        let lead = leading(b"(*UTF8)(*LIMIT_MATCH=12)(*CR)(*ANY)(*BSR_ANYCRLF)(*COMMIT)(*UCP)");
        assert_eq!((lead.len, lead.unknown), (49, false));
        assert_eq!(lead.flags, Flags::UTF);
        assert_eq!(lead.lines.newline(), Newline::Any);
        assert_eq!(lead.limits, Limits { steps: 12, depth: u32::MAX });
        assert!(leading(b"(*UCP)(*NO_JIT)").unknown);
        assert!(leading(b"(*LIMIT_MATCH=99999999999)").unknown);
    }
}
