use super::*;

#[test]
fn compiled_patterns_carry_text_and_options() {
    let mut lines = LineEnds::default();
    lines.add_newline(purlin_regex::Newline::Any);
    lines.add_bsr(true);
    let options = Options { flags: Flags::UTF.with(Flags::DOTALL), lines, ..Options::default() };
    let code = encode(options, b"a.b");
    assert_eq!(decode(&code), Some((options, &b"a.b"[..])));
    assert_eq!(decode(b"ERCP"), None);
    assert_eq!(decode(b"PLR2\0\0"), None);
    assert_eq!(decode(b"PLR2\0\0\0\0\x40"), None);
}

#[test]
fn iodata_is_flattened_in_order() {
    let mut h = Heap::new(0);
    let (a, b, c) = (Term::small(97), h.binary(b"bc"), Term::small(100));
    let inner = h.list(&[b, c]);
    let t = h.list_with_tail(&[a, inner, Term::NIL, a], b);
    assert_eq!(bytes(t).unwrap().as_ref(), b"abcdabc");
    let improper = h.cons(a, a);
    assert!(bytes(improper).is_none());
    assert!(bytes(am!("a")).is_none());
    let wide = h.list(&[Term::small(256)]);
    assert!(bytes(wide).is_none());
}
