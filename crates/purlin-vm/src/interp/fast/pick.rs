//! Which handler runs an instruction: chosen for its operands' kinds and for the instructions that follow.

use super::guards::{self, *};
use super::numbers::{self, ops};
use super::tests::types;
use super::{C, Handler, I, X, Y, calls, construct, control, floats, heap, leave, maps, matching, receive, tests};
use crate::code::instr::{Arith, Dst, FloatOp, GuardCall, Instr, Op, Select, Src, Test, each_test};
use purlin_term::Atom;

/// Puts a handler before each instruction. With `collecting`, what may collect always asks whether it should.
pub fn code(instrs: &[Instr], collecting: bool) -> Vec<Op> {
    let op = |i: usize| {
        let after = |n: usize| instrs.get(i + n).unwrap_or(&Instr::Stopped);
        Op { go: handler(&instrs[i], after(1), after(2), collecting), instr: instrs[i] }
    };
    (0..instrs.len()).map(op).collect()
}

/// Calls `$then!` with the type for the kind of a source, before the types already known.
macro_rules! src {
    ($s:expr, $t:ident) => {
        match $s.kind() {
            0 => $t!(X),
            1 => $t!(Y),
            2 => $t!(C),
            _ => $t!(I),
        }
    };
}

/// As `src` for what is an X register or a stack slot.
macro_rules! place {
    ($s:expr, $t:ident) => {
        if $s.0 & 3 == 0 { $t!(X) } else { $t!(Y) }
    };
}

fn handler(i: &Instr, next: &Instr, after: &Instr, collecting: bool) -> Handler {
    match *i {
        Instr::Move { src, dst } => moves(src, dst, next, after),
        Instr::MoveValue { dst, .. } if dst.0 == 0 && matches!(next, Instr::Return) => control::mv_value_return,
        Instr::MoveValue { dst, .. } => {
            macro_rules! d {
                ($d:ty) => {
                    control::mv_value::<$d> as Handler
                };
            }
            place!(dst, d)
        }
        Instr::Swap(a, b) => match (a.0 & 3, b.0 & 3) {
            (0, 0) => control::swap::<X, X>,
            (0, _) => control::swap::<X, Y>,
            (_, 0) => control::swap::<Y, X>,
            _ => control::swap::<Y, Y>,
        },
        Instr::Jump(_) => control::jump,
        Instr::SelectVal(src, s) => select(src, s),
        Instr::SelectArity(src, _) => {
            macro_rules! a {
                ($a:ty) => {
                    control::select_arity::<$a> as Handler
                };
            }
            src!(src, a)
        }
        Instr::GetList { src, head, tail } => {
            macro_rules! a {
                ($a:ty) => {
                    match (head.0 & 3, tail.0 & 3) {
                        (0, 0) => control::get_list::<$a, X, X> as Handler,
                        (0, _) => control::get_list::<$a, X, Y>,
                        (_, 0) => control::get_list::<$a, Y, X>,
                        _ => control::get_list::<$a, Y, Y>,
                    }
                };
            }
            src!(src, a)
        }
        Instr::GetHd { src, dst } => {
            macro_rules! a {
                ($a:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            control::get_hd::<$a, $d> as Handler
                        };
                    }
                    place!(dst, d)
                }};
            }
            src!(src, a)
        }
        Instr::GetTl { src, dst } => {
            macro_rules! a {
                ($a:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            control::get_tl::<$a, $d> as Handler
                        };
                    }
                    place!(dst, d)
                }};
            }
            src!(src, a)
        }
        Instr::GetTupleElement { src, dst, .. } => {
            if let Instr::GetTupleElement { src: src2, dst: dst2, .. } = *next
                && src2 == src
                && dst.as_src() != src
                && dst.0 & 3 == 0
                && dst2.0 & 3 == 0
            {
                macro_rules! a {
                    ($a:ty) => {
                        control::get_two_elements::<$a> as Handler
                    };
                }
                return src!(src, a);
            }
            macro_rules! a {
                ($a:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            control::get_tuple_element::<$a, $d> as Handler
                        };
                    }
                    place!(dst, d)
                }};
            }
            src!(src, a)
        }

        Instr::Call(_) => calls::call,
        Instr::CallLast(..) => calls::call_last,
        Instr::CallOnly(_) => calls::call_only,
        Instr::CallExt(_) => calls::call_ext,
        Instr::CallExtLast(..) => calls::call_ext_last,
        Instr::CallExtOnly(_) => calls::call_ext_only,
        Instr::CallFun { fun, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    calls::call_fun::<$a> as Handler
                };
            }
            src!(fun, a)
        }
        Instr::CallFunLast { fun, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    calls::call_fun_last::<$a> as Handler
                };
            }
            src!(fun, a)
        }
        Instr::CallNative(_) => calls::call_native,
        Instr::NativeBody(_) => calls::native_body,
        Instr::Apply { .. } => calls::apply,
        Instr::ApplyLast { .. } => calls::apply_last,
        Instr::Return => calls::ret,
        Instr::MakeFun(_) => calls::make_fun,

        Instr::Allocate { .. } if !collecting => match (saves(next), saves(after)) {
            _ if matches!(next, Instr::InitYs(slots) if slots.len() == 1) => heap::allocate_init,
            (true, true) => heap::allocate_save2,
            (true, false) => heap::allocate_save,
            _ => heap::allocate,
        },
        Instr::TestHeap { .. } if !collecting => match *next {
            Instr::PutList { head, tail, dst } if dst.0 & 3 == 0 => match (head.kind(), tail.kind()) {
                (0, 0) => heap::test_heap_put_list::<X, X>,
                (0, 1) => heap::test_heap_put_list::<X, Y>,
                (1, 0) => heap::test_heap_put_list::<Y, X>,
                (1, 1) => heap::test_heap_put_list::<Y, Y>,
                (0, 2) => heap::test_heap_put_list::<X, C>,
                (1, 2) => heap::test_heap_put_list::<Y, C>,
                _ => heap::test_heap,
            },
            _ => heap::test_heap,
        },
        Instr::Deallocate(_) => match next {
            Instr::Return => heap::deallocate_return,
            _ => heap::deallocate,
        },
        Instr::Trim(_) => match next {
            Instr::Call(_) => calls::trim_call,
            _ => heap::trim,
        },
        Instr::InitY(_) => heap::init_y,
        Instr::InitYs(slots) if slots.len() == 1 => heap::init_one,
        Instr::InitYs(_) => heap::init_ys,
        Instr::PutList { head, tail, dst } => put_list(head, tail, dst),
        Instr::PutTuple(dst, elements) => match elements[..] {
            [a, b] => put_pair(a, b, dst),
            [tag, a, b] if tag.kind() == 2 => match (a.kind(), b.kind(), dst.0 & 3) {
                (0, 0, 0) => heap::put_tagged::<X, X, X>,
                (0, 1, 0) => heap::put_tagged::<X, Y, X>,
                (1, 0, 0) => heap::put_tagged::<Y, X, X>,
                (1, 1, 0) => heap::put_tagged::<Y, Y, X>,
                _ => heap::put_triple,
            },
            [_, _, _] => heap::put_triple,
            _ => heap::put_tuple,
        },
        Instr::Catch { slot, .. } if slot.0 & 3 == 1 => heap::catch,
        Instr::TryEnd { slot } if slot.0 & 3 == 1 => heap::try_end,
        Instr::TryCase { slot } if slot.0 & 3 == 1 => heap::try_case,
        Instr::Self_(_) => heap::self_,

        Instr::IsType { test, fail, src } => type_test(test, src, fail, next),
        Instr::TestArity { src, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    tests::test_arity::<$a> as Handler
                };
            }
            src!(src, a)
        }
        Instr::IsTaggedTuple { src, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    tests::is_tagged_tuple::<$a> as Handler
                };
            }
            src!(src, a)
        }
        Instr::IsEqImmediate { a, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    tests::is_eq_immediate::<$a> as Handler
                };
            }
            src!(Src(a as u32), a)
        }
        Instr::IsNeImmediate { a, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    tests::is_ne_immediate::<$a> as Handler
                };
            }
            src!(Src(a as u32), a)
        }
        Instr::IsLt { .. } | Instr::IsGe { .. } | Instr::IsEq { .. } | Instr::IsNe { .. } => comparison(i),
        Instr::IsEqExact { .. } | Instr::IsNeExact { .. } => comparison(i),

        Instr::Arith { op, a, b, dst, .. } => arith(op, a, b, Dst(dst as u32)),
        Instr::GuardArith { op, a, b, dst, .. } => guard_arith(op, Src(a as u32), b, Dst(dst as u32)),
        Instr::Guard(g) => guard(g),

        Instr::FMoveIn { src, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    floats::move_in::<$a> as Handler
                };
            }
            src!(src, a)
        }
        Instr::FMoveOut { dst, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    floats::move_out::<$a> as Handler
                };
            }
            place!(dst, a)
        }
        Instr::FConv { src, .. } => {
            macro_rules! a {
                ($a:ty) => {
                    floats::convert::<$a> as Handler
                };
            }
            src!(src, a)
        }
        Instr::FArith { op, .. } => match op {
            FloatOp::Add => floats::arith::<floats::ops::Add>,
            FloatOp::Sub => floats::arith::<floats::ops::Sub>,
            FloatOp::Mul => floats::arith::<floats::ops::Mul>,
            FloatOp::Div => floats::arith::<floats::ops::Div>,
        },
        Instr::FNegate { .. } => floats::negate,
        _ => matching::handler(i, next, collecting)
            .or_else(|| construct::handler(i, collecting))
            .or_else(|| maps::handler(i))
            .or_else(|| receive::handler(i, collecting))
            .unwrap_or(leave),
    }
}

/// Whether this saves a register in the frame.
fn saves(i: &Instr) -> bool {
    matches!(*i, Instr::Move { src, dst } if src.kind() == 0 && dst.0 & 3 == 1)
}

fn moves(src: Src, dst: Dst, next: &Instr, after: &Instr) -> Handler {
    macro_rules! a {
        ($a:ty) => {{
            macro_rules! d {
                ($d:ty) => {
                    control::mv::<$a, $d> as Handler
                };
            }
            place!(dst, d)
        }};
    }
    if dst.0 & 3 == 0 {
        macro_rules! call {
            ($a:ty) => {
                calls::mv_call::<$a> as Handler
            };
        }
        macro_rules! last {
            ($a:ty) => {
                calls::mv_call_last::<$a> as Handler
            };
        }
        macro_rules! only {
            ($a:ty) => {
                calls::mv_call_only::<$a> as Handler
            };
        }
        match next {
            Instr::Call(_) => return src!(src, call),
            Instr::CallLast(..) => return src!(src, last),
            Instr::CallOnly(_) => return src!(src, only),
            _ => {}
        }
    }
    let Instr::Move { src: src2, dst: dst2 } = *next else { return src!(src, a) };
    if let Instr::Move { src: src3, dst: dst3 } = *after
        && [src2.kind(), src3.kind()] == [src.kind(); 2]
        && [dst2.0 & 3, dst3.0 & 3] == [dst.0 & 3; 2]
    {
        return match (src.kind(), dst.0 & 3) {
            (0, 0) => control::mv3::<X, X>,
            (0, _) => control::mv3::<X, Y>,
            (1, 0) => control::mv3::<Y, X>,
            _ => src!(src, a),
        };
    }
    macro_rules! pair {
        ($a:ty, $d:ty) => {
            match (src2.kind(), dst2.0 & 3) {
                (0, 0) => control::mv2::<$a, $d, X, X>,
                (0, _) => control::mv2::<$a, $d, X, Y>,
                (1, 0) => control::mv2::<$a, $d, Y, X>,
                (1, _) => control::mv2::<$a, $d, Y, Y>,
                _ => src!(src, a),
            }
        };
    }
    match (src.kind(), dst.0 & 3) {
        (0, 0) => pair!(X, X),
        (0, _) => pair!(X, Y),
        (1, 0) => pair!(Y, X),
        (1, _) => pair!(Y, Y),
        _ => src!(src, a),
    }
}

fn select(src: Src, s: &Select) -> Handler {
    macro_rules! table {
        ($a:ty) => {
            control::select_table::<$a> as Handler
        };
    }
    macro_rules! two {
        ($a:ty) => {
            control::select_two::<$a> as Handler
        };
    }
    macro_rules! many {
        ($a:ty) => {
            control::select_many::<$a> as Handler
        };
    }
    if !s.table.is_empty() {
        src!(src, table)
    } else if s.pair.is_some() {
        src!(src, two)
    } else {
        src!(src, many)
    }
}

fn put_pair(a: Src, b: Src, dst: Dst) -> Handler {
    macro_rules! a {
        ($a:ty) => {{
            macro_rules! b {
                ($b:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            heap::put_pair::<$a, $b, $d> as Handler
                        };
                    }
                    place!(dst, d)
                }};
            }
            src!(b, b)
        }};
    }
    src!(a, a)
}

fn put_list(head: Src, tail: Src, dst: Dst) -> Handler {
    macro_rules! h {
        ($h:ty) => {{
            macro_rules! t {
                ($t:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            heap::put_list::<$h, $t, $d> as Handler
                        };
                    }
                    place!(dst, d)
                }};
            }
            src!(tail, t)
        }};
    }
    src!(head, h)
}

fn type_test(test: Test, src: Src, fail: i32, next: &Instr) -> Handler {
    let size = std::mem::size_of::<Op>() as i32;
    match (test, *next) {
        (Test::Tuple, Instr::TestArity { fail: fail2, src: src2, .. }) if src2 == src && fail2 + size == fail => {
            macro_rules! a {
                ($a:ty) => {
                    tests::tuple_of_arity::<$a> as Handler
                };
            }
            return src!(src, a);
        }
        (Test::NonemptyList, Instr::GetList { src: src2, head, tail })
            if src2 == src && head.0 & 3 == 0 && tail.0 & 3 == 0 =>
        {
            macro_rules! a {
                ($a:ty) => {
                    tests::nonempty_get_list::<$a> as Handler
                };
            }
            return src!(src, a);
        }
        _ => {}
    }
    macro_rules! all { ($($t:ident),*) => { match test { $(Test::$t => {
        macro_rules! a { ($a:ty) => { tests::type_test::<types::$t, $a> as Handler } }
        src!(src, a)
    })* } } }
    each_test!(all)
}

fn comparison(i: &Instr) -> Handler {
    macro_rules! both {
        ($f:ident, $a:expr, $b:expr) => {{
            macro_rules! a {
                ($x:ty) => {{
                    macro_rules! b {
                        ($y:ty) => {
                            tests::$f::<$x, $y> as Handler
                        };
                    }
                    src!($b, b)
                }};
            }
            src!($a, a)
        }};
    }
    match *i {
        Instr::IsLt { a, b, .. } => both!(is_lt, a, b),
        Instr::IsGe { a, b, .. } => both!(is_ge, a, b),
        Instr::IsEq { a, b, .. } => both!(is_eq, a, b),
        Instr::IsNe { a, b, .. } => both!(is_ne, a, b),
        Instr::IsEqExact { a, b, .. } => both!(is_eq_exact, a, b),
        Instr::IsNeExact { a, b, .. } => both!(is_ne_exact, a, b),
        _ => leave,
    }
}

macro_rules! arithmetic { ($name:ident, $f:ident) => {
    fn $name(op: Arith, a: Src, b: Src, dst: Dst) -> Handler {
        macro_rules! all { ($d:ty; $a:ty; $b:ty) => { match op {
            Arith::Add => numbers::$f::<ops::Add, $a, $b, $d> as Handler,
            Arith::Sub => numbers::$f::<ops::Sub, $a, $b, $d>,
            Arith::Mul => numbers::$f::<ops::Mul, $a, $b, $d>,
            Arith::IntDiv => numbers::$f::<ops::IntDiv, $a, $b, $d>,
            Arith::Rem => numbers::$f::<ops::Rem, $a, $b, $d>,
            Arith::Band => numbers::$f::<ops::Band, $a, $b, $d>,
            Arith::Bor => numbers::$f::<ops::Bor, $a, $b, $d>,
            Arith::Bxor => numbers::$f::<ops::Bxor, $a, $b, $d>,
            Arith::Bsl => numbers::$f::<ops::Bsl, $a, $b, $d>,
            Arith::Bsr => numbers::$f::<ops::Bsr, $a, $b, $d>,
            Arith::Div => numbers::$f::<ops::Div, $a, $b, $d>,
        } } }
        macro_rules! places { ($a:ty; $b:ty) => {{
            macro_rules! d { ($d:ty) => { all!($d; $a; $b) } }
            place!(dst, d)
        }} }
        match (a.kind(), b.kind()) {
            (0, 0) => places!(X; X),
            (0, 1) => places!(X; Y),
            (0, 3) => places!(X; I),
            (1, 0) => places!(Y; X),
            (1, 1) => places!(Y; Y),
            (1, 3) => places!(Y; I),
            (3, 0) => places!(I; X),
            (3, 1) => places!(I; Y),
            (0, 2) => places!(X; C),
            (1, 2) => places!(Y; C),
            _ => leave,
        }
    }
} }

arithmetic!(arith, arith);
arithmetic!(guard_arith, guard_arith);

fn guard(g: &GuardCall) -> Handler {
    macro_rules! one {
        ($q:ty) => {{
            macro_rules! a {
                ($a:ty) => {{
                    macro_rules! d {
                        ($d:ty) => {
                            guards::quick1::<$q, $a, $d> as Handler
                        };
                    }
                    place!(g.dst, d)
                }};
            }
            src!(g.args[0], a)
        }};
    }
    macro_rules! two {
        ($q:ty) => {
            guards::quick2::<$q> as Handler
        };
    }
    if g.native.mfa.module != Atom::ERLANG {
        return guards::guard;
    }
    match (g.native.mfa.function.name(), g.args.len()) {
        ("hd", 1) => one!(Hd),
        ("tl", 1) => one!(Tl),
        ("tuple_size", 1) => one!(TupleSize),
        ("byte_size", 1) => one!(ByteSize),
        ("map_size", 1) => one!(MapSize),
        ("not", 1) => one!(Not),
        ("element", 2) => two!(Element),
        ("map_get", 2) => two!(MapGet),
        ("is_map_key", 2) => two!(IsMapKey),
        ("and", 2) => two!(And),
        ("or", 2) => two!(Or),
        ("<", 2) => two!(Lt),
        ("=<", 2) => two!(Le),
        (">=", 2) => two!(Ge),
        (">", 2) => two!(Gt),
        ("=:=", 2) => two!(EqExact),
        ("=/=", 2) => two!(NeExact),
        ("==", 2) => two!(Eq),
        ("/=", 2) => two!(Ne),
        _ => guards::guard,
    }
}
