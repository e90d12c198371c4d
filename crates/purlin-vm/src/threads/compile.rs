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

/// Reductions between two looks.
const EVERY: u64 = 4000;

/// Functions that are noted at a look: the one that is run, and those that it returns to.
const DEPTH: usize = 3;

/// Words of the stack that are looked through for these.
const WORDS: usize = 48;

/// The compiler rests so many times as long as it has worked: it takes a third of a core at most.
const REST: u32 = 2;

thread_local! {
    static USED: Cell<u64> = const { Cell::new(0) };
}

/// Notes where a process has stopped that used so many reductions.
#[inline]
pub(super) fn note(ctx: &Ctx<'_>, used: u64) {
    if ctx.engine.code.compiles() != When::Hot {
        return;
    }
    let all = USED.get() + used;
    USED.set(if all < EVERY { all } else { 0 });
    if all >= EVERY {
        look(ctx);
    }
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
