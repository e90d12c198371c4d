//! Signals of the operating system: those that are handled become `{notify, Signal}` messages to `erl_signal_server`.
//!
//! They belong to the whole program, so only an engine that was told to ([`start`]) listens to them.

use super::break_menu;
use crate::on_break::{self, OnBreak};
use crate::tty;
use parking_lot::Mutex;
use purlin_term::{Release, Term, am};
use purlin_vm::signal::{Signal, SignalKind};
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Slot};
use signal_hook::consts::*;
use signal_hook::iterator::{Handle, Signals};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub const NATIVES: &[Native] = &[Native::plain("os", "set_signal", 2, set_signal)];

/// The signals that programs can choose about. (SIGSTOP cannot be caught: the system refuses, as it does in OTP.)
const NAMED: [(&str, i32); 12] = [
    ("sighup", SIGHUP),
    ("sigquit", SIGQUIT),
    ("sigabrt", SIGABRT),
    ("sigalrm", SIGALRM),
    ("sigterm", SIGTERM),
    ("sigusr1", SIGUSR1),
    ("sigusr2", SIGUSR2),
    ("sigchld", SIGCHLD),
    ("sigstop", SIGSTOP),
    ("sigtstp", SIGTSTP),
    ("sigwinch", SIGWINCH),
    ("sigcont", SIGCONT),
];

/// Those of them that programs can choose about since OTP 28.
const SINCE_28: [i32; 2] = [SIGWINCH, SIGCONT];

/// Those that are handled from the start.
const HANDLED: [i32; 3] = [SIGTERM, SIGUSR1, SIGQUIT];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Default,
    Ignore,
    Handle,
}

#[derive(Default)]
struct State {
    actions: Mutex<HashMap<i32, Action>>,
    handle: OnceLock<Option<Handle>>,
}

static STATE: Slot<State> = Slot::new();

/// Has this engine listen to signals.
pub fn start(engine: &Arc<Engine>) {
    let state = engine.state(&STATE);
    state.handle.get_or_init(|| {
        let mut actions = state.actions.lock();
        HANDLED.iter().for_each(|&s| {
            actions.entry(s).or_insert(Action::Handle);
        });
        let mut signals = Signals::new(HANDLED.iter().chain(&[SIGINT, SIGCONT, SIGWINCH])).ok()?;
        let handle = signals.handle();
        let engine = engine.clone();
        let thread = std::thread::Builder::new().name("signals".into());
        thread.spawn(move || signals.forever().for_each(|signal| arrived(&engine, signal))).ok()?;
        Some(handle)
    });
}

fn arrived(engine: &Arc<Engine>, signal: i32) {
    match signal {
        SIGCONT => tty::resume(engine),
        SIGWINCH => tty::resized(engine),
        _ => {}
    }
    if signal == SIGINT {
        return match on_break::chosen() {
            OnBreak::Menu => break_menu::open(engine),
            OnBreak::End | OnBreak::Shell => default_action(signal),
            OnBreak::Nothing => {}
        };
    }
    let action = engine.state(&STATE).actions.lock().get(&signal).copied().unwrap_or(Action::Default);
    match action {
        Action::Ignore => {}
        Action::Handle => {
            let Some(&(name, _)) = NAMED.iter().find(|n| n.1 == signal) else { return };
            let Some(server) = engine.names.whereis(purlin_term::Atom::new("erl_signal_server")) else {
                // Before the server runs nobody could act on the signal: a boot that hangs must be stoppable.
                return default_action(signal);
            };
            engine.post(
                server,
                Signal::built(SignalKind::Message, |h| {
                    h.tuple(&[am!("notify"), Term::atom(purlin_term::Atom::new(name))])
                }),
            );
        }
        Action::Default if SINCE_28.contains(&signal) => {}
        Action::Default => default_action(signal),
    }
}

/// What the system does with the signal: it ends the program, unless the signal is one that does nothing by default.
fn default_action(signal: i32) {
    tty::restore();
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

fn set_signal(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let action = match args[1] {
        t if t == am!("default") => Action::Default,
        t if t == am!("ignore") => Action::Ignore,
        t if t == am!("handle") => Action::Handle,
        _ => return Err(Escape::badarg_cause(am!("badopt"))),
    };
    let name = args[0].as_atom().ok_or(Escape::BADARG)?;
    let known = |signal| ctx.engine.config.release >= Release(28) || !SINCE_28.contains(&signal);
    let &(_, signal) = NAMED.iter().find(|n| n.0 == name.name() && known(n.1)).ok_or(Escape::BADARG)?;
    start(ctx.engine);
    let state = ctx.engine.state(&STATE);
    let before = state.actions.lock().insert(signal, action);
    if signal != SIGSTOP
        && (before.is_some() || action != Action::Default)
        && let Some(Some(handle)) = state.handle.get()
    {
        handle.add_signal(signal).map_err(|_| Escape::BADARG)?;
    }
    Ok(am!("ok"))
}
