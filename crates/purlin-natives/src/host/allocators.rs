//! What `system_info/1` and `instrument` tell of allocators: Purlin's memory in the shape of OTP's allocators.
//!
//! All blocks come from one allocator (mimalloc), which has no kinds. What is counted by use stands under the name of
//! the OTP allocator for that use; the rest of what mimalloc has taken from the system stands under `std_alloc`, so that
//! the sum over all is what the program has taken. There is one instance of each, with one carrier. The allocators
//! for uses that are not counted apart are there and empty.

use parking_lot::Mutex;
use purlin_term::account::{self, Use};
use purlin_term::{Atom, Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};
use std::collections::HashMap;

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "gather_alloc_histograms", 1, gather_histograms),
    Native::plain("erts_internal", "gather_carrier_info", 1, gather_carriers),
];

/// OTP's allocators that have carriers and blocks, in its order.
const UTILITIES: [&str; 10] = [
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
];

/// Those that Purlin has nothing for: they count as switched off.
const ABSENT: [&str; 2] = ["mseg_alloc", "erts_mmap"];

/// Blocks, and the bytes that they take.
#[derive(Clone, Copy, Default)]
struct Blocks {
    count: usize,
    size: usize,
}

/// The most that was ever seen of each allocator, and since it was last asked for.
#[derive(Default)]
struct Peaks(Mutex<HashMap<&'static str, Blocks>>);

static PEAKS: Slot<Peaks> = Slot::new();

fn counted(engine: &Engine, name: &str) -> Blocks {
    match name {
        "eheap_alloc" => Blocks { count: account::count(Use::Blocks), size: account::bytes(Use::Blocks) },
        "binary_alloc" => Blocks { count: account::count(Use::Binaries), size: account::bytes(Use::Binaries) },
        "ets_alloc" => Blocks { count: crate::ets::registry::of(engine).all().len(), size: crate::ets::bytes(engine) },
        "literal_alloc" => Blocks { count: engine.code.loaded().len(), size: purlin_term::literal::bytes() },
        "fix_alloc" => {
            let count = engine.processes.all().len();
            Blocks { count, size: count * std::mem::size_of::<purlin_vm::Process>() }
        }
        "ll_alloc" => {
            Blocks { count: Atom::count() + engine.code.loaded().len(), size: Atom::bytes() + engine.code.bytes() }
        }
        _ => Blocks::default(),
    }
}

fn blocks(engine: &Engine, name: &str) -> Blocks {
    // Literals have a mapping of their own.
    let own = |name: &&&str| !matches!(**name, "std_alloc" | "literal_alloc");
    let apart: usize = UTILITIES.iter().filter(own).map(|name| counted(engine, name).size).sum();
    match name {
        "std_alloc" => {
            let size = purlin_vm::allocator::committed().saturating_sub(apart);
            Blocks { count: usize::from(size > 0), size }
        }
        _ => counted(engine, name),
    }
}

fn known(name: Term) -> Option<&'static str> {
    let name = name.as_atom()?.name();
    UTILITIES.iter().chain(&ABSENT).chain(&["sys_alloc"]).find(|n| **n == name).copied()
}

fn named(h: &mut Heap, name: &str, value: Term) -> Term {
    h.tuple(&[Term::atom(Atom::new(name)), value])
}

fn number(n: usize) -> Term {
    Term::small(n as i64)
}

/// `{Name, Now, MostSinceLast, MostEver}`.
fn measured(h: &mut Heap, name: &str, now: usize, last: usize, most: usize) -> Term {
    h.tuple(&[Term::atom(Atom::new(name)), number(now), number(last), number(most)])
}

fn options(h: &mut Heap, name: &str) -> Term {
    let pairs: &[(&str, Term)] = match name {
        "sys_alloc" => &[("e", Term::bool(true)), ("m", am!("libc"))],
        _ => &[
            ("e", Term::bool(true)),
            ("t", Term::bool(false)),
            ("atags", Term::bool(false)),
            ("ramv", Term::bool(false)),
            ("as", am!("mimalloc")),
        ],
    };
    let pairs: Vec<Term> = pairs.iter().map(|&(k, v)| named(h, k, v)).collect();
    h.list(&pairs)
}

/// What `{allocator, Name}` gives, or `{allocator_sizes, Name}`.
fn instances(engine: &Engine, h: &mut Heap, name: &'static str, sizes: bool) -> Term {
    if ABSENT.contains(&name) {
        return Term::bool(false);
    }
    let mut parts = Vec::new();
    if !sizes {
        if name != "sys_alloc" {
            let (own, common) = (h.string("0.9"), h.string("3.0"));
            parts.push(h.tuple(&[am!("versions"), own, common]));
        }
        let options = options(h, name);
        parts.push(named(h, "options", options));
    }
    if name != "sys_alloc" {
        let now = blocks(engine, name);
        let most = {
            let mut peaks = engine.state(&PEAKS).0.lock();
            let most = peaks.entry(name).or_default();
            *most = Blocks { count: most.count.max(now.count), size: most.size.max(now.size) };
            *most
        };
        for (kind, now, most) in [("mbcs", now, most), ("sbcs", Blocks::default(), Blocks::default())] {
            let group = carriers(h, name, now, most, sizes);
            parts.push(named(h, kind, group));
        }
    }
    let parts = h.list(&parts);
    let instance = h.tuple(&[am!("instance"), Term::small(0), parts]);
    h.list(&[instance])
}

/// The carriers of an instance, of which there is one when there are blocks.
fn carriers(h: &mut Heap, name: &str, now: Blocks, most: Blocks, sizes: bool) -> Term {
    let mut of_blocks = vec![measured(h, "size", now.size, now.size, most.size)];
    if !sizes {
        of_blocks.insert(0, measured(h, "count", now.count, now.count, most.count));
    }
    let of_blocks = h.list(&of_blocks);
    let of_name = named(h, name, of_blocks);
    let all = if most.size > 0 { h.list(&[of_name]) } else { Term::NIL };
    let mut parts = vec![named(h, "blocks", all)];
    let (count, peak) = (usize::from(now.size > 0), usize::from(most.size > 0));
    if !sizes {
        parts.push(measured(h, "carriers", count, count, peak));
        parts.push(named(h, "mseg_alloc_carriers", Term::small(0)));
        parts.push(named(h, "sys_alloc_carriers", number(count)));
    }
    parts.push(measured(h, "carriers_size", now.size, now.size, most.size));
    if !sizes {
        parts.push(named(h, "mseg_alloc_carriers_size", Term::small(0)));
        parts.push(named(h, "sys_alloc_carriers_size", number(now.size)));
    }
    h.list(&parts)
}

/// `system_info(alloc_util_allocators)`.
pub fn utilities(h: &mut Heap) -> Term {
    let names = UTILITIES.map(|name| Term::atom(Atom::new(name)));
    h.list(&names)
}

/// `system_info(allocator)`: the C library's `malloc`, the names that have figures, and their settings.
pub fn overview(h: &mut Heap) -> Term {
    let version: Vec<Term> = purlin_vm::allocator::library_version().into_iter().map(number).collect();
    let library = if version.is_empty() { am!("undefined") } else { am!("glibc") };
    let names: Vec<&str> = ["sys_alloc"].into_iter().chain(UTILITIES).collect();
    let features: Vec<Term> = names.iter().map(|name| Term::atom(Atom::new(name))).collect();
    let settings: Vec<Term> = names
        .iter()
        .map(|name| {
            let options = options(h, name);
            named(h, name, options)
        })
        .collect();
    let (version, features, settings) = (h.list(&version), h.list(&features), h.list(&settings));
    h.tuple(&[library, version, features, settings])
}

/// `system_info({allocator | allocator_sizes, NameOrNames})`.
pub fn of(engine: &Engine, h: &mut Heap, what: Term, sizes: bool) -> NativeResult {
    if let Some(name) = known(what) {
        return Ok(instances(engine, h, name, sizes));
    }
    let names: Vec<_> = what.as_list().or_badarg()?.iter().map(|&n| known(n)).collect::<Option<_>>().or_badarg()?;
    let each: Vec<Term> = names
        .into_iter()
        .map(|name| {
            let data = instances(engine, h, name, sizes);
            named(h, name, data)
        })
        .collect();
    Ok(h.list(&each))
}

/// `{memory_internal | allocator | allocator_sizes, Ref, Names}`: each of the threads that
/// `erts_internal:no_aux_work_threads/0` counts, but one, sends `{Ref, Thread, Data}`. The first has all data.
pub fn request(ctx: &mut Ctx<'_>, key: Term, reference: Term, names: Term) -> NativeResult {
    let key = key.as_atom().or_badarg()?.name();
    let names = names.as_list().filter(|n| !n.is_empty()).or_badarg()?;
    let names: Vec<_> = names.iter().map(|&n| known(n)).collect::<Option<_>>().or_badarg()?;
    if !matches!(key, "memory_internal" | "allocator" | "allocator_sizes") || !reference.is_ref() {
        return Err(Escape::BADARG);
    }
    let me = ctx.pid();
    for thread in 1..=ctx.engine.sched.count() as i64 {
        let names = if thread == 1 { &names[..] } else { &[] };
        let message = Signal::built(SignalKind::Message, |h| {
            let each: Vec<Term> = names
                .iter()
                .map(|name| {
                    let data = instances(ctx.engine, h, name, key != "allocator");
                    named(h, name, data)
                })
                .collect();
            let data = h.list(&each);
            let reference = h.copy(reference);
            h.tuple(&[reference, Term::small(thread), data])
        });
        ctx.engine.post(me, message);
    }
    Ok(Term::bool(true))
}

/// What `instrument` asks for: an allocator, an instance, how many classes of sizes, where they begin, a reference.
struct Question {
    name: &'static str,
    instance: usize,
    width: usize,
    reference: Term,
}

impl Question {
    fn read(t: Term) -> Result<Question, Escape> {
        let &[name, instance, width, start, reference] = t.as_tuple().or_badarg()? else {
            return Err(Escape::BADARG);
        };
        let name = name.as_atom().or_badarg()?.name();
        let name = UTILITIES.iter().find(|n| **n == name).copied().or_badarg()?;
        let instance = instance.as_usize().or_badarg()?;
        let width = width.as_usize().filter(|n| (1..=32).contains(n)).or_badarg()?;
        start.as_usize().filter(|&n| n >= 1).or_badarg()?;
        if !reference.is_ref() {
            return Err(Escape::BADARG);
        }
        Ok(Question { name, instance, width, reference })
    }
}

/// Sends `{Ref, Unscanned, []}` for the one instance: blocks carry no tags, so all of them are unscanned.
fn gather_histograms(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let q = Question::read(args[0])?;
    if q.instance > 0 {
        return Ok(Term::small(0));
    }
    let size = blocks(ctx.engine, q.name).size;
    let message = Signal::built(SignalKind::Message, |h| {
        let reference = h.copy(q.reference);
        h.tuple(&[reference, number(size), Term::NIL])
    });
    ctx.engine.post(ctx.pid(), message);
    Ok(Term::small(1))
}

/// Sends `{Ref, [{Allocator, InPool, Size, Unscanned, [{Allocator, Blocks, Size}], FreeBlocks}]}` for the one instance.
fn gather_carriers(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let q = Question::read(args[0])?;
    if q.instance > 0 {
        return Ok(Term::small(0));
    }
    let now = blocks(ctx.engine, q.name);
    let message = Signal::built(SignalKind::Message, |h| {
        let name = Term::atom(Atom::new(q.name));
        let inside = h.tuple(&[name, number(now.count), number(now.size)]);
        let inside = h.list(&[inside]);
        let free = h.tuple(&vec![Term::small(0); q.width]);
        let carrier = h.tuple(&[name, Term::bool(false), number(now.size), Term::small(0), inside, free]);
        let carriers = if now.size > 0 { h.list(&[carrier]) } else { Term::NIL };
        let reference = h.copy(q.reference);
        h.tuple(&[reference, carriers])
    });
    ctx.engine.post(ctx.pid(), message);
    Ok(Term::small(1))
}
