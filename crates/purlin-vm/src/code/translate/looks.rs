//! Whether a function calls others between `loop_rec` and `remove_message`, as no compiled `receive` does.

use hashbrown::HashSet;
use purlin_beam::{Instruction, Opcode, Operand};

/// Follows the instructions of a function, one after the other.
#[derive(Clone, Default)]
pub(super) struct Looks {
    /// A message is looked at.
    inside: bool,
    /// Labels that are jumped to meanwhile.
    labels: HashSet<u32>,
    /// A function is called meanwhile.
    pub call: bool,
}

impl Looks {
    pub(super) fn step(&mut self, ins: &Instruction) {
        match ins.op {
            Opcode::Label => {
                let number = match *ins.args() {
                    [Operand::U(n)] => n as u32,
                    [Operand::Label(n)] => n,
                    _ => return,
                };
                self.inside |= self.labels.contains(&number);
            }
            Opcode::LoopRec => self.inside = true,
            _ if !self.inside => {}
            Opcode::RemoveMessage | Opcode::LoopRecEnd | Opcode::Wait | Opcode::WaitTimeout | Opcode::Timeout => {
                self.inside = false;
            }
            Opcode::Call
            | Opcode::CallLast
            | Opcode::CallOnly
            | Opcode::CallExt
            | Opcode::CallExtLast
            | Opcode::CallExtOnly
            | Opcode::CallFun
            | Opcode::CallFun2
            | Opcode::Apply
            | Opcode::ApplyLast => self.call = true,
            op => {
                let targets = ins.args().iter().chain(ins.list());
                self.labels.extend(targets.filter_map(|o| if let Operand::Label(n) = *o { Some(n) } else { None }));
                let goes_on = !matches!(
                    op,
                    Opcode::Jump | Opcode::SelectVal | Opcode::SelectTupleArity | Opcode::Return | Opcode::FuncInfo
                );
                self.inside = goes_on;
            }
        }
    }
}
