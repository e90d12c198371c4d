//! Matching and construction of binaries, in the forms of OTP 24 and earlier, 25, and 26 onwards.

use super::super::instr::*;
use super::{Result, Translator, malformed};
use purlin_beam::{BeamFile, CodeIndex, Instruction, Opcode, Operand};
use purlin_term::Atom;

/// Bits of a flags operand.
const LITTLE: u64 = 2;
const SIGNED: u64 = 4;
const NATIVE: u64 = 16;

fn is_little(flags: u64) -> bool {
    flags & LITTLE != 0 || (flags & NATIVE != 0 && cfg!(target_endian = "little"))
}

impl Translator<'_> {
    /// Translates an instruction of this family; false when it is of another.
    pub(super) fn binaries(&mut self, ins: &Instruction) -> Result<bool> {
        let i = match ins.op {
            Opcode::BsStartMatch3 => Instr::BsStartMatch {
                fail: self.fail(ins, 0)?,
                src: self.src(ins, 1)?,
                live: self.live(ins, 2)? as u16,
                dst: self.dst(ins, 3)?,
            },
            Opcode::BsStartMatch4 => {
                // The first operand is a label, or the atom `no_fail` or `resume`.
                let fail = match self.operand(ins, 0)? {
                    Operand::Label(l) => self.rel(l)?,
                    _ => NO_FAIL,
                };
                Instr::BsStartMatch {
                    fail,
                    live: self.live(ins, 1)? as u16,
                    src: self.src(ins, 2)?,
                    dst: self.dst(ins, 3)?,
                }
            }
            Opcode::BsGetInteger2 | Opcode::BsGetFloat2 | Opcode::BsGetBinary2 => {
                let flags = self.number(ins, 5)?;
                let get = BsGet {
                    fail: self.fail(ins, 0)?,
                    ctx: self.src(ins, 1)?,
                    live: self.live(ins, 2)?,
                    size: self.size(ins, 3)?,
                    unit: self.small_number(ins, 4)?,
                    signed: flags & SIGNED != 0,
                    little: is_little(flags),
                    dst: self.dst(ins, 6)?,
                    bits: 0,
                };
                let get = self.ext(get.sized());
                match ins.op {
                    Opcode::BsGetInteger2 => Instr::BsGetInteger(get),
                    Opcode::BsGetFloat2 => Instr::BsGetFloat(get),
                    _ => Instr::BsGetBinary(get),
                }
            }
            Opcode::BsSkipBits2 => {
                let get = BsGet {
                    fail: self.fail(ins, 0)?,
                    ctx: self.src(ins, 1)?,
                    live: 0,
                    size: self.size(ins, 2)?,
                    unit: self.small_number(ins, 3)?,
                    signed: false,
                    little: false,
                    dst: Dst::x(0),
                    bits: 0,
                };
                Instr::BsSkip(self.ext(get.sized()))
            }
            Opcode::BsTestTail2 => {
                let (fail, ctx) = (self.fail(ins, 0)?, self.src(ins, 1)?);
                match self.operand(ins, 2)? {
                    Operand::U(n) if n <= u32::MAX as u64 => Instr::BsTestTail { fail, ctx, bits: n as u32 },
                    // No binary has so many bits left.
                    Operand::U(_) | Operand::Overflow => Instr::Jump(fail),
                    other => return malformed(format!("bs_test_tail2: {other:?} is no number")),
                }
            }
            Opcode::BsTestUnit => {
                Instr::BsTestUnit { fail: self.fail(ins, 0)?, ctx: self.src(ins, 1)?, unit: self.small_number(ins, 2)? }
            }
            Opcode::BsMatchString => {
                let bits = self.small_number(ins, 2)?;
                let m = BsMatchString {
                    fail: self.fail(ins, 0)?,
                    ctx: self.src(ins, 1)?,
                    bits,
                    bytes: self.strings(self.number(ins, 3)?, (bits as usize).div_ceil(8))?,
                };
                Instr::BsMatchString(self.ext(m))
            }
            Opcode::BsGetUtf8 | Opcode::BsGetUtf16 | Opcode::BsGetUtf32 => Instr::BsGetUtf {
                kind: utf(ins.op),
                little: is_little(self.number(ins, 3)?),
                fail: self.fail(ins, 0)?,
                ctx: self.src(ins, 1)?,
                dst: self.dst(ins, 4)?,
            },
            Opcode::BsSkipUtf8 | Opcode::BsSkipUtf16 | Opcode::BsSkipUtf32 => Instr::BsSkipUtf {
                kind: utf(ins.op),
                little: is_little(self.number(ins, 3)?),
                fail: self.fail(ins, 0)?,
                ctx: self.src(ins, 1)?,
            },
            Opcode::BsGetTail => {
                Instr::BsGetTail { ctx: self.src(ins, 0)?, dst: self.dst(ins, 1)?, live: self.live(ins, 2)? }
            }
            Opcode::BsGetPosition => Instr::BsGetPosition { ctx: self.src(ins, 0)?, dst: self.dst(ins, 1)? },
            Opcode::BsSetPosition => Instr::BsSetPosition { ctx: self.src(ins, 0)?, position: self.src(ins, 1)? },
            Opcode::BsMatch => return self.bs_match(ins),
            Opcode::BsCreateBin => return self.create_bin(ins),
            Opcode::BsInit2 | Opcode::BsInitBits => {
                let start = BsStart {
                    fail: self.fail(ins, 0)?,
                    size: self.size_number(ins, 1)?,
                    unit: if ins.op == Opcode::BsInit2 { 8 } else { 1 },
                    live: self.live(ins, 3)?,
                    dst: self.dst(ins, 5)?,
                    base: None,
                    whole: None,
                };
                self.heap_need(ins, 2)?;
                Instr::BsInit(self.ext(start))
            }
            Opcode::BsAppend => {
                let start = BsStart {
                    fail: self.fail(ins, 0)?,
                    size: self.src(ins, 1)?,
                    unit: self.small_number(ins, 4)?,
                    live: self.live(ins, 3)?,
                    base: Some(self.src(ins, 5)?),
                    whole: None,
                    dst: self.dst(ins, 7)?,
                };
                Instr::BsInit(self.ext(start))
            }
            Opcode::BsPrivateAppend => {
                let start = BsStart {
                    fail: self.fail(ins, 0)?,
                    size: self.src(ins, 1)?,
                    unit: self.small_number(ins, 2)?,
                    live: UNKNOWN_LIVE,
                    base: Some(self.src(ins, 3)?),
                    whole: None,
                    dst: self.dst(ins, 5)?,
                };
                Instr::BsInit(self.ext(start))
            }
            Opcode::BsPutInteger | Opcode::BsPutBinary | Opcode::BsPutFloat => {
                let flags = self.number(ins, 3)?;
                let segment = BinSegment {
                    kind: match ins.op {
                        Opcode::BsPutInteger => Segment::Integer,
                        Opcode::BsPutBinary => Segment::Binary,
                        _ => Segment::Float,
                    },
                    size: self.size(ins, 1)?.map_or(SegmentSize::All, SegmentSize::Units),
                    unit: self.small_number(ins, 2)?,
                    signed: flags & SIGNED != 0,
                    little: is_little(flags),
                    src: self.src(ins, 4)?,
                    text: &[],
                    number: 0,
                };
                Instr::BsPut(self.ext(BsPut { fail: self.fail(ins, 0)?, segment }))
            }
            Opcode::BsPutString => {
                let len = self.small_number(ins, 0)?;
                self.put(NO_FAIL, Segment::String, false, Src::x(0), self.strings(self.number(ins, 1)?, len as usize)?)
            }
            Opcode::BsPutUtf8 | Opcode::BsPutUtf16 | Opcode::BsPutUtf32 => {
                let little = is_little(self.number(ins, 1)?);
                self.put(self.fail(ins, 0)?, utf(ins.op), little, self.src(ins, 2)?, &[])
            }
            Opcode::BsAdd => {
                let a = BsAdd {
                    fail: self.fail(ins, 0)?,
                    a: self.src(ins, 1)?,
                    b: self.src(ins, 2)?,
                    unit: self.small_number(ins, 3)?,
                    dst: self.dst(ins, 4)?,
                };
                Instr::BsAdd(self.ext(a))
            }
            Opcode::BsUtf8Size | Opcode::BsUtf16Size => {
                Instr::BsUtfSize { kind: utf(ins.op), src: self.src(ins, 1)?, dst: self.dst(ins, 2)? }
            }
            Opcode::BsInitWritable => Instr::BsInitWritable,
            _ => return Ok(false),
        };
        self.emit(i);
        Ok(true)
    }

    /// Notes at the beginning of each old-style construction all that belongs to it.
    pub(super) fn join_constructions(&mut self) {
        for i in 0..self.code.len() {
            if let Instr::BsInit(&BsStart { fail, size, unit, live, dst, base, .. }) = self.code[i] {
                let whole = Whole::of(&self.code[i..]);
                self.code[i] = Instr::BsInit(self.ext(BsStart { fail, size, unit, live, dst, base, whole }));
            }
        }
    }

    fn put(&self, fail: Rel, kind: Segment, little: bool, src: Src, text: &'static [u8]) -> Instr {
        let segment = BinSegment { kind, src, size: SegmentSize::All, unit: 8, signed: false, little, text, number: 0 };
        Instr::BsPut(self.ext(BsPut { fail, segment }))
    }

    /// A size operand: a source, or nothing for the atom `all`.
    fn size(&self, ins: &Instruction, i: usize) -> Result<Option<Src>> {
        let o = self.operand(ins, i)?;
        self.size_of(o)
    }

    fn size_of(&self, o: Operand) -> Result<Option<Src>> {
        match o {
            Operand::Atom(a) if a != 0 && self.module.atom(a)? == Atom::new("all") => Ok(None),
            Operand::Atom(a) if a != 0 && self.module.atom(a)? == Atom::UNDEFINED => Ok(None),
            Operand::U(n) => self.as_src(Operand::I(n as i64)).map(Some),
            o => self.as_src(o).map(Some),
        }
    }

    /// A size that may be given as a plain number.
    fn size_number(&self, ins: &Instruction, i: usize) -> Result<Src> {
        match self.operand(ins, i)? {
            Operand::U(n) => self.as_src(Operand::I(n as i64)),
            o => self.as_src(o),
        }
    }

    fn create_bin(&mut self, ins: &Instruction) -> Result<bool> {
        let mut segments = Vec::new();
        for part in ins.list().chunks(6) {
            let &[Operand::Atom(kind), number, unit, flags, src, size] = part else {
                return malformed("bs_create_bin: bad segment");
            };
            let number = match number {
                Operand::U(n) => n as u32,
                _ => return malformed("bs_create_bin: bad segment number"),
            };
            let (Operand::U(unit), flags) = (unit, self.flags(flags)?) else {
                return malformed("bs_create_bin: bad unit");
            };
            let kind = match self.module.atom(kind)?.name() {
                "integer" => Segment::Integer,
                "float" => Segment::Float,
                "binary" => Segment::Binary,
                "append" => Segment::Append,
                "private_append" => Segment::PrivateAppend,
                "utf8" => Segment::Utf8,
                "utf16" => Segment::Utf16,
                "utf32" => Segment::Utf32,
                "string" => Segment::String,
                other => return malformed(format!("bs_create_bin: unknown segment {other}")),
            };
            let (src, size, text): (Src, SegmentSize, &'static [u8]) = if kind == Segment::String {
                let (offset, bytes) = match (src, size.untyped()) {
                    (Operand::U(o), Operand::I(n)) => (o, n as u64),
                    (Operand::U(o), Operand::U(n)) => (o, n),
                    _ => return malformed("bs_create_bin: bad string"),
                };
                (Src::x(0), SegmentSize::All, self.strings(offset, bytes as usize)?)
            } else {
                let size = self.size_of(size)?.map_or(SegmentSize::All, SegmentSize::Units);
                (self.as_src(src)?, size, &[])
            };
            segments.push(BinSegment {
                kind,
                number,
                unit: unit as u32,
                signed: flags & SIGNED != 0,
                little: is_little(flags),
                src,
                size,
                text,
            });
        }
        let c = CreateBin {
            fail: self.fail(ins, 0)?,
            live: self.live(ins, 2)?,
            unit: self.small_number(ins, 3)?,
            dst: self.dst(ins, 4)?,
            packed: Packed::of(&segments),
            segments,
        };
        let c = self.ext(c);
        self.emit(Instr::BsCreateBin(c));
        Ok(true)
    }

    /// Flags of a `bs_create_bin` segment: a literal list of atoms, nil, or a number.
    fn flags(&self, o: Operand) -> Result<u64> {
        Ok(match o {
            Operand::U(n) => n,
            Operand::Atom(0) => 0,
            Operand::Literal(i) => {
                let t = super::super::consts::get(self.module.literal(self.loaded, i)?);
                let mut flags = 0;
                for e in t.iter() {
                    flags |= match e.as_atom().map(Atom::name) {
                        Some("little") => LITTLE,
                        Some("signed") => SIGNED,
                        Some("native") => NATIVE,
                        _ => 0,
                    };
                }
                flags
            }
            other => return malformed(format!("bs_create_bin: bad flags {other:?}")),
        })
    }

    fn bs_match(&mut self, ins: &Instruction) -> Result<bool> {
        let mut steps = Vec::new();
        let list = ins.list();
        let mut at = 0;
        let number = |o: Option<&Operand>| match o.map(|o| o.untyped()) {
            Some(Operand::U(n)) => Ok(u32::try_from(n).unwrap_or(u32::MAX)),
            Some(Operand::I(n)) => Ok(u32::try_from(n).unwrap_or(u32::MAX)),
            Some(Operand::Overflow) => Ok(u32::MAX),
            _ => malformed("bs_match: a number is missing"),
        };
        while let Some(&command) = list.get(at) {
            let Operand::Atom(command) = command else { return malformed("bs_match: no command") };
            let arg = |i: usize| list.get(at + i);
            let command = self.module.atom(command)?.name();
            let step = match command {
                // No binary has so many bits left.
                "ensure_at_least" | "ensure_exactly" if number(arg(1))? == u32::MAX => {
                    let fail = self.fail(ins, 0)?;
                    self.emit(Instr::Jump(fail));
                    return Ok(true);
                }
                "ensure_at_least" => MatchStep::EnsureAtLeast { bits: number(arg(1))?, unit: number(arg(2))? },
                "ensure_exactly" => MatchStep::EnsureExactly { bits: number(arg(1))? },
                "skip" => MatchStep::Skip { bits: number(arg(1))? },
                "integer" => {
                    let flags = self.flags(*arg(2).unwrap_or(&Operand::Overflow))?;
                    let bits = number(arg(3))?.saturating_mul(number(arg(4))?);
                    let dst = self.as_dst(*arg(5).unwrap_or(&Operand::Overflow))?;
                    let (signed, little) = (flags & SIGNED != 0, is_little(flags));
                    MatchStep::Integer { live: number(arg(1))?, signed, little, bits, dst }
                }
                "binary" => {
                    let bits = number(arg(3))?.saturating_mul(number(arg(4))?);
                    let dst = self.as_dst(*arg(5).unwrap_or(&Operand::Overflow))?;
                    MatchStep::Binary { live: number(arg(1))?, bits, dst }
                }
                "get_tail" => {
                    let dst = self.as_dst(*arg(3).unwrap_or(&Operand::Overflow))?;
                    MatchStep::Tail { live: number(arg(1))?, dst }
                }
                "=:=" => {
                    let value = match arg(3) {
                        Some(&Operand::U(n)) => n,
                        Some(&Operand::I(n)) => n as u64,
                        _ => return malformed("bs_match: bad value"),
                    };
                    MatchStep::Equal { bits: number(arg(2))?, value }
                }
                other => return malformed(format!("bs_match: unknown command {other}")),
            };
            steps.push(step);
            at += match_operands(command).unwrap_or(1);
        }
        let m = BsMatch { fail: self.fail(ins, 0)?, ctx: self.src(ins, 1)?, steps: self.list(steps) };
        let m = self.ext(m);
        self.emit(Instr::BsMatch(m));
        Ok(true)
    }
}

fn utf(op: Opcode) -> Segment {
    match op {
        Opcode::BsGetUtf8 | Opcode::BsSkipUtf8 | Opcode::BsPutUtf8 | Opcode::BsUtf8Size => Segment::Utf8,
        Opcode::BsGetUtf16 | Opcode::BsSkipUtf16 | Opcode::BsPutUtf16 | Opcode::BsUtf16Size => Segment::Utf16,
        _ => Segment::Utf32,
    }
}

/// How many operands a command of `bs_match` has, itself included.
fn match_operands(command: &str) -> Option<usize> {
    Some(match command {
        "ensure_exactly" | "skip" => 2,
        "ensure_at_least" => 3,
        "get_tail" | "=:=" => 4,
        "integer" | "binary" => 6,
        _ => return None,
    })
}

/// Refuses a module with a command of `bs_match` that is not known: a later compiler's.
pub(in crate::code) fn check_matches(file: &BeamFile, index: &CodeIndex) -> Result<()> {
    let mut ins = Instruction::new();
    for &at in &index.matches {
        file.code().decode(at..file.code().range().end).next(&mut ins)?;
        let mut commands = ins.list();
        while let Some(command) = commands.first() {
            let name = if let &Operand::Atom(i) = command { file.atom(i) } else { None };
            let Some(operands) = name.and_then(match_operands) else {
                return malformed(format!("bs_match: unknown command {}", name.unwrap_or("")));
            };
            commands = commands.get(operands..).unwrap_or(&[]);
        }
    }
    Ok(())
}
