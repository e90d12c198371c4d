use super::caller::{Caller, Differences, parse, show};
use purlin_term::{Atom, Heap, Term, am};
use purlin_testkit::mutate::Random;
use purlin_testkit::oracle::Oracle;

/// What a specification gives for a term, as `erlang:match_spec_test(Term, Spec, table)` says it.
#[test]
fn specifications_have_the_same_results() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let (mut ours, mut differences) = (Caller::new(), Differences::default());
    let cases = parse(&mut oracle, ours.heap(), include_str!("match_specs.txt"));
    for case in cases.iter() {
        let &[term, spec] = case.as_tuple().unwrap() else { panic!("a case is a pair") };
        let what = show(&mut oracle, ours.heap(), case);
        let args = [term, spec, am!("table")];
        let a = ours.call("erlang", "match_spec_test", &args);
        let b = oracle.call(ours.heap(), "erlang", "match_spec_test", &args);
        differences.compare(&mut oracle, ours.heap(), &what, a, b);
    }
}

/// A specification in which much is wrong, of forms that each dialect has or lacks.
struct Generator<'a> {
    heap: &'a mut Heap,
    random: &'a mut Random,
}

impl Generator<'_> {
    fn atom(&mut self, names: &[&str]) -> Term {
        Term::atom(Atom::new(self.random.choose(names).unwrap()))
    }

    fn leaf(&mut self) -> Term {
        match self.random.below(8) {
            0 | 1 => self.atom(&["$1", "$2", "$3", "$_", "$$", "_", "$0"]),
            2 => Term::NIL,
            3 => self.heap.binary("h\u{e9}".as_bytes()),
            4 => self.heap.string("abc"),
            5 => self.atom(&["a", "true", "false", "h\u{e9}", "A b"]),
            _ => Term::small(self.random.below(4) as i64),
        }
    }

    fn several(&mut self, most: usize, depth: usize) -> Vec<Term> {
        (0..self.random.below(most + 1)).map(|_| self.expression(depth)).collect()
    }

    fn expression(&mut self, depth: usize) -> Term {
        const FORMS: [&str; 36] = [
            "const",
            "and",
            "or",
            "andalso",
            "orelse",
            "andthen",
            "self",
            "message",
            "return_trace",
            "exception_trace",
            "display",
            "is_seq_trace",
            "set_seq_token",
            "get_seq_token",
            "process_dump",
            "caller",
            "caller_line",
            "silent",
            "get_tcw",
            "set_tcw",
            "is_atom",
            "element",
            "+",
            "==",
            "node",
            "nofun",
            "h\u{e9}",
            "hd",
            "is_record",
            "not",
            "size",
            "$1",
            "is_map_key",
            "trace",
            "enable_trace",
            "disable_trace",
        ];
        if depth == 0 {
            return self.leaf();
        }
        match self.random.below(9) {
            0..=2 => self.leaf(),
            3 => {
                let inner = self.several(3, depth - 1);
                let inner = self.heap.tuple(&inner);
                self.heap.tuple(&[inner])
            }
            4 => {
                let list = self.several(3, depth - 1);
                if self.random.below(6) == 0 {
                    let tail = self.expression(depth - 1);
                    return self.heap.list_with_tail(&list, tail);
                }
                self.heap.list(&list)
            }
            5 => {
                let (key, value) = (self.expression(depth - 1), self.expression(depth - 1));
                purlin_term::map::from_pairs(self.heap, &[(key, value)])
            }
            6 => {
                let plain = self.several(3, depth - 1);
                self.heap.tuple(&plain)
            }
            _ => {
                let mut call = vec![self.atom(&FORMS)];
                call.extend(self.several(3, depth - 1));
                self.heap.tuple(&call)
            }
        }
    }

    fn expressions(&mut self) -> Term {
        if self.random.below(20) == 0 {
            return self.leaf();
        }
        let all = self.several(3, 3);
        let tail = if self.random.below(20) == 0 { self.leaf() } else { Term::NIL };
        self.heap.list_with_tail(&all, tail)
    }

    fn head(&mut self) -> Term {
        let parts: Vec<Term> = (0..self.random.below(4)).map(|_| self.leaf()).collect();
        match self.random.below(8) {
            0 => self.leaf(),
            1 => {
                let key = self.leaf();
                let map = purlin_term::map::from_pairs(self.heap, &[(key, Term::small(1))]);
                self.heap.tuple(&[map])
            }
            2 => {
                let tail = self.leaf();
                self.heap.list_with_tail(&parts, tail)
            }
            3 | 4 => self.heap.list(&parts),
            _ => self.heap.tuple(&parts),
        }
    }

    fn specification(&mut self) -> Term {
        let clauses: Vec<Term> = (0..1 + self.random.below(2))
            .map(|_| match self.random.below(30) {
                0 => self.leaf(),
                _ => {
                    let clause = [self.head(), self.expressions(), self.expressions()];
                    self.heap.tuple(&clause)
                }
            })
            .collect();
        let tail = if self.random.below(60) == 0 { self.leaf() } else { Term::NIL };
        self.heap.list_with_tail(&clauses, tail)
    }
}

/// All that is wrong, in the same order. `PURLIN_MATCH_SPECS=100000` compares that many, with another seed each time.
#[test]
fn what_is_wrong_is_told_alike() {
    let Some(mut oracle) = Oracle::start() else { return eprintln!("no erl here") };
    let mut differences = Differences::default();
    let long: Option<usize> = std::env::var("PURLIN_MATCH_SPECS").ok().and_then(|n| n.parse().ok());
    let mut random = Random::new(if long.is_some() { std::process::id() as u64 } else { 11 });
    for _ in 0..long.unwrap_or(2_000).div_ceil(200) {
        let mut ours = Caller::new();
        let cases: Vec<[Term; 3]> = (0..200)
            .map(|_| {
                let table = random.below(2) == 0;
                let mut g = Generator { heap: ours.heap(), random: &mut random };
                let (a, b) = (g.leaf(), g.leaf());
                let spec = g.specification();
                let subject = if table { ours.heap().tuple(&[a, b]) } else { ours.heap().list(&[a, b]) };
                [subject, spec, if table { am!("table") } else { am!("trace") }]
            })
            .collect();
        let calls: Vec<_> = cases.iter().map(|c| ("erlang", "match_spec_test", c.to_vec())).collect();
        let theirs = oracle.calls(ours.heap(), &calls);
        for (case, b) in cases.iter().zip(theirs) {
            let a = ours.call("erlang", "match_spec_test", case);
            // What a specification without errors gives depends on the process that runs it.
            let told = |answer: &purlin_testkit::oracle::Answer| answer.ok().and_then(|t| Some(t.as_tuple()?[0]));
            if told(&a) == Some(am!("ok")) && told(&b) == Some(am!("ok")) {
                continue;
            }
            let what = ours.heap().tuple(case);
            let what = show(&mut oracle, ours.heap(), what);
            differences.compare(&mut oracle, ours.heap(), &what, a, b);
        }
    }
}
