//! I/O lists: nested lists of bytes and binaries, as one run of bytes.
//!
//! `None` always means that the term is no I/O list (or bitstring list).

use crate::bits::BitBuilder;
use crate::heap::Heap;
use crate::word::Term;
use smallvec::SmallVec;

/// A piece of an I/O list.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    Byte(u8),
    /// A binary or bitstring.
    Bits(Term),
}

/// Hands the pieces of a bitstring, or of a nested list of bytes and bitstrings, to `f` in their order.
pub fn visit(t: Term, f: &mut impl FnMut(Piece) -> Option<()>) -> Option<()> {
    let mut tails: SmallVec<[Term; 8]> = SmallVec::new();
    let mut t = t;
    loop {
        while let Some((head, tail)) = t.as_cons() {
            t = tail;
            if let Some(i) = head.as_small() {
                f(Piece::Byte(u8::try_from(i).ok()?))?;
            } else if head.is_cons() {
                if !tail.is_nil() {
                    tails.push(tail);
                }
                t = head;
            } else if head.is_bitstring() {
                f(Piece::Bits(head))?;
            } else if !head.is_nil() {
                return None;
            }
        }
        if t.is_bitstring() {
            f(Piece::Bits(t))?;
        } else if !t.is_nil() {
            return None;
        }
        match tails.pop() {
            Some(next) => t = next,
            None => return Some(()),
        }
    }
}

/// Size in bytes of an I/O list.
pub fn size(t: Term) -> Option<usize> {
    let bits = bit_size(t, true)?;
    Some(bits / 8)
}

fn bit_size(t: Term, whole_bytes: bool) -> Option<usize> {
    let mut bits = 0usize;
    visit(t, &mut |piece| {
        let n = match piece {
            Piece::Byte(_) => 8,
            Piece::Bits(b) => b.bit_size(),
        };
        if whole_bytes && n % 8 != 0 {
            return None;
        }
        bits = bits.checked_add(n)?;
        Some(())
    })?;
    Some(bits)
}

/// Appends the bytes of an I/O list to `out`.
pub fn append_to(out: &mut Vec<u8>, t: Term) -> Option<()> {
    visit(t, &mut |piece| {
        match piece {
            Piece::Byte(b) => out.push(b),
            Piece::Bits(b) => out.extend_from_slice(&b.as_bytes()?),
        }
        Some(())
    })
}

/// The bytes of an I/O list.
pub fn to_bytes(t: Term) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    append_to(&mut out, t)?;
    Some(out)
}

/// So many bytes are put together apart, which takes one walk; of more the size is found first.
const AT_ONCE: usize = 1 << 20;

/// A binary of the bytes of an I/O list; `Some(None)` when it would be too large.
pub fn to_binary(heap: &mut Heap, t: Term) -> Option<Option<Term>> {
    let (mut bytes, mut many) = (Vec::with_capacity(256), false);
    let done = visit(t, &mut |piece| {
        match piece {
            Piece::Byte(b) => bytes.push(b),
            Piece::Bits(b) => {
                many = b.bit_size() / 8 > AT_ONCE - bytes.len();
                if many {
                    return None;
                }
                bytes.extend_from_slice(&b.as_bytes()?);
            }
        }
        many = bytes.len() >= AT_ONCE;
        (!many).then_some(())
    });
    if many {
        return build(heap, t, true);
    }
    done?;
    Some(Some(heap.binary(&bytes)))
}

/// A bitstring of the bits of a bitstring list; `Some(None)` when it would be too large.
pub fn to_bitstring(heap: &mut Heap, t: Term) -> Option<Option<Term>> {
    build(heap, t, false)
}

fn build(heap: &mut Heap, t: Term, whole_bytes: bool) -> Option<Option<Term>> {
    let bits = bit_size(t, whole_bytes)?;
    let Some(mut b) = BitBuilder::new(heap, bits) else { return Some(None) };
    visit(t, &mut |piece| match piece {
        Piece::Byte(byte) => b.put_byte(byte).ok(),
        Piece::Bits(bits) => b.put_all(bits, 1).ok(),
    })?;
    Some(Some(b.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lists_are_flattened() {
        let mut h = Heap::new(0);
        let n = Term::small;
        let abc = h.binary(b"abc");
        let bits = h.bitstring(&[0xA0], 3);
        let inner = h.list(&[n(1), Term::NIL, abc]);
        let ends_in_binary = h.cons(inner, abc);
        let deep = (0..10_000).fold(ends_in_binary, |t, _| h.list(&[t]));
        let nine = (0..9).map(n).collect::<Vec<_>>();
        let nine = h.list(&nine);
        for (t, want) in [
            (abc, Some(&b"abc"[..])),
            (Term::NIL, Some(b"")),
            (inner, Some(b"\x01abc")),
            (ends_in_binary, Some(b"\x01abcabc")),
            (deep, Some(b"\x01abcabc")),
            (nine, Some(&[0, 1, 2, 3, 4, 5, 6, 7, 8])),
            (n(1), None),
            (bits, None),
            (h.list(&[n(256)]), None),
            (h.list(&[n(-1)]), None),
            (h.list(&[bits]), None),
            (h.cons(n(1), n(2)), None),
            (h.cons(inner, n(2)), None),
        ] {
            assert_eq!(to_bytes(t).as_deref(), want, "{t:?}");
            assert_eq!(size(t), want.map(<[u8]>::len));
            let binary = to_binary(&mut h, t).map(|t| t.unwrap().as_bytes().unwrap().to_vec());
            assert_eq!(binary.as_deref(), want);
        }
    }

    #[test]
    fn long_ones_are_joined_like_short_ones() {
        let mut h = Heap::new(0);
        let part = h.binary(&[7; 1000]);
        for n in [1, AT_ONCE / 1000, AT_ONCE / 1000 + 1, 2 * AT_ONCE / 1000] {
            let list = h.list(&vec![part; n]);
            let t = h.cons(Term::small(1), list);
            let binary = to_binary(&mut h, t).flatten().map(|t| t.as_bytes().unwrap().to_vec());
            assert_eq!(binary, to_bytes(t), "{n}");
        }
    }

    #[test]
    fn bitstrings_are_joined_bit_by_bit() {
        let mut h = Heap::new(0);
        let bits = h.bitstring(&[0xA0], 3);
        let t = h.list(&[bits, Term::small(0xFF), bits]);
        let joined = to_bitstring(&mut h, t).unwrap().unwrap();
        assert_eq!(joined.bit_size(), 14);
        assert_eq!(joined.as_bits().unwrap().to_bytes().as_ref(), &[0xBF, 0xF4]);
    }
}
