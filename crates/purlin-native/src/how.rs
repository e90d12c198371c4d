//! Which instructions become machine code, and which are left to their handlers.

use crate::links::is_fixed;
use purlin_vm::code::consts;
use purlin_vm::code::instr::{Arith, GuardCall, Instr, MatchStep, Packed, Segment, Src};
use purlin_vm::tier::handlers::step;

/// So many atoms are compared one after the other.
const MANY: usize = 24;

/// Whether a field of so many bits is read as a word, or a part of one.
fn is_word(bits: u32, signed: bool, little: bool) -> bool {
    if little { matches!(bits, 8 | 16 | 32) } else { (1..=56).contains(&bits) && (!signed || bits.is_multiple_of(8)) }
}

/// Whether machine code makes a binary of these integers itself, or puts them behind one.
fn is_packed(p: &Packed) -> bool {
    p.to.is_some() || p.bits.is_multiple_of(8)
}

/// Whether machine code does this step of `bs_match` itself.
fn is_quick(step: &MatchStep) -> bool {
    match *step {
        MatchStep::EnsureAtLeast { unit, .. } => unit.max(1).is_power_of_two(),
        MatchStep::EnsureExactly { .. }
        | MatchStep::Skip { .. }
        | MatchStep::Binary { .. }
        | MatchStep::Tail { .. } => true,
        MatchStep::Equal { bits, .. } => is_word(bits, false, false),
        MatchStep::Integer { signed, little, bits, .. } => is_word(bits, signed, little),
    }
}

/// What machine code does where an instruction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// Does it itself.
    Inline,
    /// Goes to another function, which comes back to an entry of its own.
    Call,
    /// Calls a function that does what the handler would, and goes on behind it.
    Step,
    /// Leaves to the handler.
    Leave,
}

/// Guard natives that machine code does itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quick {
    Hd,
    Tl,
    TupleSize,
    Element,
    /// Of a key that is an immediate.
    MapGet,
    MapSize,
    ByteSize,
    BitSize,
    /// `=:=` or (true) `=/=`
    Exact(bool),
    /// `<` or (true) `>=`, of the arguments as they are or (true) of the second and the first.
    Less(bool, bool),
    Not,
}

/// The guard native that a call is of, if it is one of those.
pub fn quick(g: &GuardCall) -> Option<Quick> {
    let mfa = g.native.mfa;
    let quick = match (mfa.function.name(), mfa.arity) {
        ("hd", 1) => Quick::Hd,
        ("tl", 1) => Quick::Tl,
        ("tuple_size", 1) => Quick::TupleSize,
        ("element", 2) => Quick::Element,
        ("map_get", 2) if is_immediate(g.args[0]) => Quick::MapGet,
        ("map_size", 1) => Quick::MapSize,
        ("byte_size", 1) => Quick::ByteSize,
        ("bit_size", 1) => Quick::BitSize,
        ("<", 2) => Quick::Less(false, false),
        (">=", 2) => Quick::Less(true, false),
        (">", 2) => Quick::Less(false, true),
        ("=<", 2) => Quick::Less(true, true),
        ("=:=", 2) => Quick::Exact(false),
        ("=/=", 2) => Quick::Exact(true),
        ("not", 1) => Quick::Not,
        _ => return None,
    };
    (mfa.module == purlin_term::Atom::ERLANG).then_some(quick)
}

/// Whether an operand is a constant that its word alone makes.
pub fn is_immediate(s: Src) -> bool {
    match s.kind() {
        2 => consts::get(s.0 >> 2).raw() & 3 == 0,
        kind => kind == 3,
    }
}

/// How many instructions behind this one its step does, too.
pub fn covered(instr: &Instr) -> usize {
    match instr {
        Instr::BsInit(start) => start.whole.as_ref().map_or(0, |w| w.puts),
        _ => 0,
    }
}

pub fn how(instr: &Instr, collecting: bool) -> How {
    match instr {
        // Where everything that may collect does, the loop says how.
        Instr::Allocate { .. } | Instr::TestHeap { .. } if collecting => How::Leave,

        Instr::BsGetBinary(_) | Instr::BsGetTail { .. } | Instr::BsMatch(_) if collecting => How::Leave,
        Instr::BsStartMatch { .. } | Instr::BsTestTail { .. } | Instr::BsGetTail { .. } => How::Inline,
        Instr::BsGetPosition { .. } | Instr::BsSetPosition { .. } => How::Inline,
        Instr::BsTestUnit { unit, .. } if unit.is_power_of_two() => How::Inline,
        Instr::BsGetInteger(g) if is_word(g.bits, g.signed, g.little) => How::Inline,
        Instr::BsGetBinary(g) if g.size.is_some() || g.unit.is_power_of_two() => How::Inline,
        Instr::BsSkip(g) if g.bits > 0 || g.size.is_some() => How::Inline,
        Instr::BsMatchString(m) if is_word(m.bits, false, false) => How::Inline,
        Instr::BsGetUtf { kind: Segment::Utf8, .. } => How::Inline,
        Instr::BsMatch(m) if m.steps.iter().all(is_quick) => How::Inline,

        Instr::BsCreateBin(c) if !collecting && c.packed.as_ref().is_some_and(is_packed) => How::Inline,

        // The handler has a table of them.
        Instr::SelectVal(_, select) if select.cases().filter(|c| !is_fixed(c.0)).count() > MANY => How::Leave,

        Instr::Call(_)
        | Instr::CallLast(..)
        | Instr::CallOnly(_)
        | Instr::CallExt(_)
        | Instr::CallExtLast(..)
        | Instr::CallExtOnly(_)
        | Instr::CallFun { .. }
        | Instr::CallFunLast { .. }
        | Instr::Return => How::Call,

        Instr::Jump(_)
        | Instr::SelectVal(..)
        | Instr::SelectArity(..)
        | Instr::Allocate { .. }
        | Instr::TestHeap { .. }
        | Instr::Deallocate(_)
        | Instr::Trim(_)
        | Instr::InitY(_)
        | Instr::InitYs(_)
        | Instr::Move { .. }
        | Instr::MoveValue { .. }
        | Instr::Swap(..)
        | Instr::GetList { .. }
        | Instr::GetHd { .. }
        | Instr::GetTl { .. }
        | Instr::GetTupleElement { .. }
        | Instr::SetTupleElement { .. }
        | Instr::PutList { .. }
        | Instr::PutTuple(..)
        | Instr::IsType { .. }
        | Instr::TestArity { .. }
        | Instr::IsTaggedTuple { .. }
        | Instr::IsFunction2 { .. }
        | Instr::IsLt { .. }
        | Instr::IsGe { .. }
        | Instr::IsEq { .. }
        | Instr::IsNe { .. }
        | Instr::IsEqExact { .. }
        | Instr::IsNeExact { .. }
        | Instr::IsEqImmediate { .. }
        | Instr::IsNeImmediate { .. }
        | Instr::FMoveIn { .. }
        | Instr::FMoveOut { .. }
        | Instr::FConv { .. }
        | Instr::FArith { .. }
        | Instr::FNegate { .. }
        | Instr::MakeFun(_)
        | Instr::Catch { .. }
        | Instr::TryEnd { .. }
        | Instr::TryCase { .. }
        | Instr::GetMapElement { .. }
        | Instr::GetMapElements(_) => How::Inline,

        Instr::Arith { op, .. } | Instr::GuardArith { op, .. } if *op != Arith::Div => How::Inline,
        Instr::Guard(g) if quick(g).is_some() => How::Inline,

        _ if !collecting && step(instr).is_some() => How::Step,

        Instr::Arith { .. }
        | Instr::GuardArith { .. }
        | Instr::Guard(_)
        | Instr::Translate(_)
        | Instr::FuncInfo(_)
        | Instr::NativeBody(_)
        | Instr::NativeDone(_)
        | Instr::ProcessEnd
        | Instr::Stopped
        | Instr::Breakpoint(_)
        | Instr::ReturnTrace { .. }
        | Instr::ReturnToTrace
        | Instr::ReturnTime
        | Instr::Safepoint(_)
        | Instr::SafepointLeft(_)
        | Instr::SchedulingPoint(_)
        | Instr::CallNative(_)
        | Instr::CallNativeLast(..)
        | Instr::Apply { .. }
        | Instr::ApplyLast { .. }
        | Instr::UpdateRecord(_)
        | Instr::Self_(_)
        | Instr::CatchEnd { .. }
        | Instr::Raise { .. }
        | Instr::RawRaise
        | Instr::BuildStacktrace
        | Instr::Badmatch(_)
        | Instr::CaseEnd(_)
        | Instr::TryCaseEnd(_)
        | Instr::Badrecord(_)
        | Instr::IfEnd
        | Instr::Send
        | Instr::LoopRec { .. }
        | Instr::LoopRecEnd { .. }
        | Instr::RemoveMessage
        | Instr::Wait { .. }
        | Instr::WaitTimeout { .. }
        | Instr::Timeout
        | Instr::MarkerReserve(_)
        | Instr::MarkerBind { .. }
        | Instr::MarkerClear(_)
        | Instr::MarkerUse(_)
        | Instr::PutMap(_)
        | Instr::MakeMap(_)
        | Instr::IsRecord(_)
        | Instr::IsRecordAccessible { .. }
        | Instr::GetRecordElements(_)
        | Instr::GetRecordField(_)
        | Instr::PutRecord(_)
        | Instr::BsGetInteger(_)
        | Instr::BsGetFloat(_)
        | Instr::BsGetBinary(_)
        | Instr::BsSkip(_)
        | Instr::BsTestUnit { .. }
        | Instr::BsMatchString(_)
        | Instr::BsGetUtf { .. }
        | Instr::BsSkipUtf { .. }
        | Instr::BsMatch(_)
        | Instr::BsCreateBin(_)
        | Instr::BsInit(_)
        | Instr::BsPut(_)
        | Instr::BsAdd(_)
        | Instr::BsUtfSize { .. }
        | Instr::BsInitWritable => How::Leave,
    }
}
