//! Bytes that terms take, counted where they are allocated and freed.
//!
//! Each thread counts for itself and is the only writer of its counters, so that counting costs no shared cache line;
//! a count alone means nothing (what one thread allocates another may free), only the sum over all threads does.

use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

/// What is counted.
#[derive(Clone, Copy)]
pub enum Use {
    /// Blocks of heaps and fragments.
    Blocks,
    /// Counted binaries.
    Binaries,
}

#[derive(Default)]
struct Counters([AtomicIsize; 4]);

/// The counters of the threads that live; the last word of those that ended is in `ENDED`.
static LIVING: Mutex<Vec<&'static Counters>> = Mutex::new(Vec::new());
static ENDED: Counters = Counters([const { AtomicIsize::new(0) }; 4]);

struct Mine(&'static Counters);

impl Drop for Mine {
    fn drop(&mut self) {
        COUNTERS.set(None);
        let mut living = LIVING.lock();
        living.retain(|c| !std::ptr::eq(*c, self.0));
        for (ended, mine) in ENDED.0.iter().zip(&self.0.0) {
            ended.fetch_add(mine.load(Relaxed), Relaxed);
        }
    }
}

thread_local! {
    static MINE: Mine = {
        let counters: &'static Counters = Box::leak(Box::default());
        LIVING.lock().push(counters);
        COUNTERS.set(Some(counters));
        Mine(counters)
    };
    /// Those of `MINE`, from its first use until it ends: found by one load.
    static COUNTERS: Cell<Option<&'static Counters>> = const { Cell::new(None) };
}

/// Where the bytes of a use are counted; its blocks are next to them.
const fn place(what: Use) -> usize {
    2 * what as usize
}

/// Counts a block of so many bytes; with a negative number, one that is freed.
#[inline]
pub(crate) fn add(what: Use, bytes: isize) {
    match COUNTERS.get() {
        Some(mine) => {
            for (i, n) in [bytes, bytes.signum()].into_iter().enumerate() {
                let counter = &mine.0[place(what) + i];
                counter.store(counter.load(Relaxed).wrapping_add(n), Relaxed);
            }
        }
        None => add_at_the_edge(what, bytes),
    }
}

/// A thread's first count, or one after its last.
#[cold]
fn add_at_the_edge(what: Use, bytes: isize) {
    let _ = MINE.try_with(|_| ());
    let counters = COUNTERS.get().unwrap_or(&ENDED);
    counters.0[place(what)].fetch_add(bytes, Relaxed);
    counters.0[place(what) + 1].fetch_add(bytes.signum(), Relaxed);
}

/// Bytes in use now, over all threads.
pub fn bytes(what: Use) -> usize {
    sum(place(what))
}

/// Blocks in use now, over all threads.
pub fn count(what: Use) -> usize {
    sum(place(what) + 1)
}

fn sum(place: usize) -> usize {
    let living = LIVING.lock();
    let of = |c: &Counters| c.0[place].load(Relaxed);
    living.iter().map(|c| of(c)).fold(of(&ENDED), isize::wrapping_add).max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_thread_allocates_another_may_free() {
        // Other tests count too: so much stands out.
        const BIG: isize = 1 << 40;
        let before = bytes(Use::Blocks);
        std::thread::spawn(|| add(Use::Blocks, BIG)).join().unwrap();
        assert!(bytes(Use::Blocks) > before + (BIG / 2) as usize);
        add(Use::Blocks, -BIG);
        assert!(bytes(Use::Blocks) < before + (BIG / 2) as usize);
    }
}
