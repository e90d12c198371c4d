//! Machine code of a function before it has a place: its bytes, and what is to be written into them where.

use crate::links::Symbol;
use crate::memory::{Area, Code};
use purlin_vm::code::compiler::MachineCode;
use purlin_vm::code::op::Handler;

/// A word to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    pub at: u32,
    pub symbol: Symbol,
    pub addend: i32,
}

/// Machine code of a function that can be put anywhere.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Object {
    /// The instructions that it runs from, each with its place.
    pub entries: Vec<(u32, u32)>,
    pub links: Vec<Link>,
    pub bytes: Vec<u8>,
}

/// The machine code of a function.
struct Made {
    entries: Vec<(usize, Handler)>,
    code: Code,
}

impl MachineCode for Made {
    fn entries(&self) -> &[(usize, Handler)] {
        &self.entries
    }

    fn bytes(&self) -> usize {
        self.code.bytes()
    }
}

impl Object {
    /// Puts it into memory, with the words that `word` gives; `None` where there is no room, or no such word.
    pub fn place(&self, area: &'static Area, word: impl FnMut(Symbol) -> Option<u64>) -> Option<Box<dyn MachineCode>> {
        let bytes = self.linked(word)?;
        let code = area.put(&bytes)?;
        // SAFETY: CODE: each place begins machine code that expects what a handler does.
        let handler = |at: u32| unsafe { std::mem::transmute::<usize, Handler>(code.address() + at as usize) };
        let entries = self.entries.iter().map(|&(entry, at)| (entry as usize, handler(at))).collect();
        Some(Box::new(Made { entries, code }))
    }

    /// The bytes with these words.
    pub fn linked(&self, mut word: impl FnMut(Symbol) -> Option<u64>) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        for link in &self.links {
            let at = link.at as usize;
            let value = word(link.symbol)?.wrapping_add_signed(link.addend as i64);
            bytes.get_mut(at..at + 8)?.copy_from_slice(&value.to_le_bytes());
        }
        Some(bytes)
    }

    /// All of it as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut number = |n: u32| out.extend(n.to_le_bytes());
        [self.entries.len(), self.links.len(), self.bytes.len()].into_iter().for_each(|n| number(n as u32));
        for &(entry, at) in &self.entries {
            number(entry);
            number(at);
        }
        for link in &self.links {
            let (first, second) = link.symbol.numbers();
            [link.at, first, second, link.addend as u32].into_iter().for_each(&mut number);
        }
        out.extend(&self.bytes);
    }

    /// What [`encode`](Object::encode) has made, for a function of so many instructions; `None` for anything else.
    pub fn decode(mut from: &[u8], instructions: usize) -> Option<Object> {
        let mut number = || {
            let (n, rest) = from.split_first_chunk::<4>()?;
            from = rest;
            Some(u32::from_le_bytes(*n))
        };
        let [entries, links, bytes] = [number()?, number()?, number()?].map(|n| n as usize);
        let mut object = Object::default();
        for _ in 0..entries {
            let (entry, at) = (number()?, number()?);
            if entry as usize >= instructions || at as usize >= bytes {
                return None;
            }
            object.entries.push((entry, at));
        }
        for _ in 0..links {
            let (at, first, second, addend) = (number()?, number()?, number()?, number()?);
            if at as usize + 8 > bytes {
                return None;
            }
            object.links.push(Link { at, symbol: Symbol::of_numbers(first, second), addend: addend as i32 });
        }
        (from.len() == bytes).then(|| object.bytes = from.to_vec())?;
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_it_was_written_and_nothing_else_is() {
        let link = |at, symbol, addend| Link { at, symbol, addend };
        let object = Object {
            entries: vec![(0, 0), (3, 4)],
            links: vec![
                link(0, Symbol::Area, -8),
                link(2, Symbol::Helper(3, true), 0),
                link(1, Symbol::Word { instr: 7, place: 2 }, 1),
            ],
            bytes: (0..10).collect(),
        };
        let mut bytes = Vec::new();
        object.encode(&mut bytes);
        assert_eq!(Object::decode(&bytes, 4), Some(object));
        assert_eq!(Object::decode(&bytes, 3), None, "an entry behind the function's end");
        for n in 0..bytes.len() {
            assert_eq!(Object::decode(&bytes[..n], 4), None);
        }
        bytes.push(0);
        assert_eq!(Object::decode(&bytes, 4), None);
    }
}
