//! A readable listing of a module's code.
//!
//! A heading per function, labels as `L7:`, then one instruction per line with
//! its operands resolved as their kinds in the opcode table say. What an
//! operand refers to but the file lacks is printed as its number.

use std::fmt::Write;

use crate::atom::quoted;
use crate::code::{Decoder, Instruction, Operand, Register};
use crate::error::BeamError;
use crate::file::BeamFile;
use crate::functions::Function;
use crate::opcode::{Opcode, OperandKind};
use crate::types::TypeEntry;

/// Turns a literal's external term bytes into text.
pub type LiteralPrinter<'a> = &'a dyn Fn(&[u8]) -> Option<String>;

/// The listing of a whole module, literals shown as their numbers.
pub fn disassemble(file: &BeamFile) -> Result<String, BeamError> {
    Disassembler::new(file).module()
}

/// Prints modules and functions.
pub struct Disassembler<'a> {
    file: &'a BeamFile,
    printer: Option<LiteralPrinter<'a>>,
}

impl<'a> Disassembler<'a> {
    /// One that shows a literal as `#lit` and its number.
    pub fn new(file: &'a BeamFile) -> Self {
        Disassembler { file, printer: None }
    }

    /// One that shows literals as `printer` gives them.
    pub fn with_literals(file: &'a BeamFile, printer: LiteralPrinter<'a>) -> Self {
        Disassembler { file, printer: Some(printer) }
    }

    /// The listing of the module.
    pub fn module(&self) -> Result<String, BeamError> {
        let index = self.file.code().index()?;
        let mut out = format!("module {}\n", quoted(self.file.module()));
        for export in self.file.exports() {
            let _ = writeln!(out, "export {}/{}", self.atom(export.function), export.arity);
        }
        for function in &index.functions {
            out.push('\n');
            self.print_function(function, &mut out)?;
        }
        Ok(out)
    }

    /// The listing of one function.
    pub fn function(&self, function: &Function) -> Result<String, BeamError> {
        let mut out = String::new();
        self.print_function(function, &mut out)?;
        Ok(out)
    }

    /// One instruction, without label decoration or line break.
    pub fn instruction(&self, instruction: &Instruction) -> String {
        let mut out = String::new();
        self.print_instruction(instruction, &mut out);
        out
    }

    fn print_function(&self, function: &Function, out: &mut String) -> Result<(), BeamError> {
        let _ = writeln!(out, "{}/{}", self.atom(function.name), function.arity);
        let mut decoder: Decoder<'_> = self.file.code().decode(function.range.clone());
        let mut instruction = Instruction::new();
        while decoder.next(&mut instruction)? {
            match (instruction.op, instruction.args()) {
                (Opcode::Label, [Operand::U(label)]) => {
                    let _ = write!(out, "  L{label}:");
                }
                _ => {
                    out.push_str("    ");
                    self.print_instruction(&instruction, out);
                }
            }
            out.push('\n');
        }
        Ok(())
    }

    fn print_instruction(&self, instruction: &Instruction, out: &mut String) {
        let op = instruction.op;
        out.push_str(op.name());
        let mut previous = None;
        for (operand, kind) in instruction.args().iter().zip(op.kinds()) {
            out.push(' ');
            match (*kind, *operand) {
                (OperandKind::StringOffset, Operand::U(offset)) => {
                    self.print_string(op, offset, previous, out);
                }
                (kind, Operand::U(number)) => self.print_number(kind, number, out),
                (_, Operand::List { .. }) => {
                    out.push('[');
                    for (position, element) in instruction.list().iter().enumerate() {
                        if position > 0 {
                            out.push_str(", ");
                        }
                        self.print_operand(*element, out);
                    }
                    out.push(']');
                }
                (_, operand) => self.print_operand(operand, out),
            }
            previous = Some(*operand);
        }
    }

    /// A number that may be an index into one of the tables.
    fn print_number(&self, kind: OperandKind, number: u64, out: &mut String) {
        let resolved = match kind {
            OperandKind::Import => self.import(number),
            OperandKind::Lambda | OperandKind::FunTag => self.lambda(number),
            OperandKind::Line => self.line(number),
            _ => None,
        };
        let _ = match resolved {
            Some(text) => write!(out, "{text}"),
            None => write!(out, "{number}"),
        };
    }

    fn import(&self, number: u64) -> Option<String> {
        let import = self.file.imports().get(usize::try_from(number).ok()?)?;
        let (module, function) = (self.atom(import.module), self.atom(import.function));
        Some(format!("{module}:{function}/{}", import.arity))
    }

    fn lambda(&self, number: u64) -> Option<String> {
        let lambda = self.file.lambdas().get(usize::try_from(number).ok()?)?;
        Some(format!("fun({}/{})", self.atom(lambda.function), lambda.arity))
    }

    fn line(&self, number: u64) -> Option<String> {
        let (file, line) = self.file.lines().location(u32::try_from(number).ok()?)?;
        Some(format!("{file}:{line}"))
    }

    /// Bytes of the string table; the operand before says how many bytes or,
    /// when matching, bits.
    fn print_string(&self, op: Opcode, offset: u64, size: Option<Operand>, out: &mut String) {
        let len = match (op, size) {
            (Opcode::BsMatchString, Some(Operand::U(bits))) => bits.div_ceil(8),
            (_, Some(Operand::U(bytes))) => bytes,
            _ => 0,
        };
        let bytes = usize::try_from(offset).ok().zip(usize::try_from(len).ok());
        let bytes = bytes.and_then(|(offset, len)| self.file.strings().get(offset..)?.get(..len));
        let _ = match bytes {
            Some(bytes) => write!(out, "\"{}\"", bytes.escape_ascii()),
            None => write!(out, "{offset}"),
        };
    }

    fn print_operand(&self, operand: Operand, out: &mut String) {
        let _ = match operand {
            Operand::U(number) => write!(out, "{number}"),
            Operand::Overflow => write!(out, "overflow"),
            Operand::I(number) => write!(out, "{number}"),
            Operand::BigI { start, len } => {
                let bytes = self.file.code().bytes_at(start, len).unwrap_or_default();
                return print_big(bytes, out);
            }
            Operand::Atom(0) => write!(out, "[]"),
            Operand::Atom(index) => write!(out, "{}", self.atom(index)),
            Operand::X(number) => write!(out, "x{number}"),
            Operand::Y(number) => write!(out, "y{number}"),
            Operand::Label(0) => write!(out, "-"),
            Operand::Label(label) => write!(out, "L{label}"),
            Operand::FloatReg(number) => write!(out, "fr{number}"),
            Operand::List { len } => write!(out, "[{len}]"),
            Operand::AllocList { words, floats, funs } => {
                write!(out, "{{words {words}, floats {floats}, funs {funs}}}")
            }
            Operand::Literal(index) => {
                let bytes = self.file.literals().get(index);
                match self.printer.zip(bytes).and_then(|(printer, bytes)| printer(bytes)) {
                    Some(text) => write!(out, "{text}"),
                    None => write!(out, "#lit {index}"),
                }
            }
            Operand::Typed { register, type_index } => {
                let _ = match register {
                    Register::X(number) => write!(out, "x{number}"),
                    Register::Y(number) => write!(out, "y{number}"),
                };
                match self.file.types().and_then(|types| types.get(type_index as usize)) {
                    Some(entry) => write!(out, ":{entry}"),
                    None => write!(out, ":type {type_index}"),
                }
            }
        };
    }

    fn atom(&self, index: u32) -> String {
        self.file.atom(index).map_or_else(|| format!("#atom {index}"), quoted)
    }
}

/// A big-endian two's complement number in Erlang's base 16 notation.
fn print_big(bytes: &[u8], out: &mut String) {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut digits: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in digits.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(carry.into());
            (*byte, carry) = (sum, over);
        }
        out.push('-');
    }
    out.push_str("16#");
    for byte in digits.iter().skip_while(|byte| **byte == 0) {
        let _ = write!(out, "{byte:02X}");
    }
}

impl std::fmt::Display for TypeEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [&str; 12] =
            ["atom", "bitstring", "cons", "float", "fun", "integer", "map", "nil", "pid", "port", "reference", "tuple"];
        if self.set == TypeEntry::ANY {
            return f.write_str("any");
        }
        let mut separator = "";
        for (bit, name) in NAMES.iter().enumerate() {
            if self.set & 1 << bit != 0 {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        match (self.min, self.max) {
            (None, None) => Ok(()),
            (Some(min), None) => write!(f, "({min}..)"),
            (None, Some(max)) => write!(f, "(..{max})"),
            (Some(min), Some(max)) => write!(f, "({min}..{max})"),
        }
    }
}
