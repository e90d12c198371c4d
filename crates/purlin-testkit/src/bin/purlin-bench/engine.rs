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
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("ERL_EPMD_PORT", &self.port).env("ERL_EPMD_ADDRESS", "127.0.0.1").stdin(Stdio::null());
        command
    }
}

impl Drop for Epmd {
    fn drop(&mut self) {
        let _ = self.command("epmd").arg("-kill").stdout(Stdio::null()).stderr(Stdio::null()).status();
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

pub struct Engine {
    pub program: String,
    script: Vec<String>,
    pub eval: Vec<String>,
    /// Flags in front of those of a node.
    pub node: Vec<String>,
}

impl Engine {
    pub fn purlin(program: &str, schedulers: usize) -> Engine {
        let flag = ["--schedulers".to_owned(), schedulers.to_string()];
        let command = |name: &str| [&[name.to_owned()], &flag[..]].concat();
        let node = [&flag[..], &["elixir".to_owned()]].concat();
        Engine { program: program.to_owned(), script: command("run"), eval: command("eval"), node }
    }

    pub fn beam(schedulers: usize) -> Engine {
        let script = vec!["--erl".to_owned(), format!("+S {schedulers}")];
        let eval = [&script[..], &["-e".to_owned()]].concat();
        Engine { program: "elixir".to_owned(), node: script.clone(), script, eval }
    }

    /// What a script prints.
    pub fn script(&self, args: &[&str]) -> Result<String, String> {
        self.output(&self.script, args)
    }

    /// What a node prints that talks with another one of the kind.
    pub fn two_nodes(&self, epmd: &Epmd) -> Result<String, String> {
        let node = |name: &str| {
            let mut command = epmd.command(&self.program);
            command.args(&self.node).args(["--sname", name, "--cookie", "bench", NODES]);
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
        let output = Command::new(&self.program).args(flags).args(args).stdin(Stdio::null()).output();
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
