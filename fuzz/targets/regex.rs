//! Regular expressions with options. An input is a pattern, a subject and letters for options, with tabs between.
#![no_main]

use purlin_fuzz_targets::Caller;
use purlin_term::{Atom, Heap, Term};

/// Options by letter.
const OPTIONS: [(u8, &str); 18] = [
    (b'u', "unicode"),
    (b'a', "anchored"),
    (b'i', "caseless"),
    (b'$', "dollar_endonly"),
    (b's', "dotall"),
    (b'x', "extended"),
    (b'f', "firstline"),
    (b'm', "multiline"),
    (b'n', "no_auto_capture"),
    (b'd', "dupnames"),
    (b'U', "ungreedy"),
    (b'p', "ucp"),
    (b'v', "never_utf"),
    (b'S', "no_start_optimize"),
    (b'R', "bsr_anycrlf"),
    (b'g', "global"),
    (b'e', "notempty"),
    (b'E', "report_errors"),
];

fn option(heap: &mut Heap, letter: u8) -> Option<Term> {
    let atom = |name: &str| Term::atom(Atom::new(name));
    let pair = |heap: &mut Heap, name: &str, value: Term| Some(heap.tuple(&[atom(name), value]));
    match letter {
        b'0'..=b'9' => pair(heap, "offset", Term::small(i64::from(letter - b'0'))),
        b'N' => pair(heap, "newline", atom("anycrlf")),
        b'M' => pair(heap, "match_limit", Term::small(50)),
        b'B' => {
            let (all, binary) = (atom("all_names"), atom("binary"));
            Some(heap.tuple(&[atom("capture"), all, binary]))
        }
        b'L' => {
            let (all, list) = (atom("all"), atom("list"));
            Some(heap.tuple(&[atom("capture"), all, list]))
        }
        _ => OPTIONS.iter().find(|o| o.0 == letter).map(|o| atom(o.1)),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |&b| b == b'\t');
    let (pattern, subject, letters) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut caller = Caller::default();
    let heap = caller.heap();
    let (pattern, subject) = (heap.binary(pattern), heap.binary(subject));
    let options: Vec<Term> = letters.iter().take(12).filter_map(|&l| option(heap, l)).collect();
    let options = heap.list(&options);
    caller.call("re", "compile", &[pattern, options]);
    caller.call("re", "run", &[subject, pattern, options]);
});
