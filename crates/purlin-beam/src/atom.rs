//! Atoms as Erlang source writes them.

use std::fmt::Write;

const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond", "div",
    "end", "fun", "if", "let", "maybe", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
];

/// The atom's text, in quotes where it needs them.
pub(crate) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let bare = chars.next().is_some_and(|first| first.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@')
        && !RESERVED.contains(&text);
    if bare {
        return text.into();
    }
    let mut out = String::from("'");
    for c in text.chars() {
        let _ = match c {
            '\'' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '\r' => write!(out, "\\r"),
            c if c.is_control() => write!(out, "\\x{{{:X}}}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out.push('\'');
    out
}
