//! The natives of `crypto`: hashes, message authentication, ciphers, random numbers, public keys.
//!
//! They stand where the library loads its NIF, on the RustCrypto crates. Errors are what the library expects of its
//! NIF: a tag, a place and a text; the places are those of OTP's NIF, because programs print them. The
//! algorithms lists say what is there.

mod aead;
mod agree;
mod algorithms;
mod binary;
mod block;
mod cipher;
mod ec;
mod edwards;
mod engines;
mod field;
mod hash;
mod mac;
mod numbers;
mod pkey;
mod random;
mod rc4;
mod rsa;
mod stream;

use purlin_term::{Heap, Magic, Term, am, iolist};
use purlin_vm::{Ctx, Escape, Native};
use std::sync::Arc;

/// The tables of natives, one per file.
pub const TABLES: &[&[Native]] = &[
    aead::NATIVES,
    agree::NATIVES,
    algorithms::NATIVES,
    ec::NATIVES,
    edwards::NATIVES,
    engines::NATIVES,
    hash::NATIVES,
    mac::NATIVES,
    pkey::NATIVES,
    random::NATIVES,
    stream::NATIVES,
];

/// Where OTP's NIF finds an error: file and line, and the argument, counted from 0 (-1: none).
type Place = (&'static str, i64, i64);

/// The exception that the library makes its own of.
fn failure(heap: &mut Heap, tag: Term, (file, line, argument): Place, text: &str) -> Escape {
    let file = heap.string(file);
    let keys = [am!("c_file_line_num"), am!("c_file_name"), am!("c_function_arg_num")];
    let pairs: Vec<(Term, Term)> = keys.into_iter().zip([Term::small(line), file, Term::small(argument)]).collect();
    let place = purlin_term::map::from_pairs(heap, &pairs);
    let text = heap.string(text);
    Escape::Error(heap.tuple(&[tag, place, text]))
}

fn badarg(heap: &mut Heap, place: Place, text: &str) -> Escape {
    failure(heap, am!("badarg"), place, text)
}

/// The bytes of an argument that may be iodata.
fn bytes(ctx: &mut Ctx<'_>, t: Term, place: Place, text: &str) -> Result<Vec<u8>, Escape> {
    iolist::to_bytes(t).ok_or_else(|| badarg(ctx.heap(), place, text))
}

/// A reference to a state of this module.
fn reference<T: Send + Sync + 'static>(ctx: &mut Ctx<'_>, state: T) -> Term {
    let id = ctx.engine.next_ref();
    ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(state) }))
}
