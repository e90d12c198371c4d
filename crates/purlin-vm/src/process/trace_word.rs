//! Trace flags, and the word of a process that holds them.

use purlin_term::{Atom, Term};
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Flags and tracer of a process or port. The owner and others read and change them at any time; who changes both
/// holds the lock for that (`Tracing::control`).
///
/// The lower half are the flags. The upper half names the tracer: 0 is none, else one more than the number of a pid,
/// or, with the top bit, of a port.
#[derive(Default)]
pub struct TraceWord(AtomicU64);

const PORT: u64 = 1 << 63;

impl TraceWord {
    #[inline]
    pub fn flags(&self) -> Flags {
        Flags(self.0.load(Ordering::Relaxed) as u32)
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

    pub fn tracer(&self) -> Option<Term> {
        let word = self.0.load(Ordering::Acquire);
        let number = ((word & !PORT) >> 32).checked_sub(1)?;
        Some(if word & PORT != 0 { Term::port(number) } else { Term::pid(number) })
    }

    pub fn set(&self, on: Flags, off: Flags) {
        if on.0 != 0 {
            self.0.fetch_or(on.0 as u64, Ordering::AcqRel);
        }
        if off.0 != 0 {
            self.0.fetch_and(!(off.0 as u64), Ordering::AcqRel);
        }
    }

    pub fn set_tracer(&self, tracer: Option<Term>) {
        let named = tracer.and_then(|t| match (t.as_pid(), t.as_port()) {
            (Some(number), _) => Some((number + 1) << 32),
            (_, Some(number)) => Some((number + 1) << 32 | PORT),
            _ => None,
        });
        let new = |word: u64| Some(word & u32::MAX as u64 | named.unwrap_or(0));
        // The closure always gives a value.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, new);
    }

    /// Ends tracing.
    pub fn clear(&self) {
        self.set(Flags(0), Flags::TRACEE);
        self.set_tracer(None);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_flags_and_a_tracer_apart() {
        let word = TraceWord::default();
        assert_eq!((word.tracer(), word.flags()), (None, Flags::default()));
        word.set(Flags::SEND.with(Flags::EXITING), Flags::default());
        for tracer in [Term::pid(0), Term::pid((1 << 28) - 1), Term::port(0), Term::port(70_000)] {
            word.set_tracer(Some(tracer));
            assert_eq!((word.tracer(), word.flags()), (Some(tracer), Flags::SEND.with(Flags::EXITING)));
        }
        assert!(word.has(Flags::SEND) && !word.has(Flags::RECEIVE));
        word.set(Flags::SENSITIVE, Flags::default());
        assert!(!word.has(Flags::SEND), "nothing of a sensitive process is traced");
        word.clear();
        assert_eq!((word.tracer(), word.flags()), (None, Flags::SENSITIVE));
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
