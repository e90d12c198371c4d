//! Construction of binaries: `bs_create_bin`, and the older instructions that start a binary and put segment after
//! segment into it.

use super::super::{Next, Run};
use crate::code::instr::*;
use crate::code::stack_trace;
use crate::process::escape::Class;
use purlin_term::bits::{AppendError, BitBuilder, PutError};
use purlin_term::{Atom, Release, Term, am, bits};

const BITS_PER_REDUCTION: usize = 8 * 1024;

/// The longest binary that is put together apart and then copied to its place.
const FEW_BYTES: usize = 64;

/// A binary that the older instructions are building; nothing collects until it is finished.
pub(in crate::tier::reference) type Building = BitBuilder;

/// Why `bs_create_bin` failed: the reason, which kind of fault, and the value at fault.
struct Fault {
    limit: bool,
    what: Term,
    value: Term,
}

impl Fault {
    fn new(what: Term, value: Term) -> Fault {
        Fault { limit: false, what, value }
    }
}

impl Run<'_> {
    pub(in crate::tier) fn bs_create_bin(&mut self, pc: *const Op, c: &'static CreateBin) -> Next {
        // Only here, as builders hold addresses that a collection would change.
        if c.live < UNKNOWN_LIVE {
            self.settle(c.live as usize);
        }
        match self.create(c) {
            Ok(t) => {
                self.set(c.dst, t);
                Next::At(pc.wrapping_add(1))
            }
            Err(_) if c.fail != NO_FAIL => Next::At(Self::jump(pc, c.fail)),
            Err((segment, fault)) => self.construction_failed(pc, segment, fault),
        }
    }

    fn create(&mut self, c: &'static CreateBin) -> Result<Term, (&'static BinSegment, Fault)> {
        let appended =
            matches!(c.segments.first(), Some(s) if matches!(s.kind, Segment::Append | Segment::PrivateAppend));
        let mut bytes = [0; FEW_BYTES];
        let few = self.few_bytes(&c.segments[usize::from(appended)..], &mut bytes);
        if let (Some(n), false) = (few, appended) {
            return Ok(self.data.heap.binary(&bytes[..n]));
        }
        let mut sizes: smallvec::SmallVec<[usize; 8]> = smallvec::SmallVec::new();
        let mut total = few.unwrap_or(0) * 8;
        for s in c.segments.iter().filter(|_| few.is_none()) {
            let n = self.segment_size(s).map_err(|f| (s, f))?;
            sizes.push(n);
            if !matches!(s.kind, Segment::Append | Segment::PrivateAppend) {
                total = total.saturating_add(n);
            }
        }
        let Some(first) = c.segments.first() else {
            return Ok(self.data.heap.binary(&[]));
        };
        let mut copied = 0;
        let mut builder = if appended {
            let to = self.get(first.src);
            BitBuilder::append(&mut self.data.heap, to, total, first.unit as usize)
                .map_err(|e| {
                    let fault = match e {
                        AppendError::Type => Fault::new(am!("type"), to),
                        AppendError::Unit => Fault::new(am!("unit"), to),
                        AppendError::Size => Fault { limit: true, what: am!("binary"), value: am!("size") },
                    };
                    (first, fault)
                })
                .inspect(|b| {
                    if b.term().whole_and_offset().map(|w| w.0) != to.whole_and_offset().map(|w| w.0) {
                        copied = to.bit_size();
                    }
                })?
        } else {
            BitBuilder::new(&mut self.data.heap, total)
                .ok_or((first, Fault { limit: true, what: am!("binary"), value: am!("size") }))?
        };
        self.charge_for(total + copied / 4);
        if let Some(n) = few {
            let put = builder.put_bytes(&bytes[..n]);
            put.map_err(|_| (first, Fault::new(am!("short"), Term::NIL)))?;
            return Ok(builder.finish());
        }
        for (s, &n) in c.segments.iter().zip(&sizes).skip(appended as usize) {
            let v = if s.kind == Segment::String { Term::NIL } else { self.get(s.src) };
            let put = put(&mut builder, s, v, n);
            put.map_err(|e| {
                let what = match e {
                    PutError::Type => am!("type"),
                    PutError::Short | PutError::Full => am!("short"),
                    PutError::Unit => am!("unit"),
                    PutError::NoFloat => am!("no_float"),
                    PutError::FloatSize => am!("invalid"),
                };
                let value = if e == PutError::FloatSize { Term::small(n as i64) } else { v };
                (s, Fault::new(what, value))
            })?;
        }
        Ok(builder.finish())
    }

    /// The bytes of these segments and how many they are, where they are whole bytes, few, and without a fault.
    fn few_bytes(&self, segments: &[BinSegment], to: &mut [u8; FEW_BYTES]) -> Option<usize> {
        let mut n = 0;
        for s in segments {
            let room = &mut to[n..];
            n += match (s.kind, s.size) {
                (Segment::String, _) => {
                    room.get_mut(..s.text.len())?.copy_from_slice(s.text);
                    s.text.len()
                }
                (Segment::Utf8, _) => {
                    let c = char::from_u32(u32::try_from(self.get(s.src).as_small()?).ok()?)?;
                    c.encode_utf8(room.get_mut(..4)?).len()
                }
                (Segment::Binary, SegmentSize::All) if s.unit > 0 && s.unit.is_multiple_of(8) => {
                    let bits = self.get(s.src).as_bits()?;
                    if bits.offset != 0 || !bits.size.is_multiple_of(s.unit as usize) {
                        return None;
                    }
                    let bytes = bits.data.get(..bits.size / 8)?;
                    room.get_mut(..bytes.len())?.copy_from_slice(bytes);
                    bytes.len()
                }
                (Segment::Integer, SegmentSize::Units(size)) => {
                    let (value, size) = (self.get(s.src).as_small()?, self.get(size).as_small()?);
                    let bits = usize::try_from(size).ok()?.checked_mul(s.unit as usize)?;
                    if !bits.is_multiple_of(8) || !(8..=64).contains(&bits) {
                        return None;
                    }
                    let bytes = if s.little { value.to_le_bytes() } else { (value << (64 - bits)).to_be_bytes() };
                    room.get_mut(..bits / 8)?.copy_from_slice(&bytes[..bits / 8]);
                    bits / 8
                }
                _ => return None,
            };
        }
        Some(n)
    }

    /// Writing many bits costs reductions.
    fn charge_for(&mut self, bits: usize) {
        self.data.charge(bits / BITS_PER_REDUCTION);
    }

    /// How many bits a segment takes.
    fn segment_size(&mut self, s: &'static BinSegment) -> Result<usize, Fault> {
        let fixed = |s: &BinSegment, run: &Run<'_>| match s.kind {
            Segment::String => Some(s.text.len() * 8),
            Segment::Utf8 => Some(bits::utf8_size(run.get(s.src)) * 8),
            Segment::Utf16 => Some(bits::utf16_size(run.get(s.src)) * 8),
            Segment::Utf32 => Some(32),
            Segment::Append | Segment::PrivateAppend => Some(0),
            _ => None,
        };
        if let Some(n) = fixed(s, self) {
            // Some characters are looked at before anything is written.
            let early = match s.kind {
                Segment::Utf32 => true,
                Segment::Utf8 => Release::of_values() >= Release(27),
                _ => false,
            };
            return match early && !is_character(self.get(s.src)) {
                true => Err(Fault::new(am!("type"), self.get(s.src))),
                false => Ok(n),
            };
        }
        match s.size {
            SegmentSize::All => {
                let v = self.get(s.src);
                match v.as_bits() {
                    Some(b) => Ok(b.size),
                    None => Err(Fault::new(am!("type"), v)),
                }
            }
            SegmentSize::Units(src) => {
                let size = self.get(src);
                let too_large = Fault { limit: true, what: am!("size"), value: size };
                match size.as_small() {
                    Some(n) if n >= 0 => {
                        (n as usize).checked_mul(s.unit as usize).filter(|&n| n <= bits::MAX_BITS).ok_or(too_large)
                    }
                    None if size.as_big().is_some_and(|(negative, _)| !negative) => Err(too_large),
                    _ => Err(Fault::new(am!("size"), size)),
                }
            }
        }
    }

    #[cold]
    fn construction_failed(&mut self, pc: *const Op, segment: &BinSegment, fault: Fault) -> Next {
        let kind = match segment.kind {
            Segment::Integer => am!("integer"),
            Segment::Float => am!("float"),
            Segment::Utf8 => am!("utf8"),
            Segment::Utf16 => am!("utf16"),
            Segment::Utf32 => am!("utf32"),
            Segment::String => am!("string"),
            Segment::Binary | Segment::Append | Segment::PrivateAppend => am!("binary"),
        };
        let reason = Term::atom(if fault.limit { Atom::SYSTEM_LIMIT } else { Atom::BADARG });
        let heap = &mut self.data.heap;
        let cause = heap.tuple(&[Term::small(segment.number as i64), kind, fault.what, fault.value]);
        let pairs =
            [(am!("cause"), cause), (am!("function"), am!("format_bs_fail")), (am!("module"), am!("erl_erts_errors"))];
        let map = purlin_term::map::from_pairs(heap, &pairs);
        let info = stack_trace::info_list(heap, map);
        let mut frames = Vec::new();
        if let Some((entry, index)) = self.engine.code.locate(pc as usize) {
            let location = stack_trace::location(heap, entry, index, info);
            frames.push(stack_trace::frame(heap, entry, Term::small(entry.mfa.arity as i64), location));
        }
        let addresses = stack_trace::addresses(heap, None, self.engine.backtrace_depth().saturating_sub(1));
        let t = stack_trace::raw(heap, Class::Error, &frames, &addresses);
        self.throw(Class::Error, reason, t)
    }

    // ---- the older instructions

    fn old_fault(&mut self, pc: *const Op, fail: Rel, limit: bool) -> Next {
        self.m.builder = None;
        if fail != NO_FAIL {
            return Next::At(Self::jump(pc, fail));
        }
        self.error_here(pc, Term::atom(if limit { Atom::SYSTEM_LIMIT } else { Atom::BADARG }))
    }

    /// An old-style construction in one step; where that fails, instruction after instruction, of which one fails.
    pub(in crate::tier) fn bs_create_whole(&mut self, pc: *const Op, s: &'static BsStart) -> Next {
        let Some(whole) = &s.whole else { return self.bs_init(pc, s) };
        self.settle_before(s);
        match self.create(&whole.create) {
            Ok(t) => {
                self.set(s.dst, t);
                Next::At(pc.wrapping_add(1 + whole.puts))
            }
            Err(_) => self.bs_init(pc, s),
        }
    }

    /// Collects if it is time, which nothing may do until the binary is finished.
    fn settle_before(&mut self, s: &BsStart) {
        if s.live < UNKNOWN_LIVE {
            match s.base {
                // The binary to append to may stand in a register beyond the live ones.
                Some(base) if base.0 & 3 == 0 && (base.0 >> 2) >= s.live => {
                    self.settle_keeping(s.live as usize, Dst(base.0));
                }
                _ => self.settle(s.live as usize),
            }
        }
    }

    /// `bs_init2`, `bs_init_bits`, `bs_append`, `bs_private_append`.
    pub(in crate::tier::reference) fn bs_init(&mut self, pc: *const Op, s: &'static BsStart) -> Next {
        self.settle_before(s);
        let size = self.get(s.size);
        let unit = if s.base.is_some() { 1 } else { s.unit as usize };
        let n = match size.as_small() {
            Some(n) if n >= 0 => (n as usize).checked_mul(unit),
            None if size.as_big().is_some_and(|(negative, _)| !negative) => None,
            _ => return self.old_fault(pc, s.fail, false),
        };
        let Some(n) = n else { return self.old_fault(pc, s.fail, true) };
        let builder = match s.base {
            None => BitBuilder::new(&mut self.data.heap, n).ok_or(true),
            Some(base) => {
                let base = self.get(base);
                BitBuilder::append(&mut self.data.heap, base, n, s.unit as usize).map_err(|e| e == AppendError::Size)
            }
        };
        match builder {
            Ok(b) => {
                self.set(s.dst, b.term());
                self.m.builder = Some(b);
                Next::At(pc.wrapping_add(1))
            }
            Err(limit) => self.old_fault(pc, s.fail, limit),
        }
    }

    /// `bs_put_integer` and its like.
    pub(in crate::tier::reference) fn bs_put(&mut self, pc: *const Op, p: &'static BsPut) -> Next {
        let s = &p.segment;
        let v = if s.kind == Segment::String { Term::NIL } else { self.get(s.src) };
        let n = match s.size {
            SegmentSize::All => v.bit_size(),
            SegmentSize::Units(src) => match self.get(src).as_usize().and_then(|n| n.checked_mul(s.unit as usize)) {
                Some(n) => n,
                None => return self.old_fault(pc, p.fail, false),
            },
        };
        self.charge_for(n);
        let done = match &mut self.m.builder {
            Some(b) => put(b, s, v, n),
            None => Err(PutError::Full),
        };
        match done {
            Ok(()) => Next::At(pc.wrapping_add(1)),
            Err(_) => self.old_fault(pc, p.fail, false),
        }
    }

    /// `bs_add`: `a + b * unit`, a size.
    pub(in crate::tier::reference) fn bs_add(&mut self, pc: *const Op, a: &'static BsAdd) -> Next {
        let (a1, b1) = (self.get(a.a), self.get(a.b));
        let (Some(x), Some(y)) = (a1.as_small(), b1.as_small()) else {
            let too_large = |t: Term| t.as_big().is_some_and(|(negative, _)| !negative);
            let size = |t: Term| t.as_small().is_some_and(|n| n >= 0) || too_large(t);
            return self.old_fault(pc, a.fail, size(a1) && size(b1));
        };
        if x < 0 || y < 0 {
            return self.old_fault(pc, a.fail, false);
        }
        match y.checked_mul(a.unit as i64).and_then(|y| y.checked_add(x)).filter(|&n| Term::fits_small(n)) {
            Some(n) => {
                self.set(a.dst, Term::small(n));
                Next::At(pc.wrapping_add(1))
            }
            None => self.old_fault(pc, a.fail, true),
        }
    }

    pub(in crate::tier::reference) fn bs_utf_size(&mut self, kind: Segment, src: Src, dst: Dst) {
        let c = self.get(src);
        let n = if kind == Segment::Utf8 { bits::utf8_size(c) } else { bits::utf16_size(c) };
        self.set(dst, Term::small(n as i64));
    }

    /// `bs_init_writable`: an empty binary to append to, with x0 bytes of room.
    pub(in crate::tier::reference) fn bs_init_writable(&mut self) {
        let size = self.x(0).as_usize();
        let t = bits::writable(&mut self.data.heap, size);
        self.set_x(0, t);
    }
}

fn is_character(t: Term) -> bool {
    t.as_small().and_then(|c| u32::try_from(c).ok()).is_some_and(|c| char::from_u32(c).is_some())
}

/// Writes a segment's value of this many bits.
fn put(b: &mut BitBuilder, s: &BinSegment, value: Term, bits: usize) -> Result<(), PutError> {
    match s.kind {
        Segment::Integer => b.put_integer(value, bits, s.little),
        Segment::Float => b.put_float(value, bits, s.little),
        Segment::Binary | Segment::Append | Segment::PrivateAppend => match s.size {
            SegmentSize::All => b.put_all(value, s.unit as usize),
            SegmentSize::Units(_) => b.put_bits(value, bits),
        },
        Segment::Utf8 => b.put_utf8(value),
        Segment::Utf16 => b.put_utf16(value, s.little),
        Segment::Utf32 => b.put_utf32(value, s.little),
        Segment::String => b.put_bytes(s.text),
    }
}
