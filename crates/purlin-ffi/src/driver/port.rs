//! A port whose driver is a shared object's.
//!
//! The rules that must stay true: a driver's functions are called with the port's lock held, or with the driver's if its
//! ports share one; the port's state is locked for a few accesses and never while the driver runs; and a driver's use of
//! its library is given back when none of its functions runs for the port.

use super::binary::{Binary, release};
use super::entry::{Data, Driver, Entry, flag};
use super::pdl::Pdl;
use super::poll::Watched;
use super::queue::{IoVec, Queue};
use libc::iovec;
use parking_lot::{Condvar, Mutex, MutexGuard, ReentrantMutex, RwLock};
use purlin_natives::drivers::{
    ControlAnswer, Cutter, Deadline, Driver as PortDriver, Framing, Port as EnginePort, Settings, TooLong, Use, poll,
    unlinked, wake,
};
use purlin_natives::errno_name;
use purlin_term::{Atom, Immediate, Term, am};
use purlin_vm::signal::{RefId, Signal, SignalKind};
use purlin_vm::{Ctx, Engine};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, c_int};
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// `ErlDrvPort`: a port's number, such that none is null.
pub type Handle = usize;

/// What stands for no port.
pub const NO_PORT: Handle = usize::MAX;

fn handle(id: u64) -> Handle {
    (id as usize + 1) << 4
}

/// All ports of drivers, until their drivers have stopped.
static PORTS: RwLock<BTreeMap<Handle, Arc<Port>>> = RwLock::new(BTreeMap::new());

/// The port that a driver means.
pub fn find(handle: Handle) -> Option<Arc<Port>> {
    PORTS.read().get(&handle).cloned()
}

/// The port of this number.
pub fn of_number(id: u64) -> Option<Arc<Port>> {
    find(handle(id))
}

/// A port that calls a driver.
pub struct Port {
    pub id: u64,
    pub driver: Arc<Driver>,
    engine: Weak<Engine>,
    port: OnceLock<Weak<EnginePort>>,
    lock: Arc<ReentrantMutex<()>>,
    data: AtomicPtr<std::ffi::c_void>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Open,
    /// The queue is being written, then the driver stops.
    Closing,
    Stopped,
}

/// What changes.
pub struct State {
    pub phase: Phase,
    pub queue: Queue,
    /// The use of the library, until the driver has stopped.
    using: Option<Arc<Use>>,
    /// Functions of the driver that run, one within the other.
    depth: usize,
    /// Whether the driver has data for the port, which it is stopped with.
    has_started: bool,
    pub caller: Immediate,
    /// The owner, also when the port is closed.
    pub owner: Immediate,
    pub busy: bool,
    waiters: Vec<Immediate>,
    pub control_flags: c_int,
    pub timer: Option<Deadline>,
    pub watched: HashMap<c_int, Arc<Watched>>,
    pub monitors: Vec<(RefId, Immediate)>,
    pub os_pid: Option<u32>,
    pub cutter: Option<Cutter>,
    pub pdl: Option<Arc<Pdl>>,
    pub limits: (usize, usize),
    /// How much of a turn the driver said that it used.
    pub used: c_int,
    /// Who waits for the driver to say that it has started.
    pub starting: Option<(RefId, Immediate)>,
}

impl Port {
    /// Makes a port with a lock that the caller holds; it is found from now on, and nobody is linked to it yet.
    fn create(
        (driver, lock): (Arc<Driver>, Arc<ReentrantMutex<()>>),
        engine: &Arc<Engine>,
        name: String,
        settings: Option<&Settings>,
        (owner, caller): (Immediate, Immediate),
        using: Use,
    ) -> Result<(Arc<Port>, Arc<EnginePort>), Term> {
        let options = settings.map(|s| s.options.clone()).unwrap_or_default();
        let cutter = matches!(options.framing, Framing::Line(_)).then(|| Cutter::new(options.framing));
        let mut made = None;
        let port = unlinked(engine, name, options, owner, |id| {
            let port = Arc::new(Port {
                id,
                driver,
                engine: Arc::downgrade(engine),
                port: OnceLock::new(),
                lock,
                data: AtomicPtr::new(null_mut()),
                state: Mutex::new(State {
                    phase: Phase::Open,
                    queue: Queue::default(),
                    using: Some(Arc::new(using)),
                    depth: 0,
                    has_started: false,
                    caller,
                    owner,
                    busy: false,
                    waiters: Vec::new(),
                    control_flags: 0,
                    timer: None,
                    watched: HashMap::new(),
                    monitors: Vec::new(),
                    os_pid: None,
                    cutter,
                    pdl: None,
                    limits: (4096, 8192),
                    used: 0,
                    starting: None,
                }),
                changed: Condvar::new(),
            });
            made = Some(port.clone());
            Box::new(OfEngine(port))
        })?;
        let of_driver = made.ok_or(am!("system_limit"))?;
        let _ = of_driver.port.set(Arc::downgrade(&port));
        PORTS.write().insert(handle(of_driver.id), of_driver.clone());
        Ok((of_driver, port))
    }

    /// Opens a port by a command.
    pub fn open(
        driver: Arc<Driver>,
        ctx: &mut Ctx<'_>,
        command: &str,
        settings: &Settings,
        using: Use,
    ) -> Result<Term, Term> {
        let me = ctx.process.who();
        let waits = driver.has(flag::INIT_ACK).then(|| ctx.engine.next_ref());
        let start = driver.entry().start;
        let mut text = CString::new(command).map_err(|_| am!("badarg"))?.into_bytes_with_nul();
        // Nobody else calls the driver for the port before it has started.
        let lock = driver.lock();
        let guard = lock.lock();
        let driver = (driver, lock.clone());
        let (port, of_engine) = Port::create(driver, ctx.engine, command.into(), Some(settings), (me, me), using)?;
        port.state().starting = waits.map(|id| (id, me));
        let started = port.call(Some(me), |_| {
            let Some(start) = start else {
                port.state().has_started = true;
                return (null_mut(), 0);
            };
            // SAFETY: C, with the port's lock.
            let data = unsafe { start(handle(port.id), text.as_mut_ptr().cast()) };
            let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            if !is_error(data) {
                port.data.store(data, Ordering::Release);
            }
            let mut state = port.state();
            state.has_started = true;
            let over = state.phase == Phase::Stopped && !is_error(data);
            drop(state);
            if let Some(stop) = port.driver.entry().stop.filter(|_| over) {
                // SAFETY: C, with the port's lock: the driver has ended the port before it had data.
                unsafe { stop(data) };
            }
            (data, error)
        });
        if let Some((data, error)) = started
            && let Some(reason) = error_of(data, error)
        {
            of_engine.discard(ctx.engine);
            port.abort();
            return Err(reason);
        }
        drop(guard);
        ctx.data.relations().link(of_engine.term());
        match waits.filter(|_| port.state().starting.is_some()) {
            // The wrapper in `erlang` waits for a message with this reference.
            Some(id) => Ok(ctx.heap().reference(id)),
            None => Ok(of_engine.term()),
        }
    }

    /// A further port of the same driver, with its data, which does not start.
    pub fn another(&self, owner: Immediate, name: String, data: Data) -> Option<Handle> {
        let engine = self.engine.upgrade()?;
        engine.process(owner.term().as_pid()?)?;
        let using = self.using().filter(|u| u.is_good())?.again(true);
        let lock = self.driver.lock();
        let guard = lock.lock();
        let driver = (self.driver.clone(), lock.clone());
        let (port, of_engine) = Port::create(driver, &engine, name, None, (owner, Immediate::NIL), using).ok()?;
        port.data.store(data, Ordering::Release);
        port.state().has_started = true;
        drop(guard);
        engine.post(owner.term(), Signal::bare(SignalKind::Link { from: of_engine.term() }));
        Some(handle(port.id))
    }

    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.upgrade()
    }

    /// The port as the engine knows it.
    pub fn of_engine(&self) -> Option<Arc<EnginePort>> {
        self.port.get()?.upgrade()
    }

    pub fn term(&self) -> Term {
        Term::port(self.id)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The use of the library, for a call that is under way.
    fn using(&self) -> Option<Arc<Use>> {
        self.state().using.clone()
    }

    /// A further reference to the library, for work that outlives a call.
    pub fn library(&self) -> Option<Use> {
        self.using().map(|u| u.again(false))
    }

    /// The owner, which is known also when the port is closed.
    pub fn owner(&self) -> Immediate {
        let owner = self.of_engine().and_then(|port| port.state.lock().owner);
        let mut state = self.state();
        state.owner = owner.unwrap_or(state.owner);
        state.owner
    }

    /// Calls a function of the driver, unless it has stopped. A driver that is called may call for the port again.
    pub fn call<R>(self: &Arc<Self>, caller: Option<Immediate>, function: impl FnOnce(Data) -> R) -> Option<R> {
        let guard = self.lock.lock();
        let mut state = self.state();
        if state.phase == Phase::Stopped {
            return None;
        }
        state.depth += 1;
        state.used = 0;
        let before = std::mem::replace(&mut state.caller, caller.unwrap_or(Immediate::NIL));
        drop(state);
        self.owner();
        let result = function(self.data.load(Ordering::Acquire));
        let mut state = self.state();
        state.caller = before;
        let is_last = state.depth == 1 && state.phase == Phase::Closing && state.queue.len() == 0;
        drop(state);
        if is_last {
            self.stop();
        }
        self.state().depth -= 1;
        drop(guard);
        self.leave_library();
        Some(result)
    }

    /// Gives back the use of the library of a driver that has stopped and is not called.
    fn leave_library(&self) {
        let mut state = self.state();
        let over = state.phase == Phase::Stopped && state.depth == 0;
        let using = if over { state.using.take() } else { None };
        drop(state);
        drop(using);
    }

    /// The port is closed: what is queued is written first.
    fn close(self: &Arc<Self>, engine: &Arc<Engine>) {
        let guard = self.lock.lock();
        let mut state = self.state();
        let waiters = std::mem::take(&mut state.waiters);
        (state.busy, state.phase) = (false, if state.phase == Phase::Open { Phase::Closing } else { state.phase });
        for (monitor, process) in state.monitors.drain(..) {
            engine.post(process.term(), Signal::bare(SignalKind::Demonitor { monitor }));
        }
        let queued = state.queue.len();
        drop(state);
        wake(engine, waiters);
        if queued == 0 {
            self.stop();
        } else if let Some(flush) = self.driver.entry().flush {
            // SAFETY: C, with the port's lock.
            self.call(None, |data| unsafe { flush(data) });
        }
        drop(guard);
        self.leave_library();
    }

    /// Stops the driver. The lock is held.
    pub fn stop(self: &Arc<Self>) {
        let mut state = self.state();
        if state.phase == Phase::Stopped {
            return;
        }
        // Nobody else calls for the port any more, while the driver's last function may use it.
        state.phase = Phase::Stopped;
        state.depth += 1;
        let (timer, has_started) = (state.timer.take(), state.has_started);
        drop(state);
        let engine = self.engine();
        if let (Some(engine), Some(timer)) = (&engine, timer) {
            poll::cancel(engine, timer);
        }
        if let Some(stop) = self.driver.entry().stop.filter(|_| has_started) {
            // SAFETY: C, with the port's lock; this is done once.
            unsafe { stop(self.data.load(Ordering::Acquire)) };
        }
        self.forget();
        self.state().depth -= 1;
    }

    /// The driver did not start.
    fn abort(self: &Arc<Self>) {
        self.state().phase = Phase::Stopped;
        self.forget();
        self.leave_library();
    }

    /// What is left of a port that has stopped goes.
    fn forget(self: &Arc<Self>) {
        PORTS.write().remove(&handle(self.id));
        let engine = self.engine();
        let mut state = self.state();
        state.queue.clear();
        let timer = state.timer.take();
        let watched = std::mem::take(&mut state.watched);
        let pdl = state.pdl.take();
        let using = state.using.clone();
        drop(state);
        if let Some(pdl) = pdl {
            pdl.leave();
        }
        if let Some(using) = using {
            using.ended();
        }
        if let Some(engine) = engine {
            for (_, watched) in watched {
                watched.unwatch(&engine);
                let name = self.of_engine().map_or_else(|| "<unknown>".into(), |p| p.name.clone());
                self.report(&format!("#Port<0.{}>: {name}:  driver gone away without deselecting!", self.id));
            }
            if let Some(timer) = timer {
                poll::cancel(&engine, timer);
            }
        }
        self.changed.notify_all();
    }

    /// Says that the port takes commands again, or does not.
    pub fn set_busy(&self, busy: bool) {
        let mut state = self.state();
        state.busy = busy;
        let waiters = if busy { Vec::new() } else { std::mem::take(&mut state.waiters) };
        drop(state);
        if let Some(engine) = self.engine() {
            wake(&engine, waiters);
        }
    }

    /// The driver has started, or has not, and who opened the port may go on.
    pub fn has_started(self: &Arc<Self>, data: Data, error: c_int) {
        let waiting = self.state().starting.take();
        let (Some((id, process)), Some(engine)) = (waiting, self.engine()) else { return };
        let reason = error_of(data, error);
        if reason.is_none() {
            self.data.store(data, Ordering::Release);
        }
        let result = reason.unwrap_or(self.term());
        engine.post(
            process.term(),
            Signal::built(SignalKind::Message, |h| {
                let r = h.reference(id);
                h.tuple(&[r, result])
            }),
        );
        if let (Some(_), Some(port)) = (reason, self.of_engine()) {
            port.leave(&engine, Term::atom(Atom::NORMAL));
        }
    }

    /// Tells the log that the driver lacks a function, and cannot take what it waits for.
    pub fn lacks(&self, direction: &str, function: &str) {
        let name = self.of_engine().map_or_else(String::new, |p| p.name.clone());
        let driver = &self.driver.name;
        let named = if name == *driver { String::new() } else { format!("({name}) ") };
        let what = format!("{direction} driver '{driver}' {named}does not implement the {function}() callback!");
        self.report(&format!("#Port<0.{}>: {what}", self.id));
    }

    /// Writes an error to the log.
    pub fn report(&self, what: &str) {
        let Some(engine) = self.engine() else { return };
        let text = format!("{what}\n");
        purlin_vm::report::log(&engine, am!("error"), "~s", Term::atom(Atom::UNDEFINED), None, |h| {
            let text = h.string(&text);
            h.list(&[text])
        });
    }
}

/// Whether a driver's `start` says that it failed.
fn is_error(data: Data) -> bool {
    error_of(data, 0).is_some()
}

/// The reason that `start` gives in the place of data.
fn error_of(data: Data, error: c_int) -> Option<Term> {
    match data as isize {
        -1 => Some(am!("einval")),
        -2 => Some(Term::atom(Atom::new(errno_name(error)))),
        -3 => Some(am!("badarg")),
        _ => None,
    }
}

/// What the engine calls.
struct OfEngine(Arc<Port>);

impl Port {
    fn entry(&self) -> &Entry {
        self.driver.entry()
    }

    /// A command that the driver takes as pieces.
    fn output_pieces(self: &Arc<Self>, from: Immediate, bytes: &[u8]) {
        let Some(outputv) = self.entry().outputv else { return };
        self.call(Some(from), |data| {
            let binary = if bytes.is_empty() { null_mut() } else { Binary::of(bytes) };
            // SAFETY: the pieces are there for the call, and the binary has a reference of its own.
            unsafe {
                let none = iovec { iov_base: null_mut(), iov_len: 0 };
                let start = if binary.is_null() { null_mut() } else { Binary::bytes(binary).cast() };
                let mut pieces = [none, iovec { iov_base: start, iov_len: bytes.len() }];
                let mut binaries = [null_mut(), binary];
                let mut vec = IoVec {
                    count: if bytes.is_empty() { 1 } else { 2 },
                    size: bytes.len(),
                    pieces: pieces.as_mut_ptr(),
                    binaries: binaries.as_mut_ptr(),
                };
                outputv(data, &mut vec);
                release(binary);
            }
        });
    }
}

/// Room for an answer that the driver need not allocate.
const CONTROL_ROOM: usize = 64;
const CALL_ROOM: usize = 256;

/// The answer to a control operation becomes a binary.
const BINARY: c_int = 1;

/// The driver keeps the memory of its answer.
const KEEP_BUFFER: u32 = 1;

/// The first byte of a term in the external format.
const VERSION: u8 = 131;

/// # Safety
/// C: the answer has so many bytes.
unsafe fn bytes_at(start: *const u8, len: usize) -> Vec<u8> {
    // SAFETY: as promised.
    if len == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(start, len) }.to_vec() }
}

impl PortDriver for OfEngine {
    fn command(
        &self,
        _: &Arc<Engine>,
        _: &Arc<EnginePort>,
        from: Immediate,
        mut bytes: Vec<u8>,
    ) -> Result<(), TooLong> {
        let entry = self.0.entry();
        if entry.outputv.is_some() {
            self.0.output_pieces(from, &bytes);
        } else if let Some(output) = entry.output {
            // There are drivers that write one byte more.
            bytes.reserve(1);
            // SAFETY: C, with the port's lock.
            self.0.call(Some(from), |data| unsafe { output(data, bytes.as_mut_ptr(), bytes.len()) });
        }
        Ok(())
    }

    fn control_answer(
        &self,
        _: &Arc<Engine>,
        _: &Arc<EnginePort>,
        from: Immediate,
        operation: u32,
        bytes: &[u8],
    ) -> Option<ControlAnswer> {
        let control = self.0.entry().control?;
        let mut bytes = bytes.to_vec();
        self.0.call(Some(from), |data| {
            let mut room = [0; CONTROL_ROOM];
            let own = room.as_mut_ptr();
            let mut answer = own;
            // SAFETY: C, with the port's lock. What the driver answers is in the room, in a binary, or in memory of its own,
            // which it gives away.
            unsafe {
                let len = control(data, operation, bytes.as_mut_ptr(), bytes.len(), &mut answer, CONTROL_ROOM);
                let len = usize::try_from(len).ok()?;
                if answer.is_null() {
                    return Some(ControlAnswer::List(Vec::new()));
                }
                let binary = self.0.state().control_flags & BINARY != 0;
                Some(if answer == own {
                    let bytes = room[..len.min(CONTROL_ROOM)].to_vec();
                    if binary { ControlAnswer::Binary(bytes) } else { ControlAnswer::List(bytes) }
                } else if binary {
                    let given: *mut Binary = answer.cast();
                    let bytes = bytes_at(Binary::bytes(given), (*given).size as usize);
                    release(given);
                    ControlAnswer::Binary(bytes)
                } else {
                    let bytes = bytes_at(answer, len);
                    libc::free(answer.cast());
                    ControlAnswer::List(bytes)
                })
            }
        })?
    }

    fn call(
        &self,
        _: &Arc<Engine>,
        _: &Arc<EnginePort>,
        from: Immediate,
        operation: u32,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let call = self.0.entry().call?;
        let mut bytes = bytes.to_vec();
        self.0.call(Some(from), |data| {
            let mut room = [0; CALL_ROOM];
            let own = room.as_mut_ptr();
            let (mut answer, mut flags) = (own, 0);
            // SAFETY: C, with the port's lock. What the driver answers is in the room, or in memory of its own, which it gives
            // away unless it says otherwise.
            unsafe {
                let len = call(data, operation, bytes.as_mut_ptr(), bytes.len(), &mut answer, CALL_ROOM, &mut flags);
                let len = usize::try_from(len).ok().filter(|&len| len > 0 && !answer.is_null())?;
                let bytes = bytes_at(answer, len);
                if answer != own && flags & KEEP_BUFFER == 0 {
                    libc::free(answer.cast());
                }
                (bytes[0] == VERSION).then_some(bytes)
            }
        })?
    }

    fn busy(&self, waiter: Option<Immediate>) -> bool {
        let mut state = self.0.state();
        let busy = state.busy && state.phase == Phase::Open;
        if let Some(waiter) = waiter.filter(|w| busy && !state.waiters.contains(w)) {
            state.waiters.push(waiter);
        }
        busy
    }

    fn soft_busy(&self) -> bool {
        self.0.driver.has(flag::SOFT_BUSY)
    }

    fn queued(&self) -> usize {
        self.0.state().queue.len()
    }

    fn os_pid(&self) -> Option<u32> {
        self.0.state().os_pid
    }

    /// The system halts: the driver flushes what is queued, and stops.
    fn flush(&self, engine: &Arc<Engine>, _: &Arc<EnginePort>) {
        self.0.close(engine);
        let mut state = self.0.state();
        while state.phase != Phase::Stopped {
            self.0.changed.wait(&mut state);
        }
    }

    fn before_close(&self) {
        self.0.owner();
    }

    fn close(&self, engine: &Arc<Engine>, _: &Arc<EnginePort>) {
        self.0.close(engine);
    }

    fn is_idle(&self) -> bool {
        self.0.state().phase == Phase::Stopped
    }

    fn timeout(&self, _: &Arc<Engine>, _: &Arc<EnginePort>, limit: Deadline) {
        self.0.call(None, |data| {
            let mut state = self.0.state();
            if state.timer != Some(limit) {
                return;
            }
            state.timer = None;
            drop(state);
            if let Some(timeout) = self.0.entry().timeout {
                // SAFETY: C, with the port's lock.
                unsafe { timeout(data) };
            }
        });
    }

    fn process_exit(&self, _: &Arc<Engine>, _: &Arc<EnginePort>, monitor: RefId) {
        let Some(process_exit) = self.0.entry().process_exit else { return };
        self.0.call(None, |data| {
            let is_it = |m: &(RefId, Immediate)| m.0 == monitor;
            if self.0.state().monitors.iter().any(is_it) {
                // SAFETY: C, with the port's lock; the driver copies what it keeps.
                unsafe { process_exit(data, &mut [monitor[0], monitor[1], 0, 0]) };
                self.0.state().monitors.retain(|m| !is_it(m));
            }
        });
    }

    fn monitors(&self) -> Vec<Immediate> {
        self.0.state().monitors.iter().map(|m| m.1).collect()
    }

    fn library(&self) -> Option<u64> {
        self.0.state().using.as_ref().map(|u| u.key())
    }

    fn abandon(&self) {
        self.0.state().queue.clear();
    }

    fn excludes_ports(&self) -> bool {
        self.0.driver.lock.is_some()
    }
}

/// The pointer that a handle is to C.
pub fn pointer(handle: Handle) -> *mut std::ffi::c_void {
    without_provenance_mut(handle)
}
