//! Processes at work: heap and collector, mailbox and signals, links, monitors, names, timers, schedulers,
//! code, interpreter and exceptions.
//!
//! Its unsafe code relies on the invariants of `purlin_term` (LIVE, FRESH, OFFHEAP, LITERAL) and on these:
//!
//! - **OWNER**: a process's [`process::ProcessData`] is touched only by the thread that holds its
//!   run state (`Running`); the run state word is the only thing that hands it over. A blocking native gets other data,
//!   and reads its arguments in the process's heap, which neither moves nor goes away before it returns.
//! - **INNER**: the inner part of a signal queue belongs to its receiver; senders touch only the outer part.
//! - **PARCEL**: a [`Parcel`](process::signal::Parcel) owns its signal and the block that begins with it; a queue or
//!   mailbox owns what was left to it.
//! - **ASLEEP**: a process that waits has one count of its [`Process`] for whoever wakes it.
//! - **SLOT**: a slot of the process table has a count of its process, and gives it up only when all threads that were
//!   present ([`grace`](process::grace)) when the process was removed have left.
//! - **CODE**: code that a process can return to stays until purging has checked that process.
//! - **ROOTS**: a collection moves everything that is not reachable from the roots it is given: the stack, the live
//!   X registers, and the terms in [`ProcessData::roots`](process::ProcessData).

pub mod allocator;
pub mod clock;
pub mod code;
pub mod engine;
pub mod lifecycle;
pub mod messaging;
pub mod process;
pub mod sched;
pub mod settings;
pub mod state;
mod sync;
mod threads;
pub mod tier;
pub mod timer;
pub mod tracing;

pub use code::native::{self, Native, NativeKind};
pub use code::op::Tier;
pub use engine::context::Ctx;
pub use engine::nodes;
pub use engine::ports as port;
pub use engine::runner::{Frame, Runner, Stop};
pub use engine::{Config, Engine, report};
pub use lifecycle::spawn::Spawn;
pub use lifecycle::{heap_limit, literals};
pub use messaging::{inbox, receive, remote, send, suspension, timed};
pub use process::escape::{Class, Escape, NativeResult};
pub use process::{Mfa, Priority, Process, ProcessData};
pub use process::{dictionary, escape, figures, gc, mailbox, names, relation, saved_calls, signal};
pub use sched::End;
pub use settings::Settings;
pub use state::Slot;
pub use tier::reference::Interpreter;
