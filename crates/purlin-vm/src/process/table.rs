//! The process table: from the number in a pid to its process.
//!
//! Numbers are given out by counting, so that the first pids are `<0.0.0>`, `<0.1.0>`, ...; a slot is the number's low
//! bits, and a number whose slot is taken is skipped.
//!
//! Each message looks its receiver up, without a lock and without counting: a thread that looks is present
//! ([`crate::process::grace`]), and the table gives up its count of a process that was removed only when every thread
//! that was present then has left. Until then the process, whose data are gone, is listed in `Retired`.

use crate::process::grace::{Grace, Place, present_for_processes};
use crate::process::{Process, RunState};
use parking_lot::Mutex;
use std::mem::ManuallyDrop;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Bits of a pid's process data.
const DATA_BITS: u32 = 28;
const CHUNK: usize = 1024;

/// The default of the `+P` flag.
pub const DEFAULT_LIMIT: usize = 262_144;
/// The most that the `+P` flag can ask for.
pub const MAX_LIMIT: usize = 1 << 27;

/// A process, as [`Arc::into_raw`] gives it; null, or [`taken`] while one is put there.
type Slot = AtomicPtr<Process>;

/// What a slot holds whose process is about to come. It is never followed.
fn taken() -> *mut Process {
    std::ptr::without_provenance_mut(1)
}

/// How many processes wait for the same grace.
const RETIRED: usize = 16;

/// Processes that were removed.
#[derive(Default)]
struct Retired {
    /// Removed after the grace began.
    new: Vec<Arc<Process>>,
    /// Removed before it began.
    old: Vec<Arc<Process>>,
    grace: Option<Grace>,
}

/// All processes of an engine.
pub struct Table {
    chunks: Vec<OnceLock<Box<[Slot]>>>,
    mask: u64,
    limit: usize,
    count: AtomicUsize,
    next: AtomicU64,
    retired: Mutex<Retired>,
}

impl Table {
    /// A table for at least `limit` processes (rounded up to a power of two, at least 1,024).
    pub fn new(limit: usize) -> Table {
        let limit = limit.clamp(CHUNK, MAX_LIMIT).next_power_of_two();
        Table {
            chunks: (0..limit / CHUNK).map(|_| OnceLock::new()).collect(),
            mask: limit as u64 - 1,
            limit,
            count: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            retired: Mutex::default(),
        }
    }

    fn slot(&self, id: u64) -> Option<&Slot> {
        let i = (id & self.mask) as usize;
        self.chunks[i / CHUNK].get().map(|c| &c[i % CHUNK])
    }

    fn slot_or_new(&self, id: u64) -> &Slot {
        let i = (id & self.mask) as usize;
        &self.chunks[i / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::new(null_mut())).collect())[i % CHUNK]
    }

    /// Adds a process that nobody else knows yet, once `number` has told it its free number; `None` when the table is
    /// full.
    pub fn insert(&self, mut process: Arc<Process>, number: impl FnOnce(&mut Process, u64)) -> Option<Arc<Process>> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        // There are as many slots as counted processes, so that a free one is met.
        loop {
            let id = self.next.fetch_add(1, Ordering::Relaxed) & ((1 << DATA_BITS) - 1);
            let slot = self.slot_or_new(id);
            let free = slot.load(Ordering::Relaxed).is_null();
            if free && slot.compare_exchange(null_mut(), taken(), Ordering::Acquire, Ordering::Relaxed).is_ok() {
                number(Arc::get_mut(&mut process)?, id);
                slot.store(Arc::into_raw(process.clone()).cast_mut(), Ordering::Release);
                return Some(process);
            }
        }
    }

    /// Calls `look` with the process of this number, if there is one. It must not end a process.
    #[inline]
    pub(crate) fn with<R>(&self, id: u64, look: impl FnOnce(&Arc<Process>) -> R) -> Option<R> {
        let slot = self.slot(id)?;
        present_for_processes(|| {
            // SAFETY: SLOT: this thread is present.
            let p = unsafe { process_in(slot) }?;
            (p.id() == id).then(|| look(&p))
        })
    }

    /// The process with this number.
    #[inline]
    pub fn get(&self, id: u64) -> Option<Arc<Process>> {
        self.with(id, Arc::clone)
    }

    /// Removes a process that ends; its owner calls this, once.
    pub fn remove(&self, process: &Arc<Process>) {
        let me = Arc::as_ptr(process).cast_mut();
        let Some(slot) = self.slot(process.id()) else { return };
        if slot.compare_exchange(me, null_mut(), Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: SLOT: the slot's count goes over to here.
        let gone = unsafe { Arc::from_raw(me) };
        let mut retired = self.retired.lock();
        retired.new.push(gone);
        if retired.new.len().is_multiple_of(RETIRED) && retired.grace.as_mut().is_none_or(Grace::is_over) {
            let new = std::mem::take(&mut retired.new);
            let old = std::mem::replace(&mut retired.old, new);
            retired.grace = Some(Grace::begin(Place::Processes));
            drop(retired);
            drop(old);
        }
    }

    /// The number that the next process gets.
    pub fn next_free(&self) -> Option<u64> {
        let first = self.next.load(Ordering::Relaxed);
        let mut numbers = (first..=first + self.mask).map(|n| n & ((1 << DATA_BITS) - 1));
        numbers.find(|&id| self.slot(id).is_none_or(|s| s.load(Ordering::Relaxed).is_null()))
    }

    /// Has the numbers of further processes counted from `next`.
    pub fn set_next(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many there can be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// All processes, in the order of their numbers.
    pub fn all(&self) -> Vec<Arc<Process>> {
        self.within(&self.chunks)
    }

    /// The processes in one part of the table, in the order of their numbers; `None` beyond its last part.
    pub fn part(&self, part: usize) -> Option<Vec<Arc<Process>>> {
        self.chunks.get(part).map(|chunk| self.within(std::slice::from_ref(chunk)))
    }

    fn within(&self, chunks: &[OnceLock<Box<[Slot]>>]) -> Vec<Arc<Process>> {
        let slots = chunks.iter().filter_map(|c| c.get()).flat_map(|c| c.iter());
        let mut all: Vec<_> = present_for_processes(|| {
            // SAFETY: SLOT: this thread is present.
            slots.filter_map(|s| unsafe { process_in(s) }.map(|p| Arc::clone(&p))).collect()
        });
        all.sort_by_key(|p| p.id());
        all
    }
}

/// The process in a slot, without a count of its own.
///
/// # Safety
/// SLOT: the calling thread is present and stays so as long as it uses the process.
#[inline]
unsafe fn process_in(slot: &Slot) -> Option<ManuallyDrop<Arc<Process>>> {
    let p = slot.load(Ordering::Acquire);
    // SAFETY: SLOT: the count that the slot has, or had when this thread came, is not given up before it leaves.
    (!p.is_null() && p != taken()).then(|| ManuallyDrop::new(unsafe { Arc::from_raw(p) }))
}

impl Drop for Table {
    fn drop(&mut self) {
        for slot in self.chunks.iter_mut().filter_map(|c| c.get_mut()).flatten() {
            let p = *slot.get_mut();
            if p.is_null() {
                continue;
            }
            // SAFETY: SLOT, ASLEEP: nobody runs any more, so the counts of the slot and of the sleep are given up here.
            unsafe {
                let p = Arc::from_raw(p);
                if p.run_state() == RunState::Waiting {
                    drop(Arc::from_raw(Arc::as_ptr(&p)));
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::process::{Mfa, ProcessData};
    use purlin_term::{Atom, Heap};

    fn insert(t: &Table) -> Option<Arc<Process>> {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        let p = Process::new(0, ProcessData::new(Heap::new(0), Default::default(), mfa));
        t.insert(Arc::new(p), Process::set_id)
    }

    #[test]
    fn numbers_count_up_and_a_full_table_refuses() {
        let t = Table::new(1);
        for i in 0..1024 {
            assert_eq!(insert(&t).unwrap().id(), i);
        }
        assert!(insert(&t).is_none());
        t.remove(&t.get(5).unwrap());
        assert_eq!(insert(&t).unwrap().id(), 1024 + 5, "an old number is not used again soon");
        assert!(t.get(5).is_none());
        assert_eq!(t.count(), 1024);
    }
}
