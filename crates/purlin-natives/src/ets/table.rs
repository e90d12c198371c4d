//! A table: what it was made with, who owns it, and its rows behind one lock.
//!
//! Reading a row copies it to the reader's heap while the lock is held; no term of a row is used after the lock is
//! given up. Writers copy rows before they take the lock.

use super::hash::{HashRows, Put, Same, Shape};
use super::key;
use super::tree::TreeRows;
use parking_lot::{Mutex, MutexGuard, RwLock};
use purlin_term::{Atom, Owned, Row, Term};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How rows are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Set,
    OrderedSet,
    Bag,
    DuplicateBag,
}

/// Who may read and write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    Private,
    Protected,
    Public,
}

/// What `write_concurrency` was set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writers {
    Off,
    On,
    Auto,
    /// This many locks, rounded to a power of two (a debug option of OTP, kept because it decides the order of rows).
    Locks(usize),
}

/// What a table was made with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub kind: Kind,
    pub protection: Protection,
    pub keypos: usize,
    pub named: bool,
    pub compressed: bool,
    pub read_concurrency: bool,
    pub writers: Writers,
    pub decentralized_counters: bool,
}

/// A table.
pub struct Table {
    /// The id words of the table's reference.
    pub id: [u64; 2],
    /// As made; `protection` is in the state.
    pub options: Options,
    pub state: RwLock<State>,
}

/// What changes in a table.
pub struct State {
    pub name: Atom,
    /// Pid of the owner.
    pub owner: Term,
    pub protection: Protection,
    /// Who inherits, and what the message then carries.
    pub heir: Option<(Term, Owned)>,
    /// False once the table is deleted: it exists for nobody any more.
    pub alive: bool,
    pub rows: Rows,
    /// Who fixed the table; has a lock of its own because readers fix tables too.
    fixations: Mutex<Fixations>,
    /// How many did.
    fixed_by: AtomicUsize,
}

/// Who fixed a table how often, and since when.
#[derive(Default)]
pub struct Fixations {
    pub by: Vec<Fixation>,
    /// When the first of them did: monotonic time and time offset, in native units.
    pub since: (i64, i64),
}

/// A process's claim that iterating stays possible while rows are deleted.
pub struct Fixation {
    pub process: Term,
    pub count: usize,
}

/// The rows.
pub enum Rows {
    Hash(HashRows),
    Tree(TreeRows),
}

impl Options {
    /// Whether OTP would give the table many locks; private tables have none.
    pub fn many_writers(&self) -> bool {
        self.writers != Writers::Off && self.protection != Protection::Private
    }

    /// Rows for a fresh table.
    fn rows(&self) -> Rows {
        let same = match self.kind {
            Kind::OrderedSet => return Rows::Tree(TreeRows::new(self.keypos)),
            Kind::Set => Same::Replace,
            Kind::Bag => Same::Bag,
            Kind::DuplicateBag => Same::DuplicateBag,
        };
        let stride = match self.writers {
            _ if !self.many_writers() => 1,
            Writers::Off => 1,
            Writers::On | Writers::Auto => 64,
            Writers::Locks(n) => (1 << n.max(1).ilog2()).max(64),
        };
        let lanes = self.many_writers() && self.decentralized_counters;
        Rows::Hash(HashRows::new(Shape { same, keypos: self.keypos, stride, lanes }))
    }

    /// Words that OTP reports for an empty table.
    pub fn base_words(&self) -> usize {
        let base = match (self.kind, self.many_writers(), self.writers) {
            (Kind::OrderedSet, true, _) => 133,
            (Kind::OrderedSet, false, _) => 139,
            (_, false, _) => 305,
            (_, true, Writers::Auto) => 1395,
            (_, true, Writers::Locks(n)) => 337 + 16 * n.max(64),
            (_, true, _) => 1361,
        };
        base + if self.read_concurrency && self.protection != Protection::Private { 32 } else { 0 }
    }
}

/// Rows up to which freeing them takes no longer than other work of one time slice.
const FEW: usize = 20_000;

impl Rows {
    pub fn len(&self) -> usize {
        match self {
            Rows::Hash(h) => h.len(),
            Rows::Tree(t) => t.len(),
        }
    }

    /// Frees rows that nobody sees any more, outside all locks; many of them on a thread of their own, so that no
    /// scheduler stands still.
    pub fn discard(self) {
        if self.len() > FEW {
            let job = std::thread::Builder::new().name("table rows".into());
            // Without a thread they are freed here, as the closure is dropped.
            let _ = job.spawn(move || drop(self));
        }
    }
}

impl Table {
    pub fn new(id: [u64; 2], name: Atom, owner: Term, options: Options, heir: Option<(Term, Owned)>) -> Table {
        let state = State {
            name,
            owner,
            protection: options.protection,
            heir,
            alive: true,
            rows: options.rows(),
            fixations: Mutex::default(),
            fixed_by: AtomicUsize::new(0),
        };
        Table { id, options, state: RwLock::new(state) }
    }

    /// Whether a key has at most one row.
    #[inline]
    pub fn is_set(&self) -> bool {
        matches!(self.options.kind, Kind::Set | Kind::OrderedSet)
    }
}

impl State {
    pub fn is_fixed(&self) -> bool {
        self.fixed_by.load(Ordering::Relaxed) > 0
    }

    /// Who fixed the table.
    pub fn fixations(&self) -> MutexGuard<'_, Fixations> {
        self.fixations.lock()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn words(&self) -> usize {
        match &self.rows {
            Rows::Hash(h) => h.words(),
            Rows::Tree(t) => t.words(),
        }
    }

    /// The rows of a key; `ets:lookup/2` lists the last one first.
    pub fn lookup(&self, key: Term) -> impl Iterator<Item = &Row> + '_ {
        let (hash, tree) = match &self.rows {
            Rows::Hash(h) => (Some(h.lookup(key)), None),
            Rows::Tree(t) => (None, t.get(key)),
        };
        hash.into_iter().flatten().chain(tree)
    }

    /// The first row of a key.
    #[inline]
    pub fn get(&self, key: Term) -> Option<&Row> {
        match &self.rows {
            Rows::Hash(h) => h.get(key),
            Rows::Tree(t) => t.get(key),
        }
    }

    /// The row of a key in a set, for changing elements other than the key.
    #[inline]
    pub fn row_mut(&mut self, key: Term) -> Option<&mut Row> {
        match &mut self.rows {
            Rows::Hash(h) => h.row_mut(key),
            Rows::Tree(t) => t.get_mut(key),
        }
    }

    pub fn contains(&self, key: Term) -> bool {
        match &self.rows {
            Rows::Hash(h) => h.contains(key),
            Rows::Tree(t) => t.contains(key),
        }
    }

    /// Inserts a row whose key element exists; whether it was inserted.
    pub fn put(&mut self, row: Row, only_new: bool) -> bool {
        let fixed = self.is_fixed();
        match &mut self.rows {
            Rows::Hash(h) => h.put(row, only_new, fixed) == Put::Done,
            Rows::Tree(t) => t.put(row, only_new),
        }
    }

    pub fn delete(&mut self, key: Term) {
        let fixed = self.is_fixed();
        match &mut self.rows {
            Rows::Hash(h) => h.delete(key, fixed),
            Rows::Tree(t) => drop(t.take(key)),
        }
    }

    pub fn delete_object(&mut self, row: Term, keypos: usize) {
        let fixed = self.is_fixed();
        match &mut self.rows {
            Rows::Hash(h) => h.delete_object(row, fixed),
            Rows::Tree(t) => {
                let key = key::of(keypos, row);
                if t.get(key).is_some_and(|r| purlin_term::compare::same(r.term(), row)) {
                    t.take(key);
                }
            }
        }
    }

    /// Deletes all rows; those that can go at once are for the caller to [discard](Rows::discard).
    pub fn clear(&mut self, options: &Options) -> Option<Rows> {
        if let Rows::Hash(h) = &mut self.rows
            && *self.fixed_by.get_mut() > 0
        {
            h.mark_all();
            return None;
        }
        Some(std::mem::replace(&mut self.rows, options.rows()))
    }

    /// Counts one more fixation by a process; `now` is the monotonic time and offset.
    pub fn fix(&self, process: Term, now: (i64, i64)) {
        let mut f = self.fixations.lock();
        if f.by.is_empty() {
            f.since = now;
        }
        match f.by.iter_mut().find(|f| f.process == process) {
            Some(f) => f.count += 1,
            None => f.by.push(Fixation { process, count: 1 }),
        }
        self.fixed_by.store(f.by.len(), Ordering::Relaxed);
    }

    /// Takes back one fixation, or all of them, of a process; whether it has none any more.
    pub fn unfix(&mut self, process: Term, all: bool) -> bool {
        let by = &mut self.fixations.get_mut().by;
        let Some(i) = by.iter().position(|f| f.process == process) else { return true };
        by[i].count -= 1;
        let gone = all || by[i].count == 0;
        if gone {
            by.remove(i);
        }
        *self.fixed_by.get_mut() = by.len();
        if let Rows::Hash(h) = &mut self.rows
            && by.is_empty()
        {
            h.unfix();
        }
        gone
    }

    /// Ends the table's life. Gives the rows to whoever drops them outside the lock.
    pub fn kill(&mut self, options: &Options) -> Rows {
        self.alive = false;
        self.heir = None;
        self.fixations.get_mut().by.clear();
        *self.fixed_by.get_mut() = 0;
        std::mem::replace(&mut self.rows, options.rows())
    }
}
