use super::*;
use crate::{Heap, boxed, map};

fn atom(text: &str) -> Term {
    Term::atom(Atom::new(text))
}

#[track_caller]
fn check(t: Term, want: &str) {
    assert_eq!(display(t).to_string(), want);
}

#[test]
fn atoms_are_quoted_unless_they_are_latin1_words() {
    for (text, want) in [
        ("abc_D9", "abc_D9"),
        ("", "''"),
        ("Abc", "'Abc'"),
        ("_a", "'_a'"),
        ("a@b", "'a@b'"),
        ("it's", "'it\\'s'"),
        ("éÀ", "éÀ"),
        ("a×", "'a×'"),
        ("aª", "'aª'"),
        ("ßĀ", "'ßĀ'"),
        ("aλ", "'aλ'"),
        ("a日", "'a日'"),
        ("\u{1}\u{1F}\u{8}\u{B}\u{C}\u{7F}\u{80}\u{9F}\u{A0}", "'\\001\\037\\b\\v\\f\u{7F}\\200\\237\u{A0}'"),
    ] {
        check(atom(text), want);
    }
}

#[test]
fn strings_and_bitstrings_show_characters_where_all_are_printable() {
    let mut h = Heap::new(0);
    let t = h.byte_list(&[233, 10, 9, 34, 92, 13]);
    check(t, "\"é\\n\t\\\"\\\r\"");
    assert_eq!(to_bytes(t, NO_LIMIT), b"\"\xE9\\n\t\\\"\\\r\"");
    let t = h.byte_list(&[128]);
    check(t, "[128]");
    let tail = h.string("abc");
    let t = h.cons(Term::small(65), tail);
    check(t, "\"Aabc\"");
    let t = h.cons(Term::small(65), Term::small(66));
    check(t, "[65|66]");
    let t = h.binary(b"a\"b\\c");
    check(t, "<<\"a\\\"b\\c\">>");
    let t = h.binary(b"a\n");
    check(t, "<<97,10>>");
    let t = h.binary(b"");
    check(t, "<<>>");
    let t = h.bitstring(&[0b0010_0000], 3);
    check(t, "<<1:3>>");
    let t = h.bitstring(&[255, 0b1110_0000], 11);
    check(t, "<<255,7:3>>");
}

#[test]
fn numbers_and_identifiers() {
    let mut h = Heap::new(0);
    for (f, want) in [(1.0e-5, "1.000000e-05"), (-0.0, "-0.000000e+00"), (1.5e300, "1.500000e+300")] {
        let t = h.float(f);
        check(t, want);
    }
    let t = h.big(true, &[0, 1 << 36]);
    check(t, "-1267650600228229401496703205376");
    check(Term::pid(2 << 15 | 77), "<0.77.2>");
    check(Term::port(5), "#Port<0.5>");
    let id = boxed::ref_id([19394, 443809794, 2531208084]).expect("18 bits");
    let t = h.reference(id);
    check(t, "#Ref<0.2531208084.443809794.19394>");
    let node = Atom::new("some@node");
    let t = h.external(Kind::ExtPid, node, 1, &[7, 8]);
    check(t, &format!("<{}.7.8>", node.number()));
    let t = h.export_fun(Atom::new("A b"), Atom::new("map"), 2);
    check(t, "fun 'A b':map/2");
}

#[test]
fn compound_terms() {
    let mut h = Heap::new(0);
    let string = h.string("abc");
    let list = h.list_with_tail(&[Term::small(1), atom("a")], Term::small(2));
    let empty = h.tuple(&[]);
    let t = h.tuple(&[string, list, empty, Term::NIL]);
    check(t, "{\"abc\",[1,a|2],{},[]}");
    let t = map::from_pairs(&mut h, &[(atom("b"), t), (atom("a"), Term::small(1))]);
    check(t, "#{a=>1,b=>{\"abc\",[1,a|2],{},[]}}");
    let t = map::empty(&mut h);
    check(t, "#{}");
    let pairs: Vec<(Term, Term)> = (1..=33).map(|i| (Term::small(i), Term::NIL)).collect();
    let t = map::from_pairs(&mut h, &pairs);
    let text = display(t).to_string();
    assert!(text.starts_with("#<"), "{text}");
    assert_eq!(text.matches('[').count() + text.matches('"').count() / 2, 33, "{text}");
}

#[test]
fn text_breaks_off_at_the_limit() {
    let mut h = Heap::new(0);
    let n = Term::small;
    let list = h.list(&[n(1), n(2), n(3)]);
    let string = h.string("abcdef");
    let binary = h.binary(&[1, 2, 3]);
    for (t, limit, want) in [
        (list, 3, "[1,2,... "),
        (list, 5, "[1,2,3]"),
        (list, 0, "... "),
        (string, 4, "\"abc... "),
        (binary, 2, "<<1,2... "),
        (atom("abc"), 2, "abc... "),
    ] {
        assert_eq!(display_limited(t, limit).to_string(), want, "{limit}");
    }
}

#[test]
fn deep_terms_take_no_stack() {
    let mut h = Heap::new(0);
    let mut t = Term::NIL;
    for _ in 0..200_000 {
        let inner = h.tuple(&[t]);
        t = h.list(&[inner]);
    }
    assert_eq!(display(t).to_string().len(), 200_000 * 4 + 2);
}
