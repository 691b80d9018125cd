//! Runs that have written nothing yet. Many never do: for those the control thread watches the pipes
//! beside the process, and sees all of them end in one turn. With the first byte a mover gets them.

use std::os::fd::AsFd;

use super::{Command, Control, PIPE_BIT, READABLE};
use crate::keeper::capture::Capture;

impl Control {
    /// Watches the pipes of a run that has just been started.
    pub(super) fn keep_silent(&mut self, key: u64, capture: Capture) {
        let watch = |pipe| self.epoll.add(pipe, key | PIPE_BIT, READABLE);
        let is_watched = capture.pipes().all(|pipe| watch(pipe.as_fd()).is_ok());
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.silent = Some(Box::new(capture));
        if !is_watched || self.is_void {
            // A mover knows what to do.
            self.pass_on(key);
        }
    }

    /// Something has happened to the pipes of a run: they may have ended, or there is a first byte.
    pub(super) fn see_pipes(&mut self, key: u64) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(capture) = &mut run.silent else { return };
        let is_silent = capture.end_silently();
        capture.close_ended(&self.epoll);
        if !is_silent {
            self.pass_on(key);
        } else if capture.is_closed() {
            run.silent = None;
        }
    }

    /// Gives the pipes of a run to its mover, unless that has them.
    pub(super) fn pass_on(&mut self, key: u64) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(capture) = run.silent.take() else { return };
        let mover = run.mover;
        capture.unwatch(&self.epoll);
        self.tell_mover(mover, Command::Add(capture));
    }

    /// The same for all runs.
    pub(super) fn pass_all_on(&mut self) {
        let silent = self.runs.iter().filter(|(_, run)| run.silent.is_some());
        let keys: Vec<u64> = silent.map(|(key, _)| *key).collect();
        for key in keys {
            self.pass_on(key);
        }
    }
}
