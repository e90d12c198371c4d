//! The atom table: one for the whole program, append-only, text kept for ever.
//!
//! Reading an atom's text takes no lock: chunks of entries never move once published.

use crate::hash;
use crate::release::Release;
use hashbrown::HashMap;
use parking_lot::RwLock;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// An atom: an index into the atom table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Atom(u32);

/// The longest atom, in characters.
pub const MAX_ATOM_CHARS: usize = 255;

/// Why an atom could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomError {
    /// More than 255 characters.
    TooLong,
    /// The table holds as many atoms as its limit allows.
    TableFull,
}

/// The atoms that the emulators of OTP 27 and 29 have before they load a module, a line each, in the order of their
/// numbers. Since OTP 26 keys of small maps stand in that order. Behind a tab stands what releases an atom is of at that
/// place; in others the place stays empty, so that the order is right and constants are the same in all.
const PREDEFINED: &str = include_str!("atom/predefined");

/// Where a text stands among the predefined atoms of all releases.
const fn number_of(text: &str) -> u32 {
    let (all, text) = (PREDEFINED.as_bytes(), text.as_bytes());
    let (mut number, mut start, mut at) = (0, 0, 0);
    while at < all.len() {
        if all[at] == b'\n' {
            let mut same = 0;
            while same < text.len() && start + same < at && all[start + same] == text[same] {
                same += 1;
            }
            if same == text.len() && start + same == at {
                return number;
            }
            (number, start) = (number + 1, at + 1);
        }
        at += 1;
    }
    panic!("no predefined atom")
}

macro_rules! predefined {
    ($($name:ident = $text:literal),* $(,)?) => {
        impl Atom {
            $(#[doc = concat!("The atom `", $text, "`.")] pub const $name: Atom = Atom(number_of($text));)*
        }
    };
}

predefined! {
    EMPTY = "", FALSE = "false", TRUE = "true", OK = "ok", ERROR = "error", UNDEFINED = "undefined", NIL = "nil",
    EXIT = "exit", THROW = "throw", NORMAL = "normal", KILL = "kill", KILLED = "killed", EXIT_TAG = "EXIT",
    DOWN = "DOWN", NOPROC = "noproc", NOCATCH = "nocatch", PROCESS = "process", PORT = "port", INFINITY = "infinity",
    TIMEOUT = "timeout", TIMEOUT_VALUE = "timeout_value", BADARG = "badarg", BADARITH = "badarith",
    BADMATCH = "badmatch", BADFUN = "badfun", BADARITY = "badarity", BADKEY = "badkey", BADMAP = "badmap",
    BADRECORD = "badrecord", CASE_CLAUSE = "case_clause", IF_CLAUSE = "if_clause", TRY_CLAUSE = "try_clause",
    FUNCTION_CLAUSE = "function_clause", UNDEF = "undef", SYSTEM_LIMIT = "system_limit", NOTSUP = "notsup",
    BADFILE = "badfile", NONODE = "nonode@nohost", ERLANG = "erlang", MODULE_INFO = "module_info",
    UNDEFINED_FUNCTION = "undefined_function", UNDEFINED_LAMBDA = "undefined_lambda",
    ERROR_HANDLER = "error_handler", ERROR_INFO = "error_info", MODULE = "module", FUNCTION = "function",
    CAUSE = "cause", FILE = "file", LINE = "line", APPLY = "apply", HIGH = "high", LOW = "low", MAX = "max",
    RE_PATTERN = "re_pattern", NONE_ATOM = "none", BADOPT = "badopt", NOCONNECT = "noconnect",
}

/// How many places there are for predefined atoms.
const PLACES: usize = {
    let (all, mut count, mut at) = (PREDEFINED.as_bytes(), 0, 0);
    while at < all.len() {
        count += (all[at] == b'\n') as usize;
        at += 1;
    }
    count
};

impl Atom {
    /// Whether it is the same atom in every run of this program.
    pub const fn is_predefined(self) -> bool {
        (self.0 as usize) < PLACES
    }
}

/// The numbers of predefined atoms, by their places: before OTP 29, and since.
static NUMBERS: [[u16; PLACES]; 2] = [numbers("-28").0, numbers("29-").0];

/// How many places stay empty: before OTP 29, and since.
const EMPTY: [u32; 2] = [numbers("-28").1, numbers("29-").1];

/// The number for each place, and how many places stay empty, where those of these releases do not.
const fn numbers(releases: &str) -> ([u16; PLACES], u32) {
    let (all, releases) = (PREDEFINED.as_bytes(), releases.as_bytes());
    let (mut numbers, mut place, mut empty, mut at) = ([0; PLACES], 0, 0, 0);
    while at < all.len() {
        if all[at] == b'\t' && all[at + 1] != releases[0] {
            empty += 1;
        }
        if all[at] == b'\n' {
            numbers[place] = place as u16 - empty as u16;
            place += 1;
        }
        at += 1;
    }
    (numbers, empty)
}

/// Which of the numberings holds.
#[inline]
fn numbering() -> usize {
    usize::from(Release::of_values() >= Release(29))
}

const CHUNK: usize = 4096;
/// Miri makes all of a static before it is used.
const CHUNKS: usize = if cfg!(miri) { 8 } else { 4096 };

/// What the table keeps of an atom.
#[derive(Clone, Copy)]
struct Entry {
    text: &'static str,
    /// [`hash::text_value`] of the text.
    value: u32,
}

impl Entry {
    fn new(text: &'static str) -> Entry {
        Entry { text, value: hash::text_value(text) }
    }
}

/// The first bytes of a text, the very first one in the uppermost bits, with zeros behind a shorter one.
fn start_of(text: &str) -> u32 {
    let mut start = [0; 4];
    text.bytes().zip(&mut start).for_each(|(byte, to)| *to = byte);
    u32::from_be_bytes(start)
}

struct Table {
    index: RwLock<HashMap<&'static str, u32>>,
    count: AtomicU32,
    limit: AtomicU32,
    /// Whether an atom was refused because the table is full.
    exhausted: AtomicBool,
}

/// The entries, apart from the rest, so that reading them is short.
static ENTRIES: [AtomicPtr<Entry>; CHUNKS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];

/// [`start_of`] each atom's text. The pages of atoms that do not exist are never touched.
static STARTS: [AtomicU32; CHUNK * CHUNKS] = [const { AtomicU32::new(0) }; CHUNK * CHUNKS];

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let t = Table {
            index: RwLock::new(HashMap::with_capacity(1 << 15)),
            count: AtomicU32::new(0),
            limit: AtomicU32::new(1_048_576),
            exhausted: AtomicBool::new(false),
        };
        let mut index = t.index.write();
        let other = ["29-", "-28"][numbering()];
        for line in PREDEFINED.lines() {
            match line.split_once('\t') {
                Some((_, releases)) if releases == other => t.skip(),
                Some((text, _)) => t.push(&mut index, text),
                None => t.push(&mut index, line),
            };
        }
        drop(index);
        t
    })
}

impl Table {
    fn push(&self, index: &mut HashMap<&'static str, u32>, text: &'static str) -> u32 {
        let i = self.add(text);
        index.insert(text, i);
        i
    }

    /// An empty place.
    fn skip(&self) -> u32 {
        self.add("")
    }

    fn add(&self, text: &'static str) -> u32 {
        let i = self.count.load(Ordering::Relaxed);
        let (chunk, slot) = (i as usize / CHUNK, i as usize % CHUNK);
        let mut p = ENTRIES[chunk].load(Ordering::Relaxed);
        if p.is_null() {
            p = Box::leak(vec![Entry::new(""); CHUNK].into_boxed_slice()).as_mut_ptr();
        }
        // SAFETY: FRESH: the slot lies in its chunk and no reader looks at it before `count` or the index names it.
        unsafe { *p.add(slot) = Entry::new(text) };
        STARTS[i as usize].store(start_of(text), Ordering::Relaxed);
        ENTRIES[chunk].store(p, Ordering::Release);
        self.count.store(i + 1, Ordering::Release);
        i
    }
}

impl Atom {
    /// The atom with this text, made if it does not exist yet.
    pub fn try_new(text: &str) -> Result<Atom, AtomError> {
        if let Some(a) = Atom::existing(text) {
            return Ok(a);
        }
        if text.len() > MAX_ATOM_CHARS && text.chars().count() > MAX_ATOM_CHARS {
            return Err(AtomError::TooLong);
        }
        let t = table();
        let mut index = t.index.write();
        if let Some(&i) = index.get(text) {
            return Ok(Atom(i));
        }
        let count = t.count.load(Ordering::Relaxed);
        if count - EMPTY[numbering()] >= t.limit.load(Ordering::Relaxed) || count as usize == CHUNK * CHUNKS {
            t.exhausted.store(true, Ordering::Relaxed);
            return Err(AtomError::TableFull);
        }
        Ok(Atom(t.push(&mut index, String::leak(text.to_owned()))))
    }

    /// Whether an atom has been refused because the table is full.
    #[inline]
    pub fn is_table_exhausted() -> bool {
        table().exhausted.load(Ordering::Relaxed)
    }

    /// The atom with this text, for text the engine itself names.
    ///
    /// # Panics
    /// When the table is full or the text too long.
    pub fn new(text: &str) -> Atom {
        Atom::try_new(text).expect("atom text fits the table")
    }

    /// The atom with this text if it exists.
    pub fn existing(text: &str) -> Option<Atom> {
        table().index.read().get(text).map(|&i| Atom(i))
    }

    /// The text.
    pub fn name(self) -> &'static str {
        self.entry().text
    }

    /// The first bytes of the text as a number: where these differ they order the texts. Makes no call; before the table
    /// has been made, that of an empty text.
    #[inline(always)]
    pub(crate) fn start(self) -> u32 {
        STARTS[self.0 as usize % STARTS.len()].load(Ordering::Relaxed)
    }

    /// The hash value of the text.
    #[inline]
    pub fn value(self) -> u32 {
        self.entry().value
    }

    #[inline(always)]
    fn entry(self) -> &'static Entry {
        let chunk = || ENTRIES[self.0 as usize / CHUNK].load(Ordering::Acquire);
        let mut p = chunk();
        if p.is_null() {
            // A predefined atom, and nobody has asked for another one yet.
            std::hint::cold_path();
            table();
            p = chunk();
        }
        // SAFETY: an Atom exists only after its slot was published by `push`, or is one that `table` makes.
        unsafe { &*p.add(self.0 as usize % CHUNK) }
    }

    #[inline]
    pub const fn index(self) -> u32 {
        self.0
    }

    /// The atom at an index that [`Atom::index`] gave.
    #[inline]
    pub const fn from_index(i: u32) -> Atom {
        Atom(i)
    }

    /// The number that the atom has in the release's atom table: how many atoms were made before it.
    #[inline]
    pub fn number(self) -> u32 {
        let numbering = numbering();
        match NUMBERS[numbering].get(self.0 as usize) {
            Some(&number) => number.into(),
            None => self.0 - EMPTY[numbering],
        }
    }

    /// The atom with a number that is less than [`Atom::count`].
    pub fn with_number(number: u32) -> Atom {
        let at_place = NUMBERS[numbering()].iter().position(|&n| u32::from(n) == number);
        Atom(at_place.map_or(number + EMPTY[numbering()], |place| place as u32))
    }

    /// How many atoms exist.
    pub fn count() -> usize {
        (table().count.load(Ordering::Relaxed) - EMPTY[numbering()]) as usize
    }

    /// Bytes of all atoms' texts and of the table's entries for them.
    pub fn bytes() -> usize {
        let entry = std::mem::size_of::<Entry>() + std::mem::size_of::<u32>();
        (0..table().count.load(Ordering::Relaxed)).map(|place| Atom(place).name().len() + entry).sum()
    }

    /// How many atoms may exist.
    pub fn limit() -> usize {
        table().limit.load(Ordering::Relaxed) as usize
    }

    /// Sets how many atoms may exist (the `+t` flag).
    pub fn set_limit(n: usize) {
        table().limit.store(n.min(CHUNK * CHUNKS) as u32, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Atom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}'", self.name())
    }
}

/// One use of an atom in the engine's source, interned at its first evaluation; see [`am!`](crate::am).
pub struct AtomCell {
    text: &'static str,
    index: AtomicU32,
}

impl AtomCell {
    pub const fn new(text: &'static str) -> AtomCell {
        AtomCell { text, index: AtomicU32::new(u32::MAX) }
    }

    #[inline]
    pub fn get(&self) -> Atom {
        let i = self.index.load(Ordering::Relaxed);
        if i != u32::MAX { Atom(i) } else { self.intern() }
    }

    #[cold]
    fn intern(&self) -> Atom {
        let a = Atom::new(self.text);
        self.index.store(a.0, Ordering::Relaxed);
        a
    }
}

/// The atom **term** with the given literal text: `am!("ok")`.
#[macro_export]
macro_rules! am {
    ($text:literal) => {{
        static CELL: $crate::atom::AtomCell = $crate::atom::AtomCell::new($text);
        $crate::Term::atom(CELL.get())
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_text_gives_the_same_atom() {
        assert_eq!(Atom::new("some_text"), Atom::new("some_text"));
        assert_eq!(Atom::new("ok"), Atom::OK);
        assert_eq!(Atom::OK.name(), "ok");
        assert_eq!(am!("ok"), Term::atom(Atom::OK));
    }

    #[test]
    fn atoms_have_the_numbers_of_each_release() {
        let texts = |releases: &str| {
            let all = PREDEFINED.lines().filter(|line| line.split_once('\t').is_none_or(|(_, r)| r == releases));
            all.map(|line| line.split('\t').next().unwrap()).collect::<Vec<_>>()
        };
        for (numbering, releases) in ["-28", "29-"].into_iter().enumerate() {
            let texts = texts(releases);
            assert_eq!(texts.len() as u32 + EMPTY[numbering], PLACES as u32);
            for (place, line) in PREDEFINED.lines().enumerate() {
                let (text, of) = line.split_once('\t').unwrap_or((line, releases));
                if of == releases {
                    assert_eq!(texts[NUMBERS[numbering][place] as usize], text, "{releases}");
                }
            }
        }
        assert_eq!((texts("-28")[493], texts("29-")[506]), ("ok", "ok"));
    }

    #[test]
    fn an_atom_is_found_by_its_number() {
        let later = Atom::new("an_atom_that_comes_later");
        for atom in [Atom::FALSE, Atom::OK, Atom::new("sleep"), later] {
            assert_eq!(Atom::with_number(atom.number()), atom);
        }
        assert!((later.number() as usize) < Atom::count());
    }

    #[test]
    fn length_is_limited_to_255_characters() {
        assert!(Atom::try_new(&"é".repeat(255)).is_ok());
        assert_eq!(Atom::try_new(&"é".repeat(256)), Err(AtomError::TooLong));
    }

    use crate::Term;
}
