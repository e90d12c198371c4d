//! Operands of the instructions that build and match binaries.

use super::{Dst, Ext, Instr, NO_FAIL, Rel, Src, operands_of};
use crate::code::isa::{Operand, Operands};

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
#[derive(Clone, Copy, Debug)]
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
    pub packed: Option<Packed>,
}

/// What a construction adds when that is nothing but integers of known sizes, of at most 64 bits in all.
#[derive(Debug)]
pub struct Packed {
    /// What they are appended to, and the unit of its size.
    pub to: Option<(Src, u32)>,
    pub bits: u32,
    pub fields: Vec<PackedField>,
}

/// Some of these bits.
#[derive(Clone, Copy, Debug)]
pub enum PackedField {
    Value { src: Src, bits: u32 },
    Text { value: u64, bits: u32 },
}

impl Packed {
    pub fn of(segments: &[BinSegment]) -> Option<Packed> {
        let to = segments
            .first()
            .filter(|s| matches!(s.kind, Segment::Append | Segment::PrivateAppend))
            .map(|s| (s.src, s.unit));
        let mut bits = 0u32;
        let mut fields = Vec::new();
        for s in &segments[to.is_some() as usize..] {
            let (field, n) = match (s.kind, s.size) {
                (Segment::String, _) if s.text.len() <= 8 => {
                    let value = s.text.iter().fold(0, |v, &b| v << 8 | b as u64);
                    let n = s.text.len() as u32 * 8;
                    (PackedField::Text { value, bits: n }, n)
                }
                (Segment::Integer, SegmentSize::Units(size)) if size.kind() == 3 => {
                    let n = u32::try_from(size.inlined().small_value()).ok()?.checked_mul(s.unit)?;
                    if s.little && n > 8 {
                        return None;
                    }
                    (PackedField::Value { src: s.src, bits: n }, n)
                }
                _ => return None,
            };
            if n == 0 {
                return None;
            }
            bits = bits.checked_add(n).filter(|n| *n <= 64)?;
            fields.push(field);
        }
        (bits > 0).then_some(Packed { to, bits, fields })
    }
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
    /// The size in bits where it stands in the code (0: it does not, or is that).
    pub bits: u32,
}

impl BsGet {
    /// Notes the size in bits if it is known.
    pub fn sized(mut self) -> BsGet {
        let size = self.size.filter(|s| s.kind() == 3).and_then(|s| u32::try_from(s.inlined().small_value()).ok());
        self.bits = size.and_then(|n| n.checked_mul(self.unit)).unwrap_or(0);
        self
    }
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
    pub steps: Ext<[MatchStep]>,
}

/// Old-style construction: where `bs_init2`, `bs_append` and so on start a binary.
#[derive(Debug)]
pub struct BsStart {
    pub fail: Rel,
    /// In units; in bits when something is appended to.
    pub size: Src,
    /// What counts as one in `size`, or must divide the size of `base`.
    pub unit: u32,
    pub live: u32,
    pub dst: Dst,
    /// The binary to append to.
    pub base: Option<Src>,
    /// All of the construction, where the instructions behind this one put the segments one after the other.
    pub whole: Option<Whole>,
}

/// Old-style construction as one step.
#[derive(Debug)]
pub struct Whole {
    pub create: CreateBin,
    /// How many instructions behind the first belong to it.
    pub puts: usize,
}

impl Whole {
    /// The construction that begins at the first of these instructions.
    pub fn of(code: &[Instr]) -> Option<Whole> {
        let (Instr::BsInit(start), behind) = code.split_first()? else { return None };
        let puts = behind.iter().map_while(|i| if let Instr::BsPut(p) = i { Some(*p) } else { None });
        let base = start.base.map(|src| BinSegment {
            kind: Segment::Append,
            number: 0,
            unit: start.unit,
            signed: false,
            little: false,
            src,
            size: SegmentSize::All,
            text: &[],
        });
        let segments: Vec<BinSegment> = base.into_iter().chain(puts.map(|p| p.segment)).collect();
        let puts = segments.len() - usize::from(start.base.is_some());
        let create = CreateBin {
            fail: NO_FAIL,
            live: start.live,
            unit: 1,
            dst: start.dst,
            packed: Packed::of(&segments),
            segments,
        };
        (puts > 0).then_some(Whole { create, puts })
    }
}

/// Old-style construction: one segment put.
#[derive(Debug)]
pub struct BsPut {
    pub fail: Rel,
    pub segment: BinSegment,
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

impl BsGet {
    /// Shows all but the destination to a visitor: stepping over has none.
    pub(in crate::code) fn skipped(&self, visit: &mut dyn FnMut(&'static str, Operand<'_>)) {
        visit("fail", Operand::Jump(self.fail));
        visit("ctx", Operand::Src(self.ctx));
        visit("unit", Operand::Number(self.unit as i64));
        if let Some(size) = self.size {
            visit("size", Operand::Src(size));
        }
    }
}

/// The size of a segment, if it has one.
fn segment(size: SegmentSize) -> Option<(&'static str, Operand<'static>)> {
    match size {
        SegmentSize::All => None,
        SegmentSize::Units(n) => Some(("size", Operand::Src(n))),
    }
}

operands_of! {
    BsGet(s): "fail" Operand::Jump(s.fail), "ctx" Operand::Src(s.ctx), "live" Operand::Live(s.live),
        "unit" Operand::Number(s.unit as i64), "signed" Operand::Number(s.signed as i64),
        "little" Operand::Number(s.little as i64), "dst" Operand::Dst(s.dst) =>
        each s.size.map(|n| ("size", Operand::Src(n)));
    BsMatchString(s): "fail" Operand::Jump(s.fail), "ctx" Operand::Src(s.ctx), "bits" Operand::Number(s.bits as i64),
        "bytes" Operand::Bytes(s.bytes);
    BsMatch(s): "fail" Operand::Jump(s.fail), "ctx" Operand::Src(s.ctx) => each s.steps.iter().flat_map(MatchStep::operands);
    CreateBin(s): "fail" Operand::Jump(s.fail), "live" Operand::Live(s.live), "unit" Operand::Number(s.unit as i64),
        "dst" Operand::Dst(s.dst) => each s.segments.iter().flat_map(BinSegment::operands);
    BsStart(s): "fail" Operand::Jump(s.fail), "size" Operand::Src(s.size), "unit" Operand::Number(s.unit as i64),
        "live" Operand::Live(s.live), "dst" Operand::Dst(s.dst) => each s.base.map(|b| ("base", Operand::Src(b)));
    BsPut(s): "fail" Operand::Jump(s.fail) => each s.segment.operands();
    BsAdd(s): "fail" Operand::Jump(s.fail), "a" Operand::Src(s.a), "b" Operand::Src(s.b),
        "unit" Operand::Number(s.unit as i64), "dst" Operand::Dst(s.dst);
}

impl BinSegment {
    fn operands(&self) -> impl Iterator<Item = (&'static str, Operand<'_>)> {
        let is_string = self.kind == Segment::String;
        let value = if is_string { ("bytes", Operand::Bytes(self.text)) } else { ("src", Operand::Src(self.src)) };
        let parts = [Some(("segment", Operand::Name(&self.kind))), Some(value), segment(self.size)];
        parts.into_iter().flatten().chain([("unit", Operand::Number(self.unit as i64))])
    }
}

impl MatchStep {
    fn operands(&self) -> Vec<(&'static str, Operand<'_>)> {
        let number = |name, n: u32| (name, Operand::Number(n as i64));
        match *self {
            MatchStep::EnsureAtLeast { bits, unit } => vec![number("at_least", bits), number("unit", unit)],
            MatchStep::EnsureExactly { bits } => vec![number("exactly", bits)],
            MatchStep::Integer { live, bits, dst, .. } => {
                vec![number("integer", bits), ("live", Operand::Live(live)), ("dst", Operand::Dst(dst))]
            }
            MatchStep::Binary { live, bits, dst } => {
                vec![number("binary", bits), ("live", Operand::Live(live)), ("dst", Operand::Dst(dst))]
            }
            MatchStep::Skip { bits } => vec![number("skip", bits)],
            MatchStep::Tail { live, dst } => vec![("live", Operand::Live(live)), ("tail", Operand::Dst(dst))],
            MatchStep::Equal { bits, value } => vec![number("equal", bits), ("value", Operand::Number(value as i64))],
        }
    }
}

impl std::fmt::Display for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
