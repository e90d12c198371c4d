//! What real nodes sent to one that knew all of this protocol: packets behind lengths of four bytes, deflated.
//!
//! Each node was asked to send the terms of `sent` to the registered process `sink`, one after the other.

use super::*;
use crate::boxed::Kind;
use crate::map;
use flate2::read::ZlibDecoder;
use std::io::Read;

fn packets(deflated: &[u8]) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(deflated).read_to_end(&mut bytes).expect("deflated packets");
    let (mut rest, mut packets) = (&bytes[..], Vec::new());
    while let Some((&length, after)) = rest.split_first_chunk() {
        let (packet, after) = after.split_at(u32::from_be_bytes(length) as usize);
        packets.push(packet.to_vec());
        rest = after;
    }
    packets
}

/// The terms, where a pid of the node and its name stand in one of them.
fn sent(heap: &mut Heap, pid: Term) -> Vec<Term> {
    let (hello, again) = (atom("hello"), atom("again"));
    let items = {
        let (bytes, float, big) = (heap.binary(b"bytes"), heap.float(1.5), heap.big(false, &[0, 64]));
        heap.list(&[atom("world"), bytes, float, Term::small(-7), big])
    };
    let text = heap.byte_list(b"b");
    let improper = heap.list_with_tail(&[atom("c")], atom("d"));
    let (key, bits) = (heap.tuple(&[atom("x")]), heap.bitstring(&[5 << 5], 3));
    let map = map::from_pairs(heap, &[(atom("a"), Term::small(1)), (text, improper), (key, bits)]);
    let fun = heap.export_fun(Atom::new("lists"), Atom::new("map"), 2);
    let many =
        |range: std::ops::RangeInclusive<i32>| -> Vec<Term> { range.map(|i| atom(&format!("many_{i}"))).collect() };
    let long = heap.binary(&b"0123456789abcdef".repeat(4096));
    vec![
        hello,
        heap.tuple(&[hello, items]),
        heap.tuple(&[hello, map, again, hello]),
        heap.list(&[atom(&"日".repeat(255)), atom("short")]),
        heap.tuple(&[pid, fun, atom("real@localhost")]),
        heap.tuple(&many(1..=300)),
        heap.tuple(&many(296..=305)),
        heap.tuple(&[long, atom("last"), hello]),
        atom("done"),
    ]
}

fn check(deflated: &[u8]) {
    let mut heap = Heap::new(0);
    let mut incoming = Incoming::default();
    let packets = packets(deflated);
    let mut messages = Vec::new();
    for packet in &packets {
        let Some(whole) = incoming.packet(packet).expect("a sound packet") else { continue };
        let (control, message) = whole.decode(&mut heap, &mut PlainContext).expect("terms");
        let &[kind, pid, unused, name] = control.as_tuple().expect("a tuple") else { panic!("{control:?}") };
        assert_eq!((kind, unused, name), (Term::small(6), Term::atom(Atom::EMPTY), atom("sink")));
        assert!(matches!(pid.as_external(), Some((Kind::ExtPid, node, ..)) if node.name() == "real@localhost"));
        messages.push((pid, message.expect("a message")));
    }
    let expected = sent(&mut heap, messages[0].0);
    assert_eq!((messages.len(), packets.len()), (expected.len(), expected.len() + 1));
    for (&(_, message), expected) in messages.iter().zip(expected) {
        assert!(same(message, expected), "{message:?} is not {expected:?}");
    }
    assert_eq!((incoming.incomplete(), incoming.incomplete_bytes()), (0, 0));
}

#[test]
fn what_a_node_of_otp_25_sends_is_read() {
    check(include_bytes!("captured_25"));
}

#[test]
fn what_a_node_of_otp_27_sends_is_read() {
    check(include_bytes!("captured_27"));
}
