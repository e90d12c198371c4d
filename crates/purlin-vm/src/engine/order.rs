//! Who chooses in which order processes run, where a run is one of many that are tried.

use super::Engine;
use super::context::Ctx;
use crate::code::instr::StepKind;
use crate::process::Process;
use crate::sched::End;
use purlin_term::Term;
use std::sync::Arc;

/// An order of steps. It is asked by the only scheduler, in virtual time.
pub trait Order: Send + Sync {
    /// A process is about to take a step that others can tell, while these wait for their turn. True: it waits for its own
    /// once more.
    fn gives_way(&self, ctx: &mut Ctx<'_>, step: StepKind, args: &[Term], waiting: &[&Arc<Process>]) -> bool;

    /// Which of those that wait for their turn is next; there is one at least. `None`: the first timer fires before.
    fn next(&self, all: Waiting<'_>, waiting: &[&Arc<Process>]) -> Option<usize>;

    /// All processes wait, and no timer will wake one.
    fn stuck(&self, all: Waiting<'_>);

    /// The program has ended.
    fn ended(&self, engine: &Arc<Engine>, end: End);
}

/// The processes of an engine none of which runs but the one that looks at them.
pub struct Waiting<'a> {
    engine: &'a Arc<Engine>,
    looks: Option<u64>,
}

impl<'a> Waiting<'a> {
    /// While nobody runs. The only scheduler calls this.
    pub(crate) fn all(engine: &'a Arc<Engine>) -> Waiting<'a> {
        Waiting { engine, looks: None }
    }

    /// All but the process that runs, in an engine whose order of steps can be chosen: it has one scheduler.
    pub fn others(ctx: &Ctx<'a>) -> Option<Waiting<'a>> {
        ctx.engine.config.explores.then_some(Waiting { engine: ctx.engine, looks: Some(ctx.process.id()) })
    }

    pub fn engine(&self) -> &Arc<Engine> {
        self.engine
    }

    /// Shows each process.
    pub fn each(&self, mut show: impl FnMut(&mut Ctx<'_>)) {
        self.engine.processes.all().iter().for_each(|process| _ = self.show(process, &mut show));
    }

    /// Shows one of them.
    pub fn show<T>(&self, process: &Arc<Process>, show: impl FnOnce(&mut Ctx<'_>) -> T) -> Option<T> {
        if self.looks == Some(process.id()) {
            return None;
        }
        // SAFETY: OWNER: the only scheduler has found that nobody else runs, and shows them one after the other.
        let data = unsafe { process.data() };
        Some(show(&mut Ctx { engine: self.engine, process, data }))
    }
}
