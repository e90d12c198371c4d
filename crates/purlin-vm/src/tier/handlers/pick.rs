//! Which handler runs an instruction: chosen for its operands' kinds, and for the instructions that follow where one
//! handler does the work of several (superinstructions).
//!
//! [`single`] has an arm for every instruction, so that a new one does not compile until somebody decides for it.

use super::guards::*;
use super::heap::counts::*;
use super::numbers::{self, ops};
use super::type_tests::types;
use super::{
    C, Handler, I, X, Y, calls, construct, control, floats, guards, heap, leave, maps, matching, messages, natives,
    search, type_tests,
};
use crate::code::consts;
use crate::code::instr::{Arith, Dst, FloatOp, GuardCall, Instr, MapElement, Op, Select, Src, Test, each_test};
use crate::code::op::Go;
use purlin_term::Atom;

/// Puts a handler before each instruction. With `collecting`, what may collect always asks whether it should.
pub fn code(instrs: &[Instr], collecting: bool) -> Vec<Op> {
    let op = |i: usize| {
        let go = fused_at(instrs, i, collecting).map_or_else(|| single(&instrs[i], collecting), |f| f.0);
        Op { go: Go::new(go), instr: instrs[i] }
    };
    (0..instrs.len()).map(op).collect()
}

/// How many of the instructions behind this one its handler does, too.
pub fn covers(instrs: &[Instr], i: usize, collecting: bool) -> usize {
    fused_at(instrs, i, collecting).map_or(0, |f| f.1)
}

fn fused_at(instrs: &[Instr], i: usize, collecting: bool) -> Option<Fused> {
    if let Some(fused) = search::fused(&instrs[i..]) {
        return Some(fused);
    }
    let after = |n: usize| instrs.get(i + n).unwrap_or(&Instr::Stopped);
    fused(&instrs[i], after(1), after(2), collecting)
}

/// A handler, and how many instructions behind its own it does.
pub(super) type Fused = (Handler, usize);

/// The variant of a generic handler for the kinds of some operands, in the order of its type parameters. What is known
/// otherwise stands in front: `by_kind!(type_tests::type_test<types::Nil>; any src)`. The classes of operands:
/// - `any`: an X register, a stack slot, a constant, or a small integer in the operand;
/// - `reg`: an X register or a stack slot, else the instruction is left to the loop; `place`: one that is written;
/// - `size`: a register or a small integer in the operand; `small`: only that; `constant`: only a constant.
macro_rules! by_kind {
    ($($f:ident)::+ $(<$($known:ty),+>)?; $($class:ident $operand:expr),+) => {
        by_kind!(@ ($($f)::+) [$($($known,)+)?] $($class ($operand))+)
    };
    (@ $f:tt $known:tt any ($o:expr) $($rest:tt)*) => {
        match $o.kind() {
            0 => by_kind!(@with $f $known X $($rest)*),
            1 => by_kind!(@with $f $known Y $($rest)*),
            2 => by_kind!(@with $f $known C $($rest)*),
            _ => by_kind!(@with $f $known I $($rest)*),
        }
    };
    (@ $f:tt $known:tt place ($o:expr) $($rest:tt)*) => {
        if $o.is_x() { by_kind!(@with $f $known X $($rest)*) } else { by_kind!(@with $f $known Y $($rest)*) }
    };
    (@ $f:tt $known:tt reg ($o:expr) $($rest:tt)*) => {
        match $o.kind() {
            0 => by_kind!(@with $f $known X $($rest)*),
            1 => by_kind!(@with $f $known Y $($rest)*),
            _ => leave as Handler,
        }
    };
    (@ $f:tt $known:tt size ($o:expr) $($rest:tt)*) => {
        match $o.kind() {
            0 => by_kind!(@with $f $known X $($rest)*),
            1 => by_kind!(@with $f $known Y $($rest)*),
            3 => by_kind!(@with $f $known I $($rest)*),
            _ => leave as Handler,
        }
    };
    (@ $f:tt $known:tt small ($o:expr) $($rest:tt)*) => { by_kind!(@with $f $known I $($rest)*) };
    (@ $f:tt $known:tt constant ($o:expr) $($rest:tt)*) => { by_kind!(@with $f $known C $($rest)*) };
    (@with $f:tt [$($known:ty,)*] $kind:ident) => { by_kind!(@done $f [$($known,)* $kind]) };
    (@with $f:tt [$($known:ty,)*] $kind:ident $($rest:tt)+) => { by_kind!(@ $f [$($known,)* $kind,] $($rest)+) };
    (@done ($($f:ident)::+) [$($known:ty),+]) => { $($f)::+::<$($known),+> as Handler };
}
pub(super) use by_kind;

/// The variant for the number of these slots, if they stand side by side.
macro_rules! by_count {
    ($($f:ident)::+, $slots:expr) => {{
        let run = $slots.windows(2).all(|pair| pair[1].0 == pair[0].0 + 4);
        match $slots.len() {
            1 => Some($($f)::+::<N1> as Handler),
            2 if run => Some($($f)::+::<N2> as Handler),
            3 if run => Some($($f)::+::<N3> as Handler),
            4 if run => Some($($f)::+::<N4> as Handler),
            5 if run => Some($($f)::+::<N5> as Handler),
            6 if run => Some($($f)::+::<N6> as Handler),
            7 if run => Some($($f)::+::<N7> as Handler),
            8 if run => Some($($f)::+::<N8> as Handler),
            _ => None,
        }
    }};
}

/// The handler that does the work of an instruction and of those behind it, where there is one.
fn fused(i: &Instr, next: &Instr, after: &Instr, collecting: bool) -> Option<Fused> {
    Some(match (*i, *next) {
        (Instr::Move { src, dst }, Instr::Call(_)) if dst.is_x() => (by_kind!(calls::mv_call; any src), 1),
        (Instr::Move { src, dst }, Instr::CallLast(..)) if dst.is_x() => (by_kind!(calls::mv_call_last; any src), 1),
        (Instr::Move { src, dst }, Instr::CallOnly(_)) if dst.is_x() => (by_kind!(calls::mv_call_only; any src), 1),
        (Instr::Move { src, dst }, Instr::Move { src: src2, dst: dst2 }) => {
            return moves((src, dst), (src2, dst2), after);
        }
        (Instr::MoveValue { dst, .. }, Instr::Return) if dst == Dst::x(0) => (control::mv_value_return, 1),
        (Instr::GetTupleElement { src, dst, .. }, Instr::GetTupleElement { src: src2, dst: dst2, .. })
            if src2 == src && dst.as_src() != src && dst.is_x() && dst2.is_x() =>
        {
            (by_kind!(control::get_two_elements; any src), 1)
        }
        (Instr::Allocate { .. }, Instr::InitYs(slots)) if !collecting => (by_count!(heap::allocate_init, slots)?, 1),
        (Instr::Allocate { .. }, _) if saves(next) && !collecting => match saves(after) {
            true => (heap::allocate_save2, 2),
            false => (heap::allocate_save, 1),
        },
        (Instr::TestHeap { .. }, Instr::PutList { head, tail, dst }) if dst.is_x() && !collecting => {
            let handler = match (head.kind(), tail.kind()) {
                (0 | 1, 2) => by_kind!(heap::test_heap_put_list; reg head, constant tail),
                (0 | 1, 0 | 1) => by_kind!(heap::test_heap_put_list; reg head, reg tail),
                _ => return None,
            };
            (handler, 1)
        }
        (Instr::Deallocate(_), Instr::Return) => (heap::deallocate_return, 1),
        (Instr::Trim(_), Instr::Call(_)) => (calls::trim_call, 1),
        (
            Instr::IsType { test: Test::Tuple | Test::Boxed, fail, src },
            Instr::TestArity { fail: fail2, src: src2, .. },
        ) if src2 == src && fail2 + size_of::<Op>() as i32 == fail => {
            (by_kind!(type_tests::tuple_of_arity; any src), 1)
        }
        (Instr::IsType { test: Test::Tuple | Test::Boxed, src, .. }, Instr::SelectArity(src2, s))
            if src2 == src && !s.table.is_empty() =>
        {
            (by_kind!(control::tuple_select_size; any src), 1)
        }
        (Instr::IsType { test: Test::NonemptyList, src, .. }, Instr::GetList { src: src2, head, tail })
            if src2 == src && head.is_x() && tail.is_x() =>
        {
            (by_kind!(type_tests::nonempty_get_list; any src), 1)
        }
        (Instr::BsInit(start), _) => return construct::whole_of(start, collecting),
        (Instr::LoopRecEnd { .. }, _) if collecting => return None,
        _ => return matching::fused(i, next, collecting),
    })
}

/// Whether this saves a register in the frame.
fn saves(i: &Instr) -> bool {
    matches!(*i, Instr::Move { src, dst } if src.kind() == 0 && !dst.is_x())
}

/// Two or three moves.
fn moves((src, dst): (Src, Dst), (src2, dst2): (Src, Dst), after: &Instr) -> Option<Fused> {
    if let Instr::Move { src: src3, dst: dst3 } = *after
        && [src2.kind(), src3.kind()] == [src.kind(); 2]
        && [dst2.is_x(), dst3.is_x()] == [dst.is_x(); 2]
    {
        return match (src.kind(), dst.is_x()) {
            (0, true) => Some((control::mv3::<X, X>, 2)),
            (0, false) => Some((control::mv3::<X, Y>, 2)),
            (1, true) => Some((control::mv3::<Y, X>, 2)),
            _ => None,
        };
    }
    let registers = src.kind() < 2 && src2.kind() < 2;
    registers.then(|| (by_kind!(control::mv2; reg src, place dst, reg src2, place dst2), 1))
}

/// The handler of an instruction on its own.
fn single(i: &Instr, collecting: bool) -> Handler {
    match *i {
        Instr::Move { src, dst } => by_kind!(control::mv; any src, place dst),
        Instr::MoveValue { dst, .. } => by_kind!(control::mv_value; place dst),
        Instr::Swap(a, b) => by_kind!(control::swap; place a, place b),
        Instr::GetList { src, head, tail } => by_kind!(control::get_list; any src, place head, place tail),
        Instr::GetHd { src, dst } => by_kind!(control::get_hd; any src, place dst),
        Instr::GetTl { src, dst } => by_kind!(control::get_tl; any src, place dst),
        Instr::GetTupleElement { src, dst, .. } => by_kind!(control::get_tuple_element; any src, place dst),
        Instr::PutList { head, tail, dst } => by_kind!(heap::put_list; any head, any tail, place dst),
        Instr::PutTuple(dst, elements) => put_tuple(dst, elements),
        Instr::SetTupleElement { .. } => heap::set_tuple_element,
        Instr::UpdateRecord(_) => leave,
        Instr::IsRecord(_) | Instr::IsRecordAccessible { .. } | Instr::GetRecordElements(_) => leave,
        Instr::GetRecordField(_) | Instr::PutRecord(_) => leave,

        Instr::Jump(_) => control::jump,
        Instr::Safepoint(_) | Instr::SafepointLeft(_) | Instr::SchedulingPoint(_) => leave,
        Instr::SelectVal(src, s) => select(src, s),
        Instr::SelectArity(src, s) if s.table.is_empty() => by_kind!(control::select_arity; any src),
        Instr::SelectArity(src, s) if s.tuple => by_kind!(control::select_size_of_tuple; any src),
        Instr::SelectArity(src, _) => by_kind!(control::select_size; any src),

        Instr::Call(_) => calls::call,
        Instr::CallLast(..) => calls::call_last,
        Instr::CallOnly(_) => calls::call_only,
        Instr::CallExt(_) => calls::call_ext,
        Instr::CallExtLast(..) => calls::call_ext_last,
        Instr::CallExtOnly(_) => calls::call_ext_only,
        Instr::CallFun { fun, .. } => by_kind!(calls::call_fun; any fun),
        Instr::CallFunLast { fun, .. } => by_kind!(calls::call_fun_last; any fun),
        Instr::CallNative(_) if collecting => calls::call_native_collecting,
        Instr::CallNative(n) => natives::called(n),
        Instr::CallNativeLast(..) => leave,
        Instr::Apply { .. } => calls::apply,
        Instr::ApplyLast { .. } => calls::apply_last,
        Instr::Return => calls::ret,
        Instr::MakeFun(f) => match f.env {
            [] => by_kind!(calls::make_fun_of<N0>; place f.dst),
            [_] => by_kind!(calls::make_fun_of<N1>; place f.dst),
            [_, _] => by_kind!(calls::make_fun_of<N2>; place f.dst),
            [_, _, _] => by_kind!(calls::make_fun_of<N3>; place f.dst),
            _ => by_kind!(calls::make_fun; place f.dst),
        },
        Instr::NativeBody(_) => calls::native_body,
        Instr::NativeDone(_) | Instr::Translate(_) | Instr::FuncInfo(_) | Instr::ProcessEnd | Instr::Stopped => leave,
        Instr::Breakpoint(_) | Instr::ReturnTrace { .. } | Instr::ReturnToTrace | Instr::ReturnTime => leave,

        Instr::Allocate { .. } | Instr::TestHeap { .. } if collecting => leave,
        Instr::Allocate { .. } => heap::allocate,
        Instr::TestHeap { .. } => heap::test_heap,
        Instr::Deallocate(_) => heap::deallocate,
        Instr::Trim(_) => heap::trim,
        Instr::InitY(_) => heap::init_y,
        Instr::InitYs(slots) => by_count!(heap::init_run, slots).unwrap_or(heap::init_ys),

        Instr::Catch { slot, .. } if !slot.is_x() => heap::catch,
        Instr::TryEnd { slot } if !slot.is_x() => heap::try_end,
        Instr::TryCase { slot } if !slot.is_x() => heap::try_case,
        Instr::Catch { .. } | Instr::CatchEnd { .. } | Instr::TryEnd { .. } | Instr::TryCase { .. } => leave,
        Instr::Raise { .. } | Instr::RawRaise | Instr::BuildStacktrace | Instr::IfEnd => leave,
        Instr::Badmatch(_) | Instr::CaseEnd(_) | Instr::TryCaseEnd(_) | Instr::Badrecord(_) => leave,

        Instr::IsType { test, src, .. } => type_test(test, src),
        Instr::TestArity { src, .. } => by_kind!(type_tests::test_arity; any src),
        Instr::IsTaggedTuple { tuple: true, src, .. } => by_kind!(type_tests::tuple_is_tagged; any src),
        Instr::IsTaggedTuple { src, .. } => by_kind!(type_tests::is_tagged_tuple; any src),
        Instr::IsEqImmediate { a, .. } => by_kind!(type_tests::is_eq_immediate; any Src(a as u32)),
        Instr::IsNeImmediate { a, .. } => by_kind!(type_tests::is_ne_immediate; any Src(a as u32)),
        Instr::IsLt { small: true, a, b, .. } => by_kind!(type_tests::is_lt_small; any a, any b),
        Instr::IsGe { small: true, a, b, .. } => by_kind!(type_tests::is_ge_small; any a, any b),
        Instr::IsLt { a, b, .. } => by_kind!(type_tests::is_lt; any a, any b),
        Instr::IsGe { a, b, .. } => by_kind!(type_tests::is_ge; any a, any b),
        Instr::IsEq { a, b, .. } => by_kind!(type_tests::is_eq; any a, any b),
        Instr::IsNe { a, b, .. } => by_kind!(type_tests::is_ne; any a, any b),
        Instr::IsEqExact { word: true, a, b, .. } => by_kind!(type_tests::is_eq_word; any a, any b),
        Instr::IsNeExact { word: true, a, b, .. } => by_kind!(type_tests::is_ne_word; any a, any b),
        Instr::IsEqExact { a, b, .. } => by_kind!(type_tests::is_eq_exact; any a, any b),
        Instr::IsNeExact { a, b, .. } => by_kind!(type_tests::is_ne_exact; any a, any b),
        Instr::IsFunction2 { src, .. } => by_kind!(type_tests::is_function2; any src),

        Instr::Arith { op, small: true, a, b, dst, .. } => arith_small(op, a, b, Dst(dst as u32)),
        Instr::Arith { op, a, b, dst, .. } => arith(op, a, b, Dst(dst as u32)),
        Instr::GuardArith { op, a, b, dst, .. } => guard_arith(op, Src(a as u32), b, Dst(dst as u32)),
        Instr::Guard(g) => guard(g),
        Instr::Self_(_) => heap::self_,

        Instr::FMoveIn { src, .. } => by_kind!(floats::move_in; any src),
        Instr::FMoveOut { dst, .. } => by_kind!(floats::move_out; place dst),
        Instr::FConv { src, .. } => by_kind!(floats::convert; any src),
        Instr::FArith { op, .. } => match op {
            FloatOp::Add => floats::arith::<floats::ops::Add>,
            FloatOp::Sub => floats::arith::<floats::ops::Sub>,
            FloatOp::Mul => floats::arith::<floats::ops::Mul>,
            FloatOp::Div => floats::arith::<floats::ops::Div>,
        },
        Instr::FNegate { .. } => floats::negate,

        Instr::LoopRec { .. } | Instr::LoopRecEnd { .. } if collecting => leave,
        Instr::LoopRec { keeps: true, .. } => leave,
        Instr::LoopRec { keeps: false, .. } => messages::loop_rec,
        Instr::LoopRecEnd { .. } => messages::loop_rec_end,
        Instr::RemoveMessage => messages::remove_message,
        Instr::Send => messages::send,
        Instr::Timeout => messages::timeout,
        Instr::Wait { .. } | Instr::WaitTimeout { .. } => leave,
        Instr::MarkerReserve(_) => messages::marker_reserve,
        Instr::MarkerBind { .. } => messages::marker_bind,
        Instr::MarkerClear(_) => messages::marker_clear,
        Instr::MarkerUse(_) => messages::marker_use,

        Instr::GetMapElement { src, .. } => by_kind!(maps::get_map_element; reg src),
        Instr::GetMapElements(g) => match *g.pairs {
            [MapElement { key, dst: Some(dst), .. }] if is_constant_immediate(key) => {
                by_kind!(maps::get_one; reg g.src, place dst)
            }
            _ => maps::get_map_elements,
        },
        Instr::PutMap(p) if !collecting && p.exact => maps::update_map,
        Instr::PutMap(p) if !collecting && p.transition.is_some() => maps::extend_map,
        Instr::PutMap(_) => maps::put_map,
        Instr::MakeMap(_) if collecting => maps::make_map_by_loop,
        Instr::MakeMap(_) => maps::make_map,

        Instr::BsCreateBin(c) => construct::create_bin(c, collecting),
        Instr::BsAdd(_) => construct::add,
        Instr::BsUtfSize { kind, src, dst } => construct::utf_size(kind, src, dst),
        Instr::BsInit(_) | Instr::BsPut(_) | Instr::BsInitWritable => leave,
        Instr::BsStartMatch { .. }
        | Instr::BsGetInteger(_)
        | Instr::BsGetFloat(_)
        | Instr::BsGetBinary(_)
        | Instr::BsSkip(_)
        | Instr::BsTestTail { .. }
        | Instr::BsTestUnit { .. }
        | Instr::BsMatchString(_)
        | Instr::BsGetUtf { .. }
        | Instr::BsSkipUtf { .. }
        | Instr::BsGetTail { .. }
        | Instr::BsGetPosition { .. }
        | Instr::BsSetPosition { .. }
        | Instr::BsMatch(_) => matching::single(i, collecting),
    }
}

fn is_constant_immediate(key: Src) -> bool {
    key.kind() == 2 && consts::get(key.0 >> 2).is_immediate()
}

fn select(src: Src, s: &Select) -> Handler {
    if !s.table.is_empty() && s.beyond {
        by_kind!(control::select_table_or; any src)
    } else if !s.table.is_empty() {
        by_kind!(control::select_table; any src)
    } else if s.pair.is_some() {
        by_kind!(control::select_two; any src)
    } else {
        by_kind!(control::select_many; any src)
    }
}

fn put_tuple(dst: Dst, elements: &[Src]) -> Handler {
    match *elements {
        [a, b] => by_kind!(heap::put_pair; any a, any b, place dst),
        [a, b, c] => by_kind!(heap::put_triple; any a, any b, any c, place dst),
        [_, _, _, _] => by_kind!(heap::put_tuple_of<N4>; place dst),
        [_, _, _, _, _] => by_kind!(heap::put_tuple_of<N5>; place dst),
        [_, _, _, _, _, _] => by_kind!(heap::put_tuple_of<N6>; place dst),
        [_, _, _, _, _, _, _] => by_kind!(heap::put_tuple_of<N7>; place dst),
        _ => heap::put_tuple,
    }
}

fn type_test(test: Test, src: Src) -> Handler {
    macro_rules! all {
        ($($t:ident),*) => {
            match test {
                $(Test::$t => by_kind!(type_tests::type_test<types::$t>; any src),)*
            }
        };
    }
    each_test!(all)
}

macro_rules! arithmetic {
    ($name:ident, $f:ident) => {
        fn $name(op: Arith, a: Src, b: Src, dst: Dst) -> Handler {
            macro_rules! all {
                                ($op:ident) => {
                                    match (a.kind(), b.kind()) {
                                        (3, 0 | 1) => by_kind!(numbers::$f<ops::$op>; small a, reg b, place dst),
                                        (3, _) => leave,
                                        _ => by_kind!(numbers::$f<ops::$op>; reg a, any b, place dst),
                                    }
                                };
                            }
            match op {
                Arith::Add => all!(Add),
                Arith::Sub => all!(Sub),
                Arith::Mul => all!(Mul),
                Arith::IntDiv => all!(IntDiv),
                Arith::Rem => all!(Rem),
                Arith::Band => all!(Band),
                Arith::Bor => all!(Bor),
                Arith::Bxor => all!(Bxor),
                Arith::Bsl => all!(Bsl),
                Arith::Bsr => all!(Bsr),
                Arith::Div => all!(Div),
            }
        }
    };
}

/// For operations that are known to stay small: those that the translator says this of.
fn arith_small(op: Arith, a: Src, b: Src, dst: Dst) -> Handler {
    macro_rules! of {
        ($op:ident) => {
            by_kind!(numbers::arith_small<ops::$op>; any a, any b, place dst)
        };
    }
    match op {
        Arith::Add => of!(Add),
        Arith::Sub => of!(Sub),
        Arith::Mul => of!(Mul),
        Arith::Band => of!(Band),
        Arith::Bor => of!(Bor),
        _ => of!(Bxor),
    }
}

arithmetic!(arith, arith);
arithmetic!(guard_arith, guard_arith);

fn guard(g: &GuardCall) -> Handler {
    macro_rules! one {
        ($q:ty) => {
            by_kind!(guards::quick1<$q>; any g.args[0], place g.dst)
        };
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
        ("bit_size", 1) => one!(BitSize),
        ("length", 1) => one!(Length),
        ("-", 1) => one!(Negate),
        ("abs", 1) => one!(Abs),
        ("bnot", 1) => one!(Bnot),
        ("is_atom", 1) => one!(types::Atom),
        ("is_binary", 1) => one!(types::Binary),
        ("is_boolean", 1) => one!(types::Boolean),
        ("is_float", 1) => one!(types::Float),
        ("is_function", 1) => one!(types::Function),
        ("is_integer", 1) => one!(types::Integer),
        ("is_list", 1) => one!(types::List),
        ("is_map", 1) => one!(types::Map),
        ("is_number", 1) => one!(types::Number),
        ("is_pid", 1) => one!(types::Pid),
        ("is_reference", 1) => one!(types::Reference),
        ("is_tuple", 1) => one!(types::Tuple),
        ("get", 1) => guards::dictionary_get,
        ("map_size", 1) => one!(MapSize),
        ("not", 1) => one!(Not),
        ("element", 2) if g.args[1].kind() == 2 => {
            by_kind!(guards::quick_in<Element>; size g.args[0], constant g.args[1], place g.dst)
        }
        ("element", 2) => by_kind!(guards::quick_in<Element>; size g.args[0], reg g.args[1], place g.dst),
        ("map_get", 2) if is_constant_immediate(g.args[0]) => by_kind!(guards::map_get_one; reg g.args[1], place g.dst),
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
