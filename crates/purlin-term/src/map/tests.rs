use super::*;
use crate::compare::{cmp_exact, eq, same};
use std::cmp::Ordering;

fn small_map(h: &mut Heap, keys: impl Iterator<Item = i64>) -> Term {
    let pairs: Vec<(Term, Term)> = keys.map(|k| (Term::small(k), Term::small(k * 2))).collect();
    from_pairs(h, &pairs)
}

fn listed(map: Term) -> Vec<i64> {
    iter_listed(map).map(|(k, _)| k.small_value()).collect()
}

#[test]
fn large_maps_list_their_keys_in_otp_order() {
    let mut h = Heap::new(0);
    let map = small_map(&mut h, 1..=100);
    let otp = [
        33, 12, 73, 44, 23, 29, 47, 89, 61, 30, 43, 39, 45, 48, 57, 26, 69, 88, 63, 100, 71, 46, 31, 98, 81, 11, 37, 9,
        76, 32, 34, 25, 28, 85, 91, 64, 6, 72, 68, 86, 51, 80, 38, 13, 59, 40, 77, 95, 41, 20, 78, 15, 14, 60, 2, 7,
        83, 74, 99, 1, 97, 8, 3, 75, 90, 58, 55, 17, 22, 52, 87, 21, 96, 4, 82, 36, 53, 50, 66, 24, 10, 35, 70, 56, 62,
        49, 27, 84, 94, 92, 42, 19, 67, 93, 65, 5, 54, 18, 79, 16,
    ];
    assert_eq!(listed(map), otp);
    let mut iterated: Vec<i64> = iter(map).map(|(k, _)| k.small_value()).collect();
    iterated.reverse();
    assert_eq!(iterated, otp);
}

#[test]
fn shape_does_not_depend_on_how_a_map_was_made() {
    let mut h = Heap::new(0);
    for n in [0i64, 1, 31, 32, 33, 34, 100, 2_000] {
        let at_once = small_map(&mut h, 0..n);
        let mut by_put = empty(&mut h);
        for k in (0..n).rev() {
            by_put = put(&mut h, by_put, Term::small(k), Term::small(k * 2));
        }
        let mut by_remove = small_map(&mut h, 0..2 * n + 40);
        for k in n..2 * n + 40 {
            by_remove = remove(&mut h, by_remove, Term::small(k));
        }
        let (low, high) = (small_map(&mut h, 0..n * 2 / 3), small_map(&mut h, n / 3..n));
        let by_merge = merge(&mut h, low, high);
        for (made, map) in [("put", by_put), ("remove", by_remove), ("merge", by_merge)] {
            assert!(same(at_once, map) && eq(map, at_once), "{n} {made}");
            assert_eq!(cmp_exact(map, at_once), Ordering::Equal, "{n} {made}");
            assert_eq!(size(map), n as usize);
            assert_eq!(map.as_flat_map().is_some(), n <= 32);
        }
        for k in 0..n {
            assert_eq!(get(at_once, Term::small(k)), Some(Term::small(k * 2)));
        }
        assert_eq!(get(at_once, Term::small(n)), None);
    }
}

#[test]
fn keys_that_share_a_hash_live_in_deeper_levels() {
    let mut h = Heap::new(0);
    // 400,000 keys hold a few pairs that agree in all 32 bits.
    let mut seen = std::collections::HashMap::new();
    let mut found = Vec::new();
    for i in 0..400_000i64 {
        let key = Term::small(i * 7919);
        if let Some(other) = seen.insert(crate::hash::map_key(key, 0), key) {
            found.push((other, key));
        }
    }
    assert!(!found.is_empty());
    let mut map = small_map(&mut h, 1..=40);
    let before = map;
    let pairs: Vec<Term> = found.iter().flat_map(|&(a, b)| [a, b]).collect();
    for &k in &pairs {
        map = put(&mut h, map, k, Term::NIL);
    }
    let all: Vec<(Term, Term)> = iter(map).collect();
    assert_eq!(all.len(), size(map));
    let again = from_pairs(&mut h, &all);
    assert!(same(map, again));
    for &k in &pairs {
        assert_eq!(get(map, k), Some(Term::NIL));
        map = remove(&mut h, map, k);
        assert_eq!(get(map, k), None);
    }
    assert!(same(map, before));
}

#[test]
fn unchanged_values_give_the_same_map_and_flat_maps_share_keys() {
    let mut h = Heap::new(0);
    for n in [3i64, 100] {
        let map = small_map(&mut h, 0..n);
        assert_eq!(put(&mut h, map, Term::small(1), Term::small(2)), map);
        assert_eq!(remove(&mut h, map, Term::small(n)), map);
        assert_eq!(update(&mut h, map, Term::small(n), Term::NIL), None);
        let updated = update(&mut h, map, Term::small(1), Term::NIL).unwrap();
        assert_eq!(get(updated, Term::small(1)), Some(Term::NIL));
        if n == 3 {
            assert_eq!(map.any_body()[0], updated.any_body()[0]);
        }
        let (value, rest) = take(&mut h, map, Term::small(1)).unwrap();
        assert_eq!((value, size(rest)), (Term::small(2), n as usize - 1));
    }
}

#[test]
fn later_pairs_win() {
    let mut h = Heap::new(0);
    for n in [10i64, 50] {
        let pairs: Vec<(Term, Term)> = (0..3 * n).map(|i| (Term::small(i % n), Term::small(i))).collect();
        let map = from_pairs(&mut h, &pairs);
        assert_eq!(size(map), n as usize);
        assert!(iter(map).all(|(k, v)| v.small_value() == k.small_value() + 2 * n));
    }
}

#[test]
fn stepping_visits_every_association_once() {
    let mut h = Heap::new(0);
    for n in [0i64, 5, 32, 33, 1_000] {
        let map = small_map(&mut h, 0..n);
        let (mut path, mut keys) = (Term::small(0), Vec::new());
        loop {
            let mut t = map_next(&mut h, path, map, NextForm::Iterator, 7).unwrap();
            while let Some(&[key, _, next]) = t.as_tuple() {
                keys.push(key.small_value());
                t = next;
            }
            match t.as_cons() {
                Some((next, rest)) => {
                    assert_eq!(rest, map);
                    path = next;
                }
                None => break,
            }
        }
        let expected: Vec<i64> = iter(map).map(|(k, _)| k.small_value()).collect();
        assert_eq!(keys, expected);

        let (mut path, mut list) = (Term::small(0), Term::NIL);
        loop {
            list = map_next(&mut h, path, map, NextForm::List(list), 7).unwrap();
            let Some((first, rest)) = list.as_cons() else { break };
            if first.is_tuple() {
                break;
            }
            (path, list) = (first, rest.as_cons().unwrap().1);
        }
        let keys: Vec<i64> = list.iter().map(|p| p.as_tuple().unwrap()[0].small_value()).collect();
        assert_eq!(keys, listed(map));
    }
    let map = small_map(&mut h, 0..40);
    for path in [Term::NIL, Term::small(-1), Term::small(0xFFFF)] {
        assert!(map_next(&mut h, path, map, NextForm::Iterator, 7).is_none());
    }
}

#[test]
fn putting_many_is_as_putting_one_after_the_other() {
    let mut h = Heap::new(0);
    for (have, put) in [(0..0, 0..3), (0..5, 0..3), (0..5, 3..8), (10..12, 0..30), (0..31, 31..33), (0..40, 38..45)] {
        let map = small_map(&mut h, have);
        let pairs: Vec<(Term, Term)> = put.map(|i| (Term::small(i), Term::NIL)).collect();
        let one_by_one = pairs.iter().fold(map, |m, &(k, v)| super::put(&mut h, m, k, v));
        let at_once = put_all(&mut h, map, &pairs);
        assert!(same(at_once, one_by_one));
        assert_eq!(put_all(&mut h, at_once, &pairs), at_once, "nothing changes");
        assert_eq!(update_all(&mut h, at_once, &pairs), Ok(at_once));
        let missing = pairs.iter().map(|p| p.0).find(|&k| !contains(map, k));
        assert_eq!(update_all(&mut h, map, &pairs).err(), missing);
    }
}
