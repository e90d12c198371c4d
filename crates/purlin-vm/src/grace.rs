//! Grace: waiting until every thread has ended what it was in the middle of.
//!
//! What a thread finds by an address that others may take away and free (code, literals) it uses only while it is
//! present: in the slice of a process, or in a blocking native. Who wants to free such a thing first makes that nobody
//! finds it any more, then waits until each thread that was present has left once, and then frees it.
//!
//! | what | who writes | who reads |
//! |---|---|---|
//! | a thread's count (odd: present) | the thread | who waits |

use crate::sync::{AtomicU64, Ordering, fence};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};

/// The comings and goings of one thread.
#[derive(Default)]
struct Presence(AtomicU64);

impl Presence {
    fn is_present(&self) -> bool {
        self.0.load(Ordering::Relaxed) & 1 != 0
    }

    /// The thread comes: what it reads from now on is not older than this.
    fn enter(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        // Pairs with the fence of who waits: either that sees the thread, or the thread sees what was done before.
        fence(Ordering::SeqCst);
    }

    fn leave(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// The count, if the thread is present.
    fn stay(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|n| n & 1 != 0)
    }
}

/// All threads of the program that ever were present and have not ended. Literals are the whole program's.
static ALL: OnceLock<Mutex<Vec<Arc<Presence>>>> = OnceLock::new();

fn all() -> &'static Mutex<Vec<Arc<Presence>>> {
    ALL.get_or_init(Mutex::default)
}

/// The calling thread's, until the thread ends.
struct Mine(Arc<Presence>);

impl Drop for Mine {
    fn drop(&mut self) {
        all().lock().retain(|p| !Arc::ptr_eq(p, &self.0));
    }
}

thread_local! {
    static MINE: Mine = {
        let mine = Arc::new(Presence::default());
        all().lock().push(mine.clone());
        Mine(mine)
    };
}

/// Runs `f` with the calling thread present.
#[inline]
pub fn present<R>(f: impl FnOnce() -> R) -> R {
    struct Leave<'a>(Option<&'a Presence>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.inspect(|p| p.leave());
        }
    }
    MINE.with(|mine| {
        let outermost = !mine.0.is_present();
        if outermost {
            mine.0.enter();
        }
        let _leave = Leave(outermost.then_some(&mine.0));
        f()
    })
}

/// The threads that were present when this was made, and have not left since.
pub struct Grace(Vec<(Arc<Presence>, u64)>);

impl Grace {
    /// What was done before this is seen by all threads but those that this waits for. The calling thread does not
    /// wait for itself.
    pub fn begin() -> Grace {
        fence(Ordering::SeqCst);
        let mine = MINE.with(|mine| mine.0.clone());
        let all = all().lock();
        let others = all.iter().filter(|p| !Arc::ptr_eq(p, &mine));
        Grace(others.filter_map(|p| Some((p.clone(), p.stay()?))).collect())
    }

    /// Whether all of them have left.
    pub fn is_over(&mut self) -> bool {
        self.0.retain(|(p, since)| p.stay() == Some(*since));
        self.0.is_empty()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn grace_waits_for_who_is_present_and_for_nobody_else() {
        let ((come, came), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
        let other = std::thread::spawn(move || {
            present(|| {
                come.send(()).unwrap();
                present(|| {});
                let _ = gone.recv();
            });
            come.send(()).unwrap();
            // Present anew: of no concern to who began to wait before.
            present(|| gone.recv())
        });
        came.recv().unwrap();
        let mut grace = Grace::begin();
        assert!(!grace.is_over(), "an inner presence does not end the outer one");
        go.send(()).unwrap();
        came.recv().unwrap();
        while !grace.is_over() {
            std::thread::yield_now();
        }
        drop(go);
        let _ = other.join().unwrap();
        assert!(present(|| Grace::begin().is_over()), "who waits does not wait for itself");
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::sync::AtomicBool;

    #[test]
    fn loom_nothing_is_freed_under_a_thread_that_found_it() {
        loom::model(|| {
            let shared = loom::sync::Arc::new((Presence::default(), AtomicBool::new(true), AtomicBool::new(false)));
            let reader = {
                let shared = shared.clone();
                loom::thread::spawn(move || {
                    let (mine, there, freed) = &*shared;
                    mine.enter();
                    if there.load(Ordering::Relaxed) {
                        assert!(!freed.load(Ordering::Relaxed), "used after it was freed");
                    }
                    mine.leave();
                })
            };
            let (reader_is, there, freed) = &*shared;
            there.store(false, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let since = reader_is.stay();
            // One look is enough for the model: had the thread not left, this would look again later.
            if since.is_none() || reader_is.stay() != since {
                freed.store(true, Ordering::Relaxed);
            }
            reader.join().unwrap();
        });
    }
}
