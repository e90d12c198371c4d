//! The terms with which a scan in portions goes on, shaped as in OTP because `ets:repair_continuation/2` looks inside:
//! `{Table, Bucket, Size, Program, Rest, RestSize}` for hash tables and
//! `{Table, LastKey, End, Size, Program, Rest, Reverse, Count}` for ordered sets.

use super::{Job, Position, Work};
use crate::ets::table::{Rows, State};
use crate::match_spec;
use purlin_term::{Term, am};
use purlin_vm::{Ctx, NativeResult};

/// Reads a continuation for a table.
pub fn read(t: Term, state: &State) -> Option<Work> {
    let (size, program, rest, rest_size, reverse, position) = match (&state.rows, t.as_tuple()?) {
        (Rows::Hash(_), &[_, bucket, size, program, rest, n]) => {
            let position = match bucket.as_small()? {
                ..0 => Position::End,
                i => Position::Bucket(usize::try_from(i).ok()?),
            };
            (size, program, rest, n, false, position)
        }
        (Rows::Tree(_), &[_, last, _, size, program, rest, reverse, n]) => {
            (size, program, rest, n, reverse.as_small()? != 0, Position::Behind(last))
        }
        _ => return None,
    };
    if !rest.is_list() {
        return None;
    }
    Some(Work {
        program: match_spec::program(program)?.clone(),
        job: Job::Chunk { reverse, size: size.as_usize()? },
        first: false,
        position,
        found: rest,
        count: rest_size.as_usize()?,
        paused: false,
    })
}

/// What is needed to answer with a portion and how to get the next.
pub struct Continuation<'a> {
    pub table: Term,
    pub reverse: bool,
    pub size: usize,
    pub work: &'a Work,
}

impl Continuation<'_> {
    /// `{Portion, '$end_of_table'}`, or the end when the portion is empty.
    fn last(&self, ctx: &mut Ctx<'_>, portion: Term) -> NativeResult {
        let end = am!("$end_of_table");
        Ok(if portion.is_nil() { end } else { ctx.heap().tuple(&[portion, end]) })
    }

    /// Whole buckets were visited, so more may have been found than asked for: the rest comes with the next portion.
    pub fn hash_answer(&self, ctx: &mut Ctx<'_>) -> NativeResult {
        let work = self.work;
        let surplus = work.count.saturating_sub(self.size);
        let (mut rest, mut portion) = (Vec::with_capacity(surplus), work.found);
        while rest.len() < surplus
            && let Some((head, tail)) = portion.as_cons()
        {
            rest.push(head);
            portion = tail;
        }
        if !work.first {
            rest.reverse();
        }
        let bucket = match work.position {
            Position::Bucket(i) => i as i64,
            _ => -1,
        };
        if rest.is_empty() && bucket < 0 {
            return self.last(ctx, portion);
        }
        let program = match_spec::reference(ctx, work.program.clone());
        let h = ctx.heap();
        let rest_size = Term::small(rest.len() as i64);
        let rest = h.list(&rest);
        let size = Term::small(self.size as i64);
        let next = h.tuple(&[self.table, Term::small(bucket), size, program, rest, rest_size]);
        Ok(h.tuple(&[portion, next]))
    }

    /// The rows were found in order, the last one first.
    pub fn tree_answer(&self, ctx: &mut Ctx<'_>) -> NativeResult {
        let work = self.work;
        let mut portion: Vec<Term> = work.found.iter().collect();
        portion.reverse();
        let portion = ctx.heap().list(&portion);
        let Position::Behind(last) = work.position else { return self.last(ctx, portion) };
        let program = match_spec::reference(ctx, work.program.clone());
        let h = ctx.heap();
        let (size, reverse) = (Term::small(self.size as i64), Term::small(self.reverse as i64));
        let next = h.tuple(&[self.table, last, Term::NIL, size, program, Term::NIL, reverse, Term::small(0)]);
        Ok(h.tuple(&[portion, next]))
    }
}
