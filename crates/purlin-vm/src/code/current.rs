//! The place that says what code a name or a fun leads to now. Calls read it without a lock.
//!
//! What was complete before it was put here is complete for who finds it here; what is taken away is not found by who
//! was told of that afterwards. Nothing that was ever here is freed before all threads have ended what they were in
//! (CODE), so that who found it may go on with it.

use crate::sync::{AtomicPtr, Ordering};
use std::ptr::null_mut;

/// What is current: a `T`, or nothing.
pub struct Current<T: 'static>(AtomicPtr<T>);

impl<T> Default for Current<T> {
    fn default() -> Current<T> {
        Current(AtomicPtr::new(null_mut()))
    }
}

impl<T> Current<T> {
    #[inline]
    pub fn get(&self) -> Option<&'static T> {
        let p = self.0.load(Ordering::Acquire);
        // SAFETY: CODE: what was put here lives until no thread can have found it here.
        unsafe { p.as_ref() }
    }

    /// Makes `t` current.
    pub fn set(&self, t: &'static T) {
        self.0.store(t as *const T as *mut T, Ordering::Release);
    }

    /// Puts `to` in the place of `from`; nothing happens when something else is current.
    pub fn replace(&self, from: &'static T, to: &'static T) {
        self.exchange(from, to as *const T as *mut T);
    }

    /// Takes `t` away; nothing happens when something else is current.
    pub fn clear(&self, t: &'static T) {
        self.exchange(t, null_mut());
    }

    fn exchange(&self, from: &'static T, to: *mut T) {
        let from = from as *const T as *mut T;
        let _ = self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::process::signal::{Outer, Signal};
    use crate::sync::{AtomicBool, AtomicU32};
    use loom::sync::Arc;
    use purlin_term::Term;

    struct Code(AtomicU32);

    fn code() -> &'static Code {
        Box::leak(Box::new(Code(AtomicU32::new(0))))
    }

    #[test]
    fn loom_who_finds_new_code_finds_it_complete_and_who_was_told_of_it_finds_it() {
        loom::model(|| {
            let shared = Arc::new((Current::default(), Outer::new()));
            let loader = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let new = code();
                    new.0.store(7, Ordering::Relaxed);
                    shared.0.set(new);
                    shared.1.push(Signal::message(Term::NIL)).ok().unwrap();
                })
            };
            let told = shared.1.take().count() == 1;
            let found: Option<&Code> = shared.0.get();
            assert!(!told || found.is_some(), "a message about the code came before the code");
            assert!(found.is_none_or(|c| c.0.load(Ordering::Relaxed) == 7), "half of the code");
            loader.join().unwrap();
        });
    }

    #[test]
    fn loom_nobody_is_in_purged_code_after_the_last_answer() {
        loom::model(|| {
            let old = code();
            let shared = Arc::new((Current::default(), Outer::new(), AtomicBool::new(false), AtomicBool::new(false)));
            shared.0.set(old);
            let caller = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let (current, signals, answered, purged) = &*shared;
                    for _ in 0..2 {
                        // A time slice: a call, which ends before signals are handled.
                        if current.get().is_some() {
                            assert!(!purged.load(Ordering::Relaxed), "in code that was purged");
                        }
                        if signals.take().count() > 0 {
                            answered.store(true, Ordering::Release);
                        }
                    }
                })
            };
            let (current, signals, answered, purged) = &*shared;
            current.clear(old);
            signals.push(Signal::message(Term::NIL)).ok().unwrap();
            if answered.load(Ordering::Acquire) {
                purged.store(true, Ordering::Relaxed);
            }
            caller.join().unwrap();
        });
    }
}
