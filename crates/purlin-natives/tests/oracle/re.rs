use super::caller::{Caller, Differences, parse, show};
use purlin_term::{Term, am};
use purlin_testkit::mutate::Random;
use purlin_testkit::oracle::Oracle;

/// `{Subject, Pattern, Options}`: what `re:run/3` gives, and with a compiled pattern what it gives then.
#[test]
fn matches_have_the_same_results() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let (mut ours, mut differences) = (Caller::new(), Differences::default());
    let cases = parse(&mut oracle, ours.heap(), include_str!("regexes.txt"));
    for case in cases.iter() {
        let args = case.as_tuple().unwrap().to_vec();
        let what = show(&mut oracle, ours.heap(), case);
        let a = ours.call("re", "run", &args);
        if a.is_err_and(|e| e.0 == am!("trap")) {
            continue;
        }
        let b = oracle.call(ours.heap(), "re", "run", &args);
        differences.compare(&mut oracle, ours.heap(), &what, a, b);
    }
}

/// The number of groups, the kind of text and line ends that a compiled pattern shows.
#[test]
fn compiled_patterns_show_the_same_facts() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let (mut ours, mut differences) = (Caller::new(), Differences::default());
    let cases = parse(
        &mut oracle,
        ours.heap(),
        "[{\"a(b)(?:c)(d)\", []}, {<<\"a\">>, [unicode]}, {\"a\", [{newline, crlf}]}, {\"a\", [{newline, any}]},
          {\"(*ANYCRLF)a\", []}, {\"(\", []}, {\"a\", [global]}, {\"a\", [foo]}, {\"a\", [{newline, x}]}, {a, []},
          {[97, [\"(b)\" | <<\"c\">>]], [caseless, dotall, extended]}, {\"a\", x}, {\"a\", [caseless | x]},
          {\"a\", [no_auto_capture, dupnames, ungreedy, ucp, never_utf, bsr_anycrlf, no_start_optimize, firstline]}]",
    );
    for case in cases.iter() {
        let args = case.as_tuple().unwrap().to_vec();
        let what = show(&mut oracle, ours.heap(), case);
        let facts = |c: &mut Caller, t: Term| match t.as_tuple() {
            Some(&[ok, p]) if ok == am!("ok") => {
                let e = p.as_tuple().unwrap();
                c.heap().tuple(&e[..4])
            }
            _ => t,
        };
        let a = ours.call("re", "compile", &args).map(|t| facts(&mut ours, t));
        let b = oracle.call(ours.heap(), "re", "compile", &args);
        let b = b.map(|t| facts(&mut ours, t));
        differences.compare(&mut oracle, ours.heap(), &what, a, b);
    }
}

/// A random pattern of pieces that combine.
fn pattern(r: &mut Random, depth: usize) -> String {
    let atom = |r: &mut Random| {
        let atoms = [
            "a",
            "b",
            "c",
            ".",
            "\\w",
            "\\W",
            "\\d",
            "\\s",
            "\\S",
            "[ab]",
            "[^a]",
            "[a-c]",
            "\\b",
            "\\B",
            "^",
            "$",
            "é",
            "[é-ÿ]",
            "\\x{e9}",
            "[[:alpha:]]",
            "[[:digit:]_-]",
            "\\R",
            "\\h",
            "\\X",
            "\\p{Lu}",
            "\\PL",
            "[\\w-]",
            "[^\\s,]",
            "\\A",
            "\\z",
            "\\Z",
            "A",
            "1",
            " ",
            "\\n",
            "\\K",
            "ab",
            "\\.",
            "\\t",
            "[\\]\\-]",
            "\\G",
            "\\N",
            "€",
        ];
        (*r.choose(&atoms).unwrap()).to_string()
    };
    let parts: Vec<String> = (0..1 + r.below(4))
        .map(|_| {
            let inner = |r: &mut Random| pattern(r, depth.saturating_sub(1));
            let piece = match if depth == 0 { 9 } else { r.below(20) } {
                0 | 1 => format!("({})", inner(r)),
                2 => format!("(?:{}|{})", inner(r), inner(r)),
                3 => format!("(?={})", inner(r)),
                4 => format!("(?!{})", inner(r)),
                5 => format!("(?>{})", inner(r)),
                6 => format!("(?<n{}>{})", r.below(1000), inner(r)),
                7 => format!("(?i:{})", inner(r)),
                8 => "\\1".to_string(),
                _ => atom(r),
            };
            let quantifiers = ["", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "++", "?+"];
            piece + r.choose(&quantifiers).unwrap()
        })
        .collect();
    parts.concat()
}

#[test]
fn random_patterns_match_alike() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let (mut ours, mut differences) = (Caller::new(), Differences::default());
    let mut random = Random::new(7);
    let texts = [
        "aabbcc",
        "abcABC abc\nab",
        "é aé\tb1",
        "a",
        "ab\r\nba",
        "xyz-_ Éa€b",
        "e\u{301}a ñ\u{303}",
        "aaaaaaaa",
        "1a 2b.\n",
    ];
    let options = [
        "[]",
        "[caseless]",
        "[multiline]",
        "[dotall]",
        "[unicode]",
        "[unicode,ucp]",
        "[unicode,caseless]",
        "[extended]",
        "[ungreedy]",
        "[anchored]",
        "[unicode,ucp,caseless]",
        "[{newline,any}]",
        "[notempty]",
        "[{offset,1}]",
    ];
    let options: Vec<Term> = options.iter().map(|o| parse(&mut oracle, ours.heap(), o)).collect();
    for _ in 0..40 {
        let cases: Vec<Vec<Term>> = (0..100)
            .map(|_| {
                let text = random.choose(&texts).unwrap();
                let (p, o) = (pattern(&mut random, 2), *random.choose(&options).unwrap());
                let h = ours.heap();
                vec![h.binary(text.as_bytes()), h.binary(p.as_bytes()), o]
            })
            .collect();
        let calls: Vec<_> = cases.iter().map(|c| ("re", "run", c.clone())).collect();
        let theirs = oracle.calls(ours.heap(), &calls);
        for (case, b) in cases.iter().zip(theirs) {
            let a = ours.call("re", "run", case);
            let what = ours.heap().tuple(case);
            if a.is_ok() != b.is_ok() || a.ok().zip(b.ok()).is_some_and(|(a, b)| !purlin_term::compare::same(a, b)) {
                let what = show(&mut oracle, ours.heap(), what);
                differences.compare(&mut oracle, ours.heap(), &what, a, b);
            }
        }
    }
}
