//! Guards that leave whatever they find, for tests: so the ways out of machine code are taken that programs hardly ever take.

use purlin_vm::code::compiler::Unit;
use std::cell::Cell;

/// Counts the guards of a function.
pub struct Leaving {
    /// Each guard at a distance of so many; 0: none.
    every: u32,
    /// How many come before the next of these.
    next: Cell<u32>,
}

impl Leaving {
    /// Where it begins is a matter of the function's name, so that it is the same whenever it is compiled, and of the setting, so that
    /// each guard has its run.
    pub fn of(unit: &Unit<'_>) -> Leaving {
        let Some(chosen) = unit.leaving else { return Leaving { every: 0, next: Cell::new(0) } };
        let name = unit.entry.mfa.to_string().bytes().map(u32::from).sum::<u32>();
        Leaving { every: chosen.every, next: Cell::new((name + chosen.first) % chosen.every) }
    }

    /// Whether the guard that is counted now leaves whatever it finds.
    pub fn is_forced(&self) -> bool {
        match (self.every, self.next.get()) {
            (0, _) => false,
            (every, 0) => {
                self.next.set(every - 1);
                true
            }
            (_, n) => {
                self.next.set(n - 1);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guard_at_the_distance_is_forced_and_none_without_one() {
        let forced = |every, first| {
            let leaving = Leaving { every, next: Cell::new(first) };
            (0..7).filter(|_| leaving.is_forced()).count()
        };
        assert_eq!([forced(0, 0), forced(1, 0), forced(3, 0), forced(3, 2)], [0, 7, 3, 2]);
    }
}
