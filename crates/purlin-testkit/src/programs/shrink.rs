//! Programs that show a difference, made smaller for as long as they do, and written down.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::compare::{Engines, Made, differences, make, run};
use super::engine::{Engine, Failure, Kind};
use super::generate::Program;
use super::tree::Tree;

/// The engines that a difference is about, started when they are needed.
struct Trial<'a> {
    engines: &'a Engines,
    kinds: Vec<Kind>,
    beam: Option<Engine>,
    tiers: Vec<Option<Engine>>,
}

/// A module that shows differences, and those.
struct Shown {
    made: Made,
    differences: Vec<(&'static str, String)>,
}

impl Trial<'_> {
    fn new<'a>(engines: &'a Engines, names: &BTreeSet<&str>) -> Trial<'a> {
        let kinds: Vec<Kind> = engines.tiers.iter().filter(|kind| names.contains(kind.name)).cloned().collect();
        let tiers = kinds.iter().map(|_| None).collect();
        Trial { engines, kinds, beam: None, tiers }
    }

    /// The program's differences, if it compiles and has any.
    fn show(&mut self, program: &Program) -> Option<Shown> {
        let beam = ready(&mut self.beam, self.engines, &self.engines.beam)?;
        let made = match make(beam, program) {
            Ok(made) => made.ok()?,
            Err(_) => {
                self.beam = None;
                return None;
            }
        };
        let mut results = Vec::new();
        for (kind, place) in self.kinds.iter().zip(&mut self.tiers) {
            let result = ready(place, self.engines, kind)
                .map_or_else(|| Err(Failure("does not start".to_owned())), |engine| run(engine, &made));
            if result.is_err() {
                *place = None;
            }
            results.push(result);
        }
        let differences = differences(&made, &self.kinds, &results);
        (!differences.is_empty()).then_some(Shown { made, differences })
    }

    /// What the calls that were compared gave, as text.
    fn texts(&mut self, made: &Made) -> Vec<(&'static str, String)> {
        const LIMIT: Duration = Duration::from_secs(30);
        let engines = self.engines;
        let kinds = std::iter::once(&engines.beam).chain(&self.kinds);
        let places = std::iter::once(&mut self.beam).chain(&mut self.tiers);
        let mut all = Vec::new();
        for (kind, place) in kinds.zip(places) {
            let outcomes =
                ready(place, engines, kind).map(|engine| engine.run(&made.code, Some(&made.calls), LIMIT, true));
            let mut text = String::new();
            match outcomes {
                Some(Ok(outcomes)) => {
                    for (call, outcome) in made.calls.iter().zip(outcomes) {
                        let given = String::from_utf8_lossy(&outcome.given);
                        let _ = writeln!(text, "call {call}, {} reductions:\n{given}\n", outcome.reductions);
                    }
                }
                Some(Err(Failure(why))) => {
                    let _ = writeln!(text, "{why}");
                    *place = None;
                }
                None => text.push_str("does not start\n"),
            }
            all.push((kind.name, text));
        }
        all
    }
}

fn ready<'a>(place: &'a mut Option<Engine>, engines: &Engines, kind: &Kind) -> Option<&'a mut Engine> {
    if place.is_none() {
        *place = engines.start(kind).ok();
    }
    place.as_mut()
}

/// Tries a program of which these tiers showed a difference again on fresh engines, makes it smaller for so long, and
/// writes what was found to `dir`. Gives the differences that were seen again.
pub fn report(
    engines: &Engines,
    program: Program,
    seen: &[(&'static str, String)],
    dir: &Path,
    time: Duration,
) -> std::io::Result<String> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("program.erl"), program.tree.text())?;
    let mut report = format!("compiled with {}\n", program.options);
    for (name, what) in seen {
        let _ = writeln!(report, "{name}: {what}");
    }
    let names: BTreeSet<&str> = seen.iter().map(|(name, _)| *name).collect();
    let mut trial = Trial::new(engines, &names);
    let Some(mut shown) = trial.show(&program) else {
        report.push_str("not seen again on fresh engines\n");
        std::fs::write(dir.join("report"), &report)?;
        return Ok(report);
    };
    let options = program.options;
    let (tree, tried) = smallest(program.tree, Instant::now() + time, |tree| {
        let candidate = Program { tree: tree.clone(), options };
        trial.show(&candidate).inspect(|_| ()).map(|now| shown = now).is_some()
    });
    std::fs::write(dir.join("smaller.erl"), tree.text())?;
    let _ = writeln!(report, "smaller.erl, {} pieces, after {tried} attempts:", tree.size());
    for (name, what) in &shown.differences {
        let _ = writeln!(report, "{name}: {what}");
    }
    for (name, text) in trial.texts(&shown.made) {
        std::fs::write(dir.join(format!("{}.txt", name.replace(' ', "_"))), text)?;
    }
    std::fs::write(dir.join("report"), &report)?;
    Ok(report)
}

/// The smallest tree found until `end` that `fails` holds for, and how many were tried.
pub fn smallest(mut tree: Tree, end: Instant, mut fails: impl FnMut(&Tree) -> bool) -> (Tree, usize) {
    let mut tried = 0;
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < tree.size() {
            let step = tree.smaller(at).into_iter().find(|candidate| {
                tried += 1;
                Instant::now() < end && fails(candidate)
            });
            if Instant::now() >= end {
                return (step.unwrap_or(tree), tried);
            }
            match step {
                Some(step) => (tree, smaller) = (step, true),
                None => at += 1,
            }
        }
        if !smaller {
            return (tree, tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::smallest;
    use crate::programs::generate::program;
    use std::time::{Duration, Instant};

    #[test]
    fn what_does_not_matter_is_left_out() {
        let (seed, whole) =
            (0..).map(|seed| (seed, program(seed))).find(|(_, p)| p.tree.text().contains(" bxor ")).unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        let (small, _) = smallest(whole.tree.clone(), end, |tree| tree.text().contains(" bxor "));
        assert!(small.size() < 40 && small.size() < whole.tree.size(), "seed {seed}: {}", small.text());
    }
}
