//! Servers under load: requests a second, latencies, and memory for each connection that is idle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::engine::Engine;
use crate::load::{Exchange, Load};
use crate::{Options, median};

const SERVE: &str = "bench/net/serve.exs";
const TIME: Duration = Duration::from_secs(2);
/// How long idle connections wait before their memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);
const FEW: usize = 16;
const BUSY: usize = 1000;
const IDLE: usize = 10_000;
const ECHO: &[u8] = b"\0\x20thirty-two bytes in each message";
const GET: &[u8] = b"GET /body.txt HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nuser-agent: purlin-bench\r\n\r\n";
/// What `bench/net/serve.exs` serves with OTP alone, and what of packages.
const SERVERS: [(&str, &[u8]); 5] = [
    ("echo, active once", ECHO),
    ("echo, active 100", ECHO),
    ("echo, socket", ECHO),
    ("http, gen_tcp", GET),
    ("httpd of inets", GET),
];
const OF_PACKAGES: [(&str, &[u8]); 3] = [("cowboy", GET), ("thousand_island", ECHO), ("bandit", GET)];

/// What one run of a server measured.
struct Figures {
    few: Load,
    /// Beside connections that are idle.
    busy: Load,
    bytes: f64,
}

/// Measures all servers, or those of this name.
pub fn tables(options: &Options, only: Option<&str>) -> Result<(), String> {
    let packages = options.packages.as_deref();
    let servers = SERVERS.iter().chain(OF_PACKAGES.iter().filter(|_| packages.is_some()));
    let servers = servers.filter(|(name, _)| only.is_none_or(|only| *name == only));
    for (schedulers, release) in options.each() {
        let engines = Engine::both(&options.purlin, schedulers, release);
        println!(
            "\nServers{}, {schedulers} scheduler(s), median of {} runs; requests a second and milliseconds:\n",
            release.title(),
            options.runs
        );
        println!("| server | connections | Purlin | BEAM | ratio | Purlin p50 | BEAM p50 | Purlin p99 | BEAM p99 |");
        println!("|---|---|---:|---:|---:|---:|---:|---:|---:|");
        let mut memory = Vec::new();
        for (name, request) in servers.clone() {
            let mut runs: [Vec<Figures>; 2] = Default::default();
            for _ in 0..options.runs {
                for (engine, runs) in engines.iter().zip(&mut runs) {
                    let figures = Server::start(engine, name, packages).and_then(|server| server.measure(request));
                    runs.push(figures.map_err(|e| format!("{name} on {}: {e}", engine.program))?);
                }
            }
            row(name, &format!("{FEW}"), &runs, |f| &f.few);
            row(name, &format!("{BUSY}, {IDLE} idle"), &runs, |f| &f.busy);
            memory.push((name, runs.map(|runs| median(runs.iter().map(|f| f.bytes)))));
        }
        println!("\nBytes of resident memory for an idle connection:\n");
        println!("| server | Purlin | BEAM | ratio |\n|---|---:|---:|---:|");
        for (name, [purlin, beam]) in memory {
            println!("| {name} | {purlin:.0} | {beam:.0} | {:.2} |", purlin / beam);
        }
    }
    Ok(())
}

fn row(name: &str, connections: &str, runs: &[Vec<Figures>; 2], of: impl Fn(&Figures) -> &Load) {
    let both = |figure: &dyn Fn(&Load) -> f64| runs.each_ref().map(|runs| median(runs.iter().map(|f| figure(of(f)))));
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let [purlin, beam] = both(&|load| load.per_second);
    let ([p50, beam_p50], [p99, beam_p99]) = (both(&|load| millis(load.median)), both(&|load| millis(load.p99)));
    let ratio = purlin / beam;
    println!(
        "| {name} | {connections} | {purlin:.0} | {beam:.0} | {ratio:.2} | {p50:.2} | {beam_p50:.2} | {p99:.2} | {beam_p99:.2} |"
    );
}

/// A running server, which ends with this.
struct Server {
    child: Child,
    port: u16,
    process: u32,
}

impl Server {
    fn start(engine: &Engine, name: &str, packages: Option<&str>) -> Result<Server, String> {
        let mut command = engine.node();
        if let Some(packages) = packages {
            command.args(["-pa", &format!("{packages}/*/ebin")]);
        }
        command.args([SERVE, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().map_err(|e| e.to_string())?;
        let mut server = Server { child, port: 0, process: 0 };
        let mut line = String::new();
        if let Some(out) = server.child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        let numbers = line.trim_end().split_once('\t').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        (server.port, server.process) = numbers.ok_or_else(|| format!("it did not start: {line}"))?;
        Ok(server)
    }

    fn measure(&self, request: &[u8]) -> Result<Figures, String> {
        let exchanges = || -> std::io::Result<Figures> {
            let exchange = Exchange::learn(self.port, request.to_vec())?;
            let few = exchange.load(self.port, FEW, TIME)?;
            let before = self.resident()?;
            let idle = exchange.idle(self.port, IDLE)?;
            std::thread::sleep(SETTLE);
            let bytes = (self.resident()? - before) / IDLE as f64;
            let busy = exchange.load(self.port, BUSY, TIME)?;
            drop(idle);
            Ok(Figures { few, busy, bytes })
        };
        exchanges().map_err(|e| e.to_string())
    }

    /// Bytes of memory that the server's process has.
    fn resident(&self) -> std::io::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| std::io::Error::other("no resident size"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
