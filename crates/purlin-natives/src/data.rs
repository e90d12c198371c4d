//! Natives on plain data: tests, comparison, numbers, atoms, tuples, lists, maps, binaries and text.

mod binary;
mod checksum;
mod compare;
mod guard;
mod iolist;
mod lists;
mod maps;
mod md5;
mod tuple;
mod unicode;

use purlin_vm::Native;

/// The tables of these topics.
pub const TABLES: &[&[Native]] = &[
    binary::NATIVES,
    checksum::NATIVES,
    compare::NATIVES,
    guard::NATIVES,
    iolist::NATIVES,
    lists::NATIVES,
    maps::NATIVES,
    tuple::NATIVES,
    unicode::NATIVES,
];
