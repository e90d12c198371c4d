//! How long each thread that runs Erlang code was active: the schedulers, then the threads of the pool, which count
//! as OTP's dirty schedulers. It is always measured; what is told are the times since it was switched on.

use crate::clock::Time;
use parking_lot::Mutex;

/// The times of all threads of an engine.
pub struct WallTime {
    threads: Vec<Mutex<Spent>>,
    /// When telling was switched on, and how long each thread had been active then.
    base: Mutex<Option<(Time, Vec<Time>)>>,
}

#[derive(Default)]
struct Spent {
    active: Time,
    /// When the thread became active, while it is.
    since: Option<Time>,
}

impl Spent {
    fn until(&self, now: Time) -> Time {
        self.active + self.since.map_or(0, |s| (now - s).max(0))
    }
}

impl WallTime {
    pub fn new(threads: usize) -> WallTime {
        WallTime { threads: (0..threads).map(|_| Mutex::default()).collect(), base: Mutex::new(None) }
    }

    /// Thread `i` has work from now on.
    pub fn begin(&self, i: usize, now: Time) {
        if let Some(t) = self.threads.get(i) {
            t.lock().since.get_or_insert(now);
        }
    }

    /// The first idle thread from `first` on has work from now on; which one that is, if any.
    pub fn begin_any(&self, first: usize, now: Time) -> Option<usize> {
        (first..self.threads.len()).find(|&i| {
            let mut t = self.threads[i].lock();
            t.since.is_none() && t.since.replace(now).is_none()
        })
    }

    /// Thread `i` has no work from now on.
    pub fn end(&self, i: usize, now: Time) {
        if let Some(t) = self.threads.get(i) {
            let mut t = t.lock();
            t.active = t.until(now);
            t.since = None;
        }
    }

    fn active(&self, now: Time) -> Vec<Time> {
        self.threads.iter().map(|t| t.lock().until(now)).collect()
    }

    /// Switches telling on or off; whether it was on. Times begin anew when it is switched on.
    pub fn switch(&self, on: bool, now: Time) -> bool {
        let mut base = self.base.lock();
        let was_on = base.is_some();
        if on != was_on {
            *base = on.then(|| (now, self.active(now)));
        }
        was_on
    }

    /// How long each thread was active since telling was switched on, and how long that is ago.
    pub fn told(&self, now: Time) -> Option<(Vec<Time>, Time)> {
        let base = self.base.lock();
        let (since, before) = base.as_ref()?;
        let active = self.active(now).iter().zip(before).map(|(a, b)| a - b).collect();
        Some((active, now - since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_the_switch_on_and_include_what_is_under_way() {
        let w = WallTime::new(2);
        w.begin(0, 100);
        assert_eq!(w.told(150), None);
        assert!(!w.switch(true, 200));
        w.begin(0, 210);
        w.begin(1, 220);
        w.end(1, 250);
        w.end(1, 260);
        assert_eq!(w.told(300), Some((vec![100, 30], 100)));
        w.end(0, 310);
        assert!(w.switch(true, 400));
        assert_eq!(w.told(500), Some((vec![110, 30], 300)));
        assert!(w.switch(false, 600));
        assert_eq!(w.told(700), None);
        w.begin(7, 800);
        w.begin(0, 800);
        assert_eq!(w.begin_any(0, 810), Some(1));
        assert_eq!(w.begin_any(0, 820), None);
    }
}
