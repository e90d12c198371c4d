//! What both interfaces tell of the system: versions, the environment, and time.

use crate::both::exported;
use crate::engine;
use purlin_natives::{set_variable, variable};
use purlin_term::Release;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;
use std::ptr::null;
use std::sync::OnceLock;

/// `ErlDrvSysInfo`, which grew with the versions of the interfaces.
#[repr(C)]
pub struct SystemInfo {
    driver_major: c_int,
    driver_minor: c_int,
    emulator: *const c_char,
    release: *const c_char,
    threads: c_int,
    many_schedulers: c_int,
    async_threads: c_int,
    schedulers: c_int,
    nif_major: c_int,
    nif_minor: c_int,
    dirty_schedulers: c_int,
}

/// The versions of `erl_driver.h`: the same in all known releases.
pub const DRIVER_VERSION: (c_int, c_int) = (3, 3);

/// A time that there is not: for units that do not exist, and where there is no engine.
const NO_TIME: i64 = i64::MIN;

exported! {
    /// Writes as much as fits into what the library has room for.
    enif_system_info, driver_system_info: fn(to: *mut SystemInfo, size: usize) = info;
    /// The value of a variable: 0, 1 when there is no room, or -1 when it is not there.
    enif_getenv, erl_drv_getenv: fn(key: *const c_char, value: *mut c_char, size: *mut usize) -> c_int = getenv;
    /// Sets a variable: 0, or -1 when it has no such name.
    erl_drv_putenv: fn(key: *const c_char, value: *const c_char) -> c_int = putenv;
    /// Erlang monotonic time.
    enif_monotonic_time, erl_drv_monotonic_time: fn(unit: c_int) -> i64 = monotonic_time;
    /// What makes monotonic time system time.
    enif_time_offset, erl_drv_time_offset: fn(unit: c_int) -> i64 = time_offset;
    /// A time in another unit, rounded down.
    enif_convert_time_unit, erl_drv_convert_time_unit: fn(time: i64, from: c_int, to: c_int) -> i64 = convert;
}

/// The versions of `erl_nif.h` of a release.
pub fn nif_version(release: Release) -> (c_int, c_int) {
    let minor = match release {
        r if r >= Release(29) => 18,
        r if r >= Release(26) => 17,
        _ => 16,
    };
    (2, minor)
}

/// The version of the emulator and the release, as strings that stay.
fn versions() -> (*const c_char, *const c_char) {
    static VERSIONS: OnceLock<(CString, CString)> = OnceLock::new();
    let Some(engine) = engine() else { return (null(), null()) };
    let (emulator, release) = VERSIONS.get_or_init(|| {
        let text = |s: String| CString::new(s).unwrap_or_default();
        (text(engine.config.settings.version.clone()), text(engine.config.release.0.to_string()))
    });
    (emulator.as_ptr(), release.as_ptr())
}

unsafe fn info(to: *mut SystemInfo, size: usize) {
    let least = offset_of!(SystemInfo, many_schedulers) + size_of::<c_int>();
    if to.is_null() || size < least {
        eprintln!("driver_system_info({to:p}, {size}) called with invalid arguments");
        std::process::exit(1);
    }
    let (emulator, release) = versions();
    let (async_threads, schedulers, nif) = match engine() {
        Some(e) => (e.config.settings.async_threads, e.config.schedulers, nif_version(e.config.release)),
        None => (0, 0, (0, 0)),
    };
    let info = SystemInfo {
        driver_major: DRIVER_VERSION.0,
        driver_minor: DRIVER_VERSION.1,
        emulator,
        release,
        threads: 1,
        many_schedulers: 1,
        async_threads: async_threads as c_int,
        schedulers: schedulers as c_int,
        nif_major: nif.0,
        nif_minor: nif.1,
        dirty_schedulers: 1,
    };
    // The fields came in groups, each with a version of the interface.
    let ends = [
        offset_of!(SystemInfo, async_threads),
        offset_of!(SystemInfo, nif_major),
        offset_of!(SystemInfo, dirty_schedulers),
        offset_of!(SystemInfo, dirty_schedulers) + size_of::<c_int>(),
    ];
    let known = ends.into_iter().rfind(|&end| end <= size).unwrap_or(least);
    // SAFETY: C, `to` has `size` bytes, of which `known` are written; `info` has as many.
    unsafe { std::ptr::copy_nonoverlapping((&raw const info).cast::<u8>(), to.cast(), known) };
}

unsafe fn getenv(key: *const c_char, value: *mut c_char, size: *mut usize) -> c_int {
    let Some(engine) = engine() else { return -1 };
    // SAFETY: C, the key is a string.
    let key = OsStr::from_bytes(unsafe { CStr::from_ptr(key) }.to_bytes());
    let Some(found) = variable(&engine, key) else { return -1 };
    let bytes = found.as_bytes();
    // SAFETY: C, `value` has room for as much as `size` says.
    unsafe {
        if *size <= bytes.len() {
            *size = bytes.len() + 1;
            return 1;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.cast(), bytes.len());
        *value.add(bytes.len()) = 0;
        *size = bytes.len();
    }
    0
}

unsafe fn putenv(key: *const c_char, value: *const c_char) -> c_int {
    let Some(engine) = engine() else { return -1 };
    // SAFETY: C, both are strings.
    let (key, value) = unsafe { (CStr::from_ptr(key).to_bytes(), CStr::from_ptr(value).to_bytes()) };
    if key.contains(&b'=') {
        return -1;
    }
    set_variable(&engine, OsStr::from_bytes(key).into(), OsStr::from_bytes(value).into());
    0
}

/// Units a second.
fn per_second(unit: c_int) -> Option<i64> {
    [1, 1000, 1_000_000, 1_000_000_000].get(usize::try_from(unit).ok()?).copied()
}

const NANOSECOND: c_int = 3;

unsafe fn convert(time: i64, from: c_int, to: c_int) -> i64 {
    in_unit(time, from, to)
}

fn in_unit(time: i64, from: c_int, to: c_int) -> i64 {
    match (per_second(from), per_second(to)) {
        (Some(from), Some(to)) if to >= from => time.wrapping_mul(to / from),
        (Some(from), Some(to)) => time.div_euclid(from / to),
        _ => NO_TIME,
    }
}

unsafe fn monotonic_time(unit: c_int) -> i64 {
    engine().map_or(NO_TIME, |e| in_unit(e.clock.now(), NANOSECOND, unit))
}

unsafe fn time_offset(unit: c_int) -> i64 {
    engine().map_or(NO_TIME, |e| in_unit(e.time_offset(), NANOSECOND, unit))
}

#[cfg(test)]
mod tests;
