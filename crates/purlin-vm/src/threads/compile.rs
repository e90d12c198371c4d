//! Finding what runs much, and compiling it on a thread of its own.

use crate::code::compiler::When;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::grace::present_for_code;
use purlin_term::Term;
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Reductions between two looks, more or less: half of that to one and a half, so that they do not go in step with what
/// runs.
const EVERY: i32 = 4000;

/// Functions that are noted at a look: the one that is run, and those that it returns to.
const DEPTH: usize = 3;

/// Words of the stack that are looked through for these.
const WORDS: usize = 48;

/// The compiler rests so many times as long as it has worked: it takes a third of a core at most.
const REST: u32 = 2;

thread_local! {
    /// Reductions until the next look, and what tells how many there are to the one after it.
    static LEFT: Cell<(i32, u32)> = const { Cell::new((EVERY, 0)) };
}

/// After how many reductions a process has to be stopped to be looked at. Where processes stop by themselves would tell
/// little: servers always wait at the same place.
#[inline]
pub(super) fn until_look(engine: &Engine) -> i32 {
    if engine.code.compiles() == When::Hot { LEFT.get().0 } else { i32::MAX }
}

/// Looks at a process that has stopped, once so many reductions were used.
#[inline]
pub(super) fn note(ctx: &Ctx<'_>) {
    if ctx.engine.code.compiles() != When::Hot {
        return;
    }
    let (left, state) = LEFT.get();
    let left = left.saturating_sub_unsigned(ctx.data.slice_used().min(i32::MAX as u64) as u32);
    if left > 0 {
        LEFT.set((left, state));
        return;
    }
    // Of a linear congruential generator the high bits are the good ones.
    let state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    LEFT.set((EVERY / 2 + (state >> 16) as i32 % EVERY, state));
    look(ctx);
}

#[cold]
fn look(ctx: &Ctx<'_>) {
    let returns = ctx.data.heap.stack().take(WORDS).filter_map(Term::as_continuation);
    let mut wanted = false;
    for address in [ctx.data.pc as usize].into_iter().chain(returns).take(DEPTH) {
        wanted |= ctx.engine.code.note_at(address);
    }
    if wanted {
        let engine = ctx.engine.clone();
        let started = thread::Builder::new().name("compiler".into()).spawn(move || work(&engine));
        match started {
            Ok(thread) => ctx.engine.sched.threads.lock().push(thread),
            // Without a thread the functions wait for ever, and are run by their handlers.
            Err(e) => eprintln!("no thread for the compiler: {e}"),
        }
    }
}

/// Compiles what waits, until nothing does.
fn work(engine: &Arc<Engine>) {
    while !engine.sched.is_halted() {
        let began = Instant::now();
        if !engine.code.compile_hot(|f| present_for_code(f)) {
            return;
        }
        let mut rest = began.elapsed() * REST;
        while !rest.is_zero() && !engine.sched.is_halted() {
            let part = rest.min(Duration::from_millis(5));
            thread::sleep(part);
            rest -= part;
        }
    }
}
