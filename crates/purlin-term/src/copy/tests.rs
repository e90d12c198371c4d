use super::*;
use crate::am;
use crate::literal::Literals;

#[test]
fn copies_are_equal_in_shape_and_exact_in_size() {
    let mut h = Heap::new(0);
    let inner = h.list(&[Term::small(1), Term::small(2), am!("x")]);
    let bin = h.binary(&[7; 100]);
    let improper = h.cons(inner, Term::small(9));
    let t = h.tuple(&[inner, bin, improper, Term::NIL]);
    assert_eq!(flat_size(t, Literals::lasting()), 5 + 6 + 4 + 2 + 6);
    let (f, c) = to_fragment(t, Literals::lasting());
    assert_eq!(f.used, 23);
    assert_eq!(f.off_heap.len(), 1);
    drop(h);
    let e = c.as_tuple().unwrap();
    assert_eq!(e[0].as_list().unwrap(), vec![Term::small(1), Term::small(2), am!("x")]);
    assert_eq!(e[1].as_bytes().unwrap().as_ref(), &[7; 100]);
    let (head, tail) = e[2].as_cons().unwrap();
    assert_eq!(head.as_list().unwrap().len(), 3);
    assert_eq!(tail, Term::small(9));
}

#[test]
fn a_million_deep_list_needs_no_recursion() {
    let mut h = Heap::new(0);
    let mut t = Term::NIL;
    for _ in 0..1_000_000 {
        t = h.list(&[t]);
    }
    let (_f, c) = to_fragment(t, Literals::lasting());
    assert!(c.is_cons());
}
