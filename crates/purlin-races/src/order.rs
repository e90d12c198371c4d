//! The order of one run, in the program that is tried.

use crate::events::{self, Event, Object};
use crate::fork;
use crate::plan::{Deviation, Random, Strategy, mix};
use crate::report::Record;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use purlin_term::{Atom, Term};
use purlin_vm::code::instr::StepKind;
use purlin_vm::engine::order::{Order, Waiting};
use purlin_vm::{Ctx, End, Engine, Process};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// What says who goes next.
pub enum Choices {
    /// The natural order but for these.
    Follow(Vec<Deviation>),
    Draw {
        strategy: Strategy,
        seed: u64,
        /// How many decisions the natural order has, from which places are drawn.
        decisions: u32,
    },
}

/// Stands for the clock among those that could go next: the first timer fires.
const CLOCK: u64 = u64::MAX;

/// Timers that are due within so many nanoseconds may fire early: a machine may be so slow. Nearly all timeouts of calls are longer.
const EARLY: i64 = 1_000_000_000;

/// The program of which orders are tried.
pub struct Program {
    /// Timers may fire while processes could go on.
    pub early_timers: bool,
    /// The process that begins it.
    pub first: u64,
    /// Those that are there before.
    pub system: HashSet<u64>,
}

/// What a run notes besides its decisions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noted {
    Nothing,
    /// What code it needs.
    Code,
    /// Its steps, for people.
    Steps,
}

/// The order of a run.
pub struct Run {
    state: Mutex<State>,
    noted: Noted,
    /// Whom to tell how the run went; `None`: the program ends by itself.
    report: Option<Mutex<File>>,
}

struct State {
    chooser: Chooser,
    /// Processes that were there before the program, and those that compile or report: they go first, and their steps are not chosen among.
    system: HashSet<u64>,
    early_timers: bool,
    /// The program's first process, from which others are counted.
    first: u64,
    /// How many steps each process of the program has taken.
    steps: HashMap<u64, u32>,
    record: Record,
    /// Who was chosen when another gave way.
    chosen: Option<u64>,
    /// Steps that processes take when it is their turn again.
    postponed: HashMap<u64, (Object, Option<Event>)>,
    /// What has happened at each object, as a number.
    objects: HashMap<Object, u64>,
}

impl Run {
    pub fn new(choices: Choices, program: &Program, noted: Noted, report: Option<File>) -> Run {
        let state = State {
            chooser: Chooser::new(choices),
            system: program.system.clone(),
            early_timers: program.early_timers,
            first: program.first,
            steps: HashMap::from([(program.first, 0)]),
            record: Record::default(),
            chosen: None,
            postponed: HashMap::new(),
            objects: HashMap::new(),
        };
        Run { state: Mutex::new(state), noted, report: report.map(Mutex::new) }
    }

    /// Ends the program that was forked, if this is one.
    fn tell(&self, engine: &Engine, status: i32) {
        if let Some(report) = &self.report {
            let mut state = self.state.lock();
            if self.noted == Noted::Code {
                state.record.code = code(engine);
            }
            state.record.order = state.objects.values().fold(0, |all, &o| all ^ o);
            // Whoever waits for it has ended when it cannot be written.
            let _ = report.lock().write_all(state.record.text().as_bytes());
            fork::exit(status);
        }
    }
}

impl State {
    fn is_system(&self, id: u64) -> bool {
        self.system.contains(&id)
    }

    /// The clock, if it may go next.
    fn clock(&self, engine: &Engine) -> Option<u64> {
        let soon = |t| t - engine.clock.now() <= EARLY;
        (self.early_timers && engine.timers.first().is_some_and(soon)).then_some(CLOCK)
    }

    fn is_new(&self, id: u64) -> bool {
        !self.system.contains(&id) && !self.steps.contains_key(&id)
    }

    /// Takes up a new process; whether it belongs to the program.
    fn belongs(&mut self, ctx: &mut Ctx<'_>) -> bool {
        if events::is_system(ctx) {
            self.system.insert(ctx.process.id());
            return false;
        }
        self.steps.entry(ctx.process.id()).or_insert(0);
        true
    }

    /// Decides among processes that could go next, the natural one first.
    fn decide(&mut self, could: &[u64]) -> usize {
        let &[natural, _, ..] = could else { return 0 };
        let decision = self.record.decisions;
        self.record.decisions += 1;
        let counted = |id: u64| if id == CLOCK { Deviation::CLOCK } else { id.wrapping_sub(self.first) as u32 };
        let steps = self.steps.get(&natural).copied().unwrap_or(0);
        let choice = match &mut self.chooser {
            Chooser::Follow(left) => {
                let now = |d: &Deviation| d.late == counted(natural) && d.steps == steps;
                let first = left.iter().position(now).map(|i| left.remove(i).first);
                first.and_then(|first| could.iter().position(|&id| counted(id) == first)).unwrap_or(0)
            }
            chooser => chooser.choose(decision, could).min(could.len() - 1),
        };
        if choice > 0 {
            let deviation = Deviation { late: counted(natural), steps, first: counted(could[choice]) };
            self.record.deviations.push(deviation);
        }
        choice
    }

    /// Notes that a process takes a step.
    fn takes(&mut self, process: u64, object: Object, event: Option<Event>) {
        self.chooser.took_step(process);
        *self.steps.entry(process).or_insert(0) += 1;
        let before = self.objects.entry(object).or_insert_with(|| mix(number(object)));
        *before = mix(before.wrapping_mul(31).wrapping_add(process));
        self.record.steps += 1;
        self.record.events.extend(event);
    }
}

/// The modules that are loaded, and which of their functions were called.
fn code(engine: &Engine) -> Vec<(String, Vec<u32>)> {
    let functions = |module: Atom| -> Vec<u32> {
        let all = engine.code.generations(module).current.map_or(&[][..], |m| m.functions());
        (0..).zip(all).filter(|(_, f)| f.decoded.get().is_some()).map(|(i, _)| i).collect()
    };
    engine.code.loaded().into_iter().map(|m| (m.name().into(), functions(m))).collect()
}

fn number(object: Object) -> u64 {
    match object {
        Object::Process(id) => id,
        Object::Name(name) => 1 << 33 | name.index() as u64,
        Object::Shared(n) => n,
    }
}

impl Order for Run {
    fn gives_way(&self, ctx: &mut Ctx<'_>, step: StepKind, args: &[Term], waiting: &[&Arc<Process>]) -> bool {
        let me = ctx.process.id();
        let mut state = self.state.lock();
        if state.is_system(me) {
            return false;
        }
        // What `proc_lib` starts says only then what it is.
        if state.steps.get(&me).is_none_or(|&n| n == 0) && !state.belongs(ctx) {
            return false;
        }
        // What goes to the system is in nobody's way.
        let object = events::object(ctx, step, args);
        let Some(object) = object.filter(|o| !matches!(o, Object::Process(id) if state.is_system(*id))) else {
            return false;
        };
        let event = (self.noted == Noted::Steps).then(|| {
            let place = events::place(ctx);
            Event {
                process: me,
                who: events::who(ctx, state.first),
                what: events::what(step, args),
                own: events::is_own(ctx, &place),
                place,
                object: number(object),
                gave_way: None,
            }
        });
        let others = waiting.iter().map(|p| p.id()).filter(|&id| !state.is_system(id));
        let clock = state.clock(ctx.engine);
        let could: Vec<u64> = std::iter::once(me).chain(others).chain(clock).collect();
        let choice = state.decide(&could);
        if choice == 0 {
            state.takes(me, object, event);
            return false;
        }
        if let Some(event) = &event {
            let gave_way = Some(state.record.deviations.len() as u32 - 1);
            state.record.events.push(Event { gave_way, ..event.clone() });
        }
        state.postponed.insert(me, (object, event));
        state.chosen = Some(could[choice]);
        true
    }

    fn next(&self, all: Waiting<'_>, waiting: &[&Arc<Process>]) -> Option<usize> {
        let mut state = self.state.lock();
        for process in waiting {
            if state.is_new(process.id()) {
                all.show(process, |ctx| state.belongs(ctx));
            }
        }
        if let Some(i) = waiting.iter().position(|p| state.is_system(p.id())) {
            return Some(i);
        }
        let clock = state.clock(all.engine());
        let could: Vec<u64> = waiting.iter().map(|p| p.id()).chain(clock).collect();
        let chosen = state.chosen.take().and_then(|id| could.iter().position(|&c| c == id));
        let next = chosen.unwrap_or_else(|| state.decide(&could));
        if chosen.is_none() && next > 0 && self.noted == Noted::Steps {
            let event = all.show(waiting[0], |ctx| Event {
                process: could[0],
                who: events::who(ctx, state.first),
                what: "goes on".into(),
                place: events::place(ctx),
                own: true,
                object: 0,
                gave_way: Some(state.record.deviations.len() as u32 - 1),
            });
            state.record.events.extend(event);
        }
        if could[next] == CLOCK {
            if self.noted == Noted::Steps {
                let (who, what) = ("the clock".into(), "has come to the next timer".into());
                state.record.events.push(Event { process: CLOCK, who, what, own: true, ..Event::default() });
            }
            return None;
        }
        if let Some((object, event)) = state.postponed.remove(&could[next]) {
            state.takes(could[next], object, event);
        }
        Some(next)
    }

    fn stuck(&self, all: Waiting<'_>) {
        let mut state = self.state.lock();
        let mut waits = Vec::new();
        all.each(|ctx| {
            if !state.is_system(ctx.process.id()) {
                waits.push(format!("{} waits at {}", events::who(ctx, state.first), events::place(ctx)));
            }
        });
        state.record.waits = waits;
        drop(state);
        self.tell(all.engine(), 0);
    }

    fn ended(&self, engine: &Arc<Engine>, end: End) {
        self.tell(engine, end.status());
    }
}

/// Chooses by a strategy.
enum Chooser {
    Follow(Vec<Deviation>),
    Random(Random),
    /// The priority of each process's next step.
    Steps(Random, HashMap<u64, u64>),
    /// The priorities of processes, and the decisions at which that of who would go next becomes the lowest.
    Processes {
        random: Random,
        priorities: HashMap<u64, u64>,
        changes: Vec<u32>,
        lowest: u64,
    },
    /// The decisions at which anybody goes next.
    Few(Random, Vec<u32>),
}

impl Chooser {
    fn new(choices: Choices) -> Chooser {
        let (strategy, seed, decisions) = match choices {
            Choices::Follow(deviations) => return Chooser::Follow(deviations),
            Choices::Draw { strategy, seed, decisions } => (strategy, seed, decisions),
        };
        let mut random = Random(seed);
        let mut places = |n: u32| {
            let mut all: Vec<u32> = (0..n).map(|_| random.below(decisions.max(1))).collect();
            all.sort_unstable();
            all
        };
        match strategy {
            Strategy::Auto | Strategy::Natural => Chooser::Follow(Vec::new()),
            Strategy::Random => Chooser::Random(random),
            Strategy::Pos => Chooser::Steps(random, HashMap::new()),
            Strategy::Pct(depth) => {
                let changes = places(depth - 1);
                Chooser::Processes { random, priorities: HashMap::new(), changes, lowest: 1 << 32 }
            }
            Strategy::Few(n) => {
                let at = places(n);
                Chooser::Few(random, at)
            }
        }
    }

    fn choose(&mut self, decision: u32, could: &[u64]) -> usize {
        match self {
            Chooser::Follow(_) => 0,
            Chooser::Random(random) => random.below(could.len() as u32) as usize,
            Chooser::Steps(random, priorities) => {
                could.iter().for_each(|&p| _ = priorities.entry(p).or_insert_with(|| random.next()));
                highest(could, priorities)
            }
            Chooser::Processes { random, priorities, changes, lowest } => {
                // Above all that a change gives.
                could.iter().for_each(|&p| _ = priorities.entry(p).or_insert_with(|| random.next() | 1 << 63));
                let first = highest(could, priorities);
                if !changes.contains(&decision) {
                    return first;
                }
                *lowest -= 1;
                priorities.insert(could[first], *lowest);
                highest(could, priorities)
            }
            Chooser::Few(random, at) => {
                if at.contains(&decision) {
                    1 + random.below(could.len() as u32 - 1) as usize
                } else {
                    0
                }
            }
        }
    }

    /// The process has another next step.
    fn took_step(&mut self, process: u64) {
        if let Chooser::Steps(_, priorities) = self {
            priorities.remove(&process);
        }
    }
}

fn highest(could: &[u64], priorities: &HashMap<u64, u64>) -> usize {
    (0..could.len()).max_by_key(|&i| (priorities.get(&could[i]), std::cmp::Reverse(i))).unwrap_or(0)
}
