//! The `purlin` command.

mod command;
mod races;
mod usage;

use command::{Command, Options};
use purlin::args::{Place, Stop};
use purlin::elixir::{self, Surroundings, Tool};
use purlin::{CommandLine, Config, Elixir, Otp, boot, erlang, own_root};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[cfg(not(feature = "system-allocator"))]
#[global_allocator]
static ALLOCATOR: purlin_vm::allocator::Allocator = purlin_vm::allocator::Allocator;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
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
            say(&usage::help());
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
            // A name like a flag's would be taken for one.
            let file = if file.starts_with('-') { format!("./{file}") } else { file };
            if options.races.are_given()? {
                let command = races::command(&["run"], &[vec![file.clone()], args.clone()].concat(), true);
                return explore(options, Tool::Elixir, &purlin::races::script(file, args), command);
            }
            elixir(options, Tool::Elixir, &[vec![file], args].concat())
        }
        Command::Eval { code, args } => elixir(options, Tool::Elixir, &[vec!["-e".into(), code], args].concat()),
        Command::Test { args } if Path::new("mix.exs").is_file() && options.races.are_given()? => {
            let command = races::command(&["test"], &args, false);
            let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
            let mix = elixir.root.join("bin/mix").display().to_string();
            explore(options, Tool::Elixir, &purlin::races::mix_test(mix, args), command)
        }
        Command::Test { args } if Path::new("mix.exs").is_file() => {
            elixir(options, Tool::Mix, &[vec!["test".into()], args].concat())
        }
        Command::Test { args } if options.races.are_given()? => {
            let command = races::command(&["test"], &args, false);
            explore(options, Tool::Elixir, &purlin::races::tests(command::test_args(&args, true)?), command)
        }
        Command::Test { args } => elixir(options, Tool::Elixir, &command::test_args(&args, false)?),
        Command::Elixir { tool, args } => elixir(options, tool, &args),
        Command::Erl { args } => start(options, &args),
        Command::Erlc { args } => {
            set_variable("ESCRIPT_NAME", "erlc");
            match erlang::erlc(&args) {
                Ok(args) => start(options, &args),
                Err(e) => Ok(refused(&e)),
            }
        }
        Command::Escript { args } => {
            let (args, script) = match erlang::escript(&args) {
                Ok(found) => found,
                Err(e) => return Ok(refused(&e)),
            };
            set_variable("ESCRIPT_NAME", &script);
            start(options, &args)
        }
        Command::Dis { file } => disassemble(&file),
        Command::Translated(wanted, what) => {
            let otp = otp(options)?;
            let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
            say(&purlin::translated::list(&otp, &elixir, &wanted, what, Config::from_env()?)?);
            Ok(0)
        }
        Command::Missing => missing(options),
        Command::Completions(shell) => {
            say(&usage::completions(shell));
            Ok(0)
        }
        Command::Man => {
            say(&usage::man());
            Ok(0)
        }
    }
}

/// Prints a text; a reader that has seen enough (`| head`) is no error.
fn say(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Says what is wrong in the words and with the status of `erlc` and `escript` themselves.
fn refused(error: &dyn std::fmt::Display) -> i32 {
    eprintln!("{error}");
    1
}

/// As [`elixir`], in each order of steps.
fn explore(options: &Options, tool: Tool, args: &[String], command: [String; 2]) -> Result<i32, String> {
    let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
    let args = elixir::erl_args(&elixir, tool, args, &Surroundings::default());
    start_as(options, &args, Some(options.races.settings(command)))
}

fn elixir(options: &Options, tool: Tool, args: &[String]) -> Result<i32, String> {
    let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
    let first = args.first().map(String::as_str);
    let usage = matches!((tool, first), (Tool::Elixir | Tool::Elixirc, None))
        || tool != Tool::Mix && args.len() == 1 && matches!(first, Some("--help" | "-h" | "--short-version"));
    if usage {
        return installed(&elixir, tool, first);
    }
    let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    let around = Surroundings { options: std::env::var("ELIXIR_ERL_OPTIONS").ok(), colours };
    start(options, &elixir::erl_args(&elixir, tool, args, &around))
}

/// Has the installed command tell how it is used, for which it starts no emulator.
fn installed(elixir: &Elixir, tool: Tool, arg: Option<&str>) -> Result<i32, String> {
    let name = match tool {
        Tool::Iex => "iex",
        Tool::Elixirc => "elixirc",
        _ => "elixir",
    };
    let path = elixir.root.join("bin").join(name);
    let status = std::process::Command::new(&path).args(arg).status();
    let status = status.map_err(|e| format!("cannot run {}: {e}", path.display()))?;
    Ok(status.code().unwrap_or(1))
}

/// The installation to boot; a warning when it is of a release that Purlin does not know.
fn otp(options: &Options) -> Result<Otp, String> {
    let around = || std::env::current_exe().ok().as_deref().and_then(Otp::around);
    let found = if options.otp.is_some() { None } else { around() };
    let mut otp = found.map_or_else(|| Otp::find(options.otp.as_deref()), Ok).map_err(|e| e.to_string())?;
    if let Some(dir) = std::env::var_os("PURLIN_BINDIR") {
        otp.bindir = dir.into();
    }
    if let Some(warning) = otp.warning() {
        eprintln!("purlin: warning: {warning}");
    }
    Ok(otp)
}

/// Starts an engine as `erl` would with these arguments.
fn start(options: &Options, args: &[String]) -> Result<i32, String> {
    start_as(options, args, None)
}

/// As [`start`], or with all orders tried.
fn start_as(options: &Options, args: &[String], races: Option<purlin::races::Settings>) -> Result<i32, String> {
    let otp = if own_root::is_wanted(args) { with_own_root(otp(options)?) } else { otp(options)? };
    let (root, bindir) = (otp.root.display().to_string(), otp.bindir.display().to_string());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let place = Place { root: &root, bindir: &bindir, progname: "erl", release: otp.release, processors };
    let mut line = match CommandLine::parse(args, &place, |name| std::env::var(name).ok()) {
        Ok(line) => line,
        Err(stop) => return stopped(stop, &otp),
    };
    if options.schedulers.is_some() {
        (line.flags.schedulers, line.flags.online) = (options.schedulers, None);
    }
    if line.tell {
        print!("{}", line.told(&place));
    }
    for (name, value) in &line.variables {
        set_variable(name, value);
    }
    if line.detached && !in_background()? {
        return Ok(0);
    }
    set_environment(&otp);
    let config = Config::from_env()?;
    let config = Config { native_libraries: config.native_libraries && !options.no_native_libraries, ..config };
    match races {
        Some(settings) => boot::explore(&otp, &line, config, settings),
        None => boot::run(&otp, &line, config),
    }
    .map_err(|e| e.to_string())
}

/// The installation with this program in the emulator's place, which is what a release that is made gets.
fn with_own_root(otp: Otp) -> Otp {
    let own = std::env::current_exe().and_then(|program| own_root::make(&otp, &program, &own_root::cache()));
    own.unwrap_or_else(|e| {
        let place = own_root::cache();
        eprintln!("purlin: warning: cannot write {}: {e}; releases made now will have the BEAM", place.display());
        otp
    })
}

/// Does what a command line asks for that starts no engine.
fn stopped(stop: Stop, otp: &Otp) -> Result<i32, String> {
    if stop.version {
        eprint!("Erlang (SMP,ASYNC_THREADS) (PURLIN) emulator version {}\r\n", otp.erts.trim_start_matches("erts-"));
    }
    if let Some(pages) = stop.man {
        use std::os::unix::process::CommandExt;
        let man = std::process::Command::new("man").args(pages).env("MANPATH", otp.root.join("man")).exec();
        eprintln!("erlexec: Could not execute the 'man' command.");
        return if man.kind() == std::io::ErrorKind::NotFound { Ok(1) } else { Err(man.to_string()) };
    }
    print!("{}", stop.out);
    eprint!("{}", stop.err);
    Ok(stop.status)
}

/// Set for the program in the background.
const BACKGROUND: &str = "PURLIN_BACKGROUND";

/// Whether this is the program in the background, which then has a session of its own; else it is started.
fn in_background() -> Result<bool, String> {
    if std::env::var_os(BACKGROUND).is_some() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::remove_var(BACKGROUND) };
        let _ = rustix::process::setsid();
        return Ok(true);
    }
    use std::os::unix::process::CommandExt;
    let mut args = std::env::args_os();
    let error = |e: std::io::Error| format!("cannot start in the background: {e}");
    let mut own = std::process::Command::new(std::env::current_exe().map_err(error)?);
    if let Some(name) = args.next() {
        own.arg0(name);
    }
    let null = std::process::Stdio::null;
    own.args(args).env(BACKGROUND, "1").stdin(null()).stdout(null()).stderr(null()).spawn().map_err(error)?;
    Ok(false)
}

/// Sets the variables that `erl` gives to its emulator.
fn set_environment(otp: &Otp) {
    let bindir = &otp.bindir;
    let path = std::env::var("PATH").unwrap_or_default();
    let own = own_links(&path).map_or(String::new(), |dir| format!("{}:", dir.display()));
    let path = format!("{own}{}:{}:{path}", bindir.display(), otp.root.join("bin").display());
    let variables =
        [("ROOTDIR", otp.root.display().to_string()), ("BINDIR", bindir.display().to_string()), ("PATH", path)];
    for (name, value) in variables.into_iter().chain([("EMU", "beam".into()), ("PROGNAME", "erl".into())]) {
        set_variable(name, &value);
    }
}

/// The directory of the `erl` that commands find first, when that is a link to this program: what runs on Purlin
/// starts its own kind.
fn own_links(path: &str) -> Option<PathBuf> {
    let erl = std::env::split_paths(path).map(|dir| dir.join("erl")).find(|erl| erl.is_file())?;
    let own = std::env::current_exe().and_then(|exe| exe.canonicalize()).ok()?;
    (erl.canonicalize().ok()? == own).then(|| erl.parent().map(Path::to_path_buf))?
}

fn set_variable(name: &str, value: &str) {
    // SAFETY: no other thread has been started yet.
    unsafe { std::env::set_var(name, value) };
}

fn disassemble(file: &Path) -> Result<i32, String> {
    let bytes = std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let beam = purlin_beam::BeamFile::parse(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
    let text = purlin_beam::disassemble(&beam).map_err(|e| format!("{}: {e}", file.display()))?;
    say(&text);
    Ok(0)
}

/// Lists the emulator's functions that the installed libraries call and Purlin lacks.
fn missing(options: &Options) -> Result<i32, String> {
    let otp = otp(options)?;
    let elixir = Elixir::find(options.elixir.as_deref()).map_err(|e| e.to_string())?;
    let missing = purlin::missing::list(&otp, &elixir).map_err(|e| e.to_string())?;
    for line in missing.natives {
        println!("{line}");
    }
    for line in missing.unread {
        eprintln!("purlin: not read: {line}");
    }
    Ok(0)
}
