//! Hashes. A state is a reference that no call changes: updating it gives a new one.

use super::{atoms, bad, bytes, map_of};
use digest::Digest;
use purlin_term::{Magic, Term, am};
use purlin_vm::{Ctx, Escape, Native, NativeResult};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("crypto", "hash_algorithms", 0, |c, _| atoms(c, HASHES.iter().map(|h| h.name))),
    Native::plain("crypto", "hash_info_nif", 1, hash_info),
    Native::plain("crypto", "hash_nif", 2, hash),
    Native::plain("crypto", "hash_init_nif", 1, hash_init),
    Native::plain("crypto", "hash_update_nif", 2, hash_update),
    Native::plain("crypto", "hash_final_nif", 1, hash_final),
];

/// A hash that is being computed.
pub trait Running: Send + Sync {
    fn update(&mut self, data: &[u8]);
    fn copy(&self) -> Box<dyn Running>;
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<D: Digest + Clone + Send + Sync + 'static> Running for D {
    fn update(&mut self, data: &[u8]) {
        Digest::update(self, data);
    }

    fn copy(&self) -> Box<dyn Running> {
        Box::new(self.clone())
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().to_vec()
    }
}

/// A kind of hash.
pub struct Hash {
    pub name: &'static str,
    /// The number that OpenSSL knows it by.
    number: i64,
    /// Bytes that are worked on at once; also the length of keys for message authentication.
    pub block: usize,
    size: fn() -> usize,
    pub start: fn() -> Box<dyn Running>,
}

const fn kind<D: Digest + Running + 'static>(name: &'static str, number: i64, block: usize) -> Hash {
    Hash { name, number, block, size: <D as Digest>::output_size, start: || Box::new(<D as Digest>::new()) }
}

static HASHES: [Hash; 14] = [
    kind::<blake2::Blake2s256>("blake2s", 1057, 64),
    kind::<blake2::Blake2b512>("blake2b", 1056, 128),
    kind::<sha3::Sha3_512>("sha3_512", 1099, 72),
    kind::<sha3::Sha3_384>("sha3_384", 1098, 104),
    kind::<sha3::Sha3_256>("sha3_256", 1097, 136),
    kind::<sha3::Sha3_224>("sha3_224", 1096, 144),
    kind::<sha2::Sha512>("sha512", 674, 128),
    kind::<sha2::Sha384>("sha384", 673, 128),
    kind::<sha2::Sha256>("sha256", 672, 64),
    kind::<sha2::Sha224>("sha224", 675, 64),
    kind::<sha1::Sha1>("sha", 64, 64),
    kind::<ripemd::Ripemd160>("ripemd160", 117, 64),
    kind::<md5::Md5>("md5", 4, 64),
    kind::<md4::Md4>("md4", 257, 64),
];

/// The hash of this name.
pub fn named(t: Term) -> Option<&'static Hash> {
    let name = t.as_atom()?;
    HASHES.iter().find(|h| h.name == name.name())
}

fn hash_info(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(hash) = named(a[0]) else { return Err(bad(ctx, 0, "Bad digest type")) };
    let facts = [
        (am!("size"), Term::small((hash.size)() as i64)),
        (am!("block_size"), Term::small(hash.block as i64)),
        (am!("type"), Term::small(hash.number)),
    ];
    Ok(map_of(ctx.heap(), &facts))
}

fn hash(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let Some(hash) = named(a[0]) else { return Err(bad(ctx, 0, "Bad digest type")) };
    let data = bytes(ctx, a[1], 1, "Not iolist")?;
    let mut running = (hash.start)();
    running.update(&data);
    Ok(ctx.heap().binary(&running.finish()))
}

struct State(Box<dyn Running>);

fn state<'a>(ctx: &mut Ctx<'_>, t: Term) -> Result<&'a State, Escape> {
    t.magic().ok_or_else(|| bad(ctx, 0, "Bad state"))
}

fn reference(ctx: &mut Ctx<'_>, running: Box<dyn Running>) -> NativeResult {
    let id = ctx.engine.next_ref();
    Ok(ctx.heap().magic_reference(id, Arc::new(Magic { value: Box::new(State(running)) })))
}

fn hash_init(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    match named(a[0]) {
        Some(hash) => reference(ctx, (hash.start)()),
        None => Err(bad(ctx, 0, "Bad digest type")),
    }
}

fn hash_update(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = state(ctx, a[0])?;
    let data = bytes(ctx, a[1], 1, "Not iolist")?;
    let mut running = state.0.copy();
    running.update(&data);
    reference(ctx, running)
}

fn hash_final(ctx: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = state(ctx, a[0])?;
    Ok(ctx.heap().binary(&state.0.copy().finish()))
}
