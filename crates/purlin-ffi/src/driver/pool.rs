//! Threads for work of drivers that takes time (`driver_async`).

use super::port::{Handle, Port, find};
use crate::both::exported;
use parking_lot::{Condvar, Mutex};
use purlin_natives::drivers::Use;
use std::collections::VecDeque;
use std::ffi::{c_long, c_uint, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

type Work = unsafe extern "C-unwind" fn(*mut c_void);

exported! {
    /// Has work done by a thread; what has the same key is done in order. A number of the work, or -1.
    driver_async: fn(
        port: Handle, key: *mut c_uint, work: Work, data: *mut c_void, free: Option<Work>
    ) -> c_long = start;
    /// The key of a port.
    driver_async_port_key: fn(port: Handle) -> c_uint = port_key;
}

struct Job {
    port: Arc<Port>,
    work: Work,
    data: *mut c_void,
    free: Option<Work>,
    /// The library stays while its work is done.
    _using: Use,
}

// SAFETY: C, the data goes to the thread with the work.
unsafe impl Send for Job {}

#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    more: Condvar,
}

/// The threads' queues: `+A` says how many there are.
static QUEUES: OnceLock<Vec<Arc<Queue>>> = OnceLock::new();
static STARTED: AtomicUsize = AtomicUsize::new(0);

fn queues(port: &Port) -> &'static [Arc<Queue>] {
    QUEUES.get_or_init(|| {
        let count = port.engine().map_or(1, |e| e.config.settings.async_threads).max(1);
        (0..count).filter_map(thread).collect()
    })
}

fn thread(number: usize) -> Option<Arc<Queue>> {
    let queue: Arc<Queue> = Arc::default();
    let mine = queue.clone();
    let body = move || loop {
        let mut jobs = mine.jobs.lock();
        let job = loop {
            match jobs.pop_front() {
                Some(job) => break job,
                None => mine.more.wait(&mut jobs),
            }
        };
        drop(jobs);
        run(job);
    };
    std::thread::Builder::new().name(format!("async_{}", number + 1)).spawn(body).ok()?;
    Some(queue)
}

/// Does the work, and tells the driver or frees the data.
fn run(job: Job) {
    // SAFETY: C
    unsafe { (job.work)(job.data) };
    let ready = job.port.driver.entry().ready_async;
    let told = ready.and_then(|ready| {
        // SAFETY: C, with the port's lock.
        job.port.call(None, |data| unsafe { ready(data, job.data) })
    });
    if let (None, Some(free)) = (told, job.free) {
        // SAFETY: C, nobody else has the data.
        unsafe { free(job.data) };
    }
}

unsafe fn start(port: Handle, key: *mut c_uint, work: Work, data: *mut c_void, free: Option<Work>) -> c_long {
    let Some(port) = find(port) else { return -1 };
    let Some(using) = port.library() else { return -1 };
    let queues = queues(&port);
    if queues.is_empty() {
        return -1;
    }
    let id = STARTED.fetch_add(1, Ordering::Relaxed);
    let at = if key.is_null() {
        id % queues.len()
    } else {
        // SAFETY: C, there is a key, which says the thread from now on.
        unsafe {
            *key %= queues.len() as c_uint;
            *key as usize
        }
    };
    queues[at].jobs.lock().push_back(Job { port, work, data, free, _using: using });
    queues[at].more.notify_one();
    id as c_long
}

unsafe fn port_key(port: Handle) -> c_uint {
    find(port).map_or(c_uint::MAX, |port| port.id as c_uint)
}
