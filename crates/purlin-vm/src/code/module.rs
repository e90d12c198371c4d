//! A loaded module: its tables, its functions, and the two generations of code that may exist at a time.

use super::Decoding;
use super::compiler::{Compiler, Leaving, PerfMap, When};
use super::consts;
use super::export::{Export, Exports, FnEntry, Mfa, NativeEntry};
use super::hot::Hot;
use super::native::{Library, LoadedBody, NativeKind};
use super::op::Tier;
use super::points;
use super::purge::Purge;
use super::ranges::Ranges;
use super::record::RecordTemplate;
use super::retired::Retired;
use super::translate::check_matches;
use hashbrown::HashMap;
use md5::{Digest, Md5};
use parking_lot::{Mutex, RwLock};
use purlin_beam::{BeamError, BeamFile, CodeIndex, Function};
use purlin_term::boxed::FunEntry;
use purlin_term::external::FunParts;
use purlin_term::literal::{self, Area};
use purlin_term::{Atom, Heap, Kept, Term, external};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// Why a module could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file is not what the loader can read.
    Bad(BeamError),
    /// A table refers to something that is not there.
    Malformed(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Bad(e) => e.fmt(f),
            LoadError::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<BeamError> for LoadError {
    fn from(e: BeamError) -> LoadError {
        LoadError::Bad(e)
    }
}

/// One generation of a module's code.
pub struct Module {
    pub name: Atom,
    pub file: BeamFile,
    pub index: CodeIndex,
    pub atoms: Vec<Atom>,
    pub md5: [u8; 16],
    imports: Vec<&'static Export>,
    functions: OnceLock<&'static [FnEntry]>,
    lambdas: OnceLock<Vec<Arc<FunEntry>>>,
    literals: Vec<OnceLock<Option<u32>>>,
    /// Where its literals are.
    pub(super) area: Mutex<Area>,
    /// The names of its source files as literal strings, made when a stack trace first needs them.
    source_files: Vec<OnceLock<Option<Kept>>>,
    by_name: OnceLock<HashMap<(Atom, u8), u32>>,
    /// The native records that it defines, in the file's order.
    records: Vec<OnceLock<Option<RecordTemplate>>>,
    translating: Mutex<()>,
    /// The library of natives that it has loaded, and the functions that this has taken.
    library: OnceLock<Box<dyn Library>>,
    taken: Mutex<Vec<&'static NativeEntry>>,
}

impl Module {
    /// Reads a module's file and makes its functions, not yet reachable by name.
    pub fn prepare(code: &Code, bytes: &[u8]) -> Result<&'static Module, LoadError> {
        Module::of_file(code, BeamFile::parse(bytes)?)
    }

    /// As [`Module::prepare`], for a module that the emulator has built in: those know no lines.
    pub fn prepare_preloaded(code: &Code, mut file: BeamFile) -> Result<&'static Module, LoadError> {
        file.drop_lines();
        Module::of_file(code, file)
    }

    fn of_file(code: &Code, file: BeamFile) -> Result<&'static Module, LoadError> {
        let index = file.code().index()?;
        check_matches(&file, &index)?;
        for (name, chunk) in [("Attr", file.attributes()), ("CInf", file.compile_info())] {
            if chunk.is_some_and(|c| external::decode(c, &mut Heap::new(0), &mut code.decoding(false)).is_err()) {
                return Err(LoadError::Malformed(format!("the chunk {name} is no term")));
            }
        }
        let atom = |text: &str| {
            Atom::try_new(text).map_err(|_| LoadError::Malformed(format!("the atom {text} cannot be made")))
        };
        let atoms = file.atoms().iter().map(|a| atom(a)).collect::<Result<Vec<_>, _>>()?;
        let name = atom(file.module())?;
        let at = |i: u32| {
            let a = (i as usize).checked_sub(1).and_then(|i| atoms.get(i)).copied();
            a.ok_or_else(|| LoadError::Malformed(format!("there is no atom {i}")))
        };
        let mut imports = Vec::with_capacity(file.imports().len());
        for i in file.imports() {
            let mfa = Mfa { module: at(i.module)?, function: at(i.function)?, arity: i.arity };
            imports.push(code.exports.get(mfa));
        }
        let literals = (0..file.literals().len()).map(|_| OnceLock::new()).collect();
        let records = file.records().iter().map(|_| OnceLock::new()).collect();
        let source_files = file.lines().files.iter().map(|_| OnceLock::new()).collect();
        let m: &'static Module = Box::leak(Box::new(Module {
            name,
            md5: checksum(&file),
            imports,
            functions: OnceLock::new(),
            lambdas: OnceLock::new(),
            literals,
            area: Mutex::default(),
            source_files,
            records,
            by_name: OnceLock::new(),
            translating: Mutex::new(()),
            library: OnceLock::new(),
            taken: Mutex::default(),
            index,
            file,
            atoms,
        }));
        match m.fill(code) {
            Ok(()) => Ok(m),
            Err(e) => {
                // SAFETY: CODE: nothing has led to this module yet.
                unsafe { free(m) };
                Err(e)
            }
        }
    }

    /// Makes the functions and lambdas.
    fn fill(&'static self, code: &Code) -> Result<(), LoadError> {
        let (m, name) = (self, self.name);
        let mfa = |f: &Function| Ok(Mfa { module: name, function: m.atom(f.name)?, arity: f.arity });
        let names = m.index.functions.iter().map(mfa).collect::<Result<Vec<_>, LoadError>>()?;
        let functions = FnEntry::all_of(m, names);
        let mut by_name = HashMap::new();
        for (entry, i) in functions.iter().zip(0..) {
            // Whoever comes to a library's stub by a fun gets the native that it stands for.
            if let Some(native) = code.exports.native(entry.mfa) {
                entry.code.store(native.start() as *mut _, Ordering::Release);
            }
            by_name.insert((entry.mfa.function, entry.mfa.arity), i);
        }
        let _ = m.functions.set(functions);
        let _ = m.by_name.set(by_name);
        let mut lambdas = Vec::new();
        for (position, l) in m.file.lambdas().iter().enumerate() {
            let body = m.entry_of_label(l.label)?.mfa.arity;
            let arity = l.arity.checked_sub(l.num_free).filter(|_| l.arity == u32::from(body));
            let Some(arity) = arity.and_then(|a| u8::try_from(a).ok()) else {
                return Err(LoadError::Malformed(format!("lambda {position} is not of its function's arity")));
            };
            lambdas.push(code.funs.entry(FunParts {
                module: name,
                index: position as u32,
                uniq: m.md5,
                old_index: l.index,
                old_uniq: l.old_uniq,
                arity,
                num_free: l.num_free,
            }));
        }
        let _ = m.lambdas.set(lambdas);
        Ok(())
    }

    /// The name of a source file, by its index in the line table.
    pub fn source_file(&self, i: u32) -> Option<Term> {
        let name = self.file.lines().files.get(i as usize)?;
        self.source_files.get(i as usize)?.get_or_init(|| self.keep(Heap::new(0).string(name))).map(Kept::term)
    }

    /// The atom of an index in the file.
    pub fn atom(&self, i: u32) -> Result<Atom, LoadError> {
        let a = (i as usize).checked_sub(1).and_then(|i| self.atoms.get(i)).copied();
        a.ok_or_else(|| LoadError::Malformed(format!("there is no atom {i}")))
    }

    pub fn functions(&self) -> &'static [FnEntry] {
        self.functions.get().copied().unwrap_or_default()
    }

    pub fn lambdas(&self) -> &[Arc<FunEntry>] {
        self.lambdas.get().map_or(&[], |v| v)
    }

    /// A function of this generation by its name, exported or not.
    pub fn function(&self, name: Atom, arity: u8) -> Option<&'static FnEntry> {
        let i = *self.by_name.get()?.get(&(name, arity))?;
        self.functions().get(i as usize)
    }

    /// Bytes of its file and of the code translated so far.
    pub fn bytes(&self) -> usize {
        let translated = |f: &FnEntry| f.decoded.get().map_or(0, |d| std::mem::size_of_val(&*d.code));
        self.file.bytes().len() + self.functions().iter().map(translated).sum::<usize>()
    }

    /// Exported functions.
    pub fn exports(&self) -> impl Iterator<Item = &'static FnEntry> + '_ {
        self.file.exports().iter().filter_map(|e| self.function(self.atom(e.function).ok()?, e.arity))
    }

    /// Names and arities of the exported functions as `module_info(exports)` lists them: those that anybody named last
    /// come first. So the functions of a module that nobody knew before it was loaded stand as in its source, because
    /// the compiler writes them in reverse.
    pub fn exports_as_listed(&self, code: &Code) -> Vec<(Atom, u8)> {
        let mut all: Vec<_> =
            self.exports().map(|e| (code.exports.get(e.mfa).position.load(Ordering::Acquire), e.mfa)).collect();
        all.reverse();
        all.sort_by_key(|&(position, _)| std::cmp::Reverse(position));
        all.into_iter().map(|(_, mfa)| (mfa.function, mfa.arity)).collect()
    }

    pub fn import(&self, i: u64) -> Result<&'static Export, LoadError> {
        let e = usize::try_from(i).ok().and_then(|i| self.imports.get(i)).copied();
        e.ok_or_else(|| LoadError::Malformed(format!("there is no import {i}")))
    }

    /// The function whose entry is this label.
    pub fn entry_of_label(&self, label: u32) -> Result<&'static FnEntry, LoadError> {
        let found = self.index.function_of_label(label).and_then(|i| {
            let f = self.index.functions.get(i)?;
            (f.entry == label).then(|| self.functions().get(i)).flatten()
        });
        found.ok_or_else(|| LoadError::Malformed(format!("label {label} is no function's entry")))
    }

    /// The constant number of a literal, decoded when first asked for.
    pub fn literal(&self, code: &Code, i: u32) -> Result<u32, LoadError> {
        let bad = || LoadError::Malformed(format!("literal {i} cannot be decoded"));
        let cell = self.literals.get(i as usize).ok_or_else(bad)?;
        let number = cell.get_or_init(|| {
            let bytes = self.file.literals().get(i)?;
            let mut heap = Heap::new(0);
            let mut context = code.decoding(false);
            let (t, _) = external::decode(bytes, &mut heap, &mut context).ok()?;
            Some(consts::number(self.store(t)?))
        });
        number.ok_or_else(bad)
    }

    /// The native record of this name that the module defines, if it defines one.
    pub fn record(&self, code: &Code, name: Atom) -> Result<Option<&RecordTemplate>, LoadError> {
        for (definition, cell) in self.file.records().iter().zip(&self.records) {
            if self.atom(definition.name)? == name {
                let bad = || LoadError::Malformed(format!("the record {} cannot be made", name.name()));
                return cell
                    .get_or_init(|| RecordTemplate::of(self, code, definition))
                    .as_ref()
                    .ok_or_else(bad)
                    .map(Some);
            }
        }
        Ok(None)
    }

    /// A copy of a term that lives as long as the code. `None`: the literal area is full.
    pub fn store(&self, t: Term) -> Option<Term> {
        self.area.lock().store(t)
    }

    /// As [`Module::store`], for what goes with the code.
    pub fn keep(&self, t: Term) -> Option<Kept> {
        self.store(t).and_then(Kept::literal)
    }

    /// The library of natives that it has loaded.
    pub fn library(&self) -> Option<&dyn Library> {
        self.library.get().map(|l| &**l)
    }

    /// Has a library take functions of the module. The first one counts.
    pub fn take_over(
        &'static self,
        code: &Code,
        library: Box<dyn Library>,
        functions: Vec<(&'static FnEntry, NativeKind, Box<dyn LoadedBody>)>,
    ) {
        let _ = self.library.set(library);
        let mut taken = self.taken.lock();
        for (entry, kind, body) in functions {
            let native = NativeEntry::of_library(self, entry.mfa, kind, body, code.tier);
            entry.publish(native.body());
            taken.push(native);
        }
    }

    /// A function of its library that is none of the module's: calls of others go on with it.
    pub fn take_over_anonymous(
        &'static self,
        code: &Code,
        function: Atom,
        arity: u8,
        kind: NativeKind,
        body: Box<dyn LoadedBody>,
    ) -> &'static NativeEntry {
        let mfa = Mfa { module: self.name, function, arity };
        let native = NativeEntry::of_library(self, mfa, kind, body, code.tier);
        self.taken.lock().push(native);
        native
    }

    /// Whether a library may take the function: where the module says which those are, it is one of them.
    pub fn may_be_taken(&self, entry: &FnEntry) -> bool {
        let nifs = &self.index.nifs;
        nifs.is_empty() || nifs.contains(&entry.index)
    }

    /// The module's functions that its library has taken.
    pub fn taken(&self) -> Vec<(Atom, u8)> {
        let taken = self.taken.lock();
        let own = taken.iter().filter(|n| self.function(n.mfa.function, n.mfa.arity).is_some());
        own.map(|n| (n.mfa.function, n.mfa.arity)).collect()
    }

    /// Held while one of this module's functions is being translated.
    pub fn lock_translation(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.translating.lock()
    }
}

/// How often code has been freed.
static FREED: AtomicU64 = AtomicU64::new(0);

/// A number that is another one when code at an address is not what it was before. What was loaded to the address of
/// freed code is run only by who sees all that came before the freeing.
#[inline]
pub(crate) fn freed() -> u64 {
    FREED.load(Ordering::Relaxed)
}

/// Frees a module with its functions, its translated code and its literals.
///
/// # Safety
/// CODE: no process is in the module or can come to it, and none refers to its literals.
pub(crate) unsafe fn free(m: &'static Module) {
    if m.functions().iter().any(|f| f.traced().is_some()) {
        // What is measured by a breakpoint may be charged to it at any time: code that was traced stays.
        *m.area.lock() = Area::default();
        return;
    }
    FREED.fetch_add(1, Ordering::Relaxed);
    let numbers = m.literals.iter().filter_map(|l| *l.get()?);
    let literals: Vec<u32> = numbers.filter(|&n| !consts::get(n).is_immediate()).collect();
    consts::free(&literals);
    let taken = std::mem::take(&mut *m.taken.lock());
    let functions: *const [FnEntry] = m.functions();
    // SAFETY: all were made by leaking a box, by `NativeEntry::of_library`, `FnEntry::all_of` and `Module::of_file`; by the
    // caller's promise nobody else refers to them. No functions, of a module that was not filled, are a box as well.
    unsafe {
        taken.into_iter().for_each(|n| drop(Box::from_raw(std::ptr::from_ref(n).cast_mut())));
        drop(Box::from_raw(functions.cast_mut()));
        drop(Box::from_raw(m as *const Module as *mut Module));
    }
}

/// Code that was purged, or never loaded. Dropping it frees it: only who has made sure that nothing leads to it does.
pub(crate) struct RetiredModule(&'static Module);

impl RetiredModule {
    /// # Safety
    /// As for [`free`], from the time on when the value is dropped.
    pub unsafe fn new(m: &'static Module) -> RetiredModule {
        RetiredModule(m)
    }
}

impl Drop for RetiredModule {
    fn drop(&mut self) {
        // SAFETY: by the promise of who made the value.
        unsafe { free(self.0) };
    }
}

impl Retired for RetiredModule {
    fn has_literals(&self) -> bool {
        !self.0.area.lock().is_empty()
    }

    fn condemn(&self) {
        self.0.area.lock().condemn();
    }
}

/// A module that is not loaded yet: it is freed unless it is taken out.
pub struct Unfinished(Mutex<Option<RetiredModule>>);

impl Unfinished {
    /// As [`Module::prepare`], for plain bytes only: the library decompresses what it has the emulator load.
    pub fn prepare(code: &Code, bytes: &[u8]) -> Result<Unfinished, LoadError> {
        let m = Module::of_file(code, BeamFile::parse_plain(bytes)?)?;
        // SAFETY: CODE: the module can be come to by this value alone until it is taken out.
        Ok(Unfinished(Mutex::new(Some(unsafe { RetiredModule::new(m) }))))
    }

    /// What `f` says of the module, if it was not taken out.
    pub fn with<R>(&self, f: impl FnOnce(&'static Module) -> R) -> Option<R> {
        self.0.lock().as_ref().map(|d| f(d.0))
    }

    /// Takes the module out, to be loaded.
    pub fn take(&self) -> Option<&'static Module> {
        let retired = std::mem::ManuallyDrop::new(self.0.lock().take()?);
        Some(retired.0)
    }

    /// Puts a module back that was taken out and not loaded.
    pub fn put_back(&self, m: &'static Module) {
        // SAFETY: CODE: as in `prepare`.
        *self.0.lock() = Some(unsafe { RetiredModule::new(m) });
    }
}

/// The MD5 by which a module's code is known.
pub fn checksum(file: &BeamFile) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in file.checksum_parts() {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The entries of all lambdas that a module or a fun refers to. Two generations with the same code share theirs.
///
/// All that is known of a lambda names its entry. External terms make entries, too, and may tell lies: a fun whose
/// numbers are not those of its module's lambda has an entry of its own, which no module leads to code.
#[derive(Default)]
pub struct Funs(Mutex<FunTable>);

#[derive(Default)]
struct FunTable {
    entries: HashMap<FunParts, Weak<FunEntry>>,
    /// With so many, those that nobody refers to any more are swept out.
    sweep_at: usize,
}

impl Funs {
    /// The entry of a lambda, made when there is none.
    pub fn entry(&self, lambda: FunParts) -> Arc<FunEntry> {
        let mut table = self.0.lock();
        if let Some(e) = table.entries.get(&lambda).and_then(Weak::upgrade) {
            return e;
        }
        if table.entries.len() >= table.sweep_at {
            table.entries.retain(|_, e| e.strong_count() > 0);
            table.sweep_at = 2 * table.entries.len() + 64;
        }
        let entry = Arc::new(FunEntry {
            module: lambda.module,
            arity: lambda.arity,
            index: lambda.index,
            old_index: lambda.old_index,
            old_uniq: lambda.old_uniq,
            uniq: lambda.uniq,
            num_free: lambda.num_free,
            code: AtomicPtr::new(std::ptr::null_mut()),
        });
        table.entries.insert(lambda, Arc::downgrade(&entry));
        entry
    }
}

/// The generations of one module.
#[derive(Clone, Copy, Default)]
pub struct Generations {
    pub current: Option<&'static Module>,
    pub old: Option<&'static Module>,
    /// Code whose on_load function has not said yet whether it may become current.
    pub loading: Option<&'static Module>,
    /// How many modules were loaded before this one was for the first time.
    number: usize,
}

/// All code of an engine.
pub struct Code {
    pub exports: Exports,
    pub funs: Funs,
    pub(super) modules: RwLock<HashMap<Atom, Generations>>,
    pub(super) purging: Mutex<Option<Purge>>,
    pub(super) ranges: Ranges,
    pub(super) tier: &'static dyn Tier,
    /// Translated code collects at every point where it may.
    pub(super) collect_always: bool,
    /// What makes machine code, and of what.
    pub(super) compiler: Option<&'static dyn Compiler>,
    pub(super) compiles: When,
    pub(super) leaving: Option<Leaving>,
    /// Translated code has scheduling points.
    pub(super) scheduling_points: bool,
    pub(super) hot: Hot,
    pub(super) perf_map: Option<PerfMap>,
    /// Name, by its index, and creation of this node: decoded identifiers of both are local.
    node: AtomicU64,
}

impl Code {
    pub fn new(exports: Exports, tier: &'static dyn Tier, collect_always: bool) -> Code {
        Code {
            compiler: None,
            compiles: When::Never,
            leaving: None,
            scheduling_points: false,
            hot: Hot::default(),
            perf_map: None,
            exports,
            funs: Funs::default(),
            modules: RwLock::default(),
            purging: Mutex::default(),
            ranges: Ranges::default(),
            tier,
            collect_always,
            node: AtomicU64::new(u64::from(Atom::NONODE.index()) << 32),
        }
    }

    /// The same with a compiler.
    pub fn compiled_by(self, compiler: Option<&'static dyn Compiler>, compiles: When, perf_map: bool) -> Code {
        let compiler = compiler.filter(|_| compiles != When::Never);
        let compiles = if compiler.is_some() { compiles } else { When::Never };
        let perf_map = compiler.filter(|_| perf_map).and_then(|_| PerfMap::of_this_program());
        Code { compiler, compiles, perf_map, ..self }
    }

    /// The same with guards of machine code that leave whatever they find.
    pub fn leaving(self, leaving: Option<Leaving>) -> Code {
        Code { leaving, ..self }
    }

    /// The same with code that stops before steps that other processes can tell, where somebody chooses their order.
    pub fn with_scheduling_points(self, scheduling_points: bool) -> Code {
        Code { scheduling_points, ..self }
    }

    /// Which functions become machine code.
    #[inline]
    pub fn compiles(&self) -> When {
        self.compiles
    }

    /// The name of this node.
    #[inline]
    pub fn node(&self) -> Atom {
        Atom::from_index((self.node.load(Ordering::Relaxed) >> 32) as u32)
    }

    /// Which life of a node of this name it is; 0 while it has none.
    pub fn creation(&self) -> u32 {
        self.node.load(Ordering::Relaxed) as u32
    }

    /// Changes name and creation of this node (`setnode/2`).
    pub fn set_node(&self, name: Atom, creation: u32) {
        self.node.store(u64::from(name.index()) << 32 | u64::from(creation), Ordering::Relaxed);
        purlin_term::remote::set_this_node(name, creation);
    }

    /// What the decoder of external terms needs.
    pub fn decoding(&self, safe: bool) -> Decoding<'_> {
        Decoding { code: self, safe }
    }

    pub fn generations(&self, module: Atom) -> Generations {
        self.modules.read().get(&module).copied().unwrap_or_default()
    }

    /// Bytes of all loaded code and its literals.
    pub fn bytes(&self) -> usize {
        let generations = self.loaded().into_iter().map(|m| self.generations(m));
        let modules = generations.flat_map(|g| [g.current, g.old]).flatten();
        literal::bytes() + modules.map(Module::bytes).sum::<usize>()
    }

    /// Names of all modules with current code, the last one that was loaded for the first time first.
    pub fn loaded(&self) -> Vec<Atom> {
        let modules = self.modules.read();
        let mut loaded: Vec<_> = modules.iter().filter(|(_, g)| g.current.is_some()).collect();
        loaded.sort_by_key(|(_, g)| std::cmp::Reverse(g.number));
        loaded.into_iter().map(|(&name, _)| name).collect()
    }

    /// Makes prepared modules current, all at once; their former code becomes old. Gives the names of those that
    /// have old code already, and then changes nothing.
    pub fn finish(&self, prepared: &[&'static Module]) -> Result<(), Vec<Atom>> {
        let mut modules = self.modules.write();
        let stuck: Vec<Atom> = prepared
            .iter()
            .filter(|m| modules.get(&m.name).is_some_and(|g| g.old.is_some() && g.current.is_some()))
            .map(|m| m.name)
            .collect();
        if !stuck.is_empty() {
            return Err(stuck);
        }
        for &m in prepared {
            self.exports.note_named(m.exports().map(|e| self.exports.get(e.mfa)));
            self.exports.note_named(m.imports.iter().copied());
            let number = modules.len();
            let g = modules.entry(m.name).or_insert(Generations { number, ..Default::default() });
            if m.has_on_load() {
                g.loading = Some(m);
                link_lambdas(m);
            } else {
                self.make_current(g, m);
            }
        }
        Ok(())
    }

    fn make_current(&self, g: &mut Generations, m: &'static Module) {
        // Linked first: what both export can be called all the time.
        self.link(m);
        if let Some(before) = g.current.replace(m) {
            g.old = Some(before);
            points::clear_module(&self.exports, before);
            self.unlink(before);
        }
    }

    /// The code of a module whose on_load function is to be called or runs.
    pub fn loading(&self, module: Atom) -> Option<&'static Module> {
        self.generations(module).loading
    }

    /// An on_load function has returned: with `keep` its module becomes current, else it waits to be purged.
    pub fn finish_on_load(&self, module: Atom, keep: bool) -> Option<()> {
        let mut modules = self.modules.write();
        let g = modules.get_mut(&module)?;
        let m = g.loading?;
        if keep {
            g.loading = None;
            self.make_current(g, m);
        }
        Some(())
    }

    /// Makes a module's exported functions and lambdas reachable.
    pub fn link(&self, m: &'static Module) {
        for e in m.exports() {
            let export = self.exports.get(e.mfa);
            // A library's stub never takes the place of the native that it stands for.
            if export.native.is_some() {
                continue;
            }
            export.entry.set(e);
        }
        link_lambdas(m);
    }

    /// Has no export lead to a module any more, be it by a breakpoint.
    fn unlink(&self, m: &'static Module) {
        for e in m.exports() {
            let entry = &self.exports.get(e.mfa).entry;
            if let Some(now) = entry.get().filter(|now| std::ptr::eq(now.module, m)) {
                entry.clear(now);
            }
        }
    }

    /// Makes a module's current code old. False when there is old code already, `None` for a module that never was.
    pub fn delete(&self, module: Atom) -> Option<bool> {
        let mut modules = self.modules.write();
        let g = modules.get_mut(&module)?;
        if g.old.is_some() {
            return Some(false);
        }
        if let Some(current) = g.current.take() {
            g.old = Some(current);
            points::clear_module(&self.exports, current);
            self.unlink(current);
        }
        Some(true)
    }

    /// The function that holds the body of a fun; `None`: its code is not loaded, or is being purged.
    pub fn body_of(&self, lambda: &FunEntry) -> Option<Mfa> {
        let body = lambda.code.load(Ordering::Acquire) as *const FnEntry;
        // SAFETY: CODE: the word is null or a function entry, which stays while the caller is present.
        unsafe { body.as_ref() }.map(|f| f.mfa)
    }

    pub(super) fn note_range(&self, code: &'static [super::instr::Op], entry: &'static FnEntry) {
        self.ranges.insert(code, entry);
    }

    /// File name and line of the instruction at this address.
    pub fn line_at(&self, address: usize) -> Option<(Term, u32)> {
        self.ranges.line(address)?.1
    }

    /// The function that holds the instruction at this address, with the file name and line of the instruction.
    pub fn locate_line(&self, address: usize) -> Option<(&'static FnEntry, Option<(Term, u32)>)> {
        self.ranges.line(address).map(|(place, line)| (place.entry, line))
    }

    /// The function that holds the instruction at this address, and the instruction's index in it.
    pub fn locate(&self, address: usize) -> Option<(&'static FnEntry, usize)> {
        self.ranges.place(address).map(|p| (p.entry, p.index))
    }
}

/// Makes a generation's lambdas lead to its functions.
fn link_lambdas(m: &'static Module) {
    for (l, raw) in m.lambdas().iter().zip(m.file.lambdas()) {
        if let Ok(e) = m.entry_of_label(raw.label) {
            l.code.store(e as *const FnEntry as *mut (), Ordering::Release);
        }
    }
}

impl Module {
    /// Whether the code has an on_load function that has not been accepted yet.
    pub fn has_on_load(&self) -> bool {
        self.on_load_function().is_some()
    }

    /// The function behind the `on_load` instruction.
    pub fn on_load_function(&self) -> Option<&'static FnEntry> {
        let at = self.index.on_load?;
        self.functions().get(at)
    }
}

/// What the file says of itself, as a term: attributes or compile information.
pub fn chunk_term(code: &Code, heap: &mut Heap, bytes: Option<&[u8]>) -> Term {
    let Some(bytes) = bytes else { return Term::NIL };
    let mut context = code.decoding(false);
    external::decode(bytes, heap, &mut context).map_or(Term::NIL, |(t, _)| t)
}
