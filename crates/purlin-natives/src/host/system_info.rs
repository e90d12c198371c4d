//! `system_info/1`.

use super::{allocators, listing, topology};
use crate::code::is_emulators_own;
use crate::environment::os_type;
use crate::on_break::{self, OnBreak};
use crate::process::heap_limit::max_heap_map;
use purlin_term::{Atom, Heap, Release, Term, am};
use purlin_vm::code::compiler::When;
use purlin_vm::gc::next_size;
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult};
use std::sync::atomic::Ordering;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "system_info", 1, system_info),
    Native::plain("io", "printable_range", 0, printable_range),
    Native::plain("error_logger", "warning_map", 0, warning_map),
];

/// Which characters count as printable (the `+pc` flag).
fn printable_range(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(if ctx.engine.config.printable_unicode { am!("unicode") } else { am!("latin1") })
}

/// As what `error_logger` takes warnings (the `+W` flag).
fn warning_map(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(match ctx.engine.config.warnings {
        'i' => am!("info"),
        'e' => am!("error"),
        _ => am!("warning"),
    })
}

fn text(heap: &mut Heap, s: &str) -> Term {
    heap.string(s)
}

fn system_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let engine = ctx.engine;
    let settings = &engine.config.settings;
    let schedulers = engine.sched.count() as i64;
    let Some(item) = args[0].as_atom() else {
        if let Some(&[key, reference, names]) = args[0].as_tuple() {
            return allocators::request(ctx, key, reference, names);
        }
        return structured(ctx, args[0]);
    };
    if let Some(text) = listing::text(engine, item.name()) {
        return Ok(ctx.heap().binary(text.as_bytes()));
    }
    let (data_heap, words) = (&mut ctx.data.heap, 8);
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
        "schedulers" | "schedulers_total" | "dirty_cpu_schedulers" => Term::small(schedulers),
        "logical_processors" | "logical_processors_online" | "logical_processors_available" => {
            std::thread::available_parallelism().map_or(am!("unknown"), |n| number(n.get()))
        }
        "schedulers_online" => number(engine.sched.online()),
        "dirty_cpu_schedulers_online" => number(engine.sched.dirty_online()),
        "dirty_io_schedulers" => number(purlin_vm::sched::DIRTY_IO),
        "scheduler_id" => number(engine.sched.current().map_or(1, |i| i + 1)),
        "wordsize" => number(words),
        "otp_release" => text(heap, &engine.config.release.to_string()),
        "version" => text(heap, &settings.version),
        "system_version" => {
            let (online, dirty) = (engine.sched.online(), engine.sched.dirty_online());
            let s = format!(
                "Erlang/OTP {} [erts-{}] [purlin] [64-bit] [smp:{schedulers}:{online}] \
                 [ds:{schedulers}:{dirty}:{}] [async-threads:{}]{}\n",
                engine.config.release,
                settings.version,
                purlin_vm::sched::DIRTY_IO,
                settings.async_threads,
                if engine.code.compiles() == When::Never { "" } else { " [jit]" }
            );
            text(heap, &s)
        }
        "system_architecture" => text(heap, &format!("{}-pc-linux-gnu", std::env::consts::ARCH)),
        "machine" => text(heap, "BEAM"),
        "endian" => am!("little"),
        "emu_type" => am!("opt"),
        "emu_flavor" => Term::atom(Atom::new(if ctx.engine.code.compiles() == When::Never { "emu" } else { "jit" })),
        "build_type" => am!("opt"),
        "c_compiler_used" => {
            let version = heap.tuple(&[]);
            heap.tuple(&[am!("undefined"), version])
        }
        "smp_support" | "threads" => Term::bool(true),
        "heap_type" => am!("private"),
        "break_ignored" => Term::bool(on_break::chosen() == OnBreak::Nothing),
        "kernel_poll" | "eager_check_io" | "constant_pool_support" => Term::bool(true),
        "port_parallelism" => Term::bool(settings.port_parallelism),
        "ets_always_compress" => Term::bool(settings.compress_tables),
        "thread_pool_size" => number(settings.async_threads),
        "multi_scheduling" => crate::process::multi_scheduling_state(engine),
        "multi_scheduling_blockers" | "normal_multi_scheduling_blockers" => {
            let pids = engine.sched.multi_blockers(item.name().starts_with("normal"));
            let pids: Vec<Term> = pids.into_iter().map(Term::pid).collect();
            heap.list(&pids)
        }
        "creation" => Term::small(ctx.engine.code.creation().into()),
        "atom_count" => number(Atom::count()),
        "atom_limit" => number(Atom::limit()),
        "process_count" => number(engine.processes.all().len()),
        "process_limit" => number(engine.processes.limit()),
        "port_count" => number(engine.ports().map_or(0, |p| p.list(engine).len())),
        "port_limit" => number(settings.port_limit),
        "ets_count" => number(crate::ets::registry::of(engine).all().len()),
        "ets_limit" => number(settings.table_limit),
        "outstanding_system_requests_limit" => number(crate::process::requests_limit(engine)),
        "tolerant_timeofday" if settings.time_correction && time_offset(engine) == am!("final") => am!("enabled"),
        "tolerant_timeofday" => am!("disabled"),
        "time_correction" => Term::bool(settings.time_correction),
        "time_warp_mode" => Term::atom(Atom::new(&settings.time_warp)),
        "os_monotonic_time_source" => time_source(heap, true),
        "os_system_time_source" => time_source(heap, false),
        "start_time" => heap.integer(purlin_vm::clock::START),
        "end_time" => heap.integer(i64::MAX),
        "min_heap_size" => pair(heap, "min_heap_size", defaults().min_heap_size),
        "min_bin_vheap_size" => pair(heap, "min_bin_vheap_size", defaults().min_bin_vheap_size),
        "fullsweep_after" => pair(heap, "fullsweep_after", defaults().fullsweep_after as usize),
        "max_heap_size" => max_heap_map(heap, engine.config.release, defaults().max_heap_size),
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
        "delayed_node_table_gc" => settings.node_memory.map_or(am!("infinity"), number),
        "snifs" => {
            let all = engine.code.exports.natives().map(|n| n.mfa).filter(|&mfa| is_emulators_own(mfa));
            let list: Vec<Term> = all
                .map(|f| heap.tuple(&[Term::atom(f.module), Term::atom(f.function), Term::small(f.arity as i64)]))
                .collect();
            heap.list(&list)
        }
        "emu_args" => {
            let given: Vec<Term> = settings.emulator_args.iter().map(|a| text(heap, a)).collect();
            heap.list(&given)
        }
        // Purlin's poll thread keeps no figures.
        "check_io" | "dist" => Term::NIL,
        "taints" => {
            let all: Vec<Term> = crate::taints::all(engine).into_iter().map(Term::atom).collect();
            ctx.heap().list(&all)
        }
        "dist_ctrl" => {
            let all: Vec<Term> = crate::dist::channels(engine)
                .into_iter()
                .map(|(node, channel)| heap.tuple(&[Term::atom(node), channel.term()]))
                .collect();
            heap.list(&all)
        }
        "compat_rel" => number(settings.compat_release.unwrap_or(engine.config.release.0.into())),
        "debug_compiled" | "ets_realloc_moves" | "lock_checking" | "lock_counting" => Term::bool(false),
        "modified_timing_level" => settings.timing_level.map_or(am!("undefined"), number),
        "hipe_architecture" => am!("undefined"),
        "context_reductions" => number(purlin_vm::sched::SLICE as usize),
        "heap_sizes" => {
            let sizes = std::iter::successors(Some(next_size(0)), |&n| Some(next_size(n + 1)));
            // Up to the addresses that there are.
            let sizes: Vec<Term> = sizes.take_while(|&n| n < 1 << 58).map(number).collect();
            heap.list(&sizes)
        }
        "system_logger" => engine.system_logger.lock().term(),
        "dist_buf_busy_limit" => number(settings.busy_limit),
        "literal_test" => am!("range"),
        "beam_jump_table" => Term::bool(true),
        "update_cpu_info" => am!("unchanged"),
        "time_offset" => time_offset(engine),
        "run_queues" => number(schedulers as usize),
        "schedulers_active" => number(engine.sched.active()),
        "schedulers_state" => {
            let of = [schedulers as usize, engine.sched.online(), engine.sched.active()];
            heap.tuple(&of.map(number))
        }
        "ethread_info" => {
            let name = heap.string("64-bit native atomics");
            let library = heap.string("std");
            let native = heap.tuple(&[name, library, Term::NIL]);
            heap.list(&[native])
        }
        "async_dist" if engine.config.release >= Release(26) => Term::bool(settings.async_dist),
        "max_integer" if engine.config.release >= Release(27) => {
            heap.big(false, &vec![u64::MAX; purlin_term::number::max_digits()])
        }
        "driver_version" => text(heap, "3.3"),
        "nif_version" => text(heap, nif_version(engine.config.release)),
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
        "cpu_topology" => topology::term(heap),
        "cpu_quota" => am!("unknown"),
        "alloc_util_allocators" => allocators::utilities(heap),
        "allocated_areas" => Term::NIL,
        "allocator" => allocators::overview(heap),
        _ => return Err(Escape::BADARG),
    })
}

/// Whether the difference between monotonic and system time may change, as the time warp mode says.
fn time_offset(engine: &Engine) -> Term {
    match engine.config.settings.time_warp.as_str() {
        "multi_time_warp" => am!("volatile"),
        "single_time_warp" => am!("preliminary"),
        _ => am!("final"),
    }
}

/// The version of the interface of native libraries.
fn nif_version(release: Release) -> &'static str {
    match release.0 {
        ..=25 => "2.16",
        26..=27 => "2.17",
        _ => "2.18",
    }
}

/// The clock of the operating system that monotonic (or system) time is read from.
fn time_source(heap: &mut Heap, monotonic: bool) -> Term {
    use rustix::time::{ClockId, clock_gettime};
    let (id, name) =
        if monotonic { (ClockId::Monotonic, "CLOCK_MONOTONIC") } else { (ClockId::Realtime, "CLOCK_REALTIME") };
    let now = clock_gettime(id);
    let now = heap.integer(now.tv_sec * 1_000_000_000 + now.tv_nsec);
    let items = [
        (am!("function"), am!("clock_gettime")),
        (am!("clock_id"), Term::atom(Atom::new(name))),
        (am!("resolution"), Term::small(1_000_000_000)),
        (am!("extended"), am!("no")),
        (am!("parallel"), am!("yes")),
        (am!("time"), now),
    ];
    let told = items.into_iter().filter(|(key, _)| monotonic || *key != am!("extended"));
    let told: Vec<Term> = told.map(|(key, value)| heap.tuple(&[key, value])).collect();
    heap.list(&told)
}

/// Items with parameters: `{allocator, _}`, `{allocator_sizes, _}`, `{wordsize, _}`, `{cpu_topology, _}`.
fn structured(ctx: &mut Ctx<'_>, item: Term) -> NativeResult {
    let &[key, what] = item.as_tuple().or_badarg()? else { return Err(Escape::BADARG) };
    let key = key.as_atom().or_badarg()?.name();
    if matches!(key, "allocator" | "allocator_sizes") {
        return allocators::of(ctx.engine, &mut ctx.data.heap, what, key == "allocator_sizes");
    }
    Ok(match (key, what.as_atom().or_badarg()?.name()) {
        ("wordsize", "internal" | "external") => Term::small(8),
        ("cpu_topology", "defined") => Term::atom(Atom::UNDEFINED),
        ("cpu_topology", "detected" | "used") => topology::term(ctx.heap()),
        _ => return Err(Escape::BADARG),
    })
}

fn pair(heap: &mut Heap, name: &str, n: usize) -> Term {
    heap.tuple(&[Term::atom(Atom::new(name)), Term::small(n as i64)])
}
