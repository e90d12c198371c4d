//! Signals: everything that crosses from one process to another, and the queue that carries it.
//!
//! The rule that must stay true: each receiver has one queue, and signals from one sender arrive in the order sent.
//!
//! A queue has two parts (INNER). The outer part, [`Outer`], is an intrusive Treiber stack with many producers and one
//! consumer: senders push onto it without a lock, the receiver takes all of it at once and turns it round. The inner
//! part is the receiver's [`Mailbox`](crate::process::mailbox::Mailbox).
//!
//! | field | who writes | who reads |
//! |---|---|---|
//! | `Outer::head` | senders push; the receiver takes all; an exiting receiver closes it | all |
//! | `Signal::next` | the sender before it publishes the node; then whoever owns the node | the owner |

mod remote;
pub(crate) mod tasks;

pub use remote::{BrokenMessage, RemoteSignal};

use crate::engine::Engine;
use crate::process::relation::Watcher;
use crate::process::token::Token;
use crate::process::{Priority, Process, ProcessData};
use crate::sync::{AtomicPtr, Ordering};
use purlin_term::heap::{Block, release_off_heap};
use purlin_term::literal::Literals;
use purlin_term::{Fragment, Heap, Term, copy};
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

/// The id words of a reference, as the engine keeps them.
pub type RefId = [u64; 2];

/// A signal, at the same time the node of the queue that it waits in, and the head of the block that holds its term.
///
/// What a scan of the mailbox reads comes first, in one cache line.
#[repr(C)]
pub struct Signal {
    pub(crate) next: *mut Signal,
    /// A message; for an exit `{'EXIT', From, Reason}`, for a down `{'DOWN', Ref, Type, Object, Reason}`; else NONE.
    pub term: Term,
    pub(crate) prev: *mut Signal,
    /// Place in the mailbox: counts up with every message that the receiver fetched.
    pub(crate) seq: u64,
    pub kind: SignalKind,
    /// What tracing adds to a message.
    pub extra: Option<Box<Extra>>,
    /// Objects behind the signal that own a reference count.
    #[expect(clippy::box_collection, reason = "few messages have any, and each message has this field")]
    off_heap: Option<Box<Vec<*mut u64>>>,
    room: Room,
}

/// The words behind a signal: how many, and whether its term lies there.
#[derive(Clone, Copy)]
struct Room(usize);

impl Room {
    fn new(words: usize, place: Place) -> Room {
        Room(words << 2 | place as usize)
    }

    #[inline]
    fn words(self) -> usize {
        self.0 >> 2
    }

    #[inline]
    fn is(self, place: Place) -> bool {
        self.0 & 3 == place as usize
    }
}

/// Where what the term of a signal points to lies.
#[derive(Clone, Copy)]
enum Place {
    /// In the words behind the signal, which it fills.
    Here,
    /// There, and it is a tuple or cons cell of immediates.
    HereShallow,
    /// In the receiver's heap.
    Heap,
}

/// The size of a signal in words; its term's words follow it in the same block.
const HEAD: usize = size_of::<Signal>() / 8;

/// A signal with the words behind it, in one block from the allocator (PARCEL).
pub struct Parcel(NonNull<Signal>);

// SAFETY: LIVE: a signal owns its terms, and its links are used only by the node's owner (INNER).
unsafe impl Send for Parcel {}

impl Deref for Parcel {
    type Target = Signal;

    #[inline]
    fn deref(&self) -> &Signal {
        // SAFETY: PARCEL: the signal is this parcel's.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Parcel {
    #[inline]
    fn deref_mut(&mut self) -> &mut Signal {
        // SAFETY: PARCEL: the signal is this parcel's.
        unsafe { self.0.as_mut() }
    }
}

impl Parcel {
    /// A signal without a term, with room for one of so many words.
    #[inline]
    fn new(kind: SignalKind, room: usize) -> Parcel {
        let p: *mut Signal = Block::new(HEAD + room).into_raw().cast();
        let (next, prev) = (null_mut(), null_mut());
        let signal = Signal {
            next,
            term: Term::NONE,
            prev,
            seq: 0,
            kind,
            extra: None,
            off_heap: None,
            room: Room::new(room, Place::Here),
        };
        // SAFETY: PARCEL: the new block has room for the signal.
        unsafe {
            p.write(signal);
            Parcel(NonNull::new_unchecked(p))
        }
    }

    #[inline]
    fn with_term(kind: SignalKind, t: Term, literals: Literals) -> Parcel {
        let extent = copy::extent(t, literals);
        let mut parcel = Parcel::new(kind, extent.words);
        if extent.shallow {
            parcel.room = Room::new(extent.words, Place::HereShallow);
        }
        let mut off_heap = Vec::new();
        // SAFETY: FRESH: there are as many words behind the signal.
        parcel.term = unsafe { copy::copy_extent(t, extent, parcel.words(), &mut off_heap, literals) };
        if !off_heap.is_empty() {
            parcel.off_heap = Some(Box::new(off_heap));
        }
        parcel
    }

    #[inline]
    fn words(&self) -> *mut u64 {
        self.0.as_ptr().cast::<u64>().wrapping_add(HEAD)
    }

    /// Leaves the signal to a queue.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut Signal {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The signal that [`Parcel::into_raw`] left.
    ///
    /// # Safety
    /// PARCEL: nobody else has it.
    #[inline]
    pub(crate) unsafe fn from_raw(signal: *mut Signal) -> Parcel {
        // SAFETY: by the caller's promise.
        Parcel(unsafe { NonNull::new_unchecked(signal) })
    }

    /// The signal, at the same place of its queue but in a block of its own, and its former block as a fragment with
    /// what `term` points to: that stays where it is, and is the receiver's heap's from now on.
    pub(crate) fn split(mut self) -> (Parcel, Fragment) {
        let mut parcel = Parcel::new(std::mem::replace(&mut self.kind, SignalKind::Sent), 0);
        parcel.extra = self.extra.take();
        (parcel.next, parcel.prev, parcel.seq, parcel.term) = (self.next, self.prev, self.seq, self.term);
        parcel.room = Room::new(0, Place::Heap);
        (parcel, self.into_fragment())
    }

    /// The block as a fragment with what `term` points to; what else there is to the signal goes.
    #[inline]
    pub(crate) fn into_fragment(self) -> Fragment {
        let p = self.into_raw();
        // SAFETY: PARCEL: what the signal owns is dropped or moved out once, and the block goes on to the fragment.
        unsafe {
            let (room, used) = ((*p).room.words(), (*p).used());
            let off_heap = (*p).off_heap.take().map_or_else(Vec::new, |list| *list);
            std::ptr::drop_in_place(p);
            Fragment::of(Block::from_raw(p.cast(), HEAD + room), HEAD, used, off_heap)
        }
    }
}

impl Drop for Parcel {
    #[inline]
    fn drop(&mut self) {
        let p = self.0.as_ptr();
        // SAFETY: PARCEL: the signal and its block are this parcel's; what the signal owns is dropped once, and not at all
        // where it owns nothing.
        unsafe {
            if (*p).off_heap.is_some() {
                return drop(Parcel(self.0).into_fragment());
            }
            if !matches!((*p).kind, SignalKind::Sent) || (*p).extra.is_some() {
                std::ptr::drop_in_place(p);
            }
            drop(Block::from_raw(p.cast(), HEAD + (*p).room.words()));
        }
    }
}

/// What a message carries besides its term.
pub struct Extra {
    /// The sender, where a match specification may look at it.
    pub from: Term,
    pub token: Option<Token>,
    /// The message says nothing of tokens: the receiver's stays.
    pub keeps_token: bool,
}

/// What a signal asks of its receiver.
pub enum SignalKind {
    /// A message of the engine: the receiver keeps its token of sequential tracing.
    Message,
    /// A message that a process sent.
    Sent,
    /// A message to an alias: dropped unless the alias is active when the receiver handles it.
    AliasMessage {
        alias: RefId,
        /// Sent as a priority message: it is one if the alias was made for that.
        priority: bool,
    },
    /// An exit signal, through a link of `from` or by `exit/2`.
    Exit {
        from: Term,
        linked: bool,
        /// The message that becomes of it is a priority message; one of a link is one if the link says so.
        priority: bool,
    },
    /// An exit signal to an alias: dropped unless the alias is active when the receiver handles it.
    AliasExit {
        alias: RefId,
        /// Sent as a priority signal: its message is a priority message if the alias was made for that.
        priority: bool,
    },
    /// Something monitored has ended.
    Down {
        monitor: RefId,
    },
    /// `from` has linked itself to the receiver.
    Link {
        from: Term,
    },
    /// `from` has removed its link, and wants an [`SignalKind::UnlinkAck`] with the same id.
    Unlink {
        from: Term,
        id: u64,
    },
    UnlinkAck {
        from: Term,
        id: u64,
    },
    /// `Watcher::watcher` wants to know when the receiver ends.
    Monitor(Box<Watcher>),
    Demonitor {
        monitor: RefId,
    },
    /// A signal of another node's process.
    Remote(Box<RemoteSignal>),
    /// The new group leader is `term`.
    GroupLeader,
    /// Anything else that must be done by the receiver in its turn.
    Request(Request),
    /// A request that is carried out after the other signals, by priority.
    Task(Priority, Request),
}

/// Words of the heap where signals are built.
const SCRATCH_WORDS: usize = 64;

thread_local! {
    /// A heap to build signals in, with nothing in it; none while one is built.
    static SCRATCH: Cell<Option<Box<Heap>>> = const { Cell::new(None) };
}

/// A request that the receiver carries out itself; [`Target::Gone`] when it ended before its turn.
pub type Request = Box<dyn FnOnce(&Arc<Engine>, Target<'_>) + Send>;

/// Who carries out a [`Request`].
pub enum Target<'a> {
    /// The receiver's own thread of execution.
    Alive(&'a Arc<Process>, &'a mut ProcessData),
    /// The receiver has ended.
    Gone,
}

impl Signal {
    /// A signal without a term.
    pub fn bare(kind: SignalKind) -> Parcel {
        Parcel::new(kind, 0)
    }

    /// A signal whose term is a whole copy of `t`: it may be kept before it is sent.
    pub fn with_copy(kind: SignalKind, t: Term) -> Parcel {
        Parcel::with_term(kind, t, Literals::none())
    }

    /// A message with a copy of `t`, as a process sends it; to be sent at once, as literals are not copied.
    #[inline]
    pub fn message(t: Term) -> Parcel {
        Parcel::with_term(SignalKind::Sent, t, Literals::lasting())
    }

    /// A message to an alias, to be sent at once.
    pub fn alias_message(alias: RefId, t: Term, priority: bool) -> Parcel {
        Parcel::with_term(SignalKind::AliasMessage { alias, priority }, t, Literals::lasting())
    }

    /// Words that hold what `term` points to; 0 when that is nothing, or lies elsewhere.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        if self.room.is(Place::Heap) { 0 } else { self.room.words() }
    }

    /// Whether `term` lies in the receiver's heap.
    #[inline]
    pub(crate) fn is_on_heap(&self) -> bool {
        self.room.is(Place::Heap)
    }

    /// Where what `term` points to begins and ends.
    #[inline]
    pub(crate) fn terms(&self) -> (*mut u64, *mut u64) {
        let start = (&raw const *self).cast::<u64>().cast_mut().wrapping_add(HEAD);
        (start, start.wrapping_add(self.used()))
    }

    /// Puts a copy in the receiver's heap in the place of the term.
    pub(crate) fn replace_term(&mut self, t: Term) {
        self.term = t;
        self.room = Room::new(self.room.words(), Place::Heap);
        for p in self.off_heap.take().into_iter().flat_map(|list| *list) {
            // SAFETY: OFFHEAP: listed once, and nothing refers to the former term.
            unsafe { release_off_heap(p) };
        }
    }

    /// Moves the term to the words at `to` in the receiver's heap, if it is a tuple or cell of immediates and there is
    /// `room`; how many words it takes.
    ///
    /// # Safety
    /// FRESH: there are as many words at `to`; the caller is the receiver.
    #[inline]
    pub(crate) unsafe fn move_shallow(&mut self, to: *mut u64, room: usize) -> usize {
        let (start, words) = (self.terms().0, self.room.words());
        if !self.room.is(Place::HereShallow) || words > room {
            return 0;
        }
        // SAFETY: by the caller's promise; LIVE: there is one complete object, which the term then points to.
        unsafe {
            copy::copy_words(start, to, words);
            self.term = Term::from_raw(self.term.raw().wrapping_add(to as u64).wrapping_sub(start as u64));
        }
        self.room = Room::new(self.room.words(), Place::Heap);
        words
    }

    /// A message that `build` makes in a heap of its own.
    pub fn built(kind: SignalKind, build: impl FnOnce(&mut Heap) -> Term) -> Parcel {
        let mut scratch = SCRATCH.take().unwrap_or_else(|| Box::new(Heap::new(SCRATCH_WORDS)));
        let t = build(&mut scratch);
        let signal = Signal::with_copy(kind, t);
        // What is more than a few words is not kept.
        if scratch.fragments.is_empty() && scratch.off_heap.is_empty() {
            // SAFETY: LIVE: nobody refers to what was made there: the signal has a copy.
            unsafe { scratch.spaces_mut() }.top = scratch.block.start();
            SCRATCH.set(Some(scratch));
        }
        signal
    }

    /// An exit signal with this reason.
    pub fn exit(from: Term, linked: bool, reason: Term) -> Parcel {
        Signal::exit_of(SignalKind::Exit { from, linked, priority: false }, from, reason)
    }

    /// An exit signal of any kind.
    pub fn exit_of(kind: SignalKind, from: Term, reason: Term) -> Parcel {
        Signal::built(kind, |h| h.tuple(&[Term::atom(purlin_term::Atom::EXIT_TAG), from, reason]))
    }

    /// A signal that has the receiver carry out `request`.
    pub fn request(request: impl FnOnce(&Arc<Engine>, Target<'_>) + Send + 'static) -> Parcel {
        Signal::bare(SignalKind::Request(Box::new(request)))
    }

    /// A signal that has the receiver carry out a system task.
    pub fn task(priority: Priority, task: impl FnOnce(&Arc<Engine>, Target<'_>) + Send + 'static) -> Parcel {
        Signal::bare(SignalKind::Task(priority, Box::new(task)))
    }
}

/// The shared part of a signal queue.
pub struct Outer {
    head: AtomicPtr<Signal>,
}

/// What `head` holds once the receiver has ended. It is never followed.
fn closed() -> *mut Signal {
    std::ptr::without_provenance_mut(1)
}

impl Outer {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Outer {
        Outer { head: AtomicPtr::new(null_mut()) }
    }

    /// Adds a signal. `Ok(true)`: the queue was empty, so the caller has to wake the receiver if it sleeps.
    /// Gives the signal back when the receiver has ended.
    #[inline]
    pub fn push(&self, signal: Parcel) -> Result<bool, Parcel> {
        let node = signal.into_raw();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                // SAFETY: PARCEL: the node was not published.
                return Err(unsafe { Parcel::from_raw(node) });
            }
            // SAFETY: the node is still this sender's.
            unsafe { (*node).next = head };
            // SeqCst: ordered against the receiver's run state, so that no wake-up is lost (see `Process::sleep`).
            match self.head.compare_exchange_weak(head, node, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return Ok(head.is_null()),
                Err(now) => head = now,
            }
        }
    }

    /// Whether no signal waits here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::SeqCst).is_null()
    }

    /// Whether the receiver has ended.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.head.load(Ordering::Acquire) == closed()
    }

    /// Takes all signals, oldest first. Only the receiver calls this (INNER).
    #[inline]
    pub fn take(&self) -> Batch {
        if self.head.load(Ordering::Relaxed).is_null() {
            return Batch { first: null_mut() };
        }
        Batch::reversed(self.head.swap(null_mut(), Ordering::Acquire))
    }

    /// Takes all signals and lets no further ones in. Only the receiver calls this, when it ends.
    pub fn close(&self) -> Batch {
        Batch::reversed(self.head.swap(closed(), Ordering::AcqRel))
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Signals taken from a queue, oldest first.
pub struct Batch {
    first: *mut Signal,
}

impl Batch {
    /// No signals.
    #[inline]
    pub fn empty() -> Batch {
        Batch { first: null_mut() }
    }

    /// Puts a signal before the others.
    pub(crate) fn prepend(&mut self, mut signal: Parcel) {
        signal.next = self.first;
        self.first = signal.into_raw();
    }

    #[inline]
    fn reversed(mut newest: *mut Signal) -> Batch {
        let mut first = null_mut();
        while !newest.is_null() && newest != closed() {
            // SAFETY: INNER: the chain was taken whole, so this thread owns its nodes.
            unsafe {
                let older = (*newest).next;
                (*newest).next = first;
                first = newest;
                newest = older;
            }
        }
        Batch { first }
    }
}

impl Iterator for Batch {
    type Item = Parcel;

    #[inline]
    fn next(&mut self) -> Option<Parcel> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: PARCEL: a batch owns its nodes.
        let mut node = unsafe { Parcel::from_raw(self.first) };
        self.first = std::mem::replace(&mut node.next, null_mut());
        Some(node)
    }
}

impl Drop for Batch {
    #[inline]
    fn drop(&mut self) {
        if !self.first.is_null() {
            self.for_each(drop);
        }
    }
}

#[cfg(test)]
mod tests;
