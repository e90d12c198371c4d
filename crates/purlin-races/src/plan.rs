//! What says an order: where it differs from the natural one, or how it is drawn.
//!
//! Wherever more than one process could go next there is a decision. The natural order is that of an engine without anything to
//! choose: who runs goes on, and who was woken first comes first. What differs from it is told by who would have come next and how many
//! steps it has taken by then, so that it means the same when other differences are left out.

use std::fmt;
use std::str::FromStr;

/// A choice that is not the natural one. Processes are told by how many were started between the program's first one and them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deviation {
    /// Who would have come next, and how many steps it has taken.
    pub late: u32,
    pub steps: u32,
    /// Who came instead.
    pub first: u32,
}

impl Deviation {
    /// Stands for the clock: a timer fired first.
    pub const CLOCK: u32 = u32::MAX;
}

/// An order that can be run again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// System time at the start, in seconds since 1970.
    pub clock: u64,
    /// In the order in which they came.
    pub deviations: Vec<Deviation>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.clock)?;
        self.deviations.iter().try_for_each(|d| write!(f, "-{:x}.{:x}.{:x}", d.late, d.steps, d.first))
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Plan, String> {
        let bad = || format!("{text} does not name an order");
        let number = |digits: &str| u32::from_str_radix(digits, 16).map_err(|_| bad());
        let mut parts = text.split('-');
        let clock = u64::from_str_radix(parts.next().unwrap_or_default(), 16).map_err(|_| bad())?;
        // In nanoseconds it has to fit a signed word.
        if clock > i64::MAX as u64 / 1_000_000_000 {
            return Err(bad());
        }
        let deviation = |part: &str| match part.split('.').collect::<Vec<_>>()[..] {
            [late, steps, first] => Ok(Deviation { late: number(late)?, steps: number(steps)?, first: number(first)? }),
            _ => Err(bad()),
        };
        let deviations = parts.map(deviation).collect::<Result<_, _>>()?;
        Ok(Plan { clock, deviations })
    }
}

/// How orders are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// All of the others in turn.
    #[default]
    Auto,
    /// The natural order.
    Natural,
    /// Anybody goes next, all with the same chance.
    Random,
    /// Each step has a random priority (partial order sampling): rare orders of few steps are as likely as others.
    Pos,
    /// Processes have random priorities, which change at so many random places less one (probabilistic concurrency testing).
    Pct(u32),
    /// So many random choices, else the natural order.
    Few(u32),
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Strategy, String> {
        let (name, number) = text.split_once(':').map_or((text, None), |(name, n)| (name, Some(n)));
        let depth = |usual| match number {
            None => Ok(usual),
            Some(n) => {
                n.parse().ok().filter(|n| (1..=100).contains(n)).ok_or_else(|| format!("{text}: {n} is no depth"))
            }
        };
        match (name, number) {
            ("auto", None) => Ok(Strategy::Auto),
            ("natural", None) => Ok(Strategy::Natural),
            ("random", None) => Ok(Strategy::Random),
            ("pos", None) => Ok(Strategy::Pos),
            ("pct", _) => Ok(Strategy::Pct(depth(3)?)),
            ("few", _) => Ok(Strategy::Few(depth(2)?)),
            _ => Err(format!("no strategy {text}: auto, natural, random, pos, pct:N or few:N")),
        }
    }
}

impl Strategy {
    /// What the run of this number is drawn by.
    pub fn of_run(self, run: u32) -> Strategy {
        const MIXED: [Strategy; 7] = [
            Strategy::Few(1),
            Strategy::Pos,
            Strategy::Pct(2),
            Strategy::Few(2),
            Strategy::Random,
            Strategy::Pct(3),
            Strategy::Few(3),
        ];
        match self {
            Strategy::Auto => MIXED[run as usize % MIXED.len()],
            other => other,
        }
    }
}

/// Random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Less than `n`, which is not 0.
    pub fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * n as u64) >> 32) as u32
    }
}

/// A number from which nobody tells the first.
pub fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_by_its_name() {
        let deviations = [(3, 1, 2), (0, 20, 3)].map(|(late, steps, first)| Deviation { late, steps, first }).to_vec();
        let plan = Plan { clock: 1_700_000_000, deviations };
        assert_eq!(plan.to_string(), "6553f100-3.1.2-0.14.3");
        assert_eq!(plan.to_string().parse(), Ok(plan));
        assert_eq!("0".parse(), Ok(Plan::default()));
        for bad in
            ["", "x", "1-", "1-2", "1-2.1", "1-2.1.", "1-2.1.x", "1-2.1.1.1", "ffffffffffffffff", "1-100000000.0.0"]
        {
            assert!(bad.parse::<Plan>().is_err(), "{bad}");
        }
    }

    #[test]
    fn strategies_have_names() {
        assert_eq!("pct:5".parse(), Ok(Strategy::Pct(5)));
        assert_eq!("pct".parse(), Ok(Strategy::Pct(3)));
        for bad in ["", "pct:0", "pct:x", "pos:1", "all"] {
            assert!(bad.parse::<Strategy>().is_err(), "{bad}");
        }
    }

    #[test]
    fn random_numbers_stay_below_their_bound() {
        let mut r = Random(7);
        let all: hashbrown::HashSet<u32> = (0..200).map(|_| r.below(5)).collect();
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|&n| n < 5));
    }
}
