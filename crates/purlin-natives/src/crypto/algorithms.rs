//! What there is: the lists behind `crypto:supports/0`, and facts about the library.

use super::{cipher, hash};
use cipher::{CIPHERS, Family, Mode};
use purlin_term::{Atom, Heap, Term, am, map};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "hash_algorithms", 0, |c, _| Ok(atoms(c.heap(), hash::names()))),
    Native::plain("crypto", "cipher_algorithms", 0, |c, _| Ok(atoms(c.heap(), CIPHERS.iter().map(|s| s.name)))),
    Native::plain("crypto", "mac_algorithms", 0, |c, _| Ok(atoms(c.heap(), ["cmac", "hmac", "poly1305"].into_iter()))),
    // Public keys are not there yet.
    Native::plain("crypto", "pubkey_algorithms", 0, |_, _| Ok(Term::NIL)),
    Native::plain("crypto", "curve_algorithms", 0, |_, _| Ok(Term::NIL)),
    Native::plain("crypto", "rsa_opts_algorithms", 0, |_, _| Ok(Term::NIL)),
    Native::plain("crypto", "cipher_info_nif", 1, cipher_info),
    Native::plain("crypto", "info_lib", 0, info_lib),
    Native::plain("crypto", "info_nif", 0, info),
    Native::plain("crypto", "info_fips", 0, |_, _| Ok(am!("not_supported"))),
    Native::plain("crypto", "enable_fips_mode_nif", 1, |_, a| {
        // Leaving the mode that is not on succeeds.
        Ok(Term::bool(!a[0].as_bool().or_badarg()?))
    }),
];

const LIBRARY: &str = concat!("Purlin ", env!("CARGO_PKG_VERSION"), " with the RustCrypto crates");

fn atoms<'a>(heap: &mut Heap, names: impl Iterator<Item = &'a str>) -> Term {
    let names: Vec<Term> = names.map(|n| Term::atom(Atom::new(n))).collect();
    heap.list(&names)
}

fn cipher_info(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let s = cipher::named(a[0].as_atom().or_badarg()?.name()).or_badarg()?;
    let mode = match s.mode {
        Mode::Ecb => am!("ecb_mode"),
        Mode::Cbc => am!("cbc_mode"),
        Mode::Ctr => am!("ctr_mode"),
        Mode::Cfb8 | Mode::Cfb => am!("cfb_mode"),
        Mode::Ofb => am!("ofb_mode"),
        Mode::Gcm => am!("gcm_mode"),
        Mode::Ccm => am!("ccm_mode"),
        Mode::ChaCha | Mode::ChaChaPoly => am!("stream_cipher"),
    };
    debug_assert_eq!(s.family == Family::ChaCha, mode == am!("stream_cipher"));
    let pairs = [
        (am!("block_size"), Term::small(s.block() as i64)),
        (am!("iv_length"), Term::small(s.iv as i64)),
        (am!("key_length"), Term::small(s.key as i64)),
        (am!("mode"), mode),
        (am!("prop_aead"), Term::bool(s.is_aead())),
        (am!("type"), s.number.map_or(Term::atom(Atom::UNDEFINED), Term::small)),
    ];
    Ok(map::from_pairs(c.heap(), &pairs))
}

/// `[{Name, Number, Version}]`
fn info_lib(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let (name, version) = (c.heap().binary(b"RustCrypto"), c.heap().binary(LIBRARY.as_bytes()));
    let library = c.heap().tuple(&[name, Term::small(0), version]);
    Ok(c.heap().list(&[library]))
}

fn info(c: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let version = c.heap().string(LIBRARY);
    let pairs = [
        (am!("compile_type"), am!("normal")),
        (am!("cryptolib_version_compiled"), version),
        (am!("cryptolib_version_linked"), version),
        (am!("fips_provider_available"), Term::bool(false)),
        (am!("link_type"), am!("static")),
    ];
    Ok(map::from_pairs(c.heap(), &pairs))
}
