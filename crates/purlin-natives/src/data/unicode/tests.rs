//! Conversions, with results seen on OTP 25.

use super::*;

/// A small language for test input: numbers, `"text"` as a binary of these code points as bytes, and lists.
enum In {
    N(i64),
    B(&'static [u8]),
    L(Vec<In>),
    /// A list of the first elements that ends in the last one.
    Improper(Vec<In>),
}
use In::*;

fn term(h: &mut Heap, x: &In) -> Term {
    match x {
        N(i) => h.integer(*i),
        B(b) => h.binary(b),
        L(all) => {
            let all: Vec<Term> = all.iter().map(|x| term(h, x)).collect();
            h.list(&all)
        }
        Improper(all) => {
            let mut all: Vec<Term> = all.iter().map(|x| term(h, x)).collect();
            let tail = all.pop().unwrap();
            h.list_with_tail(&all, tail)
        }
    }
}

#[derive(Debug, PartialEq)]
enum Out {
    Ok,
    Error(String),
    Incomplete(String),
    Badarg,
}

/// A term as text, for comparing.
fn show(t: Term) -> String {
    if let Some(b) = t.as_bytes() {
        return format!("{b:?}");
    }
    if t.is_list() {
        let mut it = t.iter();
        let inner: Vec<String> = it.by_ref().map(show).collect();
        let tail = if it.tail().is_nil() { String::new() } else { format!("|{}", show(it.tail())) };
        return format!("[{}{tail}]", inner.join(","));
    }
    format!("{t:?}")
}

fn check(latin1: bool, input: In, text: &str, want: Out) {
    let mut h = Heap::new(0);
    let t = term(&mut h, &input);
    if !is_chardata(t) {
        assert_eq!(want, Out::Badarg);
        return;
    }
    let mut c = Converter::new(latin1);
    let end = match c.run(&mut h, t) {
        End::Done => Out::Ok,
        End::Error(rest) => Out::Error(show(rest)),
        End::Incomplete(rest) => Out::Incomplete(show(rest)),
    };
    assert_eq!((c.out.as_str(), end), (text, want));
}

fn error(rest: &str) -> Out {
    Out::Error(rest.into())
}

fn incomplete(rest: &str) -> Out {
    Out::Incomplete(rest.into())
}

#[test]
fn good_data_is_converted_whatever_its_shape() {
    check(false, B("aé€😀".as_bytes()), "aé€😀", Out::Ok);
    check(false, L(vec![N(0x61), B("é".as_bytes()), L(vec![N(0x20AC), L(vec![])])]), "aé€", Out::Ok);
    check(false, Improper(vec![N(0x61), B(b"b")]), "ab", Out::Ok);
    check(true, B(&[0x61, 0xE9]), "aé", Out::Ok);
    check(true, L(vec![N(0xE9), B(&[0xE9])]), "éé", Out::Ok);
    check(false, L(vec![B(&[0xE2]), B(&[0x82]), B(&[0xAC])]), "€", Out::Ok);
}

#[test]
fn errors_tell_what_is_left() {
    check(false, B(&[0x61, 0xFF, 0x62]), "a", error("[255, 98]"));
    check(false, L(vec![N(0x61), N(0xD800), N(0x62)]), "a", error("[55296,98]"));
    check(false, L(vec![L(vec![N(0x61), N(0xD800)]), N(0x62)]), "a", error("[[55296],98]"));
    check(false, L(vec![L(vec![L(vec![N(-1)])])]), "", error("[[[-1]]]"));
    check(false, L(vec![B(&[0x61, 0x80]), N(0x62)]), "a", error("[[128],98]"));
    check(true, L(vec![N(0x61), N(256)]), "a", error("[256]"));
    check(false, Improper(vec![N(0x61), B(&[0x80])]), "a", error("[128]"));
    check(false, L(vec![B(&[0xE2, 0x82]), N(0x62)]), "", error("[[226, 130],[98]]"));
    check(false, L(vec![B(&[0xE2, 0x82]), B(&[0x41, 0x42])]), "", error("[[226, 130],[[65, 66]]]"));
}

#[test]
fn data_may_end_within_a_character() {
    check(false, B(&[0x61, 0xE2, 0x82]), "a", incomplete("[226, 130]"));
    check(false, L(vec![N(0x61), B(&[0xE2])]), "a", incomplete("[226]"));
    check(false, L(vec![B(&[0xE2]), B(&[0x82])]), "", incomplete("[226, 130]"));
    check(false, B(&[0x61, 0xE2, 0x41]), "a", error("[226, 65]"));
    check(false, B(&[0xF4]), "", incomplete("[244]"));
}

#[test]
fn other_terms_are_bad_arguments() {
    check(false, N(1), "", Out::Badarg);
    check(false, Improper(vec![N(1), N(2)]), "", Out::Badarg);
    check(false, L(vec![N(1 << 60), L(vec![])]), "", error("[1152921504606846976,[]]"));
    let mut h = Heap::new(0);
    let odd = h.bitstring(&[0xFF], 3);
    let list = h.list(&[Term::small(1), odd]);
    let atoms = h.list(&[am!("a")]);
    assert!(!is_chardata(odd) && !is_chardata(list) && !is_chardata(atoms));
}
