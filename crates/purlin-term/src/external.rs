//! The external term format: terms as bytes, byte for byte as OTP 25 writes and accepts them.
//!
//! Decoding takes bytes from anywhere: it allocates no more than a fixed multiple of the bytes it has read, never
//! recurses, and gives an error with its position for anything OTP would refuse.

mod compress;
mod decode;
pub mod distribution;
mod encode;
mod reader;
#[cfg(test)]
mod tests;

pub use decode::{decode, decode_body};
pub use encode::{
    EncodeOptions, Pieces, TooLarge, encode, encode_body, encode_pieces, encoded_size, usual_minor_version,
};

pub use crate::boxed::{ref_id, ref_words};

use crate::atom::Atom;
use crate::boxed::FunEntry;
use std::sync::Arc;

/// The byte every encoded term begins with.
pub const VERSION: u8 = 131;

/// The format's tags.
pub(crate) mod tag {
    pub const NEW_FLOAT: u8 = b'F';
    pub const BIT_BINARY: u8 = b'M';
    pub const COMPRESSED: u8 = b'P';
    pub const CACHED_ATOM: u8 = b'R';
    pub const NEW_PID: u8 = b'X';
    pub const NEW_PORT: u8 = b'Y';
    pub const NEWER_REFERENCE: u8 = b'Z';
    pub const SMALL_INTEGER: u8 = b'a';
    pub const INTEGER: u8 = b'b';
    pub const FLOAT: u8 = b'c';
    pub const ATOM: u8 = b'd';
    pub const REFERENCE: u8 = b'e';
    pub const PORT: u8 = b'f';
    pub const PID: u8 = b'g';
    pub const SMALL_TUPLE: u8 = b'h';
    pub const LARGE_TUPLE: u8 = b'i';
    pub const NIL: u8 = b'j';
    pub const STRING: u8 = b'k';
    pub const LIST: u8 = b'l';
    pub const BINARY: u8 = b'm';
    pub const SMALL_BIG: u8 = b'n';
    pub const LARGE_BIG: u8 = b'o';
    pub const NEW_FUN: u8 = b'p';
    pub const EXPORT: u8 = b'q';
    pub const NEW_REFERENCE: u8 = b'r';
    pub const SMALL_ATOM: u8 = b's';
    pub const MAP: u8 = b't';
    pub const RECORD: u8 = b'C';
    pub const ATOM_UTF8: u8 = b'v';
    pub const SMALL_ATOM_UTF8: u8 = b'w';
    pub const LOCAL: u8 = b'y';
    pub const V4_PORT: u8 = b'x';
}

/// What a local fun in the external format says about its lambda.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunParts {
    pub module: Atom,
    /// Position in the module's lambda table.
    pub index: u32,
    /// The module's MD5.
    pub uniq: [u8; 16],
    pub old_index: u32,
    pub old_uniq: u32,
    /// Arity of a call, without the environment.
    pub arity: u8,
    pub num_free: u32,
}

/// What decoding needs to know of the engine.
pub trait DecodeContext {
    /// The entry for a local fun's lambda; `None` makes the bytes invalid.
    fn fun(&mut self, parts: FunParts) -> Option<Arc<FunEntry>>;

    /// Name and creation of this node, whose identifiers become local ones.
    fn node(&self) -> (Atom, u32);

    /// Whether atoms and external functions that do not exist yet are refused.
    fn safe(&self) -> bool;

    /// Whether an external function exists; asked only when [`DecodeContext::safe`].
    fn has_function(&self, _module: Atom, _function: Atom, _arity: u8) -> bool {
        false
    }
}

/// The context for plain data such as a module's literals: no local funs, and a node without a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainContext;

impl DecodeContext for PlainContext {
    fn fun(&mut self, _: FunParts) -> Option<Arc<FunEntry>> {
        None
    }

    fn node(&self) -> (Atom, u32) {
        (Atom::NONODE, 0)
    }

    fn safe(&self) -> bool {
        false
    }
}

/// Bytes that are no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where the reader stood, in the bytes given; for a compressed term, in its decompressed bytes.
    pub offset: usize,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no external term (at byte {})", self.offset)
    }
}

impl std::error::Error for DecodeError {}
