//! What Ctrl-C does in this program, as the command line says.

use std::sync::atomic::{AtomicU8, Ordering};

/// What Ctrl-C does; the flag `+B`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum OnBreak {
    /// Shows the menu.
    Menu,
    /// Ends the program (`+B`, `+Bd`).
    End,
    /// Nothing (`+Bi`).
    Nothing,
    /// Interrupts the current shell (`+Bc`).
    Shell,
}

static ON_BREAK: AtomicU8 = AtomicU8::new(OnBreak::Menu as u8);

/// Sets what Ctrl-C does in this program.
pub fn set(on_break: OnBreak) {
    ON_BREAK.store(on_break as u8, Ordering::Relaxed);
}

/// What Ctrl-C does.
pub fn chosen() -> OnBreak {
    match ON_BREAK.load(Ordering::Relaxed) {
        0 => OnBreak::Menu,
        1 => OnBreak::End,
        2 => OnBreak::Nothing,
        _ => OnBreak::Shell,
    }
}
