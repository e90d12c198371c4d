//! The poll thread: it waits for all descriptors that drivers and the module `socket` have it watch, and for the time
//! limits of drivers.
//!
//! The rules that must stay true: a descriptor is watched exactly for the interest told last, it is no more watched
//! before it is closed, and no lock of this file is held while somebody is told.

use super::Port;
use parking_lot::Mutex;
use purlin_vm::sched::microstate::State;
use purlin_vm::{Engine, Slot};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use rustix::io::Errno;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// Who is told what a watched descriptor is ready for.
pub trait Ready: Send + Sync {
    fn ready(self: Arc<Self>, engine: &Arc<Engine>, read: bool, write: bool);

    /// The descriptor has an error, which was asked for.
    fn failed(self: Arc<Self>, _engine: &Arc<Engine>) {}
}

impl Ready for Port {
    fn ready(self: Arc<Self>, engine: &Arc<Engine>, read: bool, write: bool) {
        self.driver.ready(engine, &self, read, write);
    }
}

/// What is waited for at a descriptor.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Interest {
    pub read: bool,
    pub write: bool,
    /// Errors, which are told anyway as being ready for what is asked for.
    pub error: bool,
}

impl Interest {
    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.read);
        flags.set(EventFlags::OUT, self.write);
        flags
    }

    fn any(self) -> bool {
        self.read || self.write || self.error
    }
}

/// When a time limit is reached; the number keeps equal times apart.
pub type Deadline = (Instant, u64);

/// The poll thread of an engine, started with its first port that needs it.
#[derive(Default)]
pub struct Poll(OnceLock<Option<Arc<Shared>>>);

static POLL: Slot<Poll> = Slot::new();

/// Number of the event that has the thread look at its table again.
const WAKE: u64 = u64::MAX;

struct Shared {
    epoll: OwnedFd,
    wake: OwnedFd,
    table: Mutex<Table>,
}

/// Who is told of a descriptor.
struct Watched {
    who: Arc<dyn Ready>,
    /// The descriptor, unless somebody else who has the same one has it watched since.
    fd: Option<RawFd>,
}

#[derive(Default)]
struct Table {
    watched: HashMap<u64, Watched>,
    /// What the kernel does not watch, such as `/dev/null`, because it is ready always.
    always: HashMap<u64, Interest>,
    limits: BTreeMap<Deadline, Arc<Port>>,
    started: u64,
}

impl Drop for Poll {
    fn drop(&mut self) {
        if let Some(Some(shared)) = self.0.get() {
            shared.wake_up();
        }
    }
}

impl Shared {
    fn new() -> rustix::io::Result<Shared> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Shared { epoll, wake, table: Mutex::default() })
    }

    fn wake_up(&self) {
        // A counter that cannot be raised further wakes as well.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

fn shared(engine: &Arc<Engine>) -> Option<&Arc<Shared>> {
    let start = || {
        let shared = Arc::new(Shared::new().ok()?);
        let (mine, weak) = (shared.clone(), Arc::downgrade(engine));
        std::thread::Builder::new().name("poll".into()).spawn(move || run(&mine, &weak)).ok()?;
        Some(shared)
    };
    engine.state(&POLL).0.get_or_init(start).as_ref()
}

/// Whether descriptors can be watched, which takes two descriptors and a thread.
pub fn is_ready(engine: &Arc<Engine>) -> bool {
    shared(engine).is_some()
}

/// Has a descriptor watched for what is now waited for. `id` is nobody else's: the number of a port, or one with the
/// highest bit set.
pub fn watch<R: Ready + 'static>(
    engine: &Arc<Engine>,
    (id, who): (u64, &Arc<R>),
    fd: impl AsFd,
    before: Interest,
    now: Interest,
) {
    let Some(shared) = shared(engine) else { return };
    if now == before {
        return;
    }
    if !now.any() {
        let mut table = shared.table.lock();
        table.always.remove(&id);
        let who = table.watched.remove(&id);
        drop(table);
        if who.is_some_and(|who| who.fd.is_some()) {
            let _ = epoll::delete(&shared.epoll, fd);
        }
        return;
    }
    let data = EventData::new_u64(id);
    let number = fd.as_fd().as_raw_fd();
    // Otherwise neither call fails for an open descriptor but for lack of memory; it then stays silent.
    if !before.any() {
        shared.table.lock().watched.insert(id, Watched { who: who.clone(), fd: Some(number) });
        match epoll::add(&shared.epoll, &fd, data, now.flags()) {
            Err(Errno::PERM) => {
                shared.table.lock().always.insert(id, now);
                shared.wake_up();
            }
            Err(Errno::EXIST) => {
                shared.table.lock().take_over(id, number);
                let _ = epoll::modify(&shared.epoll, fd, data, now.flags());
            }
            _ => {}
        }
        return;
    }
    let mut table = shared.table.lock();
    if let Some(interest) = table.always.get_mut(&id) {
        *interest = now;
    } else if table.watched.get(&id).is_some_and(|who| who.fd.is_some()) {
        drop(table);
        let _ = epoll::modify(&shared.epoll, fd, data, now.flags());
    }
}

impl Table {
    /// A descriptor that two have, each on its own account, is watched for the one that asked last, as on the BEAM.
    fn take_over(&mut self, id: u64, fd: RawFd) {
        for (_, other) in self.watched.iter_mut().filter(|(other, _)| **other != id) {
            other.fd = other.fd.filter(|&other| other != fd);
        }
    }
}

/// Starts a time limit: when it is reached the port's driver is told.
pub fn limit(engine: &Arc<Engine>, port: &Arc<Port>, after: Duration) -> Option<Deadline> {
    let shared = shared(engine)?;
    let mut table = shared.table.lock();
    table.started += 1;
    let deadline = (Instant::now().checked_add(after)?, table.started);
    table.limits.insert(deadline, port.clone());
    let is_first = table.limits.first_key_value().is_some_and(|(&d, _)| d == deadline);
    drop(table);
    if is_first {
        shared.wake_up();
    }
    Some(deadline)
}

/// Takes back a time limit.
pub fn cancel(engine: &Arc<Engine>, deadline: Deadline) {
    if let Some(shared) = shared(engine) {
        let port = shared.table.lock().limits.remove(&deadline);
        drop(port);
    }
}

fn run(shared: &Shared, engine: &Weak<Engine>) {
    let mut events = Vec::with_capacity(256);
    loop {
        let (first, is_ready) = {
            let table = shared.table.lock();
            let first = table.limits.first_key_value().map(|(&(at, _), _)| at);
            (first, !table.always.is_empty())
        };
        let at = if is_ready { Some(Instant::now()) } else { first };
        let timeout = at.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
        });
        events.clear();
        // An interrupted wait is one without events.
        let _ = epoll::wait(&shared.epoll, spare_capacity(&mut events), timeout.as_ref());
        let Some(engine) = engine.upgrade() else { return };
        engine.sched.freeze.stand_still();
        let states = &engine.sched.microstates;
        states.enter(states.poll_thread(), State::CheckIo, || engine.clock.now());
        for event in events.drain(..) {
            let (id, flags) = (event.data.u64(), event.flags);
            if id == WAKE {
                let _ = rustix::io::read(&shared.wake, &mut [0; 8]);
                continue;
            }
            let failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            let (read, write) = (flags.contains(EventFlags::IN) || failed, flags.contains(EventFlags::OUT) || failed);
            let who = shared.table.lock().watched.get(&id).map(|watched| watched.who.clone());
            if let Some(who) = who.clone().filter(|_| flags.contains(EventFlags::ERR)) {
                call(|| who.failed(&engine));
            }
            if let Some(who) = who {
                call(|| who.ready(&engine, read, write));
            }
        }
        let always: Vec<(u64, Interest)> = shared.table.lock().always.iter().map(|(&id, &i)| (id, i)).collect();
        for (id, interest) in always {
            let who = shared.table.lock().watched.get(&id).map(|watched| watched.who.clone());
            if let Some(who) = who {
                call(|| who.ready(&engine, interest.read, interest.write));
            }
        }
        loop {
            let mut table = shared.table.lock();
            let due = table.limits.first_entry().filter(|e| e.key().0 <= Instant::now());
            let Some((deadline, port)) = due.map(|e| e.remove_entry()) else { break };
            drop(table);
            call(|| port.driver.timeout(&engine, &port, deadline));
        }
        states.enter(states.poll_thread(), State::Sleep, || engine.clock.now());
    }
}

/// A mistake in the handling of one descriptor, which the panic hook reports, leaves the others alone.
fn call(driver: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(driver));
}
