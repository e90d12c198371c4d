//! Searches and splits, with results seen on OTP 25.

use super::*;

fn pattern(h: &mut Heap, all: &[&str]) -> Term {
    let binaries: Vec<Term> = all.iter().map(|p| h.binary(p.as_bytes())).collect();
    if let [one] = binaries[..] { one } else { h.list(&binaries) }
}

#[test]
fn the_leftmost_match_wins_then_the_longest() {
    let mut h = Heap::new(0);
    for (data, all, want) in [
        ("abcdefg", &["bcde", "cd"][..], vec![(1, 4)]),
        ("abcde", &["bcde", "cd"], vec![(1, 4)]),
        ("abcde", &["ab", "abcdef", "abc"], vec![(0, 3)]),
        ("abcde", &["cd", "e", "cde"], vec![(2, 3)]),
        ("aaaa", &["aa"], vec![(0, 2), (2, 2)]),
        ("a,b;c", &[",", ";"], vec![(1, 1), (3, 1)]),
        ("abc", &["x"], vec![]),
        ("", &["x"], vec![]),
    ] {
        let p = pattern(&mut h, all);
        let o = Options::parse(Term::NIL, data.len(), false).unwrap();
        let found = search(data.as_bytes(), p, &o, true).unwrap();
        let found: Vec<(usize, usize)> = found.iter().map(|m| (m.start, m.len())).collect();
        assert_eq!(found, want, "{data} {all:?}");
    }
}

#[test]
fn patterns_must_not_be_empty() {
    let mut h = Heap::new(0);
    let empty = h.binary(b"");
    let o = Options::parse(Term::NIL, 1, false).unwrap();
    let with_empty = pattern(&mut h, &["a", ""]);
    for p in [empty, Term::NIL, with_empty, am!("a"), Term::small(1)] {
        assert!(search(b"a", p, &o, true).is_err(), "{p:?}");
    }
    let none = Options::parse(Term::NIL, 0, false).unwrap();
    assert!(search(b"", empty, &none, true).unwrap().is_empty());
}

#[test]
fn splits_and_their_options() {
    let mut h = Heap::new(0);
    for (data, all, options, want) in [
        ("a,b,c", &[","][..], "", &["a", "b,c"][..]),
        ("a,b,c", &[","], "global", &["a", "b", "c"]),
        (",a,,b,,", &[","], "global", &["", "a", "", "b", "", ""]),
        (",a,,b,,", &[","], "global trim", &["", "a", "", "b"]),
        (",a,,b,,", &[","], "global trim_all", &["a", "b"]),
        (",", &[","], "", &["", ""]),
        (",", &[","], "trim", &[]),
        (",", &[","], "trim_all", &[]),
        (",a", &[","], "trim", &["", "a"]),
        (",a", &[","], "trim_all", &["a"]),
        ("a,", &[","], "trim", &["a"]),
        ("", &[","], "", &[""]),
        ("", &[","], "trim", &[]),
        ("", &[","], "global trim_all", &[]),
        (",,", &[","], "global trim", &[]),
        ("abc", &["x"], "global trim", &["abc"]),
    ] {
        let p = pattern(&mut h, all);
        let options: Vec<Term> = options
            .split_whitespace()
            .map(|o| match o {
                "global" => am!("global"),
                "trim" => am!("trim"),
                _ => am!("trim_all"),
            })
            .collect();
        let list = h.list(&options);
        let o = Options::parse(list, data.len(), true).unwrap();
        let found = search(data.as_bytes(), p, &o, o.global).unwrap();
        let got: Vec<&str> = parts(data.len(), &found, &o).into_iter().map(|r| &data[r]).collect();
        assert_eq!(got, want, "{data} {options:?}");
    }
}

#[test]
fn scopes_lie_within_the_subject() {
    let mut h = Heap::new(0);
    let mut scope = |position: i64, length: i64| {
        let range = h.tuple(&[Term::small(position), Term::small(length)]);
        let option = h.tuple(&[am!("scope"), range]);
        let list = h.list(&[option]);
        Options::parse(list, 10, false).map(|o| o.scope)
    };
    assert_eq!(scope(2, 3), Some(2..5));
    assert_eq!(scope(5, -3), Some(2..5));
    assert_eq!(scope(5, 6), None);
    let unknown = h.list(&[am!("global")]);
    assert_eq!(Options::parse(unknown, 10, false), None);
}
