//! Native records (OTP 29).

use super::{Next, Run};
use crate::code::Module;
use crate::code::instr::{GetRecordField, NO_FAIL, Op, PutRecord, RecordFields, RecordId};
use crate::code::record::RecordTemplate;
use purlin_term::record::Record;
use purlin_term::{Atom, Term};
use smallvec::SmallVec;

/// The values of a record to be.
type Values = SmallVec<[Term; 8]>;

impl Run<'_> {
    /// The values of all fields, or false when one is missing.
    pub(super) fn get_record_elements(&mut self, get: &RecordFields) -> bool {
        let Some(record) = self.get(get.src).as_record() else { return false };
        get.fields.iter().all(|&(field, dst)| {
            let value = record.get(Term::atom(field));
            value.inspect(|&v| self.set(dst, v)).is_some()
        })
    }

    pub(super) fn get_record_field(&mut self, pc: *const Op, get: &GetRecordField) -> Next {
        let t = self.get(get.src);
        let found = t.as_record().filter(|r| match get.id {
            RecordId::Own(name) => r.name == name,
            RecordId::Of(module, name) => r.module == module && r.name == name && r.exported,
            RecordId::Any => true,
        });
        let value = found.and_then(|r| r.get(Term::atom(get.field)));
        match (found, value) {
            (_, Some(value)) => {
                self.set(get.dst, value);
                Next::At(pc.wrapping_add(1))
            }
            _ if get.fail != NO_FAIL => Next::At(Self::jump(pc, get.fail)),
            (Some(record), None) => self.field_fault(pc, "badfield", &record, get.field),
            (None, None) => self.error_with(pc, Atom::BADRECORD, t),
        }
    }

    /// A record, or one with other values. That of another module has to be exported, and the module loaded.
    pub(super) fn put_record(&mut self, pc: *const Op, p: &'static PutRecord) -> Next {
        if let Some(src) = p.src {
            return self.update_record(pc, p, self.get(src));
        }
        let code = &self.engine.code;
        let of = |m: &'static Module, name| m.record(code, name).ok().flatten();
        let template = match p.id {
            RecordId::Own(name) => of(p.module, name),
            RecordId::Of(module, name) => {
                code.generations(module).current.and_then(|m| of(m, name)).filter(|template| template.exported)
            }
            RecordId::Any => None,
        };
        match template {
            Some(template) => self.create_record(pc, p, template),
            None => {
                let id = p.id.term(&mut self.data.heap);
                self.error_with(pc, Atom::BADRECORD, id)
            }
        }
    }

    fn create_record(&mut self, pc: *const Op, p: &PutRecord, template: &RecordTemplate) -> Next {
        let mut values: Values = template.defaults.iter().map(|d| d.map_or(Term::NONE, |d| d.term())).collect();
        let defaults = values.clone();
        let of = Record::of(template.definition.term(), &defaults);
        let Some(of) = of else { return self.error_with(pc, Atom::BADRECORD, template.definition.term()) };
        if let Err(field) = self.replace(&mut values, &of, p) {
            return self.field_fault(pc, "badfield", &of, field);
        }
        // A field that a value is missing for counts less than one that there is not.
        let missing = values.iter().position(|v| v.is_none()).and_then(|at| of.fields.get(at)?.as_atom());
        if let Some(field) = missing {
            return self.field_fault(pc, "novalue", &of, field);
        }
        self.have_record(pc, p, template.definition.term(), &values)
    }

    fn update_record(&mut self, pc: *const Op, p: &PutRecord, t: Term) -> Next {
        let Some(of) = t.as_record() else { return self.error_with(pc, Atom::BADRECORD, t) };
        let mut values = Values::from_slice(of.values);
        match self.replace(&mut values, &of, p) {
            Ok(()) => self.have_record(pc, p, of.definition, &values),
            Err(field) => self.field_fault(pc, "badfield", &of, field),
        }
    }

    /// Puts new values in their fields' places; the error is a field that there is not.
    fn replace(&self, values: &mut Values, of: &Record<'_>, p: &PutRecord) -> Result<(), Atom> {
        for &(field, value) in p.values {
            let at = of.fields.iter().position(|f| f.is(field));
            *at.and_then(|at| values.get_mut(at)).ok_or(field)? = self.get(value);
        }
        Ok(())
    }

    fn have_record(&mut self, pc: *const Op, p: &PutRecord, definition: Term, values: &[Term]) -> Next {
        let made = self.data.heap.record(definition, values);
        self.set(p.dst, made);
        self.settle_keeping(p.live as usize, p.dst);
        Next::At(pc.wrapping_add(1))
    }

    /// `{Fault, {{Module, Name}, Field}}`
    #[cold]
    fn field_fault(&mut self, pc: *const Op, fault: &str, of: &Record<'_>, field: Atom) -> Next {
        let heap = &mut self.data.heap;
        let id = heap.tuple(&[Term::atom(of.module), Term::atom(of.name)]);
        let field = heap.tuple(&[id, Term::atom(field)]);
        self.error_with(pc, Atom::new(fault), field)
    }
}
