//! Memory, threads, locks, condition variables and thread-specific data for both interfaces.

use std::ffi::c_void;

/// What the linker has to keep.
pub const EXPORTED: &[*const c_void] = &[enif_alloc as *const c_void];

/// Memory of the library's own; null when there is none.
///
/// # Safety
/// C
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn enif_alloc(size: usize) -> *mut c_void {
    // SAFETY: asking for memory has no conditions.
    unsafe { libc::malloc(size) }
}
