//! Native records.

use super::super::instr::*;
use super::{Result, Translator, malformed};
use purlin_beam::{Instruction, Opcode, Operand};
use purlin_term::{Atom, am};

impl Translator<'_> {
    /// Translates an instruction on native records.
    pub(super) fn record(&mut self, ins: &Instruction) -> Result<bool> {
        let i = match ins.op {
            Opcode::IsNativeRecord => {
                let (fail, src) = (self.fail(ins, 0)?, self.src(ins, 1)?);
                let (module, name) = (self.atom_at(ins, 2)?, self.atom_at(ins, 3)?);
                Instr::IsRecord(self.ext(IsRecord { fail, src, module, name }))
            }
            Opcode::IsRecordAccessible => {
                // In a pattern that names no record, the module's own ones are accessible, too.
                let own = self.atom_at(ins, 2)? != Atom::new("external");
                let own = if own { self.module.name } else { Atom::UNDEFINED };
                Instr::IsRecordAccessible { fail: self.fail(ins, 0)?, src: self.src(ins, 1)?, own }
            }
            Opcode::GetRecordElements => {
                let pairs = self.pairs(ins)?;
                let fields = pairs.map(|(field, to)| Ok((field, self.as_dst(to)?))).collect::<Result<Vec<_>>>()?;
                let get = RecordFields { fail: self.fail(ins, 0)?, src: self.src(ins, 1)?, fields: self.list(fields) };
                Instr::GetRecordElements(self.ext(get))
            }
            Opcode::GetRecordField => {
                let (fail, src, id) = (self.fail(ins, 0)?, self.src(ins, 1)?, self.record_id(ins, 2)?);
                let (field, dst) = (self.atom_at(ins, 3)?, self.dst(ins, 4)?);
                Instr::GetRecordField(self.ext(GetRecordField { fail, src, id, field, dst }))
            }
            _ => {
                let src = match self.operand(ins, 2)? {
                    Operand::Atom(0) => None,
                    _ => Some(self.src(ins, 2)?),
                };
                let pairs = self.pairs(ins)?;
                let values =
                    pairs.map(|(field, value)| Ok((field, self.as_src(value)?))).collect::<Result<Vec<_>>>()?;
                let put = PutRecord {
                    module: self.module,
                    id: self.record_id(ins, 1)?,
                    src,
                    dst: self.dst(ins, 3)?,
                    live: self.live(ins, 4)?,
                    values: self.list(values),
                };
                Instr::PutRecord(self.ext(put))
            }
        };
        self.emit(i);
        Ok(true)
    }

    fn atom_at(&self, ins: &Instruction, i: usize) -> Result<Atom> {
        match self.operand(ins, i)? {
            Operand::Atom(i) => Ok(self.module.atom(i)?),
            other => malformed(format!("{}: {other:?} is no atom", ins.op.name())),
        }
    }

    /// Fields, and what stands beside each.
    fn pairs(&self, ins: &Instruction) -> Result<impl Iterator<Item = (Atom, Operand)> + use<>> {
        let mut pairs = Vec::new();
        for pair in ins.list().chunks(2) {
            let &[Operand::Atom(field), operand] = pair else {
                return malformed(format!("{}: bad pair", ins.op.name()));
            };
            pairs.push((self.module.atom(field)?, operand));
        }
        Ok(pairs.into_iter())
    }

    /// A name, `'_'`, or a literal `{Module, Name}`.
    fn record_id(&self, ins: &Instruction, i: usize) -> Result<RecordId> {
        let id = self.src(ins, i)?;
        let id = self.constant_value(id);
        let pair = id.and_then(|t| t.as_tuple()).and_then(|t| Some((t.first()?.as_atom()?, t.get(1)?.as_atom()?)));
        match (id.and_then(|t| t.as_atom()), pair) {
            (Some(name), _) if am!("_").is(name) => Ok(RecordId::Any),
            (Some(name), _) => Ok(RecordId::Own(name)),
            (None, Some((module, name))) => Ok(RecordId::Of(module, name)),
            (None, None) => malformed(format!("{}: no record is named", ins.op.name())),
        }
    }
}
