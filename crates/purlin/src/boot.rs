//! Booting: an engine with the preloaded modules and the processes that OTP expects the emulator to start.

use crate::args::CommandLine;
use crate::install::Otp;
use purlin_beam::BeamFile;
use purlin_natives::{OnBreak, preloaded};
use purlin_races::Settings;
use purlin_term::external::{self, PlainContext};
use purlin_term::{Atom, Heap, Term};
use purlin_vm::code::Module;
use purlin_vm::code::compiler::When;
use purlin_vm::process::Flags;
use purlin_vm::{Config, End, Engine, Interpreter, Native, Spawn};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the daemon that tells nodes of each other listens.
const EPMD_PORT: u16 = 4369;

/// How long it may take until it does.
const EPMD_STARTS: Duration = Duration::from_millis(500);

/// Why an engine could not be booted.
#[derive(Debug)]
pub struct BootError(String);

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BootError {}

/// Runs what a command line says, until the engine halts; the status to exit with. Threads may still be at work in
/// natives that last: the caller is expected to exit. `halt(abort)` ends the whole program here.
pub fn run(otp: &Otp, line: &CommandLine, config: Config) -> Result<i32, BootError> {
    purlin_natives::keep_descriptors();
    purlin_natives::set_break(match line.flags.break_handling {
        None => OnBreak::Menu,
        Some('i') => OnBreak::Nothing,
        Some('c') => OnBreak::Shell,
        Some(_) => OnBreak::End,
    });
    let engine = start(otp, line, config)?;
    purlin_natives::listen_to_signals(&engine);
    let end = engine.wait();
    purlin_natives::restore_terminal();
    if end == End::Abort {
        std::process::abort();
    }
    Ok(end.status())
}

/// As [`run`], of a program whose orders of steps are tried.
pub fn explore(otp: &Otp, line: &CommandLine, config: Config, settings: Settings) -> Result<i32, BootError> {
    purlin_natives::keep_descriptors();
    let config = Config { explores: true, virtual_clock: Some(settings.clock), compiles: When::Never, ..config };
    let engine =
        start_after(otp, line, config, purlin_races::NATIVES, |engine| purlin_races::install(engine, settings))?;
    Ok(engine.wait().status())
}

/// Starts an engine with what a command line says.
pub fn start(otp: &Otp, line: &CommandLine, config: Config) -> Result<Arc<Engine>, BootError> {
    start_with(otp, line, config, &[])
}

/// As [`start`], with further natives; they take the place of the engine's own of the same name.
pub fn start_with(otp: &Otp, line: &CommandLine, config: Config, natives: &[Native]) -> Result<Arc<Engine>, BootError> {
    start_after(otp, line, config, natives, |_| ())
}

/// As [`start_with`], after the engine was prepared.
fn start_after(
    otp: &Otp,
    line: &CommandLine,
    mut config: Config,
    natives: &[Native],
    prepare: impl FnOnce(&Arc<Engine>),
) -> Result<Arc<Engine>, BootError> {
    let flags = &line.flags;
    otp.configure(&mut config);
    config.compiler = config.compiler.or_else(purlin_native::compiler);
    config.native_cache.take().into_iter().for_each(purlin_native::keep_in);
    otp.release.set_of_values().map_err(|other| {
        BootError(format!("this program runs Erlang/OTP {other} already: it cannot run {} beside it", otp.release))
    })?;
    if let Some(n) = flags.schedulers {
        config.schedulers = n;
    }
    if config.explores {
        config.schedulers = 1;
    }
    if let Some(n) = flags.processes {
        config.process_limit = n;
    }
    if let Some(n) = flags.atoms {
        Atom::set_limit(n);
    }
    config.off_heap_messages |= flags.off_heap_messages;
    config.printable_unicode |= flags.printable_unicode;
    config.warnings = flags.warnings.unwrap_or(config.warnings);
    config.settings = settings_of(line, config.settings);
    let tables: Vec<&[Native]> = purlin_natives::boot_tables().into_iter().chain([natives]).collect();
    let preloaded = read_preloaded(otp)?;
    let engine = Engine::new(&tables, config);
    engine.defaults.change(|d| {
        d.min_heap_size = flags.min_heap.map_or(d.min_heap_size, purlin_vm::gc::next_size);
        d.min_bin_vheap_size = flags.min_bin_vheap.map_or(d.min_bin_vheap_size, purlin_vm::gc::next_size);
        d.max_heap_size.size = flags.max_heap.unwrap_or(d.max_heap_size.size);
        d.max_heap_size.kill = flags.max_heap_kill.unwrap_or(d.max_heap_size.kill);
        d.max_heap_size.include_shared_binaries |= flags.max_heap_binaries == Some(true);
        d.max_heap_size.error_logger = flags.max_heap_log.unwrap_or(d.max_heap_size.error_logger);
    });
    purlin_natives::install(&engine);
    if engine.config.native_libraries {
        purlin_ffi::install(&engine);
    }
    prepare(&engine);
    start_epmd(line)?;
    load_preloaded(&engine, preloaded)?;
    let init = line.flags.init_module.as_deref().unwrap_or("init");
    start_processes(&engine, init, &line.init_args);
    engine.start(Box::new(Interpreter));
    Ok(engine)
}

/// Starts the daemon that tells nodes of each other; one that runs already stays.
fn start_epmd(line: &CommandLine) -> Result<(), BootError> {
    let Some(command) = &line.epmd else { return Ok(()) };
    let started = Command::new("/bin/sh").args(["-c", command]).status();
    if started.map_err(|e| BootError(format!("cannot start {command}: {e}")))?.success() {
        let port = std::env::var("ERL_EPMD_PORT").ok().and_then(|port| port.parse().ok());
        wait_for(port.unwrap_or(EPMD_PORT));
    }
    Ok(())
}

/// Waits a moment until the daemon listens at its port: it goes to the background before, and a node registers soon after
/// its start.
fn wait_for(port: u16) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let end = Instant::now() + EPMD_STARTS;
    while Instant::now() < end {
        match TcpStream::connect_timeout(&address, EPMD_STARTS) {
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
                std::thread::sleep(Duration::from_millis(2));
            }
            _ => return,
        }
    }
}

/// The settings of an engine, where the command line has some.
fn settings_of(line: &CommandLine, usual: purlin_vm::Settings) -> purlin_vm::Settings {
    let flags = &line.flags;
    purlin_vm::Settings {
        version: usual.version,
        emulator_args: line.emulator_args.clone(),
        online: flags.online,
        // As for processes, the table's size is a power of two.
        port_limit: flags.ports.map_or(usual.port_limit, usize::next_power_of_two),
        table_limit: flags.tables.map_or(usual.table_limit, |n| n.max(usual.table_limit)),
        compress_tables: flags.compress_tables,
        async_threads: flags.async_threads.unwrap_or(usual.async_threads),
        compat_release: flags.compat_release,
        timing_level: flags.timing_level,
        time_correction: flags.time_correction.unwrap_or(usual.time_correction),
        time_warp: flags.time_warp.clone().unwrap_or(usual.time_warp),
        port_parallelism: flags.port_parallelism.unwrap_or(usual.port_parallelism),
        busy_limit: flags.busy_limit.unwrap_or(usual.busy_limit),
        node_memory: flags.node_memory.map_or(usual.node_memory, |n| Some(n).filter(|&n| n != usize::MAX)),
        requests_limit: flags.requests_limit,
        async_dist: flags.async_dist,
        perf_map: flags.perf_map,
        file_names: flags.file_names,
    }
}

/// The files of the preloaded modules. Makes their atoms and those of their constants, so that these are numbered before any that natives name, as in
/// the emulator.
fn read_preloaded(otp: &Otp) -> Result<Vec<(&'static str, BeamFile)>, BootError> {
    let mut files = Vec::new();
    for name in preloaded::modules(otp.release) {
        let path = otp.preloaded.join(format!("{name}.beam"));
        let bytes = std::fs::read(&path).map_err(|e| BootError(format!("cannot read {}: {e}", path.display())))?;
        let file = BeamFile::parse(&bytes).map_err(|e| BootError(format!("{}: {e}", path.display())))?;
        for text in file.atoms() {
            Atom::try_new(text).map_err(|_| BootError(format!("{name}: the atom {text} cannot be made")))?;
        }
        // Those of its constants, which are needed later.
        for literal in file.literals().iter() {
            external::decode(literal, &mut Heap::new(0), &mut PlainContext)
                .map_err(|_| BootError(format!("{name}: a constant is no term")))?;
        }
        files.push((name, file));
    }
    Ok(files)
}

fn load_preloaded(engine: &Arc<Engine>, files: Vec<(&'static str, BeamFile)>) -> Result<(), BootError> {
    let mut modules = Vec::new();
    for (name, file) in files {
        modules.push(Module::prepare_preloaded(&engine.code, file).map_err(|e| BootError(format!("{name}: {e}")))?);
    }
    engine.code.finish(&modules).map_err(|_| BootError("a preloaded module is there twice".into()))?;
    // Their on_load functions are called by `erl_init`, so they are reachable at once.
    modules.iter().for_each(|m| engine.code.link(m));
    Ok(())
}

/// `init`, which is `<0.0.0>`, and those behind it.
fn start_processes(engine: &Arc<Engine>, init: &str, args: &[String]) {
    let mut heap = Heap::new(0);
    let args: Vec<Term> = args.iter().map(|a| heap.binary(a.as_bytes())).collect();
    let args = heap.list(&args);
    let first = [Term::atom(Atom::new(init)), args];
    let mut spawn = Spawn::new(Atom::new("erl_init"), Atom::new("start"), &first);
    spawn.system = true;
    spawn.start(engine);
    for (module, priority) in preloaded::processes(engine.config.release) {
        let mut spawn = Spawn::new(Atom::new(module), Atom::new("start"), &[]);
        spawn.system = true;
        spawn.priority = priority;
        spawn.flags.set(Flags::OFF_HEAP_MESSAGES, true);
        let started = spawn.start(engine);
        match (started, module) {
            (Some(p), "erts_literal_area_collector") => engine.literals.set_collector(p.who()),
            (Some(p), "erts_trace_cleaner") => engine.tracing.sessions.set_cleaner(p.who()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn waits_for_a_daemon_that_listens_late_and_not_for_one_that_never_does() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        drop(taken);
        let start = Instant::now();
        let late = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            (TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap(), Instant::now())
        });
        wait_for(port);
        let (listener, listens) = late.join().unwrap();
        assert!(listens > start && listener.accept().is_ok());
        drop(listener);
        let start = Instant::now();
        wait_for(port);
        assert!(start.elapsed() >= EPMD_STARTS);
    }
}
