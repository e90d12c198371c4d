//! `max_heap_size`: what counts towards it, and what happens when a process passes it.
//!
//! It is looked at before each collection. What counts is, as OTP has it, what there is and
//! what a collection may take: the terms, the old generation, the messages kept on the heap, and the next young block.

use crate::engine::context::Ctx;
use crate::process::figures::{self, words};
use crate::process::gc::{next_size, used_words};
use crate::process::{Flags, MaxHeap};
use purlin_term::{Atom, Term, am};

/// Ends the process, and reports it, as its settings say, when it would pass its limit by a collection that has to
/// find `need` words.
#[inline]
pub fn check(ctx: &mut Ctx<'_>, need: usize) {
    if let Some(limit) = ctx.data.rare().map(|r| r.max_heap_size)
        && limit.size > 0
    {
        check_against(ctx, limit, need);
    }
}

#[cold]
fn check_against(ctx: &mut Ctx<'_>, limit: MaxHeap, need: usize) {
    let heap = &ctx.data.heap;
    let messages = if ctx.data.flags.has(Flags::OFF_HEAP_MESSAGES) { 0 } else { ctx.data.mailbox.words() };
    let used = used_words(heap) - words(heap.old.start(), heap.old_top) + messages;
    let young = next_size(used + words(heap.end, heap.block.end()) + need);
    let total = used + heap.old.words() + young;
    let binaries = heap.virtual_heap.words() + heap.old_virtual_heap.words();
    let counted = if limit.include_shared_binaries { total + binaries } else { total };
    if counted <= limit.size || !ctx.data.exit_reason.is_none() {
        return;
    }
    if limit.error_logger {
        report(ctx, limit, total);
    }
    if limit.kill {
        ctx.data.exit_reason = Term::atom(Atom::KILLED);
        ctx.data.give_up_slice();
    }
}

const REPORT: &str = "     Process:            ~p ~n     Context:            maximum heap size reached~n     \
Max Heap Size:      ~p~n     Total Heap Size:    ~p~n     Kill:               ~p~n     Error Logger:       ~p~n     \
Message Queue Len:  ~p~n     GC Info:            ~p~n";

fn report(ctx: &Ctx<'_>, limit: MaxHeap, total: usize) {
    let pid = ctx.process.pid();
    crate::engine::report::log(ctx.engine, am!("error"), REPORT, ctx.data.group_leader, Some(pid), |heap| {
        let info = figures::list(heap, &figures::of(ctx.data));
        let args = [
            pid,
            heap.unsigned(limit.size as u64),
            heap.unsigned(total as u64),
            Term::bool(limit.kill),
            Term::bool(limit.error_logger),
            heap.unsigned(ctx.data.mailbox.len() as u64),
            info,
        ];
        heap.list(&args)
    });
}
