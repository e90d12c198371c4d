//! Steps: what they touch, so that orders can be told from each other, and how a person reads them.

use crate::plan::mix;
use purlin_term::{Atom, Term, print};
use purlin_vm::code::instr::StepKind;
use purlin_vm::code::stack_trace;
use purlin_vm::{Ctx, Engine, Mfa};
use std::path::Path;
use std::sync::Arc;

/// What a step touches: two steps on one object are of different orders when they change places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Object {
    /// What arrives at a process.
    Process(u64),
    Name(Atom),
    /// A table, a counter or a persistent term, by a number of what names it.
    Shared(u64),
}

/// What a step touches; `None`: nothing that another process could tell it by.
pub fn object(ctx: &Ctx<'_>, step: StepKind, args: &[Term]) -> Option<Object> {
    let me = Object::Process(ctx.process.id());
    let mfa = match step {
        StepKind::Send => return destination(ctx.engine, *args.first()?),
        StepKind::Receive | StepKind::End => return Some(me),
        StepKind::Native(mfa) => mfa,
    };
    let (module, function) = (mfa.module.name(), mfa.function.name());
    match (module, function) {
        ("erlang", "spawn" | "spawn_link" | "spawn_monitor" | "spawn_opt" | "spawn_request") => Some(me),
        ("erlang", "register" | "unregister") => Some(Object::Name(args.first()?.as_atom()?)),
        ("erlang", "whereis") => destination(ctx.engine, *args.first()?),
        ("erlang", "registered" | "processes") => Some(Object::Shared(1)),
        ("erlang", "process_flag") => args.first()?.as_atom().filter(|a| a.name() == "trap_exit").map(|_| me),
        ("erlang", "group_leader") => None,
        ("erlang", "send_after" | "start_timer" | "cancel_timer" | "read_timer") => Some(me),
        ("erlang", "monitor") => destination(ctx.engine, *args.get(1)?),
        ("erlang", "demonitor" | "alias" | "unalias") => Some(me),
        ("erlang", "exit") if args.len() == 1 => None,
        ("erlang", _) => destination(ctx.engine, *args.first()?),
        ("erts_internal", "spawn_request") => Some(me),
        // Of the whole table: which rows a call touches is not looked at.
        _ => Some(Object::Shared(mix(purlin_term::hash::phash2(*args.first()?, 1 << 32) | 1 << 40))),
    }
}

fn destination(engine: &Arc<Engine>, to: Term) -> Option<Object> {
    if let Some(id) = to.as_pid() {
        return Some(Object::Process(id));
    }
    if let Some(name) = to.as_atom() {
        return Some(engine.names.whereis(name).and_then(Term::as_pid).map_or(Object::Name(name), Object::Process));
    }
    if let Some(pid) = to.ref_pid() {
        return pid.as_pid().map(Object::Process);
    }
    match to.as_tuple() {
        Some(&[name, _]) => destination(engine, name),
        _ => None,
    }
}

/// A step as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    pub process: u64,
    /// The process, by its name and what it runs.
    pub who: String,
    pub what: String,
    /// File and line.
    pub place: String,
    /// Of the program's own code, not of what runs its tests.
    pub own: bool,
    pub object: u64,
    /// The process gave way, and goes on later: the number of the deviation.
    pub gave_way: Option<u32>,
}

/// The most that is shown of a term.
const SHOWN: i64 = 120;

/// A term in about Elixir's syntax.
pub fn shown(t: Term) -> String {
    let text = print::display_limited(t, SHOWN).to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("'Elixir.")
            && let Some(end) = tail.find('\'')
        {
            out.push_str(&tail[..end]);
            rest = &tail[end + 1..];
        } else if rest.starts_with("<0.")
            && !out.ends_with(|c: char| c.is_ascii_alphanumeric())
            && let Some(end) = rest.find('>')
        {
            out.push_str("#PID");
            out.push_str(&rest[..=end]);
            rest = &rest[end + 1..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if out.chars().count() > SHOWN as usize {
        out = out.chars().take(SHOWN as usize - 1).collect();
        out.push('…');
    }
    out
}

/// A step as code.
pub fn what(step: StepKind, args: &[Term]) -> String {
    match step {
        StepKind::Send => match args {
            [to, message] => format!("send({}, {})", shown(*to), shown(*message)),
            _ => "send".into(),
        },
        StepKind::Receive => "receive, with a timeout".into(),
        StepKind::End => format!("end, {}", args.first().map_or(String::new(), |&reason| shown(reason))),
        StepKind::Native(mfa) if mfa.module == Atom::ERLANG => {
            let args: Vec<String> = args.iter().map(|&a| shown(a)).collect();
            format!("{}({})", mfa.function.name(), args.join(", "))
        }
        StepKind::Native(mfa) => {
            let args: Vec<String> = args.iter().map(|&a| shown(a)).collect();
            format!("{}.{}({})", module(mfa.module), mfa.function.name(), args.join(", "))
        }
    }
}

fn module(name: Atom) -> String {
    match name.name().strip_prefix("Elixir.") {
        Some(elixir) => elixir.into(),
        None => format!(":{}", name.name()),
    }
}

/// A process: its number, its name or what it was started with. `first`: the one that began the program.
pub fn who(ctx: &mut Ctx<'_>, first: u64) -> String {
    let pid = shown(ctx.process.pid());
    if ctx.process.id() == first {
        return format!("{pid} (the program's first)");
    }
    let names = &ctx.engine.names;
    let name = names.all().into_iter().find(|&n| names.whereis(n) == Some(ctx.process.pid()));
    let label = Atom::existing("$process_label").and_then(|key| ctx.data.dictionary().get(Term::atom(key))).map(shown);
    let call = ctx.data.initial_call;
    let began = match initial_call(ctx) {
        Some((m, f, a)) => format!("{}.{}/{a}", module(m), f.name()),
        None => match origin(ctx).filter(|_| call.module == Atom::ERLANG) {
            Some((mfa, _)) if mfa.module.name() == "Elixir.ExUnit.Runner" => "the test".into(),
            Some((mfa, place)) if place.is_empty() => {
                format!("{}.{}/{}", module(mfa.module), mfa.function.name(), mfa.arity)
            }
            Some((_, place)) => place,
            None => format!("{}.{}/{}", module(call.module), call.function.name(), call.arity),
        },
    };
    let name = name.map_or(String::new(), |n| format!(" {}", module(n)));
    let label = label.map_or(String::new(), |l| format!(" {l}"));
    format!("{pid}{name}{label} ({began})")
}

/// Where a process began: the outermost function on its stack, and the place there.
fn origin(ctx: &Ctx<'_>) -> Option<(Mfa, String)> {
    let first = (!ctx.data.pc.is_null()).then_some(ctx.data.pc as usize);
    let all = stack_trace::addresses(&ctx.data.heap, first, 1000);
    let (entry, line) = all.iter().rev().find_map(|&a| ctx.engine.code.locate_line((a as usize).saturating_sub(1)))?;
    Some((entry.mfa, line.map_or(String::new(), |(file, line)| format!("{}:{line}", text_of(file)))))
}

/// Whether a process is one that Elixir's compiler has started for itself, or reports on tests.
pub fn is_system(ctx: &mut Ctx<'_>) -> bool {
    began_in(ctx).is_some_and(|name| {
        // A script's own code is in modules whose names begin with `elixir_compiler_`.
        (name.starts_with("elixir_") && !name.starts_with("elixir_compiler_"))
            || matches!(name, "Elixir.Kernel.LexicalTracker" | "Elixir.Kernel.ParallelCompiler")
            || (name.starts_with("Elixir.ExUnit.") && name != "Elixir.ExUnit.Runner")
    })
}

/// Whether a process is one by which programs are compiled, started, tested or logged.
pub fn is_tool(ctx: &mut Ctx<'_>) -> bool {
    const TOOLS: &[&str] =
        &["elixir_", "Elixir.ExUnit", "Elixir.Mix", "Elixir.Kernel.", "Elixir.Logger", "logger", "application_master"];
    began_in(ctx).is_some_and(|name| TOOLS.iter().any(|t| name.starts_with(t)))
}

/// The module of what a process was started with.
fn began_in(ctx: &mut Ctx<'_>) -> Option<&'static str> {
    // One that has not run yet stands before a call of its fun.
    let fun = ctx.data.saved_x.first().and_then(|f| f.as_fun()).filter(|_| ctx.data.pc.is_null());
    let module = match (initial_call(ctx), fun) {
        (Some((module, ..)), _) => Some(module),
        (_, Some((entry, ..))) => Some(entry.module),
        _ => origin(ctx).map(|(mfa, _)| mfa.module).or(Some(ctx.data.initial_call.module)),
    };
    module.map(|m| m.name())
}

/// What a process of `proc_lib` was started with.
fn initial_call(ctx: &mut Ctx<'_>) -> Option<(Atom, Atom, i64)> {
    match ctx.data.dictionary().get(Term::atom(Atom::existing("$initial_call")?))?.as_tuple()? {
        &[m, f, a] => Some((m.as_atom()?, f.as_atom()?, a.as_small()?)),
        _ => None,
    }
}

/// Whether a step is one of the program itself: it comes from a file that is here, or its process is none of ExUnit's.
pub fn is_own(ctx: &mut Ctx<'_>, place: &str) -> bool {
    !place.contains(' ') || !began_in(ctx).is_some_and(|m| m.starts_with("Elixir.ExUnit"))
}

/// Where a process is: the innermost call of a file that is here, else of any with a line.
pub fn place(ctx: &Ctx<'_>) -> String {
    let first = (!ctx.data.pc.is_null()).then_some(ctx.data.pc as usize);
    let mut found = String::new();
    for (i, address) in stack_trace::addresses(&ctx.data.heap, first, 64).into_iter().enumerate() {
        // A return address stands behind its call.
        let at = if i == 0 && first.is_some() { address as usize } else { (address as usize).saturating_sub(1) };
        let Some((entry, Some((file, line)))) = ctx.engine.code.locate_line(at) else { continue };
        let file = text_of(file);
        let is_here = Path::new(&file).exists();
        if is_here || found.is_empty() {
            found = format!("{file}:{line}");
            if !is_here {
                found = format!("{} {found}", module(entry.mfa.module));
            }
        }
        if is_here {
            break;
        }
    }
    found
}

fn text_of(t: Term) -> String {
    match t.as_bytes() {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => t.iter().filter_map(Term::as_small).filter_map(|c| char::from_u32(c as u32)).collect(),
    }
}
