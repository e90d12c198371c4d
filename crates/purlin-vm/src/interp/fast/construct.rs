//! Construction of binaries.

use super::{Handler, State, handlers, operands, parts};
use crate::code::instr::{CreateBin, Packed, PackedField};
use purlin_term::Term;
use purlin_term::bits::{APPENDED_WORDS, append_word};
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
        let Some(p) = &c.packed else { return s.slow() };
        let (Some((to, unit)), Some(value)) = (p.to, packed(&s, p)) else { return s.by(construct) };
        if !s.has_room(APPENDED_WORDS) {
            return s.by(construct);
        }
        let Some(t) = append_word(s.top, s.any(to), unit, value, p.bits) else { return s.by(construct) };
        s.take(APPENDED_WORDS);
        s.set_any(c.dst, t);
        s.next()
    }

    /// A binary of integers.
    fn create_packed(s) {
        operands!(s, BsCreateBin(c));
        let Some(p) = &c.packed else { return s.slow() };
        let Some(value) = packed(&s, p).filter(|_| s.has_room(3)) else { return s.by(construct) };
        let b = s.take(3);
        *b = Kind::HeapBin.header(2);
        *b.add(1) = p.bits as u64 / 8;
        *b.add(2) = (value << (64 - p.bits)).to_be();
        s.set_any(c.dst, Term::from_boxed(b));
        s.next()
    }
}

parts! {
    fn construct(run, pc, BsCreateBin(c)) { run.bs_create_bin(pc, c) }
}
