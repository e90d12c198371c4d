//! Loops of jumps: where they can be left.
//!
//! A process gives up its thread at calls, returns and receives. The compiler loops by these alone, so that a function
//! that jumps backwards is somebody's own assembly; but it may run for ever. A label that is jumped to from behind gets
//! a safepoint, which charges a reduction. Registers have to be saved there that no instruction names: those that are
//! read later before they are written to, found by the usual analysis of liveness, backwards over the instructions.

use super::super::instr::Safepoint;
use super::{Result, Translator, malformed};
use hashbrown::HashMap;
use purlin_beam::{Instruction, Opcode, Operand, OperandKind};
use std::collections::BTreeSet;

/// Registers that are saved at most.
const MOST: usize = 1024;

/// A set of X registers.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Registers([u64; MOST / 64]);

impl Registers {
    const ALL: Registers = Registers([u64::MAX; MOST / 64]);

    /// The first `n`.
    fn below(n: u64) -> Registers {
        let mut r = Registers::default();
        (0..n.min(MOST as u64)).for_each(|i| r.insert(i as u16));
        r
    }

    fn insert(&mut self, n: u16) {
        if let Some(word) = self.0.get_mut(n as usize / 64) {
            *word |= 1 << (n % 64);
        }
    }

    fn add(&mut self, o: Operand) {
        if let Operand::X(n) = o.untyped() {
            self.insert(n);
        }
    }

    fn with(mut self, o: Registers) -> Registers {
        self.0.iter_mut().zip(o.0).for_each(|(a, b)| *a |= b);
        self
    }

    fn without(mut self, o: Registers) -> Registers {
        self.0.iter_mut().zip(o.0).for_each(|(a, b)| *a &= !b);
        self
    }

    fn list(&self) -> Vec<u16> {
        (0..MOST as u16).filter(|&n| self.0[n as usize / 64] & 1 << (n % 64) != 0).collect()
    }
}

/// What an instruction does to registers, and where it leads.
#[derive(Default)]
struct Effect {
    reads: Registers,
    /// Lost wherever it leads.
    loses: Registers,
    /// Written when it goes on with the next instruction.
    writes: Registers,
    targets: Vec<u32>,
    ends: bool,
}

impl Effect {
    fn of(ins: &Instruction, environments: &dyn Fn(u64) -> u64) -> Effect {
        let mut e = Effect::default();
        let mut arity = 0;
        for (&operand, kind) in ins.args().iter().zip(ins.op.kinds()) {
            match (kind, operand) {
                (OperandKind::Src, o) => e.reads.add(o),
                (OperandKind::Dst, o) => e.writes.add(o),
                (OperandKind::Label | OperandKind::Fail | OperandKind::FailOrAtom, Operand::Label(l)) if l > 0 => {
                    e.targets.push(l);
                }
                // What may collect goes through the live registers, and the others are lost.
                (OperandKind::Live, Operand::U(n)) => e.keeps(n),
                (OperandKind::Arity, Operand::U(n)) => arity = n,
                _ => {}
            }
        }
        let calls = |e: &mut Effect, arguments: u64| {
            e.reads = e.reads.with(Registers::below(arguments));
            e.loses = Registers::ALL;
        };
        match ins.op {
            Opcode::Call | Opcode::CallExt => calls(&mut e, arity),
            Opcode::CallFun => calls(&mut e, arity + 1),
            Opcode::CallFun2 => calls(&mut e, arity),
            Opcode::Apply => calls(&mut e, arity + 2),
            Opcode::Send => calls(&mut e, 2),
            Opcode::MakeFun2 => {
                let lambda = ins.args().first().map_or(0, |&l| if let Operand::U(n) = l { n } else { 0 });
                calls(&mut e, environments(lambda));
            }
            Opcode::BsInitWritable | Opcode::BuildStacktrace => calls(&mut e, 1),
            Opcode::RawRaise => calls(&mut e, 3),
            Opcode::LoopRec => e.loses = Registers::ALL,
            Opcode::CatchEnd => e.reads.insert(0),
            // The exception is in x1 to x3, see `exception.rs`.
            Opcode::TryCase => {
                e.reads = Registers::below(4).without(Registers::below(1));
                e.loses = Registers::ALL;
            }
            Opcode::CallLast | Opcode::CallOnly | Opcode::CallExtLast | Opcode::CallExtOnly | Opcode::FuncInfo => {
                e.reads = Registers::below(arity);
                e.ends = true;
            }
            Opcode::ApplyLast => {
                e.reads = Registers::below(arity + 2);
                e.ends = true;
            }
            Opcode::Return => {
                e.reads = Registers::below(1);
                e.ends = true;
            }
            Opcode::Swap => e.reads = std::mem::take(&mut e.writes),
            Opcode::SelectVal | Opcode::SelectTupleArity => {
                e.targets
                    .extend(ins.list().iter().filter_map(|o| if let Operand::Label(l) = *o { Some(l) } else { None }));
                e.ends = true;
            }
            Opcode::GetMapElements | Opcode::GetRecordElements => {
                for pair in ins.list().chunks(2) {
                    pair.iter().take(1).for_each(|&o| e.reads.add(o));
                    pair.iter().skip(1).for_each(|&o| e.writes.add(o));
                }
            }
            Opcode::BsMatch => {
                ins.list().iter().for_each(|&o| e.writes.add(o));
                // Each of its steps says how many registers live; those that steps before it have written may be among
                // them, all others were live from the start.
                e.reads = e.reads.with(live_of_steps(ins.list()).without(e.writes));
            }
            Opcode::PutMapAssoc
            | Opcode::PutMapExact
            | Opcode::HasMapFields
            | Opcode::PutTuple2
            | Opcode::MakeFun3
            | Opcode::BsCreateBin
            | Opcode::PutRecord
            | Opcode::UpdateRecord => ins.list().iter().for_each(|&o| e.reads.add(o)),
            Opcode::Jump | Opcode::LoopRecEnd | Opcode::Wait => e.ends = true,
            // An exception takes nothing along to its handler.
            Opcode::Catch | Opcode::Try => e.targets.clear(),
            Opcode::Badmatch
            | Opcode::CaseEnd
            | Opcode::TryCaseEnd
            | Opcode::Badrecord
            | Opcode::IfEnd
            | Opcode::Raise => e.ends = true,
            Opcode::DebugLine => e = Effect::default(),
            _ => {}
        }
        e
    }

    fn keeps(&mut self, live: u64) {
        self.reads = self.reads.with(Registers::below(live));
        self.loses = Registers::ALL.without(Registers::below(live));
    }

    /// What lives before the instruction when `next` lives behind it and `at` tells what lives at a label.
    fn before(&self, next: Registers, at: impl Fn(u32) -> Registers) -> Registers {
        let next = if self.ends { Registers::default() } else { next.without(self.writes) };
        let all = self.targets.iter().fold(next, |all, &l| all.with(at(l)));
        all.without(self.loses).with(self.reads)
    }
}

/// The registers that the steps of a `bs_match` keep.
fn live_of_steps(list: &[Operand]) -> Registers {
    let mut most = 0;
    for (i, o) in list.iter().enumerate() {
        // A step that extracts something writes a register: its number of live ones stands behind its name, which is
        // the last atom before that register (flags may be none).
        if matches!(o, Operand::X(_) | Operand::Y(_)) {
            let number = |o: &Operand| match *o {
                Operand::U(n) => Some(n),
                Operand::I(n) => u64::try_from(n).ok(),
                _ => None,
            };
            let name = list[..i].iter().rposition(|o| matches!(o, Operand::Atom(n) if *n > 0));
            most = most.max(name.and_then(|at| list.get(at + 1)).and_then(number).unwrap_or(0));
        }
    }
    Registers::below(most)
}

impl Translator<'_> {
    /// The safepoints of the function at these labels.
    pub(super) fn safepoints(&self, labels: &BTreeSet<u32>) -> Result<HashMap<u32, Safepoint>> {
        let (mut effects, mut at, mut floats, mut heap) = (Vec::new(), HashMap::new(), BTreeSet::new(), 0);
        let lambdas = self.module.file.lambdas();
        let environments = |i: u64| lambdas.get(i as usize).map_or(0, |l| l.num_free as u64);
        let mut decoder = self.module.file.code().decode(self.function()?.range.clone());
        let mut ins = Instruction::new();
        while decoder.next(&mut ins)? {
            if ins.op == Opcode::Label {
                at.insert(self.label_number(&ins), effects.len());
            }
            for (i, (o, kind)) in ins.args().iter().zip(ins.op.kinds()).enumerate() {
                match (kind, *o) {
                    (OperandKind::Heap, _) => heap = heap.max(self.heap_need(&ins, i)?),
                    (_, Operand::FloatReg(n)) => _ = floats.insert(n),
                    _ => {}
                }
            }
            effects.push(Effect::of(&ins, &environments));
        }
        let mut before = vec![Registers::default(); effects.len() + 1];
        let mut changed = true;
        while changed {
            changed = false;
            for (i, effect) in effects.iter().enumerate().rev() {
                let now = effect.before(before[i + 1], |l| at.get(&l).map_or(Registers::default(), |&i| before[i]));
                changed |= now != before[i];
                before[i] = now;
            }
        }
        let floats: Vec<u16> = floats.into_iter().collect();
        let mut out = HashMap::new();
        for l in labels {
            let live = at.get(l).map_or(Registers::default(), |&i| before[i]).list();
            let registers = live.last().map_or(0, |&n| n as usize + 1);
            if registers + floats.len() > MOST {
                return malformed("too many registers live in a loop");
            }
            out.insert(*l, Safepoint { live, registers, floats: floats.clone(), heap });
        }
        Ok(out)
    }
}
