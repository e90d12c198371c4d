//! Purlin's own instructions: what a function's generic BEAM code is translated to when it is first called.
//!
//! An instruction is 16 bytes. Operands say where a value is ([`Src`]) or goes ([`Dst`]); jumps are relative to the
//! instruction that makes them; long operand lists stand beside the code ([`Ext`]). In code each instruction stands
//! behind the handler that runs it ([`Op`]), which was chosen for its operands.

mod binary;
mod select;

pub use binary::{
    BinSegment, BsAdd, BsGet, BsMatch, BsMatchString, BsPut, BsStart, CreateBin, MatchStep, Packed, PackedField,
    Segment, SegmentSize,
};

pub use select::Select;

use super::export::{Export, FnEntry, NativeEntry};
use crate::interp::fast::{self, Handler};
use crate::tracing::points::Point;
use purlin_term::boxed::FunEntry;
use purlin_term::{Atom, Term};
use std::sync::Arc;

/// An instruction in code, behind the function that runs it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Op {
    pub go: Handler,
    pub instr: Instr,
}

impl Op {
    /// An instruction that the general loop runs.
    pub const fn slow(instr: Instr) -> Op {
        Op { go: fast::leave, instr }
    }
}

/// Where a value is: the low two bits tell an X register (0), a stack slot (1), a constant (2) or a small integer that
/// stands in the operand itself (3), the rest which.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Src(pub u32);

/// Where a value goes: as [`Src`], but never a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Dst(pub u32);

impl Src {
    pub const fn x(n: u32) -> Src {
        Src(n << 2)
    }
    pub const fn y(n: u32) -> Src {
        Src(n << 2 | 1)
    }
    pub const fn constant(n: u32) -> Src {
        Src(n << 2 | 2)
    }
    /// A small integer in the operand itself, if it fits there.
    pub fn inline(t: Term) -> Option<Src> {
        let i = t.as_small().filter(|i| (-(1 << 29)..1 << 29).contains(i))?;
        Some(Src((i as u32) << 2 | 3))
    }
    /// The value of an operand that holds it itself.
    #[inline(always)]
    pub fn inlined(self) -> Term {
        Term(((self.0 as i32 as i64 - 3) << 2) as u64)
    }
    pub fn is_constant(self) -> bool {
        self.0 & 2 != 0
    }
    /// Which kind of place: X register, stack slot, constant, value in the operand.
    #[inline(always)]
    pub const fn kind(self) -> u32 {
        self.0 & 3
    }
    /// The operand in 16 bits, if that is enough.
    pub fn narrow(self) -> Option<u16> {
        if self.kind() == 3 { None } else { u16::try_from(self.0).ok() }
    }
}

impl Dst {
    pub const fn x(n: u32) -> Dst {
        Dst(n << 2)
    }
    pub const fn y(n: u32) -> Dst {
        Dst(n << 2 | 1)
    }
    pub fn as_src(self) -> Src {
        Src(self.0)
    }
}

/// A distance in bytes from the instruction that jumps. In the place of a failure label, [`NO_FAIL`] means
/// that failing raises an exception.
pub type Rel = i32;

/// No failure label: the instruction stands in a function's body.
pub const NO_FAIL: Rel = i32::MIN;

/// Operands that do not fit an instruction; they live as long as the code.
pub type Ext<T> = &'static T;

/// A call of a guard native.
pub struct GuardCall {
    pub native: &'static NativeEntry,
    pub args: Vec<Src>,
    pub dst: Dst,
    pub fail: Rel,
    /// X registers that live across it.
    pub live: u32,
}

/// `put_map_assoc` and `put_map_exact`.
#[derive(Debug)]
pub struct PutMap {
    pub exact: bool,
    pub fail: Rel,
    pub src: Src,
    pub dst: Dst,
    pub live: u32,
    pub pairs: Vec<(Src, Src)>,
}

/// What is saved when a process stops at a label that is jumped to from behind.
#[derive(Clone, Debug)]
pub struct Safepoint {
    /// The X registers that live, ascending.
    pub live: Vec<u16>,
    /// One more than the last of them.
    pub registers: usize,
    /// The float registers that the function uses.
    pub floats: Vec<u16>,
    /// Words that instructions behind the label may have had reserved before it, at most.
    pub heap: u32,
}

pub struct MakeFun {
    pub entry: &'static Arc<FunEntry>,
    pub dst: Dst,
    pub env: Vec<Src>,
}

#[derive(Debug)]
pub struct UpdateRecord {
    pub src: Src,
    pub dst: Dst,
    pub size: u32,
    pub updates: Vec<(u32, Src)>,
}

/// Gives the names of all type tests to a macro.
macro_rules! each_test {
    ($with:ident) => {
        $with! {
            Integer, Float, Number, Atom, Pid, Reference, Port, Nil, Binary, Bitstr, List, NonemptyList, Tuple,
            Function, Boolean, Map
        }
    };
}
pub(crate) use each_test;

macro_rules! test_kinds {
    ($($name:ident),*) => {
        /// A type test of one value.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Test {
            $($name),*
        }
    };
}
each_test!(test_kinds);

/// Arithmetic on two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    IntDiv,
    Rem,
    Band,
    Bor,
    Bxor,
    Bsl,
    Bsr,
    Div,
}

/// Floating point arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FloatOp {
    Add,
    Sub,
    Mul,
    Div,
}

/// One instruction.
#[derive(Clone, Copy)]
pub enum Instr {
    /// Translate this function, then run it.
    Translate(&'static FnEntry),
    /// No clause matched: `function_clause` with the arguments in the X registers.
    FuncInfo(&'static FnEntry),

    // Tracing
    Breakpoint(&'static Point),
    ReturnTrace {
        exceptions: bool,
    },
    ReturnToTrace,
    ReturnTime,

    // Control
    Jump(Rel),
    /// A place in a loop of jumps where the process may stop; skips the next instruction unless it does.
    Safepoint(Ext<Safepoint>),
    /// Where a process goes on that stopped at a safepoint.
    SafepointLeft(Ext<Safepoint>),
    Call(&'static FnEntry),
    CallLast(&'static FnEntry, u32),
    CallOnly(&'static FnEntry),
    CallExt(&'static Export),
    CallExtLast(&'static Export, u32),
    CallExtOnly(&'static Export),
    CallNative(&'static NativeEntry),
    /// A tail call of a native that goes on elsewhere, from a function with this many slots.
    CallNativeLast(&'static NativeEntry, u32),
    /// The body of a native called as a function: call it, then return.
    NativeBody(&'static NativeEntry),
    /// Go on with what a native brought back from another thread.
    NativeDone(&'static NativeEntry),
    CallFun {
        arity: u32,
        fun: Src,
    },
    /// A call of a fun as the last thing that a function with this many slots does.
    CallFunLast {
        arity: u32,
        fun: Src,
        slots: u32,
    },
    Apply {
        arity: u32,
    },
    ApplyLast {
        arity: u32,
        slots: u32,
    },
    Return,
    /// The process's first function has returned.
    ProcessEnd,
    /// A handler has noted why the process stops.
    Stopped,
    SelectVal(Src, Ext<Select>),
    SelectArity(Src, Ext<Select>),

    // Stack and heap
    Allocate {
        slots: u32,
        heap: u32,
        live: u32,
    },
    TestHeap {
        heap: u32,
        live: u32,
    },
    Deallocate(u32),
    Trim(u32),
    InitY(u32),
    InitYs(Ext<Vec<Dst>>),

    // Moves
    Move {
        src: Src,
        dst: Dst,
    },
    /// A constant that is known when the code is translated.
    MoveValue {
        dst: Dst,
        value: Term,
    },
    Swap(Dst, Dst),
    GetList {
        src: Src,
        head: Dst,
        tail: Dst,
    },
    GetHd {
        src: Src,
        dst: Dst,
    },
    GetTl {
        src: Src,
        dst: Dst,
    },
    GetTupleElement {
        src: Src,
        index: u32,
        dst: Dst,
    },
    SetTupleElement {
        value: Src,
        tuple: Src,
        index: u32,
    },
    PutList {
        head: Src,
        tail: Src,
        dst: Dst,
    },
    PutTuple(Dst, Ext<Vec<Src>>),
    UpdateRecord(Ext<UpdateRecord>),

    // Tests
    IsType {
        test: Test,
        fail: Rel,
        src: Src,
    },
    TestArity {
        fail: Rel,
        src: Src,
        arity: u32,
    },
    IsTaggedTuple {
        fail: Rel,
        src: Src,
        arity: u16,
        tag: Atom,
    },
    IsFunction2 {
        fail: Rel,
        src: Src,
        arity: Src,
    },
    IsLt {
        fail: Rel,
        a: Src,
        b: Src,
    },
    IsGe {
        fail: Rel,
        a: Src,
        b: Src,
    },
    IsEq {
        fail: Rel,
        a: Src,
        b: Src,
    },
    IsNe {
        fail: Rel,
        a: Src,
        b: Src,
    },
    IsEqExact {
        fail: Rel,
        a: Src,
        b: Src,
    },
    IsNeExact {
        fail: Rel,
        a: Src,
        b: Src,
    },
    /// Exact equality with an immediate value; `a` is a narrow [`Src`].
    IsEqImmediate {
        fail: Rel,
        a: u16,
        value: Term,
    },
    IsNeImmediate {
        fail: Rel,
        a: u16,
        value: Term,
    },

    // Arithmetic and guard natives
    /// `plain`: an error does not name the native; `dst` is narrow.
    Arith {
        op: Arith,
        plain: bool,
        live: u16,
        dst: u16,
        a: Src,
        b: Src,
    },
    /// Arithmetic whose failure jumps; `a` and `dst` are narrow.
    GuardArith {
        op: Arith,
        a: u16,
        dst: u16,
        live: u16,
        fail: Rel,
        b: Src,
    },
    Guard(Ext<GuardCall>),
    /// `erlang:self/0`
    Self_(Dst),

    // Floats
    FMoveIn {
        src: Src,
        f: u32,
    },
    FMoveOut {
        f: u32,
        dst: Dst,
    },
    FConv {
        src: Src,
        f: u32,
    },
    FArith {
        op: FloatOp,
        a: u16,
        b: u16,
        dst: u16,
    },
    FNegate {
        src: u16,
        dst: u16,
    },

    // Funs
    MakeFun(Ext<MakeFun>),

    // Exceptions
    Catch {
        slot: Dst,
        handler: Rel,
    },
    CatchEnd {
        slot: Dst,
    },
    TryEnd {
        slot: Dst,
    },
    TryCase {
        slot: Dst,
    },
    Raise {
        trace: Src,
        value: Src,
    },
    RawRaise,
    BuildStacktrace,
    Badmatch(Src),
    CaseEnd(Src),
    TryCaseEnd(Src),
    Badrecord(Src),
    IfEnd,

    // Messages
    Send,
    LoopRec {
        empty: Rel,
        /// Functions are called, or the process may stop, before the message is taken out: parts of it may be kept.
        keeps: bool,
    },
    LoopRecEnd {
        again: Rel,
    },
    RemoveMessage,
    Wait {
        again: Rel,
    },
    WaitTimeout {
        again: Rel,
        timeout: Src,
    },
    Timeout,
    MarkerReserve(Dst),
    MarkerBind {
        marker: Src,
        reference: Src,
    },
    MarkerClear(Src),
    MarkerUse(Src),

    // Maps
    PutMap(Ext<PutMap>),
    GetMapElement {
        fail: Rel,
        src: Src,
        key: Src,
        dst: u16,
    },
    GetMapElements(Ext<GetMap>),

    // Binaries
    BsStartMatch {
        fail: Rel,
        src: Src,
        dst: Dst,
        live: u16,
    },
    BsGetInteger(Ext<BsGet>),
    BsGetFloat(Ext<BsGet>),
    BsGetBinary(Ext<BsGet>),
    BsSkip(Ext<BsGet>),
    BsTestTail {
        fail: Rel,
        ctx: Src,
        bits: u32,
    },
    BsTestUnit {
        fail: Rel,
        ctx: Src,
        unit: u32,
    },
    BsMatchString(Ext<BsMatchString>),
    BsGetUtf {
        kind: Segment,
        little: bool,
        fail: Rel,
        ctx: Src,
        dst: Dst,
    },
    BsSkipUtf {
        kind: Segment,
        little: bool,
        fail: Rel,
        ctx: Src,
    },
    BsGetTail {
        ctx: Src,
        dst: Dst,
        live: u32,
    },
    BsGetPosition {
        ctx: Src,
        dst: Dst,
    },
    BsSetPosition {
        ctx: Src,
        position: Src,
    },
    BsMatch(Ext<BsMatch>),
    BsCreateBin(Ext<CreateBin>),
    BsInit(Ext<BsStart>),
    BsPut(Ext<BsPut>),
    BsAdd(Ext<BsAdd>),
    BsUtfSize {
        kind: Segment,
        src: Src,
        dst: Dst,
    },
    BsInitWritable,
}

/// `get_map_elements` and `has_map_fields` (with no destinations).
#[derive(Debug)]
pub struct GetMap {
    pub fail: Rel,
    pub src: Src,
    pub pairs: Vec<(Src, Option<Dst>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_sixteen_bytes_and_a_handler() {
        assert_eq!(std::mem::size_of::<Instr>(), 16);
        assert_eq!(std::mem::size_of::<Op>(), 24);
    }
}
