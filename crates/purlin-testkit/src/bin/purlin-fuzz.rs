//! `purlin-fuzz TARGET SECONDS [SEED]` damages inputs and tries them until the
//! time is up or one breaks a rule; that one is written to a file. Each input
//! comes from one seed alone, so `purlin-fuzz TARGET 0 SEED` tries it again.
//! `purlin-fuzz --corpus TARGET DIR` writes the undamaged inputs to files.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use purlin_testkit::fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [corpus, target, dir] = &args[..]
        && corpus == "--corpus"
        && let Some(target) = Target::named(target)
    {
        return write_corpus(target, Path::new(dir));
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
