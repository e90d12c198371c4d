//! What `load_nif/2` needs: the side of the engine that loads native libraries.

use crate::code::Module;
use crate::engine::context::Ctx;
use crate::process::escape::NativeResult;
use purlin_term::Term;

/// What loads native libraries.
pub trait Libraries: Send + Sync {
    /// Loads the library of this path, without its ending, for the module that calls: what `load_nif/2` returns.
    fn load(&self, ctx: &mut Ctx<'_>, module: &'static Module, path: &str, info: Term) -> NativeResult;
}
