//! Patterns as OTP has taken them since release 28, whose library is PCRE2 10.47: they go to the library as they are, with
//! the tables of the C locale, and its errors are told in the words and at the places of that version.

use super::pattern::Limits;
use super::{CompileContext, CompileError, Options, Regex, compile_raw, sys};
use crate::lines::Newline;
use purlin_term::Release;

/// Whether patterns are taken so.
pub fn is_used() -> bool {
    Release::of_values() >= Release(28)
}

/// Compiles a pattern.
pub fn compile(pattern: &[u8], options: Options) -> Result<Regex, CompileError> {
    let (text, shortened) = without_version(pattern);
    let code =
        compile_raw(&text, options.flags, CompileContext::plain(options.lines)).map_err(|(number, offset)| {
            // What was left out stands in front of all that the library complains about, but for an error at the very start.
            let offset = if offset == 0 { 0 } else { offset + shortened };
            CompileError::of_newer(number, pattern, offset)
        })?;
    let mut regex = Regex::of(code);
    regex.newline = Newline::of_library(regex.info_u32(sys::PCRE2_INFO_NEWLINE));
    regex.limits =
        Limits { steps: regex.info_u32(sys::PCRE2_INFO_MATCHLIMIT), depth: regex.info_u32(sys::PCRE2_INFO_DEPTHLIMIT) };
    Ok(regex)
}

/// The pattern with `(*UTF)` for each `(*UTF8)` among the settings at its start, and how many bytes that leaves out.
fn without_version(pattern: &[u8]) -> (std::borrow::Cow<'_, [u8]>, usize) {
    const OLD: &[u8] = b"(*UTF8)";
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(len) = setting(&pattern[at..]) {
        if pattern[at..].starts_with(OLD) {
            places.push(at + OLD.len() - 2);
        }
        at += len;
    }
    if places.is_empty() {
        return (pattern.into(), 0);
    }
    let kept = pattern.iter().enumerate().filter(|(i, _)| !places.contains(i)).map(|(_, &b)| b);
    (kept.collect::<Vec<u8>>().into(), places.len())
}

/// How long the setting is that a pattern begins with: capital letters between `(*` and `)`, maybe with a number.
fn setting(pattern: &[u8]) -> Option<usize> {
    let rest = pattern.strip_prefix(b"(*")?;
    let end = rest.iter().position(|&b| b == b')')?;
    let is_part = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'=');
    rest[..end].iter().all(is_part).then_some(end + 3)
}
