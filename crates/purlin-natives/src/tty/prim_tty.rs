//! The natives of `prim_tty`, through which shells and programs without one read and write since OTP 26.
//!
//! A process that selects is told once when there is something to read, and again after it has read. The readers of
//! standard input hold [`STANDARD_INPUT`] while they read.

use super::Wanted;
use crate::errno;
use crate::until::{STANDARD_INPUT, Until};
use parking_lot::Mutex;
use purlin_term::owned::Owned;
use purlin_term::{Heap, Immediate, Magic, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::Signal;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{IsTerminal, PipeWriter};
use std::os::fd::AsFd;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_tty", "isatty", 1, isatty).since(26),
    Native::plain("prim_tty", "tty_create", 0, tty_create).since(26).until(27),
    Native::plain("prim_tty", "tty_init", 3, tty_init).since(26).until(27),
    Native::plain("prim_tty", "tty_set", 1, tty_set).since(26).until(27),
    Native::plain("prim_tty", "setlocale", 1, setlocale).since(26),
    Native::plain("prim_tty", "tty_select", 3, tty_select).since(26).until(27),
    Native::plain("prim_tty", "tty_read_signal", 2, tty_read_signal).since(26).until(27),
    Native::plain("prim_tty", "tty_encoding", 1, |_, args| tty(args[0]).or_badarg().map(|_| am!("utf8"))).since(26),
    Native::plain("prim_tty", "tty_window_size", 1, tty_window_size).since(26),
    Native::blocking("prim_tty", "write_nif", 2, write).since(26),
    Native::blocking("prim_tty", "read_nif", 2, |ctx, args| read(ctx, args, CHUNK)).since(26).until(27),
    Native::plain("prim_tty", "tty_create", 1, tty_create_for).since(28),
    Native::plain("prim_tty", "tty_init", 2, tty_set_up).since(28),
    Native::plain("prim_tty", "tty_select", 2, tty_select_input).since(28),
    Native::plain("prim_tty", "tty_is_open", 2, tty_is_open).since(28),
    Native::blocking("prim_tty", "read_nif", 3, read_at_most).since(28),
];

/// Bytes that are read at a time.
const CHUNK: usize = 1024;

/// What the terminal tells besides its input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Resized,
    Continued,
}

/// What `tty_create` makes.
#[derive(Default)]
struct Tty {
    /// What is written goes to standard error, not to standard output.
    to_error: bool,
    wanted: Mutex<Option<Wanted>>,
    input: Mutex<Option<Input>>,
}

/// The thread that waits for input.
struct Input {
    /// Has it wait, and tell with this reference.
    wait: Sender<Owned>,
    /// Its end ends the thread.
    _stop: PipeWriter,
}

/// Who gets the events, and those that were not told yet.
struct Listener {
    process: Immediate,
    tty: Owned,
    reference: Owned,
    waits: bool,
    events: VecDeque<Event>,
}

impl Listener {
    /// Tells that there are events, once.
    fn tell(&mut self, engine: &Arc<Engine>) {
        if self.waits && !self.events.is_empty() {
            self.waits = false;
            ready(engine, self.process.term(), &self.tty, &self.reference);
        }
    }
}

/// The terminal's users in one engine.
#[derive(Default)]
struct Users {
    /// Who set the terminal's modes: they go back when it ends.
    setter: Mutex<Option<Immediate>>,
    listener: Mutex<Option<Listener>>,
    hook: OnceLock<()>,
}

static USERS: Slot<Users> = Slot::new();

fn tty<'a>(t: Term) -> Option<&'a Tty> {
    t.magic()
}

/// `{select, Tty, Reference, ready_input}`, as `enif_select` tells it.
fn ready(engine: &Arc<Engine>, to: Term, tty: &Owned, reference: &Owned) {
    let mut heap = Heap::new(32);
    let (tty, reference) = (tty.copy_to(&mut heap), reference.copy_to(&mut heap));
    let message = heap.tuple(&[am!("select"), tty, reference, am!("ready_input")]);
    engine.post(to, Signal::message(message));
}

/// `{error, {Function, Reason}}`.
pub fn failed(heap: &mut Heap, function: &str, error: Errno) -> Term {
    let function = Term::atom(purlin_term::Atom::new(function));
    let reason = heap.tuple(&[function, errno::atom(error)]);
    heap.tuple(&[am!("error"), reason])
}

/// Has an engine notice the end of processes that use the terminal.
pub fn install(engine: &Arc<Engine>) {
    if engine.config.release >= Release(26) {
        engine
            .state(&USERS)
            .hook
            .get_or_init(|| engine.on_exit_of_involved(|ctx, _| user_ended(ctx.engine, ctx.process.id())));
    }
}

fn user_ended(engine: &Arc<Engine>, id: u64) {
    let users = engine.state(&USERS);
    let ended = Term::pid(id);
    if users.setter.lock().take_if(|p| *p == ended).is_some() {
        super::restore();
    }
    let listener = users.listener.lock().take_if(|l| l.process == ended);
    if let Some(tty) = listener.and_then(|l| tty(l.tty.term())) {
        tty.input.lock().take();
    }
}

/// Tells the process that listens.
pub fn signal(engine: &Arc<Engine>, event: Event) {
    if let Some(listener) = &mut *engine.state(&USERS).listener.lock() {
        listener.events.push_back(event);
        listener.tell(engine);
    }
}

fn isatty(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    Ok(Term::bool(match args[0].as_atom().or_badarg()?.name() {
        "stdin" => std::io::stdin().is_terminal(),
        "stdout" => std::io::stdout().is_terminal(),
        "stderr" => std::io::stderr().is_terminal(),
        _ => return Err(Escape::BADARG),
    }))
}

fn tty_create(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    new_tty(ctx, Tty::default())
}

fn tty_create_for(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    match args[0].as_atom().or_badarg()?.name() {
        "stdout" => new_tty(ctx, Tty::default()),
        "stderr" => new_tty(ctx, Tty { to_error: true, ..Tty::default() }),
        _ => Err(Escape::BADARG),
    }
}

fn new_tty(ctx: &mut Ctx<'_>, tty: Tty) -> NativeResult {
    let id = ctx.engine.next_ref();
    let tty = ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(tty) }));
    Ok(ctx.heap().tuple(&[am!("ok"), tty]))
}

/// Notes how the terminal is to be; `tty_set` makes it so.
fn tty_init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let tty = tty(args[0]).or_badarg()?;
    if !matches!(args[1].as_atom().or_badarg()?.name(), "stdin" | "stdout" | "stderr") || !args[2].is_map() {
        return Err(Escape::BADARG);
    }
    let option = |key| purlin_term::map::get(args[2], key).and_then(Term::as_bool);
    let wanted = Wanted { lines: option(am!("canon")), echo: option(am!("echo")), signals: option(am!("sig")) };
    if let Err(e) = rustix::termios::tcgetattr(std::io::stdin()) {
        return Ok(failed(ctx.heap(), "tcgetattr", e));
    }
    *tty.wanted.lock() = Some(wanted);
    Ok(am!("ok"))
}

fn tty_set(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let tty = tty(args[0]).or_badarg()?;
    let wanted = *tty.wanted.lock();
    if let Some(Err(e)) = wanted.map(super::take_over) {
        return Ok(failed(ctx.heap(), "tcsetattr", e));
    }
    *ctx.engine.state(&USERS).setter.lock() = Some(ctx.process.who());
    ctx.process.involve();
    Ok(am!("ok"))
}

/// Reads the terminal key by key from now on, or by lines again.
fn tty_set_up(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let tty = tty(args[0]).or_badarg()?;
    let raw = purlin_term::map::get(args[1], am!("input")).or_badarg()? == am!("raw");
    let is_terminal = if tty.to_error { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    if !is_terminal {
        return Ok(if raw { ctx.heap().tuple(&[am!("error"), am!("enotsup")]) } else { am!("ok") });
    }
    if raw {
        let wanted = Wanted { lines: Some(false), echo: Some(false), signals: None };
        if let Err(e) = super::take_over(wanted) {
            return Ok(failed(ctx.heap(), "tcsetattr", e));
        }
    } else {
        super::restore();
    }
    *ctx.engine.state(&USERS).setter.lock() = Some(ctx.process.who());
    ctx.process.involve();
    Ok(am!("ok"))
}

/// Whether the other side of a standard descriptor is still there.
fn tty_is_open(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    tty(args[0]).or_badarg()?;
    let (input, output, error) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let fd = match args[1].as_atom().or_badarg()?.name() {
        "stdin" => input.as_fd(),
        "stdout" => output.as_fd(),
        "stderr" => error.as_fd(),
        _ => return Err(Escape::BADARG),
    };
    let mut polled = [PollFd::from_borrowed_fd(fd, PollFlags::HUP)];
    match poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(0) => Ok(Term::bool(true)),
        Ok(_) if polled[0].revents().contains(PollFlags::HUP) => Ok(Term::bool(false)),
        Ok(_) => Err(Escape::BADARG),
        Err(e) => Ok(failed(ctx.heap(), "tty_is_open", e)),
    }
}

/// Whether the locale's character set is UTF-8.
fn setlocale(_: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    tty(args[0]).or_badarg()?;
    Ok(Term::bool(crate::file::locale_is_utf8()))
}

fn tty_window_size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    tty(args[0]).or_badarg()?;
    let size = super::window(0).or_else(|| super::window(1)).filter(|s| s.ws_col > 0 || s.ws_row > 0);
    let Some(size) = size else { return Ok(ctx.heap().tuple(&[am!("error"), am!("enotsup")])) };
    let part = |n: u16| Term::small(if n > 0 { n.into() } else { -1 });
    let size = ctx.heap().tuple(&[part(size.ws_col), part(size.ws_row)]);
    Ok(ctx.heap().tuple(&[am!("ok"), size]))
}

/// Has the caller told of input with one reference, and of events with the other.
fn tty_select(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    select(ctx, args[0], args[2], args[1])
}

/// Has the caller told of input; of events `erl_signal_server` tells.
fn tty_select_input(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    select(ctx, args[0], args[1], Term::NIL)
}

fn select(ctx: &mut Ctx<'_>, handle: Term, of_input: Term, of_events: Term) -> NativeResult {
    let tty = tty(handle).or_badarg()?;
    let (until, stop) = match Until::standard_input() {
        Ok(both) => both,
        Err(e) => return Ok(failed(ctx.heap(), "pipe", Errno::from_io_error(&e).unwrap_or(Errno::IO))),
    };
    let (wait, waits) = channel::<Owned>();
    let (engine, process, tty_of) = (ctx.engine.clone(), ctx.process.who(), Owned::new(handle));
    std::thread::spawn(move || {
        for reference in waits {
            match until.wait() {
                Ok(true) => ready(&engine, process.term(), &tty_of, &reference),
                _ => return,
            }
        }
    });
    // It waits for nobody before the first reference.
    let _ = wait.send(Owned::new(of_input));
    *tty.input.lock() = Some(Input { wait, _stop: stop });
    let listener = Listener {
        process: ctx.process.who(),
        tty: Owned::new(handle),
        reference: Owned::new(of_events),
        waits: !of_events.is_nil(),
        events: VecDeque::new(),
    };
    *ctx.engine.state(&USERS).listener.lock() = Some(listener);
    ctx.process.involve();
    Ok(am!("ok"))
}

fn tty_read_signal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    tty(args[0]).or_badarg()?;
    let engine = ctx.engine;
    let mut listener = engine.state(&USERS).listener.lock();
    let event = listener.as_mut().and_then(|l| {
        let event = l.events.pop_front();
        l.reference = Owned::new(args[1]);
        l.waits = true;
        l.tell(engine);
        event
    });
    drop(listener);
    let name = match event {
        Some(Event::Resized) => am!("winch"),
        Some(Event::Continued) => am!("cont"),
        None => return Ok(failed(ctx.heap(), "read", Errno::AGAIN)),
    };
    Ok(ctx.heap().tuple(&[am!("ok"), name]))
}

fn write(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let tty = tty(args[0]).or_badarg()?;
    let bytes = purlin_term::iolist::to_bytes(args[1]).or_badarg()?;
    let written =
        if tty.to_error { write_all(std::io::stderr(), &bytes) } else { write_all(std::io::stdout(), &bytes) };
    match written {
        Ok(()) => Ok(am!("ok")),
        Err(e) => Ok(ctx.heap().tuple(&[am!("error"), errno::atom(e)])),
    }
}

fn write_all(out: impl AsFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&out, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn read_at_most(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let most = args[2].as_usize().or_badarg()?;
    read(ctx, args, most.min(CHUNK))
}

/// `{ok, Bytes}`, which are none if another reader has taken them, or `{error, closed}` at the end of the input.
fn read(ctx: &mut Ctx<'_>, args: &[Term], most: usize) -> NativeResult {
    let tty = tty(args[0]).or_badarg()?;
    let mut buffer = vec![0; most];
    let count = {
        let _turn = STANDARD_INPUT.lock();
        let input = std::io::stdin();
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(0) => Err(Errno::AGAIN),
            _ => rustix::io::read(&input, &mut buffer[..]),
        }
    };
    let bytes = match count {
        Ok(0) => return Ok(ctx.heap().tuple(&[am!("error"), am!("closed")])),
        Ok(n) => &buffer[..n],
        Err(Errno::AGAIN | Errno::INTR) => &[],
        Err(e) => return Ok(failed(ctx.heap(), "read", e)),
    };
    if let Some(input) = &*tty.input.lock() {
        let _ = input.wait.send(Owned::new(args[1]));
    }
    let bytes = ctx.heap().binary(bytes);
    Ok(ctx.heap().tuple(&[am!("ok"), bytes]))
}
