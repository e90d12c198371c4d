//! Which instructions `process_flag(save_calls, N)` saves.

use crate::code::instr::Instr;
use crate::process::Mfa;
use crate::process::saved_calls::Saved;
use purlin_term::Term;

/// What an instruction that is about to run saves; `x` are the X registers.
pub(super) fn of_instruction(i: &Instr, x: &[Term]) -> Option<Saved> {
    let applied = |arity: u32| {
        let i = arity as usize;
        Some(Mfa { module: x[i].as_atom()?, function: x[i + 1].as_atom()?, arity: arity as u8 })
    };
    Some(match *i {
        Instr::CallExt(e) | Instr::CallExtLast(e, _) | Instr::CallExtOnly(e) => Saved::Call(e.mfa),
        Instr::CallNative(n) | Instr::CallNativeLast(n, _) => Saved::Call(n.mfa),
        Instr::Apply { arity } | Instr::ApplyLast { arity, .. } => Saved::Call(applied(arity)?),
        Instr::Send => Saved::Send,
        Instr::RemoveMessage => Saved::Receive,
        Instr::Timeout => Saved::Timeout,
        _ => return None,
    })
}
