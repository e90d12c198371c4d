//! The synchronisation types that the lock-free parts are written with: the usual ones, or the model checker's when
//! built with `--cfg loom`.

#[cfg(not(loom))]
mod usual {
    pub use parking_lot::{Condvar, Mutex};
    pub use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
}
#[cfg(not(loom))]
pub(crate) use usual::*;

#[cfg(loom)]
mod checked {
    use std::time::Duration;

    pub use loom::sync::MutexGuard;
    pub use loom::sync::atomic::{AtomicPtr, AtomicU32, Ordering, fence};

    /// The model checker's mutex with the usual one's interface.
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(t: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(t))
        }

        pub fn lock(&self) -> Option<MutexGuard<'_, T>> {
            Some(self.0.lock().expect("no thread panics with the lock"))
        }
    }

    /// The model checker's condition variable with the usual one's interface.
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn wait<T>(&self, guard: &mut Option<MutexGuard<'_, T>>) {
            *guard = guard.take().map(|g| self.0.wait(g).expect("no thread panics with the lock"));
        }

        pub fn wait_for<T>(&self, guard: &mut Option<MutexGuard<'_, T>>, _: Duration) {
            self.wait(guard);
        }
    }
}
#[cfg(loom)]
pub(crate) use checked::*;

/// Stands between a sequentially consistent access and a later one to another place, for the model checker alone: it
/// takes such accesses for acquire and release, and knows only fences as sequentially consistent.
#[inline]
pub(crate) fn checked_order() {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}
