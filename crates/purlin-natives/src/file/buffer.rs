//! `prim_buffer`: bytes read ahead from a file or a terminal and not yet taken.
//!
//! One process at a time works with a buffer; two at once would see each other's changes, never half of one.

use crate::byte_queue::ByteQueue;
use parking_lot::Mutex;
use purlin_term::{Magic, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_buffer", "new", 0, new),
    Native::plain("prim_buffer", "size", 1, size),
    Native::plain("prim_buffer", "peek_head", 1, peek_head),
    Native::plain("prim_buffer", "copying_read", 2, copying_read),
    Native::plain("prim_buffer", "write", 2, write),
    Native::plain("prim_buffer", "skip", 2, skip),
    Native::plain("prim_buffer", "find_byte_index", 2, find_byte_index),
    Native::plain("prim_buffer", "try_lock", 1, try_lock),
    Native::plain("prim_buffer", "unlock", 1, unlock),
];

/// The head that a reader sees: it is copied at each look, so it stays small.
const HEAD: usize = 2048;

#[derive(Default)]
struct Buffer {
    bytes: Mutex<ByteQueue>,
    locked: AtomicBool,
}

fn buffer<'a>(t: Term) -> Result<&'a Buffer, Escape> {
    t.magic().or_badarg()
}

fn new(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let id = ctx.engine.next_ref();
    Ok(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(Buffer::default()) })))
}

fn size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = buffer(args[0])?.bytes.lock().rest().len();
    Ok(ctx.heap().unsigned(n as u64))
}

fn peek_head(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let bytes = buffer(args[0])?.bytes.lock();
    let head = bytes.rest();
    if head.is_empty() {
        return Err(Escape::BADARG);
    }
    Ok(ctx.heap().binary(&head[..head.len().min(HEAD)]))
}

fn copying_read(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut bytes = buffer(args[0])?.bytes.lock();
    let n = args[1].as_usize().or_badarg()?;
    let t = ctx.heap().binary(bytes.rest().get(..n).or_badarg()?);
    bytes.skip(n);
    Ok(t)
}

fn write(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut bytes = buffer(args[0])?.bytes.lock();
    let pieces = args[1].as_list().or_badarg()?;
    let pieces = pieces.iter().map(|t| t.as_bytes()).collect::<Option<Vec<_>>>().or_badarg()?;
    pieces.iter().for_each(|piece| bytes.append(piece));
    Ok(am!("ok"))
}

fn skip(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let n = args[1].as_usize().or_badarg()?;
    buffer(args[0])?.bytes.lock().skip(n).then_some(am!("ok")).or_badarg()
}

fn find_byte_index(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let needle = args[1].as_small().and_then(|i| u8::try_from(i).ok()).or_badarg()?;
    let found = memchr::memchr(needle, buffer(args[0])?.bytes.lock().rest());
    match found {
        Some(i) => ctx.ok(Term::small(i as i64)),
        None => Ok(am!("not_found")),
    }
}

fn try_lock(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let was = buffer(args[0])?.locked.swap(true, Ordering::Acquire);
    Ok(if was { am!("busy") } else { am!("acquired") })
}

fn unlock(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if buffer(args[0])?.locked.swap(false, Ordering::Release) {
        Ok(am!("ok"))
    } else {
        Err(Escape::Error(am!("lock_order_violation")))
    }
}
