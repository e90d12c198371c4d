//! The allocator for programs that run an engine: processes are small blocks that one thread allocates and another
//! frees, and mimalloc takes a third to a half off the time of message exchanges.
//!
//! Its entry for aligned memory has no short way for most sizes, so what a plain block is aligned for goes by the
//! plain entry. The rule that must stay true: a block is freed and resized by what does not ask for its alignment,
//! which mimalloc allows for all its blocks.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};

/// mimalloc, for `#[global_allocator]`.
pub struct Allocator;

/// What every block of a word or more is aligned for.
const PLAIN: usize = 8;

// SAFETY: mimalloc's functions keep the contract of `GlobalAlloc`: blocks are as large as asked for, aligned for any
// word (or as asked for), and any of them may be freed or resized by any thread.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's promise the size is not zero.
        unsafe {
            match layout.align() <= PLAIN {
                true => mi::mi_malloc(layout.size()).cast(),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        unsafe {
            match layout.align() <= PLAIN {
                true => mi::mi_zalloc(layout.size()).cast(),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _: Layout) {
        // SAFETY: by the caller's promise `p` came from here.
        unsafe { mi::mi_free(p.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`; the size is not zero.
        unsafe {
            match layout.align() <= PLAIN {
                true => mi::mi_realloc(p.cast(), size).cast(),
                false => mi::mi_realloc_aligned(p.cast(), size, layout.align()).cast(),
            }
        }
    }
}

/// Gives what the calling thread keeps and nobody uses back to the system.
pub fn give_back() {
    // SAFETY: it works on the thread's own heap, and on pages that are free.
    unsafe { mi::mi_collect(true) };
}

/// Bytes that mimalloc has taken from the system; 0 where it is not the program's allocator.
pub fn committed() -> usize {
    let mut bytes = 0;
    let none = std::ptr::null_mut;
    // SAFETY: each argument is null or a place for a number.
    unsafe { mi::mi_process_info(none(), none(), none(), none(), none(), &mut bytes, none(), none()) };
    bytes
}

/// The version of the C library, if that is glibc.
pub fn library_version() -> Vec<usize> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: the text is a constant of the library.
        let text = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        text.to_string_lossy().split('.').map_while(|n| n.parse().ok()).collect()
    }
    #[cfg(not(target_env = "gnu"))]
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_keep_their_bytes_when_resized() {
        for (size, align) in [(1, 1), (24, 8), (112, 8), (24, 16), (100, 64), (8, 4096)] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the sizes are not zero, and each block is resized and freed once with its own layout.
            unsafe {
                let p = Allocator.alloc(layout);
                assert_eq!(p as usize % align, 0, "{layout:?}");
                p.write_bytes(7, size);
                let p = Allocator.realloc(p, layout, size * 3);
                assert_eq!(p as usize % align, 0, "{layout:?}");
                assert!(std::slice::from_raw_parts(p, size).iter().all(|b| *b == 7));
                Allocator.dealloc(p, Layout::from_size_align(size * 3, align).unwrap());
                let p = Allocator.alloc_zeroed(layout);
                assert_eq!((p as usize % align, *p), (0, 0));
                Allocator.dealloc(p, layout);
            }
        }
    }
}
