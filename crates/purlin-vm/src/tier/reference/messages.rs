//! The instructions of `receive` and the send operator, over [`crate::messaging::receive`].

use super::{Next, Run};
use crate::code::instr::{Dst, Instr, Op, Rel, Src};
use crate::engine::runner::Stop;
use crate::messaging::receive::{self, Peek, Wait};
use crate::messaging::send::SendError;
use purlin_term::{Atom, Term};

impl Run<'_> {
    /// `send`: x0 ! x1, the message to x0.
    pub(in crate::tier) fn send(&mut self, pc: *const Op) -> Next {
        let (to, message) = (self.x(0), self.x(1));
        match crate::messaging::send::send_from(&mut self.ctx(), to, message) {
            Ok(()) => {
                self.set_x(0, message);
                self.data.charge(4);
                Next::At(pc.wrapping_add(1))
            }
            Err(error) => {
                let native = self.engine.code.exports.native(crate::code::Mfa {
                    module: Atom::ERLANG,
                    function: purlin_term::Atom::new("send"),
                    arity: 2,
                });
                if let (SendError::Remote | SendError::Busy(_), Some(n)) = (error, native) {
                    return self.call_native(pc, n);
                }
                let reason = Term::atom(Atom::BADARG);
                match native {
                    Some(n) => self.native_error(Some(pc), n, &[to, message], reason, Term::NONE),
                    None => self.error_here(pc, reason),
                }
            }
        }
    }

    pub(super) fn loop_rec(&mut self, pc: *const Op, empty: Rel, keeps: bool) -> Next {
        // No X register lives here, so that received messages can be merged into the heap.
        if self.data.mailbox.is_unwatched() {
            self.settle_received();
        }
        match receive::peek(&mut self.ctx()) {
            Peek::Message(t) => {
                if keeps {
                    self.data.mailbox.keep(&mut self.data.heap);
                }
                self.set_x(0, t);
                Next::At(pc.wrapping_add(1))
            }
            Peek::Empty => {
                let at = Self::jump(pc, empty);
                // SAFETY: CODE: labels are at instructions.
                match unsafe { (*at).instr } {
                    Instr::Wait { again } => self.wait(at, again),
                    _ => Next::At(at),
                }
            }
            Peek::Exit(reason) => Next::Stop(Stop::Exited(reason)),
        }
    }

    pub(super) fn loop_rec_end(&mut self, pc: *const Op, again: Rel) -> Next {
        receive::advance(self.data);
        self.data.slice_left -= 1;
        let at = Self::jump(pc, again);
        if self.data.slice_left <= 0 {
            return Next::Stop(self.stop_at(at, 0, Stop::Yield));
        }
        Next::At(at)
    }

    pub(in crate::tier) fn remove_message(&mut self) {
        // Nothing may collect here: parts of the message live in registers that the instruction does not name.
        receive::remove(&mut self.ctx());
    }

    pub(super) fn wait(&mut self, pc: *const Op, again: Rel) -> Next {
        Next::Stop(self.stop_at(Self::jump(pc, again), 0, Stop::Wait))
    }

    pub(super) fn wait_timeout(&mut self, pc: *const Op, again: Rel, timeout_in: Src) -> Next {
        let timeout = self.get(timeout_in);
        match receive::wait_timeout(&mut self.ctx(), timeout) {
            Wait::Sleep => {
                // A `receive` without clauses comes back here, and reads the timeout again.
                let mut live = 0;
                if timeout_in.0 & 3 == 0 {
                    live = (timeout_in.0 >> 2) as usize + 1;
                    self.m.x[..live - 1].fill(Term::NIL);
                }
                Next::Stop(self.stop_at(Self::jump(pc, again), live, Stop::Wait))
            }
            Wait::TimedOut => Next::At(pc.wrapping_add(1)),
            Wait::BadTimeout => self.error_here(pc, Term::atom(Atom::TIMEOUT_VALUE)),
        }
    }

    pub(in crate::tier) fn timeout(&mut self) {
        receive::timeout(&mut self.ctx());
    }

    pub(in crate::tier) fn marker_reserve(&mut self, dst: Dst) {
        let t = receive::marker_reserve(self.data);
        self.set(dst, t);
    }

    pub(in crate::tier) fn marker_bind(&mut self, marker: Src, reference: Src) {
        let (m, r) = (self.get(marker), self.get(reference));
        receive::marker_bind(self.data, m, r);
    }

    pub(in crate::tier) fn marker_clear(&mut self, reference: Src) {
        let r = self.get(reference);
        receive::marker_clear(self.data, r);
    }

    pub(in crate::tier) fn marker_use(&mut self, reference: Src) {
        let r = self.get(reference);
        receive::marker_use(self.data, r);
    }
}
