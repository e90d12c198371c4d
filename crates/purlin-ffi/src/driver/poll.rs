//! Descriptors that drivers wait for, and their time limits.

use super::entry::Event;
use super::port::{Handle, Phase, Port, find};
use crate::both::exported;
use parking_lot::Mutex;
use purlin_natives::drivers::{Interest, Ready, poll};
use purlin_vm::Engine;
use std::ffi::{c_int, c_ulong};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

exported! {
    /// Starts or ends waiting for a descriptor: 0, or -1.
    driver_select: fn(port: Handle, event: Event, mode: c_int, on: c_int) -> c_int = select;
    /// Starts a time limit, in milliseconds, in the place of the one that there is: 0, or -1.
    driver_set_timer: fn(port: Handle, after: c_ulong) -> c_int = set_timer;
    /// Takes back the time limit: 0, or -1.
    driver_cancel_timer: fn(port: Handle) -> c_int = cancel_timer;
    /// The milliseconds that are left: 0, or -1.
    driver_read_timer: fn(port: Handle, left: *mut c_ulong) -> c_int = read_timer;
}

/// Bits of a mode.
const READ: c_int = 1;
const WRITE: c_int = 2;
const USE: c_int = 4;
/// With `USE`: only the other bits are ended, and nobody is told that the descriptor is not used any more.
const NO_CALLBACK: c_int = 8;

/// Numbers of watched descriptors, apart from those of ports and of the module `socket`.
const IDS: u64 = 1 << 62;
static NEXT: AtomicU64 = AtomicU64::new(IDS);

/// A descriptor that a port waits for.
pub struct Watched {
    id: u64,
    fd: c_int,
    port: Weak<Port>,
    interest: Mutex<Interest>,
}

impl Watched {
    /// Waits for this, and nothing else.
    fn watch(self: &Arc<Watched>, engine: &Arc<Engine>, now: Interest) {
        let before = std::mem::replace(&mut *self.interest.lock(), now);
        // SAFETY: C, the descriptor is open while the driver waits for it.
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
        poll::watch(engine, (self.id, self), fd, before, now);
    }

    /// Waits no more.
    pub fn unwatch(self: &Arc<Watched>, engine: &Arc<Engine>) {
        self.watch(engine, Interest::default());
    }
}

impl Ready for Watched {
    fn ready(self: Arc<Watched>, _: &Arc<Engine>, read: bool, write: bool) {
        let Some(port) = self.port.upgrade() else { return };
        for (is_ready, reading) in [(read, true), (write, false)] {
            if !is_ready {
                continue;
            }
            port.call(None, |data| {
                let interest = *self.interest.lock();
                if !(if reading { interest.read } else { interest.write }) {
                    return;
                }
                let entry = port.driver.entry();
                match if reading { entry.ready_input } else { entry.ready_output } {
                    // SAFETY: C, with the port's lock.
                    Some(ready) => unsafe { ready(data, self.fd as Event) },
                    None => {
                        let (direction, function) =
                            if reading { ("Input", "ready_input") } else { ("Output", "ready_output") };
                        port.lacks(direction, function);
                        set(&port, self.fd, if reading { READ } else { WRITE }, false);
                    }
                }
            });
        }
    }
}

/// Starts or ends waiting; false: it cannot be waited for.
fn set(port: &Arc<Port>, fd: c_int, mode: c_int, on: bool) -> bool {
    let Some(engine) = port.engine() else { return false };
    let mut state = port.state();
    if on && state.phase == Phase::Stopped {
        return false;
    }
    let watched = match state.watched.get(&fd) {
        Some(watched) => watched.clone(),
        None if !on => return true,
        None => {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let watched = Arc::new(Watched { id, fd, port: Arc::downgrade(port), interest: Mutex::default() });
            state.watched.insert(fd, watched.clone());
            watched
        }
    };
    let mut now = *watched.interest.lock();
    if mode & READ != 0 {
        now.read = on;
    }
    if mode & WRITE != 0 {
        now.write = on;
    }
    if mode & (USE | NO_CALLBACK) == USE && !on {
        now = Interest::default();
    }
    if now == Interest::default() && !on {
        state.watched.remove(&fd);
    }
    drop(state);
    watched.watch(&engine, now);
    true
}

unsafe fn select(port: Handle, event: Event, mode: c_int, on: c_int) -> c_int {
    let Some(port) = find(port) else { return -1 };
    let (fd, on) = (event as c_int, on != 0);
    if fd < 0 || !set(&port, fd, mode, on) {
        return -1;
    }
    if !on && mode & (USE | NO_CALLBACK) == USE {
        match port.driver.entry().stop_select {
            // SAFETY: C, nobody waits for the descriptor any more.
            Some(stop_select) => unsafe { stop_select(event, std::ptr::null_mut()) },
            None => {
                port.report(&format!("Driver does not implement stop_select callback (event={event}, private=(nil))!"));
            }
        }
    }
    0
}

unsafe fn set_timer(port: Handle, after: c_ulong) -> c_int {
    let Some(port) = find(port) else { return -1 };
    cancel_timer_of(&port);
    let (Some(engine), Some(of_engine)) = (port.engine(), port.of_engine()) else { return -1 };
    // The poll thread calls with the port's lock, which the driver holds, so that it finds the limit.
    let limit = poll::limit(&engine, &of_engine, Duration::from_millis(after));
    port.state().timer = limit;
    0
}

fn cancel_timer_of(port: &Port) {
    let timer = port.state().timer.take();
    if let (Some(timer), Some(engine)) = (timer, port.engine()) {
        poll::cancel(&engine, timer);
    }
}

unsafe fn cancel_timer(port: Handle) -> c_int {
    let Some(port) = find(port) else { return -1 };
    cancel_timer_of(&port);
    0
}

unsafe fn read_timer(port: Handle, left: *mut c_ulong) -> c_int {
    let Some(port) = find(port) else { return -1 };
    let timer = port.state().timer;
    let time = timer.map_or(Duration::ZERO, |(at, _)| at.saturating_duration_since(Instant::now()));
    // SAFETY: C, there is a place for the time.
    unsafe { left.write(time.as_nanos().div_ceil(1_000_000) as c_ulong) };
    0
}
