//! What is told of sockets, and what is set for all of them.

use super::counters::{Counters, FileCounters};
use super::io::Io;
use super::open::{Defaults, TYPES, defaults};
use super::state::{State, flag, sockets};
use super::{Failure, OK, Outcome, address, at, map_of, name, reply, send, socket_of};
use purlin_term::{Heap, Immediate, Release, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_info", 0, |ctx, args| reply(ctx, args, |ctx, _| Ok(global(ctx)))),
    Native::plain("prim_socket", "nif_info", 1, |ctx, args| reply(ctx, args, info)),
    Native::plain("prim_socket", "nif_command", 1, |ctx, args| reply(ctx, args, command)),
];

/// The number of bits of a counter.
const COUNTER_BITS: i64 = 64;

fn global(ctx: &mut Ctx<'_>) -> Term {
    let Defaults { debug, socket_debug, use_registry } = defaults(ctx.engine);
    let g = sockets(ctx.engine).global.lock();
    let counters = [
        ("num_cnt_bits", COUNTER_BITS),
        ("num_sockets", g.sockets),
        ("num_tdgrams", g.datagram),
        ("num_tstreams", g.stream),
        ("num_tseqpkgs", g.sequenced),
        ("num_dlocal", 0),
        ("num_dinet", g.inet),
        ("num_dinet6", g.inet6),
        ("num_pip", g.ip),
        ("num_ptcp", g.tcp),
        ("num_pudp", g.udp),
        ("num_psctp", g.sctp),
    ];
    drop(g);
    let release = ctx.engine.config.release;
    let h = ctx.heap();
    let counters = map_of(h, &counters.map(|(key, n)| (key, Term::small(n))));
    let mut backend = vec![("name", am!("unix_essio"))];
    if release >= Release(28) {
        let calls = ["bindx", "connectx", "freeladdrs", "freepaddrs", "getladdrs", "getpaddrs", "peeloff"];
        backend.push(("sctp", map_of(h, &calls.map(|call| (call, Term::bool(false))))));
    }
    let backend = map_of(h, &backend);
    let mut pairs = vec![
        ("debug", Term::bool(debug)),
        ("socket_debug", Term::bool(socket_debug)),
        ("use_registry", Term::bool(use_registry)),
        ("iow", Term::bool(false)),
        ("counters", counters),
        ("iov_max", Term::small(send::PIECES as i64)),
    ];
    if release >= Release(27) {
        pairs.extend([("eei", Term::bool(true)), ("io_backend", backend)]);
    }
    map_of(h, &pairs)
}

/// A type's name, or its number.
pub fn type_term(kind: i32) -> Term {
    TYPES.iter().find(|t| t.1 == kind).map_or(Term::small(kind.into()), |t| name(t.0))
}

/// The names of what has happened to a side.
fn states(heap: &mut Heap, set: u16) -> Term {
    let names = flag::NAMES.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
    let names: Vec<Term> = names.map(|(_, text)| name(text)).collect();
    heap.list(&names)
}

fn info(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let io = Io::new(ctx.engine, socket);
    let h = &mut ctx.data.heap;
    let origin = socket.origin.map(|fd| Term::small(fd.into()));
    let created = match origin {
        Some(fd) if socket.owns_descriptor => h.tuple(&[am!("fromfd"), fd]),
        Some(_) => am!("fromfd"),
        None => am!("normal"),
    };
    let count = |n: usize| Term::small(n as i64);
    let pairs = [
        ("domain", address::family_term(socket.domain)),
        ("type", type_term(socket.kind)),
        ("protocol", Term::small(socket.protocol.into())),
        ("owner", io.s.owner.map_or(am!("undefined"), Immediate::term)),
        ("rstates", states(h, io.s.reading)),
        ("wstates", states(h, io.s.writing)),
        ("ctype", created),
        ("counters", counters(h, &io.s)),
        ("num_readers", count(io.s.readers.len())),
        ("num_writers", count(io.s.writers.len())),
        ("num_acceptors", count(io.s.acceptors.len())),
    ];
    Ok(map_of(h, &pairs))
}

fn counters(h: &mut Heap, s: &State) -> Term {
    let own: Vec<(&str, Term)> =
        Counters::NAMES.iter().zip(s.counters.values).map(|(&name, n)| (name, h.unsigned(n))).collect();
    let own = map_of(h, &own);
    let Some(f) = &s.file_counters else { return own };
    let FileCounters { calls, bytes, fails, max, packets, packet_max, tries, waits, now: _ } = *f;
    let of_files = [
        ("sendfile", calls),
        ("sendfile_byte", bytes),
        ("sendfile_fails", fails),
        ("sendfile_max", max),
        ("sendfile_pkg", packets),
        ("sendfile_pkg_max", packet_max),
        ("sendfile_tries", tries),
        ("sendfile_waits", waits),
    ];
    let of_files: Vec<(Term, Term)> = of_files.iter().map(|&(key, n)| (name(key), h.unsigned(n))).collect();
    map::put_all(h, own, &of_files)
}

/// Sets something for all sockets, or for those that are opened from now on.
fn command(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (command, data) = (at(args[0], "command").or_badarg()?, at(args[0], "data").or_badarg()?);
    let mut global = sockets(ctx.engine).global.lock();
    let setting = match command.as_atom().map(|c| c.name()) {
        Some("debug") => &mut global.debug,
        Some("socket_debug") => &mut global.socket_debug,
        Some("use_registry") => &mut global.use_registry,
        _ => {
            drop(global);
            return Err(Failure::Raise(ctx.heap().tuple(&[am!("command"), command])));
        }
    };
    let Some(value) = data.as_bool() else {
        drop(global);
        return Err(Failure::Raise(ctx.heap().tuple(&[am!("data"), data])));
    };
    *setting = Some(value);
    Ok(OK)
}
