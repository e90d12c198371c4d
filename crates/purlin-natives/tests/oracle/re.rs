use super::caller::{Caller, Differences, parse, show};
use purlin_term::{Term, am};
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
