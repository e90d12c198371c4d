//! Translated code as text: an instruction's name and its operands, for people and for tests.

use super::instr::{Dst, Instr, Src, *};
use super::isa::{Operand, Operands, target};
use super::{FnEntry, consts};
use std::fmt::{self, Display, Write};

/// An instruction and where it stands in its function, which jumps are told by.
struct Listed<'a> {
    instr: &'a Instr,
    index: usize,
}

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.instr.name())?;
        let mut result = Ok(());
        self.instr.visit(&mut |name, operand| {
            result = result.and_then(|()| {
                write!(f, " {name}=")?;
                show(f, self.index, operand)
            });
        });
        result
    }
}

impl fmt::Debug for Instr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Listed { instr: self, index: 0 }.fmt(f)
    }
}

fn show(f: &mut fmt::Formatter<'_>, index: usize, operand: Operand<'_>) -> fmt::Result {
    match operand {
        Operand::Src(s) => source(f, s),
        Operand::Dst(Dst(d)) => source(f, Src(d)),
        Operand::Jump(NO_FAIL) => f.write_str("-"),
        Operand::Jump(rel) => write!(f, "@{}", target(index, rel) as isize),
        Operand::FloatSrc(n) | Operand::FloatDst(n) => write!(f, "fr{n}"),
        Operand::Number(n) => write!(f, "{n}"),
        Operand::Live(n) => write!(f, "{n}"),
        Operand::Value(t) => f.write_str(&text(t)),
        Operand::Name(n) => n.fmt(f),
        Operand::Bytes(b) => write!(f, "{:?}", String::from_utf8_lossy(b)),
    }
}

fn source(f: &mut fmt::Formatter<'_>, s: Src) -> fmt::Result {
    match s.kind() {
        0 => write!(f, "x{}", s.0 >> 2),
        1 => write!(f, "y{}", s.0 >> 2),
        2 => f.write_str(&text(consts::get(s.0 >> 2))),
        _ => f.write_str(&text(s.inlined())),
    }
}

/// A term, cut where it gets long.
pub fn text(t: purlin_term::Term) -> String {
    const MOST: usize = 60;
    let all = String::from_utf8_lossy(&purlin_term::print::to_bytes(t, 50)).into_owned();
    match all.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &all[..at]),
        None => all,
    }
}

/// A translated function: its name, and its instructions.
pub fn function(entry: &FnEntry, covers: impl Fn(&[Instr], usize) -> usize) -> Option<String> {
    Some(format!("{}\n{}\n", entry.mfa, lines(entry, covers)?.join("\n")))
}

/// The instructions of a translated function, a line for each: its number, its name and operands, and the line of the source that
/// begins there. `+` marks those whose work is done by the one before; `covers` says how many follow that an instruction does.
pub fn lines(entry: &FnEntry, covers: impl Fn(&[Instr], usize) -> usize) -> Option<Vec<String>> {
    let decoded = entry.decoded.get()?;
    let code: Vec<Instr> = decoded.code.iter().map(|op| op.instr).collect();
    let mut covered = 0;
    let line = |(index, instr)| {
        let mark = if covered > 0 { '+' } else { ' ' };
        covered = if covered > 0 { covered - 1 } else { covers(&code, index) };
        let mut out = format!("{index:>5} {mark} {}", Listed { instr, index });
        if decoded.lines.iter().any(|&(at, _)| at as usize == index)
            && let Some((_, line)) = entry.line(index)
        {
            let _ = write!(out, "    % line {line}");
        }
        out
    };
    Some(code.iter().enumerate().map(line).collect())
}
