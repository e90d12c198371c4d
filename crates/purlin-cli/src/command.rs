//! Reading the `purlin` command line. Every wrong use is one line and exit status 2.

use crate::races::Flags;
use crate::usage::Shell;
use purlin::elixir::Tool;
use purlin::translated::{Wanted, What};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// Options that come before the command's own arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub schedulers: Option<usize>,
    /// Libraries of C or Rust are refused.
    pub no_native_libraries: bool,
    pub otp: Option<PathBuf>,
    pub elixir: Option<PathBuf>,
    /// Orders of steps are tried.
    pub races: Flags,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Version,
    /// A script file and its arguments.
    Run {
        file: String,
        args: Vec<String>,
    },
    /// Elixir code and its arguments.
    Eval {
        code: String,
        args: Vec<String>,
    },
    /// Files of tests, and options of the run.
    Test {
        args: Vec<String>,
    },
    /// One of Elixir's own commands.
    Elixir {
        tool: Tool,
        args: Vec<String>,
    },
    /// The arguments of `erl`.
    Erl {
        args: Vec<String>,
    },
    Erlc {
        args: Vec<String>,
    },
    Escript {
        args: Vec<String>,
    },
    /// A .beam file to list.
    Dis {
        file: PathBuf,
    },
    /// The translated code, or machine code, of a module or function.
    Translated(Wanted, What),
    /// The natives that the installed libraries import and Purlin lacks.
    Missing,
    /// A shell's completions.
    Completions(Shell),
    /// The manual page.
    Man,
}

/// The commands that can also be called by a link of their name.
const NAMES: &[&str] = &["erl", "erlexec", "erlc", "escript", "elixir", "elixirc", "iex", "mix"];

/// Reads the arguments, the first of which is what the program was called by.
pub fn parse(args: &[String]) -> Result<(Options, Command), String> {
    let mut it = args.iter().cloned().peekable();
    let called = it.next().unwrap_or_default();
    let called = called.rsplit('/').next().unwrap_or_default();
    let mut options = Options::default();
    let name = if NAMES.contains(&called) {
        called.to_owned()
    } else {
        options.read(&mut it)?;
        match it.next() {
            Some(name) => name,
            None => return Ok((options, Command::Help)),
        }
    };
    if matches!(name.as_str(), "run" | "eval" | "test" | "missing") {
        options.read(&mut it)?;
    }
    let rest = |options: &mut Options, it: &mut dyn Iterator<Item = String>| options.races.take_from(it.collect());
    let command = match name.as_str() {
        "--help" | "-h" | "help" => Command::Help,
        "--version" | "-v" | "-V" | "version" => Command::Version,
        "test" => Command::Test { args: rest(&mut options, &mut it)? },
        "elixir" => Command::Elixir { tool: Tool::Elixir, args: it.collect() },
        "elixirc" => Command::Elixir { tool: Tool::Elixirc, args: it.collect() },
        "iex" | "shell" => Command::Elixir { tool: Tool::Iex, args: it.collect() },
        "mix" if it.peek().is_some_and(|task| task == "test") => {
            let mut args = rest(&mut options, &mut it)?;
            if options.races.are_given()? {
                Command::Test { args: args.split_off(1) }
            } else {
                Command::Elixir { tool: Tool::Mix, args }
            }
        }
        "mix" => Command::Elixir { tool: Tool::Mix, args: it.collect() },
        "erl" | "erlexec" => Command::Erl { args: it.collect() },
        "erlc" => Command::Erlc { args: it.collect() },
        "escript" => Command::Escript { args: it.collect() },
        "run" | "eval" | "dis" | "missing" | "completions" | "man" => own(&name, it)?,
        script if is_script(script) => Command::Run { file: name, args: it.collect() },
        other if other.starts_with('-') => return Err(format!("unknown flag {other}; see `purlin --help`")),
        other => return Err(format!("unknown command {other}; see `purlin --help`")),
    };
    Ok((options, command))
}

/// Whether a word in the command's place is a script to run.
fn is_script(word: &str) -> bool {
    !word.starts_with('-') && Path::new(word).extension().is_some_and(|e| e == "exs" || e == "ex")
}

/// The commands that take one argument before their program's own.
fn own(name: &str, mut it: impl Iterator<Item = String>) -> Result<Command, String> {
    let first = match it.next() {
        Some(flag) if name == "dis" && matches!(flag.as_str(), "--translated" | "--native") => {
            let what = if flag == "--native" { What::MachineCode } else { What::Instructions };
            let wanted = it.next().ok_or_else(|| format!("purlin dis {flag} needs a module"))?;
            return match it.next() {
                Some(extra) => Err(format!("purlin dis {flag} takes one module, not also {extra}")),
                None => Ok(Command::Translated(Wanted::parse(&wanted), what)),
            };
        }
        Some(arg) if arg == "--" => it.next(),
        Some(flag) if flag.starts_with('-') && name != "eval" => {
            return Err(format!("unknown flag {flag} for purlin {name}; see `purlin --help`"));
        }
        first => first,
    };
    match (name, first) {
        ("run", Some(file)) => Ok(Command::Run { file, args: it.collect() }),
        ("eval", Some(code)) => Ok(Command::Eval { code, args: it.collect() }),
        ("dis", Some(file)) => match it.next() {
            Some(extra) => Err(format!("purlin dis takes one file, not also {extra}")),
            None => Ok(Command::Dis { file: file.into() }),
        },
        ("missing", None) => Ok(Command::Missing),
        ("man", None) => Ok(Command::Man),
        ("missing" | "man", Some(arg)) => Err(format!("purlin {name} takes no argument, not {arg}")),
        ("completions", shell) => match shell.as_deref().and_then(Shell::named) {
            Some(shell) => Ok(Command::Completions(shell)),
            None => Err("purlin completions needs a shell: bash, zsh or fish".into()),
        },
        ("run", None) => Err("purlin run needs a script file".into()),
        ("eval", None) => Err("purlin eval needs Elixir code".into()),
        _ => Err("purlin dis needs a .beam file".into()),
    }
}

impl Options {
    /// Takes the options that stand in front.
    fn read(&mut self, it: &mut Peekable<impl Iterator<Item = String> + Clone>) -> Result<(), String> {
        while let Some(arg) = it.peek().cloned() {
            let mut rest = it.clone();
            rest.next();
            let mut value = || rest.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--no-native-libraries" => self.no_native_libraries = true,
                "--otp" => self.otp = Some(value()?.into()),
                "--elixir" => self.elixir = Some(value()?.into()),
                "--schedulers" => {
                    let value = value()?;
                    match value.parse() {
                        Ok(n) if (1..=1024).contains(&n) => self.schedulers = Some(n),
                        _ => return Err(format!("--schedulers takes a number from 1 to 1024, not {value}")),
                    }
                }
                _ if self.races.take(&arg, &mut || rest.next())? => {}
                _ => break,
            }
            *it = rest;
        }
        Ok(())
    }
}

/// The arguments of `elixir` that run files of tests; `load`: that only load them.
pub fn test_args(args: &[String], load: bool) -> Result<Vec<String>, String> {
    let mut start: Vec<String> = load.then(|| "autorun: false".to_owned()).into_iter().collect();
    let (mut files, mut lines) = (Vec::new(), Vec::new());
    let mut it = args.iter();
    while let Some(arg) = it.next() {
        match arg.as_str() {
            "--trace" => start.push("trace: true".to_owned()),
            "--seed" => match it.next().and_then(|n| n.parse::<u32>().ok()) {
                Some(n) => start.push(format!("seed: {n}")),
                None => return Err("--seed needs a number".into()),
            },
            flag if flag.starts_with('-') => return Err(format!("unknown flag {flag} for purlin test")),
            file => match file.rsplit_once(':') {
                Some((path, line)) if line.parse::<u32>().is_ok() => {
                    files.push(path);
                    lines.push(format!("line: \"{line}\""));
                }
                _ => files.push(file),
            },
        }
    }
    if files.is_empty() {
        return Err("purlin test needs a file of tests, or a Mix project".into());
    }
    if let Some(missing) = files.iter().find(|f| !Path::new(f).is_file()) {
        return Err(format!("no such file: {missing}"));
    }
    if !lines.is_empty() {
        start.push(format!("exclude: [:test], include: [{}]", lines.join(", ")));
    }
    let mut out = vec!["-e".to_owned(), format!("ExUnit.start([{}])", start.join(", "))];
    out.extend(files.into_iter().flat_map(|f| ["-r".to_owned(), f.to_owned()]));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Options, Command), String> {
        let words = line.split_whitespace().map(str::to_owned);
        parse(&["/x/purlin".to_owned()].into_iter().chain(words).collect::<Vec<_>>())
    }

    #[test]
    fn a_script_keeps_its_own_flags() {
        let (options, command) = parsed("run --schedulers 2 x.exs --schedulers a").unwrap();
        assert_eq!(options.schedulers, Some(2));
        let args = vec!["--schedulers".to_string(), "a".into()];
        assert_eq!(command, Command::Run { file: "x.exs".into(), args });
    }

    #[test]
    fn a_script_needs_no_command_and_nothing_is_a_call_for_help() {
        let args = vec!["-x".to_string()];
        assert_eq!(parsed("dir/a.exs -x").unwrap().1, Command::Run { file: "dir/a.exs".into(), args });
        assert_eq!(parsed("").unwrap().1, Command::Help);
        assert_eq!(parsed("version").unwrap().1, Command::Version);
    }

    #[test]
    fn a_link_of_a_commands_name_is_that_command() {
        let args = ["/usr/bin/erl", "-noshell"].map(str::to_owned);
        assert_eq!(parse(&args).unwrap().1, Command::Erl { args: vec!["-noshell".into()] });
        let (options, command) = parsed("--schedulers 3 mix test --schedulers 2").unwrap();
        assert_eq!(options.schedulers, Some(3));
        let args = ["test", "--schedulers", "2"].map(str::to_owned).into();
        assert_eq!(command, Command::Elixir { tool: Tool::Mix, args });
    }

    #[test]
    fn a_test_may_be_named_by_its_line() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let args = test_args(&["--seed".into(), "7".into(), format!("{file}:12")], false).unwrap();
        let start = "ExUnit.start([seed: 7, exclude: [:test], include: [line: \"12\"]])";
        assert_eq!(args, ["-e", start, "-r", file]);
        assert_eq!(test_args(&["none_test.exs".into()], false).unwrap_err(), "no such file: none_test.exs");
    }

    #[test]
    fn wrong_uses_are_one_line() {
        for (line, message) in [
            ("fly", "unknown command fly; see `purlin --help`"),
            ("--fly", "unknown flag --fly; see `purlin --help`"),
            ("run", "purlin run needs a script file"),
            ("run --fly x.exs", "unknown flag --fly for purlin run; see `purlin --help`"),
            ("run --schedulers 0 x.exs", "--schedulers takes a number from 1 to 1024, not 0"),
            ("run --otp", "--otp needs a value"),
            ("dis a b", "purlin dis takes one file, not also b"),
            ("dis --native", "purlin dis --native needs a module"),
            ("dis --native lists x", "purlin dis --native takes one module, not also x"),
            ("dis --machine lists", "unknown flag --machine for purlin dis; see `purlin --help`"),
            ("missing x", "purlin missing takes no argument, not x"),
            ("completions tcsh", "purlin completions needs a shell: bash, zsh or fish"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), message);
        }
    }
}
