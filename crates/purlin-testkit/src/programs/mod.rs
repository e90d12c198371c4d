//! Differential fuzzing of whole programs: random modules, compiled by the real compiler, have to give the same on the
//! BEAM and on each of Purlin's tiers.

pub mod compare;
pub mod engine;
pub mod generate;
pub mod shrink;
pub mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use compare::{Engines, Made, differences, make, run};
use engine::{Engine, Failure, Kind, Outcome};

/// How many modules wait for a slow engine.
const WAITING: usize = 32;

/// After so many programs that show differences there is enough to look at.
const ENOUGH: usize = 10;

/// What was tried.
#[derive(Default, Debug)]
pub struct Summary {
    /// Modules that were compared.
    pub modules: usize,
    /// Calls that were compared.
    pub calls: usize,
    /// Those of them that gave a value.
    pub values: usize,
    /// Calls that took the BEAM too long or too much memory.
    pub skipped: usize,
    /// Programs that the compiler refused.
    pub refused: Vec<(u64, String)>,
    /// Seeds that show differences, and those.
    pub different: Vec<(u64, String)>,
}

struct Job {
    seed: u64,
    made: Made,
}

enum Event {
    Job(Arc<Job>),
    Refused(u64, String),
    Result { tier: usize, seed: u64, result: Result<Vec<Outcome>, Failure> },
}

/// Which programs to try.
pub struct Plan {
    /// The first seed.
    pub first: u64,
    /// How many, if that is given, and for how long.
    pub count: Option<u64>,
    /// See `count`.
    pub time: Duration,
    /// How long one that shows a difference is made smaller.
    pub shrink: Duration,
}

/// Tries programs; what shows a difference is written below `dir`, in a directory of its seed's name.
pub fn fuzz(engines: &Engines, plan: &Plan, dir: &Path) -> Result<Summary, String> {
    let (events, collected) = channel();
    let end = Instant::now() + plan.time;
    std::thread::scope(|scope| {
        let mut to_tiers = Vec::new();
        for (tier, kind) in engines.tiers.iter().enumerate() {
            let (jobs, waiting) = sync_channel::<Arc<Job>>(WAITING);
            to_tiers.push(jobs);
            let events = events.clone();
            scope.spawn(move || {
                let mut engine = None;
                for job in waiting {
                    let result = match kind.repeats > 0 && job.seed % 4 != 0 {
                        true => Ok(job.made.expected.clone()),
                        false => on_tier(&mut engine, engines, kind, &job.made),
                    };
                    if events.send(Event::Result { tier, seed: job.seed, result }).is_err() {
                        break;
                    }
                }
            });
        }
        scope.spawn(move || {
            let seeds = (plan.first..).take(plan.count.unwrap_or(u64::MAX) as usize);
            make_all(engines, seeds.take_while(|_| plan.count.is_some() || Instant::now() < end), &to_tiers, &events);
        });
        collect(engines, plan, dir, collected)
    })
}

fn on_tier(place: &mut Option<Engine>, engines: &Engines, kind: &Kind, made: &Made) -> Result<Vec<Outcome>, Failure> {
    let mut engine = match place.take() {
        Some(engine) => engine,
        None => engines.start(kind).map_err(|e| Failure(format!("does not start: {e}")))?,
    };
    let result = run(&mut engine, made);
    if result.is_ok() {
        *place = Some(engine);
    }
    result
}

fn make_all(
    engines: &Engines,
    seeds: impl Iterator<Item = u64>,
    tiers: &[SyncSender<Arc<Job>>],
    events: &std::sync::mpsc::Sender<Event>,
) {
    let mut beam = None;
    for seed in seeds {
        if beam.is_none() {
            beam = engines.start(&engines.beam).ok();
        }
        let Some(engine) = &mut beam else { return };
        let event = match make(engine, &generate::program(seed)) {
            Ok(Ok(made)) => {
                let job = Arc::new(Job { seed, made });
                // The collector hears of a job before its results.
                if events.send(Event::Job(job.clone())).is_err() {
                    return;
                }
                if tiers.iter().any(|tier| tier.send(job.clone()).is_err()) {
                    return;
                }
                continue;
            }
            Ok(Err(why)) => Event::Refused(seed, why),
            Err(Failure(why)) => {
                beam = None;
                Event::Refused(seed, format!("the BEAM ends: {why}"))
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

fn collect(engines: &Engines, plan: &Plan, dir: &Path, events: Receiver<Event>) -> Result<Summary, String> {
    let mut summary = Summary::default();
    let mut open: BTreeMap<u64, (Arc<Job>, Vec<Option<Result<Vec<Outcome>, Failure>>>)> = BTreeMap::new();
    for event in events {
        let (tier, seed, result) = match event {
            Event::Job(job) => {
                open.insert(job.seed, (job, engines.tiers.iter().map(|_| None).collect()));
                continue;
            }
            Event::Refused(seed, why) => {
                summary.refused.push((seed, why));
                continue;
            }
            Event::Result { tier, seed, result } => (tier, seed, result),
        };
        let Some((_, results)) = open.get_mut(&seed) else { continue };
        results[tier] = Some(result);
        if results.iter().any(Option::is_none) {
            continue;
        }
        let Some((job, results)) = open.remove(&seed) else { continue };
        let results: Vec<_> = results.into_iter().flatten().collect();
        summary.modules += 1;
        summary.calls += job.made.calls.len();
        summary.values += job.made.values;
        summary.skipped += job.made.skipped;
        let seen = differences(&job.made, &engines.tiers, &results);
        if !seen.is_empty() {
            let own = dir.join(seed.to_string());
            let report = shrink::report(engines, generate::program(seed), &seen, &own, plan.shrink);
            let report = report.map_err(|e| format!("{}: {e}", own.display()))?;
            eprintln!("seed {seed}: see {}\n{report}", own.display());
            summary.different.push((seed, report));
            if summary.different.len() == ENOUGH {
                break;
            }
        }
    }
    Ok(summary)
}
