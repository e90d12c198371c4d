//! The threads of the pools, which run natives that block or compute for long.

use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::lifecycle::panic::guard;
use crate::process::Activity;
use crate::process::grace::present_for_code;
use crate::process::signal::tasks::Tasks;
use crate::process::signal::{Signal, Target};
use crate::sched::blocking::BlockingCall;
use crate::sched::microstate::State;
use crate::sched::pool::Pool;
use crate::sched::{NATIVE_STACK, Schedulers};
use purlin_term::{Heap, Term};
use std::sync::Arc;

/// The pool for natives that compute, or for those that wait.
fn pool(sched: &Schedulers, computes: bool) -> &Pool {
    if computes { &sched.computing } else { &sched.pool }
}

/// Has a thread of a pool run a native.
pub(super) fn submit(engine: &Arc<Engine>, call: BlockingCall) {
    let computes = call.computes;
    if engine.config.explores {
        // There is but one thread.
        return run(call, engine);
    }
    if !pool(&engine.sched, computes).push(call) {
        return;
    }
    let own = engine.clone();
    let (name, stack) = if computes { ("long natives", NATIVE_STACK) } else { ("blocking natives", 4 << 20) };
    let thread = std::thread::Builder::new().name(name.into()).stack_size(stack);
    if thread.spawn(move || work(&own, computes)).is_err()
        && let Some(call) = pool(&engine.sched, computes).without_thread()
    {
        run(call, engine);
    }
}

/// The life of a thread of a pool.
fn work(engine: &Arc<Engine>, computes: bool) {
    // Time may have stood still for the native alone.
    let idle = || {
        if engine.clock.is_virtual() {
            engine.sched.idle.wake_one();
        }
    };
    while let Some(call) = pool(&engine.sched, computes).next(idle) {
        engine.sched.freeze.stand_still();
        run(call, engine);
    }
}

/// Runs the native and hands its result to the process, if that is still there.
fn run(call: BlockingCall, engine: &Arc<Engine>) {
    let BlockingCall { process, mut data, _heap, .. } = call;
    let runner = engine.runner().expect("schedulers are started with a runner");
    let counted = engine.sched.wall_time.begin_any(engine.sched.count(), engine.clock.now());
    let run = || guard(&mut Ctx { engine, process: &process, data: &mut data }, |ctx| runner.block(ctx));
    let state = |state| counted.map(|i| engine.sched.microstates.enter(i, state, || engine.clock.now()));
    state(State::Emulator);
    let failed = present_for_code(run).err();
    state(State::Sleep);
    if let Some(i) = counted {
        engine.sched.wall_time.end(i, engine.clock.now());
    }
    data.exit_reason = failed.unwrap_or(Term::NONE);
    let pid = process.pid();
    let back = Signal::request(move |engine, target| {
        let Target::Alive(process, to) = target else { return };
        let mut postponed = to.offload.take().map_or_else(Tasks::default, |a| a.postponed);
        process.set_offloaded(false);
        to.activity = Activity::Runnable;
        to.reductions += data.slice_used();
        to.heap.absorb(std::mem::replace(&mut data.heap, Heap::new(0)));
        to.pending = data.pending.take();
        to.pc = data.pc;
        to.roots.append(&mut data.roots);
        to.exit_reason = data.exit_reason;
        while let Some(task) = postponed.take() {
            task(engine, Target::Alive(process, to));
        }
    });
    // `_heap` ends after the native: what a process left behind was read till now.
    engine.post(pid, back);
}
