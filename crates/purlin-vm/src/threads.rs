//! The threads of an engine: schedulers that give each runnable process its turn, the pool that runs blocking natives,
//! and the watcher. What they share is in [`sched`](crate::sched).

mod blocking;
mod compile;
mod rest;
mod trim;
mod watch;
mod watcher;

use crate::code::instr::StepKind;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::engine::nodes;
use crate::engine::order::{Order, Waiting};
use crate::engine::runner::{Runner, Stop};
use crate::lifecycle::exit::terminate;
use crate::lifecycle::panic::guard;
use crate::messaging::inbox::fetch;
use crate::messaging::timed;
use crate::process::grace::present;
use crate::process::{Activity, Hibernation, Process, ProcessData, RunState, set_later};
use crate::sched::blocking::BlockingCall;
use crate::sched::microstate::State;
use crate::sched::queue::RunQueue;
use crate::sched::{End, ROLE, SELF, SLICE, STACK_BASE, Since};
use purlin_term::{Atom, Term};
use rest::Rest;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use watch::Watch;

/// What the turns of processes between two looks at the timers may cost, and what a turn costs: one that ends soon, as
/// most do that wait for messages, and any other.
const LOOK_EVERY: u32 = 16;
const SHORT_TURN: u32 = 1;
const LONG_TURN: u32 = 4;

/// Reductions that a short turn uses at most.
const SHORT: u64 = 400;

/// How long a scheduler stays awake without work when it was woken soon the last time.
const LINGER: Duration = Duration::from_micros(50);

/// How long a halted engine waits for the time slices that are under way.
const LAST_SLICES: Duration = Duration::from_millis(100);

impl Engine {
    /// Starts the scheduler threads.
    pub fn start(self: &Arc<Engine>, runner: Box<dyn Runner>) {
        if !self.set_runner(runner) {
            return;
        }
        for i in 0..self.sched.count() {
            assert!(watcher::start_thread(self, Some(i)), "the system allows a thread per scheduler");
        }
        watcher::start_watcher(self);
    }

    /// Waits until the engine was halted and its schedulers have stopped, or do not for a while: a native may compute,
    /// or be blocked, for as long as it likes. How the engine ends.
    pub fn wait(self: &Arc<Engine>) -> End {
        let end = self.sched.wait_for_end();
        let End::Exit { flush, .. } = end else { return end };
        let stopped = join_threads(self, Instant::now() + LAST_SLICES);
        if flush {
            for hook in self.halt_hooks() {
                hook(self);
            }
        }
        if stopped {
            self.sched.queues.iter().for_each(RunQueue::clear);
            self.literals.abandon();
        }
        end
    }
}

/// Whether all threads of schedulers have ended by then.
fn join_threads(engine: &Engine, by: Instant) -> bool {
    loop {
        // Those that are joined may have started others.
        let Some(t) = engine.sched.threads.lock().pop() else { return true };
        while !t.is_finished() {
            if Instant::now() > by {
                return false;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        // A scheduler's panic was reported by the panic hook; the others still have to be waited for.
        let _ = t.join();
    }
}

/// Has the role of a scheduler until the engine halts (false) or the role was given away (true).
fn scheduler(engine: &Arc<Engine>, me: usize) -> bool {
    SELF.set((std::ptr::from_ref(&engine.sched) as usize, me));
    ROLE.set(engine.sched.roles[me].word());
    let mut given_away = false;
    STACK_BASE.set(&raw const me as usize);
    engine.sched.wall_time.begin(me, engine.clock.now());
    // Timers are coarser than the turn of a process that soon waits: not each turn asks for the time.
    let mut left = 0;
    let mut since = Since::default();
    let mut woken = false;
    let mut rest = Rest::default();
    while !given_away && !engine.sched.is_halted() {
        engine.sched.freeze.stand_still();
        if left == 0 {
            left = LOOK_EVERY;
            if engine.timers.first().is_some_and(|t| t <= engine.clock.now()) {
                engine.sched.now_does(me, State::Aux, &engine.clock);
                timed::fire(engine);
                engine.sched.now_does(me, State::Other, &engine.clock);
            }
        }
        nodes::flush(engine);
        match next(engine, me, woken) {
            Some(p) => {
                woken = false;
                rest.worked();
                let role = &engine.sched.roles[me];
                let slice = role.begin();
                ROLE.set(slice);
                engine.sched.now_does(me, State::Emulator, &engine.clock);
                left = present(|| turns(engine, me, slice, p, left, &mut since));
                engine.sched.now_does(me, State::Other, &engine.clock);
                if Atom::is_table_exhausted() {
                    atoms_are_exhausted(engine);
                }
                match role.end(slice) {
                    Some(word) => ROLE.set(word),
                    None => given_away = true,
                }
            }
            None => {
                woken = idle(engine, me, &mut rest);
                left = 0;
            }
        }
    }
    nodes::flush(engine);
    if let Some(order) = engine.order() {
        let end = engine.sched.wait_for_end();
        if let End::Exit { flush: true, .. } = end {
            engine.halt_hooks().iter().for_each(|hook| hook(engine));
        }
        order.ended(engine, end);
    }
    SELF.set((0, 0));
    given_away
}

/// The process that has its turn next, if one waits for scheduler `me`.
#[inline]
fn next(engine: &Arc<Engine>, me: usize, woken: bool) -> Option<Arc<Process>> {
    match engine.order() {
        Some(order) => chosen(engine, me, order),
        None => engine.sched.next(me, woken),
    }
}

/// The process that somebody chooses, after timers that come before.
fn chosen(engine: &Arc<Engine>, me: usize, order: &dyn Order) -> Option<Arc<Process>> {
    let queue = &engine.sched.queues[me];
    loop {
        let next = queue.choose(|waiting| order.next(Waiting::all(engine), waiting));
        match engine.timers.first() {
            Some(t) if next.is_none() && !queue.is_empty() => {
                engine.clock.advance_to(t);
                timed::fire(engine);
            }
            _ => return next,
        }
    }
}

/// Parks scheduler `me` until there may be work. Whether it was woken.
fn idle(engine: &Arc<Engine>, me: usize, rest: &mut Rest) -> bool {
    let s = &engine.sched;
    s.idle.enter(me);
    // A process that was queued before `enter` was seen by others is found here; one queued later wakes us.
    let work = s.is_halted() || s.has_work(me);
    if !work {
        if engine.clock.is_virtual()
            && s.idle.all_idle()
            && s.pool.is_idle()
            && s.computing.is_idle()
            && let Some(t) = engine.timers.first()
        {
            let woken = s.idle.leave(me);
            engine.clock.advance_to(t);
            return woken;
        }
        if let Some(order) = engine.order() {
            order.stuck(Waiting::all(engine));
        }
        let began = engine.clock.now();
        if rest.lingers() && !engine.clock.is_virtual() {
            s.idle.linger(me, LINGER);
        }
        let timer = engine.timers.first().filter(|&t| !engine.clock.is_virtual() && s.alarm.set(t));
        s.wall_time.end(me, engine.clock.now());
        engine.sched.now_does(me, State::Sleep, &engine.clock);
        let wait = [timer.map(|t| engine.clock.until(t)), rest.begin(&engine.clock)];
        s.idle.park(me, wait.into_iter().flatten().min());
        let ended = engine.clock.now();
        rest.slept(ended - began);
        s.wall_time.begin(me, ended);
        engine.sched.now_does(me, State::Other, &engine.clock);
        if let Some(t) = timer {
            s.alarm.clear(t);
        }
    }
    let woken = s.idle.leave(me);
    if !work && !woken {
        rest.end(&engine.clock, |part| trim::processes(engine, me, part));
    }
    s.watcher.wake();
    woken
}

/// Gives processes their turns, beginning with this one, until a turn was long or what turns may cost is used up;
/// what is `left` of that. All are one slice of the role, and the thread is present once for all of them.
fn turns(
    engine: &Arc<Engine>,
    me: usize,
    slice: u64,
    mut process: Arc<Process>,
    mut left: u32,
    since: &mut Since,
) -> u32 {
    let (mut turns, mut reductions) = (0, 0);
    loop {
        engine.sched.roles[me].set_priority(process.priority());
        // A panic that no process can be ended for loses what was under way, never the scheduler.
        let used = catch_unwind(AssertUnwindSafe(|| run_slice(engine, process))).unwrap_or(0);
        turns += u64::from(used > 0);
        reductions += used;
        left = left.saturating_sub(if used <= SHORT { SHORT_TURN } else { LONG_TURN });
        if !engine.sched.roles[me].is(slice) {
            break;
        }
        engine.sched.share(me, used, since);
        let goes_on = used <= SHORT && left > 0 && !engine.sched.is_halted() && !engine.sched.freeze.is_on();
        process = match goes_on.then(|| next(engine, me, false)).flatten() {
            Some(next) => next,
            None => break,
        };
    }
    engine.sched.slices.fetch_add(turns, Ordering::Relaxed);
    engine.sched.reductions.fetch_add(reductions, Ordering::Relaxed);
    left
}

/// Gives a process its turn; the reductions that it used.
fn run_slice(engine: &Arc<Engine>, process: Arc<Process>) -> u64 {
    process.set_run_state(RunState::Running);
    process.end_elevation();
    // SAFETY: OWNER: it came out of a run queue, which owned it.
    let data = unsafe { process.data() };
    let ctx = &mut Ctx { engine, process: &process, data };
    if !process.outer.is_empty()
        && let Err(reason) = guard(ctx, fetch)
    {
        ctx.data.exit_reason = reason;
    }
    if !ctx.data.exit_reason.is_none() {
        let reason = ctx.data.exit_reason;
        terminate(ctx, reason);
        return 0;
    }
    if let Some(offload) = &ctx.data.offload {
        // The signal that brings the native back is urgent for who waits behind it.
        if let Some(priority) = offload.priority() {
            process.elevate(priority);
        }
        sleep_or_requeue(engine, process);
        return 0;
    }
    if ctx.data.suspended > 0 || (ctx.data.hibernation != Hibernation::None && ctx.data.mailbox.is_empty()) {
        sleep_or_requeue(engine, process);
        return 0;
    }
    ctx.data.hibernation = Hibernation::None;
    let first = compile::until_look(engine).min(SLICE);
    (ctx.data.slice, ctx.data.slice_left) = (first, first);
    set_later(SLICE - first);
    let watch = Watch::start(ctx);
    ctx.data.activity = Activity::Running;
    let runner = engine.runner().expect("schedulers are started with a runner");
    let mut stop = guard(ctx, |ctx| runner.run(ctx)).unwrap_or_else(Stop::Exited);
    set_later(0);
    compile::note(ctx);
    let rest = SLICE - first + ctx.data.slice_left.min(0);
    let used_up = ctx.data.slice == first && ctx.data.slice_left <= 0;
    if matches!(stop, Stop::Yield) && used_up && rest > 0 {
        // It was stopped to be looked at, and did not give up its slice: here is what remains of that.
        (ctx.data.slice, ctx.data.slice_left) = (SLICE, rest);
        stop = guard(ctx, |ctx| runner.run(ctx)).unwrap_or_else(Stop::Exited);
    }
    let used = count_slice(ctx.data);
    ctx.data.activity = match stop {
        Stop::Wait => Activity::Waiting,
        Stop::Suspend => Activity::Suspended,
        _ => Activity::Runnable,
    };
    watch.end(ctx, &stop);
    match stop {
        Stop::Yield => {
            process.set_run_state(RunState::Runnable);
            engine.sched.enqueue(process);
        }
        Stop::Wait | Stop::Suspend if !ctx.data.exit_reason.is_none() => {
            // The collection before the wait found its heap too large.
            let reason = ctx.data.exit_reason;
            terminate(ctx, reason);
        }
        Stop::Wait | Stop::Suspend => {
            if engine.tracing.profile.watches_processes() {
                engine.tracing.profile.process(ctx, false);
            }
            sleep_or_requeue(engine, process);
        }
        Stop::Exited(reason) if ends_later(ctx, reason) => {
            ctx.data.exit_reason = reason;
            process.set_run_state(RunState::Runnable);
            engine.sched.enqueue(process);
        }
        Stop::Exited(reason) => terminate(ctx, reason),
        Stop::Blocking | Stop::Computing => {
            let call = BlockingCall::new(&process, ctx.data, matches!(stop, Stop::Computing));
            blocking::submit(engine, call);
            sleep_or_requeue(engine, process);
        }
    }
    used
}

/// Whether others go first when a process is about to end, where somebody chooses the order of steps.
fn ends_later(ctx: &mut Ctx<'_>, reason: Term) -> bool {
    let engine = ctx.engine;
    engine.order().is_some_and(|order| {
        engine.sched.queues[0].look(|waiting| order.gives_way(ctx, StepKind::End, &[reason], waiting))
    })
}

fn count_slice(data: &mut ProcessData) -> u64 {
    let used = data.slice_used().max(1);
    data.reductions += used;
    (data.slice, data.slice_left) = (0, 0);
    used
}

fn sleep_or_requeue(engine: &Engine, process: Arc<Process>) {
    // ASLEEP: once it sleeps, whoever wakes it has this count.
    let process = ManuallyDrop::new(process);
    if !process.sleep() {
        process.set_run_state(RunState::Runnable);
        engine.sched.enqueue(ManuallyDrop::into_inner(process));
    }
}

/// Nothing can go on that needs a new atom: the engine ends, as OTP's emulator does.
#[cold]
fn atoms_are_exhausted(engine: &Engine) {
    // The table is the whole program's, and several threads may find it full at a time.
    static TOLD: std::sync::Once = std::sync::Once::new();
    if !engine.sched.is_halted() {
        TOLD.call_once(|| eprintln!("no more index entries in atom_tab (max={})", Atom::limit()));
        engine.sched.halt(1, false);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
