//! Breakpoints: what of a function is traced, and how calls come to it.
//!
//! A function's entry ([`FnEntry`]) leads to its first instruction. A breakpoint takes that place and keeps the
//! instruction behind itself, so that all calls meet it, and none does once it is gone again. Calls by name from
//! other modules go through an export: to trace those alone, the export leads to a stand-in of the function whose
//! only instruction is the breakpoint. A native has a breakpoint of its own.
//!
//! | what | who changes it |
//! |---|---|
//! | `Point::states` | who holds `Tracing::control`; breakpoints read a snapshot |
//! | where the breakpoint stands | as above, under the module's translation lock |

use super::instr::{Instr, Op};
use super::{Code, Exports, FnEntry, Mfa, Module, NativeEntry};
use crate::engine::context::Ctx;
use crate::process::tracee::SessionId;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use purlin_term::{Atom, Immediate, Owned, Term};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A match specification for tracing; natives have the language.
pub trait TraceSpec: Send + Sync {
    /// Runs it in the tracee on the arguments of a call (or on what stands for them at other events).
    fn run(&self, ctx: &mut Ctx<'_>, arguments: &[Term], site: &Site) -> Verdict;

    /// The specification it was made from.
    fn source(&self) -> Term;
}

/// Where a traced call comes from, and for which session the specification decides.
#[derive(Clone, Copy, Default)]
pub struct Site {
    pub session: SessionId,
    /// The function that the call returns to, and an instruction in it.
    pub caller: Option<(Mfa, usize)>,
}

/// What a match specification decided.
#[derive(Default)]
pub struct Verdict {
    /// What the message is given besides the event (`true`: nothing); none when no message is wanted.
    pub message: Option<Owned>,
    pub return_trace: bool,
    pub exception_trace: bool,
}

/// The specification that decides on messages; none sends one for every call.
pub type Spec = Option<Arc<dyn TraceSpec>>;

/// What one session traces of a function.
#[derive(Clone, Default)]
pub struct State {
    /// Calls by name from other modules.
    pub global: Option<Spec>,
    /// All calls.
    pub local: Option<Spec>,
    pub meta: Option<Meta>,
    pub count: Option<Arc<Count>>,
    pub time: Option<Arc<Sums>>,
    pub memory: Option<Arc<Sums>>,
}

impl State {
    pub fn is_empty(&self) -> bool {
        self.global.is_none()
            && self.local.is_none()
            && self.meta.is_none()
            && self.count.is_none()
            && self.time.is_none()
            && self.memory.is_none()
    }
}

/// What is traced of a function by all sessions, those that began last first.
#[derive(Clone, Default)]
pub struct States {
    pub of: SmallVec<[(SessionId, State); 1]>,
    /// The process's error handler is called instead of the function (`erts_debug:breakpoint/2`).
    pub debug: bool,
}

impl States {
    pub fn is_empty(&self) -> bool {
        self.of.is_empty() && !self.debug
    }

    pub fn get(&self, session: SessionId) -> Option<&State> {
        self.of.iter().find(|s| s.0 == session).map(|s| &s.1)
    }

    fn change(&mut self, session: SessionId, change: impl FnOnce(&mut State)) {
        let i = self.of.iter().position(|s| s.0 == session).unwrap_or_else(|| {
            self.of.insert(0, (session, State::default()));
            0
        });
        change(&mut self.of[i].1);
        if self.of[i].1.is_empty() {
            self.of.remove(i);
        }
    }
}

/// Calls by any process, told to a tracer of the function's own.
#[derive(Clone)]
pub struct Meta {
    pub spec: Spec,
    /// The word of a pid or port; 0 once it was found to have ended.
    tracer: Arc<AtomicU64>,
}

impl Meta {
    /// The pid or port that is told, unless it was found to have ended.
    pub fn tracer(&self) -> Option<Term> {
        match self.tracer.load(Ordering::Acquire) {
            0 => None,
            // SAFETY: LIVE: the word of a pid or port points nowhere.
            word => Some(unsafe { Term::from_raw(word) }),
        }
    }

    /// The tracer was found to have ended.
    pub fn forget_tracer(&self) {
        self.tracer.store(0, Ordering::Release);
    }
}

/// `call_count`
#[derive(Default)]
pub struct Count {
    pub paused: AtomicBool,
    pub calls: AtomicU64,
}

/// `call_time` in nanoseconds, or `call_memory` in words.
#[derive(Default)]
pub struct Sums {
    pub paused: AtomicBool,
    by_process: Mutex<HashMap<u64, (u64, i64)>>,
}

impl Sums {
    /// Adds calls and what they took of a process.
    pub fn add(&self, process: u64, calls: u64, taken: i64) {
        let mut all = self.by_process.lock();
        let sums = all.entry(process).or_default();
        sums.0 += calls;
        sums.1 += taken;
    }

    /// Each process with its calls and what they took.
    pub fn all(&self) -> Vec<(u64, u64, i64)> {
        self.by_process.lock().iter().map(|(&p, &(calls, taken))| (p, calls, taken)).collect()
    }

    /// What becomes of the sums where a pattern says so.
    fn switch(sums: &mut Option<Arc<Sums>>, to: Switch) {
        *sums = match sums.take() {
            Some(_) if to == Switch::Off => None,
            Some(sums) => {
                sums.paused.store(to == Switch::Pause, Ordering::Relaxed);
                if to != Switch::Pause {
                    sums.by_process.lock().clear();
                }
                Some(sums)
            }
            None => (to == Switch::On).then(Arc::default),
        };
    }
}

/// The breakpoint of one function.
pub struct Point {
    pub mfa: Mfa,
    target: Target,
    code: OnceLock<Box<[Op; 1]>>,
    states: RwLock<Arc<States>>,
}

/// Where a call goes on behind the breakpoint.
#[derive(Clone, Copy)]
enum Target {
    Function(&'static FnEntry),
    Native(&'static NativeEntry),
    /// A function that is reached by its name.
    Export(&'static FnEntry),
}

/// What tracing keeps with a function once it was traced; never freed.
pub struct Traced {
    /// What follows the breakpoint while that stands at the entry; else null.
    pub(crate) behind: AtomicPtr<Op>,
    point: Point,
    /// The stand-in that the export leads to, and its breakpoint.
    stand_in: OnceLock<(&'static FnEntry, &'static Point)>,
}

impl Point {
    fn new(mfa: Mfa, target: Target) -> Point {
        Point { mfa, target, code: OnceLock::new(), states: RwLock::default() }
    }

    /// The breakpoint instruction.
    pub fn start(&'static self) -> *const Op {
        self.code.get_or_init(|| Box::new([Op::slow(Instr::Breakpoint(self))])).as_ptr()
    }

    /// Where the call goes on.
    pub fn next(&self) -> *const Op {
        match self.target {
            Target::Function(f) => f.body(),
            Target::Native(n) => n.body(),
            Target::Export(f) => f.start(),
        }
    }

    /// The module that the function is in, unless it is a native.
    pub fn module(&self) -> Option<&'static Module> {
        match self.target {
            Target::Function(f) | Target::Export(f) => Some(f.module),
            Target::Native(_) => None,
        }
    }

    pub fn states(&self) -> Arc<States> {
        self.states.read().clone()
    }
}

/// One function that a pattern names: its entry, and the native that it stands for.
#[derive(Clone, Copy)]
pub struct Place {
    pub entry: &'static FnEntry,
    pub native: Option<&'static NativeEntry>,
}

impl Place {
    pub fn of(exports: &Exports, entry: &'static FnEntry) -> Place {
        Place { entry, native: exports.native(entry.mfa) }
    }

    /// The breakpoint of the function itself.
    fn own(&self) -> Option<Arc<States>> {
        match self.native {
            Some(n) => n.point().map(|p| p.states()),
            None => self.entry.traced().map(|t| t.point.states()),
        }
    }

    /// That of calls by name.
    fn of_export(&self) -> Option<Arc<States>> {
        self.entry.traced().and_then(|t| t.stand_in.get()).map(|(_, p)| p.states())
    }

    /// What a session traces of the function.
    pub fn state(&self, session: SessionId) -> Option<State> {
        [self.of_export(), self.own()].into_iter().flatten().find_map(|s| s.get(session).cloned())
    }

    /// The sessions that trace something of the function.
    pub fn sessions(&self) -> Vec<SessionId> {
        [self.of_export(), self.own()].iter().flatten().flat_map(|s| s.of.iter().map(|s| s.0)).collect()
    }

    /// Changes what of the function's breakpoint is traced, and puts it in place or takes it away.
    fn change(&self, f: impl FnOnce(&mut States)) {
        let point = match self.native {
            Some(n) => n.point_or_new(|| Point::new(self.entry.mfa, Target::Native(n))),
            None => &self.entry.traced_or_new(|| Traced::new(self.entry)).point,
        };
        let on = update(point, f);
        match self.native {
            Some(n) => n.set_traced(on, self.entry, point),
            None => self.entry.set_breakpoint(on, point),
        }
    }

    /// As `change`, for calls through the export alone.
    fn change_export(&self, exports: &Exports, f: impl FnOnce(&mut States)) {
        if self.native.is_some() {
            return self.change(f);
        }
        let traced = self.entry.traced_or_new(|| Traced::new(self.entry));
        let &(stand_in, point) = traced.stand_in.get_or_init(|| {
            let point: &'static Point = Box::leak(Box::new(Point::new(self.entry.mfa, Target::Export(self.entry))));
            (FnEntry::stand_in(self.entry, point.start()), point)
        });
        let on = update(point, f);
        let export = exports.get(self.entry.mfa);
        let (from, to) = if on { (self.entry, stand_in) } else { (stand_in, self.entry) };
        export.entry.replace(from, to);
    }

    fn has_global(&self, session: SessionId) -> bool {
        self.state(session).is_some_and(|s| s.global.is_some())
    }

    fn has_own(&self, session: SessionId) -> bool {
        self.own().is_some_and(|s| s.get(session).is_some())
    }

    /// Ends a session's tracing of the function.
    fn clear(&self, exports: &Exports, session: SessionId) {
        if self.has_global(session) {
            self.change_export(exports, |s| s.change(session, |s| s.global = None));
        }
        if self.has_own(session) {
            self.change(|s| s.change(session, |s| *s = State::default()));
        }
    }
}

fn update(point: &Point, f: impl FnOnce(&mut States)) -> bool {
    let mut states = point.states.write();
    let mut new = States::clone(&states);
    f(&mut new);
    *states = Arc::new(new);
    !states.is_empty()
}

impl Traced {
    fn new(entry: &'static FnEntry) -> Traced {
        Traced {
            behind: AtomicPtr::new(std::ptr::null_mut()),
            point: Point::new(entry.mfa, Target::Function(entry)),
            stand_in: OnceLock::new(),
        }
    }
}

// ---- patterns

/// `{Module, Function, Arity}`, of which the last ones may be `'_'`.
#[derive(Clone, Copy, Default)]
pub struct Pattern {
    pub module: Option<Atom>,
    pub function: Option<Atom>,
    pub arity: Option<u8>,
}

impl Pattern {
    fn matches(&self, mfa: Mfa) -> bool {
        self.function.is_none_or(|f| f == mfa.function) && self.arity.is_none_or(|a| a == mfa.arity)
    }

    fn modules(&self, code: &Code) -> Vec<&'static Module> {
        let names = match self.module {
            Some(m) => vec![m],
            None => code.loaded(),
        };
        names.into_iter().filter_map(|m| code.generations(m).current).collect()
    }

    /// The functions of current code that the pattern names.
    pub fn functions(&self, code: &Code) -> Vec<Place> {
        let all = self.modules(code).into_iter().flat_map(|m| m.functions());
        all.filter(|f| self.matches(f.mfa)).map(|f| Place::of(&code.exports, f)).collect()
    }

    /// Those of them that are exported.
    pub fn exports(&self, code: &Code) -> Vec<Place> {
        let all = self.modules(code).into_iter().flat_map(|m| m.exports().collect::<Vec<_>>());
        all.filter(|f| self.matches(f.mfa)).map(|f| Place::of(&code.exports, f)).collect()
    }
}

/// What becomes of a trace pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    Off,
    On,
    Pause,
    Restart,
}

/// Which kinds of breakpoints are meant; with none of them, calls by name.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Kinds {
    pub local: bool,
    pub meta: bool,
    pub call_count: bool,
    pub call_time: bool,
    pub call_memory: bool,
}

impl Kinds {
    pub fn any(self) -> bool {
        self.local || self.meta || self.measures()
    }

    /// Whether something is counted or measured.
    pub fn measures(self) -> bool {
        self.call_count || self.call_time || self.call_memory
    }

    /// Each kind as `f` says of this and the other's.
    fn combined(self, other: Kinds, f: impl Fn(bool, bool) -> bool) -> Kinds {
        Kinds {
            local: f(self.local, other.local),
            meta: f(self.meta, other.meta),
            call_count: f(self.call_count, other.call_count),
            call_time: f(self.call_time, other.call_time),
            call_memory: f(self.call_memory, other.call_memory),
        }
    }
}

/// A change of what a session traces.
#[derive(Clone)]
pub struct Change {
    pub session: SessionId,
    pub switch: Switch,
    pub kinds: Kinds,
    pub spec: Spec,
    pub meta_tracer: Term,
}

/// Applies a change to all functions that the pattern names; how many they are. The caller holds the control lock.
pub fn set(code: &Code, pattern: Pattern, change: &Change) -> usize {
    let (functions, exports) = (pattern.functions(code), pattern.exports(code));
    apply(&code.exports, &functions, &exports, change);
    if change.kinds.any() { functions.len() } else { exports.len() }
}

fn apply(table: &Exports, functions: &[Place], exports: &[Place], c: &Change) {
    let (on, breakpoint, session) = (c.switch != Switch::Off, c.kinds.any(), c.session);
    let set_global = |p: &Place, to: Option<Spec>| p.change_export(table, |s| s.change(session, |s| s.global = to));
    if on && !breakpoint {
        // All other tracing of the functions by the session ends.
        let debugged = |p: &Place| session == SessionId::LEGACY && p.own().is_some_and(|s| s.debug);
        for p in functions.iter().filter(|p| p.has_own(session) || debugged(p)) {
            p.change(|s| {
                s.change(session, |s| *s = State::default());
                s.debug &= session != SessionId::LEGACY;
            });
        }
        exports.iter().for_each(|p| set_global(p, Some(c.spec.clone())));
        return;
    }
    if on || !breakpoint {
        exports.iter().filter(|p| p.has_global(session)).for_each(|p| set_global(p, None));
    }
    if !breakpoint {
        return;
    }
    for p in functions {
        if c.switch == Switch::On || p.has_own(session) {
            p.change(|s| s.change(session, |s| change_one(s, c)));
        }
    }
}

/// Has the error handler called instead of all functions that the pattern names, or no more; how many they are. The
/// caller holds the control lock.
pub fn set_debug(code: &Code, pattern: Pattern, on: bool) -> usize {
    let functions = pattern.functions(code);
    for p in functions.iter().filter(|p| on || p.own().is_some_and(|s| s.debug)) {
        p.change(|s| s.debug = on);
    }
    functions.len()
}

fn change_one(s: &mut State, c: &Change) {
    if c.kinds.local {
        s.local = (c.switch != Switch::Off).then(|| c.spec.clone());
    }
    if c.kinds.meta {
        let tracer = || Arc::new(AtomicU64::new(c.meta_tracer.raw()));
        s.meta = (c.switch != Switch::Off).then(|| Meta { spec: c.spec.clone(), tracer: tracer() });
    }
    if c.kinds.call_count {
        s.count = match s.count.take() {
            Some(_) if c.switch == Switch::Off => None,
            Some(count) => {
                count.paused.store(c.switch == Switch::Pause, Ordering::Relaxed);
                if c.switch != Switch::Pause {
                    count.calls.store(0, Ordering::Relaxed);
                }
                Some(count)
            }
            None => (c.switch == Switch::On).then(Arc::default),
        };
    }
    if c.kinds.call_time {
        Sums::switch(&mut s.time, c.switch);
    }
    if c.kinds.call_memory {
        Sums::switch(&mut s.memory, c.switch);
    }
}

/// Ends all tracing of a module's functions; its code becomes old.
pub(crate) fn clear_module(table: &Exports, module: &'static Module) {
    for entry in module.functions() {
        let p = Place { entry, native: None };
        p.sessions().into_iter().for_each(|session| p.clear(table, session));
        if p.own().is_some_and(|s| s.debug) {
            p.change(|s| s.debug = false);
        }
    }
}

/// Ends all tracing of functions by a session. The caller holds the control lock.
pub(crate) fn clear_session(code: &Code, session: SessionId) {
    Pattern::default().functions(code).iter().for_each(|p| p.clear(&code.exports, session));
}

// ---- code that is loaded later

/// What is traced of code that is loaded later (`trace_pattern(on_load, ...)`).
#[derive(Clone, Default)]
pub struct OnLoad {
    pub on: bool,
    pub kinds: Kinds,
    pub spec: Spec,
    pub meta_spec: Spec,
    pub meta_tracer: Option<Immediate>,
}

impl OnLoad {
    /// Applies a change to what comes later.
    pub fn change(&mut self, c: &Change) {
        let (on, breakpoint) = (c.switch != Switch::Off, c.kinds.any());
        let mut kinds = c.kinds;
        if kinds.local || !breakpoint {
            self.spec = c.spec.clone();
        }
        if kinds.meta {
            self.meta_spec = c.spec.clone();
            self.meta_tracer = Immediate::new(c.meta_tracer);
        } else if !breakpoint {
            (self.meta_spec, self.meta_tracer) = (None, None);
        }
        if matches!(c.switch, Switch::Pause | Switch::Restart) {
            kinds = Kinds { local: kinds.local, meta: kinds.meta, ..Kinds::default() };
        }
        match (self.kinds.any(), breakpoint) {
            (true, true) => {
                self.kinds = self.kinds.combined(kinds, |now, c| if on { now || c } else { now && !c });
                if !self.kinds.any() {
                    self.on = on;
                }
            }
            (false, false) => self.on = on,
            (true, false) if on => (self.kinds, self.on) = (Kinds::default(), true),
            (false, true) if on => (self.kinds, self.on) = (kinds, kinds.any()),
            _ => {}
        }
    }

    /// Traces the functions of a module that was just loaded, for the session that this is of.
    pub fn apply(&self, code: &Code, session: SessionId, module: Atom) {
        if !self.on {
            return;
        }
        let pattern = Pattern { module: Some(module), ..Pattern::default() };
        let mut change = Change {
            session,
            switch: Switch::On,
            kinds: Kinds { meta: false, ..self.kinds },
            spec: self.spec.clone(),
            meta_tracer: Term::NONE,
        };
        if change.kinds.any() || !self.kinds.meta {
            set(code, pattern, &change);
        }
        if let (true, Some(tracer)) = (self.kinds.meta, self.meta_tracer) {
            change.kinds = Kinds { meta: true, ..Kinds::default() };
            (change.spec, change.meta_tracer) = (self.meta_spec.clone(), tracer.term());
            set(code, pattern, &change);
        }
    }
}
