//! Numbers in flags, read as the C library does: blanks in front, what follows the digits is left.

/// `strtol`: the number (0 without digits), what follows it (all without digits), and whether it was too large.
pub fn long(text: &str) -> (i64, &str, bool) {
    let rest = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match rest.as_bytes().first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return (0, text, false);
    }
    let sign = if negative { "-" } else { "" };
    match format!("{sign}{}", &digits[..end]).parse() {
        Ok(n) => (n, &digits[end..], false),
        Err(_) => (if negative { i64::MIN } else { i64::MAX }, &digits[end..], true),
    }
}

/// `atoi`.
pub fn int(text: &str) -> i32 {
    long(text).0 as i32
}

/// `%d` of `sscanf`: the number and what follows it, if there is one.
pub fn number(text: &str) -> Option<(i32, &str)> {
    let (n, rest, _) = long(text);
    (rest.len() < text.len()).then_some((n as i32, rest))
}

/// `A:B`, `A` or `:B`.
pub fn pair(text: &str) -> Option<(Option<i32>, Option<i32>)> {
    match number(text) {
        Some((a, rest)) => Some((Some(a), rest.strip_prefix(':').and_then(number).map(|(b, _)| b))),
        None => Some((None, Some(number(text.strip_prefix(':')?)?.0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_in_c() {
        assert_eq!(long(" -12x"), (-12, "x", false));
        assert_eq!(long("x"), (0, "x", false));
        assert_eq!(long("99999999999999999999"), (i64::MAX, "", true));
        assert_eq!(int("4294967297"), 1);
        assert_eq!(pair("2:3"), Some((Some(2), Some(3))));
        assert_eq!(pair("2:x"), Some((Some(2), None)));
        assert_eq!(pair(":-1"), Some((None, Some(-1))));
        assert_eq!((pair("x"), pair("")), (None, None));
    }
}
