//! The table of Purlin's own instructions: what a function's generic BEAM code is translated to.
//!
//! A row says an instruction's name, its operands with their kinds, its family, and what it may do besides going on at
//! the next instruction. From the table come [`Instr`], its listing, the visitor of operands and the successors in the
//! control flow; tiers match on [`Instr`] without a wildcard, so that an instruction they lack does not compile.

use super::export::{Export, FnEntry, NativeEntry};
use super::instr::*;
use crate::code::points::Point;
use purlin_term::{Atom, Term};

/// Instructions that belong together; each tier has a file for each family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Bodies of functions and what stands in for them.
    Entry,
    Trace,
    Control,
    Call,
    Frame,
    Move,
    Test,
    Arith,
    Float,
    Fun,
    Exception,
    Message,
    Map,
    Record,
    Binary,
}

/// What an instruction may do besides reading and writing its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Never goes on at the next instruction of its own accord.
    pub ends: bool,
    /// Goes on behind the next instruction, or at it after having stopped.
    pub skips: bool,
    /// Leaves to another function that comes back to the next instruction; only x0 and the frame live across it.
    pub calls: bool,
    /// May collect.
    pub collects: bool,
    /// May raise an exception here.
    pub raises: bool,
}

/// An operand as a visitor sees it.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    Src(Src),
    Dst(Dst),
    /// Where to go on: a distance in bytes, [`NO_FAIL`] for nowhere.
    Jump(Rel),
    /// A float register that is read, one that is written.
    FloatSrc(u32),
    FloatDst(u32),
    Number(i64),
    /// How many X registers live across the instruction.
    Live(u32),
    Value(Term),
    /// The name of a function, test or operation.
    Name(&'a dyn std::fmt::Display),
    Bytes(&'a [u8]),
}

/// Operands that stand beside the code.
pub trait Operands {
    /// Calls `visit` with the name and value of each operand.
    fn visit(&self, visit: &mut dyn FnMut(&'static str, Operand<'_>));
}

/// The type of an operand of a kind.
macro_rules! kind {
    (src) => { Src };
    (dst) => { Dst };
    (jump) => { Rel };
    // A source or destination in 16 bits.
    (src16) => { u16 };
    (dst16) => { u16 };
    // The number of an X register that is written.
    (x16) => { u16 };
    // A stack slot that is written.
    (y) => { u32 };
    (fsrc) => { u32 };
    (fdst) => { u32 };
    (fsrc16) => { u16 };
    (fdst16) => { u16 };
    (number) => { u32 };
    (number16) => { u16 };
    (live) => { u32 };
    (live16) => { u16 };
    (flag) => { bool };
    (value) => { Term };
    (atom) => { Atom };
    (test) => { Test };
    (arith) => { Arith };
    (floatop) => { FloatOp };
    (segment) => { Segment };
    (entry) => { &'static FnEntry };
    (export) => { &'static Export };
    (native) => { &'static NativeEntry };
    (point) => { &'static Point };
    (srcs) => { Ext<Ext<[Src]>> };
    (dsts) => { Ext<Ext<[Dst]>> };
    (cases) => { Ext<Select> };
    // Cases whose values are sizes and not terms.
    (sizes) => { Ext<Select> };
    // What is stepped over.
    (skip) => { Ext<BsGet> };
    ([$t:ident]) => { Ext<$t> };
}

/// Shows an operand of a kind to a visitor.
macro_rules! show {
    (src, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Src(*$o))
    };
    (dst, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Dst(*$o))
    };
    (jump, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Jump(*$o))
    };
    (src16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Src(Src(*$o as u32)))
    };
    (dst16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Dst(Dst(*$o as u32)))
    };
    (x16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Dst(Dst::x(*$o as u32)))
    };
    (y, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Dst(Dst::y(*$o)))
    };
    (fsrc, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::FloatSrc(*$o))
    };
    (fdst, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::FloatDst(*$o))
    };
    (fsrc16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::FloatSrc(*$o as u32))
    };
    (fdst16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::FloatDst(*$o as u32))
    };
    (number, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Number(*$o as i64))
    };
    (number16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Number(*$o as i64))
    };
    (live, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Live(*$o))
    };
    (live16, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Live(*$o as u32))
    };
    (value, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Value(*$o))
    };
    (atom, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Value(Term::atom(*$o)))
    };
    (flag, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Number(*$o as i64))
    };
    (test, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&Debugged($o)))
    };
    (arith, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&Debugged($o)))
    };
    (floatop, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&Debugged($o)))
    };
    (segment, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&Debugged($o)))
    };
    (entry, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&$o.mfa))
    };
    (export, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&$o.mfa))
    };
    (native, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&$o.mfa))
    };
    (point, $n:expr, $o:expr, $v:expr) => {
        $v($n, Operand::Name(&$o.mfa))
    };
    (srcs, $n:expr, $o:expr, $v:expr) => {
        $o.iter().for_each(|&s| $v($n, Operand::Src(s)))
    };
    (dsts, $n:expr, $o:expr, $v:expr) => {
        $o.iter().for_each(|&d| $v($n, Operand::Dst(d)))
    };
    (cases, $n:expr, $o:expr, $v:expr) => {
        // SAFETY: LIVE: cases are immediates and literals.
        $o.visit(|v| Operand::Value(unsafe { Term::from_raw(v) }), $v)
    };
    (sizes, $n:expr, $o:expr, $v:expr) => {
        $o.visit(|v| Operand::Number(v as i64), $v)
    };
    (skip, $n:expr, $o:expr, $v:expr) => {
        $o.skipped($v)
    };
    ([$t:ident], $n:expr, $o:expr, $v:expr) => {
        $o.visit($v)
    };
}

/// Displays what has a `Debug` only.
struct Debugged<'a, T>(&'a T);

impl<T: std::fmt::Debug> std::fmt::Display for Debugged<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

macro_rules! instructions {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $text:literal $(($($place:ident: $place_kind:tt),*))? $({ $($operand:ident: $kind:tt),* })?
            => $family:ident $(: $($effect:ident)+)?;
    )*) => {
        /// One instruction.
        #[derive(Clone, Copy)]
        pub enum Instr {
            $($(#[doc = $doc])+ $name $(($(kind!($place_kind)),*))? $({ $($operand: kind!($kind)),* })?,)*
        }

        impl Instr {
            /// The names of all instructions, in the table's order.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            pub fn name(&self) -> &'static str {
                match self { $(Instr::$name { .. } => $text,)* }
            }

            pub fn family(&self) -> Family {
                match self { $(Instr::$name { .. } => Family::$family,)* }
            }

            pub fn effects(&self) -> Effects {
                match self {
                    $(Instr::$name { .. } => Effects { $($($effect: true,)+)? ..Effects::default() },)*
                }
            }
        }

        impl Operands for Instr {
            #[allow(unused_variables)]
            fn visit(&self, visit: &mut dyn FnMut(&'static str, Operand<'_>)) {
                match self {
                    $(Instr::$name $(($($place),*))? $({ $($operand),* })? => {
                        $($(show!($place_kind, stringify!($place), $place, visit);)*)?
                        $($(show!($kind, stringify!($operand), $operand, visit);)*)?
                    })*
                }
            }
        }
    };
}

instructions! {
    /// Translates this function, then runs it.
    Translate "translate" (entry: entry) => Entry: ends;
    /// No clause matched: `function_clause` with the arguments in the X registers.
    FuncInfo "func_info" (entry: entry) => Entry: ends raises;
    /// The body of a native called as a function: calls it, then returns.
    NativeBody "native_body" (native: native) => Entry: ends raises collects;
    /// Goes on with what a native brought back from another thread.
    NativeDone "native_done" (native: native) => Entry: ends raises collects;
    /// The process's first function has returned.
    ProcessEnd "process_end" => Entry: ends;
    /// A handler has noted why the process stops.
    Stopped "stopped" => Entry: ends;

    /// Tells tracers of a call, then runs the function.
    Breakpoint "breakpoint" (point: point) => Trace: ends raises collects;
    /// Tells tracers of a return, in a frame of its own.
    ReturnTrace "return_trace" { exceptions: flag } => Trace: ends collects;
    /// Tells tracers where a call returned to.
    ReturnToTrace "return_to_trace" => Trace: ends collects;
    /// Ends the measuring of a call's time.
    ReturnTime "return_time" => Trace: ends;

    /// Goes on elsewhere.
    Jump "jump" (to: jump) => Control: ends;
    /// A place in a loop of jumps where the process may stop; skips the next instruction unless it does.
    Safepoint "safepoint" (at: [Safepoint]) => Control: skips;
    /// Where a process goes on that stopped at a safepoint.
    SafepointLeft "safepoint_left" (at: [Safepoint]) => Control;
    /// A place before a step that other processes can tell, where another one may go first.
    SchedulingPoint "scheduling_point" (step: [Step]) => Control;
    /// Goes on where a value leads.
    SelectVal "select_val" (src: src, cases: cases) => Control: ends;
    /// Goes on where a tuple's size leads.
    SelectArity "select_arity" (src: src, cases: sizes) => Control: ends;

    /// Calls a function of the same module.
    Call "call" (entry: entry) => Call: calls raises collects;
    /// The same as the last thing that a function with this many slots does.
    CallLast "call_last" (entry: entry, slots: number) => Call: ends;
    /// The same from a function without a frame.
    CallOnly "call_only" (entry: entry) => Call: ends;
    /// Calls a function of any module.
    CallExt "call_ext" (export: export) => Call: calls raises collects;
    /// The same as the last thing that a function with this many slots does.
    CallExtLast "call_ext_last" (export: export, slots: number) => Call: ends raises;
    /// The same from a function without a frame.
    CallExtOnly "call_ext_only" (export: export) => Call: ends raises;
    /// Calls a native in place.
    CallNative "call_native" (native: native) => Call: calls raises collects;
    /// A tail call of a native that goes on elsewhere, from a function with this many slots.
    CallNativeLast "call_native_last" (native: native, slots: number) => Call: ends raises collects;
    /// Calls a fun; its arguments are in the X registers.
    CallFun "call_fun" { arity: number, fun: src } => Call: calls raises collects;
    /// A call of a fun as the last thing that a function with this many slots does.
    CallFunLast "call_fun_last" { arity: number, fun: src, slots: number } => Call: ends raises;
    /// Calls the function whose module and name stand behind the arguments.
    Apply "apply" { arity: number } => Call: calls raises collects;
    /// The same as the last thing that a function with this many slots does.
    ApplyLast "apply_last" { arity: number, slots: number } => Call: ends raises;
    /// Returns to the address on top of the stack.
    Return "return" => Call: ends;

    /// Makes a frame, and room on the heap.
    Allocate "allocate" { slots: number, heap: number, live: live } => Frame: collects;
    /// Makes room on the heap.
    TestHeap "test_heap" { heap: number, live: live } => Frame: collects;
    /// Gives up the frame.
    Deallocate "deallocate" (slots: number) => Frame;
    /// Gives up the frame's innermost slots.
    Trim "trim" (slots: number) => Frame;
    /// Clears a stack slot.
    InitY "init" (slot: y) => Frame;
    /// Clears stack slots.
    InitYs "init_yregs" (slots: dsts) => Frame;

    /// Copies a value.
    Move "move" { src: src, dst: dst } => Move;
    /// A constant that is known when the code is translated.
    MoveValue "move_value" { dst: dst, value: value } => Move;
    /// Exchanges two values.
    Swap "swap" (a: dst, b: dst) => Move;
    /// Takes a list's cell apart.
    GetList "get_list" { src: src, head: dst, tail: dst } => Move;
    /// A list's first element.
    GetHd "get_hd" { src: src, dst: dst } => Move;
    /// A list without its first element.
    GetTl "get_tl" { src: src, dst: dst } => Move;
    /// An element of a tuple, counted from 0.
    GetTupleElement "get_tuple_element" { src: src, index: number, dst: dst } => Move;
    /// Writes to a tuple that was just made.
    SetTupleElement "set_tuple_element" { value: src, tuple: src, index: number } => Move;
    /// Makes a list's cell, for which there is room.
    PutList "put_list" { head: src, tail: src, dst: dst } => Move;
    /// Makes a tuple, for which there is room.
    PutTuple "put_tuple" (dst: dst, elements: srcs) => Move;
    /// A tuple with some elements replaced.
    UpdateRecord "update_record" (update: [UpdateRecord]) => Move;

    /// Whether a value is of a type.
    IsType "is" { test: test, fail: jump, src: src } => Test;
    /// Whether a tuple has this size.
    TestArity "test_arity" { fail: jump, src: src, arity: number } => Test;
    /// Whether a value is a tuple of this size with this first element; `tuple`: it is known to be a tuple.
    IsTaggedTuple "is_tagged_tuple" { tuple: flag, fail: jump, src: src, arity: number16, tag: atom } => Test;
    /// Whether a value is a function with this many arguments.
    IsFunction2 "is_function2" { fail: jump, src: src, arity: src } => Test;
    /// `a < b`; `small`: both are known to be small integers.
    IsLt "is_lt" { small: flag, fail: jump, a: src, b: src } => Test;
    /// `a >= b`; `small` as above.
    IsGe "is_ge" { small: flag, fail: jump, a: src, b: src } => Test;
    /// `a == b`
    IsEq "is_eq" { fail: jump, a: src, b: src } => Test;
    /// `a /= b`
    IsNe "is_ne" { fail: jump, a: src, b: src } => Test;
    /// `a =:= b`; `word`: one of them is known to be equal to nothing but itself.
    IsEqExact "is_eq_exact" { word: flag, fail: jump, a: src, b: src } => Test;
    /// `a =/= b`; `word` as above.
    IsNeExact "is_ne_exact" { word: flag, fail: jump, a: src, b: src } => Test;
    /// Exact equality with an immediate value.
    IsEqImmediate "is_eq_immediate" { fail: jump, a: src16, value: value } => Test;
    /// Exact inequality with an immediate value.
    IsNeImmediate "is_ne_immediate" { fail: jump, a: src16, value: value } => Test;

    /// Arithmetic that raises; `plain`: an error does not name the native; `small`: both values and the result are known to
    /// be small integers.
    Arith "arith" { op: arith, plain: flag, small: flag, live: live16, dst: dst16, a: src, b: src } => Arith: raises collects;
    /// Arithmetic whose failure jumps.
    GuardArith "guard_arith" { op: arith, a: src16, dst: dst16, live: live16, fail: jump, b: src } => Arith: collects;
    /// Calls a native that guards may call.
    Guard "guard" (call: [GuardCall]) => Arith: raises collects;
    /// `erlang:self/0`
    Self_ "self" (dst: dst) => Arith;

    /// A float into a float register.
    FMoveIn "fmove_in" { src: src, f: fdst } => Float;
    /// A float register's value onto the heap.
    FMoveOut "fmove_out" { f: fsrc, dst: dst } => Float;
    /// A number into a float register.
    FConv "fconv" { src: src, f: fdst } => Float: raises;
    /// Arithmetic of float registers.
    FArith "farith" { op: floatop, a: fsrc16, b: fsrc16, dst: fdst16 } => Float: raises;
    /// A float register's value with the other sign.
    FNegate "fnegate" { src: fsrc16, dst: fdst16 } => Float;

    /// Makes a fun.
    MakeFun "make_fun" (fun: [MakeFun]) => Fun;

    /// Begins a `catch` or `try`.
    Catch "catch" { slot: dst, handler: jump } => Exception;
    /// Ends a `catch`, with what it caught or not.
    CatchEnd "catch_end" { slot: dst } => Exception: collects;
    /// Ends a `try` without an exception.
    TryEnd "try_end" { slot: dst } => Exception;
    /// Begins the clauses of a `try` that caught something.
    TryCase "try_case" { slot: dst } => Exception;
    /// Raises an exception again that was caught here.
    Raise "raise" { trace: src, value: src } => Exception: ends raises;
    /// Raises an exception of the class, reason and trace in x0, x1, x2.
    RawRaise "raw_raise" => Exception: raises;
    /// Makes the list of a raw stack trace.
    BuildStacktrace "build_stacktrace" => Exception: collects;
    /// Raises `{badmatch, Value}`.
    Badmatch "badmatch" (value: src) => Exception: ends raises;
    /// Raises `{case_clause, Value}`.
    CaseEnd "case_end" (value: src) => Exception: ends raises;
    /// Raises `{try_clause, Value}`.
    TryCaseEnd "try_case_end" (value: src) => Exception: ends raises;
    /// Raises `{badrecord, Value}`.
    Badrecord "badrecord" (value: src) => Exception: ends raises;
    /// Raises `if_clause`.
    IfEnd "if_end" => Exception: ends raises;

    /// Sends x1 to x0.
    Send "send" => Message: raises collects;
    /// Puts the next message into x0, or jumps; `keeps`: functions are called, or the process may stop, before the message
    /// is taken out, so that parts of it may be kept.
    LoopRec "loop_rec" { empty: jump, keeps: flag } => Message: collects;
    /// The message did not match: looks at the next.
    LoopRecEnd "loop_rec_end" { again: jump } => Message: ends;
    /// The message matched.
    RemoveMessage "remove_message" => Message: collects;
    /// Waits for a message.
    Wait "wait" { again: jump } => Message: ends;
    /// Waits for a message or until the time is over.
    WaitTimeout "wait_timeout" { again: jump, timeout: src } => Message: raises;
    /// The time is over.
    Timeout "timeout" => Message;
    /// A place in the mailbox before which nothing can have what is made next.
    MarkerReserve "recv_marker_reserve" (dst: dst) => Message;
    /// Ties a reference to such a place.
    MarkerBind "recv_marker_bind" { marker: src, reference: src } => Message;
    /// Forgets a reference's place.
    MarkerClear "recv_marker_clear" (reference: src) => Message;
    /// Begins looking at a reference's place.
    MarkerUse "recv_marker_use" (reference: src) => Message;

    /// A map with keys added or replaced.
    PutMap "put_map" (put: [PutMap]) => Map: raises collects;
    /// A map all of whose keys are known.
    MakeMap "make_map" (make: [MakeMap]) => Map: collects;
    /// The value of one key.
    GetMapElement "get_map_element" { fail: jump, src: src, key: src, dst: x16 } => Map;
    /// The values of several keys, or whether they are there.
    GetMapElements "get_map_elements" (get: [GetMap]) => Map;

    /// Whether a value is a certain native record.
    IsRecord "is_native_record" (test: [IsRecord]) => Record;
    /// Whether code of a module may look into a native record: it is exported, or (with a module) that module's own.
    IsRecordAccessible "is_record_accessible" { fail: jump, src: src, own: atom } => Record;
    /// Fields of a native record.
    GetRecordElements "get_record_elements" (get: [RecordFields]) => Record;
    /// One field of a native record.
    GetRecordField "get_record_field" (get: [GetRecordField]) => Record: raises;
    /// A native record, made or with other values.
    PutRecord "put_record" (put: [PutRecord]) => Record: raises collects;

    /// Begins to read a binary.
    BsStartMatch "bs_start_match" { fail: jump, src: src, dst: dst, live: live16 } => Binary: raises collects;
    /// Reads an integer.
    BsGetInteger "bs_get_integer" (get: [BsGet]) => Binary: collects;
    /// Reads a float.
    BsGetFloat "bs_get_float" (get: [BsGet]) => Binary: collects;
    /// Reads a part.
    BsGetBinary "bs_get_binary" (get: [BsGet]) => Binary: collects;
    /// Steps over a part.
    BsSkip "bs_skip" (get: skip) => Binary;
    /// Whether this many bits are left.
    BsTestTail "bs_test_tail" { fail: jump, ctx: src, bits: number } => Binary;
    /// Whether what is left is a multiple of a unit.
    BsTestUnit "bs_test_unit" { fail: jump, ctx: src, unit: number } => Binary;
    /// Whether these bytes come next.
    BsMatchString "bs_match_string" (string: [BsMatchString]) => Binary;
    /// Reads a character.
    BsGetUtf "bs_get_utf" { kind: segment, little: flag, fail: jump, ctx: src, dst: dst } => Binary;
    /// Steps over a character.
    BsSkipUtf "bs_skip_utf" { kind: segment, little: flag, fail: jump, ctx: src } => Binary;
    /// What is left, as a binary.
    BsGetTail "bs_get_tail" { ctx: src, dst: dst, live: live } => Binary: collects;
    /// Where reading is.
    BsGetPosition "bs_get_position" { ctx: src, dst: dst } => Binary;
    /// Goes to where reading was.
    BsSetPosition "bs_set_position" { ctx: src, position: src } => Binary;
    /// Reads several fields.
    BsMatch "bs_match" (steps: [BsMatch]) => Binary: collects;
    /// Makes a binary.
    BsCreateBin "bs_create_bin" (create: [CreateBin]) => Binary: raises collects;
    /// Begins to make a binary.
    BsInit "bs_init" (start: [BsStart]) => Binary: raises collects;
    /// Adds to the binary that is being made.
    BsPut "bs_put" (put: [BsPut]) => Binary: raises;
    /// Adds up sizes.
    BsAdd "bs_add" (add: [BsAdd]) => Binary: raises;
    /// The size of a character.
    BsUtfSize "bs_utf_size" { kind: segment, src: src, dst: dst } => Binary;
    /// Makes a binary that can be appended to.
    BsInitWritable "bs_init_writable" => Binary: collects;
}

impl Instr {
    /// The instructions that may run after the one at `index`, which is this, in the same function.
    pub fn successors(&self, index: usize) -> Vec<usize> {
        let mut to = Vec::new();
        let effects = self.effects();
        if !effects.ends {
            to.push(index + 1);
        }
        if effects.skips {
            to.push(index + 2);
        }
        self.visit(&mut |_, o| {
            if let Operand::Jump(rel) = o
                && rel != NO_FAIL
            {
                to.push(target(index, rel));
            }
        });
        to.dedup();
        to
    }
}

/// The index of the instruction that a jump from the one at `index` leads to.
pub fn target(index: usize, rel: Rel) -> usize {
    index.wrapping_add_signed(rel as isize / size_of::<Op>() as isize)
}
