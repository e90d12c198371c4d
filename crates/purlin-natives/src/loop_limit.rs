//! How many steps a native may take within a time slice, where a test has set that: then it costs reductions
//! accordingly, else at the native's own rate.

use purlin_vm::sched::SLICE;
use purlin_vm::{Ctx, Slot};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The families of natives that have a limit of their own.
#[derive(Clone, Copy)]
pub(crate) enum Loop {
    Binary,
    Re,
    Unicode,
}

/// Steps a slice; 0: not set.
#[derive(Default)]
struct Limits([AtomicUsize; 3]);

static LIMITS: Slot<Limits> = Slot::new();

impl Loop {
    /// Sets the limit (0: none); the former one.
    pub fn set(self, ctx: &Ctx<'_>, steps: usize) -> usize {
        ctx.engine.state(&LIMITS).0[self as usize].swap(steps, Relaxed)
    }

    /// Charges a number of steps, of which as many cost a reduction if there is no limit.
    pub fn charge(self, ctx: &mut Ctx<'_>, steps: usize, per_reduction: usize) {
        let reductions = match ctx.engine.state(&LIMITS).0[self as usize].load(Relaxed) {
            0 => steps / per_reduction,
            limit => steps.saturating_mul(SLICE as usize) / limit,
        };
        ctx.charge(reductions);
    }
}
