//! What libraries that are made with Rustler do, in short: terms both ways, resources, threads, dirty natives, panics.

use rustler::env::OwnedEnv;
use rustler::{Atom, Binary, Encoder, Env, Error, LocalPid, Monitor, NifResult, NifStruct, OwnedBinary, Resource, ResourceArc, Term};
use std::collections::HashMap;
use std::sync::Mutex;

mod atoms {
    rustler::atoms! { ok, counted, down, dropped }
}

#[derive(NifStruct)]
#[module = "RustProbe.Point"]
struct Point {
    x: i64,
    y: f64,
    names: Vec<String>,
}

struct Counter {
    value: Mutex<i64>,
    owner: LocalPid,
}

#[rustler::resource_impl]
impl Resource for Counter {
    const IMPLEMENTS_DOWN: bool = true;

    fn down<'a>(&'a self, env: Env<'a>, pid: LocalPid, _monitor: Monitor) {
        let _ = env.send(&self.owner, (atoms::down(), pid == self.owner));
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let (value, owner) = (*self.value.lock().unwrap(), self.owner);
        std::thread::spawn(move || {
            let _ = OwnedEnv::new().send_and_clear(&owner, |env| (atoms::dropped(), value).encode(env));
        });
    }
}

#[rustler::nif]
fn counter(env: Env, start: i64) -> ResourceArc<Counter> {
    ResourceArc::new(Counter { value: Mutex::new(start), owner: env.pid() })
}

#[rustler::nif]
fn add(counter: ResourceArc<Counter>, n: i64) -> i64 {
    let mut value = counter.value.lock().unwrap();
    *value += n;
    *value
}

#[rustler::nif]
fn watch(env: Env, counter: ResourceArc<Counter>, pid: LocalPid) -> bool {
    env.monitor(&counter, &pid).is_some()
}

#[rustler::nif]
fn mirror(point: Point) -> Point {
    Point { x: -point.x, y: point.y * 2.0, names: point.names.into_iter().rev().collect() }
}

#[rustler::nif]
fn swap(map: HashMap<String, i64>) -> Vec<(i64, String)> {
    let mut pairs: Vec<_> = map.into_iter().map(|(k, v)| (v, k)).collect();
    pairs.sort();
    pairs
}

#[rustler::nif]
fn reverse<'a>(env: Env<'a>, bytes: Binary<'a>) -> Binary<'a> {
    let mut out = OwnedBinary::new(bytes.len()).unwrap();
    for (to, from) in out.as_mut_slice().iter_mut().zip(bytes.iter().rev()) {
        *to = *from;
    }
    out.release(env)
}

#[rustler::nif(schedule = "DirtyCpu")]
fn sum_of_squares(n: u64) -> u128 {
    (1..=u128::from(n)).map(|i| i * i).sum()
}

#[rustler::nif(schedule = "DirtyIo")]
fn sleep(milliseconds: u64) -> Atom {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    atoms::ok()
}

#[rustler::nif]
fn count_in_thread(env: Env, n: u32) -> Atom {
    let pid = env.pid();
    std::thread::spawn(move || {
        let mut own = OwnedEnv::new();
        for i in 0..n {
            let _ = own.send_and_clear(&pid, |env| (atoms::counted(), i).encode(env));
        }
    });
    atoms::ok()
}

#[rustler::nif]
fn kind(term: Term) -> String {
    format!("{:?}", term.get_type())
}

#[rustler::nif]
fn fails(how: u32) -> NifResult<i64> {
    match how {
        0 => Err(Error::BadArg),
        1 => Err(Error::RaiseTerm(Box::new((atoms::down(), "why")))),
        2 => Err(Error::Term(Box::new(atoms::dropped()))),
        3 => panic!("a panic of the library"),
        n => Ok(n.into()),
    }
}

rustler::init!("Elixir.RustProbe");
