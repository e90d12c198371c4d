use super::*;

fn compile(pattern: &[u8], flags: Flags) -> Result<Regex, CompileError> {
    Regex::compile(pattern, Options { flags, ..Options::default() })
}

fn first(pattern: &str, flags: Flags, subject: &[u8]) -> Option<(usize, usize)> {
    let found = compile(pattern.as_bytes(), flags).unwrap().run(subject, 0, &MatchOptions::default()).unwrap();
    found.and_then(|c| c[0])
}

#[test]
fn groups_that_took_no_part_are_unset_and_left_out_at_the_end() {
    let r = compile(b"(a)|(b)(c)|(d)", Flags::default()).unwrap();
    assert_eq!(r.groups(), 4);
    let found = r.run(b"bc", 0, &MatchOptions::default()).unwrap().unwrap();
    assert_eq!(found, vec![Some((0, 2)), None, Some((0, 1)), Some((1, 2))]);
}

#[test]
fn bytes_are_latin1_without_utf() {
    assert_eq!(first("\\xe9", Flags::CASELESS, b"\xc9"), Some((0, 1)));
    assert_eq!(first("\\w+", Flags::default(), b" \xe9\xff "), Some((1, 3)));
    assert_eq!(first("\\w", Flags::default(), b"\xd7"), None);
    assert_eq!(first("[[:punct:]]", Flags::default(), b"a\xbf"), Some((1, 2)));
}

#[test]
fn utf_subjects_must_be_utf() {
    let r = compile(b".", Flags::UTF).unwrap();
    let run = |s: &[u8], at| r.run(s, at, &MatchOptions::default());
    assert_eq!(run("å".as_bytes(), 0).unwrap().unwrap()[0], Some((0, 2)));
    assert_eq!(run("å".as_bytes(), 1), Err(MatchError::BadUtf));
    assert_eq!(run(b"\xff", 0), Err(MatchError::BadUtf));
    assert_eq!(run(b"a", 2), Err(MatchError::BadOffset));
}

#[test]
fn catastrophic_patterns_end_at_the_match_limit() {
    let r = compile(b"(a+)+$", Flags::default()).unwrap();
    let subject = [b"a".repeat(40), b"b".to_vec()].concat();
    let run = |m, d| r.run(&subject, 0, &MatchOptions { match_limit: m, depth_limit: d, ..Default::default() });
    assert_eq!(run(Some(10_000), None), Err(MatchError::MatchLimit));
    assert_eq!(run(None, Some(3)), Err(MatchError::DepthLimit));
    assert_eq!(run(None, None), Err(MatchError::MatchLimit));
}

#[test]
fn names_are_sorted() {
    let r = compile(b"(?<b>.)(?<a>.)", Flags::default()).unwrap();
    assert_eq!(r.names(), [(b"a".to_vec(), 2), (b"b".to_vec(), 1)]);
}

#[test]
fn line_ends_come_from_match_then_pattern_then_options() {
    let lines = |newlines: &[Newline]| {
        let mut lines = LineEnds::default();
        newlines.iter().for_each(|n| lines.add_newline(*n));
        lines
    };
    let compile = |p: &[u8], given: &[Newline], at_match: &[Newline]| {
        let options = Options { lines: lines(given), match_lines: lines(at_match), ..Default::default() };
        Regex::compile(p, options).unwrap()
    };
    let newline = |p: &[u8], given: &[Newline]| compile(p, given, &[]).newline();
    assert_eq!(newline(b"a", &[]), Newline::Lf);
    assert_eq!(newline(b"a", &[Newline::AnyCrLf]), Newline::AnyCrLf);
    assert_eq!(newline(b"(*CRLF)a", &[Newline::Lf]), Newline::CrLf);
    assert_eq!(newline(b"a", &[Newline::Cr, Newline::Lf]), Newline::CrLf);
    let matches = |r: Regex, s: &[u8]| r.run(s, 0, &MatchOptions::default()).unwrap().is_some();
    assert!(matches(compile(b"(*CR)a$", &[], &[]), b"a\r"));
    assert!(!matches(compile(b"(*CR)a$", &[], &[Newline::Lf]), b"a\r"));
    assert!(matches(compile(b"(*CR)a$", &[], &[Newline::Lf]), b"a\n"));
    let both = Options { lines: lines(&[Newline::Any, Newline::Lf]), ..Default::default() };
    assert_eq!(Regex::compile(b"a", both).err().map(|e| e.message), Some("inconsistent NEWLINE options".into()));
}

#[test]
fn anchored_matches_start_at_the_start_whatever_firstline_says() {
    for (p, flags, s, want) in [
        ("\\s", Flags::UTF.with(Flags::ANCHORED), "1\n\r x", None),
        ("\n", Flags::ANCHORED, "\n", Some((0, 1))),
        ("^\\s", Flags::UTF, "1\n\r x", None),
        ("\\s", Flags::UTF, "1\n\r x", Some((1, 2))),
        ("\\r", Flags::UTF, "1\n\r x", None),
    ] {
        assert_eq!(first(p, flags.with(Flags::FIRSTLINE), s.as_bytes()), want, "{p}");
    }
}

#[test]
fn a_line_end_of_two_bytes_is_not_looked_for_before_an_empty_subject() {
    let mut lines = LineEnds::default();
    lines.add_newline(Newline::CrLf);
    for (p, flags) in [(&b"a*?(?<!b)"[..], Flags::FIRSTLINE), (b"$", Flags::MULTILINE), (b"", Flags::EXTENDED)] {
        let r = Regex::compile(p, Options { flags, lines, ..Default::default() }).unwrap();
        let options = MatchOptions { notempty: true, ..Default::default() };
        assert_eq!(r.run(b"", 0, &options), Ok(None));
        assert_eq!(r.run(&Vec::new(), 0, &MatchOptions::default()), Ok(Some(vec![Some((0, 0))])));
    }
}

#[test]
fn patterns_end_at_a_zero_byte() {
    assert_eq!(compile(b"a\0(", Flags::default()).unwrap().groups(), 0);
}

/// Pattern, offset and message as the stock system reports them.
#[test]
fn compile_errors_read_as_on_otp_25() {
    for line in include_str!("errors.tsv").lines() {
        let mut parts = line.split('\t');
        let (pattern, offset, message) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let error = compile(pattern.as_bytes(), Flags::default()).err().unwrap_or_else(|| panic!("{pattern} compiles"));
        assert_eq!((&*error.message, error.offset.to_string().as_str()), (message, offset), "{pattern}");
    }
}

#[test]
fn a_binary_found_to_be_utf_is_not_taken_for_another() {
    let r = compile("é".as_bytes(), Flags::UTF).unwrap();
    let mut h = purlin_term::Heap::new(0);
    let run = |t, at| r.run_binary(t, at, &MatchOptions::default()).unwrap();
    let text = "xé".repeat(400);
    let good = h.binary(text.as_bytes());
    assert_eq!(run(good, 0).unwrap().unwrap()[0], Some((1, 3)));
    assert_eq!(run(good, 3).unwrap().unwrap()[0], Some((4, 6)));
    assert_eq!(run(good, 2), Err(MatchError::BadUtf));
    assert_eq!(run(good, text.len()).unwrap(), None);
    assert_eq!(run(good, text.len() + 1), Err(MatchError::BadOffset));
    let part = h.sub_bits(good, 16, 8 * 800);
    assert_eq!(run(part, 1), Err(MatchError::BadUtf));
    let mut bytes = text.into_bytes();
    bytes[900] = 0xFF;
    let bad = h.binary(&bytes);
    assert_eq!(run(bad, 0), Err(MatchError::BadUtf));
    assert!(r.run_binary(Term::NIL, 0, &MatchOptions::default()).is_none());
}

#[test]
fn letters_above_ascii_start_words_in_utf_text_too() {
    for p in ["\\w", "(\\w)", "^\\w", "[\\w]"] {
        assert_eq!(first(p, Flags::UTF, "é a".as_bytes()), Some((0, 2)), "{p}");
    }
}

/// The same of OTP 29; nothing behind a pattern that compiles.
#[test]
fn compile_errors_read_as_on_otp_29() {
    for line in include_str!("errors_newer.tsv").lines() {
        let (pattern, told) = line.split_once('\t').unwrap();
        let ours = match plain::compile(pattern.as_bytes(), Options::default()) {
            Ok(_) => "ok".to_owned(),
            Err(e) => format!("{}\t{}", e.offset, e.message),
        };
        assert_eq!(ours, told, "{pattern}");
    }
}
