use super::*;

fn parse(heap: &mut Heap, text: &str) -> Term {
    match integer_from_text(heap, text.as_bytes(), 10) {
        Some(i) => i,
        None => heap.float(text.parse().expect("a float")),
    }
}

fn show(r: Result) -> String {
    match r {
        Ok(t) => t.as_float().map_or_else(|| integer_to_text(t, 10).expect("an integer"), |f| format!("{f:?}")),
        Err(e) => format!("{e:?}"),
    }
}

type Operator = fn(&mut Heap, Term, Term) -> Result;

#[test]
fn operators_give_what_erlang_gives() {
    let cases: &[(&str, Operator, &str, &str)] = &[
        ("576460752303423487", add, "1", "576460752303423488"),
        ("-576460752303423488", div, "-1", "576460752303423488"),
        ("576460752303423488", sub, "1", "576460752303423487"),
        ("1000000000000000000000", sub, "999999999999999999999", "1"),
        ("-7", div, "2", "-3"),
        ("-7", rem, "2", "-1"),
        ("7", rem, "0", "Badarith"),
        ("100000000000000000000000000000000000000000", rem, "-7", "5"),
        ("1", divide, "2", "0.5"),
        ("1", divide, "0", "Badarith"),
        ("0.0", divide, "0.0", "Badarith"),
        ("1.0e308", mul, "10", "Badarith"),
        ("1.5", rem, "1", "Badarith"),
        ("18446744073709551616", mul, "18446744073709551616", "340282366920938463463374607431768211456"),
        ("0", bsl, "100000000000000000000000", "0"),
        ("1", bsl, "100000000000000000000000", "SystemLimit"),
        ("1", bsl, "-100000000000000000000000", "0"),
        ("-1", bsr, "100000000000000000000000", "-1"),
        ("1", bsl, "64", "18446744073709551616"),
        ("-1", bsl, "63", "-9223372036854775808"),
        ("1", bsl, "33554368", "SystemLimit"),
        ("-18446744073709551617", bsr, "1", "-9223372036854775809"),
        ("-18446744073709551617", bsr, "65", "-1"),
        ("-18446744073709551617", bsr, "66", "-1"),
        ("-18446744073709551616", band, "18446744073709551615", "0"),
        ("-18446744073709551616", bor, "18446744073709551615", "-1"),
        ("1180591620717411303424", bxor, "-1", "-1180591620717411303425"),
    ];
    let mut h = Heap::new(0);
    for &(a, operator, b, want) in cases {
        let (x, y) = (parse(&mut h, a), parse(&mut h, b));
        assert_eq!(show(operator(&mut h, x, y)), want, "{a} and {b}");
    }
}

#[test]
fn the_largest_integer_has_as_many_bits_as_in_otp() {
    let mut h = Heap::new(0);
    let top = bsl(&mut h, Term::small(1), Term::small(33_554_367)).expect("fits");
    assert_eq!(add(&mut h, top, top), Err(SystemLimit));
    assert_eq!(mul(&mut h, top, top), Err(SystemLimit));
    assert!(sub(&mut h, top, Term::small(1)).is_ok());
}

#[test]
fn floats_are_rounded_to_integers_exactly() {
    let mut h = Heap::new(0);
    type Rounding = fn(&mut Heap, Term) -> Option<Term>;
    let cases: &[(f64, Rounding, &str)] = &[
        (0.5, round, "1"),
        (-0.5, round, "-1"),
        (2.5, round, "3"),
        (-0.5, ceil, "0"),
        (-0.5, floor, "-1"),
        (1.0e20, trunc, "100000000000000000000"),
        (-1.0e40, trunc, "-10000000000000000303786028427003666890752"),
        (1.0e-310, ceil, "1"),
    ];
    for &(f, rounding, want) in cases {
        let t = h.float(f);
        assert_eq!(show(rounding(&mut h, t).ok_or(Badarith)), want, "{f}");
    }
    let t = h.float(f64::MAX);
    let i = trunc(&mut h, t).expect("a number");
    assert_eq!(to_float(i), Some(f64::MAX));
}

#[test]
fn text_has_a_sign_at_most_and_digits_only() {
    let mut h = Heap::new(0);
    for bad in ["", "+", "-", "--1", " 1", "1 ", "1_0", "1.0"] {
        assert_eq!(integer_from_text(&mut h, bad.as_bytes(), 10), None, "{bad:?}");
    }
    let t = integer_from_text(&mut h, b"-fF", 16).expect("an integer");
    assert_eq!(integer_to_text(t, 16).as_deref(), Some("-FF"));
    let t = integer_from_text(&mut h, b"+00000000000000000000000000000zz", 36).expect("an integer");
    assert_eq!(t, Term::small(35 * 36 + 35));
}

#[test]
fn sums_and_products_of_big_integers_are_right_at_every_length() {
    let mut heap = Heap::new(0);
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = |len: usize, kind: usize| {
        let digits = (0..len).map(|_| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            [seed, 0, u64::MAX][if seed >> 60 < 8 { 0 } else { kind }]
        });
        let magnitude = BigUint::new(digits.flat_map(|d| [d as u32, (d >> 32) as u32]).collect());
        BigInt::from_biguint(if seed & 1 == 0 { Sign::Minus } else { Sign::Plus }, magnitude)
    };
    for (n, m) in (0..60).flat_map(|n| [0, 1, 2, 3, 5, 39, 40, 41, 60].map(|m| (n, m))) {
        let (x, y) = (next(n, n % 3), next(m, (n + m) % 3));
        let (a, b) = (heap.bigint(&x), heap.bigint(&y));
        let results = [add(&mut heap, a, b), sub(&mut heap, a, b), mul(&mut heap, a, b), sub(&mut heap, a, a)];
        let wanted = [&x + &y, &x - &y, &x * &y, BigInt::ZERO];
        for (got, want) in results.iter().zip(wanted) {
            assert_eq!(show(*got), want.to_string());
        }
    }
}

#[test]
fn a_long_text_is_read_as_it_is_printed() {
    let mut h = Heap::new(0);
    for (n, base) in [(2001, 10), (4000, 10), (4001, 7), (19_999, 36), (50_000, 10)] {
        let text: String = (0..n).map(|i| if i == 0 { '1' } else { char::from(b'0' + (i % 7) as u8) }).collect();
        let t = integer_from_text(&mut h, text.as_bytes(), base).expect("an integer");
        assert_eq!(integer_to_text(t, base).as_deref(), Some(&*text), "{n} digits in base {base}");
    }
}
