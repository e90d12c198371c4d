//! `erts_debug:get_internal_state/1` and `set_internal_state/2`: the emulator's inner state, for tests. Closed until
//! `available_internal_state` is set. An item that has no sense here is `badarg`, like one that does not exist.

use crate::dist;
use crate::loop_limit::Loop;
use crate::process;
use purlin_term::external::distribution::{OutCache, SLOTS};
use purlin_term::heap::STACK_RESERVE;
use purlin_term::literal::Literals;
use purlin_term::{Atom, Kind, Magic, Release, Term, am, hash, map};
use purlin_vm::gc::Depth;
use purlin_vm::native::OrBadarg;
use purlin_vm::process::RunState;
use purlin_vm::sched::SLICE;
use purlin_vm::{Ctx, Escape, Native, NativeResult, Slot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_debug", "get_internal_state", 1, get_internal_state),
    Native::plain("erts_debug", "set_internal_state", 2, set_internal_state),
];

#[derive(Default)]
struct Available(AtomicBool);

static AVAILABLE: Slot<Available> = Slot::new();

fn open(ctx: &Ctx<'_>) -> Result<(), Escape> {
    let on = ctx.engine.state(&AVAILABLE).0.load(Ordering::Acquire);
    if on { Ok(()) } else { Err(Escape::Error(am!("undef"))) }
}

fn get_internal_state(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    open(ctx)?;
    if let Some(&[key, of]) = args[0].as_tuple() {
        return about(ctx, key.as_atom().or_badarg()?.name(), of);
    }
    Ok(match args[0].as_atom().or_badarg()?.name() {
        "available_internal_state" => Term::bool(true),
        "reds_left" => Term::small(ctx.data.reductions_left().max(0) as i64),
        "next_pid" => next_pid(ctx),
        "next_port" => Term::small(crate::port::next_port(ctx.engine, None) as i64),
        "process_info_args" => {
            let items: Vec<Term> =
                process::items(ctx.engine.config.release).map(|i| Term::atom(Atom::new(i))).collect();
            ctx.heap().list(&items)
        }
        "processes" => {
            let pids: Vec<Term> = ctx.engine.processes.all().iter().map(|p| p.pid()).collect();
            ctx.heap().list(&pids)
        }
        "persistent_term" => {
            let size = crate::persistent_term::table_size(ctx.engine);
            map::from_pairs(ctx.heap(), &[(am!("table"), Term::small(size as i64))])
        }
        // All processes are listed at once: one chunk of the whole table, and no work between calls.
        "processes_bif_info" => {
            let limit = Term::small(ctx.engine.processes.limit() as i64);
            let (none, one) = (Term::small(0), Term::small(1));
            ctx.heap().tuple(&[am!("ptab_list_bif_info"), none, one, limit, limit, none, limit, none, limit, none])
        }
        // Work is shared whenever a process is put back into a queue, once a slice.
        "nbalance" => {
            let n = ctx.engine.sched.slices.load(Ordering::Relaxed);
            ctx.heap().unsigned(n)
        }
        "max_atom_out_cache_index" => Term::small(SLOTS as i64 - 1),
        "monitoring_nodes" => {
            let all = dist::subscribers(ctx.engine);
            let h = ctx.heap();
            let all: Vec<Term> = all
                .iter()
                .rev()
                .map(|&(pid, bits)| {
                    let options = dist::subscription_options(h, bits);
                    h.tuple(&[Term::pid(pid), options])
                })
                .collect();
            h.list(&all)
        }
        // Nodes are not counted by who names them: none has a count that could be compared.
        "node_and_dist_references" => {
            let h = ctx.heap();
            let tables = [am!("node_references"), am!("dist_references")].map(|table| h.tuple(&[table, Term::NIL]));
            h.tuple(&tables)
        }
        "memory" => return crate::host::memory(ctx),
        "force_heap_frags" => Term::bool(false),
        "lc_graph" | "flxctr_memory_usage" => am!("notsup"),
        "stack_check" => Term::small(purlin_vm::sched::native_stack_left().or_badarg()? as i64),
        "scheduler_dump" => Term::bool(false),
        "hashmap_collision_bonanza" if ctx.engine.config.release >= Release(27) => Term::bool(false),
        _ => return Err(Escape::BADARG),
    })
}

fn about(ctx: &mut Ctx<'_>, key: &str, of: Term) -> NativeResult {
    Ok(match key {
        "process_status" => process_status(ctx, of.as_pid().or_badarg()?),
        "internal_hash" => ctx.heap().unsigned(hash::internal(of)),
        "atom" => {
            let number = of.as_usize().filter(|&i| i < Atom::limit()).or_badarg()?;
            while number >= Atom::count() {
                Atom::new(&format!("am{:x}", Atom::count()));
            }
            Term::atom(Atom::with_number(number as u32))
        }
        "magic_ref" => match (of.magic_count(), of.is_ref()) {
            (Some((address, count)), _) => {
                let parts = [ctx.heap().unsigned(address as u64), Term::small(count as i64), Term::bool(true)];
                ctx.heap().tuple(&parts)
            }
            (None, true) => Term::bool(of.as_local_ref().is_some()),
            (None, false) => return Err(Escape::BADARG),
        },
        "binary_info" => binary_info(ctx, of)?,
        "atom_out_cache_index" => Term::small(OutCache::slot(of.as_atom().or_badarg()?) as i64),
        "dist_ctrl" => dist::channel(ctx.engine, of.as_atom().or_badarg()?).or_badarg()?.term(),
        _ => return Err(Escape::BADARG),
    })
}

fn process_status(ctx: &Ctx<'_>, id: u64) -> Term {
    let Some(p) = ctx.engine.process(id) else { return am!("undefined") };
    match p.run_state() {
        _ if p.is_exiting() => am!("exiting"),
        RunState::Runnable => am!("runnable"),
        _ if p.is_offloaded() => am!("running"),
        RunState::Running => am!("running"),
        RunState::Waiting => am!("waiting"),
    }
}

/// `heap_binary`, or `{refc_binary, Bytes, {binary, BufferBytes}, Flags}`.
fn binary_info(ctx: &mut Ctx<'_>, of: Term) -> NativeResult {
    let (whole, _) = of.whole_and_offset().or_badarg()?;
    if whole.boxed_kind() != Some(Kind::RefBin) {
        return Ok(am!("heap_binary"));
    }
    let (bytes, buffer) = (whole.used_bytes().or_badarg()?, whole.referenced_bytes().or_badarg()?);
    let h = ctx.heap();
    let buffer = h.tuple(&[am!("binary"), Term::small(buffer as i64)]);
    Ok(h.tuple(&[am!("refc_binary"), Term::small(bytes as i64), buffer, Term::small(0)]))
}

fn next_pid(ctx: &Ctx<'_>) -> Term {
    ctx.engine.processes.next_free().map_or(Term::bool(false), |n| Term::small(n as i64))
}

fn set_internal_state(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (key, value) = (args[0], args[1]);
    if key == am!("available_internal_state")
        && let Some(on) = value.as_bool()
    {
        return Ok(Term::bool(ctx.engine.state(&AVAILABLE).0.swap(on, Ordering::AcqRel)));
    }
    open(ctx)?;
    let number = || value.as_small().or_badarg();
    Ok(match key.as_atom().or_badarg()?.name() {
        "reds_left" => {
            let reds = number()?;
            if (0..=SLICE as i64).contains(&reds) {
                ctx.data.set_reductions_left(reds as i32);
            }
            Term::bool(true)
        }
        name @ ("block" | "sleep" | "block_scheduler") => {
            let time = Duration::from_millis(number()?.max(0) as u64);
            match name {
                "block" => ctx.engine.sched.freeze.freeze(time),
                _ => std::thread::sleep(time),
            }
            Term::bool(true)
        }
        "next_pid" => {
            ctx.engine.processes.set_next((number()? as u64).wrapping_add(1));
            next_pid(ctx)
        }
        "next_port" => Term::small(crate::port::next_port(ctx.engine, Some((number()? as u64).wrapping_add(1))) as i64),
        "force_gc" => match value.as_pid().and_then(|id| ctx.engine.process(id)) {
            Some(_) => {
                ctx.data.want_collection(Depth::Minor);
                Term::bool(true)
            }
            None => Term::bool(false),
        },
        // What is left of the heap becomes garbage; with `true`, a full collection follows.
        "fill_heap" => {
            let left = ctx.heap().free_words().saturating_sub(STACK_RESERVE);
            if left > 1 {
                ctx.heap().tuple(&vec![Term::NIL; left - 1]);
            }
            if value == am!("true") {
                ctx.data.want_collection(Depth::Major);
            }
            am!("ok")
        }
        "gc_state" => {
            let allow = value.as_bool().or_badarg()?;
            Term::bool(crate::process::allow_collections(ctx, allow))
        }
        "wait" => {
            let known = ["deallocations", "timer_cancellations", "aux_work", "thread_progress"];
            // All of these are done at once here.
            value.as_atom().filter(|name| known.contains(&name.name())).or_badarg()?;
            am!("ok")
        }
        // OTP makes a broken term while nothing collects; here no heap is ever inconsistent, and only the rest is done.
        "inconsistent_heap" if value == am!("start") => {
            crate::process::allow_collections(ctx, false);
            ctx.heap().tuple(&[am!("ok")])
        }
        "inconsistent_heap" if value.is_tuple() => {
            crate::process::allow_collections(ctx, true);
            am!("ok")
        }
        "test_long_gc_sleep" => {
            let ms = u64::try_from(number()?).ok().or_badarg()?;
            ctx.engine.tracing.monitor.gc_sleep.store(ms, Ordering::Relaxed);
            Term::bool(true)
        }
        "make" if value == am!("magic_ref") => {
            let id = ctx.engine.next_ref();
            let r = ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(()) }));
            let (address, _) = r.magic_count().or_badarg()?;
            let address = ctx.heap().unsigned(address as u64);
            ctx.heap().tuple(&[r, address])
        }
        "binary" => {
            let n = usize::try_from(number()?).ok().or_badarg()?;
            let data = vec![0; n];
            ctx.heap().binary(&data)
        }
        "mbuf" => {
            let (fragment, t) = purlin_term::copy::to_fragment(value, Literals::lasting());
            ctx.heap().adopt(fragment);
            t
        }
        // No node is ever forgotten, so that there is no delay to set.
        "node_tab_delayed_delete" => {
            number()?;
            am!("ok")
        }
        "binary_loop_limit" => loop_limit(ctx, Loop::Binary, value)?,
        "re_loop_limit" => loop_limit(ctx, Loop::Re, value)?,
        "unicode_loop_limit" => loop_limit(ctx, Loop::Unicode, value)?,
        // No table divides its lock.
        "ets_force_split" | "ets_debug_random_split_join" => {
            let &[table, on] = value.as_tuple().or_badarg()? else { return Err(Escape::BADARG) };
            on.as_bool().or_badarg()?;
            crate::ets::registry::of(ctx.engine).find(table).ok().or_badarg()?;
            am!("ok")
        }
        "ets_force_trap" | "jit_asm_dump" => am!("notsup"),
        // Every queue takes signals of many senders at a time.
        "proc_sig_buffers" => Term::bool(value.as_bool().or_badarg()?),
        _ => return Err(Escape::BADARG),
    })
}

/// Sets how many steps a native may take in a slice, or `default`; the former limit.
fn loop_limit(ctx: &Ctx<'_>, which: Loop, value: Term) -> NativeResult {
    let steps = if value == am!("default") { 0 } else { value.as_usize().or_badarg()? };
    Ok(Term::small(which.set(ctx, steps) as i64))
}
