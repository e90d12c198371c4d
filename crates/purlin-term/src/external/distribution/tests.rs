use super::*;
use crate::atom::Atom;
use crate::compare::same;
use crate::external::{EncodeOptions, PlainContext, TooLarge};
use crate::heap::Heap;
use crate::word::Term;
use std::collections::HashSet;

mod captured;

fn atom(text: &str) -> Term {
    Term::atom(Atom::new(text))
}

fn sent(control: Term, message: Option<Term>, cached: bool) -> Outgoing {
    let sent: Result<Outgoing, TooLarge> = Outgoing::new(control, message, &EncodeOptions::default(), cached);
    sent.expect("small terms")
}

/// Both terms of a message, as text.
fn read(whole: &Whole) -> String {
    let mut heap = Heap::new(0);
    match whole.decode(&mut heap, &mut PlainContext) {
        Ok((control, Some(message))) => format!("{control:?} {message:?}"),
        Ok((control, None)) => format!("{control:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_header_tells_new_atoms_once() {
    let mut heap = Heap::new(0);
    let (mut cache, mut incoming) = (OutCache::default(), Incoming::default());
    let control = heap.tuple(&[Term::small(2), atom("once"), atom("twice"), atom("twice")]);
    let place = |text| (OutCache::slot(Atom::new(text)) as u16).to_be_bytes();
    let [[high, low], [next_high, next_low]] = [place("once"), place("twice")];
    let flags = (8 | high) | (8 | next_high) << 4;
    let terms = [104, 4, 97, 2, 82, 0, 82, 1, 82, 1];
    let first: Vec<u8> =
        sent(control, None, true).packets(&mut cache, 1, true).flat_map(|packet| packet.bytes()).collect();
    let texts = [&[low, 4][..], b"once", &[next_low, 5], b"twice"].concat();
    assert_eq!(first, [&[131, 68, 2, flags, 0][..], &texts, &terms].concat());
    let second: Vec<u8> =
        sent(control, None, true).packets(&mut cache, 1, true).flat_map(|packet| packet.bytes()).collect();
    assert_eq!(second, [&[131, 68, 2, high | next_high << 4, 0, low, next_low][..], &terms].concat());
    for packet in [first, second] {
        let whole = incoming.packet(&packet).expect("a packet").expect("a message");
        assert_eq!(read(&whole), "{2,once,twice,twice}");
    }
}

#[test]
fn long_atoms_are_told_with_long_lengths() {
    let mut heap = Heap::new(0);
    let (mut cache, mut incoming) = (OutCache::default(), Incoming::default());
    let longest = "日".repeat(255);
    for texts in [&["short"][..], &["short", &longest], &[&longest], &["other", "third"]] {
        let atoms: Vec<Term> = texts.iter().map(|text| atom(text)).collect();
        let control = heap.tuple(&atoms);
        let packet: Vec<u8> =
            sent(control, None, true).packets(&mut cache, 1, true).flat_map(|packet| packet.bytes()).collect();
        let flag = packet[3 + atoms.len() / 2] >> (atoms.len() % 2 * 4) & 1;
        // Only what is new counts.
        assert_eq!(flag == 1, atoms.len() == 2 && texts[0] == "short");
        let whole = incoming.packet(&packet).expect("a packet").expect("a message");
        let (again, message) = whole.decode(&mut heap, &mut PlainContext).expect("terms");
        assert!(same(again, control) && message.is_none());
    }
}

#[test]
fn caches_follow_each_other_over_more_atoms_than_slots() {
    let (mut cache, mut incoming) = (OutCache::default(), Incoming::default());
    let mut number = 1u64;
    let mut random = |below: u64| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) % below
    };
    let (mut bytes, mut plain) = (0, 0);
    for i in 0..5_000 {
        let mut heap = Heap::new(0);
        // Most atoms are used again and again, some seldom, and in some messages there are too many.
        let count = if i % 500 == 0 { 700 } else { random(12) };
        let atoms: Vec<Term> = (0..count)
            .map(|_| match random(4) {
                0 => atom(&format!("codec_{}", random(6_000))),
                _ => atom(&format!("codec_{}", random(50))),
            })
            .collect();
        let list = heap.list(&atoms);
        let control = heap.tuple(&[Term::small(i), list]);
        let message = (i % 3 > 0).then(|| heap.tuple(&atoms));
        for packet in sent(control, message, true).packets(&mut cache, 1, true).map(|packet| packet.bytes()) {
            bytes += packet.len();
            let whole = incoming.packet(&packet).expect("a packet").expect("a message");
            let (control_again, message_again) = whole.decode(&mut heap, &mut PlainContext).expect("terms");
            assert!(same(control_again, control));
            assert_eq!(message_again.is_some(), message.is_some());
            assert!(message_again.zip(message).is_none_or(|(again, message)| same(again, message)));
        }
        plain += sent(control, message, false).size();
    }
    assert!(bytes * 2 < plain, "{bytes} of {plain}");
}

#[test]
fn atoms_of_one_slot_and_those_that_are_too_many_are_written_in_full() {
    let mut heap = Heap::new(0);
    let mut slots = HashSet::new();
    let atoms: Vec<Atom> = (0..3_000).map(|i| Atom::new(&format!("full_{i}"))).collect();
    let control = heap.list(&atoms.iter().map(|&a| Term::atom(a)).collect::<Vec<_>>());
    let numbered = atoms.iter().filter(|&&a| slots.insert(OutCache::slot(a))).take(MOST_ATOMS);
    let numbered: usize = numbered.map(|a| a.name().len()).sum();
    let whole = sent(control, None, true);
    let full: usize = atoms.iter().map(|a| a.name().len() + 2).sum();
    assert_eq!(whole.size(), 6 + full - numbered);
    let mut incoming = Incoming::default();
    for packet in whole.packets(&mut OutCache::default(), 1, false).map(|packet| packet.bytes()) {
        assert_eq!(packet[2], 255);
        let whole = incoming.packet(&packet).expect("a packet").expect("a message");
        assert!(same(whole.decode(&mut heap, &mut PlainContext).expect("terms").0, control));
    }
    // Another atom with the slot of one that stands before it.
    let mut others = (0..).map(|i| Atom::new(&format!("other_{i}")));
    let shared = others.find(|&a| OutCache::slot(a) == OutCache::slot(Atom::OK));
    let control = heap.tuple(&[atom("ok"), Term::atom(shared.expect("one of 2048"))]);
    let packet: Vec<u8> = sent(control, None, true)
        .packets(&mut OutCache::default(), 1, true)
        .flat_map(|packet| packet.bytes())
        .collect();
    assert_eq!(packet[2], 1);
    assert_eq!(read(&incoming.packet(&packet).expect("a packet").expect("a message")), format!("{control:?}"));
}

#[test]
fn long_messages_are_cut_for_those_who_know() {
    for (len, count) in [(0, 1), (FRAGMENT - 5, 1), (FRAGMENT - 4, 2), (2 * FRAGMENT - 5, 2), (3 * FRAGMENT, 4)] {
        let mut heap = Heap::new(0);
        let message = heap.binary(&vec![7; len]);
        let control = heap.tuple(&[Term::small(2), atom("cut")]);
        for cached in [true, false] {
            let (mut cache, mut incoming) = (OutCache::default(), Incoming::default());
            let packets = sent(control, Some(message), cached).packets(&mut cache, 9, true);
            assert_eq!(packets.len(), count);
            let packets: Vec<_> = packets.map(|packet| packet.bytes()).collect();
            let mut arrived = None;
            for (i, packet) in packets.iter().enumerate() {
                assert!(arrived.is_none() && packet.len() < FRAGMENT + 100);
                let kind = [b'E', b'F'][i.min(1)];
                assert_eq!(packet[1], if count == 1 { b'D' } else { kind });
                if count > 1 {
                    assert_eq!(packet[2..18], [[0, 0, 0, 0, 0, 0, 0, 9], ((count - i) as u64).to_be_bytes()].concat());
                }
                arrived = incoming.packet(packet).expect("a packet");
            }
            let (_, again) = arrived.expect("a message").decode(&mut heap, &mut PlainContext).expect("terms");
            assert!(again.is_some_and(|again| same(again, message)));
            let whole = sent(control, Some(message), cached).packets(&mut cache, 9, false).map(|packet| packet.bytes());
            assert_eq!(whole.len(), 1);
            assert_eq!(whole.map(|packet| packet[0]).collect::<Vec<_>>(), [if cached { 131 } else { b'p' }]);
        }
    }
}

#[test]
fn fragments_of_several_messages_come_between_each_other() {
    let mut heap = Heap::new(0);
    let (mut cache, mut incoming) = (OutCache::default(), Incoming::default());
    let mut rows: Vec<Packets> = Vec::new();
    let messages: Vec<Term> = (1..6u8)
        .map(|i| {
            let bytes = heap.binary(&vec![i; usize::from(i) * 50_000]);
            heap.tuple(&[atom(&format!("between_{i}")), bytes])
        })
        .collect();
    for (i, &message) in messages.iter().enumerate() {
        let control = heap.tuple(&[Term::small(i as i64), atom("between")]);
        rows.push(sent(control, Some(message), true).packets(&mut cache, 1 + i as u64, true));
    }
    let mut arrived = 0;
    while rows.iter().any(|row| row.len() > 0) {
        for row in &mut rows {
            let Some(packet) = row.next().map(|packet| packet.bytes()) else { continue };
            let Some(whole) = incoming.packet(&packet).expect("a packet") else { continue };
            let (control, end) = whole.decode_control(&mut heap, &mut PlainContext).expect("a term");
            let number = control.as_tuple().and_then(|c| c[0].as_small()).expect("a number");
            let mut other = Heap::new(0);
            let message = whole.decode_message(end, &mut other, &mut PlainContext).expect("a term");
            assert!(message.is_some_and(|message| same(message, messages[number as usize])));
            arrived += 1;
        }
    }
    assert_eq!((arrived, incoming.incomplete(), incoming.incomplete_bytes()), (messages.len(), 0, 0));
}

#[test]
fn peers_without_a_cache_get_terms_in_full() {
    let mut heap = Heap::new(0);
    let control = heap.tuple(&[Term::small(2), atom("é")]);
    let mut incoming = Incoming::default();
    for (message, bytes) in [(None, vec![]), (Some(atom("ok")), vec![131, 119, 2, b'o', b'k'])] {
        let packets =
            sent(control, message, false).packets(&mut OutCache::default(), 1, false).map(|packet| packet.bytes());
        let packet: Vec<u8> = packets.flatten().collect();
        assert_eq!(packet, [&[b'p', 131, 104, 2, 97, 2, 119, 2, 0xC3, 0xA9][..], &bytes].concat());
        let whole = incoming.packet(&packet).expect("a packet").expect("a message");
        assert_eq!(read(&whole), ["{2,é}", "{2,é} ok"][usize::from(message.is_some())]);
    }
    assert!(matches!(incoming.packet(&[]), Ok(None)));
}

/// The header of a fragment.
fn fragment(kind: u8, sequence: u64, number: u64, rest: &[u8]) -> Vec<u8> {
    [&[131, kind][..], &sequence.to_be_bytes(), &number.to_be_bytes(), rest].concat()
}

#[test]
fn malformed_packets_are_refused_where_they_go_wrong() {
    let too_long = [&[131, 68, 1, 0x18, 0, 1, 0][..], &[b'a'; 256]].concat();
    let cases: &[(&[Vec<u8>], Fault, usize)] = &[
        (&[vec![0]], Fault::Unknown, 0),
        (&[vec![130, 68, 0]], Fault::Unknown, 0),
        (&[vec![131]], Fault::Short, 1),
        (&[vec![131, 104, 0]], Fault::Unknown, 1),
        (&[vec![131, 68]], Fault::Short, 2),
        (&[vec![131, 68, 1]], Fault::Short, 3),
        (&[vec![131, 68, 2, 0x88]], Fault::Short, 3),
        (&[vec![131, 68, 255, 0]], Fault::Short, 3),
        (&[vec![131, 68, 1, 0x08]], Fault::Short, 4),
        (&[vec![131, 68, 1, 0x08, 0]], Fault::Short, 5),
        (&[vec![131, 68, 1, 0x08, 0, 3, b'a', b'b']], Fault::Short, 6),
        (&[vec![131, 68, 1, 0x18, 0, 0]], Fault::Short, 5),
        (&[vec![131, 68, 1, 0x08, 0, 2, 0xFF, 0xFF]], Fault::AtomText, 6),
        (&[too_long], Fault::AtomText, 7),
        (&[vec![131, 68, 1, 0x00, 0]], Fault::EmptySlot, 4),
        // The second one is in another segment.
        (&[vec![131, 68, 1, 0x0F, 9, 0, 106], vec![131, 68, 1, 0x06, 9, 106]], Fault::EmptySlot, 4),
        (&[vec![131, 69, 0]], Fault::Short, 2),
        (&[fragment(69, 1, 2, &[])], Fault::Short, 18),
        (&[fragment(69, 1, 0, &[0])], Fault::Order, 10),
        (&[fragment(70, 1, 1, &[])], Fault::NoSequence, 2),
        (&[fragment(69, 1, 2, &[0]), fragment(70, 2, 1, &[])], Fault::NoSequence, 2),
        (&[fragment(69, 1, 3, &[0]), fragment(70, 1, 1, &[])], Fault::Order, 10),
        (&[fragment(69, 1, 3, &[0]), fragment(70, 1, 3, &[])], Fault::Order, 10),
        (&[fragment(69, 1, 2, &[0]), fragment(69, 1, 2, &[0])], Fault::SecondStart, 2),
        (&[fragment(69, 1, 2, &[0]), fragment(70, 1, 1, &[106]), fragment(70, 1, 1, &[])], Fault::NoSequence, 2),
    ];
    for &(packets, fault, offset) in cases {
        let mut incoming = Incoming::default();
        let (last, before) = packets.split_last().expect("a packet");
        for packet in before {
            assert!(incoming.packet(packet).is_ok());
        }
        assert_eq!(incoming.packet(last).map(|_| ()), Err(Malformed { fault, offset }), "{packets:?}");
    }
}

#[test]
fn terms_that_are_none_are_refused_when_they_are_decoded() {
    let cases: &[(&[u8], usize)] = &[
        // No control tuple, half of one, one and a half.
        (&[131, 68, 0], 0),
        (&[131, 68, 0, 104, 1], 2),
        (&[131, 68, 0, 106, 97], 2),
        // More than two terms.
        (&[131, 68, 0, 106, 106, 106], 2),
        // Atoms that the header does not tell.
        (&[131, 68, 0, 82, 0], 2),
        (&[131, 68, 1, 0x08, 0, 1, b'a', 82, 1], 2),
        // Version bytes where none belong, and none where they do.
        (&[131, 68, 0, 131, 106], 0),
        (b"p", 0),
        (b"pj", 0),
        (b"p\x83jj", 2),
        (b"p\x83", 1),
    ];
    for &(packet, offset) in cases {
        let whole = Incoming::default().packet(packet).expect("a packet").expect("a message");
        assert_eq!(read(&whole), format!("no external term (at byte {offset})"), "{packet:?}");
    }
}

#[test]
fn packets_that_are_cut_off_are_errors_or_other_terms() {
    let mut heap = Heap::new(0);
    let inner = heap.byte_list(b"abc");
    let number = heap.integer(i64::MAX);
    let message = heap.tuple(&[atom("cut_off"), inner, number, atom("at")]);
    let control = heap.tuple(&[Term::small(2), atom("cut_off")]);
    for cached in [true, false] {
        let packets = sent(control, Some(message), cached)
            .packets(&mut OutCache::default(), 1, false)
            .map(|packet| packet.bytes());
        let packet: Vec<u8> = packets.flatten().collect();
        for end in 1..packet.len() {
            let Ok(whole) = Incoming::default().packet(&packet[..end]) else { continue };
            let text = read(&whole.expect("a message"));
            assert!(text.starts_with("no external term") || text == "{2,cut_off}", "{text}");
        }
    }
}

#[test]
fn what_a_peer_leaves_incomplete_has_limits() {
    let too_much = |result: Result<Option<Whole>, Malformed>| result.is_err_and(|e| e.fault == Fault::TooMuch);
    let limits = Limits { bytes: 100, sequences: 2 };
    let mut incoming = Incoming::new(limits);
    for sequence in [1, 2] {
        assert!(matches!(incoming.packet(&fragment(69, sequence, 9, &[0, 1])), Ok(None)));
    }
    assert!(too_much(incoming.packet(&fragment(69, 3, 9, &[0, 1]))));
    // One that is complete is not counted.
    assert!(matches!(incoming.packet(&fragment(69, 3, 1, &[0, 106])), Ok(Some(_))));
    let mut incoming = Incoming::new(limits);
    assert!(matches!(incoming.packet(&fragment(69, 1, 3, &[0; 61])), Ok(None)));
    assert!(too_much(incoming.packet(&fragment(69, 2, 2, &[0; 42]))));
    assert!(too_much(incoming.packet(&fragment(70, 1, 2, &[0; 41]))));
    assert!(matches!(incoming.packet(&fragment(70, 1, 2, &[0; 40])), Ok(None)));
    assert_eq!((incoming.incomplete(), incoming.incomplete_bytes()), (1, 100));
    assert!(matches!(incoming.packet(&fragment(70, 1, 1, &[])), Ok(Some(_))));
    assert_eq!((incoming.incomplete(), incoming.incomplete_bytes()), (0, 0));
}
