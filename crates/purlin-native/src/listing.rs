//! Machine code as text, beside the instructions that it was made of: for people and for tests.

use crate::compile::{self, BEFORE};
use crate::flow::{Flow, Graph};
use crate::helpers::Helper;
use crate::links::{self, Symbol};
use crate::memory;
use crate::object::Link;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind};
use purlin_term::Term;
use purlin_vm::code::compiler::Unit;
use purlin_vm::code::instr::{Instr, Op};
use purlin_vm::code::isa::target;
use purlin_vm::code::listing;
use purlin_vm::tier::handlers::step;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// The machine code that the function gets, or why it gets none. Addresses count from where the code begins.
pub fn of(unit: &Unit<'_>) -> Result<String, String> {
    let mut emitted = compile::prepare(unit)?;
    let flow = Flow::of(unit).ok_or("its registers are not known")?;
    let lines = listing::lines(unit.entry, |_, i| (unit.covers)(i)).ok_or("it is not translated")?;
    let mut origins = Vec::new();
    let object = emitted.object(|bytes, i| origins.push((bytes, i))).ok_or("the back end refuses it")?;
    let area = memory::area().map_or(0, |area| area.addresses().0);
    let bytes = object.linked(|symbol| symbol.word(unit.ops, area)).ok_or("a word of it is not known")?;
    let entries = object.entries.iter().map(|&(i, at)| (i as usize, at as usize)).collect();
    Ok(Text { flow: &flow, lines: &lines, bytes: &bytes, links: &object.links, origins, entries }.all())
}

/// What a word in machine code stands for.
fn meaning(symbol: Symbol, ops: &[Op]) -> Option<String> {
    let (i, place) = match symbol {
        Symbol::Start => return None,
        Symbol::Helper(n, _) => return Helper::ALL.get(n as usize).map(|helper| format!("helper {helper:?}")),
        Symbol::Area => return Some("the first address of machine code".into()),
        Symbol::Word { instr, place } => (instr as usize, place),
    };
    Some(match (place, ops.get(i)?.instr) {
        (links::OWN, _) => format!("instruction {i}"),
        (links::HANDLER, _) => format!("handler of {i}"),
        (links::BEHIND, _) => format!("return to {}", i + 1),
        (_, Instr::Call(f) | Instr::CallLast(f, _) | Instr::CallOnly(f)) => f.mfa.to_string(),
        (_, Instr::CallExt(e) | Instr::CallExtLast(e, _) | Instr::CallExtOnly(e)) => e.mfa.to_string(),
        (_, Instr::Catch { handler, .. }) => format!("catch at {}", target(i, handler)),
        (n, Instr::MakeFun(_)) if n == links::BEHIND + 1 => format!("operands of {i}"),
        (n, Instr::Guard(_)) if n == links::BEHIND + 1 => format!("where the key of {i} stood last"),
        (n, Instr::GetMapElements(get)) if ((n - links::BEHIND) as usize) <= get.pairs.len() => {
            format!("where key {} of {i} stood last", n - links::BEHIND)
        }
        (n, instr) => {
            let word = *links::words(ops, i).get(n as usize)?;
            if step(&instr).is_some_and(|f| f as usize as u64 == word) {
                return Some(format!("step of {i}"));
            }
            // SAFETY: LIVE: the other words of an instruction are its constants.
            listing::text(unsafe { Term::from_raw(word) })
        }
    })
}

struct Text<'a> {
    flow: &'a Flow,
    lines: &'a [String],
    bytes: &'a [u8],
    /// Which words in it stand for what.
    links: &'a [Link],
    /// Which bytes were made of which instruction.
    origins: Vec<(Range<usize>, usize)>,
    /// The entries' instructions, and where their code begins.
    entries: Vec<(usize, usize)>,
}

/// A machine instruction, and the instruction that it was made of.
struct Line {
    machine: Instruction,
    origin: Option<usize>,
}

impl Text<'_> {
    fn all(&self) -> String {
        let mut out = format!("{}\n", self.flow.entry.mfa);
        for (n, &(entry, start)) in self.entries.iter().enumerate() {
            let next = self.entries.get(n + 1).map_or(self.bytes.len(), |e| e.1);
            // Constants stand behind the code.
            let within = self.origins.iter().map(|o| o.0.end).filter(|&end| end > start && end <= next);
            let end = within.max().unwrap_or(start + BEFORE);
            let _ = writeln!(out, "entry at instruction {entry}, {} bytes", end - start);
            let code = self.code(start, end);
            let of = |out: &mut String, origin| {
                code.iter().filter(|l| l.origin == origin).for_each(|l| self.line(out, l, &code));
            };
            of(&mut out, None);
            for i in self.reached(entry) {
                let _ = writeln!(out, "{}", self.lines[i]);
                of(&mut out, Some(i));
            }
        }
        out
    }

    /// The instructions that the code of an entry does, or leaves to their handlers.
    fn reached(&self, entry: usize) -> BTreeSet<usize> {
        Graph::from(self.flow, entry).blocks.iter().flat_map(|(&from, b)| from..b.end).collect()
    }

    /// The machine code of an entry. That what the back end adds where blocks begin and end has no origin of its own: it belongs
    /// to what is in front of it where it ends in a jump, else to what is behind it; at the beginning to nothing.
    fn code(&self, start: usize, end: usize) -> Vec<Line> {
        let decoder = |from, to| Decoder::with_ip(64, &self.bytes[from..to], from as u64, DecoderOptions::NONE);
        let (mut before, mut behind) = (decoder(start, start + BEFORE), decoder(start + BEFORE, end));
        let all = before.iter().chain(behind.iter());
        let mut code: Vec<Line> =
            all.map(|machine| Line { origin: self.origin(machine.ip() as usize), machine }).collect();
        let targets: BTreeSet<u64> = code.iter().map(|l| l.machine.near_branch_target()).filter(|&to| to > 0).collect();
        let mut from = code.iter().position(|l| l.origin.is_some() || targets.contains(&l.machine.ip()));
        while let Some(first) = from {
            let none = |l: &Line| l.origin.is_none();
            let Some(gap) = code[first..].iter().position(none).map(|n| first + n) else { break };
            let on = |l: &Line| l.origin.is_some() || targets.contains(&l.machine.ip());
            let to = code[gap + 1..].iter().position(on).map_or(code.len(), |n| gap + 1 + n);
            let ends = code[to - 1].machine.mnemonic() == Mnemonic::Jmp;
            let (ahead, next) = (gap.checked_sub(1).and_then(|n| code[n].origin), code.get(to).and_then(|l| l.origin));
            let origin = if ends { ahead.or(next) } else { next.or(ahead) };
            code[gap..to].iter_mut().for_each(|l| l.origin = origin);
            from = Some(to);
        }
        code
    }

    /// The instruction that the byte at an address was made of.
    fn origin(&self, at: usize) -> Option<usize> {
        self.origins.iter().find(|o| o.0.contains(&at)).map(|o| o.1)
    }

    /// Its address, its bytes, what it does, and what it refers to.
    fn line(&self, out: &mut String, line: &Line, code: &[Line]) {
        let mut formatter = IntelFormatter::new();
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_space_after_operand_separator(true);
        options.set_branch_leading_zeros(false);
        let at = line.machine.ip() as usize;
        let hex: String = self.bytes[at..at + line.machine.len()].iter().map(|b| format!("{b:02x}")).collect();
        let _ = write!(out, "{at:12x}  {hex:<20}  ");
        formatter.format(&line.machine, out);
        if let Some(note) = self.note(line, code) {
            let _ = write!(out, "  ; {note}");
        }
        out.push('\n');
    }

    /// What a machine instruction refers to, where that is known; `code`: the entry's.
    fn note(&self, line: &Line, code: &[Line]) -> Option<String> {
        let machine = &line.machine;
        let own = machine.ip() as usize..machine.next_ip() as usize;
        let constant = (machine.is_ip_rel_memory_operand()).then(|| machine.ip_rel_memory_address() as usize);
        let is_here = |l: &&Link| own.contains(&(l.at as usize)) || constant == Some(l.at as usize);
        if let Some(link) = self.links.iter().find(is_here) {
            return meaning(link.symbol, self.flow.ops);
        }
        if machine.op0_kind() != OpKind::NearBranch64 {
            return None;
        }
        let to = machine.near_branch_target() as usize;
        if let Some(e) = self.entries.iter().find(|e| e.1 + BEFORE == to) {
            return Some(format!("entry at {}", e.0));
        }
        let at = code.binary_search_by_key(&to, |l| l.machine.ip() as usize).ok()?;
        code[at].origin.filter(|&i| Some(i) != line.origin).map(|i| format!("to {i}"))
    }
}
