//! What the emulator tells of itself and of the machine: calendar, nodes, `system_info`, statistics.

mod allocators;
pub mod break_menu;
mod calendar;
mod listing;
mod node;
pub mod signal;
mod statistics;
mod system_info;
mod topology;

use purlin_vm::Native;

pub use statistics::memory;

pub const TABLES: [&[Native]; 6] =
    [allocators::NATIVES, calendar::NATIVES, node::NATIVES, signal::NATIVES, statistics::NATIVES, system_info::NATIVES];
