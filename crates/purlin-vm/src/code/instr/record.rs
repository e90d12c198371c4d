//! What the instructions on native records (OTP 29) refer to.

use super::{Dst, Ext, Rel, Src, operands_of};
use crate::code::isa::{Operand, Operands};
use crate::code::module::Module;
use purlin_term::{Atom, Heap, Term, am};
use std::fmt;

/// The native record that an instruction is about.
#[derive(Clone, Copy)]
pub enum RecordId {
    /// One that the instruction's own module defines.
    Own(Atom),
    /// An exported one of this module.
    Of(Atom, Atom),
    /// Whatever the value is.
    Any,
}

impl RecordId {
    /// As exceptions name it.
    pub fn term(&self, heap: &mut Heap) -> Term {
        match *self {
            RecordId::Own(name) => Term::atom(name),
            RecordId::Of(module, name) => heap.tuple(&[Term::atom(module), Term::atom(name)]),
            RecordId::Any => am!("_"),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordId::Own(name) => write!(f, "{}", name.name()),
            RecordId::Of(module, name) => write!(f, "{}:{}", module.name(), name.name()),
            RecordId::Any => write!(f, "_"),
        }
    }
}

/// Whether a value is the native record of this module and name.
pub struct IsRecord {
    pub fail: Rel,
    pub src: Src,
    pub module: Atom,
    pub name: Atom,
}

/// Fields of a native record into registers.
pub struct RecordFields {
    pub fail: Rel,
    pub src: Src,
    pub fields: Ext<[(Atom, Dst)]>,
}

/// The value of one field.
pub struct GetRecordField {
    pub fail: Rel,
    pub src: Src,
    pub id: RecordId,
    pub field: Atom,
    pub dst: Dst,
}

/// A native record made, or `src` with other values.
pub struct PutRecord {
    /// Whose code it is.
    pub module: &'static Module,
    pub id: RecordId,
    pub src: Option<Src>,
    pub dst: Dst,
    pub live: u32,
    pub values: Ext<[(Atom, Src)]>,
}

operands_of! {
    IsRecord(s): "fail" Operand::Jump(s.fail), "src" Operand::Src(s.src), "module" Operand::Value(Term::atom(s.module)),
        "name" Operand::Value(Term::atom(s.name)) => each [];
    RecordFields(s): "fail" Operand::Jump(s.fail), "src" Operand::Src(s.src) =>
        each s.fields.iter().flat_map(|&(f, d)| [("field", Operand::Value(Term::atom(f))), ("dst", Operand::Dst(d))]);
    GetRecordField(s): "fail" Operand::Jump(s.fail), "src" Operand::Src(s.src), "id" Operand::Name(&s.id),
        "field" Operand::Value(Term::atom(s.field)), "dst" Operand::Dst(s.dst) => each [];
    PutRecord(s): "id" Operand::Name(&s.id), "dst" Operand::Dst(s.dst), "live" Operand::Live(s.live) =>
        each s.src.iter().map(|&src| ("src", Operand::Src(src))).chain(s.values.iter().flat_map(|&(f, v)| [("field", Operand::Value(Term::atom(f))), ("value", Operand::Src(v))]));
}
