//! Standing still: while an engine is frozen, no process has a turn and no thread of it begins anything else. Tests of
//! OTP's ask for it, to have a node that does not answer. What is under way when the freeze begins ends as usual.

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whether an engine stands still.
#[derive(Default)]
pub struct Freeze {
    /// Told in `until`; looked at without the lock before each turn.
    on: AtomicBool,
    until: Mutex<Option<Instant>>,
    over: Condvar,
    /// Held by who freezes.
    freezer: Mutex<()>,
}

impl Freeze {
    /// Has all threads but the caller's stand still for so long; returns when that is over. One freeze follows the
    /// other.
    pub fn freeze(&self, time: Duration) {
        let _freezer = self.freezer.lock();
        let end = Instant::now() + time;
        *self.until.lock() = Some(end);
        self.on.store(true, Ordering::SeqCst);
        std::thread::sleep(time);
        *self.until.lock() = None;
        self.on.store(false, Ordering::SeqCst);
        self.over.notify_all();
    }

    /// Whether the caller is to stand still.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Stands still as long as the freeze lasts, if there is one. Called without any lock.
    #[inline]
    pub fn stand_still(&self) {
        if self.is_on() {
            self.wait();
        }
    }

    #[cold]
    fn wait(&self) {
        let mut until = self.until.lock();
        while let Some(end) = *until {
            self.over.wait_until(&mut until, end);
            if Instant::now() >= end {
                return;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread::{sleep, spawn};

    #[test]
    fn others_stand_still_until_a_freeze_is_over() {
        let freeze = Arc::new(Freeze::default());
        freeze.stand_still();
        let freezer = spawn({
            let freeze = freeze.clone();
            move || freeze.freeze(Duration::from_millis(200))
        });
        while !freeze.is_on() {
            sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        freeze.stand_still();
        assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
        freezer.join().unwrap();
        assert!(!freeze.is_on());
    }
}
