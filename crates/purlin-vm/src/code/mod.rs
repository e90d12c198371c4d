//! Code: loading modules, finding functions, and translating them to Purlin's instructions when first called.

pub mod consts;
pub mod export;
pub mod instr;
pub mod module;
mod translate;

pub use export::{Export, Exports, FnEntry, Mfa, NativeEntry};
pub use module::{Code, LoadError, Module};
pub use translate::translate;
