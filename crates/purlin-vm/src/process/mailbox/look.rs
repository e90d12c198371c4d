//! Looks: which frame looks at which message between `loop_rec` and `remove_message` or `loop_rec_end`.
//!
//! In compiled code only guards run there. But `prim_eval:'receive'/2`, by which evaluated code receives, calls a fun
//! there, and that may run anything: catch exceptions, load code, receive, collect, wait for the answer of another
//! process. So that none of this disturbs the `receive` around it,
//!
//! - a look belongs to the frame that began it, known by the depth of the stack, and only what ends that frame's
//!   `receive` ends it: taking the message out, timing out, or an exception with a handler outside the frame;
//! - a `receive` inside the look begins at the first message, does not see the message looked at, and gives position
//!   and timeout back when it ends;
//! - registers hold parts of the message looked at, so it is never moved or freed: whoever collects, or raises an
//!   exception out of the look, makes its block a part of the heap first;
//! - what a fun keeps of the message may outlive the look: where functions are called in a look, `loop_rec` itself
//!   makes the message a part of the heap (`keeps`).

use super::Mailbox;
use crate::clock::Time;
use crate::process::signal::{Parcel, Signal};
use purlin_term::Heap;

/// A look that is under way around the running `receive`. Its message lies in the heap.
pub(super) struct Held {
    node: *mut Signal,
    frame: u32,
    /// When its `receive` times out, as in [`ProcessData::receive_until`](crate::process::ProcessData::receive_until).
    until: Option<Time>,
}

impl Mailbox {
    /// The words that were on the stack when the look that is under way began.
    #[inline]
    pub fn look(&self) -> Option<u32> {
        self.look.checked_sub(1)
    }

    /// Whether no message is looked at.
    #[inline]
    pub fn is_unwatched(&self) -> bool {
        self.look | self.inside == 0
    }

    /// A look at the message at the cursor begins in the frame on a stack of so many words.
    #[inline]
    pub(crate) fn begin_look(&mut self, stack: usize) {
        self.look = stack as u32 + 1;
    }

    /// The message looked at did not match.
    #[inline]
    pub(crate) fn end_look(&mut self) {
        self.look = 0;
    }

    /// A `receive` begins inside the look that is under way, whose `receive` times out at `until`.
    #[cold]
    pub(crate) fn hold(&mut self, heap: &mut Heap, until: Option<Time>) {
        let Some(frame) = self.look() else { return };
        self.keep(heap);
        let held = &mut self.aside.get_or_insert_default().held;
        held.push(Held { node: self.cursor, frame, until });
        (self.look, self.inside) = (0, held.len() as u32);
        self.rewind();
    }

    /// The running `receive` ends, and the next begins at the first message. When it ran inside a look, that goes on:
    /// gives when its `receive` times out.
    #[inline]
    pub(crate) fn end_receive(&mut self) -> Option<Option<Time>> {
        self.look = 0;
        if self.inside > 0 {
            return self.resume();
        }
        self.cursor = self.head;
        None
    }

    #[cold]
    fn resume(&mut self) -> Option<Option<Time>> {
        let Held { node, frame, until } = self.aside.as_mut()?.held.pop()?;
        self.inside -= 1;
        self.cursor = node;
        self.look = frame + 1;
        Some(until)
    }

    fn held(&self) -> &[Held] {
        self.aside.as_ref().map_or(&[], |a| &a.held)
    }

    /// Whether the innermost `receive` under way is one that an exception leaves whose handler lies so many words from
    /// the stack's bottom.
    #[inline]
    pub(crate) fn is_left_by(&self, handler: usize) -> bool {
        !self.is_unwatched() && {
            let frame = self.look().or_else(|| self.held().last().map(|h| h.frame));
            frame.is_some_and(|frame| frame as usize >= handler)
        }
    }

    /// Makes the message looked at a part of the heap where it lies.
    #[inline]
    pub(crate) fn keep(&mut self, heap: &mut Heap) {
        // SAFETY: INNER: the cursor's node is this mailbox's.
        if self.look != 0 && !self.cursor.is_null() && unsafe { (*self.cursor).used() } > 0 {
            self.keep_current(heap);
        }
    }

    #[cold]
    fn keep_current(&mut self, heap: &mut Heap) {
        // SAFETY: INNER, PARCEL: the list's nodes are this mailbox's; the new one takes the place of that at the cursor.
        unsafe {
            let former = Parcel::from_raw(self.cursor);
            self.words -= former.used();
            self.on_heap += 1;
            let (parcel, fragment) = former.split();
            let node = parcel.into_raw();
            match (*node).prev.as_mut() {
                Some(prev) => prev.next = node,
                None => self.head = node,
            }
            match (*node).next.as_mut() {
                Some(next) => next.prev = node,
                None => self.tail = node,
            }
            self.cursor = node;
            heap.adopt(fragment);
        }
    }

    /// Moves the cursor on from messages that looks around the running `receive` are at.
    #[cold]
    pub(super) fn pass_held(&mut self) {
        while !self.cursor.is_null() && self.held().iter().any(|h| h.node == self.cursor) {
            // SAFETY: INNER: the list's nodes are this mailbox's.
            self.cursor = unsafe { (*self.cursor).next };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use purlin_term::Term;

    fn filled(n: i64) -> Mailbox {
        let mut m = Mailbox::default();
        let mut heap = Heap::new(0);
        for i in 0..n {
            let list = heap.list(&[Term::small(i), Term::small(i)]);
            m.append(Signal::message(heap.tuple(&[Term::small(i), list])));
        }
        m
    }

    fn number(t: Term) -> i64 {
        t.as_tuple().unwrap()[0].small_value()
    }

    fn numbers(m: &Mailbox) -> Vec<i64> {
        m.iter().map(number).collect()
    }

    #[test]
    fn a_receive_inside_a_look_begins_at_the_front_and_gives_the_place_back() {
        let (mut m, mut heap) = (filled(4), Heap::new(0));
        m.advance();
        m.begin_look(80);
        m.hold(&mut heap, Some(7));
        let mut seen = Vec::new();
        while let Some(t) = m.current() {
            seen.push(number(t));
            m.advance();
        }
        assert_eq!(seen, [0, 2, 3], "all but the message that is looked at");
        m.rewind();
        m.begin_look(160);
        assert_eq!(number(m.remove_current().unwrap().term), 0);
        assert_eq!(m.end_receive(), Some(Some(7)));
        assert_eq!((m.look(), m.current().map(number)), (Some(80), Some(1)));
        assert_eq!(number(m.remove_current().unwrap().term), 1);
        assert_eq!(m.end_receive(), None);
        assert!(m.is_unwatched());
        assert_eq!(numbers(&m), [2, 3]);
    }

    #[test]
    fn an_exception_ends_the_looks_inside_its_handler_only() {
        let (mut m, mut heap) = (filled(3), Heap::new(0));
        m.advance();
        m.begin_look(80);
        m.hold(&mut heap, None);
        m.begin_look(160);
        assert!(!m.is_left_by(200), "the handler is in what the look has called");
        assert!(m.is_left_by(120));
        m.end_receive();
        assert!(!m.is_left_by(120));
        assert_eq!(m.current().map(number), Some(1));
        assert!(m.is_left_by(80), "the frame's own handler is outside its receive");
        m.end_receive();
        assert_eq!(m.current().map(number), Some(0));
        assert!(!m.is_left_by(0), "no receive is under way");
    }

    #[test]
    fn a_message_looked_at_becomes_part_of_the_heap_where_it_lies() {
        for at in 0..3 {
            let (mut m, mut heap) = (filled(3), Heap::new(0));
            (0..at).for_each(|_| m.advance());
            let t = m.current().unwrap();
            m.keep(&mut heap);
            assert!(heap.fragments.is_empty(), "nobody looks at it");
            m.begin_look(0);
            m.keep(&mut heap);
            m.keep(&mut heap);
            assert_eq!((heap.fragments.len(), heap.fragment_words), (1, 3 + 4));
            assert_eq!(m.current(), Some(t));
            assert_eq!(m.words(), 2 * (3 + 4));
            let mut roots = 0;
            m.visit(&mut |slot| roots += usize::from(*slot == t));
            assert_eq!(roots, 1);
            assert_eq!(number(m.remove_current().unwrap().term), at);
            assert_eq!(numbers(&m), (0..3).filter(|&i| i != at).collect::<Vec<_>>());
            assert_eq!(t.as_tuple().unwrap()[1].as_list().unwrap(), [Term::small(at); 2]);
            m.append(Signal::with_copy(crate::process::signal::SignalKind::Message, t));
            assert_eq!(m.len(), 3);
        }
    }
}
