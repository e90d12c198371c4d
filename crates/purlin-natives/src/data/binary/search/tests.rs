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

/// What is found by trying every pattern at every place.
fn plain_matches(data: &[u8], all: &[Vec<u8>]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let longest = all.iter().filter(|p| data[at..].starts_with(p)).map(Vec::len).max();
        if let Some(len) = longest {
            found.push(at..at + len);
        }
        at += longest.unwrap_or(1);
    }
    found
}

#[test]
fn tables_and_automata_find_the_same() {
    let mut random = 1u64;
    let mut below = |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    let (mut tables, mut automata) = (0, 0);
    for round in 0..600 {
        let letters = 1 + below(4);
        let mut word = |most: u64| -> Vec<u8> { (0..1 + below(most)).map(|_| b'a' + below(letters) as u8).collect() };
        // Duplicates, prefixes and overlapping patterns come by themselves with so few letters.
        let (count, most) = if round % 3 == 0 { (80, 30) } else { (6, 4) };
        let all: Vec<Vec<u8>> = (0..2 + word(count).len()).map(|_| word(most)).collect();
        let data = word(60);
        let cows: Vec<Cow<'_, [u8]>> = all.iter().map(|p| Cow::Borrowed(&p[..])).collect();
        for once in [true, false] {
            let pattern = Pattern::of(&cows, once).unwrap();
            match pattern {
                Pattern::Few(_) => tables += 1,
                _ => automata += 1,
            }
            assert_eq!(matches(&pattern, &data, 0..data.len(), true), plain_matches(&data, &all), "{data:?} {all:?}");
        }
    }
    assert!(tables > 300 && automata > 100, "{tables} {automata}");
}

#[test]
fn many_first_bytes_have_one_table() {
    let all: Vec<Vec<u8>> = (0..=254u8).map(|b| vec![b, b]).collect();
    let table = Table::of(&all).unwrap();
    assert_eq!(table.find(&[1, 2, 3, 254, 254]), Some((3, 2)));
    assert_eq!(table.find(&[255, 255, 1]), None);
    assert_eq!(table.find(&[]), None);
    let all: Vec<Vec<u8>> = (0..=255u8).map(|b| vec![b]).collect();
    assert!(Table::of(&all).is_none());
    assert!(Table::of(&[vec![b'a'; 300], vec![b'b']]).is_none());
}
