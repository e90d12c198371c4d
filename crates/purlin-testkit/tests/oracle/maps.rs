//! Maps: what operations give, and in which order maps list their keys.

use purlin_term::compare::same;
use purlin_term::map::{self, NextForm};
use purlin_term::{Atom, Heap, Term};
use purlin_testkit::generate::{Shape, gen_map, gen_term, vary};
use purlin_testkit::mutate::Random;

use crate::{Case, compare};

/// Terms that may be keys of large maps: where atoms stand is the emulator's own business.
const KEYS: Shape = Shape { depth: 3, identifiers: false, atoms: false };

/// A map, and a key that is often in it.
fn map_and_key(heap: &mut Heap, random: &mut Random) -> (Term, Term) {
    let map = gen_map(heap, random, KEYS);
    let inside = map::iter(map).nth(random.below(map::size(map))).map(|(key, _)| key);
    let key = match inside {
        Some(key) if random.below(3) > 0 => vary(heap, random, KEYS, key),
        _ => gen_term(heap, random, KEYS),
    };
    (map, key)
}

/// The map and the lists that tell its order.
fn orders(heap: &mut Heap, map: Term, cases: &mut Vec<Case>) {
    let pairs: Vec<Term> = map::iter_listed(map).map(|(key, value)| heap.tuple(&[key, value])).collect();
    let listed = heap.list(&pairs);
    let (keys, values) = (map::keys(heap, map), map::values(heap, map));
    let end = Term::atom(Atom::new("none"));
    let pairs: Vec<(Term, Term)> = map::iter(map).collect();
    let chain = pairs.iter().rev().fold(end, |next, &(key, value)| heap.tuple(&[key, value, next]));
    for (module, function, ours) in [
        ("maps", "to_list", listed),
        ("maps", "keys", keys),
        ("maps", "values", values),
        ("purlin_oracle", "iterate", chain),
    ] {
        cases.push(Case { call: (module, function, vec![map]), ours });
    }
}

#[test]
fn maps_list_their_keys_as_in_erl() {
    compare(|heap, random, cases| {
        let map = gen_map(heap, random, KEYS);
        orders(heap, map, cases);
    });
}

#[test]
fn putting_and_removing_give_the_maps_of_erl() {
    compare(|heap, random, cases| {
        let (map, key) = map_and_key(heap, random);
        let value = gen_term(heap, random, KEYS);
        let put = map::put(heap, map, key, value);
        cases.push(Case { call: ("maps", "put", vec![key, value, map]), ours: put });
        let removed = map::remove(heap, map, key);
        cases.push(Case { call: ("maps", "remove", vec![key, map]), ours: removed });
        let found = map::get(map, key);
        let ours = Term::bool(found.is_some());
        cases.push(Case { call: ("maps", "is_key", vec![key, map]), ours });
        let default = Term::NIL;
        let ours = found.unwrap_or(default);
        cases.push(Case { call: ("maps", "get", vec![key, map, default]), ours });
        let taken = match map::take(heap, map, key) {
            Some((value, rest)) => heap.tuple(&[value, rest]),
            None => Term::atom(Atom::ERROR),
        };
        cases.push(Case { call: ("maps", "take", vec![key, map]), ours: taken });
        let updated = map::update(heap, map, key, value);
        assert_eq!(updated.is_some(), found.is_some());
        assert!(updated.is_none_or(|updated| same(updated, put)));
    });
}

#[test]
fn merging_gives_the_maps_of_erl() {
    compare(|heap, random, cases| {
        let (a, b) = (gen_map(heap, random, KEYS), gen_map(heap, random, KEYS));
        let b = if random.below(2) == 0 { b } else { vary(heap, random, KEYS, a) };
        if !b.is_map() {
            return;
        }
        let merged = map::merge(heap, a, b);
        cases.push(Case { call: ("maps", "merge", vec![a, b]), ours: merged });
        orders(heap, merged, cases);
    });
}

#[test]
fn maps_of_pairs_are_those_of_erl() {
    compare(|heap, random, cases| {
        let (map, _) = map_and_key(heap, random);
        let mut pairs: Vec<(Term, Term)> = map::iter(map).collect();
        for i in 0..pairs.len() {
            if random.below(4) == 0 {
                let key = vary(heap, random, KEYS, pairs[i].0);
                pairs.push((key, Term::small(i as i64)));
            }
        }
        let terms: Vec<Term> = pairs.iter().map(|&(key, value)| heap.tuple(&[key, value])).collect();
        let list = heap.list(&terms);
        let ours = map::from_pairs(heap, &pairs);
        cases.push(Case { call: ("maps", "from_list", vec![list]), ours });
    });
}

#[test]
fn stepping_through_maps_starts_as_in_erl() {
    compare(|heap, random, cases| {
        let map = gen_map(heap, random, KEYS);
        let list = heap.list(&[Term::small(1)]);
        let first = map::map_next(heap, Term::small(0), map, NextForm::List(list), 1_000);
        let args = vec![Term::small(0), map, list];
        cases.push(Case { call: ("erts_internal", "map_next", args), ours: first.expect("a path of any map") });
        let form = Term::atom(Atom::new("iterator"));
        let first = map::map_next(heap, Term::small(0), map, NextForm::Iterator, 1_000).expect("a path of any map");
        cases.push(Case { call: ("erts_internal", "map_next", vec![Term::small(0), map, form]), ours: first });
        let mut end = first;
        while let Some(&[_, _, next]) = end.as_tuple() {
            end = next;
        }
        if let Some((path, _)) = end.as_cons() {
            let rest = map::map_next(heap, path, map, NextForm::Iterator, 1_000).expect("a path that was given");
            cases.push(Case { call: ("erts_internal", "map_next", vec![path, map, form]), ours: rest });
        }
    });
}
