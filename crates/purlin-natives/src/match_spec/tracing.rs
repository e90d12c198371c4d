//! What only specifications for tracing can say, and a specification as [`purlin_vm::tracing`] knows it.

use super::run::Active;
use super::{Action, BadSpec, Dialect, Program, Run};
use crate::backtrace;
use crate::trace::{Request, sequential, set_tracee};
use purlin_term::{Atom, Owned, Term, am, print};
use purlin_vm::code::stack_trace;
use purlin_vm::escape::Class;
use purlin_vm::tracing::{Flags, Session, Site, TraceSpec, Verdict, sequential as seq};
use purlin_vm::{Ctx, Engine, Mfa, Process};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Compiles a specification for tracing.
pub fn trace_spec(engine: &Engine, spec: Term, dialect: Dialect) -> Result<Arc<dyn TraceSpec>, BadSpec> {
    Ok(Arc::new(Program::compile(engine, spec, dialect)?))
}

impl TraceSpec for Program {
    fn run(&self, ctx: &mut Ctx<'_>, arguments: &[Term], site: &Site) -> Verdict {
        Run::new(self).on_event(ctx, arguments, site)
    }

    fn source(&self) -> Term {
        self.source()
    }
}

impl Active<'_, '_, '_> {
    /// Does what a form says; its value, or nothing when it failed.
    pub(super) fn act(&mut self, what: Action, args: &[Term], trial: bool) -> Option<Term> {
        let done = Some(am!("true"));
        match (what, args) {
            (Action::Message, &[t]) => self.asked.message = Some(Owned::new(t)),
            (Action::ReturnTrace, _) => self.asked.return_trace = true,
            (Action::ExceptionTrace, _) => self.asked.exception_trace = true,
            (Action::Display, &[t]) => {
                let _ = writeln!(std::io::stdout(), "{}", print::display(t));
            }
            (Action::IsSeqTrace, _) => {
                return Some(Term::bool(seq::token(self.ctx.engine, self.ctx.data).is_some()));
            }
            (Action::GetSeqToken, _) => {
                let token = seq::token(self.ctx.engine, self.ctx.data).cloned();
                return Some(token.map_or(Term::NIL, |t| t.term(self.heap())));
            }
            (Action::SetSeqToken, &[key, _]) if trial => return sequential::info(self.ctx, key),
            (Action::SetSeqToken, &[key, value]) => return sequential::set(self.ctx, key, value),
            (Action::ProcessDump, _) => {
                let text = self.with_own_heap(|c| backtrace::text(c.engine, c.data));
                return Some(self.heap().binary(text.as_bytes()));
            }
            (Action::EnableTrace, args) => return self.switch(args, true),
            (Action::DisableTrace, args) => return self.switch(args, false),
            (Action::Trace, args) => return self.trace(args),
            (Action::Silent, &[on]) => {
                if let (Some(on), false) = (on.as_bool(), trial) {
                    let none = Flags::default();
                    let (set, clear) = if on { (Flags::SILENT, none) } else { (none, Flags::SILENT) };
                    self.ctx.process.trace.change(self.site.session, |s| s.set(set, clear));
                }
            }
            (Action::Caller, _) => return Some(self.caller()),
            (Action::CallerLine, _) => return Some(self.caller_line()),
            (Action::CurrentStacktrace, args) => return self.stacktrace(args.first().copied()),
            (Action::GetTcw, _) => return Some(self.control_word()),
            (Action::SetTcw, &[n]) => {
                let new = n.as_usize().and_then(|n| u32::try_from(n).ok())?;
                if trial {
                    return Some(self.control_word());
                }
                let before = self.ctx.engine.tracing.control_word.swap(new, Ordering::AcqRel);
                return Some(Term::small(before as i64));
            }
            _ => return None,
        }
        done
    }

    /// The session that the specification decides for.
    fn session(&self) -> Option<Arc<Session>> {
        self.ctx.engine.tracing.session(self.site.session)
    }

    /// Whom a process's events are told: the session's tracer, or the process's own.
    fn tracer(&self, session: &Session) -> Option<Term> {
        session.tracer().or_else(|| self.ctx.process.trace.share(session.id)?.tracer())
    }

    fn control_word(&self) -> Term {
        Term::small(self.ctx.engine.tracing.control_word.load(Ordering::Acquire) as i64)
    }

    /// The process that a pid or name means; with none, the one that runs this.
    fn tracee(&self, t: Option<Term>) -> Option<Arc<Process>> {
        let Some(t) = t else { return Some(self.ctx.process.clone()) };
        let pid = match t.as_atom() {
            Some(name) => self.ctx.engine.names.whereis(name)?,
            None => t,
        };
        self.ctx.engine.process(pid.as_pid()?)
    }

    /// `{enable_trace, [Process,] Flag}`, `{disable_trace, [Process,] Flag}`
    fn switch(&mut self, args: &[Term], on: bool) -> Option<Term> {
        let (flag, tracee) = match *args {
            [flag] => (flag, None),
            [tracee, flag] => (flag, Some(tracee)),
            _ => return None,
        };
        let flags = Flags::named(flag)?;
        let tracee = self.tracee(tracee)?;
        let none = Flags::default();
        let (set, clear) = if on { (flags, none) } else { (none, flags) };
        // The other process takes over this one's tracer.
        let session = self.session()?;
        let tracer = self.tracer(&session);
        set_tracee(self.ctx.engine, &tracee, session.id, tracer, set, clear);
        Some(am!("true"))
    }

    /// `{trace, [Process,] Disable, Enable}`
    fn trace(&mut self, args: &[Term]) -> Option<Term> {
        let (off, on, tracee) = match *args {
            [off, on] => (off, on, None),
            [tracee, off, on] => (off, on, Some(tracee)),
            _ => return None,
        };
        let session = self.session()?;
        let (off, on) = (Request::parse(off, &session)?, Request::parse(on, &session)?);
        if off.cpu_timestamp || on.cpu_timestamp {
            return None;
        }
        let tracee = self.tracee(tracee)?;
        let tracer = on.tracer.or(off.tracer).or_else(|| self.tracer(&session));
        set_tracee(self.ctx.engine, &tracee, session.id, tracer, on.flags, off.flags).map(Term::bool)
    }

    fn mfa(&mut self, mfa: Mfa, location: Option<Term>) -> Term {
        let mut parts = vec![Term::atom(mfa.module), Term::atom(mfa.function), Term::small(mfa.arity as i64)];
        parts.extend(location);
        self.heap().tuple(&parts)
    }

    fn caller(&mut self) -> Term {
        match self.site.caller {
            Some((mfa, _)) => self.mfa(mfa, None),
            None => Term::atom(Atom::UNDEFINED),
        }
    }

    /// The callers, at most as many as asked for and as stack traces have.
    fn stacktrace(&mut self, depth: Option<Term>) -> Option<Term> {
        let most = self.ctx.engine.backtrace_depth();
        let depth = depth.map_or(Some(most), |t| t.as_usize())?.min(most);
        let addresses = self.with_own_heap(|c| stack_trace::addresses(&c.data.heap, None, depth));
        let engine = self.ctx.engine.clone();
        let raw = stack_trace::raw(self.heap(), Class::Error, &[], &addresses);
        Some(stack_trace::finished(&engine.code, self.heap(), raw))
    }

    /// `{Module, Function, Arity, {File, Line}}`
    fn caller_line(&mut self) -> Term {
        let undefined = Term::atom(Atom::UNDEFINED);
        let Some((mfa, address)) = self.site.caller else { return undefined };
        let place = self.ctx.engine.code.line_at(address);
        let location = match place {
            Some((file, line)) => self.heap().tuple(&[file, Term::small(line as i64)]),
            None => undefined,
        };
        self.mfa(mfa, Some(location))
    }
}
