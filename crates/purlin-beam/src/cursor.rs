//! Reading big-endian fields and compact terms from one chunk, bounds checked.

use crate::error::{BeamError, BeamErrorKind, ChunkName};

/// Tags of compact terms, the low three bits of their first byte.
pub(crate) mod tag {
    pub const U: u8 = 0;
    pub const I: u8 = 1;
    pub const A: u8 = 2;
    pub const X: u8 = 3;
    pub const Y: u8 = 4;
    pub const F: u8 = 5;
    pub const Z: u8 = 7;
}

/// The number of a compact term. `Word` holds an `I` sign extended, all other
/// tags zero extended; `Wide` is what does not fit 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Word(u64),
    Wide { start: usize, len: usize },
}

/// A position in the data of one chunk.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    chunk: ChunkName,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8], chunk: ChunkName) -> Self {
        Cursor { bytes, pos: 0, chunk }
    }

    pub fn at(bytes: &'a [u8], pos: usize, chunk: ChunkName) -> Self {
        Cursor { bytes, pos, chunk }
    }

    #[inline]
    pub fn pos(&self) -> usize {
        self.pos
    }

    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    #[cold]
    pub fn error(&self, kind: BeamErrorKind) -> BeamError {
        self.error_at(kind, self.pos)
    }

    #[cold]
    pub fn error_at(&self, kind: BeamErrorKind, offset: usize) -> BeamError {
        BeamError { kind, chunk: Some(self.chunk), offset }
    }

    #[inline]
    pub fn u8(&mut self) -> Result<u8, BeamError> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => Err(self.error(BeamErrorKind::Truncated)),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BeamError> {
        match self.bytes.get(self.pos..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(array) => {
                self.pos += N;
                Ok(*array)
            }
            None => Err(self.error(BeamErrorKind::Truncated)),
        }
    }

    pub fn u16(&mut self) -> Result<u16, BeamError> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, BeamError> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, BeamError> {
        self.array().map(i64::from_be_bytes)
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], BeamError> {
        match self.bytes.get(self.pos..).and_then(|rest| rest.get(..len)) {
            Some(bytes) => {
                self.pos += len;
                Ok(bytes)
            }
            None => Err(self.error(BeamErrorKind::Truncated)),
        }
    }

    /// A count of entries of at least `size` bytes each: one that the rest of
    /// the chunk cannot hold is refused before anything is allocated for it.
    pub fn count(&mut self, size: usize) -> Result<usize, BeamError> {
        let at = self.pos;
        let count = self.u32()?;
        if count as usize > self.remaining() / size {
            return Err(self.error_at(BeamErrorKind::ImplausibleCount(count.into()), at));
        }
        Ok(count as usize)
    }

    /// A compact term: its tag and number.
    #[inline]
    pub fn tagged(&mut self) -> Result<(u8, Number), BeamError> {
        let first = self.u8()?;
        let tag = first & 7;
        if first & 0x08 == 0 {
            Ok((tag, Number::Word((first >> 4).into())))
        } else if first & 0x10 == 0 {
            let low = self.u8()?;
            Ok((tag, Number::Word(u64::from(first >> 5) << 8 | u64::from(low))))
        } else {
            self.multi_byte(first)
        }
    }

    /// A compact term of one or two bytes, which nearly all are; nothing, and
    /// no step ahead, for the others and at the end of the data.
    #[inline(always)]
    pub fn short(&mut self) -> Option<(u8, u32)> {
        let first = *self.bytes.get(self.pos)?;
        if first & 0x08 == 0 {
            self.pos += 1;
            Some((first & 7, (first >> 4).into()))
        } else if first & 0x10 == 0 {
            let low = *self.bytes.get(self.pos + 1)?;
            self.pos += 2;
            Some((first & 7, u32::from(first >> 5) << 8 | u32::from(low)))
        } else {
            None
        }
    }

    #[inline]
    pub fn rewind(&mut self, pos: usize) {
        self.pos = pos;
    }

    fn multi_byte(&mut self, first: u8) -> Result<(u8, Number), BeamError> {
        let tag = first & 7;
        let len = self.byte_count(first)?;
        let start = self.pos;
        let bytes = self.take(len)?;
        if len > 8 {
            return Ok((tag, Number::Wide { start, len }));
        }
        let mut word = match bytes.first() {
            Some(byte) if tag == tag::I && byte & 0x80 != 0 => u64::MAX,
            _ => 0,
        };
        for byte in bytes {
            word = word << 8 | u64::from(*byte);
        }
        Ok((tag, Number::Word(word)))
    }

    /// How many bytes hold the number whose first byte is `first`. Long
    /// numbers say it in a compact term of their own, which may not be long
    /// itself: that is what keeps this from recursing on the input's word.
    fn byte_count(&mut self, first: u8) -> Result<usize, BeamError> {
        let code = first >> 5;
        if code < 7 {
            return Ok(code as usize + 2);
        }
        let at = self.pos;
        let prefix = self.u8()?;
        let size = if prefix & 7 != tag::U {
            return Err(self.error_at(BeamErrorKind::BadTag(prefix & 7), at));
        } else if prefix & 0x08 == 0 {
            u64::from(prefix >> 4)
        } else if prefix & 0x10 == 0 {
            u64::from(prefix >> 5) << 8 | u64::from(self.u8()?)
        } else if prefix >> 5 < 3 {
            let mut size = 0;
            for byte in self.take((prefix >> 5) as usize + 2)? {
                size = size << 8 | u64::from(*byte);
            }
            size
        } else {
            return Err(self.error_at(BeamErrorKind::NumberTooLarge, at));
        };
        Ok(size as usize + 9)
    }

    /// A compact term that must be an unsigned number of at most 32 bits.
    #[inline]
    pub fn index(&mut self) -> Result<u32, BeamError> {
        let at = self.pos;
        match self.tagged()? {
            (tag::U, Number::Word(word)) => {
                u32::try_from(word).map_err(|_| self.error_at(BeamErrorKind::NumberTooLarge, at))
            }
            (tag::U, _) => Err(self.error_at(BeamErrorKind::NumberTooLarge, at)),
            (tag, _) => Err(self.error_at(BeamErrorKind::BadTag(tag), at)),
        }
    }
}
