//! A module on all engines: what it gives on the BEAM, and which of Purlin's tiers give something else.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::engine::{Counts, Engine, Failure, Kind, Outcome, SERVER};
use super::generate::Program;

/// Calls that take the BEAM more are not given to others.
const MOST_REDUCTIONS: u64 = 60_000;

/// Reductions after which a function is compiled that runs much, a few times over.
const REPEATED: u32 = 300_000;

/// How long a call may take on the BEAM and on Purlin.
const BEAM_LIMIT: Duration = Duration::from_millis(1_000);
const LIMIT: Duration = Duration::from_secs(30);

/// The engines of this machine.
pub struct Engines {
    /// The BEAM, which compiles, too.
    pub beam: Kind,
    /// Purlin's tiers.
    pub tiers: Vec<Kind>,
    /// Where the server's module is, and what engines write.
    pub dir: PathBuf,
}

impl Engines {
    /// Those of `PURLIN` (`target/release/purlin` unless told) beside the `erl` of the machine, or that of `RELEASE`. The
    /// message says what is missing.
    pub fn find(dir: &Path) -> Result<Engines, String> {
        let variable = |name: &str| std::env::var(name).ok();
        let purlin = variable("PURLIN").unwrap_or_else(|| "target/release/purlin".to_owned());
        let (mut erl, mut erlc) = ("erl".to_owned(), "erlc".to_owned());
        let mut command = vec![purlin, "--schedulers".to_owned(), "1".to_owned()];
        let mut common = Vec::new();
        if let Some(release) = variable("RELEASE").filter(|r| !r.is_empty()) {
            let root = release_dir(&release)?;
            (erl, erlc) = (format!("{root}/bin/erl"), format!("{root}/bin/erlc"));
            command.extend(["--otp".to_owned(), format!("{root}/otp")]);
            common.push(("PURLIN_BINDIR", format!("{root}/helpers")));
        }
        command.push("erl".to_owned());
        std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let source = dir.join("purlin_programs.erl");
        std::fs::write(&source, SERVER).map_err(|e| format!("{}: {e}", source.display()))?;
        let compiled = Command::new(&erlc).arg("-o").arg(dir).arg(&source).status();
        if !compiled.as_ref().is_ok_and(|status| status.success()) {
            return Err(format!("{erlc} does not compile {}: {compiled:?}", source.display()));
        }
        let tier = |name, variables: &[(&'static str, &str)]| {
            let own = variables.iter().map(|&(name, value)| (name, value.to_owned()));
            let counts = match variables {
                [.., COLLECT] => Counts::Otherwise,
                [("PURLIN_TIER", _)] => Counts::More,
                _ => Counts::Same,
            };
            Kind { name, command: command.clone(), variables: own.chain(common.clone()).collect(), counts, repeats: 0 }
        };
        let mut tiers = vec![
            tier("reference", &[("PURLIN_TIER", "reference")]),
            tier("handlers", &[NATIVE_OFF]),
            tier("collecting", &[NATIVE_OFF, COLLECT]),
        ];
        // What an engine does not know it passes over; what it knows it refuses in a wrong form.
        let probe = Kind { variables: vec![("PURLIN_NATIVE", "?".to_owned())], ..tiers[1].clone() };
        if !starts(&probe) {
            tiers.push(tier("native", &[NATIVE]));
            tiers.push(tier("native collecting", &[NATIVE, COLLECT]));
            tiers.push(tier("native leaving", &[NATIVE, ("PURLIN_NATIVE_LEAVE", "1")]));
            tiers.push(tier("native leaving a third", &[NATIVE, ("PURLIN_NATIVE_LEAVE", "3")]));
            let hot = tier("native when hot", &[("PURLIN_NATIVE", "on")]);
            tiers.push(Kind { counts: Counts::Otherwise, repeats: REPEATED, ..hot });
        }
        if let Some(unable) = tiers.iter().find(|kind| !starts(kind)) {
            return Err(format!("{:?} with {:?} does not start", unable.command, unable.variables));
        }
        let beam = Kind {
            name: "BEAM",
            command: vec![erl, "+S".into(), "1".into()],
            variables: Vec::new(),
            counts: Counts::Otherwise,
            repeats: 0,
        };
        Ok(Engines { beam, tiers, dir: dir.to_owned() })
    }

    pub(super) fn start(&self, kind: &Kind) -> io::Result<Engine> {
        Engine::start(kind, &self.dir)
    }
}

const COLLECT: (&str, &str) = ("PURLIN_COLLECT", "always");
const NATIVE: (&str, &str) = ("PURLIN_NATIVE", "always");
const NATIVE_OFF: (&str, &str) = ("PURLIN_NATIVE", "off");

fn release_dir(release: &str) -> Result<String, String> {
    let output =
        Command::new("scripts/fetch-release").arg(release).output().map_err(|e| format!("fetch-release: {e}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(format!("fetch-release: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn starts(kind: &Kind) -> bool {
    let mut command = Command::new(&kind.command[0]);
    command.args(&kind.command[1..]).args(["-noinput", "-boot", "start_clean", "-eval", "halt()."]);
    let output = command.envs(kind.variables.iter().map(|(name, value)| (name, value))).output();
    output.is_ok_and(|output| output.status.success())
}

/// A module, compiled and run on the BEAM.
pub struct Made {
    /// Its code.
    pub code: Vec<u8>,
    /// The numbers of the calls to compare, and what each gave.
    pub calls: Vec<u8>,
    /// See `calls`.
    pub expected: Vec<Outcome>,
    /// How many of them give a value.
    pub values: usize,
    /// How many calls take too much.
    pub skipped: usize,
}

/// The module of a program, or why the compiler refuses it.
pub fn make(beam: &mut Engine, program: &Program) -> Result<Result<Made, String>, Failure> {
    let code = match beam.compile(&program.tree.text(), program.options)? {
        Ok(code) => code,
        Err(why) => return Ok(Err(why)),
    };
    let outcomes = beam.run(&code, None, BEAM_LIMIT, false)?;
    if let [only] = &outcomes[..]
        && only.given.starts_with(b"not loaded")
    {
        return Ok(Err(String::from_utf8_lossy(&only.given).into_owned()));
    }
    let all = outcomes.len();
    let fits = |o: &Outcome| !o.is_skipped() && o.reductions <= MOST_REDUCTIONS;
    let (calls, expected): (Vec<u8>, Vec<Outcome>) =
        outcomes.into_iter().enumerate().filter(|(_, o)| fits(o)).map(|(i, o)| (i as u8, o)).unzip();
    let values = expected.iter().filter(|o| o.is_value()).count();
    Ok(Ok(Made { code, values, skipped: all - calls.len(), calls, expected }))
}

/// What the calls of a module give on a tier.
pub fn run(engine: &mut Engine, made: &Made) -> Result<Vec<Outcome>, Failure> {
    if made.calls.is_empty() {
        return Ok(Vec::new());
    }
    engine.run(&made.code, Some(&made.calls), LIMIT, false)
}

/// What is not as it should be: of which tiers, and what. `results` has one entry for each of `tiers`.
pub fn differences(
    made: &Made,
    tiers: &[Kind],
    results: &[Result<Vec<Outcome>, Failure>],
) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let counted = tiers
        .iter()
        .zip(results)
        .find_map(|(kind, result)| Some((kind.name, result.as_ref().ok()?)).filter(|_| kind.counts == Counts::Same));
    for (kind, result) in tiers.iter().zip(results) {
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(Failure(why)) => {
                all.push((kind.name, why.clone()));
                continue;
            }
        };
        if outcomes.len() != made.calls.len() {
            all.push((kind.name, format!("{} outcomes of {} calls", outcomes.len(), made.calls.len())));
            continue;
        }
        for (i, (outcome, expected)) in outcomes.iter().zip(&made.expected).enumerate() {
            let call = made.calls[i];
            if outcome.given != expected.given {
                all.push((kind.name, format!("call {call} gives something else than on the BEAM")));
            } else if let Some((of, base)) = counted
                && !kind.counts.fits(outcome.reductions, base[i].reductions)
            {
                let (own, other) = (outcome.reductions, base[i].reductions);
                all.push((kind.name, format!("call {call} takes {own} reductions, {other} on {of}")));
                all.push((of, "see there".to_owned()));
            }
        }
    }
    all
}
