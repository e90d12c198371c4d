//! `enif_select`: having a process told when a descriptor is ready.
//!
//! The rule that must stay true: a descriptor is asked for and given up under the lock of the table, so that nobody
//! changes what is watched after the library was told that it may close it.

use crate::abi::Identifier;
use crate::env::{Env, env};
use crate::resource::Object;
use crate::word::Word;
use hashbrown::HashMap;
use parking_lot::Mutex;
use purlin_natives::poll::{self, Interest, Ready};
use purlin_term::{Heap, Magic, Owned, Term, am};
use purlin_vm::Engine;
use purlin_vm::signal::{Signal, SignalKind};
use std::ffi::{c_int, c_void};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

// What may be asked for.
const READ: c_int = 1 << 0;
const WRITE: c_int = 1 << 1;
const STOP: c_int = 1 << 2;
const CANCEL: c_int = 1 << 3;
const CUSTOM_MSG: c_int = 1 << 4;
const ERROR: c_int = 1 << 5;

// What is answered.
const STOP_CALLED: c_int = 1 << 0;
const INVALID_EVENT: c_int = 1 << 2;
const FAILED: c_int = 1 << 3;
const READ_CANCELLED: c_int = 1 << 4;
const WRITE_CANCELLED: c_int = 1 << 5;
const ERROR_CANCELLED: c_int = 1 << 6;

/// Descriptors that objects have asked for.
static SELECTED: Mutex<Option<HashMap<c_int, Arc<Selected>>>> = Mutex::new(None);

/// The numbers by which the poll thread knows these descriptors: the second highest bit is set besides the highest one.
const NUMBERS: u64 = 0b11 << 62;

/// A descriptor and who is told of it.
struct Selected {
    fd: c_int,
    /// The object, which stays as long as its descriptor is watched.
    object: Arc<Magic>,
    waiting: Mutex<[Option<Waiting>; 3]>,
}

/// A message to be sent once.
struct Waiting {
    to: Term,
    message: Owned,
}

// SAFETY: the receiver is a local pid, which points to nothing.
unsafe impl Send for Waiting {}

fn interest(waiting: &[Option<Waiting>; 3]) -> Interest {
    Interest { read: waiting[0].is_some(), write: waiting[1].is_some(), error: waiting[2].is_some() }
}

impl Selected {
    fn watch(self: &Arc<Selected>, engine: &Arc<Engine>, before: Interest, now: Interest) {
        // SAFETY: C: the descriptor is open until the type's `stop` is called.
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
        poll::watch(engine, (NUMBERS | self.fd as u64, self), fd, before, now);
    }
}

impl Selected {
    /// Sends the messages that wait for what has happened.
    fn happened(self: &Arc<Selected>, engine: &Arc<Engine>, what: [bool; 3]) {
        let table = SELECTED.lock();
        let mut waiting = self.waiting.lock();
        let before = interest(&waiting);
        let due: Vec<Waiting> =
            what.into_iter().zip(waiting.iter_mut()).filter_map(|(r, w)| if r { w.take() } else { None }).collect();
        if !due.is_empty() {
            self.watch(engine, before, interest(&waiting));
        }
        drop((waiting, table));
        for w in due {
            engine.post(w.to, Signal::with_copy(SignalKind::Message, w.message.term()));
        }
    }
}

impl Selected {
    /// Watches nothing any more; the messages that are not sent.
    fn give_up(self: &Arc<Selected>, engine: &Arc<Engine>) -> [Option<Waiting>; 3] {
        let mut waiting = self.waiting.lock();
        self.watch(engine, interest(&waiting), Interest::default());
        std::mem::take(&mut *waiting)
    }
}

impl Ready for Selected {
    fn ready(self: Arc<Selected>, engine: &Arc<Engine>, read: bool, write: bool) {
        self.happened(engine, [read, write, false]);
    }

    fn failed(self: Arc<Selected>, engine: &Arc<Engine>) {
        self.happened(engine, [false, false, true]);
    }
}

/// The message that a descriptor is ready, unless the library has its own.
fn usual(object: &Object, reference: Term, which: Term) -> Owned {
    let mut heap = Heap::new(0);
    let resource = heap.magic_reference(object.id, object.magic());
    Owned::new(heap.tuple(&[am!("select"), resource, reference, which]))
}

fn select(
    caller: &mut Env,
    fd: c_int,
    flags: c_int,
    object: &Object,
    pid: Option<Term>,
    message: impl Fn(Term) -> Owned,
) -> c_int {
    let Some(engine) = caller.engine().filter(poll::is_ready) else { return c_int::MIN | FAILED };
    if fd < 0 {
        return c_int::MIN | INVALID_EVENT;
    }
    // What goes ends after the locks: a destructor of what it refers to may select as well.
    let (mut gone, mut ended): (Vec<Arc<Selected>>, Vec<Option<Waiting>>) = Default::default();
    let mut table = SELECTED.lock();
    let table = table.get_or_insert_default();
    if flags & STOP != 0 {
        if let Some(selected) = table.remove(&fd) {
            ended.extend(selected.give_up(&engine));
            gone.push(selected);
        }
        return STOP_CALLED;
    }
    let to = match pid {
        Some(pid) => Some(pid),
        None => caller.ctx().map(|ctx| ctx.pid()),
    };
    let selected = match table.get(&fd) {
        Some(selected) if Arc::ptr_eq(&selected.object, &object.magic()) => selected.clone(),
        None if flags & CANCEL != 0 => return 0,
        before => {
            // Another object has the descriptor now; who waited for the former one's is told nothing any more.
            if let Some(selected) = before {
                ended.extend(selected.give_up(&engine));
            }
            let selected = Arc::new(Selected { fd, object: object.magic(), waiting: Mutex::default() });
            gone.extend(table.insert(fd, selected.clone()));
            selected
        }
    };
    let mut waiting = selected.waiting.lock();
    let before = interest(&waiting);
    let mut answer = 0;
    let kinds = [
        (READ, READ_CANCELLED, am!("ready_input")),
        (WRITE, WRITE_CANCELLED, am!("ready_output")),
        (ERROR, ERROR_CANCELLED, am!("ready_error")),
    ];
    for (i, (flag, cancelled, which)) in kinds.into_iter().enumerate() {
        if flags & flag == 0 {
            continue;
        }
        let new = to.filter(|_| flags & CANCEL == 0).map(|to| Waiting { to, message: message(which) });
        let former = std::mem::replace(&mut waiting[i], new);
        answer |= if flags & CANCEL != 0 && former.is_some() { cancelled } else { 0 };
        ended.push(former);
    }
    let now = interest(&waiting);
    selected.watch(&engine, before, now);
    answer
}

/// Tells the object that its descriptor is not watched any more, outside of all locks.
///
/// # Safety
/// C: the object's memory is alive.
unsafe fn stopped(object: &Object, fd: c_int) {
    let (functions, mut env) = object.calls();
    if let Some(stop) = functions.stop {
        // SAFETY: by the caller's promise.
        unsafe { stop(&mut env, object.data(), fd, 1) };
    }
}

functions! {
    /// Has a message sent when the descriptor is ready: `{select, Object, Reference, ready_input | ready_output | ready_error}`.
    fn enif_select(
        p: *mut Env,
        fd: c_int,
        flags: c_int,
        data: *mut c_void,
        pid: *const Identifier,
        reference: Word,
    ) -> c_int {
        let object = Object::of(data);
        let _alive = object.magic();
        let pid = if pid.is_null() { None } else { Some((*pid).0.term()) };
        let reference = reference.term();
        let answer = select(env(p), fd, flags, object, pid, |which| usual(object, reference, which));
        if answer == STOP_CALLED && flags & STOP != 0 {
            stopped(object, fd);
        }
        answer
    }

    /// As `enif_select`, with a message of the library's own.
    fn enif_select_x(
        p: *mut Env,
        fd: c_int,
        flags: c_int,
        data: *mut c_void,
        pid: *const Identifier,
        message: Word,
        of: *mut Env,
    ) -> c_int {
        let object = Object::of(data);
        let _alive = object.magic();
        let pid = if pid.is_null() { None } else { Some((*pid).0.term()) };
        let message = message.term();
        let answer = select(env(p), fd, flags & !CUSTOM_MSG, object, pid, |_| Owned::new(message));
        if answer >= 0 && !of.is_null() {
            env(of).clear();
        }
        if answer == STOP_CALLED && flags & STOP != 0 {
            stopped(object, fd);
        }
        answer
    }
}
