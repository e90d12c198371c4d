//! Natives on plain data: tests, comparison, numbers, atoms, tuples, lists, maps, binaries and text.

mod compare;
mod guard;
mod lists;
mod maps;
mod tuple;

use purlin_vm::Native;

/// The tables of these topics.
pub const TABLES: &[&[Native]] = &[
    compare::NATIVES,
    guard::NATIVES,
    lists::NATIVES,
    maps::NATIVES,
    tuple::NATIVES,
];
