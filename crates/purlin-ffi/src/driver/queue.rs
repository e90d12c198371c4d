//! A port's queue: pieces of binaries that wait for going out, in the vectors that system calls take.

use super::binary::{Binary, release, retain};
use super::port::{Handle, find};
use crate::both::exported;
use libc::iovec;
use std::ffi::c_int;
use std::ptr::null_mut;

/// `ErlIOVec`: pieces of memory, and the binaries that they are of, which may be null.
#[repr(C)]
pub struct IoVec {
    pub count: c_int,
    pub size: usize,
    pub pieces: *mut iovec,
    pub binaries: *mut *mut Binary,
}

exported! {
    /// Puts bytes at the end.
    driver_enq: fn(port: Handle, bytes: *const u8, len: usize) -> c_int = enq;
    /// Puts bytes at the front.
    driver_pushq: fn(port: Handle, bytes: *const u8, len: usize) -> c_int = pushq;
    /// Puts a part of a binary at the end.
    driver_enq_bin: fn(port: Handle, binary: *mut Binary, offset: usize, len: usize) -> c_int = enq_bin;
    /// Puts a part of a binary at the front.
    driver_pushq_bin: fn(port: Handle, binary: *mut Binary, offset: usize, len: usize) -> c_int = pushq_bin;
    /// Puts pieces at the end, but for so many bytes of them.
    driver_enqv: fn(port: Handle, vec: *const IoVec, skip: usize) -> c_int = enqv;
    /// Puts pieces at the front, but for so many bytes of them.
    driver_pushqv: fn(port: Handle, vec: *const IoVec, skip: usize) -> c_int = pushqv;
    /// Takes bytes from the front: how many are left, or -1 when there were fewer.
    driver_deq: fn(port: Handle, size: usize) -> usize = deq;
    /// The number of bytes.
    driver_sizeq: fn(port: Handle) -> usize = sizeq;
    /// The pieces, until the queue changes.
    driver_peekq: fn(port: Handle, count: *mut c_int) -> *mut iovec = peekq;
    /// The pieces with their binaries, until the queue changes.
    driver_peekqv: fn(port: Handle, vec: *mut IoVec) -> usize = peekqv;
    /// Copies bytes out of pieces: how many.
    driver_vec_to_buf: fn(vec: *const IoVec, buffer: *mut u8, len: usize) -> usize = vec_to_buf;
}

/// What is queued. The vectors have equal lengths, and a reference to each binary is the queue's.
#[derive(Default)]
pub struct Queue {
    pieces: Vec<iovec>,
    binaries: Vec<*mut Binary>,
    size: usize,
}

// SAFETY: the binaries are counted atomically, and the pieces point into them.
unsafe impl Send for Queue {}

impl Queue {
    pub fn len(&self) -> usize {
        self.size
    }

    /// Adds pieces at a place; each binary gets a reference, and memory without one is copied.
    ///
    /// # Safety
    /// C: the pieces are there, and lie in their binaries.
    unsafe fn insert(&mut self, at: usize, vec: &IoVec, mut skip: usize) {
        let (mut pieces, mut binaries) = (Vec::new(), Vec::new());
        for i in 0..usize::try_from(vec.count).unwrap_or(0) {
            // SAFETY: as promised.
            unsafe {
                let (piece, binary) = (*vec.pieces.add(i), *vec.binaries.add(i));
                let skipped = skip.min(piece.iov_len);
                skip -= skipped;
                let len = piece.iov_len - skipped;
                if len == 0 {
                    continue;
                }
                let start = piece.iov_base.cast::<u8>().add(skipped);
                let (start, binary) = if binary.is_null() {
                    let copy = Binary::of(std::slice::from_raw_parts(start, len));
                    (Binary::bytes(copy), copy)
                } else {
                    retain(binary);
                    (start, binary)
                };
                self.size += len;
                pieces.push(iovec { iov_base: start.cast(), iov_len: len });
                binaries.push(binary);
            }
        }
        self.pieces.splice(at..at, pieces);
        self.binaries.splice(at..at, binaries);
    }

    /// Takes bytes from the front; false: there are not so many.
    fn take(&mut self, mut size: usize) -> bool {
        if size > self.size {
            return false;
        }
        self.size -= size;
        let mut gone = 0;
        while size > 0 {
            let piece = &mut self.pieces[gone];
            let part = size.min(piece.iov_len);
            piece.iov_base = piece.iov_base.wrapping_byte_add(part);
            piece.iov_len -= part;
            size -= part;
            gone += usize::from(piece.iov_len == 0);
        }
        self.pieces.drain(..gone);
        for binary in self.binaries.drain(..gone) {
            // SAFETY: the queue had a reference to it.
            unsafe { release(binary) };
        }
        true
    }

    pub fn clear(&mut self) {
        self.take(self.size);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Puts pieces into a port's queue, at its end or at its front.
unsafe fn put(port: Handle, vec: *const IoVec, skip: usize, at_end: bool) -> c_int {
    let Some(port) = find(port) else { return -1 };
    let queue = &mut port.state().queue;
    let at = if at_end { queue.pieces.len() } else { 0 };
    // SAFETY: C, the vector is there.
    unsafe { queue.insert(at, &*vec, skip) };
    0
}

/// As [`put`], of a part of a binary.
unsafe fn put_binary(port: Handle, mut binary: *mut Binary, offset: usize, len: usize, at_end: bool) -> c_int {
    // SAFETY: C, the binary is there and has that part.
    unsafe {
        let mut piece = iovec { iov_base: Binary::bytes(binary).add(offset).cast(), iov_len: len };
        put(port, &IoVec { count: 1, size: len, pieces: &mut piece, binaries: &mut binary }, 0, at_end)
    }
}

/// As [`put`], of bytes.
unsafe fn put_bytes(port: Handle, bytes: *const u8, len: usize, at_end: bool) -> c_int {
    let mut piece = iovec { iov_base: bytes.cast_mut().cast(), iov_len: len };
    // SAFETY: C, the bytes are there; they are copied.
    unsafe { put(port, &IoVec { count: 1, size: len, pieces: &mut piece, binaries: &mut null_mut() }, 0, at_end) }
}

unsafe fn enq(port: Handle, bytes: *const u8, len: usize) -> c_int {
    // SAFETY: C
    unsafe { put_bytes(port, bytes, len, true) }
}

unsafe fn pushq(port: Handle, bytes: *const u8, len: usize) -> c_int {
    // SAFETY: C
    unsafe { put_bytes(port, bytes, len, false) }
}

unsafe fn enq_bin(port: Handle, binary: *mut Binary, offset: usize, len: usize) -> c_int {
    // SAFETY: C
    unsafe { put_binary(port, binary, offset, len, true) }
}

unsafe fn pushq_bin(port: Handle, binary: *mut Binary, offset: usize, len: usize) -> c_int {
    // SAFETY: C
    unsafe { put_binary(port, binary, offset, len, false) }
}

unsafe fn enqv(port: Handle, vec: *const IoVec, skip: usize) -> c_int {
    // SAFETY: C
    unsafe { put(port, vec, skip, true) }
}

unsafe fn pushqv(port: Handle, vec: *const IoVec, skip: usize) -> c_int {
    // SAFETY: C
    unsafe { put(port, vec, skip, false) }
}

/// What stands for an error where sizes are told.
const NO_SIZE: usize = usize::MAX;

unsafe fn deq(port: Handle, size: usize) -> usize {
    let Some(port) = find(port) else { return NO_SIZE };
    let queue = &mut port.state().queue;
    if queue.take(size) { queue.len() } else { NO_SIZE }
}

unsafe fn sizeq(port: Handle) -> usize {
    find(port).map_or(NO_SIZE, |port| port.state().queue.len())
}

unsafe fn peekq(port: Handle, count: *mut c_int) -> *mut iovec {
    let Some(port) = find(port) else {
        // SAFETY: C, there is a place for the count.
        unsafe { count.write(-1) };
        return null_mut();
    };
    let queue = &mut port.state().queue;
    // SAFETY: as above.
    unsafe { count.write(queue.pieces.len() as c_int) };
    if queue.pieces.is_empty() { null_mut() } else { queue.pieces.as_mut_ptr() }
}

unsafe fn peekqv(port: Handle, vec: *mut IoVec) -> usize {
    let Some(port) = find(port) else { return NO_SIZE };
    let queue = &mut port.state().queue;
    let (pieces, binaries) = (queue.pieces.as_mut_ptr(), queue.binaries.as_mut_ptr());
    // SAFETY: C, there is a place for the vector.
    unsafe { vec.write(IoVec { count: queue.pieces.len() as c_int, size: queue.size, pieces, binaries }) };
    queue.size
}

unsafe fn vec_to_buf(vec: *const IoVec, buffer: *mut u8, len: usize) -> usize {
    let mut copied = 0;
    // SAFETY: C, the pieces are there, and the buffer has room for `len` bytes.
    unsafe {
        for i in 0..usize::try_from((*vec).count).unwrap_or(0) {
            let piece = *(*vec).pieces.add(i);
            let part = piece.iov_len.min(len - copied);
            if part > 0 {
                std::ptr::copy_nonoverlapping(piece.iov_base.cast(), buffer.add(copied), part);
            }
            copied += part;
        }
    }
    copied
}

#[cfg(test)]
mod tests;
