//! Quiescent-state-based reclamation: freeing what other threads may just be reading. (OTP calls this thread progress.)
//!
//! A thread is *present* from `enter` to `leave`, and reads shared objects only then. To free an object: unlink it, so that
//! nobody finds it any more; begin a grace; free it once every thread that was present at that moment has left.
//!
//! There are two kinds of objects, each with a presence of its own: code and literals, where a thread is present during the
//! turns of processes and in blocking natives; and the process table, where it is not in blocking natives, which may
//! last for ever, but for each look.
//!
//! | what | who writes | who reads |
//! |---|---|---|
//! | a thread's counts (odd: present) | the thread | who waits |

use crate::sync::{AtomicU64, Ordering, fence};
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};

/// What threads are present for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Code and literals.
    Code = 0,
    /// The process table.
    Processes = 1,
}

/// The comings and goings of one thread, for each place.
#[derive(Default)]
struct Presence([AtomicU64; 2]);

impl Presence {
    #[inline]
    fn is_present(&self, place: Place) -> bool {
        self.0[place as usize].load(Ordering::Relaxed) & 1 != 0
    }

    #[inline]
    fn count(&self, place: Place, order: Ordering) {
        let count = &self.0[place as usize];
        count.store(count.load(Ordering::Relaxed) + 1, order);
    }

    /// The thread comes: what it reads from now on is not older than this.
    fn enter(&self, places: &[Place]) {
        places.iter().for_each(|&p| self.count(p, Ordering::Relaxed));
        // Pairs with the fence of who waits: either that sees the thread, or the thread sees what was done before.
        fence(Ordering::SeqCst);
    }

    fn leave(&self, places: &[Place]) {
        places.iter().for_each(|&p| self.count(p, Ordering::Release));
    }

    /// The count, if the thread is present.
    fn stay(&self, place: Place) -> Option<u64> {
        Some(self.0[place as usize].load(Ordering::Acquire)).filter(|n| n & 1 != 0)
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

/// Runs `f`, turns of processes, with the calling thread present in all places.
#[inline]
pub fn present<R>(f: impl FnOnce() -> R) -> R {
    present_in(&[Place::Code, Place::Processes], f)
}

/// Runs `f`, a blocking native, with the calling thread present for code and literals.
pub fn present_for_code<R>(f: impl FnOnce() -> R) -> R {
    present_in(&[Place::Code], f)
}

/// Runs `f`, a look at the process table.
#[inline]
pub fn present_for_processes<R>(f: impl FnOnce() -> R) -> R {
    if MINE.with(|mine| mine.0.is_present(Place::Processes)) { f() } else { present_in(&[Place::Processes], f) }
}

fn present_in<R>(places: &[Place], f: impl FnOnce() -> R) -> R {
    struct Leave<'a>(Option<&'a Presence>, &'a [Place]);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.inspect(|p| p.leave(self.1));
        }
    }
    MINE.with(|mine| {
        let outermost = !mine.0.is_present(places[0]);
        if outermost {
            mine.0.enter(places);
        }
        let _leave = Leave(outermost.then_some(&mine.0), places);
        f()
    })
}

/// The threads that were present when this was made, and have not left since.
pub struct Grace(Place, Vec<(Arc<Presence>, u64)>);

impl Grace {
    /// What was done before this is seen by all threads but those that this waits for. The calling thread does not
    /// wait for itself.
    pub fn begin(place: Place) -> Grace {
        fence(Ordering::SeqCst);
        let mine = MINE.with(|mine| mine.0.clone());
        let all = all().lock();
        let others = all.iter().filter(|p| !Arc::ptr_eq(p, &mine));
        Grace(place, others.filter_map(|p| Some((p.clone(), p.stay(place)?))).collect())
    }

    /// Whether all of them have left.
    pub fn is_over(&mut self) -> bool {
        self.1.retain(|(p, since)| p.stay(self.0) == Some(*since));
        self.1.is_empty()
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
        let mut grace = Grace::begin(Place::Code);
        assert!(!grace.is_over(), "an inner presence does not end the outer one");
        go.send(()).unwrap();
        came.recv().unwrap();
        while !grace.is_over() {
            std::thread::yield_now();
        }
        drop(go);
        let _ = other.join().unwrap();
        assert!(present(|| Grace::begin(Place::Code).is_over()), "who waits does not wait for itself");
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
                    mine.enter(&[Place::Processes]);
                    if there.load(Ordering::Relaxed) {
                        assert!(!freed.load(Ordering::Relaxed), "used after it was freed");
                    }
                    mine.leave(&[Place::Processes]);
                })
            };
            let (reader_is, there, freed) = &*shared;
            there.store(false, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let since = reader_is.stay(Place::Processes);
            // One look is enough for the model: had the thread not left, this would look again later.
            if since.is_none() || reader_is.stay(Place::Processes) != since {
                freed.store(true, Ordering::Relaxed);
            }
            reader.join().unwrap();
        });
    }
}
