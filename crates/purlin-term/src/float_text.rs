//! Floats as text, as `float_to_list/2` and `list_to_float/1` lay them out and read them.

mod format;
mod parse;
#[cfg(test)]
mod tests;

pub use format::{Layout, format, scientific, short};
pub use parse::{parse, prefix};
