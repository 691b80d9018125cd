//! Control groups of runs that are forgotten. To remove one costs the kernel as much as to make it, and
//! nobody waits for it: it is done when no run was forgotten for a while.

use super::Control;
use crate::sys::clock;

/// So long nothing was forgotten.
const QUIET_NS: u64 = 100_000_000;
/// More are not left lying about.
const MOST: usize = 256;

/// What is left of runs that are forgotten.
#[derive(Debug, Default)]
pub(super) struct Remains {
    runs: Vec<String>,
    due_ns: u64,
}

impl Remains {
    /// When they are to be removed, if there are any.
    pub(super) fn due_ns(&self) -> Option<u64> {
        (!self.runs.is_empty()).then_some(self.due_ns)
    }
}

impl Control {
    /// Leaves the group of a run for later.
    pub(super) fn leave_group(&mut self, run: String) {
        self.remains.runs.push(run);
        self.remains.due_ns = clock::boottime_ns() + QUIET_NS;
        if self.remains.runs.len() >= MOST {
            self.remove_groups();
        }
    }

    /// Removes what was left, when it is quiet.
    pub(super) fn tidy_up(&mut self) {
        if self.remains.due_ns().is_some_and(|due_ns| due_ns <= clock::boottime_ns()) {
            self.remove_groups();
        }
    }

    fn remove_groups(&mut self) {
        for run in self.remains.runs.drain(..) {
            self.ground.leaves.remove(&run);
        }
    }
}
