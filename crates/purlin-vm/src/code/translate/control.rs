//! Calls, jumps, selections, exceptions, messages, stack frames.

use super::super::consts;
use super::super::export::{Mfa, NativeEntry};
use super::super::instr::*;
use super::{Result, Translator, malformed};
use purlin_beam::{Instruction, Opcode, Operand};
use purlin_term::Atom;

impl Translator<'_> {
    /// Translates an instruction of this family; false when it is of another.
    pub(super) fn control(&mut self, ins: &Instruction) -> Result<bool> {
        let i = match ins.op {
            Opcode::Jump => Instr::Jump(self.fail(ins, 0)?),
            Opcode::Call | Opcode::CallLast | Opcode::CallOnly => return self.local_call(ins),
            Opcode::CallExt | Opcode::CallExtLast | Opcode::CallExtOnly => return self.external_call(ins),
            Opcode::Return => {
                self.end_with_fun_call();
                Instr::Return
            }
            Opcode::CallFun => {
                let arity = self.live(ins, 0)?;
                Instr::CallFun { arity, fun: Src::x(arity) }
            }
            Opcode::CallFun2 => Instr::CallFun { arity: self.live(ins, 1)?, fun: self.src(ins, 2)? },
            Opcode::Apply => Instr::Apply { arity: self.live(ins, 0)? },
            Opcode::ApplyLast => Instr::ApplyLast { arity: self.live(ins, 0)?, slots: self.small_number(ins, 1)? },
            Opcode::SelectVal => return self.select_val(ins),
            Opcode::SelectTupleArity => {
                let mut cases = Vec::new();
                for pair in ins.list().chunks(2) {
                    let [Operand::U(arity), Operand::Label(l)] = *pair else {
                        return malformed("select_tuple_arity: bad pair");
                    };
                    cases.push((arity, self.rel(l)?));
                }
                Instr::SelectArity(
                    self.src(ins, 0)?,
                    self.select_size(cases, self.fail(ins, 1)?, self.is_tuple(ins, 0)),
                )
            }
            Opcode::Allocate if self.safepoints.is_empty() => {
                Instr::Allocate { slots: self.small_number(ins, 0)?, heap: 0, live: self.live(ins, 1)? }
            }
            Opcode::AllocateHeap if self.safepoints.is_empty() => Instr::Allocate {
                slots: self.small_number(ins, 0)?,
                heap: self.heap_need(ins, 1)?,
                live: self.live(ins, 2)?,
            },
            // Compilers before 25 leave it to these to fill the frame. At a safepoint it has to be filled in any case.
            Opcode::AllocateZero | Opcode::Allocate => {
                let (slots, live) = (self.small_number(ins, 0)?, self.live(ins, 1)?);
                self.emit(Instr::Allocate { slots, heap: 0, live });
                self.init_frame(slots)
            }
            Opcode::AllocateHeapZero | Opcode::AllocateHeap => {
                let (slots, heap, live) = (self.small_number(ins, 0)?, self.heap_need(ins, 1)?, self.live(ins, 2)?);
                self.emit(Instr::Allocate { slots, heap, live });
                self.init_frame(slots)
            }
            Opcode::TestHeap => Instr::TestHeap { heap: self.heap_need(ins, 0)?, live: self.live(ins, 1)? },
            Opcode::Deallocate => Instr::Deallocate(self.small_number(ins, 0)?),
            Opcode::Trim => Instr::Trim(self.small_number(ins, 0)?),
            Opcode::Init => {
                let d = self.dst(ins, 0)?;
                Instr::InitY(d.0 >> 2)
            }
            Opcode::InitYregs => {
                let slots = ins.list().iter().map(|&o| self.as_dst(o)).collect::<Result<Vec<_>>>()?;
                Instr::InitYs(self.ext(self.list(slots)))
            }
            Opcode::Catch | Opcode::Try => Instr::Catch { slot: self.dst(ins, 0)?, handler: self.fail(ins, 1)? },
            Opcode::CatchEnd => Instr::CatchEnd { slot: self.dst(ins, 0)? },
            Opcode::TryEnd => Instr::TryEnd { slot: self.dst(ins, 0)? },
            Opcode::TryCase => Instr::TryCase { slot: self.dst(ins, 0)? },
            Opcode::TryCaseEnd => Instr::TryCaseEnd(self.src(ins, 0)?),
            Opcode::Raise => Instr::Raise { trace: self.src(ins, 0)?, value: self.src(ins, 1)? },
            Opcode::RawRaise => Instr::RawRaise,
            Opcode::BuildStacktrace => Instr::BuildStacktrace,
            Opcode::Badmatch => Instr::Badmatch(self.src(ins, 0)?),
            Opcode::CaseEnd => Instr::CaseEnd(self.src(ins, 0)?),
            Opcode::Badrecord => Instr::Badrecord(self.src(ins, 0)?),
            Opcode::IfEnd => Instr::IfEnd,
            Opcode::Send => {
                self.step(StepKind::Send, 2);
                Instr::Send
            }
            Opcode::LoopRec => {
                self.receive_step(self.label(ins, 0)?)?;
                Instr::LoopRec { empty: self.fail(ins, 0)?, keeps: self.looks.call || !self.safepoints.is_empty() }
            }
            Opcode::LoopRecEnd => Instr::LoopRecEnd { again: self.fail(ins, 0)? },
            Opcode::RemoveMessage => Instr::RemoveMessage,
            Opcode::Wait => Instr::Wait { again: self.fail(ins, 0)? },
            Opcode::WaitTimeout => Instr::WaitTimeout { again: self.fail(ins, 0)?, timeout: self.src(ins, 1)? },
            Opcode::Timeout => Instr::Timeout,
            Opcode::RecvMarkerReserve => Instr::MarkerReserve(self.dst(ins, 0)?),
            Opcode::RecvMarkerBind => Instr::MarkerBind { marker: self.src(ins, 0)?, reference: self.src(ins, 1)? },
            Opcode::RecvMarkerClear => Instr::MarkerClear(self.src(ins, 0)?),
            Opcode::RecvMarkerUse => Instr::MarkerUse(self.src(ins, 0)?),
            // The old markers only speed up the scan, and their loops begin with an ordinary loop_rec.
            Opcode::RecvMark | Opcode::RecvSet => return Ok(true),
            _ => return Ok(false),
        };
        self.emit(i);
        Ok(true)
    }

    fn init_frame(&mut self, slots: u32) -> Instr {
        let all = (0..slots).map(Dst::y).collect();
        Instr::InitYs(self.ext(self.list(all)))
    }

    /// The compiler has no instruction for a fun's call in tail position: it writes a call, `deallocate` and `return`.
    /// The call takes the others' part here, because a loop through funs must not fill the stack.
    fn end_with_fun_call(&mut self) {
        if let [.., call, Instr::Deallocate(slots)] = &mut self.code[..]
            && let Instr::CallFun { arity, fun } = *call
        {
            *call = Instr::CallFunLast { arity, fun, slots: *slots };
        }
    }

    fn local_call(&mut self, ins: &Instruction) -> Result<bool> {
        let entry = self.local(self.label(ins, 1)?)?;
        // A stub in the library's code stands for a native: local calls go to the native as well. In tail position the
        // stub itself is entered, so that its caller is no place of the native's errors.
        let native = self.loaded.exports.native(entry.mfa);
        match (ins.op, native) {
            (Opcode::Call, Some(n)) => self.call_of_native(n),
            (Opcode::Call, None) => self.emit(Instr::Call(entry)),
            (Opcode::CallOnly, _) => self.emit(Instr::CallOnly(entry)),
            _ => {
                let slots = self.small_number(ins, 2)?;
                self.emit(Instr::CallLast(entry, slots));
            }
        }
        Ok(true)
    }

    fn external_call(&mut self, ins: &Instruction) -> Result<bool> {
        let export = self.module.import(self.number(ins, 1)?)?;
        let slots = if ins.op == Opcode::CallExtLast { Some(self.small_number(ins, 2)?) } else { None };
        let Some(native) = export.native else {
            // A call that does not come back is no place of errors, and on the BEAM has no line either: what follows
            // without one of its own has that of what stands before.
            if ins.op != Opcode::CallExt {
                self.lines.pop_if(|line| line.0 as usize == self.code.len());
            }
            self.emit(match (ins.op, slots) {
                (Opcode::CallExt, _) => Instr::CallExt(export),
                (_, Some(slots)) => Instr::CallExtLast(export, slots),
                _ => Instr::CallExtOnly(export),
            });
            return Ok(true);
        };
        match ins.op {
            Opcode::CallExt => self.call_of_native(native),
            _ => self.tail_call_of_native(native, slots),
        }
        Ok(true)
    }

    fn call_of_native(&mut self, native: &'static NativeEntry) {
        self.native_step(native.mfa);
        self.emit(Instr::CallNative(native));
    }

    /// A tail call from a function with a frame of `slots`, or without one. The function is the place of the native's
    /// errors, so that the call is an ordinary one and a return follows; only what always goes on elsewhere, and may
    /// do so for ever, gives up the frame.
    fn tail_call_of_native(&mut self, native: &'static NativeEntry, slots: Option<u32>) {
        if leaves_for_good(native.mfa) {
            self.emit(Instr::CallNativeLast(native, slots.unwrap_or(0)));
            return;
        }
        self.call_of_native(native);
        if let Some(slots) = slots {
            self.emit(Instr::Deallocate(slots));
        }
        self.emit(Instr::Return);
    }

    fn select_val(&mut self, ins: &Instruction) -> Result<bool> {
        let src = self.src(ins, 0)?;
        let default = self.fail(ins, 1)?;
        let mut cases = Vec::new();
        for pair in ins.list().chunks(2) {
            let &[value, Operand::Label(l)] = pair else { return malformed("select_val: bad pair") };
            let t = match value {
                Operand::Literal(i) => consts::get(self.module.literal(self.loaded, i)?),
                other => match self.immediate(other)? {
                    Some(t) => t,
                    None => return malformed("select_val: bad value"),
                },
            };
            cases.push((t, l));
        }
        if cases.iter().all(|(t, _)| t.is_immediate()) {
            let mut table = Vec::new();
            for (t, l) in cases {
                table.push((t.raw(), self.rel(l)?));
            }
            let s = self.select(table, default);
            self.emit(Instr::SelectVal(src, s));
            return Ok(true);
        }
        // Values that are no immediates are compared one after the other: fall through on equality, else go on.
        for (t, l) in cases {
            let b = Src::constant(consts::number(t));
            let fail = self.rel(l)?;
            self.emit(Instr::IsNeExact { word: false, fail, a: src, b });
        }
        let default = self.fail(ins, 1)?;
        self.emit(Instr::Jump(default));
        Ok(true)
    }
}

/// Natives that never return to their caller by themselves.
fn leaves_for_good(mfa: Mfa) -> bool {
    mfa.module == Atom::ERLANG && matches!((mfa.function.name(), mfa.arity), ("apply", 2 | 3) | ("hibernate", 3))
}
