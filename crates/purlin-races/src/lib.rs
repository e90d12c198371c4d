//! Finding races: a program is run again and again, each time with its processes' steps in another order.
//!
//! The engine runs in virtual time on one thread, and stops before each step that other processes can tell (a message, a look at
//! a table, a name, ...), so that an order of such steps says all of a run. When the program is about to begin
//! ([`NATIVES`]: `purlin:explore_schedules/0`), this program is forked for each order that is tried ([`campaign`]): booting
//! is done once. In the fork an [`order`] says who goes next. What it did differently from the natural order is all that is
//! needed to run it again: a [`plan`].

mod campaign;
mod events;
mod fork;
mod order;
mod plan;
mod report;

pub use plan::{Plan, Strategy};

use campaign::Turn;
use hashbrown::HashSet;
use purlin_term::{Atom, Term};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Orders that are tried at most, and for how long.
    pub schedules: u32,
    pub time: Option<Duration>,
    pub seed: u64,
    pub strategy: Strategy,
    /// Timers that are due within a second may fire while processes could go on, in the order of their times.
    pub early_timers: bool,
    /// Just this order, in this very program.
    pub replay: Option<Plan>,
    /// The command that runs one order again: what stands before the order's name, and behind it.
    pub command: [String; 2],
    /// System time at the start of the engine, in nanoseconds since 1970: part of what has to be the same.
    pub clock: i64,
}

/// The natives by which a program says where it begins.
pub const NATIVES: &[Native] =
    &[Native::plain("purlin", "explore_schedules", 0, explore), Native::plain("purlin", "begin_program", 0, begin)];

#[derive(Default)]
struct State {
    settings: OnceLock<Settings>,
    /// The processes that were there before anything of the program was.
    before: OnceLock<HashSet<u64>>,
    /// The code that the program needs, once that is known: modules, and numbers of functions.
    code: OnceLock<Vec<(String, Vec<u32>)>>,
}

/// Has an engine, which was made for it ([`purlin_vm::Config::explores`]), try orders.
pub fn install(engine: &Arc<Engine>, settings: Settings) {
    let _ = engine.extension::<State>().settings.set(settings);
}

/// `purlin:begin_program()`: what is started from now on is part of the program, even if its tests begin later. Without
/// this, all that is there before them is not.
fn begin(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let all = ctx.engine.processes.all().iter().map(|p| p.id()).collect();
    let _ = ctx.engine.extension::<State>().before.set(all);
    Ok(Term::atom(Atom::OK))
}

/// `purlin:explore_schedules()`: `ok`, once for each order, each time in a program of its own, as soon as all other processes wait.
/// Before, a list of modules, once: who calls has them loaded and calls again.
fn explore(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let state = ctx.engine.extension::<State>();
    let settings = state.settings.get().ok_or(Escape::BADARG)?;
    if ctx.engine.sched.queued() > 0 {
        return Err(Escape::Again);
    }
    if let Some(code) = state.code.get() {
        translate(ctx.engine, code);
    }
    match campaign::run(ctx, settings, state.before.get(), state.code.get().is_some()) {
        Turn::Program => Ok(Term::atom(Atom::OK)),
        Turn::Load(code) => {
            let loaded = ctx.engine.code.loaded();
            let names = code.iter().map(|(m, _)| Atom::new(m)).filter(|m| !loaded.contains(m));
            let names: Vec<Term> = names.map(Term::atom).collect();
            let _ = state.code.set(code);
            Ok(ctx.heap().list(&names))
        }
        Turn::Over(status) => {
            ctx.engine.sched.halt(status, true);
            Err(Escape::Again)
        }
    }
}

/// Translates functions, so that not each program has to.
fn translate(engine: &Engine, code: &[(String, Vec<u32>)]) {
    for (module, functions) in code {
        let Some(module) = Atom::existing(module).and_then(|m| engine.code.generations(m).current) else { continue };
        for &i in functions {
            // What cannot be translated raises its error when it is called.
            let _ = module.functions().get(i as usize).map(|f| purlin_vm::code::translate(&engine.code, f));
        }
    }
}
