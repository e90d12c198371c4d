//! `Line`: which source line an instruction came from.

use crate::cursor::{Cursor, tag};
use crate::error::{BeamError, BeamErrorKind};
use crate::tables::word;

/// A place in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LineEntry {
    /// Index into [`Lines::files`].
    pub file: u32,
    /// The line number; 0 where the location is undefined.
    pub line: u32,
}

/// The line table. Entry 0 is always there and is the undefined location; the
/// operand of a `line` instruction is an index into `entries`.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// File names; name 0 is the module's own, `module.erl`.
    pub files: Vec<Box<str>>,
    /// The locations.
    pub entries: Vec<LineEntry>,
    /// How many `line` instructions the module has, as the file says.
    pub instructions: u32,
    /// The flags field; bit 0 says that the module can count executed lines.
    pub flags: u32,
}

impl Lines {
    /// A table of nothing but the undefined location.
    pub(crate) fn none(module: &str) -> Lines {
        Lines { files: vec![format!("{module}.erl").into()], entries: vec![LineEntry::default()], ..Lines::default() }
    }

    /// Reads the chunk. A version other than 0 counts as no table at all.
    pub(crate) fn read(mut cursor: Cursor<'_>, module: &str) -> Result<Lines, BeamError> {
        let mut lines = Lines::none(module);
        if cursor.u32()? != 0 {
            return Ok(lines);
        }
        lines.flags = cursor.u32()?;
        lines.instructions = cursor.u32()?;
        let at = cursor.pos();
        let [entries, names] = [cursor.u32()? as usize, cursor.u32()? as usize];
        // An entry takes at least one byte, a name two.
        if entries.saturating_add(names.saturating_mul(2)) > cursor.remaining() {
            let count = entries.max(names) as u64;
            return Err(cursor.error_at(BeamErrorKind::ImplausibleCount(count), at));
        }
        lines.entries.reserve_exact(entries);
        let mut file = 0;
        while lines.entries.len() <= entries {
            let at = cursor.pos();
            let found = cursor.tagged()?;
            let number = word(&cursor, at, found)?;
            let number = u32::try_from(number).map_err(|_| cursor.error_at(BeamErrorKind::NumberTooLarge, at))?;
            match found.0 {
                tag::I => lines.entries.push(LineEntry { file, line: number }),
                tag::A if number as usize <= names => file = number,
                tag::A => {
                    let kind = BeamErrorKind::IndexOutOfRange { table: "file name", index: number.into() };
                    return Err(cursor.error_at(kind, at));
                }
                other => return Err(cursor.error_at(BeamErrorKind::BadTag(other), at)),
            }
        }
        lines.files.reserve_exact(names);
        for _ in 0..names {
            let at = cursor.pos();
            let len = cursor.u16()? as usize;
            let name = str::from_utf8(cursor.take(len)?).map_err(|_| cursor.error_at(BeamErrorKind::BadUtf8, at))?;
            // An empty name stands for the module's own.
            let name = match lines.files.first() {
                Some(own) if name.is_empty() => own.clone(),
                _ => name.into(),
            };
            lines.files.push(name);
        }
        Ok(lines)
    }

    /// File name and line for the operand of a `line` instruction; nothing for
    /// the undefined location.
    pub fn location(&self, index: u32) -> Option<(&str, u32)> {
        let entry = self.entry(index)?;
        Some((self.files.get(entry.file as usize)?, entry.line))
    }

    /// The location of this index, unless it is undefined.
    pub fn entry(&self, index: u32) -> Option<LineEntry> {
        self.entries.get(index as usize).copied().filter(|entry| entry.line != 0)
    }
}
