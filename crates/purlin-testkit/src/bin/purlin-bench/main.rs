//! `purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers LIST] [--releases LIST] [--packages DIR]` runs every
//! benchmark of `bench/` on Purlin and on the BEAM in alternation and prints a table in Markdown.
//! `purlin-bench --chart TABLES SVG` draws the first table of benchmarks in a file.
//!
//! Both engines do the same work in the same run on the same machine; a ratio below 1 means that Purlin takes less.
//! The spread is the least and the greatest ratio of a pair of runs. `--only memory` gives the table of bytes alone,
//! `--only sweep` that of everyday operations, `--only dist` that of two nodes of a kind that talk with each other,
//! `--only net` that of servers under load, `net/NAME` of one of them; `--packages DIR` adds servers whose applications are in `DIR/*/ebin`.
//! `--only races` tells what trying orders takes, and after how many races are found.
//! `--releases installed,27` measures both engines on OTP 27 as well, in further columns and tables.

mod chart;
mod engine;
mod load;
mod net;
mod races;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use engine::{Engine, Epmd, Release};

const HARNESS: &str = "bench/start/harness.exs";
const SCRIPT: &str = "bench/start/script.exs";
const BYTES: &str = "bench/memory/bytes.exs";
const SWEEP: &str = "bench/sweep/operations.exs";
/// Prints the highest resident size.
const EVAL: &str = r#"IO.puts(Regex.run(~r/VmHWM:\s*(\d+)/, File.read!("/proc/self/status")) |> Enum.at(1))"#;

const USAGE: &str = "usage: purlin-bench PURLIN [--only NAME] [--runs N] [--schedulers 1,2] [--releases installed,27] \
                     [--packages DIR] | purlin-bench --chart TABLES SVG";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match &args[..] {
        [chart, tables, drawing] if chart == "--chart" => chart::write(tables.as_ref(), drawing.as_ref()),
        _ => options(args.into_iter()).and_then(|options| measure(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("purlin-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let only = options.only.as_deref();
    let server = only.and_then(|only| only.strip_prefix("net/"));
    if server.is_some() {
        return net::tables(options, server);
    }
    if only == Some("races") {
        return races::tables(options);
    }
    let times = if matches!(only, Some("memory" | "sweep" | "dist" | "net")) { Ok(()) } else { table(options) };
    let sweep = if matches!(only, None | Some("sweep")) { sweep(options) } else { Ok(()) };
    let nodes = if matches!(only, None | Some("dist")) { nodes(options) } else { Ok(()) };
    let servers = if matches!(only, None | Some("net")) { net::tables(options, None) } else { Ok(()) };
    let bytes = if matches!(only, None | Some("memory")) { memory_table(options) } else { Ok(()) };
    times.and(sweep).and(nodes).and(servers).and(bytes)
}

struct Options {
    purlin: String,
    only: Option<String>,
    runs: usize,
    schedulers: Vec<usize>,
    releases: Vec<Release>,
    packages: Option<String>,
}

impl Options {
    /// Each number of schedulers with each release.
    fn each(&self) -> impl Iterator<Item = (usize, &Release)> {
        self.schedulers.iter().flat_map(|&schedulers| self.releases.iter().map(move |release| (schedulers, release)))
    }
}

fn options(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let (mut options, releases) = parsed(args).ok_or(USAGE)?;
    options.releases = releases.split(',').map(Release::named).collect::<Result<_, _>>()?;
    Ok(options)
}

/// The options, and the names of releases.
fn parsed(mut args: impl Iterator<Item = String>) -> Option<(Options, String)> {
    let (purlin, releases) = (args.next()?, Vec::new());
    let mut options = Options { purlin, only: None, runs: 5, schedulers: vec![1, 2], releases, packages: None };
    let mut releases = "installed".to_owned();
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--packages" => options.packages = Some(value),
            "--only" => options.only = Some(value),
            "--runs" => options.runs = value.parse().ok().filter(|n| *n > 0)?,
            "--schedulers" => options.schedulers = value.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?,
            "--releases" => releases = value,
            _ => return None,
        }
    }
    Some((options, releases))
}

/// Prints the benchmarks for each number of schedulers, with columns for each release; memory for the first one.
fn table(options: &Options) -> Result<(), String> {
    let benches = benches(options.only.as_deref())?;
    let mut failed = Vec::new();
    for &schedulers in &options.schedulers {
        println!("\n{schedulers} scheduler{}, median of {} runs:\n", plural(schedulers), options.runs);
        let (mut header, mut rule) = ("| benchmark |".to_owned(), "|---|".to_owned());
        for (i, column) in options.releases.iter().map(Release::column).enumerate() {
            header += &format!(" {column}Purlin µs/op | {column}BEAM µs/op | {column}ratio | {column}spread |");
            header += if i == 0 { " Purlin MiB | BEAM MiB |" } else { "" };
            rule += &"---:|".repeat(if i == 0 { 6 } else { 4 });
        }
        println!("{header}\n{rule}");
        let engines: Vec<_> = options.releases.iter().map(|r| Engine::both(&options.purlin, schedulers, r)).collect();
        let mut ratios = vec![Vec::new(); engines.len()];
        for bench in &benches {
            match bench.compared(&engines, options.runs) {
                Ok(comparisons) => {
                    let cells = comparisons.iter().enumerate().map(|(i, c)| c.cells(i == 0)).collect::<String>();
                    println!("| {} |{cells}", bench.name());
                    ratios.iter_mut().zip(comparisons).for_each(|(all, c)| all.push(c.ratio()));
                }
                Err(why) => failed.push(format!("{} with {schedulers}: {why}", bench.name())),
            }
        }
        println!();
        for (release, ratios) in options.releases.iter().zip(ratios) {
            println!("Geometric mean of the ratios{}: {:.2}", release.title(), geometric_mean(ratios.into_iter()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Prints what many everyday operations take, the worst ratio first, for each number of schedulers.
fn sweep(options: &Options) -> Result<(), String> {
    for (schedulers, release) in options.each() {
        let engines = Engine::both(&options.purlin, schedulers, release);
        let rows = named(options.runs, |engine| engines[engine].script(&[SWEEP]))?;
        let title = release.title();
        println!("\nEveryday operations{title}, {schedulers} scheduler(s), median of {} runs:\n", options.runs);
        print_named("operation", &rows);
        let slow = rows.iter().filter(|r| r.ratio() > 1.5).count();
        println!("\nGeometric mean of {} ratios: {:.2}; {slow} above 1.5", rows.len(), mean(&rows));
    }
    Ok(())
}

/// Prints what messages and calls between two nodes of a kind take, for each number of schedulers.
fn nodes(options: &Options) -> Result<(), String> {
    let epmd = Epmd::default();
    for (schedulers, release) in options.each() {
        let engines = Engine::both(&options.purlin, schedulers, release);
        let rows = named(options.runs, |engine| engines[engine].two_nodes(&epmd))?;
        let title = release.title();
        println!("\nBetween two nodes{title}, {schedulers} scheduler(s) each, median of {} runs:\n", options.runs);
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
    geometric_mean(rows.iter().map(Named::ratio))
}

fn geometric_mean(ratios: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = ratios.len().max(1) as f64;
    (ratios.map(f64::ln).sum::<f64>() / count).exp()
}

/// Prints how many bytes of resident memory one of each kind takes.
fn memory_table(options: &Options) -> Result<(), String> {
    for release in &options.releases {
        let engines = Engine::both(&options.purlin, 1, release);
        let kinds = engines[0].script(&[BYTES])?;
        println!("\nBytes of resident memory{}, median of {} runs:\n", release.title(), options.runs);
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
    }
    Ok(())
}

/// What pairs of runs measured, the first of each on Purlin.
struct Comparison(Vec<(Figure, Figure)>);

impl Comparison {
    fn medians(&self, of: impl Fn(&Figure) -> f64) -> (f64, f64) {
        (median(self.0.iter().map(|p| of(&p.0))), median(self.0.iter().map(|p| of(&p.1))))
    }

    fn ratio(&self) -> f64 {
        let (purlin, beam) = self.medians(|f| f.each);
        purlin / beam
    }

    /// A benchmark's cells.
    fn cells(&self, with_memory: bool) -> String {
        let (purlin, beam) = self.medians(|f| f.each);
        let of_pairs = || self.0.iter().map(|p| p.0.each / p.1.each);
        let (least, most) = (of_pairs().fold(f64::INFINITY, f64::min), of_pairs().fold(0.0, f64::max));
        let mut cells = format!(" {purlin:.3} | {beam:.3} | {:.2} | {least:.2}–{most:.2} |", self.ratio());
        if with_memory {
            let (purlin, beam) = self.medians(|f| f.kib / 1024.0);
            cells += &format!(" {purlin:.0} | {beam:.0} |");
        }
        cells
    }
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

    /// Runs on pairs of engines in alternation.
    fn compared(&self, engines: &[[Engine; 2]], runs: usize) -> Result<Vec<Comparison>, String> {
        let mut all: Vec<_> = engines.iter().map(|_| Comparison(Vec::new())).collect();
        for _ in 0..runs {
            for ([purlin, beam], comparison) in engines.iter().zip(&mut all) {
                comparison.0.push((self.run(purlin)?, self.run(beam)?));
            }
        }
        Ok(all)
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
