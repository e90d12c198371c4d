//! Processes that drivers monitor.

use super::port::{Handle, find};
use crate::both::exported;
use purlin_term::{Immediate, Term};
use purlin_vm::relation::Watcher;
use purlin_vm::signal::{RefId, Signal, SignalKind};
use std::ffi::c_int;

/// `ErlDrvMonitor`: the words of a reference, and room.
type Monitor = [u64; 4];

exported! {
    /// Monitors a process: 0, 1 when it has ended, or -1.
    driver_monitor_process: fn(port: Handle, process: u64, monitor: *mut Monitor) -> c_int = monitor_process;
    /// Ends a monitor: 0, 1 when there is none, or -1.
    driver_demonitor_process: fn(port: Handle, monitor: *const Monitor) -> c_int = demonitor_process;
    /// The process of a monitor, or nil.
    driver_get_monitored_process: fn(port: Handle, monitor: *const Monitor) -> u64 = monitored_process;
    /// 0 for equal monitors, else how they are in order.
    driver_compare_monitors: fn(a: *const Monitor, b: *const Monitor) -> c_int = compare;
}

/// # Safety
/// C: the monitor is there.
unsafe fn id_of(monitor: *const Monitor) -> RefId {
    // SAFETY: as promised; drivers may keep it anywhere.
    let words = unsafe { monitor.read_unaligned() };
    [words[0], words[1]]
}

/// A word that a driver passes for a term, which has to be an immediate one.
pub fn immediate(word: u64) -> Option<Immediate> {
    // A pid or a port: what a pointer would be is looked at nowhere.
    let pid = Term::pid(word >> 4);
    if pid.raw() == word {
        return Immediate::new(pid);
    }
    let port = Term::port(word >> 8);
    if port.raw() == word {
        return Immediate::new(port);
    }
    None
}

unsafe fn monitor_process(port: Handle, process: u64, monitor: *mut Monitor) -> c_int {
    let Some(port) = find(port) else { return -1 };
    if port.driver.entry().process_exit.is_none() {
        return -1;
    }
    let (Some(engine), Some(process)) = (port.engine(), immediate(process)) else { return -1 };
    if process.term().as_pid().and_then(|id| engine.process(id)).is_none() {
        return 1;
    }
    let id = engine.next_ref();
    port.state().monitors.push((id, process));
    let watcher = Watcher { monitor: id, watcher: Immediate::port(port.id), name: None };
    engine.post(process.term(), Signal::bare(SignalKind::Monitor(Box::new(watcher))));
    // SAFETY: C, there is a place for a monitor.
    unsafe { monitor.write_unaligned([id[0], id[1], 0, 0]) };
    0
}

unsafe fn demonitor_process(port: Handle, monitor: *const Monitor) -> c_int {
    let Some(port) = find(port) else { return -1 };
    // SAFETY: C
    let id = unsafe { id_of(monitor) };
    let mut state = port.state();
    let Some(at) = state.monitors.iter().position(|m| m.0 == id) else { return 1 };
    let (monitor, process) = state.monitors.remove(at);
    drop(state);
    if let Some(engine) = port.engine() {
        engine.post(process.term(), Signal::bare(SignalKind::Demonitor { monitor }));
    }
    0
}

unsafe fn monitored_process(port: Handle, monitor: *const Monitor) -> u64 {
    // SAFETY: C
    let id = unsafe { id_of(monitor) };
    let found = find(port).and_then(|port| port.state().monitors.iter().find(|m| m.0 == id).map(|m| m.1));
    found.map_or(Term::NIL, |process| process.term()).raw()
}

unsafe fn compare(a: *const Monitor, b: *const Monitor) -> c_int {
    // SAFETY: C
    unsafe { id_of(a).cmp(&id_of(b)) as c_int }
}
