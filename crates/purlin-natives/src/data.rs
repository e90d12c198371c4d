//! Natives on plain data: tests, comparison, numbers, atoms, tuples, lists, maps, binaries and text.

mod binary;
mod compare;
mod guard;
mod iolist;
mod lists;
mod maps;
mod tuple;

use purlin_vm::Native;

/// The tables of these topics.
pub const TABLES: &[&[Native]] = &[
    binary::NATIVES,
    compare::NATIVES,
    guard::NATIVES,
    iolist::NATIVES,
    lists::NATIVES,
    maps::NATIVES,
    tuple::NATIVES,
];
