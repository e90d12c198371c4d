//! What the commands `elixir`, `iex`, `elixirc` and `mix` pass to `erl`.
//!
//! The commands are shell scripts that sort their arguments: what is meant for `erl` goes in front of `-extra`, what
//! Elixir itself reads goes behind it.

use crate::install::Elixir;

/// One of Elixir's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Elixir,
    Iex,
    Elixirc,
    Mix,
}

/// What surrounds a command.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The value of `ELIXIR_ERL_OPTIONS`, which is split at blanks as the shell does.
    pub options: Option<String>,
    /// Output goes to a terminal that shows colours.
    pub colours: bool,
}

/// The arguments of `erl` for one of Elixir's commands and its arguments.
pub fn erl_args(elixir: &Elixir, tool: Tool, args: &[String], around: &Surroundings) -> Vec<String> {
    let finds_itself = elixir.version >= FINDS_ITSELF;
    let mut all: Vec<String> = match tool {
        Tool::Elixir => Vec::new(),
        Tool::Iex if finds_itself => texts(&["--no-halt", "--erl", "-user elixir", "+iex"]),
        Tool::Iex => texts(&["--no-halt", "--erl", "-noshell -user Elixir.IEx.CLI", "+iex"]),
        Tool::Elixirc => texts(&["+elixirc"]),
        Tool::Mix => vec![elixir.root.join("bin/mix").display().to_string()],
    };
    all.extend_from_slice(args);
    let sorted = sort(all, finds_itself);
    let mut out = if finds_itself {
        let lib = format!("{}/bin/../lib", elixir.root.display());
        vec!["-noshell".into(), "-elixir_root".into(), lib.clone(), "-pa".into(), format!("{lib}/elixir/ebin")]
    } else {
        let mut path = vec!["-pa".to_string()];
        path.extend(elixir.ebins());
        path
    };
    out.extend(words(around.options.as_deref().unwrap_or("")));
    if around.colours {
        out.extend(texts(&["-elixir", "ansi_enabled", "true"]));
    }
    if !sorted.interactive {
        out.extend((!finds_itself).then(|| "-noshell".to_owned()));
        out.extend(texts(&["-s", "elixir", "start_cli"]));
    }
    out.extend(words(&sorted.switches));
    out.extend(sorted.values);
    out.push("-extra".into());
    out.extend(sorted.extra);
    out
}

/// Since which version Elixir puts its applications on the code path by itself, and starts its shell by a name of its own.
const FINDS_ITSELF: (u32, u32) = (1, 15);

/// Arguments sorted by who reads them.
#[derive(Default)]
struct Sorted {
    interactive: bool,
    /// For `erl`, to be split at blanks.
    switches: String,
    /// For `erl`, as they stand.
    values: Vec<String>,
    extra: Vec<String>,
}

fn sort(args: Vec<String>, finds_itself: bool) -> Sorted {
    let mut s = Sorted::default();
    let mut it = args.into_iter();
    while let Some(arg) = it.next() {
        let mut value = || it.next().unwrap_or_default();
        match arg.as_str() {
            "+iex" | "+elixirc" => {
                s.interactive = arg == "+iex";
                s.extra.push(arg);
            }
            "-v" | "--no-halt" => s.extra.push(arg),
            "--color" | "--no-color" if finds_itself => s.extra.push(arg),
            "-e" | "-r" | "-pr" | "-pa" | "-pz" | "--eval" | "--remsh" | "--dot-iex" => {
                s.extra.push(arg);
                s.extra.extend(it.next());
            }
            "--app" | "--no-pry" if !finds_itself => {
                s.extra.push(arg);
                s.extra.extend(it.next());
            }
            "--dbg" if finds_itself => {
                s.extra.push(arg);
                s.extra.extend(it.next());
            }
            "--rpc-eval" => {
                s.extra.push(arg);
                s.extra.extend(it.by_ref().take(2));
            }
            "--hidden" => s.switches.push_str(" -hidden"),
            "--logger-otp-reports" | "--logger-sasl-reports" => {
                let on = value();
                if on == "true" || on == "false" {
                    let kind = &arg["--logger-".len()..][..4].trim_end_matches('-');
                    s.switches.push_str(&format!(" -logger handle_{kind}_reports {on}"));
                }
            }
            "--erl" => {
                s.switches.push(' ');
                s.switches.push_str(&value());
            }
            "--cookie" => s.values.extend(["-setcookie".into(), value()]),
            "--sname" | "--name" => s.values.extend([arg[1..].into(), value()]),
            "--erl-config" => s.values.extend(["-config".into(), value()]),
            "--vm-args" => s.values.extend(["-args_file".into(), value()]),
            "--boot" => s.values.extend(["-boot".into(), value()]),
            "--boot-var" => s.values.extend(["-boot_var".into(), value(), value()]),
            "--werl" => {}
            _ => {
                s.extra.push(arg);
                s.extra.extend(it);
                break;
            }
        }
    }
    s
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| w.to_string()).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_ascii_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands behind the code path.
    fn check(tool: Tool, args: &str, expected: &str) {
        check_of((1, 14), tool, args, expected);
    }

    fn check_of(version: (u32, u32), tool: Tool, args: &str, expected: &str) {
        let elixir = Elixir { root: "/none".into(), version };
        let args: Vec<String> = words(args).collect();
        let out = erl_args(&elixir, tool, &args, &Surroundings::default());
        assert_eq!(out[1..].join(" "), expected, "{args:?}");
    }

    #[test]
    fn arguments_are_sorted_as_the_scripts_do() {
        let start = "-noshell -s elixir start_cli";
        check(Tool::Elixir, "-e 1 x --sname y", &format!("{start} -extra -e 1 x --sname y"));
        check(Tool::Elixir, "--sname x --cookie y f.exs -e", &format!("{start} -sname x -setcookie y -extra f.exs -e"));
        check(
            Tool::Elixir,
            "--hidden --logger-sasl-reports true --boot-var A b --no-halt",
            &format!("{start} -hidden -logger handle_sasl_reports true -boot_var A b -extra --no-halt"),
        );
        check(Tool::Elixirc, "-o out a.ex", &format!("{start} -extra +elixirc -o out a.ex"));
        check(Tool::Mix, "help", &format!("{start} -extra /none/bin/mix help"));
        check(Tool::Iex, "-S mix", "-noshell -user Elixir.IEx.CLI -extra --no-halt +iex -S mix");
    }

    #[test]
    fn newer_elixirs_find_their_applications_themselves() {
        let start = "-elixir_root /none/bin/../lib -pa /none/bin/../lib/elixir/ebin";
        let check = |tool, args, expected: &str| check_of((1, 18), tool, args, &format!("{start} {expected}"));
        check(Tool::Elixir, "--no-color -e 1", "-s elixir start_cli -extra --no-color -e 1");
        check(Tool::Iex, "--dbg pry -S mix", "-user elixir -extra --no-halt +iex --dbg pry -S mix");
        check(Tool::Mix, "test", "-s elixir start_cli -extra /none/bin/mix test");
    }
}
