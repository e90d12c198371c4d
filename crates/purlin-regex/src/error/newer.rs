//! What PCRE2 10.47 says of errors in other words, and at other places, than the version that is linked, 10.46: it mostly
//! stops behind what is wrong, where that one stops before it.

/// A number for an error that only 10.47 has.
const NUMBER_WITHOUT_END: i32 = 1101;

/// Number and offset as PCRE2 10.47 has them.
pub fn translate(number: i32, pattern: &[u8], offset: usize) -> (i32, usize) {
    let rest = &pattern[offset.min(pattern.len())..];
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let behind = |end: &[u8]| rest.windows(end.len()).position(|w| w == end).map_or(offset, |n| offset + n + end.len());
    match number {
        108 | 109 | 111 | 122 | 128 | 141 | 144 | 168 | 194 | 198 => (number, offset + 1),
        155 if rest == b"o" => (number, offset + 1),
        112 | 113 if rest.starts_with(b"[") => (number, rest.get(1).map_or(offset, |&kind| behind(&[kind, b']']))),
        115 if is_reference_by_number(pattern, offset) => (number, offset + 1),
        120 | 127 => (number, 0),
        129 if offset + 1 == pattern.len() => (114, offset + 1),
        129 => (number, offset + 2),
        137 if pattern[..offset].ends_with(b"\\N") => (number, offset + 1),
        142 if rest.is_empty() && is_call_by_name(pattern) => (114, offset),
        157 if matches!(rest.first(), Some(b'\'' | b'<')) && digits(&rest[1..]) > 0 => {
            (NUMBER_WITHOUT_END, offset + 1 + digits(&rest[1..]))
        }
        // At the end of the pattern, one byte behind it.
        164 | 167 if offset + 1 == pattern.len() => (number, pattern.len() + 1),
        164 | 167 => (number, offset + 1),
        193 => (number, behind(b"}")),
        _ => (number, offset),
    }
}

/// Whether `offset` is at the end of a reference such as `\1`, `\g2`, `\g{1}` or `\g<1>`.
fn is_reference_by_number(pattern: &[u8], offset: usize) -> bool {
    let Some(start) = pattern[..offset].iter().rposition(|&b| b == b'\\') else { return false };
    let text = &pattern[start + 1..(offset + 1).min(pattern.len())];
    let text = text.strip_prefix(b"g").unwrap_or(text);
    let text = text.strip_prefix(b"{").or(text.strip_prefix(b"<")).or(text.strip_prefix(b"'")).unwrap_or(text);
    let text = text.strip_suffix(b"}").or(text.strip_suffix(b">")).or(text.strip_suffix(b"'")).unwrap_or(text);
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether the pattern ends in a call of a group, `(?&name` or `(?P>name`.
fn is_call_by_name(pattern: &[u8]) -> bool {
    let open = pattern.iter().rposition(|&b| b == b'(').unwrap_or(0);
    pattern[open..].starts_with(b"(?&") || pattern[open..].starts_with(b"(?P>")
}

/// Its text, where that is another one.
pub fn message(number: i32) -> Option<&'static str> {
    match number {
        129 => Some("digit expected after (?+"),
        NUMBER_WITHOUT_END => Some("syntax error in subpattern number (missing terminator?)"),
        _ => None,
    }
}
