//! Instructions that belong to no module, for return addresses to lead to.

use super::instr::Instr;
use super::op::Op;

pub(crate) static PROCESS_END: SyncInstr = SyncInstr([Op::slow(Instr::ProcessEnd)]);
pub(crate) static RETURN: SyncInstr = SyncInstr([Op::slow(Instr::Return)]);

/// Instructions that belong to no module.
#[repr(transparent)]
pub(crate) struct SyncInstr(pub(crate) [Op; 1]);

// SAFETY: instructions are immutable.
unsafe impl Sync for SyncInstr {}

impl SyncInstr {
    pub fn start(&self) -> *const Op {
        self.0.as_ptr()
    }
}

/// One behind the other, so that one comparison tells all from the addresses of ordinary code.
static FRAMES: [SyncInstr; 4] = [
    SyncInstr([Op::slow(Instr::ReturnTrace { exceptions: false })]),
    SyncInstr([Op::slow(Instr::ReturnTrace { exceptions: true })]),
    SyncInstr([Op::slow(Instr::ReturnToTrace)]),
    SyncInstr([Op::slow(Instr::ReturnTime)]),
];

/// A frame that tracing puts on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceFrame {
    Return { exceptions: bool },
    To,
    Time,
}

/// Which of tracing's frames a return address belongs to, if to any.
#[inline]
pub(crate) fn trace_frame(address: usize) -> Option<TraceFrame> {
    let distance = address.wrapping_sub(FRAMES.as_ptr() as usize);
    if distance >= size_of_val(&FRAMES) {
        return None;
    }
    Some(match distance / size_of::<SyncInstr>() {
        0 => TraceFrame::Return { exceptions: false },
        1 => TraceFrame::Return { exceptions: true },
        2 => TraceFrame::To,
        _ => TraceFrame::Time,
    })
}

impl TraceFrame {
    /// The return address of such a frame.
    pub(crate) fn address(self) -> *const Op {
        let i = match self {
            TraceFrame::Return { exceptions } => exceptions as usize,
            TraceFrame::To => 2,
            TraceFrame::Time => 3,
        };
        FRAMES[i].start()
    }
}
