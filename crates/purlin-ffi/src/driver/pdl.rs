//! The lock of a port's data, for drivers whose threads use the queue and the monitors.

use super::port::{Handle, find};
use crate::both::exported;
use parking_lot::RawMutex;
use parking_lot::lock_api::RawMutex as _;
use std::ffi::c_long;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

/// A lock that counts who holds it, or wants to keep it: the port is one of them. Each has a reference to the memory.
pub struct Pdl {
    lock: RawMutex,
    count: AtomicIsize,
}

type Lock = *const Pdl;

exported! {
    /// The port's lock; null when it has one already, or there is no port.
    driver_pdl_create: fn(port: Handle) -> Lock = create;
    /// Waits for the lock.
    driver_pdl_lock: fn(of: Lock) = lock;
    /// Lets others have it.
    driver_pdl_unlock: fn(of: Lock) = unlock;
    /// How many keep it.
    driver_pdl_get_refc: fn(of: Lock) -> c_long = count;
    /// One more keeps it.
    driver_pdl_inc_refc: fn(of: Lock) -> c_long = retain;
    /// One keeps it no more.
    driver_pdl_dec_refc: fn(of: Lock) -> c_long = release;
}

unsafe fn create(port: Handle) -> Lock {
    let Some(port) = find(port) else { return std::ptr::null() };
    let mut state = port.state();
    if state.pdl.is_some() {
        return std::ptr::null();
    }
    let new = Arc::new(Pdl { lock: RawMutex::INIT, count: AtomicIsize::new(1) });
    let lock = Arc::as_ptr(&new);
    state.pdl = Some(new);
    lock
}

impl Pdl {
    /// The port keeps it no more.
    pub fn leave(self: Arc<Pdl>) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }
}

unsafe fn retain(of: Lock) -> c_long {
    // SAFETY: C, the lock is there: somebody keeps it.
    unsafe {
        Arc::increment_strong_count(of);
        (*of).count.fetch_add(1, Ordering::AcqRel) as c_long + 1
    }
}

unsafe fn release(of: Lock) -> c_long {
    // SAFETY: C, the lock is there, and the count that goes had a reference.
    unsafe {
        let left = (*of).count.fetch_sub(1, Ordering::AcqRel) as c_long - 1;
        Arc::decrement_strong_count(of);
        left
    }
}

unsafe fn lock(of: Lock) {
    // SAFETY: C
    unsafe {
        retain(of);
        (*of).lock.lock();
    }
}

unsafe fn unlock(of: Lock) {
    // SAFETY: C, the caller holds the lock.
    unsafe {
        (*of).lock.unlock();
        release(of);
    }
}

unsafe fn count(of: Lock) -> c_long {
    // SAFETY: C
    unsafe { (*of).count.load(Ordering::Acquire) as c_long }
}
