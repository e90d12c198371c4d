//! Natives on processes: starting, linking, monitoring, sending, naming, inspecting them, their timers and dictionary.

mod dictionary;
mod exit;
mod flag;
pub(crate) mod heap_limit;
mod info;
mod link;
mod monitor;
mod name;
mod options;
mod remote;
mod send;
mod spawn;
mod suspend;
mod system;
mod task;
mod time;
mod timer;
mod unique;

#[cfg(test)]
mod tests;

pub use info::items;
pub use remote::spawn_for_node;
pub use system::{multi_scheduling_state, requests_limit};
pub use task::allow_collections;

use purlin_term::{Atom, Term, am};
use purlin_vm::{Ctx, Escape, Native, receive};

/// All tables of this topic.
pub const TABLES: &[&[Native]] = &[
    dictionary::NATIVES,
    exit::NATIVES,
    flag::NATIVES,
    info::NATIVES,
    link::NATIVES,
    monitor::NATIVES,
    name::NATIVES,
    remote::NATIVES,
    send::NATIVES,
    spawn::NATIVES,
    suspend::NATIVES,
    system::NATIVES,
    task::NATIVES,
    time::NATIVES,
    timer::NATIVES,
    unique::NATIVES,
];

/// `badarg` because of an option that does not exist.
fn badopt() -> Escape {
    Escape::badarg_cause(Term::atom(Atom::BADOPT))
}

/// Continues with `erts_internal:await_result(Ref)`, which gives the `Result` of a `{Ref, Result}` that another
/// process is about to send. It looks only at messages that arrive from now on.
fn await_result(ctx: &mut Ctx<'_>, reference: Term) -> Escape {
    receive::await_next(ctx.data);
    Escape::Trap { module: Atom::new("erts_internal"), function: Atom::new("await_result"), args: vec![reference] }
}

/// The elements of a pair.
fn pair(t: Term) -> Option<(Term, Term)> {
    match t.as_tuple() {
        Some(&[a, b]) => Some((a, b)),
        _ => None,
    }
}

/// `true` or `false` as the option `t` says, else `badarg`.
fn bool_arg(t: Term) -> Result<bool, Escape> {
    t.as_bool().ok_or(Escape::BADARG)
}

/// `ok`.
fn ok() -> Term {
    am!("ok")
}

/// `true`.
const TRUE: Term = Term::bool(true);
/// `false`.
const FALSE: Term = Term::bool(false);
