//! The `purlin` command.

mod command;

use command::{Command, Options};
use purlin::elixir::{self, Task};
use purlin::{CommandLine, Config, Elixir, Otp, boot};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Processes are small blocks that one thread allocates and another frees: measured on message exchanges, this
/// allocator takes a third to a half off their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    match command::parse(&args).and_then(|(options, command)| run(&options, command)) {
        Ok(status) => ExitCode::from(status as u8),
        Err(message) => {
            eprintln!("purlin: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options, command: Command) -> Result<i32, String> {
    match command {
        Command::Help => {
            print!("{}", command::USAGE);
            Ok(0)
        }
        Command::Version => {
            println!("purlin {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        Command::Run { file, args } => {
            if !Path::new(&file).is_file() {
                return Err(format!("no such script: {file}"));
            }
            elixir(options, Task::Script(&file), &args)
        }
        Command::Eval { code, args } => elixir(options, Task::Eval(&code), &args),
        Command::Erl { args } => start(options, &args),
        Command::Dis { file } => disassemble(&file),
        Command::Missing => missing(options),
    }
}

fn elixir(options: &Options, task: Task<'_>, args: &[String]) -> Result<i32, String> {
    let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
    let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    let erl_options = std::env::var("ELIXIR_ERL_OPTIONS").ok();
    start(options, &elixir::erl_args(&elixir, task, args, erl_options.as_deref(), colours))
}

/// Starts an engine as `erl` would with these arguments.
fn start(options: &Options, args: &[String]) -> Result<i32, String> {
    let otp = Otp::find(options.otp.as_deref()).map_err(|e| e.to_string())?;
    let mut line = CommandLine::parse(args, |name| std::env::var(name).ok()).map_err(|e| e.to_string())?;
    if options.schedulers.is_some() {
        line.flags.schedulers = options.schedulers;
    }
    if line.flags.version {
        eprintln!("Erlang (SMP,ASYNC_THREADS) (PURLIN) emulator version {}", otp.erts.trim_start_matches("erts-"));
        return Ok(0);
    }
    set_environment(&otp);
    let config =
        Config { collect_always: std::env::var("PURLIN_COLLECT").is_ok_and(|v| v == "always"), ..Config::default() };
    boot::run(&otp, &line, config, "erl").map_err(|e| e.to_string())
}

/// Sets the variables that `erl` gives to its emulator.
fn set_environment(otp: &Otp) {
    let bindir = otp.bindir();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{path}", bindir.display(), otp.root.join("bin").display());
    let variables =
        [("ROOTDIR", otp.root.display().to_string()), ("BINDIR", bindir.display().to_string()), ("PATH", path)];
    for (name, value) in variables.into_iter().chain([("EMU", "beam".into()), ("PROGNAME", "erl".into())]) {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var(name, value) };
    }
}

fn disassemble(file: &Path) -> Result<i32, String> {
    let bytes = std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let beam = purlin_beam::BeamFile::parse(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = purlin_beam::disassemble(&beam).map_err(|e| format!("{}: {e}", file.display()))?;
    use std::io::Write;
    // A reader that has seen enough (`| head`) is no error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(0)
}

/// Lists the emulator's functions that the installed libraries call and Purlin lacks.
fn missing(options: &Options) -> Result<i32, String> {
    let otp = Otp::find(options.otp.as_deref()).map_err(|e| e.to_string())?;
    let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
    for line in purlin::missing::list(&otp, &elixir).map_err(|e| e.to_string())? {
        println!("{line}");
    }
    Ok(0)
}
