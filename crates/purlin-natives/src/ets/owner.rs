//! Natives about a table as a whole: making, naming, owning, inheriting, fixing and deleting it.

use super::registry;
use super::table::{self, Heir, Kind, Options, Protection, Rows, State, Table, Writers, table_of};
use super::{Asker, Need, cause, find};
use purlin_term::{Atom, Heap, Immediate, Magic, Owned, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::process::Flags;
use purlin_vm::{Ctx, Engine, Escape, Native, NativeResult, Process, send};
use std::sync::Arc;

pub const NATIVES: &[Native] = &[
    Native::plain("ets", "new", 2, new),
    Native::plain("ets", "delete", 1, delete),
    Native::plain("ets", "rename", 2, rename),
    Native::plain("ets", "whereis", 1, whereis),
    Native::plain("ets", "give_away", 3, give_away),
    Native::plain("ets", "setopts", 2, setopts),
    Native::plain("ets", "safe_fixtable", 2, safe_fixtable),
    Native::plain("ets", "internal_request_all", 0, internal_request_all),
    Native::plain("erts_internal", "ets_super_user", 1, ets_super_user),
];

/// Lets the calling process do everything with all tables, or no more than others.
fn ets_super_user(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    ctx.data.flags.set(Flags::ETS_SUPER_USER, args[0].as_bool().or_badarg()?);
    Ok(am!("ok"))
}

/// A table's reference.
pub fn reference(heap: &mut Heap, magic: &Arc<Magic>) -> Term {
    heap.magic_reference(table_of(magic).id, magic.clone())
}

/// What programs know a table by: its name if it is named, else its reference.
fn known_as(heap: &mut Heap, magic: &Arc<Magic>, state: &State) -> Term {
    if table_of(magic).options.named { Term::atom(state.name) } else { reference(heap, magic) }
}

// ---- making

fn protection(t: Term) -> Option<Protection> {
    let all = [
        (am!("public"), Protection::Public),
        (am!("protected"), Protection::Protected),
        (am!("private"), Protection::Private),
    ];
    all.iter().find(|p| p.0 == t).map(|p| p.1)
}

/// An heir that an option names: none, or a pid and what the message carries, if it is told at all.
type NamedHeir = Option<(Term, Option<Term>)>;

/// The heir that `{heir, Pid, Data}` or, since OTP 28, `{heir, Pid}` names.
fn named_heir(option: &[Term]) -> Option<NamedHeir> {
    match *option {
        [name, pid, data] if name == am!("heir") && pid.is_local_pid() => Some(Some((pid, Some(data)))),
        [name, pid] if name == am!("heir") && pid.is_local_pid() && Release::of_values() >= Release(28) => {
            Some(Some((pid, None)))
        }
        _ => None,
    }
}

/// Options of `ets:new/2` as far as they have been read.
struct Reader {
    options: Options,
    decentralized: Option<bool>,
    default_decentralized: bool,
    heir: NamedHeir,
}

impl Reader {
    fn read(list: Term, engine: &Engine) -> Option<(Options, NamedHeir)> {
        let options = Options {
            kind: Kind::Set,
            protection: Protection::Protected,
            keypos: 1,
            named: false,
            compressed: engine.config.settings.compress_tables,
            read_concurrency: false,
            writers: Writers::Off,
            decentralized_counters: false,
        };
        let mut r = Reader { options, decentralized: None, default_decentralized: false, heir: None };
        let mut items = list.iter();
        for item in items.by_ref() {
            match item.as_tuple() {
                Some(pair) => r.pair(pair)?,
                None => r.name(item)?,
            }
        }
        if !items.tail().is_nil() {
            return None;
        }
        let mut o = r.options;
        if engine.config.schedulers == 1 {
            // Nobody to write at the same time.
            o.writers = Writers::Off;
        }
        if o.kind == Kind::OrderedSet && matches!(o.writers, Writers::Locks(_)) {
            return None;
        }
        o.decentralized_counters = r.decentralized.unwrap_or(r.default_decentralized) && o.many_writers();
        Some((o, r.heir))
    }

    fn name(&mut self, name: Term) -> Option<()> {
        let kinds = [
            (am!("bag"), Kind::Bag),
            (am!("duplicate_bag"), Kind::DuplicateBag),
            (am!("ordered_set"), Kind::OrderedSet),
        ];
        if let Some((_, kind)) = kinds.iter().find(|k| k.0 == name) {
            self.options.kind = *kind;
            self.default_decentralized |= *kind == Kind::OrderedSet;
        } else if name == am!("named_table") {
            self.options.named = true;
        } else if name == am!("compressed") {
            self.options.compressed = true;
        } else if name == am!("set") || name == am!("protected") {
            // What a table is anyway; given after another kind it does not change that.
        } else {
            self.options.protection = protection(name)?;
        }
        Some(())
    }

    fn pair(&mut self, pair: &[Term]) -> Option<()> {
        if let Some(heir) = named_heir(pair) {
            self.heir = heir;
            return Some(());
        }
        let &[name, value] = pair else { return None };
        if name == am!("keypos") {
            self.options.keypos = value.as_usize().filter(|n| *n > 0)?;
        } else if name == am!("read_concurrency") {
            self.options.read_concurrency = value.as_bool()?;
        } else if name == am!("decentralized_counters") {
            self.decentralized = Some(value.as_bool()?);
        } else if name == am!("heir") && value == am!("none") {
            self.heir = None;
        } else if name == am!("write_concurrency") {
            self.writers(value)?;
        } else {
            return None;
        }
        Some(())
    }

    fn writers(&mut self, value: Term) -> Option<()> {
        self.options.writers = if value == am!("auto") {
            self.default_decentralized = true;
            Writers::Auto
        } else if let Some(on) = value.as_bool() {
            if on && self.options.kind != Kind::OrderedSet {
                self.default_decentralized = false;
            }
            if on { Writers::On } else { Writers::Off }
        } else {
            let &[name, n] = value.as_tuple()? else { return None };
            let n = n.as_usize().filter(|n| (1..=32768).contains(n))?;
            self.default_decentralized = true;
            (name == am!("debug_hash_fixed_number_of_locks")).then_some(Writers::Locks(n))?
        };
        Some(())
    }
}

/// An heir to keep, unless it does not live.
fn living_heir(engine: &Engine, heir: NamedHeir) -> Option<Heir> {
    let (pid, data) = heir?;
    let process = living(engine, pid)?;
    Some(Heir { pid: process.who(), process: Arc::downgrade(&process), data: data.map(Owned::new) })
}

fn new(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    let (options, heir) = Reader::read(args[1], ctx.engine).or_badarg()?;
    let registry = registry::of(ctx.engine);
    registry.hook_once(|| ctx.engine.on_exit_of_involved(process_ended));
    let heir = living_heir(ctx.engine, heir);
    let table = Table::new(ctx.engine.next_ref(), name, ctx.process.who(), options, heir);
    let magic = Arc::new(Magic { value: Box::new(table) });
    if !registry.add(magic.clone(), options.named.then_some(name), ctx.process.who()) {
        return Err(cause("already_exists"));
    }
    ctx.process.involve();
    Ok(if options.named { args[0] } else { reference(ctx.heap(), &magic) })
}

// ---- ending

/// Deletes a table whose lock the caller holds; its rows are for the caller to drop.
fn end(engine: &Engine, table: &Table, state: &mut State) -> Rows {
    let registry = registry::of(engine);
    for f in &state.fixations().by {
        if f.process != state.owner {
            registry.release(f.process, table.id[0]);
        }
    }
    registry.remove(table, state.name, state.owner);
    state.kill(&table.options)
}

fn delete(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let rows = end(ctx.engine, &t, &mut state);
    drop(state);
    ctx.charge(rows.len() / 32);
    rows.discard();
    Ok(am!("true"))
}

/// What happens to the tables of a process that ends.
pub fn process_ended(ctx: &mut Ctx<'_>, _: Term) {
    release_all(ctx.engine, ctx.process);
}

fn release_all(engine: &Arc<Engine>, process: &Arc<Process>) {
    let pid = process.who();
    for magic in registry::of(engine).take_process(pid) {
        let t = table_of(&magic);
        let mut state = t.state.write();
        if !state.alive {
            continue;
        }
        if state.owner != pid {
            let left = state.unfix(pid.term(), true);
            drop(state);
            if left.more {
                table::tidy(magic);
            }
            continue;
        }
        let heir = state
            .heir
            .as_ref()
            .filter(|h| h.pid != pid && is_alive(engine, h))
            .map(|h| (h.pid, h.data.as_ref().map(|data| data.term())));
        if let Some((to, data)) = heir {
            let left = state.unfix(pid.term(), true);
            state.owner = to;
            transfer(engine, process, &magic, &state, to, data);
            drop(state);
            check_new_owner(engine, to);
            if left.more {
                table::tidy(magic);
            }
            continue;
        }
        let rows = end(engine, t, &mut state);
        drop(state);
        rows.discard();
    }
}

fn living(engine: &Engine, pid: Term) -> Option<Arc<Process>> {
    pid.as_pid().and_then(|id| engine.process(id)).filter(|p| !p.is_exiting())
}

fn is_alive(engine: &Engine, heir: &Heir) -> bool {
    living(engine, heir.pid.term()).is_some_and(|p| std::ptr::eq(heir.process.as_ptr(), &*p))
}

/// Makes `to` answer for a table and tells it, if there is something to tell.
fn transfer(
    engine: &Arc<Engine>,
    from: &Arc<Process>,
    magic: &Arc<Magic>,
    state: &State,
    to: Immediate,
    data: Option<Term>,
) {
    registry::of(engine).involve(to, table_of(magic).id[0]);
    let Some(data) = data else { return };
    let mut scratch = Heap::new(16);
    let table = known_as(&mut scratch, magic, state);
    let message = scratch.tuple(&[am!("ETS-TRANSFER"), table, from.pid(), data]);
    // Nobody is left to tell when it has ended meanwhile.
    let _ = send::send(engine, from, to.term(), message);
}

/// A new owner may have ended before it was noted as one: then nobody else looks after its tables.
fn check_new_owner(engine: &Arc<Engine>, pid: Immediate) {
    match pid.as_pid().and_then(|id| engine.process(id)) {
        Some(p) => {
            p.involve();
            if p.is_exiting() {
                release_all(engine, &p);
            }
        }
        None => {
            for magic in registry::of(engine).take_process(pid) {
                let t = table_of(&magic);
                let mut state = t.state.write();
                if state.alive && state.owner == pid {
                    let rows = end(engine, t, &mut state);
                    drop(state);
                    rows.discard();
                }
            }
        }
    }
}

// ---- owning

fn give_away(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let to = args[1];
    let new_owner = living(ctx.engine, to).or_badarg()?.who();
    if state.owner != ctx.pid() {
        return Err(cause("not_owner"));
    }
    if to == ctx.pid() {
        return Err(cause("owner"));
    }
    let registry = registry::of(ctx.engine);
    let magic = registry.by_id(t.id[0]).or_badarg()?;
    if !state.fixations().by.iter().any(|f| f.process == ctx.pid()) {
        registry.release(ctx.process.who(), t.id[0]);
    }
    state.owner = new_owner;
    transfer(ctx.engine, ctx.process, &magic, &state, new_owner, Some(args[2]));
    drop(state);
    check_new_owner(ctx.engine, new_owner);
    Ok(am!("true"))
}

fn setopts(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let options = if args[1].is_tuple() { vec![args[1]] } else { args[1].as_list().or_badarg()? };
    let (mut heir, mut level): (Option<NamedHeir>, Option<Protection>) = (None, None);
    for option in options {
        match *option.as_tuple().or_badarg()? {
            [name, none] if name == am!("heir") && none == am!("none") && heir.is_none() => heir = Some(None),
            ref option if heir.is_none() && named_heir(option).is_some() => heir = named_heir(option),
            [name, value] if name == am!("protection") && level.is_none() => {
                level = Some(protection(value).or_badarg()?);
            }
            _ => return Err(Escape::BADARG),
        }
    }
    if state.owner != ctx.pid() {
        return Err(Escape::BADARG);
    }
    if let Some(heir) = heir {
        state.heir = living_heir(ctx.engine, heir);
    }
    if let Some(level) = level {
        state.protection = level;
    }
    Ok(am!("true"))
}

fn rename(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let mut state = t.write(Asker::of(ctx), Need::Write)?;
    let to: Atom = args[1].as_atom().or_badarg()?;
    if !t.options.named {
        state.name = to;
        return Ok(args[0]);
    }
    if !registry::of(ctx.engine).rename(&t, state.name, to) {
        return Err(Escape::BADARG);
    }
    state.name = to;
    Ok(args[1])
}

fn whereis(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let name = args[0].as_atom().or_badarg()?;
    match registry::of(ctx.engine).named(name) {
        Some(magic) => Ok(reference(ctx.heap(), &magic)),
        None => Ok(am!("undefined")),
    }
}

// ---- fixing

/// Monotonic time and time offset now, in nanoseconds.
fn now(engine: &Engine) -> (i64, i64) {
    let monotonic = engine.clock.now();
    (monotonic, engine.clock.system() - monotonic)
}

/// Notes a fixation by the calling process.
pub fn fix(ctx: &Ctx<'_>, t: &Table, state: &State) {
    state.fix(ctx.process.who(), now(ctx.engine));
    registry::of(ctx.engine).involve(ctx.process.who(), t.id[0]);
    ctx.process.involve();
}

/// Takes back a fixation by the calling process.
pub fn unfix(ctx: &mut Ctx<'_>, t: &Table) {
    let mut state = t.state.write();
    let left = state.unfix(ctx.pid(), false);
    let registry = registry::of(ctx.engine);
    if left.gone && state.owner != ctx.pid() {
        registry.release(ctx.process.who(), t.id[0]);
    }
    drop(state);
    if left.more
        && let Some(magic) = registry.by_id(t.id[0])
    {
        ctx.charge(4000);
        if ctx.may_block() { table::tidy_all(&magic) } else { table::tidy(magic) }
    }
}

fn safe_fixtable(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let t = find(ctx, args[0])?;
    let state = t.write(Asker::of(ctx), Need::Read)?;
    if args[1].as_bool().or_badarg()? {
        fix(ctx, &t, &state);
    } else {
        let marked = state.marked();
        drop(state);
        // A bucket takes about as long as a reduction to tidy.
        ctx.room_for(marked)?;
        unfix(ctx, &t);
    }
    Ok(am!("true"))
}

// ---- listing

/// Sends the caller as many answers as there are schedulers, as `ets:all/0` expects; the first has all tables.
fn internal_request_all(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let request = ctx.make_ref();
    let all = registry::of(ctx.engine).all();
    let mut scratch = Heap::new(0);
    let mut tables = Vec::with_capacity(all.len());
    for magic in &all {
        let state = table_of(magic).state.read();
        if state.alive {
            tables.push(known_as(&mut scratch, magic, &state));
        }
    }
    let tables = scratch.list(&tables);
    for i in 0..ctx.engine.config.schedulers {
        let message = scratch.tuple(&[request, if i == 0 { tables } else { Term::NIL }]);
        let _ = send::send(ctx.engine, ctx.process, ctx.pid(), message);
    }
    Ok(request)
}
