//! The synchronisation types that the concurrent parts are written with: the usual ones, or the model checker's when
//! built with `--cfg loom`.

#[cfg(not(loom))]
mod usual {
    pub use parking_lot::{Condvar, Mutex};
    pub use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}
#[cfg(not(loom))]
pub(crate) use usual::*;

#[cfg(loom)]
mod checked {
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    pub use loom::sync::atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };

    /// The model checker's mutex with the usual one's interface.
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    /// Its guard; empty only while a condition variable waits.
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub fn new(t: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(t))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect("no thread panics with the lock")))
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Mutex<T> {
            Mutex::new(T::default())
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("no one waits")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("no one waits")
        }
    }

    /// The model checker's condition variable with the usual one's interface.
    #[derive(Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }

        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            guard.0 = guard.0.take().map(|g| self.0.wait(g).expect("no thread panics with the lock"));
        }

        pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) {
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
