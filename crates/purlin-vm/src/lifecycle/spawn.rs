//! Starting processes.

use crate::engine::Engine;
use crate::process::gc::MIN_HEAP;
use crate::process::relation::{Connection, RemoteWatcher, Watcher};
use crate::process::{Flags, Mfa, Priority, Process, ProcessData, Rare, SavedX};
use crate::tracing::flags::is_alive;
use crate::tracing::sequential::{Origin, Sequence};
use crate::tracing::{Flags as TraceFlags, Share, Shares};
use purlin_term::literal::Literals;
use purlin_term::{Atom, Heap, RemotePid, RemoteRef, Term, copy};
use std::sync::Arc;

/// Words in the block of a process that asked for nothing else. Most processes that wait, in their great numbers, need
/// less than MIN_HEAP; the first collection takes others there.
const FIRST_BLOCK: usize = 144;

/// What to start, and how.
pub struct Spawn<'a> {
    pub module: Atom,
    pub function: Atom,
    pub args: &'a [Term],
    /// The spawning process (NONE: the engine).
    pub parent: Term,
    pub group_leader: Term,
    /// The child is linked to its parent; the parent adds its side.
    pub link: bool,
    /// Someone monitors the child from its start; the watcher adds its side.
    pub watcher: Option<Watcher>,
    /// A process of another node that the child is linked with, and one that monitors it.
    pub remote_link: Option<(RemotePid, Connection)>,
    pub remote_watcher: Option<(RemoteRef, RemoteWatcher)>,
    pub priority: Priority,
    /// The scheduler that the process is bound to, counted from 1, or 0.
    pub scheduler: usize,
    pub flags: Flags,
    /// Settings other than the usual ones.
    pub rare: Option<Box<Rare>>,
    pub system: bool,
    /// What is traced of the child because it is of its parent.
    pub traced: Shares,
    /// The token of sequential tracing that the child starts with.
    pub sequence: Option<Sequence>,
}

impl<'a> Spawn<'a> {
    /// A process without relations that calls `module:function(args...)`.
    pub fn new(module: Atom, function: Atom, args: &'a [Term]) -> Spawn<'a> {
        Spawn {
            module,
            function,
            args,
            parent: Term::NONE,
            group_leader: Term::NONE,
            link: false,
            watcher: None,
            remote_link: None,
            remote_watcher: None,
            priority: Priority::Normal,
            scheduler: 0,
            flags: Flags::default(),
            rare: None,
            system: false,
            traced: Default::default(),
            sequence: None,
        }
    }

    /// Creates the process and puts it into a run queue; `None` when the process table is full.
    pub fn start(self, engine: &Arc<Engine>) -> Option<Arc<Process>> {
        let process = self.create(engine)?;
        engine.sched.enqueue(process.clone());
        Some(process)
    }

    /// Creates the process, owned by the caller, who has to [`enqueue`](crate::sched::Schedulers::enqueue) it.
    pub fn create(self, engine: &Arc<Engine>) -> Option<Arc<Process>> {
        let literals = Literals::lasting();
        let words: usize = self.args.iter().map(|&t| copy::flat_size(t, literals)).sum();
        let size = match &self.rare {
            Some(rare) => crate::process::gc::next_size(rare.min_heap_size.max(MIN_HEAP).max(words + MIN_HEAP / 2)),
            None if words <= FIRST_BLOCK / 2 => FIRST_BLOCK,
            None => crate::process::gc::next_size(words + MIN_HEAP / 2),
        };
        let initial_call = Mfa { module: self.module, function: self.function, arity: self.args.len() as u8 };
        // Made where it stays, and then filled: it is too large to be moved about.
        let mut process = Arc::new(Process::new(0, ProcessData::new(Heap::new(size), SavedX::new(), initial_call)));
        let p = Arc::get_mut(&mut process)?;
        p.set_priority(self.priority);
        p.bind(self.scheduler);
        let data = p.data_mut();
        // SAFETY: the sizes were counted above, for the same literals.
        unsafe { data.heap.copy_all(self.args, words, literals, |t| data.saved_x.push(t)) };
        data.parent = self.parent;
        data.flags = self.flags;
        data.sequence = self.sequence.map(Box::new);
        if let Some(rare) = self.rare {
            data.heap.virtual_heap.set_limit(rare.min_bin_vheap_size);
            data.heap.old_virtual_heap.set_limit(rare.min_bin_vheap_size);
            *data.rare_mut() = *rare;
        }
        if self.link {
            data.relations().linked_by(self.parent);
        }
        if let Some(w) = self.watcher {
            data.relations().watchers.insert(w.monitor, w);
        }
        if let Some((parent, at)) = self.remote_link {
            data.relations().remote().link(parent, at, false);
        }
        if let Some((reference, watcher)) = self.remote_watcher {
            let remote = data.relations().remote();
            remote.watchers.insert(reference, watcher);
            remote.note(watcher.at);
        }
        let created = engine.processes.insert(process, |p, id| {
            p.set_id(id);
            let data = p.data_mut();
            data.group_leader =
                if self.group_leader.is_none() { Term::pid(id) } else { data.heap.copy(self.group_leader) };
            if let Some(token) = data.sequence.as_mut().and_then(|s| s.token.as_mut()) {
                token.from = Origin::Here(Term::pid(id));
            }
            let new = &engine.tracing.new_processes;
            if new.flags().any(TraceFlags::TRACEE) {
                let lives = |s: &Share| s.tracer().is_some_and(|t| is_alive(engine, t));
                new.shares(TraceFlags::TRACEE).into_iter().filter(lives).for_each(|share| p.trace.add(share));
            }
            self.traced.into_iter().for_each(|share| p.trace.add(share));
            if self.system {
                p.set_system();
            }
        });
        if created.is_none() {
            let error = Term::atom(Atom::ERROR);
            crate::engine::report::log(engine, error, "Too many processes~n", self.group_leader, None, |_| Term::NIL);
        }
        created
    }
}
