//! Memory of a library's own: the C library's, so that a library may free with one interface what it got by the other.

use crate::both::exported;
use libc::{free, malloc, realloc};
use std::ffi::c_void;

exported! {
    /// So many bytes, or null when there are none.
    enif_alloc, driver_alloc: fn(size: usize) -> *mut c_void = alloc;
    /// Another size for memory, which may move.
    enif_realloc, driver_realloc: fn(at: *mut c_void, size: usize) -> *mut c_void = resize;
    /// Gives memory back.
    enif_free, driver_free: fn(at: *mut c_void) = free;
}

/// A library may ask for nothing, and takes null for a lack of memory.
unsafe fn alloc(size: usize) -> *mut c_void {
    // SAFETY: asking for memory has no conditions.
    unsafe { malloc(size.max(1)) }
}

/// `realloc` to no bytes frees, while the library goes on to own what it gets.
unsafe fn resize(at: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: C, `at` is null or came from `alloc`.
    unsafe { realloc(at, size.max(1)) }
}
