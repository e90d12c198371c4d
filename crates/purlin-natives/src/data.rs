//! Natives on plain data: tests, comparison, numbers, atoms, tuples, lists, maps, binaries and text.

mod atoms;
mod binary;
mod checksum;
mod compare;
mod external;
mod float_text;
mod guard;
mod integer_text;
mod iolist;
mod lists;
pub mod maps;
mod math;
mod md5;
mod number;
pub(crate) mod packet;
mod records;
mod text;
mod tuple;
mod unicode;

use purlin_vm::Native;

/// The tables of these topics.
pub const TABLES: &[&[Native]] = &[
    atoms::NATIVES,
    binary::NATIVES,
    checksum::NATIVES,
    compare::NATIVES,
    external::NATIVES,
    float_text::NATIVES,
    guard::NATIVES,
    integer_text::NATIVES,
    iolist::NATIVES,
    lists::NATIVES,
    maps::NATIVES,
    math::NATIVES,
    number::NATIVES,
    packet::NATIVES,
    records::NATIVES,
    text::NATIVES,
    tuple::NATIVES,
    unicode::NATIVES,
];
