//! The process table: from the number in a pid to its process.
//!
//! Numbers are given out by counting, so that the first pids are `<0.0.0>`, `<0.1.0>`, ...; a slot is the number's low
//! bits, and a number whose slot is taken is skipped.

use crate::process::Process;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bits of a pid's process data.
const DATA_BITS: u32 = 28;
const CHUNK: usize = 1024;

/// The default of the `+P` flag.
pub const DEFAULT_LIMIT: usize = 262_144;
/// The most that the `+P` flag can ask for.
pub const MAX_LIMIT: usize = 1 << 27;

type Slot = RwLock<Option<Arc<Process>>>;

/// All processes of an engine.
pub struct Table {
    chunks: Vec<OnceLock<Box<[Slot]>>>,
    mask: u64,
    limit: usize,
    count: AtomicUsize,
    next: AtomicU64,
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
        }
    }

    fn slot(&self, id: u64) -> Option<&Slot> {
        let i = (id & self.mask) as usize;
        self.chunks[i / CHUNK].get().map(|c| &c[i % CHUNK])
    }

    fn slot_or_new(&self, id: u64) -> &Slot {
        let i = (id & self.mask) as usize;
        &self.chunks[i / CHUNK].get_or_init(|| (0..CHUNK).map(|_| RwLock::new(None)).collect())[i % CHUNK]
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
            let mut slot = self.slot_or_new(id).write();
            if slot.is_none() {
                number(Arc::get_mut(&mut process)?, id);
                *slot = Some(process.clone());
                return Some(process);
            }
        }
    }

    /// The process with this number.
    #[inline]
    pub fn get(&self, id: u64) -> Option<Arc<Process>> {
        let slot = self.slot(id)?.read();
        slot.as_ref().filter(|p| p.id() == id).cloned()
    }

    /// Removes a process that ends.
    pub fn remove(&self, process: &Process) {
        let Some(slot) = self.slot(process.id()) else { return };
        let mut slot = slot.write();
        if slot.as_ref().is_some_and(|p| p.id() == process.id()) {
            let gone = slot.take();
            drop(slot);
            self.count.fetch_sub(1, Ordering::Relaxed);
            drop(gone);
        }
    }

    /// The number that the next process gets.
    pub fn next_free(&self) -> Option<u64> {
        let first = self.next.load(Ordering::Relaxed);
        let mut numbers = (first..=first + self.mask).map(|n| n & ((1 << DATA_BITS) - 1));
        numbers.find(|&id| self.slot(id).is_none_or(|s| s.read().is_none()))
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
        let chunks = self.chunks.iter().filter_map(|c| c.get());
        let mut all: Vec<_> = chunks.flat_map(|c| c.iter()).filter_map(|s| s.read().clone()).collect();
        all.sort_by_key(|p| p.id());
        all
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::process::{Mfa, ProcessData};
    use purlin_term::{Atom, Heap};

    fn insert(t: &Table) -> Option<Arc<Process>> {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        let p = Process::new(0, ProcessData::new(Heap::new(0), Vec::new(), mfa));
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
