//! Arithmetic and the texts of integers.

use purlin_term::number::{self, ArithError};
use purlin_term::{Atom, Heap, Term};
use purlin_testkit::mutate::Random;

use crate::{Case, compare};

/// An integer of any size: up to three thousand bits, most often one near a limit of the representation.
fn integer(heap: &mut Heap, random: &mut Random) -> Term {
    let negative = random.below(2) == 0;
    if random.below(3) == 0 {
        return Term::small((random.number() as i64 >> (4 + random.below(60))) * if negative { -1 } else { 1 });
    }
    let bits = [random.below(70), 50 + random.below(100), random.below(600), random.below(3_000)][random.below(4)];
    let mut digits: Vec<u64> = match random.below(3) {
        0 => vec![0; bits / 64 + 1],
        1 => vec![u64::MAX; bits / 64 + 1],
        _ => (0..=bits / 64).map(|_| random.number()).collect(),
    };
    let top = 1u64 << (bits % 64);
    let last = digits.len() - 1;
    digits[last] = digits[last] & (top - 1) | top;
    if let Some(low) = digits.first_mut() {
        *low = low.wrapping_add(random.below(5) as u64).wrapping_sub(2);
    }
    heap.integer_from_digits(negative, &digits)
}

fn float(heap: &mut Heap, random: &mut Random) -> Term {
    const EDGES: [f64; 12] = [
        0.0,
        -0.0,
        0.5,
        -2.5,
        1.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        9_007_199_254_740_992.0,
        576_460_752_303_423_488.0,
        -1.157_920_892_373_162e77,
        0.499_999_999_999_999_94,
    ];
    let f = match random.below(4) {
        0 => EDGES[random.below(EDGES.len())],
        1 => (random.below(2_000_001) as f64 - 1_000_000.0) / 1_000.0,
        2 => (random.number() as i64 >> random.below(64)) as f64,
        _ => f64::from_bits(random.number()),
    };
    heap.float(if f.is_finite() { f } else { 1.5 })
}

fn number(heap: &mut Heap, random: &mut Random) -> Term {
    match random.below(12) {
        0..=6 => integer(heap, random),
        7..=10 => float(heap, random),
        _ => Term::NIL,
    }
}

/// A call that may fail: its value, or the reason of its error.
fn attempt(heap: &mut Heap, function: &str, args: &[Term], ours: Result<Term, &str>) -> Case {
    let args = heap.list(args);
    let call = vec![Term::atom(Atom::new("erlang")), Term::atom(Atom::new(function)), args];
    let ours = match ours {
        Ok(value) => heap.tuple(&[Term::atom(Atom::OK), value]),
        Err(reason) => heap.tuple(&[Term::atom(Atom::ERROR), Term::atom(Atom::new(reason))]),
    };
    Case { call: ("purlin_oracle", "attempt", call), ours }
}

fn arith(heap: &mut Heap, function: &str, args: &[Term], ours: number::Result) -> Case {
    let reason = |e| match e {
        ArithError::Badarith => "badarith",
        ArithError::SystemLimit => "system_limit",
    };
    attempt(heap, function, args, ours.map_err(reason))
}

type Binary = fn(&mut Heap, Term, Term) -> number::Result;

fn binary(operators: &[(&'static str, Binary)], operand: fn(&mut Heap, &mut Random) -> Term) {
    compare(|heap, random, cases| {
        let (a, mut b) = (operand(heap, random), operand(heap, random));
        match random.below(12) {
            0 => b = a,
            // A neighbour, so that leading digits cancel out.
            1 => b = number::add(heap, a, Term::small(random.below(5) as i64 - 2)).unwrap_or(a),
            2 => b = number::neg(heap, a).unwrap_or(a),
            _ => {}
        }
        for &(name, operator) in operators {
            let ours = operator(heap, a, b);
            cases.push(arith(heap, name, &[a, b], ours));
        }
    });
}

#[test]
fn integers_are_calculated_as_by_erl() {
    let operators: &[(&str, Binary)] = &[
        ("+", number::add),
        ("-", number::sub),
        ("*", number::mul),
        ("div", number::div),
        ("rem", number::rem),
        ("band", number::band),
        ("bor", number::bor),
        ("bxor", number::bxor),
    ];
    binary(operators, integer);
}

#[test]
fn floats_and_mixed_numbers_are_calculated_as_by_erl() {
    let operators: &[(&str, Binary)] =
        &[("+", number::add), ("-", number::sub), ("*", number::mul), ("/", number::divide)];
    binary(operators, number);
    let only_integers: &[(&str, Binary)] = &[("div", number::div), ("rem", number::rem), ("band", number::band)];
    binary(only_integers, number);
}

#[test]
fn shifts_are_those_of_erl() {
    compare(|heap, random, cases| {
        let a = integer(heap, random);
        let distance = match random.below(10) {
            0 => heap.integer(1 << 58),
            1 => heap.big(false, &[0, 1]),
            2 => heap.big(true, &[0, 1]),
            3 => heap.integer(-(1 << 59)),
            4 => heap.float(1.0),
            _ => Term::small((random.number() as i64) >> (52 + random.below(12))),
        };
        for (name, operator) in [("bsl", number::bsl as Binary), ("bsr", number::bsr)] {
            let ours = operator(heap, a, distance);
            cases.push(arith(heap, name, &[a, distance], ours));
        }
    });
}

#[test]
fn operators_on_one_number_are_those_of_erl() {
    type Unary = fn(&mut Heap, Term) -> number::Result;
    type Rounding = fn(&mut Heap, Term) -> Option<Term>;
    let operators: [(&str, Unary); 2] = [("-", number::neg), ("bnot", number::bnot)];
    let roundings: [(&str, Rounding); 4] =
        [("trunc", number::trunc), ("round", number::round), ("ceil", number::ceil), ("floor", number::floor)];
    compare(|heap, random, cases| {
        let a = number(heap, random);
        for (name, operator) in operators {
            let ours = operator(heap, a);
            cases.push(arith(heap, name, &[a], ours));
        }
        for (name, rounding) in roundings {
            let ours = rounding(heap, a).ok_or("badarg");
            cases.push(attempt(heap, name, &[a], ours));
        }
        let ours = number::abs(heap, a).map_err(|_| "badarg");
        cases.push(attempt(heap, "abs", &[a], ours));
        let ours = number::to_float(a).map(|f| heap.float(f)).ok_or("badarg");
        cases.push(attempt(heap, "float", &[a], ours));
    });
}

#[test]
fn integers_are_written_and_read_as_by_erl() {
    compare(|heap, random, cases| {
        let t = integer(heap, random);
        let base = 2 + random.below(35) as u32;
        let text = number::integer_to_text(t, base).expect("an integer");
        let list = heap.byte_list(text.as_bytes());
        let base_term = Term::small(base as i64);
        cases.push(attempt(heap, "integer_to_list", &[t, base_term], Ok(list)));
        let mut bytes = text.into_bytes();
        let at = random.below(bytes.len() + 1);
        match random.below(8) {
            0 => bytes.insert(at, b"+- _.aZz09\0\n"[random.below(12)]),
            1 => bytes.insert(0, b"+-0 "[random.below(4)]),
            2 => bytes.truncate(at),
            3 => bytes.make_ascii_lowercase(),
            _ => {}
        }
        let list = heap.byte_list(&bytes);
        let binary = heap.binary(&bytes);
        let ours = number::integer_from_text(heap, &bytes, base).ok_or("badarg");
        cases.push(attempt(heap, "list_to_integer", &[list, base_term], ours));
        cases.push(attempt(heap, "binary_to_integer", &[binary, base_term], ours));
    });
}
