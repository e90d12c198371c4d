//! From a text to arguments, as `erl` reads `-args_file` and its variables of the environment.

/// Splits a text into arguments. Blanks separate them, quotes of both kinds keep everything up to the next of their
/// kind, and outside of quotes a backslash protects the next character. With `comments`, `#` starts a comment, also
/// within a word, which ends there.
pub fn split(text: &str, comments: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r' => out.extend(word.take()),
            '#' if comments => {
                out.extend(word.take());
                chars.by_ref().find(|&c| c == '\n');
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '"' | '\'' => word.get_or_insert_default().extend(chars.by_ref().take_while(|&d| d != c)),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_backslashes_and_blanks() {
        assert_eq!(split(r#" '[{a,b}]'  "x \ y" z\ w a"b"'c' "#, false), ["[{a,b}]", r"x \ y", "z w", "abc"]);
        assert_eq!(split(r#""a\\b" "" 'un ended"#, false), [r"a\\b", "", "un ended"]);
    }

    #[test]
    fn comments_stand_in_files_alone() {
        assert_eq!(split("a#b # c\nd", true), ["a", "d"]);
        assert_eq!(split("a#b # c", false), ["a#b", "#", "c"]);
    }
}
