//! The generic instruction set: one table, from which everything else derives.
//!
//! The number, name, operand kinds and (as their count) the arity of every
//! instruction that a compiler from OTP 16 to OTP 28 may emit, and of those
//! that OTP 29 added but for the native records' own, stand here and nowhere
//! else. Decoder, loader, disassembler and tests read this table.

use std::fmt;

/// What an operand means to its instruction, beyond the tag it is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// The number of the label being defined.
    LabelNumber,
    /// A label to continue at.
    Label,
    /// A label to continue at on failure, or label 0: raise instead.
    Fail,
    /// As `Fail`, or one of the atoms `no_fail` and `resume`.
    FailOrAtom,
    /// A register or constant that is read.
    Src,
    /// A register that is written.
    Dst,
    /// A number of arguments.
    Arity,
    /// An index into the import table.
    Import,
    /// An index into the lambda table.
    Lambda,
    /// The fun tag of `call_fun2`: a lambda index or one of two atoms.
    FunTag,
    /// A number of stack slots.
    Slots,
    /// Heap need: words, or an allocation list.
    Heap,
    /// How many X registers are live.
    Live,
    /// An atom that is part of the instruction.
    Atom,
    /// An index into the line table; 0 is the undefined location.
    Line,
    /// An offset into the string table, in bytes.
    StringOffset,
    /// A unit of a binary segment.
    Unit,
    /// Flags of a binary segment.
    Flags,
    /// A plain number (index, size, count).
    Uint,
    /// The extended list that ends the instruction.
    List,
    /// An operand of an instruction that no supported compiler emits.
    Any,
}

const NO_INFO: Info = Info { name: "", kinds: &[], obsolete: true };

struct Info {
    name: &'static str,
    kinds: &'static [OperandKind],
    obsolete: bool,
}

macro_rules! opcodes {
    (@obsolete) => { false };
    (@obsolete obsolete) => { true };
    ($($number:literal $variant:ident $name:literal [$($kind:ident)*] $($obsolete:ident)?;)*) => {
        /// A generic instruction, by its number in the file.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = concat!("`", $name, "`")] $variant = $number,)*
        }

        impl Opcode {
            /// Every instruction, in the order of their numbers.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant,)*];
        }

        // 256 entries, so that looking one up by its number needs no check.
        static INFO: [Info; 256] = {
            let mut table = [NO_INFO; 256];
            $(table[$number] = Info {
                name: $name,
                kinds: &[$(OperandKind::$kind,)*],
                obsolete: opcodes!(@obsolete $($obsolete)?),
            };)*
            table
        };

        static BY_NUMBER: [Option<Opcode>; 256] = {
            let mut table = [None; 256];
            $(table[$number] = Some(Opcode::$variant);)*
            table
        };

        static ARITY: [u8; 256] = {
            let mut table = [0; 256];
            $(table[$number] = INFO[$number].kinds.len() as u8;)*
            table
        };
    };
}

opcodes! {
    1 Label "label" [LabelNumber];
    2 FuncInfo "func_info" [Atom Atom Arity];
    3 IntCodeEnd "int_code_end" [];
    4 Call "call" [Arity Label];
    5 CallLast "call_last" [Arity Label Slots];
    6 CallOnly "call_only" [Arity Label];
    7 CallExt "call_ext" [Arity Import];
    8 CallExtLast "call_ext_last" [Arity Import Slots];
    9 Bif0 "bif0" [Import Dst];
    10 Bif1 "bif1" [Fail Import Src Dst];
    11 Bif2 "bif2" [Fail Import Src Src Dst];
    12 Allocate "allocate" [Slots Live];
    13 AllocateHeap "allocate_heap" [Slots Heap Live];
    14 AllocateZero "allocate_zero" [Slots Live];
    15 AllocateHeapZero "allocate_heap_zero" [Slots Heap Live];
    16 TestHeap "test_heap" [Heap Live];
    17 Init "init" [Dst];
    18 Deallocate "deallocate" [Slots];
    19 Return "return" [];
    20 Send "send" [];
    21 RemoveMessage "remove_message" [];
    22 Timeout "timeout" [];
    23 LoopRec "loop_rec" [Fail Dst];
    24 LoopRecEnd "loop_rec_end" [Label];
    25 Wait "wait" [Label];
    26 WaitTimeout "wait_timeout" [Label Src];
    27 MPlus "m_plus" [Any Any Any Any] obsolete;
    28 MMinus "m_minus" [Any Any Any Any] obsolete;
    29 MTimes "m_times" [Any Any Any Any] obsolete;
    30 MDiv "m_div" [Any Any Any Any] obsolete;
    31 IntDiv "int_div" [Any Any Any Any] obsolete;
    32 IntRem "int_rem" [Any Any Any Any] obsolete;
    33 IntBand "int_band" [Any Any Any Any] obsolete;
    34 IntBor "int_bor" [Any Any Any Any] obsolete;
    35 IntBxor "int_bxor" [Any Any Any Any] obsolete;
    36 IntBsl "int_bsl" [Any Any Any Any] obsolete;
    37 IntBsr "int_bsr" [Any Any Any Any] obsolete;
    38 IntBnot "int_bnot" [Any Any Any] obsolete;
    39 IsLt "is_lt" [Fail Src Src];
    40 IsGe "is_ge" [Fail Src Src];
    41 IsEq "is_eq" [Fail Src Src];
    42 IsNe "is_ne" [Fail Src Src];
    43 IsEqExact "is_eq_exact" [Fail Src Src];
    44 IsNeExact "is_ne_exact" [Fail Src Src];
    45 IsInteger "is_integer" [Fail Src];
    46 IsFloat "is_float" [Fail Src];
    47 IsNumber "is_number" [Fail Src];
    48 IsAtom "is_atom" [Fail Src];
    49 IsPid "is_pid" [Fail Src];
    50 IsReference "is_reference" [Fail Src];
    51 IsPort "is_port" [Fail Src];
    52 IsNil "is_nil" [Fail Src];
    53 IsBinary "is_binary" [Fail Src];
    54 IsConstant "is_constant" [Any Any] obsolete;
    55 IsList "is_list" [Fail Src];
    56 IsNonemptyList "is_nonempty_list" [Fail Src];
    57 IsTuple "is_tuple" [Fail Src];
    58 TestArity "test_arity" [Fail Src Uint];
    59 SelectVal "select_val" [Src Fail List];
    60 SelectTupleArity "select_tuple_arity" [Src Fail List];
    61 Jump "jump" [Label];
    62 Catch "catch" [Dst Label];
    63 CatchEnd "catch_end" [Src];
    64 Move "move" [Src Dst];
    65 GetList "get_list" [Src Dst Dst];
    66 GetTupleElement "get_tuple_element" [Src Uint Dst];
    67 SetTupleElement "set_tuple_element" [Src Src Uint];
    68 PutString "put_string" [Any Any Any] obsolete;
    69 PutList "put_list" [Src Src Dst];
    70 PutTuple "put_tuple" [Any Any] obsolete;
    71 Put "put" [Any] obsolete;
    72 Badmatch "badmatch" [Src];
    73 IfEnd "if_end" [];
    74 CaseEnd "case_end" [Src];
    75 CallFun "call_fun" [Arity];
    76 MakeFun "make_fun" [Any Any Any] obsolete;
    77 IsFunction "is_function" [Fail Src];
    78 CallExtOnly "call_ext_only" [Arity Import];
    79 BsStartMatch "bs_start_match" [Any Any] obsolete;
    80 BsGetInteger "bs_get_integer" [Any Any Any Any Any] obsolete;
    81 BsGetFloat "bs_get_float" [Any Any Any Any Any] obsolete;
    82 BsGetBinary "bs_get_binary" [Any Any Any Any Any] obsolete;
    83 BsSkipBits "bs_skip_bits" [Any Any Any Any] obsolete;
    84 BsTestTail "bs_test_tail" [Any Any] obsolete;
    85 BsSave "bs_save" [Any] obsolete;
    86 BsRestore "bs_restore" [Any] obsolete;
    87 BsInit "bs_init" [Any Any] obsolete;
    88 BsFinal "bs_final" [Any Any] obsolete;
    89 BsPutInteger "bs_put_integer" [Fail Src Unit Flags Src];
    90 BsPutBinary "bs_put_binary" [Fail Src Unit Flags Src];
    91 BsPutFloat "bs_put_float" [Fail Src Unit Flags Src];
    92 BsPutString "bs_put_string" [Uint StringOffset];
    93 BsNeedBuf "bs_need_buf" [Any] obsolete;
    94 Fclearerror "fclearerror" [];
    95 Fcheckerror "fcheckerror" [Fail];
    96 Fmove "fmove" [Src Dst];
    97 Fconv "fconv" [Src Dst];
    98 Fadd "fadd" [Fail Src Src Dst];
    99 Fsub "fsub" [Fail Src Src Dst];
    100 Fmul "fmul" [Fail Src Src Dst];
    101 Fdiv "fdiv" [Fail Src Src Dst];
    102 Fnegate "fnegate" [Fail Src Dst];
    103 MakeFun2 "make_fun2" [Lambda];
    104 Try "try" [Dst Label];
    105 TryEnd "try_end" [Src];
    106 TryCase "try_case" [Src];
    107 TryCaseEnd "try_case_end" [Src];
    108 Raise "raise" [Src Src];
    109 BsInit2 "bs_init2" [Fail Src Heap Live Flags Dst];
    110 BsBitsToBytes "bs_bits_to_bytes" [Any Any Any] obsolete;
    111 BsAdd "bs_add" [Fail Src Src Unit Dst];
    112 Apply "apply" [Arity];
    113 ApplyLast "apply_last" [Arity Slots];
    114 IsBoolean "is_boolean" [Fail Src];
    115 IsFunction2 "is_function2" [Fail Src Src];
    116 BsStartMatch2 "bs_start_match2" [Any Any Any Any Any] obsolete;
    117 BsGetInteger2 "bs_get_integer2" [Fail Src Live Src Unit Flags Dst];
    118 BsGetFloat2 "bs_get_float2" [Fail Src Live Src Unit Flags Dst];
    119 BsGetBinary2 "bs_get_binary2" [Fail Src Live Src Unit Flags Dst];
    120 BsSkipBits2 "bs_skip_bits2" [Fail Src Src Unit Flags];
    121 BsTestTail2 "bs_test_tail2" [Fail Src Uint];
    122 BsSave2 "bs_save2" [Any Any] obsolete;
    123 BsRestore2 "bs_restore2" [Any Any] obsolete;
    124 GcBif1 "gc_bif1" [Fail Live Import Src Dst];
    125 GcBif2 "gc_bif2" [Fail Live Import Src Src Dst];
    126 BsFinal2 "bs_final2" [Any Any] obsolete;
    127 BsBitsToBytes2 "bs_bits_to_bytes2" [Any Any] obsolete;
    128 PutLiteral "put_literal" [Any Any] obsolete;
    129 IsBitstr "is_bitstr" [Fail Src];
    130 BsContextToBinary "bs_context_to_binary" [Any] obsolete;
    131 BsTestUnit "bs_test_unit" [Fail Src Unit];
    132 BsMatchString "bs_match_string" [Fail Src Uint StringOffset];
    133 BsInitWritable "bs_init_writable" [];
    134 BsAppend "bs_append" [Fail Src Heap Live Unit Src Flags Dst];
    135 BsPrivateAppend "bs_private_append" [Fail Src Unit Src Flags Dst];
    136 Trim "trim" [Slots Slots];
    137 BsInitBits "bs_init_bits" [Fail Src Heap Live Flags Dst];
    138 BsGetUtf8 "bs_get_utf8" [Fail Src Live Flags Dst];
    139 BsSkipUtf8 "bs_skip_utf8" [Fail Src Live Flags];
    140 BsGetUtf16 "bs_get_utf16" [Fail Src Live Flags Dst];
    141 BsSkipUtf16 "bs_skip_utf16" [Fail Src Live Flags];
    142 BsGetUtf32 "bs_get_utf32" [Fail Src Live Flags Dst];
    143 BsSkipUtf32 "bs_skip_utf32" [Fail Src Live Flags];
    144 BsUtf8Size "bs_utf8_size" [Fail Src Dst];
    145 BsPutUtf8 "bs_put_utf8" [Fail Flags Src];
    146 BsUtf16Size "bs_utf16_size" [Fail Src Dst];
    147 BsPutUtf16 "bs_put_utf16" [Fail Flags Src];
    148 BsPutUtf32 "bs_put_utf32" [Fail Flags Src];
    149 OnLoad "on_load" [];
    150 RecvMark "recv_mark" [Label];
    151 RecvSet "recv_set" [Label];
    152 GcBif3 "gc_bif3" [Fail Live Import Src Src Src Dst];
    153 Line "line" [Line];
    154 PutMapAssoc "put_map_assoc" [Fail Src Dst Live List];
    155 PutMapExact "put_map_exact" [Fail Src Dst Live List];
    156 IsMap "is_map" [Fail Src];
    157 HasMapFields "has_map_fields" [Fail Src List];
    158 GetMapElements "get_map_elements" [Fail Src List];
    159 IsTaggedTuple "is_tagged_tuple" [Fail Src Uint Atom];
    160 BuildStacktrace "build_stacktrace" [];
    161 RawRaise "raw_raise" [];
    162 GetHd "get_hd" [Src Dst];
    163 GetTl "get_tl" [Src Dst];
    164 PutTuple2 "put_tuple2" [Dst List];
    165 BsGetTail "bs_get_tail" [Src Dst Live];
    166 BsStartMatch3 "bs_start_match3" [Fail Src Live Dst];
    167 BsGetPosition "bs_get_position" [Src Dst Live];
    168 BsSetPosition "bs_set_position" [Src Src];
    169 Swap "swap" [Dst Dst];
    170 BsStartMatch4 "bs_start_match4" [FailOrAtom Live Src Dst];
    171 MakeFun3 "make_fun3" [Lambda Dst List];
    172 InitYregs "init_yregs" [List];
    173 RecvMarkerBind "recv_marker_bind" [Src Src];
    174 RecvMarkerClear "recv_marker_clear" [Src];
    175 RecvMarkerReserve "recv_marker_reserve" [Dst];
    176 RecvMarkerUse "recv_marker_use" [Src];
    177 BsCreateBin "bs_create_bin" [Fail Heap Live Unit Dst List];
    178 CallFun2 "call_fun2" [FunTag Arity Src];
    179 NifStart "nif_start" [];
    180 Badrecord "badrecord" [Src];
    181 UpdateRecord "update_record" [Atom Uint Src Dst List];
    182 BsMatch "bs_match" [Fail Src List];
    183 ExecutableLine "executable_line" [Line Uint];
    184 DebugLine "debug_line" [Atom Line Uint Live];
    185 Bif3 "bif3" [Fail Import Src Src Src Dst];
    186 IsAnyNativeRecord "is_any_native_record" [Fail Src];
    187 IsNativeRecord "is_native_record" [Fail Src Atom Atom];
    188 GetRecordElements "get_record_elements" [Fail Src List];
    189 PutRecord "put_record" [Fail Src Src Dst Live List];
    190 IsRecordAccessible "is_record_accessible" [Fail Src Atom];
    191 GetRecordField "get_record_field" [Fail Src Src Atom Dst];
}

impl Opcode {
    /// The highest number known.
    pub const MAX: u8 = Opcode::ALL.len() as u8;

    /// The instruction with this number.
    #[inline]
    pub fn from_u8(number: u8) -> Option<Opcode> {
        BY_NUMBER.get(number as usize).copied().flatten()
    }

    /// The instruction with this name.
    pub fn from_name(name: &str) -> Option<Opcode> {
        Opcode::ALL.iter().copied().find(|op| op.name() == name)
    }

    fn info(self) -> &'static Info {
        INFO.get(self as usize).unwrap_or(&NO_INFO)
    }

    /// The name as the compiler writes it.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// How many operands follow; an extended list counts as one.
    #[inline]
    pub fn arity(self) -> usize {
        ARITY.get(self as usize).copied().unwrap_or(0) as usize
    }

    /// What each operand means.
    pub fn kinds(self) -> &'static [OperandKind] {
        self.info().kinds
    }

    /// Whether the emulator has dropped this instruction: its number is taken,
    /// but a file that uses it has to be compiled again.
    pub fn is_obsolete(self) -> bool {
        self.info().obsolete
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_without_a_gap_and_names_are_unique() {
        for (position, op) in Opcode::ALL.iter().enumerate() {
            assert_eq!(*op as usize, position + 1);
            assert_eq!(Opcode::from_u8(*op as u8), Some(*op));
            assert_eq!(Opcode::from_name(op.name()), Some(*op), "{op}");
        }
        assert_eq!(Opcode::from_u8(0), None);
        assert_eq!(Opcode::from_u8(Opcode::MAX + 1), None);
    }

    #[test]
    fn a_list_only_ends_an_instruction() {
        for op in Opcode::ALL {
            let place = op.kinds().iter().position(|k| *k == OperandKind::List);
            assert!(place.is_none_or(|at| at + 1 == op.arity()), "{op}");
            assert!(op.arity() <= crate::MAX_ARITY, "{op}");
        }
    }
}
