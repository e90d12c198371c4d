//! What there is: the lists behind `crypto:supports/0`, and facts about the library.

use super::{cipher, hash};
use cipher::{CIPHERS, Mode};
use purlin_term::{Atom, Heap, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "hash_algorithms", 0, |ctx, _| Ok(atoms(ctx.heap(), hash::names()))),
    Native::plain("crypto", "cipher_algorithms", 0, |ctx, _| Ok(atoms(ctx.heap(), CIPHERS.iter().map(|s| s.name)))),
    Native::plain("crypto", "mac_algorithms", 0, |ctx, _| {
        Ok(atoms(ctx.heap(), ["cmac", "hmac", "poly1305"].into_iter()))
    }),
    Native::plain("crypto", "pubkey_algorithms", 0, |ctx, _| Ok(atoms(ctx.heap(), KEYS.split(' ')))),
    Native::plain("crypto", "curve_algorithms", 0, |ctx, _| Ok(atoms(ctx.heap(), CURVES.split(' ')))),
    Native::plain("crypto", "rsa_opts_algorithms", 0, |ctx, _| Ok(atoms(ctx.heap(), RSA_OPTIONS.split(' ')))),
    Native::plain("crypto", "cipher_info_nif", 1, cipher_info),
    Native::plain("crypto", "info_lib", 0, info_lib),
    Native::plain("crypto", "info_nif", 0, info),
    Native::plain("crypto", "info_fips", 0, |_, _| Ok(am!("not_supported"))),
    Native::plain("crypto", "enable_fips_mode_nif", 1, |_, a| {
        // Leaving the mode that is not on succeeds.
        Ok(Term::bool(!a[0].as_bool().or_badarg()?))
    }),
];

/// Kinds of keys.
const KEYS: &str = "rsa dss dh ec_gf2m ecdsa ecdh eddsa eddh srp";

const RSA_OPTIONS: &str = "rsa_pkcs1_pss_padding rsa_pss_saltlen rsa_mgf1_md rsa_pkcs1_oaep_padding rsa_oaep_label \
    rsa_oaep_md signature_md rsa_pkcs1_padding rsa_x931_padding rsa_no_padding";

/// The curves whose parameters the library has, and the four that have natives of their own.
const CURVES: &str = "secp160k1 secp160r1 secp160r2 secp192k1 secp224k1 secp224r1 secp256k1 secp384r1 secp521r1 secp192r1 \
    prime192v1 prime192v2 prime192v3 prime239v1 prime239v2 prime239v3 secp256r1 prime256v1 wtls7 wtls9 wtls12 \
    brainpoolP160r1 brainpoolP160t1 brainpoolP192r1 brainpoolP192t1 brainpoolP224r1 brainpoolP224t1 \
    brainpoolP256r1 brainpoolP256t1 brainpoolP320r1 brainpoolP320t1 brainpoolP384r1 brainpoolP384t1 \
    brainpoolP512r1 brainpoolP512t1 sect163k1 sect163r1 sect163r2 sect193r1 sect193r2 sect233k1 sect233r1 \
    sect239k1 sect283k1 sect283r1 sect409k1 sect409r1 sect571k1 sect571r1 c2pnb163v1 c2pnb163v2 c2pnb163v3 \
    c2pnb176v1 c2tnb191v1 c2tnb191v2 c2tnb191v3 c2pnb208w1 c2tnb239v1 c2tnb239v2 c2tnb239v3 c2pnb272w1 \
    c2pnb304w1 c2tnb359v1 c2pnb368w1 c2tnb431r1 wtls3 wtls5 wtls10 wtls11 secp112r1 secp112r2 secp128r1 \
    secp128r2 wtls6 wtls8 sect113r1 sect113r2 sect131r1 sect131r2 wtls1 wtls4 ipsec3 ipsec4 ed25519 ed448 x25519 \
    x448";

const LIBRARY: &str = concat!("Purlin ", env!("CARGO_PKG_VERSION"), " with the RustCrypto crates");

fn atoms<'a>(heap: &mut Heap, names: impl Iterator<Item = &'a str>) -> Term {
    let names: Vec<Term> = names.map(|n| Term::atom(Atom::new(n))).collect();
    heap.list(&names)
}

fn cipher_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let s = cipher::named(args[0].as_atom().or_badarg()?.name()).or_badarg()?;
    let mode = match s.mode {
        Mode::Ecb => am!("ecb_mode"),
        Mode::Cbc => am!("cbc_mode"),
        Mode::Ctr => am!("ctr_mode"),
        Mode::Cfb8 | Mode::Cfb => am!("cfb_mode"),
        Mode::Ofb => am!("ofb_mode"),
        Mode::Gcm => am!("gcm_mode"),
        Mode::Ccm => am!("ccm_mode"),
        Mode::Stream | Mode::ChaChaPoly => am!("stream_cipher"),
    };
    let pairs = [
        (am!("block_size"), Term::small(s.block() as i64)),
        (am!("iv_length"), Term::small(s.iv as i64)),
        (am!("key_length"), Term::small(s.key as i64)),
        (am!("mode"), mode),
        (am!("prop_aead"), Term::bool(s.is_aead())),
        (am!("type"), s.number.map_or(Term::atom(Atom::UNDEFINED), Term::small)),
    ];
    Ok(map::from_pairs(ctx.heap(), &pairs))
}

/// `[{Name, Number, Version}]`
fn info_lib(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let (name, version) = (ctx.heap().binary(b"RustCrypto"), ctx.heap().binary(LIBRARY.as_bytes()));
    let library = ctx.heap().tuple(&[name, Term::small(0), version]);
    Ok(ctx.heap().list(&[library]))
}

fn info(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let version = ctx.heap().string(LIBRARY);
    let pairs = [
        (am!("compile_type"), am!("normal")),
        (am!("cryptolib_version_compiled"), version),
        (am!("cryptolib_version_linked"), version),
        (am!("fips_provider_available"), Term::bool(false)),
        (am!("link_type"), am!("static")),
    ];
    Ok(map::from_pairs(ctx.heap(), &pairs))
}
