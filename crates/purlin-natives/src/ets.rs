//! `ets`: tables that processes share.
//!
//! A call finds its table by reference or by name, takes the table's lock for reading or writing, checks that the
//! caller may do so, and works. No lock is held between calls; a long scan gives the lock up now and then and goes on
//! later with the table fixed. Where a long list is being inserted ([`insert`]), a call first does a part of that, and is
//! made again while there is more.

mod access;
mod hash;
mod info;
mod insert;
mod key;
mod owner;
pub mod registry;
mod select;
mod table;
mod tree;

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};
use purlin_term::{Atom, Term};
use purlin_vm::process::Flags;
use purlin_vm::{Ctx, Escape, Native};
use registry::{Handle, Missing};
use table::{Protection, State, Table};

/// The tables of natives, one per file.
pub const TABLES: &[&[Native]] = &[access::NATIVES, info::NATIVES, insert::NATIVES, owner::NATIVES, select::NATIVES];

/// Bytes that all tables and their rows take.
pub(crate) fn bytes(engine: &purlin_vm::Engine) -> usize {
    let all = registry::of(engine).all();
    let tables = all.iter().map(|magic| table::table_of(magic));
    tables.map(|t| (t.options.base_words() + t.state.read().words()) * 8).sum()
}

/// What a call wants to do with a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    Read,
    Write,
    /// Only facts about it, which everybody may have.
    Info,
}

/// `badarg` with the cause that OTP gives for a bad argument of this call.
fn cause(text: &str) -> Escape {
    Escape::badarg_cause(Term::atom(Atom::new(text)))
}

/// As [`cause`], for causes that concern the table.
fn table_cause(text: &str) -> Escape {
    cause(text)
}

impl From<Missing> for Escape {
    fn from(m: Missing) -> Escape {
        table_cause(match m {
            Missing::Type => "type",
            Missing::Id => "id",
        })
    }
}

/// The table that an argument names.
#[inline]
fn find<'a>(ctx: &Ctx<'_>, id: Term) -> Result<Handle<'a>, Escape> {
    match id.magic::<Table>() {
        Some(t) => Ok(Handle::Borrowed(t)),
        None => Ok(registry::of(ctx.engine).find(id)?),
    }
}

/// Who calls.
#[derive(Clone, Copy)]
struct Asker {
    pid: Term,
    /// It may do everything with all tables (`erts_internal:ets_super_user/1`).
    all: bool,
}

impl Asker {
    fn of(ctx: &Ctx<'_>) -> Asker {
        Asker { pid: ctx.pid(), all: ctx.data.flags.has(Flags::ETS_SUPER_USER) }
    }
}

fn may(state: &State, asker: Asker, need: Need) -> Result<(), Escape> {
    if !state.alive {
        return Err(Missing::Id.into());
    }
    let open = match need {
        Need::Info => true,
        Need::Read => state.protection != Protection::Private,
        Need::Write => state.protection == Protection::Public,
    };
    if open || state.owner == asker.pid || asker.all { Ok(()) } else { Err(table_cause("access")) }
}

impl Table {
    /// The state for reading, if `asker` may do that.
    fn read(&self, asker: Asker, need: Need) -> Result<RwLockReadGuard<'_, State>, Escape> {
        let state = self.state.read();
        may(&state, asker, need)?;
        if state.insertion.is_some() {
            drop(state);
            drop(self.write(asker, need)?);
            return self.read(asker, need);
        }
        Ok(state)
    }

    /// The state for changing it, if `asker` may do that.
    fn write(&self, asker: Asker, need: Need) -> Result<RwLockWriteGuard<'_, State>, Escape> {
        let mut state = self.state.write();
        may(&state, asker, need)?;
        if state.insertion.is_some() && !state.advance(self.options.keypos) {
            return Err(Escape::Again);
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests;
