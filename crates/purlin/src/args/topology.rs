//! The value of `+sct`: a processor topology that a user defines, such as `L0-3c0-3p0N0:L4,5c0,1p1N1`.

use super::scan::long;

/// One logical processor, and the ids of the levels above it: node, processor, node of a processor, core, thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    levels: [i64; 5],
    logical: i64,
}

/// The levels, from the highest.
const NODE: usize = 0;
const PROCESSOR: usize = 1;
const PROCESSOR_NODE: usize = 2;
const CORE: usize = 3;
const THREAD: usize = 4;
const LOGICAL: usize = 5;

/// The largest id.
const MAX: i64 = 65_535;

/// What is wrong with a topology.
pub fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("missing cpu topology");
    }
    let mut places = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = entry(rest, &mut places)?;
    }
    verify(&mut places)
}

/// One entry, up to a colon; what follows it.
fn entry<'a>(text: &'a str, places: &mut Vec<Place>) -> Result<&'a str, &'static str> {
    let mut ids: [Vec<i64>; 6] = [vec![-1], vec![0], vec![-1], vec![0], vec![0], vec![]];
    let mut above = LOGICAL + 1;
    let mut rest = text;
    while let Some(c) = rest.chars().next().filter(|&c| c != ':') {
        rest = &rest[c.len_utf8()..];
        let level = match c {
            'L' => LOGICAL,
            't' | 'T' => THREAD,
            'c' | 'C' => CORE,
            'p' | 'P' => PROCESSOR,
            // A node within a processor is named before it.
            'n' | 'N' if above > PROCESSOR && rest.split(':').next().is_some_and(|r| r.contains(['p', 'P'])) => {
                PROCESSOR_NODE
            }
            'n' | 'N' => NODE,
            _ => return Err("invalid identifier type"),
        };
        if above <= level {
            return Err("invalid hierarchy");
        }
        above = level;
        rest = sequence(rest, &mut ids[level])?;
    }
    let count = ids[LOGICAL].len();
    if count == 0 {
        return Err("missing logical identifier");
    }
    if ids[..LOGICAL].iter().any(|of| of.len() != 1 && of.len() != count) {
        return Err("invalid identifier range");
    }
    for i in 0..count {
        let at = |level: usize| ids[level][if ids[level].len() == 1 { 0 } else { i }];
        let levels = [NODE, PROCESSOR, PROCESSOR_NODE, CORE, THREAD].map(at);
        places.push(Place { levels, logical: ids[LOGICAL][i] });
    }
    Ok(rest.strip_prefix(':').unwrap_or(rest))
}

/// Ids and ranges of them, separated by commas.
fn sequence<'a>(text: &'a str, ids: &mut Vec<i64>) -> Result<&'a str, &'static str> {
    ids.clear();
    let mut rest = text;
    loop {
        let first = id(&mut rest).ok_or("invalid identifier")?;
        match rest.strip_prefix('-') {
            Some(behind) => {
                rest = behind;
                let last = id(&mut rest).ok_or("invalid identifier range")?;
                if first <= last { ids.extend(first..=last) } else { ids.extend((last..=first).rev()) }
            }
            None => ids.push(first),
        }
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => return Ok(rest),
        }
    }
}

fn id(rest: &mut &str) -> Option<i64> {
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (n, behind, over) = long(rest);
    *rest = behind;
    (!over && n <= MAX).then_some(n)
}

fn verify(places: &mut [Place]) -> Result<(), &'static str> {
    let mut logical: Vec<i64> = places.iter().map(|p| p.logical).collect();
    logical.sort_unstable();
    if logical.windows(2).any(|w| w[0] == w[1]) {
        return Err("not unique logical identifiers");
    }
    // By processor, then as the levels go.
    places.sort_unstable_by_key(|p| (p.levels[1], *p));
    if places.windows(2).any(|w| w[0].levels == w[1].levels) {
        return Err("not unique entities");
    }
    let node = |p: &Place| (p.levels[0], p.levels[2]);
    let without = node(&places[0]).0 < 0 && node(&places[0]).1 < 0;
    for w in places.windows(2) {
        let (outer, inner) = node(&w[1]);
        let wrong = if without {
            outer >= 0 || inner >= 0
        } else {
            w[1].levels[1] == w[0].levels[1] && outer != w[0].levels[0]
                || (outer >= 0 && inner >= 0)
                || (outer < 0 && inner < 0)
        };
        if wrong {
            return Err("invalid nodes declaration");
        }
    }
    Ok(())
}
