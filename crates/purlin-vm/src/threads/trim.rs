//! Processes that wait give back the room of their heaps once schedulers have little to do.
//!
//! A heap grows for the work that its process does: a connection that has answered a request keeps the room of that
//! while it waits for the next one, which may be hours. A scheduler that rests collects such heaps, so that they are no
//! larger than what lives in them, as hibernating does.

use super::sleep_or_requeue;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::gc::{Depth, MIN_HEAP};
use crate::process::grace::present;
use crate::process::{Activity, Hibernation, Process, RunState};
use crate::tracing::events;
use purlin_term::Heap;
use std::sync::Arc;

/// Words of a heap up to which it is collected: a larger one takes time in which its process does not answer.
const LARGE: usize = 1 << 15;

/// Collects the heaps of processes that wait, from a part of the process table on. Where it stopped because there is
/// work for scheduler `me`; `None` at the end.
pub(super) fn processes(engine: &Arc<Engine>, me: usize, from: usize) -> Option<usize> {
    for part in from.. {
        for process in engine.processes.part(part)? {
            if engine.sched.is_halted() || engine.sched.has_work(me) {
                return Some(part);
            }
            present(|| trim(engine, &process));
        }
    }
    None
}

fn trim(engine: &Arc<Engine>, process: &Arc<Process>) {
    if process.run_state() != RunState::Waiting || process.is_exiting() || !process.try_wake() {
        return;
    }
    process.set_run_state(RunState::Running);
    // SAFETY: OWNER: `try_wake` gave it to this thread.
    let data = unsafe { process.data() };
    let waits = data.activity == Activity::Waiting && data.hibernation == Hibernation::None && data.offload.is_none();
    if waits && data.has_worked_since_collection() && (MIN_HEAP + 1..=LARGE).contains(&words(&data.heap)) {
        events::request_collection(&mut Ctx { engine, process, data }, Depth::Tight);
    }
    // SAFETY: ASLEEP: whoever wakes a process takes over the count that its sleep has.
    sleep_or_requeue(engine, unsafe { Arc::from_raw(Arc::as_ptr(process)) });
}

/// The words that a heap takes.
fn words(heap: &Heap) -> usize {
    heap.block.words() + heap.old.words() + heap.fragment_words
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::Config;
    use crate::lifecycle::spawn::Spawn;
    use crate::process::signal::{Signal, SignalKind};
    use purlin_term::{Atom, Term};
    use std::mem::ManuallyDrop;

    fn waiting(engine: &Arc<Engine>, garbage: usize) -> Arc<Process> {
        let process = Spawn::new(Atom::OK, Atom::OK, &[]).create(engine).unwrap();
        process.set_run_state(RunState::Running);
        // SAFETY: OWNER: this thread made it and no scheduler runs.
        let data = unsafe { process.data() };
        data.collect(&mut [], garbage);
        for _ in 0..garbage / 4 {
            data.heap.tuple(&[Term::small(1), Term::small(2), Term::small(3)]);
        }
        data.roots.push(data.heap.tuple(&[Term::small(7)]));
        (data.activity, data.reductions) = (Activity::Waiting, 100);
        // ASLEEP: the sleep has a count.
        assert!(ManuallyDrop::new(process.clone()).sleep());
        process
    }

    #[test]
    fn a_process_that_waits_keeps_what_lives() {
        let engine = Engine::new(&[], Config { schedulers: 1, ..Config::from_env().unwrap() });
        let process = waiting(&engine, 2000);
        // SAFETY: OWNER: no scheduler runs.
        let data = unsafe { process.data() };
        assert!(words(&data.heap) > 2000);
        trim(&engine, &process);
        assert!(words(&data.heap) < 100, "{}", words(&data.heap));
        assert_eq!(data.roots[0].as_tuple().unwrap(), &[Term::small(7)]);
        assert_eq!(process.run_state(), RunState::Waiting);
        assert!(!engine.sched.has_work(0));
        let block = data.heap.block.start();
        trim(&engine, &process);
        assert_eq!(data.heap.block.start(), block, "it has not worked since");
    }

    #[test]
    fn a_large_heap_is_left_alone_and_no_signal_is_lost() {
        let engine = Engine::new(&[], Config { schedulers: 1, ..Config::from_env().unwrap() });
        let process = waiting(&engine, 2 * LARGE);
        // SAFETY: OWNER: no scheduler runs.
        let data = unsafe { process.data() };
        let _ = process.outer.push(Signal::built(SignalKind::Message, |_| Term::small(1)));
        trim(&engine, &process);
        assert!(words(&data.heap) > LARGE);
        assert_eq!(process.run_state(), RunState::Runnable);
        assert!(engine.sched.has_work(0));
    }
}
