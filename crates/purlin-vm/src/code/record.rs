//! The native records that a module defines (OTP 29).

use super::consts;
use super::module::Module;
use crate::code::Code;
use num_bigint::BigInt;
use purlin_beam::{DefaultValue, Operand, RecordDefinition};
use purlin_term::{Heap, Kept, Term};

/// What a module's records are made from.
pub struct RecordTemplate {
    /// The definition, which all records made from it share.
    pub definition: Kept,
    /// Whether code of other modules may make one and look into it.
    pub exported: bool,
    /// What each field holds that nobody gives a value.
    pub defaults: Vec<Option<Kept>>,
}

impl RecordTemplate {
    pub(super) fn of(module: &Module, code: &Code, of: &RecordDefinition) -> Option<RecordTemplate> {
        let atom = |i| module.atom(i).ok();
        let mut heap = Heap::new(0);
        let fields = of.fields.iter().map(|f| atom(f.0).map(Term::atom)).collect::<Option<Vec<_>>>()?;
        if (1..fields.len()).any(|i| fields[..i].contains(&fields[i])) {
            return None;
        }
        let exported = Term::atom(atom(of.exported)?).as_bool()?;
        let definition = heap.record_definition(module.name, atom(of.name)?, exported, &fields);
        let mut value = |default: &DefaultValue| {
            let t = match *default {
                DefaultValue::Operand(Operand::Atom(0)) => Term::NIL,
                DefaultValue::Operand(Operand::Atom(i)) => Term::atom(atom(i)?),
                DefaultValue::Operand(Operand::I(i)) => heap.integer(i),
                DefaultValue::Operand(Operand::Literal(i)) => consts::get(module.literal(code, i).ok()?),
                DefaultValue::Operand(_) => return None,
                DefaultValue::BigInteger(ref bytes) => heap.bigint(&BigInt::from_signed_bytes_be(bytes)),
            };
            module.keep(t)
        };
        let mut defaults = Vec::with_capacity(fields.len());
        for (_, default) in &of.fields {
            defaults.push(match default {
                Some(default) => Some(value(default)?),
                None => None,
            });
        }
        Some(RecordTemplate { definition: module.keep(definition)?, exported, defaults })
    }
}
