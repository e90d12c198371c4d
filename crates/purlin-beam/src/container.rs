//! The container: a `FOR1` form of type `BEAM` holding named chunks.

use std::ops::Range;

use crate::cursor::Cursor;
use crate::error::{BeamError, BeamErrorKind, ChunkName};
use crate::inflate;

/// Where each chunk's data lies in the bytes of the file, in file order.
pub(crate) struct Directory {
    entries: Vec<(ChunkName, Range<usize>)>,
}

impl Directory {
    /// The chunk of this name. Of two with one name the later counts, as it
    /// does in the emulator.
    pub fn find(&self, name: ChunkName) -> Option<Range<usize>> {
        let entry = self.entries.iter().rev().find(|(other, _)| *other == name);
        entry.map(|(_, range)| range.clone())
    }

    pub fn names(&self) -> impl Iterator<Item = ChunkName> + '_ {
        self.entries.iter().map(|(name, _)| *name)
    }

    /// Reads the headers of all chunks. Bytes behind the form are ignored.
    pub fn read(bytes: &[u8]) -> Result<Directory, BeamError> {
        let whole = Cursor::new(bytes, ChunkName(*b"FOR1"));
        let outside = |error: BeamError| BeamError { chunk: None, ..error };
        let not_beam = || outside(whole.error(BeamErrorKind::NotABeamFile));
        let mut head = whole;
        if head.take(4).ok() != Some(b"FOR1") {
            return Err(not_beam());
        }
        let size = head.u32().map_err(outside)? as usize;
        let start = head.pos();
        head.take(size).map_err(outside)?;

        let form = bytes.get(..start + size).unwrap_or_default();
        let mut cursor = Cursor::at(form, start, ChunkName(*b"FOR1"));
        if cursor.take(4).ok() != Some(b"BEAM") {
            return Err(not_beam());
        }
        let mut entries = Vec::new();
        while cursor.remaining() > 0 {
            let name = cursor.take(4).map_err(outside)?;
            let name = ChunkName(name.first_chunk().copied().unwrap_or_default());
            let within = |error: BeamError| BeamError { chunk: Some(name), ..error };
            let size = cursor.u32().map_err(within)? as usize;
            let start = cursor.pos();
            cursor.take(size).map_err(within)?;
            cursor.take(size.wrapping_neg() & 3).map_err(within)?;
            entries.push((name, start..start + size));
        }
        Ok(Directory { entries })
    }
}

/// The plain bytes of a file that may have been compressed with gzip.
pub(crate) fn plain(bytes: Vec<u8>) -> Result<Vec<u8>, BeamError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        inflate::gzip(&bytes).map_err(|kind| BeamError { kind, chunk: None, offset: 0 })
    } else {
        Ok(bytes)
    }
}
