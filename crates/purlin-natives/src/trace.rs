//! Tracing: `trace/3`, `trace_pattern/2,3`, `trace_info/2`, `seq_trace`, the system monitor and profiler, and the
//! natives of `erl_tracer`. What they switch is done by [`purlin_vm::tracing`].

mod control;
mod dynamic;
mod info;
mod pattern;
pub mod sequential;
mod session;
mod system;
mod tracer;

pub use control::{Request, set_tracee};
pub use pattern::mfa;
pub use tracer::sequential_tracer;

use purlin_vm::Native;

/// All tables of this topic.
pub const TABLES: &[&[Native]] = &[
    control::NATIVES,
    dynamic::NATIVES,
    info::NATIVES,
    pattern::NATIVES,
    sequential::NATIVES,
    session::NATIVES,
    system::NATIVES,
    tracer::NATIVES,
];
