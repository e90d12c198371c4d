//! Heaps: where terms are allocated.
//!
//! A [`Heap`] is one block whose bottom grows up with terms; in a process the same block's top holds the stack,
//! growing down, and `end` is the stack pointer. What does not fit goes to a [`Fragment`]; allocation therefore
//! never fails and never moves anything. Only the collector (in purlin-vm) merges fragments and moves terms.

use crate::account::{self, Use};
use crate::binary::BinData;
use crate::boxed::{FunEntry, Kind, Magic};
use crate::word::Term;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::sync::Arc;

/// Words that allocation leaves free below the stack: room for the return address that a call pushes without a check.
pub const STACK_RESERVE: usize = 4;

/// The binaries outside a heap that hang on a part of it, by their size in words, and from which size on they call for a
/// collection, so that dead ones do not pile up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtualHeap {
    words: u32,
    limit: u32,
}

impl VirtualHeap {
    /// The limit of a new heap, in words.
    pub const LIMIT: u32 = 46422;
    /// Set in the words when a collection is due whatever they are.
    const DUE: u32 = 1 << 31;
    const MOST: u32 = VirtualHeap::DUE - 1;

    /// Sets the limit, in words.
    pub fn set_limit(&mut self, words: usize) {
        self.limit = words.min(VirtualHeap::MOST as usize) as u32;
    }

    /// Words of binaries.
    pub fn words(self) -> usize {
        (self.words & VirtualHeap::MOST) as usize
    }

    pub fn limit(self) -> usize {
        self.limit as usize
    }

    #[inline]
    pub fn is_full(self) -> bool {
        self.words > self.limit
    }

    /// Calls for a collection now.
    pub fn fill(&mut self) {
        self.words |= VirtualHeap::DUE;
    }

    /// Nothing hangs on the part.
    pub fn clear(&mut self) {
        self.words = 0;
    }

    fn add(&mut self, words: usize) {
        self.words =
            self.words().saturating_add(words).min(VirtualHeap::MOST as usize) as u32 | self.words & VirtualHeap::DUE;
    }

    /// Counts an off-heap object that came: of a binary that is shared, its share, as letting go of it frees nothing
    /// before the others do.
    ///
    /// # Safety
    /// `p` is the header of an off-heap object (OFFHEAP).
    #[inline]
    pub unsafe fn note_new(&mut self, p: *mut u64) {
        // SAFETY: by the caller's promise; a RefBin's raw words are its buffer, where it begins and its size.
        unsafe {
            if Kind::of_header(*p) == Kind::RefBin {
                let data = &*(*p.add(1) as *const BinData);
                self.add(*p.add(3) as usize / 8 / data.count().max(1));
            }
        }
    }

    /// Counts an off-heap object that survived a collection.
    ///
    /// # Safety
    /// `p` is the header of an off-heap object (OFFHEAP).
    #[inline]
    pub unsafe fn note(&mut self, p: *mut u64) {
        // SAFETY: by the caller's promise; the third raw word of a RefBin is its size.
        unsafe {
            if Kind::of_header(*p) == Kind::RefBin {
                self.add(*p.add(3) as usize / 8);
            }
        }
    }

    /// Adapts the limit to what has lived, in words, but not below `least`: it grows until a quarter is free, and is
    /// halved when less than a quarter of it is taken.
    pub fn adapt(&mut self, live: usize, least: usize) {
        let (live, mut limit) = (live.min(VirtualHeap::MOST as usize), self.limit());
        if live / 3 > limit / 4 {
            while live / 3 > limit / 4 {
                limit += limit * 5 / 8 + 1;
            }
        } else if live < limit / 4 {
            limit /= 2;
        }
        self.set_limit(limit.max(least));
    }
}

impl Default for VirtualHeap {
    fn default() -> VirtualHeap {
        VirtualHeap { words: 0, limit: VirtualHeap::LIMIT }
    }
}

/// A block of words from the allocator, uninitialised.
#[derive(Debug)]
pub struct Block {
    start: *mut u64,
    words: usize,
}

impl Block {
    /// Allocates `words` words (none allocates nothing).
    #[inline]
    pub fn new(words: usize) -> Block {
        if words == 0 {
            return Block::empty();
        }
        let layout = Layout::array::<u64>(words).expect("heap block fits the address space");
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        account::add(Use::Blocks, layout.size() as isize);
        Block { start: start.cast(), words }
    }

    /// Leaves the block's memory to the caller, who gives it back by [`Block::from_raw`].
    #[inline]
    pub fn into_raw(self) -> *mut u64 {
        std::mem::ManuallyDrop::new(self).start
    }

    /// The block of this many words that [`Block::into_raw`] left.
    ///
    /// # Safety
    /// Nobody else has it, or uses it from now on.
    #[inline]
    pub unsafe fn from_raw(start: *mut u64, words: usize) -> Block {
        Block { start, words }
    }

    pub const fn empty() -> Block {
        Block { start: std::ptr::NonNull::dangling().as_ptr(), words: 0 }
    }

    #[inline]
    pub fn start(&self) -> *mut u64 {
        self.start
    }

    #[inline]
    pub fn end(&self) -> *mut u64 {
        self.start.wrapping_add(self.words)
    }

    #[inline]
    pub fn words(&self) -> usize {
        self.words
    }

    #[inline]
    pub fn contains(&self, p: *const u64) -> bool {
        (p as usize).wrapping_sub(self.start as usize) < self.words * 8
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.words > 0 {
            account::add(Use::Blocks, -((self.words * 8) as isize));
            // SAFETY: allocated in `new` with the same layout.
            unsafe { dealloc(self.start.cast(), Layout::array::<u64>(self.words).unwrap_unchecked()) }
        }
    }
}

/// A block of complete terms outside a heap's main block: a message, a table row, or a native's overflow.
#[derive(Debug)]
pub struct Fragment {
    pub block: Block,
    /// Where its terms begin: what lies before them in the block is none.
    start: *mut u64,
    /// Words in use.
    pub used: usize,
    /// Objects in this fragment that own a reference count.
    pub off_heap: Vec<*mut u64>,
}

// SAFETY: LIVE: a fragment owns its terms, and off-heap objects are counted atomically.
unsafe impl Send for Fragment {}
// SAFETY: terms are immutable once built.
unsafe impl Sync for Fragment {}

impl Fragment {
    pub fn new(words: usize) -> Fragment {
        Fragment::of(Block::new(words), 0, 0, Vec::new())
    }

    /// A fragment of a block whose first `skip` words are no terms, and the next `used` words are.
    #[inline]
    pub fn of(block: Block, skip: usize, used: usize, off_heap: Vec<*mut u64>) -> Fragment {
        debug_assert!(skip + used <= block.words());
        Fragment { start: block.start().wrapping_add(skip), block, used, off_heap }
    }

    /// Where its terms begin and end.
    #[inline]
    pub fn terms(&self) -> (*mut u64, *mut u64) {
        (self.start, self.start.wrapping_add(self.used))
    }

    #[inline]
    fn alloc(&mut self, words: usize) -> Option<*mut u64> {
        let p = self.terms().1;
        if (self.block.end() as usize - p as usize) / 8 < words {
            return None;
        }
        self.used += words;
        Some(p)
    }
}

impl Drop for Fragment {
    fn drop(&mut self) {
        for &p in &self.off_heap {
            // SAFETY: OFFHEAP: listed once, and the fragment dies with this.
            unsafe { release_off_heap(p) };
        }
    }
}

/// Gives up the reference count that an off-heap object owns.
///
/// # Safety
/// `p` is the header of an off-heap object that nothing will use again (OFFHEAP).
pub unsafe fn release_off_heap(p: *mut u64) {
    // SAFETY: by the caller's promise `p` is such an object, so its raw words have the layout of its kind.
    unsafe {
        match Kind::of_header(*p) {
            Kind::RefBin => BinData::release(*p.add(1) as *const BinData),
            Kind::MagicRef => drop(Arc::from_raw(*p.add(3) as *const Magic)),
            Kind::Fun => drop(Arc::from_raw(*p.add(1) as *const FunEntry)),
            other => debug_assert!(false, "{other:?} owns no count"),
        }
    }
}

/// Takes a further reference count for a copied off-heap object.
///
/// # Safety
/// As for [`release_off_heap`], and the original is alive.
pub unsafe fn retain_off_heap(p: *mut u64) {
    // SAFETY: by the caller's promise.
    unsafe {
        match Kind::of_header(*p) {
            Kind::RefBin => BinData::retain(*p.add(1) as *const BinData),
            Kind::MagicRef => Arc::increment_strong_count(*p.add(3) as *const Magic),
            Kind::Fun => Arc::increment_strong_count(*p.add(1) as *const FunEntry),
            other => debug_assert!(false, "{other:?} owns no count"),
        }
    }
}

/// Where a process, a decoder or a module's loader allocates terms.
///
/// Its spaces can be read by everybody; what changes them promises to keep the terms in them ([`Heap::spaces_mut`]).
///
/// ```compile_fail
/// let mut heap = purlin_term::Heap::new(8);
/// heap.top = std::ptr::null_mut();
/// ```
#[derive(Debug)]
pub struct Heap {
    pub(crate) spaces: Spaces,
    /// The binaries that hang on all but the old generation.
    pub virtual_heap: VirtualHeap,
    /// Those that hang on the old generation.
    pub old_virtual_heap: VirtualHeap,
}

/// The memory of a heap.
#[derive(Debug)]
pub struct Spaces {
    /// The main block (young generation and, in a process, the stack).
    pub block: Block,
    /// Next free word.
    pub top: *mut u64,
    /// First word not free: the stack pointer in a process, the block's end elsewhere.
    pub end: *mut u64,
    /// Terms below this survived a collection already.
    pub high_water: *mut u64,
    /// Old generation.
    pub old: Block,
    pub old_top: *mut u64,
    /// Overflow and adopted messages, merged at the next collection.
    pub fragments: Vec<Fragment>,
    /// Words in all fragments.
    pub fragment_words: usize,
    /// Those of them that came with messages, at most.
    pub adopted_words: u32,
    /// Objects in the main block that own a reference count.
    pub off_heap: Vec<*mut u64>,
    /// Those in the old generation.
    pub old_off_heap: Option<Box<Vec<*mut u64>>>,
}

// SAFETY: LIVE: a heap owns all it points to.
unsafe impl Send for Heap {}

impl std::ops::Deref for Heap {
    type Target = Spaces;

    #[inline(always)]
    fn deref(&self) -> &Spaces {
        &self.spaces
    }
}

impl Heap {
    /// A heap with a main block of this many words (0: everything goes to fragments).
    pub fn new(words: usize) -> Heap {
        let block = Block::new(words);
        let (top, end) = (block.start(), block.end());
        let spaces = Spaces {
            high_water: top,
            block,
            top,
            end,
            old: Block::empty(),
            old_top: Block::empty().start(),
            fragments: Vec::new(),
            fragment_words: 0,
            adopted_words: 0,
            off_heap: Vec::new(),
            old_off_heap: None,
        };
        Heap { spaces, virtual_heap: VirtualHeap::default(), old_virtual_heap: VirtualHeap::default() }
    }

    /// The spaces, for who allocates, pushes to the stack or collects by itself.
    ///
    /// # Safety
    ///
    /// FRESH, LIVE, OFFHEAP: what lies below `top` and behind `end` are complete objects and stack slots, all in blocks
    /// of this heap, and those with a reference count are listed once.
    #[inline(always)]
    pub unsafe fn spaces_mut(&mut self) -> &mut Spaces {
        &mut self.spaces
    }

    /// Free words between the heap's top and the stack.
    #[inline]
    pub fn free_words(&self) -> usize {
        (self.end as usize - self.top as usize) / 8
    }

    /// The words on the stack, the innermost frame's first.
    pub fn stack(&self) -> impl Iterator<Item = Term> + '_ {
        let words = (self.block.end() as usize - self.end as usize) / 8;
        // SAFETY: LIVE: the words between the stack pointer and the block's end are the stack.
        (0..words).map(|i| Term::word(unsafe { *self.end.add(i) }))
    }

    /// Address, size and reference count of each counted binary that this heap refers to.
    pub fn counted_binaries(&self) -> Vec<(usize, usize, usize)> {
        let fragments = self.fragments.iter().flat_map(|f| &f.off_heap);
        let all = self.off_heap.iter().chain(self.old_off_heap.iter().flat_map(|l| l.iter())).chain(fragments);
        all.filter_map(|&p| {
            // SAFETY: OFFHEAP: listed objects are complete, and a RefBin's first raw word is its live buffer.
            unsafe {
                (Kind::of_header(*p) == Kind::RefBin).then(|| {
                    let data = &*(*p.add(1) as *const BinData);
                    (BinData::bytes(data) as usize, data.capacity(), data.count())
                })
            }
        })
        .collect()
    }

    /// Memory for `words` words; the caller fills it before anything else runs (FRESH).
    #[inline]
    pub fn alloc(&mut self, words: usize) -> *mut u64 {
        let p = self.top;
        if self.end as usize - p as usize >= (words + STACK_RESERVE) * 8 {
            self.spaces.top = p.wrapping_add(words);
            p
        } else {
            self.alloc_fragment(words)
        }
    }

    #[cold]
    fn alloc_fragment(&mut self, words: usize) -> *mut u64 {
        self.spaces.fragment_words += words;
        if let Some(p) = self.spaces.fragments.last_mut().and_then(|f| f.alloc(words)) {
            return p;
        }
        let size = words.max((self.fragment_words / 2).clamp(64, 1 << 17));
        let mut f = Fragment::new(size);
        let p = f.alloc(words).expect("a new fragment holds what it was made for");
        self.spaces.fragments.push(f);
        p
    }

    /// Lists a new off-heap object, which is complete, with the heap part that holds it.
    pub(crate) fn note_off_heap(&mut self, p: *mut u64) {
        // SAFETY: OFFHEAP: the object is complete.
        unsafe { self.virtual_heap.note_new(p) };
        if self.block.contains(p) {
            self.spaces.off_heap.push(p);
        } else {
            let f = self.spaces.fragments.iter_mut().rev().find(|f| f.block.contains(p));
            f.expect("an object lies in the heap that made it").off_heap.push(p);
        }
    }

    /// Takes over a message's fragment, which has no free words; its terms are part of this heap from now on.
    pub fn adopt(&mut self, fragment: Fragment) {
        self.spaces.fragment_words += fragment.used;
        self.spaces.adopted_words = self.adopted_words.saturating_add(u32::try_from(fragment.used).unwrap_or(u32::MAX));
        for &p in &fragment.off_heap {
            // SAFETY: OFFHEAP: the fragment's objects are complete.
            unsafe { self.virtual_heap.note_new(p) };
        }
        self.spaces.fragments.push(fragment);
    }

    /// Takes over the terms of a heap without a main block.
    pub fn absorb(&mut self, mut other: Heap) {
        debug_assert!(other.block.words() == 0 && other.old.words() == 0);
        self.spaces.fragment_words += other.fragment_words;
        self.spaces.adopted_words = self.adopted_words.saturating_add(other.adopted_words);
        self.virtual_heap.add(other.virtual_heap.words());
        self.spaces.fragments.append(&mut other.spaces.fragments);
    }

    /// Whether a collection is due at the next instruction boundary: fragments hold more than the main block has
    /// free, or many binaries outside the heap hang on it. A message just received does not count: most are dead when
    /// the next `receive` begins ([`Heap::wants_collection_at_receive`]).
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.fragment_words - self.adopted_words as usize > self.free_words() || self.virtual_heap.is_full()
    }

    /// As [`Heap::wants_collection`] where a `receive` begins, with `free` free words; messages received before count.
    #[inline]
    pub fn wants_collection_at_receive(&self, free: usize) -> bool {
        self.fragment_words > free || self.virtual_heap.is_full()
    }

    /// A proper list of these elements.
    pub fn list(&mut self, elements: &[Term]) -> Term {
        self.list_with_tail(elements, Term::NIL)
    }

    /// A list of these elements that ends in `tail`.
    pub fn list_with_tail(&mut self, elements: &[Term], tail: Term) -> Term {
        if elements.is_empty() {
            return tail;
        }
        let p = self.alloc(2 * elements.len());
        for (i, e) in elements.iter().enumerate() {
            let cell = p.wrapping_add(2 * i);
            // SAFETY: LIVE: that cell is written next.
            let next = if i + 1 == elements.len() { tail } else { unsafe { Term::from_cons(cell.wrapping_add(2)) } };
            // SAFETY: FRESH: the cell lies in the block just allocated.
            unsafe {
                *cell = e.0;
                *cell.add(1) = next.0;
            }
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_cons(p) }
    }

    /// A list of byte values.
    pub fn byte_list(&mut self, bytes: &[u8]) -> Term {
        let elements: Vec<Term> = bytes.iter().map(|&b| Term::small(b as i64)).collect();
        self.list(&elements)
    }

    /// A list of the text's code points.
    pub fn string(&mut self, text: &str) -> Term {
        let elements: Vec<Term> = text.chars().map(|c| Term::small(c as i64)).collect();
        self.list(&elements)
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        self.release_counts();
    }
}

impl Heap {
    fn release_counts(&mut self) {
        for &p in self.off_heap.iter().chain(self.old_off_heap.iter().flat_map(|l| l.iter())) {
            // SAFETY: OFFHEAP: listed once, and nothing of the heap is used again.
            unsafe { release_off_heap(p) };
        }
    }

    /// Frees all that the heap holds.
    pub fn release(&mut self) {
        self.release_counts();
        if self.off_heap.capacity() > 0 {
            self.spaces.off_heap = Vec::new();
        }
        self.spaces.old_off_heap = None;
        if self.fragments.capacity() > 0 {
            self.spaces.fragments = Vec::new();
        }
        (self.spaces.block, self.spaces.old) = (Block::empty(), Block::empty());
        let nowhere = self.block.start();
        (self.spaces.top, self.spaces.end, self.spaces.high_water, self.spaces.old_top) =
            (nowhere, nowhere, nowhere, nowhere);
        (self.spaces.fragment_words, self.spaces.adopted_words) = (0, 0);
        (self.virtual_heap, self.old_virtual_heap) = Default::default();
    }

    /// Gives the heap a new main block with at least `words` free words, without moving any term: the stack is
    /// copied to the new block, and the former block with its terms becomes a fragment.
    pub fn replace_block(&mut self, words: usize) {
        let stack = (self.block.end() as usize - self.end as usize) / 8;
        let block = Block::new((words + stack).max(self.block.words()));
        let end = block.end().wrapping_sub(stack);
        // SAFETY: the new block holds at least the stack's words, and the blocks do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(self.end, end, stack) };
        let used = (self.top as usize - self.block.start() as usize) / 8;
        let former = std::mem::replace(&mut self.spaces.block, block);
        let off_heap = std::mem::take(&mut self.spaces.off_heap);
        self.spaces.fragments.insert(0, Fragment::of(former, 0, used, off_heap));
        self.spaces.fragment_words += used;
        self.spaces.top = self.block.start();
        self.spaces.high_water = self.top;
        self.spaces.end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::Literals;

    #[test]
    fn the_limit_of_a_virtual_heap_follows_what_lives() {
        let mut v = VirtualHeap::default();
        let least = v.limit();
        v.adapt(0, least);
        assert_eq!(v.limit(), least, "not below the least");
        v.adapt(1_000_000, least);
        let grown = v.limit();
        assert!(grown > 1_300_000 && grown < 2_200_000, "{grown}");
        v.adapt(grown / 2, least);
        assert_eq!(v.limit(), grown);
        v.adapt(grown / 5, least);
        assert_eq!(v.limit(), grown / 2);
        v.adapt(usize::MAX / 2, least);
        assert_eq!(v.limit(), VirtualHeap::MOST as usize);
        assert!(!VirtualHeap { words: VirtualHeap::MOST, ..v }.is_full(), "what lives is not collected for ever");
    }

    #[test]
    fn a_collection_that_is_asked_for_changes_no_figures() {
        let mut v = VirtualHeap { words: 7, ..VirtualHeap::default() };
        v.fill();
        assert!(v.is_full());
        v.add(3);
        assert!(v.is_full());
        assert_eq!((v.words(), v.limit()), (10, VirtualHeap::LIMIT as usize));
        v.clear();
        assert!(!v.is_full());
    }

    #[test]
    fn binaries_count_by_their_share_where_they_come_from() {
        let mut other = Heap::new(100);
        let bin = other.binary(&[1; 9600]);
        assert_eq!(other.virtual_heap.words(), 1200);
        let mut heap = Heap::new(100);
        heap.copy(bin);
        assert_eq!(heap.virtual_heap.words(), 600);
        let (fragment, _) = crate::copy::to_fragment(bin, Literals::lasting());
        heap.adopt(fragment);
        assert_eq!(heap.virtual_heap.words(), 600 + 400);
        let mut loose = Heap::new(0);
        loose.copy(bin);
        heap.absorb(loose);
        assert_eq!(heap.virtual_heap.words(), 600 + 400 + 300);
    }
}
