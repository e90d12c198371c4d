//! What moves values, takes them apart and builds them; and each instruction's way to what emits it.

use super::Emitter;
use super::calls::Way;
use super::tests::{BOXED_TAG, LIST_TAG};
use crate::facts::{CONS, FUN, NIL, TUPLE};
use crate::helpers::Helper;
use crate::how::{How, Quick, quick};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Term};
use purlin_vm::code::instr::{CreateBin, Dst, GuardCall, Instr, MakeFun, Src};
use purlin_vm::code::isa::target;

impl Emitter<'_> {
    pub(super) fn one(&mut self, i: usize) {
        match self.flow.how(i) {
            How::Leave => return self.leave(),
            How::Step => return self.call_step(),
            How::Inline | How::Call => {}
        }
        match *self.flow.instr(i) {
            Instr::Call(f) => self.call_local(f, Way::Back),
            Instr::CallLast(f, slots) => self.call_local(f, Way::Last(slots)),
            Instr::CallOnly(f) => self.call_local(f, Way::Last(0)),
            Instr::CallExt(e) => self.call_exported(e, Way::Back),
            Instr::CallExtLast(e, slots) => self.call_exported(e, Way::Last(slots)),
            Instr::CallExtOnly(e) => self.call_exported(e, Way::Last(0)),
            Instr::CallFun { arity, fun } => self.call_fun(fun, arity, Way::Back),
            Instr::CallFunLast { arity, fun, slots } => self.call_fun(fun, arity, Way::Last(slots)),
            Instr::Return => self.give_back(),

            Instr::Jump(to) => self.go(target(i, to)),
            Instr::SelectVal(src, select) => self.select_val(src, select),
            Instr::SelectArity(src, select) => self.select_arity(src, select),

            Instr::Allocate { slots, heap, .. } => {
                self.need((heap + slots) as i64);
                self.s.room = heap as i64;
                self.s.sp_words -= slots as i64;
                self.s.slots.retain(|s| s.0 >= self.s.sp_words + slots as i64);
            }
            Instr::TestHeap { heap, .. } => self.need(heap as i64),
            Instr::Deallocate(slots) | Instr::Trim(slots) => self.s.sp_words += slots as i64,
            Instr::InitY(slot) => self.init(slot),
            Instr::InitYs(slots) => slots.iter().for_each(|d| self.init(d.0 >> 2)),

            Instr::Move { src, dst } => {
                let v = self.get(src);
                self.set(dst, v);
            }
            Instr::MoveValue { dst, value } => {
                let v = self.constant(value.raw());
                self.set(dst, v);
            }
            Instr::Swap(a, b) => {
                let (x, y) = (self.get(a.as_src()), self.get(b.as_src()));
                self.set(a, y);
                self.set(b, x);
            }
            Instr::GetList { src, head, tail } => {
                let v = self.get(src);
                let (h, t) = (self.field(v, LIST_TAG, 0), self.field(v, LIST_TAG, 1));
                self.set(head, h);
                self.set(tail, t);
            }
            Instr::GetHd { src, dst } => {
                let v = self.get(src);
                let h = self.field(v, LIST_TAG, 0);
                self.set(dst, h);
            }
            Instr::GetTl { src, dst } => {
                let v = self.get(src);
                let t = self.field(v, LIST_TAG, 1);
                self.set(dst, t);
            }
            Instr::GetTupleElement { src, index, dst } => {
                let v = self.get(src);
                let e = self.field(v, BOXED_TAG, 1 + index as i32);
                self.set(dst, e);
            }
            Instr::SetTupleElement { value, tuple, index } => {
                let (v, t) = (self.get(value), self.get(tuple));
                self.b.ins().store(super::flags(), v, t, (1 + index as i32) * 8 - BOXED_TAG);
            }
            Instr::PutList { head, tail, dst } => {
                self.need(2);
                let (h, t) = (self.get(head), self.get(tail));
                let at = self.take(2);
                self.put(at, h);
                self.put(at + 8, t);
                let list = self.pointer(at, LIST_TAG as i64, CONS);
                self.set(dst, list);
            }
            Instr::PutTuple(dst, elements) => self.put_tuple(dst, elements),
            Instr::MakeFun(fun) => self.make_fun(fun),

            Instr::IsType { test, fail, src } => self.is_type(test, fail, src),
            Instr::TestArity { fail, src, arity } => self.test_arity(fail, src, arity),
            Instr::IsTaggedTuple { fail, src, arity, tag, .. } => self.is_tagged_tuple(fail, src, arity, tag),
            Instr::IsFunction2 { fail, src, arity } => self.is_function2(fail, src, arity),
            Instr::IsLt { small, fail, a, b } => self.is_less(small, false, fail, a, b),
            Instr::IsGe { small, fail, a, b } => self.is_less(small, true, fail, a, b),
            Instr::IsEq { fail, a, b } => self.is_equal(false, false, false, fail, a, b),
            Instr::IsNe { fail, a, b } => self.is_equal(false, false, true, fail, a, b),
            Instr::IsEqExact { word, fail, a, b } => self.is_equal(true, word, false, fail, a, b),
            Instr::IsNeExact { word, fail, a, b } => self.is_equal(true, word, true, fail, a, b),
            Instr::IsEqImmediate { fail, a, value } => self.is_immediate(false, fail, a, value),
            Instr::IsNeImmediate { fail, a, value } => self.is_immediate(true, fail, a, value),

            Instr::Arith { op, small, dst, a, b, .. } => self.arith(op, small, a, b, Dst(dst as u32)),
            Instr::GuardArith { op, a, dst, b, .. } => self.arith(op, false, Src(a as u32), b, Dst(dst as u32)),
            Instr::Guard(g) => self.guard(g),

            Instr::FMoveIn { src, f } => self.float_in(src, f),
            Instr::FMoveOut { f, dst } => self.float_out(f, dst),
            Instr::FConv { src, f } => self.float_of(src, f),
            Instr::FArith { op, a, b, dst } => self.float_arith(op, a, b, dst),
            Instr::FNegate { src, dst } => self.float_negate(src, dst),

            Instr::Catch { slot, handler } => {
                let at = &self.flow.ops[target(i, handler)] as *const _ as usize;
                let v = self.linked(Term::catch(at).raw());
                self.set(slot, v);
            }
            Instr::TryEnd { slot } => self.init(slot.0 >> 2),
            Instr::TryCase { slot } => {
                self.init(slot.0 >> 2);
                let values = [1, 2, 3].map(|r| self.reg(r));
                values.into_iter().zip(0..).for_each(|(v, r)| self.set_reg(r, v));
            }

            Instr::GetMapElement { fail, src, key, dst } => self.map_element(fail, src, key, dst),
            Instr::GetMapElements(get) => self.map_elements(get),

            Instr::BsStartMatch { src, dst, .. } => self.start_match(src, dst),
            Instr::BsGetInteger(g) => self.get_integer(g),
            Instr::BsGetBinary(g) => self.get_binary(g),
            Instr::BsSkip(g) => self.skip(g),
            Instr::BsTestTail { fail, ctx, bits } => self.test_tail(fail, ctx, bits),
            Instr::BsTestUnit { fail, ctx, unit } => self.test_unit(fail, ctx, unit),
            Instr::BsMatchString(m) => self.match_string(m),
            Instr::BsGetUtf { fail, ctx, dst, .. } => self.get_utf8(fail, ctx, dst),
            Instr::BsGetTail { ctx, dst, .. } => self.get_tail(ctx, dst),
            Instr::BsGetPosition { ctx, dst } => self.get_position(ctx, dst),
            Instr::BsSetPosition { ctx, position } => self.set_position(ctx, position),
            Instr::BsMatch(m) => self.bs_match(m),
            Instr::BsCreateBin(CreateBin { packed: Some(p), dst, .. }) => self.create_bin(p, *dst),

            // `how` leaves all others.
            _ => self.leave(),
        }
    }

    /// Sets a stack slot to nothing.
    fn init(&mut self, slot: u32) {
        let nil = self.constant(Term::NIL.raw());
        self.s.facts.note(nil, NIL);
        self.set_slot(slot, nil);
    }

    fn put_tuple(&mut self, dst: Dst, elements: &[Src]) {
        self.need(1 + elements.len() as i64);
        let values: Vec<Value> = elements.iter().map(|&e| self.get(e)).collect();
        let at = self.take(1 + elements.len() as i64);
        let header = self.word(Kind::Tuple.header(elements.len()));
        self.put(at, header);
        values.into_iter().zip(1..).for_each(|(v, i)| self.put(at + i * 8, v));
        let tuple = self.pointer(at, BOXED_TAG as i64, TUPLE);
        self.set(dst, tuple);
    }

    fn make_fun(&mut self, fun: &'static MakeFun) {
        let words = 3 + fun.env.len() as i64;
        self.need(words);
        let values: Vec<Value> = fun.env.iter().map(|&e| self.get(e)).collect();
        let place = self.heap_top();
        let operand = self.linked(fun as *const MakeFun as u64);
        let made = self.call(Helper::NewFun, operand, place);
        let full = self.b.ins().icmp_imm_s(IntCC::Equal, made, 0);
        self.leave_if(full);
        let at = self.take(words);
        values.into_iter().zip(3..).for_each(|(v, i)| self.put(at + i * 8, v));
        let f = self.pointer(at, BOXED_TAG as i64, FUN);
        self.set(fun.dst, f);
    }

    /// A guard native whose common case needs no call; every other is the handler's.
    fn guard(&mut self, g: &'static GuardCall) {
        let Some(quick) = quick(g) else { return self.leave() };
        let first = self.get(g.args[0]);
        let value = match quick {
            Quick::Hd | Quick::Tl => {
                let cons = self.has_tag(first, 3, LIST_TAG as i64);
                self.leave_unless(cons);
                self.s.facts.note(first, CONS & self.set_of(first));
                self.field(first, LIST_TAG, (quick == Quick::Tl) as i32)
            }
            Quick::TupleSize => {
                let header = self.tuple_header(first);
                let size = self.b.ins().ushr_imm_s(header, 8);
                self.small(size)
            }
            Quick::Element => {
                let tuple = self.get(g.args[1]);
                let tag = self.b.ins().band_imm_s(first, 15);
                self.leave_if(tag);
                let header = self.tuple_header(tuple);
                let size = self.b.ins().ushr_imm_s(header, 8);
                let i = self.b.ins().sshr_imm_s(first, 4);
                let from = self.b.ins().iadd_imm_s(i, -1);
                let within = self.b.ins().icmp(IntCC::UnsignedLessThan, from, size);
                self.leave_unless(within);
                let at = self.b.ins().ishl_imm_s(i, 3);
                let at = self.b.ins().iadd(tuple, at);
                self.field(at, BOXED_TAG, 0)
            }
            Quick::MapGet => {
                let map = self.get(g.args[1]);
                let hint = &g.hint as *const _ as u64;
                self.at_hint(map, g.args[0], hint)
            }
            Quick::MapSize => {
                let header = self.boxed_header(first);
                let kind = self.b.ins().band_imm_s(header, 0xFF);
                let flat = self.b.ins().icmp_imm_s(IntCC::Equal, kind, Kind::FlatMap.header(0) as i64);
                self.leave_unless(flat);
                // The first of the words is the tuple of keys.
                let words = self.b.ins().ushr_imm_s(header, 8);
                let size = self.b.ins().iadd_imm_s(words, -1);
                self.small(size)
            }
            Quick::ByteSize => {
                let bits = self.bits_of(first);
                let up = self.b.ins().iadd_imm_s(bits, 7);
                let bytes = self.b.ins().ushr_imm_s(up, 3);
                self.small(bytes)
            }
            Quick::BitSize => {
                let bits = self.bits_of(first);
                self.small(bits)
            }
            Quick::Less(turned, swapped) => {
                let second = self.get(g.args[1]);
                let (x, y) = if swapped { (second, first) } else { (first, second) };
                let less = self.is_less_than(x, y);
                let cc = if turned { IntCC::Equal } else { IntCC::NotEqual };
                let holds = self.b.ins().icmp_imm_s(cc, less, 0);
                self.boolean(holds)
            }
            Quick::Exact(turned) => {
                let second = self.get(g.args[1]);
                let is = self.equality(first, second);
                let cc = if turned { IntCC::Equal } else { IntCC::NotEqual };
                let holds = self.b.ins().icmp_imm_s(cc, is, 0);
                self.boolean(holds)
            }
            Quick::Not => {
                let is = self.b.ins().icmp_imm_s(IntCC::Equal, first, Term::atom(Atom::FALSE).raw() as i64);
                let not = self.b.ins().icmp_imm_s(IntCC::Equal, first, Term::atom(Atom::TRUE).raw() as i64);
                let either = self.b.ins().bor(is, not);
                self.leave_unless(either);
                self.boolean(is)
            }
        };
        self.set(g.dst, value);
    }

    /// `true` or `false`
    fn boolean(&mut self, holds: Value) -> Value {
        let (t, f) = (self.word(Term::atom(Atom::TRUE).raw()), self.word(Term::atom(Atom::FALSE).raw()));
        let v = self.b.ins().select(holds, t, f);
        self.s.facts.note(v, crate::facts::ATOM);
        v
    }

    /// A small integer of a number that is small enough.
    fn small(&mut self, n: Value) -> Value {
        let v = self.b.ins().ishl_imm_s(n, 4);
        self.s.facts.note(v, crate::facts::SMALL);
        v
    }

    /// The header of a boxed object; anything else is left.
    pub(super) fn boxed_header(&mut self, t: Value) -> Value {
        if self.set_of(t) & !crate::facts::BOXED != 0 {
            let boxed = self.has_tag(t, 3, BOXED_TAG as i64);
            self.leave_unless(boxed);
        }
        self.field(t, BOXED_TAG, 0)
    }

    /// The size of a bit string in bits; anything else is left.
    fn bits_of(&mut self, t: Value) -> Value {
        let header = self.boxed_header(t);
        let exit = self.exit();
        if let Some(condition) = self.forced(false) {
            self.on_if(condition, exit);
        }
        let on = self.b.create_block();
        let bits = self.b.append_block_param(on, I64);
        // Where each kind has its size, and how many bits that counts.
        for (kind, word, unit) in [(Kind::HeapBin, 1, 8), (Kind::RefBin, 3, 8), (Kind::SubBits, 1, 1)] {
            let (is, other) = (self.b.create_block(), self.b.create_block());
            let has = self.b.ins().band_imm_s(header, 0xFF);
            let same = self.b.ins().icmp_imm_s(IntCC::Equal, has, kind.header(0) as i64);
            self.b.ins().brif(same, is, &[], other, &[]);
            self.b.switch_to_block(is);
            let size = self.field(t, BOXED_TAG, word);
            let size = self.b.ins().imul_imm_s(size, unit);
            self.b.ins().jump(on, &[size.into()]);
            self.b.switch_to_block(other);
        }
        self.b.ins().jump(exit, &[]);
        self.b.switch_to_block(on);
        bits
    }

    /// The header of a tuple; anything else is left.
    fn tuple_header(&mut self, t: Value) -> Value {
        let header = self.boxed_header(t);
        let kind = self.b.ins().band_imm_s(header, 0xFF);
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, kind, Kind::Tuple.header(0) as i64);
        self.leave_unless(is);
        header
    }
}
