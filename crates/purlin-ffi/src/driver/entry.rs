//! What a shared object tells of its driver, and loading it.

use super::port::{Handle, Port};
use super::queue::IoVec;
use crate::system::DRIVER_VERSION;
use parking_lot::ReentrantMutex;
use purlin_natives::drivers::{Fault, Library, Loader, Settings, Use};
use purlin_term::Term;
use purlin_vm::{Ctx, Engine};
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// What a driver keeps for a port.
pub type Data = *mut c_void;

/// `ErlDrvEntry`: the functions of a driver, each of which may be missing. What came with version 3.2 behind them, for crash
/// dumps, is left out.
#[repr(C)]
pub struct Entry {
    pub init: Option<unsafe extern "C-unwind" fn() -> c_int>,
    pub start: Option<unsafe extern "C-unwind" fn(Handle, *mut c_char) -> Data>,
    pub stop: Option<unsafe extern "C-unwind" fn(Data)>,
    pub output: Option<unsafe extern "C-unwind" fn(Data, *mut u8, usize)>,
    pub ready_input: Option<unsafe extern "C-unwind" fn(Data, Event)>,
    pub ready_output: Option<unsafe extern "C-unwind" fn(Data, Event)>,
    name: *const c_char,
    finish: Option<unsafe extern "C-unwind" fn()>,
    _handle: *mut c_void,
    pub control: Option<unsafe extern "C-unwind" fn(Data, c_uint, *mut u8, usize, *mut *mut u8, usize) -> isize>,
    pub timeout: Option<unsafe extern "C-unwind" fn(Data)>,
    pub outputv: Option<unsafe extern "C-unwind" fn(Data, *mut IoVec)>,
    pub ready_async: Option<unsafe extern "C-unwind" fn(Data, *mut c_void)>,
    pub flush: Option<unsafe extern "C-unwind" fn(Data)>,
    pub call:
        Option<unsafe extern "C-unwind" fn(Data, c_uint, *mut u8, usize, *mut *mut u8, usize, *mut c_uint) -> isize>,
    _event: *mut c_void,
    marker: c_int,
    major: c_int,
    minor: c_int,
    flags: c_int,
    _handle2: *mut c_void,
    pub process_exit: Option<unsafe extern "C-unwind" fn(Data, *mut [u64; 4])>,
    pub stop_select: Option<unsafe extern "C-unwind" fn(Event, *mut c_void)>,
}

/// A descriptor, in the place of a pointer.
pub type Event = usize;

/// `extended_marker` of all entries since there are versions.
const MARKER: c_int = 0xfeee_eeedu32 as c_int;

/// The oldest major version that is taken.
const OLDEST_MAJOR: c_int = 2;

/// Bits of `driver_flags`.
pub mod flag {
    use super::c_int;
    pub const PORT_LOCKING: c_int = 1;
    pub const SOFT_BUSY: c_int = 2;
    pub const INIT_ACK: c_int = 8;
}

/// A driver that is loaded.
pub struct Driver {
    /// A copy: it is looked at also when the library has gone, and then not called.
    entry: Entry,
    /// What `dlopen` gave.
    object: *mut c_void,
    pub name: String,
    /// What all its ports have to hold, unless each has a lock of its own.
    pub lock: Option<Arc<ReentrantMutex<()>>>,
}

// SAFETY: C, a driver's functions are called with the locks that it asks for, and its entry is only read.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

impl Driver {
    /// The functions, which whoever has a `Use` of the library may call.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The lock for a new port.
    pub fn lock(&self) -> Arc<ReentrantMutex<()>> {
        self.lock.clone().unwrap_or_default()
    }

    pub fn has(&self, flag: c_int) -> bool {
        self.entry().flags & flag != 0
    }
}

/// Loads drivers from shared objects.
pub struct Objects;

/// What the system says of the last failure, without the file's name in front.
fn system_error(file: &CStr) -> Fault {
    // SAFETY: the text is there until the thread's next call of this kind.
    let text = unsafe {
        let text = libc::dlerror();
        if text.is_null() { c"unspecified error" } else { CStr::from_ptr(text) }
    };
    let (text, file) = (text.to_string_lossy(), file.to_string_lossy());
    let without = text.strip_prefix(&*file).map(|t| t.trim_start_matches([':', ' '])).filter(|t| !t.is_empty());
    Fault::System(without.unwrap_or(&text).to_owned())
}

impl Loader for Objects {
    fn load(&self, _: &Arc<Engine>, path: &OsStr, name: &str) -> Result<Arc<dyn Library>, Fault> {
        let Ok(file) = CString::new([path.as_bytes(), b".so"].concat()) else { return Err(Fault::BadName) };
        // SAFETY: the file is a string; what its initialization does is the library's own (C).
        let object = unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_NOW) };
        if object.is_null() {
            return Err(system_error(&file));
        }
        load_entry(object, name).map(|driver| Arc::new(driver) as Arc<dyn Library>).inspect_err(|_| {
            // SAFETY: nobody uses the object.
            unsafe { libc::dlclose(object) };
        })
    }
}

fn load_entry(object: *mut c_void, name: &str) -> Result<Driver, Fault> {
    let symbol = |name: &CStr| {
        // SAFETY: the object is open, and the name a string.
        unsafe { libc::dlsym(object, name.as_ptr()) }
    };
    let first = [c"driver_init", c"_driver_init"].into_iter().map(symbol).find(|s| !s.is_null());
    let init = first.ok_or(Fault::NoInit)?;
    // SAFETY: C, that is what a function of this name is.
    let entry = unsafe {
        let init: unsafe extern "C-unwind" fn() -> *const Entry = std::mem::transmute(init);
        let entry = init();
        if entry.is_null() {
            return Err(Fault::FailedInit);
        }
        entry.read()
    };
    if entry.marker != MARKER || entry.major < OLDEST_MAJOR || (entry.major, entry.minor) > DRIVER_VERSION {
        return Err(Fault::Version);
    }
    // SAFETY: C, the name is a string.
    if entry.name.is_null() || unsafe { CStr::from_ptr(entry.name) }.to_bytes() != name.as_bytes() {
        return Err(Fault::BadName);
    }
    // SAFETY: C
    if entry.init.is_some_and(|init| unsafe { init() } != 0) {
        return Err(Fault::FailedInit);
    }
    let lock = (entry.flags & flag::PORT_LOCKING == 0).then(Arc::default);
    Ok(Driver { entry, object, name: name.to_owned(), lock })
}

impl Library for Driver {
    fn open(self: Arc<Self>, ctx: &mut Ctx<'_>, command: &str, settings: Settings, using: Use) -> Result<Term, Term> {
        Port::open(self, ctx, command, &settings, using)
    }

    fn unload(&self) {
        if let Some(finish) = self.entry().finish {
            // SAFETY: C, nobody uses the driver any more.
            unsafe { finish() };
        }
        // SAFETY: as above.
        unsafe { libc::dlclose(self.object) };
    }
}
