//! Comparisons with the real emulator over random terms. One binary: a file here is one topic.
//!
//! Without an `erl` on the machine each test says that it was skipped. `ORACLE_SEED` and `ORACLE_CASES` choose other
//! terms.

mod distribution;
mod external;
mod floats;
mod maps;
mod numbers;
mod order;
mod print;

use purlin_term::{Heap, Term};
use purlin_testkit::mutate::Random;
use purlin_testkit::oracle::{Answer, Oracle};

/// One comparison: the call to make, and what we say of it.
pub struct Case {
    pub call: (&'static str, &'static str, Vec<Term>),
    pub ours: Term,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Runs `make` for as many inputs as wanted; every case it adds must be answered by the emulator with our value.
pub fn compare(make: impl Fn(&mut Heap, &mut Random, &mut Vec<Case>)) {
    const BATCH: u64 = 200;
    let Some(mut oracle) = Oracle::start() else {
        println!("skipped: no erl on this machine");
        return;
    };
    let first = setting("ORACLE_SEED", 1);
    let count = setting("ORACLE_CASES", 10_000);
    let mut seed = first;
    while seed < first + count {
        let mut heap = Heap::new(0);
        let mut cases = Vec::new();
        let mut seeds = Vec::new();
        for _ in 0..BATCH.min(first + count - seed) {
            make(&mut heap, &mut Random::new(seed), &mut cases);
            seeds.resize(cases.len(), seed);
            seed += 1;
        }
        let calls: Vec<_> = cases.iter().map(|c| c.call.clone()).collect();
        let answers = oracle.calls(&mut heap, &calls);
        let wrong = cases.iter().zip(&answers).zip(seeds).filter(|((case, answer), _)| !agrees(case, answer));
        // The smallest says most.
        if let Some(((case, answer), seed)) = wrong.min_by_key(|((case, _), _)| words(case)) {
            fail(case, answer, seed, &mut oracle);
        }
    }
}

fn agrees(case: &Case, answer: &Answer) -> bool {
    answer.is_ok_and(|theirs| purlin_term::compare::same(theirs, case.ours))
}

fn words(case: &Case) -> usize {
    case.call.2.iter().map(|&arg| purlin_term::copy::flat_size(arg, purlin_term::literal::Literals::none())).sum()
}

fn fail(case: &Case, answer: &Answer, seed: u64, oracle: &mut Oracle) -> ! {
    let heap = &mut Heap::new(0);
    let (module, function, args) = &case.call;
    let mut shown = |t: Term| {
        let format = heap.string("~tw");
        let arg = heap.list(&[t]);
        let text = oracle.call(heap, "io_lib", "format", &[format, arg]).unwrap_or(Term::NIL);
        let text = oracle.call(heap, "lists", "flatten", &[text]).unwrap_or(Term::NIL);
        let text = text.list_text().unwrap_or_default();
        if text.len() > 2_000 { text.chars().take(2_000).chain("...".chars()).collect() } else { text }
    };
    let args: Vec<String> = args.iter().map(|&a| shown(a)).collect();
    let theirs = match *answer {
        Ok(t) => shown(t),
        Err((class, reason)) => format!("{} {}", shown(class), shown(reason)),
    };
    let ours = shown(case.ours);
    panic!("seed {seed}: {module}:{function}\n  {}\n  gives {theirs}\n  not   {ours}", args.join("\n  "));
}
