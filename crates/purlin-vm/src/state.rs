//! State that a topic of natives keeps per engine, found by one indexed load: no lock and no hashing, because tables,
//! persistent terms and compiled patterns look theirs up at every call.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many topics of one program can keep state.
const SLOTS: usize = 64;

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Names a topic's state of type `T`; declared as a `static` in the topic's file.
pub struct Slot<T> {
    index: OnceLock<usize>,
    of: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Slot<T> {
        Slot { index: OnceLock::new(), of: PhantomData }
    }

    fn index(&self) -> usize {
        *self.index.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One engine's states of all topics.
pub struct States {
    cells: Box<[OnceLock<Box<dyn Any + Send + Sync>>]>,
}

impl Default for States {
    fn default() -> States {
        States { cells: (0..SLOTS).map(|_| OnceLock::new()).collect() }
    }
}

impl States {
    /// The state that `slot` names, made when first asked for.
    pub fn get<T: Any + Send + Sync + Default>(&self, slot: &Slot<T>) -> &T {
        let cell = self.cells.get(slot.index()).expect("fewer topics than slots");
        cell.get_or_init(|| Box::new(T::default())).downcast_ref().expect("a slot names one type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    static A: Slot<Mutex<u8>> = Slot::new();
    static B: Slot<Mutex<u8>> = Slot::new();

    #[test]
    fn slots_and_engines_do_not_share_state() {
        let (one, two) = (States::default(), States::default());
        *one.get(&A).lock().unwrap() = 1;
        *one.get(&B).lock().unwrap() = 2;
        assert_eq!(*one.get(&A).lock().unwrap(), 1);
        assert_eq!(*two.get(&A).lock().unwrap(), 0);
    }
}
