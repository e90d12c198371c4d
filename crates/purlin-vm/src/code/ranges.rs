//! Which function an address of translated code belongs to.
//!
//! The return addresses of stack traces repeat, so each thread remembers what it found for the last ones. What it
//! remembers counts for nothing once any code was taken away (CODE): the count of that is read before looking, and goes
//! up before the code is freed.

use super::export::FnEntry;
use super::instr::Op;
use parking_lot::RwLock;
use purlin_term::Term;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// All translated code of an engine, by address.
#[derive(Default)]
pub(super) struct Ranges(RwLock<BTreeMap<usize, (usize, &'static FnEntry)>>);

/// Where an address is.
#[derive(Clone, Copy)]
pub struct Place {
    pub entry: &'static FnEntry,
    /// Which of the function's instructions it is.
    pub index: usize,
}

/// How often code was taken away, in any engine.
static REMOVALS: AtomicU64 = AtomicU64::new(0);

/// Addresses that a thread remembers.
const SLOTS: usize = 64;

#[derive(Clone, Copy)]
struct Slot {
    address: usize,
    place: Place,
    /// Its file and line, once asked for.
    line: Option<Option<(Term, u32)>>,
}

struct Found {
    removals: u64,
    slots: [Option<Slot>; SLOTS],
}

thread_local! {
    static FOUND: RefCell<Found> = const { RefCell::new(Found { removals: 0, slots: [None; SLOTS] }) };
}

impl Ranges {
    pub fn insert(&self, code: &'static [Op], entry: &'static FnEntry) {
        let start = code.as_ptr() as usize;
        self.0.write().insert(start, (start + size_of_val(code), entry));
    }

    /// Takes away the code of these functions, which is not freed before this.
    pub fn remove<'a>(&self, functions: impl Iterator<Item = &'a FnEntry>) {
        let mut ranges = self.0.write();
        for d in functions.filter_map(|f| f.decoded.get()) {
            ranges.remove(&(d.code.as_ptr() as usize));
        }
        REMOVALS.fetch_add(1, Ordering::Release);
    }

    pub fn place(&self, address: usize) -> Option<Place> {
        self.remembered(address, |slot| slot.place)
    }

    /// The place and its line.
    pub fn line(&self, address: usize) -> Option<(Place, Option<(Term, u32)>)> {
        self.remembered(address, |slot| {
            let line = *slot.line.get_or_insert_with(|| slot.place.entry.line(slot.place.index));
            (slot.place, line)
        })
    }

    #[inline]
    fn remembered<R>(&self, address: usize, f: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let removals = REMOVALS.load(Ordering::Acquire);
        FOUND.with_borrow_mut(|found| {
            if found.removals != removals {
                *found = Found { removals, slots: [None; SLOTS] };
            }
            let slot = &mut found.slots[address / size_of::<Op>() % SLOTS];
            if slot.is_none_or(|s| s.address != address) {
                *slot = Some(Slot { address, place: self.search(address)?, line: None });
            }
            slot.as_mut().map(f)
        })
    }

    #[cold]
    fn search(&self, address: usize) -> Option<Place> {
        let ranges = self.0.read();
        let (&start, &(end, entry)) = ranges.range(..=address).next_back()?;
        (address < end).then(|| Place { entry, index: (address - start) / size_of::<Op>() })
    }
}
