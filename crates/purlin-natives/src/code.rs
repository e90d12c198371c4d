//! Code: loading and purging modules, asking about modules and funs, raising exceptions, applying.

mod funs;
mod literals;
mod loading;
mod module_info;
pub mod preloaded;
mod raising;

pub use module_info::is_emulators_own;

use purlin_vm::{Ctx, Escape, Native};

pub const TABLES: [&[Native]; 5] =
    [funs::NATIVES, literals::NATIVES, loading::NATIVES, module_info::NATIVES, raising::NATIVES];

/// Refuses callers other than the process that the emulator itself started in this module.
fn only_for(ctx: &Ctx<'_>, module: &str) -> Result<(), Escape> {
    let own = ctx.process.is_system() && ctx.data.initial_call.module.name() == module;
    if own { Ok(()) } else { Err(Escape::NOTSUP) }
}
