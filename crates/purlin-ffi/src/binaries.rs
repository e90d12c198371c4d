//! Binaries: reading those of terms, making new ones, the external format.

use crate::abi::Binary;
use crate::env::{Env, env};
use crate::word::Word;
use purlin_term::binary::HEAP_BIN_LIMIT;
use purlin_term::external::{self, EncodeOptions};
use purlin_term::iolist::to_bytes;
use purlin_term::{BinData, Heap, Term};
use std::ffi::{c_int, c_uint};
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

/// `ERL_NIF_BIN2TERM_SAFE`
const SAFE: c_uint = 0x2000_0000;

/// Where the bytes of an empty binary are.
const NOWHERE: *mut u8 = std::ptr::NonNull::dangling().as_ptr();

/// Gives out bytes that somebody else owns.
unsafe fn show(to: *mut Binary, data: *mut u8, size: usize) -> c_int {
    // SAFETY: C: the caller has a place for it.
    unsafe { set(to, data, size, null_mut()) };
    1
}

/// Writes what every version of the structure has: it had no room behind that once.
unsafe fn set(to: *mut Binary, data: *mut u8, size: usize, buffer: *mut BinData) {
    // SAFETY: C: the caller has a place for it.
    unsafe { ((*to).size, (*to).data, (*to).buffer) = (size, data, buffer) };
}

/// Where the bytes of a binary are, and how many; those of one that does not begin at a byte are copied.
fn bytes_of(env: &mut Env, t: Term) -> Option<(*mut u8, usize)> {
    if !t.is_binary() {
        return None;
    }
    let bits = t.as_bits()?;
    let size = bits.size / 8;
    if size == 0 {
        return Some((NOWHERE, 0));
    }
    if bits.offset == 0 {
        return Some((bits.data.as_ptr().cast_mut(), size));
    }
    Some((env.keep_bytes(bits.to_bytes().into_owned()), size))
}

/// A new binary term, and where its bytes are to be written.
pub fn new_binary(heap: &mut Heap, size: usize) -> (Term, *mut u8) {
    if size <= HEAP_BIN_LIMIT {
        let mut start = NOWHERE;
        let t = heap.binary_with(size, |bytes| start = bytes.as_mut_ptr());
        return (t, start);
    }
    let data = BinData::new(size);
    // SAFETY: the buffer is new.
    unsafe { (*data).used_bits().store(size * 8, Ordering::Release) };
    (heap.counted_binary(data, 0, size), BinData::bytes(data))
}

functions! {
    fn enif_is_binary(_p: *mut Env, t: Word) -> c_int { c_int::from(t.term().is_binary()) }

    /// The bytes of a binary term, to be read.
    fn enif_inspect_binary(p: *mut Env, t: Word, to: *mut Binary) -> c_int {
        match bytes_of(env(p), t.term()) {
            Some((data, size)) => show(to, data, size),
            None => 0,
        }
    }

    /// The bytes of an I/O list, to be read.
    fn enif_inspect_iolist_as_binary(p: *mut Env, t: Word, to: *mut Binary) -> c_int {
        let (env, t) = (env(p), t.term());
        if let Some((data, size)) = bytes_of(env, t) {
            return show(to, data, size);
        }
        if !t.is_list() {
            return 0;
        }
        let Some(bytes) = to_bytes(t) else { return 0 };
        let size = bytes.len();
        let data = if size == 0 { NOWHERE } else { env.keep_bytes(bytes) };
        show(to, data, size)
    }

    /// A new buffer; 0: there is no memory.
    fn enif_alloc_binary(size: usize, to: *mut Binary) -> c_int {
        let Some(buffer) = BinData::try_new(size) else { return 0 };
        set(to, BinData::bytes(buffer), size, buffer);
        1
    }

    /// Changes the size of a buffer; one that was only to be read is copied.
    fn enif_realloc_binary(at: *mut Binary, size: usize) -> c_int {
        let now = &mut *at;
        if now.buffer.is_null() || (*now.buffer).count() > 1 {
            let Some(buffer) = BinData::try_new(size) else { return 0 };
            std::ptr::copy_nonoverlapping(now.data, BinData::bytes(buffer), size.min(now.size));
            if !now.buffer.is_null() {
                BinData::release(now.buffer);
            }
            (now.buffer, now.data) = (buffer, BinData::bytes(buffer));
        } else {
            let Some(buffer) = BinData::try_resize(now.buffer, size) else { return 0 };
            (now.buffer, now.data) = (buffer, BinData::bytes(buffer));
        }
        now.size = size;
        1
    }

    /// Gives back a buffer that became no term.
    fn enif_release_binary(at: *mut Binary) {
        let buffer = std::mem::replace(&mut (*at).buffer, null_mut());
        if !buffer.is_null() {
            BinData::release(buffer);
        }
    }

    /// A term of a buffer, which is the term's from now on, or of a copy of bytes to be read.
    fn enif_make_binary(p: *mut Env, at: *mut Binary) -> Word {
        let size = (*at).size;
        let buffer = std::mem::replace(&mut (*at).buffer, null_mut());
        let heap = env(p).heap();
        if buffer.is_null() {
            let bytes = if size == 0 { &[] } else { std::slice::from_raw_parts((*at).data, size) };
            return Word::from(heap.binary(bytes));
        }
        (*buffer).used_bits().store(size * 8, Ordering::Release);
        Word::from(heap.counted_binary(buffer, 0, size))
    }

    /// A new term, and where its bytes are to be written.
    fn enif_make_new_binary(p: *mut Env, size: usize, to: *mut Word) -> *mut u8 {
        let (t, start) = new_binary(env(p).heap(), size);
        *to = Word::from(t);
        start
    }

    /// A part of a binary.
    fn enif_make_sub_binary(p: *mut Env, t: Word, from: usize, size: usize) -> Word {
        let (env, t) = (env(p), t.term());
        let inside = t.is_binary() && from.checked_add(size).is_some_and(|end| end <= t.bit_size() / 8);
        if inside { Word::from(env.heap().sub_bits(t, from * 8, size * 8)) } else { env.badarg() }
    }

    /// The external format of a term, as `term_to_binary/1`.
    fn enif_term_to_binary(_p: *mut Env, t: Word, to: *mut Binary) -> c_int {
        let Ok(bytes) = external::encode(t.term(), &EncodeOptions::default()) else { return 0 };
        if enif_alloc_binary(bytes.len(), to) == 0 {
            return 0;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), (*to).data, bytes.len());
        1
    }

    /// The term of a binary in external format; how many bytes it took, 0: they are no term.
    fn enif_binary_to_term(p: *mut Env, data: *const u8, size: usize, to: *mut Word, options: c_uint) -> usize {
        let env = env(p);
        let Some(engine) = env.engine().filter(|_| options & !SAFE == 0) else { return 0 };
        let bytes = if size == 0 { &[] } else { std::slice::from_raw_parts(data, size) };
        let mut decoding = engine.code.decoding(options & SAFE != 0);
        match external::decode(bytes, env.heap(), &mut decoding) {
            Ok((t, used)) => {
                *to = Word::from(t);
                used
            }
            Err(_) => 0,
        }
    }
}
