//! What of a function's registers lives where, and which instructions are reached from where.

use crate::how::{How, covered, how};
use purlin_vm::code::FnEntry;
use purlin_vm::code::compiler::Unit;
use purlin_vm::code::instr::{Instr, NO_FAIL, Op, UNKNOWN_LIVE};
use purlin_vm::code::isa::{Operand, Operands, target};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// X registers that machine code keeps; a function that names others is left to the handlers.
pub const X_REGISTERS: u16 = 128;
/// Float registers, whose numbers stand behind those of the X registers.
pub const F_REGISTERS: u16 = 64;

/// A register: an X register, or behind those a float register.
pub type Reg = u16;

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Set {
    x: u128,
    f: u64,
}

impl Set {
    /// The first `n` X registers.
    pub fn first(n: usize) -> Set {
        let x = if n >= X_REGISTERS as usize { u128::MAX } else { (1 << n) - 1 };
        Set { x, f: 0 }
    }

    pub fn insert(&mut self, r: Reg) {
        if r < X_REGISTERS { self.x |= 1 << r } else { self.f |= 1 << (r - X_REGISTERS) }
    }

    pub fn has(&self, r: Reg) -> bool {
        if r < X_REGISTERS { self.x >> r & 1 == 1 } else { self.f >> (r - X_REGISTERS) & 1 == 1 }
    }

    pub fn has_floats(self) -> bool {
        self.f != 0
    }

    pub fn or(self, o: Set) -> Set {
        Set { x: self.x | o.x, f: self.f | o.f }
    }

    pub fn and(self, o: Set) -> Set {
        Set { x: self.x & o.x, f: self.f & o.f }
    }

    pub fn without(self, o: Set) -> Set {
        Set { x: self.x & !o.x, f: self.f & !o.f }
    }

    pub fn iter(self) -> impl Iterator<Item = Reg> {
        (0..X_REGISTERS + F_REGISTERS).filter(move |&r| self.has(r))
    }
}

/// What one instruction does to registers.
#[derive(Clone, Default)]
pub struct Use {
    pub reads: Set,
    pub writes: Set,
    /// Nothing survives in an X register.
    pub calls: bool,
    pub ends: bool,
    /// Where it may go besides the next instruction.
    pub jumps: Vec<usize>,
}

/// What the instruction at `i` does; `None` for one that names registers beyond those that are kept.
fn use_of(instr: &Instr, i: usize) -> Option<Use> {
    let effects = instr.effects();
    let mut u = Use { calls: effects.calls, ends: effects.ends, ..Use::default() };
    let fits = std::cell::Cell::new(true);
    let reg = |set: &mut Set, n: u32, most: u16, base: u16| match u16::try_from(n) {
        Ok(n) if n < most => set.insert(base + n),
        _ => fits.set(false),
    };
    let both = matches!(instr, Instr::Swap(..));
    let call = arguments(instr);
    instr.visit(&mut |_, o| match o {
        Operand::Src(s) if s.kind() == 0 => reg(&mut u.reads, s.0 >> 2, X_REGISTERS, 0),
        Operand::Dst(d) if d.is_x() => {
            reg(&mut u.writes, d.0 >> 2, X_REGISTERS, 0);
            if both {
                reg(&mut u.reads, d.0 >> 2, X_REGISTERS, 0);
            }
        }
        Operand::FloatSrc(f) => reg(&mut u.reads, f, F_REGISTERS, X_REGISTERS),
        Operand::FloatDst(f) => reg(&mut u.writes, f, F_REGISTERS, X_REGISTERS),
        Operand::Live(n) if n != UNKNOWN_LIVE => match n as u16 <= X_REGISTERS {
            true => u.reads = u.reads.or(Set::first(n as usize)),
            false => fits.set(false),
        },
        Operand::Jump(rel) if rel != NO_FAIL => u.jumps.push(target(i, rel)),
        _ => {}
    });
    if effects.skips {
        u.jumps.push(i + 2);
    }
    u.reads = u.reads.or(Set::first(call));
    // The class, the reason and the trace come down by one.
    if matches!(instr, Instr::TryCase { .. }) {
        u.writes = u.writes.or(Set::first(3));
    }
    // A catch's label is no jump: what comes there comes from the loop.
    if matches!(instr, Instr::Catch { .. }) {
        u.jumps.clear();
    }
    fits.get().then_some(u)
}

/// How many X registers an instruction reads from the first on, without naming them.
fn arguments(instr: &Instr) -> usize {
    match *instr {
        Instr::Call(f) | Instr::CallLast(f, _) | Instr::CallOnly(f) | Instr::FuncInfo(f) => f.mfa.arity as usize,
        Instr::CallExt(e) | Instr::CallExtLast(e, _) | Instr::CallExtOnly(e) => e.mfa.arity as usize,
        Instr::CallNative(n) | Instr::CallNativeLast(n, _) => n.mfa.arity as usize,
        Instr::CallFun { arity, .. } | Instr::CallFunLast { arity, .. } => arity as usize,
        Instr::Apply { arity } | Instr::ApplyLast { arity, .. } => arity as usize + 2,
        Instr::Return | Instr::BuildStacktrace | Instr::BsInitWritable => 1,
        Instr::Send => 2,
        Instr::RawRaise => 3,
        Instr::TryCase { .. } | Instr::CatchEnd { .. } => 4,
        _ => 0,
    }
}

/// A function's instructions, and what is known of each.
pub struct Flow {
    pub entry: &'static FnEntry,
    /// The instruction that runs first.
    pub start: usize,
    pub ops: &'static [Op],
    pub uses: Vec<Use>,
    /// What may be read later of what is there before the instruction.
    pub live: Vec<Set>,
    /// Whether something leads to the instruction besides the one before it.
    pub leads: Vec<bool>,
    /// Whether it uses float registers.
    pub has_floats: bool,
    collecting: bool,
}

impl Flow {
    pub fn of(unit: &Unit<'_>) -> Option<Flow> {
        let ops = unit.ops;
        let uses: Vec<Use> = ops.iter().enumerate().map(|(i, op)| use_of(&op.instr, i)).collect::<Option<_>>()?;
        let mut leads = vec![false; ops.len()];
        for (i, u) in uses.iter().enumerate() {
            let how = how(&ops[i].instr, unit.collecting);
            let behind = if how == How::Step { i + 1 + covered(&ops[i].instr) } else { i + 1 };
            let branches = !u.jumps.is_empty() || u.ends || u.calls || how == How::Leave || behind > i + 1;
            u.jumps.iter().copied().chain(branches.then_some(behind)).for_each(|t| {
                if let Some(l) = leads.get_mut(t) {
                    *l = true;
                }
            });
        }
        let mut live = vec![Set::default(); ops.len() + 1];
        let mut changed = true;
        while changed {
            changed = false;
            for (i, u) in uses.iter().enumerate().rev() {
                let next = if u.ends { Set::default() } else { live[i + 1] };
                // Behind a call is what it gives, and the float registers are nobody's.
                let next = if u.calls { Set::default() } else { next.without(u.writes) };
                let all = u.jumps.iter().fold(next, |all, &t| all.or(live.get(t).copied().unwrap_or_default()));
                let now = all.or(u.reads);
                changed |= now != live[i];
                live[i] = now;
            }
        }
        let (entry, start, collecting) = (unit.entry, unit.start, unit.collecting);
        let has_floats = uses.iter().any(|u| u.reads.has_floats() || u.writes.has_floats());
        Some(Flow { entry, start, collecting, ops, uses, live, leads, has_floats })
    }

    pub fn how(&self, i: usize) -> How {
        how(self.instr(i), self.collecting)
    }

    /// Whether machine code of the instruction goes to one of several places. Where a guard's native or arithmetic fails, or
    /// what is to be matched is no match context,
    /// or a binary cannot be made, its handler does.
    pub fn branches(&self, i: usize) -> bool {
        let fails = matches!(
            self.instr(i),
            Instr::Guard(_) | Instr::GuardArith { .. } | Instr::BsStartMatch { .. } | Instr::BsCreateBin(_)
        );
        self.uses[i].ends || !self.uses[i].jumps.is_empty() && !fails && self.how(i) != How::Step
    }

    /// The instruction behind what machine code does of this one.
    pub fn behind(&self, i: usize) -> usize {
        if self.how(i) == How::Step { i + 1 + covered(self.instr(i)) } else { i + 1 }
    }

    /// Whether the instruction is a call of this very function as the last thing that it does.
    pub fn is_again(&self, i: usize) -> bool {
        match *self.instr(i) {
            Instr::CallOnly(f) | Instr::CallLast(f, _) => std::ptr::eq(f, self.entry),
            _ => false,
        }
    }

    pub fn instr(&self, i: usize) -> &'static Instr {
        &self.ops[i].instr
    }
}

/// Straight code that begins at an instruction of the function: as far as machine code from one entry reaches.
#[derive(Clone, Default, Debug)]
pub struct Block {
    /// The first instruction behind it.
    pub end: usize,
    /// Where it leads.
    pub to: Vec<usize>,
    /// How many edges lead to it.
    pub from: usize,
    /// Whether one of these comes from behind it.
    pub loops: bool,
    /// Registers that machine code may have in values, and have changed, where it begins.
    pub held: Set,
    pub dirty: Set,
}

/// The blocks that are reached from one entry.
pub struct Graph {
    /// The first instructions of the blocks, each behind those that lead to it but for loops.
    pub order: Vec<usize>,
    pub blocks: HashMap<usize, Block>,
}

impl Graph {
    pub fn from(flow: &Flow, entry: usize) -> Graph {
        let mut g = Graph { order: Vec::new(), blocks: Default::default() };
        // Depth first, without recursion; a block is put down behind all that it leads to.
        let mut stack = vec![(entry, 0)];
        g.blocks.insert(entry, block(flow, entry, entry));
        while let Some((at, next)) = stack.pop() {
            match g.blocks[&at].to.get(next).copied() {
                Some(to) => {
                    stack.push((at, next + 1));
                    if let Entry::Vacant(e) = g.blocks.entry(to) {
                        e.insert(block(flow, to, entry));
                        stack.push((to, 0));
                    }
                }
                None => g.order.push(at),
            }
        }
        g.order.reverse();
        let place: HashMap<usize, usize> = g.order.iter().enumerate().map(|(i, &b)| (b, i)).collect();
        for &at in &g.order {
            for to in g.blocks[&at].to.clone() {
                let loops = place[&to] <= place[&at];
                let b = g.blocks.entry(to).or_default();
                b.from += 1;
                b.loops |= loops;
            }
        }
        g.spread(flow, entry);
        g
    }

    /// Finds what is held and changed where.
    fn spread(&mut self, flow: &Flow, entry: usize) {
        self.blocks.entry(entry).or_default().held = Set::first(2);
        let mut changed = true;
        while changed {
            changed = false;
            for &at in &self.order {
                let b = self.blocks[&at].clone();
                let (mut held, mut dirty) = (b.held, b.dirty);
                for u in &flow.uses[at..b.end] {
                    held = held.or(u.reads).or(u.writes);
                    dirty = dirty.or(u.writes);
                }
                for to in b.to {
                    let again = to == entry && flow.is_again(b.end - 1);
                    let args = Set::first(if again { flow.entry.mfa.arity as usize } else { 0 });
                    let t = self.blocks.entry(to).or_default();
                    let (h, d) = (t.held.or(held).or(args), t.dirty.or(dirty).or(args));
                    changed |= (h, d) != (t.held, t.dirty);
                    (t.held, t.dirty) = (h, d);
                }
            }
        }
    }
}

/// The block that begins at `start`. Only where the function itself begins are calls of it by itself jumps.
fn block(flow: &Flow, start: usize, entry: usize) -> Block {
    let mut i = start;
    loop {
        let u = &flow.uses[i];
        let to = match flow.how(i) {
            How::Leave => Some(Vec::new()),
            How::Call if flow.is_again(i) && entry == flow.start => Some(vec![entry]),
            How::Call => Some(Vec::new()),
            How::Inline if flow.branches(i) => {
                let mut to = u.jumps.clone();
                to.extend((!u.ends).then_some(i + 1));
                to.sort_unstable();
                to.dedup();
                Some(to)
            }
            How::Step if flow.behind(i) > i + 1 => Some(vec![flow.behind(i)]),
            How::Inline | How::Step if flow.leads[i + 1] => Some(vec![i + 1]),
            How::Inline | How::Step => None,
        };
        if let Some(to) = to {
            return Block { end: i + 1, to, ..Block::default() };
        }
        i += 1;
    }
}
