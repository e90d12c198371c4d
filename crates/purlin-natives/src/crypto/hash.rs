//! Hashes. A hash state never changes: each update makes a new one.

use super::{Place, badarg, bytes, reference};
use digest::Digest;
use purlin_term::{Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "hash_info_nif", 1, hash_info),
    Native::plain("crypto", "hash_nif", 2, hash),
    Native::plain("crypto", "hash_init_nif", 1, hash_init),
    Native::plain("crypto", "hash_update_nif", 2, hash_update),
    Native::plain("crypto", "hash_final_nif", 1, hash_final),
];

/// Runs `$body` with `$d` as the type of the hash called `$name`; `None` when there is no such hash.
macro_rules! with_hash {
    ($name:expr, $d:ident => $body:expr) => {{
        macro_rules! one {
            ($t:ty) => {{
                type $d = $t;
                Some($body)
            }};
        }
        match $name {
            "sha" => one!(sha1::Sha1),
            "sha224" => one!(sha2::Sha224),
            "sha256" => one!(sha2::Sha256),
            "sha384" => one!(sha2::Sha384),
            "sha512" => one!(sha2::Sha512),
            "sha3_224" => one!(sha3::Sha3_224),
            "sha3_256" => one!(sha3::Sha3_256),
            "sha3_384" => one!(sha3::Sha3_384),
            "sha3_512" => one!(sha3::Sha3_512),
            "ripemd160" => one!(ripemd::Ripemd160),
            "md5" => one!(md5::Md5),
            "md4" => one!(md4::Md4),
            _ => None,
        }
    }};
}
pub(super) use with_hash;

/// Name, bytes of a block, and the number that OpenSSL gives to the algorithm.
const INFO: [(&str, i64, i64); 14] = [
    ("blake2s", 64, 1057),
    ("blake2b", 128, 1056),
    ("sha3_512", 72, 1099),
    ("sha3_384", 104, 1098),
    ("sha3_256", 136, 1097),
    ("sha3_224", 144, 1096),
    ("sha512", 128, 674),
    ("sha384", 128, 673),
    ("sha256", 64, 672),
    ("sha224", 64, 675),
    ("sha", 64, 64),
    ("ripemd160", 64, 117),
    ("md5", 64, 4),
    ("md4", 64, 257),
];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    INFO.iter().map(|i| i.0)
}

/// A hash under way.
trait Hash: Send + Sync {
    fn add(&mut self, data: &[u8]);
    fn fork(&self) -> State;
    fn finish(&self) -> Vec<u8>;
}

type State = Box<dyn Hash>;

impl<D: Digest + Clone + Send + Sync + 'static> Hash for D {
    fn add(&mut self, data: &[u8]) {
        self.update(data);
    }

    fn fork(&self) -> State {
        Box::new(self.clone())
    }

    fn finish(&self) -> Vec<u8> {
        self.clone().finalize().to_vec()
    }
}

fn new(t: Term) -> Option<State> {
    named(t.as_atom()?.name())
}

/// The hash of a text.
pub(super) fn digest(name: &str, text: &[u8]) -> Option<Vec<u8>> {
    let mut state = named(name)?;
    state.add(text);
    Some(state.finish())
}

/// Bytes of a hash's value.
pub(super) fn digest_size(name: &str) -> Option<usize> {
    Some(named(name)?.finish().len())
}

fn named(name: &str) -> Option<State> {
    match name {
        "blake2b" => Some(Box::new(blake2::Blake2b512::default())),
        "blake2s" => Some(Box::new(blake2::Blake2s256::default())),
        _ => with_hash!(name, D => Box::new(D::default()) as State),
    }
}

fn start(ctx: &mut Ctx<'_>, t: Term, line: i64) -> Result<State, Escape> {
    new(t).ok_or_else(|| badarg(ctx.heap(), ("hash.c", line, 0), "Bad digest type"))
}

fn state<'a>(ctx: &mut Ctx<'_>, t: Term, place: Place) -> Result<&'a State, Escape> {
    t.magic::<State>().ok_or_else(|| badarg(ctx.heap(), place, "Bad state"))
}

fn hash_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?.name();
    let &(_, block, number) = INFO.iter().find(|i| i.0 == name).or_badarg()?;
    let size = new(args[0]).or_badarg()?.finish().len() as i64;
    let pairs =
        [(am!("block_size"), Term::small(block)), (am!("size"), Term::small(size)), (am!("type"), Term::small(number))];
    Ok(map::from_pairs(ctx.heap(), &pairs))
}

fn hash(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let mut state = start(ctx, args[0], 108)?;
    let data = bytes(ctx, args[1], ("hash.c", 110, 1), "Not iolist")?;
    ctx.charge(data.len() / 100);
    state.add(&data);
    Ok(ctx.heap().binary(&state.finish()))
}

fn hash_init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let state = start(ctx, args[0], 142)?;
    Ok(reference(ctx, state))
}

fn hash_update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let before = state(ctx, args[0], ("hash.c", 171, 0))?;
    let data = bytes(ctx, args[1], ("hash.c", 173, 1), "Bad data")?;
    let mut after = before.fork();
    after.add(&data);
    ctx.charge(data.len() / 100);
    Ok(reference(ctx, after))
}

fn hash_final(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let hash = state(ctx, args[0], ("hash.c", 205, 0))?.finish();
    Ok(ctx.heap().binary(&hash))
}
