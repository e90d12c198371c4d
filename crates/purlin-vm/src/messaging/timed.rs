//! What timers do when they fire: messages at a time, and the ends of waiting.

use crate::clock::Time;
use crate::engine::Engine;
use crate::process::Process;
use crate::process::signal::{Parcel, RefId, Signal};
use crate::timer::{Action, Destination};
use purlin_term::Term;
use std::sync::Arc;

/// Sends a message at the time `at`, if its receiver is there by then; `timer` is the reference to cancel or read it
/// by.
pub fn start(engine: &Engine, at: Time, to: Destination, message: Parcel, timer: RefId) {
    let receiver = match to {
        Destination::Pid(id) => match engine.process(id) {
            None => return,
            receiver => receiver,
        },
        Destination::Name(_) => None,
    };
    engine.timers.send_at(at, to, message, timer);
    match receiver {
        Some(p) if !p.awaits_timers() => engine.timers.cancel_all(p.id()),
        _ => engine.sched.timer_started(),
    }
}

/// Cancels the timers of a process that has begun to end.
pub(crate) fn cancel_of(engine: &Engine, process: &Process) {
    if process.awaited_timers() {
        engine.timers.cancel_all(process.id());
    }
}

/// Fires the timers that are due.
pub(crate) fn fire(engine: &Arc<Engine>) {
    engine.timers.fire(engine.clock.now(), |action| act(engine, action));
}

/// Does what a timer was started for.
fn act(engine: &Arc<Engine>, action: Action) {
    match action {
        Action::Wake(p) => {
            if !engine.wake(&p) {
                // It runs, and may be about to sleep: a signal keeps it awake.
                let _ = engine.signal(&p, Signal::request(|_, _| {}));
            }
        }
        Action::Send { to, message, .. } => {
            let pid = match to {
                Destination::Pid(id) => Some(id),
                Destination::Name(name) => engine.names.whereis(name).and_then(Term::as_pid),
            };
            if let Some(id) = pid {
                // A receiver that has ended gets nothing.
                let _ = engine.signal_to(id, message);
            }
        }
    }
}
