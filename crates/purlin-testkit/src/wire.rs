//! The external term format, written once more and as plainly as possible: the oracle must not depend on the
//! decoder and encoder that are themselves under test. It reads what the real emulator writes, and nothing hostile.

use purlin_term::{Atom, Heap, Kind, Release, Term, boxed, map};

/// The bytes of a term, with the version byte.
pub fn encode(t: Term) -> Vec<u8> {
    let mut out = vec![131];
    put(t, &mut out);
    out
}

fn be32(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(n as u32).to_be_bytes());
}

fn atom(a: Atom, out: &mut Vec<u8>) {
    let text = a.name().as_bytes();
    out.push(118);
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text);
}

fn integer(negative: bool, digits: &[u64], out: &mut Vec<u8>) {
    let bytes: Vec<u8> = digits.iter().flat_map(|d| d.to_le_bytes()).collect();
    let len = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
    if len < 256 {
        out.extend_from_slice(&[110, len as u8]);
    } else {
        out.push(111);
        be32(len, out);
    }
    out.push(negative as u8);
    out.extend_from_slice(&bytes[..len]);
}

fn put(t: Term, out: &mut Vec<u8>) {
    if let Some(i) = t.as_small() {
        if let Ok(i) = i32::try_from(i) {
            out.push(98);
            out.extend_from_slice(&i.to_be_bytes());
        } else {
            integer(i < 0, &[i.unsigned_abs()], out);
        }
    } else if let Some((negative, digits)) = t.as_big() {
        integer(negative, digits, out);
    } else if let Some(a) = t.as_atom() {
        atom(a, out);
    } else if t.is_nil() {
        out.push(106);
    } else if t.is_cons() {
        let mut rest = t.iter();
        let heads: Vec<Term> = rest.by_ref().collect();
        out.push(108);
        be32(heads.len(), out);
        heads.into_iter().for_each(|h| put(h, out));
        put(rest.tail(), out);
    } else if let Some(elements) = t.as_tuple() {
        out.push(105);
        be32(elements.len(), out);
        elements.iter().for_each(|&e| put(e, out));
    } else if let Some(f) = t.as_float() {
        out.push(70);
        out.extend_from_slice(&f.to_be_bytes());
    } else if let Some(bits) = t.as_bits() {
        let bytes = bits.to_bytes();
        if bits.size % 8 == 0 {
            out.push(109);
            be32(bytes.len(), out);
        } else {
            out.push(77);
            be32(bytes.len(), out);
            out.push((bits.size % 8) as u8);
        }
        out.extend_from_slice(&bytes);
    } else if t.is_map() {
        out.push(116);
        be32(map::size(t), out);
        for (key, value) in map::iter(t) {
            put(key, out);
            put(value, out);
        }
    } else if let Some((module, function, arity)) = t.as_export_fun() {
        out.push(113);
        atom(module, out);
        atom(function, out);
        out.extend_from_slice(&[97, arity]);
    } else if let Some((entry, creator, env)) = t.as_fun() {
        let start = out.len();
        out.push(112);
        be32(0, out);
        out.push(entry.arity);
        out.extend_from_slice(&entry.uniq);
        be32(entry.index as usize, out);
        be32(env.len(), out);
        atom(entry.module, out);
        put(Term::small(entry.old_index as i64), out);
        put(Term::small(entry.old_uniq as i64), out);
        put(creator, out);
        env.iter().for_each(|&e| put(e, out));
        let size = (out.len() - start - 1) as u32;
        out[start + 1..start + 5].copy_from_slice(&size.to_be_bytes());
    } else {
        identifier(t, out);
    }
}

fn identifier(t: Term, out: &mut Vec<u8>) {
    let (kind, node, creation, words) = if let Some(data) = t.as_pid() {
        let (number, serial) = Release::pid_parts(data);
        (Kind::ExtPid, Atom::NONODE, 0, vec![number, serial])
    } else if let Some(number) = t.as_port() {
        (Kind::ExtPort, Atom::NONODE, 0, vec![number])
    } else if let Some(numbers) = t.ref_numbers() {
        (Kind::ExtRef, Atom::NONODE, 0, numbers.map(u64::from).to_vec())
    } else if let Some((kind, node, creation, words)) = t.as_external() {
        (kind, node, creation, words.to_vec())
    } else {
        unreachable!("{t:?} is no value")
    };
    let words: Vec<u32> = words.iter().map(|&w| w as u32).collect();
    match kind {
        Kind::ExtPid => {
            out.push(88);
            atom(node, out);
            words.iter().for_each(|&w| be32(w as usize, out));
            be32(creation as usize, out);
        }
        Kind::ExtPort => {
            out.push(89);
            atom(node, out);
            words.iter().for_each(|&w| be32(w as usize, out));
            be32(creation as usize, out);
        }
        _ => {
            out.push(90);
            out.extend_from_slice(&(words.len() as u16).to_be_bytes());
            atom(node, out);
            be32(creation as usize, out);
            words.iter().for_each(|&w| be32(w as usize, out));
        }
    }
}

/// The term in bytes that [`encode`] or the real emulator wrote.
///
/// # Panics
/// When the bytes are no such term.
pub fn decode(heap: &mut Heap, bytes: &[u8]) -> Term {
    assert_eq!(bytes.first(), Some(&131), "an external term starts with its version");
    let mut reader = Reader { bytes: &bytes[1..], heap };
    let t = reader.term();
    assert!(reader.bytes.is_empty(), "bytes behind a term");
    t
}

struct Reader<'a> {
    bytes: &'a [u8],
    heap: &'a mut Heap,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(n);
        self.bytes = rest;
        taken
    }

    fn number(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().fold(0, |n, &b| n << 8 | b as usize)
    }

    fn terms(&mut self, n: usize) -> Vec<Term> {
        (0..n).map(|_| self.term()).collect()
    }

    fn text(&mut self, length_bytes: usize) -> Term {
        let len = self.number(length_bytes);
        Term::atom(Atom::new(std::str::from_utf8(self.take(len)).expect("atoms are UTF-8")))
    }

    fn atom(&mut self) -> Atom {
        self.term().as_atom().expect("an atom")
    }

    fn big(&mut self, len: usize) -> Term {
        let negative = self.number(1) == 1;
        let mut bytes = self.take(len).to_vec();
        bytes.resize(len.next_multiple_of(8), 0);
        let digits: Vec<u64> = bytes.chunks(8).map(|c| u64::from_le_bytes(c.try_into().expect("8 bytes"))).collect();
        let value = digits.first().copied().unwrap_or(0) as i128 * if negative { -1 } else { 1 };
        match i64::try_from(value) {
            Ok(i) if digits.len() <= 1 && Term::fits_small(i) => Term::small(i),
            _ => self.heap.big(negative, &digits),
        }
    }

    fn term(&mut self) -> Term {
        match self.number(1) {
            97 => Term::small(self.number(1) as i64),
            98 => Term::small(self.number(4) as u32 as i32 as i64),
            110 => {
                let len = self.number(1);
                self.big(len)
            }
            111 => {
                let len = self.number(4);
                self.big(len)
            }
            70 => {
                let bits = self.number(8) as u64;
                self.heap.float(f64::from_bits(bits))
            }
            100 => {
                let len = self.number(2);
                let text: String = self.take(len).iter().map(|&b| b as char).collect();
                Term::atom(Atom::new(&text))
            }
            118 => self.text(2),
            119 => self.text(1),
            tag @ (104 | 105) => {
                let n = self.number(if tag == 104 { 1 } else { 4 });
                let elements = self.terms(n);
                self.heap.tuple(&elements)
            }
            106 => Term::NIL,
            107 => {
                let len = self.number(2);
                let bytes = self.take(len);
                self.heap.byte_list(bytes)
            }
            108 => {
                let n = self.number(4);
                let heads = self.terms(n);
                let tail = self.term();
                self.heap.list_with_tail(&heads, tail)
            }
            109 => {
                let len = self.number(4);
                let bytes = self.take(len);
                self.heap.binary(bytes)
            }
            77 => {
                let len = self.number(4);
                let last = self.number(1);
                let bytes = self.take(len);
                self.heap.bitstring(bytes, 8 * (len - 1) + last)
            }
            116 => {
                let n = self.number(4);
                let pairs: Vec<(Term, Term)> = (0..n).map(|_| (self.term(), self.term())).collect();
                map::from_pairs(self.heap, &pairs)
            }
            113 => {
                let (module, function) = (self.atom(), self.atom());
                let arity = self.term().small_value() as u8;
                self.heap.export_fun(module, function, arity)
            }
            88 => {
                let node = self.atom();
                let [number, serial, creation] = [(); 3].map(|()| self.number(4) as u64);
                if node == Atom::NONODE {
                    Term::pid(serial << 15 | number)
                } else {
                    self.heap.external(Kind::ExtPid, node, creation as u32, &[number, serial])
                }
            }
            tag @ (89 | 120) => {
                let node = self.atom();
                let number = self.number(if tag == 89 { 4 } else { 8 }) as u64;
                let creation = self.number(4) as u32;
                if node == Atom::NONODE {
                    Term::port(number)
                } else {
                    self.heap.external(Kind::ExtPort, node, creation, &[number])
                }
            }
            90 => {
                let len = self.number(2);
                let node = self.atom();
                let creation = self.number(4) as u32;
                let words: Vec<u64> = (0..len).map(|_| self.number(4) as u64).collect();
                if node == Atom::NONODE {
                    let numbers = [words[0] as u32, words[1] as u32, words[2] as u32];
                    self.heap.reference(boxed::ref_id(numbers).expect("a reference's first number has 18 bits"))
                } else {
                    self.heap.external(Kind::ExtRef, node, creation, &words)
                }
            }
            tag => panic!("the oracle sent tag {tag}"),
        }
    }
}
