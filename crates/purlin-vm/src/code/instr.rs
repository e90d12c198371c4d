//! Purlin's own instructions: what a function's generic BEAM code is translated to when it is first called.
//!
//! An instruction is 16 bytes. Operands say where a value is ([`Src`]) or goes ([`Dst`]); jumps are relative to the
//! instruction that makes them; long operand lists stand beside the code ([`Ext`]).

use super::export::{Export, FnEntry, NativeEntry};
use purlin_term::Atom;
use purlin_term::boxed::FunEntry;

/// Where a value is: the low two bits tell an X register (0), a stack slot (1) or a constant (2), the rest which.
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
    pub fn is_constant(self) -> bool {
        self.0 & 3 == 2
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

/// A distance in instructions from the instruction that jumps. In the place of a failure label, [`NO_FAIL`] means
/// that failing raises an exception.
pub type Rel = i32;

/// No failure label: the instruction stands in a function's body.
pub const NO_FAIL: Rel = i32::MIN;

/// Operands that do not fit an instruction; they live as long as the code.
pub type Ext<T> = &'static T;

/// A choice among values, sorted by raw word.
#[derive(Debug)]
pub struct Select {
    pub cases: Vec<(u64, Rel)>,
    pub default: Rel,
}

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

/// What a segment of a binary is built from or matched to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment {
    Integer,
    Float,
    Binary,
    Append,
    PrivateAppend,
    Utf8,
    Utf16,
    Utf32,
    String,
}

/// One segment of `bs_create_bin`.
#[derive(Debug)]
pub struct BinSegment {
    pub kind: Segment,
    /// Which segment of the source it is, for error reports.
    pub number: u32,
    pub unit: u32,
    pub signed: bool,
    pub little: bool,
    pub src: Src,
    /// Size in units: NONE constant for `all` and for strings its byte length.
    pub size: SegmentSize,
    /// The bytes of a string segment.
    pub text: &'static [u8],
}

/// The size operand of a segment.
#[derive(Clone, Copy, Debug)]
pub enum SegmentSize {
    /// The whole value (binaries), or no size (UTF).
    All,
    Units(Src),
}

#[derive(Debug)]
pub struct CreateBin {
    pub fail: Rel,
    pub live: u32,
    pub unit: u32,
    pub dst: Dst,
    pub segments: Vec<BinSegment>,
}

/// Matching one integer, float or binary of a size given at run time.
#[derive(Clone, Copy, Debug)]
pub struct BsGet {
    pub fail: Rel,
    pub ctx: Src,
    pub live: u32,
    /// `None`: the rest (`all`).
    pub size: Option<Src>,
    pub unit: u32,
    pub signed: bool,
    pub little: bool,
    pub dst: Dst,
}

/// One step of `bs_match`.
#[derive(Clone, Copy, Debug)]
pub enum MatchStep {
    EnsureAtLeast { bits: u32, unit: u32 },
    EnsureExactly { bits: u32 },
    Integer { live: u32, signed: bool, little: bool, bits: u32, dst: Dst },
    Binary { live: u32, bits: u32, dst: Dst },
    Skip { bits: u32 },
    Tail { live: u32, dst: Dst },
    Equal { bits: u32, value: u64 },
}

#[derive(Debug)]
pub struct BsMatch {
    pub fail: Rel,
    pub ctx: Src,
    pub steps: Vec<MatchStep>,
}

/// Old-style construction: where `bs_init2`, `bs_append` and so on start a binary.
#[derive(Debug)]
pub struct BsStart {
    pub fail: Rel,
    /// Bits, in units.
    pub size: Src,
    pub unit: u32,
    pub live: u32,
    pub dst: Dst,
    /// The binary to append to.
    pub base: Option<Src>,
}

/// Old-style construction: one segment put.
#[derive(Debug)]
pub struct BsPut {
    pub fail: Rel,
    pub kind: Segment,
    pub src: Src,
    pub size: SegmentSize,
    pub unit: u32,
    pub signed: bool,
    pub little: bool,
    pub text: &'static [u8],
}

pub struct MakeFun {
    pub entry: &'static FunEntry,
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

/// A type test of one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Test {
    Integer,
    Float,
    Number,
    Atom,
    Pid,
    Reference,
    Port,
    Nil,
    Binary,
    Bitstr,
    List,
    NonemptyList,
    Tuple,
    Function,
    Boolean,
    Map,
}

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

    // Control
    Jump(Rel),
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
    MoveXX {
        src: u16,
        dst: u16,
    },
    MoveXY {
        src: u16,
        dst: u16,
    },
    MoveYX {
        src: u16,
        dst: u16,
    },
    MoveCX {
        src: u32,
        dst: u16,
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
    /// Exact equality with a constant that is an immediate.
    IsEqImmediate {
        fail: Rel,
        a: Src,
        b: Src,
    },

    // Arithmetic and guard natives
    Arith {
        op: Arith,
        plain: bool,
        a: Src,
        b: Src,
        dst: Dst,
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

#[derive(Debug)]
pub struct BsMatchString {
    pub fail: Rel,
    pub ctx: Src,
    pub bits: u32,
    pub bytes: &'static [u8],
}

/// `bs_add`: `a + b * unit`.
#[derive(Debug)]
pub struct BsAdd {
    pub fail: Rel,
    pub a: Src,
    pub b: Src,
    pub unit: u32,
    pub dst: Dst,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_sixteen_bytes() {
        assert_eq!(std::mem::size_of::<Instr>(), 16);
    }
}
