//! The small tables of a module: atoms, imports, exports, lambdas.

use crate::cursor::{Cursor, Number, tag};
use crate::error::{BeamError, BeamErrorKind};

const MAX_ATOM_CHARACTERS: usize = 255;

/// A function of another module (or a BIF) that this one calls. Atom fields
/// are indexes for [`BeamFile::atom`](crate::BeamFile::atom).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Import {
    /// The module, an atom.
    pub module: u32,
    /// The function, an atom.
    pub function: u32,
    /// How many arguments it takes.
    pub arity: u8,
}

/// A function that other modules may call, or (in the table of locals) one
/// that they may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Export {
    /// The function, an atom.
    pub function: u32,
    /// How many arguments it takes.
    pub arity: u8,
    /// The label that it starts at.
    pub label: u32,
}

/// A fun that the module creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lambda {
    /// The function holding its body, an atom.
    pub function: u32,
    /// The body's arity: the fun's own plus `num_free`.
    pub arity: u32,
    /// The label that the body starts at.
    pub label: u32,
    /// The index within the module that identifies the fun.
    pub index: u32,
    /// How many variables it captures.
    pub num_free: u32,
    /// The hash that `#Fun<module.index.uniq>` shows.
    pub old_uniq: u32,
}

/// `AtU8`: 1-byte lengths, or compact ones where the count is negative.
pub(crate) fn atoms(mut cursor: Cursor<'_>) -> Result<Vec<Box<str>>, BeamError> {
    let at = cursor.pos();
    let declared = cursor.u32()? as i32;
    let count = declared.unsigned_abs() as usize;
    if count == 0 || count > cursor.remaining() {
        return Err(cursor.error_at(BeamErrorKind::ImplausibleCount(count as u64), at));
    }
    let mut atoms = Vec::with_capacity(count);
    for _ in 0..count {
        let len = match declared < 0 {
            true => cursor.index()? as usize,
            false => cursor.u8()? as usize,
        };
        let at = cursor.pos();
        let text = str::from_utf8(cursor.take(len)?).map_err(|_| cursor.error_at(BeamErrorKind::BadUtf8, at))?;
        if len > MAX_ATOM_CHARACTERS && text.chars().count() > MAX_ATOM_CHARACTERS {
            return Err(cursor.error_at(BeamErrorKind::AtomTooLong, at));
        }
        atoms.push(text.into());
    }
    Ok(atoms)
}

/// `Atom`: Latin-1 text, what compilers before OTP 20 wrote.
pub(crate) fn latin1_atoms(mut cursor: Cursor<'_>) -> Result<Vec<Box<str>>, BeamError> {
    let at = cursor.pos();
    let count = cursor.count(1)?;
    if count == 0 {
        return Err(cursor.error_at(BeamErrorKind::ImplausibleCount(0), at));
    }
    let mut atoms = Vec::with_capacity(count);
    for _ in 0..count {
        let len = cursor.u8()? as usize;
        let text: String = cursor.take(len)?.iter().map(|byte| char::from(*byte)).collect();
        atoms.push(text.into());
    }
    Ok(atoms)
}

/// Reads fields that refer to the atom table or are bounded like an arity.
struct Fields<'a> {
    cursor: Cursor<'a>,
    atoms: usize,
}

impl Fields<'_> {
    fn atom(&mut self) -> Result<u32, BeamError> {
        let at = self.cursor.pos();
        let index = self.cursor.u32()?;
        if index == 0 || index as usize > self.atoms {
            let kind = BeamErrorKind::IndexOutOfRange { table: "atom", index: index.into() };
            return Err(self.cursor.error_at(kind, at));
        }
        Ok(index)
    }

    fn arity(&mut self) -> Result<u8, BeamError> {
        let at = self.cursor.pos();
        let arity = self.cursor.u32()?;
        u8::try_from(arity).map_err(|_| self.cursor.error_at(BeamErrorKind::NumberTooLarge, at))
    }

    fn label(&mut self) -> Result<u32, BeamError> {
        let at = self.cursor.pos();
        let label = self.cursor.u32()?;
        if label > i32::MAX as u32 {
            return Err(self.cursor.error_at(BeamErrorKind::NumberTooLarge, at));
        }
        Ok(label)
    }
}

/// `ImpT`.
pub(crate) fn imports(mut cursor: Cursor<'_>, atoms: usize) -> Result<Vec<Import>, BeamError> {
    let count = cursor.count(12)?;
    let mut fields = Fields { cursor, atoms };
    (0..count)
        .map(|_| Ok(Import { module: fields.atom()?, function: fields.atom()?, arity: fields.arity()? }))
        .collect()
}

/// `ExpT` and `LocT`.
pub(crate) fn exports(mut cursor: Cursor<'_>, atoms: usize) -> Result<Vec<Export>, BeamError> {
    let count = cursor.count(12)?;
    let mut fields = Fields { cursor, atoms };
    (0..count)
        .map(|_| Ok(Export { function: fields.atom()?, arity: fields.arity()?, label: fields.label()? }))
        .collect()
}

/// `FunT`; it must end with its last entry, as the checksum counts on it.
pub(crate) fn lambdas(mut cursor: Cursor<'_>, atoms: usize) -> Result<Vec<Lambda>, BeamError> {
    let count = cursor.count(24)?;
    let mut fields = Fields { cursor, atoms };
    let lambdas = (0..count)
        .map(|_| {
            let function = fields.atom()?;
            let arity = fields.arity()?.into();
            let label = fields.label()?;
            let [index, num_free, old_uniq] = [fields.cursor.u32()?, fields.cursor.u32()?, fields.cursor.u32()?];
            if num_free > arity {
                return Err(fields.cursor.error(BeamErrorKind::NumberTooLarge));
            }
            Ok(Lambda { function, arity, label, index, num_free, old_uniq })
        })
        .collect::<Result<_, _>>()?;
    if !fields.cursor.remaining().is_multiple_of(24) {
        return Err(fields.cursor.error(BeamErrorKind::TrailingBytes));
    }
    Ok(lambdas)
}

/// A compact term that must be the tag given, as a plain number.
pub(crate) fn word(cursor: &Cursor<'_>, at: usize, found: (u8, Number)) -> Result<u64, BeamError> {
    match found {
        (tag::I, Number::Word(word)) if word as i64 >= 0 => Ok(word),
        (tag::I, _) => Err(cursor.error_at(BeamErrorKind::NumberTooLarge, at)),
        (_, Number::Word(word)) => Ok(word),
        (_, Number::Wide { .. }) => Err(cursor.error_at(BeamErrorKind::NumberTooLarge, at)),
    }
}
