//! Generational copying collection of one process's heap, with Cheney's scan.
//!
//! It rests on the generational hypothesis: most terms die young, so that copying the young ones that live is cheap. A
//! minor collection copies what lives in the young block and in fragments: terms below the high-water mark
//! survived one collection before and go to the old generation, the rest to a new young block. A major collection
//! copies everything to one new young block. Literals are never moved. The stack is copied to the top of the new
//! block. What is not reached is freed, and its reference counts given up (OFFHEAP).

use purlin_term::boxed::{Kind, arity_of};
use purlin_term::copy::copy_words;
use purlin_term::heap::{Block, STACK_RESERVE, Spaces, release_off_heap};
use purlin_term::literal::Literals;
#[cfg(debug_assertions)]
use purlin_term::literal::is_literal;
use purlin_term::{Heap, Term};
pub use size::{Habits, MIN_HEAP, next_size};
use size::{Young, after_major};

/// How thorough a collection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// Minor when the old generation has room for what matured, else major.
    Minor,
    /// Everything.
    Major,
    /// Everything, into a block without free space beyond what was asked for (hibernation).
    Tight,
}

/// What a collection did.
#[derive(Clone, Copy, Debug)]
pub struct Collected {
    pub major: bool,
    /// Words that it went through: the stack's, and those that it has copied.
    pub walked: usize,
}

/// A visitor of root slots: it is called with every slot that holds a term of the heap, and may rewrite it.
pub type Visit<'a> = &'a mut dyn FnMut(&mut Term);

/// Upper bound, in words, of what the heap holds now.
pub fn used_words(heap: &Heap) -> usize {
    young_words(heap) + heap.fragment_words + (heap.old_top as usize - heap.old.start() as usize) / 8
}

fn young_words(heap: &Heap) -> usize {
    (heap.top as usize - heap.block.start() as usize) / 8
}

fn stack_words(heap: &Heap) -> usize {
    (heap.block.end() as usize - heap.end as usize) / 8
}

/// Collects `heap` so that at least `need` words are free afterwards.
///
/// `roots` must call its visitor with every slot outside the heap's own stack that holds a term of this heap. The block
/// does not shrink below `least` words, unless all is to be as small as possible.
pub fn collect(
    heap: &mut Heap,
    roots: &mut dyn FnMut(Visit<'_>),
    need: usize,
    least: usize,
    depth: Depth,
    habits: &mut Habits,
) -> Collected {
    // Calls push their return address without a check.
    let need = need + STACK_RESERVE;
    let mature = (heap.high_water as usize - heap.block.start() as usize) / 8;
    let old_room = (heap.old.end() as usize - heap.old_top as usize) / 8;
    if depth == Depth::Minor && (mature == 0 || heap.old.words() == 0 || mature <= old_room) {
        if heap.old.words() == 0 && mature > 0 {
            // SAFETY: LIVE: there was no old generation yet.
            let spaces = unsafe { heap.spaces_mut() };
            spaces.old = Block::new(next_size(mature * 2));
            spaces.old_top = spaces.old.start();
        }
        let old_before = heap.old_top;
        let may_live = young_words(heap) + heap.fragment_words + stack_words(heap);
        let before = Young { former: heap.block.words(), may_live, need, least };
        let size = before.size(habits);
        Collector::start(heap, size, false).run(roots);
        let live = young_words(heap) + stack_words(heap) + need;
        habits.mostly_dies = before.mostly_died(live);
        if let Some(wanted) = before.fitting(size, live, habits) {
            Collector::start_keeping_age(heap, wanted).run(roots);
        }
        let matured = (heap.old_top as usize - old_before as usize) / 8;
        #[cfg(debug_assertions)]
        verify(heap, old_before);
        return Collected { major: false, walked: young_words(heap) + matured + stack_words(heap) };
    }
    let bound = used_words(heap) + stack_words(heap) + need;
    let size = if depth == Depth::Tight { bound } else { next_size(bound) };
    Collector::start(heap, size, true).run(roots);
    let live = young_words(heap) + stack_words(heap);
    let wanted = if depth == Depth::Tight { live + need } else { after_major(size, live + need, least) };
    if wanted != size {
        Collector::start_keeping_age(heap, wanted).run(roots);
    }
    #[cfg(debug_assertions)]
    verify(heap, heap.old.start());
    Collected { major: true, walked: live }
}

struct Collector<'h> {
    heap: &'h mut Heap,
    /// Young block and fragments that are being left.
    from: Heap,
    major: bool,
    /// Words below this address in the left block go to the old generation (minor only).
    high_water: *mut u64,
}

impl<'h> Collector<'h> {
    /// Gives `heap` a new young block of `size` words, with the stack already in place.
    fn start(heap: &'h mut Heap, size: usize, major: bool) -> Collector<'h> {
        let mut from = std::mem::replace(heap, Heap::new(size));
        let stack = (from.block.end() as usize - from.end as usize) / 8;
        (heap.virtual_heap, heap.old_virtual_heap) = (from.virtual_heap, from.old_virtual_heap);
        heap.virtual_heap.clear();
        // SAFETY: LIVE: what moves from one heap to the other is taken out of the first.
        let (old, new) = unsafe { (from.spaces_mut(), heap.spaces_mut()) };
        new.end = new.block.end().wrapping_sub(stack);
        // SAFETY: the new block holds at least the stack's words (`size` is at least that), and they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(old.end, new.end, stack) };
        if !major {
            new.old = std::mem::replace(&mut old.old, Block::empty());
            new.old_top = old.old_top;
            new.old_off_heap = old.old_off_heap.take();
        } else {
            heap.old_virtual_heap.clear();
        }
        let high_water = if major { from.block.start() } else { from.high_water };
        Collector { heap, from, major, high_water }
    }

    /// As `start` for a minor collection that only resizes: nothing grows older by it.
    fn start_keeping_age(heap: &'h mut Heap, size: usize) -> Collector<'h> {
        let mut c = Collector::start(heap, size, false);
        c.high_water = c.from.block.start();
        c
    }

    fn run(mut self, roots: &mut dyn FnMut(Visit<'_>)) {
        let mut to = To {
            top: self.heap.top,
            old_top: self.heap.old_top,
            literals: Literals::all(),
            old: if self.major { (0, 0) } else { (self.heap.old.start() as usize, self.heap.old.words() * 8) },
            mature: (self.from.block.start() as usize, self.high_water as usize - self.from.block.start() as usize),
        };
        let (mut scan, mut old_scan) = (to.top, to.old_top);
        let mut p = self.heap.end;
        // SAFETY: ROOTS: `p` walks the stack's words; return addresses are tagged as headers and skipped. Between
        // `scan` and the top lie objects that `forward` has copied.
        unsafe {
            while p < self.heap.block.end() {
                if Term::from_raw(*p).is_pointer() {
                    *p = to.forward(Term::from_raw(*p)).raw();
                }
                p = p.add(1);
            }
            roots(&mut |slot| {
                if slot.is_pointer() {
                    *slot = to.forward(*slot);
                }
            });
            while scan < to.top || old_scan < to.old_top {
                scan = to.scan(scan, false);
                old_scan = to.scan(old_scan, true);
            }
        }
        // SAFETY: LIVE: all objects up to there have been copied.
        let spaces = unsafe { self.heap.spaces_mut() };
        (spaces.top, spaces.old_top, spaces.high_water) = (to.top, to.old_top, to.top);
        debug_assert!(self.heap.top <= self.heap.end, "the new block holds what lives");
        debug_assert!(self.heap.old_top <= self.heap.old.end(), "the old generation holds what matured");
        self.sweep_off_heap();
    }

    /// Moves the entries of objects that were copied to the lists of their new places; releases the others.
    fn sweep_off_heap(&mut self) {
        self.sweep(|from| std::mem::take(&mut from.off_heap));
        self.sweep(|from| from.old_off_heap.take().map_or_else(Vec::new, |list| *list));
        for i in 0..self.from.fragments.len() {
            self.sweep(|from| std::mem::take(&mut from.fragments[i].off_heap));
        }
    }

    fn sweep(&mut self, list: impl FnOnce(&mut Spaces) -> Vec<*mut u64>) {
        // SAFETY: OFFHEAP: each object of the list is listed in its new place, or gives up its count.
        let left = list(unsafe { self.from.spaces_mut() });
        for p in left {
            // SAFETY: OFFHEAP: `p` is an object's header in the spaces being left; a boxed term there is its new place.
            unsafe {
                let w = Term::from_raw(*p);
                if !w.is_boxed() {
                    release_off_heap(p);
                } else if self.heap.block.contains(w.pointer()) {
                    self.heap.spaces_mut().off_heap.push(w.pointer());
                    self.heap.virtual_heap.note(w.pointer());
                } else {
                    self.heap.spaces_mut().old_off_heap.get_or_insert_default().push(w.pointer());
                    self.heap.old_virtual_heap.note(w.pointer());
                }
            }
        }
    }
}

/// Where a collection copies to, and what it leaves alone.
struct To {
    top: *mut u64,
    old_top: *mut u64,
    literals: Literals,
    /// Start and bytes of the old generation, unless that is collected too.
    old: (usize, usize),
    /// Start and bytes of what goes to the old generation.
    mature: (usize, usize),
}

/// What the first word of a cons cell becomes when it was copied: its second is the new place.
const MOVED_CELL: u64 = Kind::Tuple.header(0);

impl To {
    /// Whether an object stays where it is.
    #[inline(always)]
    fn stays(&self, p: *mut u64) -> bool {
        self.literals.hold(p) || (p as usize).wrapping_sub(self.old.0) < self.old.1
    }

    #[inline(always)]
    fn is_mature(&self, p: *mut u64) -> bool {
        (p as usize).wrapping_sub(self.mature.0) < self.mature.1
    }

    /// Room for a copy, in the old generation or in the young block.
    #[inline(always)]
    fn room(&mut self, mature: bool, words: usize) -> *mut u64 {
        let top = if mature { &mut self.old_top } else { &mut self.top };
        let new = *top;
        *top = new.wrapping_add(words);
        new
    }

    /// The place of a term after the collection; copies the object, or a list's spine, at the first visit.
    ///
    /// # Safety
    /// LIVE: the term is a pointer to an object in the spaces being left, or to one that stays.
    #[inline(always)]
    unsafe fn forward(&mut self, t: Term) -> Term {
        let p = t.pointer();
        if self.stays(p) {
            return t;
        }
        // SAFETY: by the caller's promise. The first word tells whether the object was copied: a cons cell's by
        // holding a header, a boxed object's by holding a boxed term.
        unsafe {
            let first = *p;
            if t.is_cons() {
                return if Term::from_raw(first).is_header() { Term::from_raw(*p.add(1)) } else { self.copy_list(p) };
            }
            if Term::from_raw(first).is_boxed() {
                return Term::from_raw(first);
            }
            let words = 1 + arity_of(first);
            let new = self.room(self.is_mature(p), words);
            copy_words(p, new, words);
            *p = Term::from_boxed(new).raw();
            Term::from_boxed(new)
        }
    }

    /// Copies the cells of a list one behind the other, as far as they were not copied and go to the same space.
    #[inline(always)]
    unsafe fn copy_list(&mut self, mut p: *mut u64) -> Term {
        let mature = self.is_mature(p);
        let start = self.room(mature, 2);
        let mut new = start;
        // SAFETY: as for `forward`.
        unsafe {
            loop {
                let tail = Term::from_raw(*p.add(1));
                *new = *p;
                *p = MOVED_CELL;
                *p.add(1) = Term::from_cons(new).raw();
                let q = tail.pointer();
                if !tail.is_cons() || self.stays(q) || Term::from_raw(*q).is_header() || self.is_mature(q) != mature {
                    // What is left to do for the tail is done when it is scanned.
                    *new.add(1) = tail.raw();
                    return Term::from_cons(start);
                }
                let next = self.room(mature, 2);
                *new.add(1) = Term::from_cons(next).raw();
                (p, new) = (q, next);
            }
        }
    }

    /// Forwards what the copied objects from `p` to the top of their space refer to; gives that top.
    ///
    /// # Safety
    /// `p` is at an object that `forward` copied, or at the top.
    #[inline(always)]
    unsafe fn scan(&mut self, mut p: *mut u64, old: bool) -> *mut u64 {
        // SAFETY: LIVE: headers tell how many raw words follow them.
        unsafe {
            while p < if old { self.old_top } else { self.top } {
                let w = Term::from_raw(*p);
                if w.is_header() {
                    p = p.add(1 + Kind::of_header(w.raw()).raw_words(arity_of(w.raw())));
                    continue;
                }
                // A link that `copy_list` laid out leads to the very next cell.
                if w.is_pointer() && w.raw() != Term::from_cons(p.add(1)).raw() {
                    *p = self.forward(w).raw();
                }
                p = p.add(1);
            }
        }
        p
    }
}

/// Calls `visit` with the words of the complete objects from `p` to `end` that are terms.
///
/// # Safety
/// LIVE: there are complete objects from `p` to `end`, which nobody else sees.
pub(crate) unsafe fn each_term(mut p: *mut u64, end: *mut u64, mut visit: impl FnMut(&mut Term)) {
    while p < end {
        // SAFETY: by the caller's promise; headers tell how many raw words follow them.
        unsafe {
            let w = Term::from_raw(*p);
            if w.is_header() {
                p = p.add(1 + Kind::of_header(w.raw()).raw_words(arity_of(w.raw())));
                continue;
            }
            visit(&mut *p.cast());
            p = p.add(1);
        }
    }
}

/// Walks a heap after a collection, of the old generation what lies above `old`, and panics when a term leads outside
/// it: the check of LIVE and ROOTS.
#[cfg(debug_assertions)]
pub(crate) fn verify(heap: &Heap, old: *mut u64) {
    let inside = |p: *mut u64| {
        is_literal(p)
            || heap.block.contains(p)
            || heap.old.contains(p)
            || heap.fragments.iter().any(|f| f.block.contains(p))
    };
    let check = |p, end| {
        // SAFETY: LIVE: the spaces hold complete objects.
        unsafe {
            each_term(p, end, |t| assert!(!t.is_pointer() || inside(t.pointer()), "a term leads outside its heap"))
        }
    };
    check(heap.block.start(), heap.top);
    check(old, heap.old_top);
}

mod size;
#[cfg(test)]
mod tests;
