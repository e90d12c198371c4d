//! The private part of a process.

use super::rare::{MIN_BIN_VHEAP, Rare};
use crate::clock::Time;
use crate::process::deadline::Deadline;
use crate::process::dictionary::Dictionary;
use crate::process::gc::{self, Collected, Depth, Habits};
use crate::process::mailbox::Mailbox;
use crate::process::offload::Offload;
use crate::process::relation::Relations;
use crate::process::saved_calls::SavedCalls;
use crate::process::signal::Batch;
use crate::process::token::Sequence;
use purlin_term::{Atom, Heap, Term};
use smallvec::SmallVec;
use std::cell::Cell;

/// A process that has used fewer reductions since its last collection collects often.
const BUSY_REDUCTIONS: u64 = 2000;

/// A function as module, name and arity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mfa {
    pub module: Atom,
    pub function: Atom,
    pub arity: u8,
}

impl std::fmt::Display for Mfa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.module.name(), self.function.name(), self.arity)
    }
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
    /// The process may do everything with all tables.
    pub const ETS_SUPER_USER: Flags = Flags(1 << 6);

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

/// How a process hibernates: signals alone do not end the sleep, a message does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hibernation {
    /// Not at all.
    None,
    /// It has forgotten its stack, and calls a function then (`hibernate/3`).
    Calls,
    /// It goes on where it was (`hibernate/0`).
    Returns,
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
    pub offload: Option<Box<Offload>>,
    /// What a native brought back from the pool of blocking threads.
    pub pending: Option<Box<crate::process::escape::NativeResult>>,
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
    /// From hibernation until there is a message.
    pub hibernation: Hibernation,
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

thread_local! {
    /// What comes behind a look at what runs, of the time slice of the process that this thread runs.
    static LATER: Cell<i32> = const { Cell::new(0) };
}

/// So much of the time slice comes later: the calling thread stops its process before, to look at it.
pub(crate) fn set_later(reductions: i32) {
    LATER.set(reductions);
}

impl ProcessData {
    /// A process with `heap`, to start with a call of `initial_call` with the arguments in `saved_x`.
    #[inline(always)]
    pub fn new(heap: Heap, saved_x: SavedX, initial_call: Mfa) -> ProcessData {
        ProcessData {
            heap,
            saved_x,
            pc: std::ptr::null(),
            offload: None,
            pending: None,
            slice_left: 0,
            slice: 0,
            reductions: 0,
            roots: Vec::new(),
            mailbox: Mailbox::default(),
            flags: Flags::default(),
            activity: Activity::Runnable,
            minor_collections: 0,
            quick_collections: 0,
            collected_at: 0,
            mostly_dies: true,
            unforced: 0,
            wanted_collection: None,
            suspended: 0,
            hibernation: Hibernation::None,
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

    /// The reductions that are left of the time slice.
    #[inline]
    pub fn reductions_left(&self) -> i32 {
        self.slice_left.saturating_add(LATER.get())
    }

    /// Has so many reductions be left; how many were used stays.
    pub fn set_reductions_left(&mut self, reductions: i32) {
        self.slice += reductions - self.slice_left;
        self.slice_left = reductions;
        LATER.set(0);
    }

    /// Ends the time slice at the next call; what is left of it, which is taken for something, counts as not used.
    pub fn give_up_slice(&mut self) {
        self.slice -= self.slice_left.max(1);
        self.slice_left = 0;
    }

    /// Reductions used in this time slice.
    pub fn slice_used(&self) -> u64 {
        (i64::from(self.slice) - i64::from(self.slice_left)).max(0) as u64
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

    /// The least limit of the virtual heaps, in words.
    pub fn min_bin_vheap_size(&self) -> usize {
        self.rare.as_ref().map_or(MIN_BIN_VHEAP, |r| r.min_bin_vheap_size)
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
        self.heap.virtual_heap.fill();
    }

    /// Whether the process, which does not run now, has run since it was collected last.
    pub(crate) fn has_worked_since_collection(&self) -> bool {
        self.collected_at != self.reductions
    }

    /// The depth of the next collection: the one that was asked for, or as deep as the settings say.
    pub fn next_depth(&self) -> Depth {
        let sweep = self.rare.as_ref().map_or(65535, |r| r.fullsweep_after);
        let is_due = u32::from(self.minor_collections) >= sweep || self.heap.old_virtual_heap.is_full();
        let due = if is_due { Depth::Major } else { Depth::Minor };
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
        self.mailbox.keep(&mut self.heap);
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
        // Binaries call for a collection when they outweigh what it walks.
        let least = self.min_bin_vheap_size().max(done.walked);
        let live = self.heap.virtual_heap.words() + self.heap.old_virtual_heap.words();
        self.heap.virtual_heap.adapt(live, least);
        if done.major {
            self.heap.old_virtual_heap.adapt(live, least);
        }
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

    fn process() -> ProcessData {
        let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
        ProcessData::new(Heap::new(gc::MIN_HEAP), SavedX::new(), mfa)
    }

    #[test]
    fn more_reductions_than_a_slice_has_are_counted() {
        let mut data = process();
        let used = data.slice_used();
        data.charge(usize::MAX);
        data.charge(1000);
        assert!(data.slice_used() - used >= i32::MAX as u64);
    }

    #[test]
    fn dead_binaries_call_for_a_collection() {
        let mut data = process();
        let (mut most, mut collections) = (0, 0);
        for _ in 0..200 {
            data.heap.binary(&[0; 100_000]);
            most = most.max(data.heap.counted_binaries().len());
            if data.heap.wants_collection() {
                data.collect(&mut [], 0);
                collections += 1;
                assert!(data.heap.counted_binaries().is_empty());
            }
        }
        assert_eq!((most, collections), (4, 50));
    }

    #[test]
    fn live_binaries_are_not_collected_all_the_time() {
        let mut data = process();
        let mut collections = 0;
        for _ in 0..400 {
            let b = data.heap.binary(&[0; 100_000]);
            data.roots.push(b);
            if data.heap.wants_collection() {
                data.collect(&mut [], 0);
                collections += 1;
            }
        }
        assert!(collections < 20, "{collections}");
        assert_eq!(data.heap.counted_binaries().len(), 400);
    }

    #[test]
    fn dead_binaries_in_the_old_generation_call_for_a_major_collection() {
        let mut data = process();
        for _ in 0..8 {
            let b = data.heap.binary(&[0; 100_000]);
            data.roots.push(b);
        }
        for _ in 0..2 {
            data.wanted_collection = Some(Depth::Minor);
            data.collect(&mut [], 0);
        }
        assert_eq!(data.heap.old_virtual_heap.words(), 100_000);
        data.roots.clear();
        assert_eq!(data.next_depth(), Depth::Major);
        data.collect(&mut [], 0);
        assert!(data.heap.counted_binaries().is_empty());
        assert_eq!(data.heap.old_virtual_heap.words(), 0);
    }

    #[test]
    fn the_block_of_a_process_that_collects_often_grows_however_short_its_turns_are() {
        let block_after = |reductions| {
            let mut data = process();
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
