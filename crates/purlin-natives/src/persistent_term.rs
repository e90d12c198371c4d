//! Persistent terms: a table for values that are read all the time and hardly ever change.
//!
//! Values stand in the literal area, so that reading one copies nothing. A reader takes only its own thread's part of
//! a sharded lock. A value that is replaced or erased is retired: it is freed once no process refers to it.

use crossbeam::sync::ShardedLock;
use hashbrown::HashTable;
use purlin_term::compare::same;
use purlin_term::literal::Area;
use purlin_term::{Kept, Term, am, beam_size, hash, map};
use purlin_vm::literals::{self, Retired};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};

pub const NATIVES: &[Native] = &[
    Native::plain("persistent_term", "get", 0, get_0),
    Native::plain("persistent_term", "get", 1, get_1),
    Native::plain("persistent_term", "get", 2, get_2),
    Native::plain("persistent_term", "put", 2, put),
    Native::plain("persistent_term", "put_new", 2, put_new).since(28),
    Native::plain("persistent_term", "erase", 1, erase),
    Native::plain("persistent_term", "info", 0, info),
    Native::plain("erts_internal", "erase_persistent_terms", 0, erase_all),
];

/// Words counted and stored for one reduction.
const WORDS_PER_REDUCTION: usize = 32;

/// What OTP keeps of a persistent term beside its key and value, and the pair that holds them.
const AREA_BYTES: usize = 40;

/// One association; both terms are immediate or literals of its area.
struct Entry {
    key: Kept,
    value: Kept,
    hash: u64,
    bytes: usize,
    area: Area,
}

impl Entry {
    fn retire(self, ctx: &Ctx<'_>) {
        literals::retire(ctx.engine, (!self.area.is_empty()).then(|| Box::new(self.area) as Box<dyn Retired>));
    }
}

/// The persistent terms of one engine.
#[derive(Default)]
struct Terms(ShardedLock<Table>);

#[derive(Default)]
struct Table {
    entries: HashTable<Entry>,
    /// The places that OTP's table would have, of which at most half are taken.
    places: usize,
}

/// OTP's smallest table, and the bytes of a table without places.
const FEWEST: usize = 8;
const TABLE_BYTES: usize = 96;

impl Table {
    /// Makes the number of places fit after one term more or less: they are doubled when more than half are taken, and
    /// halved when a fourth was.
    fn resize(&mut self) {
        let n = self.entries.len();
        self.places = self.places.max(FEWEST);
        while n * 2 > self.places {
            self.places *= 2;
        }
        if (n + 1) * 4 <= self.places && self.places > FEWEST {
            self.places /= 2;
        }
        if n < self.entries.capacity() / 4 {
            self.entries.shrink_to(n * 2, |e| e.hash);
        }
    }
}

static TERMS: Slot<Terms> = Slot::new();

fn hash_of(key: Term) -> u64 {
    let h = hash::internal(key);
    // The table takes its control bits from the upper half.
    h << 32 | h
}

impl Terms {
    fn of(engine: &Engine) -> &Terms {
        engine.state(&TERMS)
    }

    fn read<R>(&self, f: impl FnOnce(&Table) -> R) -> R {
        f(&self.0.read().unwrap_or_else(|e| e.into_inner()))
    }

    fn write<R>(&self, f: impl FnOnce(&mut Table) -> R) -> R {
        f(&mut self.0.write().unwrap_or_else(|e| e.into_inner()))
    }

    fn get(&self, key: Term) -> Option<Term> {
        let hash = hash_of(key);
        self.read(|t| t.entries.find(hash, |e| e.hash == hash && same(e.key.term(), key)).map(|e| e.value.term()))
    }
}

fn get_0(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let pairs: Vec<(Term, Term)> =
        Terms::of(ctx.engine).read(|t| t.entries.iter().map(|e| (e.key.term(), e.value.term())).collect());
    ctx.charge(pairs.len());
    let h = ctx.heap();
    let list: Vec<Term> = pairs.iter().map(|p| h.tuple(&[p.0, p.1])).collect();
    Ok(h.list(&list))
}

fn get_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Terms::of(ctx.engine).get(args[0]).or_badarg()
}

fn get_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Terms::of(ctx.engine).get(args[0]).unwrap_or(args[1]))
}

fn put(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    store(ctx, args[0], args[1], true)
}

/// As `put/2`, but the key may have no other value yet.
fn put_new(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    store(ctx, args[0], args[1], false)
}

fn store(ctx: &mut Ctx<'_>, key: Term, value: Term, replaces: bool) -> NativeResult {
    let terms = Terms::of(ctx.engine);
    match terms.get(key) {
        Some(old) if same(old, value) => return Ok(am!("ok")),
        Some(_) if !replaces => return Err(Escape::BADARG),
        _ => {}
    }
    ctx.room_for_term(value, WORDS_PER_REDUCTION)?;
    let words = beam_size::shared(key, true) + beam_size::shared(value, true);
    ctx.charge(words / WORDS_PER_REDUCTION + 1);
    let (mut area, hash) = (Area::default(), hash_of(key));
    let pair = ctx.heap().tuple(&[key, value]);
    let stored = area.store_shared(pair).and_then(Term::as_tuple);
    let kept = stored.and_then(|pair| Some((Kept::literal(pair[0])?, Kept::literal(pair[1])?)));
    let (key, value) = kept.ok_or(Escape::SYSTEM_LIMIT)?;
    let new = Entry { key, value, hash, bytes: AREA_BYTES + 8 * words, area };
    let (left, result) =
        terms.write(|t| match t.entries.find_mut(hash, |e| e.hash == hash && same(e.key.term(), key.term())) {
            // Another process was faster.
            Some(e) if !replaces => {
                let stays = same(e.value.term(), value.term());
                (Some(new), if stays { Ok(am!("ok")) } else { Err(Escape::BADARG) })
            }
            Some(e) => (Some(std::mem::replace(e, new)), Ok(am!("ok"))),
            None => {
                t.entries.insert_unique(hash, new, |e| e.hash);
                t.resize();
                (None, Ok(am!("ok")))
            }
        });
    left.into_iter().for_each(|e| e.retire(ctx));
    result
}

fn erase(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let hash = hash_of(args[0]);
    let erased = Terms::of(ctx.engine).write(|t| {
        let entry = t.entries.find_entry(hash, |e| e.hash == hash && same(e.key.term(), args[0])).ok()?.remove().0;
        t.resize();
        Some(entry)
    });
    let found = erased.is_some();
    erased.into_iter().for_each(|e| e.retire(ctx));
    Ok(Term::bool(found))
}

fn erase_all(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let all = Terms::of(ctx.engine).write(std::mem::take);
    all.entries.into_iter().for_each(|e| e.retire(ctx));
    Ok(am!("true"))
}

/// `#{count => N, memory => Bytes}`
fn info(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let (count, bytes) = Terms::of(ctx.engine).read(|t| {
        let table = TABLE_BYTES + 8 * t.places.max(FEWEST);
        (t.entries.len(), table + t.entries.iter().map(|e| e.bytes).sum::<usize>())
    });
    let h = ctx.heap();
    let (count, bytes) = (h.unsigned(count as u64), h.unsigned(bytes as u64));
    Ok(map::from_pairs(h, &[(am!("count"), count), (am!("memory"), bytes)]))
}

/// How many places the table has.
/// Whether this engine has a term under a key that is not `false`.
pub(crate) fn is_set(engine: &Engine, key: Term) -> bool {
    Terms::of(engine).get(key).is_some_and(|t| t != Term::bool(false))
}

pub(crate) fn table_size(engine: &Engine) -> usize {
    Terms::of(engine).read(|t| t.places.max(FEWEST))
}

#[cfg(test)]
mod tests;
