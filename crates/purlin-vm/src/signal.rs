//! Signals: everything that crosses from one process to another, and the queue that carries it.
//!
//! The rule that must stay true: each receiver has one queue, and signals from one sender arrive in the order sent.
//!
//! A queue has two parts (INNER). The outer part, [`Outer`], is shared: senders push onto it without a lock, the
//! receiver takes all of it at once. The inner part is the receiver's [`Mailbox`](crate::mailbox::Mailbox).
//!
//! | field | who writes | who reads |
//! |---|---|---|
//! | `Outer::head` | senders push; the receiver takes all; an exiting receiver closes it | all |
//! | `Signal::next` | the sender before it publishes the node; then whoever owns the node | the owner |

use crate::engine::Engine;
use crate::process::{Process, ProcessData};
use crate::relation::Watcher;
use crate::sync::{AtomicPtr, Ordering};
use crate::tracing::events::Extra;
use purlin_term::literal::Literals;
use purlin_term::{Fragment, Heap, Term, copy};
use std::ptr::null_mut;
use std::sync::Arc;

/// The id words of a reference, as the engine keeps them.
pub type RefId = [u64; 2];

/// A signal, at the same time the node of the queue that it waits in.
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
    /// What `term` lies in.
    pub fragment: Fragment,
    /// What tracing adds to a message.
    pub extra: Option<Box<Extra>>,
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
    },
    /// An exit signal, through a link of `from` or by `exit/2`.
    Exit {
        from: Term,
        linked: bool,
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
    /// The new group leader is `term`.
    GroupLeader,
    /// Anything else that must be done by the receiver in its turn.
    Request(Request),
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

// SAFETY: LIVE: a signal owns its fragment, and its links are used only by the node's owner (INNER).
unsafe impl Send for Signal {}

impl Signal {
    fn boxed(kind: SignalKind, term: Term, fragment: Fragment) -> Box<Signal> {
        Box::new(Signal { next: null_mut(), prev: null_mut(), seq: 0, kind, term, fragment, extra: None })
    }

    /// A signal without a term.
    pub fn bare(kind: SignalKind) -> Box<Signal> {
        Signal::boxed(kind, Term::NONE, Fragment::new(0))
    }

    /// A signal whose term is a whole copy of `t`: it may be kept before it is sent.
    pub fn with_copy(kind: SignalKind, t: Term) -> Box<Signal> {
        let (fragment, term) = copy::to_fragment(t, Literals::none());
        Signal::boxed(kind, term, fragment)
    }

    /// As [`Signal::with_copy`], to be sent at once: literals are not copied.
    fn with_literals(kind: SignalKind, t: Term) -> Box<Signal> {
        let (fragment, term) = copy::to_fragment(t, Literals::lasting());
        Signal::boxed(kind, term, fragment)
    }

    /// A message with a copy of `t`, as a process sends it; to be sent at once.
    pub fn message(t: Term) -> Box<Signal> {
        Signal::with_literals(SignalKind::Sent, t)
    }

    /// A message to an alias, to be sent at once.
    pub fn alias_message(alias: RefId, t: Term) -> Box<Signal> {
        Signal::with_literals(SignalKind::AliasMessage { alias }, t)
    }

    /// A message that `build` makes in a heap of its own.
    pub fn built(kind: SignalKind, build: impl FnOnce(&mut Heap) -> Term) -> Box<Signal> {
        let mut scratch = Heap::new(0);
        let t = build(&mut scratch);
        Signal::with_copy(kind, t)
    }

    /// An exit signal with this reason.
    pub fn exit(from: Term, linked: bool, reason: Term) -> Box<Signal> {
        Signal::built(SignalKind::Exit { from, linked }, |h| {
            h.tuple(&[Term::atom(purlin_term::Atom::EXIT_TAG), from, reason])
        })
    }

    /// A signal that has the receiver carry out `request`.
    pub fn request(request: impl FnOnce(&Arc<Engine>, Target<'_>) + Send + 'static) -> Box<Signal> {
        Signal::bare(SignalKind::Request(Box::new(request)))
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
    pub fn push(&self, signal: Box<Signal>) -> Result<bool, Box<Signal>> {
        let node = Box::into_raw(signal);
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                // SAFETY: the node was not published.
                return Err(unsafe { Box::from_raw(node) });
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
    pub fn empty() -> Batch {
        Batch { first: null_mut() }
    }

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
    type Item = Box<Signal>;

    fn next(&mut self) -> Option<Box<Signal>> {
        if self.first.is_null() {
            return None;
        }
        // SAFETY: a batch owns its nodes.
        let mut node = unsafe { Box::from_raw(self.first) };
        self.first = std::mem::replace(&mut node.next, null_mut());
        Some(node)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for _ in self.by_ref() {}
    }
}

#[cfg(test)]
mod tests;
