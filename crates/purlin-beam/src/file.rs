//! A module's file: its chunks, and every table in them.

use crate::code::{Code, Limits};
use crate::container::{self, Directory};
use crate::cursor::Cursor;
use crate::error::{BeamError, BeamErrorKind, ChunkName};
use crate::lines::Lines;
use crate::literals::Literals;
use crate::records::{self, RecordDefinition};
use crate::tables::{self, Export, Import, Lambda};
use crate::types::{self, TypeEntry};

/// A module as read from its file. It owns the file's bytes; [`Code`] and
/// [`Literals`] are cheap to clone out of it and keep.
pub struct BeamFile {
    bytes: Vec<u8>,
    directory: Directory,
    atoms: Vec<Box<str>>,
    imports: Vec<Import>,
    exports: Vec<Export>,
    lambdas: Vec<Lambda>,
    literals: Literals,
    lines: Lines,
    types: Option<Vec<TypeEntry>>,
    records: Vec<RecordDefinition>,
    code: Code,
}

impl BeamFile {
    /// Reads a module from the contents of its file, plain or gzip'ed.
    pub fn parse(bytes: &[u8]) -> Result<BeamFile, BeamError> {
        BeamFile::from_vec(bytes.to_vec())
    }

    /// As [`parse`](Self::parse), without copying.
    pub fn from_vec(bytes: Vec<u8>) -> Result<BeamFile, BeamError> {
        BeamFile::of_plain(container::plain(bytes)?)
    }

    /// As [`parse`](Self::parse), but a gzip'ed file is none: what the emulator itself takes, whose libraries decompress
    /// files before.
    pub fn parse_plain(bytes: &[u8]) -> Result<BeamFile, BeamError> {
        BeamFile::of_plain(bytes.to_vec())
    }

    fn of_plain(bytes: Vec<u8>) -> Result<BeamFile, BeamError> {
        let directory = Directory::read(&bytes)?;
        let chunks = Chunks { bytes: &bytes, directory: &directory };

        let atoms = match chunks.optional(b"AtU8") {
            Some(chunk) => tables::atoms(chunk)?,
            None => match chunks.optional(b"Atom") {
                Some(chunk) => tables::latin1_atoms(chunk)?,
                None => return Err(missing(b"AtU8")),
            },
        };
        let imports = tables::imports(chunks.required(b"ImpT")?, atoms.len())?;
        let exports = tables::exports(chunks.required(b"ExpT")?, atoms.len())?;
        let lambdas = match chunks.optional(b"FunT") {
            Some(chunk) => tables::lambdas(chunk, atoms.len())?,
            None => Vec::new(),
        };
        let literals = match chunks.data(b"LitT") {
            Some(data) => Literals::read(data)?,
            None => Literals::default(),
        };
        let module = atoms.first().map_or("", |name| name);
        let lines = match chunks.optional(b"Line") {
            Some(chunk) => Lines::read(chunk, module)?,
            None => Lines::none(module),
        };
        let types = match chunks.optional(b"Type") {
            Some(chunk) => types::read(chunk)?,
            None => None,
        };
        let limits = Limits {
            atoms: atoms.len() as u32,
            literals: literals.len() as u32,
            types: types.as_ref().map(|types| types.len() as u32),
        };
        let code = Code::read(chunks.data(b"Code").ok_or(missing(b"Code"))?, limits)?;
        let records = match chunks.data(b"Recs") {
            Some(data) => records::read(data, &code)?,
            None => Vec::new(),
        };
        Ok(BeamFile { directory, atoms, imports, exports, lambdas, literals, lines, types, records, code, bytes })
    }

    /// The module's name.
    pub fn module(&self) -> &str {
        self.atoms.first().map_or("", |name| name)
    }

    /// An atom by the index that operands and tables use. Index 0 is no atom:
    /// as an operand it stands for the empty list.
    pub fn atom(&self, index: u32) -> Option<&str> {
        let index = (index as usize).checked_sub(1)?;
        self.atoms.get(index).map(|name| &**name)
    }

    /// All atoms; the one at position `i` has index `i + 1`. The first is the
    /// module's name.
    pub fn atoms(&self) -> &[Box<str>] {
        &self.atoms
    }

    /// Functions called in other modules, and BIFs.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Functions that other modules may call.
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// Functions that other modules may not call, if the file lists them.
    pub fn locals(&self) -> Result<Vec<Export>, BeamError> {
        match self.chunk(*b"LocT") {
            Some(data) => tables::exports(Cursor::new(data, ChunkName(*b"LocT")), self.atoms.len()),
            None => Ok(Vec::new()),
        }
    }

    /// The funs that the module creates.
    pub fn lambdas(&self) -> &[Lambda] {
        &self.lambdas
    }

    /// The constant terms.
    pub fn literals(&self) -> &Literals {
        &self.literals
    }

    /// The line table.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Drops the line table, as stripping the file would.
    pub fn drop_lines(&mut self) {
        self.lines = Lines::none(self.module());
    }

    /// The type table; nothing if the file has none that is known here.
    pub fn types(&self) -> Option<&[TypeEntry]> {
        self.types.as_deref()
    }

    /// The native records that the module defines.
    pub fn records(&self) -> &[RecordDefinition] {
        &self.records
    }

    /// The instructions.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The string table, which binary instructions refer to by byte offset.
    pub fn strings(&self) -> &[u8] {
        self.chunk(*b"StrT").unwrap_or_default()
    }

    /// Module attributes, in the external term format.
    pub fn attributes(&self) -> Option<&[u8]> {
        self.chunk(*b"Attr").filter(|data| !data.is_empty())
    }

    /// What the compiler says about the compilation, in the external term format.
    pub fn compile_info(&self) -> Option<&[u8]> {
        self.chunk(*b"CInf").filter(|data| !data.is_empty())
    }

    /// The data of any chunk.
    pub fn chunk(&self, name: [u8; 4]) -> Option<&[u8]> {
        self.chunk_named(ChunkName(name))
    }

    pub(crate) fn chunk_named(&self, name: ChunkName) -> Option<&[u8]> {
        self.bytes.get(self.directory.find(name)?)
    }

    /// The names of all chunks, in file order.
    pub fn chunk_names(&self) -> impl Iterator<Item = ChunkName> + '_ {
        self.directory.names()
    }

    /// The whole file, decompressed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The data of one chunk of a plain (not compressed) file, reading nothing but
/// the chunk headers; nothing where the file has no such chunk.
pub fn find_chunk(bytes: &[u8], name: [u8; 4]) -> Result<Option<&[u8]>, BeamError> {
    let place = Directory::read(bytes)?.find(ChunkName(name));
    Ok(place.and_then(|range| bytes.get(range)))
}

fn missing(name: &[u8; 4]) -> BeamError {
    BeamError { kind: BeamErrorKind::MissingChunk, chunk: Some(ChunkName(*name)), offset: 0 }
}

struct Chunks<'a> {
    bytes: &'a [u8],
    directory: &'a Directory,
}

impl<'a> Chunks<'a> {
    /// An empty chunk counts as none, as in the emulator.
    fn data(&self, name: &[u8; 4]) -> Option<&'a [u8]> {
        let range = self.directory.find(ChunkName(*name))?;
        self.bytes.get(range).filter(|data| !data.is_empty())
    }

    fn optional(&self, name: &[u8; 4]) -> Option<Cursor<'a>> {
        Some(Cursor::new(self.data(name)?, ChunkName(*name)))
    }

    fn required(&self, name: &[u8; 4]) -> Result<Cursor<'a>, BeamError> {
        self.optional(name).ok_or(missing(name))
    }
}
