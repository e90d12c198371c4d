//! `purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers LIST]` runs every benchmark of `bench/` on Purlin and on
//! the BEAM in alternation and prints a table in Markdown.
//!
//! Both engines do the same work in the same run on the same machine; a ratio below 1 means that Purlin takes less.
//! The spread is the least and the greatest ratio of a pair of runs. `--only memory` gives the table of bytes alone,
//! `--only sweep` that of everyday operations.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const HARNESS: &str = "bench/start/harness.exs";
const SCRIPT: &str = "bench/start/script.exs";
const BYTES: &str = "bench/memory/bytes.exs";
const SWEEP: &str = "bench/sweep/operations.exs";
/// Prints the highest resident size.
const EVAL: &str = r#"IO.puts(Regex.run(~r/VmHWM:\s*(\d+)/, File.read!("/proc/self/status")) |> Enum.at(1))"#;

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("usage: purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers 1,2]");
        return ExitCode::from(2);
    };
    let only = options.only.as_deref();
    let times = if matches!(only, Some("memory" | "sweep")) { Ok(()) } else { table(&options) };
    let sweep = if matches!(only, None | Some("sweep")) { sweep(&options) } else { Ok(()) };
    let bytes = if matches!(only, None | Some("memory")) { memory_table(&options) } else { Ok(()) };
    match times.and(sweep).and(bytes) {
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
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { purlin: args.next()?, only: None, runs: 5, schedulers: vec![1, 2] };
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
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
        let mut figures: [BTreeMap<String, Vec<f64>>; 2] = Default::default();
        for _ in 0..options.runs {
            for (engine, figures) in engines.iter().zip(&mut figures) {
                for line in engine.script(&[SWEEP])?.lines() {
                    let figure = line.split_once('\t').and_then(|(name, each)| Some((name, each.parse().ok()?)));
                    let (name, each) = figure.ok_or_else(|| format!("{SWEEP}: {line}"))?;
                    figures.entry(name.to_owned()).or_default().push(each);
                }
            }
        }
        let [purlin, beam] = figures.map(|f| f.into_iter().map(|(name, all)| (name, median(all.into_iter()))));
        let mut rows: Vec<_> = purlin.zip(beam).map(|((name, p), (_, b))| (name, p, b, p / b)).collect();
        rows.sort_by(|a, b| b.3.total_cmp(&a.3));
        println!("\nEveryday operations, {schedulers} scheduler(s), median of {} runs:\n", options.runs);
        println!("| operation | Purlin µs | BEAM µs | ratio |");
        println!("|---|---:|---:|---:|");
        for (name, purlin, beam, ratio) in &rows {
            println!("| {name} | {purlin:.1} | {beam:.1} | {ratio:.2} |");
        }
        let mean = (rows.iter().map(|r| r.3.ln()).sum::<f64>() / rows.len().max(1) as f64).exp();
        let slow = rows.iter().filter(|r| r.3 > 1.5).count();
        println!("\nGeometric mean of {} ratios: {mean:.2}; {slow} above 1.5", rows.len());
    }
    Ok(())
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

struct Engine {
    program: String,
    script: Vec<String>,
    eval: Vec<String>,
}

impl Engine {
    fn purlin(program: &str, schedulers: usize) -> Engine {
        let command = |name: &str| vec![name.to_owned(), "--schedulers".to_owned(), schedulers.to_string()];
        Engine { program: program.to_owned(), script: command("run"), eval: command("eval") }
    }

    fn beam(schedulers: usize) -> Engine {
        let script = vec!["--erl".to_owned(), format!("+S {schedulers}")];
        let eval = [&script[..], &["-e".to_owned()]].concat();
        Engine { program: "elixir".to_owned(), script, eval }
    }

    /// What a script prints.
    fn script(&self, args: &[&str]) -> Result<String, String> {
        self.output(&self.script, args)
    }

    fn output(&self, flags: &[String], args: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.program).args(flags).args(args).stdin(Stdio::null()).output();
        let output = output.map_err(|e| format!("{}: {e}", self.program))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{}: {text}{}", self.program, String::from_utf8_lossy(&output.stderr)))
        }
    }
}
