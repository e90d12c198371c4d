//! The modules that are loaded before any Erlang code runs, and the processes that run in them from the start.

use purlin_term::Release;
use purlin_vm::Priority;

/// The modules, in the order in which the emulator loads them, each with the first release that has it.
const MODULES: &[(&str, u8)] = &[
    ("erts_code_purger", 25),
    ("erl_init", 25),
    ("init", 25),
    ("prim_buffer", 25),
    ("prim_eval", 25),
    ("prim_inet", 25),
    ("prim_file", 25),
    ("zlib", 25),
    ("socket_registry", 25),
    ("prim_socket", 25),
    ("prim_net", 25),
    ("prim_zip", 25),
    ("erl_prim_loader", 25),
    ("erlang", 25),
    ("erts_internal", 25),
    ("erl_tracer", 25),
    ("erts_literal_area_collector", 25),
    ("erts_trace_cleaner", 27),
    ("erts_dirty_process_signal_handler", 25),
    ("atomics", 25),
    ("counters", 25),
    ("persistent_term", 25),
];

const HANDLER: &str = "erts_dirty_process_signal_handler";

/// The processes behind `init`, in the order of their pids: each calls `start/0` of its module.
const PROCESSES: &[(&str, Priority)] = &[
    ("erts_code_purger", Priority::High),
    ("erts_literal_area_collector", Priority::High),
    (HANDLER, Priority::Normal),
    (HANDLER, Priority::High),
    (HANDLER, Priority::Max),
    ("erts_trace_cleaner", Priority::Normal),
];

/// The modules that are loaded before any Erlang code runs, in the order in which the emulator loads them.
pub fn modules(release: Release) -> impl DoubleEndedIterator<Item = &'static str> {
    MODULES.iter().filter(move |(_, since)| Release(*since) <= release).map(|(name, _)| *name)
}

/// The processes that the emulator starts behind `init`: their modules and priorities.
pub fn processes(release: Release) -> impl Iterator<Item = (&'static str, Priority)> {
    PROCESSES.iter().copied().filter(move |(module, _)| modules(release).any(|m| m == *module))
}
