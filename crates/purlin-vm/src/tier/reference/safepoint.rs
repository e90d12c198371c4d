//! Stopping in a loop of jumps (see [`crate::code::instr::Safepoint`]), and before steps that others can tell.

use super::Run;
use crate::code::instr::{Op, Safepoint, Step};
use crate::engine::runner::Stop;
use purlin_term::{Atom, Term};

impl Run<'_> {
    /// Not with an exception in the registers, of which only the handler knows how many there are.
    pub(super) fn can_stop_at(&self, s: &Safepoint) -> bool {
        s.live.first() != Some(&0) || !self.x(0).is_none()
    }

    /// Stops at the safepoint `pc`: float registers are saved as terms behind the X registers.
    #[cold]
    pub(super) fn stop_at_safepoint(&mut self, pc: *const Op, s: &Safepoint) -> Stop {
        let mut live = s.live.iter().peekable();
        for i in 0..s.registers {
            if live.next_if(|&&n| n as usize == i).is_none() {
                self.set_x(i, Term::NIL);
            }
        }
        for (i, &f) in s.floats.iter().enumerate() {
            let t = self.data.heap.float(self.m.f[f as usize]);
            self.set_x(s.registers + i, t);
        }
        self.stop_at(pc.wrapping_add(1), s.registers + s.floats.len(), Stop::Yield)
    }

    /// Whether others go first, where somebody chooses the order of steps.
    pub(super) fn gives_way(&mut self, pc: *const Op, step: &Step) -> bool {
        let engine = self.engine.clone();
        let Some(order) = engine.order() else { return false };
        if step.timeout.is_some_and(|t| self.get(t).is(Atom::INFINITY)) {
            return false;
        }
        // Nothing collects meanwhile.
        let args: smallvec::SmallVec<[Term; 8]> = (0..step.live as usize).map(|i| self.x(i)).collect();
        let before = std::mem::replace(&mut self.data.pc, pc);
        let gives_way =
            engine.sched.queues[0].look(|waiting| order.gives_way(&mut self.ctx(), step.what, &args, waiting));
        self.data.pc = before;
        gives_way
    }

    /// Goes on behind a safepoint. What was reserved of the heap may have been given to others meanwhile.
    #[cold]
    pub(super) fn leave_safepoint(&mut self, s: &Safepoint) {
        for (i, &f) in s.floats.iter().enumerate() {
            if let Some(value) = self.x(s.registers + i).as_float() {
                self.m.f[f as usize] = value;
            }
        }
        self.ensure(s.heap as usize, s.registers);
    }
}
