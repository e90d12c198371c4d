//! `LitT`: constant terms, each in the external term format.

use std::ops::Range;
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::error::{BeamError, ChunkName};
use crate::inflate;

/// The literals of a module, as bytes of the external term format (with the
/// leading version byte 131). Cloning shares the bytes.
#[derive(Clone, Debug, Default)]
pub struct Literals {
    data: Arc<[u8]>,
    ranges: Arc<[Range<u32>]>,
}

impl Literals {
    pub(crate) fn read(chunk: &[u8]) -> Result<Literals, BeamError> {
        let name = ChunkName(*b"LitT");
        let mut cursor = Cursor::new(chunk, name);
        let size = cursor.u32()? as usize;
        let at = cursor.pos();
        let stored = cursor.take(cursor.remaining())?;
        // Size 0 marks literals that are stored as they are.
        let data: Arc<[u8]> = match size {
            0 => stored.into(),
            _ => inflate::zlib(stored, size).map_err(|kind| cursor.error_at(kind, at))?.into(),
        };
        let mut cursor = Cursor::new(&data, name);
        let count = cursor.count(4)?;
        let mut ranges = Vec::with_capacity(count);
        for _ in 0..count {
            let len = cursor.u32()?;
            let start = cursor.pos() as u32;
            cursor.take(len as usize)?;
            ranges.push(start..start + len);
        }
        Ok(Literals { data, ranges: ranges.into() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The literal that an [`Operand::Literal`](crate::Operand::Literal) names.
    pub fn get(&self, index: u32) -> Option<&[u8]> {
        let range = self.ranges.get(index as usize)?;
        self.data.get(range.start as usize..range.end as usize)
    }

    /// All literals, by index.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ranges.len() as u32).filter_map(|index| self.get(index))
    }
}
