//! The functions that OTP expects the emulator to provide, one file per topic.
//!
//! Each topic has a table (`NATIVES`) naming module, function, arity and kind; [`tables`] lists them all.

mod atomics;
mod re;

use purlin_vm::Native;

/// All tables, for [`purlin_vm::Engine::new`].
pub fn tables() -> Vec<&'static [Native]> {
    vec![
        atomics::NATIVES,
        re::NATIVES,
    ]
}
