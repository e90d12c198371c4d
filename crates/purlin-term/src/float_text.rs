//! Floats as text.

mod parse;

pub use parse::{parse, parse_lenient};
