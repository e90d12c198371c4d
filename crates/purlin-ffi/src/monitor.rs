//! Monitors that resources have on processes: `enif_monitor_process` and what goes with it.
//!
//! A watched process tells [`RESOURCES`], a port that no port is, as it would tell a port. [`DOWN`] leads from there to
//! the object.

use crate::abi::{Identifier, Monitor};
use crate::engine;
use crate::env::{Env, env};
use crate::resource::{Object, of_magic};
use crate::word::Word;
use hashbrown::HashMap;
use parking_lot::Mutex;
use purlin_term::{Heap, Immediate, Magic, Term};
use purlin_vm::engine::libraries::RESOURCES;
use purlin_vm::relation::Watcher;
use purlin_vm::signal::{Signal, SignalKind};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Weak};

thread_local! {
    /// The monitor that this thread is making. A process that has ended meanwhile answers at once; the library, which may hold
    /// a lock of its own, is then not called but told by what `enif_monitor_process` returns.
    static MAKING: Cell<Option<[u64; 2]>> = const { Cell::new(None) };
}

/// Who has which monitor.
static DOWN: Mutex<Option<HashMap<[u64; 2], Weak<Magic>>>> = Mutex::new(None);

fn take(monitor: [u64; 2]) -> Option<Weak<Magic>> {
    DOWN.lock().as_mut()?.remove(&monitor)
}

/// The term of the object that has a monitor.
pub fn owner(monitor: [u64; 2], heap: &mut Heap) -> Option<Term> {
    let magic = DOWN.lock().as_ref()?.get(&monitor)?.upgrade()?;
    let id = of_magic(&magic)?.id;
    Some(heap.magic_reference(id, magic))
}

fn shown(monitor: [u64; 2]) -> Monitor {
    Monitor([monitor[0], monitor[1], 0, 0])
}

/// A watched process has ended.
pub fn down(monitor: [u64; 2]) {
    if MAKING.get() == Some(monitor) {
        return MAKING.set(None);
    }
    let Some(magic) = take(monitor).and_then(|m| m.upgrade()) else { return };
    let Some(object) = of_magic(&magic) else { return };
    let Some(pid) = object.state.lock().monitors.remove(&monitor) else { return };
    let (functions, mut env) = object.calls();
    if let Some(down) = functions.down {
        let pid = Identifier(Word::from(Term::pid(pid)));
        // SAFETY: C: the object is alive, as `magic` refers to it.
        unsafe { down(&mut env, object.data(), &pid, &shown(monitor)) };
    }
}

/// Ends all monitors of an object that goes.
pub fn forget_all(object: &Object) {
    let monitors = std::mem::take(&mut object.state.lock().monitors);
    for (monitor, pid) in monitors {
        take(monitor);
        if let Some(engine) = engine() {
            engine.post(Term::pid(pid), Signal::bare(SignalKind::Demonitor { monitor }));
        }
    }
}

functions! {
    /// Has the object's type told when the process ends. Positive: it has ended; negative: the type cannot be told.
    fn enif_monitor_process(_p: *mut Env, data: *mut c_void, pid: *const Identifier, monitor: *mut Monitor) -> c_int {
        let object = Object::of(data);
        if object.calls().0.down.is_none() {
            return -1;
        }
        let (Some(engine), Some(id)) = (engine(), (*pid).0.term().as_pid()) else { return 1 };
        if engine.process(id).is_none() {
            return 1;
        }
        let made = engine.next_ref();
        object.state.lock().monitors.insert(made, id);
        DOWN.lock().get_or_insert_default().insert(made, Arc::downgrade(&object.magic()));
        if !monitor.is_null() {
            *monitor = shown(made);
        }
        let watcher = Watcher { monitor: made, watcher: Immediate::port(RESOURCES), name: None };
        MAKING.set(Some(made));
        engine.post(Term::pid(id), Signal::bare(SignalKind::Monitor(Box::new(watcher))));
        if MAKING.take().is_some() {
            return 0;
        }
        object.state.lock().monitors.remove(&made);
        take(made);
        1
    }

    /// Ends a monitor of the object; not 0: it has none such, or is being told.
    fn enif_demonitor_process(_p: *mut Env, data: *mut c_void, monitor: *const Monitor) -> c_int {
        let id = [(*monitor).0[0], (*monitor).0[1]];
        let Some(pid) = Object::of(data).state.lock().monitors.remove(&id) else { return 1 };
        take(id);
        if let Some(engine) = engine() {
            engine.post(Term::pid(pid), Signal::bare(SignalKind::Demonitor { monitor: id }));
        }
        0
    }

    /// The order of two monitors; 0: they are one.
    fn enif_compare_monitors(a: *const Monitor, b: *const Monitor) -> c_int {
        (*a).cmp(&*b) as c_int
    }

    /// A term for a monitor, to be shown.
    fn enif_make_monitor_term(p: *mut Env, monitor: *const Monitor) -> Word {
        let id = [(*monitor).0[0], (*monitor).0[1]];
        Word::from(env(p).heap().reference(id))
    }
}
