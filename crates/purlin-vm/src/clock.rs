//! The clock: the only door through which time comes in, so that a run can be given a virtual one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Erlang monotonic time at the start of an engine, in nanoseconds.
pub const START: i64 = -576_460_752_000_000_000;

/// Erlang monotonic time, in nanoseconds.
pub type Time = i64;

/// One engine's clock.
pub enum Clock {
    /// The operating system's, and what its monotonic clock said at the start.
    Real { start: i64 },
    /// One that stands still until it is moved.
    Virtual { now: AtomicI64, system_offset: i64 },
}

impl Clock {
    pub fn real() -> Clock {
        Clock::Real { start: nanoseconds(libc::CLOCK_MONOTONIC) }
    }

    /// A clock that starts at this system time (nanoseconds since 1970).
    pub fn virtual_from(system: i64) -> Clock {
        Clock::Virtual { now: AtomicI64::new(START), system_offset: system - START }
    }

    /// Erlang monotonic time.
    #[inline]
    pub fn now(&self) -> Time {
        match self {
            Clock::Real { start } => START + (nanoseconds(libc::CLOCK_MONOTONIC) - start),
            Clock::Virtual { now, .. } => now.load(Ordering::Acquire),
        }
    }

    /// System time, in nanoseconds since 1970.
    pub fn system(&self) -> i64 {
        match self {
            Clock::Real { .. } => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(d) => d.as_nanos() as i64,
                Err(e) => -(e.duration().as_nanos() as i64),
            },
            Clock::Virtual { system_offset, .. } => self.now() + system_offset,
        }
    }

    /// Moves a virtual clock forward to `t`; a real clock moves by itself.
    pub fn advance_to(&self, t: Time) {
        if let Clock::Virtual { now, .. } = self {
            now.fetch_max(t, Ordering::AcqRel);
        }
    }

    /// Whether time passes only when the engine moves it.
    pub fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual { .. })
    }

    /// How long a thread may sleep until `t`.
    pub fn until(&self, t: Time) -> Duration {
        Duration::from_nanos(t.saturating_sub(self.now()).max(0) as u64)
    }
}

/// A clock of the processor time that one thread has used, which all threads may read.
pub(crate) struct ThreadClock(pub libc::clockid_t);

impl ThreadClock {
    /// The calling thread's.
    pub fn mine() -> ThreadClock {
        let mut id = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: the call writes to the place it is given, and to nothing else.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        ThreadClock(id)
    }

    /// Nanoseconds; 0 if the thread has ended.
    pub fn now(self) -> i64 {
        nanoseconds(self.0)
    }
}

/// Processor time of the calling thread, in nanoseconds.
pub fn thread_cpu_nanoseconds() -> i64 {
    nanoseconds(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// What a clock of the operating system says.
#[inline]
/// Milliseconds of processor time that the program has used outside of the system.
pub fn user_time() -> i64 {
    // SAFETY: a usage of zeros is a usage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a place for a usage.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000
}

fn nanoseconds(clock: libc::clockid_t) -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to the structure it is given, and to nothing else.
    unsafe { libc::clock_gettime(clock, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}
