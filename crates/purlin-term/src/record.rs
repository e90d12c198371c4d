//! Native records (OTP 29): a definition, which names the module, the record and its fields, and a value for each field.
//!
//! A definition is a tuple `{Module, Name, IsExported, Field, ...}` with the fields as they were declared; the values
//! stand in the same order. That fields are different atoms is made sure of before a record is made.

use crate::atom::Atom;
use crate::boxed::Kind;
use crate::compare::terms_of;
use crate::heap::Heap;
use crate::word::Term;
use std::cmp::Ordering;

/// Elements of a definition before the fields.
const LEAD: usize = 3;

/// What a native record is.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// The definition, as a term.
    pub definition: Term,
    pub module: Atom,
    pub name: Atom,
    /// Whether code of other modules may look into it.
    pub exported: bool,
    pub fields: &'a [Term],
    pub values: &'a [Term],
}

impl<'a> Record<'a> {
    /// The parts of a record of this definition.
    pub fn of(definition: Term, values: &'a [Term]) -> Option<Record<'a>> {
        let &[module, name, exported, ref fields @ ..] = definition.as_tuple()? else { return None };
        let (module, name) = (module.as_atom()?, name.as_atom()?);
        Some(Record { definition, module, name, exported: exported.as_bool()?, fields, values })
    }

    /// The value of a field.
    pub fn get(&self, field: Term) -> Option<Term> {
        let at = self.fields.iter().position(|f| *f == field)?;
        self.values.get(at).copied()
    }

    /// The order of two records as far as their definitions decide it.
    pub(crate) fn compare_definitions(&self, other: &Record<'_>) -> Ordering {
        let atoms = |a: Atom, b: Atom| a.name().as_bytes().cmp(b.name().as_bytes());
        let fields = self.fields.iter().zip(other.fields);
        let mut fields = fields.filter_map(|(a, b)| Some(atoms(a.as_atom()?, b.as_atom()?)));
        atoms(self.module, other.module)
            .then_with(|| atoms(self.name, other.name))
            .then(self.exported.cmp(&other.exported))
            .then(self.fields.len().cmp(&other.fields.len()))
            .then_with(|| fields.find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
    }
}

impl Term {
    #[inline]
    pub fn is_record(self) -> bool {
        self.boxed_kind() == Some(Kind::Record)
    }

    /// The parts of a native record.
    pub fn as_record<'a>(self) -> Option<Record<'a>> {
        if !self.is_record() {
            return None;
        }
        let (&definition, values) = terms_of(self).split_first()?;
        Record::of(definition, values)
    }
}

impl Heap {
    /// A definition of a record; the fields are different atoms.
    pub fn record_definition(&mut self, module: Atom, name: Atom, exported: bool, fields: &[Term]) -> Term {
        let mut elements = Vec::with_capacity(LEAD + fields.len());
        elements.extend([Term::atom(module), Term::atom(name), Term::bool(exported)]);
        elements.extend_from_slice(fields);
        self.tuple(&elements)
    }

    /// A record of this definition, with a value for each of its fields.
    pub fn record(&mut self, definition: Term, values: &[Term]) -> Term {
        debug_assert_eq!(definition.as_tuple().map(<[_]>::len), Some(LEAD + values.len()));
        let mut words = Vec::with_capacity(1 + values.len());
        words.push(definition.0);
        words.extend(values.iter().map(|v| v.0));
        self.boxed(Kind::Record, &words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{cmp, same};
    use crate::print::display;

    fn record(h: &mut Heap, module: &str, name: &str, exported: bool, fields: &[(&str, i64)]) -> Term {
        let names: Vec<Term> = fields.iter().map(|f| Term::atom(Atom::new(f.0))).collect();
        let values: Vec<Term> = fields.iter().map(|f| Term::small(f.1)).collect();
        let definition = h.record_definition(Atom::new(module), Atom::new(name), exported, &names);
        h.record(definition, &values)
    }

    #[test]
    fn records_are_in_otps_order() {
        let mut h = Heap::new(0);
        let all = [
            record(&mut h, "a", "a", false, &[("x", 7)]),
            record(&mut h, "a", "a", true, &[]),
            record(&mut h, "a", "a", true, &[("x", 1)]),
            record(&mut h, "a", "a", true, &[("x", 2)]),
            record(&mut h, "a", "a", true, &[("x", 9), ("y", 1)]),
            record(&mut h, "a", "a", true, &[("y", 1), ("x", 9)]),
            record(&mut h, "a", "b", true, &[]),
            record(&mut h, "b", "a", true, &[]),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(cmp(*a, *b), i.cmp(&j), "{a:?} {b:?}");
                assert_eq!(same(*a, *b), i == j);
            }
        }
        let tuple = h.tuple(&[Term::NIL; 9]);
        assert!(cmp(tuple, all[0]).is_lt() && cmp(all[0], crate::map::empty(&mut h)).is_lt());
    }

    #[test]
    fn a_record_tells_its_parts() {
        let mut h = Heap::new(0);
        let t = record(&mut h, "m", "point", true, &[("y", 2), ("x", 1)]);
        let r = t.as_record().unwrap();
        assert_eq!((r.module.name(), r.name.name(), r.exported), ("m", "point", true));
        assert_eq!(r.get(Term::atom(Atom::new("x"))), Some(Term::small(1)));
        assert_eq!(r.get(Term::atom(Atom::new("z"))), None);
        assert_eq!(display(t).to_string(), "#m:point{x=1,y=2}");
        assert_eq!(crate::beam_size::flat(t), 15);
        assert!(!t.is_tuple() && !h.tuple(&[]).is_record());
        let copy = crate::owned::Owned::new(t);
        assert!(same(copy.term(), t));
    }
}
