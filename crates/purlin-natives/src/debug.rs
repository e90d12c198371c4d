//! The natives of `erts_debug`: sizes, sharing, listings of code, and the emulator's inner state for tests.

mod dirty;
mod listing;
mod state;

use crate::data::maps;
use purlin_term::{Term, am, beam_size, map, print};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::io::Write;

/// All tables of this topic.
pub const TABLES: &[&[Native]] = &[NATIVES, dirty::NATIVES, listing::NATIVES, state::NATIVES];

const NATIVES: &[Native] = &[
    Native::plain("erts_debug", "flat_size", 1, flat_size),
    Native::plain("erts_debug", "size_shared", 1, size_shared),
    Native::plain("erts_debug", "copy_shared", 2, copy_shared),
    Native::plain("erts_debug", "same", 2, same),
    Native::plain("erts_debug", "display", 1, display).until(25),
    Native::plain("erts_debug", "map_info", 1, map_info),
    Native::plain("erts_debug", "breakpoint", 2, breakpoint),
    Native::plain("erts_debug", "lcnt_control", 1, not_counted),
    Native::plain("erts_debug", "lcnt_control", 2, not_counted),
    Native::plain("erts_debug", "lcnt_collect", 0, not_counted),
    Native::plain("erts_debug", "lcnt_clear", 0, not_counted),
];

/// What is counted and copied of a term for one reduction.
const COUNTED_PER_REDUCTION: usize = 100;
const COPIED_PER_REDUCTION: usize = 32;

fn flat_size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_term(args[0], COUNTED_PER_REDUCTION)?;
    let words = beam_size::flat(args[0]);
    ctx.charge(words / COUNTED_PER_REDUCTION);
    Ok(ctx.heap().unsigned(words as u64))
}

fn size_shared(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_term(args[0], COPIED_PER_REDUCTION)?;
    let words = beam_size::shared(args[0], false);
    ctx.charge(words / COPIED_PER_REDUCTION);
    Ok(ctx.heap().unsigned(words as u64))
}

fn copy_shared(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let literals = args[1].as_bool().ok_or(Escape::BADARG)?;
    ctx.room_for_term(args[0], COPIED_PER_REDUCTION)?;
    Ok(ctx.heap().copy_shared(args[0], literals))
}

/// Whether two terms are one and the same object.
fn same(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(args[0] == args[1]))
}

/// Of a large map: how deep it is, how many nodes have so many children, and how many leaves stand at each depth.
fn map_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let root = map::children(maps::checked(ctx, args[0])?).ok_or(Escape::BADARG)?;
    let (mut bitmaps, mut leaves, mut depth) = ([0i64; 16], [0i64; 16], 0);
    let arrays = (root.len() == 16) as i64;
    let mut nodes = vec![(root, 1usize)];
    while let Some((children, level)) = nodes.pop() {
        if level > 1 || arrays == 0 {
            bitmaps[children.len().clamp(1, 16) - 1] += 1;
        }
        for &child in children {
            match map::children(child) {
                Some(further) => nodes.push((further, level + 1)),
                None => {
                    depth = depth.max(level);
                    leaves[level.min(15)] += 1;
                }
            }
        }
    }
    let h = ctx.heap();
    let mut row = |name, counts: &[i64]| {
        let all: Vec<Term> = counts.iter().map(|&n| Term::small(n)).collect();
        let by = h.tuple(&all);
        h.tuple(&[name, Term::small(counts.iter().sum()), by])
    };
    let (bitmaps, leaves) = (row(am!("bitmaps"), &bitmaps), row(am!("leafs"), &leaves));
    let depth = h.tuple(&[am!("depth"), Term::small(depth as i64)]);
    let arrays = h.tuple(&[am!("arrays"), Term::small(arrays), Term::NIL]);
    Ok(h.list(&[depth, arrays, bitmaps, leaves]))
}

/// Prints a term and a line break, and gives that text.
fn display(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let text = format!("{}\n", print::display(args[0]));
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ctx.heap().string(&text))
}

/// Has the error handler called instead of functions, for debuggers; how many functions.
fn breakpoint(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (pattern, on) = (crate::trace::mfa(args[0]).ok_or(Escape::BADARG)?, args[1].as_bool().ok_or(Escape::BADARG)?);
    let _control = ctx.engine.tracing.control.lock();
    let count = purlin_vm::tracing::points::set_debug(&ctx.engine.code, pattern, on);
    Ok(Term::small(count as i64))
}

/// Locks are not counted, as in an emulator that was built without that.
fn not_counted(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::BADARG)
}
