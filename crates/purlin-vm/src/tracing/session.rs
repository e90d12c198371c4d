//! Sessions of tracing: each has its own tracees, patterns and tracer, and knows nothing of the others. One is always there
//! and serves `erlang:trace/3` and its like; the others are made and destroyed by `trace` (since OTP 27).
//!
//! Processes and breakpoints name sessions by their numbers, so that what a destroyed session has left anywhere tells
//! nobody of anything until it is taken away.

use super::{EventPattern, SessionId, Tracing, points};
use crate::engine::Engine;
use parking_lot::{Mutex, RwLock};
use purlin_term::{Atom, Immediate, Term};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// One session.
pub struct Session {
    pub id: SessionId,
    pub name: Atom,
    tracer: Option<Immediate>,
    alive: AtomicBool,
    pub send: RwLock<EventPattern>,
    pub receive: RwLock<EventPattern>,
    pub on_load: Mutex<points::OnLoad>,
}

impl Session {
    fn new(id: SessionId, name: Atom, tracer: Option<Immediate>) -> Session {
        Session {
            id,
            name,
            tracer,
            alive: AtomicBool::new(true),
            send: RwLock::default(),
            receive: RwLock::default(),
            on_load: Mutex::default(),
        }
    }

    /// Who is told; none: whom `{tracer, Who}` or the caller names each time.
    pub fn tracer(&self) -> Option<Term> {
        self.tracer.map(Immediate::term)
    }

    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// The session tells nobody of anything any more; whether it did until now. [`clean_up`] has to follow.
    pub fn end(&self) -> bool {
        self.alive.swap(false, Ordering::AcqRel)
    }
}

/// All sessions of an engine.
pub struct Sessions {
    pub legacy: Arc<Session>,
    /// The others, the newest first.
    dynamic: RwLock<Vec<Arc<Session>>>,
    /// The number of the last one.
    last: AtomicU32,
    /// Those that have ended because nobody refers to them any more.
    ended: Mutex<Vec<Arc<Session>>>,
    /// The process that cleans up after them.
    cleaner: OnceLock<Immediate>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions {
            legacy: Arc::new(Session::new(SessionId::LEGACY, Atom::new("legacy"), None)),
            dynamic: RwLock::default(),
            last: AtomicU32::new(0),
            ended: Mutex::default(),
            cleaner: OnceLock::new(),
        }
    }
}

impl Sessions {
    pub fn create(&self, name: Atom, tracer: Option<Immediate>) -> Arc<Session> {
        let id = SessionId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let session = Arc::new(Session::new(id, name, tracer));
        self.dynamic.write().insert(0, session.clone());
        session
    }

    /// All sessions that have not ended: the legacy one, then the others, the newest first.
    pub fn all(&self) -> Vec<Arc<Session>> {
        let dynamic = self.dynamic.read();
        std::iter::once(&self.legacy).chain(dynamic.iter()).filter(|s| s.is_alive()).cloned().collect()
    }

    /// The process that cleans up after sessions that have ended by themselves.
    pub fn cleaner(&self) -> Option<Term> {
        self.cleaner.get().map(|p| p.term())
    }

    /// Sets that process, once.
    pub fn set_cleaner(&self, pid: Immediate) {
        // The first one stays.
        let _ = self.cleaner.set(pid);
    }

    /// Notes that a session has to be cleaned up, which the caller cannot do where it is.
    pub fn to_clean_up(&self, session: Arc<Session>) {
        self.ended.lock().push(session);
    }

    /// Those that wait to be cleaned up.
    pub fn take_ended(&self) -> Vec<Arc<Session>> {
        std::mem::take(&mut *self.ended.lock())
    }
}

impl Tracing {
    /// A session that has not ended.
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        if id == SessionId::LEGACY {
            return Some(self.sessions.legacy.clone());
        }
        self.sessions.dynamic.read().iter().find(|s| s.id == id && s.is_alive()).cloned()
    }

    pub fn is_alive(&self, id: SessionId) -> bool {
        id == SessionId::LEGACY || self.sessions.dynamic.read().iter().any(|s| s.id == id && s.is_alive())
    }

    /// Finds out whether messages have to note their senders.
    pub fn look_at_receive_patterns(&self) {
        let looks = |s: &Arc<Session>| {
            let pattern = s.receive.read();
            pattern.on && pattern.spec.is_some()
        };
        self.record_senders.store(self.sessions.all().iter().any(looks), Ordering::Relaxed);
    }
}

/// Takes away what a session that has ended traced of processes and functions.
pub fn clean_up(engine: &Engine, session: &Session) {
    debug_assert!(!session.is_alive());
    let tracing = &engine.tracing;
    let _control = tracing.control.lock();
    tracing.sessions.dynamic.write().retain(|s| s.id != session.id);
    tracing.new_processes.forget(session.id);
    tracing.new_ports.forget(session.id);
    for process in engine.processes.all() {
        process.trace.forget(session.id);
    }
    points::clear_session(&engine.code, session.id);
    tracing.monitor.set(session.id, None);
    tracing.look_at_receive_patterns();
}
