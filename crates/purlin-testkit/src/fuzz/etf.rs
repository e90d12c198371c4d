//! External terms: whatever the bytes, a term or an error, and every term that is read can be used in full.

use std::sync::Arc;
use std::sync::atomic::AtomicPtr;

use purlin_term::external::{self, DecodeContext, EncodeOptions, FunParts};
use purlin_term::literal::Literals;
use purlin_term::{Atom, FunEntry, Heap, Term, compare, copy, hash, print};

use super::Target;
use crate::generate::{Shape, gen_map, gen_term};
use crate::mutate::Random;

pub(super) const TARGET: Target = Target { name: "etf", corpus, run };

/// How many times its bytes a term may take in memory: a byte of a string becomes a list cell.
pub(super) const MOST_WORDS_PER_BYTE: usize = 4;

fn corpus() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for seed in 0..400 {
        let (mut heap, mut random) = (Heap::new(0), Random::new(seed));
        let shape = Shape { depth: 1 + random.below(4) as u32, ..Shape::default() };
        let t = if seed % 8 == 0 {
            gen_map(&mut heap, &mut random, shape)
        } else {
            gen_term(&mut heap, &mut random, shape)
        };
        let options = EncodeOptions {
            minor_version: random.below(3) as u8,
            compressed: (random.below(5) == 0).then_some(-1),
            ..EncodeOptions::default()
        };
        files.extend(external::encode(t, &options));
    }
    // What is no longer written, but still read.
    files.extend(
        [
            &b"\x83h\x02d\0\x02okc1.50000000000000000000e+00\0\0\0\0\0"[..],
            b"\x83gw\x03a@b\0\0\0\x01\0\0\0\x02\x01",
            b"\x83fs\x03a@b\0\0\0\x01\x01",
            b"\x83es\x03a@b\0\0\0\x01\x01",
            b"\x83r\0\x03d\0\x03a@b\x01\0\0\0\x01\0\0\0\x02\0\0\0\x03",
        ]
        .map(<[u8]>::to_vec),
    );
    files
}

/// A node without a name where one lambda stands for all.
pub(super) struct Node {
    pub safe: bool,
}

impl DecodeContext for Node {
    fn fun(&mut self, _: FunParts) -> Option<Arc<FunEntry>> {
        let entry = FunEntry {
            module: Atom::ERLANG,
            arity: 1,
            index: 0,
            old_index: 0,
            old_uniq: 0,
            uniq: [0; 16],
            num_free: 0,
            code: AtomicPtr::new(std::ptr::null_mut()),
        };
        (!self.safe).then(|| Arc::new(entry))
    }

    fn node(&self) -> (Atom, u32) {
        (Atom::NONODE, 0)
    }

    fn safe(&self) -> bool {
        self.safe
    }
}

fn run(bytes: &[u8]) {
    let mut heap = Heap::new(0);
    let safe = external::decode(bytes, &mut heap, &mut Node { safe: true });
    // Atoms are kept for ever: a long run must not fill the table.
    let read = match Atom::count() < 500_000 {
        true => external::decode(bytes, &mut heap, &mut Node { safe: false }),
        false => safe,
    };
    let Ok((t, used)) = read else {
        assert!(safe.is_err());
        return;
    };
    assert!(used <= bytes.len());
    if let Ok((same, used_too)) = safe {
        assert!(used == used_too && compare::same(same, t));
    }
    if bytes.get(1) != Some(&b'P') {
        assert!(copy::flat_size(t, Literals::none()) <= MOST_WORDS_PER_BYTE * used);
    }
    check(&mut heap, t);
}

/// Uses a term in every way that walks through it.
fn check(heap: &mut Heap, t: Term) {
    let copy = heap.copy(t);
    assert!(compare::same(copy, t) && compare::cmp(copy, t).is_eq());
    assert_eq!(hash::phash2(copy, 1 << 32), hash::phash2(t, 1 << 32));
    assert_eq!(print::to_bytes(copy, 10_000), print::to_bytes(t, 10_000));
    for options in [
        EncodeOptions::default(),
        EncodeOptions { minor_version: 0, deterministic: true, ..EncodeOptions::default() },
        EncodeOptions { minor_version: 2, compressed: Some(1), ..EncodeOptions::default() },
    ] {
        let bytes = external::encode(t, &options).expect("a small term");
        let size = external::encoded_size(t, &options).expect("a small term");
        assert!(options.compressed.is_some() || bytes.len() <= size);
        let (again, used) = external::decode(&bytes, heap, &mut Node { safe: false }).expect("our own bytes");
        assert!(used == bytes.len() && compare::same(again, t));
    }
}
