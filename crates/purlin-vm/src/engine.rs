//! The engine: everything that the processes of one virtual machine share. Two engines can live in one program.

pub mod context;
pub mod libraries;
pub mod nodes;
pub mod order;
pub mod ports;
pub mod report;
pub mod runner;
pub mod signals;

use self::libraries::Libraries;
use self::nodes::Nodes;
use self::order::Order;
use self::ports::Ports;
use self::runner::Runner;
use crate::clock::Clock;
use crate::code::compiler::{Compiler, Leaving, When};
use crate::code::native::Native;
use crate::code::op::Tier;
use crate::code::retired::Collection;
use crate::code::{Code, Exports, Mfa};
use crate::process::names::Names;
use crate::process::table::Table;
use crate::process::{Defaults, Process};
use crate::sched::Schedulers;
use crate::state::{Slot, States};
use crate::timer::Timers;
use crate::tracing::Tracing;
use context::Ctx;
use hashbrown::HashMap;
use parking_lot::RwLock;
use purlin_term::boxed::alias_id;
use purlin_term::owned::Owned;
use purlin_term::{Atom, Immediate, Release, Term};
use std::any::{Any, TypeId};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// How many frames a stack trace has at most, unless that is changed.
const BACKTRACE_DEPTH: usize = 8;

/// What a topic of natives does when a process ends, such as deleting its tables.
pub type ExitHook = fn(&mut Ctx<'_>, Term);

/// One virtual machine.
pub struct Engine {
    /// Loaded code, exports and natives.
    pub code: Code,
    /// Where the emulator's own reports go: a pid, or the name of a process.
    pub system_logger: parking_lot::Mutex<Immediate>,
    /// What each module gave to `load_nif/2` with its natives.
    pub nif_info: parking_lot::Mutex<HashMap<Atom, Owned>>,
    backtrace_depth: AtomicUsize,
    refs: AtomicU64,
    extensions: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    states: States,
    /// What the engine was made with.
    pub config: Config,
    pub processes: Table,
    /// What is freed once no process refers to it any more.
    pub literals: Collection,
    /// Settings of new processes.
    pub defaults: Defaults,
    pub names: Names,
    pub timers: Timers,
    pub clock: Clock,
    pub sched: Schedulers,
    pub tracing: Tracing,
    runner: OnceLock<Box<dyn Runner>>,
    ports: OnceLock<Box<dyn Ports>>,
    nodes: OnceLock<Box<dyn Nodes>>,
    libraries: OnceLock<Box<dyn Libraries>>,
    order: OnceLock<Box<dyn Order>>,
    /// Called at the end of every process, and of those that are involved.
    exit_hooks: [RwLock<Vec<ExitHook>>; 2],
    hooks_every_exit: AtomicBool,
    halt_hooks: RwLock<Vec<fn(&Arc<Engine>)>>,
    uniques: AtomicU64,
    monotonic_uniques: AtomicU64,
    time_offset: OnceLock<i64>,
    last_now: AtomicI64,
}

/// How an engine is made.
#[derive(Clone, Debug)]
pub struct Config {
    /// The release of OTP whose emulator this is.
    pub release: Release,
    /// Scheduler threads (the `+S` flag).
    pub schedulers: usize,
    /// Processes at most (the `+P` flag).
    pub process_limit: usize,
    /// New processes keep their messages off the heap (the `+hmqd` flag).
    pub off_heap_messages: bool,
    /// Characters beyond Latin-1 count as printable (the `+pc` flag).
    pub printable_unicode: bool,
    /// `error_logger` takes warnings as warnings (`w`), information (`i`) or errors (`e`; the `+W` flag).
    pub warnings: char,
    /// Collect at every point where collection is possible.
    pub collect_always: bool,
    /// What else the command line sets.
    pub settings: crate::settings::Settings,
    /// Libraries of C or Rust may be loaded.
    pub native_libraries: bool,
    /// `crypto` has Purlin's natives (true) or those of the installation's library (false); `None`: that library's where it
    /// can be loaded.
    pub own_crypto: Option<bool>,
    /// What runs translated code.
    pub tier: &'static dyn Tier,
    /// What makes machine code, and of which functions.
    pub compiler: Option<&'static dyn Compiler>,
    pub compiles: When,
    /// Guards of machine code that leave whatever they find, for tests.
    pub leaving: Option<Leaving>,
    /// Where machine code is kept from run to run.
    pub native_cache: Option<PathBuf>,
    /// A virtual clock that starts at this system time, in nanoseconds since 1970.
    pub virtual_clock: Option<i64>,
    /// The order of steps can be chosen ([`Engine::set_order`]): one scheduler, a virtual clock, and no other threads.
    pub explores: bool,
}

impl Engine {
    /// An engine with the natives of these tables.
    pub fn new(tables: &[&[Native]], config: Config) -> Arc<Engine> {
        let natives = tables.iter().flat_map(|t| t.iter()).filter(|n| n.is_in(config.release)).copied();
        Arc::new(Engine {
            code: Code::new(Exports::new(natives, config.tier), config.tier, config.collect_always)
                .compiled_by(config.compiler, config.compiles, config.settings.perf_map)
                .leaving(config.leaving)
                .with_scheduling_points(config.explores),
            system_logger: parking_lot::Mutex::new(Immediate::from(Atom::new("logger"))),
            nif_info: parking_lot::Mutex::default(),
            backtrace_depth: AtomicUsize::new(BACKTRACE_DEPTH),
            refs: AtomicU64::new(1),
            extensions: RwLock::new(HashMap::new()),
            states: States::default(),
            processes: Table::new(config.process_limit),
            literals: Collection::default(),
            defaults: Defaults::default(),
            names: Names::default(),
            timers: Timers::default(),
            clock: config.virtual_clock.map_or_else(Clock::real, Clock::virtual_from),
            sched: Schedulers::new(config.schedulers, config.settings.online),
            tracing: Tracing::default(),
            runner: OnceLock::new(),
            ports: OnceLock::new(),
            nodes: OnceLock::new(),
            libraries: OnceLock::new(),
            order: OnceLock::new(),
            exit_hooks: Default::default(),
            hooks_every_exit: AtomicBool::new(false),
            halt_hooks: RwLock::new(Vec::new()),
            uniques: AtomicU64::new(0),
            monotonic_uniques: AtomicU64::new(0),
            time_offset: OnceLock::new(),
            last_now: AtomicI64::new(0),
            config,
        })
    }

    /// The native of this name, if the engine has it.
    pub fn native(&self, module: &str, function: &str, arity: u8) -> Option<&Native> {
        let mfa = Mfa { module: Atom::existing(module)?, function: Atom::existing(function)?, arity };
        self.code.exports.native(mfa).map(|n| &n.native)
    }

    /// How many frames a stack trace has at most.
    pub fn backtrace_depth(&self) -> usize {
        self.backtrace_depth.load(Ordering::Relaxed)
    }

    /// Sets how many frames a stack trace has at most; gives the former number.
    pub fn set_backtrace_depth(&self, n: usize) -> usize {
        self.backtrace_depth.swap(n, Ordering::Relaxed)
    }

    /// The id words of a new unique reference.
    pub fn next_ref(&self) -> [u64; 2] {
        [self.refs.fetch_add(1, Ordering::Relaxed), 0]
    }

    /// The id words of a new reference that is an alias of `pid`.
    pub fn next_alias(&self, pid: Term) -> [u64; 2] {
        alias_id(self.refs.fetch_add(1, Ordering::Relaxed), pid.as_pid().unwrap_or(0))
    }

    /// A number that no other call gives (`unique_integer/0` counts from the smallest small integer).
    pub fn next_unique(&self) -> u64 {
        self.uniques.fetch_add(1, Ordering::Relaxed)
    }

    /// As [`Engine::next_unique`], and greater than in all earlier calls.
    pub fn next_monotonic_unique(&self) -> u64 {
        self.monotonic_uniques.fetch_add(1, Ordering::SeqCst)
    }

    /// What leads from monotonic to system time, in nanoseconds, fixed when first asked for.
    pub fn time_offset(&self) -> i64 {
        *self.time_offset.get_or_init(|| self.clock.system() - self.clock.now())
    }

    /// System time in microseconds, greater at each call (`erlang:now/0`).
    pub fn now_microseconds(&self) -> i64 {
        let t = (self.clock.now() + self.time_offset()) / 1000;
        let before = self.last_now.fetch_update(Ordering::AcqRel, Ordering::Acquire, |l| Some(t.max(l + 1)));
        t.max(before.unwrap_or_else(|l| l) + 1)
    }

    // ---- processes and signals

    /// The process with this number.
    #[inline]
    pub fn process(&self, id: u64) -> Option<Arc<Process>> {
        self.processes.get(id)
    }

    /// What executes processes, once the schedulers were started.
    pub fn runner(&self) -> Option<&dyn Runner> {
        self.runner.get().map(|r| &**r)
    }

    /// Sets what executes processes; false: there is one already.
    pub(crate) fn set_runner(&self, runner: Box<dyn Runner>) -> bool {
        self.runner.set(runner).is_ok()
    }

    /// The ports, once natives for ports have set them.
    pub fn ports(&self) -> Option<&dyn Ports> {
        self.ports.get().map(|p| &**p)
    }

    /// Sets what ports are. The first call counts.
    pub fn set_ports(&self, ports: Box<dyn Ports>) {
        let _ = self.ports.set(ports);
    }

    /// Has `hook` called whenever a process ends, before its links and monitors are told.
    pub fn on_exit(&self, hook: ExitHook) {
        self.add_exit_hook(0, hook);
        self.hooks_every_exit.store(true, Ordering::Release);
    }

    /// As [`Engine::on_exit`], of those processes only that [`Process::involve`] was called for.
    pub fn on_exit_of_involved(&self, hook: ExitHook) {
        self.add_exit_hook(1, hook);
    }

    fn add_exit_hook(&self, of: usize, hook: ExitHook) {
        let mut hooks = self.exit_hooks[of].write();
        if !hooks.iter().any(|&h| std::ptr::fn_addr_eq(h, hook)) {
            hooks.push(hook);
        }
    }

    /// What to call at the end of a process.
    #[inline]
    pub(crate) fn exit_hooks(&self, process: &Process) -> Vec<ExitHook> {
        let of = [self.hooks_every_exit.load(Ordering::Acquire), process.is_involved()];
        if of == [false, false] { Vec::new() } else { self.hooks_of(of) }
    }

    fn hooks_of(&self, of: [bool; 2]) -> Vec<ExitHook> {
        let lists = self.exit_hooks.iter().zip(of).filter(|(_, wanted)| *wanted);
        lists.flat_map(|(list, _)| list.read().clone()).collect()
    }

    /// Has `hook` called when the engine was halted with flushing and its schedulers have stopped.
    pub fn on_halt(&self, hook: fn(&Arc<Engine>)) {
        let mut hooks = self.halt_hooks.write();
        if !hooks.iter().any(|&h| std::ptr::fn_addr_eq(h, hook)) {
            hooks.push(hook);
        }
    }

    pub(crate) fn halt_hooks(&self) -> Vec<fn(&Arc<Engine>)> {
        self.halt_hooks.read().clone()
    }

    /// The name of this node.
    #[inline]
    pub fn node(&self) -> Atom {
        self.code.node()
    }

    /// Changes name and creation of this node (`setnode/2`).
    pub fn set_node(&self, name: Atom, creation: u32) {
        self.code.set_node(name, creation);
    }

    /// Whether this node has a name, so that others can be connected with it.
    pub fn is_alive(&self) -> bool {
        self.node() != Atom::NONODE
    }

    /// The other nodes, once natives for distribution have set them.
    pub fn nodes(&self) -> Option<&dyn Nodes> {
        self.nodes.get().map(|n| &**n)
    }

    /// Sets what other nodes are. The first call counts.
    pub fn set_nodes(&self, nodes: Box<dyn Nodes>) {
        let _ = self.nodes.set(nodes);
    }

    /// What loads native libraries; none: they are refused.
    pub fn libraries(&self) -> Option<&dyn Libraries> {
        self.libraries.get().map(|l| &**l)
    }

    /// Sets what loads native libraries. The first call counts.
    pub fn set_libraries(&self, libraries: Box<dyn Libraries>) {
        let _ = self.libraries.set(libraries);
    }

    /// Who chooses the order of steps; none: processes take turns.
    #[inline]
    pub fn order(&self) -> Option<&dyn Order> {
        self.order.get().map(|o| &**o)
    }

    /// Has the order of steps be chosen from now on, in an engine that was made for it ([`Config::explores`]). The first call counts.
    pub fn set_order(&self, order: Box<dyn Order>) {
        debug_assert!(self.config.explores);
        let _ = self.order.set(order);
    }

    // ---- state of topics

    /// This engine's state that `slot` names, without any lock; for topics that need theirs at every call.
    #[inline]
    pub fn state<T: Any + Send + Sync + Default>(&self, slot: &Slot<T>) -> &T {
        self.states.get(slot)
    }

    /// State of type `T` that a topic of natives keeps for this engine (tables, files, ...), made when first used.
    pub fn extension<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let key = TypeId::of::<T>();
        if let Some(x) = self.extensions.read().get(&key) {
            return x.clone().downcast().expect("keyed by its type");
        }
        let mut all = self.extensions.write();
        let x = all.entry(key).or_insert_with(|| Arc::new(T::default()));
        x.clone().downcast().expect("keyed by its type")
    }
}
