use super::*;
use crate::heap::Heap;
use crate::map;

/// Terms in ascending order, equal ones in one group.
fn ascending(h: &mut Heap) -> Vec<Vec<Term>> {
    let mut groups: Vec<Vec<Term>> = vec![
        vec![h.float(-1.0e300)],
        vec![h.big(true, &[0, 1])],
        vec![Term::small(-1), h.float(-1.0)],
        vec![h.float(-0.5)],
        vec![Term::small(0), h.float(0.0), h.float(-0.0)],
        vec![h.float(0.5)],
        vec![Term::small(1), h.float(1.0)],
        vec![h.float(9007199254740992.0), Term::small(9007199254740992)],
        vec![Term::small(9007199254740993)],
        vec![Term::small((1 << 59) - 1)],
        vec![h.integer(1 << 59), h.float((1u64 << 59) as f64)],
        vec![h.integer((1 << 59) + 1)],
        vec![h.big(false, &[0, 1]), h.float(2f64.powi(64))],
        vec![h.big(false, &[1, 1])],
        vec![h.big(false, &[0, 0, 0, 1 << 20])],
        vec![h.float(f64::MAX)],
        vec![h.big(false, &[0; 17].map(|_| 1))],
        vec![Term::atom(Atom::EMPTY)],
        vec![Term::atom(Atom::new("a"))],
        vec![Term::atom(Atom::new("aa"))],
        vec![Term::atom(Atom::new("b"))],
        vec![h.reference([5, 0])],
        vec![h.reference([4, 1])],
        vec![h.export_fun(Atom::new("a"), Atom::new("b"), 2)],
        vec![h.export_fun(Atom::new("a"), Atom::new("c"), 1)],
        vec![Term::port(3)],
        vec![Term::pid(7)],
        vec![h.external(crate::Kind::ExtPid, Atom::new("z@b"), 1, &[7, 0])],
        vec![Term::pid(8)],
        vec![Term::pid(1 << 15)],
        vec![h.tuple(&[])],
        vec![h.tuple(&[Term::small(5)])],
        vec![h.tuple(&[Term::small(1), Term::small(1)])],
    ];
    let (one, two) = (Term::small(1), Term::small(2));
    let float_one = h.float(1.0);
    groups.push(vec![map::empty(h)]);
    groups.push(vec![map::from_pairs(h, &[(one, one)]), map::from_pairs(h, &[(one, float_one)])]);
    groups.push(vec![map::from_pairs(h, &[(two, one)])]);
    groups.push(vec![map::from_pairs(h, &[(float_one, one)])]);
    groups.push(vec![Term::NIL]);
    groups.push(vec![h.list_with_tail(&[one], two)]);
    groups.push(vec![h.list(&[one]), h.list(&[float_one])]);
    groups.push(vec![h.list(&[one, one])]);
    let long = h.binary(&[1; 100]);
    groups.push(vec![h.binary(&[])]);
    groups.push(vec![h.binary(&[0, 0])]);
    groups.push(vec![h.binary(&[1; 3])]);
    groups.push(vec![h.binary(&[1; 65]), h.sub_bits(long, 8, 520)]);
    groups.push(vec![long]);
    groups.push(vec![h.binary(&[1, 1, 1, 1, 1, 1, 1, 2])]);
    groups.push(vec![h.binary(&[1, 1, 1, 1, 1, 1, 1, 3])]);
    groups.push(vec![h.binary(&[1, 1, 2])]);
    groups.push(vec![h.bitstring(&[0x80], 1)]);
    groups
}

#[test]
fn terms_of_all_types_are_ordered() {
    let mut h = Heap::new(0);
    let groups = ascending(&mut h);
    for (i, xs) in groups.iter().enumerate() {
        for (j, ys) in groups.iter().enumerate() {
            for &x in xs {
                for &y in ys {
                    assert_eq!(cmp(x, y), i.cmp(&j), "{x:?} {y:?} ({i}, {j})");
                    assert_eq!(eq(x, y), i == j, "{x:?} {y:?} ({i}, {j})");
                    let (of_pairs, of_lists) = ([x, y].map(|t| h.tuple(&[Term::NIL, t])), [x, y].map(|t| h.list(&[t])));
                    for (x, y) in [(x, y), of_pairs.into(), of_lists.into()] {
                        assert!(decided(x, y).is_none_or(|order| order == i.cmp(&j)), "{x:?} {y:?} ({i}, {j})");
                    }
                    assert_eq!(same(x, y), cmp_exact(x, y) == Ordering::Equal, "{x:?} {y:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_sought_says_what_the_order_says_or_nothing() {
    let mut h = Heap::new(0);
    let mut terms: Vec<Term> = ascending(&mut h).concat();
    for name in ["a", "abcd", "abcde", "zz", ""] {
        let atom = Term::atom(Atom::new(name));
        terms.extend([atom, h.tuple(&[atom, Term::small(1)]), h.tuple(&[atom, Term::small(2)])]);
    }
    let mut said = 0;
    for &x in &terms {
        let Some(sought) = Sought::new(x) else { continue };
        for &y in &terms {
            if let Some(behind) = sought.is_behind(y) {
                assert_eq!(behind, cmp(y, x) == Ordering::Less, "{x:?} {y:?}");
                assert_ne!(cmp(x, y), Ordering::Equal, "{x:?} {y:?}");
                said += 1;
            }
        }
    }
    assert!(said > 100, "{said}");
}

#[test]
fn the_exact_order_puts_integers_before_floats() {
    let mut h = Heap::new(0);
    let (float, big) = (h.float(-1.0), h.big(false, &[0, 1]));
    for i in [Term::small(1), big] {
        assert_eq!(cmp_exact(i, float), Ordering::Less);
        assert_eq!(cmp_exact(float, i), Ordering::Greater);
        let (a, b) = (h.tuple(&[i]), h.tuple(&[float]));
        assert_eq!(cmp_exact(a, b), Ordering::Less);
    }
    let (plus, minus) = (h.float(0.0), h.float(-0.0));
    assert!(same(plus, minus));
}

#[test]
fn nesting_a_million_deep_needs_no_stack() {
    let mut h = Heap::new(0);
    let mut make = |end: i64| {
        let (mut list, mut tuple) = (Term::small(end), Term::small(end));
        for _ in 0..1_000_000 {
            list = h.cons(list, Term::NIL);
            tuple = h.tuple(&[tuple, Term::NIL]);
        }
        (list, tuple)
    };
    let ((a, c), (b, d), (e, _)) = (make(1), make(1), make(2));
    assert!(same(a, b) && eq(a, b) && same(c, d));
    assert!(!same(a, e));
    assert_eq!(cmp(a, b), Ordering::Equal);
    assert_eq!(cmp(a, e), Ordering::Less);
    assert_eq!(cmp_exact(c, d), Ordering::Equal);
    assert_eq!(crate::hash::phash2_value(a), crate::hash::phash2_value(b));
    assert_eq!(crate::hash::phash_value(c), crate::hash::phash_value(d));
    assert_eq!(crate::hash::internal(a), crate::hash::internal(b));
}

#[test]
fn large_maps_compare_by_their_smallest_difference() {
    let mut h = Heap::new(0);
    let pairs: Vec<(Term, Term)> = (0..100).map(|i| (Term::small(i), Term::small(0))).collect();
    let base = map::from_pairs(&mut h, &pairs);
    for (low, high) in [(3, 90), (90, 97)] {
        let less = map::put(&mut h, base, Term::small(low), Term::small(-1));
        let both = map::put(&mut h, less, Term::small(high), Term::small(1));
        assert_eq!(cmp(both, base), Ordering::Less);
        assert_eq!(cmp(base, both), Ordering::Greater);
        let without_low = map::remove(&mut h, base, Term::small(low));
        let other = map::put(&mut h, without_low, Term::small(1_000), Term::small(9));
        // The owner of the smallest key that only one map has comes first.
        assert_eq!(cmp(base, other), Ordering::Less);
        assert_eq!(cmp(other, both), Ordering::Greater);
    }
    let zero = h.float(0.0);
    let floats: Vec<(Term, Term)> = (0..100).map(|i| (Term::small(i), zero)).collect();
    let floats = map::from_pairs(&mut h, &floats);
    assert!(eq(base, floats) && !same(base, floats));
    assert_eq!(cmp(base, floats), Ordering::Equal);
    assert_eq!(cmp_exact(base, floats), Ordering::Less);
}
