//! Trace flags, and what is traced of a process.

use parking_lot::Mutex;
use purlin_term::{Atom, Immediate, Term};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicU32, Ordering};

/// A set of trace flags. Their bits are OTP's, because `process_info(P, trace)` shows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u32);

const fn bit(n: u32) -> Flags {
    Flags(1 << (3 + n))
}

impl Flags {
    pub const TIMESTAMP: Flags = Flags(1);
    pub const STRICT_MONOTONIC: Flags = Flags(2);
    pub const MONOTONIC: Flags = Flags(4);
    /// The process is `sensitive`: nothing of it is traced.
    pub const SENSITIVE: Flags = bit(0);
    pub const SEND: Flags = bit(1);
    pub const RECEIVE: Flags = bit(2);
    pub const SET_ON_SPAWN: Flags = bit(3);
    pub const SET_ON_FIRST_SPAWN: Flags = bit(4);
    pub const SET_ON_LINK: Flags = bit(5);
    pub const SET_ON_FIRST_LINK: Flags = bit(6);
    pub const CALL: Flags = bit(7);
    pub const PROCS: Flags = bit(8);
    pub const RUNNING: Flags = bit(10);
    pub const GARBAGE_COLLECTION: Flags = bit(11);
    pub const ARITY: Flags = bit(12);
    pub const RETURN_TO: Flags = bit(13);
    pub const SILENT: Flags = bit(14);
    /// The stack may hold frames of calls whose exceptions are traced.
    pub const EXCEPTION_FRAMES: Flags = bit(15);
    pub const RUNNING_PORTS: Flags = bit(17);
    pub const RUNNING_PROCS: Flags = bit(18);
    pub const PORTS: Flags = bit(19);
    pub const SCHEDULER_ID: Flags = bit(20);
    pub const EXITING: Flags = bit(21);

    const TIMESTAMPS: Flags = Flags(7);
    /// What only modifies other flags, and what ports and processes both have.
    pub const MODIFIERS: Flags =
        Flags::of(&[Flags::SILENT, Flags::TIMESTAMPS, Flags::SCHEDULER_ID, Flags::RECEIVE, Flags::SEND]);
    pub const OF_PORTS: Flags = Flags::of(&[Flags::MODIFIERS, Flags::PORTS, Flags::RUNNING_PORTS]);
    /// All that `erlang:trace/3` can set.
    pub const TRACEE: Flags = Flags::of(&[
        Flags::TIMESTAMPS,
        Flags::SEND,
        Flags::RECEIVE,
        Flags::SET_ON_SPAWN,
        Flags::SET_ON_FIRST_SPAWN,
        Flags::SET_ON_LINK,
        Flags::SET_ON_FIRST_LINK,
        Flags::CALL,
        Flags::PROCS,
        Flags::RUNNING,
        Flags::GARBAGE_COLLECTION,
        Flags::ARITY,
        Flags::RETURN_TO,
        Flags::SILENT,
        Flags::RUNNING_PORTS,
        Flags::RUNNING_PROCS,
        Flags::PORTS,
        Flags::SCHEDULER_ID,
        Flags::EXITING,
    ]);
    pub const OF_PROCESSES: Flags = Flags((Flags::TRACEE.0 & !Flags::OF_PORTS.0) | Flags::MODIFIERS.0);

    const fn of(all: &[Flags]) -> Flags {
        let (mut bits, mut i) = (0, 0);
        while i < all.len() {
            bits |= all[i].0;
            i += 1;
        }
        Flags(bits)
    }

    /// Whether any of these is set.
    #[inline]
    pub fn any(self, f: Flags) -> bool {
        self.0 & f.0 != 0
    }

    pub fn without(self, f: Flags) -> Flags {
        Flags(self.0 & !f.0)
    }

    pub fn with(self, f: Flags) -> Flags {
        Flags(self.0 | f.0)
    }

    /// The flag of a name in a list of flags.
    pub fn named(name: Term) -> Option<Flags> {
        let name = name.as_atom()?;
        if name.name() == "all" {
            return Some(Flags::TRACEE);
        }
        NAMES.iter().find(|n| n.1 == name.name()).map(|n| n.0)
    }

    /// The names of all flags that are set, in the order of `erlang:trace_info/2`.
    pub fn names(self) -> impl Iterator<Item = Term> {
        NAMES.iter().rev().filter(move |n| self.any(n.0)).map(|n| Term::atom(Atom::new(n.1)))
    }
}

const NAMES: &[(Flags, &str)] = &[
    (Flags::TIMESTAMP, "timestamp"),
    (Flags::STRICT_MONOTONIC, "strict_monotonic_timestamp"),
    (Flags::MONOTONIC, "monotonic_timestamp"),
    (Flags::SEND, "send"),
    (Flags::RECEIVE, "receive"),
    (Flags::SET_ON_SPAWN, "set_on_spawn"),
    (Flags::CALL, "call"),
    (Flags::PROCS, "procs"),
    (Flags::SET_ON_FIRST_SPAWN, "set_on_first_spawn"),
    (Flags::SET_ON_LINK, "set_on_link"),
    (Flags::SET_ON_FIRST_LINK, "set_on_first_link"),
    (Flags::RUNNING, "running"),
    (Flags::EXITING, "exiting"),
    (Flags::GARBAGE_COLLECTION, "garbage_collection"),
    (Flags::ARITY, "arity"),
    (Flags::RETURN_TO, "return_to"),
    (Flags::SILENT, "silent"),
    (Flags::SCHEDULER_ID, "scheduler_id"),
    (Flags::PORTS, "ports"),
    (Flags::RUNNING_PORTS, "running_ports"),
    (Flags::RUNNING_PROCS, "running_procs"),
];

/// Which session of tracing something belongs to. Numbers are not used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionId(pub u32);

impl SessionId {
    /// The session of `erlang:trace/3` and its like, which is always there.
    pub const LEGACY: SessionId = SessionId(0);
}

/// What one session traces of a process or port, and whom it tells.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub session: SessionId,
    pub flags: Flags,
    pub tracer: Option<Immediate>,
}

impl Share {
    /// Whom it tells.
    pub fn tracer(&self) -> Option<Term> {
        self.tracer.map(Immediate::term)
    }

    pub fn set(&mut self, on: Flags, off: Flags) {
        self.flags = self.flags.without(off).with(on);
    }
}

/// What is traced of a process or port, by any number of sessions. The owner and others read and change it at any time.
#[derive(Default)]
pub struct Tracee {
    /// The flags of all shares together, and two that are no session's: `SENSITIVE` and `EXCEPTION_FRAMES`.
    all: AtomicU32,
    /// The shares, the newest first; none of them is without flags.
    shares: Mutex<Option<Box<Shares>>>,
}

/// Shares of a process. Few are traced by more than one session.
pub type Shares = SmallVec<[Share; 2]>;

/// Flags that are no session's.
const OWN: Flags = Flags(Flags::SENSITIVE.0 | Flags::EXCEPTION_FRAMES.0);

impl Tracee {
    /// What any session traces.
    #[inline]
    pub fn flags(&self) -> Flags {
        Flags(self.all.load(Ordering::Relaxed))
    }

    /// Whether events of this kind are traced.
    #[inline]
    pub fn has(&self, f: Flags) -> bool {
        self.flags().0 & (f.0 | Flags::SENSITIVE.0) == f.0
    }

    /// Whether events of one of these kinds are traced.
    #[inline]
    pub fn has_any(&self, f: Flags) -> bool {
        let flags = self.flags();
        flags.any(f) && !flags.any(Flags::SENSITIVE)
    }

    /// The shares that have one of these flags.
    pub fn shares(&self, f: Flags) -> Shares {
        self.shares.lock().iter().flat_map(|all| all.iter()).filter(|s| s.flags.any(f)).copied().collect()
    }

    /// The share of a session.
    pub fn share(&self, session: SessionId) -> Option<Share> {
        if !self.flags().any(Flags::TRACEE) {
            return None;
        }
        self.shares.lock().as_ref()?.iter().find(|s| s.session == session).copied()
    }

    /// Changes the share of a session; one without flags goes.
    pub fn change(&self, session: SessionId, change: impl FnOnce(&mut Share)) {
        let mut all = self.shares.lock();
        let shares = all.get_or_insert_default();
        let i = shares.iter().position(|s| s.session == session).unwrap_or_else(|| {
            shares.insert(0, Share { session, flags: Flags::default(), tracer: None });
            0
        });
        change(&mut shares[i]);
        if !shares[i].flags.any(Flags::TRACEE) {
            shares.remove(i);
        }
        let sum = shares.iter().fold(0, |sum, s| sum | s.flags.0) & Flags::TRACEE.0;
        if shares.is_empty() {
            *all = None;
        }
        // The closure always gives a value.
        let _ = self.all.fetch_update(Ordering::AcqRel, Ordering::Acquire, |flags| Some(flags & OWN.0 | sum));
    }

    /// Adds a share, in the place of what its session has.
    pub fn add(&self, share: Share) {
        self.change(share.session, |s| *s = share);
    }

    /// Ends a session's tracing.
    pub fn forget(&self, session: SessionId) {
        if self.share(session).is_some() {
            self.change(session, |s| s.flags = Flags::default());
        }
    }

    /// Sets and clears flags that are no session's.
    pub fn mark(&self, on: Flags, off: Flags) {
        debug_assert!(!on.with(off).any(Flags::TRACEE));
        if on.0 != 0 {
            self.all.fetch_or(on.0, Ordering::AcqRel);
        }
        if off.0 != 0 {
            self.all.fetch_and(!off.0, Ordering::AcqRel);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_their_shares_apart() {
        let (tracee, one, two) = (Tracee::default(), SessionId::LEGACY, SessionId(7));
        assert!(tracee.share(one).is_none());
        tracee.change(one, |s| *s = Share { flags: Flags::SEND, tracer: Some(Immediate::pid(1)), ..*s });
        tracee.change(two, |s| *s = Share { flags: Flags::CALL, tracer: Some(Immediate::port(2)), ..*s });
        assert!(tracee.has(Flags::SEND) && tracee.has(Flags::CALL) && !tracee.has(Flags::RECEIVE));
        assert_eq!(tracee.share(one).unwrap().tracer, Some(Immediate::pid(1)));
        let newest: Vec<SessionId> = tracee.shares(Flags::TRACEE).iter().map(|s| s.session).collect();
        assert_eq!(newest, [two, one]);
        assert_eq!(tracee.shares(Flags::CALL).len(), 1);
        tracee.mark(Flags::SENSITIVE, Flags::default());
        assert!(!tracee.has(Flags::SEND), "nothing of a sensitive process is traced");
        tracee.forget(two);
        tracee.change(one, |s| s.set(Flags::default(), Flags::SEND));
        assert!(tracee.share(one).is_none(), "a share without flags goes");
        assert_eq!(tracee.flags(), Flags::SENSITIVE);
    }

    #[test]
    fn names_lead_to_flags_and_back() {
        for name in Flags::TRACEE.names() {
            let flag = Flags::named(name).unwrap();
            assert_eq!(flag.names().collect::<Vec<_>>(), [name]);
        }
        assert_eq!(Flags::named(purlin_term::am!("all")), Some(Flags::TRACEE));
    }
}
