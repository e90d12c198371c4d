//! The watcher's side: which orders are tried, and what is made of one that fails.

use crate::Settings;
use crate::events;
use crate::fork::{self, Child, Died, Side};
use crate::order::{Choices, Noted, Program, Run};
use crate::plan::{Deviation, Plan, Strategy, mix};
use crate::report::{Outcome, Record, explained};
use hashbrown::HashSet;
use purlin_vm::engine::order::Waiting;
use purlin_vm::{Ctx, Engine};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What `explore_schedules` does next.
pub enum Turn {
    /// This is a program to be tried: it begins.
    Program,
    /// These modules are to be loaded, so that not each program has to.
    Load(Vec<(String, Vec<u32>)>),
    /// All was tried: the status to end with.
    Over(i32),
}

/// The status when an order fails that is not the natural one.
const RACE: i32 = 2;

/// Without a new order in so many runs there will hardly be one.
const NOTHING_NEW: u32 = 200;

/// How long a run may take.
const RUN_TIME: Duration = Duration::from_secs(60);

/// Runs that making a failing order smaller may take.
const SMALLER: u32 = 400;

/// How often a watching person is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// `before`: the processes that were there before anything of the program was. `warm`: modules were loaded already.
pub fn run(ctx: &Ctx<'_>, settings: &Settings, before: Option<&HashSet<u64>>, warm: bool) -> Turn {
    let me = ctx.process.id();
    let mut system = HashSet::new();
    let others = Waiting::others(ctx);
    others.iter().for_each(|all| {
        all.each(|other| {
            let id = other.process.id();
            if before.is_none_or(|before| before.contains(&id)) || events::is_tool(other) {
                system.insert(id);
            }
        });
    });
    // An order in which one fired early says so.
    let fired = |plan: &Plan| plan.deviations.iter().any(|d| d.first == Deviation::CLOCK);
    let early_timers = settings.early_timers || settings.replay.as_ref().is_some_and(fired);
    let program = Program { early_timers, first: me, system };
    if let Some(plan) = settings.replay.as_ref().filter(|_| warm) {
        let choices = Choices::Follow(plan.deviations.clone());
        ctx.engine.set_order(Box::new(Run::new(choices, &program, Noted::Nothing, None)));
        return Turn::Program;
    }
    let campaign = Campaign {
        engine: ctx.engine,
        settings,
        program,
        orders: HashSet::new(),
        runs: 0,
        began: Instant::now(),
        told: Instant::now(),
    };
    match campaign.all(warm) {
        Ok(turn) => turn,
        Err(e) => {
            eprintln!("purlin: cannot try orders: {e}");
            Turn::Over(1)
        }
    }
}

struct Campaign<'a> {
    engine: &'a Arc<Engine>,
    settings: &'a Settings,
    program: Program,
    /// The orders seen.
    orders: HashSet<u64>,
    runs: u32,
    began: Instant,
    told: Instant,
}

/// A run that has begun.
struct UnderWay {
    child: Child,
    /// What it prints.
    output: File,
}

impl UnderWay {
    /// Ends it: nobody wants to know any more.
    fn stop(self) {
        let _ = self.child.wait(Duration::ZERO);
    }
}

type Result<T> = std::io::Result<T>;

/// What a run gave, or none where this is the program that was forked for it.
macro_rules! ran {
    ($run:expr) => {
        match $run? {
            Some(outcome) => outcome,
            None => return Ok(Turn::Program),
        }
    };
}

impl Campaign<'_> {
    fn all(mut self, warm: bool) -> Result<Turn> {
        let noted = if warm { Noted::Nothing } else { Noted::Code };
        let natural = ran!(self.run(Choices::Follow(Vec::new()), noted));
        if !warm {
            return Ok(Turn::Load(natural.record.code));
        }
        // What fails in the natural order may have a race as well: then it passes in another one.
        let fails = natural.failed();
        self.orders.insert(natural.record.order);
        let mut first: Option<Outcome> = None;
        let mut nothing_new = 0;
        let (mut begun, mut under_way) = (self.runs, VecDeque::new());
        let at_a_time = std::thread::available_parallelism().map_or(1, usize::from);
        while first.is_none() {
            let enough = begun >= self.settings.schedules
                || self.settings.time.is_some_and(|t| self.began.elapsed() >= t)
                || (self.settings.strategy == Strategy::Auto && nothing_new >= NOTHING_NEW)
                || natural.record.decisions == 0;
            if !enough && under_way.len() < at_a_time {
                let seed = mix(self.settings.seed.wrapping_mul(1 << 32).wrapping_add(begun as u64));
                let strategy = self.settings.strategy.of_run(begun);
                let choices = Choices::Draw { strategy, seed, decisions: natural.record.decisions };
                under_way.push_back(ran!(self.begin(choices, Noted::Nothing)));
                begun += 1;
                continue;
            }
            let Some(run) = under_way.pop_front() else { break };
            let outcome = self.end(run)?;
            nothing_new = if self.orders.insert(outcome.record.order) { 0 } else { nothing_new + 1 };
            first = (outcome.failed() != fails).then_some(outcome);
            self.tell_progress();
        }
        under_way.into_iter().for_each(UnderWay::stop);
        let Some(first) = first else {
            let how = if fails { format!("all fail: {}", natural.fault()) } else { "none fails".into() };
            tell(&format!("{}\n{}: {how}.\n", natural.shown(), self.tried()));
            let status = if let Died::Exited(status @ 1..) = natural.died { status } else { i32::from(fails) };
            return Ok(Turn::Over(status));
        };
        let tried = self.tried();
        let mut smallest = first.record.deviations.clone();
        let mut outcome = first;
        // Leaves out parts of the deviations, halves first, then smaller ones, as long as it fails without.
        let until = self.runs + SMALLER;
        let mut part = smallest.len().div_ceil(2);
        while part > 0 && self.runs < until {
            let mut at = 0;
            while at < smallest.len() && self.runs < until {
                let end = (at + part).min(smallest.len());
                let fewer: Vec<Deviation> = [&smallest[..at], &smallest[end..]].concat();
                let tried = ran!(self.run(Choices::Follow(fewer), Noted::Nothing));
                if tried.failed() != fails && tried.record.deviations.len() < smallest.len() {
                    smallest = tried.record.deviations.clone();
                    outcome = tried;
                } else {
                    at = end;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
        let again = ran!(self.run(Choices::Follow(smallest.clone()), Noted::Steps));
        let record = if again.failed() != fails { &again.record } else { &outcome.record };
        let clock = (self.settings.clock / 1_000_000_000) as u64;
        let plan = Plan { clock, deviations: smallest };
        let changes = match plan.deviations.len() {
            1 => "one change".into(),
            n => format!("{n} changes"),
        };
        let (failed, how) = if fails {
            let fault = natural.fault();
            (&natural, format!("the natural order fails: {fault}. Another one passes: it takes {changes}"))
        } else {
            (&outcome, format!("one fails: {}. It takes {changes} to the natural order", outcome.fault()))
        };
        let again = |plan: Plan| format!("    {}{plan}{}", self.settings.command[0], self.settings.command[1]);
        let order = if fails {
            let natural = again(Plan { clock, deviations: Vec::new() });
            format!("the order that fails again, and the one that passes:\n\n{natural}\n{}", again(plan))
        } else {
            format!("this order again:\n\n{}", again(plan))
        };
        let shown = failed.shown();
        tell(&format!("{shown}\n{tried}: {how}.\n\n{}\nTo run {order}\n", explained(record)));
        Ok(Turn::Over(RACE))
    }

    fn tried(&self) -> String {
        let time = self.began.elapsed().as_secs_f64();
        format!("{} schedules, {} distinct orders in {time:.1} s", self.runs, self.orders.len())
    }

    /// Runs an order in a program of its own; `None`: this is that program.
    fn run(&mut self, choices: Choices, noted: Noted) -> Result<Option<Outcome>> {
        match self.begin(choices, noted)? {
            Some(run) => self.end(run).map(Some),
            None => Ok(None),
        }
    }

    fn begin(&mut self, choices: Choices, noted: Noted) -> Result<Option<UnderWay>> {
        let output = fork::nameless_file()?;
        match fork::fork(&output)? {
            Side::Program(report) => {
                let order = Run::new(choices, &self.program, noted, Some(report));
                self.engine.set_order(Box::new(order));
                Ok(None)
            }
            Side::Watcher(child) => Ok(Some(UnderWay { child, output })),
        }
    }

    fn end(&mut self, run: UnderWay) -> Result<Outcome> {
        self.runs += 1;
        let (died, report) = run.child.wait(RUN_TIME)?;
        let record = Record::of_text(&String::from_utf8_lossy(&report)).unwrap_or_default();
        Ok(Outcome { died, record, printed: fork::printed(&run.output)? })
    }

    fn tell_progress(&mut self) {
        if self.told.elapsed() >= TELL_EVERY && std::io::stderr().is_terminal() {
            self.told = Instant::now();
            eprint!("\r{} ", self.tried());
        }
    }
}

/// Prints; a reader that has gone is no error.
fn tell(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
    let _ = std::io::stdout().flush();
}
