//! Code: loading and purging modules, asking about modules and funs, raising exceptions, applying.

mod funs;
mod literals;
mod loading;
mod module_info;
mod raising;

pub use module_info::is_emulators_own;

use purlin_vm::Native;

pub const TABLES: [&[Native]; 5] =
    [funs::NATIVES, literals::NATIVES, loading::NATIVES, module_info::NATIVES, raising::NATIVES];
