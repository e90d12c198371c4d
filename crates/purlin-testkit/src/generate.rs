//! Terms at random, repeatably: the same seed gives the same terms.

use purlin_term::{Atom, FunEntry, Heap, Kind, Term, boxed, map};
use std::sync::atomic::AtomicPtr;
use std::sync::{Arc, OnceLock};

use crate::mutate::Random;

/// What terms to make.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How deep terms nest.
    pub depth: u32,
    /// Pids, ports, references and funs too.
    pub identifiers: bool,
    /// Atoms too (their hash in large maps differs from emulator to emulator).
    pub atoms: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { depth: 4, identifiers: true, atoms: true }
    }
}

const ATOMS: [&str; 24] = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "abcd",
    "abcde",
    "abcdf",
    "A",
    "ok",
    "error",
    "true",
    "false",
    "nil",
    "undefined",
    "é",
    "ÿ",
    "Ā",
    "日本",
    "a b",
    "nonode@nohost",
    "Elixir.Enum",
    "a\0",
    "zzzzzzzzzzzzzzzzzzzzzz",
];

/// Integers that tagging, hashing and floats go wrong at.
const EDGES: [i64; 20] = [
    0,
    1,
    2,
    15,
    16,
    127,
    128,
    255,
    256,
    0xFFFF,
    1 << 27,
    1 << 28,
    1 << 31,
    1 << 32,
    1 << 52,
    1 << 53,
    1 << 58,
    1 << 59,
    1 << 60,
    1 << 62,
];

/// A random term.
pub fn gen_term(heap: &mut Heap, random: &mut Random, shape: Shape) -> Term {
    let compound = shape.depth > 0 && random.below(3) > 0;
    if !compound {
        return leaf(heap, random, shape);
    }
    let inner = Shape { depth: shape.depth - 1, ..shape };
    let some = |heap: &mut Heap, random: &mut Random, n: usize| -> Vec<Term> {
        (0..random.below(n + 1)).map(|_| gen_term(heap, random, inner)).collect()
    };
    match random.below(10) {
        0..=2 => {
            let elements = some(heap, random, 5);
            heap.tuple(&elements)
        }
        3 | 4 => {
            let elements = some(heap, random, 5);
            heap.list(&elements)
        }
        5 => {
            let elements = some(heap, random, 3);
            let tail = leaf(heap, random, inner);
            heap.list_with_tail(&elements, tail)
        }
        6 | 7 => {
            let (keys, values) = (some(heap, random, 6), some(heap, random, 6));
            let pairs: Vec<(Term, Term)> = keys.into_iter().zip(values).collect();
            map::from_pairs(heap, &pairs)
        }
        8 if shape.identifiers => {
            let env = some(heap, random, 3);
            let entry = &fun_entries()[random.below(fun_entries().len())];
            heap.fun(entry, Term::pid(9), &env)
        }
        _ if random.below(6) == 0 => gen_map(heap, random, inner),
        _ => leaf(heap, random, shape),
    }
}

/// A map of up to 100 associations, with a little more than the flat limit most often.
pub fn gen_map(heap: &mut Heap, random: &mut Random, shape: Shape) -> Term {
    let n = [random.below(100), 28 + random.below(12), random.below(5)][random.below(3)];
    let keys = Shape { atoms: false, identifiers: false, depth: shape.depth.min(2) };
    let pairs: Vec<(Term, Term)> = (0..n).map(|_| (gen_term(heap, random, keys), leaf(heap, random, shape))).collect();
    map::from_pairs(heap, &pairs)
}

fn fun_entries() -> &'static [Arc<FunEntry>] {
    static ENTRIES: OnceLock<Vec<Arc<FunEntry>>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let entry = |module, index: u32, old_uniq| {
            Arc::new(FunEntry {
                module: Atom::new(module),
                arity: 1,
                index,
                old_index: index,
                old_uniq,
                uniq: [index as u8 + 1; 16],
                num_free: 0,
                code: AtomicPtr::new(std::ptr::null_mut()),
            })
        };
        vec![entry("purlin_a", 0, 5), entry("purlin_a", 1, 5), entry("purlin_a", 2, 70_000), entry("purlin_b", 0, 6)]
    })
}

fn integer(heap: &mut Heap, random: &mut Random) -> Term {
    let sign = |random: &mut Random| if random.below(2) == 0 { 1 } else { -1 };
    match random.below(8) {
        0..=2 => Term::small(random.below(20) as i64 * sign(random)),
        3 => Term::small(random.below(256) as i64),
        4 | 5 => {
            let edge = EDGES[random.below(EDGES.len())] + random.below(5) as i64 - 2;
            heap.integer(edge * sign(random))
        }
        6 => heap.integer((random.number() >> random.below(64)) as i64),
        _ => {
            let mut digits: Vec<u64> = (0..1 + random.below(4)).map(|_| random.number()).collect();
            if random.below(3) == 0 {
                digits.fill(random.below(2) as u64);
            }
            digits.push(1 << random.below(64));
            heap.big(random.below(2) == 0, &digits)
        }
    }
}

fn float(heap: &mut Heap, random: &mut Random) -> Term {
    let f = match random.below(5) {
        0 => random.below(20) as f64 - 10.0,
        1 => (EDGES[random.below(EDGES.len())] + random.below(5) as i64 - 2) as f64,
        2 => random.below(1_000) as f64 / 8.0,
        3 => {
            [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::MIN, 2f64.powi(64), -2f64.powi(128)][random.below(8)]
        }
        _ => f64::from_bits(random.number()),
    };
    heap.float(if f.is_finite() { f } else { 1.5 })
}

fn bits(heap: &mut Heap, random: &mut Random) -> Term {
    let len = [random.below(4), random.below(30), 60 + random.below(10), random.below(200)][random.below(4)];
    let few = random.below(2) == 0;
    let bytes: Vec<u8> = (0..len).map(|_| if few { random.below(3) as u8 } else { random.number() as u8 }).collect();
    let whole = heap.binary(&bytes);
    match random.below(3) {
        0 if len > 0 => {
            let from = random.below(len * 8);
            let size = random.below(len * 8 - from + 1);
            heap.sub_bits(whole, from, size)
        }
        1 => {
            let bits = len * 8 - random.below(8).min(len * 8);
            heap.bitstring(&bytes, bits)
        }
        _ => whole,
    }
}

fn identifier(heap: &mut Heap, random: &mut Random) -> Term {
    let node = Atom::new(["x@a", "x@b", "y@a"][random.below(3)]);
    let creation = 1 + random.below(2) as u32;
    let small = |random: &mut Random| random.below(4) as u64;
    match random.below(8) {
        0 => Term::pid((small(random) << 15) | (small(random) + 100)),
        1 => Term::port(small(random) + 1),
        2 => {
            let id = boxed::ref_id([small(random) as u32, small(random) as u32, small(random) as u32 + 5]);
            heap.reference(id.expect("a small number has 18 bits"))
        }
        3 => {
            let words = [small(random) + 100, small(random)];
            heap.external(Kind::ExtPid, node, creation, &words)
        }
        4 => {
            let words = [small(random)];
            heap.external(Kind::ExtPort, node, creation, &words)
        }
        5 => {
            let words = [small(random), small(random), small(random)];
            heap.external(Kind::ExtRef, node, creation, &words)
        }
        _ => {
            let name = |random: &mut Random| Atom::new(["purlin_a", "lists", "map", "b"][random.below(4)]);
            let (module, function) = (name(random), name(random));
            heap.export_fun(module, function, random.below(3) as u8)
        }
    }
}

fn leaf(heap: &mut Heap, random: &mut Random, shape: Shape) -> Term {
    match random.below(12) {
        0..=2 => integer(heap, random),
        3 | 4 => float(heap, random),
        5 | 6 if shape.atoms => Term::atom(Atom::new(ATOMS[random.below(ATOMS.len())])),
        7 => Term::NIL,
        8 | 9 => bits(heap, random),
        10 if shape.identifiers => identifier(heap, random),
        _ => {
            let bytes: Vec<u8> = (0..random.below(9)).map(|_| random.number() as u8).collect();
            heap.byte_list(&bytes)
        }
    }
}

/// The term again, changed in few places or none: an integer made a float, a binary laid out elsewhere, a neighbour of
/// a number, another leaf of this shape.
pub fn vary(heap: &mut Heap, random: &mut Random, shape: Shape, t: Term) -> Term {
    let many = |heap: &mut Heap, random: &mut Random, ts: &[Term]| -> Vec<Term> {
        ts.iter().map(|&t| vary(heap, random, shape, t)).collect()
    };
    if random.below(40) == 0 {
        return leaf(heap, random, shape);
    }
    if let Some(elements) = t.as_tuple() {
        let new = many(heap, random, elements);
        heap.tuple(&new)
    } else if t.is_cons() {
        let mut rest = t.iter();
        let heads: Vec<Term> = rest.by_ref().collect();
        let new = many(heap, random, &heads);
        heap.list_with_tail(&new, rest.tail())
    } else if t.is_map() {
        let pairs: Vec<(Term, Term)> = map::iter(t)
            .map(|(key, value)| {
                let key = if random.below(20) == 0 { vary(heap, random, shape, key) } else { key };
                (key, vary(heap, random, shape, value))
            })
            .collect();
        map::from_pairs(heap, &pairs)
    } else if let Some(bits) = t.as_bits() {
        let mut bytes = vec![0xA5; 1];
        bytes.extend_from_slice(&bits.to_bytes());
        let whole = heap.binary(&bytes);
        heap.sub_bits(whole, 8, bits.size)
    } else if let (Some(i), 0) = (t.as_small(), random.below(4)) {
        match random.below(3) {
            0 => heap.integer(i + 1),
            _ => heap.float(i as f64),
        }
    } else if let (Some(f), 0) = (t.as_float(), random.below(4)) {
        if f.abs() < 1e15 { Term::small(f as i64) } else { heap.float(-f) }
    } else if let Some((_, creator, env)) = t.as_fun() {
        let new = many(heap, random, env);
        heap.fun(&t.fun_entry().expect("it is a fun"), creator, &new)
    } else {
        t
    }
}
