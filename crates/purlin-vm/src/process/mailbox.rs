//! The mailbox: the inner part of a signal queue (INNER), the messages that a process has fetched and not received.
//!
//! The messages are a doubly linked list in the order of arrival. The cursor is the next message that the running
//! `receive` looks at; null means all were looked at, and the next arrival is where it goes on. Every message has a
//! number, counting up, so that a receive marker is just a number: what arrived later has the same number or more.
//!
//! Priority messages (OTP 28) stand in front of all others, in the order of their arrival, and have no number of their
//! own. While there are any, `receive` looks at all messages: markers and what was refused before go by numbers.
//!
//! What runs while a message is looked at, and what that may do, is told in [`look`]; what is passed over because it
//! was refused before, in [`refused`].

mod look;
pub(crate) mod refused;

use crate::process::signal::{Parcel, RefId, Signal};
use purlin_term::Term;
use std::ptr::null_mut;

/// Markers kept per process; with more of them, the oldest is forgotten (which costs time, not messages).
const MARKERS: usize = 8;

/// Messages that a process has fetched.
pub struct Mailbox {
    head: *mut Signal,
    tail: *mut Signal,
    cursor: *mut Signal,
    /// One more than the words on the stack when the look that is under way began; 0 when there is none.
    look: u32,
    /// How many looks the running `receive` runs inside.
    inside: u32,
    len: u32,
    /// Messages that lie in the process's heap, as none does when it comes.
    on_heap: u32,
    /// Words in all messages.
    words: usize,
    next_seq: u64,
    aside: Option<Box<Aside>>,
}

/// What many processes never have.
#[derive(Default)]
struct Aside {
    /// Which references were made when: messages with smaller numbers cannot contain them.
    markers: Vec<(RefId, u64)>,
    /// The looks that the running `receive` runs inside, the outermost first.
    held: Vec<look::Held>,
    /// What has been refused where.
    refused: refused::Memory,
    /// Priority messages in the mailbox.
    priority: u32,
    /// One came while the running `receive` had passed the place where it stands.
    again: bool,
}

/// In the place of a priority message's number.
const PRIORITY: u64 = u64::MAX;

impl Default for Mailbox {
    fn default() -> Mailbox {
        Mailbox {
            head: null_mut(),
            tail: null_mut(),
            cursor: null_mut(),
            look: 0,
            inside: 0,
            len: 0,
            on_heap: 0,
            words: 0,
            next_seq: 0,
            aside: None,
        }
    }
}

impl Mailbox {
    /// Messages in the mailbox.
    #[inline]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a message at the end.
    pub fn append(&mut self, signal: Parcel) {
        self.words += signal.used();
        let node = signal.into_raw();
        // SAFETY: INNER: the list's nodes are this mailbox's; `node` was just taken over.
        unsafe {
            (*node).next = null_mut();
            (*node).prev = self.tail;
            (*node).seq = self.next_seq;
            if self.tail.is_null() {
                self.head = node;
            } else {
                (*self.tail).next = node;
            }
        }
        self.tail = node;
        self.next_seq += 1;
        self.len += 1;
        if self.cursor.is_null() {
            self.cursor = node;
        }
    }

    /// Adds a priority message in front of all others, behind earlier ones.
    pub fn append_priority(&mut self, signal: Parcel) {
        self.words += signal.used();
        let aside = self.aside.get_or_insert_default();
        let before = aside.priority;
        aside.priority += 1;
        aside.again = !self.cursor.is_null();
        let node = signal.into_raw();
        let (mut prev, mut next) = (null_mut(), self.head);
        // SAFETY: INNER: the list's nodes are this mailbox's, of which the first `before` are priority messages; `node` was
        // just taken over.
        unsafe {
            for _ in 0..before {
                (prev, next) = (next, (*next).next);
            }
            ((*node).prev, (*node).next, (*node).seq) = (prev, next, PRIORITY);
            if prev.is_null() {
                self.head = node
            } else {
                (*prev).next = node
            }
            if next.is_null() { self.tail = node } else { (*next).prev = node }
        }
        self.len += 1;
        if self.cursor.is_null() {
            self.cursor = node;
        }
    }

    /// Whether there are priority messages.
    fn has_priority(&self) -> bool {
        self.aside.as_ref().is_some_and(|a| a.priority > 0)
    }

    /// Goes through the messages once more, if a priority message came in front of those that were looked at.
    #[cold]
    fn look_again(&mut self) {
        if self.aside.as_mut().is_some_and(|a| std::mem::take(&mut a.again)) {
            self.cursor = self.head;
        }
    }

    /// The message at the cursor.
    #[inline]
    pub fn current(&self) -> Option<Term> {
        if self.cursor.is_null() {
            return None;
        }
        // SAFETY: INNER
        Some(unsafe { (*self.cursor).term })
    }

    /// Moves a shallow first message that the cursor is at to the heap words at `to`, of which there are `room`: then its
    /// block is freed when it is received, and not at a collection. How many words it took.
    ///
    /// Only the first: collections go through the messages up to the last in the heap.
    ///
    /// # Safety
    /// FRESH: there are as many words at `to`, in the heap of the process.
    #[inline]
    pub(crate) unsafe fn move_first(&mut self, to: *mut u64, room: usize) -> usize {
        if self.cursor.is_null() || self.cursor != self.head {
            return 0;
        }
        // SAFETY: INNER: the list's nodes are this mailbox's; by the caller's promise.
        let words = unsafe { (*self.head).move_shallow(to, room) };
        if words > 0 {
            self.words -= words;
            self.on_heap += 1;
        }
        words
    }

    /// Moves the cursor to the next message.
    #[inline]
    pub fn advance(&mut self) {
        if !self.cursor.is_null() {
            // SAFETY: INNER
            self.cursor = unsafe { (*self.cursor).next };
            if self.cursor.is_null() && self.aside.is_some() {
                self.look_again();
            }
        }
        if self.inside > 0 {
            self.pass_held();
        }
    }

    /// Moves the cursor behind all messages: the next `receive` looks at later arrivals only. What it waits for must
    /// not have arrived yet, and it must not time out.
    pub fn seek_end(&mut self) {
        self.cursor = null_mut();
    }

    /// Moves the cursor to the first message.
    #[inline]
    pub fn rewind(&mut self) {
        self.cursor = self.head;
        if self.inside > 0 {
            self.pass_held();
        }
    }

    /// Takes the message at the cursor out, and rewinds.
    pub fn remove_current(&mut self) -> Option<Parcel> {
        let node = self.cursor;
        if node.is_null() {
            return None;
        }
        // SAFETY: INNER: `node` is in the list; unlinked from it, it is owned here alone (PARCEL).
        let node = unsafe {
            let (prev, next) = ((*node).prev, (*node).next);
            if prev.is_null() {
                self.head = next;
            } else {
                (*prev).next = next;
            }
            if next.is_null() {
                self.tail = prev;
            } else {
                (*next).prev = prev;
            }
            Parcel::from_raw(node)
        };
        self.len -= 1;
        if node.seq == PRIORITY
            && let Some(aside) = &mut self.aside
        {
            aside.priority -= 1;
        }
        self.on_heap -= u32::from(node.is_on_heap());
        self.words -= node.used();
        self.rewind();
        Some(node)
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Term> + '_ {
        let mut p = self.head;
        std::iter::from_fn(move || {
            if p.is_null() {
                return None;
            }
            // SAFETY: INNER
            unsafe {
                let t = (*p).term;
                p = (*p).next;
                Some(t)
            }
        })
    }

    /// Calls `visit` with each message, until it says that that is enough; whether it did.
    pub(crate) fn any(&self, mut visit: impl FnMut(&Signal) -> bool) -> bool {
        let mut p = self.head;
        while !p.is_null() {
            // SAFETY: INNER: the list's nodes are this mailbox's.
            let signal = unsafe { &*p };
            if visit(signal) {
                return true;
            }
            p = signal.next;
        }
        false
    }

    /// Has the terms of the messages that `take` takes lie in the process's heap: from now on they are roots. A message
    /// that is looked at lies there already ([`Mailbox::keep`]).
    pub(crate) fn move_to_heap(&mut self, mut take: impl FnMut(&mut Signal) -> Option<()>) {
        let mut p = self.head;
        while !p.is_null() {
            // SAFETY: INNER: the list's nodes are this mailbox's.
            let signal = unsafe { &mut *p };
            let words = signal.used();
            if !signal.is_on_heap() && take(signal).is_some() {
                self.words -= words;
                self.on_heap += 1;
            }
            p = signal.next;
        }
    }

    /// Calls `visit` with the messages that lie in the process's heap (ROOTS).
    pub(crate) fn visit(&mut self, visit: &mut dyn FnMut(&mut Term)) {
        let (mut p, mut left) = (self.head, self.on_heap);
        while left > 0 && !p.is_null() {
            // SAFETY: INNER: the list's nodes are this mailbox's.
            let signal = unsafe { &mut *p };
            if signal.is_on_heap() {
                visit(&mut signal.term);
                left -= 1;
            }
            p = signal.next;
        }
    }

    /// Words in all messages.
    #[inline]
    pub fn words(&self) -> usize {
        self.words
    }

    // ---- receive markers

    /// `recv_marker_reserve`: the number that the next message to arrive has or exceeds.
    #[inline]
    pub fn marker(&self) -> u64 {
        self.next_seq
    }

    /// `recv_marker_bind`: no message before `marker` contains the reference.
    pub fn bind_marker(&mut self, marker: u64, reference: RefId) {
        let markers = &mut self.aside.get_or_insert_default().markers;
        markers.retain(|m| m.0 != reference);
        if markers.len() >= MARKERS {
            markers.remove(0);
        }
        markers.push((reference, marker));
    }

    /// `recv_marker_clear`.
    pub fn clear_marker(&mut self, reference: RefId) {
        if let Some(aside) = &mut self.aside {
            aside.markers.retain(|m| m.0 != reference);
        }
    }

    /// `recv_marker_use`: starts at the first message that can contain the reference.
    pub fn use_marker(&mut self, reference: RefId) {
        let found = self.aside.as_ref().and_then(|a| a.markers.iter().find(|m| m.0 == reference));
        let Some(&(_, marker)) = found else { return };
        if self.has_priority() {
            return;
        }
        // From the end: an answer is most often among the last messages.
        let (mut p, mut first) = (self.tail, null_mut());
        while !p.is_null() {
            // SAFETY: INNER
            unsafe {
                if (*p).seq < marker {
                    break;
                }
                first = p;
                p = (*p).prev;
            }
        }
        self.cursor = first;
        if self.inside > 0 {
            self.pass_held();
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Mailbox {
    /// Drops all messages.
    pub(crate) fn clear(&mut self) {
        let mut p = std::mem::replace(&mut self.head, null_mut());
        while !p.is_null() {
            // SAFETY: INNER, PARCEL: the list's nodes are this mailbox's.
            p = unsafe { Parcel::from_raw(p) }.next;
        }
        (self.tail, self.cursor) = (null_mut(), null_mut());
        (self.look, self.inside, self.aside) = (0, 0, None);
        (self.len, self.words, self.on_heap) = (0, 0, 0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn filled(n: i64) -> Mailbox {
        let mut m = Mailbox::default();
        (0..n).for_each(|i| m.append(Signal::message(Term::small(i))));
        m
    }

    fn contents(m: &Mailbox) -> Vec<i64> {
        m.iter().map(Term::small_value).collect()
    }

    #[test]
    fn priority_messages_stand_in_front_in_the_order_of_arrival() {
        let mut m = filled(3);
        m.append_priority(Signal::message(Term::small(10)));
        m.append_priority(Signal::message(Term::small(11)));
        assert_eq!(contents(&m), [10, 11, 0, 1, 2]);
        // The receive that was at the first message goes through all others, then through all from the front.
        let mut seen = Vec::new();
        while let Some(t) = m.current() {
            seen.push(t.small_value());
            m.advance();
        }
        assert_eq!(seen, [0, 1, 2, 10, 11, 0, 1, 2]);
        m.append_priority(Signal::message(Term::small(12)));
        assert_eq!(m.current(), Some(Term::small(12)), "a receive that waits is at the new one");
        assert_eq!(m.remove_current().unwrap().term, Term::small(12));
        m.rewind();
        assert_eq!(m.remove_current().unwrap().term, Term::small(10));
        assert_eq!(m.remove_current().unwrap().term, Term::small(11));
        assert!(!m.has_priority());
        m.append_priority(Signal::message(Term::small(13)));
        m.append(Signal::message(Term::small(3)));
        assert_eq!(contents(&m), [13, 0, 1, 2, 3]);
        assert_eq!(m.len(), 5);
    }

    #[test]
    fn a_receive_with_a_marker_sees_priority_messages() {
        let mut m = filled(20);
        let marker = m.marker();
        m.bind_marker(marker, [1, 0]);
        m.append_priority(Signal::message(Term::small(30)));
        m.append(Signal::message(Term::small(21)));
        m.rewind();
        m.use_marker([1, 0]);
        assert_eq!(m.current(), Some(Term::small(30)));
    }

    #[test]
    fn selective_receive_keeps_the_skipped_messages_in_order() {
        let mut m = filled(5);
        m.advance();
        m.advance();
        assert_eq!(m.remove_current().unwrap().term, Term::small(2));
        assert_eq!(contents(&m), [0, 1, 3, 4]);
        assert_eq!(m.current(), Some(Term::small(0)), "the next receive starts at the front");
        assert_eq!(m.len(), 4);
    }

    #[test]
    fn the_cursor_waits_at_the_end_for_the_next_arrival() {
        let mut m = filled(2);
        m.advance();
        m.advance();
        assert_eq!(m.current(), None);
        m.append(Signal::message(Term::small(9)));
        assert_eq!(m.current(), Some(Term::small(9)));
        m.remove_current();
        assert_eq!(contents(&m), [0, 1]);
        m.append(Signal::message(Term::small(10)));
        assert_eq!(contents(&m), [0, 1, 10], "the list's end is kept when the last message goes");
    }

    #[test]
    fn a_marker_skips_what_was_there_before() {
        let mut m = filled(3);
        let marker = m.marker();
        m.bind_marker(marker, [1, 0]);
        m.use_marker([1, 0]);
        assert_eq!(m.current(), None);
        m.append(Signal::message(Term::small(7)));
        m.rewind();
        m.use_marker([1, 0]);
        assert_eq!(m.current(), Some(Term::small(7)));
        m.remove_current();
        m.clear_marker([1, 0]);
        m.use_marker([1, 0]);
        assert_eq!(m.current(), Some(Term::small(0)), "an unknown marker changes nothing");
        assert_eq!(contents(&m), [0, 1, 2]);
    }

    #[test]
    fn a_marker_survives_the_messages_around_it() {
        let mut m = filled(1);
        m.bind_marker(m.marker(), [1, 0]);
        m.append(Signal::message(Term::small(5)));
        m.remove_current();
        m.remove_current();
        assert!(m.is_empty());
        m.append(Signal::message(Term::small(6)));
        m.use_marker([1, 0]);
        assert_eq!(m.current(), Some(Term::small(6)));
    }
}
