//! Native records (OTP 29): the functions of the module `records`.

use super::maps::badmap;
use purlin_term::record::Record;
use purlin_term::{Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::collections::HashSet;

pub const NATIVES: &[Native] = &[
    Native::plain("records", "create", 4, create).since(29),
    Native::plain("records", "update", 4, update).since(29),
    Native::plain("records", "get", 2, get).since(29),
    Native::plain("records", "get_module", 1, |_, a| Ok(Term::atom(a[0].as_record().or_badarg()?.module))).since(29),
    Native::plain("records", "get_name", 1, |_, a| Ok(Term::atom(a[0].as_record().or_badarg()?.name))).since(29),
    Native::plain("records", "get_field_names", 1, field_names).since(29),
    Native::plain("records", "get_definition", 2, get_definition).since(29),
    Native::plain("records", "is_exported", 1, |ctx, a| Ok(Term::bool(record(ctx, a[0])?.exported))).since(29),
];

/// `{badrecord, T}`.
fn badrecord(ctx: &mut Ctx<'_>, t: Term) -> Escape {
    Escape::Error(ctx.heap().tuple(&[am!("badrecord"), t]))
}

/// `{badfield, {{Module, Name}, Field}}`.
fn badfield(ctx: &mut Ctx<'_>, module: Term, name: Term, field: Term) -> Escape {
    let h = ctx.heap();
    let id = h.tuple(&[module, name]);
    let field = h.tuple(&[id, field]);
    Escape::Error(h.tuple(&[am!("badfield"), field]))
}

fn record<'a>(ctx: &mut Ctx<'_>, t: Term) -> Result<Record<'a>, Escape> {
    t.as_record().ok_or_else(|| badrecord(ctx, t))
}

/// A record from its module, name, fields with values, and `#{is_exported => Boolean}`.
fn create(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (Some(module), Some(name)) = (args[0].as_atom(), args[1].as_atom()) else {
        return Err(badrecord(ctx, args[1]));
    };
    if !args[3].is_map() {
        return Err(badmap(ctx.heap(), args[3]));
    }
    let exported = map::get(args[3], am!("is_exported")).filter(|_| map::size(args[3]) == 1);
    let exported = exported.and_then(Term::as_bool).or_badarg()?;
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for pair in args[2].as_list().or_badarg()? {
        let Some(&[field, value]) = pair.as_tuple() else { return Err(Escape::BADARG) };
        if !field.is_atom() {
            return Err(badfield(ctx, args[0], args[1], field));
        }
        fields.push(field);
        values.push(value);
    }
    if fields.iter().collect::<HashSet<_>>().len() != fields.len() {
        return Err(Escape::BADARG);
    }
    let h = ctx.heap();
    let definition = h.record_definition(module, name, exported, &fields);
    Ok(h.record(definition, &values))
}

/// A record with other values for some fields; its module and name must be those given, or the name `_`.
fn update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let r = record(ctx, args[0])?;
    let (module, name) = (Term::atom(r.module), Term::atom(r.name));
    if args[2] != am!("_") && (args[1] != module || args[2] != name) {
        return Err(badrecord(ctx, args[2]));
    }
    if !args[3].is_map() {
        return Err(badmap(ctx.heap(), args[3]));
    }
    let mut values = r.values.to_vec();
    for (field, value) in map::iter(args[3]) {
        match r.fields.iter().position(|f| *f == field) {
            Some(at) => values[at] = value,
            None => return Err(badfield(ctx, module, name, field)),
        }
    }
    Ok(ctx.heap().record(r.definition, &values))
}

/// `{#{is_exported => Boolean}, [Field | {Field, Default}]}` of a record that a loaded module defines.
fn get_definition(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (module, name) = (args[0].as_atom().or_badarg()?, args[1].as_atom().or_badarg()?);
    let code = &ctx.engine.code;
    let module = code.generations(module).current.or_badarg()?;
    let template = module.record(code, name).ok().flatten().or_badarg()?;
    let record = Record::of(template.definition.term(), &[]).or_badarg()?;
    let h = ctx.heap();
    let mut fields = Vec::with_capacity(record.fields.len());
    for (&field, default) in record.fields.iter().zip(&template.defaults) {
        fields.push(default.map_or(field, |d| h.tuple(&[field, d.term()])));
    }
    let fields = h.list(&fields);
    let empty = map::empty(h);
    let options = map::put(h, empty, am!("is_exported"), Term::bool(template.exported));
    Ok(h.tuple(&[options, fields]))
}

fn get(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let r = args[1].as_record().filter(|_| args[0].is_atom()).or_badarg()?;
    r.get(args[0]).or_badarg()
}

fn field_names(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let r = record(ctx, args[0])?;
    Ok(ctx.heap().list(r.fields))
}
