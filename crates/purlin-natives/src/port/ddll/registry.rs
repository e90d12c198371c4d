//! Drivers that are loaded, who has loaded them, and who waits for what becomes of them.
//!
//! The rules that must stay true: a driver is unloaded when nobody refers to it (processes that have loaded it, ports, and
//! calls under way do), and then only; nobody drops a [`Use`] while he holds the lock of this file.

use super::super::loading::{Fault, Library, Loader, Loading};
use super::super::{Port, all};
use super::{code_of, error_of};
use crate::taints;
use parking_lot::Mutex;
use purlin_term::{Atom, Immediate, Term, am};
use purlin_vm::signal::{RefId, Signal, SignalKind};
use purlin_vm::{Engine, Slot};
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The drivers of one engine.
#[derive(Default)]
struct Drivers {
    table: Mutex<Table>,
    loading: Loading,
}

#[derive(Default)]
struct Table {
    loaded: Vec<Loaded>,
    /// What the system said of files, each once: `{open_error, Code}` counts them.
    told: Vec<String>,
    next: u64,
}

static DRIVERS: Slot<Drivers> = Slot::new();

/// A driver that is loaded, or about to be loaded again.
struct Loaded {
    key: u64,
    name: String,
    library: Arc<dyn Library>,
    path: OsString,
    kill_ports: bool,
    status: Status,
    /// The file to load when the driver is unloaded, and its `kill_ports`.
    reload: Option<(OsString, bool)>,
    /// The newest first.
    users: Vec<User>,
    ports: usize,
    references: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Good,
    /// Unloaded when nobody refers to it; forced: no port is opened any more.
    Unload {
        forced: bool,
    },
    Reload {
        forced: bool,
    },
    Permanent,
}

/// A process that has loaded a driver, or waits.
struct User {
    process: Immediate,
    wait: Wait,
    monitor: RefId,
    /// Whether it counts as a reference, as one that has loaded the driver does.
    refers: bool,
}

/// What a user waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For nothing: the process has loaded the driver.
    Not,
    Load,
    Unload,
    /// As before, and loading the driver again does not end the waiting.
    UnloadOnly,
}

/// Whether something is done only if nobody else has loaded the driver, or waits for others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    Driver,
    Others,
}

/// What a process wants loaded.
pub struct Wish {
    pub path: OsString,
    pub name: String,
    pub kill_ports: bool,
    pub monitor: bool,
    pub reload: Option<Pending>,
}

/// What comes of it.
pub enum Answer {
    Ok(Term, Option<RefId>),
    Refused(Term),
    Failed(i64),
}

/// A reference to a driver, of one of its ports.
pub struct Use {
    engine: Weak<Engine>,
    key: u64,
    /// Whether the port counts as one.
    is_open: AtomicBool,
}

impl Use {
    /// Names the driver among all that are and were loaded.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// A further reference: of another port, or of work under way.
    pub fn again(&self, port: bool) -> Use {
        if let Some(engine) = self.engine.upgrade()
            && let Some(of) = drivers(&engine).table.lock().of_key(self.key)
        {
            of.references += 1;
            of.ports += usize::from(port);
        }
        Use { engine: self.engine.clone(), key: self.key, is_open: AtomicBool::new(port) }
    }

    /// Whether ports may be opened.
    pub fn is_good(&self) -> bool {
        let engine = self.engine.upgrade();
        engine.is_some_and(|e| drivers(&e).table.lock().of_key(self.key).is_some_and(|of| of.status.opens_ports()))
    }

    /// The port does not count any more, though it still refers to the driver.
    pub fn ended(&self) {
        if self.is_open.swap(false, Ordering::AcqRel)
            && let Some(engine) = self.engine.upgrade()
            && let Some(of) = drivers(&engine).table.lock().of_key(self.key)
        {
            of.ports -= 1;
        }
    }

    /// The driver stays loaded from now on.
    pub fn lock(&self) {
        let Some(engine) = self.engine.upgrade() else { return };
        let mut table = drivers(&engine).table.lock();
        let Some(of) = table.of_key(self.key).filter(|of| of.status != Status::Permanent) else { return };
        for wait in [Wait::Load, Wait::Unload, Wait::UnloadOnly] {
            of.tell(&engine, wait, am!("UP"), am!("permanent"));
        }
        of.users.clear();
        // This one is never given back.
        of.references += 1;
        of.status = Status::Permanent;
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.ended();
        if let Some(engine) = self.engine.upgrade() {
            release(&engine, self.key);
        }
    }
}

impl Status {
    fn opens_ports(self) -> bool {
        !matches!(self, Status::Unload { forced: true } | Status::Reload { forced: true })
    }
}

impl Table {
    fn of(&mut self, name: &str) -> Option<&mut Loaded> {
        self.loaded.iter_mut().find(|of| of.name == name)
    }

    fn of_key(&mut self, key: u64) -> Option<&mut Loaded> {
        self.loaded.iter_mut().find(|of| of.key == key)
    }
}

impl Loaded {
    /// How often processes have loaded it.
    fn loads(&self) -> usize {
        self.users.iter().filter(|u| u.wait == Wait::Not).count()
    }

    fn add(&mut self, process: Immediate, wait: Wait, monitor: RefId, refers: bool) {
        self.references += usize::from(refers);
        self.users.insert(0, User { process, wait, monitor, refers });
    }

    fn remove(&mut self, at: usize) {
        let user = self.users.remove(at);
        self.references -= usize::from(user.refers);
    }

    fn load_of(&self, process: Immediate) -> Option<usize> {
        self.users.iter().position(|u| u.process == process && u.wait == Wait::Not)
    }

    fn wait(&mut self, engine: &Engine, process: Immediate, wait: Wait) -> RefId {
        let monitor = engine.next_ref();
        self.add(process, wait, monitor, false);
        monitor
    }

    /// Tells those who wait for something, who wait no more.
    fn tell(&mut self, engine: &Arc<Engine>, wait: Wait, event: Term, what: Term) {
        let name = Term::atom(Atom::new(&self.name));
        self.users.retain(|user| {
            if user.wait == wait {
                tell(engine, user, event, name, |_| what);
            }
            user.wait != wait
        });
    }

    fn is_same(&self, path: &OsString, kill_ports: bool) -> bool {
        self.path == *path && self.kill_ports == kill_ports
    }

    /// Nothing is loaded again after all.
    fn cancel_reload(&mut self, engine: &Arc<Engine>) {
        if matches!(self.status, Status::Reload { .. }) {
            self.tell(engine, Wait::Load, am!("DOWN"), am!("load_cancelled"));
            self.reload = None;
        }
    }
}

fn drivers(engine: &Engine) -> &Drivers {
    engine.state(&DRIVERS)
}

/// Has an engine load drivers, if nothing does yet.
pub fn set_loader(engine: &Engine, loader: Box<dyn Loader>) {
    let _ = drivers(engine).loading.0.set(loader);
}

/// `{Event, Ref, driver, Name, What}`
fn tell(engine: &Arc<Engine>, user: &User, event: Term, name: Term, what: impl FnOnce(&mut purlin_term::Heap) -> Term) {
    let message = Signal::built(SignalKind::Message, |h| {
        let (r, what) = (h.reference(user.monitor), what(h));
        h.tuple(&[event, r, am!("driver"), name, what])
    });
    engine.post(user.process.term(), message);
}

fn read(engine: &Arc<Engine>, path: &OsString, name: &str) -> Result<Arc<dyn Library>, Fault> {
    let loader = drivers(engine).loading.0.get().ok_or(Fault::NotAvailable)?;
    loader.load(engine, path, name)
}

/// What is left to do when the lock is free: to close the ports, if so, and to give back a reference.
type Rest = Option<(u64, bool)>;

fn finish(engine: &Arc<Engine>, rest: Rest) {
    if let Some((key, kill)) = rest {
        if kill {
            kill_ports(engine, key);
        }
        release(engine, key);
    }
}

/// Loads a driver for a process.
pub fn load(engine: &Arc<Engine>, process: Immediate, wish: Wish) -> Answer {
    let (answer, rest) = load_locked(engine, &mut drivers(engine).table.lock(), process, wish);
    finish(engine, rest);
    answer
}

fn load_locked(engine: &Arc<Engine>, table: &mut Table, process: Immediate, wish: Wish) -> (Answer, Rest) {
    let Some(of) = table.of(&wish.name) else {
        if wish.reload.is_some() {
            return (Answer::Refused(am!("not_loaded")), None);
        }
        let answer = match read(engine, &wish.path, &wish.name) {
            Ok(library) => {
                taints::add(engine, Atom::new(&wish.name));
                table.next += 1;
                let mut of = Loaded {
                    key: table.next,
                    name: wish.name,
                    library,
                    path: wish.path,
                    kill_ports: wish.kill_ports,
                    status: Status::Good,
                    reload: None,
                    users: Vec::new(),
                    ports: 0,
                    references: 0,
                };
                of.add(process, Wait::Not, [0; 2], true);
                table.loaded.push(of);
                Answer::Ok(am!("loaded"), None)
            }
            Err(fault) => Answer::Failed(code_of(fault, &mut table.told)),
        };
        return (answer, None);
    };
    let answer = match (of.status, wish.reload) {
        (Status::Permanent, _) => Answer::Refused(am!("permanent")),
        (Status::Good, Some(pending)) => {
            if pending == Pending::Driver && (of.loads() != 1 || of.load_of(process).is_none()) {
                return (Answer::Refused(am!("pending_process")), None);
            }
            if of.kill_ports != wish.kill_ports {
                return (Answer::Refused(am!("inconsistent")), None);
            }
            let Some(mine) = of.load_of(process) else {
                return (Answer::Refused(am!("not_loaded_by_this_process")), None);
            };
            of.remove(mine);
            // From now on ports alone keep it; whoever has loaded it has loaded the new one.
            for user in of.users.iter_mut().filter(|u| u.refers) {
                user.refers = false;
                of.references -= 1;
            }
            of.add(process, Wait::Not, [0; 2], false);
            of.status = Status::Reload { forced: of.kill_ports };
            of.reload = Some((wish.path, wish.kill_ports));
            let monitor = wish.monitor.then(|| of.wait(engine, process, Wait::Load));
            let what = if pending == Pending::Driver { am!("pending_driver") } else { am!("pending_process") };
            let (key, kill) = (of.key, of.kill_ports);
            of.references += 1;
            return (Answer::Ok(what, monitor), Some((key, kill)));
        }
        (Status::Good | Status::Unload { .. }, None) => {
            if !of.is_same(&wish.path, wish.kill_ports) {
                return (Answer::Refused(am!("inconsistent")), None);
            }
            if of.status != Status::Good {
                of.status = Status::Good;
                of.tell(engine, Wait::Unload, am!("UP"), am!("unload_cancelled"));
            }
            of.add(process, Wait::Not, [0; 2], true);
            Answer::Ok(am!("already_loaded"), None)
        }
        (Status::Unload { .. }, Some(_)) => Answer::Refused(am!("not_loaded_by_this_process")),
        (Status::Reload { .. }, Some(_)) => Answer::Refused(am!("pending_reload")),
        (Status::Reload { .. }, None) => {
            if of.reload.as_ref() != Some(&(wish.path, wish.kill_ports)) {
                return (Answer::Refused(am!("inconsistent")), None);
            }
            of.add(process, Wait::Not, [0; 2], false);
            Answer::Ok(am!("pending_driver"), Some(of.wait(engine, process, Wait::Load)))
        }
    };
    (answer, None)
}

/// Unloads a driver for a process: from now on, or when ports and others do not refer to it any more.
pub fn unload(
    engine: &Arc<Engine>,
    process: Immediate,
    name: &str,
    kill_ports: bool,
    monitor: Option<Pending>,
) -> Answer {
    let mut table = drivers(engine).table.lock();
    let Some(of) = table.of(name) else { return Answer::Refused(am!("not_loaded")) };
    if of.status == Status::Permanent {
        return Answer::Refused(am!("permanent"));
    }
    // Held until the lock is free again.
    of.references += 1;
    match of.load_of(process) {
        Some(mine) => of.remove(mine),
        None if of.loads() > 0 => {
            of.references -= 1;
            return Answer::Refused(am!("not_loaded_by_this_process"));
        }
        None => {}
    }
    let (what, waits, kill) = if of.loads() > 0 {
        (am!("pending_process"), monitor == Some(Pending::Others), false)
    } else {
        of.cancel_reload(engine);
        let forced = (kill_ports || of.kill_ports) && of.ports > 0;
        of.status = Status::Unload { forced };
        (am!("pending_driver"), monitor.is_some(), forced)
    };
    let monitor = waits.then(|| of.wait(engine, process, Wait::Unload));
    let key = of.key;
    drop(table);
    finish(engine, Some((key, kill)));
    Answer::Ok(what, monitor)
}

/// Closes all ports of a driver.
fn kill_ports(engine: &Arc<Engine>, key: u64) {
    let of_driver = |port: &Arc<Port>| port.driver.library() == Some(key);
    for port in all(engine).into_iter().filter(of_driver) {
        port.driver.abandon();
        port.close(engine, am!("driver_unloaded"));
    }
}

/// Gives back a reference. The last one has the driver unloaded, and perhaps loaded again.
fn release(engine: &Arc<Engine>, key: u64) {
    let mut table = drivers(engine).table.lock();
    let table = &mut *table;
    let Some(at) = table.loaded.iter().position(|of| of.key == key) else { return };
    let of = &mut table.loaded[at];
    of.references -= 1;
    if of.references > 0 {
        return;
    }
    of.library.unload();
    for wait in [Wait::Unload, Wait::UnloadOnly] {
        of.tell(engine, wait, am!("DOWN"), am!("unloaded"));
    }
    let Some((path, kill_ports)) = of.reload.take() else {
        table.loaded.remove(at);
        return;
    };
    match read(engine, &path, &of.name) {
        Ok(library) => {
            (of.library, of.path, of.kill_ports, of.status) = (library, path, kill_ports, Status::Good);
            for user in of.users.iter_mut().filter(|u| u.wait == Wait::Not) {
                user.refers = true;
                of.references += 1;
            }
            of.tell(engine, Wait::Load, am!("UP"), am!("loaded"));
        }
        Err(fault) => {
            let (code, of) = (code_of(fault, &mut table.told), table.loaded.remove(at));
            let name = Term::atom(Atom::new(&of.name));
            for user in of.users.iter().filter(|u| u.wait == Wait::Load) {
                tell(engine, user, am!("DOWN"), name, |h| {
                    let error = error_of(h, code);
                    h.tuple(&[am!("load_failure"), error])
                });
            }
        }
    }
}

/// A process has ended: what it has loaded is unloaded, unless others have loaded it.
pub fn process_ended(engine: &Arc<Engine>, process: Immediate) {
    let mut rest = Vec::new();
    for of in &mut drivers(engine).table.lock().loaded {
        if of.status == Status::Permanent || !of.users.iter().any(|u| u.process == process) {
            continue;
        }
        // Held until the lock is free again.
        of.references += 1;
        while let Some(at) = of.users.iter().position(|u| u.process == process) {
            of.remove(at);
        }
        let mut kill = false;
        if of.loads() == 0 {
            of.cancel_reload(engine);
            kill = of.kill_ports && of.ports > 0;
            of.status = Status::Unload { forced: kill };
        }
        rest.push((of.key, kill));
    }
    for of in rest {
        finish(engine, Some(of));
    }
}

/// Waits for what becomes of a driver; or what is told at once, of one for which nobody has to wait.
pub fn monitor(
    engine: &Arc<Engine>,
    process: Immediate,
    name: &str,
    wait: Wait,
    monitor: RefId,
) -> Option<(Term, Term)> {
    let mut table = drivers(engine).table.lock();
    let Some(of) = table.of(name) else { return Some((am!("DOWN"), am!("unloaded"))) };
    match (of.status, wait) {
        (Status::Permanent, _) => Some((am!("UP"), am!("permanent"))),
        (Status::Good, Wait::Load) => Some((am!("UP"), am!("loaded"))),
        (Status::Unload { .. }, Wait::Load) => Some((am!("DOWN"), am!("load_cancelled"))),
        _ => {
            of.add(process, wait, monitor, false);
            None
        }
    }
}

/// Has a process wait no more.
pub fn demonitor(engine: &Engine, process: Immediate, monitor: RefId) {
    for of in &mut drivers(engine).table.lock().loaded {
        of.users.retain(|u| u.process != process || u.wait == Wait::Not || u.monitor != monitor);
    }
}

/// The driver of this name, for a port to be opened.
pub fn find(engine: &Arc<Engine>, name: &str) -> Option<(Arc<dyn Library>, Use)> {
    let mut table = drivers(engine).table.lock();
    let of = table.of(name).filter(|of| of.status.opens_ports())?;
    of.references += 1;
    of.ports += 1;
    let using = Use { engine: Arc::downgrade(engine), key: of.key, is_open: AtomicBool::new(true) };
    Some((of.library.clone(), using))
}

/// The names of all, the oldest first.
pub fn names(engine: &Engine) -> Vec<String> {
    drivers(engine).table.lock().loaded.iter().map(|of| of.name.clone()).collect()
}

/// What the system said at this place of the list.
pub fn told(engine: &Engine, at: i64) -> Option<String> {
    drivers(engine).table.lock().told.get(usize::try_from(at).ok()?).cloned()
}

/// What `erl_ddll:info/2` tells of a driver.
pub struct Facts {
    pub permanent: bool,
    pub kill_ports: bool,
    pub ports: usize,
    users: Vec<(Immediate, Wait)>,
}

impl Facts {
    /// The processes that wait for one of these, and how often each does.
    pub fn users(&self, waits: &[Wait]) -> impl Iterator<Item = (Immediate, i64)> {
        let mut found: Vec<(Immediate, i64)> = Vec::new();
        for (process, _) in self.users.iter().filter(|u| waits.contains(&u.1)) {
            match found.iter_mut().find(|f| f.0 == *process) {
                Some(counted) => counted.1 += 1,
                None => found.push((*process, 1)),
            }
        }
        found.into_iter().rev()
    }
}

/// What there is to tell of a driver.
pub fn facts(engine: &Engine, name: &str) -> Option<Facts> {
    let mut table = drivers(engine).table.lock();
    let of = table.of(name)?;
    Some(Facts {
        permanent: of.status == Status::Permanent,
        kill_ports: of.kill_ports,
        ports: of.ports,
        users: of.users.iter().map(|u| (u.process, u.wait)).collect(),
    })
}
