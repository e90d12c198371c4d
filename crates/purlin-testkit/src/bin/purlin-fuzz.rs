//! `purlin-fuzz TARGET SECONDS [SEED]` damages inputs and tries them until the
//! time is up or one breaks a rule; that one is written to a file. Each input
//! comes from one seed alone, so `purlin-fuzz TARGET 0 SEED` tries it again.
//! `purlin-fuzz --corpus TARGET DIR` writes the undamaged inputs to files.
//!
//! `purlin-fuzz programs SECONDS [SEED [COUNT]]` runs random modules on the BEAM and on each of Purlin's tiers, those of so
//! many seeds if COUNT is given. What differs is made smaller and written to `target/fuzz/programs/SEED`. `PURLIN` names
//! another command than `target/release/purlin`, `RELEASE` another release of OTP than the installed one. `--program SEED` prints a seed's module.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use purlin_testkit::fuzz::{TARGETS, Target};
use purlin_testkit::programs::{self, Plan, compare::Engines};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [corpus, target, dir] = &args[..]
        && corpus == "--corpus"
        && let Some(target) = Target::named(target)
    {
        return write_corpus(target, Path::new(dir));
    }
    if let [show, seed] = &args[..]
        && show == "--program"
        && let Ok(seed) = seed.parse()
    {
        let program = programs::generate::program(seed);
        println!("%% compiled with {}\n{}", program.options, program.tree.text());
        return ExitCode::SUCCESS;
    }
    if args.first().is_some_and(|target| target == "programs")
        && let Some(plan) = plan(&args[1..])
    {
        return fuzz_programs(&plan);
    }
    let parsed = match &args[..] {
        [target, seconds] => Some((Target::named(target), seconds.parse(), Ok(0))),
        [target, seconds, seed] => Some((Target::named(target), seconds.parse(), seed.parse())),
        _ => None,
    };
    if let Some((Some(target), Ok(seconds), Ok(seed))) = parsed {
        return fuzz(target, Duration::from_secs(seconds), seed);
    }
    eprintln!("usage: purlin-fuzz TARGET SECONDS [SEED] | purlin-fuzz --corpus TARGET DIR");
    eprintln!("       purlin-fuzz programs SECONDS [SEED [COUNT]] | purlin-fuzz --program SEED");
    eprintln!("targets: {}", TARGETS.iter().map(|t| t.name).collect::<Vec<_>>().join(" "));
    ExitCode::from(2)
}

fn write_corpus(target: &Target, dir: &Path) -> ExitCode {
    for (i, input) in (target.corpus)().iter().enumerate() {
        if let Err(error) = std::fs::write(dir.join(format!("good-{i}")), input) {
            eprintln!("{}: {error}", dir.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn fuzz(target: &Target, time: Duration, first: u64) -> ExitCode {
    let corpus = (target.corpus)();
    if corpus.is_empty() {
        println!("skipped: no corpus for {} on this machine", target.name);
        return ExitCode::SUCCESS;
    }
    let (start, mut seed) = (Instant::now(), first);
    let mut slowest = (Duration::ZERO, first);
    loop {
        let began = Instant::now();
        if let Err(failure) = target.try_seed(&corpus, seed) {
            let path = format!("fuzz-{}-{}.bin", target.name, failure.seed);
            match std::fs::write(&path, &failure.input) {
                Ok(()) => eprintln!("seed {} fails; input written to {path}", failure.seed),
                Err(error) => eprintln!("seed {} fails; {path}: {error}", failure.seed),
            }
            return ExitCode::FAILURE;
        }
        slowest = slowest.max((began.elapsed(), seed));
        seed = seed.wrapping_add(1);
        if start.elapsed() >= time {
            break;
        }
    }
    let count = seed.wrapping_sub(first);
    let (longest, which) = slowest;
    println!("{}: {count} inputs from {} files, none fails", target.name, corpus.len());
    println!("slowest: seed {which}, {longest:?}");
    ExitCode::SUCCESS
}

fn plan(args: &[String]) -> Option<Plan> {
    let numbers: Vec<u64> = args.iter().map(|arg| arg.parse().ok()).collect::<Option<_>>()?;
    let shrink = Duration::from_secs(120);
    match numbers[..] {
        // A seed alone is tried once.
        [0, first] => Some(Plan { first, count: Some(1), time: Duration::ZERO, shrink }),
        [seconds] => Some(Plan { first: 0, count: None, time: Duration::from_secs(seconds), shrink }),
        [seconds, first] => Some(Plan { first, count: None, time: Duration::from_secs(seconds), shrink }),
        [seconds, first, count] => Some(Plan { first, count: Some(count), time: Duration::from_secs(seconds), shrink }),
        _ => None,
    }
}

/// The compiler itself fails for a few programs, with unusual options; more are a fault of the generator.
const MOST_REFUSED_PERCENT: usize = 2;

fn fuzz_programs(plan: &Plan) -> ExitCode {
    let dir = Path::new("target/fuzz/programs");
    let start = Instant::now();
    let tried = Engines::find(dir).and_then(|engines| Ok((programs::fuzz(&engines, plan, dir)?, engines)));
    let (summary, engines) = match tried {
        Ok(tried) => tried,
        Err(why) => {
            eprintln!("purlin-fuzz: {why}");
            return ExitCode::FAILURE;
        }
    };
    let tiers: Vec<&str> = engines.tiers.iter().map(|tier| tier.name).collect();
    let programs::Summary { modules, calls, values, skipped, refused, different } = &summary;
    println!(
        "programs: {modules} modules, {calls} calls ({values} give values) on the BEAM and on {} in {:.0} s ({skipped} calls take too much, {} \
         modules refused), {} differ",
        tiers.join(", "),
        start.elapsed().as_secs_f64(),
        refused.len(),
        different.len(),
    );
    for (seed, why) in refused.iter().take(3) {
        println!("refused: seed {seed}: {}", why.chars().take(300).collect::<String>());
    }
    let too_many = refused.len() * 100 > (modules + refused.len()) * MOST_REFUSED_PERCENT + 100;
    match different.is_empty() && !too_many && *calls > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
