//! What becomes of a panic: a mistake of Purlin's own ends the one process it happened in, with
//! `{internal_error, Where, Text}`, and is logged as an error of that process.

use crate::code::NativeEntry;
use crate::code::native::Native;
use crate::engine::context::Ctx;
use crate::process::ProcessData;
use crate::process::escape::NativeResult;
use purlin_term::literal::Literals;
use purlin_term::{Atom, Term, am, copy};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The native that this thread's latest panic came out of.
    static NATIVE: Cell<Option<&'static Native>> = const { Cell::new(None) };
}

/// Takes note of a native when a panic leaves it; nothing otherwise.
struct Leaving(&'static Native);

impl Drop for Leaving {
    fn drop(&mut self) {
        NATIVE.set(Some(self.0));
    }
}

/// Calls a native, so that a panic in it can be named.
#[inline(always)]
pub(crate) fn call(native: &'static Native, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let leaving = Leaving(native);
    let result = (native.body)(ctx, args);
    std::mem::forget(leaving);
    result
}

/// As [`call`], of what may be a function that a library has taken.
#[inline(always)]
pub(crate) fn call_as_function(entry: &'static NativeEntry, ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(loaded) = &entry.loaded else { return call(&entry.native, ctx, args) };
    let leaving = Leaving(&entry.native);
    let result = loaded.body.call(ctx, args);
    std::mem::forget(leaving);
    result
}

/// Runs what belongs to a process; the reason that the process has to end with, in its heap, after a panic.
pub(crate) fn guard<T>(ctx: &mut Ctx<'_>, f: impl FnOnce(&mut Ctx<'_>) -> T) -> Result<T, Term> {
    catch_unwind(AssertUnwindSafe(|| f(ctx))).map_err(|payload| {
        let reason = reason(ctx.data, payload);
        crate::engine::report::crash(ctx, reason);
        reason
    })
}

fn reason(data: &mut ProcessData, payload: Box<dyn Any + Send>) -> Term {
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map_or(String::new(), |s| s.to_string()),
    };
    // Made elsewhere: the panic may have left the heap in the middle of an allocation.
    let mut heap = purlin_term::Heap::new(0);
    let place = match NATIVE.take() {
        Some(n) => {
            let (m, f) = (Term::atom(Atom::new(n.module)), Term::atom(Atom::new(n.function)));
            heap.tuple(&[m, f, Term::small(n.arity as i64)])
        }
        None => Term::atom(Atom::UNDEFINED),
    };
    let text = heap.binary(text.as_bytes());
    let (fragment, reason) = copy::to_fragment(heap.tuple(&[am!("internal_error"), place, text]), Literals::none());
    data.heap.adopt(fragment);
    reason
}
