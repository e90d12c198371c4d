//! A library's threads, and data of its own that each thread keeps by key.

use crate::both::exported;
use crate::locks::{copied, fatal};
use parking_lot::RwLock;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// A thread as a library knows it.
pub struct Thread {
    id: libc::pthread_t,
    /// What a thread of the library runs; others have nothing.
    body: Option<(extern "C-unwind" fn(*mut c_void) -> *mut c_void, *mut c_void)>,
    name: CString,
}

/// How to make a thread: `ErlDrvThreadOpts`.
#[repr(C)]
pub struct Options {
    /// In thousands of words; negative: as the system has it.
    stack_size: c_int,
}

exported! {
    /// Options with their defaults.
    enif_thread_opts_create, erl_drv_thread_opts_create: fn(name: *const c_char) -> *mut Options = options_create;
    /// Ends options.
    enif_thread_opts_destroy, erl_drv_thread_opts_destroy: fn(options: *mut Options) = options_destroy;
    /// Starts a thread: 0, or an error number.
    enif_thread_create, erl_drv_thread_create: fn(
        name: *const c_char, thread: *mut *mut Thread, body: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        data: *mut c_void, options: *const Options
    ) -> c_int = create;
    /// The thread that calls.
    enif_thread_self, erl_drv_thread_self: fn() -> *mut Thread = this;
    /// Whether two are the same thread.
    enif_equal_tids, erl_drv_equal_tids: fn(a: *mut Thread, b: *mut Thread) -> c_int = equal;
    /// Ends the calling thread, which is one of the library's.
    enif_thread_exit, erl_drv_thread_exit: fn(result: *mut c_void) = exit;
    /// Waits for the end of a thread: 0, or an error number.
    enif_thread_join, erl_drv_thread_join: fn(thread: *mut Thread, result: *mut *mut c_void) -> c_int = join;
    /// The name; null for no thread.
    enif_thread_name, erl_drv_thread_name: fn(thread: *mut Thread) -> *const c_char = name_of;
    /// A key for data that each thread has its own of: 0, or an error number.
    enif_tsd_key_create, erl_drv_tsd_key_create: fn(name: *const c_char, key: *mut c_int) -> c_int = key_create;
    /// Ends a key.
    enif_tsd_key_destroy, erl_drv_tsd_key_destroy: fn(key: c_int) = key_destroy;
    /// Sets the calling thread's data.
    enif_tsd_set, erl_drv_tsd_set: fn(key: c_int, data: *mut c_void) = set;
    /// The calling thread's data, null at first.
    enif_tsd_get, erl_drv_tsd_get: fn(key: c_int) -> *mut c_void = get;
}

// Both may unwind: a thread of the library that ends itself does.
unsafe extern "C-unwind" {
    fn pthread_create(
        id: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        body: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        data: *mut c_void,
    ) -> c_int;
    fn pthread_exit(result: *mut c_void) -> !;
}

thread_local! {
    /// The thread's own, when it is one of a library.
    static OF_LIBRARY: Cell<*mut Thread> = const { Cell::new(null_mut()) };
    /// What other threads are to a library, once it asks.
    static OTHER: OnceCell<Box<Thread>> = const { OnceCell::new() };
    /// Data by key.
    static DATA: RefCell<Vec<*mut c_void>> = const { RefCell::new(Vec::new()) };
}

/// The names of keys that there are.
static KEYS: RwLock<Vec<Option<CString>>> = RwLock::new(Vec::new());

unsafe fn options_create(_name: *const c_char) -> *mut Options {
    Box::into_raw(Box::new(Options { stack_size: -1 }))
}

unsafe fn options_destroy(options: *mut Options) {
    if options.is_null() {
        fatal(libc::EINVAL, "erl_drv_thread_opts_destroy");
    }
    // SAFETY: C, they came from `options_create` and are not used any more.
    drop(unsafe { Box::from_raw(options) });
}

/// Where a library's thread begins. It has nothing to drop: the thread may end itself further up.
extern "C-unwind" fn begin(thread: *mut c_void) -> *mut c_void {
    let thread = thread.cast::<Thread>();
    OF_LIBRARY.set(thread);
    // SAFETY: whoever joins the thread frees it after its end; `body` is set before it starts.
    match unsafe { (*thread).body } {
        Some((body, data)) => body(data),
        None => null_mut(),
    }
}

unsafe fn create(
    name: *const c_char,
    to: *mut *mut Thread,
    body: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
    data: *mut c_void,
    options: *const Options,
) -> c_int {
    // SAFETY: C, the name is null or a string, the options null or there.
    let (named, options) = unsafe { (copied(name), options.as_ref()) };
    let thread = Box::into_raw(Box::new(Thread { id: 0, body: Some((body, data)), name: named }));
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: the attributes are made before they are used and ended once; the thread is there until it is joined, and
    // `to` is a place for it.
    unsafe {
        libc::pthread_attr_init(attributes.as_mut_ptr());
        if let Some(words) = options.and_then(|o| usize::try_from(o.stack_size).ok()) {
            // A size that the system does not take leaves its own.
            libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), stack_bytes(words));
        }
        let result = pthread_create(&raw mut (*thread).id, attributes.as_ptr(), begin, thread.cast());
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if result != 0 {
            drop(Box::from_raw(thread));
            return result;
        }
        if !name.is_null() {
            // The system knows 15 characters of it.
            let bytes = (*thread).name.as_bytes();
            let short = CString::new(&bytes[..bytes.len().min(15)]).unwrap_or_default();
            libc::pthread_setname_np((*thread).id, short.as_ptr());
        }
        to.write(thread);
    }
    0
}

/// The bytes of a stack of so many thousand words: whole pages, and not less than the system asks for.
fn stack_bytes(kilowords: usize) -> usize {
    const PAGE: usize = 4096;
    (kilowords * 1024 * size_of::<usize>()).max(libc::PTHREAD_STACK_MIN).next_multiple_of(PAGE)
}

unsafe fn this() -> *mut Thread {
    let mine = OF_LIBRARY.get();
    if !mine.is_null() {
        return mine;
    }
    OTHER.with(|other| {
        // SAFETY: asking for the own number has no conditions.
        let make = || Box::new(Thread { id: unsafe { libc::pthread_self() }, body: None, name: c"unknown".into() });
        std::ptr::from_ref(&**other.get_or_init(make)).cast_mut()
    })
}

unsafe fn equal(a: *mut Thread, b: *mut Thread) -> c_int {
    if a.is_null() || b.is_null() {
        fatal(libc::EINVAL, "erl_drv_equal_tids");
    }
    (a == b).into()
}

unsafe fn exit(result: *mut c_void) {
    if OF_LIBRARY.get().is_null() {
        fatal(libc::EACCES, "erl_drv_thread_exit");
    }
    // SAFETY: the frames up to `begin` are the library's, or functions here that have nothing to drop.
    unsafe { pthread_exit(result) }
}

unsafe fn join(thread: *mut Thread, result: *mut *mut c_void) -> c_int {
    // SAFETY: C, the thread is there and joined once; who has ended does not look at it any more.
    unsafe {
        if (*thread).body.is_none() {
            return libc::EINVAL;
        }
        let joined = libc::pthread_join((*thread).id, result);
        if joined == 0 {
            drop(Box::from_raw(thread));
        }
        joined
    }
}

unsafe fn name_of(thread: *mut Thread) -> *const c_char {
    // SAFETY: C, it is null or there; the name lives as long.
    unsafe { thread.as_ref() }.map_or(std::ptr::null(), |t| t.name.as_ptr())
}

unsafe fn key_create(name: *const c_char, to: *mut c_int) -> c_int {
    if to.is_null() {
        fatal(libc::EINVAL, "erl_drv_tsd_key_create");
    }
    // SAFETY: C, the name is null or a string.
    let name = unsafe { copied(name) };
    let mut keys = KEYS.write();
    let free = keys.iter().position(Option::is_none).unwrap_or(keys.len());
    let Ok(key) = c_int::try_from(free) else { return libc::ENOMEM };
    if free == keys.len() {
        keys.push(None);
    }
    keys[free] = Some(name);
    // SAFETY: C, `to` is a place for a key.
    unsafe { to.write(key) };
    0
}

/// The place of a key that there is.
fn place(keys: &[Option<CString>], key: c_int, function: &str) -> usize {
    let place = usize::try_from(key).ok().filter(|&k| keys.get(k).is_some_and(Option::is_some));
    place.unwrap_or_else(|| fatal(libc::EINVAL, function))
}

unsafe fn key_destroy(key: c_int) {
    let mut keys = KEYS.write();
    let place = place(&keys, key, "erl_drv_tsd_key_destroy");
    keys[place] = None;
}

unsafe fn set(key: c_int, data: *mut c_void) {
    let place = place(&KEYS.read(), key, "erl_drv_tsd_set");
    DATA.with_borrow_mut(|all| {
        if all.len() <= place {
            all.resize(place + 1, null_mut());
        }
        all[place] = data;
    });
}

unsafe fn get(key: c_int) -> *mut c_void {
    let place = place(&KEYS.read(), key, "erl_drv_tsd_get");
    DATA.with_borrow(|all| all.get(place).copied().unwrap_or(null_mut()))
}

#[cfg(test)]
mod tests;
