//! Scheduling points: places before steps that other processes can tell, for an engine whose order of steps is chosen.
//!
//! Between two of them a process does what nobody else sees, so that the orders of these steps are all that there are to try. A
//! `receive` without a timeout needs none: which message it takes is told by the order in which they were sent.

use super::super::export::Mfa;
use super::super::instr::{Instr, Step, StepKind};
use super::{Result, Translator};
use hashbrown::HashMap;
use purlin_beam::{Instruction, Opcode, Operand};

impl Translator<'_> {
    /// Puts a scheduling point before a step; so many X registers live.
    pub(super) fn step(&mut self, what: StepKind, live: u32) {
        if self.loaded.scheduling_points {
            let step = self.ext(Step { what, live, timeout: None });
            self.emit(Instr::SchedulingPoint(step));
        }
    }

    /// The same before a call of a native, if others can tell that.
    pub(super) fn native_step(&mut self, mfa: Mfa) {
        if self.loaded.scheduling_points && is_visible(mfa) {
            self.step(StepKind::Native(mfa), mfa.arity as u32);
        }
    }

    /// The same before a `receive` looks at a message, if it has a timeout.
    pub(super) fn receive_step(&mut self, empty: u32) -> Result<()> {
        if let Some(&timeout) = self.timed.get(&empty) {
            let timeout = self.as_src(timeout)?;
            // X registers do not live here yet.
            let timeout = (timeout.kind() != 0).then_some(timeout);
            let step = self.ext(Step { what: StepKind::Receive, live: 0, timeout });
            self.emit(Instr::SchedulingPoint(step));
        }
        Ok(())
    }

    /// The labels behind which a `receive` waits until a time, with their timeouts.
    pub(super) fn timed_receives(&self) -> Result<HashMap<u32, Operand>> {
        let (mut timed, mut label) = (HashMap::new(), None);
        if !self.loaded.scheduling_points {
            return Ok(timed);
        }
        let mut decoder = self.module.file.code().decode(self.function()?.range.clone());
        let mut ins = Instruction::new();
        while decoder.next(&mut ins)? {
            match (ins.op, ins.args()) {
                (Opcode::Label, _) => label = Some(self.label_number(&ins)),
                (Opcode::Line | Opcode::DebugLine, _) => {}
                (Opcode::WaitTimeout, &[again, timeout]) => {
                    // A `receive` without clauses has no look at a message.
                    timed.extend(label.filter(|&l| again != Operand::Label(l)).map(|l| (l, timeout)));
                }
                _ => label = None,
            }
        }
        Ok(timed)
    }
}

/// Whether another process can tell when, beside what it does itself, a native is called.
fn is_visible(mfa: Mfa) -> bool {
    match mfa.module.name() {
        "ets" | "persistent_term" | "atomics" | "counters" => true,
        "erts_internal" => {
            matches!(mfa.function.name(), "spawn_request" | "counters_add" | "counters_get" | "counters_put")
        }
        "erlang" => VISIBLE.contains(&mfa.function.name()),
        _ => false,
    }
}

/// Those of the module `erlang`.
const VISIBLE: &[&str] = &[
    "!",
    "send",
    "send_nosuspend",
    "send_after",
    "start_timer",
    "cancel_timer",
    "read_timer",
    "spawn",
    "spawn_link",
    "spawn_monitor",
    "spawn_opt",
    "spawn_request",
    "exit",
    "exit_signal",
    "link",
    "unlink",
    "monitor",
    "demonitor",
    "alias",
    "unalias",
    "register",
    "unregister",
    "whereis",
    "registered",
    "processes",
    "is_process_alive",
    "process_info",
    "process_flag",
    "group_leader",
    "suspend_process",
    "resume_process",
];
