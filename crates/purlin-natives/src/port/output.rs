//! A port's output: a queue and the thread that writes it.

use parking_lot::{Condvar, Mutex};
use purlin_term::Immediate;
use purlin_vm::Engine;
use purlin_vm::signal::Signal;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

/// More queued bytes than this make further commands wait.
const BUSY: usize = 1 << 20;
/// Pieces are joined until they are so long.
const TOGETHER: usize = 1 << 16;

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    closed: bool,
    failed: bool,
    /// Who waits until commands need not wait any more.
    waiters: Vec<Immediate>,
    /// What is written is written at once: there is no other thread.
    direct: Option<Direct>,
}

/// Writes; what is to be called instead when that cannot be done any more.
type Direct = Box<dyn FnMut(&[u8]) -> Option<Failed> + Send>;
type Failed = Box<dyn FnOnce() + Send>;

/// The sending end.
#[derive(Clone)]
pub struct Output(Arc<(Mutex<Queue>, Condvar)>);

impl Output {
    /// Starts a thread that writes to `to`; `failed` is called once when that cannot be done any more.
    pub fn start(
        engine: &Arc<Engine>,
        mut to: impl Write + Send + 'static,
        failed: impl FnOnce(std::io::Error) + Send + 'static,
    ) -> Output {
        let output = Output(Arc::default());
        if engine.config.explores {
            let mut failed = Some(failed);
            output.0.0.lock().direct = Some(Box::new(move |bytes| {
                let error = to.write_all(bytes).and_then(|()| to.flush()).err()?;
                failed.take().map(|failed| -> Failed { Box::new(move || failed(error)) })
            }));
            return output;
        }
        let mine = output.clone();
        let engine = engine.clone();
        std::thread::spawn(move || {
            let (lock, changed) = &*mine.0;
            let mut q = lock.lock();
            loop {
                if let Some(mut chunk) = q.chunks.pop_front() {
                    // Small pieces go out together.
                    while chunk.len() < TOGETHER
                        && let Some(more) = q.chunks.pop_front()
                    {
                        chunk.extend_from_slice(&more);
                    }
                    q.bytes -= chunk.len();
                    q.writing = true;
                    drop(q);
                    let done = to.write_all(&chunk).and_then(|()| to.flush());
                    q = lock.lock();
                    q.writing = false;
                    changed.notify_all();
                    if q.bytes <= BUSY / 2 || done.is_err() {
                        wake(&engine, std::mem::take(&mut q.waiters));
                    }
                    if let Err(e) = done {
                        q.chunks.clear();
                        q.bytes = 0;
                        q.failed = true;
                        drop(q);
                        return failed(e);
                    }
                } else if q.closed {
                    return;
                } else {
                    changed.wait(&mut q);
                }
            }
        });
        output
    }

    /// Whether so much is queued that commands have to wait; `waiter` is then woken when they need not any more.
    pub fn is_busy(&self, waiter: Option<Immediate>) -> bool {
        let mut q = self.0.0.lock();
        let busy = q.bytes > BUSY && !q.failed;
        if let Some(waiter) = waiter.filter(|w| busy && !q.waiters.contains(w)) {
            q.waiters.push(waiter);
        }
        busy
    }

    /// Queues bytes.
    pub fn write(&self, bytes: Vec<u8>) {
        let mut q = self.0.0.lock();
        if !q.failed && !q.closed && !bytes.is_empty() {
            if let Some(write) = &mut q.direct {
                if let Some(failed) = write(&bytes) {
                    q.failed = true;
                    drop(q);
                    failed();
                }
                return;
            }
            q.bytes += bytes.len();
            q.chunks.push_back(bytes);
            self.0.1.notify_all();
        }
    }

    /// Bytes that wait.
    pub fn queued(&self) -> usize {
        self.0.0.lock().bytes
    }

    /// Lets the thread end when it has written what is queued.
    pub fn close(&self, engine: &Arc<Engine>) {
        let mut q = self.0.0.lock();
        q.closed = true;
        let waiters = std::mem::take(&mut q.waiters);
        drop(q);
        wake(engine, waiters);
        self.0.1.notify_all();
    }

    /// Whether nothing waits.
    pub fn is_idle(&self) -> bool {
        let q = self.0.0.lock();
        q.failed || (!q.writing && q.chunks.is_empty())
    }

    /// Waits until everything is written.
    pub fn flush(&self) {
        let mut q = self.0.0.lock();
        while !q.failed && (q.writing || !q.chunks.is_empty()) {
            self.0.1.wait(&mut q);
        }
    }
}

/// Lets processes look again at the port they wait for.
pub fn wake(engine: &Arc<Engine>, waiters: Vec<Immediate>) {
    for process in waiters {
        engine.post(process.term(), Signal::request(|_, _| {}));
    }
}
