//! A table's row: a tuple in a memory block of its own, which can be a link of a chain.
//!
//! The block is one allocation behind one pointer: the next link, a word with the key's hash value and the block's size
//! and marks, then the tuple and the objects that it refers to, copied as in [`Owned`](crate::Owned).

use crate::boxed::{Kind, arity_of};
use crate::copy::{copy_into, flat_size};
use crate::heap::Heap;
use crate::literal::Literals;
use crate::owned::{copy_block, release_block};
use crate::shared::Kept;
use crate::word::Term;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A row, with the links behind it.
#[repr(transparent)]
pub struct Row(NonNull<u64>);

/// Rows linked one behind the other.
pub type Chain = Option<Row>;

// SAFETY: LIVE: the block owns its terms, which change only through `&mut`; counted objects are counted atomically.
unsafe impl Send for Row {}
// SAFETY: as above.
unsafe impl Sync for Row {}

/// Words before the tuple: the next link and the word described by the constants below.
const LEAD: usize = 2;
/// The hash value is the low half of the word; the number of the tuple's and its objects' words begins here.
const WORDS_SHIFT: u32 = 34;
/// The number stored for rows with as many words or more: they are counted anew.
const MANY: usize = (1 << 30) - 1;
/// Set when the block holds objects that own a count.
const COUNTED: u64 = 1 << 32;
/// Set by [`Row::set_deleted`].
const DELETED: u64 = 1 << 33;

fn layout(words: usize) -> Layout {
    Layout::array::<u64>(LEAD + words).expect("a term fits the address space")
}

impl Row {
    /// A copy of a tuple, with hash value 0 and no link behind it; `None` for other terms.
    #[inline]
    pub fn new(t: Term) -> Option<Row> {
        Some(Row::of(t.as_tuple()?))
    }

    /// As [`Row::new`], from a tuple's elements.
    pub fn of(elements: &[Term]) -> Row {
        let size = |e: &Term| if e.is_pointer() { flat_size(*e, Literals::none()) } else { 0 };
        let words = 1 + elements.len() + elements.iter().map(size).sum::<usize>();
        // SAFETY: the layout is not empty.
        let p = unsafe { alloc(layout(words)) } as *mut u64;
        let Some(start) = NonNull::new(p) else { handle_alloc_error(layout(words)) };
        let mut counted = Vec::new();
        // SAFETY: FRESH: the block has LEAD words, then those of the tuple, then as many as its elements' objects take.
        unsafe {
            let mut at = p.add(LEAD);
            *at = Kind::Tuple.header(elements.len());
            let mut top = at.add(1 + elements.len());
            for e in elements {
                at = at.add(1);
                *at = if e.is_pointer() { copy_into(*e, &mut top, &mut counted, Literals::none()).0 } else { e.0 };
            }
            *p = 0;
            *p.add(1) = (words.min(MANY) as u64) << WORDS_SHIFT | if counted.is_empty() { 0 } else { COUNTED };
        }
        Row(start)
    }

    fn info(&self) -> u64 {
        // SAFETY: the second word of the block is always written.
        unsafe { *self.0.as_ptr().add(1) }
    }

    fn set_info(&mut self, info: u64) {
        // SAFETY: as above; nobody else sees the row while it is borrowed for writing.
        unsafe { *self.0.as_ptr().add(1) = info }
    }

    /// The tuple. It is valid while this value lives.
    #[inline]
    pub fn term(&self) -> Term {
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(self.0.as_ptr().wrapping_add(LEAD)) }
    }

    /// The tuple's elements.
    #[inline]
    pub fn elements(&self) -> &[Term] {
        self.term().as_tuple().unwrap_or(&[])
    }

    /// A part of the row, as what threads may share.
    #[inline]
    pub fn kept(&self, part: Term) -> Kept {
        let start = self.0.as_ptr().cast_const().wrapping_add(LEAD);
        Kept::new(part, |p| (start..start.wrapping_add(self.words())).contains(&p))
    }

    /// Size of the tuple and its objects in words.
    #[inline]
    pub fn words(&self) -> usize {
        match (self.info() >> WORDS_SHIFT) as usize {
            MANY => flat_size(self.term(), Literals::none()),
            words => words,
        }
    }

    /// A number that goes with the row; the table's hash value of its key.
    #[inline]
    pub fn hash(&self) -> u32 {
        self.info() as u32
    }

    /// Sets what [`Row::hash`] gives.
    #[inline]
    pub fn set_hash(&mut self, hash: u32) {
        self.set_info(self.info() & !u64::from(u32::MAX) | u64::from(hash));
    }

    /// Whether the row counts as deleted.
    #[inline]
    pub fn is_deleted(&self) -> bool {
        self.info() & DELETED != 0
    }

    /// Sets what [`Row::is_deleted`] gives.
    pub fn set_deleted(&mut self, deleted: bool) {
        self.set_info(self.info() & !DELETED | if deleted { DELETED } else { 0 });
    }

    /// The link behind this one.
    #[inline]
    pub fn next(&self) -> Option<&Row> {
        // SAFETY: the first word of the block is null or the block of a row that this one owns: a `Chain`, for a row
        // is a non-null pointer.
        unsafe { &*(self.0.as_ptr() as *const Chain) }.as_ref()
    }

    /// The links behind this one, for changing them.
    #[inline]
    pub fn rest(&mut self) -> &mut Chain {
        // SAFETY: as above.
        unsafe { &mut *(self.0.as_ptr() as *mut Chain) }
    }

    /// A copy of the tuple in a heap.
    #[inline]
    pub fn copy_to(&self, heap: &mut Heap) -> Term {
        let from = self.0.as_ptr().wrapping_add(LEAD);
        let words = self.words();
        let to = heap.alloc(words);
        if words == 1 + self.elements().len() {
            // SAFETY: FRESH: `to` has `words` words; the tuple refers to no objects.
            unsafe {
                for i in 0..words {
                    *to.add(i) = *from.add(i);
                }
            }
        } else {
            // SAFETY: the block holds complete objects that `copy_into` has written, of `words` words, as has `to`.
            unsafe { copy_block(from, to, words, heap) };
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(to) }
    }

    /// Whether an element of the tuple can be replaced by this term in place: both are immediate, or both are objects of
    /// the same number of words that refer to nothing (big integers, floats, short binaries).
    #[inline]
    pub fn has_place_for(&self, index: usize, value: Term) -> bool {
        let Some(old) = self.elements().get(index) else { return false };
        (old.is_immediate() && value.is_immediate()) || plain_words(*old).is_some_and(|n| plain_words(value) == Some(n))
    }

    /// Replaces an element of the tuple; whether that could be done in place ([`Row::has_place_for`]).
    #[inline]
    pub fn set_in_place(&mut self, index: usize, value: Term) -> bool {
        if !self.has_place_for(index, value) {
            return false;
        }
        let element = self.0.as_ptr().wrapping_add(LEAD + 1 + index);
        // SAFETY: LIVE: the tuple has this element. Its object, if it has one, is in the row's block, where each element
        // has objects of its own, and as long as the new one. Nobody else sees the row while it is borrowed for writing.
        unsafe {
            match plain_words(value) {
                Some(n) => std::ptr::copy(value.pointer(), Term::word(*element).pointer(), n),
                None => *element = value.0,
            }
        }
        true
    }

    /// The first place of a chain whose row is wanted: the row with what is behind it, or the chain's end.
    #[inline]
    pub fn seek(chain: &mut Chain, mut wanted: impl FnMut(&Row) -> bool) -> &mut Chain {
        let mut at = chain;
        while at.as_ref().is_some_and(|row| !wanted(row)) {
            at = at.as_mut().expect("the row just seen").rest();
        }
        at
    }

    /// Drops the rows of a chain that `keep` does not want, which may change the others.
    pub fn retain(chain: &mut Chain, mut keep: impl FnMut(&mut Row) -> bool) {
        let mut at = chain;
        while let Some(keeps) = at.as_mut().map(&mut keep) {
            if keeps {
                at = at.as_mut().expect("the row just seen").rest();
            } else {
                drop(Row::unlink(at));
            }
        }
    }

    /// Takes the first row out of a chain.
    #[inline]
    pub fn unlink(chain: &mut Chain) -> Option<Row> {
        let mut row = chain.take()?;
        *chain = row.rest().take();
        Some(row)
    }

    /// Puts a row before the others of a chain.
    #[inline]
    pub fn link(mut self, chain: &mut Chain) {
        *self.rest() = chain.take();
        *chain = Some(self);
    }
}

/// The number of words of an object that refers to nothing.
#[inline]
fn plain_words(t: Term) -> Option<usize> {
    let kind = t.boxed_kind()?;
    let arity = arity_of(t.header_word());
    (kind.raw_words(arity) == arity && !kind.is_off_heap()).then_some(1 + arity)
}

/// The rows of a chain, in order.
pub fn rows(chain: &Chain) -> impl Iterator<Item = &Row> {
    std::iter::successors(chain.as_ref(), |row| row.next())
}

impl Drop for Row {
    fn drop(&mut self) {
        // One after the other, so that no chain is too long.
        let mut rest = self.rest().take();
        while let Some(mut row) = rest {
            rest = row.rest().take();
        }
        let p = self.0.as_ptr();
        let words = self.words();
        // SAFETY: the block was laid out by `new`; each counted object is released once (OFFHEAP).
        unsafe {
            if self.info() & COUNTED != 0 {
                release_block(p.add(LEAD), words);
            }
            dealloc(p.cast(), layout(words));
        }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.term().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Magic;
    use std::sync::Arc;

    fn row(n: i64) -> Row {
        let mut h = Heap::new(8);
        let t = h.tuple(&[Term::small(n)]);
        Row::new(t).unwrap()
    }

    fn numbers(chain: &Chain) -> Vec<i64> {
        rows(chain).map(|r| r.elements()[0].small_value()).collect()
    }

    #[test]
    fn chains_are_linked_and_cut_anywhere() {
        let mut chain = None;
        for n in [3, 1] {
            row(n).link(&mut chain);
        }
        row(2).link(Row::seek(&mut chain, |r| r.elements()[0] == Term::small(3)));
        row(4).link(Row::seek(&mut chain, |_| false));
        assert_eq!(numbers(&chain), [1, 2, 3, 4]);
        let cut = Row::unlink(Row::seek(&mut chain, |r| r.elements()[0] == Term::small(2))).unwrap();
        assert!(cut.next().is_none());
        assert_eq!(numbers(&chain), [1, 3, 4]);
        Row::retain(&mut chain, |r| {
            r.set_in_place(0, Term::small(-r.elements()[0].small_value())) && r.next().is_some()
        });
        assert_eq!(numbers(&chain), [-1, -3]);
    }

    #[test]
    fn objects_that_refer_to_nothing_are_replaced_in_place_by_others_of_their_size() {
        let mut h = Heap::new(0);
        let big = |h: &mut Heap, n: u64| h.unsigned(u64::MAX - n);
        let (a, b, float, text) = (big(&mut h, 1), big(&mut h, 2), h.float(1.5), h.binary(b"12345678"));
        let (list, wide) = (h.list(&[a, b]), h.binary(&[7; 100]));
        let t = h.tuple(&[a, list, a, text, wide]);
        let mut row = Row::new(t).unwrap();
        for (at, value, fits) in [
            (0, b, true),
            (2, float, true),
            (1, list, false),
            (0, Term::small(1), false),
            (3, text, true),
            (3, a, false),
            (4, wide, false),
            (1, float, false),
            (9, a, false),
        ] {
            assert_eq!(row.set_in_place(at, value), fits, "element {at}");
        }
        let expected = h.tuple(&[b, list, float, text, wide]);
        let copy = row.copy_to(&mut h);
        for (got, expected) in copy.as_tuple().unwrap().iter().zip(expected.as_tuple().unwrap()) {
            assert!(crate::compare::same(*got, *expected));
        }
    }

    #[test]
    fn long_chains_are_dropped_without_nesting() {
        let mut chain = None;
        for n in 0..1_000_000 {
            row(n).link(&mut chain);
        }
        drop(chain);
    }

    #[test]
    fn marks_and_sizes_do_not_disturb_each_other() {
        let magic = Arc::new(Magic { value: Box::new(()) });
        let mut h = Heap::new(0);
        let (r, l) = (h.magic_reference([1, 2], magic.clone()), h.list(&[Term::small(1), Term::NIL]));
        let t = h.tuple(&[r, l, Term::small(3)]);
        let mut row = Row::new(t).unwrap();
        let words = row.words();
        row.set_hash(u32::MAX);
        row.set_deleted(true);
        assert_eq!((row.hash(), row.is_deleted(), row.words()), (u32::MAX, true, words));
        row.set_hash(7);
        row.set_deleted(false);
        assert_eq!((row.hash(), row.is_deleted(), row.words()), (7, false, 4 + 4 + 4));
        assert!(row.set_in_place(2, Term::small(4)) && !row.set_in_place(1, Term::small(4)));
        let mut other = Heap::new(0);
        let copy = row.copy_to(&mut other);
        assert_eq!(copy.as_tuple().unwrap()[2], Term::small(4));
        assert_eq!(copy.as_tuple().unwrap()[1].as_list().unwrap(), [Term::small(1), Term::NIL]);
        assert_eq!(Arc::strong_count(&magic), 4);
        drop((row, other));
        assert_eq!(Arc::strong_count(&magic), 2);
        assert!(Row::new(Term::NIL).is_none());
    }
}
