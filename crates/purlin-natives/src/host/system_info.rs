//! `system_info/1`.

use super::environment::os_type;
use super::listing;
use crate::code::is_emulators_own;
use crate::process::heap_limit::max_heap_map;
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::gc::next_size;
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::atomic::Ordering;

/// The release whose emulator Purlin is like.
const OTP_RELEASE: &str = "25";
/// The version of that release's emulator.
pub(super) const ERTS_VERSION: &str = "13.1.5";

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "system_info", 1, system_info),
    Native::plain("io", "printable_range", 0, printable_range),
    Native::plain("error_logger", "warning_map", 0, warning_map),
];

/// Which characters count as printable (the `+pc` flag).
fn printable_range(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(if c.engine.config.printable_unicode { am!("unicode") } else { am!("latin1") })
}

/// As what `error_logger` takes warnings (the `+W` flag).
fn warning_map(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(match c.engine.config.warnings {
        'i' => am!("info"),
        'e' => am!("error"),
        _ => am!("warning"),
    })
}

fn text(heap: &mut Heap, s: &str) -> Term {
    heap.string(s)
}

fn system_info(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let engine = c.engine;
    let schedulers = engine.sched.count() as i64;
    let Some(item) = a[0].as_atom() else {
        if let Some(&[key, reference, names]) = a[0].as_tuple() {
            return allocator_data(c, key, reference, names);
        }
        return structured(&mut c.data.heap, a[0]);
    };
    if let Some(text) = listing::text(engine, item.name()) {
        return Ok(c.heap().binary(text.as_bytes()));
    }
    let (data_heap, words) = (&mut c.data.heap, 8);
    let heap = data_heap;
    let number = |n: usize| Term::small(n as i64);
    let defaults = || engine.defaults.get().unwrap_or_default();
    Ok(match item.name() {
        "os_type" => os_type(heap),
        "os_version" => {
            let release = rustix::system::uname().release().to_string_lossy().into_owned();
            let parts: Vec<Term> =
                release.split(['.', '-']).take(3).map(|p| Term::small(p.parse().unwrap_or(0))).collect();
            heap.tuple(&parts)
        }
        "schedulers"
        | "schedulers_total"
        | "schedulers_online"
        | "logical_processors"
        | "logical_processors_online"
        | "logical_processors_available"
        | "dirty_cpu_schedulers"
        | "dirty_cpu_schedulers_online" => Term::small(schedulers),
        "dirty_io_schedulers" => number(purlin_vm::sched::DIRTY_IO),
        "scheduler_id" => number(purlin_vm::sched::current(engine).map_or(1, |i| i + 1)),
        "wordsize" => number(words),
        "otp_release" => text(heap, OTP_RELEASE),
        "version" => text(heap, ERTS_VERSION),
        "system_version" => {
            let s = format!(
                "Erlang/OTP {OTP_RELEASE} [erts-{ERTS_VERSION}] [purlin] [64-bit] [smp:{schedulers}:{schedulers}]\n"
            );
            text(heap, &s)
        }
        "system_architecture" => text(heap, &format!("{}-pc-linux-gnu", std::env::consts::ARCH)),
        "machine" => text(heap, "BEAM"),
        "endian" => am!("little"),
        "emu_type" => am!("opt"),
        "emu_flavor" => am!("emu"),
        "build_type" => am!("opt"),
        "build_flavor" => am!("smp"),
        "c_compiler_used" => {
            let version = heap.tuple(&[]);
            heap.tuple(&[am!("undefined"), version])
        }
        "smp_support" | "threads" => Term::bool(true),
        "heap_type" => am!("private"),
        "break_ignored" => Term::bool(super::break_menu::chosen() == super::break_menu::OnBreak::Nothing),
        "kernel_poll" | "multi_scheduling_blocked" | "modified_timings" | "eager_check_io" => Term::bool(false),
        "thread_pool_size" => number(1),
        "multi_scheduling" if engine.sched.is_multi_blocked() => am!("blocked"),
        "multi_scheduling" => am!("enabled"),
        "creation" => Term::small(0),
        "atom_count" => number(Atom::count()),
        "atom_limit" => number(Atom::limit()),
        "process_count" => number(engine.processes.all().len()),
        "process_limit" => number(engine.config.process_limit),
        "port_count" => number(engine.ports().map_or(0, |p| p.list(engine).len())),
        "port_limit" => number(crate::port::LIMIT),
        "ets_count" => number(crate::ets::registry::of(engine).all().len()),
        "ets_limit" => number(8192),
        "outstanding_system_requests_limit" => number(134_217_728),
        "tolerant_timeofday" => am!("enabled"),
        "time_correction" => Term::bool(true),
        "time_warp_mode" => am!("no_time_warp"),
        "os_monotonic_time_source" | "os_system_time_source" => Term::NIL,
        "start_time" => heap.integer(purlin_vm::clock::START),
        "end_time" => heap.integer(i64::MAX),
        "min_heap_size" => pair(heap, "min_heap_size", defaults().min_heap_size),
        "min_bin_vheap_size" => pair(heap, "min_bin_vheap_size", defaults().min_bin_vheap_size),
        "fullsweep_after" => pair(heap, "fullsweep_after", defaults().fullsweep_after as usize),
        "max_heap_size" => max_heap_map(heap, defaults().max_heap_size),
        "message_queue_data" if engine.config.off_heap_messages => am!("off_heap"),
        "message_queue_data" => am!("on_heap"),
        "garbage_collection" => {
            let now = defaults();
            let items = [
                pair(heap, "max_heap_size", now.max_heap_size.size),
                pair(heap, "min_bin_vheap_size", now.min_bin_vheap_size),
                pair(heap, "min_heap_size", now.min_heap_size),
                pair(heap, "fullsweep_after", now.fullsweep_after as usize),
            ];
            heap.list(&items)
        }
        "delayed_node_table_gc" => number(60),
        "snifs" => {
            let all = engine.code.exports.natives().map(|n| n.mfa).filter(|&mfa| is_emulators_own(mfa));
            let list: Vec<Term> = all
                .map(|f| heap.tuple(&[Term::atom(f.module), Term::atom(f.function), Term::small(f.arity as i64)]))
                .collect();
            heap.list(&list)
        }
        "emu_args" => {
            let args: Vec<Term> = std::env::args_os().map(|a| text(heap, &a.to_string_lossy())).collect();
            heap.list(&args)
        }
        // Purlin's poll thread keeps no figures.
        "check_io" | "dist" | "dist_ctrl" | "taints" | "compat_rel_list" => Term::NIL,
        "compat_rel" => number(25),
        "debug_compiled"
        | "port_parallelism"
        | "ets_realloc_moves"
        | "lock_checking"
        | "lock_counting"
        | "ets_always_compress" => Term::bool(false),
        "modified_timing_level" | "hipe_architecture" => am!("undefined"),
        "context_reductions" => number(purlin_vm::sched::SLICE as usize),
        "heap_sizes" => {
            let sizes = std::iter::successors(Some(next_size(0)), |&n| Some(next_size(n + 1)));
            // Up to the addresses that there are.
            let sizes: Vec<Term> = sizes.take_while(|&n| n < 1 << 58).map(number).collect();
            heap.list(&sizes)
        }
        "system_logger" => *engine.system_logger.lock(),
        "dist_buf_busy_limit" => number(1 << 20),
        "literal_test" => am!("range"),
        "beam_jump_table" => Term::bool(true),
        "update_cpu_info" => am!("unchanged"),
        "time_offset" => am!("final"),
        "run_queues" | "schedulers_active" => number(schedulers as usize),
        "schedulers_state" => heap.tuple(&[Term::small(schedulers); 3]),
        "ethread_info" => {
            let name = heap.string("64-bit native atomics");
            let library = heap.string("std");
            let native = heap.tuple(&[name, library, Term::NIL]);
            heap.list(&[native])
        }
        "driver_version" => text(heap, "3.3"),
        "nif_version" => text(heap, "2.16"),
        "dynamic_trace" => am!("none"),
        "dynamic_trace_probes" => Term::bool(false),
        "trace_control_word" => number(engine.tracing.control_word.load(Ordering::Acquire) as usize),
        "sequential_tracer" => {
            let tracer = engine.tracing.sequential.get().unwrap_or(Term::bool(false));
            heap.tuple(&[am!("sequential_tracer"), tracer])
        }
        "nof_pollsets" | "nof_pollset_threads" => number(1),
        "scheduler_bind_type" => am!("unbound"),
        "scheduler_bindings" => {
            let unbound = vec![am!("unbound"); schedulers as usize];
            heap.tuple(&unbound)
        }
        "cpu_topology" => am!("undefined"),
        "cpu_quota" => am!("unknown"),
        "alloc_util_allocators" | "allocated_areas" => Term::NIL,
        "allocator" => {
            let rest = [am!("undefined"), Term::NIL, Term::NIL, Term::NIL];
            heap.tuple(&rest)
        }
        _ => return Err(Escape::BADARG),
    })
}

/// Allocators of the BEAM. Purlin has none of them: they count as switched off.
const ALLOCATORS: [&str; 13] = [
    "sys_alloc",
    "temp_alloc",
    "sl_alloc",
    "std_alloc",
    "ll_alloc",
    "eheap_alloc",
    "ets_alloc",
    "fix_alloc",
    "literal_alloc",
    "binary_alloc",
    "driver_alloc",
    "mseg_alloc",
    "erts_mmap",
];

fn known_allocator(t: Term) -> bool {
    t.as_atom().is_some_and(|a| ALLOCATORS.contains(&a.name()))
}

/// `{memory_internal | allocator | allocator_sizes, Ref, Names}`: each of the threads that
/// `erts_internal:no_aux_work_threads/0` counts, but one, sends `{Ref, Thread, Data}`.
fn allocator_data(c: &mut Ctx<'_>, key: Term, reference: Term, names: Term) -> NativeResult {
    let key = key.as_atom().or_badarg()?.name();
    let names = names.as_list().filter(|n| !n.is_empty() && n.iter().all(|&n| known_allocator(n))).or_badarg()?;
    if !matches!(key, "memory_internal" | "allocator" | "allocator_sizes") || !reference.is_ref() {
        return Err(Escape::BADARG);
    }
    let me = c.pid();
    for thread in 1..=c.engine.sched.count() as i64 {
        let names = if thread == 1 { &names[..] } else { &[] };
        let message = Signal::built(SignalKind::Message, |h| {
            let each: Vec<Term> = names.iter().map(|&n| h.tuple(&[n, Term::bool(false)])).collect();
            let data = h.list(&each);
            h.tuple(&[reference, Term::small(thread), data])
        });
        c.engine.post(me, message);
    }
    Ok(Term::bool(true))
}

/// Items with parameters: `{allocator, _}`, `{allocator_sizes, _}`, `{wordsize, _}`, `{cpu_topology, _}`.
fn structured(heap: &mut Heap, item: Term) -> NativeResult {
    let &[key, what] = item.as_tuple().or_badarg()? else { return Err(Escape::BADARG) };
    let key = key.as_atom().or_badarg()?.name();
    if matches!(key, "allocator" | "allocator_sizes") {
        if known_allocator(what) {
            return Ok(Term::bool(false));
        }
        let names = what.as_list().or_badarg()?;
        let each = names.iter().map(|&n| known_allocator(n).then(|| heap.tuple(&[n, Term::bool(false)])));
        let each: Vec<Term> = each.collect::<Option<_>>().or_badarg()?;
        return Ok(heap.list(&each));
    }
    Ok(match (key, what.as_atom().or_badarg()?.name()) {
        ("wordsize", "internal" | "external") => Term::small(8),
        ("cpu_topology", "defined" | "detected" | "used") => Term::atom(Atom::UNDEFINED),
        _ => return Err(Escape::BADARG),
    })
}

fn pair(heap: &mut Heap, name: &str, n: usize) -> Term {
    heap.tuple(&[Term::atom(Atom::new(name)), Term::small(n as i64)])
}
