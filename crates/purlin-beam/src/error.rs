//! What can be wrong with a file: always a kind, a chunk and a byte offset.

use std::fmt;

/// A four-letter chunk name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkName(pub [u8; 4]);

impl fmt::Display for ChunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for ChunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BeamErrorKind {
    /// The file does not start as a BEAM file does.
    NotABeamFile,
    /// More bytes were announced than there are.
    Truncated,
    /// A chunk that every module has is absent.
    MissingChunk,
    /// A count that the chunk's size makes impossible.
    ImplausibleCount(u64),
    /// Bytes are left over behind the last entry.
    TrailingBytes,
    /// Compressed data that does not decompress.
    BadCompression,
    /// Decompressed data has another size than announced.
    SizeMismatch {
        /// The size that the file announces.
        announced: u64,
        /// The size found; decompression stops early, so it may be more.
        found: u64,
    },
    /// Text that is not UTF-8.
    BadUtf8,
    /// An atom of more than 255 characters.
    AtomTooLong,
    /// An instruction set other than 0.
    BadInstructionSet(u32),
    /// A version of a chunk other than the known one.
    BadVersion(u32),
    /// A native record's definition that is none.
    BadRecord,
    /// Instructions newer than those known here.
    TooNew {
        /// The highest instruction number that the file uses.
        max_opcode: u32,
    },
    /// A byte that is no instruction.
    UnknownOpcode(u8),
    /// An operand tag that may not stand here.
    BadTag(u8),
    /// A number that is too large for its place.
    NumberTooLarge,
    /// An index beyond the end of the table it refers to.
    IndexOutOfRange {
        /// Which table.
        table: &'static str,
        /// The index.
        index: u64,
    },
    /// The same label is defined twice.
    DuplicateLabel(u32),
    /// A function without the shape that every function has.
    BadFunction(&'static str),
    /// A type that the type table may not hold.
    BadType,
}

/// Why and where a file was refused. `offset` counts from the start of the
/// chunk's data (for `LitT`, of the decompressed data), or from the start of
/// the file where no chunk is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeamError {
    /// What is wrong.
    pub kind: BeamErrorKind,
    /// In which chunk.
    pub chunk: Option<ChunkName>,
    /// At which byte.
    pub offset: usize,
}

impl fmt::Display for BeamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use BeamErrorKind::*;
        match self.chunk {
            Some(chunk) => write!(f, "chunk {chunk}, byte {}: ", self.offset)?,
            None => write!(f, "byte {}: ", self.offset)?,
        }
        match self.kind {
            NotABeamFile => f.write_str("not a BEAM file"),
            Truncated => f.write_str("the data ends too early"),
            MissingChunk => f.write_str("the chunk is missing"),
            ImplausibleCount(n) => write!(f, "impossible count {n}"),
            TrailingBytes => f.write_str("bytes left over at the end"),
            BadCompression => f.write_str("bad compressed data"),
            SizeMismatch { announced, found } => {
                write!(f, "{found} bytes of decompressed data where {announced} were announced")
            }
            BadUtf8 => f.write_str("text is not UTF-8"),
            AtomTooLong => f.write_str("an atom of more than 255 characters"),
            BadInstructionSet(n) => write!(f, "unknown instruction set {n}"),
            BadVersion(n) => write!(f, "unknown version {n}"),
            BadRecord => write!(f, "no definition of a native record"),
            TooNew { max_opcode } => {
                write!(f, "uses instruction {max_opcode}, newer than the newest known ({})", crate::Opcode::MAX)
            }
            UnknownOpcode(n) => write!(f, "unknown instruction {n}"),
            BadTag(n) => write!(f, "operand tag {n} may not stand here"),
            NumberTooLarge => f.write_str("a number too large for its place"),
            IndexOutOfRange { table, index } => write!(f, "no entry {index} in the {table} table"),
            DuplicateLabel(n) => write!(f, "label {n} is defined twice"),
            BadFunction(why) => write!(f, "malformed function: {why}"),
            BadType => f.write_str("malformed type"),
        }
    }
}

impl std::error::Error for BeamError {}
