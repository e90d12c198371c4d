//! Binaries of drivers: counted, in the C library's memory, as what `ErlDrvBinary` shows of them. What goes to processes
//! is a copy.

use crate::both::exported;
use std::ffi::{c_char, c_long};
use std::mem::offset_of;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, Ordering};

/// What a driver sees: the size, and bytes behind it.
#[repr(C)]
pub struct Binary {
    pub size: isize,
    bytes: [c_char; 1],
}

/// What stands in front of that.
#[repr(C)]
struct Counted {
    references: AtomicIsize,
    binary: Binary,
}

exported! {
    /// A binary of so many bytes; null when there is no memory.
    driver_alloc_binary: fn(size: usize) -> *mut Binary = alloc;
    /// The binary with another size, which may move; null when there is no memory.
    driver_realloc_binary: fn(binary: *mut Binary, size: usize) -> *mut Binary = resize;
    /// Gives back a reference.
    driver_free_binary: fn(binary: *mut Binary) = release;
    /// The number of references.
    driver_binary_get_refc: fn(binary: *mut Binary) -> c_long = references;
    /// One more reference.
    driver_binary_inc_refc: fn(binary: *mut Binary) -> c_long = retain;
    /// One reference less, which is not the last one.
    driver_binary_dec_refc: fn(binary: *mut Binary) -> c_long = lessen;
}

impl Binary {
    /// A binary with these bytes.
    pub fn of(bytes: &[u8]) -> *mut Binary {
        // SAFETY: the new binary has as many bytes.
        unsafe {
            let binary = alloc(bytes.len());
            if !binary.is_null() {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), Binary::bytes(binary), bytes.len());
            }
            binary
        }
    }

    /// Where the bytes begin.
    ///
    /// # Safety
    /// C: the binary is there.
    pub unsafe fn bytes(binary: *mut Binary) -> *mut u8 {
        // SAFETY: as promised.
        unsafe { (&raw mut (*binary).bytes).cast() }
    }
}

/// # Safety
/// C: the binary is there.
unsafe fn counted(binary: *mut Binary) -> *mut Counted {
    binary.wrapping_byte_sub(offset_of!(Counted, binary)).cast()
}

/// The bytes that a binary of this size takes; a driver may count on the end of the structure.
fn room(size: usize) -> usize {
    (offset_of!(Counted, binary) + offset_of!(Binary, bytes)).saturating_add(size).max(size_of::<Counted>())
}

/// # Safety
/// None.
pub unsafe fn alloc(size: usize) -> *mut Binary {
    // SAFETY: the room is as large as the head, which is written, and the bytes are the driver's to write.
    unsafe {
        let new: *mut Counted = libc::malloc(room(size)).cast();
        if new.is_null() {
            return null_mut();
        }
        (&raw mut (*new).references).write(AtomicIsize::new(1));
        let binary = &raw mut (*new).binary;
        (*binary).size = size as isize;
        binary
    }
}

unsafe fn resize(binary: *mut Binary, size: usize) -> *mut Binary {
    // SAFETY: C, the binary is null or there, and nobody else has it.
    unsafe {
        if binary.is_null() {
            return alloc(size);
        }
        let new: *mut Counted = libc::realloc(counted(binary).cast(), room(size)).cast();
        if new.is_null() {
            return null_mut();
        }
        let binary = &raw mut (*new).binary;
        (*binary).size = size as isize;
        binary
    }
}

/// # Safety
/// C: the binary is null, or there and has a reference to give back.
pub unsafe fn release(binary: *mut Binary) {
    // SAFETY: as promised; the last reference frees what `malloc` gave.
    unsafe {
        if !binary.is_null() && (*counted(binary)).references.fetch_sub(1, Ordering::AcqRel) == 1 {
            libc::free(counted(binary).cast());
        }
    }
}

unsafe fn references(binary: *mut Binary) -> c_long {
    // SAFETY: C, the binary is there.
    unsafe { (*counted(binary)).references.load(Ordering::Acquire) as c_long }
}

/// # Safety
/// C: the binary is there.
pub unsafe fn retain(binary: *mut Binary) -> c_long {
    // SAFETY: as promised.
    unsafe { (*counted(binary)).references.fetch_add(1, Ordering::AcqRel) as c_long + 1 }
}

unsafe fn lessen(binary: *mut Binary) -> c_long {
    // SAFETY: C, the binary is there.
    unsafe { (*counted(binary)).references.fetch_sub(1, Ordering::AcqRel) as c_long - 1 }
}
