//! `call_time` and `call_memory`: what goes by is charged to the function that was called last and has not returned, of
//! those that a session measures. Which that is, a process keeps for each session ([`Measured`]).

use super::SessionId;
use crate::code::points::{Point, State, Sums};
use crate::engine::context::Ctx;
use crate::process::gc::used_words;
pub use crate::process::rare::{Measure, Measured};
use std::sync::Arc;

impl Measure {
    pub const ALL: [Measure; 2] = [Measure::Time, Measure::Memory];

    /// Where a session sums it up for a function.
    pub fn sums(self, state: &State) -> Option<&Arc<Sums>> {
        match self {
            Measure::Time => state.time.as_ref(),
            Measure::Memory => state.memory.as_ref(),
        }
    }

    /// Nanoseconds, or words that the process has allocated.
    fn now(self, ctx: &Ctx<'_>) -> i64 {
        match self {
            Measure::Time => ctx.engine.clock.now(),
            Measure::Memory => {
                let gone = ctx.data.rare().map_or(0, |r| r.words_gone);
                used_words(&ctx.data.heap) as i64 + gone
            }
        }
    }
}

/// Charges what has gone by to the function that a session measures, and measures another one; the former one.
pub fn switch(
    ctx: &mut Ctx<'_>,
    session: SessionId,
    what: Measure,
    to: Option<&'static Point>,
) -> Option<&'static Point> {
    let now = what.now(ctx);
    let initial = ctx.data.initial_call;
    let all = &mut ctx.data.rare_mut().measured;
    let Some(m) = all.iter_mut().find(|m| m.session == session && m.what == what) else {
        // The memory of a process's first function begins with its arguments, and the list of them in OTP.
        let first = what == Measure::Memory && to.is_some_and(|p| p.mfa == initial);
        let since = if first { -2 * initial.arity as i64 } else { now };
        all.push(Measured { session, what, point: to, since });
        return None;
    };
    let before = m.point;
    let taken = now - std::mem::replace(&mut m.since, now);
    m.point = to;
    charge(ctx, session, what, before, taken);
    before
}

fn charge(ctx: &Ctx<'_>, session: SessionId, what: Measure, point: Option<&'static Point>, taken: i64) {
    let states = point.map(|p| p.states());
    if let Some(sums) = states.as_ref().and_then(|s| s.get(session)).and_then(|s| what.sums(s)) {
        sums.add(ctx.process.id(), 0, taken);
    }
}

/// A process's turn begins: the time between turns is nobody's.
pub fn turn_begins(ctx: &mut Ctx<'_>) {
    if ctx.data.rare().is_some_and(|r| !r.measured.is_empty()) {
        let now = ctx.engine.clock.now();
        let all = &mut ctx.data.rare_mut().measured;
        all.iter_mut().filter(|m| m.what == Measure::Time).for_each(|m| m.since = now);
    }
}

/// A process's turn ends.
pub fn turn_ends(ctx: &mut Ctx<'_>) {
    let Some(rare) = ctx.data.rare().filter(|r| !r.measured.is_empty()) else { return };
    let now = ctx.engine.clock.now();
    for m in rare.measured.iter().filter(|m| m.what == Measure::Time) {
        charge(ctx, m.session, m.what, m.point, now - m.since);
    }
}

/// A collection has left so many words of what there was.
pub fn collected(ctx: &mut Ctx<'_>, before: usize, after: usize) {
    if ctx.data.rare().is_some_and(|r| r.measured.iter().any(|m| m.what == Measure::Memory)) {
        ctx.data.rare_mut().words_gone += before as i64 - after as i64;
    }
}
