//! The texts of floats.

use purlin_term::float_text::{self, Layout};
use purlin_term::{Atom, Heap, Term};
use purlin_testkit::mutate::Random;

use crate::{Case, compare};

/// A float of any size, most often one with few digits in one base or the other.
fn float(random: &mut Random) -> f64 {
    let f = match random.below(8) {
        0 => random.below(2_000_001) as f64 / 1_000.0 - 1_000.0,
        1 => random.below(100) as f64 * 10f64.powi(random.below(46) as i32 - 23),
        2 => (random.number() as i64 >> random.below(64)) as f64,
        3 => (random.number() as i64 >> random.below(64)) as f64 / [2.0, 8.0, 256.0, 65536.0][random.below(4)],
        // Around what a float counts in ones.
        4 => ((1i64 << 53) + random.below(5_000) as i64 - 2_500) as f64 / [1.0, 10.0, 100.0, 0.1][random.below(4)],
        5 => [0.0, -0.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.5, 1e22, 1e23, -2.5][random.below(9)],
        6 => f64::from_bits((random.number() >> random.below(53)) << random.below(53) & !(1 << 62)),
        _ => f64::from_bits(random.number()),
    };
    if f.is_finite() { f } else { 1.5 }
}

/// A call that may fail with badarg.
fn attempt(heap: &mut Heap, function: &str, args: &[Term], ours: Option<Term>) -> Case {
    let args = heap.list(args);
    let call = vec![Term::atom(Atom::ERLANG), Term::atom(Atom::new(function)), args];
    let ours = match ours {
        Some(value) => heap.tuple(&[Term::atom(Atom::OK), value]),
        None => heap.tuple(&[Term::atom(Atom::ERROR), Term::atom(Atom::BADARG)]),
    };
    Case { call: ("purlin_oracle", "attempt", call), ours }
}

#[test]
fn floats_are_written_as_by_erl() {
    compare(|heap, random, cases| {
        let f = float(random);
        let [compact, decimals, scientific, short] =
            ["compact", "decimals", "scientific", "short"].map(|name| Term::atom(Atom::new(name)));
        let digits = [random.below(25) as i32 - 2, random.below(260) as i32][usize::from(random.below(6) == 0)];
        let number = Term::small(digits as i64);
        let [by_decimals, by_science] = [decimals, scientific].map(|name| heap.tuple(&[name, number]));
        let t = heap.float(f);
        let layouts = [
            (vec![], Layout::Scientific(20)),
            (vec![short], Layout::Short),
            (vec![by_science], Layout::Scientific(digits)),
            (vec![by_decimals], Layout::Decimals { digits, compact: false }),
            (vec![by_decimals, compact], Layout::Decimals { digits, compact: true }),
        ];
        for (options, layout) in layouts {
            let options = heap.list(&options);
            let ours = float_text::format(f, layout).map(|text| heap.binary(text.as_bytes()));
            cases.push(attempt(heap, "float_to_binary", &[t, options], ours));
        }
    });
}

#[test]
fn floats_are_read_as_by_erl() {
    compare(|heap, random, cases| {
        let f = float(random);
        let layout = [Layout::Short, Layout::Scientific(random.below(25) as i32)][random.below(2)];
        let mut text = float_text::format(f, layout).unwrap_or_default().into_bytes();
        if random.below(3) > 0 {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 => text.insert(at, b"+-,. eE0129\0\nx"[random.below(14)]),
                1 => text.truncate(at),
                2 => text.extend_from_slice([&b"e400"[..], b"e-400", b"5", b"e7", b" "][random.below(5)]),
                _ => {
                    let digits: Vec<u8> = (0..random.below(40)).map(|_| b'0' + random.below(10) as u8).collect();
                    text.splice(at..at, digits);
                }
            }
        }
        let ours = float_text::parse(&text).map(|f| heap.float(f));
        let (binary, list) = (heap.binary(&text), heap.byte_list(&text));
        cases.push(attempt(heap, "binary_to_float", &[binary], ours));
        cases.push(attempt(heap, "list_to_float", &[list], ours));
        let found = match float_text::prefix(&text) {
            Some((f, used)) => {
                let (f, rest) = (heap.float(f), heap.byte_list(&text[used..]));
                heap.tuple(&[f, rest])
            }
            None => heap.tuple(&[Term::atom(Atom::ERROR), Term::atom(Atom::new("no_float"))]),
        };
        cases.push(Case { call: ("string", "to_float", vec![list]), ours: found });
    });
}
