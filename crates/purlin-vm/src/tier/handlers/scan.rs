//! Passing over the messages that a `receive` refuses, without handlers, and without those that it refused before.
//!
//! The tests behind `loop_rec` are run as their handlers would run them, on the same registers, in one loop over
//! instructions and messages. It goes on to the next message where the tests lead to `loop_rec_end`, and leaves the
//! message to the handlers as soon as it meets an instruction that it does not know, which is at the latest the first
//! one of the clause that matches. No X register but x0 lives behind `loop_rec`, so what has been written to them by
//! then means nothing. Jumps lead forwards only, so that each message takes as many steps as there are instructions at
//! most; it costs the reduction that it would have cost. What most of them begin with, a tuple's size, its first element
//! and one more, is read from the instructions once and tried first ([`Wanted`]). What is known to be refused costs one
//! reduction in all ([`refused`](crate::process::mailbox::refused)).

use super::{C, I, State, X, Y, control};
use crate::code::instr::{Dst, Instr, Op, Rel, Src, Test};
use crate::code::module::freed;
use crate::process::mailbox::refused::{MANY, Place, Slots, Value};
use crate::tier::reference::Machine;
use crate::tier::reference::run::is_type;
use purlin_term::boxed::Kind;
use purlin_term::{Term, compare};

/// The X registers that have been written to since the message came to x0, of the first ones.
#[derive(Clone, Copy)]
struct Written(u64);

impl Written {
    #[inline(always)]
    fn has(self, register: u32) -> bool {
        register < u64::BITS && self.0 >> register & 1 != 0
    }
}

/// What the first tests ask of every message that they do not refuse: a tuple with this header, and a value each at two
/// places (from 1; place 0, the header, asks for nothing more). The second value may be that of a slot.
struct Wanted {
    header: u64,
    first: (usize, Term),
    second: (usize, Term),
    slot: Option<u32>,
}

impl Wanted {
    #[inline(always)]
    fn refuses(&self, message: Term, slots: &mut Slots) -> bool {
        if !message.is_boxed() {
            return true;
        }
        let p = message.pointer();
        // SAFETY: LIVE: a boxed term begins with its header; a tuple with this header has the places asked for.
        let found = unsafe {
            if *p != self.header || different(Term::from_raw(*p.add(self.first.0)), self.first.1) {
                return true;
            }
            Term::from_raw(*p.add(self.second.0))
        };
        let refused = different(found, self.second.1);
        if refused && let Some(slot) = self.slot {
            slots.note(slot);
        }
        refused
    }
}

#[inline(always)]
fn different(a: Term, b: Term) -> bool {
    a != b && (a.is_immediate() || b.is_immediate() || !compare::same(a, b))
}

#[inline(always)]
unsafe fn has_header(t: Term, header: u64) -> bool {
    // SAFETY: LIVE: a boxed term begins with its header.
    t.is_boxed() && unsafe { *t.pointer() == header }
}

/// Whether the cursor was moved, and the reductions that are left.
struct Passed {
    moved: bool,
    left: i32,
}

/// [`State::pass_refused`] for mailboxes of many messages.
#[inline(never)]
unsafe fn pass_many(m: *mut Machine, pc: *const Op, sp: *mut u64, top: *mut u64, left: i32, end: *const Op) -> Passed {
    let mut s = State { m, pc, sp, top, left };
    // SAFETY: as for the handler that this is called by.
    let moved = unsafe { s.pass_all(end) };
    Passed { moved, left: s.left }
}

impl State {
    /// Moves the cursor on from the messages that the tests behind the `loop_rec` at `pc` refuse, if they do so by going
    /// to the `loop_rec_end` at `end`: the message at the cursor and those behind it. Whether it moved.
    #[inline(always)]
    pub(super) unsafe fn pass_refused(&mut self, end: *const Op) -> bool {
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe {
            if (*(*self.m).running.data).mailbox.len() < MANY {
                return false;
            }
            // Value by value: a handler whose state's address is known elsewhere could not end by a jump.
            let passed = pass_many(self.m, self.pc, self.sp, self.top, self.left, end);
            self.left = passed.left;
            passed.moved
        }
    }

    /// What [`pass_many`] does.
    unsafe fn pass_all(&mut self, end: *const Op) -> bool {
        // SAFETY: OWNER: the machine's process is the one that runs. CODE: a frame has the slots that its code names.
        unsafe {
            let mailbox = &mut (*(*self.m).running.data).mailbox;
            mailbox.end_look();
            if !mailbox.is_unwatched() {
                return false;
            }
            let place = Place { address: self.pc as usize, freed: freed() };
            let start = mailbox.number();
            let mut scan = mailbox.begin_scan(place, |slot| Value::of(self.get::<Y>(Src(slot))));
            self.left -= i32::from(mailbox.number() != start);
            let wanted = self.wanted(end);
            while self.left > 1
                && let Some(t) = mailbox.current()
            {
                let plain = scan.slots.is_empty();
                let refused = wanted.as_ref().is_some_and(|w| w.refuses(t, &mut scan.slots));
                if !refused && !self.refuses(t, end, &mut scan.slots) {
                    break;
                }
                if plain && !scan.slots.is_empty() {
                    scan.depends_from(mailbox.number());
                }
                mailbox.advance();
                self.left -= 1;
            }
            mailbox.end_scan(&scan, place, |slot| Value::of(self.get::<Y>(Src(slot))));
            mailbox.number() != start
        }
    }

    /// The value of an operand; none if it was there before the message.
    #[inline(always)]
    unsafe fn tested(&self, operand: Src, written: Written, slots: &mut Slots) -> Option<Term> {
        // SAFETY: CODE: each operand is got as what it is.
        unsafe {
            match operand.kind() {
                0 => written.has(operand.0 >> 2).then(|| self.get::<X>(operand)),
                1 => {
                    slots.note(operand.0);
                    Some(self.get::<Y>(operand))
                }
                2 => Some(self.get::<C>(operand)),
                _ => Some(self.get::<I>(operand)),
            }
        }
    }

    /// What the first tests want, if they are of that kind and lead to `end`.
    unsafe fn wanted(&self, end: *const Op) -> Option<Wanted> {
        let message = Src::x(0);
        // SAFETY: CODE: what follows a test is an instruction; the last one of a function is no test.
        unsafe {
            let mut pc = self.pc.add(1);
            let refuses = |pc: *const Op, fail: Rel| pc.wrapping_byte_offset(fail as isize) == end;
            let mut tag = None;
            let arity = match (*pc).instr {
                Instr::IsTaggedTuple { fail, src, arity, tag: t, .. } if src == message && refuses(pc, fail) => {
                    tag = Some(Term::atom(t));
                    arity as usize
                }
                Instr::IsType { test: Test::Tuple, fail, src } if src == message && refuses(pc, fail) => {
                    pc = pc.add(1);
                    match (*pc).instr {
                        Instr::TestArity { fail, src, arity } if src == message && refuses(pc, fail) => arity as usize,
                        _ => return None,
                    }
                }
                _ => return None,
            };
            let header = Kind::Tuple.header(arity);
            let nothing = (0, Term::from_raw(header));
            let first = tag.map_or(nothing, |t| (1, t));
            let mut wanted = Wanted { header, first, second: nothing, slot: None };
            if let Instr::GetTupleElement { src, index, dst } = (*pc.add(1)).instr
                && src == message
                && (index as usize) < arity
            {
                pc = pc.add(2);
                let value = match (*pc).instr {
                    Instr::IsEqExact { fail, a, b, .. } if a == dst.as_src() && b.kind() != 0 && refuses(pc, fail) => {
                        wanted.slot = (b.kind() == 1).then_some(b.0);
                        Some(self.any(b))
                    }
                    Instr::IsEqImmediate { fail, a, value } if Src(a as u32) == dst.as_src() && refuses(pc, fail) => {
                        Some(value)
                    }
                    _ => None,
                };
                if let Some(value) = value {
                    wanted.second = (index as usize + 1, value);
                }
            }
            Some(wanted)
        }
    }

    /// Whether the tests lead to `end` with this message.
    #[inline(never)]
    unsafe fn refuses(&self, message: Term, end: *const Op, slots: &mut Slots) -> bool {
        let mut written = Written(1);
        // SAFETY: CODE: what follows a test is an instruction, and so is what a jump leads to; tests come before what
        // relies on them.
        unsafe {
            self.set_x(0, message);
            let mut pc = self.pc.add(1);
            macro_rules! value {
                ($operand:expr) => {
                    match self.tested($operand, written, slots) {
                        Some(t) => t,
                        None => return false,
                    }
                };
            }
            while pc != end {
                let next = size_of::<Op>() as Rel;
                let to = match (*pc).instr {
                    Instr::IsTaggedTuple { fail, src, arity, tag, .. } => {
                        let t = value!(src);
                        let holds = has_header(t, Kind::Tuple.header(arity as usize))
                            && Term::from_raw(*t.pointer().add(1)) == Term::atom(tag);
                        if holds { next } else { fail }
                    }
                    Instr::IsType { test, fail, src } => {
                        if is_type(test, value!(src)) {
                            next
                        } else {
                            fail
                        }
                    }
                    Instr::TestArity { fail, src, arity } => {
                        if has_header(value!(src), Kind::Tuple.header(arity as usize)) { next } else { fail }
                    }
                    Instr::SelectArity(src, select) => control::arity_leads(select, value!(src)),
                    Instr::SelectVal(src, select) => select.to(value!(src).raw()),
                    Instr::GetTupleElement { src, index, dst } => {
                        let element = Term::from_raw(*value!(src).pointer().add(1 + index as usize));
                        if !self.writes(dst, element, &mut written) {
                            return false;
                        }
                        next
                    }
                    Instr::IsEqImmediate { fail, a, value } => {
                        if value!(Src(a as u32)) == value {
                            next
                        } else {
                            fail
                        }
                    }
                    Instr::IsNeImmediate { fail, a, value } => {
                        if value!(Src(a as u32)) != value {
                            next
                        } else {
                            fail
                        }
                    }
                    Instr::IsEqExact { fail, a, b, .. } => {
                        if compare::same(value!(a), value!(b)) {
                            next
                        } else {
                            fail
                        }
                    }
                    Instr::IsNeExact { fail, a, b, .. } => {
                        if compare::same(value!(a), value!(b)) {
                            fail
                        } else {
                            next
                        }
                    }
                    Instr::Jump(to) => to,
                    _ => return false,
                };
                // No failure label is far behind.
                if to <= 0 {
                    return false;
                }
                pc = pc.byte_offset(to as isize);
            }
        }
        true
    }

    /// Writes to one of the first X registers.
    #[inline(always)]
    unsafe fn writes(&self, dst: Dst, t: Term, written: &mut Written) -> bool {
        let register = dst.0 >> 2;
        if !dst.is_x() || register >= u64::BITS {
            return false;
        }
        written.0 |= 1 << register;
        // SAFETY: CODE: it is an X register.
        unsafe { self.set::<X>(dst, t) };
        true
    }
}
