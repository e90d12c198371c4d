//! `ets:info/1,2`.

use super::hash::HashRows;
use super::registry::{self, Missing};
use super::table::{Kind, Protection, Rows, State, Table, Writers};
use super::{Asker, Need, find};
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("ets", "info", 1, info_1), Native::plain("ets", "info", 2, info_2)];

/// The items of `ets:info/1`, in its order.
fn all_items() -> [Term; 15] {
    [
        am!("id"),
        am!("decentralized_counters"),
        am!("read_concurrency"),
        am!("write_concurrency"),
        am!("compressed"),
        am!("memory"),
        am!("owner"),
        am!("heir"),
        am!("name"),
        am!("size"),
        am!("node"),
        am!("named_table"),
        am!("type"),
        am!("keypos"),
        am!("protection"),
    ]
}

/// Runs `f` on a table, or answers `undefined` when there is none (any more).
fn with_table(
    ctx: &mut Ctx<'_>,
    id: Term,
    f: impl FnOnce(&mut Ctx<'_>, &Table, &State) -> NativeResult,
) -> NativeResult {
    let t = match registry::of(ctx.engine).find(id) {
        Ok(t) => t,
        Err(Missing::Id) => return Ok(am!("undefined")),
        Err(Missing::Type) => find(ctx, id)?,
    };
    match t.read(Asker::of(ctx), Need::Info) {
        Ok(state) => f(ctx, &t, &state),
        Err(Escape::Again) => Err(Escape::Again),
        Err(_) => Ok(am!("undefined")),
    }
}

fn info_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    with_table(ctx, args[0], |ctx, t, state| {
        let engine = ctx.engine.clone();
        let h = ctx.heap();
        let mut list = Vec::with_capacity(15);
        for item in all_items() {
            let value = value(&engine, h, t, state, item).or_badarg()?;
            list.push(h.tuple(&[item, value]));
        }
        Ok(h.list(&list))
    })
}

fn info_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let item = args[1];
    if item == am!("binary") {
        let (module, function) = (Atom::new("erts_internal"), Atom::new("ets_info_binary"));
        return Err(Escape::Trap { module, function, args: vec![args[0]] });
    }
    with_table(ctx, args[0], |ctx, t, state| {
        let engine = ctx.engine.clone();
        value(&engine, ctx.heap(), t, state, item).or_badarg()
    })
}

/// The value of one item.
fn value(engine: &Engine, h: &mut Heap, t: &Table, state: &State, item: Term) -> Option<Term> {
    let o = &t.options;
    let bool = Term::bool;
    let value = match item.as_atom()?.name() {
        "size" => h.unsigned(state.len() as u64),
        "memory" => h.unsigned((o.base_words() + state.words()) as u64),
        "type" => match o.kind {
            Kind::Set => am!("set"),
            Kind::OrderedSet => am!("ordered_set"),
            Kind::Bag => am!("bag"),
            Kind::DuplicateBag => am!("duplicate_bag"),
        },
        "protection" => match state.protection {
            Protection::Private => am!("private"),
            Protection::Protected => am!("protected"),
            Protection::Public => am!("public"),
        },
        "owner" => state.owner.term(),
        "heir" => state.heir.as_ref().map_or(am!("none"), |h| h.pid.term()),
        "name" => Term::atom(state.name),
        "keypos" => Term::small(o.keypos as i64),
        "node" => Term::atom(Atom::NONODE),
        "named_table" => bool(o.named),
        "compressed" => bool(o.compressed),
        "read_concurrency" => bool(o.read_concurrency && o.protection != Protection::Private),
        "write_concurrency" => match o.writers {
            _ if !o.many_writers() => am!("false"),
            Writers::Off => am!("false"),
            Writers::On => am!("true"),
            Writers::Auto => am!("auto"),
            Writers::Locks(_) => {
                let n = if let Rows::Hash(r) = &state.rows { r.stride() } else { 1 };
                h.tuple(&[am!("debug_hash_fixed_number_of_locks"), Term::small(n as i64)])
            }
        },
        "decentralized_counters" => bool(o.decentralized_counters),
        "id" => super::owner::reference(h, &registry::of(engine).by_id(t.id[0])?),
        "fixed" => bool(state.is_fixed()),
        "safe_fixed" => fixations(h, state, false),
        "safe_fixed_monotonic_time" => fixations(h, state, true),
        "stats" => match &state.rows {
            Rows::Hash(r) => stats(h, r, state.kept()),
            Rows::Tree(_) => am!("false"),
        },
        _ => return None,
    };
    Some(value)
}

/// `{Since, [{Pid, Count}]}`, or `false` when the table is not fixed.
fn fixations(h: &mut Heap, state: &State, monotonic: bool) -> Term {
    let fixed = state.fixations();
    if fixed.by.is_empty() {
        return am!("false");
    }
    let (time, offset) = fixed.since;
    let since = if monotonic {
        h.integer(time)
    } else {
        let micros = (time + offset) / 1000;
        let parts = [micros / 1_000_000_000_000, micros / 1_000_000 % 1_000_000, micros % 1_000_000];
        h.tuple(&parts.map(Term::small))
    };
    let all: Vec<Term> = fixed.by.iter().map(|f| h.tuple(&[f.process.term(), Term::small(f.count as i64)])).collect();
    let all = h.list(&all);
    h.tuple(&[since, all])
}

/// Bucket count, chain lengths (mean, standard deviation, the one expected, least, greatest), rows kept for
/// iterations, and the stride.
fn stats(h: &mut Heap, rows: &HashRows, kept: usize) -> Term {
    let lengths: Vec<usize> = (0..rows.active()).map(|i| rows.bucket(i).count()).collect();
    // In single precision where OTP computes so.
    let n = lengths.len() as f32;
    let sum: usize = lengths.iter().sum();
    let squares: usize = lengths.iter().map(|l| l * l).sum();
    let mean = sum as f32 / n;
    let deviation = f64::from((squares as f32 - mean * sum as f32) / n).max(0.0).sqrt();
    let expected = (f64::from(mean) * (1.0 - 1.0 / f64::from(n))).sqrt();
    let single = |f: f64| f64::from(f as f32);
    let small = |n: usize| Term::small(n as i64);
    let least = lengths.iter().min().copied().unwrap_or(0);
    let greatest = lengths.iter().max().copied().unwrap_or(0);
    let floats = [f64::from(mean), single(deviation), single(expected)].map(|f| h.float(f));
    h.tuple(&[
        small(rows.active()),
        floats[0],
        floats[1],
        floats[2],
        small(least),
        small(greatest),
        small(kept),
        small(rows.stride()),
    ])
}
