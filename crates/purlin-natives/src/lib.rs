//! The functions that OTP expects the emulator to provide, one file per topic.
//!
//! Each topic has a table (`NATIVES`) naming module, function, arity and kind; [`tables`] lists them all.
//! They are safe code: what calls the C library says so at its head.

#![deny(unsafe_code)]

mod asn1;
mod atomics;
mod backtrace;
mod byte_queue;
mod code;
mod console;
mod crypto;
mod data;
mod debug;
mod dist;
mod environment;
mod errno;
mod ets;
mod file;
mod host;
mod loop_limit;
mod match_spec;
mod net;
mod on_break;
mod persistent_term;
mod port;
mod process;
mod re;
mod socket;
mod taints;
mod trace;
mod tty;
mod until;
mod zlib;

use purlin_term::Release;
use purlin_vm::Native;

/// The names of error numbers.
pub use errno::name_of as errno_name;

/// Says that a library was loaded which is not of OTP.
pub use taints::add as taint;

/// Drivers that stand above: those of shared objects.
pub use port::loading as drivers;

/// An engine's variables of the environment.
pub use environment::{get as variable, put as set_variable};

/// The modules and processes that a release starts with.
pub use code::preloaded;

/// All tables.
pub fn tables() -> Vec<&'static [Native]> {
    let mut tables = boot_tables();
    tables.extend(crypto::TABLES);
    tables
}

/// The tables for [`purlin_vm::Engine::new`], which takes the rows that its release has: all but what stands where a library
/// of the installation can be loaded.
pub fn boot_tables() -> Vec<&'static [Native]> {
    let mut tables = vec![
        asn1::NATIVES,
        atomics::NATIVES,
        environment::NATIVES,
        match_spec::NATIVES,
        net::NATIVES,
        persistent_term::NATIVES,
        re::NATIVES,
        zlib::NATIVES,
    ];
    tables.extend(code::TABLES);
    tables.extend(data::TABLES);
    tables.extend(debug::TABLES);
    tables.extend(dist::TABLES);
    tables.extend(ets::TABLES);
    tables.extend(file::TABLES);
    tables.extend(host::TABLES);
    tables.extend(port::TABLES);
    tables.extend(process::TABLES);
    tables.extend(socket::TABLES);
    tables.extend(trace::TABLES);
    tables.extend(tty::TABLES);
    tables
}

/// What a release has of all tables.
pub fn natives(release: Release) -> impl Iterator<Item = &'static Native> {
    tables().into_iter().flatten().filter(move |n| n.is_in(release))
}

/// Sets up what topics keep for an engine from its start.
pub fn install(engine: &std::sync::Arc<purlin_vm::Engine>) {
    dist::install(engine);
    file::install(engine);
    port::install(engine);
    socket::install(engine);
    tty::install(engine);
}

/// Has this engine listen to the operating system's signals, which belong to the whole program.
pub fn listen_to_signals(engine: &std::sync::Arc<purlin_vm::Engine>) {
    host::signal::start(engine);
}

/// Has started programs not inherit what this program inherited; for a program that is nothing but an engine.
pub fn keep_descriptors() {
    port::keep_inherited();
}

/// Watching descriptors.
pub use port::poll;

/// What Ctrl-C does in this program; the menu unless it is set.
pub use on_break::{OnBreak, set as set_break};

/// Gives the terminal back its settings; called when the program ends.
pub fn restore_terminal() {
    tty::restore();
}

#[cfg(test)]
mod tests {
    use purlin_term::Release;

    #[test]
    fn each_native_is_registered_once_in_a_release() {
        for number in Release::OLDEST.0..=40 {
            let mut seen = std::collections::HashSet::new();
            for n in super::natives(Release(number)) {
                assert!(seen.insert((n.module, n.function, n.arity)), "{}:{}/{}", n.module, n.function, n.arity);
            }
        }
    }

    #[test]
    fn every_native_is_in_some_release() {
        for n in super::tables().into_iter().flatten() {
            let found = (Release::OLDEST.0..=40).any(|number| n.is_in(Release(number)));
            assert!(found, "{}:{}/{}", n.module, n.function, n.arity);
        }
    }
}
