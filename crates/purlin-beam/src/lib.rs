//! What a `.beam` file is: chunks, tables, and code as typed instructions.
//!
//! [`BeamFile::parse`] reads the container and every table that the loader
//! needs; [`Code`] gives the instructions, all of them or those of one
//! function; [`disassemble()`] prints them. Nothing here knows what a term looks
//! like in memory or how an instruction runs.
//!
//! The rule that must stay true: whatever the bytes are, reading them ends in
//! a value or a [`BeamError`], with memory bounded by the size of the input.

#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod atom;
mod checksum;
mod code;
mod container;
mod cursor;
mod disassemble;
mod error;
mod file;
mod functions;
mod inflate;
mod lines;
mod literals;
mod opcode;
mod records;
mod tables;
#[cfg(test)]
mod tests;
mod types;

pub use code::{Code, Decoder, Instruction, MAX_ARITY, Operand, Register};
pub use disassemble::{Disassembler, LiteralPrinter, disassemble};
pub use error::{BeamError, BeamErrorKind, ChunkName};
pub use file::{BeamFile, find_chunk};
pub use functions::{CodeIndex, Function};
pub use lines::{LineEntry, Lines};
pub use literals::Literals;
pub use opcode::{Opcode, OperandKind};
pub use records::{DefaultValue, RecordDefinition};
pub use tables::{Export, Import, Lambda};
pub use types::TypeEntry;
