//! `Code`: bytes into instructions.
//!
//! A [`Decoder`] fills one [`Instruction`] over and over, so that decoding
//! allocates nothing once the longest list has been seen. Every index that an
//! operand holds has been checked against the table it refers to.

use std::ops::Range;
use std::sync::Arc;

use crate::cursor::{Cursor, Number, tag};
use crate::error::{BeamError, BeamErrorKind, ChunkName};
use crate::opcode::Opcode;

/// The most operands that an instruction has.
pub const MAX_ARITY: usize = 8;

/// One beyond the highest register number.
const MAX_REGISTER: u64 = 1024;

const NAME: ChunkName = ChunkName(*b"Code");

/// An X or a Y register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Register {
    /// A register proper.
    X(u16),
    /// A stack slot.
    Y(u16),
}

/// One operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A number that is part of the instruction; below 2^63.
    U(u64),
    /// A number in place of a `U` that is too large for one.
    Overflow,
    /// An integer term.
    I(i64),
    /// An integer term that takes more than 64 bits: where its big-endian
    /// two's complement lies; see [`Code::bytes_at`].
    BigI {
        /// Offset in the chunk.
        start: u32,
        /// Number of bytes.
        len: u32,
    },
    /// An atom by its index; 0 is the empty list.
    Atom(u32),
    /// An X register.
    X(u16),
    /// A stack slot.
    Y(u16),
    /// A label; 0 is none.
    Label(u32),
    /// A literal by its index.
    Literal(u32),
    /// A floating point register.
    FloatReg(u16),
    /// The list that ends the instruction; see [`Instruction::list`].
    List {
        /// Its length.
        len: u32,
    },
    /// Heap need by kind.
    AllocList {
        /// Plain words.
        words: u32,
        /// Boxed floats.
        floats: u32,
        /// Funs.
        funs: u32,
    },
    /// A register with an index into the type table.
    Typed {
        /// The register.
        register: Register,
        /// The type of the value in it.
        type_index: u32,
    },
}

impl Operand {
    /// The operand with its type hint dropped.
    #[inline]
    pub fn untyped(self) -> Operand {
        match self {
            Operand::Typed { register: Register::X(n), .. } => Operand::X(n),
            Operand::Typed { register: Register::Y(n), .. } => Operand::Y(n),
            other => other,
        }
    }
}

/// A decoded instruction, made to be filled again and again.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Opcode,
    /// Where it starts, in bytes from the start of the chunk.
    pub offset: u32,
    args: [Operand; MAX_ARITY],
    list: Vec<Operand>,
}

impl Instruction {
    /// One to fill.
    pub fn new() -> Self {
        Instruction { op: Opcode::IntCodeEnd, offset: 0, args: [Operand::U(0); MAX_ARITY], list: Vec::new() }
    }

    /// One with these operands, as [`Decoder::next`] would read it; further ones are left out.
    pub fn of(op: Opcode, args: &[Operand], list: &[Operand]) -> Self {
        let mut of = Instruction { op, list: list.to_vec(), ..Instruction::new() };
        of.args.iter_mut().zip(args).for_each(|(to, from)| *to = *from);
        of
    }

    /// The operands; as many as [`Opcode::arity`] says.
    #[inline]
    pub fn args(&self) -> &[Operand] {
        self.args.get(..self.op.arity()).unwrap_or(&self.args)
    }

    /// The elements of the [`Operand::List`] among the operands.
    #[inline]
    pub fn list(&self) -> &[Operand] {
        &self.list
    }
}

impl Default for Instruction {
    fn default() -> Self {
        Instruction::new()
    }
}

/// The sizes of the tables that operands refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub atoms: u32,
    pub literals: u32,
    /// Nothing if there is no usable type table: then any index will do.
    pub types: Option<u32>,
}

/// The instructions of a module. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Code {
    chunk: Arc<[u8]>,
    start: usize,
    max_opcode: u32,
    labels: u32,
    functions: u32,
    pub(crate) limits: Limits,
}

impl Code {
    pub(crate) fn read(chunk: &[u8], limits: Limits) -> Result<Code, BeamError> {
        let mut cursor = Cursor::new(chunk, NAME);
        let head = cursor.u32()? as usize;
        let start = cursor.pos() + head;
        cursor.take(head)?;
        let mut cursor = Cursor::at(chunk.get(..start).unwrap_or_default(), 4, NAME);
        let set = cursor.u32()?;
        if set != 0 {
            return Err(cursor.error_at(BeamErrorKind::BadInstructionSet(set), 4));
        }
        let at = cursor.pos();
        let max_opcode = cursor.u32()?;
        if max_opcode > Opcode::MAX.into() {
            return Err(cursor.error_at(BeamErrorKind::TooNew { max_opcode }, at));
        }
        let [labels, functions] = [cursor.u32()?, cursor.u32()?];
        Ok(Code { chunk: chunk.into(), start, max_opcode, labels, functions, limits })
    }

    /// The highest instruction number used, as the file says.
    pub fn max_opcode(&self) -> u32 {
        self.max_opcode
    }

    /// One beyond the highest label, as the file says. Operands are checked
    /// against it, definitions too; its size is not to be trusted.
    pub fn label_count(&self) -> u32 {
        self.labels
    }

    /// The number of functions, as the file says.
    pub fn function_count(&self) -> u32 {
        self.functions
    }

    /// Where the instructions lie in the chunk.
    pub fn range(&self) -> Range<u32> {
        self.start as u32..self.chunk.len() as u32
    }

    /// Bytes of the chunk, such as those of an [`Operand::BigI`].
    pub fn bytes_at(&self, start: u32, len: u32) -> Option<&[u8]> {
        self.chunk.get(start as usize..)?.get(..len as usize)
    }

    /// Decodes from the first instruction to the end of the code.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder { cursor: self.cursor(self.start, self.chunk.len()), code: self, whole: true }
    }

    /// Decodes the instructions in a range, such as [`Function::range`].
    ///
    /// [`Function::range`]: crate::Function
    pub fn decode(&self, range: Range<u32>) -> Decoder<'_> {
        let cursor = self.cursor(range.start as usize, range.end as usize);
        Decoder { cursor, code: self, whole: false }
    }

    /// Decodes what another chunk of the module encodes like instructions.
    pub(crate) fn decode_chunk<'a>(&'a self, cursor: Cursor<'a>) -> Decoder<'a> {
        Decoder { cursor, code: self, whole: false }
    }

    pub(crate) fn cursor(&self, start: usize, end: usize) -> Cursor<'_> {
        Cursor::at(self.chunk.get(..end).unwrap_or(&self.chunk), start, NAME)
    }
}

/// Gives one instruction after the other.
pub struct Decoder<'a> {
    cursor: Cursor<'a>,
    code: &'a Code,
    whole: bool,
}

impl Decoder<'_> {
    /// Where the next instruction starts, in bytes from the start of the chunk.
    pub fn offset(&self) -> u32 {
        self.cursor.pos() as u32
    }

    /// Fills `into` with the next instruction; false at the end. The last one
    /// of a module is `int_code_end`, and bytes behind it are ignored.
    #[inline]
    pub fn next(&mut self, into: &mut Instruction) -> Result<bool, BeamError> {
        let offset = self.cursor.pos();
        if self.cursor.remaining() == 0 {
            return match self.whole {
                true => Err(self.cursor.error(BeamErrorKind::Truncated)),
                false => Ok(false),
            };
        }
        let number = self.cursor.u8()?;
        let Some(op) = Opcode::from_u8(number) else {
            return Err(self.cursor.error_at(BeamErrorKind::UnknownOpcode(number), offset));
        };
        into.op = op;
        into.offset = offset as u32;
        into.list.clear();
        let arity = op.arity();
        for position in 0..arity {
            let operand = match self.short() {
                Some(operand) => operand,
                None => self.operand(position + 1 == arity, &mut into.list)?,
            };
            if let Some(place) = into.args.get_mut(position) {
                *place = operand;
            }
        }
        if op == Opcode::IntCodeEnd {
            self.cursor = self.code.cursor(self.cursor.pos(), self.cursor.pos());
            self.whole = false;
        }
        Ok(true)
    }

    /// The common operands in their short forms. What is left over, and what
    /// is wrong, is for [`operand`](Self::operand), from the same position.
    #[inline(always)]
    fn short(&mut self) -> Option<Operand> {
        let start = self.cursor.pos();
        let found = self.cursor.short().and_then(|(tag, value)| {
            let limits = &self.code.limits;
            Some(match tag {
                tag::U => Operand::U(value.into()),
                tag::I => Operand::I(value.into()),
                tag::A if value <= limits.atoms => Operand::Atom(value),
                tag::X if u64::from(value) < MAX_REGISTER => Operand::X(value as u16),
                tag::Y if u64::from(value) < MAX_REGISTER => Operand::Y(value as u16),
                tag::F if value < self.code.labels => Operand::Label(value),
                tag::Z if value == 4 => match self.cursor.short() {
                    Some((tag::U, index)) if index < limits.literals => Operand::Literal(index),
                    _ => return None,
                },
                _ => return None,
            })
        });
        if found.is_none() {
            self.cursor.rewind(start);
        }
        found
    }

    /// Any operand, checked in full.
    fn operand(&mut self, last: bool, list: &mut Vec<Operand>) -> Result<Operand, BeamError> {
        let at = self.cursor.pos();
        let (tag, number) = self.cursor.tagged()?;
        match self.simple(at, tag, number)? {
            Some(operand) => Ok(operand),
            None => self.list(at, number, last, list),
        }
    }

    /// An operand of any kind but a list, for which it gives nothing.
    #[inline]
    fn simple(&mut self, at: usize, tag: u8, number: Number) -> Result<Option<Operand>, BeamError> {
        let word = match number {
            Number::Word(word) if word <= i64::MAX as u64 || tag == tag::I => word,
            _ => return self.wide(at, tag, number).map(Some),
        };
        Ok(Some(match tag {
            tag::U => Operand::U(word),
            tag::I => Operand::I(word as i64),
            tag::A => {
                // Index 0 is the empty list, so the last atom's is the count.
                if word > self.code.limits.atoms.into() {
                    return Err(self.out_of_range(at, "atom", word));
                }
                Operand::Atom(word as u32)
            }
            tag::X => Operand::X(self.register(at, word)?),
            tag::Y => Operand::Y(self.register(at, word)?),
            tag::F => {
                if word != 0 && word >= self.code.labels.into() {
                    return Err(self.out_of_range(at, "label", word));
                }
                Operand::Label(word as u32)
            }
            tag::Z => return self.extended(at, word),
            _ => return Err(self.cursor.error_at(BeamErrorKind::BadTag(tag), at)),
        }))
    }

    #[cold]
    fn wide(&self, at: usize, tag: u8, number: Number) -> Result<Operand, BeamError> {
        match (tag, number) {
            (tag::U, _) => Ok(Operand::Overflow),
            (tag::I, Number::Wide { start, len }) => Ok(Operand::BigI { start: start as u32, len: len as u32 }),
            _ => Err(self.cursor.error_at(BeamErrorKind::NumberTooLarge, at)),
        }
    }

    fn extended(&mut self, at: usize, word: u64) -> Result<Option<Operand>, BeamError> {
        Ok(Some(match word {
            1 => return Ok(None),
            2 => {
                let number = self.cursor.index()?;
                Operand::FloatReg(self.register(at, number.into())?)
            }
            3 => self.alloc_list(at)?,
            4 => {
                let index = self.cursor.index()?;
                if index >= self.code.limits.literals {
                    return Err(self.out_of_range(at, "literal", index.into()));
                }
                Operand::Literal(index)
            }
            5 => {
                let register = match self.cursor.tagged()? {
                    (tag::X, Number::Word(word)) => Register::X(self.register(at, word)?),
                    (tag::Y, Number::Word(word)) => Register::Y(self.register(at, word)?),
                    (tag, _) => return Err(self.cursor.error_at(BeamErrorKind::BadTag(tag), at)),
                };
                let type_index = self.cursor.index()?;
                if self.code.limits.types.is_some_and(|types| type_index >= types) {
                    return Err(self.out_of_range(at, "type", type_index.into()));
                }
                Operand::Typed { register, type_index }
            }
            _ => return Err(self.cursor.error_at(BeamErrorKind::BadTag(tag::Z), at)),
        }))
    }

    fn alloc_list(&mut self, at: usize) -> Result<Operand, BeamError> {
        let [mut words, mut floats, mut funs] = [0u32; 3];
        let count = self.cursor.index()?;
        if count > 3 {
            return Err(self.cursor.error_at(BeamErrorKind::ImplausibleCount(count.into()), at));
        }
        for _ in 0..count {
            let place = match self.cursor.index()? {
                0 => &mut words,
                1 => &mut floats,
                2 => &mut funs,
                other => return Err(self.out_of_range(at, "allocation kind", other.into())),
            };
            let number = self.cursor.index()?;
            // Bounded so that a loader can add the kinds up in 32 bits.
            match place.checked_add(number).filter(|sum| *sum <= 1 << 26) {
                Some(sum) => *place = sum,
                None => return Err(self.cursor.error_at(BeamErrorKind::NumberTooLarge, at)),
            }
        }
        Ok(Operand::AllocList { words, floats, funs })
    }

    /// The list at the end of an instruction; its elements are no lists.
    fn list(&mut self, at: usize, number: Number, last: bool, list: &mut Vec<Operand>) -> Result<Operand, BeamError> {
        if !last || number != Number::Word(1) {
            return Err(self.cursor.error_at(BeamErrorKind::BadTag(tag::Z), at));
        }
        let len = self.cursor.index()?;
        // An element takes at least one byte.
        if len as usize > self.cursor.remaining() {
            return Err(self.cursor.error_at(BeamErrorKind::ImplausibleCount(len.into()), at));
        }
        list.reserve(len as usize);
        for _ in 0..len {
            if let Some(operand) = self.short() {
                list.push(operand);
                continue;
            }
            let at = self.cursor.pos();
            let (tag, number) = self.cursor.tagged()?;
            match self.simple(at, tag, number)? {
                Some(operand) => list.push(operand),
                None => return Err(self.cursor.error_at(BeamErrorKind::BadTag(tag), at)),
            }
        }
        Ok(Operand::List { len })
    }

    #[inline]
    fn register(&self, at: usize, number: u64) -> Result<u16, BeamError> {
        match number < MAX_REGISTER {
            true => Ok(number as u16),
            false => Err(self.out_of_range(at, "register", number)),
        }
    }

    #[cold]
    fn out_of_range(&self, at: usize, table: &'static str, index: u64) -> BeamError {
        self.cursor.error_at(BeamErrorKind::IndexOutOfRange { table, index }, at)
    }
}
