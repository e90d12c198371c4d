//! The external term format: the same bytes, and the same terms and refusals.

use purlin_term::external::{DecodeContext, EncodeOptions, FunParts, decode, encode, encoded_size};
use purlin_term::{Atom, FunEntry, Heap, Term};
use purlin_testkit::generate::{Shape, gen_map, gen_term};
use purlin_testkit::mutate::{Random, mutate};
use std::sync::Arc;

use crate::{Case, compare};

fn term(heap: &mut Heap, random: &mut Random) -> Term {
    // In large maps keys that are atoms or local identifiers stand where their words put them, which differs.
    let shape = Shape { depth: random.below(5) as u32, ..Shape::default() };
    if random.below(12) == 0 { gen_map(heap, random, shape) } else { gen_term(heap, random, shape) }
}

fn atom(text: &str) -> Term {
    Term::atom(Atom::new(text))
}

/// Options at random, for us and for the emulator.
fn options(heap: &mut Heap, random: &mut Random) -> (EncodeOptions, Term) {
    let mut ours = EncodeOptions { minor_version: random.below(3) as u8, ..EncodeOptions::default() };
    let version = heap.tuple(&[atom("minor_version"), Term::small(ours.minor_version as i64)]);
    let mut theirs = vec![version];
    if random.below(3) == 0 {
        ours.deterministic = true;
        theirs.push(atom("deterministic"));
    }
    match random.below(4) {
        0 => {
            ours.compressed = Some(-1);
            theirs.push(atom("compressed"));
        }
        1 => {
            let level = random.below(10) as i32;
            ours.compressed = Some(level);
            let option = heap.tuple(&[atom("compressed"), Term::small(level as i64)]);
            theirs.push(option);
        }
        _ => {}
    }
    (ours, heap.list(&theirs))
}

#[test]
fn terms_are_encoded_as_by_erl() {
    compare(|heap, random, cases| {
        let t = term(heap, random);
        let (ours, theirs) = options(heap, random);
        let bytes = encode(t, &ours).expect("small");
        let bytes = heap.binary(&bytes);
        cases.push(Case { call: ("erlang", "term_to_binary", vec![t, theirs]), ours: bytes });
        let version = [0, 1][random.below(2)];
        let option = heap.tuple(&[atom("minor_version"), Term::small(version)]);
        let option = heap.list(&[option]);
        let ours = EncodeOptions { minor_version: version as u8, ..EncodeOptions::default() };
        let size = Term::small(encoded_size(t, &ours).expect("small") as i64);
        cases.push(Case { call: ("erlang", "external_size", vec![t, option]), ours: size });
    });
}

/// A context that takes any local fun.
pub struct AnyFun;

impl DecodeContext for AnyFun {
    fn fun(&mut self, p: FunParts) -> Option<Arc<FunEntry>> {
        Some(Arc::new(FunEntry {
            module: p.module,
            arity: p.arity,
            index: p.index,
            old_index: p.old_index,
            old_uniq: p.old_uniq,
            uniq: p.uniq,
            num_free: p.num_free,
            code: Default::default(),
        }))
    }

    fn node(&self) -> (Atom, u32) {
        (Atom::NONODE, 0)
    }

    fn safe(&self) -> bool {
        false
    }
}

#[test]
fn what_is_encoded_is_decoded_again() {
    compare(|heap, random, _| {
        let t = term(heap, random);
        let (options, _) = options(heap, random);
        let bytes = encode(t, &options).expect("small");
        let (again, used) = decode(&bytes, heap, &mut AnyFun).expect("our own bytes");
        assert_eq!(used, bytes.len());
        // Text of floats is read back too.
        assert!(purlin_term::compare::same(again, t), "{bytes:?}");
    });
}

#[test]
fn damaged_bytes_are_read_or_refused_as_by_erl() {
    compare(|heap, random, cases| {
        let shape = Shape { depth: 3, ..Shape::default() };
        let t = gen_term(heap, random, shape);
        let mut bytes = encode(t, &EncodeOptions { minor_version: 2, ..Default::default() }).expect("small");
        mutate(&mut bytes, &[], random);
        // The emulator reads these as indices into its own atom table.
        if bytes.iter().any(|b| b"IK".contains(b)) {
            return;
        }
        let result = match decode(&bytes, heap, &mut AnyFun) {
            Ok((t, used)) => {
                let options = EncodeOptions { deterministic: true, ..EncodeOptions::default() };
                let again = encode(t, &options).expect("small");
                let again = heap.binary(&again);
                heap.tuple(&[Term::atom(Atom::OK), again, Term::small(used as i64)])
            }
            // The emulator reads on behind a reference that has no words.
            Err(_) if bytes.windows(3).any(|w| [b"Z\0\0", b"r\0\0"].contains(&w.try_into().unwrap_or(b"..."))) => {
                return;
            }
            // Funs whose creator is no pid bring the emulator down.
            Err(_) if bytes.contains(&b'p') => return,
            Err(_) => heap.tuple(&[Term::atom(Atom::ERROR), Term::atom(Atom::BADARG)]),
        };
        let binary = heap.binary(&bytes);
        cases.push(Case { call: ("purlin_oracle", "reread", vec![binary]), ours: result });
    });
}

#[test]
fn damaged_compressed_terms_are_read_or_refused_as_by_erl() {
    compare(|heap, random, cases| {
        let words: Vec<Term> = (0..40 + random.below(200)).map(|_| Term::small(random.below(300) as i64)).collect();
        let t = heap.list(&words);
        let t = heap.tuple(&[t, t, t]);
        let level = random.below(10) as i32;
        let options = EncodeOptions { compressed: Some(level), ..Default::default() };
        let mut bytes = encode(t, &options).expect("small");
        if random.below(4) == 0 {
            mutate(&mut bytes, &[], random);
        } else {
            // One bit, behind the size.
            let at = 6 + random.below(bytes.len() - 6);
            bytes[at] ^= 1 << random.below(8);
        }
        let result = match decode(&bytes, heap, &mut AnyFun) {
            Ok((t, used)) => {
                let options = EncodeOptions { deterministic: true, ..EncodeOptions::default() };
                let again = encode(t, &options).expect("small");
                let again = heap.binary(&again);
                heap.tuple(&[Term::atom(Atom::OK), again, Term::small(used as i64)])
            }
            Err(_) => heap.tuple(&[Term::atom(Atom::ERROR), Term::atom(Atom::BADARG)]),
        };
        let binary = heap.binary(&bytes);
        cases.push(Case { call: ("purlin_oracle", "reread", vec![binary]), ours: result });
    });
}
