//! What `erts_debug` has to test natives on other threads: `dirty_cpu/2` and `dirty_io/2` run on the pool of blocking
//! threads, `dirty/3` where it is told.

use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::time::{Duration, Instant};

pub const NATIVES: &[Native] = &[
    Native::blocking("erts_debug", "dirty_cpu", 2, |ctx, args| test(ctx, Where::Cpu, args[0], args[1])),
    Native::blocking("erts_debug", "dirty_io", 2, |ctx, args| test(ctx, Where::Io, args[0], args[1])),
    Native::plain("erts_debug", "dirty", 3, dirty),
];

/// The kind of thread that a test runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Normal,
    Cpu,
    Io,
}

impl Where {
    fn atom(self) -> Term {
        match self {
            Where::Normal => am!("normal"),
            Where::Cpu => am!("dirty_cpu"),
            Where::Io => am!("dirty_io"),
        }
    }
}

fn dirty(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let all = [Where::Normal, Where::Cpu, Where::Io];
    let here = all.into_iter().find(|w| w.atom() == args[0]).or_badarg()?;
    if here != Where::Normal && !ctx.may_block() {
        return Err(Escape::Block);
    }
    test(ctx, here, args[1], args[2])
}

fn test(ctx: &mut Ctx<'_>, here: Where, what: Term, arg: Term) -> NativeResult {
    let ok = Ok(am!("ok"));
    match what.as_atom().or_badarg()?.name() {
        "scheduler" if arg == am!("type") => Ok(here.atom()),
        "error" => {
            let known = ["notsup", "undef", "badarith", "noproc", "system_limit"];
            let reason = arg.as_atom().filter(|a| known.contains(&a.name())).or_badarg()?;
            Err(Escape::Error(Term::atom(reason)))
        }
        "copy" => {
            let copies: Vec<Term> = (0..1000).map(|_| ctx.heap().copy(arg)).collect();
            Ok(ctx.heap().list(&copies))
        }
        "send" => {
            tell(ctx, arg, am!("ok"));
            ok
        }
        "wait" => {
            wait(arg.as_small().or_badarg()?, here == Where::Cpu);
            ok
        }
        "reschedule" => {
            let n = arg.as_small().filter(|&n| n >= 0).or_badarg()?;
            (0..n / 2).for_each(|_| std::thread::yield_now());
            if n % 2 == 0 { ok } else { Err(Escape::BADARG) }
        }
        "ready_wait6_done" => {
            tell(ctx, arg, am!("ready"));
            wait(6000, false);
            tell(ctx, arg, am!("done"));
            ok
        }
        "alive_waitexiting" => {
            tell(ctx, arg, am!("alive"));
            while !ctx.process.is_exiting() {
                std::thread::sleep(Duration::from_millis(10));
            }
            ok
        }
        _ => Err(Escape::BADARG),
    }
}

/// Sends `{Tag, Self}`.
fn tell(ctx: &mut Ctx<'_>, to: Term, tag: Term) {
    let me = ctx.pid();
    if to.is_local_pid() {
        ctx.engine.post(to, Signal::built(SignalKind::Message, |h| h.tuple(&[tag, me])));
    }
}

fn wait(ms: i64, busy: bool) {
    let time = Duration::from_millis(ms.max(0) as u64);
    if !busy {
        return std::thread::sleep(time);
    }
    let start = Instant::now();
    while start.elapsed() < time {
        std::thread::yield_now();
    }
}
