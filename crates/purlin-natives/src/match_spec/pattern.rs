//! What patterns leave open.

use purlin_term::{Term, am, map};

/// The number of a match variable (`'$7'`).
pub fn variable(t: Term) -> Option<usize> {
    let digits = t.as_atom()?.name().strip_prefix('$')?;
    let canonical = digits == "0" || !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    (canonical && !digits.is_empty()).then(|| digits.parse().ok()).flatten()
}

/// Whether a pattern leaves something open: a variable, `'_'`, or a map (which matches larger maps too).
pub fn is_open(pattern: Term) -> bool {
    has_part(pattern, true)
}

/// Whether there is a variable or `'_'` in a pattern. A key's pattern without one is searched for as the key itself, as
/// in OTP, even if it is a map.
pub fn has_variable(pattern: Term) -> bool {
    has_part(pattern, false)
}

fn has_part(pattern: Term, or_map: bool) -> bool {
    let mut work = vec![pattern];
    while let Some(mut t) = work.pop() {
        while let Some((head, tail)) = t.as_cons() {
            work.push(head);
            t = tail;
        }
        if let Some(elements) = t.as_tuple() {
            work.extend_from_slice(elements);
        } else if t.is_map() && !or_map {
            work.extend(map::iter(t).flat_map(|(k, v)| [k, v]));
        } else if t.is_map() || variable(t).is_some() || t == am!("_") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Atom;

    #[test]
    fn variables_are_dollar_numbers_without_leading_zeros() {
        for (name, n) in
            [("$0", Some(0)), ("$12", Some(12)), ("$01", None), ("$", None), ("$_", None), ("a", None), ("$$", None)]
        {
            assert_eq!(variable(Term::atom(Atom::new(name))), n, "{name}");
        }
    }
}
