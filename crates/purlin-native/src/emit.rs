//! Machine code of one entry of a function: what runs from there to where it goes to other functions or leaves.
//!
//! Registers are values. What changes them notes that their home, the machine's memory, is out of date; where code is
//! left, those that are read later are stored. Stack slots are always stored at once, and what was loaded from one or
//! stored to it is remembered along straight code. The stack pointer and the heap's top are a value and a distance that
//! is known, so that moving them is nothing but arithmetic of the compiler.

mod arith;
mod binaries;
mod calls;
mod data;
mod floats;
mod maps;
mod select;
mod tests;

use crate::facts::{ANY, Facts};
use crate::flow::{Flow, Graph, Reg, Set, X_REGISTERS};
use crate::helpers::Helper;
use crate::how::How;
use crate::leaving::Leaving;
use crate::links::{self, Symbol};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I8, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, ExternalName, Function, GlobalValueData, InstBuilder, MemFlagsData, SigRef, Signature,
    SourceLoc, UserFuncName, Value,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use purlin_vm::code::consts;
use purlin_vm::code::instr::{Dst, Instr, Op, Src};
use purlin_vm::code::isa::target;
use purlin_vm::code::op::Running;
use purlin_vm::tier::handlers::step;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::mem::offset_of;

/// Words that must stay free between heap and stack.
const RESERVE: i64 = purlin_term::heap::STACK_RESERVE as i64;

/// Return addresses that were pushed may have used up the reserve.
const UNKNOWN: i64 = -1;

/// A register's value.
#[derive(Clone, Copy)]
struct Held {
    reg: Reg,
    value: Value,
    /// Its home has another value.
    dirty: bool,
}

/// What is known at a place in the code.
#[derive(Clone)]
struct State {
    regs: SmallVec<[Held; 8]>,
    /// What stack slots hold, by their distance in words from `sp`.
    slots: SmallVec<[(i64, Value); 8]>,
    facts: Facts,
    sp: Value,
    /// Words from `sp` to the stack pointer.
    sp_words: i64,
    top: Value,
    /// Words from `top` to the heap's top.
    top_words: i64,
    left: Value,
    /// Where a match context is, if one was just used.
    reading: Option<binaries::Reading>,
    /// Words that were found to be free besides the reserve; [`UNKNOWN`]: not even that may be.
    room: i64,
}

impl State {
    /// Where nothing is known but these.
    fn at(sp: Value, top: Value, left: Value) -> State {
        State {
            regs: SmallVec::new(),
            slots: SmallVec::new(),
            facts: Facts::default(),
            sp,
            sp_words: 0,
            top,
            top_words: 0,
            left,
            reading: None,
            room: UNKNOWN,
        }
    }
}

/// The values that an entry is given: the machine, x1 (or the instruction's address), the stack pointer, the heap's top,
/// the reductions left, x0.
pub fn signature() -> Signature {
    let mut s = Signature::new(CallConv::Tail);
    s.params.extend([I64, I64, I64, I64, I32, I64].map(AbiParam::new));
    s.returns.push(AbiParam::new(I64));
    s
}

/// Those of a handler.
fn handler_signature() -> Signature {
    let mut s = signature();
    s.params.pop();
    s
}

pub struct Emitter<'a> {
    flow: &'a Flow,
    graph: Graph,
    b: FunctionBuilder<'a>,
    m: Value,
    /// Addresses of machine code: the first one, and how many bytes.
    area: (usize, usize),
    /// Whether there is machine code of the function's beginning.
    has_start: bool,
    /// The function's guards that leave whatever they find.
    leaving: &'a Leaving,
    entry_signature: SigRef,
    handler_signature: SigRef,
    helper_signature: Option<SigRef>,
    step_signature: Option<SigRef>,
    /// Blocks that several edges lead to, with the registers that they are given.
    joins: HashMap<usize, (Block, Vec<Reg>)>,
    /// Blocks that one edge leads to, with what is known behind that.
    straight: HashMap<usize, (Block, State)>,
    /// What is known of the registers of joins, from the edges so far.
    known: HashMap<usize, Vec<u16>>,
    s: State,
    /// What is referred to, in this run.
    symbols: HashMap<Symbol, u64>,
    /// The words of the instruction being emitted.
    words: Vec<u64>,
    /// The instruction being emitted, and where it is left.
    at: usize,
    exit: Option<Block>,
    before: State,
    /// The exits, with their instructions and what is known there.
    exits: Vec<(Block, usize, State)>,
}

/// Makes the intermediate code of an entry.
pub fn emit(
    flow: &Flow,
    entry: usize,
    builder: &mut FunctionBuilderContext,
    area: (usize, usize),
    has_start: bool,
    config: TargetFrontendConfig,
    leaving: &Leaving,
) -> (Function, HashMap<Symbol, u64>) {
    let mut function = Function::with_name_signature(UserFuncName::user(0, entry as u32), signature());
    let mut b = FunctionBuilder::new(&mut function, builder);
    // What instructions' locations are told from; zero, so that a location is an instruction's number.
    b.func.params.ensure_base_srcloc(SourceLoc::new(0));
    let first = b.create_block();
    b.append_block_params_for_function_params(first);
    b.switch_to_block(first);
    let params: Vec<Value> = b.block_params(first).to_vec();
    let [m, x1, sp, top, left, x0] = params[..] else { unreachable!("the signature has six parameters") };
    let entry_signature = b.import_signature(signature());
    let handler_signature = b.import_signature(handler_signature());
    let mut regs = SmallVec::new();
    for (reg, value) in [(0, x0), (1, x1)] {
        // Behind calls x1 is nothing.
        if flow.live[entry].has(reg) {
            regs.push(Held { reg, value, dirty: false });
        }
    }
    let s = State { regs, ..State::at(sp, top, left) };
    let mut e = Emitter {
        flow,
        graph: Graph::from(flow, entry),
        b,
        m,
        area,
        has_start,
        leaving,
        entry_signature,
        handler_signature,
        helper_signature: None,
        step_signature: None,
        joins: HashMap::new(),
        straight: HashMap::new(),
        known: HashMap::new(),
        symbols: HashMap::new(),
        words: Vec::new(),
        before: s.clone(),
        s,
        at: entry,
        exit: None,
        exits: Vec::new(),
    };
    e.all(entry);
    e.b.seal_all_blocks();
    e.b.finalize(config);
    let symbols = e.symbols;
    (function, symbols)
}

impl Emitter<'_> {
    fn all(&mut self, entry: usize) {
        if self.graph.blocks[&entry].from > 0 {
            let (block, args) = self.edge(entry);
            self.b.ins().jump(block, &args);
        } else {
            let block = self.b.create_block();
            self.b.ins().jump(block, &[]);
            self.straight.insert(entry, (block, self.s.clone()));
        }
        for at in self.graph.order.clone() {
            self.begin(at);
            for i in at..self.graph.blocks[&at].end {
                self.at = i;
                self.exit = None;
                self.words = links::words(self.flow.ops, i);
                self.before = self.s.clone();
                self.b.set_srcloc(SourceLoc::new(i as u32));
                self.one(i);
            }
            let end = self.graph.blocks[&at].end;
            if matches!(self.flow.how(end - 1), How::Inline | How::Step) && !self.flow.branches(end - 1) {
                self.go(self.flow.behind(end - 1));
            }
        }
        for (exit, at, before) in std::mem::take(&mut self.exits) {
            self.at = at;
            self.words = links::words(self.flow.ops, at);
            self.b.set_srcloc(SourceLoc::new(at as u32));
            self.b.switch_to_block(exit);
            self.s = before;
            self.leave();
        }
    }

    /// Takes up what is known where a block begins.
    fn begin(&mut self, at: usize) {
        if let Some((block, state)) = self.straight.remove(&at) {
            self.b.switch_to_block(block);
            self.s = state;
            return;
        }
        let (block, regs) = self.join(at);
        self.b.switch_to_block(block);
        let params: Vec<Value> = self.b.block_params(block).to_vec();
        let b = &self.graph.blocks[&at];
        let mut facts = Facts::default();
        if !b.loops {
            let known = self.known.get(&at);
            known.iter().flat_map(|k| k.iter()).zip(&params[3..]).for_each(|(&set, &v)| facts.note(v, set));
        }
        let held = |(&reg, &value): (&Reg, &Value)| Held { reg, value, dirty: b.dirty.has(reg) };
        let regs = regs.iter().zip(&params[3..]).map(held).collect();
        self.s = State { regs, facts, ..State::at(params[0], params[1], params[2]) };
    }

    /// The block of a place where edges join.
    fn join(&mut self, at: usize) -> (Block, Vec<Reg>) {
        if let Some(j) = self.joins.get(&at) {
            return j.clone();
        }
        let block = self.b.create_block();
        for t in [I64, I64, I32] {
            self.b.append_block_param(block, t);
        }
        let regs: Vec<Reg> = self.flow.live[at].and(self.graph.blocks[&at].held).iter().collect();
        for &r in &regs {
            self.b.append_block_param(block, if r < X_REGISTERS { I64 } else { F64 });
        }
        self.joins.insert(at, (block, regs.clone()));
        (block, regs)
    }

    /// The edge from here to an instruction.
    fn edge(&mut self, to: usize) -> (Block, Vec<BlockArg>) {
        let b = &self.graph.blocks[&to];
        if b.from == 1 && !b.loops {
            let block = self.b.create_block();
            self.straight.insert(to, (block, self.s.clone()));
            return (block, Vec::new());
        }
        let (block, regs) = self.join(to);
        let mut args = vec![self.stack_pointer(), self.heap_top(), self.s.left];
        let mut sets = Vec::new();
        for r in regs {
            let v = self.reg(r);
            sets.push(self.s.facts.of(v));
            args.push(v);
        }
        match self.known.get_mut(&to) {
            Some(known) => known.iter_mut().zip(sets).for_each(|(k, s)| *k |= s),
            None => _ = self.known.insert(to, sets),
        }
        (block, args.into_iter().map(BlockArg::Value).collect())
    }

    /// Goes on at another instruction.
    fn go(&mut self, to: usize) {
        let (block, args) = self.edge(to);
        self.b.ins().jump(block, &args);
    }

    /// Goes on at one of two instructions, with what is known there.
    fn branch(&mut self, condition: Value, holds: (usize, State), fails: (usize, State)) {
        if holds.0 == fails.0 {
            self.s = self.before.clone();
            return self.go(holds.0);
        }
        self.s = holds.1;
        let (a, a_args) = self.edge(holds.0);
        self.s = fails.1;
        let (b, b_args) = self.edge(fails.0);
        self.b.ins().brif(condition, a, &a_args, b, &b_args);
    }

    /// As [`branch`](Emitter::branch), where `test` has more than one way to either place.
    fn fork(&mut self, holds: (usize, State), fails: (usize, State), test: impl FnOnce(&mut Self, Block, Block)) {
        if holds.0 == fails.0 {
            return self.go(holds.0);
        }
        let (yes, no) = (self.b.create_block(), self.b.create_block());
        test(self, yes, no);
        for (block, (to, state)) in [(yes, holds), (no, fails)] {
            self.b.switch_to_block(block);
            self.s = state;
            self.go(to);
        }
    }

    /// Goes on in a new block if the condition holds, else in another one.
    fn on_if(&mut self, condition: Value, other: Block) {
        let on = self.b.create_block();
        self.b.ins().brif(condition, on, &[], other, &[]);
        self.b.switch_to_block(on);
    }

    /// Goes on in a new block unless the condition holds.
    fn on_unless(&mut self, condition: Value, other: Block) {
        let on = self.b.create_block();
        self.b.ins().brif(condition, other, &[], on, &[]);
        self.b.switch_to_block(on);
    }

    /// A block that is rarely run.
    fn cold_block(&mut self) -> Block {
        let cold = self.b.create_block();
        self.b.set_cold_block(cold);
        cold
    }

    /// The next instruction if the condition holds, else the one that `fail` leads to.
    fn test(&mut self, condition: Value, fail: i32) {
        let s = self.s.clone();
        self.branch(condition, (self.at + 1, s.clone()), (target(self.at, fail), s));
    }

    /// Where the instruction is left to its handler.
    fn exit(&mut self) -> Block {
        if let Some(exit) = self.exit {
            return exit;
        }
        let exit = self.cold_block();
        self.exits.push((exit, self.at, self.before.clone()));
        self.exit = Some(exit);
        exit
    }

    /// Leaves to the handler of the instruction.
    fn leave(&mut self) {
        self.store_live(self.flow.live[self.at]);
        let pc = self.own_word(links::OWN);
        let handler = self.own_word(links::HANDLER);
        let (sp, top) = (self.stack_pointer(), self.heap_top());
        let args = [self.m, pc, sp, top, self.s.left];
        self.b.ins().return_call_indirect(self.handler_signature, handler, &args);
    }

    /// Goes on in a new block unless the instruction is to be left.
    fn leave_if(&mut self, condition: Value) {
        let condition = self.forced(true).unwrap_or(condition);
        let exit = self.exit();
        self.on_unless(condition, exit);
    }

    fn leave_unless(&mut self, condition: Value) {
        let condition = self.forced(false).unwrap_or(condition);
        let exit = self.exit();
        self.on_if(condition, exit);
    }

    /// Counts a guard: what takes its condition's place where it leaves whatever it finds. Those of what makes a fun never do:
    /// the last of them stands behind its making.
    fn forced(&mut self, condition: bool) -> Option<Value> {
        let counts = !matches!(self.flow.instr(self.at), Instr::MakeFun(_));
        (counts && self.leaving.is_forced()).then(|| self.b.ins().iconst(I8, condition as i64))
    }

    /// Brings the homes of these registers up to date.
    fn store_live(&mut self, live: Set) {
        for h in self.s.regs.clone() {
            if h.dirty && live.has(h.reg) {
                self.b.ins().store(flags(), h.value, self.m, home(h.reg));
            }
        }
    }

    // ---- values

    fn word(&mut self, word: u64) -> Value {
        self.b.ins().iconst(I64, word as i64)
    }

    /// A word that stands for something else in every run.
    fn symbol(&mut self, symbol: Symbol, word: u64) -> Value {
        self.symbols.insert(symbol, word);
        let name = self.b.func.declare_imported_user_function(symbol.name());
        let name = ExternalName::user(name);
        let data = GlobalValueData::Symbol { name, offset: 0.into(), colocated: false, tls: false };
        let global = self.b.create_global_value(data);
        self.b.ins().symbol_value(I64, global)
    }

    /// Of the words of the instruction the one at this place.
    fn own_word(&mut self, place: u32) -> Value {
        self.symbol(Symbol::Word { instr: self.at as u32, place }, self.words[place as usize])
    }

    /// One of the words of the instruction.
    fn linked(&mut self, word: u64) -> Value {
        match self.words.iter().position(|&w| w == word) {
            Some(place) => self.own_word(place as u32),
            None => unreachable!("what an instruction refers to is among its words"),
        }
    }

    /// A term that is part of the code.
    fn term(&mut self, word: u64) -> Value {
        if links::is_fixed(word) { self.word(word) } else { self.linked(word) }
    }

    /// Whether a value is this term, which is part of the code.
    fn is_term(&mut self, cc: IntCC, v: Value, word: u64) -> Value {
        if links::is_fixed(word) {
            return self.b.ins().icmp_imm_s(cc, v, word as i64);
        }
        let term = self.linked(word);
        self.b.ins().icmp(cc, v, term)
    }

    fn words_on(&mut self, v: Value, words: i64) -> Value {
        if words == 0 { v } else { self.b.ins().iadd_imm_s(v, words * 8) }
    }

    fn stack_pointer(&mut self) -> Value {
        self.words_on(self.s.sp, self.s.sp_words)
    }

    fn heap_top(&mut self) -> Value {
        self.words_on(self.s.top, self.s.top_words)
    }

    fn reg(&mut self, reg: Reg) -> Value {
        if let Some(h) = self.s.regs.iter().find(|h| h.reg == reg) {
            return h.value;
        }
        let t = if reg < X_REGISTERS { I64 } else { F64 };
        let value = self.b.ins().load(t, flags(), self.m, home(reg));
        self.s.regs.push(Held { reg, value, dirty: false });
        value
    }

    fn set_reg(&mut self, reg: Reg, value: Value) {
        match self.s.regs.iter_mut().find(|h| h.reg == reg) {
            Some(h) => (h.value, h.dirty) = (value, true),
            None => self.s.regs.push(Held { reg, value, dirty: true }),
        }
    }

    fn slot(&mut self, n: u32) -> Value {
        let at = self.s.sp_words + n as i64;
        if let Some(&(_, v)) = self.s.slots.iter().find(|s| s.0 == at) {
            return v;
        }
        let v = self.b.ins().load(I64, flags(), self.s.sp, (at * 8) as i32);
        self.s.slots.push((at, v));
        v
    }

    fn set_slot(&mut self, n: u32, v: Value) {
        let at = self.s.sp_words + n as i64;
        self.b.ins().store(flags(), v, self.s.sp, (at * 8) as i32);
        self.s.slots.retain(|s| s.0 != at);
        self.s.slots.push((at, v));
    }

    /// An operand's value.
    fn get(&mut self, s: Src) -> Value {
        let n = s.0 >> 2;
        match s.kind() {
            0 => self.reg(n as Reg),
            1 => self.slot(n),
            2 => self.constant(consts::get(n).raw()),
            _ => self.constant(s.inlined().raw()),
        }
    }

    /// A term that is known.
    fn constant(&mut self, word: u64) -> Value {
        let v = self.term(word);
        self.s.facts.note(v, crate::facts::of_word(word));
        v
    }

    /// The term that an operand is, if it is known.
    fn known(&self, s: Src) -> Option<u64> {
        match s.kind() {
            2 => Some(consts::get(s.0 >> 2).raw()),
            3 => Some(s.inlined().raw()),
            _ => None,
        }
    }

    fn set(&mut self, d: Dst, v: Value) {
        if d.is_x() { self.set_reg((d.0 >> 2) as Reg, v) } else { self.set_slot(d.0 >> 2, v) }
    }

    /// A word of what a term of this tag points to.
    fn field(&mut self, pointer: Value, tag: i32, word: i32) -> Value {
        self.b.ins().load(I64, flags(), pointer, word * 8 - tag)
    }

    /// Whether a value has these low bits.
    fn has_tag(&mut self, v: Value, mask: i64, tag: i64) -> Value {
        let bits = self.b.ins().band_imm_s(v, mask);
        self.b.ins().icmp_imm_s(IntCC::Equal, bits, tag)
    }

    /// Calls a function that neither collects nor unwinds, and keeps all registers.
    fn call(&mut self, helper: Helper, a: Value, b: Value) -> Value {
        let signature = match self.helper_signature {
            Some(s) => s,
            None => {
                let mut s = Signature::new(CallConv::PreserveAll);
                s.params.extend([I64; 3].map(AbiParam::new));
                *self.helper_signature.insert(self.b.import_signature(s))
            }
        };
        let floats = self.flow.has_floats;
        let f = self.symbol(Symbol::Helper(helper as u32, floats), helper.address(floats) as u64);
        self.b.ins().call_indirect(signature, f, &[self.m, a, b]);
        self.b.ins().load(I64, flags(), self.m, std::mem::offset_of!(Running, result) as i32)
    }

    /// Calls the instruction's step. What it may change, all registers and slots, is in its home before and is found there behind it.
    fn call_step(&mut self) {
        let Some(step) = step(self.flow.instr(self.at)) else { return self.leave() };
        self.store_live(self.flow.live[self.at]);
        let signature = match self.step_signature {
            Some(s) => s,
            None => {
                let mut s = handler_signature();
                s.call_conv = CallConv::SystemV;
                *self.step_signature.insert(self.b.import_signature(s))
            }
        };
        let pc = self.own_word(links::OWN);
        let f = self.linked(step as usize as u64);
        let (sp, top) = (self.stack_pointer(), self.heap_top());
        let call = self.b.ins().call_indirect(signature, f, &[self.m, pc, sp, top, self.s.left]);
        let next = self.b.inst_results(call)[0];
        let at = |field: usize| field as i32;
        let sp = self.b.ins().load(I64, flags(), self.m, at(offset_of!(Running, stack)));
        let top = self.b.ins().load(I64, flags(), self.m, at(offset_of!(Running, top)));
        let left = self.b.ins().load(I32, flags(), self.m, at(offset_of!(Running, left)));
        let elsewhere = self.cold_block();
        self.on_unless(next, elsewhere);
        let on = self.b.current_block();
        self.b.switch_to_block(elsewhere);
        let go = self.b.ins().load(I64, flags(), next, offset_of!(Op, go) as i32);
        self.b.ins().return_call_indirect(self.handler_signature, go, &[self.m, next, sp, top, left]);
        if let Some(on) = on {
            self.b.switch_to_block(on);
        }
        self.s = State::at(sp, top, left);
    }

    /// Makes sure of so many free words, or leaves.
    fn need(&mut self, words: i64) {
        if self.s.room >= words {
            return;
        }
        let (sp, top) = (self.stack_pointer(), self.heap_top());
        let free = self.b.ins().isub(sp, top);
        let short = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, free, (words + RESERVE) * 8);
        self.leave_if(short);
        self.s.room = words;
    }

    /// Takes words that are free: the distance of the first one from `top`, in bytes.
    fn take(&mut self, words: i64) -> i32 {
        let at = self.s.top_words * 8;
        self.s.top_words += words;
        self.s.room -= words;
        at as i32
    }

    /// Writes to the heap.
    fn put(&mut self, at: i32, v: Value) {
        self.b.ins().store(flags(), v, self.s.top, at);
    }

    /// A pointer to what was put there.
    fn pointer(&mut self, at: i32, tag: i64, set: u16) -> Value {
        let v = self.b.ins().iadd_imm_s(self.s.top, at as i64 + tag);
        self.s.facts.note(v, set);
        v
    }

    fn set_of(&self, v: Value) -> u16 {
        self.s.facts.of(v)
    }

    /// The state with a value known to be one of these.
    fn knowing(&self, v: Value, set: u16) -> State {
        let mut s = self.s.clone();
        let now = s.facts.of(v) & set;
        s.facts.note(v, if now == 0 { ANY } else { now });
        s
    }
}

/// Memory that is there and aligned.
fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Where a register's home is in the machine.
fn home(r: Reg) -> i32 {
    use purlin_vm::tier::reference::layout;
    let at = if r < X_REGISTERS { layout::X + r as usize * 8 } else { layout::F + (r - X_REGISTERS) as usize * 8 };
    at as i32
}
