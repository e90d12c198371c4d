//! What a match specification says about the keys of the rows it can match, so that a scan need not visit all.

use crate::ets::hash::HashRows;
use crate::ets::key::{Key, Probe};
use crate::match_spec::{has_variable, variable};
use purlin_term::compare::{cmp, same};
use purlin_term::{Term, am};
use std::ops::Bound;

/// The key patterns of a specification's heads.
pub struct Keys {
    /// Heads that can match at all; `None`: any key.
    patterns: Vec<Option<Term>>,
}

impl Keys {
    pub fn of(spec: Term, keypos: usize) -> Keys {
        let mut patterns = Vec::new();
        for clause in spec.iter() {
            let Some(&[head, _, _]) = clause.as_tuple() else { continue };
            if head == am!("_") || variable(head).is_some() {
                patterns.push(None);
            } else if let Some(key) = head.as_tuple().and_then(|e| e.get(keypos - 1)) {
                let anything = *key == am!("_") || variable(*key).is_some();
                patterns.push((!anything).then_some(*key));
            }
        }
        Keys { patterns }
    }

    /// Whether no row can match.
    pub fn impossible(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The buckets to visit, when all heads give their keys.
    pub fn buckets(&self, rows: &HashRows) -> Option<Vec<usize>> {
        let mut buckets = Vec::new();
        for pattern in &self.patterns {
            let key = pattern.filter(|k| !has_variable(*k))?;
            let i = rows.bucket_index(key);
            if !buckets.contains(&i) && (rows.stride() > 1 || rows.contains(Key::hashed(key))) {
                buckets.push(i);
            }
        }
        Some(buckets)
    }

    /// The key, when all heads give one and the same.
    pub fn single(&self) -> Option<Term> {
        let first = self.patterns.first().copied().flatten()?;
        let equal = |p: &Option<Term>| p.is_some_and(|k| !has_variable(k) && cmp(k, first).is_eq());
        self.patterns.iter().all(equal).then_some(first)
    }

    /// The range of keys, when there is one head whose key is at least partly given.
    pub fn range(&self) -> (Bound<Probe>, Bound<Probe>) {
        match self.patterns[..] {
            [Some(pattern)] => (Bound::Excluded(Probe::before(pattern)), Bound::Excluded(Probe::behind(pattern))),
            _ => (Bound::Unbounded, Bound::Unbounded),
        }
    }
}

// ---- select_replace

/// Whether each clause's result certainly is a row with the key of the row it replaces.
pub fn keeps_keys(spec: Term, keypos: usize) -> bool {
    spec.iter().all(|clause| match clause.as_tuple() {
        Some(&[head, _, body]) => clause_keeps_key(head, body, keypos),
        _ => false,
    })
}

fn clause_keeps_key(head: Term, body: Term, keypos: usize) -> bool {
    let Some((result, rest)) = body.as_cons() else { return false };
    if !rest.is_nil() {
        return false;
    }
    if result == am!("$_") {
        return true;
    }
    let element = |t: Term| t.as_tuple().and_then(|e| e.get(keypos - 1)).copied();
    let Some(head_key) = element(head) else { return false };
    let (row, constant) = match result.as_tuple() {
        Some(&[name, row]) if name == am!("const") => (row, true),
        Some(&[row]) => (row, false),
        _ => return false,
    };
    let Some(key) = element(row) else { return false };
    if builds_same(head_key, key, constant) {
        return true;
    }
    // {element, KeyPos, '$_'}
    !constant
        && key.as_tuple().is_some_and(
            |e| matches!(*e, [f, n, row] if f == am!("element") && n == Term::small(keypos as i64) && row == am!("$_")),
        )
}

/// Whether the expression `build` always gives the term that the pattern `matched` has matched.
fn builds_same(matched: Term, build: Term, constant: bool) -> bool {
    if let Some((head, tail)) = build.as_cons() {
        let Some((mh, mt)) = matched.as_cons() else { return false };
        return builds_same(mh, head, constant) && builds_same(mt, tail, constant);
    }
    if let Some(elements) = build.as_tuple() {
        let elements = match *elements {
            _ if constant => elements,
            [inner] if inner.is_tuple() => inner.as_tuple().unwrap_or(&[]),
            [name, inner] if name == am!("const") => return builds_same(matched, inner, true),
            _ => return false,
        };
        let Some(parts) = matched.as_tuple().filter(|p| p.len() == elements.len()) else { return false };
        return parts.iter().zip(elements).all(|(m, b)| builds_same(*m, *b, constant));
    }
    if build.is_map() {
        return false;
    }
    if !build.is_immediate() {
        return same(matched, build);
    }
    let special = [am!("_"), am!("$$"), am!("$_")].contains(&matched);
    matched == build && !special && !(constant && variable(matched).is_some())
}
