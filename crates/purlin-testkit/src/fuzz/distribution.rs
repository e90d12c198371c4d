//! Packets of another node: whatever they are, messages or an error, and what is read can be sent and read again.
//!
//! An input is packets one after the other, each behind its length in two bytes.

use purlin_term::external::EncodeOptions;
use purlin_term::external::distribution::{Incoming, Limits, OutCache, Outgoing, Whole};
use purlin_term::literal::Literals;
use purlin_term::{Atom, Heap, Term, compare, copy};

use super::Target;
use super::etf::{MOST_WORDS_PER_BYTE, Node};
use crate::generate::{Shape, gen_term};
use crate::mutate::Random;

pub(super) const TARGET: Target = Target { name: "distribution", corpus, run };

/// Small, so that inputs reach them.
const LIMITS: Limits = Limits { bytes: 2_000, sequences: 3 };

fn corpus() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for seed in 0..200 {
        let (mut heap, mut random) = (Heap::new(0), Random::new(seed));
        let (mut cache, mut input) = (OutCache::default(), Vec::new());
        let (cached, fragments) = (seed % 4 != 0, seed % 3 != 0);
        for _ in 0..1 + random.below(5) {
            let shape = Shape { depth: random.below(4) as u32, ..Shape::default() };
            let control = [gen_term(&mut heap, &mut random, shape), Term::atom(Atom::new("fuzz"))];
            let control = heap.tuple(&control);
            let message = (random.below(3) > 0).then(|| gen_term(&mut heap, &mut random, shape));
            let sent = Outgoing::new(control, message, &EncodeOptions::default(), cached).expect("small terms");
            for packet in sent.packets(&mut cache, 1 + seed, fragments) {
                append(&packet.bytes(), &mut input);
            }
        }
        inputs.push(input);
    }
    inputs.extend((0..100).map(cut));
    inputs
}

/// Messages in fragments of a few bytes, those of several between each other.
fn cut(seed: u64) -> Vec<u8> {
    let (mut heap, mut random) = (Heap::new(0), Random::new(seed));
    let (mut cache, mut input) = (OutCache::default(), Vec::new());
    let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
    for sequence in 0..1 + random.below(3) as u64 {
        let message = gen_term(&mut heap, &mut random, Shape::default());
        let control = heap.tuple(&[Term::small(2), Term::atom(Atom::OK)]);
        let sent = Outgoing::new(control, Some(message), &EncodeOptions::default(), true).expect("small terms");
        let packet = sent.packets(&mut cache, sequence, true).next().expect("a packet").bytes();
        // The first fragment has the header, as a rule.
        let (first, rest) = packet[2..].split_at(packet.len() * 2 / 3);
        let parts: Vec<&[u8]> = std::iter::once(first).chain(rest.chunks(rest.len() / 2 + 1)).collect();
        let row = parts.iter().enumerate().map(|(i, part)| {
            let kind = if i == 0 { b'E' } else { b'F' };
            let number = (parts.len() - i) as u64;
            [&[131, kind][..], &sequence.to_be_bytes(), &number.to_be_bytes(), part].concat()
        });
        rows.push(row.rev().collect());
    }
    // Headers go out in the order of their making.
    for row in &mut rows {
        append(&row.pop().expect("a first fragment"), &mut input);
    }
    while rows.iter().any(|row| !row.is_empty()) {
        let row = random.below(rows.len());
        if let Some(packet) = rows[row].pop() {
            append(&packet, &mut input);
        }
    }
    input
}

fn append(packet: &[u8], input: &mut Vec<u8>) {
    // What is too long for an input is cut off.
    let packet = &packet[..packet.len().min(usize::from(u16::MAX))];
    input.extend((packet.len() as u16).to_be_bytes());
    input.extend(packet);
}

fn run(mut input: &[u8]) {
    // Atoms are kept for ever: a long run must not fill the table.
    if Atom::count() > 500_000 {
        return;
    }
    let mut incoming = Incoming::new(LIMITS);
    while let Some((&length, rest)) = input.split_first_chunk() {
        let (packet, rest) = rest.split_at(rest.len().min(u16::from_be_bytes(length).into()));
        input = rest;
        match incoming.packet(packet) {
            Ok(Some(whole)) => read(&whole),
            Ok(None) => {}
            Err(malformed) => {
                assert!(malformed.offset <= packet.len());
                return;
            }
        }
        assert!(incoming.incomplete_bytes() <= LIMITS.bytes && incoming.incomplete() <= LIMITS.sequences);
    }
}

fn read(whole: &Whole) {
    let (mut heap, node) = (Heap::new(0), &mut Node { safe: false });
    let (control, end) = match whole.decode_control(&mut heap, node) {
        Ok(decoded) => decoded,
        Err(error) => return assert!(error.offset <= whole.size()),
    };
    let message = match whole.decode_message(end, &mut heap, node) {
        Ok(decoded) => decoded,
        Err(error) => return assert!(error.offset <= whole.size()),
    };
    let words = |t: Term| copy::flat_size(t, Literals::none());
    assert!(words(control) + message.map_or(0, words) <= MOST_WORDS_PER_BYTE * whole.size());
    for (cached, fragments) in [(true, true), (false, true), (false, false)] {
        let sent = Outgoing::new(control, message, &EncodeOptions::default(), cached).expect("small terms");
        let mut incoming = Incoming::default();
        let packets: Vec<_> = sent.packets(&mut OutCache::default(), 7, fragments).map(|p| p.bytes()).collect();
        let mut arrived = None;
        for packet in &packets {
            assert!(arrived.is_none());
            arrived = incoming.packet(packet).expect("our own packet");
        }
        let (control_again, message_again) =
            arrived.expect("all packets").decode(&mut heap, node).expect("our own bytes");
        assert!(compare::same(control_again, control));
        match (message, message_again) {
            (Some(message), Some(again)) => assert!(compare::same(again, message)),
            (message, again) => assert!(message.is_none() && again.is_none()),
        }
    }
}
