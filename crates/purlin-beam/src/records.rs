//! `Recs`: the native records that a module defines (OTP 29).
//!
//! A version, the number of records and that of all their fields; then for each record what is encoded like an instruction
//! of three operands: the name, whether it is exported, and a list of the fields, each with its default.

use crate::code::{Code, Instruction, Operand};
use crate::cursor::Cursor;
use crate::error::{BeamError, BeamErrorKind, ChunkName};

const NAME: ChunkName = ChunkName(*b"Recs");

/// A native record that a module defines. Atoms are indexes for [`BeamFile::atom`](crate::BeamFile::atom).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDefinition {
    pub name: u32,
    /// The atom `true` or `false`: whether other modules may look into it.
    pub exported: u32,
    /// The fields as they were declared, each with its default, if it has one.
    pub fields: Vec<(u32, Option<DefaultValue>)>,
}

/// What a field holds that nobody gives a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// An atom, an integer or a literal.
    Operand(Operand),
    /// An integer of more than 64 bits: its bytes as a big-endian two's complement.
    BigInteger(Vec<u8>),
}

pub(crate) fn read(chunk: &[u8], code: &Code) -> Result<Vec<RecordDefinition>, BeamError> {
    let mut cursor = Cursor::new(chunk, NAME);
    let version = cursor.u32()?;
    if version != 0 {
        return Err(cursor.error_at(BeamErrorKind::BadVersion(version), 0));
    }
    let count = cursor.count(4)?;
    let _all_fields = cursor.u32()?;
    let mut decoder = code.decode_chunk(cursor);
    let mut ins = Instruction::new();
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let at = decoder.offset();
        let bad = || BeamError { kind: BeamErrorKind::BadRecord, chunk: Some(NAME), offset: at as usize };
        if !decoder.next(&mut ins)? {
            return Err(bad());
        }
        let (&[Operand::Atom(name), Operand::Atom(exported), Operand::List { .. }], true) =
            (ins.args(), ins.list().len().is_multiple_of(2))
        else {
            return Err(bad());
        };
        let field = |pair: &[Operand]| {
            let &[Operand::Atom(field), default] = pair else { return None };
            let default = match default {
                Operand::U(0) => None,
                Operand::BigI { start, len } => {
                    let bytes = chunk.get(start as usize..)?.get(..len as usize)?;
                    Some(DefaultValue::BigInteger(bytes.to_vec()))
                }
                Operand::Atom(_) | Operand::I(_) | Operand::Literal(_) => Some(DefaultValue::Operand(default)),
                _ => return None,
            };
            Some((field, default))
        };
        let fields = ins.list().chunks(2).map(field).collect::<Option<_>>().ok_or_else(bad)?;
        records.push(RecordDefinition { name, exported, fields });
    }
    Ok(records)
}
