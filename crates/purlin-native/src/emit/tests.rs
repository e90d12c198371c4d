//! Tests of types and comparisons.

use super::{Emitter, State};
use crate::facts::{ANY, ATOM, BIG, BITS, BOXED, CONS, FLOAT, FUN, IMMEDIATE, MAP, NIL, SMALL, TUPLE};
use crate::helpers::Helper;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I8, I64};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use purlin_term::boxed::Kind;
use purlin_term::{Atom, Term};
use purlin_vm::code::instr::{Src, Test};
use purlin_vm::code::isa::target;

pub(super) const BOXED_TAG: i32 = 1;
pub(super) const LIST_TAG: i32 = 2;

/// What a test makes sure of, where that is a set of types.
fn set_of_test(test: Test) -> Option<u16> {
    Some(match test {
        Test::Integer => SMALL | BIG,
        Test::Float => FLOAT,
        Test::Number => SMALL | BIG | FLOAT,
        Test::Atom => ATOM,
        Test::Nil => NIL,
        Test::Bitstr => BITS,
        Test::List => CONS | NIL,
        Test::NonemptyList => CONS,
        Test::Tuple => TUPLE,
        Test::Function => FUN,
        Test::Map => MAP,
        Test::Boxed => BOXED,
        Test::Pid | Test::Reference | Test::Port | Test::Binary | Test::Boolean | Test::Record => return None,
    })
}

impl Emitter<'_> {
    pub(super) fn is_type(&mut self, test: Test, fail: i32, src: Src) {
        let v = self.get(src);
        let (next, other) = (self.at + 1, target(self.at, fail));
        let now = self.set_of(v);
        let set = set_of_test(test);
        if let Some(set) = set {
            if now & !set == 0 {
                return self.go(next);
            }
            if now & set == 0 {
                return self.go(other);
            }
        }
        let yes = self.knowing(v, set.unwrap_or(ANY));
        let no = self.knowing(v, set.map_or(ANY, |s| !s));
        let condition = match test {
            Test::NonemptyList => self.has_tag(v, 3, LIST_TAG as i64),
            Test::Boxed => self.has_tag(v, 3, BOXED_TAG as i64),
            Test::Atom => self.has_tag(v, 15, Term::atom(Atom::TRUE).raw() as i64 & 15),
            Test::Nil => self.b.ins().icmp_imm_s(IntCC::Equal, v, Term::NIL.raw() as i64),
            Test::List => {
                let cons = self.has_tag(v, 3, LIST_TAG as i64);
                let nil = self.b.ins().icmp_imm_s(IntCC::Equal, v, Term::NIL.raw() as i64);
                self.b.ins().bor(cons, nil)
            }
            Test::Boolean => {
                let is = |e: &mut Self, a| e.b.ins().icmp_imm_s(IntCC::Equal, v, Term::atom(a).raw() as i64);
                let (t, f) = (is(self, Atom::TRUE), is(self, Atom::FALSE));
                self.b.ins().bor(t, f)
            }
            Test::Tuple => return self.boxed_test(v, &[Kind::Tuple], (next, yes), (other, no)),
            Test::Float => return self.boxed_test(v, &[Kind::Float], (next, yes), (other, no)),
            Test::Map => return self.boxed_test(v, &[Kind::FlatMap, Kind::HashRoot], (next, yes), (other, no)),
            Test::Function => return self.boxed_test(v, &[Kind::Fun, Kind::ExportFun], (next, yes), (other, no)),
            Test::Bitstr => {
                let kinds = [Kind::HeapBin, Kind::RefBin, Kind::SubBits];
                return self.boxed_test(v, &kinds, (next, yes), (other, no));
            }
            Test::Integer | Test::Number => {
                return self.fork((next, yes), (other, no), |e, yes, no| {
                    let cold = e.cold_block();
                    let small = e.has_tag(v, 15, 0);
                    e.b.ins().brif(small, yes, &[], cold, &[]);
                    e.b.switch_to_block(cold);
                    let boxed = e.has_tag(v, 3, BOXED_TAG as i64);
                    e.on_if(boxed, no);
                    let is = e.type_of(test, v);
                    e.b.ins().brif(is, yes, &[], no, &[]);
                });
            }
            Test::Binary => return self.is_binary(v, next, other),
            Test::Pid | Test::Reference | Test::Port | Test::Record => self.type_of(test, v),
        };
        self.branch(condition, (next, yes), (other, no));
    }

    /// A bit string is a binary if it is a whole one, or a part that has whole bytes.
    fn is_binary(&mut self, v: Value, next: usize, other: usize) {
        if self.set_of(v) & BITS == 0 {
            return self.go(other);
        }
        let (yes, no) = (self.knowing(v, BITS), self.s.clone());
        let is_boxed = self.set_of(v) & !BOXED == 0;
        self.fork((next, yes), (other, no), |e, yes, no| {
            if !is_boxed {
                let boxed = e.has_tag(v, 3, BOXED_TAG as i64);
                e.on_if(boxed, no);
            }
            let header = e.field(v, BOXED_TAG, 0);
            let is = |e: &mut Self, kind: Kind| {
                let has = e.b.ins().band_imm_s(header, 0xFF);
                e.b.ins().icmp_imm_s(IntCC::Equal, has, kind.header(0) as i64)
            };
            for whole in [Kind::HeapBin, Kind::RefBin] {
                let whole = is(e, whole);
                e.on_unless(whole, yes);
            }
            let part = is(e, Kind::SubBits);
            e.on_if(part, no);
            let bits = e.field(v, BOXED_TAG, 1);
            let bytes = e.has_tag(bits, 7, 0);
            e.b.ins().brif(bytes, yes, &[], no, &[]);
        });
    }

    fn type_of(&mut self, test: Test, v: Value) -> Value {
        let test = self.b.ins().iconst(I64, test as i64);
        self.call(Helper::IsType, test, v)
    }

    /// Where a value leads that is, or is not, a boxed object of one of these kinds, which lie side by side.
    fn boxed_test(&mut self, v: Value, kinds: &[Kind], yes: (usize, State), no: (usize, State)) {
        let Some((first, last)) = kinds.first().zip(kinds.last()) else { return };
        let (tag, low) = ((*first as i64) << 2 | 3, kinds.len() as i64 - 1);
        debug_assert_eq!(*last as i64 - *first as i64, low);
        let is = |e: &mut Self| {
            let kind = e.b.ins().uload8(I64, super::flags(), v, -BOXED_TAG);
            if low == 0 {
                return e.b.ins().icmp_imm_s(IntCC::Equal, kind, tag);
            }
            let from = e.b.ins().iadd_imm_s(kind, -tag);
            e.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, from, low << 2)
        };
        if self.set_of(v) & !BOXED == 0 {
            let condition = is(self);
            return self.branch(condition, yes, no);
        }
        self.fork(yes, no, |e, yes, no| {
            let boxed = e.has_tag(v, 3, BOXED_TAG as i64);
            e.on_if(boxed, no);
            let condition = is(e);
            e.b.ins().brif(condition, yes, &[], no, &[]);
        });
    }

    pub(super) fn test_arity(&mut self, fail: i32, src: Src, arity: u32) {
        let v = self.get(src);
        let header = self.field(v, BOXED_TAG, 0);
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, header, Kind::Tuple.header(arity as usize) as i64);
        self.test(is, fail);
    }

    pub(super) fn is_tagged_tuple(&mut self, fail: i32, src: Src, arity: u16, tag: Atom) {
        let v = self.get(src);
        let yes = self.knowing(v, TUPLE);
        let no = self.s.clone();
        let (next, other) = (self.at + 1, target(self.at, fail));
        let is_boxed = self.set_of(v) & !BOXED == 0;
        self.fork((next, yes), (other, no), |e, yes, no| {
            if !is_boxed {
                let boxed = e.has_tag(v, 3, BOXED_TAG as i64);
                e.on_if(boxed, no);
            }
            let header = e.field(v, BOXED_TAG, 0);
            let sized = e.b.ins().icmp_imm_s(IntCC::Equal, header, Kind::Tuple.header(arity as usize) as i64);
            e.on_if(sized, no);
            let first = e.field(v, BOXED_TAG, 1);
            let is = e.is_term(IntCC::Equal, first, Term::atom(tag).raw());
            e.b.ins().brif(is, yes, &[], no, &[]);
        });
    }

    /// `a < b` or (`turned`) `a >= b`. What is compared with a small integer mostly is one: another is left.
    pub(super) fn is_less(&mut self, small: bool, turned: bool, fail: i32, a: Src, b: Src) {
        let (x, y) = (self.get(a), self.get(b));
        let cc = if turned { IntCC::SignedGreaterThanOrEqual } else { IntCC::SignedLessThan };
        let float = self.set_of(x) | self.set_of(y) == FLOAT;
        if float {
            let (a, b) = (self.as_float(x), self.as_float(y));
            let cc = if turned { FloatCC::GreaterThanOrEqual } else { FloatCC::LessThan };
            let is = self.b.ins().fcmp(cc, a, b);
            return self.test(is, fail);
        }
        let some = self.set_of(x) == SMALL || self.set_of(y) == SMALL;
        if small || some && !self.flow.has_floats {
            if !small {
                self.need_small(x, y);
            }
            let is = self.b.ins().icmp(cc, x, y);
            return self.test(is, fail);
        }
        let s = self.s.clone();
        self.fork((self.at + 1, s.clone()), (target(self.at, fail), s), |e, yes, no| {
            let cold = e.cold_block();
            let both = e.b.ins().bor(x, y);
            let both = e.has_tag(both, 15, 0);
            e.on_if(both, cold);
            let is = e.b.ins().icmp(cc, x, y);
            e.b.ins().brif(is, yes, &[], no, &[]);
            e.b.switch_to_block(cold);
            if e.flow.has_floats {
                e.compare_floats(turned, x, y, yes, no);
            }
            let less = e.call(Helper::Less, x, y);
            let (yes, no) = if turned { (no, yes) } else { (yes, no) };
            e.b.ins().brif(less, yes, &[], no, &[]);
        });
    }

    /// Whether a value is less than another, as a value.
    pub(super) fn is_less_than(&mut self, x: Value, y: Value) -> Value {
        let (cold, on) = (self.cold_block(), self.b.create_block());
        let result = self.b.append_block_param(on, I8);
        let both = self.b.ins().bor(x, y);
        let both = self.has_tag(both, 15, 0);
        self.on_if(both, cold);
        let less = self.b.ins().icmp(IntCC::SignedLessThan, x, y);
        self.b.ins().jump(on, &[less.into()]);
        self.b.switch_to_block(cold);
        let less = self.call(Helper::Less, x, y);
        let less = self.b.ins().ireduce(I8, less);
        self.b.ins().jump(on, &[less.into()]);
        self.b.switch_to_block(on);
        result
    }

    /// Goes on in a new block unless both are floats.
    fn compare_floats(&mut self, turned: bool, x: Value, y: Value, yes: Block, no: Block) {
        let other = self.b.create_block();
        for v in [x, y].into_iter().filter(|&v| self.set_of(v) != FLOAT).collect::<Vec<_>>() {
            let boxed = self.has_tag(v, 3, BOXED_TAG as i64);
            self.on_if(boxed, other);
            let header = self.field(v, BOXED_TAG, 0);
            let is = self.b.ins().icmp_imm_s(IntCC::Equal, header, Kind::Float.header(1) as i64);
            self.on_if(is, other);
        }
        let [a, b] = [x, y].map(|v| self.b.ins().load(F64, super::flags(), v, 8 - BOXED_TAG));
        let cc = if turned { FloatCC::GreaterThanOrEqual } else { FloatCC::LessThan };
        let is = self.b.ins().fcmp(cc, a, b);
        self.b.ins().brif(is, yes, &[], no, &[]);
        self.b.switch_to_block(other);
    }

    /// Whether two values are equal if their words are, and only then.
    fn tells(&self, exact: bool, x: Value, y: Value) -> bool {
        let (a, b) = (self.set_of(x), self.set_of(y));
        let immediate = |s: u16| s & !IMMEDIATE == 0;
        // A small integer is equal to a float, an atom to nothing else.
        let atom = |s: u16| s & !(ATOM | NIL) == 0;
        atom(a) || atom(b) || if exact { immediate(a) || immediate(b) } else { immediate(a) && immediate(b) }
    }

    /// Goes to one of two blocks as two values are equal or not.
    fn compare(&mut self, exact: bool, word: bool, x: Value, y: Value, yes: Block, no: Block) {
        let is = self.b.ins().icmp(IntCC::Equal, x, y);
        if word || self.tells(exact, x, y) {
            self.b.ins().brif(is, yes, &[], no, &[]);
            return;
        }
        self.on_unless(is, yes);
        // Immediates need no look at what they point to, nor do words with different tags.
        let low = if exact { self.b.ins().band(x, y) } else { self.b.ins().bor(x, y) };
        let immediate = self.has_tag(low, 3, 0);
        let cold = self.cold_block();
        self.b.ins().brif(immediate, no, &[], cold, &[]);
        self.b.switch_to_block(cold);
        let is = self.call(if exact { Helper::Same } else { Helper::Equal }, x, y);
        self.b.ins().brif(is, yes, &[], no, &[]);
    }

    /// Whether two values are exactly equal, as a value.
    pub(super) fn equality(&mut self, x: Value, y: Value) -> Value {
        let (yes, no, on) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(on, I8);
        self.compare(true, false, x, y, yes, no);
        for (block, is) in [(yes, 1), (no, 0)] {
            self.b.switch_to_block(block);
            let is = self.b.ins().iconst(I8, is);
            self.b.ins().jump(on, &[is.into()]);
        }
        self.b.switch_to_block(on);
        result
    }

    pub(super) fn is_equal(&mut self, exact: bool, word: bool, turned: bool, fail: i32, a: Src, b: Src) {
        let (x, y) = (self.get(a), self.get(b));
        // What is exactly equal is of the same type.
        let same = if exact { self.knowing(x, self.set_of(y)) } else { self.s.clone() };
        let any = self.s.clone();
        let (next, other) = (self.at + 1, target(self.at, fail));
        let (yes, no) = if turned { (any, same) } else { (same, any) };
        self.fork((next, yes), (other, no), |e, yes, no| {
            let (yes, no) = if turned { (no, yes) } else { (yes, no) };
            e.compare(exact, word, x, y, yes, no);
        });
    }

    pub(super) fn is_immediate(&mut self, turned: bool, fail: i32, a: u16, value: Term) {
        let x = self.get(Src(a as u32));
        let cc = if turned { IntCC::NotEqual } else { IntCC::Equal };
        let holds = self.is_term(cc, x, value.raw());
        let same = self.knowing(x, crate::facts::of_word(value.raw()));
        let any = self.s.clone();
        let (next, other) = (self.at + 1, target(self.at, fail));
        let (yes, no) = if turned { (any, same) } else { (same, any) };
        self.branch(holds, (next, yes), (other, no));
    }

    pub(super) fn is_function2(&mut self, fail: i32, src: Src, arity: Src) {
        let (f, wanted) = (self.get(src), self.get(arity));
        // What is no fun of the module's own making is the handler's.
        let boxed = self.has_tag(f, 3, BOXED_TAG as i64);
        self.leave_unless(boxed);
        let kind = self.b.ins().uload8(I64, super::flags(), f, -BOXED_TAG);
        let fun = self.b.ins().icmp_imm_s(IntCC::Equal, kind, (Kind::Fun as i64) << 2 | 3);
        self.leave_unless(fun);
        let has = self.fun_arity(f);
        let has = self.b.ins().ishl_imm_s(has, 4);
        let is = self.b.ins().icmp(IntCC::Equal, has, wanted);
        let yes = self.knowing(f, FUN);
        let no = self.s.clone();
        let (next, other) = (self.at + 1, target(self.at, fail));
        self.branch(is, (next, yes), (other, no));
    }
}
