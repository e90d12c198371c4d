//! Command lines of `erl`. An input is the arguments, with spaces between, and behind a newline what `ERL_FLAGS` holds.
#![no_main]

use purlin::CommandLine;
use purlin::args::Place;
use purlin_term::Release;

const PLACE: Place<'static> =
    Place { root: "/r", bindir: "/r/b", progname: "erl", release: Release(25), processors: 4 };

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Files would be a part of the input that is not in it.
    if text.contains("-args_file") {
        return;
    }
    let (line, flags) = text.split_once('\n').unwrap_or((text, ""));
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    if let Ok(line) = CommandLine::parse(&args, &PLACE, |name| (name == "ERL_FLAGS").then(|| flags.to_owned())) {
        assert!(line.told(&PLACE).ends_with("\n\n"));
    }
});
