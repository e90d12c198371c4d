//! `erlang:decode_packet/3`. An input is a letter for the kind of packet, one for the limits, and the data.
#![no_main]

use purlin_fuzz_targets::{Bytes, Caller};
use purlin_term::{Atom, Term};

/// Kinds by letter; digits are lengths of that many bytes.
const KINDS: [(u8, &str); 12] = [
    (b'r', "raw"),
    (b'a', "asn1"),
    (b's', "sunrm"),
    (b'c', "cdr"),
    (b'f', "fcgi"),
    (b'p', "tpkt"),
    (b'l', "line"),
    (b't', "ssl_tls"),
    (b'h', "http"),
    (b'H', "httph"),
    (b'b', "http_bin"),
    (b'B', "httph_bin"),
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut input = Bytes(bytes);
    let letter = input.byte();
    let kind = match KINDS.iter().find(|k| k.0 == letter) {
        Some(k) => Term::atom(Atom::new(k.1)),
        None => Term::small(i64::from(letter & 7)),
    };
    let limits = input.byte();
    let mut caller = Caller::default();
    let heap = caller.heap();
    let option = |name, value: u8| [Term::atom(Atom::new(name)), Term::small(value.into())];
    let mut options = Vec::new();
    for (bit, (name, value)) in [("packet_size", 40), ("line_length", 20), ("line_delimiter", b';')].iter().enumerate()
    {
        if limits >> bit & 1 == 1 {
            options.push(heap.tuple(&option(name, *value)));
        }
    }
    let options = heap.list(&options);
    let data = heap.binary(input.0);
    let Some(answer) = caller.call("erlang", "decode_packet", &[kind, data, options]) else { return };
    let answer = answer.as_tuple().expect("a tuple");
    if let &[_, packet, rest] = answer {
        let (rest, all) = (rest.bit_size(), input.0.len() * 8);
        assert!(rest < all, "a packet takes bytes");
        assert!(!packet.is_binary() || packet.bit_size() <= all - rest);
    }
});
