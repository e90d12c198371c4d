//! A panic inside a native ends the process that called it, and nothing else.
//!
//! Every native is replaced by one that panics now and then, before or after the real one did its work, in processes
//! that have asked for it by a key in their dictionaries. `tests/faults/supervision.exs` lets a supervision tree work
//! that way and checks what must go on meanwhile.

use purlin::args::Place;
use purlin::elixir::{self, Surroundings, Tool};
use purlin::{CommandLine, Config, Elixir, Otp, boot};
use purlin_term::{Atom, Term};
use purlin_vm::{Ctx, Native, NativeResult};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// One call in so many panics.
const ONE_IN: u32 = 200;
const INJECTED: &str = "injected";

static ORIGINALS: OnceLock<Vec<Native>> = OnceLock::new();
static PANICS: AtomicU32 = AtomicU32::new(0);

fn faulty<const I: usize>(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let original = &ORIGINALS.get().expect("set before the engine is made")[I];
    let asked = ctx.data.dictionary_if_any().is_some_and(|d| d.get(Term::atom(Atom::new("purlin_faults"))).is_some());
    if !asked {
        return (original.body)(ctx, args);
    }
    let dice = random() % (2 * ONE_IN);
    if dice == 0 {
        fail();
    }
    let result = (original.body)(ctx, args);
    if dice == 1 {
        fail();
    }
    result
}

fn fail() {
    PANICS.fetch_add(1, Ordering::Relaxed);
    panic!("{INJECTED}");
}

/// A number that differs from call to call.
fn random() -> u32 {
    static STATE: AtomicU32 = AtomicU32::new(1);
    let x = STATE.fetch_add(0x9e37_79b9, Ordering::Relaxed);
    let x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    let x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

macro_rules! ten {
    ($at:expr) => {
        [
            faulty::<{ $at }>,
            faulty::<{ $at + 1 }>,
            faulty::<{ $at + 2 }>,
            faulty::<{ $at + 3 }>,
            faulty::<{ $at + 4 }>,
            faulty::<{ $at + 5 }>,
            faulty::<{ $at + 6 }>,
            faulty::<{ $at + 7 }>,
            faulty::<{ $at + 8 }>,
            faulty::<{ $at + 9 }>,
        ]
    };
}

macro_rules! hundred {
    ($at:expr) => {
        [
            ten!($at),
            ten!($at + 10),
            ten!($at + 20),
            ten!($at + 30),
            ten!($at + 40),
            ten!($at + 50),
            ten!($at + 60),
            ten!($at + 70),
            ten!($at + 80),
            ten!($at + 90),
        ]
    };
}

/// A faulty stand-in for every native.
fn stand_ins() -> Vec<Native> {
    let bodies: [[[purlin_vm::native::NativeFn; 10]; 10]; 8] = [
        hundred!(0),
        hundred!(100),
        hundred!(200),
        hundred!(300),
        hundred!(400),
        hundred!(500),
        hundred!(600),
        hundred!(700),
    ];
    let bodies = bodies.as_flattened().as_flattened();
    let all: Vec<Native> = purlin_natives::tables().into_iter().flatten().copied().collect();
    assert!(all.len() <= bodies.len(), "{} natives need more stand-ins", all.len());
    let natives = all.iter().zip(bodies).map(|(&n, &body)| Native { body, ..n }).collect();
    ORIGINALS.get_or_init(|| all);
    natives
}

#[test]
fn a_supervision_tree_outlives_panics_in_its_workers_natives() {
    let (Ok(otp), Ok(elixir)) = (Otp::find(None), Elixir::find(None)) else {
        panic!("needs OTP and Elixir: scripts/setup");
    };
    let natives = stand_ins();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<String>().is_none_or(|s| s != INJECTED) {
            usual(info);
        }
    }));
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/faults/supervision.exs");
    let args = elixir::erl_args(&elixir, Tool::Elixir, &[program.into()], &Surroundings::default());
    let (root, bindir) = (otp.root.display().to_string(), otp.bindir.display().to_string());
    let place = Place { root: &root, bindir: &bindir, progname: "erl", release: otp.release, processors: 4 };
    let line = CommandLine::parse(&args, &place, |_| None).expect("a command line");
    let config = Config { schedulers: 4, ..Config::from_env().unwrap() };
    let engine = boot::start_with(&otp, &line, config, &natives).expect("boots");
    assert_eq!(engine.wait().status(), 0, "the program says on its standard error what broke");
    let panics = PANICS.load(Ordering::Relaxed);
    assert!(panics >= 200, "{panics} panics are too few to tell");
}
