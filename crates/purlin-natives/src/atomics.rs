//! Arrays of 64-bit atomics and counters, shared between processes by a reference.
//!
//! `counters` with `write_concurrency` and `atomics` use the same kind of array: an addition is one instruction on
//! one word, and nothing but that word is shared.

use purlin_term::{Heap, Magic, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "atomics_new", 2, atomics_new),
    Native::plain("atomics", "put", 3, put),
    Native::plain("atomics", "get", 2, get),
    Native::plain("atomics", "add", 3, add),
    Native::plain("atomics", "add_get", 3, add_get),
    Native::plain("atomics", "exchange", 3, exchange),
    Native::plain("atomics", "compare_exchange", 4, compare_exchange),
    Native::plain("atomics", "info", 1, info),
    Native::plain("erts_internal", "counters_new", 1, counters_new),
    Native::plain("erts_internal", "counters_get", 2, counters_get),
    Native::plain("erts_internal", "counters_add", 3, counters_add),
    Native::plain("erts_internal", "counters_put", 3, counters_put),
    Native::plain("erts_internal", "counters_info", 1, counters_info),
];

/// The bit of `atomics:new/2`'s encoded options that asks for signed values.
const SIGNED: u64 = 1;

/// Bytes of what OTP keeps of a magic reference's contents, before these.
const MAGIC_BYTES: usize = 24;
/// Bytes in a cache line.
const LINE: usize = 64;

/// What an atomics reference keeps alive.
struct Atomics {
    signed: bool,
    cells: Box<[AtomicI64]>,
}

/// What a counters reference keeps alive; always signed.
struct Counters(Box<[AtomicI64]>);

/// An increment: anything that fits 64 bits, signed or not.
fn increment(t: Term) -> Option<i64> {
    t.as_i64().or_else(|| t.as_u64().map(|u| u as i64))
}

/// A length that is an acceptable array size.
fn length(t: Term) -> Result<usize, Escape> {
    let n = match t.as_u64() {
        Some(n) => n,
        None if t.is_big() && !t.as_big().is_some_and(|(negative, _)| negative) => return Err(Escape::SYSTEM_LIMIT),
        None => return Err(Escape::BADARG),
    };
    match n {
        0 => Err(Escape::BADARG),
        n if n > u64::MAX / 8 => Err(Escape::SYSTEM_LIMIT),
        n => Ok(n as usize),
    }
}

/// Zeroed cells, or `system_limit` when there is no memory for so many.
fn cells(n: usize) -> Result<Box<[AtomicI64]>, Escape> {
    let mut v: Vec<AtomicI64> = Vec::new();
    v.try_reserve_exact(n).map_err(|_| Escape::SYSTEM_LIMIT)?;
    v.resize_with(n, AtomicI64::default);
    Ok(v.into_boxed_slice())
}

fn magic(ctx: &mut Ctx<'_>, value: Box<dyn std::any::Any + Send + Sync>) -> Term {
    let id = ctx.engine.next_ref();
    ctx.heap().magic_reference(id, Arc::new(Magic { value }))
}

fn cell_at(cells: &[AtomicI64], index: Term) -> Result<&AtomicI64, Escape> {
    let i = index.as_u64().and_then(|i| i.checked_sub(1)).or_badarg()?;
    usize::try_from(i).ok().and_then(|i| cells.get(i)).or_badarg()
}

fn atomic<'a>(reference: Term, index: Term) -> Result<(&'a Atomics, &'a AtomicI64), Escape> {
    let a: &Atomics = reference.magic().or_badarg()?;
    Ok((a, cell_at(&a.cells, index)?))
}

impl Atomics {
    fn value(&self, t: Term) -> Result<i64, Escape> {
        if self.signed { t.as_i64().or_badarg() } else { t.as_u64().map(|u| u as i64).or_badarg() }
    }

    fn term(&self, heap: &mut Heap, value: i64) -> Term {
        if self.signed { heap.integer(value) } else { heap.unsigned(value as u64) }
    }
}

fn atomics_new(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = length(args[0])?;
    let options = args[1].as_u64().or_badarg()?;
    let value = Atomics { signed: options & SIGNED != 0, cells: cells(n)? };
    Ok(magic(ctx, Box::new(value)))
}

fn put(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (a, cell) = atomic(args[0], args[1])?;
    cell.store(a.value(args[2])?, SeqCst);
    Ok(am!("ok"))
}

fn get(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (a, cell) = atomic(args[0], args[1])?;
    Ok(a.term(ctx.heap(), cell.load(SeqCst)))
}

fn add(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (_, cell) = atomic(args[0], args[1])?;
    cell.fetch_add(increment(args[2]).or_badarg()?, SeqCst);
    Ok(am!("ok"))
}

fn add_get(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (a, cell) = atomic(args[0], args[1])?;
    let by = increment(args[2]).or_badarg()?;
    let value = cell.fetch_add(by, SeqCst).wrapping_add(by);
    Ok(a.term(ctx.heap(), value))
}

fn exchange(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (a, cell) = atomic(args[0], args[1])?;
    let was = cell.swap(a.value(args[2])?, SeqCst);
    Ok(a.term(ctx.heap(), was))
}

fn compare_exchange(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (a, cell) = atomic(args[0], args[1])?;
    let (expected, desired) = (a.value(args[2])?, a.value(args[3])?);
    match cell.compare_exchange(expected, desired, SeqCst, SeqCst) {
        Ok(_) => Ok(am!("ok")),
        Err(was) => Ok(a.term(ctx.heap(), was)),
    }
}

fn info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let a: &Atomics = args[0].magic().or_badarg()?;
    let h = ctx.heap();
    let max = if a.signed { h.integer(i64::MAX) } else { h.unsigned(u64::MAX) };
    let min = h.integer(if a.signed { i64::MIN } else { 0 });
    let memory = h.unsigned((MAGIC_BYTES + 16 + a.cells.len() * 8) as u64);
    let size = h.unsigned(a.cells.len() as u64);
    Ok(map::from_pairs(h, &[(am!("max"), max), (am!("memory"), memory), (am!("min"), min), (am!("size"), size)]))
}

fn counter<'a>(reference: Term, index: Term) -> Result<&'a AtomicI64, Escape> {
    let c: &Counters = reference.magic().or_badarg()?;
    cell_at(&c.0, index)
}

fn counters_new(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let value = Counters(cells(length(args[0])?)?);
    Ok(magic(ctx, Box::new(value)))
}

fn counters_get(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let value = counter(args[0], args[1])?.load(SeqCst);
    Ok(ctx.heap().integer(value))
}

fn counters_add(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    counter(args[0], args[1])?.fetch_add(increment(args[2]).or_badarg()?, SeqCst);
    Ok(am!("ok"))
}

fn counters_put(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    counter(args[0], args[1])?.store(args[2].as_i64().or_badarg()?, SeqCst);
    Ok(am!("ok"))
}

fn counters_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let c: &Counters = args[0].magic().or_badarg()?;
    // What OTP takes: for each scheduler, and once more, whole cache lines.
    let lines = (c.0.len() * 8).div_ceil(LINE) * (ctx.engine.sched.count() + 1);
    let h = ctx.heap();
    let memory = h.unsigned((MAGIC_BYTES + 8 + lines * LINE) as u64);
    let size = h.unsigned(c.0.len() as u64);
    Ok(map::from_pairs(h, &[(am!("memory"), memory), (am!("size"), size)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_taken_up_to_64_bits() {
        let mut h = Heap::new(0);
        for (t, as_signed, as_unsigned) in [
            (h.integer(-1), Some(-1), None),
            (h.integer(i64::MIN), Some(i64::MIN), None),
            (h.integer(i64::MAX), Some(i64::MAX), Some(i64::MAX as u64)),
            (h.unsigned(u64::MAX), None, Some(u64::MAX)),
            (h.big(false, &[0, 1]), None, None),
            (am!("x"), None, None),
        ] {
            assert_eq!((t.as_i64(), t.as_u64()), (as_signed, as_unsigned), "{t:?}");
        }
    }
}
