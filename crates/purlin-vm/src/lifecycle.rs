//! How processes begin and end.

pub mod exit;
pub mod heap_limit;
pub mod literals;
pub(crate) mod panic;
pub mod spawn;
