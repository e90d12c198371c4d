//! System tasks that wait to be done by one process. They are done by priority, not in the order of signals: after
//! eight of normal priority one of low has its turn, as on the BEAM.

use crate::process::Priority;
use std::collections::VecDeque;

/// Tasks of normal priority that are done while one of low priority waits.
const NORMAL_TURNS: u8 = 8;

/// Tasks by priority.
pub(crate) struct Tasks<T> {
    queues: [VecDeque<T>; 4],
    /// Tasks of normal priority done since one of low priority waits.
    normal_turns: u8,
}

impl<T> Default for Tasks<T> {
    fn default() -> Tasks<T> {
        Tasks { queues: Default::default(), normal_turns: 0 }
    }
}

impl<T> Tasks<T> {
    pub fn push(&mut self, priority: Priority, task: T) {
        self.queues[priority as usize].push_back(task);
    }

    /// The highest priority of those that wait.
    pub fn priority(&self) -> Option<Priority> {
        [Priority::Max, Priority::High, Priority::Normal, Priority::Low]
            .into_iter()
            .find(|&p| !self.queues[p as usize].is_empty())
    }

    /// Takes out the task whose turn it is.
    pub fn take(&mut self) -> Option<T> {
        let mut priority = self.priority()?;
        if priority == Priority::Normal && !self.queues[Priority::Low as usize].is_empty() {
            self.normal_turns += 1;
            if self.normal_turns > NORMAL_TURNS {
                self.normal_turns = 0;
                priority = Priority::Low;
            }
        }
        self.queues[priority as usize].pop_front()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn eight_normal_tasks_are_done_for_one_of_low_priority() {
        let mut tasks = Tasks::default();
        for i in 0..20 {
            tasks.push(Priority::Low, 100 + i);
            tasks.push(Priority::Normal, i);
        }
        tasks.push(Priority::High, 50);
        tasks.push(Priority::Max, 60);
        let done: Vec<i32> = std::iter::from_fn(|| tasks.take()).collect();
        let first: Vec<i32> = [60, 50].into_iter().chain(0..8).chain([100]).chain(8..16).chain([101]).collect();
        assert_eq!(done[..first.len()], first);
        assert_eq!(done.len(), 42);
        assert_eq!(tasks.priority(), None);
    }
}
