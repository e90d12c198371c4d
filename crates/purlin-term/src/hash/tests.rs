use super::*;
use crate::atom::Atom;
use crate::heap::Heap;
use crate::map;

#[test]
fn values_are_those_of_otp() {
    let mut heap = Heap::new(0);
    let h = &mut heap;
    let ints = |from: i64, to: i64| (from..=to).map(Term::small).collect::<Vec<_>>();
    let (a, b) = (Term::atom(Atom::new("a")), Term::atom(Atom::new("b")));
    let inner = map::from_pairs(h, &[(b, Term::NIL)]);
    let fifty: Vec<(Term, Term)> = (1..=50).map(|i| (Term::small(i), h.tuple(&[Term::small(i)]))).collect();
    let values: [(Term, u32, u32); 28] = [
        (Term::small(0), 3175731469, 0),
        (Term::small(1), 539485162, 2788898427),
        (Term::small(-1), 1117813597, 1680185269),
        (Term::small(1 << 27), 2562491755, 2147483672),
        (Term::small(-(1 << 40)), 2464100025, 3765867549),
        (h.big(false, &[0, 1]), 2519041713, 2788898427),
        (h.big(true, &[0, 0, 4]), 552595767, 2425773780),
        (Term::atom(Atom::OK), 1883, 1883),
        (Term::atom(Atom::new("é")), 233, 233),
        (Term::NIL, 3468870702, 1),
        (h.list(&ints(1, 3)), 4186538188, 3336869157),
        (h.list(&ints(1, 5)), 3824152778, 1630427362),
        (h.cons(a, b), 2356411656, 4159696707),
        (h.list(&[Term::small(300), Term::small(1)]), 3636192855, 1560565383),
        (h.tuple(&[]), 221703996, 0),
        (h.tuple(&[a, Term::small(1)]), 4098956996, 3187717804),
        (h.float(1.5), 2023646235, 1073217536),
        (h.float(-0.0), 423528920, 0),
        (h.binary(b""), 147926629, 0),
        (h.binary(b"hello world, a binary"), 3902738117, 1211106249),
        (h.bitstring(&[1 << 5], 3), 3965351140, 1345689960),
        (h.bitstring(b"abcdefghijklm\x50", 108), 4096790194, 498877131),
        (map::empty(h), 844985373, 1113425984),
        (map::from_pairs(h, &[(a, Term::small(1)), (b, Term::small(2))]), 1982682855, 2251123466),
        (map::from_pairs(h, &fifty), 1346256105, 1614696716),
        (h.export_fun(Atom::new("lists"), Atom::new("map"), 2), 840287883, 904024395),
        (h.list(&[Term::NIL, Term::NIL]), 67164138, 3758123099),
        (map::from_pairs(h, &[(a, inner)]), 2105059304, 2373499915),
    ];
    for (t, new, old) in values {
        assert_eq!(phash2(t, 1 << 32), new as u64, "{t:?}");
        assert_eq!(phash(t, 1 << 32) - 1, old as u64, "{t:?}");
    }
}

#[test]
fn equal_terms_of_different_make_have_one_hash() {
    let mut h = Heap::new(0);
    let whole = h.binary(&(0..200).collect::<Vec<u8>>());
    let part = h.sub_bits(whole, 3, 1_001);
    let copy = h.bitstring(&part.as_bits().unwrap().to_bytes(), 1_001);
    assert_eq!(internal(part, 0), internal(copy, 0));
    assert_eq!(phash2_value(part), phash2_value(copy));
    assert_eq!(phash_value(part), phash_value(copy));
}

#[test]
fn tuples_hash_alike_with_and_without_a_work_list() {
    let mut h = Heap::new(0);
    let mut t = h.tuple(&[]);
    let float = h.float(1.5);
    for depth in 0..6 {
        let last = if depth % 2 == 0 { Term::NIL } else { float };
        for t in [t, h.tuple(&[t, Term::small(7), t]), h.tuple(&[Term::small(7), t, last])] {
            assert_eq!(internal(t, 9), internal_compound(t, Hash(9 ^ INTERNAL_SALT)), "{t:?}");
        }
        t = h.tuple(&[Term::small(depth), t, Term::atom(Atom::OK)]);
    }
}
