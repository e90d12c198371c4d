use super::*;
use crate::heap::Heap;
use crate::word::Term;

fn decoded(bytes: &[u8]) -> Result<String, DecodeError> {
    let mut h = Heap::new(0);
    decode(bytes, &mut h, &mut PlainContext).map(|(t, used)| format!("{used} {t:?}"))
}

#[test]
fn truncated_and_corrupt_bytes_are_refused_where_they_go_wrong() {
    let cases: &[(&[u8], usize)] = &[
        (&[], 0),
        (&[130, 97, 1], 0),
        (&[131], 1),
        (&[131, 97], 2),
        (&[131, 104, 2, 97, 1], 5),
        (&[131, 108, 255, 255, 255, 255, 97, 1], 6),
        (&[131, 105, 255, 255, 255, 255], 6),
        (&[131, 109, 0, 0, 0, 2, 1], 6),
        (&[131, 116, 0, 0, 0, 2, 97, 1, 97, 1, 97, 1, 97, 2], 14),
        (&[131, 70, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0], 10),
        (&[131, 77, 0, 0, 0, 1, 0, 255], 7),
        (&[131, 200], 1),
        (&[131, 119, 1, 255], 4),
    ];
    for &(bytes, offset) in cases {
        assert_eq!(decoded(bytes), Err(DecodeError { offset }), "{bytes:?}");
    }
}

#[test]
fn nesting_has_no_limit() {
    let mut bytes = vec![131];
    for _ in 0..1_000_000 {
        bytes.extend([104, 1]);
    }
    bytes.push(106);
    let mut h = Heap::new(0);
    let (mut t, used) = decode(&bytes, &mut h, &mut PlainContext).expect("a term");
    assert_eq!(used, bytes.len());
    let mut depth = 0;
    while let Some(&[inner]) = t.as_tuple() {
        t = inner;
        depth += 1;
    }
    assert_eq!((depth, t), (1_000_000, Term::NIL));
}

#[test]
fn local_references_keep_their_numbers() {
    for words in [[0, 0, 0], [0x3_FFFF, u32::MAX, u32::MAX], [1, 2, 3]] {
        assert_eq!(ref_id(words).map(ref_words), Some(words));
    }
    assert_eq!(ref_id([0x4_0000, 0, 0]), None);
}

#[test]
fn funs_tell_their_size_with_binaries_that_are_left_where_they_are() {
    let mut h = Heap::new(0);
    let entry = Arc::new(FunEntry {
        module: Atom::OK,
        index: 1,
        old_index: 1,
        uniq: [7; 16],
        old_uniq: 7,
        arity: 0,
        num_free: 2,
        code: Default::default(),
    });
    let binary = h.binary(&[5; 10_000]);
    let part = h.sub_bits(binary, 8, 8 * 5000);
    let inner = h.fun(&entry, Term::pid(1), &[binary, part]);
    let outer = h.fun(&entry, Term::pid(1), &[part, inner]);
    let options = EncodeOptions::default();
    let whole = encode(outer, &options).expect("small terms");
    let pieces = encode_pieces(outer, &options).expect("small terms");
    assert_eq!(pieces.shared.len(), 3);
    let (mut all, mut from) = (Vec::<u8>::new(), 0);
    for (at, binary) in pieces.shared {
        all.extend(&pieces.bytes[from..at]);
        all.extend(binary.as_bytes().expect("a binary").iter());
        from = at;
    }
    all.extend(&pieces.bytes[from..]);
    assert!(all == whole);
}
