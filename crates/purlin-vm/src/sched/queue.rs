//! One scheduler's run queue: three queues by priority. Processes of low priority stand among the normal ones and are
//! passed over several times before they run, as on the BEAM.

use crate::process::{Priority, Process};
use crate::sync::{AtomicUsize, Mutex, Ordering, checked_order};
use std::collections::VecDeque;
use std::sync::Arc;

/// How often a process of low priority comes to the front before it runs.
const LOW_TURNS: u8 = 8;

/// The runnable processes of one scheduler.
pub struct RunQueue {
    queues: Mutex<Queues>,
    len: AtomicUsize,
}

#[derive(Default)]
struct Queues {
    max: VecDeque<Arc<Process>>,
    high: VecDeque<Arc<Process>>,
    /// With the number of turns a process still has to come to the front.
    normal: VecDeque<(Arc<Process>, u8)>,
}

impl Queues {
    fn push(&mut self, process: Arc<Process>) {
        match process.scheduled_priority() {
            Priority::Max => self.max.push_back(process),
            Priority::High => self.high.push_back(process),
            Priority::Normal => self.normal.push_back((process, 1)),
            Priority::Low => self.normal.push_back((process, LOW_TURNS)),
        }
    }

    /// Takes a process out of the queue that it stands in.
    fn take(&mut self, id: u64) -> Option<Arc<Process>> {
        if let Some(i) = self.normal.iter().position(|(p, _)| p.id() == id) {
            return self.normal.remove(i).map(|(p, _)| p);
        }
        let i = self.high.iter().position(|p| p.id() == id)?;
        self.high.remove(i)
    }

    fn pop(&mut self) -> Option<Arc<Process>> {
        if let Some(p) = self.max.pop_front().or_else(|| self.high.pop_front()) {
            return Some(p);
        }
        loop {
            let (p, turns) = self.normal.pop_front()?;
            if turns <= 1 {
                return Some(p);
            }
            self.normal.push_back((p, turns - 1));
        }
    }
}

impl Default for RunQueue {
    fn default() -> RunQueue {
        RunQueue { queues: Mutex::new(Queues::default()), len: AtomicUsize::new(0) }
    }
}

impl RunQueue {
    /// Adds a process; how many there are now.
    pub fn push(&self, process: Arc<Process>) -> usize {
        let mut q = self.queues.lock();
        q.push(process);
        // SeqCst: ordered against a scheduler that goes idle (see `Idle`).
        let len = self.len.fetch_add(1, Ordering::SeqCst) + 1;
        checked_order();
        len
    }

    /// Moves a process that stands here to where its priority now puts it.
    pub fn requeue(&self, id: u64) -> bool {
        let mut q = self.queues.lock();
        let taken = q.take(id);
        let found = taken.is_some();
        taken.into_iter().for_each(|p| q.push(p));
        found
    }

    /// Takes the process whose turn it is.
    pub fn pop(&self) -> Option<Arc<Process>> {
        if self.is_empty() {
            return None;
        }
        let mut q = self.queues.lock();
        let p = q.pop()?;
        self.len.fetch_sub(1, Ordering::SeqCst);
        Some(p)
    }

    /// Takes a process for another scheduler.
    pub fn steal(&self) -> Option<Arc<Process>> {
        self.pop()
    }

    pub fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.queues.lock());
        self.len.store(0, Ordering::SeqCst);
        drop(all);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::process::{Mfa, ProcessData};
    use purlin_term::{Atom, Heap};

    fn process(id: u64, priority: Priority) -> Arc<Process> {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        let p = Process::new(id, ProcessData::new(Heap::new(0), Vec::new(), mfa));
        p.set_priority(priority);
        Arc::new(p)
    }

    #[test]
    fn higher_priorities_come_first() {
        let q = RunQueue::default();
        for (i, p) in [Priority::Normal, Priority::High, Priority::Max].into_iter().enumerate() {
            q.push(process(i as u64, p));
        }
        let order: Vec<u64> = std::iter::from_fn(|| q.pop()).map(|p| p.id()).collect();
        assert_eq!(order, [2, 1, 0]);
    }

    #[test]
    fn a_low_process_runs_once_while_a_normal_one_runs_seven_times() {
        let q = RunQueue::default();
        q.push(process(0, Priority::Low));
        q.push(process(1, Priority::Normal));
        let mut normal = 0;
        loop {
            let p = q.pop().unwrap();
            if p.id() == 0 {
                break;
            }
            normal += 1;
            q.push(p);
        }
        assert_eq!(normal, 7);
    }

    #[test]
    fn a_low_process_alone_runs_at_once() {
        let q = RunQueue::default();
        q.push(process(0, Priority::Low));
        assert_eq!(q.pop().unwrap().id(), 0);
        assert!(q.is_empty());
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::process::{Mfa, ProcessData};
    use crate::sched::idle::Idle;
    use purlin_term::{Atom, Heap};

    fn process(id: u64) -> Arc<Process> {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        Arc::new(Process::new(id, ProcessData::new(Heap::new(0), Vec::new(), mfa)))
    }

    #[test]
    fn loom_each_process_is_taken_once_whoever_takes_it() {
        loom::model(|| {
            let q = loom::sync::Arc::new(RunQueue::default());
            q.push(process(0));
            let thief = {
                let q = q.clone();
                loom::thread::spawn(move || q.steal().map(|p| p.id()))
            };
            q.push(process(1));
            let mut got: Vec<u64> = std::iter::from_fn(|| q.pop()).map(|p| p.id()).collect();
            got.extend(thief.join().unwrap());
            got.sort();
            assert_eq!(got, [0, 1]);
            assert!(q.is_empty());
        });
    }

    #[test]
    fn loom_a_process_queued_while_its_scheduler_goes_idle_is_found() {
        loom::model(|| {
            let shared = loom::sync::Arc::new((RunQueue::default(), Idle::new(1)));
            let scheduler = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let (queue, idle) = &*shared;
                    loop {
                        if let Some(p) = queue.pop() {
                            return p.id();
                        }
                        idle.enter(0);
                        if queue.is_empty() {
                            idle.park(0, None);
                        }
                        idle.leave(0);
                    }
                })
            };
            shared.0.push(process(7));
            shared.1.wake_one();
            assert_eq!(scheduler.join().unwrap(), 7);
        });
    }
}
