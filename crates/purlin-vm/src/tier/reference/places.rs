//! Where a process is in its code: for `process_info`, and for purging.

use crate::code::instr::{Instr, Op};
use crate::code::stack_trace;
use crate::engine::Engine;
use crate::engine::runner::Frame;
use crate::process::{Activity, ProcessData};
use purlin_term::{Atom, Heap, Term};
use std::sync::Arc;

/// The functions that a process is in, the innermost first. Of a process that runs, the innermost is the caller of
/// the native that asks.
pub(super) fn frames(engine: &Arc<Engine>, data: &ProcessData, heap: &mut Heap, depth: usize) -> Vec<Frame> {
    let mut out = Vec::new();
    let step = std::mem::size_of::<Op>();
    let mut innermost = None;
    if !data.pc.is_null() {
        match engine.code.locate(data.pc as usize) {
            // A running process notes the address behind the call.
            Some(_) if data.activity == Activity::Running => innermost = Some(data.pc as usize),
            Some(_) => innermost = Some(data.pc as usize + step),
            None => {
                // SAFETY: CODE: `pc` is at an instruction.
                match unsafe { (*data.pc).instr } {
                    Instr::NativeBody(n) | Instr::NativeDone(n) => out.push(Frame { mfa: n.mfa, location: Term::NIL }),
                    Instr::Breakpoint(p) => out.push(Frame { mfa: p.mfa, location: Term::NIL }),
                    Instr::Translate(e) => out.push(Frame { mfa: e.mfa, location: Term::NIL }),
                    _ => {}
                }
            }
        }
    } else if data.activity != Activity::Running {
        out.push(Frame { mfa: data.initial_call, location: Term::NIL });
    }
    for a in stack_trace::addresses(&data.heap, innermost, depth + 1) {
        if out.len() >= depth {
            break;
        }
        if let Some((entry, index)) = engine.code.locate((a as usize).wrapping_sub(step)) {
            let location = stack_trace::location(heap, entry, index, Term::NIL);
            out.push(Frame { mfa: entry.mfa, location });
        }
    }
    out
}

/// Whether a process is in a module's old code or returns to it. Funs do not count: purging makes those of the old
/// code uncallable first.
pub(super) fn uses_old_code(engine: &Arc<Engine>, data: &ProcessData, module: Atom) -> bool {
    let Some(old) = engine.code.generations(module).old else { return false };
    let within = |address: usize| engine.code.locate(address).is_some_and(|(entry, _)| std::ptr::eq(entry.module, old));
    if !data.pc.is_null() {
        // SAFETY: CODE: `pc` is at an instruction.
        let entered = match unsafe { (*data.pc).instr } {
            Instr::Breakpoint(p) => p.module(),
            Instr::Translate(e) => Some(e.module),
            Instr::NativeBody(n) | Instr::NativeDone(n) => n.library_module(),
            _ => None,
        };
        if entered.is_some_and(|m| std::ptr::eq(m, old)) || within(data.pc as usize) {
            return true;
        }
    }
    let step = std::mem::size_of::<Op>();
    let mut p = data.heap.end;
    while p < data.heap.block.end() {
        // SAFETY: LIVE: `p` walks the stack's words.
        let w = unsafe { Term::from_raw(*p) };
        if w.as_continuation().is_some_and(|a| within(a - step)) {
            return true;
        }
        p = p.wrapping_add(1);
    }
    false
}
