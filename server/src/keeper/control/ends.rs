//! How children end: seen, their output moved, recorded, reaped, told; in this order.

use super::runs::Phase;
use super::upgrade::Upgrade;
use super::{Command, Control, RETRY_NS, RUN_BIT, note};
use crate::keeper::protocol::Event;
use crate::sys::pidfd::{peek_any_ended, reap_pid};
use crate::sys::spool::ExitRecord;
use crate::sys::{clock, procfs};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

/// A process that was left to another parent is reaped by it in so long, or how it ended is given up.
const REAPED_WITHIN_NS: u64 = 5_000_000_000;

impl Control {
    /// A pidfd is readable: the root of a run has ended. Its zombie keeps the pid until all of
    /// this is recorded. `is_late`: nobody will tell how.
    pub(super) fn see_end(&mut self, key: u64, is_late: bool) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Phase::Alive(pidfd) = &run.phase else { return };
        let seen = pidfd.peek_end();
        let is_child = matches!(seen, Ok(Some(_)));
        let ended = match seen {
            Ok(Some(ended)) => Some(ended),
            Ok(None) => return,
            // An earlier keeper started it. How it ended is told as long as nobody has reaped it, and
            // by newer kernels also afterwards.
            Err(_) => match procfs::end_of_zombie(run.pid, run.starttime) {
                Some(ended) => Some(ended),
                None => match pidfd.end_of_stranger() {
                    Ok(Some(ended)) => Some(ended),
                    Ok(None) if !is_late => return self.wait_for_reaping(key),
                    Ok(None) | Err(_) => None,
                },
            },
        };
        if let Err(error) = self.epoll.remove(pidfd.as_fd()) {
            note(&format!("cannot stop watching {}: {error}", run.name));
        }
        self.unreaped.retain(|(other, _)| *other != key);
        let ended_at_ms = clock::realtime_ms();
        let before = std::mem::replace(&mut run.phase, Phase::Leaving);
        let pidfd = match before {
            Phase::Alive(pidfd) if is_child => Some(pidfd),
            _ => None,
        };
        run.phase = Phase::Ending { pidfd, ended, ended_at_ms };
        self.see_pipes(key);
        // Somebody else has them open: what they write is moved from now on.
        self.pass_on(key);
        let Some(run) = self.runs.get(&key) else { return };
        if run.progress.closed.load(Ordering::Acquire) {
            // Nothing is left to be moved.
            return self.record_end(key);
        }
        let mover = run.mover;
        self.tell_mover(mover, Command::Drain(key));
    }

    /// A zombie of somebody else's: its pidfd hangs up when it is reaped.
    fn wait_for_reaping(&mut self, key: u64) {
        let Some(run) = self.runs.get(&key) else { return };
        let Phase::Alive(pidfd) = &run.phase else { return };
        if let Err(error) = self.epoll.modify(pidfd.as_fd(), key | RUN_BIT, 0) {
            note(&format!("the end of {} cannot be awaited: {error}", run.name));
            return self.see_end(key, true);
        }
        self.unreaped.push((key, clock::boottime_ns() + REAPED_WITHIN_NS));
    }

    /// Gives up on the zombies that nobody reaps.
    pub(super) fn settle_unreaped(&mut self) {
        let now_ns = clock::boottime_ns();
        let late: Vec<u64> = {
            let is_late = |(_, until_ns): &&(u64, u64)| *until_ns <= now_ns;
            self.unreaped.iter().filter(is_late).map(|(key, _)| *key).collect()
        };
        self.unreaped.retain(|(_, until_ns)| *until_ns > now_ns);
        for key in late {
            self.see_end(key, true);
        }
    }

    /// All that the root has written is in the spool.
    pub(super) fn record_end(&mut self, key: u64) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Phase::Ending { pidfd, ended, ended_at_ms } = &run.phase else { return };
        // First, for it is written last.
        let streams_closed = run.progress.closed.load(Ordering::Acquire);
        let mut exit = ExitRecord {
            ended_at_ms: *ended_at_ms,
            out_off: run.progress.out_off.load(Ordering::Relaxed),
            err_off: run.progress.err_off.load(Ordering::Relaxed),
            idx_off: run.progress.idx_off.load(Ordering::Relaxed),
            streams_closed,
            ..ExitRecord::default()
        };
        if let Some(ended) = ended {
            exit = ExitRecord {
                exit_code: ended.exit_code,
                signal: ended.signal,
                core_dumped: ended.core_dumped,
                user_us: ended.user_us,
                system_us: ended.system_us,
                max_rss_bytes: ended.max_rss_bytes,
                ..exit
            };
        }
        if let Err(error) =
            self.ground.files.file(&run.name).and_then(|file| file.write_exit(&exit))
        {
            // It is known here; only a keeper that dies before the disk works again forgets it.
            note(&format!("cannot write the end of {}, trying again: {error}", run.name));
            self.unwritten.push(key);
        }
        if let Some(pidfd) = pidfd
            && let Err(error) = pidfd.reap()
        {
            note(&format!("cannot reap {}: {error}", run.name));
        }
        run.phase = Phase::Ended(exit);
        if run.forget {
            self.forget(key);
        } else {
            self.tell_end(key);
        }
        // While it was a zombie it stood in front of those that are nobody's.
        self.reap_orphans();
    }

    /// Tells the server of every end that it has not stored; of all of them (`again`) when it is
    /// new.
    pub(super) fn tell_ends(&mut self, again: bool) {
        let keys: Vec<u64> = self.runs.keys().copied().collect();
        for key in keys {
            if again && let Some(run) = self.runs.get_mut(&key) {
                run.is_end_told = false;
            }
            self.tell_end(key);
        }
    }

    fn tell_end(&mut self, key: u64) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        if let Phase::Ended(exit) = &run.phase
            && !run.is_end_told
        {
            let event = Event::Exited { run: run.name.clone(), exit: exit.clone() };
            run.is_end_told = self.outbox.tell(&event);
        }
    }

    pub(super) fn retry_writing_ends(&mut self) {
        let now_ns = clock::boottime_ns();
        if self.unwritten.is_empty() || now_ns < self.write_at_ns {
            return;
        }
        self.write_at_ns = now_ns + RETRY_NS;
        let (files, runs) = (&self.ground.files, &self.runs);
        self.unwritten.retain(|key| {
            let Some(run) = runs.get(key) else { return false };
            let Phase::Ended(exit) = &run.phase else { return false };
            files.file(&run.name).and_then(|file| file.write_exit(exit)).is_err()
        });
    }

    /// Reaps the processes that were left by their parents, and are now this one's children. The
    /// roots of runs are not touched: they have their own way.
    pub(super) fn reap_orphans(&mut self) {
        // A root that was started this moment is not known to be one yet.
        if !self.starting.is_empty() {
            return;
        }
        while let Ok(Some(pid)) = peek_any_ended() {
            let is_root = self.runs.values().any(|run| {
                let holds = match &run.phase {
                    Phase::Alive(_) => true,
                    Phase::Ending { pidfd, .. } => pidfd.is_some(),
                    Phase::Ended(_) | Phase::Leaving => false,
                };
                holds && run.pid == pid
            });
            let is_trial = self.upgrade.as_ref().and_then(Upgrade::trial_pid) == Some(pid);
            // A root comes first here until it is reaped; then this is called again.
            if is_root || is_trial || reap_pid(pid).is_err() {
                return;
            }
        }
    }
}
