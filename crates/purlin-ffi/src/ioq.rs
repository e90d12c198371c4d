//! I/O vectors and queues: bytes of several binaries, to be written as they are.

use crate::abi::Binary;
use crate::env::{Env, env};
use crate::word::Word;
use purlin_term::{BinData, Term};
use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering;

/// Bytes of a counted buffer, which they keep.
struct Part {
    buffer: *const BinData,
    start: *mut u8,
    size: usize,
}

impl Part {
    /// The bytes of a binary; those that lie in a heap are copied.
    fn of(t: Term) -> Option<Part> {
        if !t.is_binary() {
            return None;
        }
        let bits = t.as_bits()?;
        let (whole, _) = t.whole_and_offset()?;
        let shared = whole.counted_buffer().filter(|_| bits.offset == 0);
        Some(match shared {
            Some(buffer) => {
                // SAFETY: OFFHEAP: the term keeps the buffer meanwhile.
                unsafe { BinData::retain(buffer) };
                Part { buffer, start: bits.data.as_ptr().cast_mut(), size: bits.size / 8 }
            }
            None => Part::copied(&bits.to_bytes()),
        })
    }

    fn copied(bytes: &[u8]) -> Part {
        let buffer = BinData::new(bytes.len());
        let start = BinData::bytes(buffer);
        // SAFETY: the buffer is new, and so long.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
            (*buffer).used_bits().store(bytes.len() * 8, Ordering::Release);
        }
        Part { buffer, start, size: bytes.len() }
    }

    /// The same bytes once more.
    fn again(&self) -> Part {
        // SAFETY: OFFHEAP: this part keeps the buffer.
        unsafe { BinData::retain(self.buffer) };
        Part { ..*self }
    }

    fn without(mut self, skip: usize) -> Part {
        self.advance(skip);
        self
    }

    fn advance(&mut self, count: usize) {
        self.start = self.start.wrapping_add(count);
        self.size -= count;
    }

    fn vector(&self) -> libc::iovec {
        libc::iovec { iov_base: self.start.cast(), iov_len: self.size }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // SAFETY: OFFHEAP: the part has one count.
        unsafe { BinData::release(self.buffer) };
    }
}

/// `ErlNifIOVec`
#[repr(C)]
pub struct IoVec {
    count: c_int,
    size: usize,
    vectors: *mut libc::iovec,
    /// What the vector keeps.
    held: *mut Held,
    flags: c_int,
    small_vectors: [libc::iovec; 16],
    small_held: [*mut c_void; 16],
}

/// The vector itself was allocated here.
const ALLOCATED: c_int = 1;
/// An environment keeps all of it.
const OF_ENV: c_int = 2;

struct Held {
    parts: Vec<Part>,
    vectors: Vec<libc::iovec>,
}

/// A vector that goes with an environment.
struct OfEnv(*mut Held);

impl Drop for OfEnv {
    fn drop(&mut self) {
        // SAFETY: made by `enif_inspect_iovec`, and dropped once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// `ErlNifIOQueue`
#[derive(Default)]
pub struct Queue {
    parts: VecDeque<Part>,
    size: usize,
    /// What was shown last.
    vectors: Vec<libc::iovec>,
}

impl Queue {
    fn push(&mut self, part: Part) {
        self.size += part.size;
        if part.size > 0 {
            self.parts.push_back(part);
        }
    }

    /// Takes bytes off the front; false: there are not so many.
    fn take(&mut self, mut count: usize) -> bool {
        if count > self.size {
            return false;
        }
        self.size -= count;
        while count > 0 {
            let Some(front) = self.parts.front_mut() else { break };
            if front.size > count {
                front.advance(count);
                break;
            }
            count -= front.size;
            self.parts.pop_front();
        }
        true
    }
}

functions! {
    /// The bytes of the first binaries of a list, and the list of the others.
    fn enif_inspect_iovec(
        p: *mut Env,
        most: usize,
        list: Word,
        tail: *mut Word,
        to: *mut *mut IoVec,
    ) -> c_int {
        let mut rest = list.term();
        let mut parts = Vec::new();
        while parts.len() < most.min(c_int::MAX as usize)
            && let Some((head, next)) = rest.as_cons()
        {
            let Some(part) = Part::of(head) else { return 0 };
            parts.push(part);
            rest = next;
        }
        if !rest.is_list() {
            return 0;
        }
        *tail = Word::from(rest);
        let mut held = Box::new(Held { vectors: parts.iter().map(Part::vector).collect(), parts });
        let size = held.parts.iter().map(|part| part.size).sum();
        let (count, vectors) = (held.parts.len() as c_int, held.vectors.as_mut_ptr());
        let held = Box::into_raw(held);
        let mut flags = 0;
        if (*to).is_null() {
            *to = libc::calloc(1, size_of::<IoVec>()).cast();
            if (*to).is_null() {
                drop(Box::from_raw(held));
                return 0;
            }
            flags = ALLOCATED;
        }
        let vector = *to;
        (*vector).count = count;
        (*vector).size = size;
        (*vector).vectors = vectors;
        (*vector).flags = flags;
        (*vector).held = held;
        if !p.is_null() {
            (*vector).flags |= OF_ENV;
            let env = env(p);
            env.keep(OfEnv(held));
            if flags == ALLOCATED {
                env.keep(Freed((*to).cast()));
            }
        }
        1
    }

    /// Frees a vector that belongs to no environment.
    fn enif_free_iovec(vector: *mut IoVec) {
        let flags = (*vector).flags;
        if flags & OF_ENV != 0 {
            return;
        }
        drop(Box::from_raw((*vector).held));
        if flags & ALLOCATED != 0 {
            libc::free(vector.cast());
        }
    }

    /// A new queue; null for options that are none.
    fn enif_ioq_create(options: c_int) -> *mut Queue {
        if options == 1 { Box::into_raw(Box::default()) } else { null_mut() }
    }

    fn enif_ioq_destroy(queue: *mut Queue) { drop(Box::from_raw(queue)); }

    /// How many bytes are in the queue.
    fn enif_ioq_size(queue: *mut Queue) -> usize { (*queue).size }

    /// Puts a binary's bytes but the first ones at the end, and takes the binary over.
    fn enif_ioq_enq_binary(queue: *mut Queue, bin: *mut Binary, skip: usize) -> c_int {
        let (size, data) = ((*bin).size, (*bin).data);
        if skip > size {
            return 0;
        }
        let buffer = std::mem::replace(&mut (*bin).buffer, null_mut());
        let part = if buffer.is_null() {
            Part::copied(if size == 0 { &[] } else { std::slice::from_raw_parts(data, size) })
        } else {
            (*buffer).used_bits().store(size * 8, Ordering::Release);
            Part { buffer, start: data, size }
        };
        (*queue).push(part.without(skip));
        1
    }

    /// Puts a vector's bytes but the first ones at the end.
    fn enif_ioq_enqv(queue: *mut Queue, vector: *mut IoVec, skip: usize) -> c_int {
        let mut skip = skip;
        if skip > (*vector).size {
            return 0;
        }
        for part in &(*(*vector).held).parts {
            let skipped = skip.min(part.size);
            skip -= skipped;
            (*queue).push(part.again().without(skipped));
        }
        1
    }

    /// Takes bytes off the front; 0: there are not so many.
    fn enif_ioq_deq(queue: *mut Queue, count: usize, left: *mut usize) -> c_int {
        let taken = (*queue).take(count);
        if taken && !left.is_null() {
            *left = (*queue).size;
        }
        c_int::from(taken)
    }

    /// All bytes of the queue, until it is changed.
    fn enif_ioq_peek(queue: *mut Queue, count: *mut c_int) -> *const libc::iovec {
        let queue = &mut *queue;
        queue.vectors = queue.parts.iter().map(Part::vector).collect();
        *count = queue.vectors.len() as c_int;
        if queue.vectors.is_empty() { null() } else { queue.vectors.as_ptr() }
    }

    /// The first bytes of the queue as a binary; 0: there are none.
    fn enif_ioq_peek_head(p: *mut Env, queue: *mut Queue, size: *mut usize, head: *mut Word) -> c_int {
        let Some(part) = (*queue).parts.front() else { return 0 };
        if !size.is_null() {
            *size = part.size;
        }
        let part = std::mem::ManuallyDrop::new(part.again());
        let offset = (part.start as usize).wrapping_sub(BinData::bytes(part.buffer) as usize);
        *head = Word::from(env(p).heap().counted_binary(part.buffer, offset, part.size));
        1
    }
}

/// Memory of C that goes with an environment.
struct Freed(*mut c_void);

impl Drop for Freed {
    fn drop(&mut self) {
        // SAFETY: allocated by `enif_inspect_iovec`, and freed once.
        unsafe { libc::free(self.0) };
    }
}
