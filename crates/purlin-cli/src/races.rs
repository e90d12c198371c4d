//! The flags by which the orders of a program's steps are tried, or one is run again.

use purlin::races::{Plan, Settings, Strategy};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Orders that are tried unless a number is given.
const SCHEDULES: u32 = 1000;

/// What the command line says of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    races: bool,
    schedules: Option<u32>,
    time: Option<Duration>,
    seed: Option<u64>,
    strategy: Option<Strategy>,
    early_timers: bool,
    replay: Option<Plan>,
}

impl Flags {
    /// Takes a flag, with its value from `next`. False: it is none of these.
    pub fn take(&mut self, flag: &str, next: &mut dyn FnMut() -> Option<String>) -> Result<bool, String> {
        let mut value = || next().ok_or_else(|| format!("{flag} needs a value"));
        match flag {
            "--races" => self.races = true,
            "--early-timers" => self.early_timers = true,
            "--schedules" => {
                let text = value()?;
                let n = text.parse().ok().filter(|&n| n > 0);
                self.schedules = Some(n.ok_or_else(|| format!("--schedules takes a positive number, not {text}"))?);
            }
            "--for" => self.time = Some(duration(&value()?)?),
            "--draw" => {
                let text = value()?;
                self.seed = Some(text.parse().map_err(|_| format!("--draw takes a number, not {text}"))?);
            }
            "--strategy" => self.strategy = Some(value()?.parse()?),
            "--replay" => self.replay = Some(value()?.parse()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes them out of arguments in which they may stand anywhere.
    pub fn take_from(&mut self, args: Vec<String>) -> Result<Vec<String>, String> {
        let (mut rest, mut it) = (Vec::new(), args.into_iter());
        while let Some(arg) = it.next() {
            if !self.take(&arg, &mut || it.next())? {
                rest.push(arg);
            }
        }
        Ok(rest)
    }

    /// Whether orders are to be tried, or one is to be run again.
    pub fn are_given(&self) -> Result<bool, String> {
        let details = self.early_timers
            || self.schedules.is_some()
            || self.time.is_some()
            || self.strategy.is_some()
            || self.seed.is_some();
        if details && !self.races {
            return Err("--schedules, --for, --strategy, --early-timers and --draw need --races".into());
        }
        if self.races && self.replay.is_some() {
            return Err("--races and --replay exclude each other".into());
        }
        Ok(self.races || self.replay.is_some())
    }

    /// `command`: what runs one order again, before and behind the flag.
    pub fn settings(&self, command: [String; 2]) -> Settings {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let clock = self.replay.as_ref().map_or(now, |plan| plan.clock);
        // A time alone is as good as a number.
        let schedules = self.schedules.unwrap_or(if self.time.is_some() { u32::MAX } else { SCHEDULES });
        Settings {
            schedules,
            time: self.time,
            seed: self.seed.unwrap_or(0),
            strategy: self.strategy.unwrap_or_default(),
            early_timers: self.early_timers,
            replay: self.replay.clone(),
            command,
            clock: clock as i64 * 1_000_000_000,
        }
    }
}

/// The command that runs one order again: what stands before the order's name, and behind it. `in_front`: the flag comes
/// before the arguments, because those behind the first are a script's own.
pub fn command(name: &[&str], args: &[String], in_front: bool) -> [String; 2] {
    let quoted = |word: &str| {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c));
        if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    let words = |all: &mut dyn Iterator<Item = &str>| all.map(|w| quoted(w) + " ").collect::<String>();
    let name = words(&mut ["purlin"].into_iter().chain(name.iter().copied()));
    let args = words(&mut args.iter().map(String::as_str));
    if in_front {
        [format!("{name}--replay "), format!(" {}", args.trim_end())]
    } else {
        [format!("{name}{args}--replay "), String::new()]
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("--for takes a time such as 90s, 500ms or 5m, not {text}");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let n: u64 = text[..digits].parse().map_err(|_| bad())?;
    let milliseconds = match &text[digits..] {
        "ms" => Some(n),
        "s" | "" => n.checked_mul(1000),
        "m" => n.checked_mul(60_000),
        _ => None,
    };
    milliseconds.filter(|&n| n > 0).map(Duration::from_millis).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(line: &str) -> Result<(Flags, Vec<String>), String> {
        let mut flags = Flags::default();
        let rest = flags.take_from(line.split_whitespace().map(str::to_owned).collect())?;
        flags.are_given().map(|_| (flags, rest))
    }

    #[test]
    fn flags_are_taken_from_among_others() {
        let (flags, rest) = taken("a.exs --races x --schedules 20 --for 2m --strategy pct:4 -y").unwrap();
        assert_eq!(rest, ["a.exs", "x", "-y"]);
        let settings = flags.settings(Default::default());
        assert_eq!((settings.schedules, settings.time), (20, Some(Duration::from_secs(120))));
        assert_eq!(settings.strategy, Strategy::Pct(4));
        assert!(flags.are_given().unwrap());
        let (flags, _) = taken("--replay 10-1.1.2").unwrap();
        assert_eq!(flags.settings(Default::default()).clock, 16_000_000_000);
        assert!(!taken("x").unwrap().0.are_given().unwrap());
    }

    #[test]
    fn wrong_flags_are_refused() {
        for line in [
            "--schedules 0 --races",
            "--schedules",
            "--for 3h --races",
            "--for 0s --races",
            "--strategy all --races",
            "--replay x",
            "--schedules 5",
            "--races --replay 1",
        ] {
            assert!(taken(line).is_err(), "{line}");
        }
    }
}
