//! `crypto_init`, `crypto_update`, `crypto_final` and `crypto_one_time`.

use super::block::Machine;
use super::cipher::{self, Cipher};
use super::{badarg, bytes, failure, reference};
use parking_lot::Mutex;
use purlin_term::{Atom, Term, am, map};
use purlin_vm::native::OrBadarg;
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
    key: Vec<u8>,
    /// Missing until an initial value is given.
    machine: Option<Machine>,
    encrypt: bool,
    padding: Padding,
    /// Bytes that wait for the rest of their block.
    rest: Vec<u8>,
    /// Bytes given so far.
    size: usize,
    /// Bytes added at the end; -1 before.
    padded: i64,
    finished: bool,
}

struct Shared(Mutex<State>);

impl State {
    /// What the bytes give that can be worked on now. The last block stays back when it may hold padding.
    fn feed(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        self.size += data.len();
        self.rest.extend_from_slice(data);
        let block = self.cipher.block();
        let mut ready = self.rest.len() - self.rest.len() % block;
        if self.padding == Padding::Pkcs && !self.encrypt && block > 1 && ready == self.rest.len() && ready > 0 {
            ready -= block;
        }
        let mut out: Vec<u8> = self.rest.drain(..ready).collect();
        self.machine.as_mut()?.run(&mut out);
        Some(out)
    }

    /// The last bytes, or the text of an error.
    fn last(&mut self) -> Result<Vec<u8>, (i64, &'static str)> {
        let block = self.cipher.block();
        if block == 1 || self.padding == Padding::Undefined {
            self.padded = 0;
            self.rest.clear();
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
            (_, false) => Vec::new(),
            (Padding::None, true) if missing > 0 => return Err((610, "Padding 'none' but unfilled last block")),
            (Padding::Random, true) => {
                let mut random = vec![0; missing];
                getrandom::fill(&mut random).map_err(|_| (614, "Padding failed"))?;
                random
            }
            (_, true) => vec![0; missing],
        };
        self.padded = add.len() as i64;
        let size = self.size;
        let out = self.feed(&add).unwrap_or_default();
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
        self.machine.as_mut()?.run(&mut last);
        let n = usize::from(*last.last()?);
        let right = (1..=block).contains(&n) && last[block - n..].iter().all(|&b| usize::from(b) == n);
        self.padded = n as i64;
        last.truncate(block.checked_sub(n)?);
        right.then_some(last)
    }
}

/// `Encrypt` or `[{encrypt, _}, {padding, _}]`; `argument` is the place of the options.
fn options(c: &mut Ctx<'_>, t: Term, argument: i64) -> Result<(bool, Padding), Escape> {
    if let Some(encrypt) = t.as_bool() {
        return Ok((encrypt, Padding::Undefined));
    }
    let list = t.as_list();
    let list = list.ok_or_else(|| badarg(c.heap(), at(120, argument), "Options are not a boolean or a proper list"))?;
    let (mut encrypt, mut padding) = (true, Padding::Undefined);
    for option in list {
        let Some(&[key, value]) = option.as_tuple() else {
            return Err(badarg(c.heap(), at(131, argument), "Options must be 2-tuples"));
        };
        if key == am!("encrypt") {
            let bad = "Bad 'encrypt' option value";
            encrypt = value.as_bool().ok_or_else(|| badarg(c.heap(), at(148, argument), bad))?;
        } else if key == am!("padding") {
            let all = [Padding::Undefined, Padding::None, Padding::Pkcs, Padding::Zero, Padding::Random];
            let found = all.into_iter().find(|p| p.atom() == value);
            padding = found.ok_or_else(|| badarg(c.heap(), at(168, argument), "Bad 'padding' option value"))?;
        } else {
            return Err(badarg(c.heap(), at(178, argument), "Bad option key"));
        }
    }
    Ok((encrypt, padding))
}

/// A state for cipher, key, initial value (`undefined`: given later) and options.
fn start(c: &mut Ctx<'_>, a: &[Term], flags: (Term, i64)) -> Result<State, Escape> {
    let key = bytes(c, a[1], at(219, 1), "Bad key")?;
    let Some(cipher) = a[0].as_atom().map(Atom::name).and_then(cipher::named) else {
        return Err(badarg(c.heap(), at(242, 0), "Unknown cipher"));
    };
    if key.len() != cipher.key {
        return Err(badarg(c.heap(), at(244, 1), "Bad key size"));
    }
    if cipher.is_aead() {
        return Err(badarg(c.heap(), at(250, 0), "Missing arguments for this cipher"));
    }
    let iv = match a[2].is(Atom::UNDEFINED) {
        true => None,
        false => Some(initial(c, cipher, a[2])?),
    };
    let (encrypt, padding) = options(c, flags.0, flags.1)?;
    let mut state =
        State { cipher, key, machine: None, encrypt, padding, rest: Vec::new(), size: 0, padded: -1, finished: false };
    if let Some(iv) = iv {
        state.machine = Some(Machine::new(cipher, &state.key, &iv, encrypt).or_badarg()?);
    }
    Ok(state)
}

fn initial(c: &mut Ctx<'_>, cipher: &Cipher, t: Term) -> Result<Vec<u8>, Escape> {
    let iv = bytes(c, t, at(300, 2), "Bad iv type")?;
    if iv.len() == cipher.iv { Ok(iv) } else { Err(badarg(c.heap(), at(310, 2), "Bad iv size")) }
}

fn init(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = start(c, a, (a[3], 3))?;
    Ok(reference(c, Shared(Mutex::new(state))))
}

fn shared<'a>(c: &mut Ctx<'_>, t: Term, line: i64) -> Result<&'a Shared, Escape> {
    t.magic().ok_or_else(|| badarg(c.heap(), at(line, 0), "Bad State"))
}

fn update(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = shared(c, a[0], 753)?;
    let data = bytes(c, a[1], at(546, 1), "expected binary")?;
    c.charge(data.len() / 100);
    let out = state.0.lock().feed(&data);
    let out = out.ok_or_else(|| failure(c.heap(), am!("error"), at(758, -1), "Can't get empty iv"))?;
    Ok(c.heap().binary(&out))
}

fn update_with_iv(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = shared(c, a[0], 753)?;
    let mut state = state.0.lock();
    let iv = initial(c, state.cipher, a[2])?;
    let data = bytes(c, a[1], at(546, 1), "expected binary")?;
    c.charge(data.len() / 100);
    state.machine = Machine::new(state.cipher, &state.key, &iv, state.encrypt);
    let out = state.feed(&data).or_badarg()?;
    Ok(c.heap().binary(&out))
}

fn ended(c: &mut Ctx<'_>, last: Result<Vec<u8>, (i64, &'static str)>) -> Result<Vec<u8>, Escape> {
    last.map_err(|(line, text)| failure(c.heap(), am!("error"), at(line, -1), text))
}

fn finish(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let last = shared(c, a[0], 870)?.0.lock().last();
    let last = ended(c, last)?;
    Ok(c.heap().binary(&last))
}

fn get_data(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let state = shared(c, a[0], 900)?.0.lock();
    let pairs = [
        (am!("encrypt"), Term::bool(state.encrypt)),
        (am!("padding_size"), Term::small(state.padded)),
        (am!("padding_type"), state.padding.atom()),
        (am!("size"), Term::small(state.size as i64)),
    ];
    Ok(map::from_pairs(c.heap(), &pairs))
}

fn one_time(c: &mut Ctx<'_>, a: &[Term]) -> NativeResult {
    let mut state = start(c, a, (a[4], 4))?;
    let data = bytes(c, a[3], at(546, 3), "expected binary")?;
    c.charge(data.len() / 100);
    let mut out = state.feed(&data).or_badarg()?;
    let last = state.last();
    out.extend(ended(c, last)?);
    Ok(c.heap().binary(&out))
}
