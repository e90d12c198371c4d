//! Arithmetic on small integers, whose words add and compare as they are; everything else is left.

use super::Emitter;
use crate::facts::{FLOAT, SMALL};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use purlin_vm::code::instr::{Arith, Dst, Src};

impl Emitter<'_> {
    pub(super) fn arith(&mut self, op: Arith, small: bool, a: Src, b: Src, dst: Dst) {
        let (x, y) = (self.get(a), self.get(b));
        if !small && self.may_be_floats(op, x, y) {
            let result = self.number_result(op, x, y);
            return self.set(dst, result);
        }
        if !small {
            self.need_small(x, y);
        }
        let result = self.small_result(op, small, x, y, self.known(b));
        self.s.facts.note(result, SMALL);
        self.set(dst, result);
    }

    /// Whether values are taken for floats as well: in functions that have some, unless both are known to be no such.
    fn may_be_floats(&self, op: Arith, x: Value, y: Value) -> bool {
        let numbers = (self.set_of(x) | self.set_of(y)) & FLOAT != 0;
        self.flow.has_floats && numbers && matches!(op, Arith::Add | Arith::Sub | Arith::Mul)
    }

    /// The result of two small integers or floats.
    fn number_result(&mut self, op: Arith, x: Value, y: Value) -> Value {
        // Made first, so that it is there for both ways.
        self.exit();
        if self.set_of(x) == FLOAT || self.set_of(y) == FLOAT {
            return self.float_result(op, x, y);
        }
        let (floats, on) = (self.b.create_block(), self.b.create_block());
        let (result, top) = (self.b.append_block_param(on, I64), self.b.append_block_param(on, I64));
        let before = self.s.clone();
        let both = self.b.ins().bor(x, y);
        let small = self.has_tag(both, 15, 0);
        self.on_if(small, floats);
        let r = self.small_result(op, false, x, y, None);
        let here = self.heap_top();
        self.b.ins().jump(on, &[r.into(), here.into()]);
        self.b.switch_to_block(floats);
        self.s = before.clone();
        let r = self.float_result(op, x, y);
        let here = self.heap_top();
        self.b.ins().jump(on, &[r.into(), here.into()]);
        let room = if before.room < 0 { before.room } else { self.s.room.min(before.room) };
        self.b.switch_to_block(on);
        self.s = before;
        (self.s.top, self.s.top_words, self.s.room) = (top, 0, room);
        self.s.facts.note(result, SMALL | FLOAT);
        result
    }

    /// The result of two numbers one of which is a float, on the heap; what is neither that nor small is left.
    fn float_result(&mut self, op: Arith, x: Value, y: Value) -> Value {
        let (a, b) = (self.as_float(x), self.as_float(y));
        let r = match op {
            Arith::Add => self.b.ins().fadd(a, b),
            Arith::Sub => self.b.ins().fsub(a, b),
            _ => self.b.ins().fmul(a, b),
        };
        self.leave_unless_finite(r);
        self.boxed_float(r)
    }

    /// Leaves unless both are small integers.
    pub(super) fn need_small(&mut self, x: Value, y: Value) {
        let word = match (self.set_of(x) == SMALL, self.set_of(y) == SMALL) {
            (true, true) => return,
            (true, false) => y,
            (false, true) => x,
            (false, false) => self.b.ins().bor(x, y),
        };
        let tag = self.b.ins().band_imm_s(word, 15);
        self.leave_if(tag);
        self.s.facts.note(x, SMALL);
        self.s.facts.note(y, SMALL);
    }

    /// The result of two small integers, if it is one; `known`: the second one's word.
    fn small_result(&mut self, op: Arith, small: bool, x: Value, y: Value, known: Option<u64>) -> Value {
        match op {
            Arith::Add if small => self.b.ins().iadd(x, y),
            Arith::Sub if small => self.b.ins().isub(x, y),
            Arith::Add => {
                let (r, over) = self.b.ins().sadd_overflow(x, y);
                self.fits(r, over)
            }
            Arith::Sub => {
                let (r, over) = self.b.ins().ssub_overflow(x, y);
                self.fits(r, over)
            }
            Arith::Mul => {
                let n = self.b.ins().sshr_imm_s(y, 4);
                if small {
                    return self.b.ins().imul(x, n);
                }
                let (r, over) = self.b.ins().smul_overflow(x, n);
                self.fits(r, over)
            }
            Arith::IntDiv | Arith::Rem => {
                match known.map(|w| w as i64) {
                    Some(0 | -16) => {
                        let always = self.b.ins().iconst(cranelift_codegen::ir::types::I8, 1);
                        self.leave_if(always);
                    }
                    Some(_) => {}
                    None => {
                        // Neither zero nor minus one.
                        let from = self.b.ins().iadd_imm_s(y, 16);
                        let bad = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, from, 16);
                        self.leave_if(bad);
                    }
                }
                if op == Arith::Rem {
                    return self.b.ins().srem(x, y);
                }
                let q = self.b.ins().sdiv(x, y);
                self.b.ins().ishl_imm_s(q, 4)
            }
            Arith::Band => self.b.ins().band(x, y),
            Arith::Bor => self.b.ins().bor(x, y),
            Arith::Bxor => self.b.ins().bxor(x, y),
            Arith::Bsl => {
                let n = self.b.ins().sshr_imm_s(y, 4);
                let far = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, n, 60);
                self.leave_if(far);
                let r = self.b.ins().ishl(x, n);
                let back = self.b.ins().sshr(r, n);
                let lost = self.b.ins().icmp(IntCC::NotEqual, back, x);
                self.leave_if(lost);
                r
            }
            Arith::Bsr => {
                let n = self.b.ins().sshr_imm_s(y, 4);
                let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, n, 0);
                self.leave_if(negative);
                let most = self.b.ins().iconst(I64, 63);
                let n = self.b.ins().umin(n, most);
                let r = self.b.ins().sshr(x, n);
                self.b.ins().band_imm_s(r, !15)
            }
            Arith::Div => unreachable!("left to the handler"),
        }
    }

    fn fits(&mut self, result: Value, over: Value) -> Value {
        self.leave_if(over);
        result
    }
}
