//! The texts that the menu of Ctrl-C shows and that `system_info/1` gives as binaries: what there is of processes,
//! modules, memory and other nodes. They say what can be read without stopping anybody.

use super::statistics;
use purlin_term::print::display;
use purlin_vm::code::Module;
use purlin_vm::{Engine, Process};
use std::fmt::Write;

/// The text of a `system_info/1` item, if it is one of these.
pub fn text(engine: &Engine, item: &str) -> Option<String> {
    Some(match item {
        "procs" => engine.processes.all().iter().map(|p| process(p)).collect(),
        "loaded" => loaded(engine),
        "info" => memory(engine),
        "dist" => format!("=node:'{}'\n=no_distribution\n", engine.node().name()),
        _ => return None,
    })
}

/// One process.
pub fn process(p: &Process) -> String {
    let name = p.name().map_or(String::new(), |n| format!("Name: {}\n", n.name()));
    format!("=proc:{}\nState: {:?}\n{name}", display(p.pid()), p.run_state())
}

/// The sizes of all modules' current and old code.
fn loaded(engine: &Engine) -> String {
    let mut names = engine.code.loaded();
    names.sort_unstable_by_key(|n| n.name());
    let size = |m: Option<&'static Module>| m.map_or(0, Module::bytes);
    let (mut current, mut old, mut out) = (0, 0, String::new());
    for name in names {
        let g = engine.code.generations(name);
        current += size(g.current);
        old += size(g.old);
        let _ = write!(out, "{} {}", name.name(), size(g.current));
        let _ = if g.old.is_some() { writeln!(out, " ({} old)", size(g.old)) } else { writeln!(out) };
    }
    format!("Current code: {current}\nOld code: {old}\n{out}")
}

fn memory(engine: &Engine) -> String {
    let mut out = String::from("=memory\n");
    for item in statistics::ITEMS {
        if let Some(n) = statistics::figure(engine, item) {
            let _ = writeln!(out, "{item}: {n}");
        }
    }
    out
}
