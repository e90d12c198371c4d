//! The seam to what makes machine code of functions. The crate that has a compiler is above this one.
//!
//! Machine code takes the place of handlers ([`Go`](super::op::Go)) at some of a function's instructions: where it is called, where calls
//! return to, where it goes on behind an instruction that it leaves to its handler. The instructions, and the handlers
//! that were there before, stay: machine code leaves to them whatever is rare, before it has changed anything.

use super::export::FnEntry;
use super::instr::Instr;
use super::module::Code;
use super::op::{Handler, Op};
use parking_lot::Mutex;
use std::cell::OnceCell;
use std::fs::File;
use std::io::Write;

/// Whether functions become machine code (`PURLIN_NATIVE`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    Never,
    /// Those that run much.
    #[default]
    Hot,
    /// Every function, before it runs.
    Always,
}

/// Guards of machine code that leave whatever they find (`PURLIN_NATIVE_LEAVE`, for tests): each `every`th of a function's, from
/// one on that the function's name and `first` choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaving {
    pub every: u32,
    pub first: u32,
}

/// A function to be compiled.
pub struct Unit<'a> {
    pub entry: &'static FnEntry,
    /// Its instructions, whose handlers are those that machine code leaves to.
    pub ops: &'static [Op],
    /// Which of them runs first.
    pub start: usize,
    /// Everything that may collect does.
    pub collecting: bool,
    /// Its machine code may be kept for other runs.
    pub keeps: bool,
    pub leaving: Option<Leaving>,
    /// How many instructions behind the one at this index its handler does, too.
    pub covers: &'a dyn Fn(usize) -> usize,
}

/// What makes machine code.
pub trait Compiler: Sync + std::fmt::Debug {
    /// Takes from a function what its machine code is made of; `None` where there is no use in it. The caller is present.
    fn prepare(&self, unit: &Unit<'_>) -> Option<Box<dyn Prepared>>;

    /// The function's machine code that was kept in an earlier run.
    fn kept(&self, unit: &Unit<'_>) -> Option<Box<dyn MachineCode>>;

    /// The machine code of a function as text beside its instructions, or why it gets none.
    fn listing(&self, unit: &Unit<'_>) -> Result<String, String>;
}

/// A function that is to be compiled. This takes long, and needs nothing of the function any more.
pub trait Prepared {
    /// Its machine code; `None` where there is no room for it.
    fn finish(self: Box<Self>) -> Option<Box<dyn MachineCode>>;
}

/// The machine code of a function. It is freed by dropping it.
pub trait MachineCode: Send + Sync {
    /// Which instructions it runs from, each with its address there.
    fn entries(&self) -> &[(usize, Handler)];

    /// How many bytes it takes, from the first of these addresses on.
    fn bytes(&self) -> usize;
}

/// A file in which `perf` finds the names of functions by their addresses; its form is that of the kernel's
/// `tools/perf/Documentation/jit-interface.txt`.
pub struct PerfMap(Mutex<File>);

impl PerfMap {
    /// The file of this program; without one, `perf` shows addresses.
    pub fn of_this_program() -> Option<PerfMap> {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        match File::create(&path) {
            Ok(file) => Some(PerfMap(Mutex::new(file))),
            Err(e) => {
                eprintln!("cannot write {path}: {e}");
                None
            }
        }
    }

    fn name(&self, entry: &FnEntry, made: &dyn MachineCode) {
        let start = made.entries().iter().map(|e| e.1 as usize).min();
        let line = start.map(|at| format!("{at:x} {:x} ${}\n", made.bytes(), entry.mfa));
        // What cannot be written is missing there, and nowhere else.
        let _ = self.0.lock().write_all(line.unwrap_or_default().as_bytes());
    }
}

impl Code {
    /// Compiles a function that was translated, and has its instructions run by that. The caller is present, so that
    /// the function stays.
    pub fn compile(&self, entry: &'static FnEntry) {
        let made = self.prepare(entry).and_then(Prepared::finish);
        self.install(entry, made);
    }

    /// Takes from a function what its machine code is made of.
    pub(super) fn prepare(&self, entry: &'static FnEntry) -> Option<Box<dyn Prepared>> {
        self.with_unit(entry, |compiler, unit| compiler.prepare(unit))
    }

    /// The machine code of a function that was translated, as text; or why it gets none. `None` where there is no compiler,
    /// or the function has machine code.
    pub fn listing(&self, entry: &'static FnEntry) -> Option<Result<String, String>> {
        self.with_unit(entry, |compiler, unit| Some(compiler.listing(unit)))
    }

    /// Has a function that was just translated run by machine code of an earlier run, if there is some.
    pub(super) fn install_kept(&self, entry: &'static FnEntry) -> bool {
        let made = self.with_unit(entry, |compiler, unit| unit.keeps.then(|| compiler.kept(unit)).flatten());
        let found = made.is_some();
        if found {
            self.install(entry, made);
        }
        found
    }

    fn with_unit<T>(
        &self,
        entry: &'static FnEntry,
        f: impl FnOnce(&'static dyn Compiler, &Unit<'_>) -> Option<T>,
    ) -> Option<T> {
        let (compiler, decoded) = self.compiler.zip(entry.decoded.get())?;
        if decoded.machine.get().is_some() {
            return None;
        }
        let instrs = OnceCell::new();
        let all = || decoded.code.iter().map(|op| op.instr).collect::<Vec<Instr>>();
        let covers = |i| self.tier.covers(instrs.get_or_init(all), i, self.collect_always);
        let unit = Unit {
            entry,
            ops: &decoded.code,
            start: decoded.start,
            collecting: self.collect_always,
            keeps: !self.collect_always && self.leaving.is_none(),
            leaving: self.leaving,
            covers: &covers,
        };
        f(compiler, &unit)
    }

    /// Has a function's instructions run by its machine code.
    pub(super) fn install(&self, entry: &'static FnEntry, made: Option<Box<dyn MachineCode>>) {
        let Some(decoded) = entry.decoded.get() else { return };
        decoded.machine.get_or_init(|| {
            for &(i, handler) in made.iter().flat_map(|m| m.entries()) {
                // SAFETY: CODE: the machine code is that instruction's, and is dropped with it.
                unsafe { decoded.code[i].go.set(handler) };
            }
            if let Some((map, made)) = self.perf_map.as_ref().zip(made.as_deref()) {
                map.name(entry, made);
            }
            made
        });
    }
}
