//! All tables of an engine: by name, by reference, by owner.
//!
//! A table's reference is a magic reference, so a call with it finds the table without asking here. Names are spread
//! over several maps. Each thread remembers tables that it has found by name, and a map's count of changes says whether
//! it still may: so a call by name writes to nothing that threads share.

use super::table::{Table, table_of};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;
use purlin_term::{Atom, Immediate, Magic, Term};
use purlin_vm::{Engine, Slot};
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

const SHARDS: usize = 32;

/// The tables of one engine.
pub struct Registry {
    names: [RwLock<HashMap<Atom, Arc<Magic>>>; SHARDS],
    /// How often each of these maps has changed. Counted behind the change, with the map's lock held: who has seen the
    /// count before looking into the map has not seen less than it says.
    changes: [AtomicU64; SHARDS],
    /// Of all registries there have been.
    number: u64,
    ids: RwLock<HashMap<u64, Arc<Magic>>>,
    /// Tables that a process owns or has fixed, by process.
    processes: RwLock<HashMap<Immediate, HashSet<u64>>>,
    hooked: OnceLock<()>,
}

static REGISTRY: Slot<Registry> = Slot::new();
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Tables that a thread remembers.
const REMEMBERED: usize = 32;

/// A table that a thread holds and counts for itself.
pub struct Held(Arc<Magic>);

/// A table that a thread has found by name.
struct Remembered {
    registry: u64,
    name: Atom,
    changes: u64,
    table: Rc<Held>,
}

thread_local! {
    static FOUND: RefCell<[Option<Remembered>; REMEMBERED]> = const { RefCell::new([const { None }; REMEMBERED]) };
}

impl Default for Registry {
    fn default() -> Registry {
        Registry {
            names: std::array::from_fn(|_| RwLock::default()),
            changes: Default::default(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            ids: RwLock::default(),
            processes: RwLock::default(),
            hooked: OnceLock::new(),
        }
    }
}

/// The tables of this engine.
pub fn of(engine: &Engine) -> &Registry {
    engine.state(&REGISTRY)
}

/// A table that a call works on.
pub enum Handle<'a> {
    Shared(Arc<Magic>),
    Remembered(Rc<Held>),
    Borrowed(&'a Table),
}

impl Deref for Handle<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        match self {
            Handle::Shared(m) => table_of(m),
            Handle::Remembered(m) => table_of(&m.0),
            Handle::Borrowed(t) => t,
        }
    }
}

/// Why there is no table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// Neither a name nor a table's reference.
    Type,
    /// No such table (any more).
    Id,
}

impl Registry {
    fn shard(&self, name: Atom) -> &RwLock<HashMap<Atom, Arc<Magic>>> {
        &self.names[name.index() as usize % SHARDS]
    }

    fn changes(&self, name: Atom) -> &AtomicU64 {
        &self.changes[name.index() as usize % SHARDS]
    }

    /// The table that a term names. It may have been deleted meanwhile: its state says so.
    pub fn find<'a>(&self, id: Term) -> Result<Handle<'a>, Missing> {
        if let Some(name) = id.as_atom() {
            return self.remembered(name).map(Handle::Remembered).ok_or(Missing::Id);
        }
        if let Some(t) = id.magic::<Table>() {
            return Ok(Handle::Borrowed(t));
        }
        // A reference that came back from the external format has lost its value.
        match id.as_local_ref() {
            Some(words) if id.as_magic().is_none() => self.by_id(words[0]).map(Handle::Shared).ok_or(Missing::Type),
            _ => Err(Missing::Type),
        }
    }

    fn remembered(&self, name: Atom) -> Option<Rc<Held>> {
        let changes = self.changes(name).load(Ordering::Acquire);
        FOUND.with_borrow_mut(|found| {
            let place = &mut found[name.index() as usize % REMEMBERED];
            if let Some(r) = place
                && (r.registry, r.name, r.changes) == (self.number, name, changes)
            {
                return Some(r.table.clone());
            }
            let table = Rc::new(Held(self.named(name)?));
            *place = Some(Remembered { registry: self.number, name, changes, table: table.clone() });
            Some(table)
        })
    }

    pub fn named(&self, name: Atom) -> Option<Arc<Magic>> {
        self.shard(name).read().get(&name).cloned()
    }

    pub fn by_id(&self, id: u64) -> Option<Arc<Magic>> {
        self.ids.read().get(&id).cloned()
    }

    /// Enters a new table; false: the name is taken.
    pub fn add(&self, magic: Arc<Magic>, name: Option<Atom>, owner: Immediate) -> bool {
        let id = table_of(&magic).id[0];
        if let Some(name) = name {
            let mut names = self.shard(name).write();
            if names.contains_key(&name) {
                return false;
            }
            names.insert(name, magic.clone());
            self.changes(name).fetch_add(1, Ordering::Release);
        }
        self.ids.write().insert(id, magic);
        self.involve(owner, id);
        true
    }

    /// Forgets a table that is no longer alive. The caller holds the table's lock.
    pub fn remove(&self, table: &Table, name: Atom, owner: Immediate) {
        if table.options.named {
            let mut names = self.shard(name).write();
            if names.get(&name).is_some_and(|m| table_of(m).id == table.id) {
                names.remove(&name);
                self.changes(name).fetch_add(1, Ordering::Release);
            }
        }
        self.ids.write().remove(&table.id[0]);
        self.release(owner, table.id[0]);
    }

    /// Gives a named table another name; false: that name is taken.
    pub fn rename(&self, table: &Table, from: Atom, to: Atom) -> bool {
        let Some(magic) = self.by_id(table.id[0]) else { return false };
        if from != to {
            let mut names = self.shard(to).write();
            if names.contains_key(&to) {
                return false;
            }
            names.insert(to, magic);
            self.changes(to).fetch_add(1, Ordering::Release);
            drop(names);
            let mut names = self.shard(from).write();
            names.remove(&from);
            self.changes(from).fetch_add(1, Ordering::Release);
            return true;
        }
        false
    }

    /// Has `hook` called once per engine, before the first process is involved with a table.
    pub fn hook_once(&self, hook: impl FnOnce()) {
        self.hooked.get_or_init(hook);
    }

    /// Notes that a process owns or has fixed a table.
    pub fn involve(&self, process: Immediate, id: u64) {
        self.processes.write().entry(process).or_default().insert(id);
    }

    /// Forgets what [`Registry::involve`] noted.
    pub fn release(&self, process: Immediate, id: u64) {
        let mut all = self.processes.write();
        if let Some(tables) = all.get_mut(&process) {
            tables.remove(&id);
            if tables.is_empty() {
                all.remove(&process);
            }
        }
    }

    /// The tables that a process that ends was involved with.
    pub fn take_process(&self, process: Immediate) -> Vec<Arc<Magic>> {
        if !self.processes.read().contains_key(&process) {
            return Vec::new();
        }
        let ids = self.processes.write().remove(&process).unwrap_or_default();
        let mut ids: Vec<u64> = ids.into_iter().collect();
        ids.sort_unstable();
        let all = self.ids.read();
        ids.iter().filter_map(|id| all.get(id).cloned()).collect()
    }

    /// All tables, oldest first.
    pub fn all(&self) -> Vec<Arc<Magic>> {
        let mut all: Vec<Arc<Magic>> = self.ids.read().values().cloned().collect();
        all.sort_unstable_by_key(|m| table_of(m).id);
        all
    }
}
