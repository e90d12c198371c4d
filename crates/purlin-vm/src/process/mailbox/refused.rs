//! What a `receive` has refused before, so that the next run of it need not look at that again.
//!
//! The tests of a `receive` see the message, constants and slots of the frame: neither messages nor constants change, so
//! that a message which was refused once is refused again by the same code as long as the slots that were read hold the
//! same values. Messages are numbered in the order of arrival, and none is ever put in front of another but a priority
//! message: while there is one, nothing is remembered and what was is not used. So all that is remembered is a number:
//! every message that is in the mailbox and has a smaller one is refused. Taking messages out does not make that false,
//! and neither do collections, exceptions, timeouts, sleeping and hibernation.
//!
//! - The code is known by its address. That may be another's once code has been freed, which `freed` counts: who runs
//!   what was loaded to the address later also sees the greater count.
//! - Values are remembered by content (immediates and references), never by address; a slot with another kind of value
//!   has nothing remembered.
//! - A number is raised only while all messages before the cursor are known to be refused: not behind what a receive
//!   marker has passed over, and not inside a look at a message, where `receive` does not see all messages.

use super::Mailbox;
use crate::process::signal::RefId;
use purlin_term::Term;
use std::ptr::null_mut;

/// With fewer messages, looking at them is quicker than remembering.
pub(crate) const MANY: usize = 16;

/// Places in the code that are remembered for each process.
const PLACES: usize = 2;

/// Slots of the frame that tests may depend on.
const SLOTS: usize = 2;

/// The value of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Word(u64),
    Reference(RefId),
}

impl Value {
    pub fn of(t: Term) -> Option<Value> {
        if t.is_immediate() { Some(Value::Word(t.raw())) } else { t.as_local_ref().map(Value::Reference) }
    }
}

/// Which code, and how much had been freed when it ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub address: usize,
    pub freed: u64,
}

/// The slots that tests have read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slots {
    /// More than there is room for: they are not known.
    count: usize,
    slots: [u32; SLOTS],
}

impl Slots {
    #[inline(always)]
    pub fn note(&mut self, slot: u32) {
        if self.known().contains(&slot) {
            return;
        }
        if let Some(free) = self.slots.get_mut(self.count) {
            *free = slot;
        }
        self.count = (self.count + 1).min(SLOTS + 1);
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn known(&self) -> &[u32] {
        &self.slots[..self.count.min(SLOTS)]
    }
}

#[derive(Clone, Copy)]
pub(super) struct Refused {
    place: Place,
    /// Messages before this number are refused whatever the frame holds,
    always: u64,
    /// and those before this number while these slots hold these values.
    next: u64,
    values: [Option<(u32, Value)>; SLOTS],
}

#[derive(Default)]
pub(super) struct Memory([Option<Refused>; PLACES]);

impl Memory {
    /// What is remembered of a place, moved to the front.
    fn find(&mut self, place: Place) -> Option<&Refused> {
        let at = self.0.iter().position(|r| r.is_some_and(|r| r.place == place))?;
        self.0[..=at].rotate_right(1);
        self.0[0].as_ref()
    }

    fn store(&mut self, refused: Refused) {
        if self.find(refused.place).is_none() {
            self.0.rotate_right(1);
        }
        self.0[0] = Some(refused);
    }
}

/// A run of the cursor over messages that are refused.
pub(crate) struct Scan {
    pub slots: Slots,
    always: u64,
    /// All messages before the cursor are known to be refused.
    complete: bool,
}

impl Scan {
    /// The message of this number is refused by a test of a slot, after none was.
    #[inline(always)]
    pub fn depends_from(&mut self, number: u64) {
        self.always = number;
    }
}

impl Mailbox {
    /// The number of the message at the cursor, or of the next to arrive.
    #[inline(always)]
    pub(crate) fn number(&self) -> u64 {
        // SAFETY: INNER: the list's nodes are this mailbox's.
        unsafe { self.cursor.as_ref() }.map_or(self.next_seq, |m| m.seq)
    }

    /// Moves the cursor on from the messages of which it is known that this place refuses them. `value` gives the
    /// values of slots.
    pub(crate) fn begin_scan(&mut self, place: Place, value: impl Fn(u32) -> Option<Value>) -> Scan {
        if self.has_priority() {
            return Scan { slots: Slots::default(), always: 0, complete: false };
        }
        // SAFETY: INNER: the list's nodes are this mailbox's.
        let before = unsafe { self.cursor.as_ref().map_or(self.tail, |m| m.prev).as_ref() }.map_or(0, |m| m.seq + 1);
        let mut scan = Scan { slots: Slots::default(), always: 0, complete: before == 0 };
        let Some(known) = self.aside.as_mut().and_then(|a| a.refused.find(place)) else { return scan };
        let same = known.values.iter().flatten().all(|&(slot, v)| value(slot) == Some(v));
        let from = if same { known.next } else { known.always };
        scan.complete = from >= before;
        scan.always = known.always;
        if same && scan.complete {
            known.values.iter().flatten().for_each(|v| scan.slots.note(v.0));
        }
        self.skip_to(from);
        scan
    }

    /// The cursor is where this place's tests go on: all messages that it has moved on from are refused.
    pub(crate) fn end_scan(&mut self, scan: &Scan, place: Place, value: impl Fn(u32) -> Option<Value>) {
        if !scan.complete {
            return;
        }
        let number = self.number();
        let mut refused = Refused { place, always: scan.always, next: number, values: [None; SLOTS] };
        if scan.slots.is_empty() {
            refused.always = number;
        }
        for (to, &slot) in refused.values.iter_mut().zip(scan.slots.known()) {
            *to = value(slot).map(|v| (slot, v));
        }
        if refused.values.iter().flatten().count() != scan.slots.count {
            (refused.next, refused.values) = (refused.always, [None; SLOTS]);
        }
        self.aside.get_or_insert_default().refused.store(refused);
    }

    /// Moves the cursor to the first message of this number or a greater one, if that is further on. From both ends, as
    /// few messages may be left or few have been refused.
    fn skip_to(&mut self, number: u64) {
        let (mut front, mut back, mut behind) = (self.cursor, self.tail, null_mut());
        // SAFETY: INNER: the list's nodes are this mailbox's. `back` is null only if no message has a smaller number.
        unsafe {
            while !front.is_null() && (*front).seq < number {
                if (*back).seq < number {
                    front = behind;
                    break;
                }
                (behind, back) = (back, (*back).prev);
                front = (*front).next;
            }
        }
        self.cursor = front;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::process::signal::Signal;

    const HERE: Place = Place { address: 8, freed: 0 };

    fn filled(n: i64) -> Mailbox {
        let mut m = Mailbox::default();
        (0..n).for_each(|i| m.append(Signal::message(Term::small(i))));
        m
    }

    fn at(m: &Mailbox) -> Option<i64> {
        m.current().map(Term::small_value)
    }

    /// A `receive` that refuses up to a number, by a slot's value from another number on.
    fn run(m: &mut Mailbox, place: Place, until: i64, slot_from: i64, value: Term) -> u32 {
        let value = |_: u32| Value::of(value);
        let mut scan = m.begin_scan(place, value);
        let mut looks = 0;
        while let Some(t) = m.current().filter(|t| t.small_value() < until) {
            if t.small_value() >= slot_from && scan.slots.is_empty() {
                scan.slots.note(1);
                scan.depends_from(m.number());
            }
            looks += 1;
            m.advance();
        }
        m.end_scan(&scan, place, value);
        looks
    }

    #[test]
    fn what_was_refused_is_passed_over_the_next_time() {
        let mut m = filled(10);
        assert_eq!(run(&mut m, HERE, 7, 99, Term::NIL), 7);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 7, 99, Term::small(1)), 0);
        assert_eq!(at(&m), Some(7));
        m.remove_current();
        assert_eq!(run(&mut m, HERE, 100, 99, Term::NIL), 2, "goes on behind what was taken out");
        m.append(Signal::message(Term::small(10)));
        m.rewind();
        assert_eq!(run(&mut m, HERE, 100, 99, Term::NIL), 1, "only what is new");
        m.rewind();
        assert_eq!(run(&mut m, Place { freed: 1, ..HERE }, 100, 99, Term::NIL), 10, "other code at the address");
        m.rewind();
        assert_eq!(run(&mut m, Place { address: 16, ..HERE }, 3, 99, Term::NIL), 3);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 100, 99, Term::NIL), 10, "the place used longest ago is forgotten");
    }

    #[test]
    fn other_values_are_looked_at_from_where_values_count() {
        let mut m = filled(10);
        assert_eq!(run(&mut m, HERE, 8, 5, Term::small(1)), 8);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 8, 5, Term::small(1)), 0);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 8, 5, Term::small(2)), 3);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 8, 5, Term::small(2)), 0);
        m.rewind();
        let mut heap = purlin_term::Heap::new(0);
        let tuple = heap.tuple(&[Term::NIL]);
        for _ in 0..2 {
            assert_eq!(run(&mut m, HERE, 8, 5, tuple), 3, "a term of the heap is not remembered");
            m.rewind();
        }
    }

    #[test]
    fn nothing_is_remembered_behind_what_was_not_looked_at() {
        let mut m = filled(6);
        m.advance();
        m.advance();
        assert_eq!(run(&mut m, HERE, 5, 99, Term::NIL), 3);
        m.rewind();
        assert_eq!(run(&mut m, HERE, 5, 99, Term::NIL), 5);
        m.rewind();
        m.remove_current();
        m.remove_current();
        m.advance();
        assert_eq!(run(&mut m, HERE, 5, 99, Term::NIL), 0);
        assert_eq!(at(&m), Some(5));
    }

    #[test]
    fn more_slots_than_there_is_room_for_are_not_known() {
        let mut m = filled(4);
        for _ in 0..2 {
            m.rewind();
            let value = |_: u32| Some(Value::Word(0));
            let mut scan = m.begin_scan(HERE, value);
            assert_eq!(at(&m), Some(0));
            (0..SLOTS as u32 + 1).for_each(|slot| scan.slots.note(slot));
            scan.depends_from(m.number());
            (0..4).for_each(|_| m.advance());
            m.end_scan(&scan, HERE, value);
        }
    }
}
