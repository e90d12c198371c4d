//! Terms to the external format and back.

use super::guard::count;
use purlin_term::external::{self, EncodeOptions};
use purlin_term::{Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "term_to_binary", 1, |ctx, args| term_to_binary(ctx, args[0], Term::NIL)),
    Native::plain("erlang", "term_to_binary", 2, |ctx, args| term_to_binary(ctx, args[0], args[1])),
    Native::plain("erlang", "term_to_iovec", 1, |ctx, args| term_to_iovec(ctx, args[0], Term::NIL)),
    Native::plain("erlang", "term_to_iovec", 2, |ctx, args| term_to_iovec(ctx, args[0], args[1])),
    Native::plain("erlang", "external_size", 1, |ctx, args| external_size(ctx, args[0], Term::NIL)),
    Native::plain("erlang", "external_size", 2, |ctx, args| external_size(ctx, args[0], args[1])),
    Native::plain("erlang", "binary_to_term", 1, |ctx, args| binary_to_term(ctx, args[0], Term::NIL)),
    Native::plain("erlang", "binary_to_term", 2, |ctx, args| binary_to_term(ctx, args[0], args[1])),
];

/// Bytes written or read for one reduction.
const BYTES_PER_REDUCTION: usize = 200;
/// Bytes made terms, and the weight of terms written and compressed, for one reduction.
const READ_PER_REDUCTION: usize = 16;
const WEIGHT_PER_REDUCTION: usize = 32;
const COMPRESSED_PER_REDUCTION: usize = 2;
/// The tag of compressed terms.
const COMPRESSED: u8 = b'P';

/// Reads the options of `term_to_binary/2`.
fn encode_options(release: Release, list: Term) -> Option<EncodeOptions> {
    let mut o = EncodeOptions::default();
    let mut list = list.iter();
    for option in list.by_ref() {
        if option == am!("compressed") {
            o.compressed = Some(-1);
        } else if option == am!("deterministic") {
            o.deterministic = true;
        } else if option == am!("local") && release >= Release(26) {
            o.local = true;
        } else {
            let &[key, value] = option.as_tuple()? else { return None };
            let value = value.as_small()?;
            if key == am!("minor_version") {
                o.minor_version = u8::try_from(value).ok().filter(|v| *v <= 2)?;
            } else if key == am!("compressed") {
                o.compressed = Some(i32::try_from(value).ok().filter(|l| (0..=9).contains(l))?);
            } else {
                return None;
            }
        }
    }
    (list.tail().is_nil() && !(o.local && o.deterministic)).then_some(o)
}

fn options(ctx: &Ctx<'_>, list: Term) -> Result<EncodeOptions, Escape> {
    let o = encode_options(ctx.engine.config.release, list).or_badarg()?;
    Ok(EncodeOptions { node: ctx.engine.node(), creation: ctx.engine.code.creation(), ..o })
}

fn term_to_binary(ctx: &mut Ctx<'_>, t: Term, list: Term) -> NativeResult {
    let o = options(ctx, list)?;
    ctx.room_for_term(t, if o.compressed.is_some() { COMPRESSED_PER_REDUCTION } else { WEIGHT_PER_REDUCTION })?;
    let bytes = external::encode(t, &o).map_err(|_| Escape::SYSTEM_LIMIT)?;
    ctx.charge(bytes.len() / BYTES_PER_REDUCTION);
    Ok(ctx.heap().binary(&bytes))
}

fn term_to_iovec(ctx: &mut Ctx<'_>, t: Term, list: Term) -> NativeResult {
    let o = options(ctx, list)?;
    if o.compressed.is_some() {
        let binary = term_to_binary(ctx, t, list)?;
        return Ok(ctx.heap().list(&[binary]));
    }
    ctx.room_for_term(t, WEIGHT_PER_REDUCTION)?;
    let pieces = external::encode_pieces(t, &o).map_err(|_| Escape::SYSTEM_LIMIT)?;
    ctx.charge(pieces.bytes.len() / BYTES_PER_REDUCTION + pieces.shared.len());
    let h = ctx.heap();
    let rest = h.binary(&pieces.bytes);
    let (mut elements, mut from) = (Vec::with_capacity(2 * pieces.shared.len() + 1), 0);
    for (at, shared) in pieces.shared {
        elements.push(h.sub_bits(rest, 8 * from, 8 * (at - from)));
        let bits = shared.bit_size();
        elements.push(if bits % 8 == 0 { shared } else { h.sub_bits(shared, 0, bits - bits % 8) });
        from = at;
    }
    if from == 0 {
        elements.push(rest);
    } else if from < pieces.bytes.len() {
        elements.push(h.sub_bits(rest, 8 * from, 8 * (pieces.bytes.len() - from)));
    }
    Ok(h.list(&elements))
}

fn external_size(ctx: &mut Ctx<'_>, t: Term, list: Term) -> NativeResult {
    ctx.room_for_term(t, WEIGHT_PER_REDUCTION)?;
    let o = if ctx.engine.config.release >= Release(26) { options(ctx, list)? } else { size_options(ctx, list)? };
    let size = external::encoded_size(t, &o).map_err(|_| Escape::SYSTEM_LIMIT)?;
    ctx.charge(size / BYTES_PER_REDUCTION);
    Ok(count(size))
}

/// The options of `external_size/2` on OTP 25, which are `{minor_version, 0}` and `{minor_version, 1}`; the first counts
/// wherever it stands.
fn size_options(ctx: &Ctx<'_>, list: Term) -> Result<EncodeOptions, Escape> {
    let minor = |option: Term| match *option.as_tuple()? {
        [key, version] if key == am!("minor_version") => version.as_small().filter(|v| matches!(v, 0 | 1)),
        _ => None,
    };
    let versions: Option<Vec<i64>> = list.as_list().or_badarg()?.into_iter().map(minor).collect();
    let lowest = versions.or_badarg()?.into_iter().min().unwrap_or(1);
    Ok(EncodeOptions { minor_version: lowest as u8, ..options(ctx, Term::NIL)? })
}

/// How many bytes there are to read, once they are no longer compressed.
fn read_size(bytes: &[u8]) -> usize {
    match *bytes {
        [_, COMPRESSED, a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]) as usize,
        _ => bytes.len(),
    }
}

fn binary_to_term(ctx: &mut Ctx<'_>, t: Term, options: Term) -> NativeResult {
    let (mut safe, mut used) = (false, false);
    let mut list = options.iter();
    for option in list.by_ref() {
        if option == am!("safe") {
            safe = true;
        } else if option == am!("used") {
            used = true;
        } else {
            return Err(Escape::badarg_cause(am!("badopt")));
        }
    }
    if !list.tail().is_nil() {
        return Err(Escape::badarg_cause(am!("badopt")));
    }
    let bytes = t.as_bytes().or_badarg()?;
    ctx.room_for(read_size(&bytes) / READ_PER_REDUCTION)?;
    ctx.charge(bytes.len() / BYTES_PER_REDUCTION);
    let mut decoding = ctx.engine.code.decoding(safe);
    let (term, size) = external::decode(&bytes, &mut ctx.data.heap, &mut decoding).ok().or_badarg()?;
    Ok(if used { ctx.heap().tuple(&[term, count(size)]) } else { term })
}
