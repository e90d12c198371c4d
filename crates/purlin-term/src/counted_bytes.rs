//! Bytes of a counted binary that something keeps which is no heap: what nodes send each other without copying it.

use crate::binary::BinData;
use crate::boxed::Kind;
use crate::heap::Heap;
use crate::word::Term;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// Some bytes of a block, which are there and stay as they are as long as this.
#[derive(Debug, Default)]
pub struct CountedBytes {
    /// This has a count of the block. `None`: there are no bytes.
    data: Option<NonNull<BinData>>,
    offset: usize,
    len: usize,
}

// SAFETY: OFFHEAP: it has a count of its own, which any thread may take and give up; bytes that a term or a finished
// buffer has stood for never change.
unsafe impl Send for CountedBytes {}
// SAFETY: as for `Send`.
unsafe impl Sync for CountedBytes {}

impl CountedBytes {
    /// The whole bytes of a bitstring, where it stands on a counted binary and begins at a byte.
    pub fn of(t: Term) -> Option<CountedBytes> {
        let (whole, at) = t.whole_and_offset()?;
        let &[data, offset, _] = whole.body(Kind::RefBin).filter(|_| at % 8 == 0)? else { return None };
        let data = NonNull::new(data as *mut BinData)?;
        // SAFETY: LIVE, OFFHEAP: the term has a count.
        unsafe { BinData::retain(data.as_ptr()) };
        Some(CountedBytes { data: Some(data), offset: offset as usize + at / 8, len: t.bit_size() / 8 })
    }

    /// The first `len` bytes of a block, whose one count goes over; terms may be made of all of them.
    ///
    /// # Safety
    /// Nobody else knows the block, and these bytes are initialised.
    pub(crate) unsafe fn of_block(data: NonNull<BinData>, len: usize) -> CountedBytes {
        // SAFETY: by the caller's promise.
        unsafe { data.as_ref().used_bits().store(len * 8, Ordering::Release) };
        CountedBytes { data: Some(data), offset: 0, len }
    }

    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        let Some(data) = self.data else { return &[] };
        let start = BinData::bytes(data.as_ptr()).wrapping_add(self.offset);
        // SAFETY: OFFHEAP: the count keeps the block, in which a term had these bytes or `of_block` was promised them.
        unsafe { std::slice::from_raw_parts(start, self.len) }
    }

    /// A binary of all of the bytes.
    pub fn into_binary(mut self, heap: &mut Heap) -> Term {
        match self.data.take() {
            // The count goes over to the term.
            Some(data) => heap.counted_binary(data.as_ptr(), self.offset, self.len),
            None => heap.binary(&[]),
        }
    }

    /// A binary of `len` of the bytes, from `from` on, that shares the block.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn part(&self, heap: &mut Heap, from: usize, len: usize) -> Term {
        assert!(from <= self.len && len <= self.len - from, "a part lies within the bytes");
        let Some(data) = self.data else { return heap.binary(&[]) };
        // SAFETY: OFFHEAP: this has a count; the one taken here is the term's.
        unsafe { BinData::retain(data.as_ptr()) };
        heap.counted_binary(data.as_ptr(), self.offset + from, len)
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        if let Some(data) = self.data {
            // SAFETY: OFFHEAP: the count is this one's, which is gone.
            unsafe { BinData::release(data.as_ptr()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_outlive_the_heap_that_they_are_of() {
        let text: Vec<u8> = (0..250).collect();
        let (all, part) = {
            let mut h = Heap::new(0);
            let whole = h.binary(&text);
            let part = h.sub_bits(whole, 8 * 50, 8 * 150 + 3);
            (CountedBytes::of(whole), CountedBytes::of(part))
        };
        assert_eq!(all.expect("a counted binary").bytes(), text);
        let part = part.expect("a part of one");
        assert_eq!((part.bytes(), part.len()), (&text[50..200], 150));
        let mut h = Heap::new(0);
        let again = part.part(&mut h, 10, 100);
        drop(part);
        assert_eq!(again.as_bytes().expect("a binary").as_ref(), &text[60..160]);
        let bits = h.sub_bits(again, 8, 800 - 8);
        assert_eq!(CountedBytes::of(bits).expect("a part of a part").bytes(), &text[61..160]);
    }

    #[test]
    fn what_is_in_a_heap_or_begins_within_a_byte_is_not_shared() {
        let mut h = Heap::new(0);
        let (short, long) = (h.binary(&[1; 64]), h.binary(&[1; 200]));
        let shifted = h.sub_bits(long, 3, 800);
        for t in [short, shifted, Term::NIL, h.tuple(&[long])] {
            assert!(CountedBytes::of(t).is_none());
        }
        let nothing = CountedBytes::default();
        assert_eq!((nothing.bytes(), nothing.len()), (&[][..], 0));
        assert_eq!(nothing.part(&mut h, 0, 0).bit_size(), 0);
    }

    #[test]
    fn what_is_appended_behind_shared_bytes_does_not_change_them() {
        let mut h = Heap::new(0);
        let text = h.binary(&[1; 100]);
        let grown = |h: &mut Heap, t: Term| {
            let mut b = crate::bits::BitBuilder::append(h, t, 64, 8).expect("a binary");
            b.put_raw(u64::MAX, 64).expect("room");
            b.finish()
        };
        let first = grown(&mut h, text);
        let kept = CountedBytes::of(first).expect("a counted binary");
        let part = kept.part(&mut h, 0, 100);
        // One has room behind it, the other has not.
        for t in [first, part] {
            let longer = grown(&mut h, t);
            assert_eq!(longer.bit_size(), t.bit_size() + 64);
            assert_eq!(kept.bytes(), [[1; 100].as_slice(), &[255; 8]].concat());
            assert_eq!(part.as_bytes().expect("a binary").as_ref(), &[1; 100]);
        }
    }
}
