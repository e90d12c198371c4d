//! Binaries from lists and lists from binaries.

use super::guard::count;
use purlin_term::iolist::{self, Piece};
use purlin_term::{Heap, Term};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "iolist_size", 1, iolist_size),
    Native::plain("erlang", "iolist_to_binary", 1, iolist_to_binary),
    Native::plain("erlang", "iolist_to_iovec", 1, iolist_to_iovec),
    Native::plain("erlang", "list_to_binary", 1, list_to_binary),
    Native::plain("binary", "list_to_bin", 1, list_to_binary),
    Native::plain("erlang", "list_to_bitstring", 1, list_to_bitstring),
    Native::plain("erlang", "binary_to_list", 1, binary_to_list_1),
    Native::plain("erlang", "binary_to_list", 3, binary_to_list_3),
    Native::plain("erlang", "bitstring_to_list", 1, bitstring_to_list),
    Native::plain("erlang", "split_binary", 2, split_binary),
];

/// Bytes handled for one reduction.
pub(super) const BYTES_PER_REDUCTION: usize = 256;
/// Bytes listed for one reduction.
pub(super) const LISTED_PER_REDUCTION: usize = 16;
/// The weight of I/O lists handled for one reduction.
pub(super) const WEIGHT_PER_REDUCTION: usize = 32;
/// Binaries up to this many bytes are copied into a vector's buffers, larger ones are taken as they are.
const IOVEC_COPY_LIMIT: usize = 256;

fn iolist_size(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    let n = iolist::size(args[0]).or_badarg()?;
    ctx.charge(n / BYTES_PER_REDUCTION);
    Ok(count(n))
}

fn iolist_to_binary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if args[0].is_binary() {
        return Ok(args[0]);
    }
    list_to_binary(ctx, args)
}

/// The only element of a list, if it is a binary.
fn single(t: Term) -> Option<Term> {
    let (head, tail) = t.as_cons()?;
    (tail.is_nil() && head.is_binary()).then_some(head)
}

fn list_to_binary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_list() {
        return Err(Escape::BADARG);
    }
    if let Some(binary) = single(args[0]) {
        return Ok(binary);
    }
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    let t = iolist::to_binary(ctx.heap(), args[0]).or_badarg()?.ok_or(Escape::SYSTEM_LIMIT)?;
    ctx.charge(t.bit_size() / 8 / BYTES_PER_REDUCTION);
    Ok(t)
}

fn list_to_bitstring(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_list() {
        return Err(Escape::BADARG);
    }
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    let t = iolist::to_bitstring(ctx.heap(), args[0]).or_badarg()?.ok_or(Escape::SYSTEM_LIMIT)?;
    ctx.charge(t.bit_size() / 8 / BYTES_PER_REDUCTION);
    Ok(t)
}

fn iolist_to_iovec(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.room_for_term(args[0], WEIGHT_PER_REDUCTION)?;
    let vector = iovec(ctx.heap(), args[0]).or_badarg()?;
    ctx.charge(vector.len());
    Ok(ctx.heap().list(&vector))
}

/// The binaries of an I/O list, small pieces joined.
fn iovec(h: &mut Heap, t: Term) -> Option<Vec<Term>> {
    let mut vector = Vec::new();
    let mut joined = Vec::new();
    iolist::visit(t, &mut |piece| {
        match piece {
            Piece::Byte(b) => joined.push(b),
            Piece::Bits(b) => {
                let bytes = b.as_bytes()?;
                if bytes.len() <= IOVEC_COPY_LIMIT && !(t == b) {
                    joined.extend_from_slice(&bytes);
                } else if !bytes.is_empty() {
                    if !joined.is_empty() {
                        vector.push(h.binary(&joined));
                        joined.clear();
                    }
                    vector.push(b);
                }
            }
        }
        Some(())
    })?;
    if !joined.is_empty() {
        vector.push(h.binary(&joined));
    }
    Some(vector)
}

/// A list of the `n` bytes from byte `from` of a bitstring, in front of `tail`.
fn byte_list(h: &mut Heap, t: Term, from: usize, n: usize, tail: Term) -> Option<Term> {
    let bytes = t.as_bits()?.slice(from * 8, n * 8).to_bytes();
    Some(bytes.iter().rev().fold(tail, |list, &b| h.cons(Term::small(b as i64), list)))
}

/// Counts the work of listing bytes.
fn listed(ctx: &mut Ctx<'_>, bytes: usize) -> Result<(), Escape> {
    let reductions = bytes / LISTED_PER_REDUCTION;
    ctx.room_for(reductions)?;
    ctx.charge(reductions);
    Ok(())
}

fn binary_to_list_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_binary() {
        return Err(Escape::BADARG);
    }
    let n = args[0].bit_size() / 8;
    listed(ctx, n)?;
    byte_list(ctx.heap(), args[0], 0, n, Term::NIL).or_badarg()
}

fn binary_to_list_3(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let size = args[0].as_bits().or_badarg()?.size / 8;
    let (start, stop) = (args[1].as_usize().or_badarg()?, args[2].as_usize().or_badarg()?);
    if start < 1 || start > stop || stop > size {
        return Err(Escape::BADARG);
    }
    let n = stop - start + 1;
    listed(ctx, n)?;
    byte_list(ctx.heap(), args[0], start - 1, n, Term::NIL).or_badarg()
}

fn bitstring_to_list(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let size = args[0].as_bits().or_badarg()?.size;
    listed(ctx, size / 8)?;
    let h = ctx.heap();
    let mut tail = Term::NIL;
    if size % 8 != 0 {
        let last = h.sub_bits(args[0], size / 8 * 8, size % 8);
        tail = h.cons(last, tail);
    }
    byte_list(h, args[0], 0, size / 8, tail).or_badarg()
}

fn split_binary(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let size = args[0].as_bits().or_badarg()?.size;
    let at = args[1].as_usize().filter(|&at| at <= size / 8).or_badarg()? * 8;
    let h = ctx.heap();
    let (left, right) = (h.sub_bits(args[0], 0, at), h.sub_bits(args[0], at, size - at));
    Ok(h.tuple(&[left, right]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_join_small_pieces_and_share_large_ones() {
        let mut h = Heap::new(0);
        let (small, large) = (h.binary(b"ab"), h.binary(&[7; 300]));
        let t = h.list(&[Term::small(1), small, large, small, small]);
        let v = iovec(&mut h, t).unwrap();
        assert_eq!(v.len(), 3);
        assert_eq!(v[0].as_bytes().unwrap().as_ref(), b"\x01ab");
        assert_eq!(v[1], large);
        assert_eq!(v[2].as_bytes().unwrap().as_ref(), b"abab");
        assert_eq!(iovec(&mut h, small), Some(vec![small]));
        assert_eq!(iovec(&mut h, Term::NIL), Some(vec![]));
    }

    #[test]
    fn byte_lists_of_unaligned_parts() {
        let mut h = Heap::new(0);
        let whole = h.binary(&[0x12, 0x34, 0x56]);
        let part = h.sub_bits(whole, 4, 19);
        let list = byte_list(&mut h, part, 0, 2, Term::NIL).unwrap();
        assert_eq!(list.as_list().unwrap(), [Term::small(0x23), Term::small(0x45)]);
    }
}
