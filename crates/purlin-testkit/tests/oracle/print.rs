//! The emulator's own text for terms.

use purlin_term::{Heap, Term, print};
use purlin_testkit::generate::{Shape, gen_map, gen_term};

use crate::{Case, compare};

/// What is printed for a term, in lists of bytes as `erl` gives it.
///
/// A node is shown as its atom's number, which no two emulators share: it is replaced as the oracle does it.
pub fn text(heap: &mut Heap, t: Term) -> Term {
    let text = print::to_bytes(t, print::NO_LIMIT);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        out.push(byte);
        at += 1;
        let digits = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if byte == b'<' && digits > 0 && text.get(at + digits) == Some(&b'.') {
            out.push(b'_');
            at += digits;
        }
    }
    heap.byte_list(&out)
}

#[test]
fn terms_are_printed_as_by_erl() {
    compare(|heap, random, cases| {
        let shape = Shape { depth: random.below(5) as u32, ..Shape::default() };
        let t = if random.below(10) == 0 { gen_map(heap, random, shape) } else { gen_term(heap, random, shape) };
        cases.push(Case { call: ("purlin_oracle", "text", vec![t]), ours: text(heap, t) });
    });
}
