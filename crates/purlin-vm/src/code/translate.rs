//! Translating one function from generic BEAM instructions to Purlin's own, when it is first called.
//!
//! The translation runs twice over the same instructions: the first run finds where each label comes to stand, the
//! second one emits. Both emit the same number of instructions for each generic one, because nothing depends on the
//! value of a label. Where the first run finds jumps backwards it is made again, with a safepoint for each (see
//! [`loops`]).

mod binaries;
mod chains;
mod control;
mod data;
mod facts;
mod looks;
mod loops;
mod records;
mod steps;

use super::arena::Arena;
use super::compiler::When;
use super::consts;
use super::export::{Decoded, FnEntry};
use super::instr::{Dst, Ext, Instr, NO_FAIL, Op, Rel, Safepoint, Select, Src, UNKNOWN_LIVE};
use super::module::{Code, LoadError, Module};
pub(super) use binaries::check_matches;
use hashbrown::HashMap;
use looks::Looks;
use purlin_beam::{Function, Instruction, Opcode, Operand, Register};
use purlin_term::{Heap, Term};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Translates a function and publishes its code; harmless when another thread was faster.
pub fn translate(loaded: &Code, entry: &'static FnEntry) -> Result<()> {
    let module = entry.module;
    // A fun of a stub (`fun remove/2` in the module maps) comes here: it stands for the native as well.
    if let Some(native) = loaded.exports.native(entry.mfa) {
        entry.code.store(native.start().cast_mut(), std::sync::atomic::Ordering::Release);
        return Ok(());
    }
    let _guard = module.lock_translation();
    if entry.decoded.get().is_some() {
        return Ok(());
    }
    let mut first = Translator::new(loaded, entry, false).run()?;
    let loops = first.loops.take();
    if !loops.is_empty() {
        let safepoints = first.safepoints(&loops)?;
        first = Translator { safepoints, ..Translator::new(loaded, entry, false) }.run()?;
    }
    // The second run refers to as much as the first one, so that one block is enough but for joined tests.
    let operands = RefCell::new(Arena::with_room(first.operands.borrow().words()));
    let Translator { labels, looks, safepoints, .. } = first;
    let mut done = Translator { labels, looks, safepoints, operands, ..Translator::new(loaded, entry, true) }.run()?;
    done.join_chains();
    let start = done.labels.get(&module.index.functions[entry.index as usize].entry).copied().unwrap_or(0) as usize;
    let code = loaded.tier.code(&done.code, loaded.collect_always).into_boxed_slice();
    let operands = done.operands.into_inner();
    let (lines, machine) = (done.lines.into(), OnceLock::new());
    let decoded = entry.decoded.get_or_init(|| Decoded { code, start, machine, operands, lines });
    loaded.note_range(&decoded.code, entry);
    if loaded.compiles != When::Never && !loaded.install_kept(entry) && loaded.compiles == When::Always {
        loaded.compile(entry);
    }
    entry.publish(&decoded.code[start]);
    Ok(())
}

struct Translator<'a> {
    loaded: &'a Code,
    entry: &'static FnEntry,
    module: &'static Module,
    code: Vec<Instr>,
    lines: Vec<(u32, u32)>,
    /// Instruction index of each label.
    labels: HashMap<u32, u32>,
    /// How many operands name each of these instructions.
    uses: RefCell<HashMap<u32, u32>>,
    looks: Looks,
    emitting: bool,
    /// Labels that instructions behind them jump to.
    loops: RefCell<BTreeSet<u32>>,
    /// What comes at these.
    safepoints: HashMap<u32, Safepoint>,
    /// Where a `receive` waits until a time, if that is asked for.
    timed: HashMap<u32, Operand>,
    /// The instruction being translated.
    op: Opcode,
    /// What the instructions refer to.
    operands: RefCell<Arena>,
    ins: Instruction,
}

type Result<T> = std::result::Result<T, LoadError>;

fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(LoadError::Malformed(what.into()))
}

impl<'a> Translator<'a> {
    fn new(loaded: &'a Code, entry: &'static FnEntry, emitting: bool) -> Translator<'a> {
        Translator {
            loaded,
            entry,
            module: entry.module,
            code: Vec::new(),
            lines: Vec::new(),
            labels: HashMap::new(),
            uses: RefCell::default(),
            looks: Looks::default(),
            emitting,
            loops: RefCell::default(),
            safepoints: HashMap::new(),
            timed: HashMap::new(),
            op: Opcode::IntCodeEnd,
            operands: RefCell::default(),
            ins: Instruction::new(),
        }
    }

    fn run(mut self) -> Result<Translator<'a>> {
        self.timed = self.timed_receives()?;
        let mut decoder = self.module.file.code().decode(self.function()?.range.clone());
        let mut ins = std::mem::take(&mut self.ins);
        while decoder.next(&mut ins)? {
            self.looks.step(&ins);
            self.one(&ins)?;
        }
        if self.emitting {
            self.join_constructions();
        }
        // Running off the end of a function's code is a mistake of whoever wrote it; make it an error, not a jump
        // into whatever follows.
        self.emit(Instr::FuncInfo(self.entry));
        Ok(self)
    }

    fn function(&self) -> Result<&'static Function> {
        match self.module.index.functions.get(self.entry.index as usize) {
            Some(f) => Ok(f),
            None => malformed("the function is not in its module"),
        }
    }

    /// The label that a `label` defines.
    fn label_number(&self, ins: &Instruction) -> u32 {
        match ins.args().first() {
            Some(&Operand::U(n)) => n as u32,
            Some(&Operand::Label(n)) => n,
            _ => 0,
        }
    }

    fn one(&mut self, ins: &Instruction) -> Result<()> {
        self.op = ins.op;
        match ins.op {
            Opcode::Label => {
                let label = self.label_number(ins);
                self.labels.insert(label, self.code.len() as u32);
                if let Some(s) = self.safepoints.get(&label) {
                    let s = self.ext(s.clone());
                    self.emit(Instr::Safepoint(s));
                    self.emit(Instr::SafepointLeft(s));
                }
                Ok(())
            }
            Opcode::Line | Opcode::ExecutableLine => {
                let line = self.number(ins, 0)? as u32;
                self.lines.push((self.code.len() as u32, line));
                Ok(())
            }
            Opcode::DebugLine | Opcode::IntCodeEnd | Opcode::OnLoad | Opcode::NifStart => Ok(()),
            Opcode::FuncInfo => {
                self.emit(Instr::FuncInfo(self.entry));
                Ok(())
            }
            _ => {
                if self.control(ins)? || self.data(ins)? || self.binaries(ins)? {
                    Ok(())
                } else {
                    malformed(format!("the instruction {} is not supported", ins.op.name()))
                }
            }
        }
    }

    fn emit(&mut self, i: Instr) {
        self.code.push(i);
    }

    /// Keeps operands that do not fit an instruction, for as long as the code lives.
    fn ext<T: Send + Sync + 'static>(&self, value: T) -> Ext<T> {
        // SAFETY: CODE: the arena is kept with the code, whose instructions alone use what this gives.
        unsafe { self.operands.borrow_mut().keep(value) }
    }

    /// Keeps a list of operands, as [`Translator::ext`] does.
    fn list<T: Send + Sync + 'static>(&self, values: Vec<T>) -> Ext<[T]> {
        // SAFETY: CODE: as above.
        unsafe { self.operands.borrow_mut().keep_all(values) }
    }

    /// Keeps a choice among immediates.
    fn select(&self, cases: Vec<(u64, Rel)>, default: Rel) -> Ext<Select> {
        // SAFETY: CODE: as above.
        let select = unsafe { Select::new(&mut self.operands.borrow_mut(), cases, default) };
        self.ext(select)
    }

    /// Keeps a choice among sizes of tuples; `tuple`: the value is known to be one.
    fn select_size(&self, cases: Vec<(u64, Rel)>, default: Rel, tuple: bool) -> Ext<Select> {
        // SAFETY: CODE: as above.
        let select = unsafe { Select::of_sizes(&mut self.operands.borrow_mut(), cases, default, tuple) };
        self.ext(select)
    }

    /// Translates a call of a local function that is really a native (a stub in the library's code).
    fn local(&self, label: u32) -> Result<&'static FnEntry> {
        self.module.entry_of_label(label)
    }

    // ---- operands

    fn operand(&self, ins: &Instruction, i: usize) -> Result<Operand> {
        match ins.args().get(i) {
            Some(o) => Ok(o.untyped()),
            None => malformed(format!("{} lacks an operand", ins.op.name())),
        }
    }

    fn number(&self, ins: &Instruction, i: usize) -> Result<u64> {
        match self.operand(ins, i)? {
            Operand::U(n) => Ok(n),
            other => malformed(format!("{}: {other:?} is no number", ins.op.name())),
        }
    }

    fn small_number(&self, ins: &Instruction, i: usize) -> Result<u32> {
        let n = self.number(ins, i)?;
        u32::try_from(n).or_else(|_| malformed(format!("{}: {n} is too large", ins.op.name())))
    }

    /// Heap words: a number, or a list by kind.
    fn heap_need(&self, ins: &Instruction, i: usize) -> Result<u32> {
        match self.operand(ins, i)? {
            Operand::U(n) if n < 1 << 24 => Ok(n as u32),
            Operand::AllocList { words, floats, funs } => {
                let n = words as u64 + floats as u64 * 2 + funs as u64 * 4;
                u32::try_from(n).or_else(|_| malformed("too many heap words"))
            }
            other => malformed(format!("{}: {other:?} is no heap need", ins.op.name())),
        }
    }

    fn live(&self, ins: &Instruction, i: usize) -> Result<u32> {
        let n = self.small_number(ins, i)?;
        if n > UNKNOWN_LIVE { malformed("too many live registers") } else { Ok(n) }
    }

    fn src(&self, ins: &Instruction, i: usize) -> Result<Src> {
        let o = self.operand(ins, i)?;
        self.as_src(o)
    }

    fn as_src(&self, o: Operand) -> Result<Src> {
        Ok(match o.untyped() {
            Operand::X(n) => Src::x(n as u32),
            Operand::Y(n) => Src::y(n as u32),
            Operand::Literal(i) => Src::constant(self.module.literal(self.loaded, i)?),
            other => match self.immediate(other)? {
                Some(t) => Src::inline(t).unwrap_or_else(|| Src::constant(consts::number(t))),
                None => return malformed(format!("{other:?} is no source")),
            },
        })
    }

    /// The term of an operand that is one by itself.
    fn immediate(&self, o: Operand) -> Result<Option<Term>> {
        Ok(Some(match o {
            Operand::Atom(0) => Term::NIL,
            Operand::Atom(i) => Term::atom(self.module.atom(i)?),
            Operand::I(i) if Term::fits_small(i) => Term::small(i),
            Operand::I(i) => {
                let mut h = Heap::new(0);
                let t = h.integer(i);
                return self.stored(t);
            }
            Operand::BigI { start, len } => {
                let Some(bytes) = self.module.file.code().bytes_at(start, len) else {
                    return malformed("an integer lies outside the code");
                };
                let mut h = Heap::new(0);
                let n = num_bigint::BigInt::from_signed_bytes_be(bytes);
                let t = h.bigint(&n);
                return self.stored(t);
            }
            _ => return Ok(None),
        }))
    }

    fn stored(&self, t: Term) -> Result<Option<Term>> {
        match self.module.store(t) {
            Some(t) => Ok(Some(t)),
            None => malformed("the literal area is full"),
        }
    }

    fn dst(&self, ins: &Instruction, i: usize) -> Result<Dst> {
        let o = self.operand(ins, i)?;
        self.as_dst(o)
    }

    fn as_dst(&self, o: Operand) -> Result<Dst> {
        match o {
            Operand::X(n) | Operand::Typed { register: Register::X(n), .. } => Ok(Dst::x(n as u32)),
            Operand::Y(n) | Operand::Typed { register: Register::Y(n), .. } => Ok(Dst::y(n as u32)),
            other => malformed(format!("{other:?} is no destination")),
        }
    }

    fn float_register(&self, ins: &Instruction, i: usize) -> Result<u16> {
        match self.operand(ins, i)? {
            Operand::FloatReg(n) if n < 1024 => Ok(n),
            other => malformed(format!("{other:?} is no float register")),
        }
    }

    /// A label as a distance from the instruction emitted next, in bytes; 0 is no label.
    fn rel(&self, label: u32) -> Result<Rel> {
        if label == 0 {
            return Ok(NO_FAIL);
        }
        match self.labels.get(&label) {
            Some(&at) => {
                if !self.emitting && self.can_loop(at) {
                    self.loops.borrow_mut().insert(label);
                }
                *self.uses.borrow_mut().entry(at).or_insert(0) += 1;
                Ok((at as i32 - self.code.len() as i32) * size_of::<Op>() as i32)
            }
            None if !self.emitting => Ok(0),
            None => malformed(format!("label {label} is not in this function")),
        }
    }

    /// How often an instruction is jumped to.
    fn uses(&self, at: usize) -> u32 {
        self.uses.borrow().get(&(at as u32)).copied().unwrap_or(0)
    }

    /// Whether the jump to `at`, behind which the instruction being translated stands, may go on for ever. The head of
    /// the function raises; a receive's own jumps charge and wait; exceptions charge when they are caught.
    fn can_loop(&self, at: u32) -> bool {
        let charges =
            [Opcode::LoopRecEnd, Opcode::Wait, Opcode::WaitTimeout, Opcode::Catch, Opcode::Try].contains(&self.op);
        !charges && !matches!(self.code.get(at as usize), Some(Instr::FuncInfo(_)))
    }

    fn fail(&self, ins: &Instruction, i: usize) -> Result<Rel> {
        match self.operand(ins, i)? {
            Operand::Label(n) => self.rel(n),
            other => malformed(format!("{}: {other:?} is no label", ins.op.name())),
        }
    }

    fn label(&self, ins: &Instruction, i: usize) -> Result<u32> {
        match self.operand(ins, i)? {
            Operand::Label(n) => Ok(n),
            other => malformed(format!("{}: {other:?} is no label", ins.op.name())),
        }
    }

    fn strings(&self, offset: u64, bytes: usize) -> Result<&'static [u8]> {
        let all: &'static [u8] = self.module.file.strings();
        let found = usize::try_from(offset).ok().and_then(|o| all.get(o..)).and_then(|s| s.get(..bytes));
        found.map_or_else(|| malformed("a string lies outside the string table"), Ok)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
