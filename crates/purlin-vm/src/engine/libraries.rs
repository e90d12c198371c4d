//! What `load_nif/2` needs: the side of the engine that loads native libraries.

use crate::code::Module;
use crate::engine::Engine;
use crate::engine::context::Ctx;
use crate::process::escape::NativeResult;
use crate::process::signal::RefId;
use purlin_term::{Heap, Term};
use std::sync::Arc;

/// The number of a port that no port is: processes that resources watch tell it when they end.
pub const RESOURCES: u64 = (1 << Term::PORT_BITS) - 1;

/// What loads native libraries.
pub trait Libraries: Send + Sync {
    /// A process that a resource watches has ended.
    fn down(&self, engine: &Arc<Engine>, monitor: RefId);

    /// The resource that has a monitor.
    fn watcher(&self, monitor: RefId, heap: &mut Heap) -> Option<Term>;

    /// Loads the library of this path, without its ending, for the module that calls: what `load_nif/2` returns.
    fn load(&self, ctx: &mut Ctx<'_>, module: &'static Module, path: &str, info: Term) -> NativeResult;
}
