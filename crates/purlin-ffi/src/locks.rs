//! Mutexes, condition variables and locks of readers and writers: those of POSIX threads, each with a name.
//!
//! What a library does wrong with them ends the program with OTP's words, as it does on the BEAM.

use crate::both::exported;
use std::ffi::{CStr, CString, c_char, c_int};

/// A lock of some kind, and what it is called.
#[repr(C)]
pub struct Named<T> {
    lock: T,
    name: CString,
}

pub type Mutex = Named<libc::pthread_mutex_t>;
pub type Cond = Named<libc::pthread_cond_t>;
pub type RwLock = Named<libc::pthread_rwlock_t>;

exported! {
    /// A mutex with a name, which may be null.
    enif_mutex_create, erl_drv_mutex_create: fn(name: *const c_char) -> *mut Mutex = mutex_create;
    /// Ends a mutex.
    enif_mutex_destroy, erl_drv_mutex_destroy: fn(mutex: *mut Mutex) = mutex_destroy;
    /// `EBUSY` when somebody holds it.
    enif_mutex_trylock, erl_drv_mutex_trylock: fn(mutex: *mut Mutex) -> c_int = mutex_trylock;
    /// Waits for the mutex.
    enif_mutex_lock, erl_drv_mutex_lock: fn(mutex: *mut Mutex) = mutex_lock;
    /// Lets others have the mutex.
    enif_mutex_unlock, erl_drv_mutex_unlock: fn(mutex: *mut Mutex) = mutex_unlock;
    /// The name; null for no mutex.
    enif_mutex_name, erl_drv_mutex_name: fn(mutex: *mut Mutex) -> *const c_char = name_of;
    /// A condition variable with a name, which may be null.
    enif_cond_create, erl_drv_cond_create: fn(name: *const c_char) -> *mut Cond = cond_create;
    /// Ends a condition variable.
    enif_cond_destroy, erl_drv_cond_destroy: fn(cond: *mut Cond) = cond_destroy;
    /// Wakes one that waits.
    enif_cond_signal, erl_drv_cond_signal: fn(cond: *mut Cond) = cond_signal;
    /// Wakes all that wait.
    enif_cond_broadcast, erl_drv_cond_broadcast: fn(cond: *mut Cond) = cond_broadcast;
    /// Leaves the mutex, waits, and takes it again.
    enif_cond_wait, erl_drv_cond_wait: fn(cond: *mut Cond, mutex: *mut Mutex) = cond_wait;
    /// The name; null for no condition variable.
    enif_cond_name, erl_drv_cond_name: fn(cond: *mut Cond) -> *const c_char = name_of;
    /// A lock of readers and writers with a name, which may be null.
    enif_rwlock_create, erl_drv_rwlock_create: fn(name: *const c_char) -> *mut RwLock = rwlock_create;
    /// Ends a lock.
    enif_rwlock_destroy, erl_drv_rwlock_destroy: fn(lock: *mut RwLock) = rwlock_destroy;
    /// `EBUSY` when a writer holds it.
    enif_rwlock_tryrlock, erl_drv_rwlock_tryrlock: fn(lock: *mut RwLock) -> c_int = rwlock_tryrlock;
    /// Waits as a reader.
    enif_rwlock_rlock, erl_drv_rwlock_rlock: fn(lock: *mut RwLock) = rwlock_rlock;
    /// A reader goes.
    enif_rwlock_runlock, erl_drv_rwlock_runlock: fn(lock: *mut RwLock) = rwlock_runlock;
    /// `EBUSY` when somebody holds it.
    enif_rwlock_tryrwlock, erl_drv_rwlock_tryrwlock: fn(lock: *mut RwLock) -> c_int = rwlock_tryrwlock;
    /// Waits as a writer.
    enif_rwlock_rwlock, erl_drv_rwlock_rwlock: fn(lock: *mut RwLock) = rwlock_rwlock;
    /// The writer goes.
    enif_rwlock_rwunlock, erl_drv_rwlock_rwunlock: fn(lock: *mut RwLock) = rwlock_rwunlock;
    /// The name; null for no lock.
    enif_rwlock_name, erl_drv_rwlock_name: fn(lock: *mut RwLock) -> *const c_char = name_of;
}

/// Ends the program for a mistake that nobody can be told of.
pub fn fatal(error: c_int, function: &str) -> ! {
    let text = if error == 0 { "Success".into() } else { std::io::Error::from_raw_os_error(error).to_string() };
    let text = text.split(" (os error").next().unwrap_or_default();
    eprintln!("Fatal error in {function}(): {text} [{error}]");
    std::process::abort();
}

fn succeed(result: c_int, function: &str) {
    if result != 0 {
        fatal(result, function);
    }
}

/// A copy of a name that a library gives; without one it is `unknown`, as in OTP.
///
/// # Safety
/// C: `name` is null or a string.
pub unsafe fn copied(name: *const c_char) -> CString {
    // SAFETY: as promised.
    if name.is_null() { c"unknown".into() } else { unsafe { CStr::from_ptr(name) }.to_owned() }
}

impl<T> Named<T> {
    /// # Safety
    /// As [`copied`].
    unsafe fn create(name: *const c_char, lock: T) -> *mut Named<T> {
        // SAFETY: as promised.
        Box::into_raw(Box::new(Named { lock, name: unsafe { copied(name) } }))
    }

    /// The lock itself, of a library that may have none.
    ///
    /// # Safety
    /// C: `named` is null or came from `create` and was not destroyed.
    unsafe fn lock(named: *mut Named<T>, function: &str) -> *mut T {
        if named.is_null() {
            fatal(libc::EINVAL, function);
        }
        // SAFETY: as promised, it is there.
        unsafe { &raw mut (*named).lock }
    }
}

unsafe fn name_of<T>(named: *mut Named<T>) -> *const c_char {
    // SAFETY: C, it is null or there; the name lives as long.
    unsafe { named.as_ref() }.map_or(std::ptr::null(), |n| n.name.as_ptr())
}

unsafe fn mutex_create(name: *const c_char) -> *mut Mutex {
    // SAFETY: C
    unsafe { Named::create(name, libc::PTHREAD_MUTEX_INITIALIZER) }
}

unsafe fn cond_create(name: *const c_char) -> *mut Cond {
    // SAFETY: C
    unsafe { Named::create(name, libc::PTHREAD_COND_INITIALIZER) }
}

unsafe fn rwlock_create(name: *const c_char) -> *mut RwLock {
    // SAFETY: C
    unsafe { Named::create(name, libc::PTHREAD_RWLOCK_INITIALIZER) }
}

/// Functions that call one of POSIX threads on a lock: they end the program for an error, give it to the library, or
/// free the lock afterwards.
macro_rules! calls {
    ($($name:ident($of:ty): $how:ident $function:path, $told:literal;)*) => {
        $(calls!(@$how $name $of, $function, $told);)*
    };
    (@does $name:ident $of:ty, $function:path, $told:literal) => {
        unsafe fn $name(named: *mut $of) {
            // SAFETY: C, the lock was made by `create` and is there.
            succeed(unsafe { $function(Named::lock(named, $told)) }, $told);
        }
    };
    (@tries $name:ident $of:ty, $function:path, $told:literal) => {
        unsafe fn $name(named: *mut $of) -> c_int {
            // SAFETY: C, the lock was made by `create` and is there.
            unsafe { $function(Named::lock(named, $told)) }
        }
    };
    (@ends $name:ident $of:ty, $function:path, $told:literal) => {
        unsafe fn $name(named: *mut $of) {
            // SAFETY: C, the lock was made by `create`, is there, and is not used any more.
            unsafe {
                succeed($function(Named::lock(named, $told)), $told);
                drop(Box::from_raw(named));
            }
        }
    };
}

calls! {
    mutex_destroy(Mutex): ends libc::pthread_mutex_destroy, "erl_drv_mutex_destroy";
    mutex_trylock(Mutex): tries libc::pthread_mutex_trylock, "erl_drv_mutex_trylock";
    mutex_lock(Mutex): does libc::pthread_mutex_lock, "erl_drv_mutex_lock";
    mutex_unlock(Mutex): does libc::pthread_mutex_unlock, "erl_drv_mutex_unlock";
    cond_destroy(Cond): ends libc::pthread_cond_destroy, "erl_drv_cond_destroy";
    cond_signal(Cond): does libc::pthread_cond_signal, "erl_drv_cond_signal";
    cond_broadcast(Cond): does libc::pthread_cond_broadcast, "erl_drv_cond_broadcast";
    rwlock_destroy(RwLock): ends libc::pthread_rwlock_destroy, "erl_drv_rwlock_destroy";
    rwlock_tryrlock(RwLock): tries libc::pthread_rwlock_tryrdlock, "erl_drv_rwlock_tryrlock";
    rwlock_rlock(RwLock): does libc::pthread_rwlock_rdlock, "erl_drv_rwlock_rlock";
    rwlock_runlock(RwLock): does libc::pthread_rwlock_unlock, "erl_drv_rwlock_runlock";
    rwlock_tryrwlock(RwLock): tries libc::pthread_rwlock_trywrlock, "erl_drv_rwlock_tryrwlock";
    rwlock_rwlock(RwLock): does libc::pthread_rwlock_wrlock, "erl_drv_rwlock_rwlock";
    rwlock_rwunlock(RwLock): does libc::pthread_rwlock_unlock, "erl_drv_rwlock_rwunlock";
}

unsafe fn cond_wait(cond: *mut Cond, mutex: *mut Mutex) {
    const NAME: &str = "erl_drv_cond_wait";
    // SAFETY: C, both are there, and the caller holds the mutex.
    succeed(unsafe { libc::pthread_cond_wait(Named::lock(cond, NAME), Named::lock(mutex, NAME)) }, NAME);
}
