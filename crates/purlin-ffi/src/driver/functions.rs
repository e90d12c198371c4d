//! What drivers ask of their ports, and of the emulator, besides what has a file of its own.

use super::deliver::atom;
use super::entry::Data;
use super::monitor::immediate;
use super::port::{Handle, NO_PORT, find, pointer};
use crate::both::exported;
use crate::engine;
use parking_lot::Mutex;
use purlin_natives::drivers::Framing;
use purlin_natives::errno_name;
use purlin_term::Term;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_ulong, c_void};

exported! {
    /// Says whether the port takes commands.
    set_busy_port: fn(port: Handle, on: c_int) = set_busy;
    /// Says how answers to `port_control/3` look.
    set_port_control_flags: fn(port: Handle, flags: c_int) = set_control_flags;
    /// How the port was opened.
    get_port_flags: fn(port: Handle) -> c_int = flags;
    /// Sets and reads how much may wait for a busy port.
    erl_drv_busy_msgq_limits: fn(port: Handle, low: *mut usize, high: *mut usize) = limits;
    /// Says how much of a turn was used; 1: it is over.
    erl_drv_consume_timeslice: fn(port: Handle, percent: c_int) -> c_int = consume;
    /// A further port of the same driver.
    driver_create_port: fn(port: Handle, owner: u64, name: *const c_char, data: Data) -> *mut c_void = create;
    /// The driver stays loaded.
    driver_lock_driver: fn(port: Handle) -> c_int = lock_driver;
    /// The driver has started.
    erl_drv_init_ack: fn(port: Handle, data: Data) = init_ack;
    /// What `port_info` tells of the program at the other end.
    erl_drv_set_os_pid: fn(port: Handle, pid: isize) = set_os_pid;
    /// An atom.
    driver_mk_atom: fn(text: *const c_char) -> u64 = mk_atom;
    /// The port as a term.
    driver_mk_port: fn(port: Handle) -> u64 = mk_port;
    /// The owner.
    driver_connected: fn(port: Handle) -> u64 = connected;
    /// The process that the driver is called for.
    driver_caller: fn(port: Handle) -> u64 = caller;
    /// The empty list.
    driver_mk_term_nil: fn() -> u64 = mk_nil;
    /// Time that is greater at each call.
    driver_get_now: fn(to: *mut Now) -> c_int = now;
    /// The name of an error number.
    erl_errno_id: fn(error: c_int) -> *const c_char = errno_id;
    /// Opens a shared object.
    driver_dl_open: fn(file: *const c_char) -> *mut c_void = dl_open;
    /// A symbol of a shared object.
    driver_dl_sym: fn(object: *mut c_void, name: *const c_char) -> *mut c_void = dl_sym;
    /// Closes a shared object.
    driver_dl_close: fn(object: *mut c_void) -> c_int = dl_close;
    /// What went wrong last.
    driver_dl_error: fn() -> *const c_char = dl_error;
    /// Does nothing.
    null_func: fn() -> c_int = nothing;
}

/// The empty list.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static driver_term_nil: u64 = Term::NIL.raw();

/// `ErlDrvNowData`
#[repr(C)]
pub struct Now {
    mega: c_ulong,
    seconds: c_ulong,
    micro: c_ulong,
}

unsafe fn set_busy(port: Handle, on: c_int) {
    if let Some(port) = find(port) {
        port.set_busy(on != 0);
    }
}

unsafe fn set_control_flags(port: Handle, flags: c_int) {
    if let Some(port) = find(port) {
        port.state().control_flags = flags;
    }
}

unsafe fn flags(port: Handle) -> c_int {
    let Some(port) = find(port).and_then(|p| p.of_engine()) else { return 0 };
    c_int::from(port.options.binary) | c_int::from(matches!(port.options.framing, Framing::Line(_))) << 1
}

/// A limit that is only asked for.
const READ_ONLY: usize = 0;

unsafe fn limits(port: Handle, low: *mut usize, high: *mut usize) {
    let Some(port) = find(port) else { return };
    let limits = &mut port.state().limits;
    // SAFETY: C, each is null or a place for a limit.
    unsafe {
        for (at, limit) in [(low, &mut limits.0), (high, &mut limits.1)] {
            let Some(at) = at.as_mut() else { continue };
            if *at == READ_ONLY {
                *at = *limit;
            } else {
                *limit = *at;
            }
        }
    }
}

unsafe fn consume(port: Handle, percent: c_int) -> c_int {
    let Some(port) = find(port) else { return 1 };
    let mut state = port.state();
    state.used = state.used.saturating_add(percent.clamp(1, 100));
    (state.used >= 100).into()
}

unsafe fn create(port: Handle, owner: u64, name: *const c_char, data: Data) -> *mut c_void {
    // SAFETY: C, the name is a string.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    let made = find(port).and_then(|port| port.another(immediate(owner)?, name, data));
    pointer(made.unwrap_or(NO_PORT))
}

unsafe fn lock_driver(port: Handle) -> c_int {
    let Some(using) = find(port).and_then(|port| port.library()) else { return -1 };
    using.lock();
    0
}

unsafe fn init_ack(port: Handle, data: Data) {
    let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    if let Some(port) = find(port) {
        port.has_started(data, error);
    }
}

unsafe fn set_os_pid(port: Handle, pid: isize) {
    if let Some(port) = find(port) {
        port.state().os_pid = u32::try_from(pid).ok();
    }
}

unsafe fn mk_atom(text: *const c_char) -> u64 {
    // SAFETY: C
    unsafe { atom(text) }.raw()
}

unsafe fn mk_port(port: Handle) -> u64 {
    find(port).map_or(Term::NIL, |port| port.term()).raw()
}

unsafe fn connected(port: Handle) -> u64 {
    find(port).map_or(Term::NIL, |port| port.owner().term()).raw()
}

unsafe fn caller(port: Handle) -> u64 {
    find(port).map_or(Term::NIL, |port| port.state().caller.term()).raw()
}

unsafe fn mk_nil() -> u64 {
    Term::NIL.raw()
}

unsafe fn now(to: *mut Now) -> c_int {
    // SAFETY: C, it is null or a place for the time.
    let (Some(to), Some(engine)) = (unsafe { to.as_mut() }, engine()) else { return -1 };
    let now = engine.now_microseconds() as c_ulong;
    *to = Now { mega: now / 1_000_000_000_000, seconds: now / 1_000_000 % 1_000_000, micro: now % 1_000_000 };
    0
}

/// The names that were asked for, as strings that stay.
static NAMES: Mutex<BTreeMap<c_int, CString>> = Mutex::new(BTreeMap::new());

unsafe fn errno_id(error: c_int) -> *const c_char {
    let mut names = NAMES.lock();
    names.entry(error).or_insert_with(|| CString::new(errno_name(error)).unwrap_or_default()).as_ptr()
}

unsafe fn dl_open(file: *const c_char) -> *mut c_void {
    // SAFETY: C
    unsafe { libc::dlopen(file, libc::RTLD_NOW) }
}

unsafe fn dl_sym(object: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: C
    unsafe { libc::dlsym(object, name) }
}

unsafe fn dl_close(object: *mut c_void) -> c_int {
    // SAFETY: C
    unsafe { libc::dlclose(object) }
}

unsafe fn dl_error() -> *const c_char {
    // SAFETY: asking has no conditions.
    unsafe { libc::dlerror() }
}

unsafe fn nothing() -> c_int {
    0
}
