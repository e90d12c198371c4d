//! The literal area: one reserved range of addresses for terms that never move.
//!
//! A single compare tells whether a pointer is a literal, so collection and message copying leave literals alone. Each
//! literal belongs to an [`Area`] (a module's, or a persistent term's) and is freed with it (LITERAL). Before that the
//! area is condemned: copies no longer leave its literals where they are, so that who has got rid of all its references
//! gets no new ones.

use crate::copy::shared::Sharing;
use crate::copy::{copy_into, flat_size};
use crate::heap::release_off_heap;
use crate::word::Term;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Address space reserved; memory is used only as literals are stored.
const BYTES: usize = 1 << 30;

/// Words in the smallest piece that is given to an area.
const GRANULE: usize = 32;
const GRANULE_BYTES: usize = GRANULE * 8;
/// Granules that an area takes at a time, at most, unless one literal needs more.
const MOST_AT_ONCE: usize = 4096;
/// Freed pieces from this size on are given back to the system at once.
const GIVE_BACK: usize = 64 << 10;

/// Where the range is, for those who compare. It lies nowhere until it is reserved.
static BASE: AtomicUsize = AtomicUsize::new(usize::MAX / 2);
/// Whether any area is condemned.
static CONDEMNED: AtomicBool = AtomicBool::new(false);

struct Store {
    base: usize,
    /// A bit per granule: whether it is condemned.
    marks: &'static [AtomicU64],
    free: Mutex<Free>,
}

/// Free granules: by their start, and by their number.
#[derive(Default)]
struct Free {
    by_start: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
    used: usize,
}

static STORE: OnceLock<Store> = OnceLock::new();

/// Zeroed address space for the life of the program; memory is taken when it is written to.
pub fn map(bytes: usize) -> usize {
    // SAFETY: an anonymous private mapping at an address the kernel chooses.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert!(p != libc::MAP_FAILED, "cannot reserve address space");
    p as usize
}

fn store() -> &'static Store {
    STORE.get_or_init(|| {
        let (base, granules) = (map(BYTES), BYTES / GRANULE_BYTES);
        // SAFETY: a fresh mapping of as many zeroed words, which stays for the life of the program.
        let marks = unsafe { std::slice::from_raw_parts(map(granules / 8) as *const AtomicU64, granules / 64) };
        let mut free = Free::default();
        free.insert(0, granules);
        BASE.store(base, Ordering::Release);
        Store { base, marks, free: Mutex::new(free) }
    })
}

impl Free {
    fn insert(&mut self, start: usize, granules: usize) {
        self.by_start.insert(start, granules);
        self.by_size.insert((granules, start));
    }

    fn remove(&mut self, start: usize, granules: usize) {
        self.by_start.remove(&start);
        self.by_size.remove(&(granules, start));
    }

    /// Takes granules from the smallest piece that has as many.
    fn take(&mut self, granules: usize) -> Option<usize> {
        let &(size, start) = self.by_size.range((granules, 0)..).next()?;
        self.remove(start, size);
        if size > granules {
            self.insert(start + granules, size - granules);
        }
        self.used += granules;
        Some(start)
    }

    /// Takes granules back; they become one piece with their free neighbours.
    fn give(&mut self, mut start: usize, mut granules: usize) {
        self.used -= granules;
        if let Some((&before, &size)) = self.by_start.range(..start).next_back()
            && before + size == start
        {
            self.remove(before, size);
            (start, granules) = (before, granules + size);
        }
        if let Some(&size) = self.by_start.get(&(start + granules)) {
            self.remove(start + granules, size);
            granules += size;
        }
        self.insert(start, granules);
    }
}

/// Whether `p` points into the literal area.
#[inline]
pub fn is_literal(p: *const u64) -> bool {
    Literals::all().hold(p)
}

/// Whether `p` points to a literal of a condemned area.
#[inline]
pub fn is_condemned(p: *const u64) -> bool {
    is_literal(p) && is_marked(p)
}

/// Whether the granule of a literal is condemned.
fn is_marked(p: *const u64) -> bool {
    let granule = (p as usize - BASE.load(Ordering::Relaxed)) / GRANULE_BYTES;
    store().marks[granule / 64].load(Ordering::Relaxed) >> (granule % 64) & 1 != 0
}

/// From now on, whether condemned literals are copied like other terms.
pub fn set_condemned(on: bool) {
    CONDEMNED.store(on, Ordering::SeqCst);
}

/// Which literals stay where they are, for who asks often.
#[derive(Clone, Copy)]
pub struct Literals {
    base: usize,
    bytes: usize,
    but_condemned: bool,
}

impl Literals {
    /// All of them: for collection, and to tell literals from other terms.
    #[inline]
    pub fn all() -> Literals {
        let (base, bytes) = (BASE.load(Ordering::Relaxed), BYTES);
        Literals { base, bytes, but_condemned: false }
    }

    /// Those that a copy for a process may refer to: all but the condemned ones.
    #[inline]
    pub fn lasting() -> Literals {
        Literals { but_condemned: CONDEMNED.load(Ordering::Relaxed), ..Literals::all() }
    }

    /// None of them: for copies that no process owns, whose references nobody could find again.
    #[inline]
    pub fn none() -> Literals {
        Literals { base: 0, bytes: 0, but_condemned: false }
    }

    /// Only the condemned ones are of interest: whether `p` points to one.
    #[inline(always)]
    pub fn condemn(self, p: *const u64) -> bool {
        (p as usize).wrapping_sub(self.base) < self.bytes && is_marked(p)
    }

    /// Whether `p` points to one of these literals.
    #[inline(always)]
    pub fn hold(self, p: *const u64) -> bool {
        (p as usize).wrapping_sub(self.base) < self.bytes && !(self.but_condemned && is_marked(p))
    }
}

/// Bytes in all areas.
pub fn bytes() -> usize {
    STORE.get().map_or(0, |s| s.free.lock().used * GRANULE_BYTES)
}

/// Literals that are freed together.
#[derive(Default)]
pub struct Area {
    /// First granule and number of each piece.
    pieces: Vec<(usize, usize)>,
    /// Free words at the end of the last piece.
    left: usize,
    /// Objects that own a reference count.
    off_heap: Vec<*mut u64>,
}

// SAFETY: LITERAL: an area owns its terms, which are immutable; off-heap objects are counted atomically.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    /// Copies a term to the area. `None`: the range is full.
    pub fn store(&mut self, t: Term) -> Option<Term> {
        if t.is_immediate() {
            return Some(t);
        }
        let mut top = self.room(flat_size(t, Literals::none()))?;
        // SAFETY: FRESH: `room` gave as many words as the copy takes.
        Some(unsafe { copy_into(t, &mut top, &mut self.off_heap, Literals::none()) })
    }

    /// As [`Area::store`], for a term whose objects may be referred to more than once: each is stored once.
    pub fn store_shared(&mut self, t: Term) -> Option<Term> {
        let stored = Sharing::default().copy(t, &mut |_| true, &mut |words, off_heap| {
            let p = self.room(words)?;
            if off_heap {
                self.off_heap.push(p);
            }
            Some(p)
        });
        self.trim();
        stored
    }

    /// Room for so many words.
    fn room(&mut self, words: usize) -> Option<*mut u64> {
        let store = store();
        if words > self.left {
            let held: usize = self.pieces.iter().map(|p| p.1).sum();
            let granules = words.div_ceil(GRANULE).max(held.min(MOST_AT_ONCE));
            let mut free = store.free.lock();
            let (start, granules) = match free.take(granules) {
                Some(start) => (start, granules),
                None => (free.take(words.div_ceil(GRANULE))?, words.div_ceil(GRANULE)),
            };
            self.pieces.push((start, granules));
            self.left = granules * GRANULE;
        }
        let &(start, granules) = self.pieces.last()?;
        let end = store.base + (start + granules) * GRANULE_BYTES;
        let at = end - self.left * 8;
        self.left -= words;
        Some(at as *mut u64)
    }

    /// Gives back the granules that nothing was stored in.
    fn trim(&mut self) {
        let spare = self.left / GRANULE;
        if let Some(last) = self.pieces.last_mut().filter(|_| spare > 0) {
            last.1 -= spare;
            self.left %= GRANULE;
            let freed = last.0 + last.1;
            if last.1 == 0 {
                self.pieces.pop();
            }
            store().free.lock().give(freed, spare);
        }
    }

    /// Whether nothing was stored.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Marks the area as one that is about to be freed. It takes effect with [`set_condemned`].
    pub fn condemn(&self) {
        self.mark(true);
    }

    fn mark(&self, on: bool) {
        for &(start, granules) in &self.pieces {
            for g in start..start + granules {
                let (word, bit) = (&store().marks[g / 64], 1 << (g % 64));
                if on {
                    word.fetch_or(bit, Ordering::Relaxed)
                } else {
                    word.fetch_and(!bit, Ordering::Relaxed)
                };
            }
        }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        for &p in &self.off_heap {
            // SAFETY: OFFHEAP: listed once, and the object dies with the area.
            unsafe { release_off_heap(p) };
        }
        if self.pieces.is_empty() {
            return;
        }
        self.mark(false);
        let store = store();
        for &(start, granules) in &self.pieces {
            give_back(store.base + start * GRANULE_BYTES, granules * GRANULE_BYTES);
        }
        let mut free = store.free.lock();
        self.pieces.iter().for_each(|&(start, granules)| free.give(start, granules));
    }
}

/// Gives the whole pages in a large piece that was freed back to the system.
fn give_back(start: usize, bytes: usize) {
    const PAGE: usize = 4096;
    let (from, to) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
    if bytes >= GIVE_BACK && from < to {
        // SAFETY: the pages belong to the area that is freed: nobody uses what is in them (LITERAL).
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Heap;

    #[test]
    fn stored_terms_are_literals_and_heap_terms_are_not() {
        let mut h = Heap::new(64);
        let t = h.tuple(&[Term::small(1), Term::NIL]);
        assert!(!is_literal(t.pointer()));
        let mut area = Area::default();
        let l = area.store(t).unwrap();
        assert!(is_literal(l.pointer()));
        assert_eq!(l.as_tuple().unwrap(), &[Term::small(1), Term::NIL]);
        let again = area.store(l).unwrap();
        assert_ne!(again, l, "an area refers to no other literals, which may be freed before it");
    }

    #[test]
    fn a_freed_area_gives_up_counts_and_its_room_is_used_again() {
        let magic = std::sync::Arc::new(crate::Magic { value: Box::new(()) });
        let mut h = Heap::new(64);
        let r = h.magic_reference([1, 2], magic.clone());
        let t = h.tuple(&[r, r]);
        let mut places = Vec::new();
        for _ in 0..10_000 {
            let (mut flat, mut shared) = (Area::default(), Area::default());
            let a = flat.store(t).unwrap();
            let b = shared.store_shared(t).unwrap();
            let (a, b) = (a.as_tuple().unwrap(), b.as_tuple().unwrap());
            assert!(a[0] != a[1] && b[0] == b[1]);
            assert_eq!(std::sync::Arc::strong_count(&magic), 2 + 2 + 1);
            places.push(flat.pieces[0].0);
        }
        assert_eq!(std::sync::Arc::strong_count(&magic), 2);
        places.sort_unstable();
        places.dedup();
        assert!(places.len() < 1000, "{} places", places.len());
    }

    #[test]
    fn free_pieces_grow_together_again() {
        let mut free = Free::default();
        free.insert(0, 100);
        let taken: Vec<usize> = (1..=13).map(|n| free.take(n).unwrap()).collect();
        assert_eq!((free.used, free.take(10)), (91, None));
        for i in [3, 1, 2, 12, 0, 11, 4, 10, 6, 5, 9, 8, 7] {
            free.give(taken[i], i + 1);
        }
        assert_eq!(free.by_start.into_iter().collect::<Vec<_>>(), [(0, 100)]);
        assert_eq!(free.by_size.len(), 1);
    }

    #[test]
    fn large_literals_keep_their_contents() {
        let mut h = Heap::new(0);
        let elements: Vec<Term> = (0..50_000).map(Term::small).collect();
        let list = h.list(&elements);
        let mut area = Area::default();
        let (a, b) = (area.store(list).unwrap(), area.store_shared(list).unwrap());
        assert_eq!(a.as_list().unwrap(), elements);
        assert_eq!(b.as_list().unwrap(), elements);
        assert!(area.left < GRANULE, "what is not needed was given back");
    }
}
