//! The command line of `erl`: emulator flags (`+S 2`), and what is passed on to `init`.
//!
//! Follows what `erlexec` and the emulator do: flags that start with `+` are the emulator's wherever they stand
//! before `-extra`, `ERL_AFLAGS` come first, `ERL_OTP25_FLAGS`, `ERL_FLAGS` and `ERL_ZFLAGS` behind the command line.

use std::fmt;
use std::path::Path;

/// What the emulator itself takes from the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmulatorFlags {
    /// `+S`: scheduler threads.
    pub schedulers: Option<usize>,
    /// `+P`: most processes.
    pub processes: Option<usize>,
    /// `+t`: most atoms.
    pub atoms: Option<usize>,
    /// `+Q`: most ports.
    pub ports: Option<usize>,
    /// `+A`: threads for blocking natives.
    pub blocking_threads: Option<usize>,
    /// `+hms`: smallest heap, in words.
    pub min_heap: Option<usize>,
    /// `+hmax`: largest heap, in words (0: unlimited).
    pub max_heap: Option<usize>,
    /// `+hmqd off_heap`.
    pub off_heap_messages: bool,
    /// `+pc unicode`: which characters the shell and the like print as text.
    pub printable_unicode: bool,
    /// `+W`: as what `error_logger` takes warnings (the letter).
    pub warnings: Option<char>,
    /// `+fnl`, `+fnu` or `+fna`: how file names are encoded (the letter).
    pub file_names: Option<char>,
    /// `+i`: the module to start instead of `init`.
    pub init_module: Option<String>,
    /// `+B`, `+Bc`, `+Bd`, `+Bi`: what Ctrl-C does (the letter; ' ' for plain `+B`).
    pub break_handling: Option<char>,
    /// `-detached`: run in the background, without a terminal.
    pub detached: bool,
    /// `-version` was given: print the version and end.
    pub version: bool,
}

/// A command line made ready for `init`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    pub flags: EmulatorFlags,
    /// What `init` is given behind the `-root`, `-bindir`, `-progname` and `-home` flags.
    pub args: Vec<String>,
}

/// A command line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgsError(pub String);

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ArgsError {}

/// Emulator flags that take a value of their own and that Purlin accepts without acting on them: they tune
/// allocators, scheduler binding, busy waiting and the like, which Purlin does not have.
const TUNING: &[&str] = &[
    "a", "C", "T", "R", "K", "c", "n", "e", "IOt", "IOp", "IOPt", "IOPp", "IOs", "J", "SP", "SDcpu", "SDPcpu", "SDio",
    "hmbs", "hpds", "zdbbl", "zdntgc", "zebwt", "zhft", "rg", "sbt", "sbwt", "sbwtdcpu", "sbwtdio", "scl", "sct",
    "secio", "sfwi", "ssrct", "sss", "sssdcpu", "sssdio", "stbt", "sub", "swct", "swt", "swtdcpu", "swtdio", "sws",
    "swtio", "spp",
];

impl CommandLine {
    /// Reads the arguments of `erl`, with the variables of the environment that `erl` reads.
    pub fn parse(args: &[String], env: impl Fn(&str) -> Option<String>) -> Result<CommandLine, ArgsError> {
        let mut all = Vec::new();
        let from_env = |name: &str, all: &mut Vec<String>| {
            if let Some(text) = env(name) {
                all.extend(split(&text));
            }
        };
        from_env("ERL_AFLAGS", &mut all);
        // What follows -extra is data: the variables' flags go in front of it.
        let extra = args.iter().position(|a| a == "-extra").unwrap_or(args.len());
        all.extend_from_slice(&args[..extra]);
        let before = all.len();
        for name in ["ERL_OTP25_FLAGS", "ERL_FLAGS", "ERL_ZFLAGS"] {
            from_env(name, &mut all);
        }
        if all.len() > before && before > 0 {
            // `--` ends the values of the command line's last flag.
            all.insert(before, "--".into());
        }
        let mut line = CommandLine::default();
        line.read(expand_args_files(all)?)?;
        line.args.extend_from_slice(&args[extra..]);
        Ok(line)
    }

    fn read(&mut self, args: Vec<String>) -> Result<(), ArgsError> {
        let mut it = args.into_iter();
        while let Some(arg) = it.next() {
            if arg == "-extra" {
                self.args.push(arg);
                self.args.extend(it);
                return Ok(());
            }
            match arg.as_str() {
                "-noinput" => self.args.extend(["-noshell".into(), arg]),
                "-version" => self.flags.version = true,
                "-name" | "-sname" => {
                    return Err(ArgsError(format!("{arg}: distribution is not supported yet")));
                }
                "-detached" => {
                    self.flags.detached = true;
                    self.args.extend(["-noshell".into(), "-noinput".into()]);
                }
                "-heart" => return Err(ArgsError(format!("{arg} is not supported yet"))),
                "-smp" | "-emu_type" | "-emu_flavor" => drop(it.next()),
                _ if arg.starts_with('+') && arg.len() > 1 => self.emulator_flag(&arg[1..], &mut it)?,
                _ => self.args.push(arg),
            }
        }
        Ok(())
    }

    fn emulator_flag(&mut self, flag: &str, it: &mut impl Iterator<Item = String>) -> Result<(), ArgsError> {
        let f = &mut self.flags;
        // The value stands behind the flag's name, or is the next argument.
        let mut value = |name: &str| -> Result<String, ArgsError> {
            match &flag[name.len()..] {
                "" => it.next().ok_or_else(|| ArgsError(format!("+{name} needs a value"))),
                v => Ok(v.to_owned()),
            }
        };
        let number = |name: &str, v: String| -> Result<usize, ArgsError> {
            v.parse().map_err(|_| ArgsError(format!("bad value for +{name}: {v}")))
        };
        if let Some(name) = TUNING.iter().filter(|n| flag.starts_with(**n)).max_by_key(|n| n.len()) {
            return value(name).map(drop);
        }
        if flag == "V" {
            f.version = true;
        } else if flag.starts_with("hms") {
            f.min_heap = Some(number("hms", value("hms")?)?);
        } else if flag.starts_with("hmaxk") || flag.starts_with("hmaxel") || flag.starts_with("hmaxib") {
            let name = if flag.starts_with("hmaxk") { "hmaxk" } else { &flag[..6] };
            value(name)?;
        } else if flag.starts_with("hmax") {
            f.max_heap = Some(number("hmax", value("hmax")?)?);
        } else if flag.starts_with("hmqd") {
            f.off_heap_messages = value("hmqd")? == "off_heap";
        } else if flag.starts_with("pc") {
            f.printable_unicode = match value("pc")?.as_str() {
                "unicode" => true,
                "latin1" => false,
                v => return Err(ArgsError(format!("bad range of printable characters: {v}"))),
            };
        } else if flag.starts_with('W') {
            let v = value("W")?;
            f.warnings = match v.as_str() {
                "w" | "i" | "e" => v.chars().next(),
                _ => return Err(ArgsError(format!("bad warning mapping: {v}"))),
            };
        } else if let Some(v) = flag.strip_prefix("fn") {
            f.file_names = v.chars().next();
        } else if let Some(v) = flag.strip_prefix('B') {
            f.break_handling = Some(v.chars().next().unwrap_or(' '));
        } else if flag.starts_with('S') {
            let v = value("S")?;
            let first = v.split(':').next().unwrap_or("");
            let n = if first.is_empty() { None } else { Some(number("S", first.to_owned())?) };
            if n.is_some_and(|n| n == 0 || n > 1024) {
                return Err(ArgsError(format!("bad number of schedulers {v}")));
            }
            f.schedulers = n;
        } else if flag.starts_with('P') {
            let v = value("P")?;
            let n = if v == "legacy" { 262_144 } else { number("P", v.clone())? };
            if !(1024..=134_217_727).contains(&n) {
                return Err(ArgsError(format!("bad number of processes {v}")));
            }
            f.processes = Some(n);
        } else if flag.starts_with('Q') {
            f.ports = Some(number("Q", value("Q")?)?);
        } else if flag.starts_with('t') {
            f.atoms = Some(number("t", value("t")?)?);
        } else if flag.starts_with('A') {
            f.blocking_threads = Some(number("A", value("A")?)?);
        } else if flag.starts_with('i') {
            f.init_module = Some(value("i")?);
        } else if flag.starts_with('M') {
            // Allocator settings: some take a value of their own, some have it appended.
            if !flag.chars().any(|c| c.is_ascii_digit()) && flag.len() > 2 {
                it.next();
            }
        } else if !matches!(flag, "l" | "L" | "v" | "d" | "r" | "zebwt" | "pad" | "JPperf" | "sbtu" | "stbtu") {
            return Err(ArgsError(format!("unknown emulator flag +{flag}")));
        }
        Ok(())
    }

    /// The list of texts that `init:boot/1` gets.
    pub fn boot_args(&self, root: &Path, bindir: &Path, progname: &str, home: Option<&str>) -> Vec<String> {
        let mut out: Vec<String> = vec![
            "-root".into(),
            root.display().to_string(),
            "-bindir".into(),
            bindir.display().to_string(),
            "-progname".into(),
            progname.into(),
            "--".into(),
        ];
        if let Some(home) = home {
            out.extend(["-home".into(), home.into()]);
        }
        out.push("--".into());
        out.extend(self.args.iter().cloned());
        out
    }
}

/// Replaces `-args_file FILE` by the arguments in that file.
fn expand_args_files(args: Vec<String>) -> Result<Vec<String>, ArgsError> {
    let mut out = Vec::new();
    let mut depth = 0;
    let mut stack = vec![args.into_iter()];
    while let Some(it) = stack.last_mut() {
        match it.next() {
            None => {
                stack.pop();
            }
            Some(a) if a == "-args_file" => {
                let file = it.next().ok_or_else(|| ArgsError("-args_file needs a file".into()))?;
                let text = std::fs::read_to_string(&file)
                    .map_err(|e| ArgsError(format!("cannot read the arguments file {file}: {e}")))?;
                depth += 1;
                if depth > 100 {
                    return Err(ArgsError("arguments files include each other".into()));
                }
                stack.push(split(&text).into_iter());
            }
            Some(a) => out.push(a),
        }
    }
    Ok(out)
}

/// Splits a text into arguments: blanks separate, quotes and backslashes protect, `#` starts a comment.
pub fn split(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_ascii_whitespace() => out.extend(word.take()),
            '#' if word.is_none() => {
                for c in chars.by_ref() {
                    if c == '\n' {
                        break;
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '"' | '\'' => {
                let w = word.get_or_insert_default();
                while let Some(d) = chars.next() {
                    match d {
                        d if d == c => break,
                        '\\' if c == '"' => w.extend(chars.next()),
                        d => w.push(d),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str], flags: &str) -> CommandLine {
        let args: Vec<String> = args.iter().map(|s| s.to_string()).collect();
        CommandLine::parse(&args, |name| (name == "ERL_FLAGS").then(|| flags.to_string())).unwrap()
    }

    #[test]
    fn emulator_flags_are_taken_out_wherever_they_stand() {
        let line = parse(&["+S", "2:2", "-pa", "x", "-noshell", "+P1048576", "-extra", "+S", "r"], "");
        assert_eq!(line.flags.schedulers, Some(2));
        assert_eq!(line.flags.processes, Some(1_048_576));
        assert_eq!(line.args, ["-pa", "x", "-noshell", "-extra", "+S", "r"]);
    }

    #[test]
    fn flags_of_the_environment_stand_before_extra() {
        let line = parse(&["-s", "m", "-extra", "a"], "+S 1 -x 'a b'");
        assert_eq!(line.flags.schedulers, Some(1));
        assert_eq!(line.args, ["-s", "m", "--", "-x", "a b", "-extra", "a"]);
    }

    #[test]
    fn tuning_flags_are_accepted_with_their_values() {
        let line = parse(&["+sbwt", "none", "+stbt", "db", "+hms", "1000", "+sbtu", "-noinput"], "");
        assert_eq!(line.flags.min_heap, Some(1000));
        assert_eq!(line.args, ["-noshell", "-noinput"]);
    }

    #[test]
    fn wrong_flags_are_named() {
        let err = |a: &[&str]| {
            let a: Vec<String> = a.iter().map(|s| s.to_string()).collect();
            CommandLine::parse(&a, |_| None).unwrap_err().0
        };
        assert_eq!(err(&["+y"]), "unknown emulator flag +y");
        assert_eq!(err(&["+S", "0"]), "bad number of schedulers 0");
        assert_eq!(err(&["-sname", "x"]), "-sname: distribution is not supported yet");
    }

    #[test]
    fn quoting_follows_the_shell() {
        assert_eq!(
            split(r#" -logger console '[{a,b}]'  "x \" y" z\ w # rest"#),
            ["-logger", "console", "[{a,b}]", "x \" y", "z w"]
        );
    }
}
