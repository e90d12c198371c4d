//! Terms as text, written as the emulator writes them: `erlang:display/1`, and the texts of pids, references, ports
//! and funs.
//!
//! This is the emulator's own notation, not that of `io_lib`: floats have six digits, and a large map shows its trie.
//! No term is too deep: what is left to write stands in a list, not on the stack.

use crate::atom::Atom;
use crate::binary::Bits;
use crate::boxed::{Kind, words_as_terms};
use crate::float_text::scientific;
use crate::map;
use crate::number::integer_to_text;
use crate::release::Release;
use crate::word::{Tag, Term};
use std::fmt;

/// A limit that nothing reaches, as `erlang:display/1` has it.
pub const NO_LIMIT: i64 = i32::MAX as i64;

/// How much of a term `{:?}` shows.
const DEBUG_LIMIT: i64 = 2_000;

/// The bytes that the emulator prints for a term: characters of strings in Latin-1, those of atoms in UTF-8.
///
/// `limit` counts terms, characters of strings and bytes of atoms and binaries; when it is used up, the text breaks
/// off with `"... "`.
pub fn to_bytes(t: Term, limit: i64) -> Vec<u8> {
    print(t, limit, false)
}

/// A term in the emulator's notation, all of it.
pub fn display(t: Term) -> Display {
    display_limited(t, NO_LIMIT)
}

/// A term in the emulator's notation, up to a limit as in [`to_bytes`].
pub fn display_limited(t: Term, limit: i64) -> Display {
    Display { term: t, limit }
}

/// Shows a term as text; see [`display`].
#[derive(Clone, Copy)]
pub struct Display {
    term: Term,
    limit: i64,
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&print(self.term, self.limit, true)))
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&display_limited(*self, DEBUG_LIMIT), f)
    }
}

fn print(t: Term, limit: i64, utf8: bool) -> Vec<u8> {
    let mut p = Printer { out: Vec::new(), left: limit, utf8, todo: vec![Todo::Term(t)] };
    while let Some(next) = p.todo.pop() {
        if p.step(next).is_none() {
            break;
        }
    }
    if p.left <= 0 {
        p.text("... ");
    }
    p.out
}

/// What is still to be written, the next last.
enum Todo<'a> {
    Term(Term),
    /// A list from one of its cells on, without brackets.
    Cells(Term),
    Elements(&'a [Term]),
    Pairs(&'a [Term], &'a [Term]),
    /// Leaves and nodes of a large map.
    Children(&'a [Term]),
    Fields(Vec<(Term, Term)>),
    Text(&'static str),
}

struct Printer<'a> {
    out: Vec<u8>,
    /// What the limit leaves; nothing more is written when it is used up.
    left: i64,
    /// Characters of strings are written in UTF-8, not in Latin-1.
    utf8: bool,
    todo: Vec<Todo<'a>>,
}

impl<'a> Printer<'a> {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn format(&mut self, text: fmt::Arguments<'_>) {
        self.text(&text.to_string());
    }

    fn character(&mut self, c: u8) {
        if self.utf8 { self.text((c as char).encode_utf8(&mut [0; 2])) } else { self.out.push(c) }
    }

    /// Counts one against the limit; `None` when it was used up.
    fn count(&mut self) -> Option<()> {
        self.left -= 1;
        (self.left >= 0).then_some(())
    }

    fn step(&mut self, next: Todo<'a>) -> Option<()> {
        match next {
            Todo::Text(text) => self.text(text),
            Todo::Term(t) => self.term(t)?,
            Todo::Cells(list) => {
                let (head, tail) = list.as_cons()?;
                if tail.is_cons() {
                    self.todo.extend([Todo::Cells(tail), Todo::Text(",")]);
                } else if !tail.is_nil() {
                    self.todo.extend([Todo::Term(tail), Todo::Text("|")]);
                }
                self.term(head)?;
            }
            Todo::Elements(terms) => {
                let Some((first, rest)) = terms.split_first() else { return Some(()) };
                if !rest.is_empty() {
                    self.todo.extend([Todo::Elements(rest), Todo::Text(",")]);
                }
                self.term(*first)?;
            }
            Todo::Pairs(keys, values) => {
                let (Some((key, keys)), Some((value, values))) = (keys.split_first(), values.split_first()) else {
                    return Some(());
                };
                if !keys.is_empty() {
                    self.todo.extend([Todo::Pairs(keys, values), Todo::Text(",")]);
                }
                self.todo.extend([Todo::Term(*value), Todo::Text("=>")]);
                self.term(*key)?;
            }
            Todo::Children(children) => {
                let Some((first, rest)) = children.split_first() else { return Some(()) };
                if !rest.is_empty() {
                    self.todo.extend([Todo::Children(rest), Todo::Text(",")]);
                }
                if let Some((key, value)) = first.as_cons() {
                    self.todo.extend([Todo::Term(value), Todo::Text("=>")]);
                    self.term(key)?;
                } else {
                    self.count()?;
                    self.todo.push(Todo::Children(map::children(*first)?));
                }
            }
            Todo::Fields(mut fields) => {
                let Some((field, value)) = fields.pop() else { return Some(()) };
                if !fields.is_empty() {
                    self.todo.extend([Todo::Fields(fields), Todo::Text(",")]);
                }
                self.todo.extend([Todo::Term(value), Todo::Text("=")]);
                self.term(field)?;
            }
        }
        Some(())
    }

    fn term(&mut self, t: Term) -> Option<()> {
        self.count()?;
        match t.tag() {
            Tag::Small => self.format(format_args!("{}", t.small_value())),
            Tag::Atom => {
                self.atom(t.as_atom()?);
                return (self.left > 0).then_some(());
            }
            Tag::Pid => {
                let (number, serial) = Release::pid_parts(t.as_pid()?);
                self.pid(0, number, serial);
            }
            Tag::List => return self.list(t),
            Tag::Boxed => return self.boxed(t),
            Tag::Header => self.format(format_args!("<cp/header:{:#x}>", t.0)),
            Tag::Special => match t.as_port() {
                Some(number) => self.port(0, number),
                None if t.is_nil() => self.text("[]"),
                None if t.is_none() => self.text("<TNV>"),
                None => self.format(format_args!("<unknown:{:#x}>", t.0)),
            },
        }
        Some(())
    }

    fn boxed(&mut self, t: Term) -> Option<()> {
        let body: &'a [u64] = t.any_body();
        match t.boxed_kind()? {
            Kind::Tuple => {
                self.text("{");
                self.todo.extend([Todo::Text("}"), Todo::Elements(words_as_terms(body))]);
            }
            Kind::Record => {
                let r = t.as_record()?;
                self.text("#");
                self.atom(r.module);
                self.text(":");
                self.atom(r.name);
                self.text("{");
                let mut fields: Vec<_> = r.fields.iter().copied().zip(r.values.iter().copied()).collect();
                fields.sort_by(|(a, _), (b, _)| crate::compare::cmp_keys(*b, *a));
                self.todo.extend([Todo::Text("}"), Todo::Fields(fields)]);
            }
            Kind::Float => self.text(&scientific(t.as_float()?, 6)),
            Kind::PosBig | Kind::NegBig => self.text(&integer_to_text(t, 10)?),
            Kind::Fun => {
                let (entry, ..) = t.as_fun()?;
                // These numbers are shown as signed ones.
                let (index, uniq) = (entry.old_index as i32, entry.old_uniq as i32);
                self.format(format_args!("#Fun<{}.{index}.{uniq}>", entry.module.name()));
            }
            Kind::ExportFun => {
                let (module, function, arity) = t.as_export_fun()?;
                self.text("fun ");
                self.atom(module);
                self.text(":");
                self.atom(function);
                self.format(format_args!("/{arity}"));
            }
            Kind::Ref | Kind::MagicRef => self.reference(0, t.ref_numbers()?.into_iter()),
            Kind::HeapBin | Kind::RefBin | Kind::SubBits => return self.bits(t.as_bits()?),
            Kind::MatchCtx => self.text("#MatchState"),
            Kind::FlatMap => {
                let (keys, values) = t.as_flat_map()?;
                self.text("#{");
                self.todo.extend([Todo::Text("}"), Todo::Pairs(keys, values)]);
            }
            Kind::HashRoot if Release::of_values() >= Release(27) => {
                self.text("#{");
                self.todo.extend([Todo::Text("}"), Todo::Children(map::children(t)?)]);
            }
            Kind::HashRoot => self.node("#", Term::word(*body.get(1)?), body.get(2..)?),
            Kind::HashNode => self.node("", Term::word(*body.first()?), body.get(1..)?),
            Kind::ExtPid | Kind::ExtPort | Kind::ExtRef => {
                let (kind, node, _, words) = t.as_external()?;
                // Another life of this node has its channel.
                let channel = if node == crate::remote::this_node().0 { 0 } else { node.number() };
                match (kind, words) {
                    (Kind::ExtPid, &[number, serial]) => self.pid(channel, number, serial),
                    (Kind::ExtPort, &[number]) => self.port(channel, number),
                    _ => self.reference(channel, words.iter().map(|&w| w as u32)),
                }
            }
        }
        Some(())
    }

    // ---- numbers and identifiers

    fn pid(&mut self, channel: u32, number: u64, serial: u64) {
        self.format(format_args!("<{channel}.{number}.{serial}>"));
    }

    fn port(&mut self, channel: u32, number: u64) {
        self.format(format_args!("#Port<{channel}.{number}>"));
    }

    fn reference(&mut self, channel: u32, numbers: impl DoubleEndedIterator<Item = u32>) {
        self.format(format_args!("#Ref<{channel}"));
        for number in numbers.rev() {
            self.format(format_args!(".{number}"));
        }
        self.text(">");
    }

    fn node(&mut self, lead: &str, bitmap: Term, children: &'a [u64]) {
        self.format(format_args!("{lead}<{:x}>{{", bitmap.small_value()));
        self.todo.extend([Todo::Text("}"), Todo::Elements(words_as_terms(children))]);
    }

    // ---- text

    fn atom(&mut self, atom: Atom) {
        let text = atom.name();
        self.left -= text.len() as i64;
        let quoted = needs_quotes(text);
        if quoted {
            self.text("'");
        }
        for c in text.chars() {
            match c {
                '\'' => self.text("\\'"),
                '\\' => self.text("\\\\"),
                '\n' => self.text("\\n"),
                '\x0C' => self.text("\\f"),
                '\t' => self.text("\\t"),
                '\r' => self.text("\\r"),
                '\x08' => self.text("\\b"),
                '\x0B' => self.text("\\v"),
                '\0'..' ' | '\u{80}'..'\u{A0}' => self.format(format_args!("\\{:03o}", c as u32)),
                c => self.text(c.encode_utf8(&mut [0; 4])),
            }
        }
        if quoted {
            self.text("'");
        }
    }

    fn list(&mut self, list: Term) -> Option<()> {
        if !is_printable(list) {
            self.text("[");
            self.todo.extend([Todo::Text("]"), Todo::Cells(list)]);
            return Some(());
        }
        self.text("\"");
        for c in list.iter() {
            self.count()?;
            match c.small_value() as u8 {
                b'\n' => self.text("\\n"),
                b'"' => self.text("\\\""),
                c => self.character(c),
            }
        }
        self.text("\"");
        Some(())
    }

    fn bits(&mut self, bits: Bits<'a>) -> Option<()> {
        let (bytes, rest) = (bits.size / 8, bits.size % 8);
        let printable = |i| (b' '..127).contains(&bits.byte(i));
        if rest == 0 && bytes > 0 && (0..bytes).all(printable) {
            self.text("<<\"");
            for i in 0..bytes {
                if bits.byte(i) == b'"' {
                    self.text("\\");
                }
                self.character(bits.byte(i));
                self.count()?;
            }
            self.text("\">>");
            return Some(());
        }
        self.text("<<");
        for i in 0..bytes {
            let comma = if i == 0 { "" } else { "," };
            self.format(format_args!("{comma}{}", bits.byte(i)));
            self.count()?;
        }
        if rest > 0 {
            let comma = if bytes == 0 { "" } else { "," };
            self.format(format_args!("{comma}{}:{rest}", bits.byte(bytes) >> (8 - rest)));
        }
        self.text(">>");
        Some(())
    }
}

/// Whether a non-empty proper list has only printable Latin-1 characters and white space.
fn is_printable(list: Term) -> bool {
    let printable = |c: u8| matches!(c, b' '..=126 | 160..=255 | b'\n' | b'\t' | b'\r');
    let mut cells = list.iter();
    cells.by_ref().all(|c| c.as_small().is_some_and(|c| u8::try_from(c).is_ok_and(printable))) && cells.tail().is_nil()
}

/// Whether an atom is anything but a small letter of Latin-1, then letters, digits and underscores of Latin-1.
fn needs_quotes(text: &str) -> bool {
    let small = |c: char| matches!(c, 'a'..='z' | 'ß'..='ÿ') && c != '÷';
    let capital = |c: char| matches!(c, 'A'..='Z' | 'À'..='Þ') && c != '×';
    let mut characters = text.chars();
    !characters.next().is_some_and(small)
        || !characters.all(|c| small(c) || capital(c) || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests;
