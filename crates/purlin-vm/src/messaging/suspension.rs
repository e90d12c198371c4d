//! One process suspends another, any number of times. The suspendee is told of the first time and of the last resume;
//! how often is known to the suspender alone.

use super::remote::come_to_broken;
use crate::engine::Engine;
use crate::process::signal::{Signal, Target};
pub use crate::process::suspension::Suspension;
use purlin_term::Term;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Suspension {
    /// Has a process suspend itself, as soon as it handles the signal.
    pub fn begin(engine: &Arc<Engine>, suspendee: u64) -> Suspension {
        let active = Arc::new(AtomicBool::new(false));
        let begun = active.clone();
        let request = Signal::request(move |_, target| {
            if let Target::Alive(_, data) = target {
                data.suspended += 1;
                // A process that is just running stops at its next call.
                data.give_up_slice();
                begun.store(true, Ordering::Release);
            }
        });
        engine.post(Term::pid(suspendee), request);
        Suspension { suspendee, count: 1, active }
    }

    /// Takes the suspension back. The signal comes after the one that began it.
    pub fn end(&self, engine: &Arc<Engine>) {
        resume(engine, self.suspendee);
    }
}

/// Takes back one of the suspensions of a process.
pub fn resume(engine: &Arc<Engine>, suspendee: u64) {
    let request = Signal::request(move |engine, target| {
        if let Target::Alive(_, data) = target {
            data.suspended = data.suspended.saturating_sub(1);
            if data.suspended == 0 {
                come_to_broken(engine, data);
            }
        }
    });
    engine.post(Term::pid(suspendee), request);
}
