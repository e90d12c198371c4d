//! Functions as calls see them: entries of loaded functions, natives, and the export table.
//!
//! Exports stay for the life of the engine, entries as long as their module; replacing code stores a new entry in the
//! export (CODE).

use super::arena::Arena;
use super::compiler::MachineCode;
use super::current::Current;
use super::instr::{Instr, Op};
use super::module::Module;
use super::op::Tier;
use crate::code::native::{LoadedBody, Native, NativeKind};
use crate::code::points::{Point, Traced};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use purlin_term::{Atom, Term};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

pub use crate::process::Mfa;

/// A function of a loaded module: what calls read, apart from the rest, so that four functions share a cache line.
pub struct FnEntry {
    /// Where calls go: the translated code, or `stub` before the first call.
    pub code: AtomicPtr<Op>,
    about: Box<About>,
}

/// What else there is to a function.
pub struct About {
    pub mfa: Mfa,
    stub: OnceLock<Box<[Op; 1]>>,
    pub module: &'static Module,
    /// Position among the module's functions.
    pub index: u32,
    pub decoded: OnceLock<Decoded>,
    /// How often processes were found in it (`hot`).
    pub(super) heat: AtomicU32,
    traced: OnceLock<Box<Traced>>,
}

impl std::fmt::Debug for FnEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.mfa)
    }
}

/// A translated function.
pub struct Decoded {
    pub code: Box<[Op]>,
    /// Which instruction runs first.
    pub start: usize,
    /// Its machine code, once somebody has tried to make it.
    pub machine: OnceLock<Option<Box<dyn MachineCode>>>,
    /// What its instructions refer to.
    pub operands: Arena,
    /// Instruction index and line table index, ascending: the line holds from that instruction on.
    pub lines: Box<[(u32, u32)]>,
}

impl std::ops::Deref for FnEntry {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

impl FnEntry {
    /// The functions of a module, by their positions. They stay until all of them are freed at once.
    pub fn all_of(module: &'static Module, names: impl IntoIterator<Item = Mfa>) -> &'static [FnEntry] {
        let functions: Box<[FnEntry]> =
            names.into_iter().zip(0..).map(|(mfa, i)| FnEntry::new(mfa, module, i)).collect();
        let functions: &'static [FnEntry] = Box::leak(functions);
        for entry in functions {
            let stub = entry.stub.get_or_init(|| Box::new([Op::slow(Instr::Translate(entry))]));
            entry.code.store(stub.as_ptr() as *mut Op, Ordering::Release);
        }
        functions
    }

    fn new(mfa: Mfa, module: &'static Module, index: u32) -> FnEntry {
        let (stub, decoded, traced) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let about = Box::new(About { mfa, stub, module, index, decoded, heat: AtomicU32::new(0), traced });
        FnEntry { code: AtomicPtr::new(std::ptr::null_mut()), about }
    }

    /// The first instruction to run.
    #[inline]
    pub fn start(&self) -> *const Op {
        self.code.load(Ordering::Acquire)
    }

    /// File name (a literal string) and line of the instruction at this index.
    pub fn line(&self, index: usize) -> Option<(Term, u32)> {
        let lines = &self.decoded.get()?.lines;
        let at = lines.partition_point(|&(i, _)| i as usize <= index);
        let line = at.checked_sub(1).map_or(0, |i| lines[i].1);
        // What the emulator has no room for, it leaves out.
        let place = self.module.file.lines().entry(line).filter(|p| p.file < 255 && p.line < (1 << 24) - 1)?;
        Some((self.module.source_file(place.file)?, place.line))
    }

    /// Whether somebody has tried to make machine code of it.
    pub(super) fn has_machine_code(&self) -> bool {
        self.decoded.get().is_some_and(|d| d.machine.get().is_some())
    }

    // ---- tracing

    /// An entry that leads to `code` and otherwise is as `of`.
    pub(crate) fn stand_in(of: &'static FnEntry, code: *const Op) -> &'static FnEntry {
        let entry = FnEntry::new(of.mfa, of.module, of.index);
        entry.code.store(code.cast_mut(), Ordering::Release);
        Box::leak(Box::new(entry))
    }

    /// What tracing keeps with the function, if it was ever traced.
    pub fn traced(&self) -> Option<&Traced> {
        self.traced.get().map(|t| &**t)
    }

    pub(crate) fn traced_or_new(&self, make: impl FnOnce() -> Traced) -> &Traced {
        self.traced.get_or_init(|| Box::new(make()))
    }

    /// The first instruction behind a breakpoint.
    pub fn body(&self) -> *const Op {
        let behind = self.traced.get().map_or(std::ptr::null_mut(), |t| t.behind.load(Ordering::Acquire));
        if behind.is_null() { self.start() } else { behind }
    }

    /// Makes `code` the function's own; a breakpoint stays in front of it.
    pub fn publish(&self, code: *const Op) {
        let _guard = BREAKPOINTS.lock();
        match self.traced.get().map(|t| &t.behind).filter(|b| !b.load(Ordering::Relaxed).is_null()) {
            Some(behind) => behind.store(code.cast_mut(), Ordering::Release),
            None => self.code.store(code.cast_mut(), Ordering::Release),
        }
    }

    /// Puts a breakpoint in front of the function's code, or takes it away.
    pub(crate) fn set_breakpoint(&self, on: bool, point: &'static Point) {
        let _guard = BREAKPOINTS.lock();
        let Some(traced) = self.traced.get() else { return };
        let behind = traced.behind.load(Ordering::Relaxed);
        if on && behind.is_null() {
            traced.behind.store(self.start().cast_mut(), Ordering::Release);
            self.code.store(point.start().cast_mut(), Ordering::Release);
        } else if !on && !behind.is_null() {
            self.code.store(behind, Ordering::Release);
            traced.behind.store(std::ptr::null_mut(), Ordering::Release);
        }
    }
}

/// Held while a breakpoint or the code behind it changes, both of which are rare.
static BREAKPOINTS: Mutex<()> = Mutex::new(());

/// A native as calls see it.
pub struct NativeEntry {
    pub mfa: Mfa,
    pub native: Native,
    /// What to do instead of the native's body, of a function that a library has taken.
    pub(crate) loaded: Option<Loaded>,
    tier: &'static dyn Tier,
    /// Its body as a function: what exports and funs jump to.
    code: OnceLock<Vec<Op>>,
    /// Whether it has to be called as a function: it may block, or has a breakpoint.
    as_function: AtomicBool,
    has_breakpoint: AtomicBool,
    point: OnceLock<Box<Point>>,
}

impl NativeEntry {
    fn new(mfa: Mfa, native: Native, tier: &'static dyn Tier) -> NativeEntry {
        NativeEntry {
            mfa,
            native,
            loaded: None,
            tier,
            code: OnceLock::new(),
            as_function: AtomicBool::new(matches!(native.kind, NativeKind::Blocking | NativeKind::Computing)),
            has_breakpoint: AtomicBool::new(false),
            point: OnceLock::new(),
        }
    }

    /// The native called as a function.
    #[inline]
    pub fn start(&'static self) -> *const Op {
        match self.point() {
            Some(p) if self.has_breakpoint.load(Ordering::Acquire) => p.start(),
            _ => self.body(),
        }
    }

    /// The native called as a function, behind a breakpoint.
    #[inline]
    pub fn body(&'static self) -> *const Op {
        let code = self.code.get_or_init(|| self.tier.code(&[Instr::NativeBody(self), Instr::NativeDone(self)], false));
        code.as_ptr()
    }

    /// Where a process goes on after the native ran on another thread.
    pub fn done(&'static self) -> *const Op {
        self.body().wrapping_add(1)
    }

    /// Whether calls in place have to go to [`NativeEntry::start`] instead.
    #[inline]
    pub fn is_called_as_function(&self) -> bool {
        self.as_function.load(Ordering::Relaxed)
    }

    /// The breakpoint, if there ever was one.
    pub fn point(&self) -> Option<&Point> {
        self.point.get().map(|p| &**p)
    }

    pub(crate) fn point_or_new(&self, make: impl FnOnce() -> Point) -> &Point {
        self.point.get_or_init(|| Box::new(make()))
    }

    /// Switches the breakpoint on or off; `stub` is the function in a library that stands for the native.
    pub(crate) fn set_traced(&'static self, on: bool, stub: &FnEntry, point: &'static Point) {
        self.has_breakpoint.store(on, Ordering::Release);
        self.as_function.store(self.is_blocking() || (on && !self.is_instruction()), Ordering::Release);
        let code = if on { point.start() } else { self.body() };
        stub.code.store(code.cast_mut(), Ordering::Release);
    }

    /// Whether OTP has an instruction for calls of this function, which is never traced.
    fn is_instruction(&self) -> bool {
        let name = self.mfa.function.name();
        self.mfa.module == Atom::ERLANG
            && matches!((name, self.mfa.arity), ("apply", 2 | 3) | ("hibernate", 3) | ("get", 1) | ("load_nif", 2))
    }

    pub fn is_blocking(&self) -> bool {
        matches!(self.native.kind, NativeKind::Blocking | NativeKind::Computing)
    }

    /// The entry of a function of a module that a loaded library has taken. It is freed with the module.
    pub(super) fn of_library(
        owner: &'static Module,
        mfa: Mfa,
        kind: NativeKind,
        body: Box<dyn LoadedBody>,
        tier: &'static dyn Tier,
    ) -> &'static NativeEntry {
        let Mfa { module, function, arity } = mfa;
        let native = Native {
            module: module.name(),
            function: function.name(),
            arity,
            kind,
            body: |_, _| Err(crate::process::escape::Escape::NOTSUP),
            releases: (purlin_term::Release(0), purlin_term::Release(u8::MAX)),
        };
        let mut made = NativeEntry::new(mfa, native, tier);
        made.loaded = Some(Loaded { module: owner, body });
        Box::leak(Box::new(made))
    }

    /// The module whose library has taken the function.
    pub(crate) fn library_module(&self) -> Option<&'static Module> {
        self.loaded.as_ref().map(|l| l.module)
    }
}

impl std::fmt::Debug for NativeEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.mfa)
    }
}

/// What a library does in place of a function of its module.
pub(crate) struct Loaded {
    module: &'static Module,
    pub body: Box<dyn LoadedBody>,
}

/// `Module:Function/Arity` as imports, applies and external funs refer to it.
pub struct Export {
    pub mfa: Mfa,
    /// The current code's function.
    pub entry: Current<FnEntry>,
    pub native: Option<&'static NativeEntry>,
    /// Which of all it was to be named by a module that was loaded, from 1. Natives are there before (0).
    pub position: AtomicUsize,
}

impl Export {
    /// The first instruction to run, or `None` when no such function is loaded.
    #[inline]
    pub fn start(&self) -> Option<*const Op> {
        if let Some(n) = self.native {
            return Some(n.start());
        }
        self.function().map(|e| e.start())
    }

    /// The current code's function.
    #[inline]
    pub fn function(&self) -> Option<&'static FnEntry> {
        self.entry.get()
    }
}

/// How many exports are found without a lock.
const RECENT: usize = 1024;

/// All exports of an engine.
pub struct Exports {
    table: RwLock<HashMap<Mfa, &'static Export>>,
    /// What was looked up last, each at the place that its name leads to: a direct-mapped cache of `table`. Exports stay
    /// for ever, so that nothing ever has to be taken away here.
    recent: Box<[AtomicPtr<Export>; RECENT]>,
    natives: HashMap<Mfa, &'static NativeEntry>,
    /// How many have a position.
    named: Mutex<usize>,
    /// `erlang:apply/2`, with which most processes start.
    apply: Option<&'static NativeEntry>,
}

impl Exports {
    pub fn new(natives: impl Iterator<Item = Native>, tier: &'static dyn Tier) -> Exports {
        let natives: HashMap<Mfa, &'static NativeEntry> = natives
            .map(|native| {
                let mfa =
                    Mfa { module: Atom::new(native.module), function: Atom::new(native.function), arity: native.arity };
                let entry: &'static NativeEntry = Box::leak(Box::new(NativeEntry::new(mfa, native, tier)));
                (mfa, entry)
            })
            .collect();
        let apply = natives.get(&Mfa { module: Atom::ERLANG, function: Atom::APPLY, arity: 2 }).copied();
        let recent = Box::new([const { AtomicPtr::new(std::ptr::null_mut()) }; RECENT]);
        Exports { table: RwLock::default(), recent, natives, named: Mutex::new(0), apply }
    }

    /// Whether `erlang:apply/2` does nothing but what it does: nobody traces it.
    pub(crate) fn apply_is_plain(&self) -> bool {
        self.apply.is_some_and(|n| !n.has_breakpoint.load(Ordering::Acquire))
    }

    /// The native of this name.
    pub fn native(&self, mfa: Mfa) -> Option<&'static NativeEntry> {
        self.natives.get(&mfa).copied()
    }

    /// All natives.
    pub fn natives(&self) -> impl Iterator<Item = &'static NativeEntry> + '_ {
        self.natives.values().copied()
    }

    /// The export of this name, made when first asked for.
    #[inline]
    pub fn get(&self, mfa: Mfa) -> &'static Export {
        let place = &self.recent[place_of(mfa)];
        // SAFETY: CODE: exports stay for the life of the engine, which is borrowed.
        if let Some(e) = unsafe { place.load(Ordering::Acquire).as_ref() }
            && e.mfa == mfa
        {
            return e;
        }
        let export = self.find_or_make(mfa);
        place.store(export as *const Export as *mut Export, Ordering::Release);
        export
    }

    #[cold]
    fn find_or_make(&self, mfa: Mfa) -> &'static Export {
        if let Some(e) = self.table.read().get(&mfa) {
            return e;
        }
        let mut table = self.table.write();
        table.entry(mfa).or_insert_with(|| {
            let native = self.native(mfa);
            Box::leak(Box::new(Export { mfa, entry: Current::default(), native, position: AtomicUsize::new(0) }))
        })
    }

    /// A module that names these is loaded.
    pub fn note_named<'a>(&self, exports: impl Iterator<Item = &'a Export>) {
        let mut named = self.named.lock();
        for e in exports.filter(|e| e.native.is_none()) {
            if e.position.compare_exchange(0, *named + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                *named += 1;
            }
        }
    }

    /// The export of this name if anybody has asked for it.
    pub fn existing(&self, mfa: Mfa) -> Option<&'static Export> {
        self.table.read().get(&mfa).copied()
    }
}

/// The place of an export among those looked up last.
#[inline]
fn place_of(mfa: Mfa) -> usize {
    let mixed = mfa.module.index().wrapping_mul(0x9E37_79B9) ^ mfa.function.index().wrapping_mul(0x85EB_CA6B);
    (mixed >> 22) as usize ^ mfa.arity as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn exports_that_share_a_place_are_told_apart() {
        let exports = Exports::new(std::iter::empty(), &crate::tier::reference::Reference);
        let mfa = |f: &str, arity| Mfa { module: Atom::new("m"), function: Atom::new(f), arity };
        let names: Vec<String> = (0..4 * RECENT).map(|i| format!("exported_{i}")).collect();
        let made: Vec<&Export> = names.iter().map(|n| exports.get(mfa(n, 1))).collect();
        for (name, &export) in names.iter().zip(&made) {
            assert!(std::ptr::eq(exports.get(mfa(name, 1)), export));
            assert!(std::ptr::eq(exports.get(mfa(name, 1)), export), "found again without the table");
            assert_eq!(exports.get(mfa(name, 2)).mfa, mfa(name, 2));
        }
    }
}
