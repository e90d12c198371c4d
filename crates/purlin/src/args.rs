//! The command line of `erl`: what it makes of its arguments, files of arguments and variables of the environment, for
//! the emulator (`args/emulator.rs`) and for `init`.
//!
//! Flags that start with `+` are the emulator's wherever they stand before `-extra`; what each takes as its value is
//! told here, what values are good there. Faults are told in the words and with the status of `erl`.

mod allocators;
mod emulator;
mod scan;
mod split;
mod topology;

pub use emulator::EmulatorFlags;
use purlin_term::Release;
use split::split;
use std::fmt;

/// Where the emulator that a command line is for is installed.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub root: &'a str,
    pub bindir: &'a str,
    pub progname: &'a str,
    pub release: Release,
    /// Logical processors of the machine.
    pub processors: usize,
}

/// A command line made ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    pub flags: EmulatorFlags,
    /// All arguments of the emulator, its name first.
    pub emulator_args: Vec<String>,
    /// What `init:boot/1` gets.
    pub init_args: Vec<String>,
    /// Variables to set, and their values (`-env`).
    pub variables: Vec<(String, String)>,
    /// `-detached`: run in the background, without a terminal.
    pub detached: bool,
    /// `-emu_args`: print what is executed.
    pub tell: bool,
    /// The shell command that starts `epmd`, which tells nodes where others are.
    pub epmd: Option<String>,
}

/// A command line that only has something printed, or that cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    pub out: String,
    pub err: String,
    pub status: i32,
    /// Print the emulator's version.
    pub version: bool,
    /// Show this page of the manual.
    pub man: Option<Vec<String>>,
}

/// The arguments of `erlc` or `escript` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgsError(pub String);

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ArgsError {}

/// How `erl` is used.
const USAGE: &str = "Usage: erl [-version] [-sname NAME | -name NAME] [-noshell] [-noinput] [-env VAR VALUE] \
    [-compile file ...] [-make] [-man [manopts] MANPAGE] [-x] [-emu_args] [-start_epmd BOOLEAN] [-emu_type TYPE] \
    [-emu_flavor FLAVOR] [-args_file FILENAME] [+A THREADS] [+a SIZE] [+B[c|d|i]] [+c [BOOLEAN]] [+C MODE] \
    [+dcg DECENTRALIZED_COUNTER_GROUPS_LIMIT] [+h HEAP_SIZE_OPTION] [+J[Pperf] JIT_OPTION] \
    [+M<SUBSWITCH> <ARGUMENT>] [+P MAX_PROCS] [+Q MAX_PORTS] [+R COMPAT_REL] [+r] [+rg READER_GROUPS_LIMIT] \
    [+s<SUBSWITCH> SCHEDULER_OPTION] [+S NO_SCHEDULERS:NO_SCHEDULERS_ONLINE] \
    [+SP PERCENTAGE_SCHEDULERS:PERCENTAGE_SCHEDULERS_ONLINE] [+T LEVEL] [+V] [+v] [+W<i|w|e>] [+z MISC_OPTION] \
    [args ...]\n";

fn usage(text: String) -> Stop {
    Stop { err: text + USAGE, status: 1, ..Stop::default() }
}

fn missing(flag: &str) -> Stop {
    usage(format!("Missing argument(s) for '{flag}'.\n"))
}

fn refused(text: &str) -> Stop {
    Stop { err: format!("erlexec: {text}\n"), status: 1, ..Stop::default() }
}

impl CommandLine {
    /// Reads the arguments of `erl`, with the variables of the environment that `erl` reads.
    pub fn parse(
        args: &[String],
        place: &Place<'_>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<CommandLine, Stop> {
        let args = gather(args, place.release, &env)?;
        check_kind(&args)?;
        let mut reader = Reader::default();
        reader.read(args)?;
        let program = env("ESCRIPT_NAME").unwrap_or_else(|| format!("{}/beam.smp", place.bindir));
        let mut emulator = reader.emulator;
        let tail = ["--", "-root", place.root, "-bindir", place.bindir, "-progname", place.progname, "--"];
        emulator.extend(tail.map(str::to_owned));
        for (flag, variable) in [("-home", "HOME"), ("-epmd_port", "ERL_EPMD_PORT")] {
            if let Some(value) = env(variable) {
                emulator.extend([flag.to_owned(), value]);
            }
        }
        emulator.push("--".into());
        emulator.extend(reader.init);
        let quoted = |s: &String| format!("\"{s}\" ");
        match reader.print {
            Some(Print::Arguments) => {
                return Err(Stop { out: emulator.iter().map(|a| format!("{a}\n")).collect(), ..Stop::default() });
            }
            Some(Print::Command) => {
                let command: String = emulator.iter().map(quoted).collect();
                return Err(Stop { out: format!("\"{}/beam.smp\" {command}\n", place.bindir), ..Stop::default() });
            }
            None => {}
        }
        let emulator_args = std::iter::once(program.clone()).chain(emulator.iter().cloned()).collect();
        let (flags, behind) = emulator::read(&program, place, &mut emulator)?;
        let usual = || format!("\"{}/epmd\" -daemon", place.bindir);
        let starts_epmd = reader.distributed && !reader.without_epmd;
        let epmd = starts_epmd.then(|| reader.epmd.unwrap_or_else(usual));
        Ok(CommandLine {
            flags,
            emulator_args,
            init_args: emulator.split_off(behind),
            variables: reader.variables,
            detached: reader.detached,
            tell: reader.tell,
            epmd,
        })
    }

    /// What `-emu_args` prints.
    pub fn told(&self, place: &Place<'_>) -> String {
        format!("Executing: {}/beam.smp {}\n\n", place.bindir, self.emulator_args.join(" "))
    }
}

/// All arguments: those of the variables `ERL_OTP25_FLAGS` (or of another release) and `ERL_AFLAGS`, the command's,
/// those of `ERL_FLAGS` and `ERL_ZFLAGS`. `--` ends the values of each one's last flag. What follows `-extra` comes last.
fn gather(args: &[String], release: Release, env: &impl Fn(&str) -> Option<String>) -> Result<Vec<String>, Stop> {
    let variable = |name: &str| {
        let mut args = split(&env(name)?, false);
        (!args.is_empty()).then(|| {
            args.push("--".into());
            args
        })
    };
    let of_release = format!("ERL_OTP{release}_FLAGS");
    let before: Vec<_> = [of_release.as_str(), "ERL_AFLAGS"].into_iter().filter_map(variable).collect();
    let behind: Vec<_> = ["ERL_FLAGS", "ERL_ZFLAGS"].into_iter().filter_map(variable).collect();
    let from_files = args.iter().take_while(|a| *a != "-extra").any(|a| a == "-args_file");
    if before.is_empty() && behind.is_empty() && !from_files {
        return Ok(args.to_vec());
    }
    let (mut all, mut extra) = (Vec::new(), Vec::new());
    for part in before {
        expand(part, &mut all, &mut extra)?;
    }
    if !args.is_empty() {
        expand(args.to_vec(), &mut all, &mut extra)?;
        all.push("--".to_owned());
    }
    for part in behind {
        expand(part, &mut all, &mut extra)?;
    }
    if !extra.is_empty() {
        all.push("-extra".into());
        all.append(&mut extra);
    }
    Ok(all)
}

/// Replaces `-args_file FILE` by the arguments in that file, which `--` ends.
fn expand(args: Vec<String>, all: &mut Vec<String>, extra: &mut Vec<String>) -> Result<(), Stop> {
    /// Files within files at most.
    const DEPTH: usize = 1000;
    let mut stack = vec![args.into_iter()];
    while let Some(args) = stack.last_mut() {
        match args.next() {
            None => drop(stack.pop()),
            Some(arg) if arg == "-args_file" => {
                let file = args.next().ok_or_else(|| missing("-args_file"))?;
                if stack.len() > DEPTH {
                    return Err(refused(&format!("arguments files include each other: {file}")));
                }
                let mut inner = split(&read_file(&file)?, true);
                if !inner.is_empty() {
                    inner.push("--".into());
                }
                stack.push(inner.into_iter());
            }
            Some(arg) if arg == "-extra" => {
                // So is the `--` at the end of a file or variable.
                extra.extend(args.by_ref());
            }
            Some(arg) => all.push(arg),
        }
    }
    Ok(())
}

fn read_file(file: &str) -> Result<String, Stop> {
    let reason = |e: std::io::Error| {
        let text = e.to_string();
        text.split(" (os error").next().unwrap_or(&text).to_owned()
    };
    let opened = std::fs::File::open(file).map_err(|e| {
        let at = std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default();
        usage(format!("Failed to open arguments file \"{file}\" at \"{at}\": {}\n", reason(e)))
    })?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut &opened, &mut bytes)
        .map_err(|e| usage(format!("Failed to read arguments file \"{file}\": {}\n", reason(e))))?;
    // Text ends at a zero byte.
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// Looks at the flags that say which emulator to start: there is one.
fn check_kind(args: &[String]) -> Result<(), Stop> {
    let mut it = args.iter().peekable();
    let mut other = false;
    while let Some(arg) = it.next() {
        match arg.as_str() {
            "-extra" => break,
            "-smp" if it.next_if(|v| *v == "disable").is_some() => return Err(no_disable()),
            "-smp" => drop(it.next_if(|v| *v == "auto" || *v == "enable")),
            "-smpdisable" => return Err(no_disable()),
            "-emu_type" | "-emu_flavor" => {
                let value = it.next().filter(|v| *v != "--").ok_or_else(|| missing(arg))?;
                other |= value != if arg == "-emu_type" { "opt" } else { "smp" };
            }
            _ => {}
        }
    }
    if other {
        let text = "Invalid emulator type or flavor. Available combinations are: \n  -emu_flavor smp\n";
        return Err(refused(text));
    }
    Ok(())
}

fn no_disable() -> Stop {
    usage("Argument '-smp disable' not supported. Use \"+S 1\" instead.\n".into())
}

/// What is printed instead of starting.
enum Print {
    Arguments,
    Command,
}

/// The arguments, sorted into those of the emulator and those of `init`.
#[derive(Default)]
struct Reader {
    emulator: Vec<String>,
    init: Vec<String>,
    variables: Vec<(String, String)>,
    detached: bool,
    tell: bool,
    print: Option<Print>,
    /// The node is to have a name.
    distributed: bool,
    /// `-start_epmd false` or `-no_epmd`.
    without_epmd: bool,
    epmd: Option<String>,
}

impl Reader {
    fn read(&mut self, args: Vec<String>) -> Result<(), Stop> {
        let (mut no_epmd, mut protocol, mut halt) = (false, false, false);
        let mut it = args.into_iter().peekable();
        while let Some(arg) = it.next() {
            let mut value = |flag: &str| it.next_if(|v| v != "--").ok_or_else(|| missing(flag));
            match arg.as_str() {
                "-extra" => {
                    self.init.push(arg);
                    self.init.extend(it);
                    break;
                }
                "-noinput" => self.for_init(&["-noshell", "-noinput"]),
                "-detached" => {
                    self.detached = true;
                    self.for_init(&["-noshell", "-noinput"]);
                }
                "-make" => {
                    self.for_init(&["-noshell", "-noinput", "-s", "make", "all_or_nothing"]);
                    self.emulator.push("-B".into());
                    halt = true;
                    break;
                }
                "-compile" => {
                    self.for_init(&["-noshell", "-noinput", "-s", "c", "lc_batch"]);
                    self.emulator.push("-B".into());
                }
                "-configfd" => {
                    let fd = value(&arg)?;
                    if fd == "0" {
                        self.for_init(&["-noshell", "-noinput"]);
                    }
                    self.init.extend([arg, fd]);
                }
                "-emu_args" => self.tell = true,
                "-emu_args_exit" => self.print = Some(Print::Arguments),
                "-emu_qouted_cmd_exit" => self.print = Some(Print::Command),
                "-emu_name_exit" => return Err(Stop { out: "beam.smp\n".into(), ..Stop::default() }),
                "-env" => {
                    let name = value("-env")?;
                    self.variables.push((name, value("-env")?));
                }
                "-epmd" => self.epmd = Some(value(&arg)?),
                "-keep_window" => {}
                "-man" => return Err(Stop { man: Some(it.collect()), ..Stop::default() }),
                "-name" | "-sname" => {
                    self.distributed = true;
                    let name = value(&arg)?;
                    self.init.extend([arg, name]);
                }
                "-no_epmd" => {
                    no_epmd = true;
                    self.init.push(arg);
                }
                "-proto_dist" => {
                    protocol = true;
                    let name = value(&arg)?;
                    self.init.extend([arg, name]);
                }
                "-start_epmd" => {
                    let start = value(&arg)?;
                    if start != "true" && start != "false" {
                        return Err(usage("Expected boolean argument for '-start_epmd'.\n".into()));
                    }
                    self.without_epmd |= start == "false";
                    self.init.extend([arg, start]);
                }
                "-version" => self.emulator.push("-V".into()),
                _ if arg.starts_with('+') => self.emulator_flag(&arg, &mut it)?,
                _ => self.init.push(arg),
            }
        }
        self.without_epmd |= no_epmd;
        if no_epmd && !protocol {
            return Err(refused("Missing -proto_dist option, expected when using -no_epmd."));
        }
        if halt {
            self.for_init(&["-s", "erlang", "halt"]);
        }
        Ok(())
    }

    fn for_init(&mut self, args: &[&str]) {
        self.init.extend(args.iter().map(|s| s.to_string()));
    }

    /// Hands a flag of the emulator on, with its value if that is an argument of its own.
    fn emulator_flag(
        &mut self,
        arg: &str,
        it: &mut std::iter::Peekable<impl Iterator<Item = String>>,
    ) -> Result<(), Stop> {
        let name = &arg[1..];
        let dashed = format!("-{name}");
        let with_value = match name {
            "B" => {
                self.emulator.push(dashed);
                self.emulator.extend(it.next_if(|v| matches!(v.as_str(), "i" | "c" | "d")));
                return Ok(());
            }
            _ if name.starts_with('B') && !name[1..].starts_with(['i', 'c', 'd']) => return Err(missing(&dashed)),
            "c" => {
                self.emulator.push(dashed);
                self.emulator.extend(it.next_if(|v| v == "true" || v == "false"));
                return Ok(());
            }
            _ if name.starts_with('I')
                && !["IOt", "IOp", "IOPt", "IOPp", "IOs"].iter().any(|n| name.starts_with(n)) =>
            {
                return Err(missing(arg));
            }
            _ if name.starts_with("SD") && !["SDcpu", "SDPcpu", "SDio"].iter().any(|n| name.starts_with(n)) => {
                return Err(missing(arg));
            }
            _ => name.starts_with('J') || takes_value(name),
        };
        self.emulator.push(dashed);
        if with_value {
            self.emulator.push(it.next_if(|v| v != "--").ok_or_else(|| missing(arg))?);
        }
        Ok(())
    }
}

/// Whether the value of this flag of the emulator is the next argument.
fn takes_value(name: &str) -> bool {
    const ALONE: &[&str] = &[
        "a", "A", "C", "e", "i", "n", "P", "Q", "t", "T", "R", "W", "K", "IOt", "IOp", "IOPt", "IOPp", "IOs", "SP",
        "SDcpu", "SDPcpu", "SDio", "S", "rg", "pc",
    ];
    const SCHEDULING: &[&str] = &[
        "bt", "bwtdcpu", "bwtdio", "bwt", "cl", "ct", "ecio", "fwi", "tbt", "wct", "wtdcpu", "wtdio", "wt", "ws", "ss",
        "ssdcpu", "ssdio", "pp", "ub",
    ];
    const HEAP: &[&str] = &["ms", "mbs", "pds", "max", "maxk", "maxel", "mqd", ""];
    const MISCELLANEOUS: &[&str] = &["dbbl", "dntgc", "ebwt", "osrl"];
    const ALLOCATOR: &[&str] = &[
        "as", "asbcst", "atags", "acul", "acnl", "acfml", "acful", "cp", "e", "t", "lmbcs", "mbcgs", "mbsd", "mmbcs",
        "mmmbc", "mmsbc", "msbclt", "ramv", "rmbcmt", "rsbcmt", "rsbcst", "sbct", "smbcs",
    ];
    const ALLOCATION: &[&str] = &[
        "ea", "ummc", "uycs", "usac", "im", "is", "lpm", "Mamcbf", "Mrmcbf", "Mmcs", "Mscs", "Mscrfsd", "Msco",
        "Mscrpm", "Ye", "Ym", "Ytp", "Ytt", "Iscs", "Xscs", "dai",
    ];
    let Some(rest) = name.get(1..) else { return false };
    match name.as_bytes()[0] {
        b's' => SCHEDULING.contains(&rest),
        b'h' => HEAP.contains(&rest),
        b'z' => MISCELLANEOUS.contains(&rest),
        b'M' => {
            let of_one = rest.strip_prefix(['u', 'B', 'I', 'D', 'E', 'F', 'H', 'L', 'R', 'S', 'T', 'Z']);
            of_one.is_some_and(|setting| ALLOCATOR.contains(&setting)) || ALLOCATION.contains(&rest)
        }
        _ => ALONE.contains(&name),
    }
}

#[cfg(test)]
mod tests;
