//! `purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers LIST] [--packages DIR]` runs every benchmark of `bench/` on Purlin and on
//! the BEAM in alternation and prints a table in Markdown.
//!
//! Both engines do the same work in the same run on the same machine; a ratio below 1 means that Purlin takes less.
//! The spread is the least and the greatest ratio of a pair of runs. `--only memory` gives the table of bytes alone,
//! `--only sweep` that of everyday operations, `--only dist` that of two nodes of a kind that talk with each other,
//! `--only net` that of servers under load; `--packages DIR` adds servers whose applications are in `DIR/*/ebin`.

mod engine;
mod load;
mod net;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use engine::{Engine, Epmd};

const HARNESS: &str = "bench/start/harness.exs";
const SCRIPT: &str = "bench/start/script.exs";
const BYTES: &str = "bench/memory/bytes.exs";
const SWEEP: &str = "bench/sweep/operations.exs";
/// Prints the highest resident size.
const EVAL: &str = r#"IO.puts(Regex.run(~r/VmHWM:\s*(\d+)/, File.read!("/proc/self/status")) |> Enum.at(1))"#;

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("usage: purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers 1,2] [--packages DIR]");
        return ExitCode::from(2);
    };
    let only = options.only.as_deref();
    let times = if matches!(only, Some("memory" | "sweep" | "dist" | "net")) { Ok(()) } else { table(&options) };
    let sweep = if matches!(only, None | Some("sweep")) { sweep(&options) } else { Ok(()) };
    let nodes = if matches!(only, None | Some("dist")) { nodes(&options) } else { Ok(()) };
    let servers = if matches!(only, None | Some("net")) { net::tables(&options) } else { Ok(()) };
    let bytes = if matches!(only, None | Some("memory")) { memory_table(&options) } else { Ok(()) };
    match times.and(sweep).and(nodes).and(servers).and(bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("purlin-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    purlin: String,
    only: Option<String>,
    runs: usize,
    schedulers: Vec<usize>,
    packages: Option<String>,
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { purlin: args.next()?, only: None, runs: 5, schedulers: vec![1, 2], packages: None };
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--packages" => options.packages = Some(value),
            "--only" => options.only = Some(value),
            "--runs" => options.runs = value.parse().ok().filter(|n| *n > 0)?,
            "--schedulers" => options.schedulers = value.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?,
            _ => return None,
        }
    }
    Some(options)
}

fn table(options: &Options) -> Result<(), String> {
    let benches = benches(options.only.as_deref())?;
    let mut failed = Vec::new();
    for &schedulers in &options.schedulers {
        println!(
            "\n{schedulers} scheduler{}, median of {} runs:\n",
            if schedulers == 1 { "" } else { "s" },
            options.runs
        );
        println!("| benchmark | Purlin µs/op | BEAM µs/op | ratio | spread | Purlin MiB | BEAM MiB |");
        println!("|---|---:|---:|---:|---:|---:|---:|");
        let (purlin, beam) = (Engine::purlin(&options.purlin, schedulers), Engine::beam(schedulers));
        let mut ratios = Vec::new();
        for bench in &benches {
            let pairs: Result<Vec<_>, String> =
                (0..options.runs).map(|_| Ok((bench.run(&purlin)?, bench.run(&beam)?))).collect();
            match pairs {
                Ok(pairs) => ratios.push(row(&bench.name(), &pairs)),
                Err(why) => failed.push(format!("{} with {schedulers}: {why}", bench.name())),
            }
        }
        let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp();
        println!("\nGeometric mean of the ratios: {mean:.2}");
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Prints what many everyday operations take, the worst ratio first, for each number of schedulers.
fn sweep(options: &Options) -> Result<(), String> {
    for &schedulers in &options.schedulers {
        let engines = [Engine::purlin(&options.purlin, schedulers), Engine::beam(schedulers)];
        let rows = named(options.runs, |engine| engines[engine].script(&[SWEEP]))?;
        println!("\nEveryday operations, {schedulers} scheduler(s), median of {} runs:\n", options.runs);
        print_named("operation", &rows);
        let slow = rows.iter().filter(|r| r.ratio() > 1.5).count();
        println!("\nGeometric mean of {} ratios: {:.2}; {slow} above 1.5", rows.len(), mean(&rows));
    }
    Ok(())
}

/// Prints what messages and calls between two nodes of a kind take, for each number of schedulers.
fn nodes(options: &Options) -> Result<(), String> {
    let epmd = Epmd::default();
    for &schedulers in &options.schedulers {
        let engines = [Engine::purlin(&options.purlin, schedulers), Engine::beam(schedulers)];
        let rows = named(options.runs, |engine| engines[engine].two_nodes(&epmd))?;
        println!("\nBetween two nodes, {schedulers} scheduler(s) each, median of {} runs:\n", options.runs);
        print_named("message or call", &rows);
        println!("\nGeometric mean of {} ratios: {:.2}", rows.len(), mean(&rows));
    }
    Ok(())
}

/// Microseconds for something that a script names.
struct Named {
    name: String,
    purlin: f64,
    beam: f64,
}

impl Named {
    fn ratio(&self) -> f64 {
        self.purlin / self.beam
    }
}

/// Medians of the figures that a script prints, each behind its name and a tab; the worst ratio first.
fn named(runs: usize, mut script: impl FnMut(usize) -> Result<String, String>) -> Result<Vec<Named>, String> {
    let mut figures: [BTreeMap<String, Vec<f64>>; 2] = Default::default();
    for _ in 0..runs {
        for (engine, figures) in figures.iter_mut().enumerate() {
            for line in script(engine)?.lines() {
                let figure = line.split_once('\t').and_then(|(name, each)| Some((name, each.parse().ok()?)));
                let (name, each) = figure.ok_or_else(|| format!("no figure: {line}"))?;
                figures.entry(name.to_owned()).or_default().push(each);
            }
        }
    }
    let [purlin, beam] = figures.map(|f| f.into_iter().map(|(name, all)| (name, median(all.into_iter()))));
    let mut rows: Vec<_> = purlin.zip(beam).map(|((name, purlin), (_, beam))| Named { name, purlin, beam }).collect();
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    Ok(rows)
}

fn print_named(what: &str, rows: &[Named]) {
    println!("| {what} | Purlin µs | BEAM µs | ratio |");
    println!("|---|---:|---:|---:|");
    for r in rows {
        println!("| {} | {:.1} | {:.1} | {:.2} |", r.name, r.purlin, r.beam, r.ratio());
    }
}

fn mean(rows: &[Named]) -> f64 {
    (rows.iter().map(|r| r.ratio().ln()).sum::<f64>() / rows.len().max(1) as f64).exp()
}

/// Prints how many bytes of resident memory one of each kind takes.
fn memory_table(options: &Options) -> Result<(), String> {
    let engines = [Engine::purlin(&options.purlin, 1), Engine::beam(1)];
    let kinds = engines[0].script(&[BYTES])?;
    println!("\nBytes of resident memory, median of {} runs:\n", options.runs);
    println!("| one | Purlin | BEAM | ratio |");
    println!("|---|---:|---:|---:|");
    for kind in kinds.lines() {
        let mut bytes = [0.0; 2];
        for (engine, bytes) in engines.iter().zip(&mut bytes) {
            let figures: Result<Vec<f64>, String> = (0..options.runs)
                .map(|_| engine.script(&[BYTES, kind])?.trim_end().parse().map_err(|e| format!("{kind}: {e}")))
                .collect();
            *bytes = median(figures?.into_iter());
        }
        println!("| {kind} | {:.0} | {:.0} | {:.2} |", bytes[0], bytes[1], bytes[0] / bytes[1]);
    }
    Ok(())
}

/// Prints a benchmark's line and gives its ratio.
fn row(name: &str, pairs: &[(Figure, Figure)]) -> f64 {
    let (purlin, beam) = (median(pairs.iter().map(|p| p.0.each)), median(pairs.iter().map(|p| p.1.each)));
    let of_pairs = || pairs.iter().map(|p| p.0.each / p.1.each);
    let (least, most) = (of_pairs().fold(f64::INFINITY, f64::min), of_pairs().fold(0.0, f64::max));
    let mib = |kib: f64| kib / 1024.0;
    let (purlin_mib, beam_mib) = (median(pairs.iter().map(|p| p.0.kib)), median(pairs.iter().map(|p| p.1.kib)));
    println!(
        "| {name} | {purlin:.3} | {beam:.3} | {:.2} | {least:.2}–{most:.2} | {:.0} | {:.0} |",
        purlin / beam,
        mib(purlin_mib),
        mib(beam_mib)
    );
    purlin / beam
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// What one run measured: microseconds for each operation, and the highest resident size.
struct Figure {
    each: f64,
    kib: f64,
}

enum Bench {
    /// A module that the harness times.
    Program(PathBuf),
    /// The whole run of a line of code, or of a script, is timed; it prints its resident size.
    Eval,
    Script,
}

fn benches(only: Option<&str>) -> Result<Vec<Bench>, String> {
    let entries = std::fs::read_dir("bench").map_err(|e| format!("bench: {e}"))?;
    let mut programs: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|path| path.extension().is_some_and(|x| x == "exs")).collect();
    programs.sort();
    let mut all = vec![Bench::Eval, Bench::Script];
    all.extend(programs.into_iter().map(Bench::Program));
    all.retain(|bench| only.is_none_or(|name| bench.name() == name));
    if all.is_empty() { Err("no benchmark of that name".to_owned()) } else { Ok(all) }
}

impl Bench {
    fn name(&self) -> String {
        match self {
            Bench::Program(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            Bench::Eval => "start_eval".to_owned(),
            Bench::Script => "start_script".to_owned(),
        }
    }

    fn run(&self, engine: &Engine) -> Result<Figure, String> {
        let started = Instant::now();
        let text = match self {
            Bench::Program(path) => engine.script(&[HARNESS, &path.to_string_lossy()]),
            Bench::Eval => engine.output(&engine.eval, &[EVAL]),
            Bench::Script => engine.script(&[SCRIPT]),
        }?;
        let wall = started.elapsed().as_secs_f64() * 1e6;
        let fields: Option<Vec<f64>> =
            text.trim_end().lines().last().and_then(|line| line.split('\t').map(|f| f.parse().ok()).collect());
        match fields.as_deref() {
            Some(&[kib]) => Ok(Figure { each: wall, kib }),
            Some(&[microseconds, operations, kib]) => Ok(Figure { each: microseconds / operations, kib }),
            _ => Err(format!("{}: {text}", engine.program)),
        }
    }
}
