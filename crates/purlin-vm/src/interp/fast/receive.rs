//! Looking through the mailbox, and sending.

use super::{Handler, handlers, operands, parts};
use crate::code::instr::Instr;
use crate::interp::Next;

/// The handler of an instruction of this family.
pub(super) fn handler(i: &Instr, collecting: bool) -> Option<Handler> {
    Some(match i {
        Instr::LoopRec { .. } if !collecting => loop_rec,
        Instr::LoopRecEnd { .. } => loop_rec_end,
        Instr::RemoveMessage => remove_message,
        Instr::Send => send,
        Instr::Timeout => timeout,
        Instr::MarkerReserve(_) => marker_reserve,
        Instr::MarkerBind { .. } => marker_bind,
        Instr::MarkerClear(_) => marker_clear,
        Instr::MarkerUse(_) => marker_use,
        _ => return None,
    })
}

handlers! {
    fn loop_rec(s) {
        let data = (*s.m).data;
        let Some(t) = (*data).mailbox.current() else { return s.slow() };
        // What was received before is merged into the heap here, where no X register lives.
        if !(*data).delay_collection && (*data).heap.wants_collection_at_receive((s.sp as usize - s.top as usize) / 8) {
            return s.slow();
        }
        (*data).delay_collection = true;
        s.set_x(0, t);
        s.next()
    }

    fn loop_rec_end(s) {
        operands!(s, LoopRecEnd { again });
        if s.left <= 1 {
            return s.slow();
        }
        s.left -= 1;
        crate::receive::advance(&mut *(*s.m).data);
        s.jump(again)
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
