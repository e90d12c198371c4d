//! Matching of binaries. The position of the match context that was used last is a value; it is stored at once wherever it changes.

use super::tests::BOXED_TAG;
use super::{Emitter, State, UNKNOWN, flags};
use crate::facts::{BITS, BOX, SMALL};
use crate::helpers::Helper;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I16, I32, I64};
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Value};
use purlin_term::bits::APPENDED_WORDS;
use purlin_term::boxed::Kind;
use purlin_vm::code::instr::{BsGet, BsMatch, BsMatchString, Dst, MatchStep, Packed, PackedField, Rel, Src};
use purlin_vm::code::isa::target;
use purlin_vm::tier::context::{ADDRESS, CONTEXT_WORDS, COPIED, END, PART_WORDS, POSITION, WHOLE};

/// Where a match context is.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    context: Value,
    end: Value,
    at: Value,
    /// Where what it reads starts, if that was asked for.
    start: Option<Value>,
    /// The position is at a byte's beginning.
    aligned: bool,
}

/// An integer field.
#[derive(Clone, Copy)]
struct Field {
    bits: u32,
    signed: bool,
    little: bool,
}

/// What is done when a match fails: nothing has changed.
struct Failure {
    block: Block,
    state: State,
    to: Rel,
}

impl Emitter<'_> {
    /// A context goes on as it is; of a bit string one is made. What is neither is the handler's.
    pub(super) fn start_match(&mut self, src: Src, dst: Dst) {
        let v = self.get(src);
        let (on, new) = (self.b.create_block(), self.b.create_block());
        let (context, top) = (self.b.append_block_param(on, I64), self.b.append_block_param(on, I64));
        let header = self.boxed_header(v);
        let now = self.heap_top();
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, header, Kind::MatchCtx.header(CONTEXT_WORDS - 1) as i64);
        self.b.ins().brif(is, on, &[v.into(), now.into()], new, &[]);
        self.b.switch_to_block(new);
        self.need(CONTEXT_WORDS as i64);
        let made = self.call(Helper::Begin, v, now);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, made, purlin_term::Term::NONE.raw() as i64);
        self.leave_if(none);
        let behind = self.words_on(now, CONTEXT_WORDS as i64);
        self.b.ins().jump(on, &[made.into(), behind.into()]);
        self.b.switch_to_block(on);
        (self.s.top, self.s.top_words, self.s.room) = (top, 0, UNKNOWN);
        self.s.facts.note(context, BOX);
        self.set(dst, context);
    }

    /// Where the context is.
    fn reading(&mut self, ctx: Src) -> Reading {
        let context = self.get(ctx);
        if let Some(r) = self.s.reading.filter(|r| r.context == context) {
            return r;
        }
        let (end, at) = (self.word_of(context, END), self.word_of(context, POSITION));
        let r = Reading { context, end, at, start: None, aligned: false };
        self.s.reading = Some(r);
        r
    }

    fn word_of(&mut self, context: Value, word: usize) -> Value {
        self.field(context, BOXED_TAG, 1 + word as i32)
    }

    /// How many bits are left.
    fn left(&mut self, r: &Reading) -> Value {
        self.b.ins().isub(r.end, r.at)
    }

    fn failure(&mut self, to: Rel) -> Failure {
        Failure { block: self.b.create_block(), state: self.s.clone(), to }
    }

    /// Goes on behind the instruction, and where it fails to where that leads.
    fn finish(&mut self, failure: Failure) {
        let (next, other) = (self.at + 1, target(self.at, failure.to));
        if next == other {
            // Whatever was read is not used.
            let on = self.b.create_block();
            self.b.ins().jump(on, &[]);
            self.b.switch_to_block(failure.block);
            self.b.ins().jump(on, &[]);
            self.b.switch_to_block(on);
            self.s = State { reading: None, ..self.before.clone() };
            return self.go(next);
        }
        self.go(next);
        self.b.switch_to_block(failure.block);
        self.s = failure.state;
        self.go(other);
    }

    /// Makes sure of so many bits.
    fn enough(&mut self, r: &Reading, bits: u64, failure: &Failure) {
        let left = self.left(r);
        let enough = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, left, bits as i64);
        self.on_if(enough, failure.block);
    }

    /// Leaves unless the position is at a byte's beginning.
    fn align(&mut self, r: &mut Reading) {
        if !r.aligned {
            let bits = self.b.ins().band_imm_s(r.at, 7);
            self.leave_if(bits);
            r.aligned = true;
        }
    }

    /// The address of the byte at the position.
    fn byte(&mut self, r: &mut Reading) -> Value {
        let start = match r.start {
            Some(start) => start,
            None => {
                let address = self.word_of(r.context, ADDRESS);
                let whole = self.word_of(r.context, WHOLE);
                let own = self.b.ins().iadd_imm_s(whole, 16 - BOXED_TAG as i64);
                *r.start.insert(self.b.ins().select(address, address, own))
            }
        };
        let bytes = self.b.ins().ushr_imm_s(r.at, 3);
        self.b.ins().iadd(start, bytes)
    }

    /// The context is so many bits further, which is stored by [`step`](Emitter::step).
    fn forward(&mut self, r: &mut Reading, bits: u32) {
        r.at = self.b.ins().iadd_imm_s(r.at, bits as i64);
        r.aligned &= bits.is_multiple_of(8);
    }

    /// Stores where the context is.
    fn step(&mut self, r: Reading) {
        self.b.ins().store(flags(), r.at, r.context, (1 + POSITION as i32) * 8 - BOXED_TAG);
        self.s.reading = Some(r);
    }

    /// A field's bits, of which there are enough, as a number.
    fn bits(&mut self, r: &mut Reading, f: Field) -> Value {
        let n = f.bits;
        let memory = MemFlagsData::new();
        let value = match n {
            8 => {
                self.align(r);
                let p = self.byte(r);
                self.b.ins().uload8(I64, memory, p, 0)
            }
            16 | 32 => {
                self.align(r);
                let p = self.byte(r);
                let v = self.b.ins().load(if n == 16 { I16 } else { I32 }, memory, p, 0);
                let v = if f.little { v } else { self.b.ins().bswap(v) };
                self.b.ins().uextend(I64, v)
            }
            _ => {
                // Eight bytes have to be there; the end's last one is left out.
                let (end, at) = (self.b.ins().ushr_imm_s(r.end, 3), self.b.ins().ushr_imm_s(r.at, 3));
                let bytes = self.b.ins().isub(end, at);
                let few = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, bytes, 8);
                self.leave_if(few);
                let p = self.byte(r);
                let word = self.b.ins().load(I64, memory, p, 0);
                let word = self.b.ins().bswap(word);
                let skip = self.b.ins().band_imm_s(r.at, 7);
                let word = self.b.ins().ishl(word, skip);
                self.b.ins().ushr_imm_s(word, 64 - n as i64)
            }
        };
        if !f.signed {
            return value;
        }
        let high = self.b.ins().ishl_imm_s(value, 64 - n as i64);
        self.b.ins().sshr_imm_s(high, 64 - n as i64)
    }

    fn as_small(&mut self, number: Value) -> Value {
        let v = self.b.ins().ishl_imm_s(number, 4);
        self.s.facts.note(v, SMALL);
        v
    }

    pub(super) fn get_integer(&mut self, g: &'static BsGet) {
        let mut r = self.reading(g.ctx);
        let failure = self.failure(g.fail);
        self.enough(&r, g.bits as u64, &failure);
        let number = self.bits(&mut r, Field { bits: g.bits, signed: g.signed, little: g.little });
        let v = self.as_small(number);
        self.forward(&mut r, g.bits);
        self.step(r);
        self.set(g.dst, v);
        self.finish(failure);
    }

    /// The bits that a field of so many units takes; a size that is no small number, or a huge one, is left.
    fn field_bits(&mut self, size: Src, unit: u32) -> Value {
        let size = self.get(size);
        let tag = self.b.ins().band_imm_s(size, 15);
        self.leave_if(tag);
        let huge = self.b.ins().ushr_imm_s(size, 40);
        self.leave_if(huge);
        let units = self.b.ins().ushr_imm_s(size, 4);
        if unit == 1 { units } else { self.b.ins().imul_imm_s(units, unit as i64) }
    }

    pub(super) fn skip(&mut self, g: &'static BsGet) {
        let r = self.reading(g.ctx);
        let n = match g.size {
            Some(size) if g.bits == 0 => self.field_bits(size, g.unit),
            _ => self.b.ins().iconst(I64, g.bits as i64),
        };
        let failure = self.failure(g.fail);
        let left = self.left(&r);
        let enough = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, left, n);
        self.on_if(enough, failure.block);
        let at = self.b.ins().iadd(r.at, n);
        self.step(Reading { at, aligned: r.aligned && g.bits > 0 && g.bits.is_multiple_of(8), ..r });
        self.finish(failure);
    }

    pub(super) fn get_binary(&mut self, g: &'static BsGet) {
        let r = self.reading(g.ctx);
        let n = match g.size {
            Some(size) => self.field_bits(size, g.unit),
            None => self.left(&r),
        };
        let failure = self.failure(g.fail);
        let fits = match g.size {
            Some(_) => {
                let left = self.left(&r);
                self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, left, n)
            }
            None => {
                let rest = self.b.ins().band_imm_s(n, g.unit as i64 - 1);
                self.b.ins().icmp_imm_s(IntCC::Equal, rest, 0)
            }
        };
        self.on_if(fits, failure.block);
        let v = self.part(&r, n);
        let at = self.b.ins().iadd(r.at, n);
        self.step(Reading { at, aligned: false, ..r });
        self.set(g.dst, v);
        self.finish(failure);
    }

    pub(super) fn get_tail(&mut self, ctx: Src, dst: Dst) {
        let r = self.reading(ctx);
        let n = self.left(&r);
        let v = self.part(&r, n);
        self.set(dst, v);
    }

    /// The next bits as a binary.
    fn part(&mut self, r: &Reading, n: Value) -> Value {
        self.need(PART_WORDS as i64);
        // What is copied begins with a byte.
        let odd = self.b.ins().band_imm_s(n, 7);
        let many = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, n, COPIED as i64);
        let odd = self.b.ins().icmp_imm_s(IntCC::NotEqual, odd, 0);
        let shared = self.b.ins().bor(odd, many);
        let (on, copied) = (self.b.create_block(), self.b.create_block());
        let words = self.b.append_block_param(on, I64);
        let four = self.b.ins().iconst(I64, 4);
        self.exit();
        self.b.ins().brif(shared, on, &[four.into()], copied, &[]);
        self.b.switch_to_block(copied);
        if !r.aligned {
            let bits = self.b.ins().band_imm_s(r.at, 7);
            self.leave_if(bits);
        }
        let up = self.b.ins().iadd_imm_s(n, 63);
        let up = self.b.ins().ushr_imm_s(up, 6);
        let up = self.b.ins().iadd_imm_s(up, 2);
        self.b.ins().jump(on, &[up.into()]);
        self.b.switch_to_block(on);
        let place = self.heap_top();
        // What the helper is to do stands where it makes the part.
        self.b.ins().store(flags(), r.at, place, 0);
        self.b.ins().store(flags(), n, place, 8);
        let v = self.call(Helper::Part, r.context, place);
        let bytes = self.b.ins().ishl_imm_s(words, 3);
        self.s.top = self.b.ins().iadd(place, bytes);
        self.s.top_words = 0;
        self.s.room = 0;
        self.s.facts.note(v, BITS);
        v
    }

    pub(super) fn test_tail(&mut self, fail: Rel, ctx: Src, bits: u32) {
        let r = self.reading(ctx);
        let left = self.left(&r);
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, left, bits as i64);
        self.test(is, fail);
    }

    pub(super) fn test_unit(&mut self, fail: Rel, ctx: Src, unit: u32) {
        let r = self.reading(ctx);
        let left = self.left(&r);
        let rest = self.b.ins().band_imm_s(left, unit as i64 - 1);
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, rest, 0);
        self.test(is, fail);
    }

    pub(super) fn match_string(&mut self, m: &'static BsMatchString) {
        let mut r = self.reading(m.ctx);
        let failure = self.failure(m.fail);
        self.enough(&r, m.bits as u64, &failure);
        let number = self.bits(&mut r, Field { bits: m.bits, signed: false, little: false });
        let bytes = m.bits.div_ceil(8);
        let wanted = m.bytes.iter().take(bytes as usize).fold(0, |v, &b| v << 8 | b as u64);
        self.equals(number, wanted >> (bytes * 8 - m.bits), &failure);
        self.forward(&mut r, m.bits);
        self.step(r);
        self.finish(failure);
    }

    fn equals(&mut self, number: Value, wanted: u64, failure: &Failure) {
        let is = self.b.ins().icmp_imm_s(IntCC::Equal, number, wanted as i64);
        self.on_if(is, failure.block);
    }

    pub(super) fn get_utf8(&mut self, fail: Rel, ctx: Src, dst: Dst) {
        let mut r = self.reading(ctx);
        let failure = self.failure(fail);
        self.enough(&r, 8, &failure);
        self.align(&mut r);
        let p = self.byte(&mut r);
        let byte = self.b.ins().uload8(I64, MemFlagsData::new(), p, 0);
        let (long, on) = (self.cold_block(), self.b.create_block());
        let (v, at) = (self.b.append_block_param(on, I64), self.b.append_block_param(on, I64));
        let ascii = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, byte, 0x80);
        let short = self.b.create_block();
        self.b.ins().brif(ascii, short, &[], long, &[]);
        self.b.switch_to_block(long);
        let found = self.call(Helper::Utf8, r.context, r.context);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, found, purlin_term::Term::NONE.raw() as i64);
        self.on_unless(none, failure.block);
        let now = self.word_of(r.context, POSITION);
        self.b.ins().jump(on, &[found.into(), now.into()]);
        self.b.switch_to_block(short);
        let small = self.b.ins().ishl_imm_s(byte, 4);
        let next = self.b.ins().iadd_imm_s(r.at, 8);
        self.b.ins().store(flags(), next, r.context, (1 + POSITION as i32) * 8 - BOXED_TAG);
        self.b.ins().jump(on, &[small.into(), next.into()]);
        self.b.switch_to_block(on);
        self.s.reading = Some(Reading { at, ..r });
        self.s.facts.note(v, SMALL);
        self.set(dst, v);
        self.finish(failure);
    }

    pub(super) fn get_position(&mut self, ctx: Src, dst: Dst) {
        let r = self.reading(ctx);
        let v = self.as_small(r.at);
        self.set(dst, v);
    }

    pub(super) fn set_position(&mut self, ctx: Src, position: Src) {
        let r = self.reading(ctx);
        let v = self.get(position);
        let at = self.b.ins().ushr_imm_s(v, 4);
        self.step(Reading { at, aligned: false, ..r });
    }

    pub(super) fn bs_match(&mut self, m: &'static BsMatch) {
        let mut r = self.reading(m.ctx);
        let failure = self.failure(m.fail);
        let mut values = Vec::new();
        // Bits that are known to be left.
        let mut sure = 0;
        for step in m.steps {
            match *step {
                MatchStep::EnsureAtLeast { bits, unit } => {
                    self.enough(&r, bits as u64, &failure);
                    if unit > 1 {
                        let left = self.left(&r);
                        let over = self.b.ins().iadd_imm_s(left, -(bits as i64));
                        let rest = self.b.ins().band_imm_s(over, unit as i64 - 1);
                        self.on_unless(rest, failure.block);
                    }
                    sure = bits;
                }
                MatchStep::EnsureExactly { bits } => {
                    let left = self.left(&r);
                    self.equals(left, bits as u64, &failure);
                    sure = bits;
                }
                MatchStep::Skip { bits } => self.pass_over(&mut r, bits, &mut sure, &failure),
                MatchStep::Equal { bits, value } => {
                    self.ahead(&r, bits, sure, &failure);
                    let number = self.bits(&mut r, Field { bits, signed: false, little: false });
                    self.equals(number, value, &failure);
                    self.pass_over(&mut r, bits, &mut sure, &failure);
                }
                MatchStep::Integer { signed, little, bits, dst, .. } => {
                    self.ahead(&r, bits, sure, &failure);
                    let number = self.bits(&mut r, Field { bits, signed, little });
                    let v = self.as_small(number);
                    values.push((dst, v));
                    self.pass_over(&mut r, bits, &mut sure, &failure);
                }
                MatchStep::Binary { bits, dst, .. } => {
                    self.ahead(&r, bits, sure, &failure);
                    let n = self.b.ins().iconst(I64, bits as i64);
                    let v = self.part(&r, n);
                    values.push((dst, v));
                    self.pass_over(&mut r, bits, &mut sure, &failure);
                }
                MatchStep::Tail { dst, .. } => {
                    let n = self.left(&r);
                    let v = self.part(&r, n);
                    values.push((dst, v));
                }
            }
        }
        self.step(r);
        values.into_iter().for_each(|(dst, v)| self.set(dst, v));
        self.finish(failure);
    }

    /// Integers of at most 64 bits in all, as a binary or put behind one.
    pub(super) fn create_bin(&mut self, p: &'static Packed, dst: Dst) {
        let mut all = None;
        for field in &p.fields {
            let (value, bits) = match *field {
                PackedField::Text { value, bits } => (self.word(value), bits),
                PackedField::Value { src, bits } => {
                    let v = self.get(src);
                    if self.set_of(v) != SMALL {
                        let tag = self.b.ins().band_imm_s(v, 15);
                        self.leave_if(tag);
                        self.s.facts.note(v, SMALL);
                    }
                    let v = self.b.ins().sshr_imm_s(v, 4);
                    let v = self.b.ins().ishl_imm_s(v, 64 - bits as i64);
                    (self.b.ins().ushr_imm_s(v, 64 - bits as i64), bits)
                }
            };
            all = Some(match all {
                None => value,
                Some(before) => {
                    let before = self.b.ins().ishl_imm_s(before, bits as i64);
                    self.b.ins().bor(before, value)
                }
            });
        }
        let value = all.unwrap_or_else(|| self.word(0));
        let v = match p.to {
            Some((to, unit)) => self.append(to, unit, value, p.bits),
            None => {
                self.need(3);
                let at = self.take(3);
                let (header, size) = (self.word(Kind::HeapBin.header(2)), self.word(p.bits as u64 / 8));
                let value = self.b.ins().ishl_imm_s(value, 64 - p.bits as i64);
                let bytes = self.b.ins().bswap(value);
                self.put(at, header);
                self.put(at + 8, size);
                self.put(at + 16, bytes);
                self.pointer(at, BOXED_TAG as i64, BITS)
            }
        };
        self.set(dst, v);
    }

    fn append(&mut self, to: Src, unit: u32, value: Value, bits: u32) -> Value {
        self.need(APPENDED_WORDS as i64);
        let to = self.get(to);
        let at = self.s.top_words as i32 * 8;
        self.put(at, to);
        self.put(at + 8, value);
        let (how, place) = (self.word((unit as u64) << 8 | bits as u64), self.heap_top());
        let v = self.call(Helper::Append, how, place);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, v, purlin_term::Term::NONE.raw() as i64);
        self.leave_if(none);
        self.take(APPENDED_WORDS as i64);
        self.s.facts.note(v, BITS);
        v
    }

    /// Makes sure of bits that are not known to be left.
    fn ahead(&mut self, r: &Reading, bits: u32, sure: u32, failure: &Failure) {
        if bits > sure {
            self.enough(r, bits as u64, failure);
        }
    }

    /// Steps over bits.
    fn pass_over(&mut self, r: &mut Reading, bits: u32, sure: &mut u32, failure: &Failure) {
        self.ahead(r, bits, *sure, failure);
        self.forward(r, bits);
        *sure = sure.saturating_sub(bits);
    }
}
