//! Where each function and label lies, found in one pass over the code that
//! looks at operand lengths and little else.
//!
//! A function starts at a `label` that is followed, with at most a `line`
//! between, by `func_info`; the label right after `func_info` is its entry.

use std::ops::Range;

use crate::code::Code;
use crate::cursor::{Cursor, Number, tag};
use crate::error::{BeamError, BeamErrorKind};
use crate::opcode::Opcode;

/// One function of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, an atom.
    pub name: u32,
    /// How many arguments it takes.
    pub arity: u8,
    /// The label of its `func_info`, where a failed clause match jumps.
    pub info_label: u32,
    /// The label that callers jump to.
    pub entry: u32,
    /// Index into the line table of its head; 0 where there is none.
    pub line: u32,
    /// Its instructions, for [`Code::decode`]: from the `label` before
    /// `func_info` to the next function or `int_code_end`.
    pub range: Range<u32>,
}

/// Marks a label that no instruction defines.
const UNDEFINED: u32 = u32::MAX;

/// No module comes near this many labels; a larger one is refused rather than
/// given a table of that size.
const MAX_LABEL: u64 = 1 << 22;

/// All functions of a module and where its labels are.
#[derive(Clone, Debug, Default)]
pub struct CodeIndex {
    /// The functions, in the order of the code.
    pub functions: Vec<Function>,
    /// How many instructions there are, `int_code_end` included.
    pub instructions: u64,
    /// The position in `functions` of the one to call when the module is loaded.
    pub on_load: Option<usize>,
    /// The positions in `functions` of those that a native library may take, if the module says which.
    pub nifs: Vec<u32>,
    /// The offsets of the `bs_match` instructions, which have a language of their own.
    pub matches: Vec<u32>,
    labels: Vec<u32>,
    /// Label and offset, in the order of the code.
    places: Vec<(u32, u32)>,
}

impl CodeIndex {
    /// The offset of the `label` instruction that defines a label.
    pub fn label(&self, label: u32) -> Option<u32> {
        self.labels.get(label as usize).copied().filter(|at| *at != UNDEFINED)
    }

    /// The position in `functions` of the one that holds this code offset.
    pub fn function_at(&self, offset: u32) -> Option<usize> {
        let after = self.functions.partition_point(|function| function.range.start <= offset);
        let position = after.checked_sub(1)?;
        self.functions.get(position).filter(|function| offset < function.range.end)?;
        Some(position)
    }

    /// The position in `functions` of the one that a label lies in.
    pub fn function_of_label(&self, label: u32) -> Option<usize> {
        self.function_at(self.label(label)?)
    }

    /// The labels within a function, with their offsets, in the order of the
    /// code.
    pub fn labels_of(&self, function: &Function) -> &[(u32, u32)] {
        let before = |end: u32| self.places.partition_point(|(_, at)| *at < end);
        self.places.get(before(function.range.start)..before(function.range.end)).unwrap_or(&[])
    }

    fn define(&mut self, label: u32, at: u32) -> Result<(), BeamErrorKind> {
        let needed = label as usize + 1;
        if self.labels.len() < needed {
            self.labels.resize(needed, UNDEFINED);
        }
        match self.labels.get_mut(label as usize) {
            Some(place) if *place == UNDEFINED => {
                *place = at;
                self.places.push((label, at));
                Ok(())
            }
            _ => Err(BeamErrorKind::DuplicateLabel(label)),
        }
    }
}

/// The `label` and `line` seen just before the current instruction.
#[derive(Clone, Copy, Default)]
struct Head {
    label: Option<(u32, u32)>,
    line: Option<u32>,
}

impl Code {
    /// Finds all functions and labels.
    pub fn index(&self) -> Result<CodeIndex, BeamError> {
        let mut index = CodeIndex::default();
        let range = self.range();
        let mut cursor = self.cursor(range.start as usize, range.end as usize);
        let mut head = Head::default();
        let mut entry_due = false;
        loop {
            let at = cursor.pos();
            let number = cursor.u8()?;
            index.instructions += 1;
            let op = match Opcode::from_u8(number) {
                Some(op) => op,
                None => return Err(cursor.error_at(BeamErrorKind::UnknownOpcode(number), at)),
            };
            let malformed = |why| cursor.error_at(BeamErrorKind::BadFunction(why), at);
            if entry_due && op != Opcode::Label {
                return Err(malformed("no label behind func_info"));
            }
            match op {
                Opcode::Label => {
                    let label = cursor.index()?;
                    if label >= self.label_count() || u64::from(label) > MAX_LABEL {
                        let kind = BeamErrorKind::IndexOutOfRange { table: "label", index: label.into() };
                        return Err(cursor.error_at(kind, at));
                    }
                    index.define(label, at as u32).map_err(|kind| cursor.error_at(kind, at))?;
                    if entry_due && let Some(function) = index.functions.last_mut() {
                        function.entry = label;
                    }
                    head = Head { label: (!entry_due).then_some((label, at as u32)), line: None };
                    entry_due = false;
                }
                Opcode::Line => {
                    let operand = cursor.pos();
                    head = match (cursor.short(), head.line) {
                        (Some((tag::U, line)), None) => Head { line: Some(line), ..head },
                        _ => {
                            cursor.rewind(operand);
                            self.long_line(&mut cursor, head)?
                        }
                    };
                }
                Opcode::FuncInfo => {
                    let Some((info_label, start)) = head.label else {
                        return Err(malformed("no label before func_info"));
                    };
                    if let Some(previous) = index.functions.last_mut() {
                        previous.range.end = start;
                    }
                    let (name, arity) = self.func_info(&mut cursor)?;
                    index.functions.push(Function {
                        name,
                        arity,
                        info_label,
                        entry: 0,
                        line: head.line.unwrap_or(0),
                        range: start..start,
                    });
                    head = Head::default();
                    entry_due = true;
                }
                Opcode::IntCodeEnd => {
                    if let Some(previous) = index.functions.last_mut() {
                        previous.range.end = at as u32;
                    }
                    return Ok(index);
                }
                _ => {
                    if op == Opcode::BsMatch {
                        index.matches.push(at as u32);
                    }
                    if op == Opcode::NifStart {
                        index.nifs.extend(index.functions.len().checked_sub(1).map(|at| at as u32));
                    }
                    if op == Opcode::OnLoad {
                        index.on_load = index.functions.len().checked_sub(1);
                    }
                    head = Head::default();
                    for _ in 0..op.arity() {
                        skip_operand(&mut cursor)?;
                    }
                }
            }
        }
    }

    /// A `line` whose operand takes more than two bytes or is no number, or
    /// that is not the first behind the label.
    #[cold]
    fn long_line(&self, cursor: &mut Cursor<'_>, head: Head) -> Result<Head, BeamError> {
        let at = cursor.pos();
        match (cursor.tagged()?, head.line) {
            ((tag::U, Number::Word(line)), None) if line <= u32::MAX.into() => {
                Ok(Head { line: Some(line as u32), ..head })
            }
            _ => {
                cursor.rewind(at);
                skip_operand(cursor)?;
                Ok(Head::default())
            }
        }
    }

    fn func_info(&self, cursor: &mut Cursor<'_>) -> Result<(u32, u8), BeamError> {
        let at = cursor.pos();
        let malformed =
            |cursor: &Cursor<'_>| cursor.error_at(BeamErrorKind::BadFunction("func_info names no function"), at);
        skip_operand(cursor)?;
        let name = match cursor.tagged()? {
            (tag::A, Number::Word(name)) if (1..=self.limits.atoms.into()).contains(&name) => name,
            _ => return Err(malformed(cursor)),
        };
        let arity = match cursor.tagged()? {
            (tag::U, Number::Word(arity)) if arity <= 255 => arity,
            _ => return Err(malformed(cursor)),
        };
        Ok((name as u32, arity as u8))
    }
}

/// Passes over an operand, a list with its elements.
#[inline]
fn skip_operand(cursor: &mut Cursor<'_>) -> Result<(), BeamError> {
    let at = cursor.pos();
    match cursor.short() {
        Some((tag, _)) if tag != tag::Z => return Ok(()),
        _ => cursor.rewind(at),
    }
    match cursor.tagged()? {
        (tag::Z, Number::Word(1)) => {
            for _ in 0..cursor.index()? {
                let at = cursor.pos();
                match cursor.short() {
                    Some((tag, _)) if tag != tag::Z => continue,
                    _ => cursor.rewind(at),
                }
                if let (tag::Z, number) = cursor.tagged()? {
                    skip_extended(cursor, at, number)?;
                }
            }
            Ok(())
        }
        (tag::Z, number) => skip_extended(cursor, at, number),
        _ => Ok(()),
    }
}

fn skip_extended(cursor: &mut Cursor<'_>, at: usize, number: Number) -> Result<(), BeamError> {
    let terms = match number {
        Number::Word(2 | 4) => 1,
        Number::Word(3) => cursor.index()?.saturating_mul(2),
        Number::Word(5) => 2,
        _ => return Err(cursor.error_at(BeamErrorKind::BadTag(tag::Z), at)),
    };
    for _ in 0..terms {
        cursor.tagged()?;
    }
    Ok(())
}
