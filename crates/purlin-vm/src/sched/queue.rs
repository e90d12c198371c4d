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
    queues: Mutex<Queues<Arc<Process>>>,
    len: AtomicUsize,
    /// How many of them are bound to this scheduler.
    bound: AtomicUsize,
    /// Which scheduler's queue this is.
    index: usize,
}

/// What waits for its turn, by priority.
pub(super) struct Queues<T> {
    max: VecDeque<T>,
    high: VecDeque<T>,
    /// With the number of turns that an item still has to come to the front.
    normal: VecDeque<(T, u8)>,
}

impl<T> Default for Queues<T> {
    fn default() -> Queues<T> {
        Queues { max: VecDeque::new(), high: VecDeque::new(), normal: VecDeque::new() }
    }
}

impl<T> Queues<T> {
    pub fn push(&mut self, item: T, priority: Priority) {
        match priority {
            Priority::Max => self.max.push_back(item),
            Priority::High => self.high.push_back(item),
            Priority::Normal => self.normal.push_back((item, 1)),
            Priority::Low => self.normal.push_back((item, LOW_TURNS)),
        }
    }

    /// All, by their priority.
    fn all(&self) -> impl Iterator<Item = &T> {
        self.max.iter().chain(&self.high).chain(self.normal.iter().map(|(item, _)| item))
    }

    /// Takes out the first item that is as wanted.
    fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        for queue in [&mut self.max, &mut self.high] {
            if let Some(i) = queue.iter().position(&wanted) {
                return queue.remove(i);
            }
        }
        let i = self.normal.iter().position(|(item, _)| wanted(item))?;
        self.normal.remove(i).map(|(item, _)| item)
    }

    pub fn pop(&mut self) -> Option<T> {
        if let Some(item) = self.max.pop_front().or_else(|| self.high.pop_front()) {
            return Some(item);
        }
        loop {
            let (item, turns) = self.normal.pop_front()?;
            if turns <= 1 {
                return Some(item);
            }
            self.normal.push_back((item, turns - 1));
        }
    }

    pub fn len(&self) -> usize {
        self.max.len() + self.high.len() + self.normal.len()
    }

    /// Whether something waits that comes before what has a lower priority than this one.
    fn waits(&self, priority: Priority) -> bool {
        match priority {
            Priority::Max => !self.max.is_empty(),
            Priority::High => self.max.len() + self.high.len() > 0,
            Priority::Normal | Priority::Low => self.len() > 0,
        }
    }
}

impl Default for RunQueue {
    fn default() -> RunQueue {
        RunQueue::new(0)
    }
}

impl RunQueue {
    /// The queue of this scheduler.
    pub fn new(index: usize) -> RunQueue {
        let queues = Mutex::new(Queues::default());
        RunQueue { queues, len: AtomicUsize::new(0), bound: AtomicUsize::new(0), index }
    }

    fn is_bound(&self, p: &Process) -> bool {
        p.bound_to() == Some(self.index)
    }

    /// Adds a process; how many there are now.
    pub fn push(&self, process: Arc<Process>) -> usize {
        let mut q = self.queues.lock();
        if self.is_bound(&process) {
            self.bound.fetch_add(1, Ordering::SeqCst);
        }
        let priority = process.scheduled_priority();
        q.push(process, priority);
        // SeqCst: ordered against a scheduler that goes idle (see `Idle`).
        let len = self.len.fetch_add(1, Ordering::SeqCst) + 1;
        checked_order();
        len
    }

    /// Moves a process that stands here to where its priority now puts it.
    pub fn requeue(&self, id: u64) -> bool {
        let mut q = self.queues.lock();
        let Some(p) = q.take(|p| p.id() == id) else { return false };
        let priority = p.scheduled_priority();
        q.push(p, priority);
        true
    }

    /// Takes the process whose turn it is.
    pub fn pop(&self) -> Option<Arc<Process>> {
        if self.is_empty() {
            return None;
        }
        let mut q = self.queues.lock();
        let p = q.pop()?;
        self.gone(&p);
        Some(p)
    }

    /// Shows all that wait.
    pub fn look<T>(&self, look: impl FnOnce(&[&Arc<Process>]) -> T) -> T {
        let q = self.queues.lock();
        let waiting: Vec<&Arc<Process>> = q.all().collect();
        look(&waiting)
    }

    /// Takes the one that `choose` says of all that wait, if one does.
    pub fn choose(&self, choose: impl FnOnce(&[&Arc<Process>]) -> Option<usize>) -> Option<Arc<Process>> {
        let mut q = self.queues.lock();
        let waiting: Vec<&Arc<Process>> = q.all().collect();
        if waiting.is_empty() {
            return None;
        }
        let id = waiting.get(choose(&waiting)?)?.id();
        let p = q.take(|p| p.id() == id)?;
        self.gone(&p);
        Some(p)
    }

    fn gone(&self, p: &Process) {
        if self.is_bound(p) {
            self.bound.fetch_sub(1, Ordering::SeqCst);
        }
        self.len.fetch_sub(1, Ordering::SeqCst);
    }

    /// Takes a process that is not bound to this scheduler, for another one.
    pub fn steal(&self) -> Option<Arc<Process>> {
        if self.bound.load(Ordering::SeqCst) == 0 {
            return self.pop();
        }
        let mut q = self.queues.lock();
        let p = q.take(|p| !self.is_bound(p))?;
        self.gone(&p);
        Some(p)
    }

    /// How many processes another scheduler may take.
    pub fn stealable(&self) -> usize {
        // A process comes to the bound ones first and leaves them first.
        let bound = self.bound.load(Ordering::SeqCst);
        self.len().saturating_sub(bound)
    }

    /// Whether a process waits that need not give way to one of this priority.
    pub fn waits(&self, priority: Priority) -> bool {
        !self.is_empty() && self.queues.lock().waits(priority)
    }

    pub fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.queues.lock());
        self.len.store(0, Ordering::SeqCst);
        self.bound.store(0, Ordering::SeqCst);
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
        let p = Process::new(id, ProcessData::new(Heap::new(0), Default::default(), mfa));
        p.set_priority(priority);
        Arc::new(p)
    }

    #[test]
    fn a_bound_process_is_not_stolen() {
        let q = RunQueue::new(1);
        for (id, priority) in [(1, Priority::Max), (2, Priority::Low), (3, Priority::Normal)] {
            let p = process(id, priority);
            p.bind(if id == 2 { 0 } else { 2 });
            q.push(p);
        }
        assert_eq!((q.len(), q.stealable()), (3, 1));
        assert_eq!(q.steal().unwrap().id(), 2);
        assert!(q.steal().is_none());
        assert_eq!(q.pop().unwrap().id(), 1);
        assert_eq!((q.len(), q.stealable()), (1, 0));
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
        Arc::new(Process::new(id, ProcessData::new(Heap::new(0), Default::default(), mfa)))
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
    fn loom_a_process_elevated_while_it_is_queued_comes_first() {
        loom::model(|| {
            let q = loom::sync::Arc::new(RunQueue::default());
            q.push(process(0));
            let p = process(1);
            let asker = {
                let (q, p) = (q.clone(), p.clone());
                loom::thread::spawn(move || {
                    if p.elevate(Priority::High) {
                        q.requeue(p.id());
                    }
                })
            };
            q.push(p);
            asker.join().unwrap();
            assert_eq!(q.pop().map(|p| p.id()), Some(1));
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
