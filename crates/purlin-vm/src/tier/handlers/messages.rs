//! Looking through the mailbox, and sending.

use super::{State, handlers, operands, parts};
use crate::code::instr::Instr;
use crate::tier::reference::Next;
use purlin_term::heap::STACK_RESERVE;

impl State {
    /// Puts the message at the cursor in x0, unless there is none or a collection is due.
    #[inline(always)]
    unsafe fn look(&mut self) -> bool {
        // SAFETY: OWNER: the machine's process is the one that runs. FRESH: the words up to the reserve are free.
        unsafe {
            let data = (*self.m).running.data;
            if (*data).mailbox.current().is_none() {
                return false;
            }
            // What was received before is merged into the heap where no X register lives.
            let free = (self.sp as usize - self.top as usize) / 8;
            if !(*data).mailbox.is_unwatched() || (*data).heap.wants_collection_at_receive(free) {
                return false;
            }
            let heap = &(*data).heap;
            (*data).mailbox.begin_look((heap.block.end() as usize - self.sp as usize) / 8);
            let words = (*data).mailbox.move_first(self.top, free.saturating_sub(STACK_RESERVE));
            self.top = self.top.add(words);
            let Some(t) = (*data).mailbox.current() else { return false };
            self.set_x(0, t);
            true
        }
    }
}

handlers! {
    fn loop_rec(s) {
        if s.look() { s.next() } else { s.slow() }
    }

    /// And the `loop_rec` that it leads to, of many messages for the first that its tests do not refuse at once.
    fn loop_rec_end(s) {
        let end = s.pc;
        operands!(s, LoopRecEnd { again });
        if s.left <= 1 {
            return s.slow();
        }
        s.pc = s.pc.wrapping_byte_offset(again as isize);
        let plain = matches!((*s.pc).instr, Instr::LoopRec { keeps: false, .. });
        if !plain || !s.pass_refused(end) {
            s.left -= 1;
            crate::messaging::receive::advance(&mut *(*s.m).running.data);
        }
        if plain && s.look() { s.next() } else { s.go() }
    }

    fn remove_message(s) {
        s.by(remove)
    }

    fn send(s) {
        s.by(send_it)
    }

    fn timeout(s) {
        s.by(time_out)
    }

    fn marker_reserve(s) {
        s.by(reserve)
    }

    fn marker_bind(s) {
        s.by(bind)
    }

    fn marker_clear(s) {
        s.by(clear)
    }

    fn marker_use(s) {
        s.by(use_it)
    }
}

parts! {
    fn remove(run, pc) {
        run.remove_message();
        Next::At(pc.wrapping_add(1))
    }
    fn send_it(run, pc) { run.send(pc) }
    fn time_out(run, pc) {
        run.timeout();
        Next::At(pc.wrapping_add(1))
    }
    fn reserve(run, pc, MarkerReserve(dst)) {
        run.marker_reserve(dst);
        Next::At(pc.wrapping_add(1))
    }
    fn bind(run, pc, MarkerBind { marker, reference }) {
        run.marker_bind(marker, reference);
        Next::At(pc.wrapping_add(1))
    }
    fn clear(run, pc, MarkerClear(r)) {
        run.marker_clear(r);
        Next::At(pc.wrapping_add(1))
    }
    fn use_it(run, pc, MarkerUse(r)) {
        run.marker_use(r);
        Next::At(pc.wrapping_add(1))
    }
}
