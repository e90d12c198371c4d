//! A process: the part that others may touch ([`Process`]) and the part that only its running thread may
//! ([`ProcessData`], invariant OWNER).
//!
//! The run state says who owns the private part:
//!
//! | run state | owner | who changes it |
//! |---|---|---|
//! | `Runnable` | the run queue that holds the process | the scheduler that takes it out: to `Running` |
//! | `Running` | the scheduler thread that runs it | that thread: to any other |
//! | `Waiting` | nobody | whoever signals it: to `Runnable`, and puts it into a run queue |
//!
//! The exiting mark is set once, by the owner, and stays.

use crate::clock::Time;
use crate::dictionary::Dictionary;
use crate::gc::{self, Collected, Depth, Habits};
use crate::literals::Question;
use crate::mailbox::Mailbox;
use crate::relation::Relations;
use crate::saved_calls::SavedCalls;
use crate::sched::errand::Away;
use crate::signal::{Batch, Outer};
use crate::suspension::Suspension;
use crate::sync::{AtomicBool, AtomicU32, Ordering, checked_order};
use crate::timer::Deadline;
use crate::tracing::TraceWord;
use crate::tracing::points::Point;
use crate::tracing::sequential::Sequence;
use purlin_term::{Atom, Heap, Owned, Term};
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::Arc;

/// A process that has used fewer reductions since its last collection collects often.
const BUSY_REDUCTIONS: u64 = 2000;

/// Who owns a process's private part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum RunState {
    Runnable = 0,
    Running = 1,
    Waiting = 2,
}

const RUN_STATE: u32 = 0b11;
const EXITING: u32 = 0b100;
const SYSTEM: u32 = 0b1000;
const AWAY: u32 = 0b1_0000;

/// Scheduling priority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Priority {
    Max = 0,
    High = 1,
    Normal = 2,
    Low = 3,
}

impl Priority {
    pub(crate) fn of(word: u32) -> Priority {
        match word {
            0 => Priority::Max,
            1 => Priority::High,
            2 => Priority::Normal,
            _ => Priority::Low,
        }
    }

    pub fn atom(self) -> Term {
        Term::atom(match self {
            Priority::Max => Atom::MAX,
            Priority::High => Atom::HIGH,
            Priority::Normal => Atom::NORMAL,
            Priority::Low => Atom::LOW,
        })
    }

    pub fn from_term(t: Term) -> Option<Priority> {
        [Priority::Max, Priority::High, Priority::Normal, Priority::Low].into_iter().find(|p| p.atom() == t)
    }
}

/// A process as other processes see it.
pub struct Process {
    /// Process data of the pid (28 bits).
    id: u64,
    state: AtomicU32,
    /// Index of the registered name, or `NO_NAME`.
    name: AtomicU32,
    /// The priority (2 bits); above it the number of the scheduler that the process is bound to, from 1, or 0.
    priority: AtomicU32,
    /// The highest priority of who waits for this process to handle its signals, with which it is scheduled meanwhile.
    elevated: AtomicU32,
    /// A timer was started that sends to this process.
    timed: AtomicBool,
    /// Whether topics of natives have to hear of the end.
    involved: AtomicBool,
    /// What of the process is traced.
    pub trace: TraceWord,
    /// Signals that have not been fetched.
    pub(crate) outer: Outer,
    data: UnsafeCell<ProcessData>,
}

const NO_NAME: u32 = u32::MAX;

// SAFETY: OWNER: `data` is reached only through `Process::data`, whose caller holds the run state.
unsafe impl Sync for Process {}
// SAFETY: OWNER: whoever has the data owns what it points to, and code may be read by all.
unsafe impl Send for ProcessData {}

impl Process {
    /// A process that is owned by its maker until it is put into a run queue (it counts as runnable).
    #[inline(always)]
    pub fn new(id: u64, data: ProcessData) -> Process {
        Process {
            id,
            state: AtomicU32::new(RunState::Runnable as u32),
            name: AtomicU32::new(NO_NAME),
            priority: AtomicU32::new(Priority::Normal as u32),
            elevated: AtomicU32::new(Priority::Low as u32),
            timed: AtomicBool::new(false),
            involved: AtomicBool::new(false),
            trace: TraceWord::default(),
            outer: Outer::new(),
            data: UnsafeCell::new(data),
        }
    }

    /// Gives a new process its number.
    pub(crate) fn set_id(&mut self, id: u64) {
        self.id = id;
    }

    /// The private part of a process that nobody else knows.
    pub(crate) fn data_mut(&mut self) -> &mut ProcessData {
        self.data.get_mut()
    }

    #[inline]
    pub fn pid(&self) -> Term {
        Term::pid(self.id)
    }

    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The private part.
    ///
    /// # Safety
    /// The caller holds the run state (OWNER) and keeps no second reference.
    #[allow(clippy::mut_from_ref)]
    #[inline]
    pub unsafe fn data(&self) -> &mut ProcessData {
        // SAFETY: by the caller's promise.
        unsafe { &mut *self.data.get() }
    }

    // ---- run state

    pub fn run_state(&self) -> RunState {
        match self.state.load(Ordering::Acquire) & RUN_STATE {
            0 => RunState::Runnable,
            1 => RunState::Running,
            _ => RunState::Waiting,
        }
    }

    /// Hands the process over from its owner. Only the owner calls this, never to go to sleep (see [`Process::sleep`]).
    pub(crate) fn set_run_state(&self, to: RunState) {
        debug_assert!(to != RunState::Waiting);
        let flags = self.state.load(Ordering::Relaxed) & !RUN_STATE;
        self.state.store(flags | to as u32, Ordering::Release);
    }

    /// Gives up ownership until a signal or timer comes; the owner calls this. False: a signal came in between, and the
    /// caller still owns the process. (A timer that finds the process running sends it a signal.)
    ///
    /// No wake-up is lost: a sender publishes its signal and then looks at the run state; this publishes the run
    /// state and then looks for signals (both sequentially consistent), so one of the two sees the other.
    pub(crate) fn sleep(&self) -> bool {
        let flags = self.state.load(Ordering::Relaxed) & !RUN_STATE;
        let (waiting, running) = (flags | RunState::Waiting as u32, flags | RunState::Running as u32);
        self.state.swap(waiting, Ordering::SeqCst);
        checked_order();
        if self.outer.is_empty() {
            return true;
        }
        self.state.compare_exchange(waiting, running, Ordering::SeqCst, Ordering::Relaxed).is_err()
    }

    /// Takes a sleeping process over; true: the caller owns it now and puts it into a run queue.
    pub(crate) fn try_wake(&self) -> bool {
        checked_order();
        let s = self.state.load(Ordering::SeqCst);
        if s & RUN_STATE != RunState::Waiting as u32 {
            return false;
        }
        let runnable = (s & !RUN_STATE) | RunState::Runnable as u32;
        self.state.compare_exchange(s, runnable, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Whether signals have arrived that the process has not fetched.
    #[inline]
    pub fn has_signals(&self) -> bool {
        !self.outer.is_empty()
    }

    /// Whether the process has begun to end: it has no name, and takes no signals.
    #[inline]
    pub fn is_exiting(&self) -> bool {
        checked_order();
        self.state.load(Ordering::SeqCst) & EXITING != 0
    }

    /// Has the hooks of [`Engine::on_exit_of_involved`](crate::Engine::on_exit_of_involved) called when the process
    /// ends. Who calls this has noted what a hook will look for, and then looks whether the process is exiting: it was
    /// involved in time, or it is exiting (both sequentially consistent).
    pub fn involve(&self) {
        self.involved.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_involved(&self) -> bool {
        self.involved.load(Ordering::SeqCst)
    }

    pub(crate) fn set_exiting(&self) {
        self.state.fetch_or(EXITING, Ordering::SeqCst);
        checked_order();
    }

    /// After the start of a timer that sends to this process: false if it has begun to end, and may have cancelled its
    /// timers before.
    ///
    /// The end is published before it looks for timers, and a timer before this looks for the end (all sequentially
    /// consistent): one sees the other.
    pub(crate) fn awaits_timers(&self) -> bool {
        self.timed.store(true, Ordering::SeqCst);
        !self.is_exiting()
    }

    /// After [`Process::set_exiting`]: whether there may be timers that send to this process.
    pub(crate) fn awaited_timers(&self) -> bool {
        self.timed.load(Ordering::SeqCst)
    }

    /// Whether this is a system process: shutdown leaves it alone.
    pub fn is_system(&self) -> bool {
        self.state.load(Ordering::Relaxed) & SYSTEM != 0
    }

    pub fn set_system(&self) {
        self.state.fetch_or(SYSTEM, Ordering::Relaxed);
    }

    /// Whether a blocking native of the process is under way on the pool.
    pub fn is_away(&self) -> bool {
        self.state.load(Ordering::Acquire) & AWAY != 0
    }

    pub(crate) fn set_away(&self, away: bool) {
        if away {
            self.state.fetch_or(AWAY, Ordering::AcqRel);
        } else {
            self.state.fetch_and(!AWAY, Ordering::AcqRel);
        }
    }

    // ---- attributes that others read

    /// The registered name.
    pub fn name(&self) -> Option<Atom> {
        match self.name.load(Ordering::SeqCst) {
            NO_NAME => None,
            i => Some(Atom::from_index(i)),
        }
    }

    /// Only [`Names`](crate::names::Names) calls this, under its lock.
    pub(crate) fn set_name(&self, name: Option<Atom>) {
        self.name.store(name.map_or(NO_NAME, Atom::index), Ordering::SeqCst);
    }

    pub fn priority(&self) -> Priority {
        Priority::of(self.priority.load(Ordering::Relaxed) & 3)
    }

    /// The priority to schedule the process with: its own, or that of who waits for it to handle its signals.
    pub fn scheduled_priority(&self) -> Priority {
        self.priority().min(Priority::of(self.elevated.load(Ordering::Relaxed)))
    }

    /// Somebody of this priority waits for the process to handle a signal that was pushed before; true: the process has
    /// to be scheduled higher than before.
    ///
    /// No elevation is lost: a turn ends it and then takes the signals. If it ends this one, it has seen it (both are
    /// changes of one word, this one a release and that one an acquire), and takes the signal, too.
    pub(crate) fn elevate(&self, to: Priority) -> bool {
        to < self.priority() && self.elevated.fetch_min(to as u32, Ordering::AcqRel) > to as u32
    }

    /// The owner is about to take the signals that it was elevated for.
    pub(crate) fn end_elevation(&self) {
        if self.elevated.load(Ordering::Relaxed) != Priority::Low as u32 {
            self.elevated.swap(Priority::Low as u32, Ordering::AcqRel);
        }
    }

    pub fn set_priority(&self, p: Priority) {
        // Only the process itself changes the word.
        let word = self.priority.load(Ordering::Relaxed);
        self.priority.store((word & !3) | p as u32, Ordering::Relaxed);
    }

    /// The index, from 0, of the scheduler that alone runs the process.
    pub fn bound_to(&self) -> Option<usize> {
        (self.priority.load(Ordering::Relaxed) as usize >> 2).checked_sub(1)
    }

    /// Binds the process to scheduler `n`, counted from 1, or to none (0); the former one.
    pub fn bind(&self, n: usize) -> usize {
        let word = self.priority.load(Ordering::Relaxed);
        self.priority.store((word & 3) | (n as u32) << 2, Ordering::Relaxed);
        word as usize >> 2
    }
}

/// A function as module, name and arity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mfa {
    pub module: Atom,
    pub function: Atom,
    pub arity: u8,
}

/// Properties of a process that are on or off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u16);

impl Flags {
    pub const TRAP_EXIT: Flags = Flags(1);
    pub const SENSITIVE: Flags = Flags(1 << 1);
    pub const OFF_HEAP_MESSAGES: Flags = Flags(1 << 2);
    pub const ASYNC_DIST: Flags = Flags(1 << 3);
    /// Nothing is collected, because a test said so.
    pub const HOLDS_COLLECTIONS: Flags = Flags(1 << 5);
    /// The process saves its last calls.
    pub const SAVES_CALLS: Flags = Flags(1 << 4);

    #[inline]
    pub fn has(self, f: Flags) -> bool {
        self.0 & f.0 != 0
    }

    pub fn set(&mut self, f: Flags, on: bool) {
        if on {
            self.0 |= f.0;
        } else {
            self.0 &= !f.0;
        }
    }
}

/// What a process was doing when a signal is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// It has not run yet, or its time slice was over.
    Runnable,
    /// It runs right now.
    Running,
    /// It waits for a message.
    Waiting,
    /// It waits in a native, until a port takes its data.
    Suspended,
}

/// The X registers of a process that does not run. Most that wait have none, most that start have two.
pub type SavedX = SmallVec<[Term; 2]>;

/// A process as its running thread sees it.
pub struct ProcessData {
    /// Terms and, at the other end of the same block, the stack (`heap.end` is the stack pointer).
    pub heap: Heap,
    /// X registers while the process does not run, `live` of them; arguments of the function to start with.
    pub saved_x: SavedX,
    /// Where to go on (null: with a call of `initial_call`).
    pub pc: *const crate::code::instr::Op,
    /// The blocking native that is under way: until it is back, the process runs no code and collects nothing.
    pub away: Option<Box<Away>>,
    /// What a native brought back from the pool of blocking threads.
    pub pending: Option<Box<crate::escape::NativeResult>>,
    /// Reductions left in this time slice; the process yields at 0 or below.
    pub slice_left: i32,
    /// What `slice_left` was at the start of the slice, less what was given up.
    pub slice: i32,
    /// Reductions used in earlier time slices.
    pub reductions: u64,
    /// Further terms that the engine keeps for the process and that collection must follow.
    pub roots: Vec<Term>,

    /// Messages that were fetched.
    pub mailbox: Mailbox,
    /// Set while registers may hold parts of a message that was not received yet: nothing may collect.
    pub delay_collection: bool,
    pub flags: Flags,
    pub activity: Activity,
    /// Minor collections since the last major one.
    pub minor_collections: u16,
    /// Collections that followed each other within [`BUSY_REDUCTIONS`] each.
    quick_collections: u8,
    /// Whether little lived at the last minor collection.
    pub mostly_dies: bool,
    /// The reductions used before the last collection.
    collected_at: u64,
    /// How many points pass without a collection when tests force them (`PURLIN_COLLECT`).
    pub unforced: u16,
    /// A collection that was asked for, to be done at the next instruction boundary.
    pub wanted_collection: Option<Depth>,
    /// How many suspends are in force; the process handles signals but runs no code while there are any.
    pub suspended: u32,
    /// Set from hibernation until there is a message: signals alone do not end the sleep.
    pub hibernating: bool,
    /// When the `receive` that is under way times out (`Time::MAX`: never), once it has begun to wait.
    pub receive_until: Option<Time>,
    /// A timer that wakes the process. It outlives its `receive`: most time out long after they have ended, and the next
    /// one can do with a timer that is early.
    pub wake_timer: Option<Deadline>,
    /// The reason to end with, once an exit signal decided that; else NONE.
    pub exit_reason: Term,
    /// Signals taken from the queue and not handled because the process ends.
    pub(crate) unhandled: Batch,
    relations: Option<Box<Relations>>,
    dictionary: Option<Box<Dictionary>>,
    rare: Option<Box<Rare>>,
    /// The token of sequential tracing and its numbers, if there ever was one.
    pub sequence: Option<Box<Sequence>>,
    pub group_leader: Term,
    /// The spawning process (NONE: the engine).
    pub parent: Term,
    pub initial_call: Mfa,
    pub error_handler: Atom,
}

/// The `min_bin_vheap_size` of most processes.
pub const MIN_BIN_VHEAP: usize = 46422;

/// Settings that few processes have.
#[derive(Clone)]
pub struct Rare {
    pub min_heap_size: usize,
    pub min_bin_vheap_size: usize,
    pub fullsweep_after: u32,
    pub max_heap_size: MaxHeap,
    /// Processes that this process suspends.
    pub suspending: Vec<Suspension>,
    /// Collections that others asked for while collecting was held: the depth, and whom to answer what.
    pub held_collections: Vec<(Depth, Term, Arc<Owned>)>,
    /// As these, of the collector of literals.
    pub held_questions: Vec<Question>,
    /// The last calls, if they are saved.
    pub saved_calls: Option<SavedCalls>,
    /// How often this process has blocked multi-scheduling.
    pub multi_blocks: u32,
    /// Subscriptions to changes of nodes: the options as bits, and how often.
    pub node_monitors: Vec<(u32, u32)>,
    /// The function whose time is being measured, and since when.
    pub timed: Option<(Option<&'static Point>, i64)>,
}

/// The `max_heap_size` of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MaxHeap {
    /// Words (0: no limit).
    pub size: usize,
    pub kill: bool,
    pub error_logger: bool,
}

impl Default for Rare {
    fn default() -> Rare {
        Rare {
            min_heap_size: crate::gc::MIN_HEAP,
            min_bin_vheap_size: MIN_BIN_VHEAP,
            fullsweep_after: 65535,
            max_heap_size: MaxHeap { size: 0, kill: true, error_logger: true },
            suspending: Vec::new(),
            held_collections: Vec::new(),
            held_questions: Vec::new(),
            saved_calls: None,
            multi_blocks: 0,
            node_monitors: Vec::new(),
            timed: None,
        }
    }
}

/// The settings of processes that are started without their own.
#[derive(Default)]
pub struct Defaults {
    /// Whether anything was changed: most engines leave all as it is.
    changed: AtomicBool,
    settings: parking_lot::RwLock<Rare>,
}

impl Defaults {
    /// What a new process gets; `None`: the usual.
    pub fn get(&self) -> Option<Box<Rare>> {
        self.changed.load(Ordering::Acquire).then(|| Box::new(self.settings.read().clone()))
    }

    /// Changes the settings of the processes to come.
    pub fn change<R>(&self, change: impl FnOnce(&mut Rare) -> R) -> R {
        let result = change(&mut self.settings.write());
        self.changed.store(true, Ordering::Release);
        result
    }
}

impl ProcessData {
    /// A process with `heap`, to start with a call of `initial_call` with the arguments in `saved_x`.
    #[inline(always)]
    pub fn new(heap: Heap, saved_x: SavedX, initial_call: Mfa) -> ProcessData {
        ProcessData {
            heap,
            saved_x,
            pc: std::ptr::null(),
            away: None,
            pending: None,
            slice_left: 0,
            slice: 0,
            reductions: 0,
            roots: Vec::new(),
            mailbox: Mailbox::default(),
            delay_collection: false,
            flags: Flags::default(),
            activity: Activity::Runnable,
            minor_collections: 0,
            quick_collections: 0,
            collected_at: 0,
            mostly_dies: true,
            unforced: 0,
            wanted_collection: None,
            suspended: 0,
            hibernating: false,
            receive_until: None,
            wake_timer: None,
            exit_reason: Term::NONE,
            unhandled: Batch::empty(),
            relations: None,
            dictionary: None,
            rare: None,
            sequence: None,
            group_leader: Term::NONE,
            parent: Term::NONE,
            initial_call,
            error_handler: Atom::ERROR_HANDLER,
        }
    }

    /// Ends the time slice at the next call; what is left of it counts as not used.
    pub fn give_up_slice(&mut self) {
        self.slice -= self.slice_left.max(0);
        self.slice_left = 0;
    }

    /// Reductions used in this time slice.
    pub fn slice_used(&self) -> u64 {
        (self.slice - self.slice_left).max(0) as u64
    }

    #[inline]
    pub fn charge(&mut self, reductions: usize) {
        self.slice_left = self.slice_left.saturating_sub(reductions.min(i32::MAX as usize) as i32);
    }

    /// Links, monitors and aliases.
    pub fn relations(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    /// Links, monitors and aliases, if there ever were any.
    pub fn relations_if_any(&self) -> Option<&Relations> {
        self.relations.as_deref()
    }

    pub(crate) fn take_relations(&mut self) -> Option<Box<Relations>> {
        self.relations.take()
    }

    /// The process dictionary.
    pub fn dictionary(&mut self) -> &mut Dictionary {
        self.dictionary.get_or_insert_default()
    }

    /// The process dictionary, if it was ever used.
    pub fn dictionary_if_any(&self) -> Option<&Dictionary> {
        self.dictionary.as_deref()
    }

    /// Has the last `most` calls saved from now on, or none if that is 0; how many were until now.
    pub fn save_calls(&mut self, most: usize) -> usize {
        self.flags.set(Flags::SAVES_CALLS, most > 0);
        let new = (most > 0).then(|| SavedCalls::new(most));
        std::mem::replace(&mut self.rare_mut().saved_calls, new).map_or(0, |s| s.most())
    }

    /// Settings that few processes have, to change them.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Settings that few processes have.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub fn traps_exits(&self) -> bool {
        self.flags.has(Flags::TRAP_EXIT)
    }

    /// Calls `visit` with every slot outside the stack and the live registers that holds a term of the heap (ROOTS).
    pub fn visit_roots(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        self.saved_x.iter_mut().for_each(&mut *visit);
        self.roots.iter_mut().for_each(&mut *visit);
        visit(&mut self.exit_reason);
        visit(&mut self.group_leader);
        match self.pending.as_deref_mut() {
            Some(Ok(t)) => visit(t),
            Some(Err(escape)) => escape.visit(visit),
            None => {}
        }
        self.mailbox.visit(visit);
        if let Some(d) = &mut self.dictionary {
            d.visit(visit);
        }
    }

    /// Asks a process that runs for a collection at the next instruction boundary.
    pub fn want_collection(&mut self, depth: Depth) {
        self.wanted_collection = Some(depth);
        // Makes `Heap::wants_collection` true, which is what instruction boundaries look at.
        self.heap.virtual_bytes = u32::MAX;
    }

    /// The depth of the next collection: the one that was asked for, or as deep as the settings say.
    pub fn next_depth(&self) -> Depth {
        let sweep = self.rare.as_ref().map_or(65535, |r| r.fullsweep_after);
        let due = if u32::from(self.minor_collections) >= sweep { Depth::Major } else { Depth::Minor };
        self.wanted_collection.unwrap_or(due)
    }

    /// Collects, so that at least `need` words are free afterwards: in the depth that was asked for, or as deep as
    /// the settings say. `live` are the live X registers, if the process runs.
    pub fn collect(&mut self, live: &mut [Term], need: usize) -> Collected {
        let depth = self.next_depth();
        self.wanted_collection = None;
        let least = self.rare.as_ref().map_or(0, |r| r.min_heap_size);
        let now = self.reductions + self.slice_used();
        let quick = now.saturating_sub(self.collected_at) < BUSY_REDUCTIONS;
        self.quick_collections = if quick { self.quick_collections.saturating_add(1) } else { 0 };
        self.collected_at = now;
        let mut habits = Habits { mostly_dies: self.mostly_dies, busy: self.quick_collections >= 2 };
        // The heap is taken out so that the roots around it can be visited.
        let mut heap = std::mem::replace(&mut self.heap, Heap::new(0));
        let done = gc::collect(
            &mut heap,
            &mut |visit| {
                live.iter_mut().for_each(&mut *visit);
                self.visit_roots(visit);
            },
            need,
            least,
            depth,
            &mut habits,
        );
        self.heap = heap;
        self.mostly_dies = habits.mostly_dies;
        self.minor_collections = if done.major { 0 } else { self.minor_collections.saturating_add(1) };
        done
    }

    /// Frees what the process holds; it has ended.
    pub(crate) fn release(&mut self) {
        self.heap.release();
        self.mailbox.clear();
        (self.saved_x, self.roots, self.unhandled) = (SavedX::new(), Vec::new(), Batch::empty());
        (self.relations, self.dictionary, self.rare) = (None, None, None);
        (self.pending, self.sequence) = (None, None);
        (self.group_leader, self.exit_reason) = (Term::NONE, Term::NONE);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_small() {
        // With its counts it fits the allocator's blocks of 512 bytes.
        assert!(size_of::<Process>() <= 496, "{}", size_of::<Process>());
    }

    #[test]
    fn the_block_of_a_process_that_collects_often_grows_however_short_its_turns_are() {
        let block_after = |reductions| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let mut data = ProcessData::new(Heap::new(gc::MIN_HEAP), SavedX::new(), mfa);
            for _ in 0..12 {
                data.reductions += reductions;
                data.heap.alloc(200);
                data.collect(&mut [], 100);
            }
            data.heap.block.words()
        };
        assert_eq!(block_after(BUSY_REDUCTIONS), gc::MIN_HEAP);
        assert!(block_after(BUSY_REDUCTIONS / 4) > gc::MIN_HEAP);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::signal::Signal;
    use loom::sync::Arc;

    #[test]
    fn loom_a_signal_sent_while_its_receiver_falls_asleep_wakes_it() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), SavedX::new(), mfa)));
            p.set_run_state(RunState::Running);
            let sender = {
                let p = p.clone();
                loom::thread::spawn(move || {
                    let first = p.outer.push(Signal::message(Term::NIL)).ok().unwrap();
                    first && p.try_wake()
                })
            };
            let asleep = p.sleep();
            let woken = sender.join().unwrap();
            assert_eq!(asleep, woken, "exactly one of the two goes on with the process");
        });
    }

    #[test]
    fn loom_a_signal_is_handled_in_a_turn_or_the_next_one_is_elevated() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), SavedX::new(), mfa)));
            // Elevated for an earlier signal.
            p.elevate(Priority::High);
            let asker = {
                let p = p.clone();
                loom::thread::spawn(move || {
                    p.outer.push(Signal::message(Term::NIL)).ok().unwrap();
                    p.elevate(Priority::High);
                })
            };
            p.end_elevation();
            let handled = p.outer.take().count() == 1;
            asker.join().unwrap();
            assert!(handled || p.scheduled_priority() == Priority::High);
        });
    }

    #[test]
    fn loom_only_one_of_two_who_wake_a_process_gets_it() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), SavedX::new(), mfa)));
            p.set_run_state(RunState::Running);
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let p = p.clone();
                    loom::thread::spawn(move || p.try_wake() as u32)
                })
                .collect();
            let kept = !p.sleep() as u32;
            let got: u32 = others.into_iter().map(|t| t.join().unwrap()).sum();
            let still_asleep = (p.run_state() == RunState::Waiting) as u32;
            assert_eq!(kept + got + still_asleep, 1);
        });
    }

    #[test]
    fn loom_a_name_given_to_a_process_that_ends_is_taken_back_by_one_of_the_two() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), Default::default(), mfa)));
            p.set_run_state(RunState::Running);
            let giver = {
                let p = p.clone();
                loom::thread::spawn(move || {
                    p.set_name(Some(Atom::OK));
                    p.involve();
                    p.is_exiting()
                })
            };
            p.set_exiting();
            let found = p.name().is_some() && p.is_involved();
            assert!(giver.join().unwrap() || found);
        });
    }

    #[test]
    fn loom_the_marks_of_a_process_stay_while_its_run_state_changes() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), SavedX::new(), mfa)));
            p.set_run_state(RunState::Running);
            p.set_exiting();
            let other = {
                let p = p.clone();
                loom::thread::spawn(move || {
                    p.try_wake();
                    assert!(p.is_exiting());
                })
            };
            p.sleep();
            other.join().unwrap();
            assert!(p.is_exiting());
        });
    }
}
