//! Term order, equalities and the hash functions with fixed values.

use purlin_term::compare::{cmp, cmp_exact, eq, same};
use purlin_term::hash::{phash, phash2};
use purlin_term::{Heap, Term};
use purlin_testkit::generate::{Shape, gen_map, gen_term, vary};
use purlin_testkit::mutate::Random;

use crate::{Case, compare};

/// Two terms: unrelated, or the second a variation of the first.
fn pair(heap: &mut Heap, random: &mut Random) -> (Term, Term) {
    let shape = Shape { depth: random.below(5) as u32, ..Shape::default() };
    let a = if random.below(12) == 0 { gen_map(heap, random, shape) } else { gen_term(heap, random, shape) };
    let b = if random.below(4) == 0 { gen_term(heap, random, shape) } else { vary(heap, random, shape, a) };
    (a, b)
}

#[test]
fn terms_are_ordered_as_by_erl() {
    compare(|heap, random, cases| {
        let (a, b) = pair(heap, random);
        let order = cmp(a, b);
        assert_eq!(cmp(b, a), order.reverse());
        let mut case = |function, ours: bool| {
            cases.push(Case { call: ("erlang", function, vec![a, b]), ours: Term::bool(ours) });
        };
        case("<", order.is_lt());
        case("=<", order.is_le());
        case("==", order.is_eq());
    });
}

#[test]
fn equalities_are_those_of_erl() {
    compare(|heap, random, cases| {
        let (a, b) = pair(heap, random);
        assert_eq!((eq(a, b), same(a, b)), (eq(b, a), same(b, a)));
        cases.push(Case { call: ("erlang", "==", vec![a, b]), ours: Term::bool(eq(a, b)) });
        cases.push(Case { call: ("erlang", "=:=", vec![a, b]), ours: Term::bool(same(a, b)) });
    });
}

#[test]
fn the_exact_order_is_that_of_map_keys() {
    compare(|heap, random, cases| {
        let (a, b) = pair(heap, random);
        let ours = cmp_exact(a, b);
        assert_eq!(ours.is_eq(), same(a, b));
        assert_eq!(cmp_exact(b, a), ours.reverse());
        // cmp_term answers any integer of the right sign, so its sign is asked for.
        let call = heap.list(&[a, b]);
        let [erts, cmp_term] = ["erts_internal", "cmp_term"].map(|a| Term::atom(purlin_term::Atom::new(a)));
        let args = vec![erts, cmp_term, call];
        cases.push(Case { call: ("purlin_oracle", "sign", args), ours: Term::small(ours as i64) });
    });
}

#[test]
fn hashes_are_those_of_erl() {
    compare(|heap, random, cases| {
        let (t, _) = pair(heap, random);
        let range = heap.unsigned(1 << 32);
        let small = Term::small(1 + random.below(1_000) as i64);
        let mut case = |function, args: &[Term], ours: u64| {
            let call = ("erlang", function, [&[t], args].concat());
            cases.push(Case { call, ours: Term::small(ours as i64) });
        };
        case("phash2", &[], phash2(t, 1 << 27));
        case("phash2", &[range], phash2(t, 1 << 32));
        case("phash2", &[small], phash2(t, small.small_value() as u64));
        case("phash", &[range], phash(t, 1 << 32));
        case("phash", &[small], phash(t, small.small_value() as u64));
    });
}
