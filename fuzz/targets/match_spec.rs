//! Match specifications of any form: compiled, told what is wrong with them, and run on a term.
#![no_main]

use purlin_fuzz_targets::{Bytes, Caller};
use purlin_term::{Atom, Term};

const ATOMS: [&str; 36] = [
    "$1",
    "$2",
    "$_",
    "$$",
    "_",
    "$99999999",
    "const",
    "a",
    "true",
    "false",
    "is_atom",
    "is_tuple",
    "is_map_key",
    "element",
    "hd",
    "tl",
    "length",
    "map_get",
    "map_size",
    "size",
    "binary_part",
    "self",
    "node",
    "abs",
    "+",
    "*",
    "div",
    "bsl",
    "andalso",
    "orelse",
    "not",
    ">",
    "=:=",
    "xor",
    "is_record",
    "return_trace",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut input = Bytes(bytes);
    let mut caller = Caller::default();
    let heap = caller.heap();
    let table = input.byte() & 1 == 0;
    let parts: Vec<Term> = (0..1 + input.byte() % 3).map(|_| input.term(heap, &ATOMS, 2)).collect();
    let clauses: Vec<Term> = (0..1 + input.byte() % 2)
        .map(|_| {
            let head = input.term(heap, &ATOMS, 3);
            let mut list = |n: u8| {
                let expressions: Vec<Term> = (0..n).map(|_| input.term(heap, &ATOMS, 4)).collect();
                heap.list(&expressions)
            };
            let (guards, body) = (list(1), list(2));
            heap.tuple(&[head, guards, body])
        })
        .collect();
    let spec = heap.list(&clauses);
    let subject = if table { heap.tuple(&parts) } else { heap.list(&parts) };
    let dialect = Term::atom(Atom::new(if table { "table" } else { "trace" }));
    caller.call("erlang", "match_spec_test", &[subject, spec, dialect]);
    if let Some(program) = caller.call("ets", "match_spec_compile", &[spec]) {
        let subjects = caller.heap().list(&[subject, subject]);
        caller.call("ets", "match_spec_run_r", &[subjects, program, Term::NIL]);
    }
});
