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
    assert_eq!(internal(part), internal(copy));
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
            assert_eq!(narrow(t, 9), internal_compound(t, Hash(9 ^ INTERNAL_SALT)), "{t:?}");
        }
        t = h.tuple(&[Term::small(depth), t, Term::atom(Atom::OK)]);
    }
}

#[test]
fn wide_values_are_those_of_otp_27() {
    let mut heap = Heap::new(0);
    let h = &mut heap;
    let (ok, one) = (Term::atom(Atom::OK), Term::small(1));
    let float = h.float(1.5);
    let empty = h.tuple(&[]);
    let inner = h.tuple(&[Term::small(2), float]);
    let middle = h.tuple(&[one, inner]);
    let ones = h.tuple(&[one]);
    let (error, yes, no) = (Term::atom(Atom::ERROR), Term::atom(Atom::TRUE), Term::atom(Atom::FALSE));
    let bytes = |from: i64, to: i64| (from..=to).map(Term::small).collect::<Vec<_>>();
    let values = [
        (Term::small(0), 15677855740172624429),
        (Term::small(-1), 7256831767414464289),
        (Term::small(1 << 40), 18278114801769838424),
        (h.big(false, &[0, 1]), 773736285751472253),
        (h.big(true, &[0, 0, 4]), 6476759026619847408),
        (ok, 4853104430548349308),
        (Term::NIL, 16046243290777390298),
        (h.list(&bytes(1, 3)), 14382127492065369570),
        (h.list(&bytes(1, 5)), 15588831757706608295),
        (h.list(&[Term::small(300), one]), 17124439562112818924),
        (h.cons(float, Term::small(2)), 11721540333357058563),
        (empty, 4510301282025278020),
        (h.tuple(&[ok, one]), 12171958840889370458),
        (h.tuple(&[empty, ok, Term::NIL]), 15923108481407166257),
        (h.tuple(&[ok, middle, Term::NIL]), 17787345372332802846),
        (float, 15485676177230109356),
        (h.float(-0.0), 7012789198383875584),
        (h.binary(b""), 13239095599208416018),
        (h.binary(b"hello world, a binary"), 11317385908939285115),
        (h.binary(b"12345678"), 10115115637456423250),
        (h.bitstring(&[1 << 5], 3), 701865480362869635),
        (h.bitstring(b"abcdefghijklm\x50", 108), 15505220484732846746),
        (map::empty(h), 6155915714603159186),
        (map::from_pairs(h, &[(ok, one)]), 3896030598162134320),
        (h.flat_map(&[yes, error], &[no, ones]), 2157421710696794949),
    ];
    for (t, value) in values {
        assert_eq!(wide::hash(t), value, "{t:?}");
    }
}

#[test]
fn wide_values_are_those_of_otp_29() {
    let mut heap = Heap::new(0);
    let h = &mut heap;
    let (one, float) = (Term::small(1), h.float(1.5));
    let values = [
        (h.big(false, &[0, 1]), 1273177175058809839),
        (h.big(true, &[0, 0, 4]), 15672931946983700453),
        (h.list(&[Term::small(1), Term::small(2), Term::small(3)]), 14382127492065369570),
        (h.list(&[Term::small(300), one]), 17124439562112818924),
        (h.cons(float, Term::small(2)), 4141472337884849332),
        (h.tuple(&[]), 4510301282025278020),
        (float, 5774261808650504887),
        (h.float(-0.0), 12330998780720423744),
        (h.binary(b""), 10873612744977862784),
        (h.binary(b"hello world, a binary"), 11384556386747942705),
        (h.binary(b"12345678"), 11669490673453915445),
        (h.bitstring(&[1 << 5], 3), 2772974853977271676),
        (h.bitstring(b"abcdefghijklm\x50", 108), 12398806299795787131),
        (map::empty(h), 9376759162891905861),
    ];
    for (t, value) in values {
        assert_eq!(wide::compound(t, true), value, "{t:?}");
    }
}

#[test]
fn identifiers_are_hashed_as_they_stand_in_tables() {
    assert_eq!(in_table(5, 20), 0x28);
    assert_eq!(in_table(100_000_001, 20), 0x5FF_080A);
    assert_eq!(in_table(1_000_000_000_000_000_001, 16), 0xDE0_B6B3_A764_0008);
}

#[test]
fn keys_of_one_wide_hash_have_different_narrow_ones() {
    let mut h = Heap::new(0);
    let (a, b) = (h.bitstring(&[0, 0x80], 9), h.bitstring(&[1, 0], 9));
    assert_eq!(wide::hash(a), wide::hash(b), "as on OTP 27");
    assert!((1..9).all(|salt| narrow(a, salt) != narrow(b, salt)));
}
