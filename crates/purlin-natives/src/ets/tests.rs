use super::table::table_of;
use super::*;
use purlin_term::{Heap, Owned, am};
use purlin_vm::{Config, Engine, Mfa, Process, ProcessData};
use std::sync::Arc;

/// A process that calls natives from a test's thread.
struct Caller {
    engine: Arc<Engine>,
    process: Arc<Process>,
    data: ProcessData,
}

fn data() -> ProcessData {
    let call = Mfa { module: Atom::NORMAL, function: Atom::NORMAL, arity: 0 };
    ProcessData::new(Heap::new(4096), Default::default(), call)
}

impl Caller {
    fn new(engine: &Arc<Engine>, id: u64) -> Caller {
        Caller { engine: engine.clone(), process: Arc::new(Process::new(id, data())), data: data() }
    }

    fn heap(&mut self) -> &mut Heap {
        &mut self.data.heap
    }

    fn call(&mut self, function: &str, args: &[Term]) -> Result<Term, Escape> {
        let body = self.engine.native("ets", function, args.len() as u8).unwrap().body;
        let mut args = args.to_vec();
        loop {
            self.data.slice_left = 100;
            let mut ctx = Ctx { engine: &self.engine, process: &self.process, data: &mut self.data };
            match body(&mut ctx, &args) {
                Err(Escape::Yield(again)) => args = again,
                Err(Escape::Again) => {}
                other => return other,
            }
        }
    }

    fn new_table(&mut self, options: &[Term]) -> Term {
        let options = self.heap().list(options);
        self.call("new", &[am!("t"), options]).unwrap()
    }

    fn row(&mut self, elements: &[Term]) -> Term {
        self.heap().tuple(elements)
    }
}

fn engine() -> Arc<Engine> {
    Engine::new(&crate::tables(), Config::from_env().unwrap())
}

fn reason(r: Result<Term, Escape>) -> &'static str {
    match r {
        Err(Escape::ErrorCause(_, cause) | Escape::ErrorOf { cause, .. }) => cause.as_atom().unwrap().name(),
        Err(Escape::Error(_)) => "badarg",
        other => panic!("no error: {other:?}"),
    }
}

fn spec(c: &mut Caller, head: Term, result: Term) -> Term {
    let body = c.heap().list(&[result]);
    let clause = c.row(&[head, Term::NIL, body]);
    c.heap().list(&[clause])
}

#[test]
fn protection_decides_who_reads_and_writes() {
    let engine = engine();
    let (mut owner, mut other) = (Caller::new(&engine, 1), Caller::new(&engine, 2));
    for (level, reads, writes) in [("private", false, false), ("protected", true, false), ("public", true, true)] {
        let t = owner.new_table(&[Term::atom(Atom::new(level))]);
        let row = owner.row(&[Term::small(1)]);
        assert_eq!(owner.call("insert", &[t, row]).unwrap(), am!("true"));
        let read = other.call("lookup", &[t, Term::small(1)]);
        assert_eq!(read.is_ok(), reads, "{level}");
        let write = other.call("insert", &[t, row]);
        assert_eq!(write.is_ok(), writes, "{level}");
        if !writes {
            assert_eq!(reason(write), "access");
        }
        assert!(other.call("info", &[t]).is_ok());
    }
    assert_eq!(reason(other.call("lookup", &[am!("nowhere"), Term::NIL])), "id");
    assert_eq!(reason(other.call("lookup", &[Term::small(1), Term::NIL])), "type");
}

#[test]
fn names_are_unique_and_can_change() {
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    let named = [am!("named_table")];
    assert_eq!(c.new_table(&named), am!("t"));
    let options = c.heap().list(&named);
    assert_eq!(reason(c.call("new", &[am!("t"), options])), "already_exists");
    let by_ref = c.call("whereis", &[am!("t")]).unwrap();
    assert_eq!(c.call("rename", &[by_ref, am!("u")]).unwrap(), am!("u"));
    assert_eq!(c.call("whereis", &[am!("t")]).unwrap(), am!("undefined"));
    assert_eq!(c.call("info", &[by_ref, am!("name")]).unwrap(), am!("u"));
    // A reference that has been outside lost its value and is still the table's.
    let plain = c.heap().reference(by_ref.as_local_ref().unwrap());
    assert_eq!(c.call("info", &[plain, am!("name")]).unwrap(), am!("u"));
    assert_eq!(c.call("delete", &[am!("u")]).unwrap(), am!("true"));
    assert_eq!(c.call("info", &[by_ref, am!("name")]).unwrap(), am!("undefined"));
    assert_eq!(reason(c.call("first", &[by_ref])), "id");
}

#[test]
fn tables_end_with_their_owner() {
    let engine = engine();
    let (mut owner, mut other) = (Caller::new(&engine, 1), Caller::new(&engine, 2));
    let t = owner.new_table(&[am!("public")]);
    let theirs = other.new_table(&[am!("public")]);
    owner.call("safe_fixtable", &[theirs, am!("true")]).unwrap();
    assert_eq!(other.call("info", &[theirs, am!("fixed")]).unwrap(), am!("true"));
    let kept = registry::of(&engine).all().len();
    let ctx = &mut Ctx { engine: &engine, process: &owner.process, data: &mut owner.data };
    owner::process_ended(ctx, am!("normal"));
    assert_eq!(registry::of(&engine).all().len(), kept - 1);
    assert_eq!(reason(other.call("first", &[t])), "id");
    assert_eq!(other.call("info", &[theirs, am!("fixed")]).unwrap(), am!("false"));
}

#[test]
fn rows_deleted_by_a_paused_scan_are_all_counted() {
    let engine = engine();
    for kind in ["set", "ordered_set", "bag"] {
        let mut c = Caller::new(&engine, 1);
        let t = c.new_table(&[Term::atom(Atom::new(kind))]);
        for i in 0..1000 {
            let row = c.row(&[Term::small(i), Term::small(i % 2)]);
            c.call("insert", &[t, row]).unwrap();
        }
        let head = c.row(&[am!("$1"), Term::small(1)]);
        let all = spec(&mut c, head, am!("$1"));
        let found = c.call("select", &[t, all]).unwrap().as_list().unwrap();
        assert_eq!(found.len(), 500, "{kind}");
        let doomed = spec(&mut c, head, am!("true"));
        assert_eq!(c.call("select_count", &[t, doomed]).unwrap(), Term::small(500));
        assert_eq!(c.call("internal_select_delete", &[t, doomed]).unwrap(), Term::small(500));
        assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(500));
        assert_eq!(c.call("info", &[t, am!("fixed")]).unwrap(), am!("false"));
        if kind != "bag" {
            let any = c.row(&[am!("$1"), am!("_")]);
            let inner = c.row(&[am!("$1"), am!("new")]);
            let new = c.row(&[inner]);
            let replace = spec(&mut c, any, new);
            assert_eq!(c.call("select_replace", &[t, replace]).unwrap(), Term::small(500));
            assert_eq!(c.call("lookup_element", &[t, Term::small(8), Term::small(2)]).unwrap(), am!("new"));
        }
    }
}

#[test]
fn many_threads_count_without_losing_any() {
    let engine = engine();
    let mut owner = Caller::new(&engine, 1);
    for kind in ["set", "ordered_set"] {
        let table = Owned::new(owner.new_table(&[am!("public"), Term::atom(Atom::new(kind))]));
        std::thread::scope(|s| {
            for n in 0..4 {
                let (engine, table) = (&engine, &table);
                s.spawn(move || {
                    let mut c = Caller::new(engine, 10 + n);
                    let t = table.term();
                    for i in 0..2000i64 {
                        let key = Term::small(i % 50);
                        let start = c.row(&[key, Term::small(0)]);
                        c.call("update_counter", &[t, key, Term::small(1), start]).unwrap();
                        let gone = Term::small(1000 + i);
                        let text = c.heap().binary(&[b'x'; 80]);
                        let row = c.row(&[gone, text]);
                        c.call("insert", &[t, row]).unwrap();
                        c.call("lookup", &[t, gone]).unwrap();
                        if i % 500 == 0 {
                            let head = c.row(&[am!("_"), am!("$1")]);
                            let all = spec(&mut c, head, am!("$1"));
                            assert!(c.call("select", &[t, all]).unwrap().is_list());
                        }
                        c.call("delete", &[t, gone]).unwrap();
                    }
                });
            }
        });
        let head = owner.row(&[am!("_"), am!("$1")]);
        let all = spec(&mut owner, head, am!("$1"));
        let counts = owner.call("select", &[table.term(), all]).unwrap().as_list().unwrap();
        assert_eq!(counts.len(), 50);
        assert_eq!(counts.iter().map(|c| c.small_value()).sum::<i64>(), 8000);
    }
}

#[test]
fn many_rows_deleted_while_fixed_stay_known_until_the_table_is_not() {
    const ROWS: i64 = 30_000;
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    let t = c.new_table(&[]);
    let empty = c.call("info", &[t, am!("memory")]).unwrap();
    for all_at_once in [true, false] {
        let rows: Vec<Term> = (0..ROWS).map(|i| c.row(&[Term::small(i)])).collect();
        let rows = c.heap().list(&rows);
        c.call("insert", &[t, rows]).unwrap();
        c.call("safe_fixtable", &[t, am!("true")]).unwrap();
        if all_at_once {
            assert_eq!(c.call("internal_delete_all", &[t, am!("undefined")]).unwrap(), Term::small(ROWS));
        } else {
            (0..ROWS).for_each(|i| assert!(c.call("delete", &[t, Term::small(i)]).is_ok()));
        }
        assert_eq!(c.call("next", &[t, Term::small(7)]).unwrap(), am!("$end_of_table"));
        let row = c.row(&[am!("a")]);
        c.call("insert", &[t, row]).unwrap();
        let first = (0..ROWS).find(|i| c.call("next", &[t, Term::small(*i)]).unwrap() == am!("a"));
        assert!(first.is_some() && c.call("next", &[t, am!("a")]).unwrap() == am!("$end_of_table"));
        c.call("safe_fixtable", &[t, am!("false")]).unwrap();
        // What a thread drops later may already be written again.
        for i in 0..100 {
            let row = c.row(&[Term::small(i)]);
            c.call("insert", &[t, row]).unwrap();
            c.call("delete", &[t, Term::small(i)]).unwrap();
        }
        assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(1));
        c.call("delete", &[t, am!("a")]).unwrap();
        while table_of(&registry::of(&engine).all()[0]).state.read().keeps_deleted() {
            std::thread::yield_now();
        }
        assert_eq!(reason(c.call("next", &[t, Term::small(7)])), "badarg");
        c.call("internal_delete_all", &[t, am!("undefined")]).unwrap();
        assert_eq!(c.call("info", &[t, am!("memory")]).unwrap(), empty);
    }
}

#[test]
fn a_name_leads_to_the_table_that_has_it_now() {
    fn find(c: &mut Caller, name: &str) -> Option<i64> {
        let name = Term::atom(Atom::new(name));
        c.call("lookup_element", &[name, am!("n"), Term::small(2)]).ok().map(Term::small_value)
    }
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    let (ask, asked) = std::sync::mpsc::channel();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|s| {
        s.spawn(|| {
            let mut other = Caller::new(&engine, 2);
            for name in asked {
                tell.send(find(&mut other, name)).unwrap();
            }
        });
        // What this thread finds by a name, and one that may remember another table of that name.
        let both = move |c: &mut Caller, name| {
            ask.send(name).unwrap();
            (find(c, name), told.recv().unwrap())
        };
        for n in 0..3 {
            let t = c.new_table(&[am!("named_table"), am!("public")]);
            let row = c.row(&[am!("n"), Term::small(n)]);
            c.call("insert", &[t, row]).unwrap();
            assert_eq!(both(&mut c, "t"), (Some(n), Some(n)));
            c.call("rename", &[t, am!("u")]).unwrap();
            assert_eq!(both(&mut c, "t"), (None, None));
            assert_eq!(both(&mut c, "u"), (Some(n), Some(n)));
            c.call("delete", &[am!("u")]).unwrap();
            assert_eq!(both(&mut c, "u"), (None, None));
        }
        drop(both);
    });
}

#[test]
fn a_long_list_is_inserted_after_pauses_and_at_once() {
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    let insert = engine.native("ets", "insert", 2).unwrap().body;
    for table_goes in [false, true] {
        let t = c.new_table(&[]);
        let rows: Vec<Term> = (0..5000).map(|i| c.row(&[Term::small(i)])).collect();
        let list = c.heap().list(&rows);
        let (mut args, mut pauses) = (vec![t, list], 0);
        let answer = loop {
            c.data.slice_left = 100;
            let mut ctx = Ctx { engine: &c.engine, process: &c.process, data: &mut c.data };
            match insert(&mut ctx, &args) {
                Err(Escape::Yield(again)) => args = again,
                Err(Escape::Again) => {}
                other => break other,
            }
            pauses += 1;
            if table_goes {
                c.call("delete", &[t]).unwrap();
            } else {
                let size = c.call("info", &[t, am!("size")]).unwrap();
                assert!(size == Term::small(0) || size == Term::small(5000), "{size:?}");
            }
        };
        match answer {
            Ok(done) => {
                assert_eq!((done, table_goes), (am!("true"), false));
                assert!(pauses > 10, "{pauses}");
                assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(5000));
            }
            // The error names the call as it was made.
            Err(Escape::ErrorOf { args, cause, .. }) => {
                assert!(table_goes);
                assert_eq!((args, cause), (vec![t, list], am!("id")));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Calls `insert` or `insert_new` with so many rows from 0 on until it has paused so often; the state that it paused with.
fn paused_insertion(c: &mut Caller, function: &str, t: Term, rows: i64, pauses: usize) -> Vec<Term> {
    let body = c.engine.native("ets", function, 2).unwrap().body;
    let rows: Vec<Term> = (0..rows).map(|i| c.row(&[Term::small(i)])).collect();
    let mut args = vec![t, c.heap().list(&rows)];
    for _ in 0..pauses {
        c.data.slice_left = 100;
        let mut ctx = Ctx { engine: &c.engine, process: &c.process, data: &mut c.data };
        match body(&mut ctx, &args) {
            Err(Escape::Yield(again)) => args = again,
            Err(Escape::Again) => {}
            other => panic!("{other:?}"),
        }
    }
    args
}

/// How often an insertion of 1000 rows pauses.
fn pauses(c: &mut Caller) -> usize {
    (1..)
        .find(|&n| {
            let t = c.new_table(&[]);
            let args = paused_insertion(c, "insert", t, 1000, n);
            c.data.slice_left = 100;
            let body = c.engine.native("ets", "insert", 2).unwrap().body;
            let mut ctx = Ctx { engine: &c.engine, process: &c.process, data: &mut c.data };
            body(&mut ctx, &args).is_ok()
        })
        .unwrap()
}

#[test]
fn others_see_all_rows_of_an_insertion_or_none_whoever_puts_them_in() {
    let engine = engine();
    let (mut c, mut other) = (Caller::new(&engine, 1), Caller::new(&engine, 2));
    let most = pauses(&mut c);
    let mut seen = [false; 2];
    for n in 0..=most {
        let t = c.new_table(&[am!("public")]);
        let args = paused_insertion(&mut c, "insert", t, 1000, n);
        let size = other.call("info", &[t, am!("size")]).unwrap();
        assert!(size == Term::small(0) || size == Term::small(1000), "after {n} pauses: {size:?}");
        seen[usize::from(size == Term::small(1000))] = true;
        // What is inserted behind them stays, as long as they have been seen.
        let row = other.row(&[Term::small(7), am!("later")]);
        other.call("insert", &[t, row]).unwrap();
        assert_eq!(c.call("insert", &args).unwrap(), am!("true"));
        let found = other.call("lookup", &[t, Term::small(7)]).unwrap();
        let later = found.as_list().unwrap()[0].as_tuple().unwrap().len() == 2;
        assert_eq!(later, size == Term::small(1000));
        assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(1000));
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn a_long_list_with_a_known_key_is_not_inserted_at_all() {
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    for known in [0, 555, 999, 1000] {
        let t = c.new_table(&[]);
        let row = c.row(&[Term::small(known)]);
        c.call("insert", &[t, row]).unwrap();
        let args = paused_insertion(&mut c, "insert_new", t, 1000, 2);
        let inserted = c.call("insert_new", &args).unwrap();
        assert_eq!(inserted, Term::bool(known == 1000));
        let size = if known == 1000 { 1001 } else { 1 };
        assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(size));
    }
}

#[test]
fn two_insertions_follow_each_other() {
    let engine = engine();
    let (mut c, mut other) = (Caller::new(&engine, 1), Caller::new(&engine, 2));
    let most = pauses(&mut c);
    let t = c.new_table(&[am!("public")]);
    let mine = paused_insertion(&mut c, "insert", t, 1000, most);
    let theirs = paused_insertion(&mut other, "insert", t, 500, 2);
    assert_eq!(other.call("insert", &theirs).unwrap(), am!("true"));
    assert_eq!(c.call("insert", &mine).unwrap(), am!("true"));
    assert_eq!(c.call("info", &[t, am!("size")]).unwrap(), Term::small(1000));
}

#[test]
fn a_table_goes_with_what_is_being_inserted() {
    let engine = engine();
    let mut c = Caller::new(&engine, 1);
    let most = pauses(&mut c);
    let mut left_to_the_table = false;
    for n in 1..=most {
        let t = c.new_table(&[]);
        let args = paused_insertion(&mut c, "insert", t, 1000, n);
        c.call("delete", &[t]).unwrap();
        match c.call("insert", &args) {
            // Who deletes puts in first what was left to the table.
            Ok(done) => {
                assert_eq!(done, am!("true"));
                left_to_the_table = true;
            }
            error => assert_eq!((reason(error), left_to_the_table), ("id", false), "after {n} pauses"),
        }
    }
    assert!(left_to_the_table);
}
