//! What executes processes, as the engine sees it.

use super::Engine;
use super::context::Ctx;
use crate::process::{Mfa, ProcessData};
use purlin_term::{Atom, Heap, Term};
use std::sync::Arc;

/// Why a process stopped running.
#[derive(Debug)]
pub enum Stop {
    /// The time slice is used up.
    Yield,
    /// It waits for a signal or for its timer.
    Wait,
    /// It waits in a native, until a signal has it called again.
    Suspend,
    /// It has ended with this reason.
    Exited(Term),
    /// It is at a blocking native: [`Runner::block`] has to run on the pool, then the process goes on.
    Blocking,
    /// As `Blocking`, at a native that has much to compute.
    Computing,
}

/// What executes processes: the interpreter, or a test's own.
pub trait Runner: Send + Sync {
    /// Runs a process until it stops.
    fn run(&self, ctx: &mut Ctx<'_>) -> Stop;

    /// Runs the native that [`Stop::Blocking`] or [`Stop::Computing`] was given for, and keeps its result in the data
    /// given here, which is not the process's own (see `sched/blocking.rs`).
    fn block(&self, ctx: &mut Ctx<'_>);

    /// Where the process is: its innermost frame and its callers, at most `depth`; terms are made in `heap`.
    fn frames(&self, engine: &Arc<Engine>, data: &ProcessData, heap: &mut Heap, depth: usize) -> Vec<Frame>;

    /// Whether the process could still run the old code of a module.
    fn uses_old_code(&self, ctx: &mut Ctx<'_>, module: Atom) -> bool;
}

/// One place in a process's call chain.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub mfa: Mfa,
    /// `[{file, File}, {line, Line}]`, or nil.
    pub location: Term,
}
