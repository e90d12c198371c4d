//! Generational copying collection of one process's heap.
//!
//! A minor collection copies what lives in the young block and in fragments: terms below the high-water mark
//! survived one collection before and go to the old generation, the rest to a new young block. A major collection
//! copies everything to one new young block. Literals are never moved. The stack is copied to the top of the new
//! block. What is not reached is freed, and its reference counts given up (OFFHEAP).

use purlin_term::boxed::{Kind, arity_of};
use purlin_term::heap::{Block, STACK_RESERVE, release_off_heap};
use purlin_term::literal::is_literal;
use purlin_term::{Heap, Term};

/// Words in a fresh process's block.
pub const MIN_HEAP: usize = 233;

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
    /// Words alive afterwards, the stack included.
    pub live: usize,
}

/// A visitor of root slots: it is called with every slot that holds a term of the heap, and may rewrite it.
pub type Visit<'a> = &'a mut dyn FnMut(&mut Term);

/// The heap size, in words, to take for at least `words` words.
pub fn next_size(words: usize) -> usize {
    let (mut a, mut b) = (MIN_HEAP, 376);
    while a < words {
        if a < 1 << 20 {
            (a, b) = (b, a + b + 1);
        } else {
            a += a / 5;
        }
    }
    a
}

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
/// `roots` must call its visitor with every slot outside the heap's own stack that holds a term of this heap.
pub fn collect(heap: &mut Heap, roots: &mut dyn FnMut(Visit<'_>), need: usize, depth: Depth) -> Collected {
    // Calls push their return address without a check.
    let need = need + STACK_RESERVE;
    let mature = (heap.high_water as usize - heap.block.start() as usize) / 8;
    let old_room = (heap.old.end() as usize - heap.old_top as usize) / 8;
    if depth == Depth::Minor && (mature == 0 || heap.old.words() == 0 || mature <= old_room) {
        if heap.old.words() == 0 && mature > 0 {
            heap.old = Block::new(next_size(mature * 2));
            heap.old_top = heap.old.start();
        }
        let former = heap.block.words();
        let bound = young_words(heap) + heap.fragment_words + stack_words(heap) + need;
        let size = if bound > heap.block.words() { next_size(bound) } else { heap.block.words() };
        Collector::start(heap, size, false).run(roots);
        let live = young_words(heap) + stack_words(heap) + need;
        // The block was made for all that might live; what does live decides how large it stays. One that stays
        // nearly full would collect again and again.
        let wanted = if live * 4 > former * 3 { next_size(live * 2) } else { former };
        if wanted != heap.block.words() {
            Collector::start_keeping_age(heap, wanted).run(roots);
        }
        return Collected { major: false, live: used_words(heap) + stack_words(heap) };
    }
    let bound = used_words(heap) + stack_words(heap) + need;
    Collector::start(heap, bound, true).run(roots);
    let live = young_words(heap) + stack_words(heap);
    let size = match depth {
        Depth::Tight => live + need,
        _ => next_size((live + need) * 3 / 2),
    };
    if size != heap.block.words() {
        Collector::start_keeping_age(heap, size).run(roots);
    }
    Collected { major: true, live }
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
        heap.end = heap.block.end().wrapping_sub(stack);
        // SAFETY: the new block holds at least the stack's words (`size` is at least that), and they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(from.end, heap.end, stack) };
        if !major {
            heap.old = std::mem::replace(&mut from.old, Block::empty());
            heap.old_top = from.old_top;
            heap.old_off_heap = std::mem::take(&mut from.old_off_heap);
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
        let (mut scan, mut old_scan) = (self.heap.top, self.heap.old_top);
        let mut p = self.heap.end;
        while p < self.heap.block.end() {
            // SAFETY: ROOTS: `p` walks the stack's words. Return addresses are tagged as headers and skipped.
            unsafe {
                let w = Term(*p);
                if w.is_pointer() {
                    *p = self.forward(w).0;
                }
                p = p.add(1);
            }
        }
        roots(&mut |slot| {
            if slot.is_pointer() {
                *slot = self.forward(*slot);
            }
        });
        loop {
            if scan < self.heap.top {
                scan = self.scan_object(scan);
            } else if old_scan < self.heap.old_top {
                old_scan = self.scan_object(old_scan);
            } else {
                break;
            }
        }
        self.sweep_off_heap();
        self.heap.high_water = self.heap.top;
    }

    /// Forwards what one word, or the terms behind one header, refer to; returns the next word to look at.
    fn scan_object(&mut self, p: *mut u64) -> *mut u64 {
        // SAFETY: `p` is at a word boundary of an object copied by `forward`, so headers tell their raw words.
        unsafe {
            let w = Term(*p);
            if w.is_header() {
                return p.add(1 + Kind::of_header(w.0).raw_words(arity_of(w.0)));
            }
            if w.is_pointer() {
                *p = self.forward(w).0;
            }
            p.add(1)
        }
    }

    /// The place of a term after the collection; copies the object at the first visit.
    fn forward(&mut self, t: Term) -> Term {
        let p = t.pointer();
        if is_literal(p) || (!self.major && self.heap.old.contains(p)) {
            return t;
        }
        // SAFETY: LIVE: `p` is an object in the spaces being left. Its first word tells whether it was copied:
        // a cons cell's by holding a header tag, a boxed object's by holding a boxed term.
        unsafe {
            if t.is_cons() {
                if Term(*p).is_header() {
                    return Term(*p.add(1));
                }
                let new = self.room(p, 2);
                *new = *p;
                *new.add(1) = *p.add(1);
                let moved = Term::from_cons(new);
                *p = Kind::Tuple.header(0);
                *p.add(1) = moved.0;
                moved
            } else {
                let header = *p;
                if Term(header).is_boxed() {
                    return Term(header);
                }
                let words = 1 + arity_of(header);
                let new = self.room(p, words);
                std::ptr::copy_nonoverlapping(p, new, words);
                let moved = Term::from_boxed(new);
                *p = moved.0;
                moved
            }
        }
    }

    /// Room for a copy of the object at `p`: in the old generation when it is mature, else in the young block.
    fn room(&mut self, p: *mut u64, words: usize) -> *mut u64 {
        let mature = p < self.high_water && p >= self.from.block.start();
        let top = if mature { &mut self.heap.old_top } else { &mut self.heap.top };
        let new = *top;
        *top = new.wrapping_add(words);
        debug_assert!(self.heap.top <= self.heap.end, "the new block holds what lives");
        debug_assert!(self.heap.old_top <= self.heap.old.end(), "the old generation holds what matured");
        new
    }

    /// Moves the entries of objects that were copied to the lists of their new places; releases the others.
    fn sweep_off_heap(&mut self) {
        let mut lists = vec![std::mem::take(&mut self.from.off_heap), std::mem::take(&mut self.from.old_off_heap)];
        lists.extend(self.from.fragments.iter_mut().map(|f| std::mem::take(&mut f.off_heap)));
        for p in lists.into_iter().flatten() {
            // SAFETY: OFFHEAP: `p` is an object's header in the spaces being left; a boxed term there is its new place.
            unsafe {
                let w = Term(*p);
                if !w.is_boxed() {
                    release_off_heap(p);
                } else if self.heap.block.contains(w.pointer()) {
                    self.heap.off_heap.push(w.pointer());
                } else {
                    self.heap.old_off_heap.push(w.pointer());
                }
            }
        }
    }
}

/// Walks a heap after a collection and panics when a term leads outside it: the check of LIVE and ROOTS.
#[cfg(debug_assertions)]
pub fn verify(heap: &Heap) {
    let inside = |p: *mut u64| {
        is_literal(p)
            || heap.block.contains(p)
            || heap.old.contains(p)
            || heap.fragments.iter().any(|f| f.block.contains(p))
    };
    let check = |mut p: *mut u64, end: *mut u64| {
        while p < end {
            // SAFETY: LIVE: `p` walks complete objects from the start of their space.
            unsafe {
                let w = Term(*p);
                if w.is_header() {
                    p = p.add(1 + Kind::of_header(w.0).raw_words(arity_of(w.0)));
                    continue;
                }
                assert!(!w.is_pointer() || inside(w.pointer()), "a term leads outside its heap");
                p = p.add(1);
            }
        }
    };
    check(heap.block.start(), heap.top);
    check(heap.old.start(), heap.old_top);
}

#[cfg(test)]
mod tests;
