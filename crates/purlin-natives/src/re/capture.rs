//! Which groups a match returns, and in which form.

use purlin_regex::{Captures, Regex};
use purlin_term::{Heap, Term, am};

/// The form of each group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Index,
    List,
    Binary,
}

/// The groups to return.
pub enum Selection {
    /// From this group on, up to the last one that took part.
    From(usize),
    /// The first that took part of each of these lists of groups.
    These(Vec<Vec<usize>>),
    /// None: the answer is just `match`.
    None,
}

/// A read `{capture, Values, Type}`.
pub struct Capture {
    what: Selection,
    form: Form,
}

impl Capture {
    /// What a call without the option returns.
    pub const ALL: Capture = Capture { what: Selection::From(0), form: Form::Index };

    pub fn of(values: Term, kind: Term, regex: &Regex) -> Option<Capture> {
        let forms = [(am!("index"), Form::Index), (am!("list"), Form::List), (am!("binary"), Form::Binary)];
        let form = forms.iter().find(|f| f.0 == kind)?.1;
        let what = if values == am!("all") {
            Selection::From(0)
        } else if values == am!("none") || values.is_nil() {
            Selection::None
        } else if values == am!("all_but_first") {
            Selection::From(1)
        } else if values == am!("first") {
            Selection::These(vec![vec![0]])
        } else if values == am!("all_names") {
            all_names(regex)
        } else {
            let ids = values.is_cons().then(|| values.as_list()).flatten()?;
            Selection::These(ids.into_iter().map(|id| group(id, regex)).collect::<Option<_>>()?)
        };
        Some(Capture { what, form })
    }

    /// `match` or `{match, Captured}`. `binary` is the subject when it is a binary, whose parts can then be shared.
    pub fn answer(&self, heap: &mut Heap, found: &Captures, subject: &[u8], binary: Option<Term>) -> Term {
        let ranges: Vec<Option<(usize, usize)>> = match &self.what {
            Selection::None => return am!("match"),
            Selection::From(n) => found.get(*n..).unwrap_or(&[]).to_vec(),
            Selection::These(groups) => {
                let pick = |g: &Vec<usize>| g.iter().find_map(|&i| found.get(i).copied().flatten());
                groups.iter().map(pick).collect()
            }
        };
        let terms: Vec<Term> = ranges
            .into_iter()
            .map(|r| match self.form {
                Form::Index => {
                    let (from, len) = r.map_or((-1, 0), |(a, b)| (a as i64, (b - a) as i64));
                    heap.tuple(&[Term::small(from), Term::small(len)])
                }
                Form::List => heap.byte_list(r.map_or(&[], |(a, b)| &subject[a..b])),
                Form::Binary => match (r, binary) {
                    (Some((a, b)), Some(whole)) => heap.sub_bits(whole, a * 8, (b - a) * 8),
                    (Some((a, b)), None) => heap.binary(&subject[a..b]),
                    (None, _) => heap.binary(&[]),
                },
            })
            .collect();
        let list = heap.list(&terms);
        heap.tuple(&[am!("match"), list])
    }
}

/// Each name once, in the order of the names.
fn all_names(regex: &Regex) -> Selection {
    let mut groups: Vec<(&[u8], Vec<usize>)> = Vec::new();
    for (name, number) in regex.names() {
        match groups.last_mut() {
            Some((last, numbers)) if *last == &**name && regex.has_dupnames() => numbers.push(*number as usize),
            _ => groups.push((name, vec![*number as usize])),
        }
    }
    if groups.is_empty() {
        return Selection::None;
    }
    Selection::These(groups.into_iter().map(|g| g.1).collect())
}

/// The groups that a number or a name stands for.
fn group(id: Term, regex: &Regex) -> Option<Vec<usize>> {
    if let Some(i) = id.as_small() {
        return i32::try_from(i).ok().and_then(|i| usize::try_from(i).ok()).map(|i| vec![i]);
    }
    let name = match id.as_atom() {
        Some(a) => a.name().as_bytes().to_vec(),
        None => super::bytes(id)?.into_owned(),
    };
    Some(regex.names().iter().filter(|n| n.0 == name).map(|n| n.1 as usize).collect())
}
