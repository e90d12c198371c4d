//! Scheduling: what the scheduler threads share, and how they share the work. The threads are in
//! [`threads`](crate::threads).
//!
//! A process that becomes runnable goes to the queue of the scheduler that made it so, which shares its queue with an
//! idle one when the processes there have waited for long. A scheduler whose queue is empty steals; when there is
//! nothing to steal it parks until it is woken or a timer is due. Timers are looked at between time slices.

pub mod blocking;
pub mod freeze;
pub mod idle;
pub mod microstate;
pub mod pool;
pub mod queue;
pub mod role;
mod wall_time;

use crate::clock::Clock;
use crate::process::{Priority, Process, RunState};
use freeze::Freeze;
use idle::{Alarm, Idle};
use microstate::{Microstates, State};
use parking_lot::{Condvar, Mutex};
use pool::Pool;
use queue::RunQueue;
use role::{Role, Spares, WatcherSleep};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use wall_time::WallTime;

/// Reductions in a time slice.
pub const SLICE: i32 = 4000;

/// How many of OTP's dirty schedulers for input and output Purlin says it has.
pub const DIRTY_IO: usize = 10;

/// Threads for natives that wait.
const WAITING_THREADS: usize = 16;

/// Reductions that processes wait for in a queue, counted for each, before its scheduler shares it.
const PATIENCE: u64 = 5 * SLICE as u64;

/// Reductions between two looks of a busy scheduler at the other queues, for one that is longer than its own.
pub(crate) const BALANCE_EVERY: u64 = 400 * SLICE as u64;

/// All schedulers of an engine.
pub struct Schedulers {
    pub(crate) queues: Vec<RunQueue>,
    pub(crate) idle: Idle,
    pub(crate) alarm: Alarm,
    /// Threads for natives that wait, and for natives that compute.
    pub(crate) pool: Pool,
    pub(crate) computing: Pool,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) roles: Vec<Role>,
    pub(crate) spares: Spares,
    pub(crate) watcher: WatcherSleep,
    /// Whether all threads stand still.
    pub freeze: Freeze,
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

/// Bytes of stack that a scheduler thread has.
pub(crate) const NATIVE_STACK: usize = 16 << 20;

thread_local! {
    /// Where the stack of this scheduler thread begins.
    pub(crate) static STACK_BASE: Cell<usize> = const { Cell::new(0) };
    /// The word of this thread's role, unless the role was given away.
    pub(crate) static ROLE: Cell<u64> = const { Cell::new(0) };
    /// Whose schedulers (by address) this thread is one of, and which.
    pub(crate) static SELF: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

impl Schedulers {
    /// So many schedulers, of which only some run processes at first.
    pub fn new(count: usize, online: Option<usize>) -> Schedulers {
        let count = count.max(1);
        Schedulers {
            queues: (0..count).map(RunQueue::new).collect(),
            idle: Idle::new(count),
            alarm: Alarm::default(),
            pool: Pool::new(WAITING_THREADS),
            // More of them would only take the processors from the schedulers.
            computing: Pool::new(count),
            threads: Mutex::new(Vec::new()),
            roles: (0..count).map(|_| Role::default()).collect(),
            spares: Spares::default(),
            watcher: WatcherSleep::default(),
            freeze: Freeze::default(),
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
    pub(crate) fn may_run(&self, i: usize) -> bool {
        i == 0 || (i < self.online() && !self.is_multi_blocked())
    }

    /// Takes a process from the first of the queues that has one for scheduler `me`, beginning with its own. Whoever
    /// takes one from a queue in which more wait has another scheduler help.
    pub(crate) fn next(&self, me: usize, woken: bool) -> Option<Arc<Process>> {
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
    pub(crate) fn has_work(&self, me: usize) -> bool {
        self.may_run(me) && (0..self.count()).any(|i| self.may_take(me, i, false))
    }

    /// Shares what waits in the queue of scheduler `me`, after a slice of so many reductions there.
    pub(crate) fn share(&self, me: usize, used: u64, since: &mut Since) {
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

    /// Makes all schedulers stop after their current slices; [`Engine::wait`](crate::Engine::wait) flushes output, if
    /// `flush` asks for it, and returns `status`. The first call counts.
    pub fn halt(&self, status: i32, flush: bool) {
        self.end(End::Exit { status, flush });
    }

    /// As [`Schedulers::halt`], in the way that `end` says.
    pub fn end(&self, end: End) {
        self.end.lock().get_or_insert(end);
        self.halted.store(true, Ordering::Release);
        self.ended.notify_all();
        self.idle.wake_all();
        self.spares.close();
        self.watcher.end();
    }

    /// Waits until the engine was halted; how it ends.
    pub(crate) fn wait_for_end(&self) -> End {
        let mut end = self.end.lock();
        loop {
            match *end {
                Some(end) => return end,
                None => self.ended.wait(&mut end),
            }
        }
    }

    /// The index, from 0, of the scheduler that the calling thread is.
    pub fn current(&self) -> Option<usize> {
        let (all, i) = SELF.get();
        (all == std::ptr::from_ref(self) as usize).then_some(i)
    }

    /// Puts a process that the caller owns into a run queue.
    pub fn enqueue(&self, process: Arc<Process>) {
        debug_assert_eq!(process.run_state(), RunState::Runnable);
        if let Some(i) = process.bound_to().filter(|&i| self.may_run(i)) {
            self.queues[i].push(process);
            if self.current() != Some(i) || !self.roles[i].is(ROLE.get()) {
                self.idle.wake(i);
            }
            return;
        }
        match self.current() {
            Some(i) if self.may_run(i) => {
                self.queues[i].push(process);
                // After the push: a thread that takes the role over looks at the queue then.
                if !self.roles[i].is(ROLE.get()) {
                    self.idle.wake(i);
                }
            }
            _ => {
                let i = match self.idle.any() {
                    Some(i) if self.may_run(i) => i,
                    _ if self.is_multi_blocked() => 0,
                    _ => self.next_queue.fetch_add(1, Ordering::Relaxed) % self.online(),
                };
                self.queues[i].push(process);
                self.idle.wake(i);
            }
        }
    }

    /// Has an idle scheduler look at the timers when one was started by a thread that will not do so itself: one that
    /// has no role, or whose role was given away in this slice to a thread that went idle before.
    pub fn timer_started(&self) {
        if !self.current().is_some_and(|i| self.roles[i].is(ROLE.get())) {
            self.idle.wake_one();
        }
    }

    /// Has a process with signals take its next turn with at least this priority.
    pub(crate) fn elevate(&self, process: &Process, to: Priority) {
        // Whoever queues it from now on sees its new priority.
        if process.elevate(to) {
            self.queues.iter().any(|q| q.requeue(process.id()));
        }
    }

    /// Notes what scheduler `me` does from now on; what it did.
    #[inline]
    pub(crate) fn now_does(&self, me: usize, state: State, clock: &Clock) -> State {
        self.microstates.enter(me, state, || clock.now())
    }
}

/// What a scheduler counts between its slices, in reductions.
#[derive(Default)]
pub(crate) struct Since {
    /// What processes have waited for in the queue since there was but one, each counted.
    alone: u64,
    /// Those used since it compared its queue with the others.
    balanced: u64,
}

/// Bytes of stack that the calling scheduler thread has left.
pub fn native_stack_left() -> Option<usize> {
    let here = 0u8;
    let used = STACK_BASE.get().checked_sub(&raw const here as usize)?;
    NATIVE_STACK.checked_sub(used)
}
