//! Code: loading modules, finding functions, and translating them to Purlin's instructions when first called.

pub(crate) mod arena;
pub mod compiler;
pub mod consts;
mod current;
pub mod export;
pub(crate) mod fixed;
mod hot;
pub mod instr;
pub mod isa;
pub mod listing;
pub mod module;
pub mod native;
pub mod op;
pub mod points;
pub mod purge;
mod ranges;
pub mod record;
pub mod retired;
pub mod stack_trace;
mod translate;

pub use export::{Export, Exports, FnEntry, Mfa, NativeEntry};
pub use module::{Code, LoadError, Module, Unfinished};
pub use translate::translate;

use purlin_term::external::{DecodeContext, FunParts};
use purlin_term::{Atom, FunEntry};
use std::sync::Arc;

/// What the decoder of external terms needs of the code.
pub struct Decoding<'a> {
    code: &'a Code,
    safe: bool,
}

impl DecodeContext for Decoding<'_> {
    fn fun(&mut self, parts: FunParts) -> Option<Arc<FunEntry>> {
        Some(self.code.funs.entry(parts))
    }

    fn node(&self) -> (Atom, u32) {
        (self.code.node(), self.code.creation())
    }

    fn safe(&self) -> bool {
        self.safe
    }

    fn has_function(&self, module: Atom, function: Atom, arity: u8) -> bool {
        let (exports, mfa) = (&self.code.exports, Mfa { module, function, arity });
        exports.native(mfa).is_some() || exports.existing(mfa).is_some()
    }
}
