//! Arithmetic on float registers, which are values of the machine's own.

use super::tests::BOXED_TAG;
use super::{Emitter, flags};
use crate::facts::{BOXED, FLOAT, SMALL};
use crate::flow::{Reg, X_REGISTERS};
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{MemFlagsData, Value};
use purlin_term::boxed::Kind;
use purlin_vm::code::instr::{Dst, FloatOp, Src};

/// The number of a float register.
fn float(f: u32) -> Reg {
    X_REGISTERS + f as Reg
}

impl Emitter<'_> {
    /// A boxed float; anything else is left.
    fn unboxed(&mut self, v: Value) -> Value {
        if self.set_of(v) != FLOAT {
            if self.set_of(v) & !BOXED != 0 {
                let boxed = self.has_tag(v, 3, BOXED_TAG as i64);
                self.leave_unless(boxed);
            }
            let header = self.field(v, BOXED_TAG, 0);
            let is = self.b.ins().icmp_imm_s(IntCC::Equal, header, Kind::Float.header(1) as i64);
            self.leave_unless(is);
            self.s.facts.note(v, FLOAT);
        }
        self.b.ins().load(F64, flags(), v, 8 - BOXED_TAG)
    }

    pub(super) fn float_in(&mut self, src: Src, f: u32) {
        let v = self.get(src);
        let x = self.unboxed(v);
        self.set_reg(float(f), x);
    }

    pub(super) fn float_of(&mut self, src: Src, f: u32) {
        let v = self.get(src);
        let x = self.as_float(v);
        self.set_reg(float(f), x);
    }

    /// A small integer or a float as a float; anything else is left.
    pub(super) fn as_float(&mut self, v: Value) -> Value {
        if self.set_of(v) == SMALL {
            return self.of_small(v);
        }
        if self.set_of(v) & SMALL == 0 {
            return self.unboxed(v);
        }
        // One or the other.
        let (small, other, on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(on, F64);
        let is = self.has_tag(v, 15, 0);
        let facts = self.s.facts.clone();
        // Made first, so that it is there for both.
        self.exit();
        self.b.ins().brif(is, small, &[], other, &[]);
        self.b.switch_to_block(small);
        let x = self.of_small(v);
        self.b.ins().jump(on, &[x.into()]);
        self.b.switch_to_block(other);
        let x = self.unboxed(v);
        self.b.ins().jump(on, &[x.into()]);
        self.b.switch_to_block(on);
        self.s.facts = facts;
        result
    }

    fn of_small(&mut self, v: Value) -> Value {
        let i = self.b.ins().sshr_imm_s(v, 4);
        self.b.ins().fcvt_from_sint(F64, i)
    }

    pub(super) fn float_out(&mut self, f: u32, dst: Dst) {
        let x = self.reg(float(f));
        let v = self.boxed_float(x);
        self.set(dst, v);
    }

    /// A float on the heap.
    pub(super) fn boxed_float(&mut self, x: Value) -> Value {
        self.need(2);
        let at = self.take(2);
        let header = self.word(Kind::Float.header(1));
        self.put(at, header);
        self.put(at + 8, x);
        self.pointer(at, BOXED_TAG as i64, FLOAT)
    }

    pub(super) fn float_arith(&mut self, op: FloatOp, a: u16, b: u16, dst: u16) {
        let (x, y) = (self.reg(float(a as u32)), self.reg(float(b as u32)));
        let r = match op {
            FloatOp::Add => self.b.ins().fadd(x, y),
            FloatOp::Sub => self.b.ins().fsub(x, y),
            FloatOp::Mul => self.b.ins().fmul(x, y),
            FloatOp::Div => self.b.ins().fdiv(x, y),
        };
        self.leave_unless_finite(r);
        self.set_reg(float(dst as u32), r);
    }

    /// Leaves if a result is infinite or no number.
    pub(super) fn leave_unless_finite(&mut self, r: Value) {
        // Neither infinite nor no number: the exponent is not all ones.
        let bits = self.b.ins().bitcast(I64, MemFlagsData::new(), r);
        let twice = self.b.ins().ishl_imm_s(bits, 1);
        let limit = self.word(0x7FF << 53);
        let bad = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, twice, limit);
        self.leave_if(bad);
    }

    pub(super) fn float_negate(&mut self, src: u16, dst: u16) {
        let x = self.reg(float(src as u32));
        let r = self.b.ins().fneg(x);
        self.set_reg(float(dst as u32), r);
    }
}
