//! What tracing sees of a time slice: `in` and `out`, its length, and the time that `call_time` charges.

use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::runner::{Frame, Stop};
use crate::process::ProcessData;
use crate::tracing::flags::is_alive;
use crate::tracing::{Flags, events, measure};
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
    pub fn start(ctx: &mut Ctx<'_>) -> Watch {
        if ctx.process.trace.flags().any(Flags::TRACEE) {
            traced_in(ctx);
        }
        let measured =
            ctx.engine.tracing.monitor.watches_slices().then(|| (Instant::now(), place(ctx.engine, ctx.data)));
        Watch { measured }
    }

    #[inline]
    pub fn end(self, ctx: &mut Ctx<'_>, stop: &Stop) {
        if ctx.process.trace.flags().any(Flags::TRACEE) {
            traced_out(ctx, stop);
        }
        if ctx.engine.tracing.monitor.watches_queues() {
            let engine = ctx.engine.clone();
            engine.tracing.monitor.queued(ctx);
        }
        if let Some((start, from)) = self.measured {
            let to = place(ctx.engine, ctx.data);
            ctx.engine.tracing.monitor.sliced(ctx.engine, ctx.process, start.elapsed(), from, to);
        }
    }
}

fn place(engine: &Arc<Engine>, data: &ProcessData) -> Option<Frame> {
    let mut heap = Heap::new(0);
    engine.runner().and_then(|r| r.frames(engine, data, &mut heap, 1).first().copied())
}

const RUNNING: Flags = Flags(Flags::RUNNING.0 | Flags::RUNNING_PROCS.0);

#[cold]
fn traced_in(ctx: &mut Ctx<'_>) {
    for share in ctx.process.trace.shares(Flags::TRACEE) {
        if share.tracer().is_some_and(|t| !is_alive(ctx.engine, t)) {
            ctx.process.trace.forget(share.session);
        }
    }
    if ctx.process.trace.has_any(RUNNING) {
        events::scheduled(ctx, RUNNING, am!("in"), false);
    }
    measure::turn_begins(ctx);
}

#[cold]
fn traced_out(ctx: &mut Ctx<'_>, stop: &Stop) {
    measure::turn_ends(ctx);
    let ends = matches!(stop, Stop::Exited(_));
    if !ends && ctx.process.trace.has_any(RUNNING) {
        events::scheduled(ctx, RUNNING, am!("out"), false);
    }
}
