//! What the `elixir` command passes to `erl`.

use crate::install::Elixir;

/// What to have Elixir do.
pub enum Task<'a> {
    /// Run a script file.
    Script(&'a str),
    /// Evaluate code.
    Eval(&'a str),
}

/// The arguments of `erl` for an Elixir task.
///
/// `options` is the value of `ELIXIR_ERL_OPTIONS`, split at blanks as the shell does; `colours` says whether output
/// goes to a terminal that shows them.
pub fn erl_args(elixir: &Elixir, task: Task<'_>, args: &[String], options: Option<&str>, colours: bool) -> Vec<String> {
    let mut out = vec!["-pa".to_string()];
    out.extend(elixir.ebins());
    out.extend(options.unwrap_or("").split_ascii_whitespace().map(str::to_owned));
    let text = |words: &[&str]| words.iter().map(|w| w.to_string()).collect::<Vec<_>>();
    if colours {
        out.extend(text(&["-elixir", "ansi_enabled", "true"]));
    }
    out.extend(text(&["-noshell", "-s", "elixir", "start_cli", "-extra"]));
    match task {
        Task::Script(file) => out.push(file.into()),
        Task::Eval(code) => out.extend(text(&["-e", code])),
    }
    out.extend(args.iter().cloned());
    out
}
