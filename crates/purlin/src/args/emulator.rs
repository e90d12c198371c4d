//! The emulator's own flags, as `erl` hands them on: with a dash, values attached or separate, up to `--`.
//!
//! The BEAM reads them in four passes (what comes first in its start; allocators; polling; the rest), so of several
//! faults the first of the first pass is told. Here the passes are the same.

use super::scan::{int, long, number, pair};
use super::{Place, Stop, allocators, topology};
use purlin_term::Release;

/// What the emulator itself takes from the command line. `None`: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmulatorFlags {
    /// `+S`, `+SP`: scheduler threads, and how many of them run processes at first.
    pub schedulers: Option<usize>,
    pub online: Option<usize>,
    /// `+P`: most processes.
    pub processes: Option<usize>,
    /// `+t`: most atoms.
    pub atoms: Option<usize>,
    /// `+Q`: most ports.
    pub ports: Option<usize>,
    /// `+e`: most tables, and `+ec`: all tables are compressed.
    pub tables: Option<usize>,
    pub compress_tables: bool,
    /// `+A`: threads for asynchronous work of drivers.
    pub async_threads: Option<usize>,
    /// `+hms`, `+hmbs`: smallest heap and smallest virtual binary heap, in words.
    pub min_heap: Option<usize>,
    pub min_bin_vheap: Option<usize>,
    /// `+hpds`: the initial size of process dictionaries; Purlin's grow as needed.
    pub dictionary: Option<u32>,
    /// `+hmax`: largest heap, in words (0: unlimited); `+hmaxk`, `+hmaxel`: what happens when it is exceeded.
    pub max_heap: Option<usize>,
    pub max_heap_kill: Option<bool>,
    pub max_heap_log: Option<bool>,
    /// `+hmqd off_heap`.
    pub off_heap_messages: bool,
    /// `+pc unicode`: which characters the shell and the like print as text.
    pub printable_unicode: bool,
    /// `+JPperf true`: `perf` is told where functions' machine code is.
    pub perf_map: bool,
    /// `+pad`: processes send over distribution without waiting.
    pub async_dist: bool,
    /// `+hmaxib`: off-heap binaries count towards the largest heap.
    pub max_heap_binaries: Option<bool>,
    /// `+W`: as what `error_logger` takes warnings (the letter).
    pub warnings: Option<char>,
    /// `+fnl`, `+fnu` or `+fna`: how file names are encoded (the letter).
    pub file_names: Option<char>,
    /// `+i`: the module to start instead of `init`.
    pub init_module: Option<String>,
    /// `+B`, `+Bc`, `+Bd`, `+Bi`: what Ctrl-C does (the letter; ' ' for plain `+B`).
    pub break_handling: Option<char>,
    /// `+R`: the release to be compatible with.
    pub compat_release: Option<usize>,
    /// `+T`: the level of modified timing.
    pub timing_level: Option<usize>,
    /// `+c`: time is corrected.
    pub time_correction: Option<bool>,
    /// `+C`: the time warp mode.
    pub time_warp: Option<String>,
    /// `+spp`: ports are given work in parallel.
    pub port_parallelism: Option<bool>,
    /// `+zdbbl`: bytes in the buffer of a connection that make it busy.
    pub busy_limit: Option<usize>,
    /// `+zdntgc`: seconds for which nodes that are not used any more are remembered; the largest number: for ever.
    pub node_memory: Option<usize>,
    /// `+zosrl`: requests of a system process that are under way at most.
    pub requests_limit: Option<usize>,
}

/// Why the emulator does not start.
pub enum Refused {
    /// A fault, and how the emulator is used.
    Usage(String),
    Stop(Stop),
}

/// A flag's value that cannot be used, in the BEAM's words.
pub fn bad(text: String) -> Refused {
    Refused::Usage(format!("{text}\n"))
}

/// How the emulator is used, in the words of OTP 25's.
const USAGE: &str = include_str!("usage.txt");

/// How many releases back a compatible one may be.
const COMPATIBLE: u8 = 2;

/// The limits of the BEAM's tables.
const TABLE: std::ops::RangeInclusive<i64> = 1024..=134_217_727;
const MAX_SCHEDULERS: i32 = 1024;

/// A place in the arguments. Flags before it that a pass took for itself are gone.
pub struct Cursor<'a> {
    args: &'a mut Vec<String>,
    at: usize,
    /// Whether what is read is taken out.
    takes: bool,
    flag: String,
}

impl Cursor<'_> {
    /// The flag that is read.
    pub fn flag(&self) -> String {
        self.flag.clone()
    }

    /// The value: what stands behind the flag's first `name` characters, or the next argument.
    fn value(&mut self, name: usize) -> Result<String, Refused> {
        let attached = self.flag.get(name..).unwrap_or("");
        let value = if attached.is_empty() {
            let next = self.at + usize::from(!self.takes);
            let Some(value) = self.args.get(next).cloned() else { return Err(bad("too few arguments".into())) };
            if self.takes {
                self.args.remove(next);
            } else {
                self.at = next;
            }
            value
        } else {
            attached.to_owned()
        };
        Ok(value)
    }

    /// As [`Cursor::value`], of a flag for allocators: what ends the flags is no value.
    pub fn own(&mut self, name: usize) -> Result<String, Refused> {
        let separate = self.flag.len() <= name;
        if separate && self.args.get(self.at).is_some_and(|next| next == "--") {
            let shown = self.flag.get(1..name).unwrap_or("");
            return Err(bad(format!("bad \"{shown}\" value: ")));
        }
        self.value(name)
    }
}

/// Calls `read` for each flag; with `takes` those are taken out for which it is `true` of the flag's text.
fn pass(
    args: &mut Vec<String>,
    takes: Option<fn(&str) -> bool>,
    mut read: impl FnMut(&mut Cursor<'_>) -> Result<(), Refused>,
) -> Result<usize, Refused> {
    let mut at = 0;
    while at < args.len() && args[at] != "--" {
        let wanted = takes.is_none_or(|takes| takes(&args[at]));
        if !wanted {
            at += 1;
            continue;
        }
        let flag = if takes.is_some() { args.remove(at) } else { args[at].clone() };
        let mut cursor = Cursor { args, at, takes: takes.is_some(), flag };
        read(&mut cursor)?;
        at = cursor.at + usize::from(takes.is_none());
    }
    Ok(at)
}

/// Reads the arguments of the emulator named `program` on a machine of so many processors. Gives the flags and where
/// the arguments of `init` begin, behind `--`.
pub fn read(program: &str, place: &Place<'_>, args: &mut Vec<String>) -> Result<(EmulatorFlags, usize), Stop> {
    let mut flags = EmulatorFlags::default();
    let end = passes(&mut flags, program, place, args).map_err(|refused| match refused {
        Refused::Stop(stop) => stop,
        Refused::Usage(text) => {
            let name = program.rsplit('/').next().unwrap_or_default();
            let usage = USAGE.split_once("beam.smp ").map_or("", |(_, rest)| rest);
            let dictionary = format!("dictionary size (default {})", flags.dictionary.unwrap_or(8));
            let usage = usage.replace("dictionary size (default 8)", &dictionary);
            let compatible = compatible(place.release);
            let usage = usage.replace("RELEASES", &format!("{}-{}", compatible.start(), compatible.end()));
            let text = format!("{text}Usage: {name} {usage}");
            // The BEAM's own output to the standard error has carriage returns.
            Stop { err: text.replace('\n', "\r\n"), status: 1, ..Stop::default() }
        }
    })?;
    Ok((flags, end))
}

/// The releases that an emulator can be compatible with (`+R`).
fn compatible(release: Release) -> std::ops::RangeInclusive<i32> {
    i32::from(release.0 - COMPATIBLE)..=i32::from(release.0)
}

fn passes(
    flags: &mut EmulatorFlags,
    program: &str,
    place: &Place<'_>,
    args: &mut Vec<String>,
) -> Result<usize, Refused> {
    let mut early = Early::new(place.processors);
    pass(args, None, |c| early.flag(flags, c))?;
    early.finish(flags)?;
    pass(args, Some(|f| f.starts_with("-M")), allocators::flag)?;
    let mut polling = Polling::default();
    pass(args, Some(|f| f.starts_with("-IO") || f.starts_with("-K")), |c| polling.flag(program, c))?;
    polling.finish(early.schedulers)?;
    let end = pass(args, None, |c| late(flags, program, place.release, c))?;
    Ok((end + 1).min(args.len()))
}

/// The numbers of schedulers, and what else is read first.
struct Early {
    processors: i32,
    schedulers: i32,
    online: i32,
    percent: (i32, i32),
    dirty: (i32, i32),
}

impl Early {
    fn new(processors: usize) -> Early {
        let n = processors as i32;
        Early { processors: n, schedulers: n, online: n, percent: (100, 100), dirty: (n, n) }
    }

    fn flag(&mut self, flags: &mut EmulatorFlags, c: &mut Cursor<'_>) -> Result<(), Refused> {
        let flag = c.flag();
        if flag.starts_with("-dcg") {
            limit(c, 4, "bad decentralized counter groups limit: ")
        } else if flag.starts_with("-rg") {
            limit(c, 3, "bad reader groups limit: ")
        } else if flag.starts_with("-A") {
            let text = c.value(2)?;
            let n = int(&text);
            if !(0..=1024).contains(&n) {
                return Err(bad(format!("bad number of async threads {text}")));
            }
            flags.async_threads = Some(n.max(1) as usize);
            Ok(())
        } else if flag.starts_with("-SP") {
            self.percent = percentages(c, 3, "bad schedulers percentage specifier ")?;
            Ok(())
        } else if flag.starts_with("-SDPcpu") {
            percentages(c, 7, "bad dirty CPU schedulers percentage specifier ").map(drop)
        } else if flag.starts_with("-SDcpu") {
            self.amounts(c, 6, true)
        } else if flag.starts_with("-SDio") {
            let text = c.value(5)?;
            if !(1..=MAX_SCHEDULERS).contains(&int(&text)) {
                return Err(bad(format!("bad number of dirty I/O schedulers {text}")));
            }
            Ok(())
        } else if flag.starts_with("-SD") {
            Err(bad(format!("bad or missing dirty scheduler specifier: {flag}")))
        } else if flag.starts_with("-S") {
            self.amounts(c, 2, false)
        } else {
            Ok(())
        }
    }

    /// `A:B`: schedulers and how many of them run processes. What is not above zero is added to the processors.
    fn amounts(&mut self, c: &mut Cursor<'_>, name: usize, dirty: bool) -> Result<(), Refused> {
        let kind = if dirty { "dirty CPU schedulers" } else { "schedulers" };
        let text = c.value(name)?;
        let before = if dirty { self.dirty.1 } else { self.online };
        let (total, online) = match pair(&text) {
            None => return Err(bad(format!("bad amount of {kind} {text}"))),
            Some((None, online)) => (self.processors, online.unwrap_or(0)),
            Some((Some(total), Some(online))) => (total, online),
            Some((Some(total), None)) => (total, total.min(before)),
        };
        let resolve = |n: i32| if n > 0 { n } else { self.processors.wrapping_add(n) };
        let (all, running) = (resolve(total), resolve(online));
        if !(1..=MAX_SCHEDULERS).contains(&all) {
            return Err(bad(format!("bad amount of {kind} {total}")));
        }
        if running < 1 || all < running {
            return Err(bad(format!("bad amount of {kind} online {running} (total amount of {kind} {all})")));
        }
        if dirty {
            self.dirty = (all, running);
        } else {
            (self.schedulers, self.online) = (all, running);
        }
        Ok(())
    }

    fn finish(&mut self, flags: &mut EmulatorFlags) -> Result<(), Refused> {
        let given = (self.schedulers, self.online) != (self.processors, self.processors) || self.percent != (100, 100);
        if self.percent != (100, 100) {
            let part = |n: i32, percent: i32| ((i64::from(n) * i64::from(percent) / 100) as i32).max(1);
            self.schedulers = part(self.schedulers, self.percent.0);
            if self.schedulers > MAX_SCHEDULERS {
                let (percent, n) = (self.percent.0, self.schedulers);
                return Err(bad(format!("bad schedulers percentage {percent} (total amount of schedulers {n})")));
            }
            self.online = part(self.online, self.percent.1);
            if self.schedulers < self.online {
                return Err(bad(format!(
                    "bad schedulers online percentage {} (total amount of schedulers {}, online {})",
                    self.percent.1, self.schedulers, self.online
                )));
            }
        }
        if given {
            (flags.schedulers, flags.online) = (Some(self.schedulers as usize), Some(self.online as usize));
        }
        Ok(())
    }
}

fn percentages(c: &mut Cursor<'_>, name: usize, fault: &str) -> Result<(i32, i32), Refused> {
    let text = c.value(name)?;
    match pair(&text) {
        Some((None, Some(online))) if online >= 0 => Ok((100, online)),
        Some((Some(total), None)) if total >= 0 => Ok((total, total.min(100))),
        Some((Some(total), Some(online))) if total >= 0 && online >= 0 => Ok((total, online)),
        _ => Err(bad(format!("{fault}{text}"))),
    }
}

fn limit(c: &mut Cursor<'_>, name: usize, fault: &str) -> Result<(), Refused> {
    let text = c.value(name)?;
    match number(&text) {
        None => Err(bad(format!("{fault}{text}"))),
        Some((n, _)) if n < 0 => Err(bad(format!("{fault}{n}"))),
        Some(_) => Ok(()),
    }
}

/// The flags for the threads that wait for input and output; Purlin has one.
#[derive(Default)]
struct Polling {
    threads: i32,
    sets: i32,
    threads_percent: i32,
    sets_percent: i32,
}

impl Polling {
    fn flag(&mut self, program: &str, c: &mut Cursor<'_>) -> Result<(), Refused> {
        let flag = c.flag();
        let read = |c: &mut Cursor<'_>, name: usize, range: std::ops::RangeInclusive<i32>, what: &str| {
            let text = c.value(name)?;
            match number(&text) {
                Some((n, _)) if range.contains(&n) => Ok(n),
                _ => Err(bad(format!("bad I/O {what} number: {text}"))),
            }
        };
        if flag.starts_with("-K") {
            c.value(2)?;
        } else if flag.starts_with("-IOt") {
            self.threads = read(c, 4, 1..=MAX_SCHEDULERS, "poll threads")?;
        } else if flag == "-IOp" {
            self.sets = read(c, 4, 1..=i32::MAX, "pollset")?;
        } else if flag == "-IOPt" {
            self.threads_percent = read(c, 5, 0..=100, "poll thread percentage")?;
        } else if flag == "-IOPp" {
            self.sets_percent = read(c, 5, 0..=100, "pollset percentage")?;
        } else if flag == "-IOs" {
            let text = c.value(4)?;
            boolean(&text).ok_or_else(|| bad(format!("bad +IOs boolean argument: {text}")))?;
        } else {
            return Err(bad(format!("{program} unknown flag {flag}")));
        }
        Ok(())
    }

    fn finish(&self, schedulers: i32) -> Result<(), Refused> {
        let threads = if self.threads > 0 { self.threads } else { (schedulers * self.threads_percent / 100).max(1) };
        let sets = if self.sets > 0 { self.sets } else { (threads * self.sets_percent / 100).max(1) };
        if threads >= sets {
            return Ok(());
        }
        Err(bad(format!(
            "number of IO poll threads has to be greater or equal to the number of \nIO pollsets. Current values are \
             set to: \n  -IOt {threads} -IOp {sets}"
        )))
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// All other flags.
fn late(flags: &mut EmulatorFlags, program: &str, release: Release, c: &mut Cursor<'_>) -> Result<(), Refused> {
    let flag = c.flag();
    if !flag.starts_with('-') {
        return Err(Refused::Usage(String::new()));
    }
    let unknown = || Err(bad(format!("{program} unknown flag {flag}")));
    match flag.as_bytes().get(1).copied().unwrap_or(0) {
        b'p' if flag.starts_with("-pc") => {
            let text = c.value(3)?;
            flags.printable_unicode = match text.as_str() {
                "unicode" => true,
                "latin1" => false,
                _ => return Err(bad(format!("bad range of printable characters: {text}"))),
            };
        }
        b'p' if flag.starts_with("-pad") && release >= Release(26) => {
            let text = c.value(4)?;
            flags.async_dist = boolean(&text).ok_or_else(|| bad(format!("bad async dist value {text}")))?;
        }
        b'f' if flag.starts_with("-fn") => flags.file_names = Some(file_names(&c.value(3)?)?),
        b'L' | b'd' => {}
        b'v' => flags.note("warning: -v (only in debug compiled code)\n"),
        b'V' => return Err(Refused::Stop(Stop { version: true, ..Stop::default() })),
        b'H' => eprint!("The undocumented +H option has been removed (R10B-6).\n\n"),
        b'h' => return heap(flags, release, c),
        b'e' if flag == "-ec" => flags.compress_tables = true,
        b'e' => {
            let text = c.value(2)?;
            if int(&text) < 0 {
                return Err(bad(format!("bad maximum number of ets tables {text}")));
            }
            flags.tables = Some(int(&text) as usize);
        }
        b'i' => flags.init_module = Some(c.value(2)?),
        b'J' => jit(flags, c)?,
        b'B' => {
            let next = c.args.get(c.at + 1).and_then(|n| n.chars().next());
            flags.break_handling = Some(match flag.chars().nth(2) {
                Some(letter @ ('i' | 'c' | 'd')) => letter,
                _ => match next {
                    Some(letter @ ('i' | 'c' | 'd')) => {
                        c.value(flag.len())?;
                        letter
                    }
                    _ => ' ',
                },
            });
        }
        b'n' => {
            let text = c.value(2)?;
            if !["s", "a", "d"].contains(&text.as_str()) {
                return Err(bad(format!("bad -n option {text}")));
            }
        }
        b'P' => flags.processes = Some(table(c, "processes")?.unwrap_or(262_144)),
        b'Q' => flags.ports = table(c, "ports")?.or(Some(65_536)),
        b'S' => drop(c.value(if flag.starts_with("-SDPcpu") {
            7
        } else if flag.starts_with("-SDcpu") {
            6
        } else if flag.starts_with("-SDio") {
            5
        } else if flag.starts_with("-SP") {
            3
        } else {
            2
        })?),
        b's' => return scheduling(flags, c),
        b't' => {
            let text = c.value(2)?;
            let (n, _, over) = long(&text);
            let n = n as i32;
            if over || n < 8192 {
                return Err(bad(format!("bad atom table size {text}")));
            }
            flags.atoms = Some(n as usize);
        }
        b'T' => {
            let text = c.value(2)?;
            if !(0..=9).contains(&int(&text)) {
                return Err(bad(format!("bad modified timing level {text}")));
            }
            flags.timing_level = Some(int(&text) as usize);
        }
        b'R' => {
            let text = c.value(2)?;
            if !compatible(release).contains(&int(&text)) {
                return Err(bad(format!("bad compatibility release number {text}")));
            }
            flags.compat_release = Some(int(&text) as usize);
        }
        b'A' => drop(c.value(2)?),
        b'a' => stack(c, 2, 16, "async threads")?,
        b'r' if flag.starts_with("-rg") => drop(c.value(3)?),
        b'r' => {}
        b'C' => {
            let text = c.value(2)?;
            if !["no_time_warp", "single_time_warp", "multi_time_warp"].contains(&text.as_str()) {
                return Err(bad(format!("Invalid time warp mode: {text}")));
            }
            flags.time_warp = Some(text);
        }
        b'c' => {
            let next = c.args.get(c.at + 1).and_then(|n| boolean(n));
            flags.time_correction = Some(match (boolean(&flag[2..]), next) {
                (Some(on), _) => on,
                (None, Some(on)) if flag.len() == 2 => {
                    c.value(2)?;
                    on
                }
                (None, _) if flag.len() == 2 => false,
                _ => return Err(bad(format!("Invalid time correnction value: {}", &flag[2..]))),
            });
        }
        b'W' => {
            let text = c.value(2)?;
            match text.chars().next() {
                Some(letter @ ('i' | 'e' | 'w')) => flags.warnings = Some(letter),
                _ => return Err(bad(format!("unrecognized warning_map option {text}"))),
            }
        }
        b'z' => return miscellaneous(flags, c),
        _ => return unknown(),
    }
    Ok(())
}

impl EmulatorFlags {
    /// Says what the BEAM says of a flag and goes on.
    fn note(&self, text: &str) {
        eprint!("{}", text.replace('\n', "\r\n"));
    }
}

fn file_names(text: &str) -> Result<char, Refused> {
    let mut chars = text.chars();
    match chars.next() {
        Some('l') => Ok('l'),
        Some(letter @ ('u' | 'a')) => match chars.next() {
            None | Some('w' | 'i' | 'e') => Ok(letter),
            Some(_) => Err(bad(format!("bad type of warnings for wrongly coded filename: {}", &text[1..]))),
        },
        _ => Err(bad(format!("bad filename encoding {text}, can be (l,u or a, optionally followed by w, i or e)"))),
    }
}

fn heap(flags: &mut EmulatorFlags, release: Release, c: &mut Cursor<'_>) -> Result<(), Refused> {
    let flag = c.flag();
    let size = |c: &mut Cursor<'_>, name: usize| {
        let text = c.value(name)?;
        if int(&text) > 0 { Ok(int(&text) as usize) } else { Err(bad(format!("bad heap size {text}"))) }
    };
    let switch = |c: &mut Cursor<'_>, name: usize, what: &str| {
        let text = c.value(name)?;
        boolean(&text).ok_or_else(|| bad(format!("bad max heap {what} {text}")))
    };
    match &flag[2..] {
        f if f.starts_with("mbs") => flags.min_bin_vheap = Some(size(c, 5)?),
        f if f.starts_with("ms") => flags.min_heap = Some(size(c, 4)?),
        f if f.starts_with("pds") => {
            let text = c.value(5)?;
            let n = int(&text);
            if n <= 0 {
                return Err(bad(format!("bad initial process dictionary size {text}")));
            }
            flags.dictionary = Some((n as u32).next_power_of_two().max(2));
        }
        f if f.starts_with("mqd") => {
            let text = c.value(5)?;
            flags.off_heap_messages = match text.as_str() {
                "off_heap" => true,
                "on_heap" => false,
                _ => return Err(bad(format!("Invalid message_queue_data flag: {text}"))),
            };
        }
        f if f.starts_with("maxk") => flags.max_heap_kill = Some(switch(c, 6, "kill")?),
        f if f.starts_with("maxib") && release >= Release(27) => {
            flags.max_heap_binaries = Some(switch(c, 7, "include bins")?);
        }
        f if f.starts_with("maxel") => flags.max_heap_log = Some(switch(c, 7, "error logger")?),
        f if f.starts_with("max") => {
            let text = c.value(5)?;
            let (n, ..) = long(&text);
            if !(0..1 << 59).contains(&n) {
                return Err(bad(format!("bad max heap size {text}")));
            }
            let least = flags.min_heap.unwrap_or(233);
            // The BEAM compares the limit that was there before.
            if flags.max_heap.is_some_and(|before| before != 0 && before < least) {
                return Err(bad(format!(
                    "max heap size ({text}) is not allowed to be smaller than min heap size ({least})"
                )));
            }
            flags.max_heap = Some(n as usize);
        }
        _ => flags.min_heap = Some(size(c, 2)?),
    }
    Ok(())
}

/// Flags of the compiler to machine code. What `dump` would write besides a map for `perf`, Purlin does not.
fn jit(flags: &mut EmulatorFlags, c: &mut Cursor<'_>) -> Result<(), Refused> {
    let flag = c.flag();
    let (name, values): (usize, &[&str]) = if flag.starts_with("-JDdump") {
        (7, &["true", "false"])
    } else if flag.starts_with("-JPperf") {
        (7, &["true", "false", "dump", "map"])
    } else {
        if !flag.starts_with("-JD") && !flag.starts_with("-JP") {
            flags.note(&format!("invalid JIT option {flag}\n"));
        }
        return Ok(());
    };
    let text = c.value(name)?;
    if values.contains(&text.as_str()) {
        flags.perf_map |= flag.starts_with("-JP") && text != "false";
        return Ok(());
    }
    let what = if flag.starts_with("-JD") { "JDdump" } else { "JPperf support" };
    Err(bad(format!("bad +{what} flag {text}")))
}

/// The largest number of entries of a table; `None`: `legacy`.
fn table(c: &mut Cursor<'_>, what: &str) -> Result<Option<usize>, Refused> {
    let text = c.value(2)?;
    if text == "legacy" {
        return Ok(None);
    }
    let (n, _, over) = long(&text);
    let n = i64::from(n as i32);
    if over || !TABLE.contains(&n) {
        return Err(bad(format!("bad number of {what} {text}")));
    }
    Ok(Some(n as usize))
}

/// The size of a thread's stack, in kilo words: Purlin's threads have stacks of their own sizes.
fn stack(c: &mut Cursor<'_>, name: usize, least: i32, what: &str) -> Result<(), Refused> {
    let text = c.value(name)?;
    if (least..=8192).contains(&int(&text)) {
        return Ok(());
    }
    Err(bad(format!("bad stack size for {what} {text}")))
}

/// `+s...`: Purlin's schedulers are not bound to processors and wait as they see fit.
fn scheduling(flags: &mut EmulatorFlags, c: &mut Cursor<'_>) -> Result<(), Refused> {
    const WAIT: &[&str] = &["very_long", "long", "medium", "short", "very_short", "none"];
    const WAKE: &[&str] = &["very_high", "high", "medium", "low", "very_low"];
    const CLEAN: &[&str] = &["very_lazy", "lazy", "medium", "eager", "very_eager"];
    const BIND: &[&str] = &["u", "db", "s", "ps", "ts", "tnnps", "nnps", "nnts", "ns"];
    /// Flags whose value is one of some words: what is said of others.
    const WORDS: &[(&str, &[&str], &str)] = &[
        ("bwtdcpu", WAIT, "bad dirty CPU scheduler busy wait threshold: "),
        ("bwtdio", WAIT, "bad dirty IO scheduler busy wait threshold: "),
        ("bwt", WAIT, "bad scheduler busy wait threshold: "),
        ("pp", &["true", "false"], "bad port parallelism scheduling hint "),
        ("wct", CLEAN, "scheduler wake cleanup threshold: "),
        ("wtdcpu", WAKE, "dirty CPU scheduler wakeup threshold: "),
        ("wtdio", WAKE, "dirty IO scheduler wakeup threshold: "),
        ("wt", WAKE, "scheduler wakeup threshold: "),
        ("ws", &["default", "legacy"], "scheduler wakeup strategy: "),
    ];
    let flag = c.flag();
    let name = &flag[2..];
    if let Some((name, words, fault)) = WORDS.iter().find(|(n, ..)| name.starts_with(n)) {
        let text = c.value(2 + name.len())?;
        if !words.contains(&text.as_str()) {
            return Err(bad(format!("{fault}{text}")));
        }
        if *name == "pp" {
            flags.port_parallelism = boolean(&text);
        }
        return Ok(());
    }
    if name.starts_with("bt") || name.starts_with("tbt") {
        let text = c.value(if name.starts_with('b') { 4 } else { 5 })?;
        if !BIND.contains(&text.as_str()) {
            return Err(bad(format!("setting scheduler bind type '{text}' failed: invalid type")));
        }
    } else if name.starts_with("cl") || name.starts_with("ub") {
        let text = c.value(4)?;
        if boolean(&text).is_none() {
            let fault = if name.starts_with("cl") { "compact load" } else { "utilization balancing " };
            return Err(bad(format!("bad scheduler {fault} value '{text}'")));
        }
    } else if name.starts_with("ct") {
        let text = c.value(4)?;
        topology::check(&text).map_err(|fault| bad(format!("bad cpu topology '{text}': {fault}")))?;
    } else if name.starts_with("ecio") {
        c.value(6)?;
    } else if name.starts_with("ssdcpu") {
        stack(c, 8, 20, "dirty CPU scheduler threads")?;
    } else if name.starts_with("ssdio") {
        stack(c, 7, 20, "dirty IO scheduler threads")?;
    } else if name.starts_with("ss") {
        stack(c, 4, 20, "scheduler threads")?;
    } else if name.starts_with("fwi") {
        let text = c.value(5)?;
        let (n, _, over) = long(&text);
        if over || n < 0 {
            return Err(bad(format!("bad scheduler forced wakeup interval {text}")));
        }
    } else if !name.starts_with("srct") {
        return Err(bad(format!("bad scheduling option {flag}")));
    }
    Ok(())
}

/// `+z...`.
fn miscellaneous(flags: &mut EmulatorFlags, c: &mut Cursor<'_>) -> Result<(), Refused> {
    const WAIT: &[&str] = &["none", "very_short", "short", "medium", "long", "very_long", "extremely_long"];
    let flag = c.flag();
    match &flag[2..] {
        f if f.starts_with("dbbl") => {
            let n = int(&c.value(6)?);
            if !(1..=i32::MAX / 1024).contains(&n) {
                return Err(bad(format!("Invalid dbbl limit: {n}")));
            }
            flags.busy_limit = Some(n as usize * 1024);
        }
        f if f.starts_with("dntgc") => {
            let text = c.value(7)?;
            let (n, rest, over) = long(&text);
            if text == "infinity" {
                flags.node_memory = Some(usize::MAX);
            } else if over || text.is_empty() || !rest.is_empty() || !(0..=100_000_000).contains(&n) {
                return Err(bad(format!("Invalid delayed node table gc: {text}")));
            } else {
                flags.node_memory = Some(n as usize);
            }
        }
        f if f.starts_with("ebwt") => {
            let text = c.value(6)?;
            if !WAIT.contains(&text.as_str()) {
                return Err(bad(format!("Invalid ets busy wait threshold: {text}")));
            }
        }
        f if f.starts_with("osrl") => {
            let text = c.value(6)?;
            let (n, _, over) = long(&text);
            if over || !(1..=*TABLE.end()).contains(&n) {
                return Err(bad(format!("Invalid outstanding requests limit {text}")));
            }
            flags.requests_limit = Some(n as usize);
        }
        _ => return Err(bad(format!("bad -z option {flag}"))),
    }
    Ok(())
}
