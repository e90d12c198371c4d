//! Time, numbers that nobody else has, other shared objects.

use crate::env::{Env, env};
use crate::word::Word;
use purlin_term::Term;
use std::ffi::{CStr, c_char, c_int, c_void};

/// Bits of `enif_make_unique_integer`.
const POSITIVE: c_int = 1;
const MONOTONIC: c_int = 2;

/// `{MegaSeconds, Seconds, MicroSeconds}`
fn timestamp(env: &mut Env, microseconds: i64) -> Word {
    let heap = env.heap();
    let parts = [microseconds / 1_000_000_000_000, microseconds / 1_000_000 % 1_000_000, microseconds % 1_000_000];
    Word::from(heap.tuple(&parts.map(Term::small)))
}

type ErrorHandler = unsafe extern "C-unwind" fn(*mut c_void, *const c_char);

/// Tells a library what the system said.
unsafe fn tell(handler: Option<ErrorHandler>, arg: *mut c_void) {
    // SAFETY: C: the handler takes a text.
    unsafe {
        let text = libc::dlerror();
        if let Some(handler) = handler.filter(|_| !text.is_null()) {
            handler(arg, text);
        }
    }
}

functions! {
    /// The time as `erlang:now/0` has it.
    fn enif_now_time(p: *mut Env) -> Word {
        let env = env(p);
        match env.engine() {
            Some(engine) => timestamp(env, engine.now_microseconds()),
            None => env.badarg(),
        }
    }

    /// The processor time of this thread.
    fn enif_cpu_time(p: *mut Env) -> Word {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        match libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) {
            0 => timestamp(env(p), time.tv_sec * 1_000_000 + time.tv_nsec / 1000),
            _ => env(p).badarg(),
        }
    }

    /// As `erlang:unique_integer/1`.
    fn enif_make_unique_integer(p: *mut Env, properties: c_int) -> Word {
        let env = env(p);
        let Some(engine) = env.engine() else { return env.badarg() };
        let monotonic = properties & MONOTONIC != 0;
        let n = if monotonic { engine.next_monotonic_unique() } else { engine.next_unique() };
        let first = if properties & POSITIVE != 0 { 1 } else { purlin_term::word::SMALL_MIN.into() };
        Word::from(env.heap().wide_integer(first + i128::from(n)))
    }

    /// Opens a shared object.
    fn enif_dlopen(path: *const c_char, handler: Option<ErrorHandler>, arg: *mut c_void) -> *mut c_void {
        let handle = if path.is_null() {
            libc::dlopen(path, libc::RTLD_NOW)
        } else {
            // As OTP: the ending is the system's.
            let mut file = CStr::from_ptr(path).to_bytes().to_vec();
            file.extend_from_slice(b".so\0");
            libc::dlopen(file.as_ptr().cast(), libc::RTLD_NOW)
        };
        if handle.is_null() {
            tell(handler, arg);
        }
        handle
    }

    /// The address of a name in a shared object.
    fn enif_dlsym(
        handle: *mut c_void,
        symbol: *const c_char,
        handler: Option<ErrorHandler>,
        arg: *mut c_void,
    ) -> *mut c_void {
        let address = libc::dlsym(handle, symbol);
        if address.is_null() {
            tell(handler, arg);
        }
        address
    }
}
