//! Maps: where a key stood last it is looked for first.

use super::tests::BOXED_TAG;
use super::{Emitter, flags};
use crate::facts::{BOXED, MAP};
use crate::flow::Reg;
use crate::helpers::Helper;
use crate::how::is_immediate;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{InstBuilder, Value};
use purlin_term::Term;
use purlin_term::boxed::Kind;
use purlin_vm::code::instr::{GetMap, Src};
use purlin_vm::code::isa::target;

impl Emitter<'_> {
    pub(super) fn map_element(&mut self, fail: i32, src: Src, key: Src, dst: u16) {
        let (m, k) = (self.get(src), self.get(key));
        let v = self.call(Helper::MapGet, m, k);
        let found = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, Term::NONE.raw() as i64);
        let (yes, no) = (self.with_reg(dst, v), self.knowing(m, MAP));
        self.branch(found, (self.at + 1, yes), (target(self.at, fail), no));
    }

    fn with_reg(&mut self, dst: Reg, v: Value) -> super::State {
        let before = self.s.clone();
        self.set_reg(dst, v);
        std::mem::replace(&mut self.s, before)
    }

    pub(super) fn map_elements(&mut self, get: &'static GetMap) {
        let m = self.get(get.src);
        let mut found: Option<Value> = None;
        let mut values = Vec::new();
        for pair in get.pairs {
            let k = self.get(pair.key);
            let v = match is_immediate(pair.key) {
                true => self.looked_up(m, k, &pair.hint as *const _ as u64),
                false => self.call(Helper::MapGet, m, k),
            };
            let is = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, Term::NONE.raw() as i64);
            found = Some(found.map_or(is, |f| self.b.ins().band(f, is)));
            values.extend(pair.dst.map(|d| (d, v)));
        }
        let Some(found) = found else { return self.go(self.at + 1) };
        let no = self.knowing(m, MAP);
        values.into_iter().for_each(|(d, v)| self.set(d, v));
        let yes = self.s.clone();
        self.branch(found, (self.at + 1, yes), (target(self.at, get.fail), no));
    }

    /// The value of a key that is an immediate constant, or nothing: where it stood last in a small map, or else by a
    /// helper.
    fn looked_up(&mut self, m: Value, k: Value, hint: u64) -> Value {
        let (cold, on) = (self.cold_block(), self.b.create_block());
        let result = self.b.append_block_param(on, I64);
        let v = self.stands(m, k, hint, cold);
        self.b.ins().jump(on, &[v.into()]);
        self.b.switch_to_block(cold);
        let v = self.call(Helper::MapGet, m, k);
        self.b.ins().jump(on, &[v.into()]);
        self.b.switch_to_block(on);
        result
    }

    /// The value of a key that is an immediate constant, where it stood last; anything else is left.
    pub(super) fn at_hint(&mut self, m: Value, key: Src, hint: u64) -> Value {
        let k = self.get(key);
        let exit = self.exit();
        if let Some(condition) = self.forced(false) {
            self.on_if(condition, exit);
        }
        self.stands(m, k, hint, exit)
    }

    /// The value where the key stood last in a small map; `other`: where it goes on otherwise.
    fn stands(&mut self, m: Value, k: Value, hint: u64, other: cranelift_codegen::ir::Block) -> Value {
        if self.set_of(m) & !BOXED != 0 {
            let boxed = self.has_tag(m, 3, BOXED_TAG as i64);
            self.on_if(boxed, other);
        }
        let header = self.field(m, BOXED_TAG, 0);
        let kind = self.b.ins().band_imm_s(header, 0xFF);
        let flat = self.b.ins().icmp_imm_s(IntCC::Equal, kind, Kind::FlatMap.header(0) as i64);
        self.on_if(flat, other);
        let hint = self.linked(hint);
        let at = self.b.ins().uload8(I64, flags(), hint, 0);
        // The tuple of keys is the first of as many words as there are values and it.
        let words = self.b.ins().ushr_imm_s(header, 8);
        let last = self.b.ins().iadd_imm_s(words, -1);
        let within = self.b.ins().icmp(IntCC::UnsignedLessThan, at, last);
        self.on_if(within, other);
        let keys = self.field(m, BOXED_TAG, 1);
        let bytes = self.b.ins().ishl_imm_s(at, 3);
        let place = self.b.ins().iadd(keys, bytes);
        let there = self.field(place, BOXED_TAG, 1);
        let same = self.b.ins().icmp(IntCC::Equal, there, k);
        self.on_if(same, other);
        let place = self.b.ins().iadd(m, bytes);
        self.field(place, BOXED_TAG, 2)
    }
}
