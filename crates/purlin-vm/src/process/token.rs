//! Tokens of sequential tracing (`seq_trace`), which travel with messages.

use purlin_term::{Heap, Owned, RemotePid, Term};
use std::sync::Arc;

/// A trace token.
#[derive(Clone)]
pub struct Token {
    pub flags: u32,
    pub label: Arc<Owned>,
    pub serial: i64,
    pub from: Origin,
    pub last: i64,
    pub(crate) era: u64,
}

/// The process that a token comes from.
#[derive(Clone, Copy)]
pub enum Origin {
    Here(Term),
    /// Of another node.
    There(RemotePid),
}

impl Origin {
    pub fn term(self, h: &mut Heap) -> Term {
        match self {
            Origin::Here(pid) => pid,
            Origin::There(pid) => pid.term(h),
        }
    }
}

/// What a process knows of sequential tracing.
#[derive(Clone, Default)]
pub struct Sequence {
    pub(crate) era: u64,
    pub token: Option<Token>,
    pub clock: i64,
    pub last: i64,
}

impl Token {
    /// The token of the next message, of a process that has just received this one.
    pub fn answered(&self, by: Term) -> Token {
        Token { serial: self.serial + 1, last: self.serial, from: Origin::Here(by), ..self.clone() }
    }

    /// `{Flags, Label, Serial, From, Last}`.
    pub fn term(&self, h: &mut Heap) -> Term {
        let (label, from) = (self.label.copy_to(h), self.from.term(h));
        h.tuple(&[Term::small(self.flags as i64), label, Term::small(self.serial), from, Term::small(self.last)])
    }

    /// The token that such a term is.
    pub(crate) fn of(t: Term, era: u64) -> Option<Token> {
        let &[flags, label, serial, from, last] = t.as_tuple()? else { return None };
        let from = if from.is_local_pid() { Origin::Here(from) } else { Origin::There(RemotePid::of(from)?) };
        let flags = u32::try_from(flags.as_small()?).ok()?;
        let label = Arc::new(Owned::new(label));
        Some(Token { flags, label, serial: serial.as_small()?, from, last: last.as_small()?, era })
    }
}

impl Sequence {
    /// What a child has of its parent's token, when it has answered that it runs.
    pub fn inherited(token: &Token) -> Sequence {
        let answer = token.answered(Term::NONE);
        Sequence { era: token.era, clock: answer.serial, last: answer.last, token: Some(answer) }
    }

    /// The token, made when there is none.
    pub fn token_or_new(&mut self, me: Term) -> &mut Token {
        let (last, era) = (self.last, self.era);
        self.token.get_or_insert_with(|| Token {
            flags: 0,
            label: Arc::new(Owned::new(Term::small(0))),
            serial: 0,
            from: Origin::Here(me),
            last,
            era,
        })
    }
}
