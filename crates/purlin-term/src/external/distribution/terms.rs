//! The bytes of a control tuple and its message, in which long binaries stay where they are.

use crate::CountedBytes;
use crate::external::encode::{Sink, writes_to};
use crate::word::Term;
use std::ops::Range;

/// Shorter binaries are copied.
const COPIED: usize = 4096;

/// Encoded terms.
#[derive(Debug, Default)]
pub struct Terms {
    /// What is not shared.
    bytes: Vec<u8>,
    shared: Vec<Shared>,
    /// How many bytes those are.
    shared_bytes: usize,
}

/// A binary among the bytes.
#[derive(Debug)]
struct Shared {
    /// Where it begins.
    at: usize,
    /// How many of the bytes that are not shared stand before it.
    before: usize,
    binary: CountedBytes,
}

impl Shared {
    fn end(&self) -> usize {
        self.at + self.binary.len()
    }
}

impl Terms {
    pub fn len(&self) -> usize {
        self.bytes.len() + self.shared_bytes
    }

    /// The bytes at a place, in pieces, none of which is empty.
    pub fn pieces(&self, place: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let first = self.shared.partition_point(|shared| shared.end() <= place.start);
        let pieces = (first..=self.shared.len()).flat_map(|i| {
            let (at, from) = i.checked_sub(1).map_or((0, 0), |i| (self.shared[i].end(), self.shared[i].before));
            let next = self.shared.get(i);
            let copied = &self.bytes[from..next.map_or(self.bytes.len(), |shared| shared.before)];
            std::iter::once((at, copied)).chain(next.map(|shared| (shared.at, shared.binary.bytes())))
        });
        let here = pieces.take_while(move |&(at, _)| at < place.end);
        here.filter_map(move |(at, piece)| {
            let (start, end) = (place.start.saturating_sub(at), piece.len().min(place.end - at));
            (start < end).then(|| &piece[start..end])
        })
    }
}

impl Sink for Terms {
    writes_to!(bytes);

    fn written(&self) -> usize {
        self.len()
    }

    fn binary(&mut self, of: Term, bytes: &[u8]) {
        if bytes.len() >= COPIED
            && let Some(binary) = CountedBytes::of(of)
        {
            // A bitstring's last bits are no whole byte.
            let rest = &bytes[binary.len()..];
            self.shared_bytes += binary.len();
            self.shared.push(Shared { at: self.len() - binary.len(), before: self.bytes.len(), binary });
            self.put(rest);
        } else {
            self.put(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::encode::encode_to;
    use crate::external::{EncodeOptions, encode_body};
    use crate::heap::Heap;

    #[test]
    fn pieces_make_up_what_is_encoded_whole() {
        let mut h = Heap::new(0);
        let random = |n: usize| -> Vec<u8> { (0..n).map(|i| (i * i / 7) as u8).collect() };
        let sizes = [0, 10, 64, 65, COPIED - 1, COPIED, COPIED + 1, 100_000];
        let mut elements: Vec<Term> = sizes.iter().map(|&n| h.binary(&random(n))).collect();
        let long = h.binary(&random(50_000));
        elements.extend(
            [(0, 8 * 50_000), (8, 8 * 40_000), (3, 8 * 40_000), (16, 8 * 40_000 + 5)]
                .map(|(from, n)| h.sub_bits(long, from, n)),
        );
        // Two beside each other, and nothing behind the last one.
        elements.push(long);
        let term = h.list_with_tail(&elements, long);
        let options = EncodeOptions::default();
        let expected = encode_body(term, &options).expect("small terms");
        let mut terms = Terms::default();
        encode_to(term, &mut terms, &options).expect("small terms");
        assert_eq!((terms.len(), terms.shared.len()), (expected.len(), 8));
        assert!(terms.bytes.len() < 70_000);
        for step in [expected.len(), 65_536, 4_099, 1_000] {
            for start in (0..expected.len()).step_by(step) {
                let place = start..expected.len().min(start + step);
                let pieces: Vec<&[u8]> = terms.pieces(place.clone()).collect();
                assert!(pieces.iter().all(|piece| !piece.is_empty()));
                assert!(pieces.concat() == expected[place]);
            }
        }
        assert_eq!(terms.pieces(5..5).count(), 0);
        assert_eq!(terms.pieces(expected.len()..expected.len()).count(), 0);
    }
}
