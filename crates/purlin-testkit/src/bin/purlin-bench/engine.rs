//! How each engine is started.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

const NODES: &str = "bench/dist/nodes.exs";

/// A daemon for names of nodes that no others use, started by the first node.
pub struct Epmd {
    port: String,
}

impl Default for Epmd {
    fn default() -> Epmd {
        Epmd { port: (21_000 + std::process::id() % 10_000).to_string() }
    }
}

impl Epmd {
    /// A command that knows the daemon.
    fn known_to(&self, mut command: Command) -> Command {
        command.env("ERL_EPMD_PORT", &self.port).env("ERL_EPMD_ADDRESS", "127.0.0.1").stdin(Stdio::null());
        command
    }
}

impl Drop for Epmd {
    fn drop(&mut self) {
        let _ = self.known_to(Command::new("epmd")).arg("-kill").stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A node that ends with this.
struct FarNode(Child);

impl Drop for FarNode {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A release of OTP and Elixir that both engines run on.
pub struct Release {
    /// Its number, or nothing for the installed one.
    number: Option<String>,
    /// Where `scripts/fetch-release` put it.
    dir: String,
}

impl Release {
    /// `installed`, or the number of another release.
    pub fn named(name: &str) -> Result<Release, String> {
        if name == "installed" {
            return Ok(Release { number: None, dir: String::new() });
        }
        let output =
            Command::new("scripts/fetch-release").arg(name).output().map_err(|e| format!("fetch-release: {e}"))?;
        match output.status.success() {
            true => {
                let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                Ok(Release { number: Some(name.to_owned()), dir })
            }
            false => Err(format!("release {name}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// What stands in front of a column's name.
    pub fn column(&self) -> String {
        self.number.as_ref().map_or_else(String::new, |number| format!("OTP {number} "))
    }

    /// What stands in a title behind its beginning.
    pub fn title(&self) -> String {
        self.number.as_ref().map_or_else(String::new, |number| format!(" on OTP {number}"))
    }
}

pub struct Engine {
    pub program: String,
    variables: Vec<(&'static str, String)>,
    script: Vec<String>,
    pub eval: Vec<String>,
    /// Flags in front of those of a node.
    node: Vec<String>,
}

impl Engine {
    /// Purlin and the BEAM.
    pub fn both(purlin: &str, schedulers: usize, release: &Release) -> [Engine; 2] {
        [Engine::purlin(purlin, schedulers, release), Engine::beam(schedulers, release)]
    }

    fn purlin(program: &str, schedulers: usize, release: &Release) -> Engine {
        let mut flags = vec!["--schedulers".to_owned(), schedulers.to_string()];
        let mut variables = Vec::new();
        if release.number.is_some() {
            for part in ["otp", "elixir"] {
                flags.extend([format!("--{part}"), format!("{}/{part}", release.dir)]);
            }
            variables.push(("PURLIN_BINDIR", format!("{}/helpers", release.dir)));
        }
        let command = |name: &str| [&flags[..], &[name.to_owned()]].concat();
        let [script, eval, node] = ["run", "eval", "elixir"].map(command);
        Engine { program: program.to_owned(), variables, script, eval, node }
    }

    fn beam(schedulers: usize, release: &Release) -> Engine {
        let script = vec!["--erl".to_owned(), format!("+S {schedulers}")];
        let eval = [&script[..], &["-e".to_owned()]].concat();
        let program = match release.number {
            None => "elixir".to_owned(),
            Some(_) => format!("{}/bin/elixir", release.dir),
        };
        Engine { program, variables: Vec::new(), node: script.clone(), script, eval }
    }

    /// A command of this engine, for a node.
    pub fn node(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).args(&self.node);
        command
    }

    /// What a script prints.
    pub fn script(&self, args: &[&str]) -> Result<String, String> {
        self.output(&self.script, args)
    }

    /// What a node prints that talks with another one of the kind.
    pub fn two_nodes(&self, epmd: &Epmd) -> Result<String, String> {
        let node = |name: &str| {
            let mut command = epmd.known_to(self.node());
            command.args(["--sname", name, "--cookie", "bench", NODES]);
            command
        };
        let failed = |e: std::io::Error| format!("{}: {e}", self.program);
        let mut far = FarNode(node("far").stdout(Stdio::piped()).spawn().map_err(failed)?);
        let mut name = String::new();
        let Some(out) = far.0.stdout.take() else { return Err("the far node has no output".to_owned()) };
        BufReader::new(out).read_line(&mut name).map_err(failed)?;
        Engine::printed(&self.program, node("near").arg(name.trim_end()).output())
    }

    pub fn output(&self, flags: &[String], args: &[&str]) -> Result<String, String> {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        let mut command = Command::new(&self.program);
        let output = command.envs(variables).args(flags).args(args).stdin(Stdio::null()).output();
        Engine::printed(&self.program, output)
    }

    fn printed(program: &str, output: std::io::Result<Output>) -> Result<String, String> {
        let output = output.map_err(|e| format!("{program}: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{program}: {text}{}", String::from_utf8_lossy(&output.stderr)))
        }
    }
}
