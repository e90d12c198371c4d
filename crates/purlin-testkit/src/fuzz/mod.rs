//! Fuzzing without special tools: a corpus, a mutator, and what must hold of
//! any bytes at all.
//!
//! A target is a corpus of good inputs and a function that tries everything
//! the code under test offers on one input, and panics where a rule is broken.
//! Adding one takes a file here and a row in [`TARGETS`].

mod beam;
mod distribution;
mod etf;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::mutate::{Random, mutate};

/// Something that reads bytes it did not make.
pub struct Target {
    /// What the command line calls it.
    pub name: &'static str,
    /// Good inputs to damage; empty where the machine has none.
    pub corpus: fn() -> Vec<Vec<u8>>,
    /// Tries one input.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[beam::TARGET, distribution::TARGET, etf::TARGET];

/// An input that broke a rule.
pub struct Failure {
    /// The seed that gives the input from the corpus.
    pub seed: u64,
    /// The input.
    pub input: Vec<u8>,
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// The input that a seed gives.
    pub fn input(&self, corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
        let mut random = Random::new(seed);
        let mut input = random.choose(corpus).cloned().unwrap_or_default();
        let donor = random.choose(corpus).map_or(&[][..], |donor| donor);
        mutate(&mut input, donor, &mut random);
        input
    }

    /// Tries the input of one seed.
    pub fn try_seed(&self, corpus: &[Vec<u8>], seed: u64) -> Result<(), Failure> {
        let input = self.input(corpus, seed);
        let attempt = catch_unwind(AssertUnwindSafe(|| (self.run)(&input)));
        attempt.map_err(|_| Failure { seed, input })
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn every_target_stands_a_thousand_damaged_inputs() {
        for target in TARGETS {
            let corpus = (target.corpus)();
            if corpus.is_empty() {
                eprintln!("skipped: no corpus for {}", target.name);
                continue;
            }
            for input in &corpus {
                (target.run)(input);
            }
            for seed in 0..1_000 {
                assert!(target.try_seed(&corpus, seed).is_ok(), "{} seed {seed}", target.name);
            }
        }
    }
}
