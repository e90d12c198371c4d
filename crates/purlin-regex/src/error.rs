//! Compile errors in the words that programs on OTP 25 see, from the library's error numbers; for OTP 28 in the library's own.

mod newer;

use pcre2_sys as sys;
use std::borrow::Cow;

/// Longest group name, in bytes.
pub const MAX_NAME: usize = 32;

/// The library's number for a failed allocation.
pub const NO_MEMORY: i32 = 121;

/// The library's number for a quantifier behind something that cannot be repeated.
pub const NOTHING_TO_REPEAT: i32 = 109;

/// The library's number for an option that it does not know.
pub const BAD_OPTION: i32 = 111;

/// The library's number for a verb that it does not know.
pub const BAD_VERB: i32 = 160;

/// Why a pattern does not compile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError {
    pub message: Cow<'static, str>,
    /// Where, in bytes from the start of the pattern.
    pub offset: usize,
}

/// Whether a construct with this error is plain text in PCRE 8.44: an unknown escape, or one without a meaning
/// inside a class.
pub fn is_literal_in_pcre8(number: i32) -> bool {
    matches!(number, 103 | 107)
}

impl CompileError {
    /// The error that PCRE 8.44 reports where PCRE2 reports `number` at `offset` (in the original pattern).
    pub(crate) fn new(number: i32, pattern: &[u8], offset: usize) -> CompileError {
        let offset = offset.min(pattern.len());
        let (number, offset) = translate(number, pattern, offset);
        CompileError::of(message(number), offset.min(pattern.len()))
    }

    fn of(message: impl Into<Cow<'static, str>>, offset: usize) -> CompileError {
        CompileError { message: message.into(), offset }
    }

    /// The error that PCRE2 10.47 reports where the library reports `number` at `offset`.
    pub(crate) fn of_newer(number: i32, pattern: &[u8], offset: usize) -> CompileError {
        let (number, offset) = newer::translate(number, pattern, offset);
        let message = newer::message(number).map_or_else(|| library_message(number).into(), Cow::Borrowed);
        CompileError::of(message, offset)
    }

    pub(crate) fn invalid_utf(offset: usize) -> CompileError {
        CompileError::of("invalid UTF-8 string", offset)
    }

    pub(crate) fn utf_is_disabled() -> CompileError {
        CompileError::of(message(174), 0)
    }

    pub(crate) fn inconsistent_newline() -> CompileError {
        CompileError::of("inconsistent NEWLINE options", 0)
    }

    /// An error behind the first character too many of a group name.
    pub(crate) fn name_too_long(pattern: &[u8], name: &[u8]) -> CompileError {
        let at = pattern.windows(name.len()).position(|w| w == name).unwrap_or(0);
        CompileError::of("subpattern name is too long (maximum 32 characters)", at + MAX_NAME + 1)
    }
}

/// The library's own text for an error.
fn library_message(number: i32) -> String {
    let mut text = [0u8; 256];
    // SAFETY: the text is given with its length.
    let length = unsafe { sys::pcre2_get_error_message_8(number, text.as_mut_ptr(), text.len()) };
    String::from_utf8_lossy(&text[..usize::try_from(length).unwrap_or(0)]).into_owned()
}

/// The last place before `end` where one of `what` starts.
fn last(pattern: &[u8], end: usize, what: &[&[u8]]) -> Option<usize> {
    (0..end).rev().find(|&i| what.iter().any(|w| pattern[i..].starts_with(w)))
}

/// The parenthesis that closes the group opened at `open`.
fn closing(pattern: &[u8], open: usize) -> Option<usize> {
    let (mut depth, mut i) = (0usize, open);
    while let Some(&b) = pattern.get(i) {
        match b {
            b'\\' => i += 1,
            b'(' => depth += 1,
            b')' if depth <= 1 => return Some(i),
            b')' => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    None
}

/// The condition that `offset` lies in: where its `(?(` starts.
fn open_condition(pattern: &[u8], offset: usize) -> Option<usize> {
    let at = last(pattern, offset, &[b"(?("])?;
    let end = closing(pattern, at + 2).unwrap_or(pattern.len());
    (offset <= end).then_some(at)
}

/// Number and offset as PCRE 8.44 has them: it often stops one character earlier or later than PCRE2, and a
/// pattern that ends inside a construct is blamed on the construct. Numbers from 1000 are its own errors.
fn translate(number: i32, pattern: &[u8], offset: usize) -> (i32, usize) {
    let before = &pattern[..offset];
    match number {
        137 | 143 | 147 | 150 | 151 | 155 | 165 | 169 | 171 => (number, offset.saturating_sub(1)),
        BAD_VERB => {
            let at = last(pattern, offset, &[b"(*"]).map_or(offset, |i| i + 2);
            let name = pattern[at..].iter().take_while(|&&b| crate::tables::is_letter(b)).count();
            let rest = &pattern[at + name..];
            let argument =
                if rest.first() == Some(&b':') { rest.iter().take_while(|&&b| b != b')').count() } else { 0 };
            (number, at + name + argument)
        }
        161 => {
            let end = offset + pattern[offset..].iter().take_while(|b| b.is_ascii_digit()).count();
            (number, end - last(pattern, end, &[b"\\g", b"(?"]).is_some_and(|i| pattern[i] == b'\\') as usize)
        }
        128 | 129 => (number, offset + 1),
        113 if offset > 0 => (number, last(pattern, offset, &[b"[.", b"[="]).unwrap_or(offset)),
        130 => (number, last(pattern, offset, &[b"[:"]).map_or(offset, |i| i + 2)),
        125 | 200 => (number, closing(pattern, offset).unwrap_or(offset)),
        154 => (number, closing(pattern, offset.saturating_sub(3)).unwrap_or(offset)),
        178 => (number, last(pattern, offset, &[b"\\o"]).filter(|i| i + 3 == offset).map_or(offset, |i| i + 1)),
        164 | 167 if offset + 1 == pattern.len() => (number, pattern.len()),
        142 if open_condition(pattern, offset).is_some() => (124, offset),
        193 => (137, offset.saturating_sub(1)),
        162 if before.ends_with(b"(?<") => (1001, offset),
        162 if before.ends_with(b"\\g{") => (157, offset),
        115 => match open_condition(pattern, offset) {
            Some(at) => {
                let end = closing(pattern, at + 2).map_or(offset, |e| e + 1);
                (if pattern[at + 3..].starts_with(b"0)") { 1002 } else { 115 }, end)
            }
            None if pattern.get(offset) == Some(&b')') => (number, offset),
            None if let Some(at) = missing_group(pattern, offset) => (number, at),
            None if before.ends_with(b"\\g{") || before.ends_with(b"\\g") && pattern.get(offset) == Some(&b'{') => {
                let end = pattern[offset..].iter().position(|&b| b == b'}').map_or(offset, |n| offset + n);
                (number, end)
            }
            None => (number, offset + 1),
        },
        114 if offset == pattern.len() => {
            let open = last(pattern, offset, &[b"(?"]);
            let inner = open.map_or(&b"x"[..], |i| &pattern[i + 2..]);
            let number = match inner {
                b"(" => 128,
                b"C" => 139,
                b"P" => 141,
                b"R" => 158,
                _ if !inner.is_empty() && inner.iter().all(|b| b.is_ascii_digit()) => 158,
                _ if open.is_some() && inner.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-') => 111,
                _ => 114,
            };
            (number, offset)
        }
        _ => (number, offset),
    }
}

/// Where PCRE 8.44 reports that the `\1`, `\g{1}`, `\g{-1}` or `\g<1>` around `offset` names no group.
fn missing_group(pattern: &[u8], offset: usize) -> Option<usize> {
    let at = last(pattern, offset, &[b"\\"])?;
    let rest = pattern[at + 1..].strip_prefix(b"g").unwrap_or(&pattern[at + 1..]);
    let inner = match rest {
        [b'{' | b'<' | b'\'', inner @ ..] => inner,
        inner => inner,
    };
    let signed = matches!(inner.first(), Some(b'-' | b'+'));
    let digits = inner[signed as usize..].iter().take_while(|b| b.is_ascii_digit()).count();
    let end = pattern.len() - inner.len() + signed as usize + digits;
    if digits == 0 || offset > end + 1 {
        return None;
    }
    // A back reference is looked up when all groups are known, others at once.
    let back = !signed && !matches!(rest.first(), Some(b'<' | b'\''));
    let braced = inner.len() < rest.len();
    Some(if back { pattern.len() } else { end - (!braced) as usize })
}

fn message(number: i32) -> &'static str {
    match number {
        ..0 => "invalid UTF-8 string",
        101 => "\\ at end of pattern",
        102 => "\\c at end of pattern",
        103 => "unrecognized character follows \\",
        104 => "numbers out of order in {} quantifier",
        105 => "number too big in {} quantifier",
        106 => "missing terminating ] for character class",
        107 => "invalid escape sequence in character class",
        108 => "range out of order in character class",
        109 => "nothing to repeat",
        111 | 194 => "unrecognized character after (? or (?-",
        112 => "POSIX named classes are supported only within a class",
        113 => "POSIX collating elements are not supported",
        114 => "missing )",
        115 => "reference to non-existent subpattern",
        118 => "missing ) after comment",
        119 | 133 => "regular expression is too complicated",
        120 | 201 => "regular expression is too large",
        NO_MEMORY => "failed to get memory",
        122 => "unmatched parentheses",
        124 | 179 => "malformed number or name after (?(",
        125 | 135 | 187 | 200 => "lookbehind assertion is not fixed length",
        126 => "a numbered reference must not be zero",
        127 => "conditional group contains more than two branches",
        128 => "assertion expected after (?( or (?(?C)",
        129 => "digit expected after (?+",
        130 => "unknown POSIX class name",
        134 | 177 => "character value in \\x{} or \\o{} is too large",
        136 => "\\C not allowed in lookbehind assertion",
        137 => "PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u",
        138 => "number after (?C is > 255",
        139 | 182 => "closing ) for (?C expected",
        140 | 160 | 195 => "(*VERB) not recognized or malformed",
        141 => "unrecognized character after (?P",
        142 => "syntax error in subpattern name (missing terminator)",
        143 => "two named subpatterns have the same name",
        144 => "group name must start with a non-digit",
        146 => "malformed \\P or \\p sequence",
        147 => "unknown property name after \\P or \\p",
        148 => "subpattern name is too long (maximum 32 characters)",
        149 => "too many named subpatterns (maximum 10000)",
        150 => "invalid range in character class",
        151 => "octal value is greater than \\377 in 8-bit non-UTF-8 mode",
        154 => "DEFINE group contains more than one branch",
        155 => "missing opening brace after \\o",
        157 => "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number",
        158 => "(?R or (?[+-]digits must be followed by )",
        161 | 197 => "number is too big",
        162 => "subpattern name expected",
        164 => "non-octal character in \\o{} (closing brace missing?)",
        165 => "different names for subpatterns of the same number are not allowed",
        166 => "(*MARK) must have an argument",
        167 => "non-hex character in \\x{} (closing brace missing?)",
        168 => "\\c must be followed by an ASCII character",
        169 => "\\k is not followed by a braced, angle-bracketed, or quoted name",
        171 => "\\N is not supported in a class",
        173 => "disallowed Unicode code point (>= 0xd800 && <= 0xdfff)",
        174 => "setting UTF is disabled by the application",
        176 => "name is too long in (*MARK), (*PRUNE), (*SKIP), or (*THEN)",
        178 => "digits missing in \\x{} or \\o{}",
        184 | 186 => "regular expression is too complicated",
        1001 => "unrecognized character after (?<",
        1002 => "invalid condition (?(0)",
        _ => "internal error: unexpected repeat",
    }
}
