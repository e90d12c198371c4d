//! Construction of binaries.

use super::pick::{Fused, by_kind};
use super::{C, Handler, I, Mode, Place, State, X, Y, handlers, leave, operands, parts};
use crate::code::instr::{BsStart, CreateBin, Dst, Op, Packed, PackedField, Segment, Src};
use crate::tier::reference::Machine;
use purlin_term::Term;
use purlin_term::bits::{self, APPENDED_WORDS, append_word};
use purlin_term::boxed::Kind;

/// The handler of an instruction of this family.
pub(super) fn create_bin(c: &CreateBin, collecting: bool) -> Handler {
    match &c.packed {
        _ if collecting => create,
        Some(Packed { to: Some(_), .. }) => append_packed,
        Some(p) if p.bits % 8 == 0 => create_packed,
        _ => create,
    }
}

/// The handler of an old-style construction, and how many instructions behind the first it does.
pub(super) fn whole_of(start: &BsStart, collecting: bool) -> Option<Fused> {
    let w = start.whole.as_ref()?;
    let handler: Handler = match &w.create.packed {
        _ if collecting => whole,
        Some(Packed { to: Some(_), .. }) => append_packed_whole,
        Some(p) if p.bits % 8 == 0 => create_packed_whole,
        _ => whole,
    };
    Some((handler, w.puts))
}

/// The handler of `bs_utf8_size`.
pub(super) fn utf_size(kind: Segment, src: Src, dst: Dst) -> Handler {
    match kind {
        Segment::Utf8 => by_kind!(utf8_size; any src, place dst),
        _ => leave,
    }
}

/// The bits of all fields; `None` when a value is no small integer.
#[inline(always)]
unsafe fn packed(s: &State, p: &Packed) -> Option<u64> {
    let mut all = 0;
    for field in &p.fields {
        let (value, bits) = match *field {
            PackedField::Text { value, bits } => (value, bits),
            PackedField::Value { src, bits } => {
                // SAFETY: CODE: the operand names a register, a slot of the frame or a constant.
                let t = unsafe { s.any(src) };
                if !t.is_small() {
                    return None;
                }
                (t.small_value() as u64, bits)
            }
        };
        // In two steps, as there may be 64 bits.
        all = all << (bits - 1) << 1 | value & (u64::MAX >> (64 - bits));
    }
    Some(all)
}

handlers! {
    fn create(s) {
        s.by(construct)
    }

    /// Integers put behind a binary.
    fn append_packed(s) {
        operands!(s, BsCreateBin(c));
        append(s, c, 1, construct)
    }

    /// A binary of integers.
    fn create_packed(s) {
        operands!(s, BsCreateBin(c));
        pack(s, c, 1, construct)
    }

    /// An old-style construction.
    fn whole(s) {
        s.by(construct_whole)
    }

    fn append_packed_whole(s) {
        operands!(s, BsInit(start));
        let Some(w) = &start.whole else { return s.slow() };
        append(s, &w.create, w.puts + 1, construct_whole)
    }

    fn create_packed_whole(s) {
        operands!(s, BsInit(start));
        let Some(w) = &start.whole else { return s.slow() };
        pack(s, &w.create, w.puts + 1, construct_whole)
    }

    fn add(s) {
        operands!(s, BsAdd(sum));
        let (x, y) = (s.any(sum.a), s.any(sum.b));
        if !x.is_small() || !y.is_small() {
            return s.slow();
        }
        let (x, y) = (x.small_value(), y.small_value());
        match y.checked_mul(sum.unit as i64).and_then(|y| y.checked_add(x)) {
            Some(n) if x >= 0 && y >= 0 && Term::fits_small(n) => {
                s.set_any(sum.dst, Term::small(n));
                s.next()
            }
            _ => s.slow(),
        }
    }

    fn utf8_size<A: Mode, D: Place>(s) {
        operands!(s, BsUtfSize { src, dst });
        s.set::<D>(dst, Term::small(bits::utf8_size(s.get::<A>(src)) as i64));
        s.next()
    }
}

/// What does an instruction where its handler cannot.
type General = unsafe fn(*mut Machine, *const Op) -> *const Op;

/// Puts packed integers behind a binary and goes on behind so many instructions.
#[inline(always)]
unsafe fn append(mut s: State, c: &CreateBin, instrs: usize, general: General) -> *const Op {
    // SAFETY: CODE: the handler was chosen for this instruction.
    unsafe {
        let Some(p) = &c.packed else { return s.slow() };
        let (Some((to, unit)), Some(value)) = (p.to, packed(&s, p)) else { return s.by(general) };
        if !s.has_room(APPENDED_WORDS) {
            return s.by(general);
        }
        let Some(t) = append_word(s.top, s.any(to), unit, value, p.bits) else { return s.by(general) };
        s.take(APPENDED_WORDS);
        s.set_any(c.dst, t);
        s.skip(instrs)
    }
}

/// Makes a binary of packed integers and goes on behind so many instructions.
#[inline(always)]
unsafe fn pack(mut s: State, c: &CreateBin, instrs: usize, general: General) -> *const Op {
    // SAFETY: CODE: the handler was chosen for this instruction.
    unsafe {
        let Some(p) = &c.packed else { return s.slow() };
        let Some(value) = packed(&s, p).filter(|_| s.has_room(3)) else { return s.by(general) };
        let b = s.take(3);
        *b = Kind::HeapBin.header(2);
        *b.add(1) = p.bits as u64 / 8;
        *b.add(2) = (value << (64 - p.bits)).to_be();
        s.set_any(c.dst, Term::from_boxed(b));
        s.skip(instrs)
    }
}

parts! {
    fn construct(run, pc, BsCreateBin(c)) { run.bs_create_bin(pc, c) }
    fn construct_whole(run, pc, BsInit(start)) { run.bs_create_whole(pc, start) }
}
