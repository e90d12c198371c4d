//! What the compiler has proved of operands (the chunk `Type`), where it lets an instruction test less.
//!
//! Nothing needs a fact, and most operands have none. Facts are believed as the rest of the code is: a file that a
//! compiler made tells the truth, and one that is made by hand can break memory without them as well (docs/loading.md).

use super::Translator;
use crate::code::instr::{Arith, Test};
use purlin_beam::{Instruction, Operand, TypeEntry};
use purlin_term::Term;

/// Types whose terms are pointers to boxed objects, at least some of them.
const BOXED: u16 = TypeEntry::ANY & !(TypeEntry::ATOM | TypeEntry::NIL | TypeEntry::CONS);

/// The types that a value may have, and the bounds of a number.
struct Fact {
    set: u16,
    bounds: Option<(i64, i64)>,
}

impl Fact {
    fn is_only(&self, set: u16) -> bool {
        self.set & !set == 0
    }

    /// The bounds of a small integer.
    fn small(&self) -> Option<(i64, i64)> {
        self.bounds
            .filter(|&(min, max)| self.is_only(TypeEntry::INTEGER) && Term::fits_small(min) && Term::fits_small(max))
    }
}

impl Translator<'_> {
    /// What is known of the operand at this position.
    fn fact(&self, ins: &Instruction, i: usize) -> Fact {
        let of = |set| Fact { set, bounds: None };
        match ins.args().get(i) {
            Some(&Operand::I(n)) => Fact { set: TypeEntry::INTEGER, bounds: Some((n, n)) },
            Some(&Operand::Atom(0)) => of(TypeEntry::NIL),
            Some(&Operand::Atom(_)) => of(TypeEntry::ATOM),
            Some(&Operand::Typed { type_index, .. }) => {
                match self.module.file.types().and_then(|types| types.get(type_index as usize)) {
                    Some(t) => Fact { set: t.set, bounds: t.min.zip(t.max) },
                    None => of(TypeEntry::ANY),
                }
            }
            _ => of(TypeEntry::ANY),
        }
    }

    /// Whether an operand is a tuple.
    pub(super) fn is_tuple(&self, ins: &Instruction, i: usize) -> bool {
        self.fact(ins, i).is_only(TypeEntry::TUPLE)
    }

    /// The test to make of an operand: only whether it is boxed, if it cannot be boxed and of another type.
    pub(super) fn test_of(&self, test: Test, ins: &Instruction, i: usize) -> Test {
        let sought = match test {
            Test::Tuple => TypeEntry::TUPLE,
            Test::Map => TypeEntry::MAP,
            Test::Function => TypeEntry::FUN,
            Test::Float => TypeEntry::FLOAT,
            _ => return test,
        };
        if self.fact(ins, i).set & BOXED == sought { Test::Boxed } else { test }
    }

    /// Whether two operands are small integers.
    pub(super) fn are_small(&self, ins: &Instruction, a: usize, b: usize) -> bool {
        self.fact(ins, a).small().is_some() && self.fact(ins, b).small().is_some()
    }

    /// Whether an operand is equal to nothing but itself.
    pub(super) fn is_word(&self, ins: &Instruction, i: usize) -> bool {
        let fact = self.fact(ins, i);
        fact.is_only(TypeEntry::ATOM | TypeEntry::NIL) || fact.small().is_some()
    }

    /// Whether an operation's operands and its result are small integers.
    pub(super) fn is_small_arith(&self, op: Arith, ins: &Instruction, a: usize, b: usize) -> bool {
        match (self.fact(ins, a).small(), self.fact(ins, b).small()) {
            (Some(a), Some(b)) => stays_small(op, a, b),
            _ => false,
        }
    }
}

/// Whether the result is a small integer whatever values between these bounds the operands have.
fn stays_small(op: Arith, a: (i64, i64), b: (i64, i64)) -> bool {
    let fits = |results: &[i64]| results.iter().all(|&r| Term::fits_small(r));
    match op {
        Arith::Add => fits(&[a.0 + b.0, a.1 + b.1]),
        Arith::Sub => fits(&[a.0 - b.1, a.1 - b.0]),
        Arith::Mul => fits(&[(a.0, b.0), (a.0, b.1), (a.1, b.0), (a.1, b.1)].map(|(x, y)| x.saturating_mul(y))),
        Arith::Band | Arith::Bor | Arith::Bxor => true,
        _ => false,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use purlin_term::word::{SMALL_MAX, SMALL_MIN};

    #[test]
    fn results_are_small_if_the_outermost_ones_are() {
        let all = (SMALL_MIN, SMALL_MAX);
        for (op, a, b, small) in [
            (Arith::Add, (0, SMALL_MAX - 1), (0, 1), true),
            (Arith::Add, (0, SMALL_MAX), (0, 1), false),
            (Arith::Add, (SMALL_MIN, 0), (-1, 0), false),
            (Arith::Sub, (SMALL_MIN, 0), (0, 1), false),
            (Arith::Sub, (SMALL_MIN + 1, 0), (0, 1), true),
            (Arith::Sub, (0, SMALL_MAX), (-1, 0), false),
            (Arith::Mul, (-3, 2), (SMALL_MIN / 4, 5), true),
            (Arith::Mul, (-5, 2), (SMALL_MIN / 4, 5), false),
            (Arith::Mul, all, all, false),
            (Arith::Bxor, all, all, true),
            (Arith::Bsl, (0, 1), (0, 1), false),
        ] {
            assert_eq!(stays_small(op, a, b), small, "{op:?} {a:?} {b:?}");
        }
    }

    #[test]
    fn bounds_count_only_for_what_is_nothing_but_a_small_integer() {
        let small = |set, bounds| Fact { set, bounds }.small();
        assert_eq!(small(TypeEntry::INTEGER, Some((0, 7))), Some((0, 7)));
        assert_eq!(small(TypeEntry::INTEGER, Some((0, SMALL_MAX + 1))), None);
        assert_eq!(small(TypeEntry::INTEGER, None), None);
        assert_eq!(small(TypeEntry::INTEGER | TypeEntry::FLOAT, Some((0, 7))), None);
    }
}
