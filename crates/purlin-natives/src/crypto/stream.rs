//! `crypto_init`, `crypto_update`, `crypto_final` and `crypto_one_time`.

use super::block::Machine;
use super::cipher::{self, Cipher};
use super::{badarg, bytes, failure, reference};
use parking_lot::Mutex;
use purlin_term::{Atom, Term, am, map};
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "ng_crypto_init_nif", 4, init),
    Native::plain("crypto", "ng_crypto_update_nif", 2, update),
    Native::plain("crypto", "ng_crypto_update_nif", 3, update_with_iv),
    Native::plain("crypto", "ng_crypto_final_nif", 1, finish),
    Native::plain("crypto", "ng_crypto_get_data_nif", 1, get_data),
    Native::plain("crypto", "ng_crypto_one_time_nif", 5, one_time),
];

fn at(line: i64, argument: i64) -> super::Place {
    ("api_ng.c", line, argument)
}

/// What becomes of the last bytes when they are no whole block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// They are dropped.
    Undefined,
    None,
    Pkcs,
    Zero,
    Random,
}

impl Padding {
    fn atom(self) -> Term {
        match self {
            Padding::Undefined => Term::atom(Atom::UNDEFINED),
            Padding::None => am!("none"),
            Padding::Pkcs => am!("pkcs_padding"),
            Padding::Zero => am!("zero"),
            Padding::Random => am!("random"),
        }
    }
}

struct State {
    cipher: &'static Cipher,
    machine: Machine,
    encrypt: bool,
    padding: Padding,
    /// Bytes that wait for the rest of their block.
    rest: Vec<u8>,
    /// Bytes given so far.
    size: usize,
    /// Bytes added at the end; -1 before, and when deciphering.
    padded: i64,
    finished: bool,
}

struct Shared(Mutex<State>);

impl State {
    /// What the bytes give that can be worked on now. The last block stays back when it may hold padding.
    fn feed(&mut self, data: &[u8]) -> Vec<u8> {
        self.size += data.len();
        self.rest.extend_from_slice(data);
        let block = self.cipher.block();
        let mut ready = self.rest.len() - self.rest.len() % block;
        if self.padding == Padding::Pkcs && !self.encrypt && block > 1 && ready == self.rest.len() && ready > 0 {
            ready -= block;
        }
        let mut out: Vec<u8> = self.rest.drain(..ready).collect();
        self.machine.run(&mut out);
        out
    }

    /// The last bytes, or the text of an error.
    fn last(&mut self) -> Result<Vec<u8>, (i64, &'static str)> {
        let block = self.cipher.block();
        if block == 1 || self.padding == Padding::Undefined {
            if self.encrypt {
                let missing = (block - self.rest.len() % block) % block;
                self.padded = if self.padding == Padding::Pkcs { 1 } else { missing as i64 };
            }
            return Ok(Vec::new());
        }
        if self.finished {
            return Err((614, "Padding failed"));
        }
        self.finished = true;
        let missing = (block - self.rest.len() % block) % block;
        let add = match (self.padding, self.encrypt) {
            (Padding::Pkcs, true) => {
                let n = block - self.rest.len() % block;
                vec![n as u8; n]
            }
            (Padding::Pkcs, false) => return self.without_padding().ok_or((638, "Can't finalize")),
            (_, false) if missing > 0 => return Err((638, "Can't finalize")),
            (_, false) => return Ok(Vec::new()),
            (Padding::None, true) if missing > 0 => {
                self.padded = missing as i64;
                return Err((610, "Padding 'none' but unfilled last block"));
            }
            (Padding::Random, true) => {
                let mut random = vec![0; missing];
                getrandom::fill(&mut random).map_err(|_| (614, "Padding failed"))?;
                random
            }
            (_, true) => vec![0; missing],
        };
        self.padded = add.len() as i64;
        let size = self.size;
        let out = self.feed(&add);
        self.size = size;
        Ok(out)
    }

    /// The last block of a text that was padded, without the padding.
    fn without_padding(&mut self) -> Option<Vec<u8>> {
        let block = self.cipher.block();
        let mut last = std::mem::take(&mut self.rest);
        if last.len() != block {
            return None;
        }
        self.machine.run(&mut last);
        let n = usize::from(*last.last()?);
        let right = (1..=block).contains(&n) && last[block - n..].iter().all(|&b| usize::from(b) == n);
        last.truncate(block.checked_sub(n)?);
        right.then_some(last)
    }
}

/// `Encrypt` or `[{encrypt, _}, {padding, _}]`; `argument` is the place of the options.
fn options(ctx: &mut Ctx<'_>, t: Term, argument: i64) -> Result<(bool, Padding), Escape> {
    if let Some(encrypt) = t.as_bool() {
        return Ok((encrypt, Padding::Undefined));
    }
    let bad = |ctx: &mut Ctx<'_>, line: i64, text: &str| badarg(ctx.heap(), at(line, argument), text);
    let list = t.as_list().ok_or_else(|| bad(ctx, 120, "Options are not a boolean or a proper list"))?;
    let (mut encrypt, mut padding) = (None, None);
    for option in list {
        let Some(&[key, value]) = option.as_tuple() else {
            return Err(bad(ctx, 139, "Options must be a property list!"));
        };
        if key == am!("encrypt") {
            if encrypt.is_some() {
                return Err(bad(ctx, 144, "'encrypt' option is present more than once!"));
            }
            let flag = value.as_bool().ok_or_else(|| bad(ctx, 152, "The 'encrypt' option must be a boolean!"))?;
            encrypt = Some(flag);
        } else if key == am!("padding") {
            if padding.is_some() {
                return Err(bad(ctx, 157, "The 'padding' option is present more than once!"));
            }
            let all = [Padding::Undefined, Padding::None, Padding::Pkcs, Padding::Zero, Padding::Random];
            let found = all.into_iter().find(|p| p.atom() == value);
            padding = Some(found.ok_or_else(|| bad(ctx, 168, "Bad 'padding' option value"))?);
        } else {
            // OTP's buffer holds 63 characters.
            let text: String = format!("Bad tag in option: {key:?}").chars().take(63).collect();
            return Err(bad(ctx, 174, &text));
        }
    }
    Ok((encrypt.unwrap_or(true), padding.unwrap_or(Padding::Undefined)))
}

/// A state for cipher, key, initial value and options.
fn start(ctx: &mut Ctx<'_>, args: &[Term], flags: (Term, i64)) -> Result<State, Escape> {
    let (encrypt, padding) = options(ctx, flags.0, flags.1)?;
    let key = bytes(ctx, args[1], at(228, 1), "Bad key")?;
    let Some(cipher) = args[0].as_atom().map(Atom::name).and_then(cipher::named) else {
        return Err(badarg(ctx.heap(), at(242, 0), "Unknown cipher"));
    };
    if !cipher.takes_key(key.len()) {
        return Err(badarg(ctx.heap(), at(244, 1), "Bad key size"));
    }
    if cipher.is_aead() {
        return Err(badarg(ctx.heap(), at(250, 0), "Missing arguments for this cipher"));
    }
    if args[2].is(Atom::UNDEFINED) {
        return Err(later(ctx, 295));
    }
    let iv = initial(ctx, cipher, args[2])?;
    let Some(machine) = Machine::new(cipher, &key, &iv, encrypt) else {
        return Err(failure(ctx.heap(), am!("error"), at(363, 1), "Can't initialize context, key_length"));
    };
    Ok(State { cipher, machine, encrypt, padding, rest: Vec::new(), size: 0, padded: -1, finished: false })
}

/// Initial values that are given later are not to be had, as with OpenSSL 3.
fn later(ctx: &mut Ctx<'_>, line: i64) -> Escape {
    let text = "Dynamic IV is not supported for libcrypto versions >= 3.0";
    failure(ctx.heap(), am!("notsup"), at(line, -1), text)
}

/// What is given to a cipher that needs no initial value is not looked at.
fn initial(ctx: &mut Ctx<'_>, cipher: &Cipher, t: Term) -> Result<Vec<u8>, Escape> {
    if cipher.iv == 0 {
        return Ok(Vec::new());
    }
    let iv = bytes(ctx, t, at(304, 2), "Bad iv type")?;
    if iv.len() == cipher.iv { Ok(iv) } else { Err(badarg(ctx.heap(), at(310, 2), "Bad iv size")) }
}

fn init(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let state = start(ctx, args, (args[3], 3))?;
    Ok(reference(ctx, Shared(Mutex::new(state))))
}

fn shared<'a>(ctx: &mut Ctx<'_>, t: Term, line: i64) -> Result<&'a Shared, Escape> {
    t.magic().ok_or_else(|| badarg(ctx.heap(), at(line, 0), "Bad State"))
}

fn update(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let data = bytes(ctx, args[1], at(860, 1), "expected binary")?;
    let state = shared(ctx, args[0], 731)?;
    ctx.charge(data.len() / 100);
    let out = state.0.lock().feed(&data);
    Ok(ctx.heap().binary(&out))
}

fn update_with_iv(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    bytes(ctx, args[1], at(860, 1), "expected binary")?;
    shared(ctx, args[0], 731)?;
    Err(later(ctx, 736))
}

fn ended(ctx: &mut Ctx<'_>, last: Result<Vec<u8>, (i64, &'static str)>) -> Result<Vec<u8>, Escape> {
    last.map_err(|(line, text)| failure(ctx.heap(), am!("error"), at(line, -1), text))
}

fn finish(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let last = shared(ctx, args[0], 886)?.0.lock().last();
    let last = ended(ctx, last)?;
    Ok(ctx.heap().binary(&last))
}

fn get_data(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let state = shared(ctx, args[0], 992)?.0.lock();
    let pairs = [
        (am!("encrypt"), Term::bool(state.encrypt)),
        (am!("padding_size"), Term::small(state.padded)),
        (am!("padding_type"), state.padding.atom()),
        (am!("size"), Term::small(state.size as i64)),
    ];
    Ok(map::from_pairs(ctx.heap(), &pairs))
}

fn one_time(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let data = bytes(ctx, args[3], at(966, 3), "expected binary as data")?;
    let mut state = start(ctx, args, (args[4], 4))?;
    ctx.charge(data.len() / 100);
    let mut out = state.feed(&data);
    let last = state.last();
    out.extend(ended(ctx, last)?);
    Ok(ctx.heap().binary(&out))
}
