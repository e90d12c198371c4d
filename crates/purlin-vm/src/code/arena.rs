//! Where the operands of a function's instructions stand: a bump arena, in which they lie together in the order of the
//! code, so that running it touches few cache lines. What stands there never moves and lives as long as the arena.

use std::mem::{MaybeUninit, needs_drop};
use std::ptr::NonNull;

/// A block of words; operands have no greater alignment.
type Block = [MaybeUninit<u64>];

/// Words of the first block where nobody knows how many there will be.
const FIRST: usize = 64;

#[derive(Default)]
pub struct Arena {
    /// The last one is being filled. Raw, because what stands in them is referred to while the arena moves.
    blocks: Vec<NonNull<Block>>,
    /// Words used in the last block, and in all.
    filled: usize,
    words: usize,
    /// What has to be dropped, and how.
    drops: Vec<(NonNull<u64>, unsafe fn(NonNull<u64>))>,
}

// SAFETY: CODE: the arena owns what its pointers refer to, all of which may be sent and shared (`keep`, `keep_all`).
unsafe impl Send for Arena {}
// SAFETY: CODE: as above; a shared arena gives nothing out.
unsafe impl Sync for Arena {}

impl Arena {
    /// An arena with one block of this many words.
    pub fn with_room(words: usize) -> Arena {
        let mut arena = Arena::default();
        if words > 0 {
            arena.grow(words);
        }
        arena
    }

    /// How many words are used.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Keeps a value.
    ///
    /// # Safety
    /// CODE: what this gives is used only while the arena is there.
    pub unsafe fn keep<T: Send + Sync + 'static>(&mut self, value: T) -> &'static T {
        let place = self.place::<T>(1);
        if needs_drop::<T>() {
            // SAFETY: CODE: called once, by the arena's own drop, for the place of a `T`.
            self.drops.push((place, |place| unsafe { place.cast::<T>().drop_in_place() }));
        }
        let place = place.cast::<T>();
        // SAFETY: CODE: the place is the value's alone and large enough; it stays by the caller's promise.
        unsafe {
            place.write(value);
            place.as_ref()
        }
    }

    /// Keeps values one behind the other.
    ///
    /// # Safety
    /// As for [`Arena::keep`].
    pub unsafe fn keep_all<T: Send + Sync + 'static>(&mut self, values: Vec<T>) -> &'static [T] {
        const { assert!(!needs_drop::<T>()) };
        let place = self.place::<T>(values.len()).cast::<T>();
        let len = values.len();
        // SAFETY: CODE: the place is theirs alone and large enough, and they need no drop where they were; it stays by
        // the caller's promise.
        unsafe {
            place.copy_from_nonoverlapping(NonNull::from(&values[..]).cast(), len);
            NonNull::slice_from_raw_parts(place, len).as_ref()
        }
    }

    /// Room for so many `T`.
    fn place<T>(&mut self, count: usize) -> NonNull<u64> {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };
        let words = (size_of::<T>() * count).div_ceil(size_of::<u64>());
        let block = match self.blocks.last() {
            Some(&block) if block.len() - self.filled >= words => block,
            _ => self.grow(words.max(FIRST).max(self.words)),
        };
        // SAFETY: CODE: so many words of the block are left.
        let place = unsafe { block.cast::<u64>().add(self.filled) };
        self.filled += words;
        self.words += words;
        place
    }

    fn grow(&mut self, words: usize) -> NonNull<Block> {
        let block = NonNull::from(Box::leak(Box::<[u64]>::new_uninit_slice(words)));
        self.blocks.push(block);
        self.filled = 0;
        block
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (place, drop) in self.drops.drain(..) {
            // SAFETY: CODE: nobody uses it any more, and each is dropped once.
            unsafe { drop(place) };
        }
        for block in self.blocks.drain(..) {
            // SAFETY: CODE: it came from a box (`grow`), and nobody uses what stands in it any more.
            drop(unsafe { Box::from_raw(block.as_ptr()) });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_kept_lies_in_order_and_stays() {
        for room in [0, 3, 1000] {
            let mut arena = Arena::with_room(room);
            // SAFETY: CODE: the arena outlives them.
            let kept: Vec<(&[u32], &u64)> =
                (0..100u32).map(|n| unsafe { (arena.keep_all(vec![n; n as usize]), arena.keep(n as u64)) }).collect();
            for (n, (list, word)) in kept.iter().enumerate() {
                assert_eq!((list.len(), **word), (n, n as u64));
                assert!(list.iter().all(|&m| m as usize == n));
            }
            assert_eq!(arena.words(), (0..100).map(|n: usize| n.div_ceil(2) + 1).sum::<usize>());
            if room > arena.words() / 2 {
                let places: Vec<usize> = kept.iter().map(|(_, word)| *word as *const u64 as usize).take(40).collect();
                assert!(places.is_sorted(), "in one block they lie in order");
            }
        }
    }

    #[test]
    fn what_is_kept_is_dropped_once() {
        let counted = Arc::new(());
        let mut arena = Arena::default();
        for _ in 0..100 {
            // SAFETY: CODE: not used.
            unsafe { arena.keep(counted.clone()) };
        }
        assert_eq!(Arc::strong_count(&counted), 101);
        let moved = Box::new(arena);
        drop(moved);
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}
