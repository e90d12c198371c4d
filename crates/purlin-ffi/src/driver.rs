//! Port drivers of shared objects: `erl_driver.h`.
//!
//! [`entry`] is what a library tells of its driver, [`port`] a port that calls it, one call at a time; the other files
//! hold the functions that drivers call, a file per topic. A port is named by its number: what a driver passes is looked
//! up, so that a port that has gone is an error and no more.

mod binary;
mod deliver;
mod entry;
mod functions;
mod monitor;
mod pdl;
mod poll;
mod pool;
mod port;
mod queue;
mod spec;

use std::ffi::c_void;

/// What the linker has to keep.
pub const EXPORTED: &[&[*const c_void]] = &[
    binary::EXPORTED,
    deliver::EXPORTED,
    functions::EXPORTED,
    monitor::EXPORTED,
    pdl::EXPORTED,
    poll::EXPORTED,
    pool::EXPORTED,
    queue::EXPORTED,
    spec::EXPORTED,
];

pub use entry::Objects;
