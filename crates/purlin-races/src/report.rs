//! What a run reports, and what a person is told.

use crate::events::Event;
use crate::fork::Died;
use crate::plan::Deviation;
use std::fmt::Write;

/// What a run has noted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// Wherever more than one process could go next.
    pub decisions: u32,
    /// Steps that others can tell.
    pub steps: u32,
    pub deviations: Vec<Deviation>,
    /// A number that differs when two steps on one object changed places.
    pub order: u64,
    /// All steps, if that was asked for.
    pub events: Vec<Event>,
    /// All wait for ever: who, and where.
    pub waits: Vec<String>,
    /// The modules that are loaded, with the numbers of those of their functions that were called.
    pub code: Vec<(String, Vec<u32>)>,
}

impl Record {
    /// In lines of fields, for the program that watches.
    pub fn text(&self) -> String {
        let mut out = format!("run\t{}\t{}\t{}\n", self.decisions, self.steps, self.order);
        let plain = |text: &str| text.replace(['\t', '\n'], " ");
        for d in &self.deviations {
            let _ = writeln!(out, "deviation\t{}\t{}\t{}", d.late, d.steps, d.first);
        }
        for e in &self.events {
            let gave_way = e.gave_way.map_or(-1, i64::from);
            let (who, what, place) = (plain(&e.who), plain(&e.what), plain(&e.place));
            let _ = writeln!(out, "event\t{}\t{}\t{gave_way}\t{}\t{who}\t{what}\t{place}", e.process, e.object, e.own);
        }
        for w in &self.waits {
            let _ = writeln!(out, "waits\t{}", plain(w));
        }
        for (module, functions) in &self.code {
            let functions: Vec<String> = functions.iter().map(u32::to_string).collect();
            let _ = writeln!(out, "module\t{}\t{}", plain(module), functions.join(" "));
        }
        out + "end\n"
    }

    /// Of such lines; `None`: the program did not come to their end.
    pub fn of_text(text: &str) -> Option<Record> {
        let mut record = Record::default();
        let mut whole = false;
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["run", decisions, steps, order] => {
                    record.decisions = decisions.parse().ok()?;
                    record.steps = steps.parse().ok()?;
                    record.order = order.parse().ok()?;
                }
                ["deviation", late, steps, first] => {
                    let (late, steps, first) = (late.parse().ok()?, steps.parse().ok()?, first.parse().ok()?);
                    record.deviations.push(Deviation { late, steps, first });
                }
                ["event", process, object, gave_way, own, who, what, place] => record.events.push(Event {
                    process: process.parse().ok()?,
                    object: object.parse().ok()?,
                    gave_way: gave_way.parse().ok(),
                    own: own.parse().ok()?,
                    who: who.into(),
                    what: what.into(),
                    place: place.into(),
                }),
                ["waits", who] => record.waits.push(who.into()),
                ["module", name, functions] => {
                    let functions = functions.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>();
                    record.code.push((name.into(), functions.ok()?));
                }
                ["end"] => whole = true,
                _ => return None,
            }
        }
        whole.then_some(record)
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub died: Died,
    pub record: Record,
    pub printed: Vec<u8>,
}

impl Outcome {
    pub fn failed(&self) -> bool {
        self.died != Died::Exited(0) || !self.record.waits.is_empty()
    }

    /// What was wrong, in a line.
    pub fn fault(&self) -> String {
        if !self.record.waits.is_empty() {
            return "all processes wait, and nothing can wake them".into();
        }
        match self.died {
            Died::Exited(status) => format!("it ended with status {status}"),
            Died::Signal(n) => format!("signal {n} ended it"),
            Died::Late => "it does not end".into(),
        }
    }

    /// What the program printed, and who waits where if all do.
    pub fn shown(&self) -> String {
        let mut out = String::from_utf8_lossy(&self.printed).into_owned();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        for w in &self.record.waits {
            let _ = writeln!(out, "    {w}");
        }
        out
    }
}

/// How many steps of each process are shown around the place where the order matters.
const AROUND: usize = 12;

/// Where a failing run differs from the natural order, and its steps.
pub fn explained(record: &Record) -> String {
    let mut out = String::new();
    let events = &record.events;
    for n in 0..record.deviations.len() {
        let Some(at) = events.iter().position(|e| e.gave_way == Some(n as u32)) else { continue };
        let process = events[at].process;
        let behind = &events[at + 1..];
        let steps = |e: &&Event| e.gave_way.is_none();
        let until = behind.iter().position(|e| steps(&e) && e.process == process).unwrap_or(behind.len());
        let first: Vec<&Event> = behind[..until].iter().filter(steps).collect();
        // The first of its later steps that touches what one of these does.
        let mut later = behind[until..].iter().filter(|e| e.gave_way.is_none() && e.process == process);
        let pair = later.find_map(|late| Some((late, *first.iter().rfind(|e| e.object == late.object)?)));
        let (late, early) = match (pair, first.first()) {
            (Some((late, early)), _) => (late, Some(early)),
            (None, early) => (behind.get(until).unwrap_or(&events[at]), early.copied()),
        };
        if let Some(e) = early {
            let _ = writeln!(out, "  {}\n      {}{}\n  came before", e.who, e.what, at_place(&e.place));
        }
        let _ = writeln!(out, "  {}\n      {}{}\n", late.who, late.what, at_place(&late.place));
    }
    let changed = events.iter().position(|e| e.gave_way.is_some()).unwrap_or(0);
    let shown = |e: &&Event| e.gave_way.is_none() && e.own && !e.what.starts_with("demonitor(");
    let before: Vec<&Event> = events[..changed].iter().filter(shown).collect();
    let before = &before[before.len().saturating_sub(AROUND / 2)..];
    let steps: Vec<&Event> = before.iter().copied().chain(events[changed..].iter().filter(shown)).collect();
    let _ = writeln!(out, "The steps around it:");
    let width = steps.iter().take(2 * AROUND).map(|e| e.who.chars().count()).max().unwrap_or(0).min(60);
    for e in steps.iter().take(2 * AROUND) {
        let _ = writeln!(out, "  {:width$}  {}  {}", e.who, e.what, e.place);
    }
    if steps.len() > 2 * AROUND {
        let _ = writeln!(out, "  ... {} more", steps.len() - 2 * AROUND);
    }
    out
}

fn at_place(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("    ({place})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_from_its_text() {
        let event = Event {
            process: 7,
            who: "a".into(),
            what: "b\tc".into(),
            place: String::new(),
            object: u64::MAX,
            own: true,
            gave_way: Some(3),
        };
        let record = Record {
            decisions: 4,
            steps: 9,
            deviations: vec![Deviation { late: 3, steps: 1, first: 2 }],
            order: 17,
            events: vec![event.clone()],
            waits: vec!["x waits".into()],
            code: vec![("Elixir.A".into(), vec![3, 4]), ("b".into(), vec![])],
        };
        let back = Record::of_text(&record.text()).unwrap();
        assert_eq!(back, Record { events: vec![Event { what: "b c".into(), ..event }], ..record });
        assert_eq!(Record::of_text("run\t1\t2\t3\n"), None, "without an end");
        assert_eq!(Record::of_text("what\nend\n"), None);
    }
}
