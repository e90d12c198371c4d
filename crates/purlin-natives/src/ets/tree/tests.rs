use super::*;
use purlin_term::Heap;

fn row(t: Term) -> Row {
    Row::new(t).unwrap()
}

#[test]
fn an_integer_and_its_float_are_one_key() {
    let mut h = Heap::new(64);
    let one = h.float(1.0);
    let (a, b) = (h.tuple(&[Term::small(1), Term::NIL]), h.tuple(&[one, Term::small(2)]));
    let mut t = TreeRows::new(1);
    assert!(t.put(row(a), false));
    assert!(!t.put(row(b), true));
    assert!(t.put(row(b), false));
    assert_eq!(t.len(), 1);
    assert_eq!(t.get(Term::small(1)).unwrap().term().as_tuple().unwrap()[1], Term::small(2));
    assert_eq!(t.words(), 5 + 3 + 2);
    assert!(t.take(Term::small(1)).is_some());
    assert_eq!(t.words(), 0);
}

#[test]
fn neighbours_of_missing_keys_are_found() {
    let mut h = Heap::new(64);
    let mut t = TreeRows::new(1);
    for i in [1, 5, 9] {
        let r = h.tuple(&[Term::small(i)]);
        t.put(row(r), false);
    }
    let key = |o: Option<&Row>| o.map(|o| o.term().as_tuple().unwrap()[0].small_value());
    assert_eq!(key(t.next(Term::small(2))), Some(5));
    assert_eq!(key(t.prev(Term::small(5))), Some(1));
    assert_eq!(key(t.next(Term::small(9))), None);
    assert_eq!(key(t.nth(2)), Some(9));
}

/// Checks that every node knows its children's least keys and gives the rows in order.
fn check(t: &TreeRows) -> Vec<Term> {
    fn walk(t: &TreeRows, id: Id, height: usize, out: &mut Vec<Term>) -> Term {
        if height == 0 {
            let leaf = t.leaves.get(id);
            for (k, r) in leaf.node.keys().iter().zip(leaf.node.values()) {
                assert_eq!(*k, key::at(t.keypos, r.as_ref().unwrap()));
                out.push(k.term());
            }
            return leaf.node.first().term();
        }
        let node = t.inner.get(id);
        assert!(node.len() > 0);
        for (k, child) in node.keys().iter().zip(node.values()) {
            assert_eq!(*k, walk(t, *child, height - 1, out));
        }
        node.first().term()
    }
    let mut all = Vec::new();
    if t.len() > 0 {
        walk(t, t.root, t.height, &mut all);
    }
    let listed: Vec<Term> = t.range(Bound::Unbounded, Bound::Unbounded).map(|r| key::at(1, r)).collect();
    let mut back: Vec<Term> = t.range(Bound::Unbounded, Bound::Unbounded).rev().map(|r| key::at(1, r)).collect();
    back.reverse();
    assert_eq!((&all, &all, all.len()), (&listed, &back, t.len()));
    assert_eq!(t.leaves.all.len() - t.leaves.free.len(), t.leaves.all.iter().flatten().count());
    all
}

#[test]
fn rows_come_and_go_as_in_a_map() {
    use std::collections::BTreeMap;
    for (seed, span) in [(1u64, 50), (2, 400), (3, 40_000)] {
        let (mut t, mut model, mut x) = (TreeRows::new(1), BTreeMap::new(), seed);
        let mut h = Heap::new(0);
        for round in 0..60_000 {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let n = (x >> 33) as i64 % span;
            // Boxed keys, so that each row has its own; deletions come in long runs.
            let key = h.tuple(&[Term::small(n)]);
            if round / 9000 % 2 == 0 || x >> 60 == 0 {
                let r = h.tuple(&[key, Term::small(round)]);
                t.put(row(r), false);
                model.insert(n, round);
            } else {
                let n = model.range(n..).next().map_or(n, |e| *e.0);
                let key = h.tuple(&[Term::small(n)]);
                assert_eq!(t.take(key).is_some(), model.remove(&n).is_some());
            }
            if round % 5000 == 0 {
                let all: Vec<i64> = check(&t).iter().map(|k| k.as_tuple().unwrap()[0].small_value()).collect();
                assert_eq!(all, model.keys().copied().collect::<Vec<_>>());
                h = Heap::new(0);
            }
            if round % 100 == 0 {
                let key = h.tuple(&[Term::small(n)]);
                let number = |r: Option<&Row>| r.map(|r| r.elements()[1].small_value());
                assert_eq!(number(t.get(key)), model.get(&n).copied());
                assert_eq!(number(t.next(key)), model.range(n + 1..).next().map(|e| *e.1));
                assert_eq!(number(t.prev(key)), model.range(..n).next_back().map(|e| *e.1));
            }
        }
        for n in model.into_keys() {
            let key = h.tuple(&[Term::small(n)]);
            assert!(t.take(key).is_some());
            check(&t);
        }
        assert_eq!((t.words(), t.height, t.leaves.all.iter().flatten().count()), (0, 0, 0));
        assert_eq!(t.inner.all.iter().flatten().count(), 0);
    }
}

#[test]
fn rows_in_order_fill_their_leaves() {
    for descending in [false, true] {
        let (mut t, mut h) = (TreeRows::new(1), Heap::new(0));
        for i in 0..6000 {
            let r = h.tuple(&[Term::small(if descending { -i } else { i })]);
            t.put(row(r), false);
        }
        check(&t);
        assert_eq!(t.leaves.all.len(), 6000 / FULL);
    }
}
