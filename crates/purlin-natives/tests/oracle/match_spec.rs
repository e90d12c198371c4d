use super::caller::{Caller, Differences, parse, show};
use purlin_term::{Term, am};
use purlin_testkit::oracle::Oracle;

/// What a specification gives for a term, as `erlang:match_spec_test(Term, Spec, table)` says it.
#[test]
fn specifications_have_the_same_results() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let (mut ours, mut differences) = (Caller::new(), Differences::default());
    let cases = parse(&mut oracle, ours.heap(), include_str!("match_specs.txt"));
    for case in cases.iter() {
        let &[term, spec] = case.as_tuple().unwrap() else { panic!("a case is a pair") };
        let what = show(&mut oracle, ours.heap(), case);
        // Texts of errors are compared by their being there only.
        let shorten = |c: &mut Caller, t: Term| match t.as_tuple() {
            Some(&[tag, _]) if tag == am!("error") => am!("error"),
            Some(&[_, result, flags, _]) => c.heap().tuple(&[result, flags]),
            _ => t,
        };
        let args = [term, spec, am!("table")];
        let a = ours.call("erlang", "match_spec_test", &args).map(|t| shorten(&mut ours, t));
        let b = oracle.call(ours.heap(), "erlang", "match_spec_test", &args);
        let b = b.map(|t| shorten(&mut ours, t));
        differences.compare(&mut oracle, ours.heap(), &what, a, b);
    }
}
