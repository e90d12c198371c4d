//! Schedulers: threads that give each runnable process its turn.
//!
//! A process that becomes runnable goes to the queue of the scheduler that made it so, which shares its queue with an
//! idle one when the processes there have waited for long. A scheduler whose queue is empty steals; when there is
//! nothing to steal it parks until it is woken or a timer is due. Timers are looked at between time slices.

pub mod errand;
pub mod idle;
pub mod microstate;
pub mod pool;
pub mod queue;
pub mod role;
mod stand_in;
mod wall_time;
mod watch;

use crate::engine::Engine;
use crate::lifecycle::exit::terminate;
use crate::lifecycle::panic::guard;
use crate::messaging::inbox::{bounce, fetch};
use crate::process::grace::present;
use crate::process::signal::Parcel;
use crate::process::{Activity, Mfa, Priority, Process, ProcessData, RunState};
use errand::Errand;
use idle::{Alarm, Idle};
use microstate::{Microstates, State};
use parking_lot::{Condvar, Mutex};
use pool::Pool;
use purlin_term::{Atom, Heap, Term};
use queue::RunQueue;
use role::{Nap, Role, Spares};
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wall_time::WallTime;
use watch::Watch;

/// Reductions in a time slice.
pub const SLICE: i32 = 4000;

/// How many of OTP's dirty schedulers for input and output Purlin says it has.
pub const DIRTY_IO: usize = 10;

/// What the turns of processes between two looks at the timers may cost, and what a turn costs: one that ends soon, as
/// most do that wait for messages, and any other.
const LOOK_EVERY: u32 = 16;
const SHORT_TURN: u32 = 1;
const LONG_TURN: u32 = 4;

/// Reductions that a short turn uses at most.
const SHORT: u64 = 400;

/// Reductions that processes wait for in a queue, counted for each, before its scheduler shares it.
const PATIENCE: u64 = 5 * SLICE as u64;

/// Reductions between two looks of a busy scheduler at the other queues, for one that is longer than its own.
const BALANCE_EVERY: u64 = 400 * SLICE as u64;

/// Why a process stopped running.
#[derive(Debug)]
pub enum Stop {
    /// The time slice is used up.
    Yield,
    /// It waits for a signal or for its timer.
    Wait,
    /// It waits in a native, until a signal has it called again.
    Suspend,
    /// It has ended with this reason.
    Exited(Term),
    /// It is at a blocking native: [`Runner::block`] has to run on the pool, then the process goes on.
    Blocking,
}

/// What executes processes: the interpreter, or a test's own.
pub trait Runner: Send + Sync {
    /// Runs a process until it stops.
    fn run(&self, engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData) -> Stop;

    /// Runs the blocking native that [`Stop::Blocking`] was given for, and keeps its result in `data`, which is not the
    /// process's own (see [`errand`]).
    fn block(&self, engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData);

    /// Where the process is: its innermost frame and its callers, at most `depth`; terms are made in `heap`.
    fn frames(&self, engine: &Arc<Engine>, data: &ProcessData, heap: &mut Heap, depth: usize) -> Vec<Frame>;

    /// Whether the process could still run the old code of a module.
    fn uses_old_code(&self, engine: &Arc<Engine>, process: &Arc<Process>, data: &mut ProcessData, module: Atom)
    -> bool;
}

/// One place in a process's call chain.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub mfa: Mfa,
    /// `[{file, File}, {line, Line}]`, or nil.
    pub location: Term,
}

/// All schedulers of an engine.
pub struct Schedulers {
    queues: Vec<RunQueue>,
    idle: Idle,
    alarm: Alarm,
    pool: Pool,
    runner: OnceLock<Box<dyn Runner>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    roles: Vec<Role>,
    spares: Spares,
    /// The watcher's, while all schedulers are idle.
    nap: Nap,
    next_queue: AtomicUsize,
    halted: AtomicBool,
    /// How the engine ends, once it was halted.
    end: Mutex<Option<End>>,
    ended: Condvar,
    /// Who has blocked multi-scheduling, once for each time, and whether for the schedulers that are not dirty only. Only
    /// the first scheduler runs processes while there is somebody; `multi_blocked` counts them.
    multi_blockers: Mutex<Vec<(u64, bool)>>,
    multi_blocked: AtomicU32,
    /// How many schedulers run processes.
    online: AtomicUsize,
    dirty_online: AtomicUsize,
    /// Collections of all processes, and the words that they have freed.
    pub collections: AtomicU64,
    pub reclaimed: AtomicU64,
    /// How long the schedulers and the threads of the pool were active.
    pub wall_time: WallTime,
    /// What they did.
    pub microstates: Microstates,
    /// Time slices run.
    pub slices: AtomicU64,
    /// Reductions used by all processes.
    pub reductions: AtomicU64,
}

/// How a halted engine ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With this status, after output was flushed or not.
    Exit { status: i32, flush: bool },
    /// At once, by the signal that tells of a failure.
    Abort,
}

impl End {
    /// The status of a program that ends so, as a shell shows it.
    pub fn status(self) -> i32 {
        match self {
            End::Exit { status, .. } => status,
            End::Abort => 134,
        }
    }
}

/// How long a halted engine waits for the time slices that are under way.
const LAST_SLICES: Duration = Duration::from_millis(100);

/// Bytes of stack that a scheduler thread has.
const NATIVE_STACK: usize = 16 << 20;

thread_local! {
    /// Where the stack of this scheduler thread begins.
    static STACK_BASE: Cell<usize> = const { Cell::new(0) };
    /// The word of this thread's role, unless the role was given away.
    static ROLE: Cell<u64> = const { Cell::new(0) };
    /// Which engine (by address) and which of its schedulers this thread is.
    static SELF: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

impl Schedulers {
    /// So many schedulers, of which only some run processes at first.
    pub fn new(count: usize, online: Option<usize>) -> Schedulers {
        let count = count.max(1);
        Schedulers {
            queues: (0..count).map(RunQueue::new).collect(),
            idle: Idle::new(count),
            alarm: Alarm::default(),
            pool: Pool::default(),
            runner: OnceLock::new(),
            threads: Mutex::new(Vec::new()),
            roles: (0..count).map(|_| Role::default()).collect(),
            spares: Spares::default(),
            nap: Nap::default(),
            next_queue: AtomicUsize::new(0),
            halted: AtomicBool::new(false),
            end: Mutex::new(None),
            ended: Condvar::new(),
            multi_blockers: Mutex::new(Vec::new()),
            multi_blocked: AtomicU32::new(0),
            online: AtomicUsize::new(online.unwrap_or(count).clamp(1, count)),
            dirty_online: AtomicUsize::new(online.unwrap_or(count).clamp(1, count)),
            collections: AtomicU64::new(0),
            reclaimed: AtomicU64::new(0),
            wall_time: WallTime::new(2 * count + DIRTY_IO),
            microstates: Microstates::new(2 * count + DIRTY_IO + 1),
            slices: AtomicU64::new(0),
            reductions: AtomicU64::new(0),
        }
    }

    /// How many schedulers there are.
    pub fn count(&self) -> usize {
        self.queues.len()
    }

    /// Runnable processes in all queues.
    pub fn queued(&self) -> usize {
        self.queues.iter().map(RunQueue::len).sum()
    }

    /// Processes in each queue and, if one runs, with it.
    pub fn active_lengths(&self) -> Vec<usize> {
        self.queues.iter().enumerate().map(|(i, q)| q.len() + usize::from(!self.idle.is_idle(i))).collect()
    }

    /// Processes that wait for a thread that may block.
    pub fn blocking_queued(&self) -> usize {
        self.pool.waiting()
    }

    /// Runnable processes in each queue.
    pub fn queue_lengths(&self) -> Vec<usize> {
        self.queues.iter().map(RunQueue::len).collect()
    }

    pub fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// How many schedulers run processes.
    pub fn online(&self) -> usize {
        self.online.load(Ordering::Acquire)
    }

    /// Lets the first `n` schedulers run processes; how many did before, or `None` when there are not so many.
    pub fn set_online(&self, n: usize) -> Option<usize> {
        if n == 0 || n > self.count() {
            return None;
        }
        let before = self.online.swap(n, Ordering::AcqRel);
        // What waits for the others goes to those that stay.
        for (i, queue) in self.queues.iter().enumerate().skip(n) {
            while let Some(p) = queue.pop() {
                self.queues[i % n].push(p);
            }
        }
        self.idle.wake_all();
        Some(before)
    }

    /// Whether multi-scheduling is blocked.
    pub fn is_multi_blocked(&self) -> bool {
        self.multi_blocked.load(Ordering::Acquire) > 0
    }

    /// Lets only the first scheduler run processes, until the process has unblocked as often or has ended.
    pub fn block_multi(&self, process: u64, normal: bool) {
        self.change_blockers(|all| all.push((process, normal)));
    }

    /// Takes back one call of [`Schedulers::block_multi`] of the process, if there is one.
    pub fn unblock_multi(&self, process: u64, normal: bool) {
        self.change_blockers(|all| {
            if let Some(i) = all.iter().rposition(|&b| b == (process, normal)) {
                all.remove(i);
            }
        });
    }

    /// Takes back all calls of a process that has ended.
    pub(crate) fn unblock_multi_of(&self, process: u64) {
        self.change_blockers(|all| all.retain(|b| b.0 != process));
    }

    fn change_blockers(&self, change: impl FnOnce(&mut Vec<(u64, bool)>)) {
        let mut all = self.multi_blockers.lock();
        change(&mut all);
        self.multi_blocked.store(all.len() as u32, Ordering::Release);
        drop(all);
        self.idle.wake_all();
    }

    /// Who has blocked multi-scheduling, each once.
    pub fn multi_blockers(&self, normal: bool) -> Vec<u64> {
        let mut all: Vec<u64> = self.multi_blockers.lock().iter().filter(|b| b.1 == normal).map(|b| b.0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How many schedulers run processes now.
    pub fn active(&self) -> usize {
        if self.is_multi_blocked() { 1 } else { self.online() }
    }

    /// How many of OTP's dirty schedulers for long computations are told to be online. The pool of threads does the
    /// work of all dirty schedulers.
    pub fn dirty_online(&self) -> usize {
        self.dirty_online.load(Ordering::Acquire)
    }

    /// Sets that number; the former one, or `None` when there are not so many.
    pub fn set_dirty_online(&self, n: usize) -> Option<usize> {
        (1..=self.count()).contains(&n).then(|| self.dirty_online.swap(n, Ordering::AcqRel))
    }

    /// Whether scheduler `i` may run processes now.
    fn may_run(&self, i: usize) -> bool {
        i == 0 || (i < self.online() && !self.is_multi_blocked())
    }

    /// Takes a process from the first of the queues that has one for scheduler `me`, beginning with its own. Whoever
    /// takes one from a queue in which more wait has another scheduler help.
    fn next(&self, me: usize, woken: bool) -> Option<Arc<Process>> {
        if !self.may_run(me) {
            if !self.queues[me].is_empty() {
                self.idle.wake(0);
            }
            return None;
        }
        let n = self.count();
        self.queues[me].pop().or_else(|| {
            (1..n).map(|d| (me + d) % n).filter(|&i| self.may_take(me, i, woken)).find_map(|i| {
                let p = if self.may_run(i) { self.queues[i].steal() } else { self.queues[i].pop() }?;
                if self.may_take(me, i, false) {
                    self.idle.wake_one();
                }
                Some(p)
            })
        })
    }

    /// Whether queue `i` has a process for scheduler `me`. One that waits there alone is left to its scheduler, which is
    /// about to come to it, unless `me` was woken to help.
    fn may_take(&self, me: usize, i: usize, woken: bool) -> bool {
        let q = &self.queues[i];
        if i == me || !self.may_run(i) { !q.is_empty() } else { q.stealable() > usize::from(!woken) }
    }

    /// Whether scheduler `me` would find a process.
    fn has_work(&self, me: usize) -> bool {
        self.may_run(me) && (0..self.count()).any(|i| self.may_take(me, i, false))
    }

    /// Shares what waits in the queue of scheduler `me`, after a slice of so many reductions there.
    fn share(&self, me: usize, used: u64, since: &mut Since) {
        // The first one does not wait any longer.
        let waiting = self.queues[me].stealable().saturating_sub(1);
        since.alone = if waiting == 0 { 0 } else { since.alone + used * waiting as u64 };
        if since.alone > PATIENCE {
            since.alone = 0;
            self.idle.wake_one();
        }
        since.balanced += used;
        if since.balanced > BALANCE_EVERY {
            since.balanced = 0;
            let longest = self.queues.iter().max_by_key(|q| q.stealable());
            if let Some(p) = longest.filter(|q| q.stealable() > self.queues[me].len() + 1).and_then(RunQueue::steal) {
                self.queues[me].push(p);
            }
        }
    }
}

/// What a scheduler counts between its slices, in reductions.
#[derive(Default)]
struct Since {
    /// What processes have waited for in the queue since there was but one, each counted.
    alone: u64,
    /// Those used since it compared its queue with the others.
    balanced: u64,
}

/// The index, from 0, of the scheduler of `engine` that the calling thread is.
pub fn current(engine: &Engine) -> Option<usize> {
    let (e, i) = SELF.get();
    (e == engine as *const Engine as usize).then_some(i)
}

/// Bytes of stack that the calling scheduler thread has left.
pub fn native_stack_left() -> Option<usize> {
    let here = 0u8;
    let used = STACK_BASE.get().checked_sub(&raw const here as usize)?;
    NATIVE_STACK.checked_sub(used)
}

impl Engine {
    /// Starts the scheduler threads.
    pub fn start(self: &Arc<Engine>, runner: Box<dyn Runner>) {
        if self.sched.runner.set(runner).is_err() {
            return;
        }
        for i in 0..self.sched.count() {
            assert!(self.start_thread(Some(i)), "the system allows a thread per scheduler");
        }
        self.start_watcher();
    }

    /// What executes processes, once the schedulers were started.
    pub fn runner(&self) -> Option<&dyn Runner> {
        self.sched.runner.get().map(|r| &**r)
    }

    /// Makes all schedulers stop after their current slices; [`Engine::wait`] flushes output, if `flush` asks for
    /// it, and returns `status`. The first call counts.
    pub fn halt(&self, status: i32, flush: bool) {
        self.end(End::Exit { status, flush });
    }

    /// As [`Engine::halt`], in the way that `end` says.
    pub fn end(&self, end: End) {
        self.sched.end.lock().get_or_insert(end);
        self.sched.halted.store(true, Ordering::Release);
        self.sched.ended.notify_all();
        self.sched.idle.wake_all();
        self.sched.spares.close();
        self.sched.nap.end();
    }

    /// Waits until the engine was halted and its schedulers have stopped, or do not for a while: a native may compute,
    /// or be blocked, for as long as it likes. How the engine ends.
    pub fn wait(self: &Arc<Engine>) -> End {
        let end = {
            let mut end = self.sched.end.lock();
            loop {
                match *end {
                    Some(end) => break end,
                    None => self.sched.ended.wait(&mut end),
                }
            }
        };
        let End::Exit { flush, .. } = end else { return end };
        let stopped = self.join_threads(Instant::now() + LAST_SLICES);
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

    /// Whether all threads of schedulers have ended by then.
    fn join_threads(&self, by: Instant) -> bool {
        loop {
            // Those that are joined may have started others.
            let Some(t) = self.sched.threads.lock().pop() else { return true };
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

    /// Puts a process that the caller owns into a run queue.
    pub fn enqueue(&self, process: Arc<Process>) {
        debug_assert_eq!(process.run_state(), RunState::Runnable);
        let s = &self.sched;
        if let Some(i) = process.bound_to().filter(|&i| s.may_run(i)) {
            s.queues[i].push(process);
            if current(self) != Some(i) || !s.roles[i].is(ROLE.get()) {
                s.idle.wake(i);
            }
            return;
        }
        match current(self) {
            Some(i) if s.may_run(i) => {
                s.queues[i].push(process);
                // After the push: a thread that takes the role over looks at the queue then.
                if !s.roles[i].is(ROLE.get()) {
                    s.idle.wake(i);
                }
            }
            _ => {
                let i = match s.idle.any() {
                    Some(i) if s.may_run(i) => i,
                    _ if s.is_multi_blocked() => 0,
                    _ => s.next_queue.fetch_add(1, Ordering::Relaxed) % s.online(),
                };
                s.queues[i].push(process);
                s.idle.wake(i);
            }
        }
    }

    /// Has an idle scheduler look at the timers when one was started by a thread that will not do so itself: one that
    /// has no role, or whose role was given away in this slice to a thread that went idle before.
    pub fn timer_started(&self) {
        if !current(self).is_some_and(|i| self.sched.roles[i].is(ROLE.get())) {
            self.sched.idle.wake_one();
        }
    }

    /// Makes a sleeping process runnable; false: it does not sleep.
    #[inline]
    pub fn wake(self: &Arc<Engine>, process: &Arc<Process>) -> bool {
        let woken = process.try_wake();
        if woken {
            if self.tracing.profile.watches_processes() {
                // SAFETY: OWNER: `try_wake` gave it to this thread.
                self.tracing.profile.process(self, process, unsafe { process.data() }, true);
            }
            // SAFETY: ASLEEP: whoever wakes a process takes over the count that its sleep has.
            self.enqueue(unsafe { Arc::from_raw(Arc::as_ptr(process)) });
        }
        woken
    }

    /// Sends a signal that somebody of this priority waits for to be handled: until it is, the receiver is scheduled with
    /// at least this priority, so that who asks does not wait behind processes of lower priority. Gives the signal back
    /// when the receiver has ended.
    pub fn ask(self: &Arc<Engine>, to: &Arc<Process>, priority: Priority, question: Parcel) -> Result<(), Parcel> {
        self.signal(to, question)?;
        if priority < to.priority() && to.has_signals() {
            self.elevate(to, priority);
        }
        Ok(())
    }

    /// As [`Engine::ask`]; who waits for an ended process gets its answer.
    pub fn post_question(self: &Arc<Engine>, to: Term, priority: Priority, question: Parcel) {
        let asked = match to.as_pid().and_then(|id| self.process(id)) {
            Some(p) => self.ask(&p, priority, question),
            None => Err(question),
        };
        if let Err(question) = asked {
            bounce(self, to, question);
        }
    }

    /// Has a process with signals take its next turn with at least this priority.
    pub(crate) fn elevate(&self, process: &Process, to: Priority) {
        // Whoever queues it from now on sees its new priority.
        if process.elevate(to) {
            self.sched.queues.iter().any(|q| q.requeue(process.id()));
        }
    }

    /// Has the role of a scheduler until the engine halts (false) or the role was given away (true).
    fn scheduler(self: &Arc<Engine>, me: usize) -> bool {
        SELF.set((Arc::as_ptr(self) as usize, me));
        ROLE.set(self.sched.roles[me].word());
        let mut given_away = false;
        STACK_BASE.set(&raw const me as usize);
        self.sched.wall_time.begin(me, self.clock.now());
        // Timers are coarser than the turn of a process that soon waits: not each turn asks for the time.
        let mut left = 0;
        let mut since = Since::default();
        let mut woken = false;
        while !given_away && !self.sched.is_halted() {
            if left == 0 {
                left = LOOK_EVERY;
                if self.timers.first().is_some_and(|t| t <= self.clock.now()) {
                    self.now_does(me, State::Aux);
                    self.timers.fire(self);
                    self.now_does(me, State::Other);
                }
            }
            match self.sched.next(me, woken) {
                Some(p) => {
                    woken = false;
                    let role = &self.sched.roles[me];
                    let slice = role.begin();
                    ROLE.set(slice);
                    self.now_does(me, State::Emulator);
                    left = present(|| self.turns(me, slice, p, left, &mut since));
                    self.now_does(me, State::Other);
                    if Atom::is_table_exhausted() {
                        self.atoms_are_exhausted();
                    }
                    match role.end(slice) {
                        Some(word) => ROLE.set(word),
                        None => given_away = true,
                    }
                }
                None => {
                    woken = self.idle(me);
                    left = 0;
                }
            }
        }
        SELF.set((0, 0));
        given_away
    }

    /// Parks scheduler `me` until there may be work. Whether it was woken.
    fn idle(self: &Arc<Engine>, me: usize) -> bool {
        let s = &self.sched;
        s.idle.enter(me);
        // A process that was queued before `enter` was seen by others is found here; one queued later wakes us.
        let work = s.is_halted() || s.has_work(me);
        if !work {
            if self.clock.is_virtual()
                && s.idle.all_idle()
                && self.pool_is_idle()
                && let Some(t) = self.timers.first()
            {
                let woken = s.idle.leave(me);
                self.clock.advance_to(t);
                return woken;
            }
            let timer = self.timers.first().filter(|&t| !self.clock.is_virtual() && s.alarm.set(t));
            s.wall_time.end(me, self.clock.now());
            self.now_does(me, State::Sleep);
            s.idle.park(me, timer.map(|t| self.clock.until(t)));
            s.wall_time.begin(me, self.clock.now());
            self.now_does(me, State::Other);
            if let Some(t) = timer {
                s.alarm.clear(t);
            }
        }
        let woken = s.idle.leave(me);
        s.nap.wake();
        woken
    }

    /// Notes what scheduler `me` does from now on; what it did.
    #[inline]
    pub(crate) fn now_does(&self, me: usize, state: State) -> State {
        self.sched.microstates.enter(me, state, || self.clock.now())
    }

    fn pool_is_idle(&self) -> bool {
        self.sched.pool.is_idle()
    }

    /// Gives processes their turns, beginning with this one, until a turn was long or what turns may cost is used up;
    /// what is `left` of that. All are one slice of the role, and the thread is present once for all of them.
    fn turns(
        self: &Arc<Engine>,
        me: usize,
        slice: u64,
        mut process: Arc<Process>,
        mut left: u32,
        since: &mut Since,
    ) -> u32 {
        let (mut turns, mut reductions) = (0, 0);
        loop {
            self.sched.roles[me].set_priority(process.priority());
            // A panic that no process can be ended for loses what was under way, never the scheduler.
            let used = catch_unwind(AssertUnwindSafe(|| self.run_slice(process))).unwrap_or(0);
            turns += u64::from(used > 0);
            reductions += used;
            left = left.saturating_sub(if used <= SHORT { SHORT_TURN } else { LONG_TURN });
            if !self.sched.roles[me].is(slice) {
                break;
            }
            self.sched.share(me, used, since);
            let goes_on = used <= SHORT && left > 0 && !self.sched.is_halted();
            process = match goes_on.then(|| self.sched.next(me, false)).flatten() {
                Some(next) => next,
                None => break,
            };
        }
        self.sched.slices.fetch_add(turns, Ordering::Relaxed);
        self.sched.reductions.fetch_add(reductions, Ordering::Relaxed);
        left
    }

    /// Gives a process its turn; the reductions that it used.
    fn run_slice(self: &Arc<Engine>, process: Arc<Process>) -> u64 {
        process.set_run_state(RunState::Running);
        process.end_elevation();
        // SAFETY: OWNER: it came out of a run queue, which owned it.
        let data = unsafe { process.data() };
        if !process.outer.is_empty()
            && let Err(reason) = guard(self, &process, data, |data| fetch(self, &process, data))
        {
            data.exit_reason = reason;
        }
        if !data.exit_reason.is_none() {
            let reason = data.exit_reason;
            terminate(self, &process, data, reason);
            return 0;
        }
        if let Some(offload) = &data.offload {
            // The signal that brings the native back is urgent for who waits behind it.
            if let Some(priority) = offload.priority() {
                process.elevate(priority);
            }
            self.sleep_or_requeue(process);
            return 0;
        }
        if data.suspended > 0 || (data.hibernating && data.mailbox.is_empty()) {
            self.sleep_or_requeue(process);
            return 0;
        }
        data.hibernating = false;
        (data.slice, data.slice_left) = (SLICE, SLICE);
        let watch = Watch::start(self, &process, data);
        data.activity = Activity::Running;
        let runner = self.sched.runner.get().expect("schedulers are started with a runner");
        let stop = guard(self, &process, data, |data| runner.run(self, &process, data)).unwrap_or_else(Stop::Exited);
        let used = Self::count_slice(data);
        data.activity = match stop {
            Stop::Wait => Activity::Waiting,
            Stop::Suspend => Activity::Suspended,
            _ => Activity::Runnable,
        };
        watch.end(self, &process, data, &stop);
        match stop {
            Stop::Yield => {
                process.set_run_state(RunState::Runnable);
                self.enqueue(process);
            }
            Stop::Wait | Stop::Suspend if !data.exit_reason.is_none() => {
                // The collection before the wait found its heap too large.
                let reason = data.exit_reason;
                terminate(self, &process, data, reason);
            }
            Stop::Wait | Stop::Suspend => {
                if self.tracing.profile.watches_processes() {
                    self.tracing.profile.process(self, &process, data, false);
                }
                self.sleep_or_requeue(process);
            }
            Stop::Exited(reason) => terminate(self, &process, data, reason),
            Stop::Blocking => {
                let errand = Errand::new(&process, data);
                self.sched.pool.submit(self, errand);
                self.sleep_or_requeue(process);
            }
        }
        used
    }

    fn count_slice(data: &mut ProcessData) -> u64 {
        let used = data.slice_used().max(1);
        data.reductions += used;
        (data.slice, data.slice_left) = (0, 0);
        used
    }

    fn sleep_or_requeue(&self, process: Arc<Process>) {
        // ASLEEP: once it sleeps, whoever wakes it has this count.
        let process = ManuallyDrop::new(process);
        if !process.sleep() {
            process.set_run_state(RunState::Runnable);
            self.enqueue(ManuallyDrop::into_inner(process));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
