use super::*;
use crate::engine::Config;
use crate::engine::context::Ctx;
use crate::engine::runner::Frame;
use crate::lifecycle::spawn::Spawn;
use crate::messaging::receive::{self, Peek, Wait};
use crate::messaging::send::send;
use crate::process::Priority;
use crate::process::relation::Watcher;
use crate::process::signal::{Signal, Target};
use crate::sched::BALANCE_EVERY;
use crate::timer::Destination;
use purlin_term::{Atom, Heap, Term, am};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A process's code: called for each of its slices.
type Body = fn(&mut Ctx<'_>) -> Stop;

/// Runs processes whose "function" is the position of a body.
struct Bodies(&'static [(&'static str, Body)]);

impl Runner for Bodies {
    fn run(&self, ctx: &mut Ctx<'_>) -> Stop {
        let name = ctx.data.initial_call.function.name();
        let body = self.0.iter().find(|b| b.0 == name).expect("the test names its bodies").1;
        body(ctx)
    }

    fn block(&self, ctx: &mut Ctx<'_>) {
        while ctx.data.initial_call.function.name() == "stuck" && !ctx.process.is_exiting() {
            std::thread::yield_now();
        }
        ctx.data.roots.push(Term::small(1));
    }

    fn frames(&self, _: &Arc<Engine>, _: &ProcessData, _: &mut Heap, _: usize) -> Vec<Frame> {
        Vec::new()
    }

    fn uses_old_code(&self, _: &mut Ctx<'_>, _: Atom) -> bool {
        false
    }
}

fn engine(schedulers: usize) -> Arc<Engine> {
    Engine::new(&[], Config { schedulers, ..Config::from_env().unwrap() })
}

fn spawn<'a>(function: &str, args: &'a [Term]) -> Spawn<'a> {
    Spawn::new(Atom::OK, Atom::new(function), args)
}

/// Takes the next message.
fn receive(ctx: &mut Ctx<'_>) -> Result<Term, Stop> {
    match receive::peek(ctx) {
        Peek::Message(t) => {
            receive::remove(ctx);
            Ok(t)
        }
        Peek::Empty => Err(Stop::Wait),
        Peek::Exit(reason) => Err(Stop::Exited(reason)),
    }
}

fn run(schedulers: usize, bodies: &'static [(&'static str, Body)], start: impl FnOnce(&Arc<Engine>)) -> i32 {
    let e = engine(schedulers);
    start(&e);
    e.start(Box::new(Bodies(bodies)));
    e.wait().status()
}

/// Sends `{Self, N}` back as `{Self, N + 1}`.
fn echo(ctx: &mut Ctx<'_>) -> Stop {
    loop {
        match receive(ctx) {
            Ok(t) => {
                let e = t.as_tuple().unwrap();
                let answer = ctx.data.heap.tuple(&[ctx.process.pid(), Term::small(e[1].small_value() + 1)]);
                send(ctx.engine, ctx.process, e[0], answer).unwrap();
            }
            Err(stop) => return stop,
        }
    }
}

/// Plays with the process in its first argument up to a count, then halts with its low bits.
fn player(ctx: &mut Ctx<'_>) -> Stop {
    if ctx.data.roots.is_empty() {
        ctx.data.roots.push(Term::NIL);
        let first = ctx.data.heap.tuple(&[ctx.process.pid(), Term::small(0)]);
        send(ctx.engine, ctx.process, ctx.data.saved_x[0], first).unwrap();
    }
    loop {
        match receive(ctx) {
            Ok(t) => {
                let e = t.as_tuple().unwrap();
                if e[1].small_value() >= 20_000 {
                    ctx.engine.sched.halt((e[1].small_value() & 0xFF) as i32, true);
                    return Stop::Yield;
                }
                let next = ctx.data.heap.tuple(&[ctx.process.pid(), e[1]]);
                send(ctx.engine, ctx.process, e[0], next).unwrap();
            }
            Err(stop) => return stop,
        }
    }
}

#[test]
fn two_processes_play_ping_pong() {
    for schedulers in [1, 2, 4] {
        let status = run(schedulers, &[("echo", echo), ("player", player)], |e| {
            let p = spawn("echo", &[]).start(e).unwrap();
            spawn("player", &[p.pid()]).start(e).unwrap();
        });
        assert_eq!(status, 20_000 & 0xFF);
    }
}

fn waiter(ctx: &mut Ctx<'_>) -> Stop {
    receive(ctx).err().unwrap_or(Stop::Wait)
}

/// Ends with the reason in its argument when it gets a message.
fn ender(ctx: &mut Ctx<'_>) -> Stop {
    match receive(ctx) {
        Ok(_) => Stop::Exited(ctx.data.saved_x[0]),
        Err(stop) => stop,
    }
}

/// Halts with 7 when it gets `{'DOWN', Ref, process, Pid, boom}`.
fn watcher(ctx: &mut Ctx<'_>) -> Stop {
    match receive(ctx) {
        Ok(t) => {
            let e = t.as_tuple().unwrap();
            let good = e[0].is(Atom::DOWN) && e[2].is(Atom::PROCESS) && e[4] == am!("boom");
            ctx.engine.sched.halt(if good { 7 } else { 1 }, true);
            Stop::Yield
        }
        Err(stop) => stop,
    }
}

#[test]
fn an_exit_goes_through_links_and_is_told_to_watchers() {
    let bodies: &'static [(&str, Body)] = &[("waiter", waiter), ("ender", ender), ("watcher", watcher)];
    let status = run(2, bodies, |e| {
        let w = spawn("watcher", &[]).start(e).unwrap();
        let id = e.next_ref();
        // SAFETY: OWNER: no scheduler runs yet.
        unsafe { w.data() }.relations().monitors.insert(
            id,
            crate::process::relation::Monitor {
                watched: crate::process::relation::Watched::TimeOffset,
                tag: None,
                priority: false,
            },
        );
        let first = spawn("ender", &[am!("boom")]).create(e).unwrap();
        let mut chain = first.clone();
        for i in 0..100 {
            let mut s = spawn("waiter", &[]);
            s.parent = chain.pid();
            s.link = true;
            if i == 99 {
                s.watcher = Some(Watcher { monitor: id, watcher: w.who(), name: None });
            }
            let next = s.create(e).unwrap();
            // SAFETY: OWNER: no scheduler runs yet.
            unsafe { chain.data() }.relations().link(next.pid());
            e.sched.enqueue(std::mem::replace(&mut chain, next));
        }
        e.sched.enqueue(chain);
        e.signal(&first, Signal::message(Term::NIL)).ok().unwrap();
    });
    assert_eq!(status, 7);
}

#[test]
fn an_ended_process_leaves_the_table_and_answers_with_noproc() {
    let e = engine(1);
    let p = spawn("x", &[]).create(&e).unwrap();
    let w = spawn("x", &[]).create(&e).unwrap();
    // SAFETY: OWNER: this thread made them and no scheduler runs.
    let (pd, wd) = unsafe { (p.data(), w.data()) };
    e.names.register(Atom::OK, &p).unwrap();
    wd.relations().link(p.pid());
    let link = Signal::bare(crate::process::signal::SignalKind::Link { from: w.pid() });
    e.signal(&p, link).ok().unwrap();
    terminate(&mut Ctx { engine: &e, process: &p, data: pd }, am!("gone"));
    assert!(e.process(p.id()).is_none());
    assert_eq!(e.names.whereis(Atom::OK), None);
    assert_eq!(
        fetch(&mut Ctx { engine: &e, process: &w, data: wd }),
        Some(Term::atom(Atom::NOPROC)),
        "the link was not handled before the end"
    );
}

#[test]
fn an_unlinked_process_does_not_feel_an_exit_under_way() {
    let e = engine(1);
    let p = spawn("x", &[]).create(&e).unwrap();
    // SAFETY: OWNER: this thread made it and no scheduler runs.
    let data = unsafe { p.data() };
    let other = Term::pid(999);
    data.relations().link(other);
    data.relations().unlink(other, 1);
    e.signal(&p, Signal::exit(other, true, am!("boom"))).ok().unwrap();
    assert_eq!(fetch(&mut Ctx { engine: &e, process: &p, data }), None);
    e.signal(&p, Signal::exit(other, false, Term::atom(Atom::NORMAL))).ok().unwrap();
    assert_eq!(fetch(&mut Ctx { engine: &e, process: &p, data }), None, "normal does not end another process");
    e.signal(&p, Signal::exit(other, false, Term::atom(Atom::KILL))).ok().unwrap();
    assert_eq!(fetch(&mut Ctx { engine: &e, process: &p, data }), Some(Term::atom(Atom::KILLED)));
}

/// Waits 20 ms in a receive, while a message that it does not want arrives in between.
fn sleeper(ctx: &mut Ctx<'_>) -> Stop {
    loop {
        match receive::peek(ctx) {
            Peek::Message(_) => receive::advance(ctx.data),
            Peek::Exit(r) => return Stop::Exited(r),
            Peek::Empty => match receive::wait_timeout(ctx, Term::small(20)) {
                Wait::Sleep => return Stop::Wait,
                Wait::TimedOut => {
                    receive::timeout(ctx);
                    ctx.engine.sched.halt(ctx.data.mailbox.len() as i32, true);
                    return Stop::Yield;
                }
                Wait::BadTimeout => panic!("20 is a good timeout"),
            },
        }
    }
}

#[test]
fn a_receive_timeout_runs_over_several_sleeps() {
    let e = engine(2);
    let p = spawn("sleeper", &[]).start(&e).unwrap();
    let start = e.clock.now();
    for ms in [5, 10] {
        let at = start + ms * 1_000_000;
        e.timers.send_at(at, Destination::Pid(p.id()), Signal::message(Term::NIL), e.next_ref());
    }
    e.start(Box::new(Bodies(&[("sleeper", sleeper)])));
    assert_eq!(e.wait().status(), 2, "unwanted messages stay");
    assert!(e.clock.now() - start >= 20_000_000, "a timer never fires early");
}

#[test]
fn virtual_time_passes_when_all_are_idle() {
    let e = Engine::new(&[], Config { schedulers: 1, virtual_clock: Some(0), ..Config::from_env().unwrap() });
    spawn("sleeper", &[]).start(&e).unwrap();
    e.start(Box::new(Bodies(&[("sleeper", sleeper)])));
    assert_eq!(e.wait().status(), 0);
    assert_eq!(e.clock.now() - crate::clock::START, 20_000_000);
}

fn blocker(ctx: &mut Ctx<'_>) -> Stop {
    if ctx.data.roots.len() < 3 {
        return Stop::Blocking;
    }
    ctx.engine.sched.halt(ctx.data.roots.len() as i32, true);
    Stop::Yield
}

#[test]
fn a_blocking_native_runs_on_the_pool_and_comes_back() {
    assert_eq!(run(1, &[("blocker", blocker)], |e| drop(spawn("blocker", &[]).start(e))), 3);
}

fn stuck(ctx: &mut Ctx<'_>) -> Stop {
    let me = ctx.process.who();
    // Handled by the process itself while its native is on the pool.
    let kill = Signal::request(move |engine, target| {
        assert!(matches!(target, Target::Alive(p, data) if p.is_offloaded() && data.offload.is_some()));
        engine.post(me.term(), Signal::exit(me.term(), false, Term::atom(Atom::KILL)));
    });
    ctx.engine.post(me.term(), kill);
    Stop::Blocking
}

#[test]
fn a_process_handles_signals_and_ends_while_its_native_blocks() {
    let e = engine(1);
    let p = spawn("stuck", &[]).start(&e).unwrap();
    e.start(Box::new(Bodies(&[("stuck", stuck)])));
    while e.process(p.id()).is_some() || !e.sched.pool.is_idle() {
        std::thread::yield_now();
    }
    e.sched.halt(0, false);
    e.wait();
}

fn crasher(ctx: &mut Ctx<'_>) -> Stop {
    let _ = ctx;
    panic!("a bug in a native");
}

#[test]
fn a_panic_ends_the_process_alone() {
    let status = run(1, &[("crasher", crasher), ("watcher", watcher), ("blocker", blocker)], |e| {
        spawn("crasher", &[]).start(e).unwrap();
        spawn("blocker", &[]).start(e).unwrap();
    });
    assert_eq!(status, 3);
}

#[test]
fn a_message_is_copied_out_of_its_senders_heap() {
    let e = engine(1);
    let (a, b) = (spawn("x", &[]).create(&e).unwrap(), spawn("x", &[]).create(&e).unwrap());
    // SAFETY: OWNER: this thread made them and no scheduler runs.
    let (ad, bd) = unsafe { (a.data(), b.data()) };
    let bin = ad.heap.binary(&[7; 100]);
    let t = ad.heap.tuple(&[bin, a.pid()]);
    send(&e, &a, b.pid(), t).unwrap();
    ad.heap = Heap::new(0);
    assert!(matches!(receive::peek(&mut Ctx { engine: &e, process: &b, data: bd }), Peek::Message(_)));
    assert!(bd.mailbox.look().is_some());
    let Peek::Message(t) = receive::peek(&mut Ctx { engine: &e, process: &b, data: bd }) else {
        panic!("the message is there")
    };
    receive::remove(&mut Ctx { engine: &e, process: &b, data: bd });
    assert!(bd.mailbox.look().is_none());
    assert_eq!(t.as_tuple().unwrap()[0].as_bytes().unwrap().as_ref(), &[7; 100]);
}

/// No watcher: it would take the role of a scheduler that the system does not let run.
fn without_watcher(schedulers: usize) -> Arc<Engine> {
    Engine::new(&[], Config { schedulers, virtual_clock: Some(0), ..Config::from_env().unwrap() })
}

static BEGUN: AtomicU32 = AtomicU32::new(0);

fn beginner(_: &mut Ctx<'_>) -> Stop {
    BEGUN.fetch_add(1, Ordering::SeqCst);
    Stop::Exited(Term::atom(Atom::NORMAL))
}

/// In each of a hundred slices starts two processes and works on for a while; halts with 1 when those of the last slice
/// have not begun, or those of this one have.
fn starter(ctx: &mut Ctx<'_>) -> Stop {
    let slices = ctx.data.reductions as u32;
    if slices == 0 {
        // Schedulers that have just started look for work once.
        while (1..4).any(|i| !ctx.engine.sched.idle.is_idle(i)) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..2 {
        spawn("beginner", &[]).start(ctx.engine).unwrap();
    }
    std::thread::sleep(Duration::from_micros(200));
    if BEGUN.load(Ordering::SeqCst) != 2 * slices {
        ctx.engine.sched.halt(1, false);
    } else if slices == 100 {
        ctx.engine.sched.halt(0, false);
    }
    Stop::Yield
}

#[test]
fn what_few_processes_do_in_a_short_time_keeps_its_order_on_many_schedulers() {
    let e = without_watcher(4);
    spawn("starter", &[]).start(&e).unwrap();
    e.start(Box::new(Bodies(&[("starter", starter), ("beginner", beginner)])));
    assert_eq!(e.wait().status(), 0);
}

static AT_WORK: AtomicU32 = AtomicU32::new(0);

/// Halts with 1 when another worker runs at the same time, else with 0 in the end.
fn worker(ctx: &mut Ctx<'_>) -> Stop {
    AT_WORK.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1));
    if AT_WORK.fetch_sub(1, Ordering::SeqCst) > 1 {
        ctx.engine.sched.halt(1, false);
    } else if ctx.data.reductions > 500 * SLICE as u64 {
        ctx.engine.sched.halt(0, false);
    }
    ctx.data.charge(SLICE as usize);
    Stop::Yield
}

#[test]
fn two_processes_with_much_work_run_at_the_same_time() {
    let e = without_watcher(2);
    for _ in 0..2 {
        spawn("worker", &[]).start(&e).unwrap();
    }
    // Both wait in one queue.
    e.sched.queues[0].push(e.sched.queues[1].pop().unwrap());
    e.start(Box::new(Bodies(&[("worker", worker)])));
    assert_eq!(e.wait().status(), 1);
}

#[test]
fn a_busy_scheduler_takes_from_a_longer_queue_until_both_are_alike() {
    let e = engine(2);
    for _ in 0..8 {
        e.sched.queues[1].push(spawn("waiter", &[]).create(&e).unwrap());
    }
    let mut since = Since::default();
    for _ in 0..10 {
        e.sched.share(0, BALANCE_EVERY + 1, &mut since);
    }
    assert_eq!(e.sched.queue_lengths(), [4, 4]);
    e.sched.queues.iter().for_each(RunQueue::clear);
}

/// Stays in its slice until its scheduler's role is another thread's and that one has gone idle; waits 20 ms then and
/// halts with 7.
fn delayer(ctx: &mut Ctx<'_>) -> Stop {
    if ctx.data.wake_timer.is_none() {
        // There has to be work for the role to be given away.
        spawn("waiter", &[]).start(ctx.engine).unwrap();
        while !ctx.engine.sched.idle.all_idle() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    match receive::wait_timeout(ctx, Term::small(20)) {
        Wait::TimedOut => {
            ctx.engine.sched.halt(7, false);
            Stop::Yield
        }
        _ => Stop::Wait,
    }
}

#[test]
fn a_timer_started_after_the_role_was_given_away_fires_while_all_schedulers_are_idle() {
    let e = engine(1);
    spawn("delayer", &[]).start(&e).unwrap();
    let late = {
        let e = e.clone();
        std::thread::spawn(move || {
            std::thread::park_timeout(Duration::from_secs(30));
            e.sched.halt(1, false);
        })
    };
    e.start(Box::new(Bodies(&[("delayer", delayer), ("waiter", waiter)])));
    assert_eq!(e.wait().status(), 7);
    late.thread().unpark();
    late.join().unwrap();
}

static MARKS: AtomicU32 = AtomicU32::new(0);

fn marker(_: &mut Ctx<'_>) -> Stop {
    MARKS.fetch_add(1, Ordering::SeqCst);
    Stop::Exited(Term::atom(Atom::NORMAL))
}

fn urgent(e: &Arc<Engine>, function: &str) {
    let p = spawn(function, &[]).create(e).unwrap();
    p.set_priority(Priority::Max);
    e.sched.enqueue(p);
}

/// Holds its scheduler up; halts with 0 if one of its own priority runs meanwhile, and one of normal priority did not.
fn urgent_holder(ctx: &mut Ctx<'_>) -> Stop {
    spawn("marker", &[]).start(ctx.engine).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let waited = MARKS.load(Ordering::SeqCst) == 0;
    urgent(ctx.engine, "marker");
    while MARKS.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    ctx.engine.sched.halt(i32::from(!waited), false);
    Stop::Yield
}

#[test]
fn a_process_of_normal_priority_does_not_run_while_one_of_priority_max_holds_the_scheduler_up() {
    let e = engine(1);
    urgent(&e, "urgent_holder");
    e.start(Box::new(Bodies(&[("urgent_holder", urgent_holder), ("marker", marker)])));
    assert_eq!(e.wait().status(), 0);
}

static HELD: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

/// A native that lasts.
fn held(ctx: &mut Ctx<'_>) -> Stop {
    ctx.engine.sched.halt(5, true);
    while HELD.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    Stop::Wait
}

#[test]
fn a_halted_engine_does_not_wait_for_a_slice_that_lasts() {
    assert_eq!(run(2, &[("held", held)], |e| drop(spawn("held", &[]).start(e))), 5);
    HELD.store(false, Ordering::Release);
}
