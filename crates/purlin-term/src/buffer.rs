//! A growing block of bytes that becomes a binary without being copied: what files and sockets are read into.

use crate::binary::{BinData, HEAP_BIN_LIMIT};
use crate::counted_bytes::CountedBytes;
use crate::heap::Heap;
use crate::word::Term;
use std::convert::Infallible;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Bytes under way to a binary. The first `len` bytes of the block are initialised.
#[derive(Default)]
pub struct Buffer {
    data: Option<NonNull<BinData>>,
    len: usize,
}

// SAFETY: OFFHEAP: the buffer alone has the one count of its block.
unsafe impl Send for Buffer {}

impl Buffer {
    /// The bytes so far.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn capacity(&self) -> usize {
        // SAFETY: OFFHEAP
        self.data.map_or(0, |d| unsafe { d.as_ref().capacity() })
    }

    /// Makes room for `more` bytes; false: there is no memory for them.
    #[must_use]
    pub fn reserve(&mut self, more: usize) -> bool {
        self.len.checked_add(more).is_some_and(|n| n <= self.capacity() || self.resize(n))
    }

    fn resize(&mut self, capacity: usize) -> bool {
        let new = match self.data {
            // SAFETY: OFFHEAP: nobody else knows the block.
            Some(d) => unsafe { BinData::try_resize(d.as_ptr(), capacity) },
            None => BinData::try_new(capacity),
        };
        let Some(new) = new.and_then(NonNull::new) else { return false };
        self.data = Some(new);
        true
    }

    /// Hands the free room to `read`, which gives back the part at its beginning that it has filled. How many bytes
    /// that are.
    pub fn fill<E>(
        &mut self,
        read: impl for<'a> FnOnce(&'a mut [MaybeUninit<u8>]) -> Result<&'a mut [u8], E>,
    ) -> Result<usize, E> {
        let Some(data) = self.data else { return read(&mut []).map(|_| 0) };
        let start = BinData::bytes(data.as_ptr()).wrapping_add(self.len);
        let room = self.capacity() - self.len;
        // SAFETY: FRESH: the block has this room behind its first `len` bytes, and nobody else knows it.
        let filled = read(unsafe { std::slice::from_raw_parts_mut(start.cast(), room) })?;
        assert!(filled.as_ptr() == start && filled.len() <= room, "what was filled is the beginning of the room");
        self.len += filled.len();
        Ok(filled.len())
    }

    /// Keeps the first `len` bytes, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are initialised.
        self.data.map_or(&[], |d| unsafe { std::slice::from_raw_parts(BinData::bytes(d.as_ptr()), self.len) })
    }

    /// A binary of the bytes.
    pub fn into_binary(self, heap: &mut Heap) -> Term {
        if self.len <= HEAP_BIN_LIMIT {
            return heap.binary(self.bytes());
        }
        self.into_counted().into_binary(heap)
    }

    /// The bytes, which are not added to any more. A block that is too large is cut, which as a rule leaves it where it is
    /// unless it is more than twice as large.
    pub fn into_counted(mut self) -> CountedBytes {
        if self.room() > 0 {
            // Without memory for a smaller block the larger one stays.
            self.resize(self.len);
        }
        // SAFETY: OFFHEAP: the buffer has the one count, and the first `len` bytes are initialised.
        self.data.take().map_or_else(CountedBytes::default, |data| unsafe { CountedBytes::of_block(data, self.len) })
    }

    /// Adds bytes, for which there is room.
    ///
    /// # Panics
    /// When there is not.
    pub fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let added = self.fill::<Infallible>(|room| Ok(room[..bytes.len()].write_copy_of_slice(bytes)));
        added.unwrap_or_else(|never| match never {});
    }

    /// Bytes that can be added without asking for memory.
    pub fn room(&self) -> usize {
        self.capacity() - self.len
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(data) = self.data.take() {
            // SAFETY: OFFHEAP: the buffer owns the one count.
            unsafe { BinData::release(data.as_ptr()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(b: &mut Buffer, bytes: &[u8]) {
        assert!(b.reserve(bytes.len()) && b.room() >= bytes.len());
        b.append(bytes);
    }

    #[test]
    fn bytes_become_a_binary_in_the_order_in_which_they_came() {
        for (first, second) in [(0, 0), (1, 2), (60, 4), (60, 5), (100, 100_000)] {
            let (mut b, mut h) = (Buffer::default(), Heap::new(0));
            put(&mut b, &vec![1; first]);
            put(&mut b, &vec![2; second]);
            assert_eq!((b.len(), b.is_empty()), (first + second, first + second == 0));
            let t = b.into_binary(&mut h);
            let expected = [vec![1; first], vec![2; second]].concat();
            assert_eq!(t.as_bytes().unwrap().as_ref(), &expected[..]);
        }
    }

    #[test]
    fn a_block_that_is_too_large_is_cut() {
        for room in [1 << 20, 150, 101] {
            let (mut b, mut h) = (Buffer::default(), Heap::new(0));
            assert!(b.reserve(room));
            put(&mut b, &[7; 100]);
            b.truncate(90);
            let t = b.into_binary(&mut h);
            assert_eq!(t.referenced_bytes(), Some(90));
            assert_eq!(t.as_bytes().unwrap().as_ref(), &[7; 90]);
        }
    }

    #[test]
    fn what_is_not_used_is_freed_and_errors_change_nothing() {
        let mut b = Buffer::default();
        assert_eq!(b.fill(|room| if room.is_empty() { Err(1) } else { Ok(&mut []) }), Err(1));
        put(&mut b, &[1; 100]);
        assert!(!b.reserve(usize::MAX));
        assert!(b.reserve(10));
        assert_eq!(b.fill(|_| Err(5)), Err(5));
        assert_eq!(b.bytes(), &[1; 100]);
    }
}
