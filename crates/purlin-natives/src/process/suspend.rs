//! Natives that suspend another process and resume it.

use super::{TRUE, pair};
use purlin_term::{Atom, Heap, Immediate, Owned, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::{Signal, Target};
use purlin_vm::suspension::Suspension;
use purlin_vm::{Ctx, Escape, Native, NativeResult, receive};

pub const NATIVES: &[Native] = &[
    Native::plain("erts_internal", "suspend_process", 2, suspend_process),
    Native::plain("erlang", "resume_process", 1, resume_process),
];

/// What the options of `suspend_process/2` say.
#[derive(Default)]
struct Options {
    unless_suspending: bool,
    asynchronous: bool,
    reply_tag: Option<Term>,
}

fn options(t: Term) -> Option<Options> {
    let mut options = Options::default();
    for option in t.as_list()? {
        match pair(option) {
            None if option == am!("unless_suspending") => options.unless_suspending = true,
            None if option == am!("asynchronous") => options.asynchronous = true,
            Some((key, tag)) if key == am!("asynchronous") => {
                options.asynchronous = true;
                options.reply_tag = Some(tag);
            }
            _ => return None,
        }
    }
    Some(options)
}

/// `true` or `false`, or a reference: the result comes as `{Ref, Result}`.
fn suspend_process(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let badarg = Ok(Term::atom(Atom::BADARG));
    let Some(other) = args[0].as_pid().filter(|&id| id != ctx.process.id()) else { return badarg };
    let Some(Options { unless_suspending, asynchronous, reply_tag }) = options(args[1]) else {
        return Ok(Term::atom(Atom::BADOPT));
    };
    let alive = ctx.engine.process(other).is_some();
    let suspending = &mut ctx.data.rare_mut().suspending;
    if !alive {
        suspending.retain(|s| s.suspendee != other);
        if !asynchronous {
            return badarg;
        }
    }
    let known = suspending.iter_mut().find(|s| s.suspendee == other);
    let (result, active) = match known {
        Some(s) => {
            s.count += u32::from(!unless_suspending);
            (Term::bool(!unless_suspending), s.is_active())
        }
        None if alive => {
            let suspension = Suspension::begin(ctx.engine, other);
            suspending.push(suspension);
            (TRUE, false)
        }
        None => (TRUE, false),
    };
    if asynchronous {
        if let Some(tag) = reply_tag.map(Owned::new) {
            answer_after(ctx, args[0], move |h, state| {
                let tag = tag.copy_to(h);
                h.tuple(&[tag, state.atom()])
            });
        }
        return Ok(result);
    }
    if active {
        return Ok(result);
    }
    let id = ctx.engine.next_ref();
    receive::await_next(ctx.data);
    let done = Immediate::new(result).or_badarg()?;
    answer_after(ctx, args[0], move |h, state| {
        let r = h.reference(id);
        h.tuple(&[r, if state == State::Exited { Term::atom(Atom::BADARG) } else { done.term() }])
    });
    Ok(ctx.heap().reference(id))
}

/// What has become of a process after the signals that the caller sent it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Suspended,
    NotSuspended,
    Exited,
}

impl State {
    fn atom(self) -> Term {
        match self {
            State::Suspended => am!("suspended"),
            State::NotSuspended => am!("not_suspended"),
            State::Exited => am!("exited"),
        }
    }
}

/// Sends the caller the message that `answer` makes, when the other process has handled all signals from the caller.
fn answer_after(ctx: &mut Ctx<'_>, other: Term, answer: impl FnOnce(&mut Heap, State) -> Term + Send + 'static) {
    let me = ctx.process.who();
    let request = Signal::request(move |engine, target| {
        let state = match target {
            Target::Alive(_, data) if data.suspended > 0 => State::Suspended,
            Target::Alive(..) => State::NotSuspended,
            Target::Gone => State::Exited,
        };
        let mut heap = Heap::new(0);
        let message = answer(&mut heap, state);
        engine.post(me.term(), Signal::message(message));
    });
    ctx.engine.post_question(other, ctx.process.priority(), request);
}

fn resume_process(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let other = args[0].as_pid().filter(|&id| id != ctx.process.id()).or_badarg()?;
    let alive = ctx.engine.process(other).is_some();
    let suspending = &mut ctx.data.rare_mut().suspending;
    let at = suspending.iter().position(|s| s.suspendee == other).or_badarg()?;
    suspending[at].count -= 1;
    if !alive {
        suspending.swap_remove(at);
        return Err(Escape::BADARG);
    }
    if suspending[at].count == 0 {
        suspending.swap_remove(at).end(ctx.engine);
    }
    Ok(TRUE)
}
