//! Passing over the messages that a `receive` refuses by its first tests, without running those for each of them.
//!
//! What is passed over is exactly what the tests would refuse, and it costs the reductions that they would.

use super::{C, I, State, Y};
use crate::code::instr::{Instr, Op, Rel, Src, Test};
use purlin_term::boxed::Kind;
use purlin_term::{Term, compare};

/// What the tests behind a `loop_rec` ask of every message that they do not refuse: a tuple with this header, with a
/// value at one or two places.
struct Wanted {
    header: u64,
    /// Places (from 1) and values; place 0, the header, asks for nothing more.
    elements: [(usize, Term); 2],
}

impl Wanted {
    #[inline(always)]
    fn refuses(&self, message: Term) -> bool {
        if !message.is_boxed() {
            return true;
        }
        let p = message.pointer();
        // SAFETY: LIVE: a boxed term begins with its header; a tuple with this header has the places asked for.
        unsafe {
            *p != self.header
                || self.elements.iter().any(|&(place, value)| {
                    let found = Term(*p.add(place));
                    found != value && (found.is_immediate() || value.is_immediate() || !compare::same(found, value))
                })
        }
    }
}

impl State {
    /// Moves the cursor on from the messages that the tests behind the `loop_rec` at `pc` refuse, if they do so by going
    /// to the `loop_rec_end` at `end`.
    #[inline(always)]
    pub(super) unsafe fn pass_refused(&mut self, end: *const Op) {
        // SAFETY: OWNER: the machine's process is the one that runs.
        unsafe {
            let mailbox = &mut (*(*self.m).running.data).mailbox;
            if mailbox.current().is_none() || !mailbox.is_unwatched() {
                return;
            }
            let Some(wanted) = self.wanted(end) else { return };
            while self.left > 1 && mailbox.current().is_some_and(|t| wanted.refuses(t)) {
                mailbox.advance();
                self.left -= 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn wanted(&self, end: *const Op) -> Option<Wanted> {
        let message = Src::x(0);
        // SAFETY: CODE: what follows a test is an instruction; the last one of a function is no test.
        unsafe {
            let mut pc = self.pc.add(1);
            let refuses = |pc: *const Op, fail: Rel| pc.wrapping_byte_offset(fail as isize) == end;
            let mut elements = [(0, Term::NONE); 2];
            let arity = match (*pc).instr {
                Instr::IsTaggedTuple { fail, src, arity, tag } if src == message && refuses(pc, fail) => {
                    elements[0] = (1, Term::atom(tag));
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
            if let Instr::GetTupleElement { src, index, dst } = (*pc.add(1)).instr
                && src == message
                && (index as usize) < arity
            {
                pc = pc.add(2);
                let value = match (*pc).instr {
                    Instr::IsEqExact { fail, a, b } if a == dst.as_src() && refuses(pc, fail) => match b.kind() {
                        1 => Some(self.get::<Y>(b)),
                        2 => Some(self.get::<C>(b)),
                        3 => Some(self.get::<I>(b)),
                        _ => None,
                    },
                    Instr::IsEqImmediate { fail, a, value } if Src(a as u32) == dst.as_src() && refuses(pc, fail) => {
                        Some(value)
                    }
                    _ => None,
                };
                if let Some(value) = value {
                    elements[1] = (index as usize + 1, value);
                }
            }
            // A place that nothing is asked of is the header's.
            for e in &mut elements {
                if e.0 == 0 {
                    e.1 = Term(header);
                }
            }
            Some(Wanted { header, elements })
        }
    }
}
