//! `process_info/1,2`: what a process is and does. Another process answers for itself, in the order of its signals.

use super::await_result;
use super::flag::rare_of;
use super::heap_limit::max_heap_map;
use purlin_term::{Atom, Heap, Kind, Owned, Release, Term, am};
use purlin_vm::engine::libraries::RESOURCES;
use purlin_vm::native::OrBadarg;
use purlin_vm::process::{Activity, Flags, Hibernation};
use purlin_vm::relation::{RemoteProcess, Watched, Watcher};
use purlin_vm::remote::come_to_broken;
use purlin_vm::saved_calls::Saved;
use purlin_vm::signal::{Signal, SignalKind, Target};
use purlin_vm::tracing::Flags as TraceFlags;
use purlin_vm::{Ctx, Engine, Escape, Mfa, Native, NativeResult, Process, ProcessData, receive};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "process_info", 1, process_info_1),
    Native::plain("erlang", "process_info", 2, process_info_2),
];

/// The items that exist, and since which release the newer ones do.
const ITEMS: &[&str] = &[
    "registered_name",
    "current_function",
    "initial_call",
    "status",
    "messages",
    "message_queue_len",
    "links",
    "monitors",
    "monitored_by",
    "dictionary",
    "trap_exit",
    "error_handler",
    "heap_size",
    "stack_size",
    "memory",
    "garbage_collection",
    "group_leader",
    "reductions",
    "priority",
    "trace",
    "binary",
    "sequential_trace_token",
    "catchlevel",
    "backtrace",
    "last_calls",
    "total_heap_size",
    "suspending",
    "min_heap_size",
    "min_bin_vheap_size",
    "max_heap_size",
    "current_location",
    "current_stacktrace",
    "message_queue_data",
    "garbage_collection_info",
    "magic_ref",
    "fullsweep_after",
    "parent",
    "async_dist",
    "label",
    "priority_messages",
];
const NEWER: &[(&str, Release)] = &[
    ("async_dist", Release(26)),
    ("label", Release(27)),
    ("priority_messages", Release(28)),
    ("dictionary", Release(26)),
];

/// The items that a release has.
pub fn items(release: Release) -> impl Iterator<Item = &'static str> {
    ITEMS.iter().copied().filter(move |name| *name == "dictionary" || has(release, name))
}

fn has(release: Release, name: &str) -> bool {
    NEWER.iter().all(|(newer, since)| *newer != name || *since <= release)
}

/// Something asked for: an item, or `{dictionary, Key}`.
#[derive(Clone)]
struct Item {
    name: &'static str,
    key: Option<Arc<Owned>>,
}

impl Item {
    fn named(name: &'static str) -> Item {
        Item { name, key: None }
    }

    fn of(release: Release, t: Term) -> Result<Item, Escape> {
        if let Some((what, key)) = super::pair(t)
            && what == am!("dictionary")
            && has(release, "dictionary")
        {
            return Ok(Item { name: "dictionary", key: Some(Arc::new(Owned::new(key))) });
        }
        let name = t.as_atom().or_badarg()?.name();
        items(release).find(|i| *i == name).map(Item::named).or_badarg()
    }
}

/// What `process_info/1` gives, in its order.
const USUAL: &[&str] = &[
    "registered_name",
    "current_function",
    "initial_call",
    "status",
    "message_queue_len",
    "links",
    "dictionary",
    "trap_exit",
    "error_handler",
    "priority",
    "group_leader",
    "total_heap_size",
    "heap_size",
    "stack_size",
    "reductions",
    "garbage_collection",
    "suspending",
];

/// Which items are asked for, and how the answer is shaped.
#[derive(Clone)]
struct Question {
    items: Vec<Item>,
    /// One item: the answer is not a list.
    single: bool,
    /// `{registered_name, []}` is given for a process without a name.
    all: bool,
}

fn process_info_1(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    answer(
        ctx,
        args[0],
        Question { items: USUAL.iter().map(|name| Item::named(name)).collect(), single: false, all: false },
    )
}

fn process_info_2(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let release = ctx.engine.config.release;
    let question = match args[1].as_list() {
        None => Question { items: vec![Item::of(release, args[1])?], single: true, all: false },
        Some(items) => {
            let items = items.into_iter().map(|t| Item::of(release, t)).collect::<Result<_, _>>()?;
            Question { items, single: false, all: true }
        }
    };
    answer(ctx, args[0], question)
}

fn answer(ctx: &mut Ctx<'_>, pid: Term, question: Question) -> NativeResult {
    if pid == ctx.pid() {
        if let Some(reason) = purlin_vm::inbox::fetch(ctx) {
            return Err(Escape::Exited(reason));
        }
        // A heap of its own, because items are read from the one that the result goes to.
        let mut scratch = Heap::new(0);
        let result = Subject { engine: ctx.engine, process: ctx.process, data: ctx.data, itself: true }
            .all(&mut scratch, &question);
        ctx.charge(question.items.len());
        return Ok(ctx.heap().copy(result));
    }
    let undefined = Ok(Term::atom(Atom::UNDEFINED));
    let Some(id) = pid.as_pid() else {
        return match pid.as_external() {
            Some((Kind::ExtPid, node, ..)) if node == ctx.engine.node() => undefined,
            _ => Err(Escape::BADARG),
        };
    };
    let Some(other) = ctx.engine.process(id) else { return undefined };
    let (ref_id, me) = (ctx.engine.next_ref(), ctx.process.who());
    let request = Signal::request(move |engine, target| {
        let message = Signal::built(SignalKind::Message, |h| {
            let result = match target {
                Target::Alive(process, data) => Subject { engine, process, data, itself: false }.all(h, &question),
                Target::Gone => Term::atom(Atom::UNDEFINED),
            };
            let r = h.reference(ref_id);
            h.tuple(&[r, result])
        });
        engine.post(me.term(), message);
    });
    let reference = ctx.heap().reference(ref_id);
    let escape = await_result(ctx, reference);
    match ctx.engine.ask(&other, ctx.process.priority(), request) {
        Ok(()) => Err(escape),
        Err(_) => {
            receive::await_nothing(ctx);
            undefined
        }
    }
}

/// The process that is looked at.
struct Subject<'a> {
    engine: &'a Arc<Engine>,
    process: &'a Arc<Process>,
    data: &'a mut ProcessData,
    /// It asks about itself.
    itself: bool,
}

impl Subject<'_> {
    fn all(&mut self, h: &mut Heap, question: &Question) -> Term {
        let looks = |item: &Item| match item.name {
            "messages" => true,
            "total_heap_size" => !self.data.flags.has(Flags::OFF_HEAP_MESSAGES),
            _ => false,
        };
        if question.items.iter().any(looks) {
            come_to_broken(self.engine, self.data);
        }
        if question.single {
            let item = &question.items[0];
            if item.name == "registered_name" && self.process.name().is_none() {
                return Term::NIL;
            }
            return self.tagged(h, item);
        }
        let mut list = Vec::with_capacity(question.items.len());
        for item in &question.items {
            if question.all || item.name != "registered_name" || self.process.name().is_some() {
                list.push(self.tagged(h, item));
            }
        }
        h.list(&list)
    }

    fn tagged(&mut self, h: &mut Heap, item: &Item) -> Term {
        let name = Term::atom(Atom::new(item.name));
        let Some(key) = &item.key else {
            let value = self.value(h, item.name);
            return h.tuple(&[name, value]);
        };
        let value = self.of_dictionary(h, key.term());
        let key = key.copy_to(h);
        let item = h.tuple(&[name, key]);
        h.tuple(&[item, value])
    }

    /// The value of a key in the process dictionary.
    fn of_dictionary(&self, h: &mut Heap, key: Term) -> Term {
        let shown = self.data.dictionary_if_any().filter(|_| !self.data.flags.has(Flags::SENSITIVE));
        shown.and_then(|d| d.get(key)).map_or(Term::atom(Atom::UNDEFINED), |v| h.copy(v))
    }

    fn value(&mut self, h: &mut Heap, name: &str) -> Term {
        let rare = || rare_of(self.data);
        match name {
            "registered_name" => self.process.name().map_or(Term::NIL, Term::atom),
            "current_function" => match self.frames(h, 1).first() {
                Some(f) => mfa(h, f.mfa),
                None => Term::atom(Atom::UNDEFINED),
            },
            "current_location" => match self.frames(h, 1).first() {
                Some(f) => located(h, f),
                None => Term::atom(Atom::UNDEFINED),
            },
            "current_stacktrace" => {
                let frames = self.frames(h, self.engine.backtrace_depth());
                let frames: Vec<Term> = frames.iter().map(|f| located(h, f)).collect();
                h.list(&frames)
            }
            "initial_call" => mfa(h, self.data.initial_call),
            "status" => self.status(),
            "messages" => self.messages(h),
            "message_queue_len" => {
                let broken = self.data.rare().map_or(0, |r| r.broken.len());
                h.unsigned((self.data.mailbox.len() + broken) as u64)
            }
            "links" => self.links(h),
            "monitors" => self.monitors(h),
            "monitored_by" => self.monitored_by(h),
            "dictionary" => self.dictionary(h),
            "trap_exit" => Term::bool(self.data.traps_exits()),
            "error_handler" => Term::atom(self.data.error_handler),
            "heap_size" => h.unsigned(self.data.heap.block.words() as u64),
            "stack_size" => h.unsigned(self.stack_words() as u64),
            "total_heap_size" => h.unsigned(self.total_words() as u64),
            "memory" => {
                let fixed = size_of::<Process>() + 16;
                h.unsigned((fixed + self.total_words() * 8 + self.data.mailbox.len() * size_of::<Signal>()) as u64)
            }
            "garbage_collection" => self.garbage_collection(h),
            "garbage_collection_info" => purlin_vm::figures::list(h, &purlin_vm::figures::of(self.data)),
            "group_leader" => h.copy(self.data.group_leader),
            "reductions" => h.unsigned(self.reductions()),
            "priority" => self.process.priority().atom(),
            "trace" => Term::small((self.process.trace.flags().0 & TraceFlags::TRACEE.0) as i64),
            "binary" => self.binaries(h),
            "sequential_trace_token" => {
                let token = purlin_vm::tracing::sequential::token(self.engine, self.data).cloned();
                token.map_or(Term::NIL, |t| t.term(h))
            }
            "catchlevel" => Term::small(self.stack().filter(|w| w.as_catch().is_some()).count() as i64),
            "backtrace" => {
                let text = crate::backtrace::text(self.engine, self.data);
                h.binary(text.as_bytes())
            }
            "last_calls" => self.last_calls(h),
            "suspending" => self.suspending(h),
            "min_heap_size" => Term::small(rare().min_heap_size as i64),
            "min_bin_vheap_size" => Term::small(rare().min_bin_vheap_size as i64),
            "max_heap_size" => max_heap_map(h, self.engine.config.release, rare().max_heap_size),
            "fullsweep_after" => Term::small(rare().fullsweep_after as i64),
            "message_queue_data" if self.data.flags.has(Flags::OFF_HEAP_MESSAGES) => am!("off_heap"),
            "message_queue_data" => am!("on_heap"),
            "magic_ref" => Term::NIL,
            "async_dist" => Term::bool(self.data.flags.has(Flags::ASYNC_DIST)),
            "priority_messages" => Term::bool(self.data.relations_if_any().is_some_and(|r| r.takes_priority())),
            "label" => self.of_dictionary(h, am!("$process_label")),
            "parent" if self.data.parent.is_none() => Term::atom(Atom::UNDEFINED),
            "parent" => self.data.parent,
            _ => Term::atom(Atom::UNDEFINED),
        }
    }

    /// Whether it hibernates, and has forgotten its stack.
    fn hibernates(&self) -> bool {
        self.data.hibernation == Hibernation::Calls && self.data.activity == Activity::Waiting
    }

    fn frames(&self, h: &mut Heap, depth: usize) -> Vec<purlin_vm::Frame> {
        if self.hibernates() {
            let mfa = Mfa { module: Atom::ERLANG, function: Atom::new("hibernate"), arity: 3 };
            let frame = purlin_vm::Frame { mfa, location: Term::NIL };
            return if depth == 1 { vec![frame] } else { Vec::new() };
        }
        self.engine.runner().map_or_else(Vec::new, |r| r.frames(self.engine, self.data, h, depth))
    }

    fn status(&self) -> Term {
        if self.itself {
            return am!("running");
        }
        match self.data.activity {
            _ if self.data.offload.is_some() => am!("running"),
            _ if self.data.suspended > 0 => am!("suspended"),
            Activity::Suspended => am!("suspended"),
            Activity::Running => am!("running"),
            Activity::Waiting if self.data.mailbox.current().is_none() => am!("waiting"),
            Activity::Waiting | Activity::Runnable => am!("runnable"),
        }
    }

    fn messages(&self, h: &mut Heap) -> Term {
        if self.data.flags.has(Flags::SENSITIVE) {
            return Term::NIL;
        }
        let messages: Vec<Term> = self.data.mailbox.iter().map(|m| h.copy(m)).collect();
        h.list(&messages)
    }

    fn links(&self, h: &mut Heap) -> Term {
        let Some(r) = self.data.relations_if_any() else { return Term::NIL };
        let mut links: Vec<Term> = r.links().collect();
        links.extend(r.remote_if_any().into_iter().flat_map(|remote| remote.links()).map(|(pid, _)| pid.term(h)));
        h.list(&links)
    }

    fn monitors(&self, h: &mut Heap) -> Term {
        let Some(r) = self.data.relations_if_any() else { return Term::NIL };
        let (process, port) = (Term::atom(Atom::PROCESS), Term::atom(Atom::PORT));
        let mut list = Vec::new();
        for m in r.monitors.values() {
            let (kind, item) = match m.watched {
                Watched::Process(pid) => (process, pid),
                Watched::Port(p) => (port, p),
                Watched::Name(name, _) => (process, name_and_node(h, name, self.engine)),
                Watched::PortName(name, _) => (port, name_and_node(h, name, self.engine)),
                Watched::Remote(RemoteProcess::Pid(pid), _) => (process, pid.term(h)),
                Watched::Remote(RemoteProcess::Name(name), at) => {
                    (process, h.tuple(&[Term::atom(name), Term::atom(at.node)]))
                }
                Watched::TimeOffset => (am!("time_offset"), am!("clock_service")),
            };
            list.push(h.tuple(&[kind, item]));
        }
        list.reverse();
        h.list(&list)
    }

    fn monitored_by(&self, h: &mut Heap) -> Term {
        let Some(r) = self.data.relations_if_any() else { return Term::NIL };
        let resource = |h: &mut Heap, w: &Watcher| self.engine.libraries()?.watcher(w.monitor, h);
        let mut list: Vec<Term> = Vec::new();
        for w in r.watchers.values() {
            let who = if w.watcher == Term::port(RESOURCES) { resource(h, w) } else { Some(w.watcher.term()) };
            list.extend(who);
        }
        list.reverse();
        let remote = r.remote_if_any().into_iter().flat_map(|remote| remote.watchers.values());
        list.extend(remote.map(|w| w.watcher.term(h)));
        h.list(&list)
    }

    fn dictionary(&self, h: &mut Heap) -> Term {
        match self.data.dictionary_if_any() {
            Some(d) if !self.data.flags.has(Flags::SENSITIVE) => {
                let mut list = Vec::with_capacity(d.len());
                for (k, v) in d.iter() {
                    let (k, v) = (h.copy(k), h.copy(v));
                    list.push(h.tuple(&[k, v]));
                }
                h.list(&list)
            }
            _ => Term::NIL,
        }
    }

    fn stack_words(&self) -> usize {
        (self.data.heap.block.end() as usize - self.data.heap.end as usize) / 8
    }

    fn stack(&self) -> impl Iterator<Item = Term> + '_ {
        self.data.heap.stack()
    }

    fn total_words(&self) -> usize {
        let h = &self.data.heap;
        let messages = if self.data.flags.has(Flags::OFF_HEAP_MESSAGES) { 0 } else { self.data.mailbox.words() };
        h.block.words() + h.old.words() + h.fragment_words + messages
    }

    fn reductions(&self) -> u64 {
        self.data.reductions + self.data.slice_used()
    }

    fn garbage_collection(&self, h: &mut Heap) -> Term {
        let rare = rare_of(self.data);
        let limit = max_heap_map(h, self.engine.config.release, rare.max_heap_size);
        let entries = [
            (am!("max_heap_size"), limit),
            (am!("min_bin_vheap_size"), Term::small(rare.min_bin_vheap_size as i64)),
            (am!("min_heap_size"), Term::small(rare.min_heap_size as i64)),
            (am!("fullsweep_after"), Term::small(rare.fullsweep_after as i64)),
            (am!("minor_gcs"), Term::small(self.data.minor_collections as i64)),
        ];
        let entries: Vec<Term> = entries.iter().map(|&(k, v)| h.tuple(&[k, v])).collect();
        h.list(&entries)
    }

    fn last_calls(&self, h: &mut Heap) -> Term {
        let Some(saved) = self.data.rare().and_then(|r| r.saved_calls.as_ref()) else { return Term::bool(false) };
        let calls: Vec<Term> = saved
            .calls()
            .map(|call| match call {
                Saved::Call(f) => mfa(h, f),
                Saved::Send => am!("send"),
                Saved::Receive => am!("receive"),
                Saved::Timeout => am!("timeout"),
            })
            .collect();
        h.list(&calls)
    }

    /// `[{Address, Bytes, References}]`.
    fn binaries(&self, h: &mut Heap) -> Term {
        let found = self.data.heap.counted_binaries();
        let mut list = Vec::with_capacity(found.len());
        for (address, size, count) in found {
            let parts = [h.unsigned(address as u64), h.unsigned(size as u64), h.unsigned(count as u64)];
            list.push(h.tuple(&parts));
        }
        h.list(&list)
    }

    fn suspending(&self, h: &mut Heap) -> Term {
        let all = rare_of(self.data).suspending;
        let mut list = Vec::with_capacity(all.len());
        for s in all.iter().filter(|s| self.engine.process(s.suspendee).is_some()) {
            let count = Term::small(s.count as i64);
            let (active, outstanding) = if s.is_active() { (count, Term::small(0)) } else { (Term::small(0), count) };
            list.push(h.tuple(&[Term::pid(s.suspendee), active, outstanding]));
        }
        h.list(&list)
    }
}

fn mfa(h: &mut Heap, f: Mfa) -> Term {
    h.tuple(&[Term::atom(f.module), Term::atom(f.function), Term::small(f.arity as i64)])
}

fn located(h: &mut Heap, f: &purlin_vm::Frame) -> Term {
    let m = f.mfa;
    h.tuple(&[Term::atom(m.module), Term::atom(m.function), Term::small(m.arity as i64), f.location])
}

fn name_and_node(h: &mut Heap, name: Atom, engine: &Engine) -> Term {
    h.tuple(&[Term::atom(name), Term::atom(engine.node())])
}
