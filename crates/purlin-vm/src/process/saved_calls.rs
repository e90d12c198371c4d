//! `process_flag(save_calls, N)`: the last calls by name that a process made.
//!
//! A process that saves its calls runs in the general loop alone, which looks at each instruction; no other process
//! pays for it.

use crate::process::Mfa;
use std::collections::VecDeque;

/// One saved call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saved {
    Call(Mfa),
    Send,
    Receive,
    Timeout,
}

/// The last calls, the oldest first.
#[derive(Clone, Debug)]
pub struct SavedCalls {
    most: usize,
    calls: VecDeque<Saved>,
}

impl SavedCalls {
    /// Room for so many calls.
    pub fn new(most: usize) -> SavedCalls {
        SavedCalls { most, calls: VecDeque::with_capacity(most.min(1024)) }
    }

    /// How many calls are saved at most.
    pub fn most(&self) -> usize {
        self.most
    }

    pub fn calls(&self) -> impl Iterator<Item = Saved> + '_ {
        self.calls.iter().copied()
    }

    pub(crate) fn note(&mut self, call: Saved) {
        if self.calls.len() >= self.most {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}
