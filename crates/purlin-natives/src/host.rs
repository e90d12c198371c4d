//! What the emulator tells of itself and of the machine: environment, calendar, nodes, `system_info`, statistics.

mod allocators;
pub mod break_menu;
mod calendar;
pub mod environment;
mod listing;
mod node;
pub mod signal;
mod statistics;
mod system_info;
mod topology;

use purlin_vm::Native;

pub use statistics::memory;

pub const TABLES: [&[Native]; 7] = [
    allocators::NATIVES,
    calendar::NATIVES,
    environment::NATIVES,
    node::NATIVES,
    signal::NATIVES,
    statistics::NATIVES,
    system_info::NATIVES,
];
