//! Options of `spawn_opt/4`, `spawn_request/4` and `monitor/3`.

use super::heap_limit::max_heap;
use super::pair;
use purlin_term::{Release, Term, am};
use purlin_vm::Engine;
use purlin_vm::gc::{MIN_HEAP, next_size};
use purlin_vm::process::{Flags, Priority, Rare};
use purlin_vm::relation::AliasMode;

/// Options of `monitor/3`.
#[derive(Clone, Copy, Default)]
pub struct MonitorOptions {
    pub alias: Option<AliasMode>,
    pub tag: Option<Term>,
    /// The message is a priority message.
    pub priority: bool,
}

/// Parses the options of `monitor/3`; `None`: one is bad.
pub fn monitor_options(list: Term, release: Release) -> Option<MonitorOptions> {
    let mut o = MonitorOptions::default();
    let mut it = list.iter();
    for option in it.by_ref() {
        if option == am!("priority") && release >= Release(28) {
            o.priority = true;
            continue;
        }
        let (key, value) = pair(option)?;
        if key == am!("alias") {
            o.alias = Some(alias_mode(value)?);
        } else if key == am!("tag") {
            o.tag = Some(value);
        } else {
            return None;
        }
    }
    it.tail().is_nil().then_some(o)
}

fn alias_mode(t: Term) -> Option<AliasMode> {
    if t == am!("explicit_unalias") {
        Some(AliasMode::Explicit)
    } else if t == am!("demonitor") {
        Some(AliasMode::Demonitor)
    } else if t == am!("reply_demonitor") {
        Some(AliasMode::ReplyDemonitor)
    } else {
        None
    }
}

/// Options of `spawn_opt/4` and `spawn_request/4`.
pub struct SpawnOptions {
    pub link: bool,
    pub monitor: Option<MonitorOptions>,
    pub priority: Priority,
    pub scheduler: usize,
    pub flags: Flags,
    pub rare: Option<Box<Rare>>,
    /// `spawn_request` only: first element of the reply.
    pub reply_tag: Term,
    pub reply_on_success: bool,
    pub reply_on_error: bool,
}

/// Why options were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Not a proper list.
    NoList,
    /// An option is unknown or has a bad value.
    BadOption,
}

impl SpawnOptions {
    /// The options of a spawn that names none.
    pub fn new(engine: &Engine) -> SpawnOptions {
        let mut flags = Flags::default();
        flags.set(Flags::OFF_HEAP_MESSAGES, engine.config.off_heap_messages);
        flags.set(Flags::ASYNC_DIST, engine.config.settings.async_dist);
        SpawnOptions {
            link: false,
            monitor: None,
            priority: Priority::Normal,
            scheduler: 0,
            flags,
            rare: engine.defaults.get(),
            reply_tag: am!("spawn_reply"),
            reply_on_success: true,
            reply_on_error: true,
        }
    }
}

/// Parses spawn options; `request` allows those of `spawn_request`. What was understood is returned with an error,
/// too, because a refused request is answered as its options say.
pub fn spawn_options(engine: &Engine, list: Term, request: bool) -> (SpawnOptions, Option<Refused>) {
    let mut o = SpawnOptions::new(engine);
    let mut bad = false;
    let mut it = list.iter();
    for option in it.by_ref() {
        bad |= spawn_option(engine, &mut o, option, request).is_none();
    }
    if let Some(r) = &o.rare {
        bad |= r.max_heap_size.size != 0 && r.max_heap_size.size < r.min_heap_size;
    }
    let refused = match (it.tail().is_nil(), bad) {
        (false, _) => Some(Refused::NoList),
        (true, true) => Some(Refused::BadOption),
        (true, false) => None,
    };
    (o, refused)
}

fn spawn_option(engine: &Engine, o: &mut SpawnOptions, option: Term, request: bool) -> Option<()> {
    if option == am!("link") {
        o.link = true;
        return Some(());
    }
    if option == am!("monitor") {
        o.monitor = Some(MonitorOptions::default());
        return Some(());
    }
    let (key, value) = pair(option)?;
    if key == am!("priority") {
        o.priority = Priority::from_term(value)?;
    } else if key == am!("message_queue_data") {
        let off = if value == am!("off_heap") {
            true
        } else if value == am!("on_heap") {
            false
        } else {
            return None;
        };
        o.flags.set(Flags::OFF_HEAP_MESSAGES, off);
    } else if key == am!("async_dist") && engine.config.release >= Release(26) {
        o.flags.set(Flags::ASYNC_DIST, value.as_bool()?);
    } else if key == am!("min_heap_size") {
        o.rare.get_or_insert_default().min_heap_size = heap_size(value)?;
    } else if key == am!("max_heap_size") {
        let rare = o.rare.get_or_insert_default();
        rare.max_heap_size = max_heap(engine.config.release, value, rare.max_heap_size)?;
    } else if key == am!("min_bin_vheap_size") {
        o.rare.get_or_insert_default().min_bin_vheap_size = bin_heap_size(value)?;
    } else if key == am!("fullsweep_after") {
        o.rare.get_or_insert_default().fullsweep_after = value.as_usize()?.min(u32::MAX as usize) as u32;
    } else if key == am!("scheduler") {
        o.scheduler = value.as_usize().filter(|&n| n <= engine.sched.count())?;
    } else if key == am!("monitor") {
        o.monitor = Some(monitor_options(value, engine.config.release)?);
    } else if request && key == am!("reply") {
        (o.reply_on_success, o.reply_on_error) = replies(value)?;
    } else if request && key == am!("reply_tag") {
        o.reply_tag = value;
    } else {
        return None;
    }
    Some(())
}

pub fn replies(t: Term) -> Option<(bool, bool)> {
    if t == am!("yes") {
        Some((true, true))
    } else if t == am!("no") {
        Some((false, false))
    } else if t == am!("error_only") {
        Some((false, true))
    } else if t == am!("success_only") {
        Some((true, false))
    } else {
        None
    }
}

/// A `min_heap_size`, in words, rounded as the collector does.
pub fn heap_size(t: Term) -> Option<usize> {
    t.as_usize().map(|n| if n < MIN_HEAP { MIN_HEAP } else { next_size(n) })
}

/// A `min_bin_vheap_size`, in words.
pub fn bin_heap_size(t: Term) -> Option<usize> {
    t.as_usize().map(|n| if n < 46422 { 46422 } else { next_size(n) })
}
