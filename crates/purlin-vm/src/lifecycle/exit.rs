//! The end of a process.
//!
//! In this order, as others can observe it: timers are gone, exit hooks ran (tables are gone), the name is free, the
//! process is out of the process table and takes no more signals, then links, watchers and monitored processes are told.

use crate::engine::Engine;
use crate::engine::signals::{bounce, send_down};
use crate::lifecycle::literals;
use crate::messaging::inbox::demonitor_other_side;
use crate::messaging::timed;
use crate::process::relation::Relations;
use crate::process::signal::{Parcel, Signal, SignalKind, Target};
use crate::process::{Process, ProcessData};
use crate::tracing::events::{self, Extra};
use crate::tracing::{Flags, sequential};
use purlin_term::{Term, am};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Ends a process that the caller owns.
pub fn terminate(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, reason: Term) {
    if let Some(timer) = data.wake_timer.take() {
        engine.timers.cancel_wake(timer);
    }
    process.set_exiting();
    timed::cancel_of(engine, process);
    if process.trace.has(Flags::PROCS) {
        events::procs(engine, process, am!("exit"), reason);
    }
    if engine.tracing.profile.watches_processes() {
        engine.tracing.profile.process(engine, process, data, false);
    }
    engine.tracing.monitor.ended(process);
    engine.tracing.profile.ended(process);
    for hook in engine.exit_hooks(process) {
        // A topic's mistake is reported by the panic hook; the others still have to hear of the end.
        let _ = catch_unwind(AssertUnwindSafe(|| hook(engine, process, data, reason)));
    }
    if let Some(name) = engine.names.release(process)
        && process.trace.has(Flags::PROCS)
    {
        events::procs(engine, process, am!("unregister"), Term::atom(name));
    }
    engine.processes.remove(process);
    if process.id() == 0 && process.is_system() {
        // Nothing runs without `init`.
        eprintln!("init terminated: {}", purlin_term::print::display(reason));
        engine.sched.halt(1, true);
    }
    for signal in std::mem::replace(&mut data.unhandled, crate::process::signal::Batch::empty()) {
        handle_last(engine, process, data, signal);
    }
    for signal in process.outer.close() {
        handle_last(engine, process, data, signal);
    }
    if let Some(relations) = data.take_relations() {
        tell(engine, process, data, &relations, reason);
    }
    if let Some(rare) = data.rare() {
        if rare.blocks_multi {
            engine.sched.unblock_multi_of(process.id());
        }
        rare.suspending.iter().for_each(|s| s.end(engine));
    }
    if process.trace.has(Flags::EXITING) {
        events::scheduled(engine, process, data, am!("out_exited"), true);
    }
    if let Some(offload) = data.offload.take() {
        let heap = std::mem::replace(&mut data.heap, purlin_term::Heap::new(0));
        let mut postponed = offload.leave(heap);
        while let Some(task) = postponed.take() {
            task(engine, Target::Gone);
        }
    }
    data.release();
}

/// Tells who is linked to an ended process, who watches it, and whom it watched.
fn tell(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, relations: &Relations, reason: Term) {
    let me = process.pid();
    for other in relations.links() {
        let mut signal = Signal::exit(me, true, reason);
        if data.sequence.is_some() {
            let token = sequential::next(engine, process, data);
            let receiver = other.as_pid().and_then(|id| engine.process(id));
            if let (Some(token), Some(receiver)) = (&token, receiver) {
                let sensitive = receiver.trace.flags().any(Flags::SENSITIVE);
                token.tell(engine, sequential::SEND, other, sensitive, other, signal.term);
            }
            signal.extra = Some(Box::new(Extra { from: me, token, keeps_token: false }));
        }
        engine.post(other, signal);
    }
    for w in relations.watchers.values() {
        send_down(engine, me, w, reason);
    }
    for (monitor, m) in relations.monitors.iter() {
        demonitor_other_side(engine, me, m.watched, monitor);
    }
    literals::answer_held(engine, data);
}

/// A signal that arrived before the end and was not handled: what it removes is removed, what it asks for fails.
fn handle_last(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, signal: Parcel) {
    match &signal.kind {
        SignalKind::Demonitor { monitor } => {
            data.relations().watchers.remove(monitor);
        }
        SignalKind::Unlink { from, .. } => {
            data.relations().unlinked_by(*from);
            bounce(engine, process.pid(), signal);
        }
        _ => bounce(engine, process.pid(), signal),
    }
}
