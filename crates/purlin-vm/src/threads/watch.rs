//! What tracing sees of a time slice: `in` and `out`, its length, and the time that `call_time` charges.

use crate::engine::Engine;
use crate::engine::runner::{Frame, Stop};
use crate::process::{Process, ProcessData};
use crate::tracing::flags::is_alive;
use crate::tracing::{Flags, events};
use purlin_term::{Heap, am};
use std::sync::Arc;
use std::time::Instant;

/// A slice that has begun.
pub(super) struct Watch {
    /// When, and where the process was, if slices are measured.
    measured: Option<(Instant, Option<Frame>)>,
}

impl Watch {
    #[inline]
    pub fn start(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Watch {
        if process.trace.flags().any(Flags::TRACEE) {
            traced_in(engine, process, data);
        }
        let measured = engine.tracing.monitor.watches_slices().then(|| (Instant::now(), place(engine, data)));
        Watch { measured }
    }

    #[inline]
    pub fn end(self, engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, stop: &Stop) {
        if process.trace.flags().any(Flags::TRACEE) {
            traced_out(engine, process, data, stop);
        }
        if let Some((start, from)) = self.measured {
            let to = place(engine, data);
            engine.tracing.monitor.sliced(engine, process, start.elapsed(), from, to);
        }
    }
}

fn place(engine: &Arc<Engine>, data: &ProcessData) -> Option<Frame> {
    let mut heap = Heap::new(0);
    engine.runner().and_then(|r| r.frames(engine, data, &mut heap, 1).first().copied())
}

const RUNNING: Flags = Flags(Flags::RUNNING.0 | Flags::RUNNING_PROCS.0);

#[cold]
fn traced_in(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) {
    if process.trace.tracer().is_some_and(|t| !is_alive(engine, t)) {
        process.trace.clear();
    }
    if process.trace.has_any(RUNNING) {
        events::scheduled(engine, process, data, am!("in"), false);
    }
    if data.rare().is_some_and(|r| r.timed.is_some())
        && let Some(timed) = &mut data.rare_mut().timed
    {
        timed.1 = engine.clock.now();
    }
}

#[cold]
fn traced_out(engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, stop: &Stop) {
    if let Some((Some(point), since)) = data.rare().and_then(|r| r.timed)
        && let Some(time) = &point.state().time
    {
        time.add(process.id(), 0, engine.clock.now() - since);
    }
    let ends = matches!(stop, Stop::Exited(_));
    if !ends && process.trace.has_any(RUNNING) {
        events::scheduled(engine, process, data, am!("out"), false);
    }
}
