//! Reading, writing and copying runs of bits at any alignment, most significant bit first.

/// The `n` (at most 64) bits from bit `at`, as an integer.
///
/// # Safety
/// The bytes that hold these bits are readable; `limit` further bytes from `base` are too (for wide loads).
#[inline]
unsafe fn read(base: *const u8, limit: usize, at: usize, n: usize) -> u64 {
    debug_assert!(n <= 64);
    if n == 0 {
        return 0;
    }
    let (first, shift) = (at / 8, at % 8);
    // SAFETY: by the caller's promise; the wide load stays below `limit`, the narrow ones within the bits' bytes.
    unsafe {
        let p = base.add(first);
        let mut w = if first + 8 <= limit {
            u64::from_be(p.cast::<u64>().read_unaligned())
        } else {
            let bytes = (shift + n).div_ceil(8).min(8);
            (0..bytes).fold(0, |w, i| w | (*p.add(i) as u64) << (56 - 8 * i))
        };
        w <<= shift;
        if shift + n > 64 {
            w |= (*p.add(8) >> (8 - shift)) as u64;
        }
        w >> (64 - n)
    }
}

/// As [`read`] where nothing behind the bits may be touched.
///
/// # Safety
/// The bytes that hold these bits are readable.
#[inline]
pub(super) unsafe fn read_exact(base: *const u8, at: usize, n: usize) -> u64 {
    // SAFETY: the limit is where the bits end.
    unsafe { read(base, (at + n).div_ceil(8), at, n) }
}

/// The `n` (at most 64) bits of `data` from bit `at`; `None` when it does not hold so many.
pub fn read_bits(data: &[u8], at: usize, n: usize) -> Option<u64> {
    if n > 64 || at.checked_add(n)? > data.len() * 8 {
        return None;
    }
    // SAFETY: checked to lie in `data`.
    Some(unsafe { read(data.as_ptr(), data.len(), at, n) })
}

/// Writes the low `n` (at most 64) bits of `value` at bit `at`. What follows in the last byte becomes zero; bytes
/// that hold none of the bits are left alone, and no byte is read but a first one that is shared.
///
/// # Safety
/// The bytes that hold these bits are writable, and no term covers a bit at or behind `at`.
#[inline]
pub(super) unsafe fn write_bits(base: *mut u8, at: usize, value: u64, n: usize) {
    debug_assert!(n <= 64);
    if n == 0 {
        return;
    }
    let shift = at % 8;
    let mut v = value << (64 - n);
    let mut n = n;
    // SAFETY: by the caller's promise. Terms that end in a shared first byte see their own bits unchanged.
    unsafe {
        let mut p = base.add(at / 8);
        if shift != 0 {
            *p = (*p & !(0xFF >> shift)) | (v >> (56 + shift)) as u8;
            let room = 8 - shift;
            if n <= room {
                return;
            }
            v <<= room;
            n -= room;
            p = p.add(1);
        }
        if n == 64 {
            p.cast::<u64>().write_unaligned(v.to_be());
            return;
        }
        while n > 0 {
            *p = (v >> 56) as u8;
            v <<= 8;
            n = n.saturating_sub(8);
            p = p.add(1);
        }
    }
}

/// Copies `n` bits from bit `from` of `src` to bit `at` of `dst`; the last byte's rest becomes zero.
///
/// # Safety
/// The source's bytes are readable; for the destination as [`write_bits`].
pub(super) unsafe fn copy_bits(src: *const u8, from: usize, dst: *mut u8, at: usize, n: usize) {
    let end = (from + n).div_ceil(8);
    let (mut from, mut at, mut n) = (from, at, n);
    // SAFETY: by the caller's promise, `end` is where the source's bytes end, and all steps stay within the runs.
    unsafe {
        let lead = (8 - at % 8) % 8;
        if lead > 0 && n > 0 {
            let k = lead.min(n);
            write_bits(dst, at, read(src, end, from, k), k);
            (from, at, n) = (from + k, at + k, n - k);
        }
        if from % 8 == 0 {
            std::ptr::copy(src.add(from / 8), dst.add(at / 8), n / 8);
            let done = n / 8 * 8;
            (from, at, n) = (from + done, at + done, n - done);
        }
        while n >= 64 {
            write_bits(dst, at, read(src, end, from, 64), 64);
            (from, at, n) = (from + 64, at + 64, n - 64);
        }
        write_bits(dst, at, read(src, end, from, n), n);
    }
}
