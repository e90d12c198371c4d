//! The call chain of a process as text.

use purlin_term::Heap;
use purlin_vm::process::Flags;
use purlin_vm::{Engine, ProcessData};
use std::fmt::Write;
use std::sync::Arc;

/// The call chain as text, one line per frame; a sensitive process shows none.
pub fn text(engine: &Arc<Engine>, data: &ProcessData) -> String {
    if data.flags.has(Flags::SENSITIVE) {
        return String::new();
    }
    let mut heap = Heap::new(0);
    let frames = engine.runner().map_or_else(Vec::new, |r| r.frames(engine, data, &mut heap, 10_000));
    let mut text = String::new();
    for (i, f) in frames.iter().enumerate() {
        let what = if i == 0 { "Program counter:" } else { "Return addr" };
        let (m, f, a) = (f.mfa.module.name(), f.mfa.function.name(), f.mfa.arity);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{what} ({m}:{f}/{a})");
    }
    text
}
