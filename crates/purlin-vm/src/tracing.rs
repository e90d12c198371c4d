//! Tracing: what a process does is told, as messages, to the process that traces it.
//!
//! The rule that must stay true: what is not traced pays nothing. A process's flags are one word that slow paths look
//! at anyway ([`Tracee`]); a traced function has a breakpoint in the place of its first instruction
//! (`code/points.rs`). The tracee itself builds each trace message and puts it into the tracer's queue, so that the
//! messages of one tracee come in the order of its events, and before every signal that it sends after the event.
//!
//! | file | what |
//! |---|---|
//! | `session` | sessions, each with its own tracer, flags and patterns |
//! | `flags` | flags of a process, whom they are inherited by |
//! | `message` | trace messages and their timestamps |
//! | `events` | sending, receiving, processes, scheduling, collection |
//! | `measure` | time and memory of calls |
//! | `sequential` | `seq_trace`: tokens that travel with messages |
//! | `system` | the system monitor and the system profiler |

pub mod events;
pub mod flags;
pub mod measure;
pub mod message;
pub mod sequential;
pub mod session;
pub mod system;

pub use crate::code::points::{self, Site, TraceSpec, Verdict};
pub use crate::process::token::Token;
pub use flags::{Flags, SessionId, Share, Shares, Tracee};
pub use message::{Event, Timestamp};
pub use session::{Session, Sessions};

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

/// Whether events of one kind (`send`, `'receive'`) are traced at all, and which.
pub struct EventPattern {
    pub on: bool,
    pub spec: Option<Arc<dyn TraceSpec>>,
}

impl Default for EventPattern {
    fn default() -> EventPattern {
        EventPattern { on: true, spec: None }
    }
}

/// The tracing state of an engine.
#[derive(Default)]
pub struct Tracing {
    /// Held while flags or breakpoints are changed.
    pub control: Mutex<()>,
    /// What is traced of new processes.
    pub new_processes: Tracee,
    /// As above, of new ports. Ports produce no events.
    pub new_ports: Tracee,
    pub cpu_timestamps: AtomicBool,
    /// What match specifications read and set; one for all sessions.
    pub control_word: AtomicU32,
    /// Whether messages note their senders, because a match specification on receiving looks at them.
    pub record_senders: AtomicBool,
    pub sessions: Sessions,
    pub monitor: system::Monitor,
    pub profile: system::Profile,
    pub sequential: sequential::Tracer,
}
