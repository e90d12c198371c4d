//! What machine code refers to that stands elsewhere in every run: addresses, literals, atoms.
//!
//! Such a word is told by a [`Symbol`]: which instruction's it is, and which of those. So machine code that was made in an
//! earlier run can be linked to what is there in this one.

use crate::helpers::Helper;
use cranelift_codegen::ir::UserExternalName;
use purlin_term::Term;
use purlin_vm::code::consts;
use purlin_vm::code::instr::{Instr, Op, Select};
use purlin_vm::code::isa::{Operand, Operands, target};
use purlin_vm::tier::handlers::step;

/// The name of a word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Symbol {
    /// The function's beginning in this very code.
    Start,
    /// The helper of this number, and whether it keeps the registers for floats.
    Helper(u32, bool),
    /// The first address of machine code.
    Area,
    /// Of the words of an instruction the one at this place.
    Word { instr: u32, place: u32 },
}

const START: u32 = 0;
const HELPER: u32 = 1;
const AREA: u32 = 2;
const WORDS: u32 = 3;

impl Symbol {
    /// Two numbers that say the same.
    pub fn numbers(self) -> (u32, u32) {
        match self {
            Symbol::Start => (START, 0),
            Symbol::Helper(n, floats) => (HELPER, n << 1 | floats as u32),
            Symbol::Area => (AREA, 0),
            Symbol::Word { instr, place } => (WORDS + instr, place),
        }
    }

    pub fn of_numbers(first: u32, second: u32) -> Symbol {
        match first {
            START => Symbol::Start,
            HELPER => Symbol::Helper(second >> 1, second & 1 == 1),
            AREA => Symbol::Area,
            n => Symbol::Word { instr: n - WORDS, place: second },
        }
    }

    pub fn name(self) -> UserExternalName {
        let (namespace, index) = self.numbers();
        UserExternalName { namespace, index }
    }

    /// The word in this run; `None` for one that there is not.
    pub fn word(self, ops: &[Op], area: usize) -> Option<u64> {
        match self {
            Symbol::Start => None,
            Symbol::Helper(n, floats) => Helper::ALL.get(n as usize).map(|h| h.address(floats) as u64),
            Symbol::Area => Some(area as u64),
            Symbol::Word { instr, place } => {
                let i = instr as usize;
                ops.get(i)?;
                words(ops, i).get(place as usize).copied()
            }
        }
    }
}

/// Whether a term has the same word in every run.
pub fn is_fixed(word: u64) -> bool {
    // SAFETY: LIVE: constants are immediates and literals.
    let t = unsafe { Term::from_raw(word) };
    t.is_small() || t.is_nil() || t.as_atom().is_some_and(|a| a.is_predefined())
}

/// Places of an instruction's words that each has.
pub const OWN: u32 = 0;
pub const HANDLER: u32 = 1;
pub const BEHIND: u32 = 2;

/// The words that an instruction refers to, in an order that is the same in every run.
pub fn words(ops: &[Op], i: usize) -> Vec<u64> {
    let op = &ops[i];
    let address = |op: &Op| op as *const Op as usize;
    let behind = Term::continuation(address(op) + size_of::<Op>()).raw();
    let mut all = vec![address(op) as u64, op.go.get() as usize as u64, behind];
    match op.instr {
        Instr::Call(f) | Instr::CallLast(f, _) | Instr::CallOnly(f) => all.push(std::ptr::from_ref(f) as u64),
        Instr::CallExt(e) | Instr::CallExtLast(e, _) | Instr::CallExtOnly(e) => all.push(std::ptr::from_ref(e) as u64),
        Instr::Catch { handler, .. } => all.push(Term::catch(address(&ops[target(i, handler)])).raw()),
        Instr::MakeFun(f) => all.push(std::ptr::from_ref(f) as u64),
        Instr::Guard(g) => all.push(std::ptr::from_ref(&g.hint) as u64),
        Instr::GetMapElements(get) => all.extend(get.pairs.iter().map(|p| std::ptr::from_ref(&p.hint) as u64)),
        Instr::SelectVal(src, select) => {
            all.extend((src.kind() == 2).then(|| consts::get(src.0 >> 2).raw()));
            all.extend(linked_cases(select).into_iter().map(|c| c.0));
            return all;
        }
        _ => {}
    }
    all.extend(step(&op.instr).map(|f| f as usize as u64));
    op.instr.visit(&mut |_, operand| match operand {
        Operand::Src(s) if s.kind() == 2 => all.push(consts::get(s.0 >> 2).raw()),
        Operand::Value(t) => all.push(t.raw()),
        _ => {}
    });
    all
}

/// Those cases whose values are not the same in every run, in the order of where they lead: those that lead to the same place may
/// stand for each other.
pub fn linked_cases(select: &Select) -> Vec<(u64, i32)> {
    let mut cases: Vec<_> = select.cases().filter(|c| !is_fixed(c.0)).collect();
    cases.sort_unstable_by_key(|&(value, to)| (to, value));
    cases
}

/// What tells a function's instructions from others, in every run.
pub fn fingerprint(ops: &[Op]) -> u32 {
    let mut h = Vec::new();
    let word = |h: &mut Vec<u8>, kind: u8, w: u64| {
        h.push(kind);
        h.extend(w.to_le_bytes());
    };
    let term = |h: &mut Vec<u8>, w: u64| {
        word(h, 0, crate::facts::of_word(w) as u64);
        word(h, 1, if is_fixed(w) { w } else { 0 });
    };
    for op in ops {
        h.extend(op.instr.name().as_bytes());
        if let Instr::SelectVal(_, select) | Instr::SelectArity(_, select) = op.instr {
            let sizes = matches!(op.instr, Instr::SelectArity(..));
            let stable = |&(value, to): &(u64, i32)| (if sizes || is_fixed(value) { value } else { 0 }, to);
            let mut cases: Vec<_> = select.cases().map(|c| stable(&c)).collect();
            cases.sort_unstable();
            for (value, to) in cases {
                word(&mut h, 2, value);
                word(&mut h, 3, to as u64);
            }
            word(&mut h, 4, select.default as u64);
            continue;
        }
        op.instr.visit(&mut |_, operand| match operand {
            Operand::Src(s) if s.kind() == 2 => term(&mut h, consts::get(s.0 >> 2).raw()),
            Operand::Src(s) => word(&mut h, 5, s.0 as u64),
            Operand::Dst(d) => word(&mut h, 6, d.0 as u64),
            Operand::Jump(to) => word(&mut h, 7, to as u64),
            Operand::FloatSrc(f) | Operand::FloatDst(f) => word(&mut h, 8, f as u64),
            Operand::Number(n) => word(&mut h, 9, n as u64),
            Operand::Live(n) => word(&mut h, 10, n as u64),
            Operand::Value(t) => term(&mut h, t.raw()),
            Operand::Name(n) => h.extend(n.to_string().as_bytes()),
            Operand::Bytes(b) => h.extend(b),
        });
    }
    crc32fast::hash(&h)
}
