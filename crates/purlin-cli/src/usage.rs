//! What the command can do, as one table: the help text, the manual page and the shells' completions are made of it.

use std::fmt::Write;

/// A command of `purlin`: its name, what follows it, and what it does.
pub struct Entry {
    pub name: &'static str,
    pub takes: &'static str,
    pub does: &'static str,
}

const fn entry(name: &'static str, takes: &'static str, does: &'static str) -> Entry {
    Entry { name, takes, does }
}

pub const COMMANDS: &[Entry] = &[
    entry("run", "FILE [ARG...]", "run an Elixir script, as `elixir FILE` does; `purlin FILE.exs` is the same"),
    entry("run", "--races [OPTION...] FILE", "run it in many orders of its processes' steps, to find one that fails"),
    entry("eval", "CODE [ARG...]", "evaluate Elixir code, as `elixir -e` does"),
    entry(
        "test",
        "[FILE[:LINE]...] [--seed N] [--trace]",
        "run files of ExUnit tests; in a Mix project as `purlin mix test`",
    ),
    entry(
        "test",
        "--races [OPTION...] [FILE[:LINE]...]",
        "run them in many orders, to find one that fails; also `mix test --races`",
    ),
    entry("iex", "[ARG...]", "the interactive shell"),
    entry("shell", "[ARG...]", "another name of iex"),
    entry("mix", "TASK [ARG...]", "run a Mix task"),
    entry("elixir", "[ARG...]", "start like `elixir`, with its flags and arguments"),
    entry("elixirc", "[ARG...]", "compile like `elixirc`"),
    entry("erl", "[ARG...]", "start like `erl`"),
    entry("erlc", "[ARG...]", "compile like `erlc`"),
    entry("escript", "FILE [ARG...]", "run like `escript`"),
    entry("dis", "FILE.beam", "list a file's instructions"),
    entry("dis", "--translated MODULE[:FUNCTION/ARITY]", "list what runs for them"),
    entry(
        "dis",
        "--native MODULE[:FUNCTION/ARITY]",
        "list that with the machine code that it becomes when it runs much",
    ),
    entry("missing", "", "list natives that the installed libraries import and Purlin lacks"),
    entry("completions", "bash|zsh|fish", "print a shell's completions"),
    entry("man", "", "print the manual page"),
    entry("version", "", "print the version; also --version"),
    entry("help", "", "print this; also --help"),
];

pub const OPTIONS: &[Entry] = &[
    entry("--schedulers", "N", "scheduler threads (default: one a core)"),
    entry("--no-native-libraries", "", "refuse libraries of C and Rust (`load_nif/2`, drivers)"),
    entry("--otp", "DIR", "the OTP installation (default: ERL_ROOTDIR, the `erl` on the PATH, the usual places)"),
    entry("--schedules", "N", "with --races: orders that are tried at most (default: 1000)"),
    entry("--for", "TIME", "with --races: for how long, such as 60s or 5m"),
    entry("--strategy", "NAME", "with --races: auto, natural, random, pos, pct:N or few:N"),
    entry("--early-timers", "", "with --races: timers may fire while processes could go on"),
    entry("--draw", "N", "with --races: the number from which random choices are made"),
    entry("--replay", "ORDER", "run the order that a report of --races has named"),
    entry("--elixir", "DIR", "the Elixir installation (default: the `elixir` on the PATH, then the usual places)"),
];

const SUMMARY: &str = "purlin: runs Elixir on its own BEAM";
const PLACES: &str = "Options stand in front of the command; for run, eval, test and missing also behind it.";
const LINKS: &str =
    "Called by the name erl, erlc, escript, elixir, elixirc, iex or mix (through a link), purlin is that command.";

/// The shells that completions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub fn named(name: &str) -> Option<Shell> {
        match name {
            "bash" => Some(Shell::Bash),
            "zsh" => Some(Shell::Zsh),
            "fish" => Some(Shell::Fish),
            _ => None,
        }
    }
}

/// What `purlin --help` prints.
pub fn help() -> String {
    let mut out = format!("{SUMMARY}\n\n");
    for c in COMMANDS {
        let line = format!("purlin {} {}", c.name, c.takes);
        let _ = if line.len() <= 31 {
            writeln!(out, "  {:<31} {}", line.trim_end(), c.does)
        } else {
            writeln!(out, "  {line}\n  {:<31} {}", "", c.does)
        };
    }
    let _ = writeln!(out, "\n{PLACES}");
    for o in OPTIONS {
        let _ = writeln!(out, "  {:<31} {}", format!("{} {}", o.name, o.takes), o.does);
    }
    let _ = writeln!(out, "\n{LINKS}");
    out
}

/// The manual page, in the language of `man`.
pub fn man() -> String {
    let escaped = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let mut out = format!(".TH PURLIN 1 \"\" \"purlin {}\" \"User Commands\"\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(out, ".SH NAME\n{}", escaped("purlin - runs Elixir on its own BEAM"));
    let _ = writeln!(out, ".SH SYNOPSIS\n.B purlin\n[\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARG\\fR...]");
    for (title, text, entries) in [("COMMANDS", LINKS, COMMANDS), ("OPTIONS", PLACES, OPTIONS)] {
        let _ = writeln!(out, ".SH {title}\n{}", escaped(text));
        for e in entries {
            let _ = writeln!(out, ".TP\n.B {} {}\n{}", escaped(e.name), escaped(e.takes), escaped(e.does));
        }
    }
    out
}

/// The commands, each once, and the options.
fn words() -> impl Iterator<Item = &'static Entry> {
    let first = |i: usize| i == 0 || COMMANDS[i - 1].name != COMMANDS[i].name;
    COMMANDS.iter().enumerate().filter(move |c| first(c.0)).map(|c| c.1).chain(OPTIONS)
}

/// A script that teaches a shell the commands and options.
pub fn completions(shell: Shell) -> String {
    let mut out = String::new();
    match shell {
        Shell::Bash => {
            let words: Vec<&str> = words().map(|e| e.name).collect();
            let _ = writeln!(
                out,
                "_purlin() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}}\n  \
                 if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"{}\" -- \"$word\") $(compgen -f -- \"$word\"))\n  \
                 else COMPREPLY=($(compgen -f -- \"$word\")); fi\n}}\ncomplete -o filenames -F _purlin purlin",
                words.join(" ")
            );
        }
        Shell::Zsh => {
            out.push_str("#compdef purlin\nlocal -a words=(\n");
            for e in words() {
                let _ = writeln!(out, "  '{}:{}'", e.name, e.does.replace('\'', "'\\''").replace(':', "\\:"));
            }
            out.push_str(")\nif (( CURRENT == 2 )); then _describe command words; fi\n_files\n");
        }
        Shell::Fish => {
            for e in words().take_while(|e| !e.name.starts_with('-')) {
                let does = e.does.replace('\'', "\\'");
                let _ = writeln!(out, "complete -c purlin -n __fish_use_subcommand -a {} -d '{does}'", e.name);
            }
            for e in OPTIONS {
                let (name, does) = (e.name.trim_start_matches('-'), e.does.replace('\'', "\\'"));
                let _ = writeln!(out, "complete -c purlin -n __fish_use_subcommand -l {name} -r -d '{does}'");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_names_every_command_and_option() {
        let texts = [help(), man().replace("\\-", "-")];
        let scripts = [Shell::Bash, Shell::Zsh, Shell::Fish].map(completions);
        for e in COMMANDS.iter().chain(OPTIONS) {
            let name = e.name.trim_start_matches('-');
            for text in texts.iter().chain(&scripts) {
                assert!(text.contains(name), "{name} is not in:\n{text}");
            }
        }
    }

    #[test]
    fn help_fits_a_terminal_of_a_hundred_and_twenty_columns() {
        for line in help().lines() {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }
}
