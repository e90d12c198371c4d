//! Tokens of sequential tracing (`seq_trace`), which travel with messages.

use purlin_term::{Heap, Owned, Term};
use std::sync::Arc;

/// A trace token.
#[derive(Clone)]
pub struct Token {
    pub flags: u32,
    pub label: Arc<Owned>,
    pub serial: i64,
    pub from: Term,
    pub last: i64,
    pub(crate) era: u64,
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
        Token { serial: self.serial + 1, last: self.serial, from: by, ..self.clone() }
    }

    /// `{Flags, Label, Serial, From, Last}`.
    pub fn term(&self, h: &mut Heap) -> Term {
        let label = self.label.copy_to(h);
        h.tuple(&[Term::small(self.flags as i64), label, Term::small(self.serial), self.from, Term::small(self.last)])
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
            from: me,
            last,
            era,
        })
    }
}
