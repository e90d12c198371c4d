//! The watcher: gives the role of a scheduler that is held up in one time slice to another thread, when there is work.

use super::scheduler;
use crate::engine::Engine;
use crate::process::Priority;
use crate::sched::NATIVE_STACK;
use crate::sched::role::{Given, Role};
use std::sync::Arc;
use std::time::Duration;

/// How often the watcher looks.
const LOOK: Duration = Duration::from_millis(2);
/// Processor time that a slice has used between two looks when it holds its scheduler up. Another thread would be of no
/// use if the system were busy with other programs, and it would disturb the order of what waits.
const HELD_UP: i64 = 1_000_000;
/// Looks after which a slice holds its scheduler up in any case.
const LOOKS: u32 = 10;
/// Looks after which a slice of a process of high priority makes way for processes of lower priority, too.
const PATIENT_LOOKS: u32 = 500;
/// Looks at an idle engine before the watcher sleeps.
const QUIET: u32 = 50;
/// How long a thread without a role stays.
const STAY: Duration = Duration::from_secs(10);
/// Threads per scheduler at most.
const THREADS_EACH: usize = 4;

/// Starts a thread with the role of a scheduler, or one that waits for a role. False: the system refuses it.
pub(super) fn start_thread(engine: &Arc<Engine>, role: Option<usize>) -> bool {
    let own = engine.clone();
    let name = role.map_or("spare scheduler".into(), |i| format!("scheduler {}", i + 1));
    let thread = std::thread::Builder::new().name(name).stack_size(NATIVE_STACK);
    let Ok(thread) = thread.spawn(move || serve(own, role)) else { return false };
    let mut threads = engine.sched.threads.lock();
    threads.retain(|t| !t.is_finished());
    threads.push(thread);
    true
}

/// The life of a scheduler's thread.
fn serve(engine: Arc<Engine>, mut role: Option<usize>) {
    loop {
        let Some(i) = role.or_else(|| engine.sched.spares.wait(STAY)) else { return };
        if !scheduler(&engine, i) {
            return;
        }
        role = None;
    }
}

/// Starts the watcher. In virtual time there is none: a run could not be repeated.
pub(super) fn start_watcher(engine: &Arc<Engine>) {
    if engine.clock.is_virtual() {
        return;
    }
    let own = engine.clone();
    let thread = std::thread::Builder::new().name("watcher".into()).stack_size(128 << 10);
    // Without a watcher everything runs, only less evenly.
    if let Ok(thread) = thread.spawn(move || watch(own)) {
        engine.sched.threads.lock().push(thread);
    }
}

fn watch(engine: Arc<Engine>) {
    let s = &engine.sched;
    let mut seen = vec![Seen::default(); s.count()];
    let mut quiet = 0;
    while !s.is_halted() {
        if !s.idle.all_idle() {
            quiet = 0;
        } else if quiet < QUIET {
            quiet += 1;
        } else {
            s.watcher.sleep(|| s.idle.all_idle() && !s.is_halted());
        }
        s.watcher.pause(LOOK);
        for (i, seen) in seen.iter_mut().enumerate() {
            if let Some(slice) = seen.look(&s.roles[i]).filter(|_| is_work_waiting(&engine, i, seen.looks)) {
                replace(&engine, i, slice);
            }
        }
    }
}

/// Whether there is work for a thread in the place of scheduler `i`, which was held up for so many looks.
fn is_work_waiting(engine: &Engine, i: usize, looks: u32) -> bool {
    // Processes of normal priority wait for those of high priority, however long these take.
    let priority = if looks < PATIENT_LOOKS { engine.sched.roles[i].priority() } else { Priority::Low };
    // While multi-scheduling is blocked, nothing may run beside the first scheduler.
    !engine.sched.is_multi_blocked()
        && (engine.sched.queues.iter().any(|q| q.waits(priority))
            || engine.timers.first().is_some_and(|t| t <= engine.clock.now()))
}

/// Gives role `i` to a spare thread, if this slice is still under way.
fn replace(engine: &Arc<Engine>, i: usize, slice: u64) {
    let s = &engine.sched;
    if s.spares.give(i, || s.roles[i].take(slice)) == Given::NoThread {
        let threads = s.threads.lock().iter().filter(|t| !t.is_finished()).count();
        if threads <= THREADS_EACH * s.count() {
            // It gets the role at the next look.
            start_thread(engine, None);
        }
    }
}

/// What the watcher knows of a role.
#[derive(Clone, Default)]
struct Seen {
    slice: Option<u64>,
    /// The processor time of the role's thread at the first look at this slice.
    since: i64,
    looks: u32,
}

impl Seen {
    /// Looks once more; the slice that holds its scheduler up.
    fn look(&mut self, role: &Role) -> Option<u64> {
        let slice = role.slice()?;
        let used = role.processor_time();
        if self.slice != Some(slice) {
            *self = Seen { slice: Some(slice), since: used, looks: 0 };
            return None;
        }
        self.looks += 1;
        (used - self.since >= HELD_UP || self.looks >= LOOKS || role.is_asleep()).then_some(slice)
    }
}
