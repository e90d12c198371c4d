//! What loads drivers from shared objects, and drives their ports: it stands above, where C is called, and makes ports by
//! what this file hands out.

pub use super::ddll::Use;
pub use super::driver::{ControlAnswer, Driver, TooLong};
pub use super::framing::{Cutter, Framing, Piece};
pub use super::open::{Settings, unlinked};
pub use super::poll::{self, Deadline, Interest, Ready};
pub use super::{Port, find, wake};
use purlin_term::Term;
use purlin_vm::{Ctx, Engine};
use std::ffi::OsStr;
use std::sync::{Arc, OnceLock};

/// Why a driver cannot be loaded.
pub enum Fault {
    NoInit,
    FailedInit,
    BadName,
    Version,
    /// Nothing loads shared objects in this program.
    NotAvailable,
    /// What the system says.
    System(String),
}

/// Loads drivers.
pub trait Loader: Send + Sync {
    /// Loads the shared object of this path, without its ending, whose driver has to have this name.
    fn load(&self, engine: &Arc<Engine>, path: &OsStr, name: &str) -> Result<Arc<dyn Library>, Fault>;
}

/// A driver of a shared object.
pub trait Library: Send + Sync {
    /// Opens a port by a command, whose first word is the name; `using` lives as long as the port calls the driver.
    fn open(self: Arc<Self>, ctx: &mut Ctx<'_>, command: &str, settings: Settings, using: Use) -> Result<Term, Term>;

    /// Lets the driver finish, and closes the shared object. Nobody uses it any more.
    fn unload(&self);
}

/// The loader of an engine.
#[derive(Default)]
pub struct Loading(pub(super) OnceLock<Box<dyn Loader>>);

/// Has an engine load drivers; a loader that it has stays.
pub fn install(engine: &Arc<Engine>, loader: Box<dyn Loader>) {
    super::ddll::set_loader(engine, loader);
}

/// Counts bytes that a driver gives to processes in messages of its own making.
pub fn count_input(engine: &Engine, bytes: usize) {
    super::table(engine).count_input(bytes);
}
