//! The functions with any number of arguments, which are C, and what they call.

use crate::word::Word;
use std::ffi::c_void;

unsafe extern "C" {
    fn enif_make_tuple();
    fn enif_make_list();
    fn enif_fprintf();
    fn enif_snprintf();
    fn enif_vfprintf();
    fn enif_vsnprintf();
}

/// What the linker has to keep.
pub const EXPORTED: &[*const c_void] = &[
    enif_make_tuple as *const c_void,
    enif_make_list as *const c_void,
    enif_fprintf as *const c_void,
    enif_snprintf as *const c_void,
    enif_vfprintf as *const c_void,
    enif_vsnprintf as *const c_void,
];

/// A term as text, for `%T`: as many of its bytes as there is room for. Gives how many it has.
///
/// # Safety
/// C
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn purlin_term_text(t: Word, to: *mut u8, room: usize) -> usize {
    // SAFETY: C: a term, and room for so many bytes.
    unsafe {
        let text = purlin_term::print::display(t.term()).to_string();
        std::ptr::copy_nonoverlapping(text.as_ptr(), to, text.len().min(room));
        text.len()
    }
}
