//! `Type`: what the compiler knows about the values in typed registers.

use crate::cursor::Cursor;
use crate::error::{BeamError, BeamErrorKind};

/// A set of types that a value may have, with bounds where known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeEntry {
    /// The set, of the bits named in this type's constants.
    pub set: u16,
    /// The least value, if it is a number and the compiler knows.
    pub min: Option<i64>,
    /// The greatest value.
    pub max: Option<i64>,
    /// The unit of a bitstring's size.
    pub unit: u16,
}

impl TypeEntry {
    /// Atoms.
    pub const ATOM: u16 = 1 << 0;
    /// Bitstrings (in OTP 25 match contexts count among them here).
    pub const BITSTRING: u16 = 1 << 1;
    /// Nonempty lists.
    pub const CONS: u16 = 1 << 2;
    /// Floats.
    pub const FLOAT: u16 = 1 << 3;
    /// Funs.
    pub const FUN: u16 = 1 << 4;
    /// Integers.
    pub const INTEGER: u16 = 1 << 5;
    /// Maps.
    pub const MAP: u16 = 1 << 6;
    /// The empty list.
    pub const NIL: u16 = 1 << 7;
    /// Pids.
    pub const PID: u16 = 1 << 8;
    /// Ports.
    pub const PORT: u16 = 1 << 9;
    /// References.
    pub const REFERENCE: u16 = 1 << 10;
    /// Tuples.
    pub const TUPLE: u16 = 1 << 11;
    /// Anything.
    pub const ANY: u16 = (1 << 12) - 1;
}

/// Reads the chunk. A version that is not known here counts as no table at
/// all, which types being hints makes correct.
pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Option<Vec<TypeEntry>>, BeamError> {
    let entry: fn(&mut Cursor<'_>) -> Result<TypeEntry, BeamError> = match cursor.u32()? {
        1 => otp25,
        3 => otp27,
        _ => return Ok(None),
    };
    let at = cursor.pos();
    let count = cursor.count(2)?;
    if count == 0 {
        return Err(cursor.error_at(BeamErrorKind::ImplausibleCount(0), at));
    }
    let mut types = Vec::new();
    for _ in 0..count {
        types.push(entry(&mut cursor)?);
    }
    match types.first() {
        Some(any) if any.set == TypeEntry::ANY => Ok(Some(types)),
        _ => Err(cursor.error_at(BeamErrorKind::BadType, at)),
    }
}

/// Bounds are always there; a least value above the greatest means none. Bit 2
/// is the match context, which later versions do not tell from a bitstring.
fn otp25(cursor: &mut Cursor<'_>) -> Result<TypeEntry, BeamError> {
    let at = cursor.pos();
    let bits = cursor.u16()?;
    let [min, max] = [cursor.i64()?, cursor.i64()?];
    if bits == 0 || bits >= 1 << 13 {
        return Err(cursor.error_at(BeamErrorKind::BadType, at));
    }
    let set = bits & 0b11 | (bits >> 1 & 0b10) | (bits >> 1 & !0b11);
    let bounded = min <= max;
    Ok(TypeEntry { set, min: bounded.then_some(min), max: bounded.then_some(max), unit: 1 })
}

/// Bits 12 to 14 say which of the bounds and the unit follow.
fn otp27(cursor: &mut Cursor<'_>) -> Result<TypeEntry, BeamError> {
    let at = cursor.pos();
    let bits = cursor.u16()?;
    let set = bits & TypeEntry::ANY;
    let number = set & (TypeEntry::INTEGER | TypeEntry::FLOAT) != 0;
    let min = if bits & 1 << 12 != 0 { Some(cursor.i64()?) } else { None };
    let max = if bits & 1 << 13 != 0 { Some(cursor.i64()?) } else { None };
    let unit = if bits & 1 << 14 != 0 { Some(cursor.u8()?) } else { None };
    let unbased = (min.is_some() || max.is_some()) && !number || unit.is_some() && set & TypeEntry::BITSTRING == 0;
    if bits == 0 || unbased {
        return Err(cursor.error_at(BeamErrorKind::BadType, at));
    }
    Ok(TypeEntry { set, min, max, unit: unit.map_or(1, |unit| u16::from(unit) + 1) })
}
