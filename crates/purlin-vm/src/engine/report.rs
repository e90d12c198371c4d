//! Reports of the emulator itself, sent to the process that logs them.

use super::context::Ctx;
use crate::engine::Engine;
use crate::process::signal::{Signal, SignalKind};
use purlin_term::{Atom, Heap, Term, am};
use std::sync::Arc;

/// Reports that a process ended with an uncaught error.
pub fn crash(ctx: &Ctx<'_>, reason: Term) {
    let (pid, leader) = (ctx.process.pid(), ctx.data.group_leader);
    log(ctx.engine, am!("error"), "Error in process ~p with exit value:~n~p~n", leader, Some(pid), |heap| {
        heap.list(&[pid, reason])
    });
}

/// Sends `{log, Level, Format, Args, Metadata}` to the system logger.
pub fn log(
    engine: &Arc<Engine>,
    level: Term,
    format: &str,
    leader: Term,
    pid: Option<Term>,
    args: impl FnOnce(&mut Heap) -> Term,
) {
    let to = {
        let mut logger = engine.system_logger.lock();
        if logger.as_pid().is_some_and(|id| engine.process(id).is_none()) {
            // It has ended without giving its part back.
            *logger = Atom::new("logger").into();
        }
        logger.term()
    };
    let to = match to.as_atom() {
        Some(Atom::UNDEFINED) => return,
        Some(name) => engine.names.whereis(name),
        None => Some(to),
    };
    let Some(to) = to else {
        // Nobody logs yet, or any more.
        let mut heap = Heap::new(0);
        let args = args(&mut heap);
        eprintln!("{} {}", format.replace("~n", " "), purlin_term::print::display(args));
        return;
    };
    let time = engine.clock.system() / 1000;
    let signal = Signal::built(SignalKind::Message, |heap| {
        let args = args(heap);
        let format = heap.string(format);
        let tag = if level == am!("error") { am!("error") } else { am!("warning_msg") };
        let origin = map(heap, &[(am!("emulator"), am!("true")), (am!("tag"), tag)]);
        let time = heap.integer(time);
        let mut pairs = vec![(am!("error_logger"), origin), (am!("gl"), leader), (am!("time"), time)];
        pairs.extend(pid.map(|p| (am!("pid"), p)));
        let metadata = map(heap, &pairs);
        heap.tuple(&[am!("log"), level, format, args, metadata])
    });
    engine.post(to, signal);
}

fn map(heap: &mut Heap, pairs: &[(Term, Term)]) -> Term {
    purlin_term::map::from_pairs(heap, pairs)
}
