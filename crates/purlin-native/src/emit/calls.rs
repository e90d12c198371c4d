//! Calls and returns.
//!
//! The registers that a function is called with are stored, so that it may be run by handlers; x0 and x1 are passed on in
//! values as well, for machine code to take them up behind the instructions that load them (`compile.rs`).

use super::tests::BOXED_TAG;
use super::{Emitter, flags, home};
use crate::compile::BEFORE;
use crate::flow::Set;
use crate::links::{self, Symbol};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{ExtFuncData, ExternalName, FuncRef, InstBuilder, Value};
use purlin_term::Term;
use purlin_term::boxed::{FunEntry, Kind};
use purlin_vm::code::instr::{Op, Src};
use purlin_vm::code::{Export, FnEntry};
use std::mem::offset_of;

/// How a function is called.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// It comes back behind the instruction.
    Back,
    /// As the last thing that a function with this many slots does.
    Last(u32),
}

impl Emitter<'_> {
    pub(super) fn call_local(&mut self, f: &'static FnEntry, way: Way) {
        self.take_reduction();
        let entry = self.linked(f as *const FnEntry as u64);
        let start = self.b.ins().load(I64, flags(), entry, offset_of!(FnEntry, code) as i32);
        if !std::ptr::eq(f, self.flow.entry) || !self.has_start {
            return self.finish_call(start, f.mfa.arity as usize, way);
        }
        // It calls itself, unless there is a breakpoint.
        let start_of = &self.flow.ops[self.flow.start] as *const Op as u64;
        let own = self.symbol(Symbol::Word { instr: self.flow.start as u32, place: links::OWN }, start_of);
        let other = self.b.ins().icmp(IntCC::NotEqual, start, own);
        self.leave_if(other);
        if self.flow.is_again(self.at) && self.loops_here() {
            self.spend(way);
            return self.go(self.flow.start);
        }
        let args = self.pass(start, f.mfa.arity as usize, way);
        let own = self.own_entry();
        self.b.ins().return_call(own, &args);
    }

    /// The machine code of the function's beginning, which stands beside this.
    fn own_entry(&mut self) -> FuncRef {
        let name = self.b.func.declare_imported_user_function(Symbol::Start.name());
        self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature: self.entry_signature,
            colocated: true,
            patchable: false,
        })
    }

    /// Whether the code being made begins where the function does, so that it calls itself by a jump.
    fn loops_here(&self) -> bool {
        self.graph.order.first() == Some(&self.flow.start)
    }

    pub(super) fn call_exported(&mut self, e: &'static Export, way: Way) {
        self.take_reduction();
        let export = self.linked(e as *const Export as u64);
        let f = self.b.ins().load(I64, flags(), export, offset_of!(Export, entry) as i32);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, f, 0);
        self.leave_if(none);
        let start = self.b.ins().load(I64, flags(), f, offset_of!(FnEntry, code) as i32);
        self.finish_call(start, e.mfa.arity as usize, way);
    }

    pub(super) fn call_fun(&mut self, fun: Src, arity: u32, way: Way) {
        self.take_reduction();
        let f = self.get(fun);
        let boxed = self.has_tag(f, 3, BOXED_TAG as i64);
        self.leave_unless(boxed);
        let header = self.field(f, BOXED_TAG, 0);
        let kind = self.b.ins().band_imm_s(header, 0xFF);
        let is_fun = self.b.ins().icmp_imm_s(IntCC::Equal, kind, (Kind::Fun as i64) << 2 | 3);
        self.leave_unless(is_fun);
        let has = self.fun_arity(f);
        let fits = self.b.ins().icmp_imm_s(IntCC::Equal, has, arity as i64);
        self.leave_unless(fits);
        let words = self.b.ins().ushr_imm_s(header, 8);
        let many = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, words, 2 + 4);
        self.leave_if(many);
        let entry = self.field(f, BOXED_TAG, 1);
        let body = self.b.ins().load(I64, flags(), entry, offset_of!(FunEntry, code) as i32);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, body, 0);
        self.leave_if(none);
        let start = self.b.ins().load(I64, flags(), body, offset_of!(FnEntry, code) as i32);
        self.store_live(Set::first(arity as usize));
        // The environment behind the arguments.
        let done = self.b.create_block();
        for i in 0..4 {
            let on = self.b.create_block();
            let more = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, words, 2 + i as i64);
            self.b.ins().brif(more, on, &[], done, &[]);
            self.b.switch_to_block(on);
            let v = self.field(f, BOXED_TAG, 3 + i);
            self.b.ins().store(flags(), v, self.m, home((arity as i32 + i) as u16));
        }
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
        // What is in the registers now is not what their values say.
        let x0 = if arity > 0 { self.reg(0) } else { self.b.ins().load(I64, flags(), self.m, home(0)) };
        let x1 = if arity > 1 { self.reg(1) } else { self.b.ins().load(I64, flags(), self.m, home(1)) };
        self.spend(way);
        let args = self.arguments(x1, x0);
        self.jump_to(start, args, true);
    }

    /// How many arguments a fun takes.
    pub(super) fn fun_arity(&mut self, f: Value) -> Value {
        let entry = self.field(f, BOXED_TAG, 1);
        self.b.ins().uload8(I64, flags(), entry, offset_of!(FunEntry, arity) as i32)
    }

    pub(super) fn give_back(&mut self) {
        self.take_reduction();
        self.store_live(Set::first(1));
        let x0 = self.reg(0);
        let address = self.b.ins().load(I64, flags(), self.s.sp, (self.s.sp_words * 8) as i32);
        let start = self.b.ins().iadd_imm_s(address, -(Term::continuation(0).raw() as i64));
        self.s.sp_words += 1;
        self.s.left = self.b.ins().iadd_imm_s(self.s.left, -1);
        let args = self.arguments(start, x0);
        self.jump_to(start, args, false);
    }

    /// Leaves if the time slice is over with the next reduction.
    fn take_reduction(&mut self) {
        let over = self.b.ins().icmp_imm_s(IntCC::SignedLessThanOrEqual, self.s.left, 1);
        self.leave_if(over);
    }

    /// Counts the reduction, and makes or gives up the frame.
    fn spend(&mut self, way: Way) {
        self.s.left = self.b.ins().iadd_imm_s(self.s.left, -1);
        match way {
            Way::Back => {
                let address = self.own_word(links::BEHIND);
                self.s.sp_words -= 1;
                self.b.ins().store(flags(), address, self.s.sp, (self.s.sp_words * 8) as i32);
            }
            Way::Last(slots) => self.s.sp_words += slots as i64,
        }
    }

    fn finish_call(&mut self, start: Value, arity: usize, way: Way) {
        let [m, second, sp, top, left, x0] = self.pass(start, arity, way);
        self.jump_to(start, [m, second, sp, top, left, x0], arity > 1);
    }

    /// Stores what a function is called with, and gives what its machine code takes.
    fn pass(&mut self, start: Value, arity: usize, way: Way) -> [Value; 6] {
        self.store_live(Set::first(arity));
        let x0 = if arity > 0 { self.reg(0) } else { start };
        let x1 = if arity > 1 { self.reg(1) } else { start };
        self.spend(way);
        self.arguments(x1, x0)
    }

    fn arguments(&mut self, second: Value, x0: Value) -> [Value; 6] {
        let (sp, top) = (self.stack_pointer(), self.heap_top());
        [self.m, second, sp, top, self.s.left, x0]
    }

    /// Goes to an instruction: to its machine code behind what loads x0 and x1, or to its handler. `x1`: whether that is
    /// the second argument.
    fn jump_to(&mut self, start: Value, mut args: [Value; 6], x1: bool) {
        let go = self.b.ins().load(I64, flags(), start, offset_of!(Op, go) as i32);
        let area = self.symbol(Symbol::Area, self.area.0 as u64);
        let from = self.b.ins().isub(go, area);
        let bytes = self.word(self.area.1 as u64);
        let machine = self.b.ins().icmp(IntCC::UnsignedLessThan, from, bytes);
        let skip = self.b.ins().uextend(I64, machine);
        let skip = self.b.ins().ishl_imm_s(skip, BEFORE.trailing_zeros() as i64);
        let to = self.b.ins().iadd(go, skip);
        if x1 {
            args[1] = self.b.ins().select(machine, args[1], start);
        }
        self.b.ins().return_call_indirect(self.entry_signature, to, &args);
    }
}
