//! What the emulator tells of itself and of the machine: calendar, `system_info`, statistics.

mod allocators;
pub mod break_menu;
mod calendar;
mod listing;
pub mod signal;
mod statistics;
mod system_info;
mod topology;

use purlin_vm::Native;

pub use statistics::memory;

pub const TABLES: [&[Native]; 5] =
    [allocators::NATIVES, calendar::NATIVES, signal::NATIVES, statistics::NATIVES, system_info::NATIVES];
