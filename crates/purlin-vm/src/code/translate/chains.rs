//! Joining tests of one value: where a test for one constant leads, when it fails, to another test of the same value,
//! as in functions with many clauses, the first one becomes a selection among all the constants.
//!
//! All instructions stay in their places and mean what they meant, so that whoever jumps into the midst of a chain
//! needs no care.

use super::Translator;
use crate::code::instr::{Instr, NO_FAIL, Op, Rel, Src};
use crate::code::isa::target;

/// A test of a value against constants: where each leads, and where all others lead, as instruction indices.
struct Test {
    src: Src,
    cases: Vec<(u64, usize)>,
    default: usize,
}

/// Fewer constants are tested one after the other.
const FEWEST: usize = 3;

impl Translator<'_> {
    /// Joins the chains of tests in the translated code.
    pub(super) fn join_chains(&mut self) {
        let mut joined = vec![false; self.code.len()];
        // Chains that begin in the midst of others could take space that grows with the square of their length.
        let mut space = 4 * self.code.len();
        for i in 0..self.code.len() {
            if joined[i] {
                continue;
            }
            let Some((test, members)) = self.chain(i) else { continue };
            if test.cases.len() < FEWEST || test.cases.len() > space {
                continue;
            }
            space -= test.cases.len();
            // What only this chain leads to needs no selection of its own.
            members.into_iter().filter(|m| self.uses(*m) <= 1).for_each(|m| joined[m] = true);
            let distance = |to: usize| ((to as i64 - i as i64) * size_of::<Op>() as i64) as Rel;
            let cases = test.cases.iter().map(|&(value, to)| (value, distance(to))).collect();
            let select = self.select(cases, distance(test.default));
            self.code[i] = Instr::SelectVal(test.src, select);
        }
    }

    /// The test that all tests from this instruction on make together, and which the others are; `None` if it is none
    /// or stands alone.
    fn chain(&self, first: usize) -> Option<(Test, Vec<usize>)> {
        let mut all = self.test(first)?;
        let mut members = Vec::new();
        // No chain is longer than the code, unless it never ends.
        for _ in 0..self.code.len() {
            match self.code.get(all.default) {
                Some(&Instr::Jump(to)) => all.default = target(all.default, to),
                _ => match self.test(all.default).filter(|t| t.src == all.src) {
                    Some(next) => {
                        members.push(all.default);
                        all.cases.extend(next.cases);
                        all.default = next.default;
                    }
                    None => break,
                },
            }
        }
        (!members.is_empty()).then_some((all, members))
    }

    fn test(&self, i: usize) -> Option<Test> {
        Some(match *self.code.get(i)? {
            Instr::IsEqImmediate { fail, a, value } if fail != NO_FAIL => {
                Test { src: Src(a as u32), cases: vec![(value.raw(), i + 1)], default: target(i, fail) }
            }
            Instr::IsNeImmediate { fail, a, value } if fail != NO_FAIL => {
                Test { src: Src(a as u32), cases: vec![(value.raw(), target(i, fail))], default: i + 1 }
            }
            Instr::SelectVal(src, s) => Test {
                src,
                cases: s.cases().map(|(v, to)| (v, target(i, to))).collect(),
                default: target(i, s.default),
            },
            _ => return None,
        })
    }
}
