//! Programs whose orders of steps are tried: what Elixir is told so that it boots once and begins many times.

pub use purlin_races::{Plan, Settings, Strategy};

/// Where the program begins, with the modules loaded that it has loaded in a first run.
const BEGIN: &str = "with modules when is_list(modules) <- apply(:purlin, :explore_schedules, []) do \
    Enum.each(modules, &Code.ensure_loaded/1); apply(:purlin, :explore_schedules, []) end";

/// The arguments of `elixir` that begin a script in each order.
pub fn script(file: String, args: Vec<String>) -> Vec<String> {
    [vec!["-e".into(), BEGIN.into(), "-r".into(), file, "--".into()], args].concat()
}

/// The arguments of `elixir` that run tests in each order; `load`: those that load them.
pub fn tests(load: Vec<String>) -> Vec<String> {
    let run = format!("{BEGIN}; %{{failures: n}} = ExUnit.run(); if n > 0, do: System.halt(2)");
    [load, vec!["-e".into(), run]].concat()
}

/// The arguments of `elixir` that run `mix test` with these in each order. Tests begin when the last reporter is started: then files are
/// loaded, and what ExUnit does next is to run them.
pub fn mix_test(mix: String, args: Vec<String>) -> Vec<String> {
    let reporter = format!(
        "defmodule Purlin.Races do\n  use GenServer\n  def init(_) do\n    {BEGIN}\n    {{:ok, nil}}\n  end\n  \
         def handle_cast(_, state), do: {{:noreply, state}}\nend\napply(:purlin, :begin_program, [])"
    );
    let own = !args.iter().any(|a| a == "--formatter");
    let usual = own.then_some(["--formatter", "ExUnit.CLIFormatter"]).into_iter().flatten();
    let added = usual.chain(["--formatter", "Purlin.Races"]).map(str::to_owned);
    let start = [vec!["-e".into(), reporter, "-S".into(), mix, "test".into()], args];
    start.concat().into_iter().chain(added).collect()
}
