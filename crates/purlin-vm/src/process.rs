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

mod data;
pub mod deadline;
pub mod dictionary;
pub mod escape;
pub mod figures;
pub mod gc;
pub mod grace;
pub mod mailbox;
pub mod names;
pub mod offload;
pub mod rare;
pub mod relation;
pub mod saved_calls;
pub mod signal;
pub mod suspension;
pub mod table;
pub mod token;
pub mod tracee;

pub(crate) use data::set_later;
pub use data::{Activity, Flags, Hibernation, Mfa, ProcessData, SavedX};
pub use rare::{Defaults, MIN_BIN_VHEAP, MaxHeap, Rare};

use crate::process::signal::Outer;
use crate::process::tracee::Tracee;
use crate::sync::{AtomicBool, AtomicU32, Ordering, checked_order};
use purlin_term::{Atom, Immediate, Term};
use std::cell::UnsafeCell;

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
const OFFLOADED: u32 = 0b1_0000;

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
    id: u32,
    state: AtomicU32,
    /// Index of the registered name, or `NO_NAME`.
    name: AtomicU32,
    /// The priority (2 bits); above it the number of the scheduler that the process is bound to, from 1, or 0.
    priority: AtomicU32,
    /// The highest priority of who waits for this process to handle its signals, with which it is scheduled meanwhile.
    elevated: AtomicU32,
    /// A timer was started that sends to this process.
    timed: AtomicBool,
    /// See [`Process::set_doomed`].
    doomed: AtomicBool,
    /// Whether topics of natives have to hear of the end.
    involved: AtomicBool,
    /// What of the process is traced.
    pub trace: Tracee,
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
            id: id as u32,
            state: AtomicU32::new(RunState::Runnable as u32),
            name: AtomicU32::new(NO_NAME),
            priority: AtomicU32::new(Priority::Normal as u32),
            elevated: AtomicU32::new(Priority::Low as u32),
            timed: AtomicBool::new(false),
            doomed: AtomicBool::new(false),
            involved: AtomicBool::new(false),
            trace: Tracee::default(),
            outer: Outer::new(),
            data: UnsafeCell::new(data),
        }
    }

    /// Gives a new process its number.
    pub(crate) fn set_id(&mut self, id: u64) {
        self.id = id as u32;
    }

    /// The private part of a process that nobody else knows.
    pub(crate) fn data_mut(&mut self) -> &mut ProcessData {
        self.data.get_mut()
    }

    #[inline]
    pub fn pid(&self) -> Term {
        Term::pid(self.id as u64)
    }

    /// The pid as what threads may share.
    pub fn who(&self) -> Immediate {
        Immediate::pid(self.id as u64)
    }

    #[inline]
    pub fn id(&self) -> u64 {
        self.id as u64
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

    /// The process is about to get a signal that it cannot survive. Until it comes to handle it, which a native may hold
    /// up, it is no longer listed: who ends all processes, as `init:stop/0` does, need not wait for it.
    pub fn set_doomed(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }

    /// Whether the process is listed.
    pub fn is_listed(&self) -> bool {
        !self.is_exiting() && !self.doomed.load(Ordering::Relaxed)
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
    pub fn is_offloaded(&self) -> bool {
        self.state.load(Ordering::Acquire) & OFFLOADED != 0
    }

    pub(crate) fn set_offloaded(&self, on: bool) {
        if on {
            self.state.fetch_or(OFFLOADED, Ordering::AcqRel);
        } else {
            self.state.fetch_and(!OFFLOADED, Ordering::AcqRel);
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

    /// Only [`Names`](crate::process::names::Names) calls this, under its lock.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_small() {
        // With its counts it fits the allocator's blocks of 512 bytes.
        assert!(size_of::<Process>() <= 496, "{}", size_of::<Process>());
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::process::signal::Signal;
    use loom::sync::Arc;
    use purlin_term::Heap;

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
    fn loom_a_signal_sent_while_its_sleeping_receiver_is_trimmed_wakes_it() {
        loom::model(|| {
            let mfa = Mfa { module: Atom::OK, function: Atom::OK, arity: 0 };
            let p = Arc::new(Process::new(0, ProcessData::new(Heap::new(0), SavedX::new(), mfa)));
            p.set_run_state(RunState::Running);
            assert!(p.sleep());
            let sender = {
                let p = p.clone();
                loom::thread::spawn(move || {
                    let first = p.outer.push(Signal::message(Term::NIL)).ok().unwrap();
                    (first && p.try_wake()) as u32
                })
            };
            let mut kept = 0;
            if p.try_wake() {
                p.set_run_state(RunState::Running);
                kept = !p.sleep() as u32;
            }
            assert_eq!(sender.join().unwrap() + kept, 1, "exactly one of the two goes on with the process");
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
