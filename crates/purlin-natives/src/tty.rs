//! The terminal that the program has: its settings, its window, what it can do. The driver `tty_sl` and the module
//! `prim_tty` are faces of it.
//!
//! A program has one terminal, so the settings to give back to it are kept once for all engines.

mod capabilities;
mod prim_tty;

use crate::on_break::{self, OnBreak};
use crate::until::STANDARD_INPUT;
use parking_lot::Mutex;
use purlin_vm::{Engine, Native};
use rustix::termios::{self, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize};
use std::sync::Arc;

pub const TABLES: [&[Native]; 2] = [capabilities::NATIVES, prim_tty::NATIVES];

/// The settings that the terminal had, and those that it has, while it is read key by key.
static MODES: Mutex<Option<(Termios, Termios)>> = Mutex::new(None);

/// What a face wants of lines, echo and signal keys; what it does not name stays as it is.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub lines: Option<bool>,
    pub echo: Option<bool>,
    pub signals: Option<bool>,
}

impl Wanted {
    /// Settings changed so.
    fn of(self, mut modes: Termios) -> Termios {
        modes.input_modes.remove(InputModes::ISTRIP);
        if let Some(on) = self.lines {
            modes.local_modes.set(LocalModes::ICANON, on);
            modes.input_modes.set(InputModes::ICRNL, on);
            modes.output_modes.set(OutputModes::OPOST, on);
            if !on {
                modes.special_codes[SpecialCodeIndex::VMIN] = 1;
                modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
        }
        if let Some(on) = self.echo {
            modes.local_modes.set(LocalModes::ECHO, on);
        }
        if let Some(on) = self.signals {
            modes.local_modes.set(LocalModes::ISIG, on);
        }
        if on_break::chosen() == OnBreak::Shell {
            // Without a key for the signal, Ctrl-C is a character, which the shell's driver takes as an interrupt.
            modes.special_codes[SpecialCodeIndex::VINTR] = 0;
        }
        modes
    }
}

/// Whether somebody has taken the terminal over.
pub fn is_taken() -> bool {
    MODES.lock().is_some()
}

/// Gives the terminal the wanted settings; what it had at first is given back to it later.
pub fn take_over(wanted: Wanted) -> rustix::io::Result<()> {
    let mut modes = MODES.lock();
    let now = termios::tcgetattr(std::io::stdin())?;
    let ours = wanted.of(now.clone());
    termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &ours)?;
    let before = modes.take().map_or(now, |(before, _)| before);
    *modes = Some((before, ours));
    Ok(())
}

/// Gives the terminal the settings back that it had.
pub fn restore() {
    if let Some((before, _)) = MODES.lock().take() {
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, &before);
    }
}

/// The program was continued after it was stopped: the terminal is set up again.
pub fn resume(engine: &Arc<Engine>) {
    if let Some((_, ours)) = &*MODES.lock() {
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Now, ours);
    }
    prim_tty::signal(engine, prim_tty::Event::Continued);
}

/// The window has another size.
pub fn resized(engine: &Arc<Engine>) {
    prim_tty::signal(engine, prim_tty::Event::Resized);
}

/// Runs something that talks to the user directly, with the terminal as the program found it and nobody else reading.
pub fn with_plain(run: impl FnOnce()) {
    let _input = STANDARD_INPUT.lock();
    let set = |pick: fn(&(Termios, Termios)) -> &Termios| {
        if let Some(modes) = &*MODES.lock() {
            let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Drain, pick(modes));
        }
    };
    set(|modes| &modes.0);
    run();
    set(|modes| &modes.1);
}

/// The window that a standard descriptor leads to.
pub fn window(fd: i64) -> Option<Winsize> {
    let size = match fd {
        0 => termios::tcgetwinsize(std::io::stdin()),
        1 => termios::tcgetwinsize(std::io::stdout()),
        _ => termios::tcgetwinsize(std::io::stderr()),
    };
    size.ok()
}

/// Sets up what the faces keep for an engine from its start.
pub fn install(engine: &Arc<Engine>) {
    prim_tty::install(engine);
}
