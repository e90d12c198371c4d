//! Binaries and bitstrings: heap binaries up to 64 bytes, counted byte buffers above, and parts of either.

use crate::account::{self, Use};
use crate::boxed::{Kind, Magic};
use crate::heap::Heap;
use crate::word::Term;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};

/// Longest binary kept on a process heap, in bytes.
pub const HEAP_BIN_LIMIT: usize = 64;

/// A counted byte buffer outside all heaps.
///
/// `used_bits` is the end of the furthest term over the buffer. Whoever moves it (by compare-and-exchange) from the
/// end of their own term owns the bits behind it and may append in place; a term whose end is not `used_bits` must
/// copy. Bits below `used_bits` never change.
#[repr(C)]
pub struct BinData {
    count: AtomicUsize,
    capacity: usize,
    used_bits: AtomicUsize,
}

/// Set in the capacity of a buffer whose bytes are elsewhere.
const FOREIGN: usize = 1 << 63;

/// Bytes that every machine has, so that its memory need not be asked for.
const CERTAIN: usize = 1 << 28;

/// Bytes of memory that the machine has.
fn machine_memory() -> usize {
    static MEMORY: OnceLock<usize> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        // SAFETY: both only read settings of the system.
        let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
        match (usize::try_from(pages), usize::try_from(size)) {
            (Ok(pages), Ok(size)) if pages > 0 => pages.saturating_mul(size),
            _ => usize::MAX,
        }
    })
}

impl BinData {
    /// A buffer has as many bytes more behind it as OTP's: there are native libraries that end a text with a zero there, which
    /// is theirs no more but harms nobody on the BEAM.
    fn layout(capacity: usize) -> Layout {
        let size = std::mem::size_of::<BinData>() + size_of::<usize>() - 1;
        let size = size.checked_add(capacity).expect("binary fits the address space");
        Layout::from_size_align(size, 8).expect("binary fits the address space")
    }

    /// A new buffer with one count, zero bits used and its bytes uninitialised.
    pub fn new(capacity: usize) -> *mut BinData {
        BinData::try_new(capacity).unwrap_or_else(|| handle_alloc_error(BinData::layout(capacity)))
    }

    /// As [`BinData::new`]; `None` when there is no memory for so many bytes, or could not be: the system promises
    /// more than the machine has, and ends the program that uses it.
    pub fn try_new(capacity: usize) -> Option<*mut BinData> {
        if capacity > CERTAIN && capacity > machine_memory() {
            return None;
        }
        let layout = BinData::layout(capacity);
        // SAFETY: the layout is not empty.
        let p = unsafe { alloc(layout) } as *mut BinData;
        if p.is_null() {
            return None;
        }
        account::add(Use::Binaries, layout.size() as isize);
        // SAFETY: FRESH
        unsafe { p.write(BinData { count: AtomicUsize::new(1), capacity, used_bits: AtomicUsize::new(0) }) };
        Some(p)
    }

    /// The block with another capacity, perhaps elsewhere; `None`: there is no memory for it and the block is as it was.
    ///
    /// # Safety
    /// The caller has the only count.
    pub unsafe fn try_resize(this: *mut BinData, capacity: usize) -> Option<*mut BinData> {
        if capacity > CERTAIN && capacity > machine_memory() {
            return None;
        }
        // SAFETY: by the caller's promise; the layout is that of `try_new`.
        unsafe {
            let (old, new) = (BinData::layout((*this).capacity), BinData::layout(capacity));
            let p = realloc(this.cast(), old, new.size()).cast::<BinData>();
            if p.is_null() {
                return None;
            }
            account::add(Use::Binaries, new.size() as isize - old.size() as isize);
            (*p).capacity = capacity;
            Some(p)
        }
    }

    /// # Safety
    /// `this` is alive.
    pub unsafe fn retain(this: *const BinData) {
        // SAFETY: by the caller's promise.
        unsafe { (*this).count.fetch_add(1, Ordering::Relaxed) };
    }

    /// # Safety
    /// The caller owns one count and uses the buffer no more (OFFHEAP).
    pub unsafe fn release(this: *const BinData) {
        // SAFETY: by the caller's promise.
        unsafe {
            if (*this).count.fetch_sub(1, Ordering::Release) == 1 {
                fence(Ordering::Acquire);
                if (*this).capacity & FOREIGN != 0 {
                    drop(Arc::from_raw(BinData::bytes(this).cast::<*const Magic>().read()));
                    return dealloc(this as *mut u8, BinData::layout(size_of::<*const Magic>()));
                }
                let layout = BinData::layout((*this).capacity);
                account::add(Use::Binaries, -(layout.size() as isize));
                dealloc(this as *mut u8, layout);
            }
        }
    }

    /// A buffer without bytes of its own: its terms are over bytes that `keeper` keeps, at any distance from it.
    pub fn foreign(keeper: Arc<Magic>, size: usize) -> *mut BinData {
        let layout = BinData::layout(size_of::<*const Magic>());
        // SAFETY: FRESH: the layout is not empty, and has room for the keeper behind the head.
        unsafe {
            let p = alloc(layout).cast::<BinData>();
            if p.is_null() {
                handle_alloc_error(layout);
            }
            // Nobody's end is the furthest one: nothing is ever appended.
            p.write(BinData {
                count: AtomicUsize::new(1),
                capacity: size | FOREIGN,
                used_bits: AtomicUsize::new(usize::MAX),
            });
            BinData::bytes(p).cast::<*const Magic>().write(Arc::into_raw(keeper));
            p
        }
    }

    /// What keeps the bytes of a buffer that has none of its own.
    pub fn keeper(&self) -> Option<&Magic> {
        let foreign = self.capacity & FOREIGN != 0;
        // SAFETY: OFFHEAP: behind the head of such a buffer is a count of its keeper.
        foreign.then(|| unsafe { &**BinData::bytes(self).cast::<*const Magic>() })
    }

    pub fn capacity(&self) -> usize {
        self.capacity & !FOREIGN
    }

    /// How many terms and others refer to the buffer.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub fn used_bits(&self) -> &AtomicUsize {
        &self.used_bits
    }

    /// The first byte of the buffer `this`.
    pub fn bytes(this: *const BinData) -> *mut u8 {
        this.wrapping_add(1) as *mut u8
    }
}

/// A view of a bitstring: `size` bits that start `offset` bits (0 to 7) into `data`; `data` ends with the last byte
/// that holds any of them.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    pub data: &'a [u8],
    pub offset: usize,
    pub size: usize,
}

impl<'a> Bits<'a> {
    /// `size` bits of `data` from bit `from`.
    pub fn of(data: &'a [u8], from: usize, size: usize) -> Bits<'a> {
        let first = from / 8;
        let last = (from + size).div_ceil(8).max(first);
        Bits { data: &data[first..last], offset: from % 8, size }
    }

    /// A part of this view.
    pub fn slice(&self, from: usize, size: usize) -> Bits<'a> {
        debug_assert!(from + size <= self.size);
        Bits::of(self.data, self.offset + from, size)
    }

    /// Byte `i` (bits `8 * i ..`, padded with zeros behind the last bit).
    #[inline]
    pub fn byte(&self, i: usize) -> u8 {
        let b = if self.offset == 0 {
            self.data[i]
        } else {
            let high = self.data[i] << self.offset;
            let low = self.data.get(i + 1).map_or(0, |b| b >> (8 - self.offset));
            high | low
        };
        let left = self.size - 8 * i;
        if left >= 8 { b } else { b & (0xFFu16 << (8 - left)) as u8 }
    }

    /// All bytes, the last one padded with zeros.
    pub fn to_bytes(&self) -> Cow<'a, [u8]> {
        if self.offset == 0 && self.size.is_multiple_of(8) {
            Cow::Borrowed(self.data)
        } else {
            Cow::Owned((0..self.size.div_ceil(8)).map(|i| self.byte(i)).collect())
        }
    }
}

impl Term {
    /// The bits of a binary or bitstring; of a context of matching, what is left of it.
    pub fn as_bits<'a>(self) -> Option<Bits<'a>> {
        match self.boxed_kind()? {
            Kind::HeapBin => {
                let (p, n) = self.base_bytes();
                // SAFETY: LIVE
                let data = unsafe { std::slice::from_raw_parts(p, n) };
                Some(Bits { data, offset: 0, size: n * 8 })
            }
            Kind::RefBin => {
                let (p, n) = self.base_bytes();
                // SAFETY: LIVE; OFFHEAP keeps the buffer.
                let data = unsafe { std::slice::from_raw_parts(p, n) };
                Some(Bits { data, offset: 0, size: n * 8 })
            }
            kind @ (Kind::SubBits | Kind::MatchCtx) => {
                let b: &[u64] = self.any_body();
                let from = b[1] as usize;
                let (size, whole) = match kind {
                    Kind::SubBits => (b[0] as usize, b[2]),
                    _ => (b[0] as usize - from, b[3]),
                };
                let (p, _) = Term::word(whole).base_bytes();
                let (first, last) = (from / 8, (from + size).div_ceil(8));
                // SAFETY: LIVE; a part lies within its whole (see `Heap::sub_bits`), whose bits below `used_bits`
                // never change. The whole's own length is not used: appending in place may outgrow it.
                let data = unsafe { std::slice::from_raw_parts(p.add(first), last.max(first) - first) };
                Some(Bits { data, offset: from % 8, size })
            }
            _ => None,
        }
    }

    /// First byte and length of a heap or counted binary.
    #[inline]
    pub fn base_bytes(self) -> (*mut u8, usize) {
        let p = self.pointer();
        // SAFETY: LIVE; layouts as in `boxed`.
        unsafe {
            if Kind::of_header(*p) == Kind::HeapBin {
                (p.add(2) as *mut u8, *p.add(1) as usize)
            } else {
                debug_assert_eq!(Kind::of_header(*p), Kind::RefBin);
                (BinData::bytes(*p.add(1) as *const BinData).wrapping_add(*p.add(2) as usize), *p.add(3) as usize)
            }
        }
    }

    /// Where the first byte of a counted binary stays while anything refers to it; 0 for a heap binary, which moves.
    #[inline]
    pub fn lasting_address(self) -> u64 {
        if self.boxed_kind() == Some(Kind::RefBin) { self.base_bytes().0 as u64 } else { 0 }
    }

    /// The buffer of a counted binary.
    pub fn counted_buffer(self) -> Option<*const BinData> {
        self.body(Kind::RefBin).map(|w| w[0] as *const BinData)
    }

    #[inline]
    pub fn is_bitstring(self) -> bool {
        matches!(self.boxed_kind(), Some(Kind::HeapBin | Kind::RefBin | Kind::SubBits))
    }

    /// Whether this is a bitstring of whole bytes.
    #[inline]
    pub fn is_binary(self) -> bool {
        match self.boxed_kind() {
            Some(Kind::HeapBin | Kind::RefBin) => true,
            Some(Kind::SubBits) => self.bit_size().is_multiple_of(8),
            _ => false,
        }
    }

    /// Size in bits of a bitstring (0 for any other term).
    pub fn bit_size(self) -> usize {
        match self.boxed_kind() {
            Some(Kind::HeapBin | Kind::RefBin) => self.base_bytes().1 * 8,
            Some(Kind::SubBits) => self.any_body::<'_>()[0] as usize,
            Some(Kind::MatchCtx) => (self.any_body::<'_>()[0] - self.any_body::<'_>()[1]) as usize,
            _ => 0,
        }
    }

    /// The bytes of a binary (a bitstring of whole bytes).
    pub fn as_bytes<'a>(self) -> Option<Cow<'a, [u8]>> {
        let b = self.as_bits()?;
        (b.size % 8 == 0).then(|| b.to_bytes())
    }

    /// How many bytes the buffer has that a bitstring keeps alive.
    pub fn referenced_bytes(self) -> Option<usize> {
        let (whole, _) = self.whole_and_offset()?;
        Some(match whole.body(Kind::RefBin) {
            // SAFETY: LIVE; OFFHEAP keeps the buffer.
            Some(w) => unsafe { (*(w[0] as *const BinData)).capacity() },
            None => whole.base_bytes().1,
        })
    }

    /// How many bytes of that buffer are in use.
    pub fn used_bytes(self) -> Option<usize> {
        let (whole, _) = self.whole_and_offset()?;
        Some(match whole.body(Kind::RefBin) {
            // SAFETY: LIVE; OFFHEAP keeps the buffer.
            Some(w) => unsafe { (*(w[0] as *const BinData)).used_bits().load(Ordering::Relaxed).div_ceil(8) },
            None => whole.base_bytes().1,
        })
    }

    /// The heap or counted binary that a bitstring stands on, and where in it (in bits) it starts.
    pub fn whole_and_offset(self) -> Option<(Term, usize)> {
        match self.boxed_kind()? {
            Kind::HeapBin | Kind::RefBin => Some((self, 0)),
            Kind::SubBits => {
                let b: &[u64] = self.any_body();
                Some((Term::word(b[2]), b[1] as usize))
            }
            _ => None,
        }
    }
}

/// Copies 1 to 64 bytes: the first ones and the last ones, which may overlap.
///
/// # Safety
/// As for [`std::ptr::copy_nonoverlapping`].
#[inline(always)]
pub unsafe fn copy_few(from: *const u8, to: *mut u8, n: usize) {
    /// Copies both ends.
    macro_rules! ends {
        ($t:ty) => {{
            let behind = n - size_of::<$t>();
            let (first, last) = (from.cast::<$t>().read_unaligned(), from.add(behind).cast::<$t>().read_unaligned());
            to.cast::<$t>().write_unaligned(first);
            to.add(behind).cast::<$t>().write_unaligned(last);
        }};
    }
    // SAFETY: by the caller's promise.
    unsafe {
        match n {
            32.. => ends!([u64; 4]),
            16.. => ends!([u64; 2]),
            8.. => ends!(u64),
            4.. => ends!(u32),
            2.. => ends!(u16),
            _ => *to = *from,
        }
    }
}

impl Heap {
    /// A binary of these bytes.
    pub fn binary(&mut self, bytes: &[u8]) -> Term {
        let len = bytes.len();
        if len == 0 {
            return self.binary_with(0, |_| {});
        }
        if len > HEAP_BIN_LIMIT {
            let data = BinData::new(len);
            // SAFETY: FRESH: the buffer is new and `len` long.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), BinData::bytes(data), len);
                (*data).used_bits.store(len * 8, Ordering::Release);
            }
            return self.counted_binary(data, 0, len);
        }
        let words = len.div_ceil(8);
        let p = self.alloc(2 + words);
        // SAFETY: FRESH
        unsafe {
            *p = Kind::HeapBin.header(1 + words);
            *p.add(1) = len as u64;
            // What the bytes do not fill of the last word is zero.
            *p.add(1 + words) = 0;
            copy_few(bytes.as_ptr(), p.add(2).cast(), len);
        }
        // SAFETY: LIVE: the object at that place is complete.
        unsafe { Term::from_boxed(p) }
    }

    /// A binary of `len` bytes that `fill` writes (it is handed zeroed bytes).
    pub fn binary_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Term {
        if len <= HEAP_BIN_LIMIT {
            let words = len.div_ceil(8);
            let p = self.alloc(2 + words);
            // SAFETY: FRESH
            unsafe {
                *p = Kind::HeapBin.header(1 + words);
                *p.add(1) = len as u64;
                std::ptr::write_bytes(p.add(2), 0, words);
                fill(std::slice::from_raw_parts_mut(p.add(2) as *mut u8, len));
            }
            // SAFETY: LIVE: the object at that place is complete.
            unsafe { Term::from_boxed(p) }
        } else {
            let data = BinData::new(len);
            // SAFETY: FRESH: the buffer is new and `len` long.
            unsafe {
                std::ptr::write_bytes(BinData::bytes(data), 0, len);
                fill(std::slice::from_raw_parts_mut(BinData::bytes(data), len));
                (*data).used_bits.store(len * 8, Ordering::Release);
            }
            self.counted_binary(data, 0, len)
        }
    }

    /// A term over `len` bytes of a counted buffer from byte `offset`, taking over one count.
    pub fn counted_binary(&mut self, data: *const BinData, offset: usize, len: usize) -> Term {
        let t = self.boxed(Kind::RefBin, &[data as u64, offset as u64, len as u64]);
        self.note_off_heap(t.pointer());
        t
    }

    /// The `size` bits from bit `from` of a bitstring, sharing its bytes when that is worth it.
    ///
    /// The part must lie within the bitstring.
    pub fn sub_bits(&mut self, of: Term, from: usize, size: usize) -> Term {
        let bits = of.as_bits().expect("a part is taken of a bitstring");
        debug_assert!(from + size <= bits.size);
        if from == 0 && size == bits.size {
            return of;
        }
        if size.is_multiple_of(8) && size / 8 <= HEAP_BIN_LIMIT {
            let part = bits.slice(from, size);
            return self.binary_with(size / 8, |out| out.copy_from_slice(&part.to_bytes()));
        }
        let (whole, start) = of.whole_and_offset().expect("a bitstring stands on a binary");
        self.boxed(Kind::SubBits, &[size as u64, (start + from) as u64, whole.0])
    }

    /// A bitstring of the first `size` bits of `bytes`.
    pub fn bitstring(&mut self, bytes: &[u8], size: usize) -> Term {
        let bytes = &bytes[..size.div_ceil(8)];
        if size.is_multiple_of(8) {
            return self.binary(bytes);
        }
        let whole = self.binary_with(bytes.len(), |out| {
            out.copy_from_slice(bytes);
            if let Some(last) = out.last_mut() {
                *last &= (0xFFu16 << (8 - size % 8)) as u8;
            }
        });
        self.boxed(Kind::SubBits, &[size as u64, 0, whole.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_parts_read_the_right_bits() {
        let mut h = Heap::new(0);
        let bytes: Vec<u8> = (0..200).collect();
        let whole = h.binary(&bytes);
        let part = h.sub_bits(whole, 4, 1200);
        assert_eq!(part.boxed_kind(), Some(Kind::SubBits));
        assert_eq!(part.as_bits().unwrap().byte(0), 0x00);
        assert_eq!(part.as_bits().unwrap().byte(1), 0x10);
        let inner = h.sub_bits(part, 4, 80);
        assert_eq!(inner.as_bytes().unwrap().as_ref(), &bytes[1..11]);
    }

    #[test]
    fn bitstrings_are_padded_with_zeros() {
        let mut h = Heap::new(0);
        let t = h.bitstring(&[0xFF, 0xFF], 11);
        assert_eq!(t.bit_size(), 11);
        assert!(!t.is_binary());
        assert_eq!(t.as_bits().unwrap().to_bytes().as_ref(), &[0xFF, 0xE0]);
    }
}
