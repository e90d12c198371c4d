//! Races: what an order takes, and after how many of them the races of `tests/races` are found.

use super::Options;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COUNTER: &str = "bench/races/counter_test.exs";
const PROGRAMS: &str = "tests/races";
const STRATEGIES: [&str; 5] = ["auto", "few:2", "pos", "pct:3", "random"];
/// Orders that are tried for each race, and runs of it on the BEAM.
const MOST: u32 = 1000;
const REPEATED: u32 = 200;

/// Prints what an order takes, and a table of the orders tried until each race was found: the median of several draws.
pub fn tables(options: &Options) -> Result<(), String> {
    let all = ["--strategy", "pos", "--schedules", "1000", COUNTER];
    let (schedules, seconds) = tried(&options.purlin, &all)?.ok_or("no orders were tried")?;
    println!("\nOrders of a small test of a GenServer: {schedules} in {seconds} s.\n");
    println!(
        "Orders tried until a race is found, the median of {} draws, and how often it fails on the BEAM:\n",
        options.runs
    );
    println!("| race | {} | BEAM, of {REPEATED} |", STRATEGIES.join(" | "));
    println!("|---|{}", "---:|".repeat(STRATEGIES.len() + 1));
    for program in programs()? {
        let name = program.file_stem().unwrap_or_default().to_string_lossy().replace("_test", "");
        let source = std::fs::read_to_string(&program).map_err(|e| format!("{}: {e}", program.display()))?;
        let line = source.lines().position(|l| l.contains("test \"race\"")).ok_or(format!("{name} has no race"))? + 1;
        let place = format!("{}:{line}", program.display());
        let early = source.contains("with --early-timers alone");
        let mut cells = String::new();
        for strategy in STRATEGIES {
            let mut found = Vec::new();
            for draw in 0..options.runs {
                let (draw, most) = (draw.to_string(), MOST.to_string());
                let mut args = vec!["--strategy", strategy, "--draw", &draw, "--schedules", &most, &place];
                args.extend(early.then_some("--early-timers"));
                found.push(tried(&options.purlin, &args)?.map_or(MOST, |(n, _)| n));
            }
            found.sort_unstable();
            let median = found[found.len() / 2];
            cells += &if median < MOST { format!(" {median} |") } else { " - |".into() };
        }
        println!("| {name} |{cells} {} |", repeated(&program, &source)?);
    }
    Ok(())
}

fn programs() -> Result<Vec<PathBuf>, String> {
    let all = std::fs::read_dir(PROGRAMS).map_err(|e| format!("{PROGRAMS}: {e}"))?;
    let mut all: Vec<PathBuf> = all.filter_map(|f| Some(f.ok()?.path())).collect();
    all.sort_unstable();
    Ok(all)
}

/// How many orders were tried, and in how many seconds.
fn tried(purlin: &str, args: &[&str]) -> Result<Option<(u32, String)>, String> {
    let mut command = Command::new(purlin);
    let out = command.args(["test", "--races"]).args(args).stderr(Stdio::null()).output();
    let out = out.map_err(|e| format!("{purlin}: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let line = text.lines().find_map(|l| l.split_once(" schedules, "));
    let tried =
        |(n, rest): (&str, &str)| Some((n.parse().ok()?, rest.split(" in ").nth(1)?.split(' ').next()?.to_owned()));
    Ok(line.and_then(tried))
}

/// How often a race fails on the BEAM when it is just run again.
fn repeated(program: &Path, source: &str) -> Result<String, String> {
    let module = source.lines().filter_map(|l| l.strip_prefix("defmodule ")).find_map(|l| l.strip_suffix("Test do"));
    let module = module.ok_or("a program has no module of tests")?;
    let start = "ExUnit.start(autorun: false, formatters: [], exclude: [:test], include: [test: :\"test race\"])";
    let count = format!(
        "IO.puts(Enum.count(1..{REPEATED}, fn n -> ExUnit.run(if n == 1, do: [], else: [{module}Test]).failures > 0 end))"
    );
    let mut command = Command::new("elixir");
    command.args(["-e", start, "-r"]).arg(program).args(["-e", &count]).stderr(Stdio::null());
    let out = command.output().map_err(|e| format!("elixir: {e}"))?;
    Ok(String::from_utf8_lossy(&out.stdout).lines().last().unwrap_or("-").to_owned())
}
