//! The operands of Purlin's own instructions, which [`isa`](super::isa) lists.
//!
//! An instruction is 16 bytes. Operands say where a value is ([`Src`]) or goes ([`Dst`]); jumps are relative to the
//! instruction that makes them; long operand lists stand beside the code ([`Ext`]). In code each instruction stands
//! behind the handler that runs it ([`Op`]), which was chosen for its operands.

mod binary;
mod map;
mod record;
mod select;

pub use binary::{
    BinSegment, BsAdd, BsGet, BsMatch, BsMatchString, BsPut, BsStart, CreateBin, MatchStep, Packed, PackedField,
    Segment, SegmentSize, Whole,
};

pub use super::isa::Instr;
pub use super::op::Op;
pub use map::{GetMap, MakeMap, MapElement, MapUpdate, PutMap, Transition};
pub use record::{GetRecordField, IsRecord, PutRecord, RecordFields, RecordId};
pub use select::Select;

use super::Mfa;
use super::export::NativeEntry;
use super::isa::{Operand, Operands};
use purlin_term::boxed::FunEntry;
use purlin_term::{Atom, Term};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

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
        // SAFETY: LIVE: the bits of a small integer point nowhere.
        unsafe { Term::from_raw(((self.0 as i32 as i64 - 3) << 2) as u64) }
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
    pub const fn is_x(self) -> bool {
        self.0 & 3 == 0
    }
}

/// A distance in bytes from the instruction that jumps. In the place of a failure label, [`NO_FAIL`] means
/// that failing raises an exception.
pub type Rel = i32;

/// As a number of live registers: the compiler knows that the instruction does not collect.
pub const UNKNOWN_LIVE: u32 = 1023;

/// No failure label: the instruction stands in a function's body.
pub const NO_FAIL: Rel = i32::MIN;

/// Operands that do not fit an instruction; they live as long as the code.
pub type Ext<T> = &'static T;

/// A call of a guard native.
pub struct GuardCall {
    pub native: &'static NativeEntry,
    pub args: Ext<[Src]>,
    pub dst: Dst,
    pub fail: Rel,
    /// X registers that live across it.
    pub live: u32,
    /// Where the key of `map_get/2` stood last in a small map.
    pub hint: AtomicU8,
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

/// A step that other processes can tell.
pub struct Step {
    pub what: StepKind,
    /// X registers that live before it; of a call of a native these are its arguments.
    pub live: u32,
    /// The timeout of a `receive`.
    pub timeout: Option<Src>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// `x0 ! x1`
    Send,
    /// A look at the mailbox in a `receive` with a timeout.
    Receive,
    /// The end of the process.
    End,
    Native(Mfa),
}

impl std::fmt::Display for StepKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StepKind::Send => f.write_str("send"),
            StepKind::Receive => f.write_str("receive"),
            StepKind::End => f.write_str("end"),
            StepKind::Native(mfa) => mfa.fmt(f),
        }
    }
}

pub struct MakeFun {
    pub entry: &'static Arc<FunEntry>,
    pub dst: Dst,
    pub env: Ext<[Src]>,
}

#[derive(Debug)]
pub struct UpdateRecord {
    pub src: Src,
    pub dst: Dst,
    pub size: u32,
    pub updates: Ext<[(u32, Src)]>,
}

/// Gives the names of all type tests to a macro.
macro_rules! each_test {
    ($with:ident) => {
        $with! {
            Integer, Float, Number, Atom, Pid, Reference, Port, Nil, Binary, Bitstr, List, NonemptyList, Tuple,
            Function, Boolean, Map, Record, Boxed
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

impl Arith {
    /// Each operator with the name of its function in `erlang`, all of arity 2.
    const NAMES: [(Arith, &'static str); 11] = [
        (Arith::Add, "+"),
        (Arith::Sub, "-"),
        (Arith::Mul, "*"),
        (Arith::IntDiv, "div"),
        (Arith::Rem, "rem"),
        (Arith::Band, "band"),
        (Arith::Bor, "bor"),
        (Arith::Bxor, "bxor"),
        (Arith::Bsl, "bsl"),
        (Arith::Bsr, "bsr"),
        (Arith::Div, "/"),
    ];

    /// The operator that a call of this function is.
    pub fn of(mfa: Mfa) -> Option<Arith> {
        let name = (mfa.module == Atom::ERLANG && mfa.arity == 2).then(|| mfa.function.name())?;
        Arith::NAMES.iter().find(|(_, n)| *n == name).map(|(op, _)| *op)
    }

    /// The function that computes the same.
    pub fn mfa(self) -> Mfa {
        let name = Arith::NAMES[self as usize].1;
        Mfa { module: Atom::ERLANG, function: Atom::new(name), arity: 2 }
    }
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

/// Writes the visitor of a struct of operands: each line is a name and what a visitor is shown.
macro_rules! operands_of {
    ($($t:ident($s:ident): $($name:literal $operand:expr),* $(=> each $list:expr)?;)*) => {$(
        impl Operands for $t {
            fn visit(&self, visit: &mut dyn FnMut(&'static str, Operand<'_>)) {
                let $s = self;
                $(visit($name, $operand);)*
                $($list.into_iter().for_each(|(name, operand)| visit(name, operand));)?
            }
        }
    )*};
}
pub(in crate::code) use operands_of;

operands_of! {
    GuardCall(s): "native" Operand::Name(&s.native.mfa), "dst" Operand::Dst(s.dst), "fail" Operand::Jump(s.fail),
        "live" Operand::Live(s.live) => each s.args.iter().map(|&a| ("arg", Operand::Src(a)));
    MakeFun(s): "module" Operand::Value(Term::atom(s.entry.module)), "lambda" Operand::Number(s.entry.index as i64),
        "dst" Operand::Dst(s.dst) => each s.env.iter().map(|&e| ("free", Operand::Src(e)));
    Safepoint(s): "heap" Operand::Number(s.heap as i64)
        => each s.live.iter().map(|&x| ("live", Operand::Src(Src::x(x as u32))))
        .chain(s.floats.iter().map(|&f| ("live", Operand::FloatSrc(f as u32))));
    Step(s): "step" Operand::Name(&s.what), "live" Operand::Live(s.live)
        => each s.timeout.iter().map(|&t| ("timeout", Operand::Src(t)));
    UpdateRecord(s): "src" Operand::Src(s.src), "dst" Operand::Dst(s.dst), "size" Operand::Number(s.size as i64) =>
        each s.updates.iter().flat_map(|&(at, v)| [("at", Operand::Number(at as i64)), ("value", Operand::Src(v))]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_is_sixteen_bytes_and_a_handler() {
        assert_eq!(std::mem::size_of::<Instr>(), 16);
        assert_eq!(std::mem::size_of::<Op>(), 24);
    }

    #[test]
    fn operators_and_their_functions_lead_to_each_other() {
        for (op, name) in Arith::NAMES {
            assert_eq!(op.mfa().function.name(), name);
            assert_eq!(Arith::of(op.mfa()), Some(op));
        }
    }
}
