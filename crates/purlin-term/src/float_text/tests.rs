use super::Layout::{Decimals, Scientific, Short};
use super::*;

const fn fixed(digits: i32) -> Layout {
    Decimals { digits, compact: false }
}

const fn compact(digits: i32) -> Layout {
    Decimals { digits, compact: true }
}

#[test]
fn layouts_are_those_of_erlang() {
    const CASES: &[(f64, Layout, &str)] = &[
        (0.1, Scientific(20), "1.00000000000000005551e-01"),
        (-0.0, Scientific(20), "-0.00000000000000000000e+00"),
        (1.5, Scientific(-5), "1.500000e+00"),
        (2.5, Scientific(0), "2e+00"),
        (1.0e100, Scientific(1), "1.0e+100"),
        (0.001, Short, "0.001"),
        (0.0001, Short, "0.0001"),
        (1.0e-5, Short, "1.0e-5"),
        (123456.789, Short, "123456.789"),
        (100.0, Short, "100.0"),
        (1000.0, Short, "1.0e3"),
        (1.0e15, Short, "1.0e15"),
        (1.0e22, Short, "1.0e22"),
        (-5.0e-324, Short, "-5.0e-324"),
        (9007199254740991.0, Short, "9007199254740991.0"),
        (9007199254740992.0, Short, "9.007199254740992e15"),
        (2.5, fixed(0), "3"),
        (0.125, fixed(2), "0.13"),
        (4.35, fixed(1), "4.3"),
        (2.675, fixed(2), "2.67"),
        (1.005, fixed(2), "1.00"),
        (-0.001, fixed(2), "-0.00"),
        (0.1, fixed(18), "0.100000000000000000"),
        (0.1, fixed(19), "0.1000000000000000056"),
        (100.0, compact(3), "100.0"),
        (100.5, compact(3), "100.5"),
        (1.0e22, compact(0), "1"),
        (123.0, compact(0), "123"),
    ];
    for &(f, layout, want) in CASES {
        assert_eq!(format(f, layout).as_deref(), Some(want), "{f:?} {layout:?}");
    }
    for (f, layout) in [(1.5, Scientific(250)), (-1.5, fixed(253)), (1.0e300, compact(0)), (1.5, fixed(-1))] {
        assert_eq!(format(f, layout), None, "{f:?} {layout:?}");
    }
}

#[test]
fn text_is_read_as_by_list_to_float() {
    for (text, f) in [("1,5", 1.5), ("+1.5e+3", 1500.0), ("1.0e-400", 0.0), ("1.5\0x", 1.5), ("1.5E3", 1500.0)] {
        assert_eq!(parse(text.as_bytes()), Some(f), "{text:?}");
    }
    for text in ["", "1", "1.", ".5", "1e3", "1.0e400", "1.5 ", "1.5e", "1.5e+", "inf", "nan"] {
        assert_eq!(parse(text.as_bytes()), None, "{text:?}");
    }
    for (text, used) in [("1.5xyz", 3), ("1.5e", 3), ("1.5e5e5", 5), ("1.5e+x", 3)] {
        assert_eq!(prefix(text.as_bytes()).map(|p| p.1), Some(used), "{text:?}");
    }
}
