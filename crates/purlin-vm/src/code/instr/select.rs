//! A choice among values, in a form that is quick to search however many there are.

use super::{Ext, Rel};
use crate::code::arena::Arena;
use crate::code::isa::Operand;
use purlin_term::Term;

/// A choice among values: raw words of immediates, or sizes of tuples.
#[derive(Debug)]
#[repr(C)]
pub struct Select {
    /// A hash table with open addressing, at most a quarter full. What a search reads is kept together.
    slots: Ext<[(u64, Rel)]>,
    /// A word's hash value comes from its product with this factor.
    factor: u64,
    /// Makes a hash value the place of a slot, in bytes.
    mask: usize,
    pub default: Rel,
    /// Where each small integer from `first` on leads, or each size from zero on, when they lie close together.
    pub table: Ext<[Rel]>,
    /// The raw word of the table's first value.
    pub first: u64,
    /// Whether there are cases that are not in the table.
    pub beyond: bool,
    /// Of sizes: whether the value is known to be a tuple.
    pub tuple: bool,
    /// The cases, if there are two, so that they need no look elsewhere.
    pub pair: Option<[(u64, Rel); 2]>,
}

/// In an empty slot: no immediate and no size.
const EMPTY: u64 = u64::MAX;

/// Bytes of a slot.
const SLOT: usize = size_of::<(u64, Rel)>();

/// Odd factors; the one with the fewest collisions is taken.
const FACTORS: [u64; 4] = [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0xA24B_AED4_963E_E407, 0xDB4F_0B91_75AE_2165];

/// A table of sizes ends before this one.
const LARGEST_SIZE: u64 = 64;

impl Select {
    /// A choice among tuples of these sizes; `tuple`: the value is known to be one.
    ///
    /// # Safety
    /// CODE: it is used only while the arena is there.
    pub unsafe fn of_sizes(arena: &mut Arena, cases: Vec<(u64, Rel)>, default: Rel, tuple: bool) -> Select {
        // SAFETY: CODE: by the caller's promise.
        let mut s = unsafe { Select::new(arena, cases, default) };
        let largest = s.cases().map(|c| c.0).max().filter(|&n| n < LARGEST_SIZE);
        let table = largest.into_iter().flat_map(|n| 0..=n).map(|size| s.to(size)).collect();
        // SAFETY: CODE: by the caller's promise.
        s.table = unsafe { arena.keep_all(table) };
        s.beyond = s.table.is_empty();
        s.tuple = tuple;
        s
    }

    /// A choice among immediates. Of equal values the first one counts.
    ///
    /// # Safety
    /// CODE: it is used only while the arena is there.
    pub unsafe fn new(arena: &mut Arena, mut cases: Vec<(u64, Rel)>, default: Rel) -> Select {
        cases.sort_by_key(|c| c.0);
        cases.dedup_by_key(|c| c.0);
        let size = (4 * cases.len()).next_power_of_two();
        let mut best: Option<(usize, Vec<(u64, Rel)>, u64)> = None;
        for factor in FACTORS {
            let (steps, slots) = place(&cases, default, factor, size);
            if best.as_ref().is_none_or(|b| steps < b.0) {
                best = Some((steps, slots, factor));
            }
            if steps == 0 {
                break;
            }
        }
        let (_, slots, factor) = best.unwrap_or_default();
        let pair = cases[..].try_into().ok();
        let (first, table, beyond) = table(&cases, default);
        // SAFETY: CODE: by the caller's promise.
        let (table, slots) = unsafe { (arena.keep_all(table), arena.keep_all(slots)) };
        Select { slots, factor, mask: (size - 1) * SLOT, default, table, first, beyond, tuple: false, pair }
    }

    /// Where a value leads.
    #[inline(always)]
    pub fn to(&self, value: u64) -> Rel {
        let mut at = hash(value, self.factor) & self.mask;
        loop {
            // SAFETY: CODE: with the mask, a hash value is the place of a slot, and so is what follows one.
            let (key, to) = unsafe { *self.slots.as_ptr().byte_add(at) };
            if key == value || key == EMPTY {
                return to;
            }
            at = (at + SLOT) & self.mask;
        }
    }

    /// Where a value leads that stands where its hash value says, or is none of the cases.
    #[inline(always)]
    pub fn at_once(&self, value: u64) -> Option<Rel> {
        let at = hash(value, self.factor) & self.mask;
        // SAFETY: CODE: as in `to`.
        let (key, to) = unsafe { *self.slots.as_ptr().byte_add(at) };
        (key == value || key == EMPTY).then_some(to)
    }

    /// All values with where they lead, in no order.
    pub fn cases(&self) -> impl Iterator<Item = (u64, Rel)> + '_ {
        self.slots.iter().copied().filter(|c| c.0 != EMPTY)
    }

    /// Shows the cases to a visitor, their values as `value` gives them.
    pub(in crate::code) fn visit(
        &self,
        value: fn(u64) -> Operand<'static>,
        visit: &mut dyn FnMut(&'static str, Operand<'_>),
    ) {
        let mut cases: Vec<_> = self.cases().collect();
        cases.sort_unstable();
        for (case, to) in cases {
            visit("case", value(case));
            visit("to", Operand::Jump(to));
        }
        visit("default", Operand::Jump(self.default));
    }
}

/// The middle bits of a product depend on most of the value's. No shift by a variable: that takes a register of its own.
#[inline(always)]
fn hash(value: u64, factor: u64) -> usize {
    (value.wrapping_mul(factor) >> 36) as usize
}

/// The hash table with this factor, and how far all values together are from where they should be.
fn place(cases: &[(u64, Rel)], default: Rel, factor: u64, size: usize) -> (usize, Vec<(u64, Rel)>) {
    let mut slots = vec![(EMPTY, default); size];
    let mut steps = 0;
    for &case in cases {
        let mut at = (hash(case.0, factor) / SLOT) & (size - 1);
        while slots[at].0 != EMPTY {
            at = (at + 1) & (size - 1);
            steps += 1;
        }
        slots[at] = case;
    }
    (steps, slots)
}

/// The table of the small integers that lie close together from the least one on, behind that, and whether there are
/// cases beyond it; empty if no such integers do.
fn table(cases: &[(u64, Rel)], default: Rel) -> (u64, Vec<Rel>, bool) {
    // SAFETY: LIVE: cases are immediates and literals.
    let small = |&(value, to): &(u64, Rel)| {
        Some((unsafe { Term::from_raw(value) }.as_small().filter(|i| (0..1 << 32).contains(i))?, to))
    };
    let smalls: Vec<(i64, Rel)> = cases.iter().filter_map(small).collect();
    let low = smalls.first().map_or(0, |c| c.0);
    let near = (4..=smalls.len()).rev().find(|&n| (smalls[n - 1].0 - low) as usize <= n * 4);
    let Some(near) = near else { return (0, Vec::new(), true) };
    let mut table = vec![default; (smalls[near - 1].0 - low) as usize + 1];
    for &(value, to) in &smalls[..near] {
        table[(value - low) as usize] = to;
    }
    (Term::small(low).raw(), table, near < cases.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Atom;

    #[track_caller]
    fn check(values: &[u64]) {
        let cases: Vec<(u64, Rel)> = values.iter().enumerate().map(|(i, &v)| (v, i as Rel + 1)).collect();
        let mut arena = Arena::default();
        // SAFETY: CODE: the arena outlives it, here and below.
        let s = unsafe { Select::new(&mut arena, cases.clone(), -1) };
        for &(value, to) in &cases {
            assert_eq!(s.to(value), to);
            assert!(s.at_once(value).is_none_or(|at_once| at_once == to));
            for other in [value + 16, value.wrapping_sub(16), value ^ 4, value << 1 | 1] {
                let expected = cases.iter().find(|c| c.0 == other).map_or(-1, |c| c.1);
                assert_eq!(s.to(other), expected);
                assert!(s.at_once(other).is_none_or(|at_once| at_once == expected));
            }
        }
        let mut found: Vec<_> = s.cases().collect();
        found.sort_by_key(|c| c.1);
        assert_eq!(found, cases);
    }

    #[test]
    fn each_value_leads_where_it_should_and_all_others_to_the_default() {
        let small =
            |range: std::ops::Range<i64>, step: i64| range.map(|i| Term::small(i * step).raw()).collect::<Vec<_>>();
        check(&[]);
        check(&small(7..8, 1));
        check(&small(7..9, 1));
        check(&small(0..100, 1));
        check(&small(-50..50, 3));
        check(&small(0..300, 1_000_003));
        check(&(0..200).map(|i| Term::atom(Atom::from_index(i * 7)).raw()).collect::<Vec<_>>());
        check(&(0..12).collect::<Vec<_>>());
    }

    #[test]
    fn small_integers_that_lie_together_have_a_table_whatever_else_there_is() {
        let mut arena = Arena::default();
        let mut of = |values: &[Term]| {
            let cases = values.iter().enumerate().map(|(i, v)| (v.raw(), i as Rel + 1)).collect();
            // SAFETY: CODE: the arena outlives it.
            let s = unsafe { Select::new(&mut arena, cases, -1) };
            (s.first >> 4, s.table.to_vec(), s.beyond)
        };
        let small = Term::small;
        assert_eq!(of(&[small(7), small(9), small(8), small(10)]), (7, vec![1, 3, 2, 4], false));
        let (far, atom) = (small(1 << 20), Term::atom(Atom::OK));
        assert_eq!(of(&[small(7), far, small(9), atom, small(8), small(10)]), (7, vec![1, 5, 3, 6], true));
        assert_eq!(of(&[small(7), small(8), small(9), far]), (0, vec![], true));
        assert_eq!(of(&[small(-1), small(0), small(1), small(2), small(3)]), (0, vec![2, 3, 4, 5], true));
    }

    #[test]
    fn sizes_have_a_table_unless_there_are_large_ones() {
        let mut arena = Arena::default();
        // SAFETY: CODE: the arena outlives them.
        let mut of_sizes = |cases| unsafe { Select::of_sizes(&mut arena, cases, -1, false) };
        let s = of_sizes(vec![(3, 1), (0, 2)]);
        assert_eq!(s.table[..], [2, -1, -1, 1]);
        let s = of_sizes(vec![(3, 1), (16, 2), (1000, 3)]);
        assert!(s.table.is_empty());
        assert_eq!([3, 16, 1000, 0].map(|n| s.to(n)), [1, 2, 3, -1]);
        assert!(of_sizes(Vec::new()).table.is_empty());
    }

    #[test]
    fn of_equal_values_the_first_one_counts() {
        let mut arena = Arena::default();
        // SAFETY: CODE: the arena outlives it.
        let s = unsafe { Select::new(&mut arena, vec![(16, 1), (32, 2), (16, 3)], 0) };
        assert_eq!((s.to(16), s.to(32), s.to(48)), (1, 2, 0));
    }
}
