//! What a process has to do with others: links, monitors in both directions, aliases.
//!
//! Each side of a link or monitor is kept by its own process and changed only by it; signals keep the sides in step.

mod keyed;
mod remote;

use crate::process::signal::{Parcel, RefId};
use keyed::Keyed;
pub use remote::{Connection, RemoteProcess, RemoteRelations, RemoteSpawn, RemoteWatcher};

use purlin_term::{Atom, Immediate, Term};

/// The relations of one process.
#[derive(Default)]
pub struct Relations {
    links: Keyed<u64, Link>,
    /// What this process monitors.
    pub monitors: Keyed<RefId, Monitor>,
    /// Who monitors this process.
    pub watchers: Keyed<RefId, Watcher>,
    /// This process's active aliases.
    pub aliases: Keyed<RefId, Alias>,
    remote: Option<Box<RemoteRelations>>,
}

/// One side of a link.
#[derive(Clone, Copy, Default)]
struct Link {
    /// The id of an unlink signal that has not been acknowledged: the link counts as removed, but is kept so that an
    /// exit signal already under way is ignored.
    unlinking: Option<u64>,
    /// The message that the other end has ended is a priority message.
    priority: bool,
}

/// What a monitor looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// A pid.
    Process(Term),
    /// A process by its registered name on this node; the pid it had.
    Name(Atom, Option<Term>),
    /// A port.
    Port(Term),
    /// A port by its registered name on this node; the port it had.
    PortName(Atom, Option<Term>),
    /// A process of another node, and the connection that the monitor ends with.
    Remote(RemoteProcess, Connection),
    /// The time offset.
    TimeOffset,
}

/// An active alias.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    pub mode: AliasMode,
    /// What is sent to it as a priority message is one.
    pub priority: bool,
}

/// The monitoring side of a monitor.
pub struct Monitor {
    pub watched: Watched,
    /// Replaces `'DOWN'` in the message.
    pub tag: Option<Parcel>,
    /// The message is a priority message.
    pub priority: bool,
}

/// The monitored side of a monitor.
#[derive(Clone, Copy)]
pub struct Watcher {
    pub monitor: RefId,
    /// The monitoring process or port.
    pub watcher: Immediate,
    /// The name it used.
    pub name: Option<Atom>,
}

/// When an alias ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AliasMode {
    /// By `unalias/1` alone.
    Explicit,
    /// With the first message that comes through it.
    Reply,
    /// With its monitor.
    Demonitor,
    /// With its monitor or with the first message, which ends the monitor too.
    ReplyDemonitor,
}

impl Relations {
    /// Relations with other nodes.
    pub fn remote(&mut self) -> &mut RemoteRelations {
        self.remote.get_or_insert_default()
    }

    /// Relations with other nodes, if there ever were any.
    pub fn remote_if_any(&self) -> Option<&RemoteRelations> {
        self.remote.as_deref()
    }

    /// Whether priority messages may come.
    pub fn takes_priority(&self) -> bool {
        self.aliases.values().any(|a| a.priority)
            || self.monitors.values().any(|m| m.priority)
            || self.links.iter().any(|(_, l)| l.priority && l.unlinking.is_none())
    }

    /// Whether there is an active link with `other`.
    pub fn is_linked(&self, other: Term) -> bool {
        self.links.get(&other.raw()).is_some_and(|l| l.unlinking.is_none())
    }

    /// Adds a link on this process's own wish. False: there is one already.
    pub fn link(&mut self, other: Term) -> bool {
        match self.links.get_mut(&other.raw()) {
            Some(l) => l.unlinking.take().is_some(),
            None => {
                self.links.insert(other.raw(), Link::default());
                true
            }
        }
    }

    /// Says whether the message about the end of a link is a priority message.
    pub fn set_link_priority(&mut self, other: Term, priority: bool) {
        if let Some(link) = self.links.get_mut(&other.raw()) {
            link.priority = priority;
        }
    }

    /// Adds a link on the other side's wish. While an unlink of ours is under way the other side is about to remove
    /// its link again, so that the entry stays as it is.
    pub fn linked_by(&mut self, other: Term) {
        if self.links.get(&other.raw()).is_none() {
            self.links.insert(other.raw(), Link::default());
        }
    }

    /// Removes a link on this process's own wish, by an unlink signal of this id. False: there is none.
    pub fn unlink(&mut self, other: Term, id: u64) -> bool {
        match self.links.get_mut(&other.raw()) {
            Some(l) if l.unlinking.is_none() => {
                l.unlinking = Some(id);
                true
            }
            _ => false,
        }
    }

    /// Removes a link on the other side's wish.
    pub fn unlinked_by(&mut self, other: Term) {
        if self.is_linked(other) {
            self.links.remove(&other.raw());
        }
    }

    /// The other side has handled the unlink signal of this id.
    pub fn unlink_done(&mut self, other: Term, id: u64) {
        if self.links.get(&other.raw()).is_some_and(|l| l.unlinking == Some(id)) {
            self.links.remove(&other.raw());
        }
    }

    /// Forgets the link with `other`, which has ended. True: it was active.
    pub fn drop_link(&mut self, other: Term) -> bool {
        self.end_link(other).is_some()
    }

    /// As [`Relations::drop_link`]; of one that was active, whether its message is a priority message.
    pub fn end_link(&mut self, other: Term) -> Option<bool> {
        self.links.remove(&other.raw()).filter(|l| l.unlinking.is_none()).map(|l| l.priority)
    }

    /// The other ends of all active links.
    pub fn links(&self) -> impl Iterator<Item = Term> + '_ {
        let active = self.links.iter().filter(|(_, l)| l.unlinking.is_none());
        // SAFETY: LIVE: keys are the words of pids and ports, which point nowhere.
        active.map(|(k, _)| unsafe { Term::from_raw(k) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_link_outlives_the_answer_to_an_old_unlink() {
        let (mut r, p) = (Relations::default(), Term::pid(7));
        assert!(r.link(p));
        assert!(!r.link(p), "linked already");
        assert!(r.unlink(p, 1));
        assert!(!r.is_linked(p));
        assert!(r.link(p));
        r.unlink_done(p, 1);
        assert!(r.is_linked(p));
        assert!(r.unlink(p, 2));
        r.unlink_done(p, 1);
        assert!(!r.drop_link(p), "an exit signal under way is ignored");
    }

    #[test]
    fn a_link_keeps_what_was_said_last_of_its_priority() {
        let (mut r, p) = (Relations::default(), Term::pid(7));
        r.set_link_priority(p, true);
        assert!(!r.takes_priority(), "there is no link");
        r.link(p);
        assert!(!r.takes_priority());
        r.set_link_priority(p, true);
        assert!(r.takes_priority());
        r.unlink(p, 1);
        assert!(!r.takes_priority());
        r.link(p);
        assert_eq!(r.end_link(p), Some(true));
        r.link(p);
        assert_eq!(r.end_link(p), Some(false));
        assert_eq!(r.end_link(p), None);
    }

    #[test]
    fn a_link_made_by_the_other_side_before_it_saw_our_unlink_is_dropped() {
        let (mut r, p) = (Relations::default(), Term::pid(7));
        r.link(p);
        r.unlink(p, 1);
        r.linked_by(p);
        r.unlink_done(p, 1);
        assert!(!r.is_linked(p));
        assert_eq!(r.links().count(), 0);
    }
}
