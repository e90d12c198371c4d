//! Reading the `purlin` command line. Every wrong use is one line and exit status 2.

use std::path::PathBuf;

/// Options that come before the command's own arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub schedulers: Option<usize>,
    pub otp: Option<PathBuf>,
    pub elixir: Option<PathBuf>,
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
    /// The arguments of `erl`.
    Erl {
        args: Vec<String>,
    },
    /// A .beam file to list.
    Dis {
        file: PathBuf,
    },
    /// The natives that the installed libraries import and Purlin lacks.
    Missing,
}

pub const USAGE: &str = "\
purlin: runs Elixir on its own BEAM

  purlin run FILE [ARG...]    run an Elixir script, as `elixir FILE` does
  purlin eval CODE [ARG...]   evaluate Elixir code, as `elixir -e` does
  purlin erl [FLAG...]        start like `erl`, with its flags
  purlin dis FILE.beam        list a .beam file's instructions
  purlin missing              list natives that the installed libraries import and Purlin lacks
  purlin --version, --help

Options of run, eval, missing, in front of FILE or CODE:
  --schedulers N   scheduler threads (default: one a core)
  --otp DIR        the OTP installation (default: found by itself)
  --elixir DIR     the Elixir installation (default: found by itself)
";

/// Reads the arguments behind the program's name.
pub fn parse(args: &[String]) -> Result<(Options, Command), String> {
    let mut options = Options::default();
    let mut it = args.iter().cloned();
    let Some(name) = it.next() else {
        return Err("no command given; see `purlin --help`".into());
    };
    match name.as_str() {
        "--help" | "-h" | "help" => return Ok((options, Command::Help)),
        "--version" | "-v" | "-V" => return Ok((options, Command::Version)),
        "erl" => return Ok((options, Command::Erl { args: it.collect() })),
        "run" | "eval" | "dis" | "missing" => {}
        other if other.starts_with('-') => return Err(format!("unknown flag {other}; see `purlin --help`")),
        other => return Err(format!("unknown command {other}; see `purlin --help`")),
    }
    let first = loop {
        let Some(arg) = it.next() else { break None };
        let mut value = || it.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--schedulers" => {
                let v = value()?;
                match v.parse() {
                    Ok(n) if (1..=1024).contains(&n) => options.schedulers = Some(n),
                    _ => return Err(format!("--schedulers takes a number from 1 to 1024, not {v}")),
                }
            }
            "--otp" => options.otp = Some(value()?.into()),
            "--elixir" => options.elixir = Some(value()?.into()),
            "--" => break it.next(),
            flag if flag.starts_with('-') && name != "eval" => {
                return Err(format!("unknown flag {flag} for purlin {name}; see `purlin --help`"));
            }
            _ => break Some(arg),
        }
    };
    let rest = |it: &mut dyn Iterator<Item = String>| it.collect::<Vec<_>>();
    let command = match (name.as_str(), first) {
        ("run", Some(file)) => Command::Run { file, args: rest(&mut it) },
        ("eval", Some(code)) => Command::Eval { code, args: rest(&mut it) },
        ("dis", Some(file)) => Command::Dis { file: file.into() },
        ("missing", None) => Command::Missing,
        ("missing", Some(arg)) => return Err(format!("purlin missing takes no argument, not {arg}")),
        ("run", None) => return Err("purlin run needs a script file".into()),
        ("eval", None) => return Err("purlin eval needs Elixir code".into()),
        _ => return Err("purlin dis needs a .beam file".into()),
    };
    if matches!(command, Command::Dis { .. })
        && let Some(extra) = it.next()
    {
        return Err(format!("purlin dis takes one file, not also {extra}"));
    }
    Ok((options, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Options, Command), String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_script_keeps_its_own_flags() {
        let (options, command) = parsed("run --schedulers 2 x.exs --schedulers a").unwrap();
        assert_eq!(options.schedulers, Some(2));
        let args = vec!["--schedulers".to_string(), "a".into()];
        assert_eq!(command, Command::Run { file: "x.exs".into(), args });
    }

    #[test]
    fn wrong_uses_are_one_line() {
        for (line, message) in [
            ("", "no command given; see `purlin --help`"),
            ("fly", "unknown command fly; see `purlin --help`"),
            ("--fly", "unknown flag --fly; see `purlin --help`"),
            ("run", "purlin run needs a script file"),
            ("run --fly x.exs", "unknown flag --fly for purlin run; see `purlin --help`"),
            ("run --schedulers 0 x.exs", "--schedulers takes a number from 1 to 1024, not 0"),
            ("run --otp", "--otp needs a value"),
            ("dis a b", "purlin dis takes one file, not also b"),
            ("missing x", "purlin missing takes no argument, not x"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), message);
        }
    }
}
