//! Looking for one term among many: what orders it, as far as one word says it, is worked out once.

use super::terms_of;
use crate::atom::Atom;
use crate::boxed::Kind;
use crate::word::{ATOM, SMALL, TAG4, Term};

/// A small integer, an atom, or a tuple that begins with one, which others are compared with.
pub struct Sought {
    /// The header of a tuple; 0, which is no header, for what is none.
    header: u64,
    key: Key,
}

/// What orders terms of a type among each other: small integers, and atoms by the starts of their texts.
#[derive(Clone, Copy)]
struct Key {
    tag: u64,
    value: i64,
}

impl Key {
    #[inline(always)]
    fn of(t: Term) -> Option<Key> {
        let tag = t.0 & TAG4;
        matches!(tag, SMALL | ATOM).then(|| Key { tag, value: Key::value(tag, t) })
    }

    /// What orders a term that has this tag.
    #[inline(always)]
    fn value(tag: u64, t: Term) -> i64 {
        if tag == SMALL { t.0 as i64 } else { i64::from(Atom::from_index((t.0 >> 4) as u32).start()) }
    }
}

impl Sought {
    /// `None` for terms of other types. Makes no call.
    #[inline(always)]
    pub fn new(t: Term) -> Option<Sought> {
        if !t.is_boxed() {
            return Some(Sought { header: 0, key: Key::of(t)? });
        }
        let header = t.header_word();
        if Kind::of_header(header) != Kind::Tuple {
            return None;
        }
        Some(Sought { header, key: Key::of(*terms_of(t).first()?)? })
    }

    /// Whether this comes behind another term; `None` where more than a word of each decides. Makes no call.
    #[inline(always)]
    pub fn is_behind(&self, t: Term) -> Option<bool> {
        let first = match self.header {
            0 => t,
            header if t.is_boxed() && t.header_word() == header => terms_of(t)[0],
            _ => return None,
        };
        if first.0 & TAG4 != self.key.tag {
            return None;
        }
        let value = Key::value(self.key.tag, first);
        (value != self.key.value).then_some(value < self.key.value)
    }
}
